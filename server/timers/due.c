#include "timers/due.h"

#include <stdio.h>

#include "server.h"
#include "services/application.h"
#include "services/registers.h"
#include "wire.h"

/* Clocks carried out at once: they share a commit. */
#define BATCH 256
/* The wall clock may be set: look again at least this often. */
#define LOOK_AGAIN_MS 60000
/* Pause after a clock that could not be carried out. */
#define FAILED_MS 5000

static void
due_passed(uv_timer_t *timer)
{
	due_arm((struct server *)((char *)timer - offsetof(struct server, due_timer)));
}

static void
clock_finished(struct job *j)
{
	struct server *s = j->server;
	if (j->command.result != 0)
		s->due_failed = true;
	if (--s->due_running > 0)
		return;
	if (s->due_failed && !s->stopping)
		uv_timer_start(&s->due_timer, due_passed, FAILED_MS, 0);
	else
		due_arm(s);
	s->due_failed = false;
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
	s->due_running++;
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

void
due_arm(struct server *s)
{
	if (s->stopping || s->due_running > 0)
		return;
	msec now = server_clock_now(&s->clock);
	msec next = fire(s, now);
	if (s->due_running > 0)
		return; /* armed again when they are done */
	int64_t wait = next == 0 || next - now > LOOK_AGAIN_MS ? LOOK_AGAIN_MS : next - now;
	if (s->clock.file && wait > s->settings.clock_file_interval)
		wait = s->settings.clock_file_interval;
	uv_timer_start(&s->due_timer, due_passed, (uint64_t)(wait > 0 ? wait : 0), 0);
}

void
due_start(struct server *s)
{
	uv_timer_init(s->loop, &s->due_timer);
	due_arm(s);
}

void
due_stop(struct server *s)
{
	uv_timer_stop(&s->due_timer);
}

/* A running clock, computed without the calendar of its year. */
static bool
is_provisional(struct slice application)
{
	enum { CLOCKS = 18, STOP_TIME = 7, PROVISIONAL = 9 };
	struct wire_field field, stop;
	while (wire_next(&application, &field) == 1)
		if (field.number == CLOCKS && !wire_find(field.bytes, STOP_TIME, &stop) &&
		    wire_uint(field.bytes, PROVISIONAL))
			return true;
	return false;
}

void
due_recompute(struct server *s)
{
	struct scan_spec spec = {.index_value = SLICE("true")};
	struct scan scan;
	struct record record;
	if (name_parse_collection(&spec.collection, SLICE("applications"), NULL) != 0)
		return;
	spec.index = field_by_name(spec.collection.kind->message, SLICE("open"));
	if (scan_open(&scan, server_reader(s), &spec) != 0)
		return;
	while (scan_next(&scan, &record) == 1)
		if (is_provisional(record.body))
			submit_clock(s, record.key, NULL);
	scan_close(&scan);
}
