/* Forecasts (Article 21): what a department says in advance that it will need, and the
 * operator's opinion on it. Its states and steps are in registers.def. */
#include <inttypes.h>

#include "rules/records.h"
#include "rules/register_rules.h"

#define ARTICLE "21"

/* ---- years and windows ----------------------------------------------------------------- */

static int
year_at(msec t)
{
	return civil_from_day(day_of(t)).year;
}

/* The window lies in the year before. */
static void
window_of(const struct parameters *p, uint32_t year, day *ret_first, day *ret_last)
{
	int64_t number = p->number[PARAM_FORECAST_WINDOW];
	int before = (int)year - 1, from = (int)(number / WINDOW_STEP), to = (int)(number % WINDOW_STEP);
	*ret_first = day_from_civil(before, from / 100, from % 100);
	*ret_last = day_from_civil(before, to / 100, to % 100);
}

static int
check_year(uint32_t year, msec now, struct fault *f)
{
	int current = year_at(now);
	if ((int64_t)year == current || (int64_t)year == current + 1)
		return 0;
	return fault_set_article(f, ERR_INVALID_FIELD, ARTICLE,
				 "a forecast is for %d or, late, for %d, not for %" PRIu32, current + 1,
				 current, year);
}

/* ---- what a department writes ------------------------------------------------------------ */

static const zwy_v1_Service *
find_service(const struct services *all, const char *slug)
{
	for (size_t i = 0; i < all->count; i++)
		if (text_is(name_slug(all->services[i]->name), slug))
			return all->services[i];
	return NULL;
}

static void
check_item(const struct services *services, const zwy_v1_ForecastItem *item, size_t index, struct fault *f)
{
	const char *slug = reference_slug("catalogue", item->service);
	const zwy_v1_Service *s = find_service(services, slug);
	char field[48];
	snprintf(field, sizeof(field), "items.%zu.service", index + 1);
	if (!s)
		fault_add(f, ERR_UNKNOWN_SERVICE, field, "the catalogue has no service `%.63s`", slug);
	else if (!text_is(s->state, "active"))
		fault_add(f, ERR_SERVICE_RETIRED, field,
			  "%.63s is %.20s; only active services can be asked for", slug, text_of(s->state));
	snprintf(field, sizeof(field), "items.%zu.quantity", index + 1);
	if (item->quantity == 0)
		fault_add(f, ERR_INVALID_FIELD, field, "quantity of %.63s is 0", slug);
}

/* Closes a list of defects: all of them in the text, under this article. */
static int
defects(struct fault *f)
{
	if (f->code)
		snprintf(f->article, sizeof(f->article), "%s", ARTICLE);
	fault_summarise(f);
	return f->code;
}

static int
check_items(const struct services *services, const zwy_v1_Forecast *asked, struct fault *f)
{
	fault_clear(f);
	for (size_t i = 0; i < asked->items_count; i++)
		check_item(services, &asked->items[i], i, f);
	if (text_of(asked->demand_intent)[0] && !document_digest(asked->demand_intent))
		fault_add(f, ERR_INVALID_FIELD, "demand-intent",
			  "demand-intent is `%.60s`; write the document as FILENAME sha256: and 64 lower "
			  "case hexadecimal digits",
			  asked->demand_intent);
	return defects(f);
}

static int
check_writer(const struct scope_facts *facts, const char *department, struct fault *f)
{
	int r = role_check(facts->actor, DU_BIT, "writing a forecast", ARTICLE, f);
	if (r == 0 && !facts->department)
		r = fault_set_article(f, ERR_INVALID_FIELD, ARTICLE, "there is no department %.63s",
				      department);
	if (r == 0)
		r = department_check(facts->actor, department, "writing its forecast", f);
	if (r == 0 && facts->department->inactive)
		r = fault_set(f, ERR_DEPARTMENT_INACTIVE, "%.63s is not active any more", department);
	if (r == 0 && !facts->node)
		r = fault_set(f, ERR_NODE_MISMATCH, "no node serves %.63s", department);
	return r;
}

/* It is the department's to write before it is handed in, and after it was asked to adjust it. */
static int
check_writable(const zwy_v1_Forecast *before, struct fault *f)
{
	if (text_is(before->state, "draft") || text_is(before->state, "opinion_adjust"))
		return 0;
	return fault_set_article(f, ERR_WRONG_STATE, ARTICLE,
				 "%.80s is %s; it is changed as a draft or in opinion_adjust",
				 text_of(before->name), text_of(before->state));
}

static void
shorten_services(zwy_v1_Forecast *forecast, struct arena *arena)
{
	zwy_v1_ForecastItem *items = arena_array(arena, forecast->items_count, sizeof(*items));
	for (size_t i = 0; items && i < forecast->items_count; i++) {
		items[i] = forecast->items[i];
		items[i].service = arena_strdup(arena, reference_slug("catalogue", items[i].service));
	}
	forecast->items = items;
}

/* A new one, named forecasts/DEPARTMENT/YEAR. */
static void
begin(const struct scope_facts *facts, const char *department, uint32_t year, struct arena *arena,
      zwy_v1_Forecast *ret)
{
	day last = day_from_civil((int)year, 12, 31);
	*ret = (zwy_v1_Forecast){
		.state = arena_strdup(arena, register_first_state(KIND_FORECAST)),
		.department = arena_strdup(arena, department),
		.node = arena_strdup(arena, name_slug(facts->node->name)),
		.year = year,
	};
	ret->clocks = register_clock_new("year", "", last, facts->node, facts->now, arena);
	ret->clocks_count = ret->clocks ? 1 : 0;
}

