/* Resources that are given back or taken back (Article 17). */
#include "rules/workflow.h"

bool
reclaim_forced(const zwy_v1_Application *a)
{
	return a->has_reclaim && a->reclaim.origin != zwy_v1_RECLAIM_ORIGIN_UNSPECIFIED &&
	       a->reclaim.origin != zwy_v1_RECLAIM_ORIGIN_RETURN;
}

/* ---- what it must satisfy ---------------------------------------------------- */

int
check_returned(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	(void)facts;
	if (a->items_count)
		fault_add(f, ERR_INVALID_FIELD, "items",
			  "a return asks for nothing: name the resource in resource and leave items out");
	if (reclaim_forced(a) && text_blank(a->purpose))
		fault_add(f, ERR_FIELD_MISSING, "purpose", "purpose is missing: why it is taken back");
	if (f->code)
		snprintf(f->article, sizeof(f->article), "17");
	return f->code;
}

int
check_attested(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	const struct {
		bool done;
		const char *field, *text;
	} attestations[] = {
		{a->reclaim.offline, "reclaim.offline", "the system is shut down (下线)"},
		{a->reclaim.migrated, "reclaim.migrated", "the data are migrated (数据迁移)"},
		{a->reclaim.backed_up, "reclaim.backed-up", "the data are backed up (数据备份)"},
	};
	(void)facts;
	if (reclaim_forced(a))
		return f->code;
	for (size_t i = 0; i < sizeof(attestations) / sizeof(attestations[0]); i++)
		if (!a->has_reclaim || !attestations[i].done)
			fault_add(f, ERR_ATTESTATION_MISSING, attestations[i].field,
				  "%s=true is missing: it attests that %s", attestations[i].field,
				  attestations[i].text);
	return f->code;
}

/* The department's data are kept, unless it agrees, through the whole last day. */
int
guard_preserved(const struct work *w, struct fault *f)
{
	const zwy_v1_Application *a = &w->out->application;
	day until;
	if (!reclaim_forced(a) || a->reclaim.has_consent_time ||
	    !date_parse(slice_of(text_of(a->reclaim.preserve_until)), &until) ||
	    day_of(w->facts->now) > until)
		return 0;
	return fault_set(
		f, ERR_DATA_PRESERVED,
		"the data of %.63s are kept for %.63s through %.10s; complete it after that day, or once "
		"the department has agreed (consent)",
		text_of(a->resource), text_of(a->department), a->reclaim.preserve_until);
}

int
guard_refuse_return(const struct work *w, struct fault *f)
{
	if (!condition_holds(w, "revocable"))
		return fault_set_article(
			f, ERR_WRONG_STATE, "20",
			"the term of %.63s has ended: what takes it back can only be accepted",
			text_of(w->out->application.resource));
	if (text_blank(w->comment))
		return fault_set_article(
			f, ERR_FORM_INCOMPLETE, "17",
			"a rejection needs a comment that says why: data that are not migrated, "
			"or what depends on it");
	return 0;
}

/* ---- what a step does ---------------------------------------------------------- */

static int
no_memory(struct fault *f)
{
	return fault_set(f, ERR_NO_MEMORY, "out of memory");
}

/* The resource as the outcome leaves it, with an event of that action. */
static zwy_v1_Resource *
changed(struct work *w, const char *action, struct fault *f)
{
	zwy_v1_Resource *r =
		w->facts->resource ? work_resource(w, w->facts->resource, action, w->process->article) : NULL;
	if (!r)
		fault_set(f, w->facts->resource ? ERR_NO_MEMORY : ERR_INTERNAL, "no facts of the resource");
	return r;
}

/* Says until when the data are kept; the term of Article 17 begins after that day, since
 * the operator may not finish before. */
