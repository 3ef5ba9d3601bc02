#include "interop_call.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

static void
keep(struct buf *to, const struct zwy_call *call, enum zwy_part part, const char *key)
{
	const struct zwy_metadata *m = zwy_call_metadata(call, part, key, NULL);
	if (m)
		buf_append(to, m->value, m->size);
}

static void
on_headers(void *ctx, struct zwy_call *call)
{
	struct course *c = ctx;
	c->headers++;
	keep(&c->initial, call, ZWY_HEADERS, INITIAL_KEY);
}

static void
on_message(void *ctx, struct zwy_call *call, struct zwy_bytes message)
{
	struct course *c = ctx;
	if (c->count < MESSAGES_MAX) {
		buf_append(&c->messages[c->count].bytes, message.data, message.size);
		c->messages[c->count].compressed = zwy_call_message_compressed(call);
	}
	c->count++;
}

static void
on_done(void *ctx, struct zwy_call *call, const struct zwy_error *error)
{
	struct course *c = ctx;
	keep(&c->trailing, call, ZWY_TRAILERS, TRAILING_KEY);
	c->error = *error;
	c->call = NULL;
	c->done++;
}

void
course_start(struct course *c, struct zwy_client *client, const char *path, struct zwy_bytes request,
	     const struct zwy_call_options *more)
{
	struct zwy_call_options o = ZWY_CALL_OPTIONS_INIT;
	if (more)
		o = *more;
	o.size = sizeof(o);
	o.wait_for_ready = true;
	o.headers = on_headers;
	o.message = on_message;
	o.done = on_done;
	o.ctx = c;
	*c = (struct course){.client = client};
	c->call = zwy_call_start(client, path, request, &o);
	if (!c->call) {
		perror("zwy_call_start");
		exit(2);
	}
}

void
course_send(struct course *c, struct buf *message)
{
	if (c->call)
		zwy_call_send(c->call, (struct zwy_bytes){message->n ? message->p : "", message->n});
	buf_release(message);
}

static void
turn(struct zwy_client *client)
{
	struct pollfd p = {.fd = zwy_client_fd(client), .events = POLLIN};
	poll(&p, 1, zwy_client_timeout(client));
	zwy_client_process(client);
}

void
course_await(struct course *c, size_t messages)
{
	while (!c->done && c->count < messages)
		turn(c->client);
}

void
course_finish(struct course *c)
{
	while (!c->done)
		turn(c->client);
}

void
course_end(struct course *c)
{
	if (c->call)
		zwy_call_cancel(c->call);
	for (size_t i = 0; i < MESSAGES_MAX; i++)
		buf_release(&c->messages[i].bytes);
	buf_release(&c->initial);
	buf_release(&c->trailing);
}
