#include "watch/watch.h"

#include <stdlib.h>

#include "server.h"
#include "services/service.h"
#include "wire.h"

enum { REQUEST_PREFIX = 1, REQUEST_SINCE = 2 };
enum { EVENT_NAME = 3 };
enum { BATCH_EVENTS = 1, BATCH_REVISION = 2 };

/* Events read in one turn for one watcher: the loop has others to serve. */
#define PUMP_EVENTS 1000

struct watcher {
	struct watcher *next, **link;
	struct server *server;
	struct call *call;
	struct slice prefix;
	uint64_t since;    /* everything up to here has been sent or passed over */
	uint64_t reported; /* newest revision named to the client (batches) */
	struct actor actor;
	bool batches, full, started;
};

static void
watcher_stop(struct watcher *w)
{
	if (!w->link)
		return;
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	w->link = NULL;
}

static bool
wanted(const struct watcher *w, const struct event_row *row)
{
	return slice_starts(wire_string(row->body, EVENT_NAME), w->prefix) && event_readable(&w->actor, row);
}

static void
send_batch(struct watcher *w, struct buf *batch)
{
	wire_put_uint(batch, BATCH_REVISION, w->since);
	w->full = call_send(w->call, buf_slice(batch)) == CALL_FULL;
	w->reported = w->since;
	buf_clear(batch);
}

static void
pump_events(struct watcher *w, struct reader *r)
{
	struct event_row row;
	for (size_t i = 0; i < PUMP_EVENTS && !w->full && event_get(r, w->since + 1, &row) == 0; i++) {
		w->since = row.revision;
		if (wanted(w, &row))
			w->full = call_send(w->call, row.body) == CALL_FULL;
	}
}

static void
pump_batches(struct watcher *w, struct reader *r)
{
	struct event_row row;
	struct buf batch = {0};
	size_t n = 0;
	for (size_t i = 0; i < PUMP_EVENTS && !w->full && event_get(r, w->since + 1, &row) == 0; i++) {
		w->since = row.revision;
		if (!wanted(w, &row))
			continue;
		wire_put_bytes(&batch, BATCH_EVENTS, row.body);
		if (++n == (size_t)w->server->settings.watch_batch) {
			send_batch(w, &batch);
			n = 0;
		}
	}
	if (!w->full && (n || !w->started || w->since > w->reported))
		send_batch(w, &batch);
	w->started = true;
	buf_release(&batch);
}

/* True if the log holds more than it has read. */
static bool
watcher_pump(struct watcher *w)
{
	struct reader *r = server_reader(w->server);
	if (w->full)
		return false;
	if (w->batches)
		pump_batches(w, r);
	else
		pump_events(w, r);
	return !w->full && w->since < reader_head(r);
}

void
watchers_pump(struct server *s)
{
	bool more = false;
	for (struct watcher *w = s->watchers.first, *next; w; w = next) {
		next = w->next;
		more |= watcher_pump(w);
	}
	if (more)
		uv_async_send(&s->done);
}

size_t
watchers_count(const struct watchers *all)
{
	size_t n = 0;
	for (const struct watcher *w = all->first; w; w = w->next)
		n++;
	return n;
}

void
watchers_end(struct server *s)
{
	struct fault f = {0};
	fault_set(&f, ERR_UNAVAILABLE,
		  "the server is shutting down; watch again from the last revision seen");
	while (s->watchers.first) {
		struct watcher *w = s->watchers.first;
		watcher_stop(w);
		call_finish(w->call, &f);
	}
}

static void
start(struct call *c, struct slice message, bool batches)
{
	struct server *s = call_server(c);
	struct fault f = {0};
	const struct actor *actor;
	struct wire_field since;
	int rc = caller_identify(c, &actor, &f);
	struct watcher *w = rc ? NULL : arena_alloc(call_arena(c), sizeof(*w));
	if (!w) {
		if (!f.code)
			fault_set(&f, ERR_NO_MEMORY, "out of memory");
		call_finish(c, &f);
		return;
	}
	uint64_t head = reader_head(server_reader(s));
	*w = (struct watcher){
		.server = s,
		.call = c,
		.prefix = arena_copy(call_arena(c), wire_string(message, REQUEST_PREFIX)),
		.since = wire_find(message, REQUEST_SINCE, &since) ? since.value : head,
		.actor = *actor,
		.batches = batches,
	};
	w->actor.principal = arena_strdup(call_arena(c), actor->principal);
	w->actor.department = arena_strdup(call_arena(c), actor->department);
	w->actor.node = arena_strdup(call_arena(c), actor->node);
	if (w->since > head) {
		fault_add(&f, ERR_OUT_OF_RANGE, "since",
			  "since: %llu is newer than this server's history, which ends at %llu; "
			  "it may have been restored from a backup: begin again",
			  (unsigned long long)w->since, (unsigned long long)head);
		call_finish(c, &f);
		return;
	}
	w->next = s->watchers.first;
	w->link = &s->watchers.first;
	if (w->next)
		w->next->link = &w->next;
	s->watchers.first = w;
	call_set_user(c, w);
	call_send_headers(
		c); /* the first event may be long in coming; a client wants to know that it is heard */
	if (watcher_pump(w))
		uv_async_send(&s->done);
}

static void
watch_message(struct call *c, struct slice message)
{
	start(c, message, false);
}

static void
watch_batches_message(struct call *c, struct slice message)
{
	start(c, message, true);
}

static void
watch_writable(struct call *c)
{
	struct watcher *w = call_user(c);
	if (!w)
		return;
	w->full = false;
	if (watcher_pump(w))
		uv_async_send(&w->server->done);
}

static void
watch_closed(struct call *c)
{
	struct watcher *w = call_user(c);
	if (w)
		watcher_stop(w);
}

const struct call_handler watch_handler = {
	.message = watch_message,
	.writable = watch_writable,
	.closed = watch_closed,
};
const struct call_handler watch_batches_handler = {
	.message = watch_batches_message,
	.writable = watch_writable,
	.closed = watch_closed,
};
