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

/* Article 14: one resource per item, at the version that was pinned. */
int
effect_deliver(struct work *w, struct fault *f)
{
	const zwy_v1_Application *a = &w->out->application;
	struct outcome *out = w->out;
	out->resources = arena_array(w->arena, a->items_count, sizeof(*out->resources));
	if (!out->resources)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < a->items_count; i++) {
		const zwy_v1_Item *item = &a->items[i];
		out->resources[out->resource_count++] = (zwy_v1_Resource){
			.state = dup_text(w, "active"),
			.application = a->name,
			.department = a->department,
			.node = a->node,
			.system = a->system,
			.service = item->service,
			.catalogue_version = item->catalogue_version,
			.quantity = item->quantity,
			.spec_count = item->spec_count,
			.spec = NULL,
			.zone = item_zone(a, item),
			.endpoint = dup_text(w, form_value(w->act, "endpoint")),
			.has_allocate_time = true,
			.allocate_time = stamp_of(w->facts->now),
		};
		zwy_v1_Resource *r = &out->resources[i];
		r->spec = arena_array(w->arena, item->spec_count, sizeof(*r->spec));
		for (size_t k = 0; r->spec && k < item->spec_count; k++)
			r->spec[k] = (zwy_v1_Resource_SpecEntry){.key = item->spec[k].key,
								 .value = item->spec[k].value};
	}
	return 0;
}
