/* One socket under a stack of layers. */
#include "net/internal.h"

#include <stdio.h>
#include <stdlib.h>

#include <sys/socket.h>

static void
on_handle_closed(uv_handle_t *handle)
{
	struct connection *c = handle->data;
	struct net *n = c->net;
	if (--c->handles == 0) {
		tls_free(c->tls);
		free(c);
	}
	net_handle_closed(n);
}

void
connection_close(struct connection *c)
{
	if (c->closing)
		return;
	struct engine *engine = c->engine;
	/* Handlers that ask for it in `closed` shall not find it any more. */
	net_remove(c->net, c);
	c->closing = true;
	c->engine = NULL;
	if (engine) {
		net_keep_stats(c->net, engine);
		engine_free(engine);
	}
	uv_close(&c->uv.handle, on_handle_closed);
	uv_close((uv_handle_t *)&c->timer, on_handle_closed);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer);

/* All reads of a loop share one buffer: the engine takes everything at once. */
static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	(void)suggested;
	struct connection *c = handle->data;
	*ret = uv_buf_init(c->net->input, sizeof(c->net->input));
}

/* While the socket takes nothing and much is queued, nothing more is read: what a peer
 * may ask without reading the answers is bounded. */
static void
adjust_reading(struct connection *c)
{
	bool full = tls_has_output(c->tls) || (c->engine && engine_congested(c->engine));
	bool want = c->lingering || (!c->ended && !(c->writing && full));
	if (want == c->reading)
		return;
	c->reading = want;
	if (!want)
		uv_read_stop(&c->uv.stream);
	else if (uv_read_start(&c->uv.stream, on_alloc, on_read) != 0)
		connection_close(c);
}

static void on_timer(uv_timer_t *timer);

/* Started anew only for an earlier instant: one that fires too early starts itself again. */
static void
adjust_timer(struct connection *c, msec next)
{
	if (next >= c->timer_at)
		return;
	msec now = net_now(c->net);
	c->timer_at = next;
	uv_timer_start(&c->timer, on_timer, next > now ? (uint64_t)(next - now) : 0, 0);
}

static void
on_timer(uv_timer_t *timer)
{
	struct connection *c = timer->data;
	c->timer_at = INT64_MAX;
	if (c->ended) {
		connection_close(c); /* it had goodbye_timeout to take the last bytes and to end */
		return;
	}
	if (!c->engine) {
		net_handshake_failed(c->net, c, "not done in time");
		connection_close(c);
		return;
	}
	adjust_timer(c, engine_service(c->engine, net_now(c->net)));
	net_mark(c);
}

/* Nothing more will be read: what is to be sent has goodbye_timeout to leave. */
static void
connection_end(struct connection *c)
{
	if (c->ended)
		return;
	c->ended = true;
	c->timer_at = INT64_MAX; /* whatever it waited for no longer matters */
	adjust_timer(c, net_now(c->net) + c->net->config.limits.goodbye_timeout);
	net_mark(c);
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
	struct connection *c = stream->data;
	if (n == 0 || (n > 0 && c->lingering))
		return;
	if (n == UV_EOF && !c->lingering) {
		c->peer_ended = true;
		connection_end(c);
		return;
	}
	if (n < 0) {
		connection_close(c);
		return;
	}
	if (c->stack[0]->input(c, c->stack, slice_make(buffer->base, (size_t)n)) != 0)
		connection_end(c);
	else if (c->engine)
		adjust_timer(c, engine_service(c->engine, net_now(c->net)));
	net_mark(c);
}

static void
on_written(uv_write_t *request, int status)
{
	struct pending_write *w = (struct pending_write *)request;
	struct connection *c = w->connection;
	free(w);
	if (c->closing)
		return;
	c->writing = false;
	if (status < 0)
		connection_close(c);
	else
		net_mark(c);
}

/* Keeps what the socket did not take; the outbox is another's next. */
static int
write_rest(struct connection *c, const struct layer_out *out, size_t sent)
{
	struct pending_write *w = malloc(sizeof(*w) + out->bytes - sent);
	if (!w)
		return UV_ENOMEM;
	size_t n = 0;
	for (size_t i = 0; i < out->n; i++) {
		struct slice s = out->v[i];
		size_t skip = sent < s.n ? sent : s.n;
		sent -= skip;
		memcpy(w->data + n, s.p + skip, s.n - skip);
		n += s.n - skip;
	}
	w->connection = c;
	uv_buf_t buffer = uv_buf_init(w->data, (unsigned)n);
	int rc = uv_write(&w->request, &c->uv.stream, &buffer, 1, on_written);
	if (rc) {
		free(w);
		return rc;
	}
	c->writing = true;
	return 0;
}

static int
write_out(struct connection *c, const struct layer_out *out)
{
	uv_buf_t buffers[ENGINE_SLICES];
	for (size_t i = 0; i < out->n; i++)
		buffers[i] = uv_buf_init((char *)(uintptr_t)out->v[i].p, (unsigned)out->v[i].n);
	int n = uv_try_write(&c->uv.stream, buffers, (unsigned)out->n);
	if (n == UV_EAGAIN)
		n = 0;
	if (n < 0)
		return n;
	return (size_t)n == out->bytes ? 0 : write_rest(c, out, (size_t)n);
}

