#include "timers/due.h"

#include <stdio.h>

#include "server.h"
#include "services/application.h"
#include "services/registers.h"
#include "wire.h"

/* Clocks carried out at once: they share a commit. */
#define BATCH 256
/* Cases looked at without leaving the loop, for those that have something to compute again. */
#define LOOKED_AT 4096
/* The wall clock may be set: look again at least this often. */
#define LOOK_AGAIN_MS 60000
/* Pause after a clock that could not be carried out. */
#define FAILED_MS 5000

static void
due_passed(uv_timer_t *timer)
{
	due_arm((struct server *)((char *)timer - offsetof(struct server, due.timer)));
}

/* What goes by itself once there is room, memory or disk again. */
static bool
may_pass(int result)
{
	return result == ERR_OVERLOADED || result == ERR_STORE_FULL || result == ERR_STORE_IO ||
	       result == ERR_NO_MEMORY;
}

/* One job fewer under way; after the last the next batch. */
static void
finished_one(struct server *s, int result)
{
	struct due_state *due = &s->due;
	if (result != 0)
		due->pause_until = uv_now(s->loop) + FAILED_MS;
	due->again |= may_pass(result);
	if (--due->running > 0)
		return;
	if (due->again && due->was_recomputing) {
		/* From the beginning: what is done is not provisional any more. */
		due->recomputing = true;
		buf_clear(&due->after);
	}
	due->again = false;
	due_arm(s);
}

static void
clock_finished(struct job *j)
{
	finished_one(j->server, j->command.result);
}

/* term: NULL: what is provisional is computed again. */
static int
submit_clock(struct server *s, struct slice key, const char *term)
{
	struct buf name = {0};
	struct job *j = job_new(s, &system_actor);
	struct clock_request *request = j ? arena_alloc(&j->messages.arena, sizeof(*request)) : NULL;
	if (!request || name_of_key(&name, key) != 0) {
		job_free(j);
		buf_release(&name);
		return ERR_NO_MEMORY;
	}
	request->name = arena_dup_slice(&j->messages.arena, buf_slice(&name));
	request->term = term ? arena_strdup(&j->messages.arena, term) : NULL;
	struct name parsed;
	bool application = name_parse_kind(&parsed, KIND_APPLICATION, buf_slice(&name), NULL) == 0;
	buf_release(&name);
	j->request = request;
	j->decide = !application ? register_decide_clock
		    : term       ? application_decide_clock
				 : application_decide_recompute;
	j->finished = clock_finished;
	s->due.running++;
	job_submit(j);
	return 0;
}

/* Submits what is due by now; returns the next instant after that, 0 if there is none. */
static msec
fire(struct server *s, msec now)
{
	struct reader *r = server_reader(s);
	struct due due, last;
	struct arena names = {0};
	char term[64];
	const struct due *after = NULL;
	msec next = 0;
	for (int n = 0; due_next(r, after, &due) == 1; n++) {
		if (due.at > now || n == BATCH) {
			next = due.at;
			break;
		}
		snprintf(term, sizeof(term), "%.*s", (int)due.term.n, due.term.p);
		submit_clock(s, due.key, term);
		last = (struct due){due.at, arena_copy(&names, due.key), arena_copy(&names, due.term)};
		after = &last;
	}
	arena_release(&names);
	return next;
}

/* A running clock, computed without the calendar of its year. */
static bool
is_provisional(struct slice application)
{
	struct wire_field field, stop;
	while (wire_next(&application, &field) == 1)
		if (field.number == zwy_v1_Application_clocks_tag &&
		    !wire_find(field.bytes, zwy_v1_Clock_stop_time_tag, &stop) &&
		    wire_uint(field.bytes, zwy_v1_Clock_provisional_tag))
			return true;
	return false;
}

/* Hands over the next open cases with provisional clocks; 0, or now where there is nothing more. */
static msec
recompute_batch(struct server *s)
{
	struct due_state *due = &s->due;
	struct scan_spec spec = {.index_value = SLICE("true"), .after = buf_slice(&due->after)};
	struct scan scan;
	struct record record;
	struct buf last = {0};
	int n = 0, looked = 0, rc = name_parse_collection(&spec.collection, SLICE("applications"), NULL);
	spec.index = field_by_name(spec.collection.kind->message, SLICE("open"));
	if (rc == 0)
		rc = scan_open(&scan, server_reader(s), &spec);
	if (rc != 0)
		return server_clock_now(&s->clock) + FAILED_MS;
	while (n < BATCH && looked++ < LOOKED_AT && (rc = scan_next(&scan, &record)) == 1) {
		buf_clear(&last);
		buf_append_slice(&last, record.key);
		if (is_provisional(record.body))
			n += submit_clock(s, record.key, NULL) == 0;
	}
	scan_close(&scan);
	buf_release(&due->after);
	due->after = last;
	due->recomputing = rc == 1;
	if (!due->recomputing)
		buf_clear(&due->after);
	return server_clock_now(&s->clock);
}

/* Waits no longer than the wall clock, or the file that stands for it, may be set meanwhile. */
static void
wait_for(struct server *s, uint64_t ms)
{
	uint64_t most = s->clock.file ? (uint64_t)s->settings.clock_file_interval : LOOK_AGAIN_MS;
	uv_timer_start(&s->due.timer, due_passed, ms < most ? ms : most, 0);
}

void
due_arm(struct server *s)
{
	struct due_state *due = &s->due;
	uint64_t loop_now = uv_now(s->loop);
	if (!due->started || s->stopping || due->running > 0)
		return;
	if (due->pause_until > loop_now) {
		wait_for(s, due->pause_until - loop_now);
		return;
	}
	/* Held while jobs are handed over: some are refused at once. */
	due->running++;
	msec now = server_clock_now(&s->clock);
	due->was_recomputing = due->recomputing;
	msec next = due->recomputing ? recompute_batch(s) : fire(s, now);
	bool none = due->running == 1;
	if (!none) {
		finished_one(s, 0);
		return; /* armed again when they are done */
	}
	due->running = 0;
	wait_for(s, next == 0 ? LOOK_AGAIN_MS : next > now ? (uint64_t)(next - now) : 0);
}

void
due_start(struct server *s)
{
	uv_timer_init(s->loop, &s->due.timer);
	s->due.started = true;
	due_recompute(s);
}

void
due_stop(struct server *s)
{
	s->due.started = false;
	uv_timer_stop(&s->due.timer);
	buf_release(&s->due.after);
}

void
due_recompute(struct server *s)
{
	s->due.recomputing = true;
	buf_clear(&s->due.after);
	due_arm(s);
}
