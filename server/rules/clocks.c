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

/* Of a clock that ends before another one of its case. */
static struct term_end
end_before(const struct work *w, const zwy_v1_Clock *clock)
{
	const zwy_v1_Clock *of = clock_running(&w->out->application, clock->before);
	enum term term = term_find(w->process, clock->term);
	day end = 0;
	if (!of || term == TERM_NONE || !date_parse(slice_of(of->due_date), &end))
		return (struct term_end){.at = msec_of(clock->due_time)};
	struct term_end ret = term_before(w->facts->calendar, w->facts->parameters, end,
					  (enum parameter)term_table[term].parameter);
	ret.provisional |= of->provisional;
	return ret;
}

static int
set_due(const struct work *w, zwy_v1_Clock *clock, struct fault *f)
{
	const struct parameters *p = w->facts->parameters;
	struct term_end end = text_of(clock->before)[0] ? end_before(w, clock) : end_of(w->facts, clock);
	char date[DATE_LEN];
	date_format(date, end.date);
	if (end.provisional && p->number[PARAM_CALENDAR_MISSING_YEAR] != 0)
		return fault_set(f, ERR_OUT_OF_RANGE,
				 "the term `%s` would end about %s, in a year whose calendar is not imported "
				 "(calendar.missing_year=refuse): import it first",
				 clock->term, date);
	clock->due_date = arena_strdup(w->arena, date);
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

/* A term of months may be asked for shorter than the longest. */
static uint32_t
length_asked(const struct work *w, const struct term_desc *t)
{
	uint32_t most = (uint32_t)w->facts->parameters->number[t->parameter];
	uint32_t asked = w->out->application.months;
	return t->unit == UNIT_MONTHS && asked && asked < most ? asked : most;
}

static int
start_one(struct work *w, enum term term, msec start, uint32_t length, struct fault *f)
{
	const struct term_desc *t = &term_table[term];
	zwy_v1_Application *a = &w->out->application;
	zwy_v1_Clock clock = {
		.term = arena_strdup(w->arena, t->name),
		.article = arena_strdup(w->arena, t->statutory ? t->article : ""),
		.statutory = t->statutory,
		.has_start_time = true,
		.start_time = stamp_of(start),
		.owner = role_at(w->facts->node, t->roles, w->arena),
		.before = arena_strdup(w->arena, t->unit == UNIT_BEFORE ? TERM_OF_USE : ""),
	};
	*length_of(&clock, t->unit) = length;
	int r = set_due(w, &clock, f);
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

int
clock_start_at(struct work *w, enum term term, msec start, uint32_t length, struct fault *f)
{
	const struct term_desc *t = &term_table[term];
	int r = start_one(w, term, start, length, f);
	for (int i = 0; r == 0 && text_is(t->name, TERM_OF_USE) && i < TERM_COUNT; i++)
		if (text_is(term_table[i].process, t->process) && term_table[i].unit == UNIT_BEFORE)
			r = start_one(w, (enum term)i, start,
				      (uint32_t)w->facts->parameters->number[term_table[i].parameter], f);
	return r;
}

int
clock_start(struct work *w, enum term term, struct fault *f)
{
	return clock_start_at(w, term, w->facts->now, length_asked(w, &term_table[term]), f);
}

zwy_v1_Clock *
clock_running(const zwy_v1_Application *a, const char *term)
{
	for (size_t i = a->clocks_count; i-- > 0;)
		if (!a->clocks[i].has_stop_time && text_is(a->clocks[i].term, term))
			return &a->clocks[i];
	return NULL;
}

static void
stop(const struct work *w, zwy_v1_Clock *clock)
{
	if (!clock)
		return;
	clock->has_stop_time = true;
	clock->stop_time = stamp_of(w->facts->now);
}

void
clock_stop(struct work *w, enum term term)
{
	zwy_v1_Application *a = &w->out->application;
	stop(w, clock_running(a, term_table[term].name));
	for (size_t i = 0; i < a->clocks_count; i++)
		if (!a->clocks[i].has_stop_time && text_is(a->clocks[i].before, term_table[term].name))
			stop(w, &a->clocks[i]);
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
	if (!t->missed) { /* a warning, given once */
		stop(w, clock);
		work_event(w, "clock", "warn", state, state, t->article,
			   arena_printf(w->arena, "%s: %s", t->name, t->text));
		return;
	}
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
	struct work w = {.facts = facts, .before = before, .arena = arena, .out = &out, .root = &out};
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
			w.comment = desc->unit == UNIT_BEFORE
					    ? arena_printf(arena, "%s: %s", desc->name, desc->text)
					    : arena_printf(arena, "%s: the term ended on %s", desc->name,
							   text_of(clock->due_date));
			size_t row;
			r = step_choose(&w, desc->then, &row, f);
			if (r == 0)
				r = step_apply(&w, row, "clock", f);
			stop(&w, clock_running(&out.application, term));
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
	int r = set_due(w, clock, f);
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
	struct work w = {.facts = facts, .before = before, .arena = arena, .out = &out, .root = &out};
	int r = work_begin(&w, f);
	for (size_t i = 0; r == 0 && i < out.application.clocks_count; i++) {
		zwy_v1_Clock *clock = &out.application.clocks[i];
		if (clock->provisional && !clock->has_stop_time && (clock->working_days || clock->months))
			r = recompute(&w, clock, f);
	}
	if (r == 0)
		r = term_mend(&w, f);
	if (r)
		return r;
	if (arena->failed)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	*ret = out;
	return 0;
}