int
forecast_rule(const struct scope_facts *facts, const zwy_v1_Forecast *before, const zwy_v1_Forecast *asked,
	      struct arena *arena, zwy_v1_Forecast *ret, struct fault *f)
{
	zwy_v1_Forecast forecast;
	uint64_t year = 0;
	struct slice rest = slice_of(text_of(asked->name)), collection, slug;
	if (!slice_cut(&rest, '/', &collection) || !slice_cut(&rest, '/', &slug) ||
	    !slice_to_u64(rest, &year) || year > 9999)
		return fault_set(f, ERR_INVALID_NAME, "%.120s is not forecasts/DEPARTMENT/YEAR",
				 text_of(asked->name));
	const char *department = text_of(arena_dup_slice(arena, slug));
	int r = check_writer(facts, department, f);
	if (r == 0)
		r = before ? check_writable(before, f) : check_year((uint32_t)year, facts->now, f);
	if (r == 0)
		r = check_items(facts->services, asked, f);
	if (r)
		return r;
	if (before)
		forecast = *before;
	else
		begin(facts, department, (uint32_t)year, arena, &forecast);
	forecast.name = asked->name;
	forecast.plan = asked->plan;
	forecast.demand_intent = asked->demand_intent;
	forecast.items_count = asked->items_count;
	forecast.items = asked->items;
	shorten_services(&forecast, arena);
	r = register_hand_in(register_find(KIND_FORECAST), facts->actor, arena, &forecast, f);
	if (r == 0 && arena->failed)
		r = fault_set(f, ERR_NO_MEMORY, "out of memory");
	if (r == 0)
		*ret = forecast;
	return r;
}

/* ---- handing it in ------------------------------------------------------------------------ */

int
register_guard_forecast_submit(const struct register_work *w, struct fault *f)
{
	const zwy_v1_Forecast *forecast = w->before;
	const struct register_facts *facts = w->facts;
	char from[DATE_LEN], to[DATE_LEN];
	day first, last;
	int r = check_year(forecast->year, facts->now, f);
	if (r == 0)
		r = check_items(facts->services, forecast, f);
	if (r)
		return r;
	window_of(facts->parameters, forecast->year, &first, &last);
	date_format(from, first);
	date_format(to, last);
	if (day_of(facts->now) < first)
		return fault_set(f, ERR_FORECAST_EARLY,
				 "the forecast for %" PRIu32 " is handed in from %s to %s; later it is taken "
				 "and marked late",
				 forecast->year, from, to);
	fault_clear(f);
	if (text_blank(forecast->plan))
		fault_add(f, ERR_FIELD_MISSING, "plan", "plan is missing: the annual plan that it follows");
	if (text_blank(forecast->demand_intent))
		fault_add(f, ERR_DOCUMENT_MISSING, "demand-intent",
			  "demand-intent is missing: FILENAME sha256:HEX");
	if (forecast->items_count == 0)
		fault_add(f, ERR_FIELD_MISSING, "items", "items are missing: service and quantity of each");
	return defects(f);
}

static int
hand_in(struct register_work *w, struct fault *f)
{
	return register_hand_in(w->desc, w->facts->actor, w->arena, w->after, f);
}

int
register_effect_forecast_submit(struct register_work *w, struct fault *f)
{
	zwy_v1_Forecast *forecast = w->after;
	day first, last;
	window_of(w->facts->parameters, forecast->year, &first, &last);
	forecast->late = day_of(w->facts->now) > last;
	return hand_in(w, f);
}

int
register_effect_forecast_withdraw(struct register_work *w, struct fault *f)
{
	zwy_v1_Forecast *forecast = w->after;
	(void)f;
	forecast->late = false;
	return 0;
}

/* ---- the opinion --------------------------------------------------------------------------- */

int
register_effect_forecast_opinion(struct register_work *w, struct fault *f)
{
	zwy_v1_Forecast *forecast = w->after;
	(void)f;
	forecast->has_opinion = true;
	forecast->opinion = (zwy_v1_ForecastOpinion){
		.result = arena_strdup(w->arena, form_value(w->act, "result")),
		.comment = arena_strdup(w->arena, w->comment),
		.reviewer = arena_strdup(w->arena, text_of(w->facts->actor->principal)),
		.has_time = true,
		.time = stamp_of(w->facts->now),
	};
	forecast->reviewed_items = forecast->items;
	forecast->reviewed_items_count = forecast->items_count;
	return 0;
}

static bool
same_item(const zwy_v1_ForecastItem *a, const zwy_v1_ForecastItem *b)
{
	bool same = text_is(a->service, b->service) && a->quantity == b->quantity &&
		    a->spec_count == b->spec_count;
	for (size_t i = 0; same && i < a->spec_count; i++) {
		bool found = false;
		for (size_t k = 0; !found && k < b->spec_count; k++)
			found = text_is(a->spec[i].key, b->spec[k].key) &&
				text_is(a->spec[i].value, b->spec[k].value);
		same = found;
	}
	return same;
}

int
register_guard_forecast_revise(const struct register_work *w, struct fault *f)
{
	const zwy_v1_Forecast *forecast = w->before;
	bool same = forecast->items_count == forecast->reviewed_items_count;
	for (size_t i = 0; same && i < forecast->items_count; i++)
		same = same_item(&forecast->items[i], &forecast->reviewed_items[i]);
	if (same)
		return fault_set_article(f, ERR_WRONG_STATE, ARTICLE,
					 "the items are still those that the operator wants adjusted: %.200s",
					 text_of(forecast->opinion.comment));
	return register_guard_forecast_submit(w, f);
}

int
register_effect_forecast_revise(struct register_work *w, struct fault *f)
{
	return hand_in(w, f);
}
