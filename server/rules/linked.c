/* What a case does beyond itself: to the resources that it is about, and to other cases. */
#include "rules/workflow.h"

const struct resource_facts *
facts_resource(const struct facts *facts, const char *name)
{
	for (size_t i = 0; i < facts->resource_count; i++)
		if (text_is(facts->resources[i].resource->name, name))
			return &facts->resources[i];
	return NULL;
}

const struct case_facts *
facts_case(const struct facts *facts, const char *name)
{
	for (size_t i = 0; i < facts->case_count; i++)
		if (text_is(facts->cases[i].application->name, name))
			return &facts->cases[i];
	return NULL;
}

bool
application_holds(const zwy_v1_Application *a, const char *resource)
{
	const struct process *p = process_of(a->kind);
	const char *id = name_slug(resource);
	if (p && p->subject == SUBJECT_RESOURCE && text_is(a->resource, id))
		return true;
	for (size_t i = 0; i < a->items_count; i++)
		if (text_is(a->items[i].takes_over, id))
			return true;
	return false;
}

void
application_derive(zwy_v1_Application *asked, const zwy_v1_Resource *resource, struct arena *arena)
{
	const struct process *p = process_of(asked->kind);
	if (!resource || !p || p->subject == SUBJECT_SYSTEM)
		return;
	if (text_blank(asked->system))
		asked->system = resource->system;
	if (text_blank(asked->department))
		asked->department = resource->department;
	if (asked->zone == zwy_v1_ZONE_UNSPECIFIED)
		asked->zone = resource->zone;
	p->derive(asked, resource, arena);
}

void
derive_none(zwy_v1_Application *asked, const zwy_v1_Resource *resource, struct arena *arena)
{
	(void)asked;
	(void)resource;
	(void)arena;
}

/* ---- resources ------------------------------------------------------------- */

/* The resource that the case names or takes over, by its id. */
static void
check_held(const struct facts *facts, const zwy_v1_Application *a, const char *field,
	   const zwy_v1_Resource *r, const char *id, struct fault *f)
{
	if (!r)
		fault_add(f, ERR_UNKNOWN_RESOURCE, field, "there is no resource %.63s", id);
	else if (facts->department && !text_is(r->department, name_slug(facts->department->name)))
		fault_add(f, ERR_FOREIGN_RECORD, field, "%.63s belongs to %.63s, not to %.63s", id,
			  text_of(r->department), name_slug(facts->department->name));
	else if (text_is(r->state, "reclaimed"))
		fault_add(f, ERR_WRONG_STATE, field, "%.63s was taken back already", id);
	else if (application_holds(a, r->name) && text_of(r->open_case)[0] &&
		 !text_is(r->open_case, text_of(a->name)))
		fault_add(f, ERR_RESOURCE_BUSY, field,
			  "%.63s is held by %.80s; one change or return of a resource at a time", id,
			  r->open_case);
}

int
check_resource(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	const struct process *p = process_of(a->kind);
	char field[64];
	if (p->subject != SUBJECT_SYSTEM && text_blank(a->resource))
		return fault_add(f, ERR_FIELD_MISSING, "resource",
				 "resource is missing: the id of the resource, e.g. R-2026-000012");
	if (p->subject != SUBJECT_SYSTEM) {
		check_held(facts, a, "resource", facts->resource, a->resource, f);
		if (facts->resource && !text_is(a->system, facts->resource->system))
			fault_add(f, ERR_INVALID_FIELD, "system",
				  "%.63s is a resource of %.63s; leave system out", a->resource,
				  text_of(facts->resource->system));
	} else if (!text_blank(a->resource))
		return fault_add(f, ERR_INVALID_FIELD, "resource",
				 "a case of this kind is about no single resource; an item may name one in "
				 "takes-over");
	for (size_t i = 0; i < a->items_count; i++) {
		const zwy_v1_Item *item = &a->items[i];
		const zwy_v1_Resource *r = facts->items[i].taken_over;
		if (text_of(item->takes_over)[0] == '\0' ||
		    (p->subject == SUBJECT_RESOURCE && text_is(item->takes_over, a->resource)))
			continue; /* said above */
		snprintf(field, sizeof(field), "items.%zu.takes-over", i + 1);
		check_held(facts, a, field, r, item->takes_over, f);
		/* A change that the authority decides may end in another service (Article 15 (2)). */
		if (r && !text_is(r->service, item->service) && !text_is(r->open_case, text_of(a->name)) &&
		    p->subject == SUBJECT_SYSTEM && text_blank(a->origin))
			fault_add(f, ERR_INVALID_FIELD, field, "%.63s is of %.63s, not of %.63s",
				  item->takes_over, text_of(r->service), text_of(item->service));
		for (size_t k = 0; k < i; k++)
			if (text_is(a->items[k].takes_over, item->takes_over))
				fault_add(f, ERR_INVALID_FIELD, field, "items.%zu takes %.63s over already",
					  k + 1, item->takes_over);
	}
	return f->code;
}

const zwy_v1_Resource *
work_now(const struct work *w, const zwy_v1_Resource *r)
{
	for (size_t i = 0; i < w->root->changed_count; i++)
		if (text_is(w->root->changed[i].resource.name, r->name))
			return &w->root->changed[i].resource;
	return r;
}

