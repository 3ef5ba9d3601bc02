#include <stdio.h>

#include "rules/workflow.h"

google_protobuf_Timestamp
stamp_of(msec t)
{
	msec s = t / 1000 - (t % 1000 < 0);
	return (google_protobuf_Timestamp){.seconds = s, .nanos = (int32_t)((t - s * 1000) * 1000000)};
}

msec
msec_of(google_protobuf_Timestamp t)
{
	return t.seconds * 1000 + t.nanos / 1000000;
}

static struct term_end
end_of(const struct facts *facts, const zwy_v1_Clock *clock)
{
	enum term_unit unit = clock->months ? UNIT_MONTHS : clock->hours ? UNIT_HOURS : UNIT_WORKING_DAYS;
	uint32_t n = clock->months ? clock->months : clock->hours ? clock->hours : clock->working_days;
	return term_end(facts->calendar, facts->parameters, msec_of(clock->start_time), unit, n);
}

static int
set_due(const struct facts *facts, zwy_v1_Clock *clock, struct arena *arena, struct fault *f)
{
	const struct parameters *p = facts->parameters;
	struct term_end end = end_of(facts, clock);
	char date[DATE_LEN];
	date_format(date, end.date);
	if (end.provisional && p->number[PARAM_CALENDAR_MISSING_YEAR] != 0)
		return fault_set(f, ERR_OUT_OF_RANGE,
				 "the term `%s` would end about %s, in a year whose calendar is not imported "
				 "(calendar.missing_year=refuse): import it first",
				 clock->term, date);
	clock->due_date = arena_strdup(arena, date);
	clock->has_due_time = true;
	clock->due_time = stamp_of(end.at);
	clock->provisional = end.provisional;
	return 0;
}

static uint32_t *
length_of(zwy_v1_Clock *clock, enum term_unit unit)
{
	return unit == UNIT_MONTHS  ? &clock->months
	       : unit == UNIT_HOURS ? &clock->hours
				    : &clock->working_days;
}

int
clock_start(struct work *w, enum term term, struct fault *f)
{
	const struct term_desc *t = &term_table[term];
	zwy_v1_Application *a = &w->out->application;
	zwy_v1_Clock clock = {
		.term = arena_strdup(w->arena, t->name),
		.article = arena_strdup(w->arena, t->statutory ? t->article : ""),
		.statutory = t->statutory,
		.has_start_time = true,
		.start_time = stamp_of(w->facts->now),
		.owner = role_at(w->facts->node, t->roles, w->arena),
	};
	*length_of(&clock, t->unit) = (uint32_t)w->facts->parameters->number[t->parameter];
	int r = set_due(w->facts, &clock, w->arena, f);
	if (r)
		return r;
	zwy_v1_Clock *clocks = arena_array(w->arena, (size_t)a->clocks_count + 1, sizeof(*clocks));
	if (!clocks)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	if (a->clocks_count)
		memcpy(clocks, a->clocks, a->clocks_count * sizeof(*clocks));
	clocks[a->clocks_count++] = clock;
	a->clocks = clocks;
	return 0;
}

zwy_v1_Clock *
clock_running(const zwy_v1_Application *a, const char *term)
{
	for (size_t i = a->clocks_count; i-- > 0;)
		if (!a->clocks[i].has_stop_time && text_is(a->clocks[i].term, term))
			return &a->clocks[i];
	return NULL;
}

void
clock_stop(struct work *w, enum term term)
{
	zwy_v1_Clock *clock = clock_running(&w->out->application, term_table[term].name);
	if (!clock)
		return;
	clock->has_stop_time = true;
	clock->stop_time = stamp_of(w->facts->now);
}

void
clocks_stop_all(struct work *w)
{
	const struct process *p = w->process;
	for (int i = 0; i < TERM_COUNT; i++)
		if (text_is(term_table[i].process, p->name))
			clock_stop(w, (enum term)i);
}

