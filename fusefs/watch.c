/* What changes at the server: the lines of `events`, for each caller what that
 * caller may see, and the mount's own watch, which says how far behind it is. */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "mount.h"
#include "wire.h"
#include "zwy/v1/audit.pb.h"
#include "zwy/v1/watch.pb.h"

#define RETRY_FIRST_MS 100
#define RETRY_MAX_MS   5000

void
server_trouble(struct mount *m, const struct zwy_error *error)
{
	bool away = error && (error->status == GRPC_UNAVAILABLE || error->status == GRPC_DEADLINE_EXCEEDED);
	if (!away) {
		m->trouble[0] = '\0';
		m->trouble_since = 0;
		return;
	}
	char since[TIME_LEN];
	if (!m->trouble_since)
		m->trouble_since = wall_ms();
	time_format(since, m->trouble_since);
	snprintf(m->trouble, sizeof(m->trouble), "away since %s: %s", since, error->text);
}

/* ---- one stream --------------------------------------------------------- */

/* The file starts again, as a rotated log does: tail -f takes notice. */
static void
bound_lines(struct events *e)
{
	if (!e->lines.error && e->lines.n <= e->mount->options.max_events)
		return;
	buf_clear(&e->lines);
	buf_printf(&e->lines,
		   "# earlier changes are not kept here: see audit/, or zwy watch --since %" PRIu64 "\n",
		   e->revision);
}

static void
take_event(struct events *e, struct slice event)
{
	struct mount *m = e->mount;
	if (e->caller) {
		event_line(event, true, &e->lines);
		e->changed = wall_ms();
		bound_lines(e);
		return;
	}
	msec time = wire_time(event, zwy_v1_Event_time_tag), now = wall_ms();
	m->lag_ms = now >= time && now - time < MSEC_PER_DAY ? now - time : -1;
	struct slice name = wire_string(event, zwy_v1_Event_name_tag);
	if (slice_starts(name, SLICE("principals/")) || slice_starts(name, SLICE("delegations/")))
		callers_changed(m);
}

static void
message(void *ctx, struct zwy_call *call, struct zwy_bytes bytes)
{
	struct events *e = ctx;
	struct slice batch = {bytes.data, bytes.size};
	uint64_t revision = wire_uint(batch, zwy_v1_WatchResponse_revision_tag);
	struct wire_field w;
	(void)call;
	while (wire_next(&batch, &w) == 1)
		if (w.number == zwy_v1_WatchResponse_events_tag && w.type == WIRE_LEN)
			take_event(e, w.bytes);
	if (revision > e->revision)
		e->revision = revision;
	e->failures = 0;
	e->caught_up = true;
	struct mount *m = e->mount;
	if (!e->caller) {
		if (!m->start_revision)
			m->start_revision = e->revision;
		m->revision = e->revision;
		server_trouble(m, NULL);
	}
}

static void
done(void *ctx, struct zwy_call *call, const struct zwy_error *error)
{
	struct events *e = ctx;
	int64_t pause = RETRY_FIRST_MS;
	(void)call;
	e->call = NULL;
	for (unsigned i = 0; i < e->failures && pause < RETRY_MAX_MS; i++)
		pause *= 2;
	e->failures++;
	e->retry_at = now_ms() + (pause < RETRY_MAX_MS ? pause : RETRY_MAX_MS);
	if (!e->caller)
		server_trouble(e->mount, error);
}

/* From the last revision that is here; the first time from where the mount began. */
void
events_start(struct events *e)
{
	struct mount *m = e->mount;
	struct zwy_metadata metadata[1];
	struct buf request = {0};
	uint64_t since = e->revision ? e->revision : e->caller ? m->start_revision : 0;
	if (since) {
		wire_put_tag(&request, zwy_v1_WatchRequest_since_tag, WIRE_VARINT);
		wire_put_varint(&request, since);
	}
	struct zwy_call_options options = call_options(m, e->caller, metadata, -1, e);
	options.message = message;
	options.done = done;
	options.wait_for_ready = true;
	options.retry = NULL; /* it goes on from another revision, by itself */
	e->retry_at = 0;
	e->call = zwy_call_start(m->client, "/zwy.v1.WatchService/WatchBatches",
				 (struct zwy_bytes){request.p ? request.p : "", request.n}, &options);
	if (!e->call)
		e->retry_at = now_ms() + RETRY_MAX_MS;
	buf_release(&request);
}

void
events_release(struct events *e)
{
	if (e->call)
		zwy_call_cancel(e->call);
	e->call = NULL;
	buf_release(&e->lines);
}

static int64_t
retry(struct events *e, int64_t now, int64_t earliest)
{
	if (!e->retry_at)
		return earliest;
	if (e->retry_at <= now) {
		events_start(e);
		return earliest;
	}
	return e->retry_at < earliest ? e->retry_at : earliest;
}

int64_t
events_retry(struct mount *m, int64_t now)
{
	int64_t earliest = retry(&m->events, now, INT64_MAX);
	for (struct caller *c = m->callers; c; c = c->next)
		earliest = retry(&c->events, now, earliest);
	return earliest;
}

/* ---- waiting for it ----------------------------------------------------- */

/* Everything up to the caller's own last change through this mount is in the file. */
static bool
complete(const struct op *op)
{
	const struct events *e = &op->caller->events;
	return e->caught_up && e->revision >= op->caller->own_revision;
}

static bool
can_start(const struct mount *m)
{
	return m->start_revision || m->events.failures;
}

void
events_wait(struct op *op, void (*resume)(struct op *op))
{
	struct mount *m = op->mount;
	struct events *e = &op->caller->events;
	if (!e->call && !e->retry_at && can_start(m))
		events_start(e);
	if (complete(op)) {
		resume(op);
		return;
	}
	op->resume = resume;
	op->events_until = now_ms() + m->options.read_deadline_ms;
}

/* Whoever has waited long enough sees what there is. */
void
events_wake(struct mount *m, int64_t now)
{
	for (struct op *op = m->ops; op;) {
		struct op *next = op->next;
		struct events *e = &op->caller->events;
		if (op->events_until && !e->call && !e->retry_at && can_start(m))
			events_start(e);
		if (op->events_until && (complete(op) || op->events_until <= now || e->failures)) {
			if (!complete(op))
				op->caller->own_revision = 0;
			op->events_until = 0;
			op->resume(op);
		}
		op = next;
	}
}