zwy_v1_Resource *
work_resource(struct work *w, const zwy_v1_Resource *r, const char *action, const char *article)
{
	struct outcome *out = w->root;
	for (size_t i = 0; i < out->changed_count; i++)
		if (text_is(out->changed[i].resource.name, r->name))
			return &out->changed[i].resource;
	struct changed_resource *changed = arena_array(w->arena, out->changed_count + 1, sizeof(*changed));
	if (!changed)
		return NULL;
	if (out->changed_count)
		memcpy(changed, out->changed, out->changed_count * sizeof(*changed));
	out->changed = changed;
	struct changed_resource *c = &changed[out->changed_count++];
	c->resource = *r;
	c->event = (struct outcome_event){
		.kind = w->act ? "act" : "clock",
		.action = action,
		.from_state = text_of(r->state),
		.to_state = text_of(r->state),
		.article = article,
		.comment = text_of(w->out->application.name),
	};
	return &c->resource;
}

int
work_resource_state(struct work *w, const zwy_v1_Resource *r, const char *state, const char *action,
		    const char *article, struct fault *f)
{
	zwy_v1_Resource *changed = work_resource(w, r, action, article);
	if (!changed)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	changed->state = arena_strdup(w->arena, state);
	for (size_t i = 0; i < w->root->changed_count; i++)
		if (&w->root->changed[i].resource == changed)
			w->root->changed[i].event.to_state = changed->state;
	return 0;
}

int
work_hold(struct work *w, enum quota_effect effect, const struct step *step, struct fault *f)
{
	const char *name = text_of(w->out->application.name);
	w->out->holds = effect == QUOTA_RESERVE;
	for (size_t i = 0; i < w->facts->resource_count; i++) {
		const struct resource_facts *r = &w->facts->resources[i];
		if (!r->held)
			continue;
		zwy_v1_Resource *changed = work_resource(w, r->resource, step->action, step->article);
		if (!changed)
			return fault_set(f, ERR_NO_MEMORY, "out of memory");
		changed->open_case = arena_strdup(w->arena, effect == QUOTA_RESERVE ? name : "");
	}
	return 0;
}

/* ---- other cases ------------------------------------------------------------ */

/* Room for one more case in the outcome, with a command of its own that shares this one's. */
static int
begin_other(struct work *w, const struct facts *facts, const zwy_v1_Application *before, struct work *ret,
	    struct fault *f)
{
	struct outcome *root = w->root;
	struct outcome **others = arena_array(w->arena, root->other_count + 1, sizeof(struct outcome *));
	struct outcome *out = arena_alloc(w->arena, sizeof(*out));
	if (!others || !out)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	if (root->other_count)
		memcpy(others, root->others, root->other_count * sizeof(*others));
	others[root->other_count++] = out;
	root->others = others;
	*ret = (struct work){
		.facts = facts,
		.before = before,
		.comment = text_of(w->out->application.name),
		.arena = w->arena,
		.out = out,
		.root = root,
	};
	return work_begin(ret, f);
}

/* Goes on with a case that this command has moved before. */
static int
resume_other(struct work *w, const struct facts *facts, struct outcome *out, struct work *ret,
	     struct fault *f)
{
	zwy_v1_Application *before = arena_alloc(w->arena, sizeof(*before));
	if (!before)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	*before = out->application;
	*ret = (struct work){
		.facts = facts,
		.before = before,
		.comment = text_of(w->out->application.name),
		.arena = w->arena,
		.out = out,
		.root = w->root,
		.event_room = out->event_count,
	};
	return work_begin(ret, f);
}

int
work_other(struct work *w, const char *name, const char *action, struct fault *f)
{
	const struct case_facts *c = facts_case(w->facts, name);
	struct outcome *moved = NULL;
	struct work other;
	size_t row;
	if (!c)
		return fault_set(f, ERR_INTERNAL, "no facts of %.80s", text_of(name));
	for (size_t i = 0; i < w->root->other_count; i++)
		if (text_is(w->root->others[i]->application.name, name))
			moved = w->root->others[i];
	int r = moved ? resume_other(w, c->facts, moved, &other, f)
		      : begin_other(w, c->facts, c->application, &other, f);
	if (r)
		return r;
	r = step_choose(&other, action, &row, f);
	return r ? r : step_apply(&other, row, "clock", f);
}

/* The facts of a case about one of this case's resources. */
static struct facts *
facts_about(const struct work *w, const zwy_v1_Application *first)
{
	struct facts *facts = arena_alloc(w->arena, sizeof(*facts));
	struct resource_facts *held = arena_alloc(w->arena, sizeof(*held));
	if (!facts || !held)
		return NULL;
	*facts = *w->facts;
	facts->items = NULL;
	facts->item_count = 0;
	facts->resource = NULL;
	facts->resource_count = 0;
	for (size_t i = 0; i < w->facts->resource_count; i++) {
		if (!application_holds(first, w->facts->resources[i].resource->name))
			continue;
		*held = w->facts->resources[i];
		held->held = true;
		facts->resource = held->resource;
		facts->resources = held;
		facts->resource_count = 1;
	}
	return facts;
}

int
work_create(struct work *w, const zwy_v1_Application *first, struct work *ret, struct fault *f)
{
	struct work other;
	const struct facts *facts = facts_about(w, first);
	if (!facts)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	int r = begin_other(w, facts, NULL, &other, f);
	if (r == 0)
		r = work_process(&other, first->kind, f);
	if (r)
		return r;
	zwy_v1_Application *a = &other.out->application;
	struct civil today = civil_from_day(day_of(w->facts->now));
	*a = *first;
	a->origin = w->out->application.name;
	a->department = w->out->application.department;
	a->node = w->out->application.node;
	a->month = arena_printf(w->arena, "%04d-%02d", today.year, today.month);
	a->state = arena_strdup(w->arena, other.process->states[0].name);
	a->open = true;
	work_event(&other, "create", "create", "", a->state, other.process->article, other.comment);
	*ret = other;
	return 0;
}
