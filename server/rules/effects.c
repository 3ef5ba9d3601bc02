/* What a step writes into the application, and what it brings. */
#include "rules/workflow.h"

static char *
dup_text(struct work *w, const char *s)
{
	return arena_strdup(w->arena, text_of(s));
}

int
effect_none(struct work *w, struct fault *f)
{
	(void)w;
	(void)f;
	return 0;
}

/* Article 13: what was handed in is fixed by digest, uploaded bodies too. */
int
effect_hand_in(struct work *w, struct fault *f)
{
	zwy_v1_Application *a = &w->out->application;
	const struct facts *facts = w->facts;
	size_t room = (size_t)a->document_count + facts->document_count;
	zwy_v1_Application_DocumentEntry *entries = arena_array(w->arena, room, sizeof(*entries));
	if (!entries)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	if (a->document_count)
		memcpy(entries, a->document, a->document_count * sizeof(*entries));
	a->document = entries;
	for (size_t i = 0; i < facts->document_count; i++) {
		const struct document_facts *d = &facts->documents[i];
		if (application_document(a, d->type))
			continue;
		entries[a->document_count++] = (zwy_v1_Application_DocumentEntry){
			.key = dup_text(w, d->type),
			.value = arena_printf(w->arena, "%s sha256:%s",
					      text_of(d->filename)[0] ? d->filename : d->type, d->sha256),
		};
	}
	return submitters_add(facts->actor, w->arena, &a->submitters, &a->submitters_count, f);
}

/* Article 11: versions are pinned; Article 13: who asks. */
int
effect_submit(struct work *w, struct fault *f)
{
	zwy_v1_Application *a = &w->out->application;
	const struct facts *facts = w->facts;
	zwy_v1_Item *items = arena_array(w->arena, a->items_count, sizeof(*items));
	if (!items)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < a->items_count; i++) {
		items[i] = a->items[i];
		items[i].catalogue_version = facts->items[i].service->catalogue_version;
	}
	a->items = items;
	a->catalogue_version = facts->catalogue_version;
	a->rules_version = facts->rules_version;
	a->submitter = dup_text(w, facts->actor->principal);
	a->submitter_actor = dup_text(w, facts->actor->caller);
	a->has_submit_time = true;
	a->submit_time = stamp_of(facts->now);
	a->unplanned = is_forecast_kind(a) && text_blank(a->forecast);
	return effect_hand_in(w, f);
}

int
effect_reason(struct work *w, struct fault *f)
{
	(void)f;
	w->out->application.reason = dup_text(w, form_value(w->act, "reason"));
	return 0;
}

int
effect_return(struct work *w, struct fault *f)
{
	w->out->application.supplements++;
	return effect_reason(w, f);
}

int
effect_opinion(struct work *w, struct fault *f)
{
	zwy_v1_Application *a = &w->out->application;
	(void)f;
	a->has_opinion = true;
	a->opinion = (zwy_v1_Opinion){
		.result = dup_text(w, form_value(w->act, "result")),
		.complexity = dup_text(w, form_value(w->act, "complexity")),
		.configuration = dup_text(w, form_value(w->act, "configuration")),
		.architecture = dup_text(w, form_value(w->act, "architecture")),
		.comment = dup_text(w, w->comment),
		.reviewer = dup_text(w, w->facts->actor->principal),
		.has_time = true,
		.time = stamp_of(w->facts->now),
	};
	return 0;
}

int
effect_decide(struct work *w, struct fault *f)
{
	zwy_v1_Application *a = &w->out->application;
	(void)f;
	a->has_decision = true;
	a->decision = (zwy_v1_Decision){
		.decision = dup_text(w, form_value(w->act, "decision")),
		.comment = dup_text(w, w->comment),
		.decider = dup_text(w, w->facts->actor->principal),
		.has_time = true,
		.time = stamp_of(w->facts->now),
	};
	if (text_is(a->decision.decision, "reject"))
		a->reason = a->decision.comment;
	return 0;
}

