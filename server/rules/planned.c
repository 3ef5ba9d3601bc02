#include "rules/planned.h"

#include <inttypes.h>

#include "rules/register_rules.h"
#include "rules/workflow.h"

#define ARTICLE "21"

bool
forecast_reliable(const zwy_v1_Forecast *forecast)
{
	return text_is(forecast->state, "opinion_support") || text_is(forecast->state, "opinion_adjust") ||
	       text_is(forecast->state, "consumed");
}

bool
is_forecast_kind(const zwy_v1_Application *a)
{
	return a->kind == zwy_v1_APPLICATION_KIND_UNSPECIFIED || a->kind == zwy_v1_APPLICATION_KIND_REGULAR;
}

bool
application_relies(const zwy_v1_Application *a)
{
	return is_forecast_kind(a) && !text_blank(a->forecast) && a->has_submit_time;
}

/* forecast.required; a forecast that is named is the department's own, and can be relied on. */
int
check_forecast(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	const zwy_v1_Forecast *forecast = facts->forecast;
	const char *department = facts->department ? name_slug(facts->department->name) : "";
	if (text_blank(a->forecast)) {
		if (facts->parameters->number[PARAM_FORECAST_REQUIRED])
			fault_add(
				f, ERR_FORECAST_MISSING, "forecast",
				"forecast is missing: the year of the department's forecast that asks for it "
				"(forecast.required=1)");
		return f->code;
	}
	if (!forecast)
		fault_add(f, ERR_FORECAST_MISSING, "forecast",
			  "there is no forecasts/%.63s/%.20s; write the year of a forecast of the department",
			  department, name_slug(a->forecast));
	else if (strchr(a->forecast, '/') && !text_is(a->forecast, forecast->name))
		fault_add(f, ERR_FOREIGN_RECORD, "forecast", "%.120s is not a forecast of %.63s", a->forecast,
			  department);
	else if (!forecast_reliable(forecast))
		fault_add(f, ERR_FORECAST_MISSING, "forecast",
			  "%.120s is %.20s; an application relies on one that the operator supports or wants "
			  "adjusted, until its year ends",
			  forecast->name, text_of(forecast->state));
	return f->code;
}

/* ---- the forecast knows its applications ------------------------------------------------ */

static bool
knows(const zwy_v1_Forecast *forecast, const char *application)
{
	for (size_t i = 0; i < forecast->applications_count; i++)
		if (text_is(forecast->applications[i], application))
			return true;
	return false;
}

bool
forecast_rely(const zwy_v1_Forecast *before, const zwy_v1_Application *a, const struct actor *actor, msec now,
	      struct arena *arena, zwy_v1_Forecast *ret, const struct register_step **ret_step)
{
	struct fault ignored = {0};
	if (!application_relies(a) || knows(before, a->name))
		return false;
	struct register_facts facts = {.actor = actor, .now = now};
	struct register_work w = {.facts = &facts,
				  .desc = register_find(KIND_FORECAST),
				  .before = before,
				  .after = ret,
				  .comment = a->name,
				  .arena = arena};
	char **names = arena_array(arena, (size_t)before->applications_count + 1, sizeof(*names));
	const struct register_step *s = register_step_find(KIND_FORECAST, text_of(before->state), "consume");
	*ret = *before;
	if (!names || (s && register_take(&w, s, &ignored) != 0))
		return false;
	if (before->applications_count)
		memcpy(names, before->applications, before->applications_count * sizeof(*names));
	names[ret->applications_count++] = a->name;
	ret->applications = names;
	*ret_step = s;
	return true;
}

/* ---- beside what was forecast ------------------------------------------------------------- */

static uint64_t
asked_of(const zwy_v1_Application *a, const char *service, const char *dimension)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < a->items_count; i++)
		if (text_is(a->items[i].service, service))
			sum += item_amount(&a->items[i], dimension);
	return sum;
}

