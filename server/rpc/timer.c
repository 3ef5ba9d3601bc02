/* Deadlines of one connection: a binary heap of calls, each of which knows its place. */
#include "rpc/internal.h"

#include <stdlib.h>

#define HEAP_FIRST 16

static void
place(struct engine *e, struct call *c, size_t i)
{
	e->heap[i] = c;
	c->heap_index = i;
}

static void
sift_up(struct engine *e, struct call *c, size_t i)
{
	while (i > 0) {
		size_t parent = (i - 1) / 2;
		if (e->heap[parent]->due <= c->due)
			break;
		place(e, e->heap[parent], i);
		i = parent;
	}
	place(e, c, i);
}

static void
sift_down(struct engine *e, struct call *c, size_t i)
{
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= e->heap_n)
			break;
		if (child + 1 < e->heap_n && e->heap[child + 1]->due < e->heap[child]->due)
			child++;
		if (c->due <= e->heap[child]->due)
			break;
		place(e, e->heap[child], i);
		i = child;
	}
	place(e, c, i);
}

int
timer_set(struct call *c, msec due)
{
	struct engine *e = c->engine;
	timer_clear(c);
	if (e->heap_n == e->heap_cap) {
		size_t cap = e->heap_cap ? 2 * e->heap_cap : HEAP_FIRST;
		struct call **heap = realloc(e->heap, cap * sizeof(struct call *));
		if (!heap)
			return ERR_NO_MEMORY;
		e->heap = heap;
		e->heap_cap = cap;
	}
	c->due = due;
	sift_up(e, c, e->heap_n++);
	return 0;
}

void
timer_clear(struct call *c)
{
	struct engine *e = c->engine;
	if (!c->due)
		return;
	c->due = 0;
	struct call *last = e->heap[--e->heap_n];
	if (last == c)
		return;
	size_t i = c->heap_index;
	if (i > 0 && e->heap[(i - 1) / 2]->due > last->due)
		sift_up(e, last, i);
	else
		sift_down(e, last, i);
}

struct call *
timer_first(const struct engine *e)
{
	return e->heap_n ? e->heap[0] : NULL;
}

/* --- what a call waits for --- */

/* A message that began, or the only one of a unary call, is the client's to bring on;
 * while the handler pauses, or keeps the windows shut, it is not. */
static msec
receive_end(const struct call *c)
{
	if (c->page || c->finished || c->half_closed || c->waiting || c->paused || c->held.n)
		return INT64_MAX;
	if (c->method->client_streaming && deframer_idle(&c->in))
		return INT64_MAX;
	return c->moved_in + c->engine->config->limits.receive_timeout;
}

/* What is queued is the client's to take. */
static msec
send_end(const struct call *c)
{
	return c->queued && !c->page ? c->moved_out + c->engine->config->limits.send_timeout : INT64_MAX;
}

static msec
next_due(const struct call *c)
{
	msec due = receive_end(c), sent = send_end(c);
	if (sent < due)
		due = sent;
	return c->deadline && c->deadline < due ? c->deadline : due;
}

/* The timer may ring too early, and is set again then: progress costs nothing. */
void
call_watch(struct call *c)
{
	if (c->aborting || c->page)
		return;
	msec due = next_due(c);
	if (due != INT64_MAX && (!c->due || due < c->due) && timer_set(c, due) != 0)
		engine_fail(c->engine);
}

void
call_end(struct call *c, int code, const char *text)
{
	struct fault f;
	fault_clear(&f);
	fault_set(&f, code, "%s", text);
	call_abort(c, &f);
	call_over(c);
}

/* Whether it is we who keep the client from sending: other calls' unread bytes may fill
 * the connection's window. */
static bool
window_is_shut(const struct call *c)
{
	nghttp2_session *s = c->engine->session;
	return nghttp2_session_get_local_window_size(s) <= 0;
}

static void
give_up(struct call *c)
{
	struct engine *e = c->engine;
	timer_clear(c);
	call_over(c);
	if (nghttp2_submit_rst_stream(e->session, NGHTTP2_FLAG_NONE, c->stream, NGHTTP2_CANCEL) != 0)
		engine_fail(e);
}

void
call_expire(struct call *c)
{
	struct engine *e = c->engine;
	if (c->aborting || c->page) {
		give_up(c);
	} else if (c->deadline && e->now >= c->deadline) {
		call_end(c, ERR_DEADLINE_EXCEEDED, "the deadline has passed");
	} else if (e->now >= send_end(c)) {
		call_end(c, ERR_CANCELLED, "the reply was not taken (send_timeout)");
	} else if (e->now >= receive_end(c) && !window_is_shut(c)) {
		call_end(c, ERR_DEADLINE_EXCEEDED, "the request did not go on (receive_timeout)");
	} else {
		if (e->now >= receive_end(c))
			c->moved_in = e->now;
		timer_clear(c);
		call_watch(c);
	}
}
