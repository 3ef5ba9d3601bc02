/* Bytes that leave: at once where the socket takes them, kept where it does not, and
 * what becomes of peers that never take theirs. */
#include "net/internal.h"

#include <stdlib.h>

/* Bytes that the socket would not take at once. */
struct pending_write {
	uv_write_t request;
	struct connection *connection;
	size_t n;
	char data[];
};

static void
on_written(uv_write_t *request, int status)
{
	struct pending_write *w = (struct pending_write *)request;
	struct connection *c = w->connection;
	c->net->unwritten -= w->n;
	free(w);
	if (c->closing)
		return;
	c->writing = false;
	if (status < 0)
		connection_close(c);
	else
		net_mark(c);
}

/* All who do not read share one allowance. Whoever has taken nothing for the longest time
 * makes room, and that may be the one that asks. */
static void
make_room(struct net *n)
{
	while (n->unwritten > (size_t)n->config.limits.unwritten_max) {
		struct connection *slowest = NULL;
		for (struct connection *c = n->connections; c; c = c->next)
			if (c->writing && (!slowest || c->progress_at < slowest->progress_at))
				slowest = c;
		if (!slowest)
			return; /* the rest belongs to connections that are closing already */
		net_complain(n, slowest->peer.address, "closed: all peers together leave too much unread");
		connection_close(slowest);
	}
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
	w->n = n;
	uv_buf_t buffer = uv_buf_init(w->data, (unsigned)n);
	int rc = uv_write(&w->request, &c->uv.stream, &buffer, 1, on_written);
	if (rc) {
		free(w);
		return rc;
	}
	c->writing = true;
	c->net->unwritten += n;
	c->progress_at = net_now(c->net);
	c->progress_left = n;
	write_watch(c);
	make_room(c->net);
	return 0;
}

int
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

void
write_watch(struct connection *c)
{
	if (c->writing && c->engine)
		connection_wake_at(c, c->progress_at + c->net->config.limits.write_timeout);
}

bool
write_stalled(struct connection *c)
{
	msec now = net_now(c->net);
	if (!c->writing)
		return false;
	size_t left = uv_stream_get_write_queue_size(&c->uv.stream);
	if (left != c->progress_left) {
		c->progress_left = left;
		c->progress_at = now;
	}
	return now - c->progress_at >= c->net->config.limits.write_timeout;
}
