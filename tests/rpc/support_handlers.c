#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
note(struct call *c, const char *event)
{
	struct pair *p = call_server(c);
	buf_printf(&p->log, "%d:%s ", call_handle(c).stream, event);
}

static void
on_start(struct call *c)
{
	struct pair *p = call_server(c);
	p->last = call_handle(c);
	note(c, "start");
}

static void
on_half_close(struct call *c)
{
	note(c, "half_close");
}

static void
on_closed(struct call *c)
{
	note(c, "closed");
}

static void
unary_message(struct call *c, struct slice message)
{
	note(c, "message");
	call_reply(c, message);
}

static void
hold_message(struct call *c, struct slice message)
{
	(void)message;
	note(c, "message");
}

static void
stream_message(struct call *c, struct slice message)
{
	(void)message;
	note(c, "message");
	call_send_headers(c);
}

static void
empty_message(struct call *c, struct slice message)
{
	(void)message;
	note(c, "message");
	call_finish(c, NULL);
}

struct upload {
	size_t bytes;
};

static void
upload_start(struct call *c)
{
	on_start(c);
	call_set_user(c, arena_alloc(call_arena(c), sizeof(struct upload)));
}

static void
upload_message(struct call *c, struct slice message)
{
	struct upload *u = call_user(c);
	note(c, "message");
	u->bytes += message.n;
}

static void
upload_half_close(struct call *c)
{
	struct upload *u = call_user(c);
	note(c, "half_close");
	call_reply(c, slice_of(arena_printf(call_arena(c), "%zu", u->bytes)));
}

static void
pausing_message(struct call *c, struct slice message)
{
	upload_message(c, message);
	call_pause(c);
}

struct download {
	unsigned left;
	size_t size;
	char *bytes;
};

static void
download_on(struct call *c)
{
	struct download *d = call_user(c);
	while (d->left > 0) {
		d->left--;
		memset(d->bytes, 'a' + (int)(d->left % 26), d->size);
		int rc = call_send(c, slice_make(d->bytes, d->size));
		if (rc == CALL_FULL)
			return;
		assert_int_equal(rc, 0);
	}
	call_finish(c, NULL);
}

static void
download_message(struct call *c, struct slice message)
{
	struct download *d = arena_alloc(call_arena(c), sizeof(*d));
	char text[64];
	note(c, "message");
	snprintf(text, sizeof(text), "%.*s", (int)message.n, message.p);
	if (sscanf(text, "%u %zu", &d->left, &d->size) != 2)
		d->left = 0;
	d->bytes = arena_alloc(call_arena(c), d->size);
	call_set_user(c, d);
	download_on(c);
}

static void
download_writable(struct call *c)
{
	note(c, "writable");
	if (call_user(c)) /* a test may have sent before the request came */
		download_on(c);
}

static void
chat_message(struct call *c, struct slice message)
{
	note(c, "message");
	call_send(c, message);
}

static void
chat_half_close(struct call *c)
{
	note(c, "half_close");
	call_finish(c, NULL);
}

static void
flood_message(struct call *c, struct slice message)
{
	static const char zeroes[65536];
	(void)message;
	note(c, "message");
	while (call_send(c, slice_make(zeroes, sizeof(zeroes))) >= 0)
		;
}

static void
fault_message(struct call *c, struct slice message)
{
	struct fault f;
	char *text = arena_dup_slice(call_arena(c), message);
	char *rest;
	note(c, "message");
	fault_clear(&f);
	int code = (int)strtol(text, &rest, 10);
	fault_set(&f, code, "%s", *rest ? rest + 1 : "");
	while (f.item_count < FAULT_ITEMS && code == ERR_INVALID_ARGUMENT)
		fault_add(&f, code, "a.field", "%s", rest);
	call_finish(c, &f);
}

static void
status_message(struct call *c, struct slice message)
{
	note(c, "message");
	call_finish_status(c, GRPC_ABORTED, message, message);
}

static void
metadata_message(struct call *c, struct slice message)
{
	struct slice value = call_metadata(c, arena_dup_slice(call_arena(c), message));
	note(c, "message");
	call_add_header(c, "x-echo", value);
	call_add_trailer(c, "x-echo-bin", value);
	call_reply(c, value);
}

