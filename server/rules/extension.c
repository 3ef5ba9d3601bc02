/* Extensions of a term of use (Article 20). */
#include "rules/workflow.h"

/* The case whose term a resource is used for; NULL if there is none. */
static const struct case_facts *
case_of_term(const struct facts *facts)
{
	const zwy_v1_Resource *r = facts->resource;
	return r && !text_blank(r->end_date) ? facts_case(facts, r->application) : NULL;
}

/* ---- what is asked for --------------------------------------------------------- */

static void
check_kind(const struct facts *facts, const zwy_v1_Application *a, const zwy_v1_Resource *r, struct fault *f)
{
	uint32_t most = (uint32_t)facts->parameters->number[PARAM_EXT_COUNT];
	if (a->items_count)
		fault_add(f, ERR_INVALID_FIELD, "items",
			  "an extension asks for nothing new: leave items out");
	if (text_blank(r->end_date))
		fault_add(f, ERR_NOT_EXTENDABLE, "resource",
			  "%.63s is used for no term: there is none to extend", text_of(a->resource));
	else if (r->kind == zwy_v1_RESOURCE_KIND_TEST && !facts->parameters->number[PARAM_TEST_EXTENDABLE])
		fault_add(
			f, ERR_NOT_EXTENDABLE, "resource",
			"%.63s is a test resource, whose term is not extended (test.extendable=0): apply for "
			"test resources anew, or have a regular application take it over",
			a->resource);
	else if (r->extensions >= most)
		fault_add(f, ERR_NOT_EXTENDABLE, "resource",
			  "the term of %.63s was extended %u times; at most %u are allowed (ext.max_count): "
			  "have a regular application take it over, or return it by %s",
			  a->resource, (unsigned)r->extensions, (unsigned)most, r->end_date);
}

/* One term, one extension at a time, whichever of its resources names it. */
static void
check_other(const zwy_v1_Application *a, const zwy_v1_Resource *r, struct fault *f)
{
	if (text_blank(r->open_extension) || text_is(r->open_extension, a->name))
		return;
	fault_add(f, ERR_RESOURCE_BUSY, "resource",
		  "%.80s asks for an extension of this term already; one at a time", r->open_extension);
}

int
check_extendable(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	const zwy_v1_Resource *r = facts->resource;
	const struct case_facts *c = case_of_term(facts);
	if (!r)
		return f->code;
	check_kind(facts, a, r, f);
	if (!c)
		check_other(a, r, f);
	for (size_t i = 0; c && !f->code && i < c->facts->resource_count; i++)
		if (text_is(c->facts->resources[i].resource->application, c->application->name))
			check_other(a, c->facts->resources[i].resource, f);
	if (!f->code && text_is(r->state, "reclaiming"))
		fault_add(f, ERR_WRONG_STATE, "resource", "%.63s is being taken back", a->resource);
	return f->code;
}

/* Article 20: the last day to apply, as the resource shows it since its first day. */
static bool
last_day(const struct facts *facts, day *ret, day *ret_end)
{
	const zwy_v1_Resource *r = facts->resource;
	if (!r || !date_parse(slice_of(text_of(r->end_date)), ret_end))
		return false;
	if (!date_parse(slice_of(text_of(r->last_extension_date)), ret))
		*ret = term_before(facts->calendar, facts->parameters, *ret_end, PARAM_EXT_LEAD_WD).date;
	return true;
}

static bool
is_late(const struct facts *facts)
{
	day last, end;
	return last_day(facts, &last, &end) && day_of(facts->now) > last;
}

