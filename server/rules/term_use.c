/* What test and temporary resources, and extensions of their term, ask for (Articles 19, 20). */
#include "rules/workflow.h"

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

/* The parameter that caps what a case may ask for. */
static enum parameter
cap_of(const struct process *p)
{
	return p->kind == zwy_v1_APPLICATION_KIND_TEST        ? PARAM_TEST_MONTHS
	       : p->kind == zwy_v1_APPLICATION_KIND_EXTENSION ? PARAM_EXT_MONTHS
							      : PARAM_TEMPORARY_MONTHS;
}

int
check_months(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	const struct process *p = process_of(a->kind);
	enum parameter cap = cap_of(p);
	uint32_t most = (uint32_t)facts->parameters->number[cap];
	if (a->months > most) {
		fault_add(f, ERR_TERM_TOO_LONG, "months",
			  "%u months are asked for; at most %u are allowed from %s (%s): leave months out "
			  "for the "
			  "longest",
			  (unsigned)a->months, (unsigned)most,
			  cap == PARAM_EXT_MONTHS ? "the old last day" : "the allocation",
			  parameter_table[cap].key);
		snprintf(f->article, sizeof(f->article), "%s", p->article);
	}
	return f->code;
}