static void
squeeze_message(struct call *c, struct slice message)
{
	note(c, "message");
	call_compression(c, CALL_COMPRESS_ALWAYS);
	call_reply(c, call_message_compressed(c) ? message : SLICE("sent plain"));
}

static void
mixed_message(struct call *c, struct slice message)
{
	char bytes[2000];
	(void)message;
	note(c, "message");
	memset(bytes, 'm', sizeof(bytes));
	for (unsigned i = 0; i < 3; i++) {
		call_compression(c, i == 1 ? CALL_COMPRESS_NEVER : CALL_COMPRESS_ALWAYS);
		call_send(c, slice_make(bytes, sizeof(bytes)));
	}
	call_finish(c, NULL);
}

#define HANDLER(name, start_fn, half_close_fn, writable_fn)                                         \
	static const struct call_handler name##_handler = {start_fn, name##_message, half_close_fn, \
							   writable_fn, on_closed}
HANDLER(unary, on_start, on_half_close, NULL);
HANDLER(hold, on_start, on_half_close, NULL);
HANDLER(stream, on_start, on_half_close, NULL);
HANDLER(empty, on_start, on_half_close, NULL);
HANDLER(upload, upload_start, upload_half_close, NULL);
HANDLER(pausing, upload_start, upload_half_close, NULL);
HANDLER(download, on_start, on_half_close, download_writable);
HANDLER(chat, on_start, chat_half_close, NULL);
HANDLER(flood, on_start, on_half_close, NULL);
HANDLER(fault, on_start, on_half_close, NULL);
HANDLER(status, on_start, on_half_close, NULL);
HANDLER(metadata, on_start, on_half_close, NULL);
HANDLER(squeeze, on_start, on_half_close, NULL);
HANDLER(mixed, on_start, on_half_close, NULL);

static const struct rpc_method served[] = {
	{"/t.T/Chat", true, true, NULL, &chat_handler, NULL, 0},
	{"/t.T/Checked", false, false, NULL, &unary_handler, NULL, 0},
	{"/t.T/Download", false, true, NULL, &download_handler, NULL, 0},
	{"/t.T/Empty", false, false, NULL, &empty_handler, NULL, 0},
	{"/t.T/Fault", false, false, NULL, &fault_handler, NULL, 0},
	{"/t.T/Flood", false, true, NULL, &flood_handler, NULL, 0},
	{"/t.T/Hold", false, false, NULL, &hold_handler, NULL, 0},
	{"/t.T/Metadata", false, false, NULL, &metadata_handler, NULL, 0},
	{"/t.T/Mixed", false, true, NULL, &mixed_handler, NULL, 0},
	{"/t.T/Pausing", true, false, NULL, &pausing_handler, NULL, 0},
	{"/t.T/Squeeze", false, false, NULL, &squeeze_handler, NULL, 0},
	{"/t.T/Status", false, false, NULL, &status_handler, NULL, 0},
	{"/t.T/Stream", false, true, NULL, &stream_handler, NULL, 0},
	{"/t.T/Unary", false, false, NULL, &unary_handler, NULL, 0},
	{"/t.T/Upload", true, false, NULL, &upload_handler, NULL, 0},
};

static int
render_healthz(void *server, struct buf *body)
{
	(void)server;
	buf_append_str(body, "healthy\n");
	return 200;
}

static int
render_metrics(void *server, struct buf *body)
{
	(void)server;
	for (unsigned i = 0; i < 50000; i++)
		buf_printf(body, "%09u\n", i);
	return 503;
}

static int
render_broken(void *server, struct buf *body)
{
	(void)server;
	buf_append_str(body, "half a page");
	return -1;
}

const struct rpc_page pair_pages[PAIR_PAGES] = {
	{"/healthz", "text/plain", render_healthz, 0},
	{"/metrics", "text/plain; version=0.0.4", render_metrics, 0},
	{"/local", "text/html", render_healthz, RPC_LOCAL},
	{"/broken", "text/html", render_broken, 0},
};

size_t
pair_methods(struct rpc_method dst[PAIR_METHODS])
{
	size_t n = sizeof(served) / sizeof(served[0]);
	memcpy(dst, served, sizeof(served));
	for (size_t i = 0; i < n; i++)
		if (strcmp(dst[i].path, "/t.T/Checked") == 0)
			dst[i].request = message_by_name(SLICE("zwy.v1.GetApplicationRequest"));
	return n;
}
