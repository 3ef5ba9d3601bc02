/* What a department writes: creating and changing an application (Articles 5, 13). */
#include "rules/workflow.h"

static char *
dup_reference(struct arena *arena, const char *collection, const char *value)
{
	return arena_strdup(arena, reference_slug(collection, value));
}

static zwy_v1_Item *
dup_items(struct arena *arena, const zwy_v1_Item *from, size_t count)
{
	zwy_v1_Item *items = arena_array(arena, count, sizeof(*items));
	for (size_t i = 0; items && i < count; i++)
		items[i] = (zwy_v1_Item){
			.service = dup_reference(arena, "catalogue", from[i].service),
			.quantity = from[i].quantity,
			.spec_count = from[i].spec_count,
			.spec = from[i].spec,
			.substitute_for = from[i].substitute_for,
			.zone = from[i].zone,
			.link = from[i].link,
			.exchange = from[i].exchange,
			.takes_over = dup_reference(arena, "resources", from[i].takes_over),
			.reason = from[i].reason,
		};
	return items;
}

/* A figure that the catalogue counts by and the item left out (cloud-server=4). */
static void
fill_spec(zwy_v1_Item *item, const zwy_v1_Service *service, struct arena *arena)
{
	size_t room = item->spec_count + service->dimensions_count;
	zwy_v1_Item_SpecEntry *spec = arena_array(arena, room, sizeof(*spec));
	if (!spec)
		return;
	if (item->spec_count)
		memcpy(spec, item->spec, item->spec_count * sizeof(*spec));
	item->spec = spec;
	for (size_t k = 0; k < service->dimensions_count; k++) {
		const zwy_v1_Dimension *d = &service->dimensions[k];
		if (d->default_value == 0 || item_spec(item, text_of(d->name)))
			continue;
		spec[item->spec_count++] = (zwy_v1_Item_SpecEntry){
			.key = arena_strdup(arena, text_of(d->name)),
			.value = arena_printf(arena, "%llu", (unsigned long long)d->default_value),
		};
	}
}

/* The part of it that a department writes, references as bare slugs; the rest,
 * its kind too, stays. */
static void
take_over(const struct facts *facts, const zwy_v1_Application *asked, struct arena *arena,
	  zwy_v1_Application *ret)
{
	ret->system = dup_reference(arena, "systems", asked->system);
	ret->zone = asked->zone;
	ret->purpose = asked->purpose;
	ret->department = dup_reference(arena, "departments", asked->department);
	ret->node = dup_reference(arena, "nodes", asked->node);
	ret->classified = asked->classified;
	ret->funding = asked->funding;
	ret->exposure = asked->exposure;
	ret->has_cloud_plan = asked->has_cloud_plan;
	ret->cloud_plan = asked->cloud_plan;
	ret->document_count = asked->document_count;
	ret->document = asked->document;
	ret->resource = dup_reference(arena, "resources", asked->resource);
	ret->has_change = asked->has_change;
	ret->change = asked->change;
	ret->change.service = dup_reference(arena, "catalogue", asked->change.service);
	ret->change.node = dup_reference(arena, "nodes", asked->change.node);
	ret->change.major = NULL;
	ret->change.major_count = 0;
	ret->has_reclaim = asked->has_reclaim;
	ret->reclaim.offline = asked->reclaim.offline;
	ret->reclaim.migrated = asked->reclaim.migrated;
	ret->reclaim.backed_up = asked->reclaim.backed_up;
	ret->reclaim.origin = asked->reclaim.origin;
	ret->urgency = asked->urgency;
	ret->months = asked->months;
	ret->forecast = asked->forecast;
	ret->items_count = asked->items_count;
	ret->items = dup_items(arena, asked->items, asked->items_count);
	for (size_t i = 0; ret->items && i < ret->items_count && i < facts->item_count; i++)
		if (facts->items[i].service)
			fill_spec(&ret->items[i], facts->items[i].service, arena);
}

