/* Messages out: a queue per call, pulled by the library as the peer's windows allow,
 * and laid into the outbox without copying where a piece is long enough. */
#include "rpc/internal.h"

#include <stdlib.h>

/* A piece from here on goes out from where it lies; a shorter one is cheaper to copy
 * than to give the kernel one slice more. */
#define DIRECT_MIN 2048

static void
message_free(struct engine *e, struct out_message *m)
{
	if (!m->pinned) {
		free(m);
		return;
	}
	m->next = e->retired;
	e->retired = m;
}

void
send_reap(struct engine *e)
{
	while (e->retired) {
		struct out_message *m = e->retired;
		e->retired = m->next;
		free(m);
	}
}

static void
queue_pop(struct call *c)
{
	struct out_message *m = c->out_first;
	c->out_first = m->next;
	if (!c->out_first)
		c->out_last = &c->out_first;
	message_free(c->engine, m);
}

static void
queue_sent(struct call *c, size_t n)
{
	c->queued -= n;
	c->engine->queued -= n;
}

/* Room for n bytes at the end of the queue; NULL: out of memory. */
static char *
queue_room(struct call *c, size_t n)
{
	struct out_message *m = malloc(sizeof(*m) + n);
	if (!m)
		return NULL;
	*m = (struct out_message){.n = n};
	*c->out_last = m;
	c->out_last = &m->next;
	if (c->queued == 0)
		c->moved_out = c->engine->now;
	c->queued += n;
	c->engine->queued += n;
	call_watch(c);
	return m->data;
}

int
send_bytes(struct call *c, struct slice bytes)
{
	char *p = queue_room(c, bytes.n);
	if (!p)
		return ERR_NO_MEMORY;
	memcpy(p, bytes.p, bytes.n);
	return 0;
}

int
send_queue(struct call *c, struct slice message, bool compressed)
{
	char *p = queue_room(c, GRPC_PREFIX_BYTES + message.n);
	if (!p)
		return ERR_NO_MEMORY;
	p[0] = compressed;
	put_u32be(p + 1, (uint32_t)message.n);
	if (message.n)
		memcpy(p + GRPC_PREFIX_BYTES, message.p, message.n);
	c->stats.messages_out++;
	c->stats.bytes_out += message.n;
	c->engine->stats.messages_out++;
	c->engine->stats.last_message_out = c->engine->now;
	return 0;
}

void
send_drop(struct call *c, bool keep_begun)
{
	struct out_message **at = &c->out_first;
	size_t promised = c->promised;
	while (keep_begun && *at && ((*at)->sent > 0 || promised > 0)) {
		size_t left = (*at)->n - (*at)->sent;
		promised -= promised < left ? promised : left;
		at = &(*at)->next;
	}
	struct out_message *dropped = *at;
	*at = NULL;
	c->out_last = at;
	while (dropped) {
		struct out_message *m = dropped;
		dropped = m->next;
		queue_sent(c, m->n - m->sent);
		message_free(c->engine, m);
	}
}

void
send_kick(struct call *c)
{
	if (!c->deferred)
		return;
	c->deferred = false;
	/* It fails for a stream that is closing only; that is told otherwise. */
	if (nghttp2_session_resume_data(c->engine->session, c->stream) == NGHTTP2_ERR_NOMEM)
		engine_fail(c->engine);
}

/* The library asks how much of this call may go into the next DATA frame. Trailers are
 * handed over here and nowhere else: submitted while DATA is still held back, they
 * would end the stream before it. */
static ssize_t
read_queue(nghttp2_session *session, int32_t stream, uint8_t *dst, size_t size, uint32_t *flags,
	   nghttp2_data_source *source, void *user_data)
{
	(void)session, (void)stream, (void)dst, (void)user_data;
	struct call *c = source->ptr;
	size_t n = c->queued < size ? c->queued : size;
	if (n == 0 && !c->finished) {
		c->deferred = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	c->promised = n;
	if (n == c->queued && c->finished) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		if (!c->page) {
			*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
			if (!c->trailers_out) /* sent ahead, for the window was shut */
				reply_trailers(c);
		}
	}
	return (ssize_t)n;
}

const nghttp2_data_source_read_callback send_read = read_queue;

bool
out_room(const struct engine_out *out, size_t n)
{
	return ENGINE_COPIED - out->used >= n && out->bytes < ENGINE_PULL_TARGET &&
	       out->n + 3 <= ENGINE_SLICES;
}

void
out_copy(struct engine_out *out, const void *p, size_t n)
{
	char *at = out->copied + out->used;
	memcpy(at, p, n);
	out->used += n;
	out->bytes += n;
	struct slice *last = out->n ? &out->v[out->n - 1] : NULL;
	if (last && last->p + last->n == at)
		last->n += n;
	else
		out->v[out->n++] = (struct slice){at, n};
}

/* Two slices more must be there for a piece that is not copied and what follows it. */
static void
out_piece(struct engine_out *out, struct out_message *m, size_t n)
{
	const char *p = m->data + m->sent;
	if (n < DIRECT_MIN || out->n + 3 > ENGINE_SLICES) {
		out_copy(out, p, n);
		return;
	}
	m->pinned = true;
	out->v[out->n++] = (struct slice){p, n};
	out->bytes += n;
}

/* Writes the DATA frame whose length read_queue gave, if it fits even when all of it
 * is copied and leaves room for a frame that the library may give out after it. */
int
send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *framehd, size_t length,
	  nghttp2_data_source *source, void *user_data)
{
	(void)session, (void)frame;
	struct engine *e = user_data;
	struct call *c = source->ptr;
	if (!out_room(e->out, FRAME_HEADER + length + OUT_FRAME_MAX)) {
		e->out_full = true;
		return NGHTTP2_ERR_WOULDBLOCK;
	}
	out_copy(e->out, framehd, FRAME_HEADER);
	queue_sent(c, length);
	c->moved_out = e->now;
	c->promised = 0;
	while (length > 0) {
		struct out_message *m = c->out_first;
		size_t n = m->n - m->sent < length ? m->n - m->sent : length;
		out_piece(e->out, m, n);
		m->sent += n;
		length -= n;
		if (m->sent == m->n)
			queue_pop(c);
	}
	if (c->full && c->queued <= (size_t)e->config->limits.send_queue_low)
		ready_add(c, READY_WRITABLE);
	return 0;
}

void
ready_add(struct call *c, unsigned what)
{
	struct engine *e = c->engine;
	if (!c->ready) {
		c->ready_next = NULL;
		c->ready_link = e->ready_last;
		*e->ready_last = c;
		e->ready_last = &c->ready_next;
	}
	c->ready |= what;
}

void
ready_remove(struct call *c)
{
	if (!c->ready)
		return;
	c->ready = 0;
	*c->ready_link = c->ready_next;
	if (c->ready_next)
		c->ready_next->ready_link = c->ready_link;
	else
		c->engine->ready_last = c->ready_link;
}