static bool
passed(const zwy_v1_Clock *clock, msec now)
{
	return !clock->has_stop_time && clock->has_due_time && msec_of(clock->due_time) <= now;
}

static void
mark_overdue(struct work *w, zwy_v1_Clock *clock, const struct term_desc *t)
{
	const char *state = w->out->application.state;
	clock->overdue = true;
	work_event(w, "clock", "overdue", state, state, t->article,
		   arena_printf(w->arena, "%s: %s was due on %s (%s)", t->name, t->text,
				text_of(clock->due_date), t->statutory ? "statutory" : "internal target"));
}

void
clocks_mark(struct work *w)
{
	zwy_v1_Application *a = &w->out->application;
	for (size_t i = 0; i < a->clocks_count; i++) {
		enum term term = term_find(w->process, a->clocks[i].term);
		if (term != TERM_NONE && term_table[term].then[0] == '\0' && !a->clocks[i].overdue &&
		    passed(&a->clocks[i], w->facts->now))
			mark_overdue(w, &a->clocks[i], &term_table[term]);
	}
}

const zwy_v1_Clock *
clock_ended(const struct process *p, const zwy_v1_Application *a, msec now)
{
	for (int i = 0; i < TERM_COUNT; i++) {
		if (!text_is(term_table[i].process, p->name))
			continue;
		const zwy_v1_Clock *clock = clock_running(a, term_table[i].name);
		if (clock && term_table[i].then[0] && passed(clock, now))
			return clock;
	}
	return NULL;
}

int
application_clock(const struct facts *facts, const zwy_v1_Application *before, const char *term,
		  struct arena *arena, struct outcome *ret, struct fault *f)
{
	struct outcome out = {0};
	struct work w = {.facts = facts, .before = before, .arena = arena, .out = &out};
	int r = work_begin(&w, f);
	if (r)
		return r;
	enum term t = term_find(w.process, term);
	zwy_v1_Clock *clock = t == TERM_NONE ? NULL : clock_running(&out.application, term);
	if (clock && !clock->overdue && passed(clock, facts->now)) {
		const struct term_desc *desc = &term_table[t];
		if (desc->then[0] == '\0') {
			mark_overdue(&w, clock, desc);
		} else {
			clock->overdue = desc->missed;
			w.comment = arena_printf(arena, "%s: the term ended on %s", desc->name,
						 text_of(clock->due_date));
			r = step_apply(&w, process_step(w.process, before->state, desc->then), "clock", f);
		}
	}
	if (r)
		return r;
	if (arena->failed)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	*ret = out;
	return 0;
}

/* A clock as the calendar now has it; an event where that changes anything. */
static int
recompute(struct work *w, zwy_v1_Clock *clock, struct fault *f)
{
	zwy_v1_Clock old = *clock;
	int r = set_due(w->facts, clock, w->arena, f);
	if (r)
		return r;
	if (clock->overdue && !passed(clock, w->facts->now))
		clock->overdue = false;
	if (clock->provisional == old.provisional && text_is(clock->due_date, old.due_date))
		return 0;
	const char *state = w->out->application.state;
	work_event(w, "import", "recompute", state, state, clock->article,
		   arena_printf(w->arena, "%s: due %s (provisional) is now %s%s", clock->term,
				text_of(old.due_date), text_of(clock->due_date),
				clock->provisional ? " (provisional)" : ""));
	return 0;
}

int
application_recompute(const struct facts *facts, const zwy_v1_Application *before, struct arena *arena,
		      struct outcome *ret, struct fault *f)
{
	struct outcome out = {0};
	struct work w = {.facts = facts, .before = before, .arena = arena, .out = &out};
	int r = work_begin(&w, f);
	for (size_t i = 0; r == 0 && i < out.application.clocks_count; i++) {
		zwy_v1_Clock *clock = &out.application.clocks[i];
		if (clock->provisional && !clock->has_stop_time && (clock->working_days || clock->months))
			r = recompute(&w, clock, f);
	}
	if (r)
		return r;
	if (arena->failed)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	*ret = out;
	return 0;
}