int
effect_force(struct work *w, struct fault *f)
{
	zwy_v1_Application *a = &w->out->application;
	const struct facts *facts = w->facts;
	unsigned days = (unsigned)facts->parameters->number[PARAM_TERM_GRACE];
	day until = day_of(facts->now);
	char date[DATE_LEN];
	int rc = effect_submit(w, f);
	zwy_v1_Resource *r = rc ? NULL : changed(w, "submit", f);
	if (!r)
		return f->code;
	if (a->reclaim.origin == zwy_v1_RECLAIM_ORIGIN_EXPIRY) {
		/* It follows from the term, whoever sets it going. */
		a->submitter = a->submitter_actor = arena_strdup(w->arena, "system");
		a->submitters_count = 0;
	}
	if (days)
		until = term_end(facts->calendar, facts->parameters, facts->now, UNIT_WORKING_DAYS, days)
				.date;
	date_format(date, until);
	a->reclaim.preserve_until = arena_strdup(w->arena, date);
	r->preserve_until = a->reclaim.preserve_until;
	return clock_start_at(w, TERM_RECLAIM, day_start(until),
			      (uint32_t)facts->parameters->number[PARAM_RECLAIM_WD], f);
}

int
effect_consent(struct work *w, struct fault *f)
{
	zwy_v1_Reclaim *reclaim = &w->out->application.reclaim;
	reclaim->has_consent_time = true;
	reclaim->consent_time = stamp_of(w->facts->now);
	reclaim->consenter = arena_strdup(w->arena, text_of(w->facts->actor->principal));
	return reclaim->consenter ? 0 : no_memory(f);
}

/* Nothing is taken back: the resource has no last day of its data. */
int
effect_keep(struct work *w, struct fault *f)
{
	zwy_v1_Resource *r = changed(w, "withdraw", f);
	if (!r)
		return f->code;
	r->preserve_until = NULL;
	return effect_reason(w, f);
}

int
effect_result(struct work *w, struct fault *f)
{
	zwy_v1_Application *a = &w->out->application;
	(void)f;
	a->has_decision = true;
	a->decision = (zwy_v1_Decision){
		.decision = arena_strdup(w->arena, form_value(w->act, "result")),
		.comment = arena_strdup(w->arena, text_of(w->comment)),
		.decider = arena_strdup(w->arena, text_of(w->facts->actor->principal)),
		.has_time = true,
		.time = stamp_of(w->facts->now),
	};
	return 0;
}

int
effect_refuse_return(struct work *w, struct fault *f)
{
	zwy_v1_Resource *r = changed(w, "review", f);
	if (!r)
		return f->code;
	r->preserve_until = NULL;
	effect_result(w, f);
	w->out->application.reason = w->out->application.decision.comment;
	return 0;
}

int
effect_reclaiming(struct work *w, struct fault *f)
{
	if (!changed(w, "start", f))
		return f->code;
	int rc = work_resource_state(w, w->facts->resource, "reclaiming", "start", w->process->article, f);
	return rc ? rc : term_left(w, w->facts->resource, "reclaiming", f);
}

/* The resource's record stays, with what the meter showed at the end. */
int
effect_reclaimed(struct work *w, struct fault *f)
{
	const struct facts *facts = w->facts;
	zwy_v1_Resource *r = changed(w, "complete", f);
	int rc = r ? work_reading(w, "complete", f) : f->code;
	if (rc)
		return rc;
	r->has_reclaim_time = true;
	r->reclaim_time = stamp_of(facts->now);
	r->open_extension = NULL;
	rc = work_resource_state(w, facts->resource, "reclaimed", "complete", w->process->article, f);
	return rc ? rc : term_left(w, facts->resource, "reclaimed", f);
}

/* ---- by the system ---------------------------------------------------------------- */

int
reclaim_force(struct work *w, const zwy_v1_Resource *r, zwy_v1_ReclaimOrigin origin, struct fault *f)
{
	zwy_v1_Application first = {
		.kind = zwy_v1_APPLICATION_KIND_RECLAIM,
		.system = r->system,
		.zone = r->zone,
		.purpose = arena_printf(w->arena, "%s: %s", text_of(w->out->application.name),
					text_of(r->end_date)[0] ? "the term has ended" : "taken back"),
		.resource = arena_strdup(w->arena, name_slug(r->name)),
		.has_reclaim = true,
		.reclaim.origin = origin,
	};
	struct work made;
	size_t row;
	int rc = work_create(w, &first, &made, f);
	if (rc == 0)
		rc = step_choose(&made, "submit", &row, f);
	return rc ? rc : step_apply(&made, row, w->act ? "act" : "clock", f);
}
