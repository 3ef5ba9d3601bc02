/* Days that a record with a small life waits for. */
#include "rules/register_rules.h"

static const zwy_v1_Clock *
clocks_of(const struct register_desc *desc, const void *record, size_t *ret_count)
{
	*ret_count = desc->has_clocks ? *(const pb_size_t *)((const char *)record + desc->clocks_count) : 0;
	return *ret_count ? *(zwy_v1_Clock *const *)((const char *)record + desc->clocks) : NULL;
}

zwy_v1_Clock *
register_clock_new(const char *term, const char *article, day last, const zwy_v1_Node *node, msec now,
		   struct arena *arena)
{
	zwy_v1_Clock *clock = arena_array(arena, 1, sizeof(*clock));
	char date[DATE_LEN];
	if (!clock)
		return NULL;
	date_format(date, last);
	*clock = (zwy_v1_Clock){
		.term = arena_strdup(arena, term),
		.article = arena_strdup(arena, article),
		.statutory = article[0] != '\0',
		.has_start_time = true,
		.start_time = stamp_of(now),
		.due_date = arena_strdup(arena, date),
		.has_due_time = true,
		.due_time = stamp_of(day_start(last + 1)),
		.owner = role_at(node, DU_BIT, arena),
	};
	return clock;
}

void
register_stop_clocks(struct register_work *w)
{
	size_t count;
	const zwy_v1_Clock *running = clocks_of(w->desc, w->after, &count);
	zwy_v1_Clock *clocks = count ? arena_array(w->arena, count, sizeof(*clocks)) : NULL;
	if (!clocks)
		return; /* arena.failed says whether it should have been */
	for (size_t i = 0; i < count; i++) {
		clocks[i] = running[i];
		if (!clocks[i].has_stop_time) {
			clocks[i].has_stop_time = true;
			clocks[i].stop_time = stamp_of(w->facts->now);
		}
	}
	*(zwy_v1_Clock **)((char *)w->after + w->desc->clocks) = clocks;
}

const zwy_v1_Clock *
register_clock_running(const struct register_desc *desc, const void *record, const char *term)
{
	size_t count;
	const zwy_v1_Clock *clocks = clocks_of(desc, record, &count);
	for (size_t i = 0; i < count; i++)
		if (!clocks[i].has_stop_time && (!term || text_is(clocks[i].term, term)))
			return &clocks[i];
	return NULL;
}

/* The system's step once that clock has passed; NULL if there is none from there. */
static const struct register_step *
step_after(enum kind kind, const char *state, const char *term)
{
	for (size_t i = 0; i < register_term_count; i++)
		if (register_terms[i].kind == kind && text_is(register_terms[i].name, term))
			return register_step_find(kind, state, register_terms[i].then);
	return NULL;
}

int
register_clock(const struct register_facts *facts, const struct register_desc *desc, const void *before,
	       const char *term, struct arena *arena, void *ret, const struct register_step **ret_step,
	       struct fault *f)
{
	const zwy_v1_Clock *clock = register_clock_running(desc, before, text_of(term));
	const struct register_step *s = step_after(desc->kind, text_at(before, desc->state), text_of(term));
	*ret_step = NULL;
	if (!s || !clock || !clock->has_due_time || msec_of(clock->due_time) > facts->now)
		return 0;
	struct register_work w = {facts, desc, NULL, before, ret, s->description, arena};
	int r = register_take(&w, s, f);
	if (r == 0)
		*ret_step = s;
	return r;
}