/* Fills in what was left out (Article 5: the department of the system, its node). */
static void
fill_in(const struct facts *facts, struct arena *arena, zwy_v1_Application *a)
{
	a->department = arena_strdup(arena, name_slug(facts->department->name));
	a->node = arena_strdup(arena, name_slug(facts->node->name));
	a->funding = facts->system->funding;
}

static int
finish(struct arena *arena, const struct outcome *out, struct outcome *ret, struct fault *f)
{
	if (arena->failed)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	*ret = *out;
	return 0;
}

/* Role first, then the system, then whose it is; the rest follows checks.def. */
static int
writer_check(const struct work *w, const char *what, struct fault *f)
{
	const struct facts *facts = w->facts;
	unsigned roles = process_applicants(w->process, &w->out->application);
	if (!facts->actor->is_system && !actor_has(facts->actor, roles))
		return role_check(facts->actor, roles, what, w->process->article, f);
	if (facts->system && facts->department)
		return authority_check(facts, name_slug(facts->department->name), roles, what, "4", f);
	return 0;
}

/* Submits a new application whose rules hold. */
static int
submit_new(struct work *w, struct fault *missing, struct fault *f)
{
	zwy_v1_Application *a = &w->out->application;
	int r = application_check(w->facts, a, STAGE_SUBMIT, CHECK_EXCEPT_DOCUMENTS, f);
	if (r)
		return r;
	/* Only documents can be wanting now. */
	if (application_check(w->facts, a, STAGE_SUBMIT, 0, missing))
		return 0;
	size_t row;
	r = step_choose(w, w->process->steps[0].action, &row, f);
	return r ? r : step_apply(w, row, "act", f);
}

int
application_create(const struct facts *facts, const zwy_v1_Application *asked, bool submit,
		   struct arena *arena, struct outcome *ret, struct fault *ret_missing, struct fault *f)
{
	struct fault own, own_missing;
	struct outcome out = {0};
	struct work w = {.facts = facts, .arena = arena, .out = &out, .root = &out};
	zwy_v1_Application *a = &out.application;
	f = f ? f : &own;
	ret_missing = ret_missing ? ret_missing : &own_missing;
	fault_clear(ret_missing);
	int r = work_process(&w, asked->kind, f);
	if (r)
		return r;
	a->kind = w.process->kind;
	take_over(facts, asked, arena, a);
	if (arena->failed)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	r = writer_check(&w, "applying", f);
	if (r == 0)
		r = application_check(facts, a, STAGE_CREATE, 0, f);
	if (r)
		return r;
	struct civil today = civil_from_day(day_of(facts->now));
	fill_in(facts, arena, a);
	a->name = arena_strdup(arena, text_of(asked->name));
	a->month = arena_printf(arena, "%04d-%02d", today.year, today.month);
	a->state = arena_strdup(arena, w.process->states[0].name);
	a->open = true;
	work_event(&w, "create", "create", "", a->state, w.process->article, "");
	if (submit)
		r = submit_new(&w, ret_missing, f);
	return r ? r : finish(arena, &out, ret, f);
}

/* ---- changing what was written ------------------------------------------------ */

static bool
same_items(const zwy_v1_Application *a, const zwy_v1_Application *b)
{
	if (a->items_count != b->items_count)
		return false;
	for (size_t i = 0; i < a->items_count; i++) {
		const zwy_v1_Item *x = &a->items[i], *y = &b->items[i];
		if (!text_is(x->service, y->service) || x->quantity != y->quantity ||
		    x->spec_count != y->spec_count || !text_is(x->substitute_for, y->substitute_for) ||
		    item_zone(a, x) != item_zone(b, y) || x->link != y->link ||
		    !text_is(x->exchange, y->exchange) || !text_is(x->reason, y->reason) ||
		    !text_is(text_of(x->takes_over), text_of(y->takes_over)))
			return false;
		for (size_t k = 0; k < x->spec_count; k++) {
			const char *other = item_spec(y, text_of(x->spec[k].key));
			if (!other || !text_is(x->spec[k].value, other))
				return false;
		}
	}
	return true;
}

