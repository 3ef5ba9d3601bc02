/* A server for stock gRPC clients: generic methods over bytes, no records.
 *
 *   echo_server [certificate=FILE key=FILE [ca=FILE] [crl=FILE] [clients=optional|required]]
 *               [LIMIT=NUMBER]... TARGET...
 *
 * prints `listening TARGET` for each; SIGTERM drains and ends, SIGHUP reads the files again
 *
 *   /echo.Echo/Unary     its message back; metadata x-header and x-trailer-bin come back
 *                        as header and trailer
 *   /echo.Echo/Upload    the number of bytes, in decimal
 *   /echo.Echo/Download  "N SIZE": N messages of SIZE bytes
 *   /echo.Echo/Chat      each message back
 *   /echo.Echo/Fault     "CODE TEXT": fails so
 *   /echo.Echo/Sleep     never answers
 *   /echo.Echo/Later     its message back, on a later turn of the loop, found by its handle
 *   GET /hello, /failure     pages
 *   /echo.Echo/Peer      unix, tcp or tls, the uid, whether loopback, address, certificate's name */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/net.h"

struct server {
	uv_loop_t loop;
	struct net *net;
	uv_signal_t terminate, hangup;
	unsigned closed, sleeps;
};

static void
echo_unary(struct call *c, struct slice message)
{
	struct slice header = call_metadata(c, "x-header"), trailer = call_metadata(c, "x-trailer-bin");
	if (header.n)
		call_add_header(c, "x-header", header);
	if (trailer.n)
		call_add_trailer(c, "x-trailer-bin", trailer);
	call_reply(c, message);
}

static void
upload_start(struct call *c)
{
	call_set_user(c, arena_alloc(call_arena(c), sizeof(size_t)));
}

static void
upload_message(struct call *c, struct slice message)
{
	*(size_t *)call_user(c) += message.n;
}

static void
upload_half_close(struct call *c)
{
	call_reply(c, slice_of(arena_printf(call_arena(c), "%zu", *(size_t *)call_user(c))));
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
		if (call_send(c, slice_make(d->bytes, d->size)) != 0)
			return;
	}
	call_finish(c, NULL);
}

static void
download_message(struct call *c, struct slice message)
{
	struct download *d = arena_alloc(call_arena(c), sizeof(*d));
	if (sscanf(arena_dup_slice(call_arena(c), message), "%u %zu", &d->left, &d->size) != 2)
		d->left = 0;
	d->bytes = arena_alloc(call_arena(c), d->size);
	call_set_user(c, d);
	download_on(c);
}

static void
chat_message(struct call *c, struct slice message)
{
	if (call_send(c, message) == CALL_FULL)
		call_pause(c);
}

static void
chat_half_close(struct call *c)
{
	call_finish(c, NULL);
}

static void
fault_message(struct call *c, struct slice message)
{
	struct fault f;
	char *rest;
	fault_clear(&f);
	int code = (int)strtol(arena_dup_slice(call_arena(c), message), &rest, 10);
	fault_set(&f, code, "%s", *rest ? rest + 1 : "");
	call_finish(c, &f);
}

struct later {
	uv_timer_t timer;
	struct server *server;
	struct call_handle handle;
	struct buf message;
};

static void
later_freed(uv_handle_t *handle)
{
	struct later *l = handle->data;
	buf_release(&l->message);
	free(l);
}

static void
later_on(uv_timer_t *timer)
{
	struct later *l = timer->data;
	struct call *c = net_find(l->server->net, l->handle);
	if (c)
		call_reply(c, buf_slice(&l->message));
	uv_close((uv_handle_t *)timer, later_freed);
}

static void
later_message(struct call *c, struct slice message)
{
	struct later *l = calloc(1, sizeof(*l));
	l->server = call_server(c);
	l->handle = call_handle(c);
	l->timer.data = l;
	buf_append_slice(&l->message, message);
	uv_timer_init(&l->server->loop, &l->timer);
	uv_timer_start(&l->timer, later_on, 1, 0);
}

static void
peer_message(struct call *c, struct slice message)
{
	(void)message;
	const struct call_peer *p = call_peer(c);
	call_reply(c, slice_of(arena_printf(call_arena(c), "%s %u %d %s %s",
					    p->is_unix  ? "unix"
					    : p->is_tls ? "tls"
							: "tcp",
					    (unsigned)p->uid, p->is_loopback, p->address, p->certificate)));
}

static void
on_closed(struct call *c)
{
	struct server *s = call_server(c);
	s->closed++;
}

static const struct call_handler unary_handler = {.message = echo_unary, .closed = on_closed};
static const struct call_handler upload_handler = {upload_start, upload_message, upload_half_close, NULL,
						   on_closed};
static const struct call_handler download_handler = {.message = download_message,
						     .writable = download_on,
						     .closed = on_closed};
static const struct call_handler chat_handler = {NULL, chat_message, chat_half_close, call_resume, on_closed};
static const struct call_handler fault_handler = {.message = fault_message, .closed = on_closed};
static const struct call_handler sleep_handler = {.closed = on_closed};
static const struct call_handler later_handler = {.message = later_message, .closed = on_closed};
static const struct call_handler peer_handler = {.message = peer_message, .closed = on_closed};