int
check_lead(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	const struct case_facts *c = case_of_term(facts);
	day last, end, today = day_of(facts->now);
	char last_text[DATE_LEN], today_text[DATE_LEN];
	if (!last_day(facts, &last, &end) || today <= last)
		return f->code;
	bool running = c && clock_running(c->application, TERM_OF_USE) && today <= end;
	if (running && facts->parameters->number[PARAM_EXT_LATE] != 0)
		return f->code; /* taken, and marked */
	date_format(last_text, last);
	date_format(today_text, today);
	const int64_t *number = facts->parameters->number;
	fault_add(f, ERR_EXT_TOO_LATE, "resource",
		  "the last day to apply was %s: %s%lld working days before its term ends on %s; today is "
		  "%s. %s",
		  last_text, number[PARAM_EXT_LEAD_MODE] ? "more than " : "",
		  (long long)number[PARAM_EXT_LEAD_WD], facts->resource->end_date, today_text,
		  running ? "Have a regular application take it over (kind=regular, items.takes-over), or "
			    "return "
			    "it in time (kind=reclaim)"
			  : "Apply for new resources");
	(void)a;
	return f->code;
}

int
guard_grant(const struct work *w, struct fault *f)
{
	const struct case_facts *c = case_of_term(w->facts);
	const struct process *p = c ? process_of(c->application->kind) : NULL;
	int r = application_check(w->facts, &w->out->application, STAGE_APPROVE, 0, f);
	if (r)
		return r;
	if (!p || process_step(p, c->application->state, "extend") == p->step_count)
		return fault_set(f, ERR_WRONG_STATE, "%.80s is %s: its term is not extended any more",
				 c ? c->application->name : "the case",
				 c ? text_of(c->application->state) : "gone");
	if (w->out->application.late && text_blank(w->comment))
		return fault_set_article(
			f, ERR_FORM_INCOMPLETE, "20",
			"it came after the last day (late=true): granting it needs a comment in "
			"which the head of the operator agrees, by name");
	return 0;
}

/* ---- what a step does ------------------------------------------------------------ */

static int
set_open(struct work *w, const char *name, const char *action, struct fault *f)
{
	zwy_v1_Resource *r =
		w->facts->resource ? work_resource(w, w->facts->resource, action, w->process->article) : NULL;
	if (!r)
		return fault_set(f, w->facts->resource ? ERR_NO_MEMORY : ERR_INTERNAL,
				 "no facts of the resource");
	r->open_extension = arena_strdup(w->arena, text_of(name));
	return 0;
}

int
effect_extension_submit(struct work *w, struct fault *f)
{
	zwy_v1_Application *a = &w->out->application;
	int r = effect_submit(w, f);
	if (r)
		return r;
	if (a->months == 0)
		a->months = (uint32_t)w->facts->parameters->number[PARAM_EXT_MONTHS];
	a->late = is_late(w->facts);
	return set_open(w, a->name, "extension", f);
}

/* It ends without a longer term: what waited for it expires. */
static int
give_up(struct work *w, const char *action, struct fault *f)
{
	const struct case_facts *c = case_of_term(w->facts);
	int r = set_open(w, "", action, f);
	if (r || !c || !text_is(c->application->state, "expiring_hold"))
		return r;
	return work_other(w, c->application->name, "expire", f);
}

int
effect_extension_end(struct work *w, struct fault *f)
{
	int r = effect_reason(w, f);
	return r ? r : give_up(w, "withdraw", f);
}

int
effect_extension_deny(struct work *w, struct fault *f)
{
	int r = effect_decide(w, f);
	w->out->application.reason = w->out->application.decision.comment;
	return r ? r : give_up(w, "deny", f);
}

int
effect_extension_apply(struct work *w, struct fault *f)
{
	const struct case_facts *c = case_of_term(w->facts);
	int r = set_open(w, "", "extend", f);
	if (r == 0 && !c)
		r = fault_set(f, ERR_INTERNAL, "no facts of the case whose term it extends");
	if (r == 0)
		r = work_other(w, c->application->name, "extend", f);
	if (r)
		return r;
	for (size_t i = 0; i < w->root->other_count; i++)
		if (text_is(w->root->others[i]->application.name, c->application->name))
			w->out->application.end_date = w->root->others[i]->application.end_date;
	return 0;
}
