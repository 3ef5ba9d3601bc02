/* How test and temporary resources are used for a term: from the allocation to what follows its end
 * (Articles 19, 20). */
#include "rules/workflow.h"

/* Article 20: the last day to apply for an extension, after so many; NULL where there is none to apply for.
 */
static char *
last_extension(const struct work *w, uint32_t extensions)
{
	const zwy_v1_Clock *clock = clock_running(&w->out->application, TERM_LAST_EXTENSION);
	const int64_t *number = w->facts->parameters->number;
	bool given = w->process->kind != zwy_v1_APPLICATION_KIND_TEST || number[PARAM_TEST_EXTENDABLE];
	return clock && given && extensions < number[PARAM_EXT_COUNT] ? clock->due_date : NULL;
}

/* The step has started the term: its end is written down from the first day. */
int
effect_allocate(struct work *w, struct fault *f)
{
	zwy_v1_Application *a = &w->out->application;
	const zwy_v1_Clock *term = clock_running(a, TERM_OF_USE);
	bool test = w->process->kind == zwy_v1_APPLICATION_KIND_TEST;
	if (!term)
		return fault_set(f, ERR_INTERNAL, "no term has begun");
	a->end_date = term->due_date;
	a->last_extension_date = last_extension(w, 0);
	return bring_resources(w, test ? zwy_v1_RESOURCE_KIND_TEST : zwy_v1_RESOURCE_KIND_TEMPORARY, f);
}

/* The n-th resource that is still in the case's use, as the command leaves it; NULL after the last. */
static const zwy_v1_Resource *
in_use(const struct work *w, size_t n)
{
	for (size_t i = 0; i < w->facts->resource_count; i++) {
		const zwy_v1_Resource *r = work_now(w, w->facts->resources[i].resource);
		if (text_is(r->application, w->out->application.name) && !text_is(r->state, "reclaimed") &&
		    n-- == 0)
			return r;
	}
	return NULL;
}

/* Moves all resources in use that are in one of those states. */
static int
move_resources(struct work *w, const char *from, const char *to, const char *action, struct fault *f)
{
	const zwy_v1_Resource *r;
	int rc = 0;
	for (size_t n = 0; rc == 0 && (r = in_use(w, n)) != NULL; n++)
		if (parameter_list_has(from, slice_of(text_of(r->state))))
			rc = work_resource_state(w, r, to, action, w->process->article, f);
	return rc;
}

int
effect_suspend(struct work *w, struct fault *f)
{
	int r = move_resources(w, "active changing", "restricted", "suspend", f);
	return r ? r : effect_reason(w, f);
}

int
effect_resume(struct work *w, struct fault *f)
{
	return move_resources(w, "restricted", "active", "resume", f);
}

/* term.on_expiry=warn leaves them in use; it is only said that the term has ended. */
int
effect_freeze(struct work *w, struct fault *f)
{
	if (w->facts->parameters->number[PARAM_TERM_ON_EXPIRY] == 0)
		return move_resources(w, "active changing restricted", "frozen", "expire", f);
	const char *state = w->out->application.state;
	work_event(
		w, "clock", "warn", state, state, w->process->article,
		"the term has ended; term.on_expiry=warn: the resources stay in use until the operator takes "
		"them back");
	return 0;
}

/* A forced return for each resource that no other case holds; what one holds is left to it. */
static int
take_back(struct work *w, struct fault *f)
{
	const zwy_v1_Resource *r;
	int rc = 0;
	for (size_t n = 0; rc == 0 && (r = in_use(w, n)) != NULL; n++)
		if (text_blank(r->open_case))
			rc = reclaim_force(w, r, zwy_v1_RECLAIM_ORIGIN_EXPIRY, f);
	return rc;
}

int
effect_expire(struct work *w, struct fault *f)
{
	int r = effect_freeze(w, f);
	bool freezes = w->facts->parameters->number[PARAM_TERM_ON_EXPIRY] == 0;
	return r || !freezes ? r : take_back(w, f);
}

int
effect_reclaim_rest(struct work *w, struct fault *f)
{
	int r = move_resources(w, "active restricted", "frozen", "reclaim", f);
	return r ? r : take_back(w, f);
}

/* ---- extended ------------------------------------------------------------------- */

