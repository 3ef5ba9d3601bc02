/* One socket under a stack of layers. */
#include "net/internal.h"

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

void
connection_wake_at(struct connection *c, msec next)
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
	bool late = net_now(c->net) > c->timer_at;
	c->timer_at = INT64_MAX;
	/* While others kept the loop busy the peer may have done what it is waited for: timers come
	 * before reads, so what has arrived is taken first, once. */
	if (late && !c->looked) {
		c->looked = true;
		connection_wake_at(c, net_now(c->net) + 1);
		return;
	}
	c->looked = false;
	if (c->ended) {
		connection_close(c); /* it had goodbye_timeout to take the last bytes and to end */
		return;
	}
	if (!c->engine) {
		net_complain(c->net, c->peer.address, "TLS handshake: not done in time");
		connection_close(c);
		return;
	}
	if (write_stalled(c)) {
		net_complain(c->net, c->peer.address, "closed: it takes nothing of what is sent to it");
		connection_close(c);
		return;
	}
	write_watch(c);
	connection_wake_at(c, engine_service(c->engine, net_now(c->net)));
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
	connection_wake_at(c, net_now(c->net) + c->net->config.limits.goodbye_timeout);
	net_mark(c);
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
	struct connection *c = stream->data;
	/* After the end what still comes, perhaps in this very turn, is passed over. */
	if (n == 0 || (n > 0 && c->ended))
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
		connection_wake_at(c, engine_service(c->engine, net_now(c->net)));
	net_mark(c);
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
	if (c->closing)
		return; /* to make room */
	if (!c->writing && connection_over(c)) {
		if (c->peer_ended)
			connection_close(c);
		else
			connection_linger(c);
		return;
	}
	if (connection_over(c))
		connection_end(c);
	else if (c->engine)
		connection_wake_at(c, engine_next(c->engine)); /* handlers have run meanwhile */
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
	connection_wake_at(c, engine_service(c->engine, now));
	net_mark(c);
}

static void
on_wake(void *owner)
{
	net_mark(owner);
}

static struct connection *
connection_new(struct net *n, bool is_unix)
{
	struct connection *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->net = n;
	c->timer_at = INT64_MAX;
	if (socket_init(n, &c->uv, is_unix) != 0) {
		free(c);
		return NULL;
	}
	uv_timer_init(n->loop, &c->timer);
	c->uv.handle.data = c;
	c->timer.data = c;
	c->handles = 2;
	n->handles++; /* the timer */
	return c;
}

int
connection_open_engine(struct connection *c)
{
	struct net *n = c->net;
	int rc = engine_new(&c->engine, &n->config.rpc, &c->peer, c->id, net_now(n), on_wake, c);
	if (rc == 0)
		connection_wake_at(c, engine_service(c->engine, net_now(n)));
	return rc;
}

/* Layers above TLS are opened by its handshake. */
static int
connection_open(struct connection *c, const struct listener *l)
{
	peer_identify(c, l);
	if (!address_enter(c->net, c->address)) {
		net_complain(c->net, c->peer.address,
			     "closed: its address has connections_per_address already");
		c->address = (struct address_key){0};
		return ERR_OVERLOADED;
	}
	c->stack = layer_stacks[l->kind];
	int rc = c->stack[0]->open(c, c->stack);
	if (rc == 0 && !c->engine)
		connection_wake_at(c, net_now(c->net) + c->net->config.limits.tls_handshake_timeout);
	return rc;
}

/* Accepted in any case: libuv would hand the same connection over again. */
void
connection_accept(struct listener *l)
{
	struct net *n = l->net;
	struct connection *c = connection_new(n, l->is_unix);
	if (!c) {
		listener_turn_away(l);
		return;
	}
	bool accepted = uv_accept(&l->uv.stream, &c->uv.stream) == 0;
	if (accepted && net_add(n, c)) {
		if (connection_open(c, l) == 0)
			net_mark(c);
		else
			connection_close(c);
		return;
	}
	if (accepted)
		net_complain(n, l->name, "a connection is closed: there are max_connections already");
	c->closing = true;
	uv_close(&c->uv.handle, on_handle_closed);
	uv_close((uv_handle_t *)&c->timer, on_handle_closed);
}