static zwy_v1_Resource_SpecEntry *
copy_spec(struct work *w, const zwy_v1_Item *item)
{
	zwy_v1_Resource_SpecEntry *spec = arena_array(w->arena, item->spec_count, sizeof(*spec));
	for (size_t k = 0; spec && k < item->spec_count; k++)
		spec[k] = (zwy_v1_Resource_SpecEntry){.key = item->spec[k].key, .value = item->spec[k].value};
	return spec;
}

void
resource_as_item(struct work *w, const zwy_v1_Item *item, zwy_v1_Resource *r)
{
	const zwy_v1_Application *a = &w->out->application;
	r->service = item->service;
	r->catalogue_version = item->catalogue_version;
	r->quantity = item->quantity;
	r->spec_count = item->spec_count;
	r->spec = copy_spec(w, item);
	r->zone = item_zone(a, item);
	if (a->exposure != zwy_v1_EXPOSURE_UNSPECIFIED)
		r->exposure = a->exposure;
	r->protection_grade = w->facts->system ? w->facts->system->protection_grade : r->protection_grade;
}

/* What the case's use of a resource makes of it, whether it is new or taken over. */
static void
bring_into_use(struct work *w, const zwy_v1_Item *item, zwy_v1_ResourceKind kind, zwy_v1_Resource *r)
{
	const zwy_v1_Application *a = &w->out->application;
	const char *endpoint = form_value(w->act, "endpoint");
	resource_as_item(w, item, r);
	r->kind = kind;
	r->state = dup_text(w, "active");
	r->application = a->name;
	r->department = a->department;
	r->node = a->node;
	r->system = a->system;
	r->has_allocate_time = true;
	r->allocate_time = stamp_of(w->facts->now);
	r->end_date = a->end_date;
	r->last_extension_date = a->last_extension_date;
	if (endpoint[0] || !r->endpoint)
		r->endpoint = dup_text(w, endpoint);
}

static int
take_over(struct work *w, size_t item, zwy_v1_ResourceKind kind, struct fault *f)
{
	zwy_v1_Application *a = &w->out->application;
	const zwy_v1_Resource *before = w->facts->items[item].taken_over;
	zwy_v1_Resource *r = before ? work_resource(w, before, "take_over", w->process->article) : NULL;
	if (!r)
		return fault_set(f, before ? ERR_NO_MEMORY : ERR_INTERNAL, "no facts of items.%zu", item + 1);
	a->items[item].resource = r->name;
	char **resources = arena_array(w->arena, (size_t)a->resources_count + 1, sizeof(*resources));
	if (!resources)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	if (a->resources_count)
		memcpy(resources, a->resources, a->resources_count * sizeof(*resources));
	resources[a->resources_count++] = r->name;
	a->resources = resources;
	int rc = work_resource_state(w, before, "active", "take_over", w->process->article, f);
	bring_into_use(w, &a->items[item], kind, r);
	r->open_extension = NULL;
	return rc ? rc : term_left(w, before, "convert", f);
}

int
bring_resources(struct work *w, zwy_v1_ResourceKind kind, struct fault *f)
{
	zwy_v1_Application *a = &w->out->application;
	struct outcome *out = w->out;
	zwy_v1_Item *items = arena_array(w->arena, a->items_count, sizeof(*items));
	out->resources = arena_array(w->arena, a->items_count, sizeof(*out->resources));
	if (!out->resources || !items)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	if (a->items_count)
		memcpy(items, a->items, a->items_count * sizeof(*items));
	a->items = items;
	int r = 0;
	for (size_t i = 0; r == 0 && i < a->items_count; i++) {
		if (text_of(items[i].takes_over)[0]) {
			r = take_over(w, i, kind, f);
			continue;
		}
		struct new_resource *new = &out->resources[out->resource_count++];
		new->item = i;
		bring_into_use(w, &items[i], kind, &new->resource);
	}
	return r;
}

/* Article 14: one resource per item, at the version that was pinned. */
int
effect_deliver(struct work *w, struct fault *f)
{
	return bring_resources(w, zwy_v1_RESOURCE_KIND_FORMAL, f);
}
