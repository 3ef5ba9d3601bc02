#include "watch/watch.h"

#include <stdlib.h>

#include "server.h"
#include "services/service.h"
#include "wire.h"
#include "zwy/v1/watch.pb.h"

enum { EVENT_NAME = 3 };

/* Events read in one turn for one watcher: the loop has others to serve. */
#define PUMP_EVENTS 1000
/* How often it is seen whom a heartbeat is due. */
#define HEART_TICK_MS 50

struct watcher {
	struct watcher *next, **link;
	struct server *server;
	struct call *call;
	struct slice prefix;
	uint64_t since;    /* everything up to here has been sent or passed over */
	uint64_t reported; /* newest revision named to the client (batches) */
	struct actor actor;
	bool batches, full, started;
	uint64_t heartbeat; /* ms; 0: none */
	uint64_t said_at;   /* uv_now() of the last message */
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

/* Where it is, and by which digest that place is known again. */
static void
append_place(struct watcher *w, struct reader *r, struct buf *batch)
{
	unsigned char digest[DIGEST_BYTES];
	char hex[2 * DIGEST_BYTES + 1];
	wire_put_uint(batch, zwy_v1_WatchResponse_revision_tag, w->since);
	wire_put_uint(batch, zwy_v1_WatchResponse_head_tag, reader_head(r));
	wire_put_uint(batch, zwy_v1_WatchResponse_heartbeat_ms_tag, w->heartbeat);
	if (event_digest(r, w->since, digest) != 0)
		return;
	hex_encode(hex, digest, sizeof(digest));
	wire_put_string(batch, zwy_v1_WatchResponse_digest_tag, slice_of(hex));
}

static void
send_batch(struct watcher *w, struct reader *r, struct buf *batch)
{
	append_place(w, r, batch);
	w->full = call_send(w->call, buf_slice(batch)) == CALL_FULL;
	w->reported = w->since;
	w->said_at = uv_now(w->server->loop);
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
		wire_put_bytes(&batch, zwy_v1_WatchResponse_events_tag, row.body);
		if (++n == (size_t)w->server->settings.watch_batch) {
			send_batch(w, r, &batch);
			n = 0;
		}
	}
	if (!w->full && (n || !w->started || w->since > w->reported))
		send_batch(w, r, &batch);
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

static bool
same_actor(const struct actor *a, const struct actor *b)
{
	return strcmp(a->principal, b->principal) == 0 && strcmp(a->department, b->department) == 0 &&
	       strcmp(a->node, b->node) == 0 && a->roles == b->roles && a->level == b->level;
}

static void
end(struct watcher *w, const struct fault *f)
{
	watcher_stop(w);
	call_finish(w->call, f);
}

void
watchers_identify(struct server *s)
{
	s->watchers.identify = true;
}

static void
identify_all(struct server *s)
{
	for (struct watcher *w = s->watchers.first, *next; w; w = next) {
		const struct actor *actor;
		struct fault f = {0};
		next = w->next;
		if (caller_now(w->call, &actor, &f) != 0)
			end(w, &f);
		else if (!same_actor(actor, &w->actor)) {
			fault_set(&f, ERR_CALLER_CHANGED,
				  "what %s may see has changed; watch again from the last revision seen",
				  actor->principal);
			end(w, &f);
		}
	}
	s->watchers.identify = false;
}

void
watchers_pump(struct server *s)
{
	bool more = false;
	if (s->watchers.identify)
		identify_all(s);
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
	while (s->watchers.first)
		end(s->watchers.first, &f);
}

/* ---- heartbeats ---- */

static void
beat(uv_timer_t *timer)
{
	struct server *s = timer->data;
	struct buf empty = {0};
	bool wanted = false;
	for (struct watcher *w = s->watchers.first; w; w = w->next) {
		wanted |= w->heartbeat != 0;
		if (w->heartbeat && !w->full && uv_now(s->loop) - w->said_at >= w->heartbeat)
			send_batch(w, server_reader(s), &empty);
	}
	buf_release(&empty);
	if (!wanted)
		uv_timer_stop(timer);
}

void
watchers_init(struct server *s)
{
	uv_timer_init(s->loop, &s->watchers.heart);
	s->watchers.heart.data = s;
}

static void
start_heart(struct watcher *w, struct slice message)
{
	uv_timer_t *heart = &w->server->watchers.heart;
	uint64_t least = (uint64_t)w->server->settings.watch_heartbeat_min;
	uint64_t asked = wire_uint(message, zwy_v1_WatchRequest_heartbeat_ms_tag);
	if (!w->batches || !asked)
		return;
	w->heartbeat = asked > least ? asked : least;
	if (uv_is_active((uv_handle_t *)heart))
		return;
	uv_timer_start(heart, beat, HEART_TICK_MS, HEART_TICK_MS);
	uv_unref((uv_handle_t *)heart);
}

/* ---- the beginning ---- */

/* Where the caller wants to go on is a place in this history. */
static int
check_place(const struct watcher *w, struct reader *r, struct slice message, struct fault *f)
{
	struct slice said = wire_string(message, zwy_v1_WatchRequest_digest_tag);
	uint64_t at = wire_uint(message, zwy_v1_WatchRequest_digest_revision_tag), head = reader_head(r);
	unsigned char digest[DIGEST_BYTES], known[DIGEST_BYTES];
	if (w->since > head)
		return fault_add(f, ERR_OUT_OF_RANGE, "since",
				 "since: %llu is newer than this server's history, which ends at %llu; "
				 "it may have been restored from a backup: begin again",
				 (unsigned long long)w->since, (unsigned long long)head);
	if (said.n == 0)
		return 0;
	if (!hex_decode(known, sizeof(known), said))
		return fault_add(f, ERR_INVALID_FIELD, "digest",
				 "digest: \"%.*s\" is not %d lower case hexadecimal digits", (int)said.n,
				 said.p, 2 * DIGEST_BYTES);
	if (at <= head && event_digest(r, at, digest) == 0 && memcmp(digest, known, sizeof(known)) == 0)
		return 0;
	return fault_add(f, ERR_OUT_OF_RANGE, "digest",
			 "digest: this server's history has another event %llu; "
			 "it may have been restored from a backup: begin again",
			 (unsigned long long)at);
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
	struct reader *r = server_reader(s);
	*w = (struct watcher){
		.server = s,
		.call = c,
		.prefix = arena_copy(call_arena(c), wire_string(message, zwy_v1_WatchRequest_prefix_tag)),
		.since = wire_find(message, zwy_v1_WatchRequest_since_tag, &since) ? since.value
										   : reader_head(r),
		.actor = *actor,
		.batches = batches,
	};
	w->actor.principal = arena_strdup(call_arena(c), actor->principal);
	w->actor.department = arena_strdup(call_arena(c), actor->department);
	w->actor.node = arena_strdup(call_arena(c), actor->node);
	if (check_place(w, r, message, &f) != 0) {
		call_finish(c, &f);
		return;
	}
	w->next = s->watchers.first;
	w->link = &s->watchers.first;
	if (w->next)
		w->next->link = &w->next;
	s->watchers.first = w;
	call_set_user(c, w);
	start_heart(w, message);
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