static uint32_t
extensions_so_far(const struct work *w)
{
	const zwy_v1_Resource *r;
	uint32_t most = 0;
	for (size_t n = 0; (r = in_use(w, n)) != NULL; n++)
		most = r->extensions > most ? r->extensions : most;
	return most;
}

/* Each resource shows the days of its case; a resource that was frozen meanwhile is in use again. */
static int
show_days(struct work *w, const char *action, const char *article, uint32_t extensions, struct fault *f)
{
	const zwy_v1_Application *a = &w->out->application;
	const zwy_v1_Resource *r;
	for (size_t n = 0; (r = in_use(w, n)) != NULL; n++) {
		bool freed = text_is(action, "extend") && text_is(r->state, "frozen");
		int rc = work_resource_state(w, r, freed ? "active" : text_of(r->state), action, article, f);
		zwy_v1_Resource *changed = rc ? NULL : work_resource(w, r, action, article);
		if (!changed)
			return rc ? rc : fault_set(f, ERR_NO_MEMORY, "out of memory");
		changed->end_date = a->end_date;
		changed->last_extension_date = a->last_extension_date;
		changed->extensions = extensions;
	}
	return 0;
}

/* Article 20: the term begins again at its old last day, for the months of the extension. */
int
effect_extended(struct work *w, struct fault *f)
{
	zwy_v1_Application *a = &w->out->application;
	enum term term = term_find(w->process, TERM_OF_USE);
	uint32_t extensions = extensions_so_far(w) + 1;
	day end;
	if (term == TERM_NONE || !date_parse(slice_of(text_of(a->end_date)), &end))
		return fault_set(f, ERR_INTERNAL, "no term to extend");
	clock_stop(w, term);
	int r = clock_start_at(w, term, day_start(end), w->root->application.months, f);
	if (r)
		return r;
	a->end_date = clock_running(a, TERM_OF_USE)->due_date;
	a->last_extension_date = last_extension(w, extensions);
	return show_days(w, "extend", "20", extensions, f);
}

/* ---- a resource leaves ------------------------------------------------------------ */

/* The state of another case as the command leaves it; "" if there are no facts of it. */
static const char *
state_of(const struct work *w, const char *name)
{
	const struct case_facts *c = text_blank(name) ? NULL : facts_case(w->facts, name);
	const zwy_v1_Application *a = c ? c->application : NULL;
	for (size_t i = 0; a && i < w->root->other_count; i++)
		if (text_is(w->root->others[i]->application.name, name))
			a = &w->root->others[i]->application;
	return a ? text_of(a->state) : "";
}

/* Moves another case on, if its state has such a step. */
static int
move_on(struct work *w, const char *name, const char *action, struct fault *f)
{
	const struct case_facts *c = text_blank(name) ? NULL : facts_case(w->facts, name);
	const struct process *p = c ? process_of(c->application->kind) : NULL;
	if (!p || process_step(p, state_of(w, name), action) == p->step_count)
		return 0;
	return work_other(w, name, action, f);
}

int
term_left(struct work *w, const zwy_v1_Resource *r, const char *action, struct fault *f)
{
	bool voids = !text_is(action, "reclaiming") && !text_blank(r->open_extension);
	int rc = voids ? move_on(w, r->open_extension, "void", f) : 0;
	if (rc || text_blank(r->end_date) || text_is(r->application, w->out->application.name))
		return rc;
	rc = move_on(w, r->application, action, f);
	if (rc || !voids || !text_is(state_of(w, r->application), "expiring_hold"))
		return rc;
	return move_on(w, r->application, "expire", f); /* nothing is left to wait for */
}

/* ---- a calendar is imported ---------------------------------------------------------- */

/* The day as a running clock has it by now, where it is another; NULL: as it was. */
static char *
mended(const zwy_v1_Application *a, const char *term, const char *was)
{
	const zwy_v1_Clock *clock = clock_running(a, term);
	return clock && !text_blank(was) && !text_is(clock->due_date, was) ? clock->due_date : NULL;
}

int
term_mend(struct work *w, struct fault *f)
{
	zwy_v1_Application *a = &w->out->application;
	char *end = mended(a, TERM_OF_USE, a->end_date);
	char *last = mended(a, TERM_LAST_EXTENSION, a->last_extension_date);
	if (!end && !last)
		return 0;
	a->end_date = end ? end : a->end_date;
	a->last_extension_date = last ? last : a->last_extension_date;
	int r = show_days(w, "recompute", w->process->article, extensions_so_far(w), f);
	for (size_t i = 0; i < w->root->changed_count; i++)
		w->root->changed[i].event.kind = "import";
	return r;
}