/* What the operator gave its opinion on. False if the forecast says nothing of that figure. */
static bool
forecast_of(const zwy_v1_Forecast *forecast, const char *service, const char *dimension, uint64_t *ret)
{
	bool said = text_is(dimension, "quantity");
	*ret = 0;
	for (size_t i = 0; i < forecast->reviewed_items_count; i++) {
		const zwy_v1_ForecastItem *item = &forecast->reviewed_items[i];
		const char *figure = NULL;
		uint64_t n;
		for (size_t k = 0; k < item->spec_count; k++)
			if (text_is(item->spec[k].key, dimension))
				figure = item->spec[k].value;
		if (!text_is(item->service, service) || !amount_of(item->quantity, figure, dimension, &n))
			continue;
		said |= figure != NULL;
		*ret += n;
	}
	return said;
}

/* Whether it ended and brought nothing: rejected, withdrawn, lapsed. */
static bool
came_to_nothing(const zwy_v1_Application *a)
{
	const struct process *p = process_of(a->kind);
	return p && process_final(p, a->state) && a->resources_count == 0;
}

static uint64_t
taken_of(const zwy_v1_Application *a, const zwy_v1_Application *const *others, size_t count,
	 const char *service, const char *dimension)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < count; i++)
		if (!text_is(others[i]->name, a->name) && !came_to_nothing(others[i]))
			sum += asked_of(others[i], service, dimension);
	return sum;
}

static bool
first_of_service(const zwy_v1_Application *a, size_t item)
{
	for (size_t i = 0; i < item; i++)
		if (text_is(a->items[i].service, a->items[item].service))
			return false;
	return true;
}

static const char *
service_line(const zwy_v1_Application *a, const char *service, const char *dimension, uint64_t planned,
	     uint64_t taken, struct arena *arena)
{
	uint64_t asked = asked_of(a, service, dimension), wanted = asked + taken;
	const char *more = wanted > planned
				   ? arena_printf(arena, ": %" PRIu64 " more than forecast", wanted - planned)
				   : "";
	return arena_printf(arena,
			    "%.63s %.40s: %" PRIu64 " asked, %" PRIu64 " forecast, %" PRIu64
			    " taken by other applications%s",
			    service, dimension, asked, planned, taken, text_of(more));
}

static const char *
opinion_line(const zwy_v1_Forecast *forecast, struct arena *arena)
{
	const zwy_v1_ForecastOpinion *o = &forecast->opinion;
	bool comment = !text_blank(o->comment);
	return arena_printf(arena, "%s%s: the operator's preliminary opinion is %s%s%s", forecast->name,
			    forecast->late ? ", handed in late" : "",
			    forecast->has_opinion ? text_of(o->result) : "not there yet", comment ? ": " : "",
			    comment ? o->comment : "");
}

size_t
planned_lines(const struct facts *facts, const zwy_v1_Application *a, const zwy_v1_Application *const *others,
	      size_t other_count, struct arena *arena, const char ***ret)
{
	const zwy_v1_Forecast *forecast = facts->forecast;
	size_t n = 0, room = 1;
	const char *dimension;
	if (!is_forecast_kind(a) || !actor_has(facts->actor, CA_BIT | OP_BIT | DU_BIT))
		return 0;
	for (size_t i = 0; i < a->items_count && i < facts->item_count; i++)
		for (size_t d = 0; dimension_of(facts->items[i].service, NULL, d); d++)
			room++;
	const char **lines = arena_array(arena, room, sizeof(*lines));
	if (!lines)
		return 0;
	*ret = lines;
	if (text_blank(a->forecast)) {
		lines[n++] = "unplanned: no forecast names it";
		return n;
	}
	if (!forecast)
		return 0; /* the check of the draft says so */
	lines[n++] = opinion_line(forecast, arena);
	for (size_t i = 0; i < a->items_count && i < facts->item_count; i++) {
		const char *service = text_of(a->items[i].service);
		if (!first_of_service(a, i))
			continue;
		for (size_t d = 0; (dimension = dimension_of(facts->items[i].service, NULL, d)) != NULL;
		     d++) {
			uint64_t planned, taken = taken_of(a, others, other_count, service, dimension);
			if (forecast_of(forecast, service, dimension, &planned))
				lines[n++] = service_line(a, service, dimension, planned, taken, arena);
		}
	}
	return n;
}