/* The first field that differs but may not be changed once it was submitted; NULL if none. */
static const char *
frozen_field(const zwy_v1_Application *before, const zwy_v1_Application *a)
{
	if (!text_is(before->system, a->system))
		return "system";
	if (before->zone != a->zone)
		return "zone";
	if (text_of(a->department)[0] && !text_is(before->department, a->department))
		return "department";
	if (text_of(a->node)[0] && !text_is(before->node, a->node))
		return "node";
	if (before->classified != a->classified)
		return "classified";
	if (a->funding != zwy_v1_FUNDING_UNSPECIFIED && before->funding != a->funding)
		return "funding";
	if (before->exposure != a->exposure)
		return "exposure";
	if (!text_is(before->resource, a->resource))
		return "resource";
	if (!change_same(&before->change, &a->change))
		return "change";
	if (before->months != a->months)
		return "months";
	if (!text_is(before->forecast, text_of(a->forecast)))
		return "forecast";
	return same_items(before, a) ? NULL : "items";
}

static int
refuse_update(const struct work *w, const char *why, struct fault *f)
{
	return fault_set_article(f, ERR_WRONG_STATE, w->process->article, "the application is %s: %s",
				 text_of(w->before->state), why);
}

static int
update_check(const struct work *w, enum editing editing, struct fault *f)
{
	const zwy_v1_Application *before = w->before, *a = &w->out->application;
	char text[192], list[128];
	if (editing == EDIT_NOTHING) {
		snprintf(text, sizeof(text), "it is changed while it is %s",
			 process_editable(w->process, list, sizeof(list)));
		return refuse_update(w, text, f);
	}
	if (clock_ended(w->process, before, w->facts->now))
		return fault_set_article(f, ERR_WRONG_STATE, w->process->article,
					 "the term for completing it has ended; it is about to lapse");
	const char *frozen = editing == EDIT_ALL ? NULL : frozen_field(before, a);
	if (frozen) {
		snprintf(text, sizeof(text),
			 "only purpose, cloud-plan and document can be changed; %s differs", frozen);
		return refuse_update(w, text, f);
	}
	if (editing == EDIT_ALL)
		return application_check(w->facts, a, STAGE_CREATE, 0, f);
	fault_clear(f);
	check_forms(w->facts, a, f);
	fault_summarise(f);
	return f->code;
}

int
application_update(const struct facts *facts, const zwy_v1_Application *before,
		   const zwy_v1_Application *asked, struct arena *arena, struct outcome *ret, struct fault *f)
{
	struct fault own;
	struct outcome out = {0};
	struct work w = {.facts = facts, .before = before, .arena = arena, .out = &out, .root = &out};
	zwy_v1_Application *a = &out.application;
	f = f ? f : &own;
	int r = work_begin(&w, f);
	if (r)
		return r;
	const struct state *state = process_state(w.process, before->state);
	enum editing editing = state ? state->editing : EDIT_NOTHING;
	take_over(facts, asked, arena, a);
	if (arena->failed)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	r = authority_check(facts, before->department, process_applicants(w.process, before), "changing it",
			    "4", f);
	if (r == 0 && editing == EDIT_ALL)
		r = writer_check(&w, "changing it", f);
	if (r == 0 && asked->kind && asked->kind != before->kind)
		r = refuse_update(&w, "its kind does not change", f);
	if (r == 0)
		r = update_check(&w, editing, f);
	if (r)
		return r;
	if (editing == EDIT_ALL) {
		fill_in(facts, arena, a);
	} else {
		a->items = before->items;
		a->department = before->department;
		a->node = before->node;
		a->funding = before->funding;
	}
	work_event(&w, "update", "update", before->state, before->state, w.process->article, "");
	return finish(arena, &out, ret, f);
}
