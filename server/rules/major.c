/* Article 15 (2): what makes a change a major one, by the parameters change.major.*. */
#include "rules/major.h"

static const struct measure {
	const char *subcategory, *service, *dimension;
	enum parameter parameter;
	const char *unit;
} measures[] = {
#define MEASURE(subcategory, service, dimension, parameter, unit) \
	{subcategory, service, dimension, PARAM_##parameter, unit},
#include "rules/measures.def"
#undef MEASURE
};

static bool
fits(const char *rule, const char *value)
{
	return rule[0] == '\0' || text_is(rule, value);
}

static const struct measure *
measure_of(const zwy_v1_Service *service, const char *dimension)
{
	for (size_t i = 0; service && i < sizeof(measures) / sizeof(measures[0]); i++)
		if (fits(measures[i].subcategory, service->subcategory) &&
		    fits(measures[i].service, name_slug(service->name)) &&
		    text_is(measures[i].dimension, dimension))
			return &measures[i];
	return NULL;
}

enum parameter
major_parameter(const zwy_v1_Service *service, const char *dimension)
{
	const struct measure *m = measure_of(service, dimension);
	return m ? m->parameter : PARAM_COUNT;
}

__attribute__((format(printf, 2, 3))) static void
add(struct major *m, const char *format, ...)
{
	va_list ap;
	if (m->count == MAJOR_REASONS)
		return;
	va_start(ap, format);
	vsnprintf(m->reasons[m->count++], MAJOR_REASON_BYTES, format, ap);
	va_end(ap);
}

/* A figure from one instant to another. */
struct move {
	const char *since; /* "", or with what else it was added up */
	const char *dimension;
	uint64_t before, after;
};

/* More than so many per cent of what it was; from nothing, anything is. */
static bool
exceeds(uint64_t moved, uint64_t before, uint64_t percent)
{
	uint64_t whole;
	if (__builtin_mul_overflow(before / 100, percent, &whole))
		return false;
	return moved > whole + before % 100 * percent / 100;
}

static void
judge_move(const struct parameters *p, const struct measure *measure, const struct move *v, struct major *m)
{
	bool shrinks = v->after < v->before;
	uint64_t moved = shrinks ? v->before - v->after : v->after - v->before;
	uint64_t percent = (uint64_t)p->number[PARAM_MAJOR_PERCENT];
	const char *way = shrinks ? "less" : "more";
	if (moved == 0 || (shrinks && !p->number[PARAM_MAJOR_SHRINK]))
		return;
	if (exceeds(moved, v->before, percent) && v->before == 0)
		add(m, "%s%.40s 0 → %llu: there was none (change.major.percent)", v->since, v->dimension,
		    (unsigned long long)v->after);
	else if (exceeds(moved, v->before, percent))
		add(m, "%s%.40s %llu → %llu: %.1f %% %s, above change.major.percent=%llu", v->since,
		    v->dimension, (unsigned long long)v->before, (unsigned long long)v->after,
		    (double)moved * 100 / (double)v->before, way, (unsigned long long)percent);
	if (measure && moved > (uint64_t)p->number[measure->parameter])
		add(m, "%s%.40s %llu → %llu: %llu %s %s, above %s=%lld", v->since, v->dimension,
		    (unsigned long long)v->before, (unsigned long long)v->after, (unsigned long long)moved,
		    measure->unit, way, parameter_table[measure->parameter].key,
		    (long long)p->number[measure->parameter]);
}

/* Whether an earlier change still adds up with this one: within the window, and after the
 * resource came into this use, which the authority decided then. */
static bool
adds_up(const struct facts *facts, const zwy_v1_Resource *r, const zwy_v1_ResourceChange *c)
{
	day first = day_of(facts->now) - (day)facts->parameters->number[PARAM_MAJOR_WINDOW];
	return day_of(msec_of(c->time)) >= first &&
	       (!r->has_allocate_time || msec_of(c->time) >= msec_of(r->allocate_time));
}

/* The figure before the first change that adds up; false if none does. */
static bool
figure_before(const struct facts *facts, const zwy_v1_Resource *r, const char *dimension, uint64_t *ret,
	      day *ret_day)
{
	for (size_t i = 0; i < r->changes_count; i++) {
		const zwy_v1_ResourceChange *c = &r->changes[i];
		for (size_t k = 0; adds_up(facts, r, c) && k < c->figures_count; k++)
			if (text_is(c->figures[k].dimension, dimension)) {
				*ret = c->figures[k].before;
				*ret_day = day_of(msec_of(c->time));
				return true;
			}
	}
	return false;
}

static void
judge_dimension(const struct facts *facts, const zwy_v1_Item *item, const char *dimension, struct major *m)
{
	const zwy_v1_Resource *r = facts->resource;
	const struct measure *measure = measure_of(facts->items[0].service, dimension);
	struct move v = {"", dimension, resource_amount(r, dimension), item_amount(item, dimension)};
	size_t before = m->count;
	char since[64], date[DATE_LEN];
	day first;
	judge_move(facts->parameters, measure, &v, m);
	/* Small ones add up: what the first of them began from. */
	if (v.after == v.before || m->count != before ||
	    !figure_before(facts, r, dimension, &v.before, &first))
		return;
	date_format(date, first);
	snprintf(since, sizeof(since), "with the changes since %s: ", date);
	v.since = since;
	judge_move(facts->parameters, measure, &v, m);
}

static const char *
zone_name(zwy_v1_Zone zone)
{
	return zone == zwy_v1_ZONE_INTERNET ? "internet" : "extranet";
}

/* Where and how it runs, each with a parameter that says whether it is major. */
static void
judge_place(const struct facts *facts, const zwy_v1_Application *a, const zwy_v1_Service *kept,
	    struct major *m)
{
	const int64_t *p = facts->parameters->number;
	const zwy_v1_Resource *r = facts->resource;
	const zwy_v1_Service *asked = facts->items[0].service;
	if (p[PARAM_MAJOR_SUBCATEGORY] && asked && kept && !text_is(asked->subcategory, kept->subcategory))
		add(m, "from the services of %.40s to those of %.40s (change.major.subcategory)",
		    text_of(kept->subcategory), text_of(asked->subcategory));
	if (p[PARAM_MAJOR_ZONE] && item_zone(a, &a->items[0]) != r->zone)
		add(m, "from the zone %s to %s (change.major.zone)", zone_name(r->zone),
		    zone_name(item_zone(a, &a->items[0])));
	if (p[PARAM_MAJOR_NODE] && text_of(a->change.node)[0] && !text_is(name_slug(a->change.node), r->node))
		add(m, "from the node %.40s to %.40s (change.major.node)", text_of(r->node),
		    name_slug(a->change.node));
	if (p[PARAM_MAJOR_GRADE] && grade_raised(facts))
		add(m, "the grade of protection of %.63s rose from %u to %u (change.major.grade)",
		    text_of(r->system), (unsigned)r->protection_grade,
		    (unsigned)facts->system->protection_grade);
	if (p[PARAM_MAJOR_ARCHITECTURE] && !text_blank(a->change.architecture))
		add(m, "the architecture changes: %.80s (change.major.architecture)", a->change.architecture);
	if (p[PARAM_MAJOR_EXPOSURE] && a->change.exposure == zwy_v1_EXPOSURE_PUBLIC &&
	    r->exposure != zwy_v1_EXPOSURE_PUBLIC)
		add(m, "it becomes reachable by the public (change.major.exposure)");
}

bool
grade_raised(const struct facts *facts)
{
	const zwy_v1_Resource *r = facts->resource;
	return facts->system && r && r->protection_grade &&
	       facts->system->protection_grade > r->protection_grade;
}

void
major_find(const struct facts *facts, const zwy_v1_Application *a, struct major *ret)
{
	const struct resource_facts *about =
		facts->resource ? facts_resource(facts, facts->resource->name) : NULL;
	const char *dimension;
	ret->count = 0;
	if (!about || a->items_count != 1 || facts->item_count != 1)
		return;
	for (size_t n = 0; (dimension = dimension_of(facts->items[0].service, about->service, n)) != NULL;
	     n++)
		judge_dimension(facts, &a->items[0], dimension, ret);
	judge_place(facts, a, about->service, ret);
}
