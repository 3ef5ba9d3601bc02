#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unary {
	const struct zwy_call_options *options; /* the caller's */
	bool over;
	size_t messages;
	struct zwy_bytes message;
	struct zwy_error *error;
};

static void
on_message(void *ctx, struct zwy_call *call, struct zwy_bytes message)
{
	struct unary *u = ctx;
	(void)call;
	if (u->messages++ > 0)
		return;
	char *copy = malloc(message.size + 1);
	if (!copy)
		return;
	memcpy(copy, message.data, message.size);
	copy[message.size] = '\0';
	u->message = (struct zwy_bytes){copy, message.size};
}

static void
on_done(void *ctx, struct zwy_call *call, const struct zwy_error *error)
{
	struct unary *u = ctx;
	u->over = true;
	*u->error = *error;
	if (u->options->done)
		u->options->done(u->options->ctx, call, error);
}

static void
on_headers(void *ctx, struct zwy_call *call)
{
	struct unary *u = ctx;
	if (u->options->headers)
		u->options->headers(u->options->ctx, call);
}

static int
fail(struct zwy_error *error, int code, const char *text)
{
	struct fault f = {0};
	fault_set(&f, code, "%s", text);
	error_of_fault(error, &f);
	return -1;
}

static int
judge(struct unary *u)
{
	if (u->error->status != 0)
		return -1;
	int r = 0;
	if (u->messages != 1)
		r = fail(u->error, ERR_INTERNAL, "the answer does not consist of one message");
	else if (!u->message.data)
		r = fail(u->error, ERR_NO_MEMORY, "no memory for the answer");
	u->error->sent = true;
	return r;
}

int
zwy_unary(struct zwy_client *client, const char *path, struct zwy_bytes request,
	  const struct zwy_call_options *options, struct zwy_bytes *ret, struct zwy_error *error)
{
	struct zwy_error own;
	struct zwy_call_options given, o;
	struct unary u = {.options = &given, .error = error ? error : &own};
	if (options_of_call(&given, options) < 0)
		return fail(u.error, ERR_INVALID_ARGUMENT, "options that this version of libzwy cannot read");
	o = given;
	o.client_streaming = false;
	o.message = on_message;
	o.headers = on_headers;
	o.done = on_done;
	o.writable = NULL;
	o.ctx = &u;
	if (!zwy_call_start(client, path, request, &o))
		return errno == ENOMEM ? fail(u.error, ERR_NO_MEMORY, "no memory for the call")
				       : fail(u.error, ERR_INVALID_ARGUMENT,
					      "options that this version of libzwy cannot read");
	while (!u.over) {
		struct pollfd p = {.fd = client->epoll, .events = POLLIN};
		poll(&p, 1, zwy_client_timeout(client));
		zwy_client_process(client);
	}
	int r = judge(&u);
	if (r == 0 && ret)
		*ret = u.message;
	else
		free((void *)u.message.data);
	return r;
}