static const struct rpc_method methods[] = {
	{"/echo.Echo/Chat", true, true, NULL, &chat_handler, NULL, 0},
	{"/echo.Echo/Download", false, true, NULL, &download_handler, NULL, 0},
	{"/echo.Echo/Fault", false, false, NULL, &fault_handler, NULL, 0},
	{"/echo.Echo/Later", false, false, NULL, &later_handler, NULL, 0},
	{"/echo.Echo/Peer", false, false, NULL, &peer_handler, NULL, 0},
	{"/echo.Echo/Sleep", false, false, NULL, &sleep_handler, NULL, 0},
	{"/echo.Echo/Unary", false, false, NULL, &unary_handler, NULL, 0},
	{"/echo.Echo/Upload", true, false, NULL, &upload_handler, NULL, 0},
};

static void
before_sleep(void *ctx)
{
	struct server *s = ctx;
	s->sleeps++;
}

static void
on_drained(void *ctx)
{
	struct server *s = ctx;
	net_close(s->net, NULL, NULL);
	uv_close((uv_handle_t *)&s->terminate, NULL);
	uv_close((uv_handle_t *)&s->hangup, NULL);
}

static void
on_terminate(uv_signal_t *handle, int number)
{
	struct server *s = handle->data;
	(void)number;
	net_drain(s->net, 2000, on_drained, s);
}

static void
on_hangup(uv_signal_t *handle, int number)
{
	struct server *s = handle->data;
	struct fault f = {0};
	(void)number;
	if (net_reload(s->net, &f) != 0)
		fprintf(stderr, "echo_server: %s\n", f.text);
}

static void
on_notice(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "echo_server: %s\n", text);
}

static bool
take_limit(struct net_config *config, const char *word)
{
	const struct {
		const char *key;
		int64_t *value;
	} limits[] = {
#define NET_LIMIT(name, default_value, unit, text) {#name "=", &config->limits.name},
#include "net/limits.def"
#undef NET_LIMIT
#define RPC_LIMIT(name, default_value, unit, text) {#name "=", &config->rpc.limits.name},
#include "rpc/limits.def"
#undef RPC_LIMIT
	};
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (strncmp(word, limits[i].key, strlen(limits[i].key)) == 0) {
			*limits[i].value = atoll(word + strlen(limits[i].key));
			return true;
		}
	return false;
}

/* False: not one of these. */
static bool
take_word(struct net_config *config, const char *word)
{
	struct net_tls *t = &config->tls;
	const struct {
		const char *key;
		const char **file;
	} files[] = {{"certificate=", &t->certificate},
		     {"key=", &t->key},
		     {"ca=", &t->client_ca},
		     {"crl=", &t->crl}};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (strncmp(word, files[i].key, strlen(files[i].key)) == 0) {
			*files[i].file = word + strlen(files[i].key);
			return true;
		}
	if (strcmp(word, "clients=optional") == 0)
		t->clients = NET_CLIENTS_OPTIONAL;
	else if (strcmp(word, "clients=required") == 0)
		t->clients = NET_CLIENTS_REQUIRED;
	else
		return take_limit(config, word);
	return true;
}

static int
render_hello(void *server, struct buf *body)
{
	(void)server;
	buf_append_str(body, "hello\n");
	return 200;
}

static int
render_failure(void *server, struct buf *body)
{
	(void)server;
	buf_append_str(body, "not now\n");
	return 503;
}

static const struct rpc_page pages[] = {
	{"/hello", "text/plain", render_hello, RPC_LOCAL},
	{"/failure", "text/plain", render_failure, 0},
};

static int
fail(struct server *s, const struct fault *f)
{
	fprintf(stderr, "echo_server: %s\n", f->text);
	net_close(s->net, NULL, NULL);
	uv_close((uv_handle_t *)&s->terminate, NULL);
	uv_close((uv_handle_t *)&s->hangup, NULL);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	uv_loop_close(&s->loop);
	return 1;
}

int
main(int argc, char **argv)
{
	struct server s = {0};
	struct fault f = {0};
	struct net_config config = {.before_sleep = before_sleep, .notice = on_notice, .ctx = &s};
	config.rpc.methods = methods;
	config.rpc.method_count = sizeof(methods) / sizeof(methods[0]);
	config.rpc.pages = pages;
	config.rpc.page_count = sizeof(pages) / sizeof(pages[0]);
	config.rpc.server = &s;
	rpc_limits_default(&config.rpc.limits);
	net_limits_default(&config.limits);
	uv_loop_init(&s.loop);
	uv_signal_init(&s.loop, &s.terminate);
	uv_signal_init(&s.loop, &s.hangup);
	s.terminate.data = s.hangup.data = &s;
	uv_signal_start(&s.hangup, on_hangup, SIGHUP);
	uv_signal_start(&s.terminate, on_terminate, SIGTERM);
	int first = 1;
	while (first < argc && take_word(&config, argv[first]))
		first++;
	if (net_open(&s.net, &s.loop, &config, &f) != 0)
		return fail(&s, &f);
	for (int i = first; i < argc; i++) {
		char target[NET_TARGET_MAX];
		if (net_listen(s.net, argv[i], target, &f) != 0)
			return fail(&s, &f);
		printf("listening %s\n", target);
	}
	fflush(stdout);
	uv_run(&s.loop, UV_RUN_DEFAULT);
	printf("closed %u calls\n", s.closed);
	return uv_loop_close(&s.loop) == 0 ? 0 : 1;
}