/* A peer that writes to a socket closed under it may drop what it has not read yet. So
 * our side alone is shut, and what still comes is passed over until the peer's end. */
static void
connection_linger(struct connection *c)
{
	uv_os_fd_t fd;
	connection_end(c);
	if (uv_fileno(&c->uv.handle, &fd) != 0 || shutdown(fd, SHUT_WR) != 0) {
		connection_close(c);
		return;
	}
	c->lingering = true;
	adjust_reading(c);
}

void
connection_flush(struct connection *c)
{
	struct layer_out out;
	ssize_t n = 0;
	if (c->closing || c->lingering)
		return;
	while (!c->writing && (n = c->stack[0]->output(c, c->stack, &out)) != 0) {
		if (n < 0 || write_out(c, &out) != 0) {
			connection_close(c);
			return;
		}
	}
	if (!c->writing && connection_over(c)) {
		if (c->peer_ended)
			connection_close(c);
		else
			connection_linger(c);
		return;
	}
	if (connection_over(c))
		connection_end(c);
	adjust_reading(c);
}

bool
connection_over(const struct connection *c)
{
	return c->ended || (c->engine && engine_done(c->engine));
}

void
connection_drain(struct connection *c, int64_t grace)
{
	msec now = net_now(c->net);
	if (!c->engine) {
		connection_end(c); /* it has asked for nothing yet */
		return;
	}
	engine_drain(c->engine, now, grace);
	adjust_timer(c, engine_service(c->engine, now));
	net_mark(c);
}

static void
on_wake(void *owner)
{
	net_mark(owner);
}

static void
unix_peer(struct connection *c, const struct listener *l, struct call_peer *p)
{
	struct ucred credentials;
	socklen_t size = sizeof(credentials);
	uv_os_fd_t fd;
	p->is_unix = true;
	p->is_loopback = true;
	p->uid = (uid_t)-1;
	if (uv_fileno(&c->uv.handle, &fd) == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) {
		p->uid = credentials.uid;
		p->pid = credentials.pid;
	}
	snprintf(p->address, sizeof(p->address), "unix:uid=%u", (unsigned)p->uid);
	snprintf(p->local, sizeof(p->local), "%.63s", l->name);
}

static void
tcp_peer(struct connection *c, struct call_peer *p)
{
	union target_address address;
	int size = sizeof(address);
	if (uv_tcp_getpeername(&c->uv.tcp, &address.any, &size) != 0)
		return;
	p->is_loopback = address_is_loopback(&address.any);
	address_format(p->address, sizeof(p->address), &address.any);
	size = sizeof(address);
	if (uv_tcp_getsockname(&c->uv.tcp, &address.any, &size) == 0)
		address_format(p->local, sizeof(p->local), &address.any);
	uv_tcp_nodelay(&c->uv.tcp, 1);
}

static struct connection *
connection_new(struct net *n, bool is_unix)
{
	struct connection *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->net = n;
	c->timer_at = INT64_MAX;
	int rc = is_unix ? uv_pipe_init(n->loop, &c->uv.pipe, 0) : uv_tcp_init(n->loop, &c->uv.tcp);
	if (rc) {
		free(c);
		return NULL;
	}
	uv_timer_init(n->loop, &c->timer);
	c->uv.handle.data = c;
	c->timer.data = c;
	c->handles = 2;
	n->handles += 2;
	return c;
}

int
connection_open_engine(struct connection *c)
{
	struct net *n = c->net;
	int rc = engine_new(&c->engine, &n->config.rpc, &c->peer, c->id, net_now(n), on_wake, c);
	if (rc == 0)
		adjust_timer(c, engine_service(c->engine, net_now(n)));
	return rc;
}

/* Layers above TLS are opened by its handshake. */
static int
connection_open(struct connection *c, const struct listener *l)
{
	if (l->is_unix)
		unix_peer(c, l, &c->peer);
	else
		tcp_peer(c, &c->peer);
	c->stack = layer_stacks[l->stack];
	int rc = c->stack[0]->open(c, c->stack);
	if (rc == 0 && !c->engine)
		adjust_timer(c, net_now(c->net) + c->net->config.limits.tls_handshake_timeout);
	return rc;
}

/* Accepted in any case: libuv would hand the same connection over again. */
void
connection_accept(struct listener *l)
{
	struct net *n = l->net;
	struct connection *c = connection_new(n, l->is_unix);
	if (!c)
		return;
	if (uv_accept(&l->uv.stream, &c->uv.stream) == 0 && net_add(n, c)) {
		if (connection_open(c, l) == 0)
			net_mark(c);
		else
			connection_close(c);
		return;
	}
	c->closing = true;
	uv_close(&c->uv.handle, on_handle_closed);
	uv_close((uv_handle_t *)&c->timer, on_handle_closed);
}
