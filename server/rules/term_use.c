/* Test and temporary resources: what they ask for, and how they are used for a term (Articles 19, 20). */
#include "rules/workflow.h"

/* ---- what is asked for -------------------------------------------------------- */

int
check_developing(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	if (facts->system && !text_is(facts->system->phase, "developing"))
		fault_add(
			f, ERR_NOT_DEVELOPING, "system",
			"%.63s is %s; test resources are for systems that are approved and being developed: "
			"record phase=developing in systems/%.63s, or apply for regular or temporary "
			"resources",
			text_of(a->system),
			text_blank(facts->system->phase) ? "in no phase" : facts->system->phase,
			text_of(a->system));
	return f->code;
}

int
check_urgency(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	(void)facts;
	if (text_blank(a->urgency))
		fault_add(f, ERR_URGENCY_MISSING, "urgency",
			  "urgency is missing: say why the resources are needed urgently");
	return f->code;
}

/* A term of three months does not begin anew by another application for the same resource. */
int
check_new_use(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	char field[64];
	(void)facts;
	for (size_t i = 0; i < a->items_count; i++) {
		snprintf(field, sizeof(field), "items.%zu.takes-over", i + 1);
		if (text_of(a->items[i].takes_over)[0])
			fault_add(f, ERR_INVALID_FIELD, field,
				  "%.63s is in use already; only a regular application takes a resource over",
				  a->items[i].takes_over);
	}
	return f->code;
}

struct exposure {
	const char *word, *service;
	zwy_v1_Zone zone; /* UNSPECIFIED: any */
	const char *key, *values, *text;
};

static const struct exposure exposures[] = {
#define ZONE_OF_ANY                                     zwy_v1_ZONE_UNSPECIFIED
#define ZONE_OF_INTERNET                                zwy_v1_ZONE_INTERNET
#define EXPOSED(word, service, zone, key, values, text) {word, service, ZONE_OF_##zone, key, values, text},
#include "rules/exposure.def"
#undef EXPOSED
#undef ZONE_OF_ANY
#undef ZONE_OF_INTERNET
};

static bool
is_word(const char *words, const char *value)
{
	return value[0] && parameter_list_has(words, slice_of(value));
}

/* A word of the parameter that is no row of the table is the slug of a service. */
static bool
names_service(const char *words, const zwy_v1_Item *item)
{
	for (size_t k = 0; k < sizeof(exposures) / sizeof(exposures[0]); k++)
		if (text_is(exposures[k].service, item->service))
			return false;
	return is_word(words, text_of(item->service));
}

static bool
item_exposed(const zwy_v1_Application *a, const zwy_v1_Item *item, const struct exposure *e)
{
	const char *value = e->key[0] ? item_spec(item, e->key) : "";
	return (!e->service[0] || text_is(item->service, e->service)) &&
	       (e->zone == zwy_v1_ZONE_UNSPECIFIED || item_zone(a, item) == e->zone) &&
	       (!e->key[0] || (value && is_word(e->values, value)));
}

int
check_exposed(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	const char *words = facts->parameters->text[PARAM_TEST_EXPOSURE];
	char field[64];
	bool test = a->kind == zwy_v1_APPLICATION_KIND_TEST;
	if (!test && (!facts->resource || facts->resource->kind != zwy_v1_RESOURCE_KIND_TEST))
		return f->code; /* a change of what is no test */
	if (a->exposure == zwy_v1_EXPOSURE_PUBLIC)
		fault_add(f, ERR_TEST_EXPOSED, "exposure",
			  "exposure is public; during the test nothing serves the public");
	for (size_t i = 0; i < a->items_count; i++) {
		if (names_service(words, &a->items[i])) {
			snprintf(field, sizeof(field), "items.%zu.service", i + 1);
			fault_add(f, ERR_TEST_EXPOSED, field,
				  "items.%zu (%.63s) serves the public (test.exposure); test resources must "
				  "not",
				  i + 1, a->items[i].service);
		}
		for (size_t k = 0; k < sizeof(exposures) / sizeof(exposures[0]); k++) {
			const struct exposure *e = &exposures[k];
			if (!is_word(words, e->word) || !item_exposed(a, &a->items[i], e))
				continue;
			snprintf(field, sizeof(field), "items.%zu%s%s", i + 1,
				 e->key[0] ? ".spec." : ".service", e->key);
			fault_add(f, ERR_TEST_EXPOSED, field,
				  "items.%zu (%.63s) serves the public (%s): %s; test resources must not",
				  i + 1, text_of(a->items[i].service), e->word, e->text);
		}
	}
	return f->code;
}

/* The parameter that caps a term of use; of regular ones there is none. */
static enum parameter
cap_of(const struct process *p)
{
	return p->kind == zwy_v1_APPLICATION_KIND_TEST ? PARAM_TEST_MONTHS : PARAM_TEMPORARY_MONTHS;
}

int
check_months(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	const struct process *p = process_of(a->kind);
	enum parameter cap = cap_of(p);
	uint32_t most = (uint32_t)facts->parameters->number[cap];
	if (a->months > most) {
		fault_add(f, ERR_TERM_TOO_LONG, "months",
			  "%u months are asked for; at most %u are allowed, from the allocation (%s): leave "
			  "months "
			  "out for the longest",
			  (unsigned)a->months, (unsigned)most, parameter_table[cap].key);
		snprintf(f->article, sizeof(f->article), "%s", p->article);
	}
	return f->code;
}

/* ---- the term ----------------------------------------------------------------- */

/* Article 20: the last day to apply for an extension; NULL where there is none to apply for. */
static char *
last_extension(const struct work *w)
{
	const zwy_v1_Clock *clock = clock_running(&w->out->application, TERM_LAST_EXTENSION);
	bool given = w->process->kind != zwy_v1_APPLICATION_KIND_TEST ||
		     w->facts->parameters->number[PARAM_TEST_EXTENDABLE];
	return clock && given ? clock->due_date : NULL;
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
	a->last_extension_date = last_extension(w);
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
		if (is_word(from, text_of(r->state)))
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

int
effect_expire(struct work *w, struct fault *f)
{
	return effect_freeze(w, f);
}

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