/* ---- conditions --------------------------------------------------------------------- */

bool
condition_extension_pending(const struct work *w)
{
	const zwy_v1_Resource *r;
	for (size_t n = 0; (r = in_use(w, n)) != NULL; n++)
		if (text_of(r->open_extension)[0])
			return true;
	return false;
}

bool
condition_near_end(const struct work *w)
{
	const zwy_v1_Application *a = &w->out->application;
	return clock_running(a, TERM_OF_USE) && !clock_running(a, "approach");
}

bool
condition_unheld(const struct work *w)
{
	const zwy_v1_Resource *r;
	for (size_t n = 0; (r = in_use(w, n)) != NULL; n++)
		if (text_blank(r->open_case))
			return true;
	return false;
}

/* ---- for people --------------------------------------------------------------- */

static const char *
last_day_note(const struct facts *facts, const zwy_v1_Application *a, struct arena *arena)
{
	day last;
	if (!date_parse(slice_of(text_of(a->last_extension_date)), &last))
		return "no extension of it can be applied for";
	if (day_of(facts->now) > last)
		return arena_printf(arena, "the last day to apply for an extension was %s",
				    a->last_extension_date);
	return arena_printf(
		arena, "the last day to apply for an extension is %s (kind=extension resource=R-… months=…)",
		a->last_extension_date);
}

size_t
term_notes(const struct facts *facts, const zwy_v1_Application *a, struct arena *arena, const char **ret,
	   size_t room)
{
	const struct process *p = process_of(a->kind);
	size_t n = 0;
	if (!p || p->subject != SUBJECT_SYSTEM || text_blank(a->end_date) || process_final(p, a->state) ||
	    room < 2)
		return 0;
	ret[n++] = arena_printf(arena, "the last day of the term is %s", a->end_date);
	ret[n++] = last_day_note(facts, a, arena);
	for (size_t i = 0; i < facts->resource_count && n < room; i++) {
		const zwy_v1_Resource *r = facts->resources[i].resource;
		bool held = !text_blank(r->open_case), extending = !text_blank(r->open_extension);
		if (text_is(r->application, a->name))
			ret[n++] = arena_printf(arena, "%s: %s%s%s%s%s", text_of(r->name), text_of(r->state),
						held ? ", held by " : "", text_of(r->open_case),
						extending ? ", to be extended by " : "",
						text_of(r->open_extension));
	}
	for (size_t i = 0; i < n; i++)
		ret[i] = ret[i] ? ret[i] : "";
	return n;
}

/* Asked for about the first resource that no other case holds: the others are asked for alike. */
size_t
term_requests(const struct facts *facts, const zwy_v1_Application *a, struct arena *arena,
	      struct possible *ret)
{
	const struct resource_facts *free_one = NULL;
	size_t n = 0;
	day last;
	if (!clock_running(a, TERM_OF_USE))
		return 0;
	for (size_t i = 0; i < facts->resource_count && !free_one; i++)
		if (text_is(facts->resources[i].resource->application, a->name) &&
		    text_blank(facts->resources[i].resource->open_case))
			free_one = &facts->resources[i];
	if (!free_one)
		return 0;
	const char *id = name_slug(free_one->resource->name);
	if (date_parse(slice_of(text_of(a->last_extension_date)), &last) && day_of(facts->now) <= last &&
	    text_blank(free_one->resource->open_extension))
		ret[n++] = (struct possible){"kind=extension",
					     arena_printf(arena, "resource=%s months=1 purpose=…", id), "20",
					     arena_printf(arena, "extend the term, until %s at the latest",
							  a->last_extension_date)};
	ret[n++] = (struct possible){
		"kind=regular",
		arena_printf(arena, "system=%s items.takes-over=%s …", text_of(a->system), id), "13",
		arena_printf(arena, "have it go into regular service, delivered by %s", a->end_date)};
	ret[n++] = (struct possible){"kind=reclaim", arena_printf(arena, "resource=%s …", id), "17",
				     "give it back before the term ends"};
	return n;
}
