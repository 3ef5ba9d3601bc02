/* Article 21: what departments will need, and the operator's opinion on it. */
#include "fixture.h"

#include "rules/planned.h"
#include "rules/records.h"

#define DOC "intent.pdf sha256:" HEX64

static struct world w;
static zwy_v1_ForecastItem items[2];
static zwy_v1_ForecastItem_SpecEntry spec = {"vcpu", "8"};
static const zwy_v1_Service *services[SERVICES];
static const struct services catalogue = {services, SERVICES};

static int
open_world(void **state)
{
	(void)state;
	world_open(&w);
	for (size_t i = 0; i < SERVICES; i++)
		services[i] = &w.services[i];
	items[0] = (zwy_v1_ForecastItem){.service = "catalogue/cloud-server",
					 .quantity = 16,
					 .spec_count = 1,
					 .spec = &spec};
	items[1] = (zwy_v1_ForecastItem){.service = "block-storage", .quantity = 500};
	return 0;
}

static int
close_world(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static zwy_v1_Forecast
a_forecast(void)
{
	return (zwy_v1_Forecast){.name = "forecasts/provincial-finance/2027",
				 .plan = "年度信息化项目建设计划 2027",
				 .demand_intent = DOC,
				 .items_count = 2,
				 .items = items};
}

static int
put(const struct actor *actor, const char *today, const zwy_v1_Forecast *before, const zwy_v1_Forecast *asked,
    zwy_v1_Forecast *ret)
{
	struct scope_facts facts = {.actor = actor,
				    .now = at(today),
				    .department = &w.finance,
				    .node = &w.core,
				    .services = &catalogue};
	return forecast_rule(&facts, before, asked, &w.arena, ret, &w.fault);
}

static int
act(const struct actor *actor, const char *today, zwy_v1_Forecast *f, const char *action, const char *result,
    const char *comment)
{
	struct form_entry form[2];
	struct act a = {.action = action, .form = form};
	struct register_facts facts = {actor, at(today), &w.core, &w.parameters, &catalogue};
	const struct register_step *step;
	zwy_v1_Forecast ret;
	if (result)
		form[a.form_count++] = (struct form_entry){"result", result};
	if (comment)
		form[a.form_count++] =
			(struct form_entry){strcmp(action, "withdraw") == 0 ? "reason" : "comment", comment};
	int r = register_act(&facts, register_find(KIND_FORECAST), f, &a, &w.arena, &ret, &step, &w.fault);
	if (r == 0)
		*f = ret;
	return r;
}

/* A forecast on which the operator has said that. */
static zwy_v1_Forecast
with_opinion(const char *result)
{
	zwy_v1_Forecast asked = a_forecast(), f;
	assert_int_equal(put(&du, "2026-10-08", NULL, &asked, &f), 0);
	assert_int_equal(act(&du, "2026-10-08", &f, "submit", NULL, NULL), 0);
	assert_int_equal(act(&op, "2026-10-09", &f, "assign", NULL, NULL), 0);
	assert_int_equal(act(&op, "2026-10-09", &f, "opinion", result, "twelve will do"), 0);
	return f;
}

static void
art_21_a_department_writes_its_own_forecast(void **state)
{
	static const struct actor *const others[] = {&ca, &op, &sp, &reg, &aud, &adm, &suzhou_op};
	zwy_v1_Forecast asked = a_forecast(), f;
	(void)state;
	assert_int_equal(put(&du, "2026-08-01", NULL, &asked, &f), 0);
	assert_string_equal(f.state, "draft");
	assert_string_equal(f.department, "provincial-finance");
	assert_string_equal(f.node, "core");
	assert_int_equal(f.year, 2027);
	assert_string_equal(f.items[0].service, "cloud-server");
	assert_string_equal(f.clocks[0].due_date, "2027-12-31");
	assert_false(f.clocks[0].statutory);
	for (size_t i = 0; i < COUNT(others); i++)
		assert_int_equal(put(others[i], "2026-08-01", NULL, &asked, &f), ERR_WRONG_ROLE);
	assert_int_equal(put(&du_health, "2026-08-01", NULL, &asked, &f), ERR_FOREIGN_RECORD);
	assert_int_equal(put(&suzhou_du, "2026-08-01", NULL, &asked, &f), ERR_FOREIGN_RECORD);
	w.finance.inactive = true;
	assert_int_equal(put(&du, "2026-08-01", NULL, &asked, &f), ERR_DEPARTMENT_INACTIVE);
}

static void
art_21_a_forecast_is_for_the_next_year_or_this_one(void **state)
{
	static const struct {
		char *name;
		bool may;
	} years[] = {{"forecasts/provincial-finance/2025", false},
		     {"forecasts/provincial-finance/2026", true},
		     {"forecasts/provincial-finance/2027", true},
		     {"forecasts/provincial-finance/2028", false}};
	zwy_v1_Forecast asked = a_forecast(), f;
	(void)state;
	for (size_t i = 0; i < COUNT(years); i++) {
		asked.name = years[i].name;
		assert_int_equal(put(&du, "2026-12-31", NULL, &asked, &f),
				 years[i].may ? 0 : ERR_INVALID_FIELD);
	}
	assert_string_equal(w.fault.article, "21");
	/* A draft whose year has come too near is not handed in for a year that has passed. */
	asked.name = "forecasts/provincial-finance/2026";
	assert_int_equal(put(&du, "2026-12-31", NULL, &asked, &f), 0);
	assert_int_equal(act(&du, "2027-01-01", &f, "submit", NULL, NULL), ERR_INVALID_FIELD);
}

static void
art_21_only_active_services_of_the_catalogue(void **state)
{
	zwy_v1_Forecast asked = a_forecast(), f;
	(void)state;
	items[0].service = "mainframe";
	items[1].quantity = 0;
	assert_int_equal(put(&du, "2026-10-08", NULL, &asked, &f), ERR_UNKNOWN_SERVICE);
	assert_int_equal(w.fault.item_count, 2);
	items[0].service = "old-service";
	assert_int_equal(put(&du, "2026-10-08", NULL, &asked, &f), ERR_SERVICE_RETIRED);
	items[0].service = "cloud-server";
	items[1].quantity = 1;
	assert_int_equal(put(&du, "2026-10-08", NULL, &asked, &f), 0);
	w.services[0].state = "retired";
	assert_int_equal(act(&du, "2026-10-08", &f, "submit", NULL, NULL), ERR_SERVICE_RETIRED);
}

static void
art_21_the_window_refuses_what_is_early_and_marks_what_is_late(void **state)
{
	static const struct {
		const char *today;
		bool early, late;
	} days[] = {{"2026-09-30", true, false},
		    {"2026-10-01", false, false},
		    {"2026-11-30", false, false},
		    {"2026-12-01", false, true},
		    {"2027-03-01", false, true}};
	zwy_v1_Forecast asked = a_forecast(), draft, f;
	(void)state;
	assert_int_equal(put(&du, "2026-08-01", NULL, &asked, &draft), 0);
	for (size_t i = 0; i < COUNT(days); i++) {
		f = draft;
		assert_int_equal(act(&du, days[i].today, &f, "submit", NULL, NULL),
				 days[i].early ? ERR_FORECAST_EARLY : 0);
		assert_int_equal(f.late, days[i].late);
		if (days[i].early)
			assert_non_null(strstr(w.fault.text, "from 2026-10-01 to 2026-11-30"));
	}
	assert_int_equal(parameters_set(&w.parameters, "forecast.window", "08-01..09-15", &w.fault), 0);
	f = draft;
	assert_int_equal(act(&du, "2026-09-15", &f, "submit", NULL, NULL), 0);
	assert_false(f.late);
	f = draft;
	assert_int_equal(act(&du, "2026-09-16", &f, "submit", NULL, NULL), 0);
	assert_true(f.late);
	/* Taken back, it is late or in time when it is handed in again. */
	assert_int_equal(act(&du, "2026-09-16", &f, "withdraw", NULL, "a slip"), 0);
	assert_string_equal(f.state, "draft");
	assert_false(f.late);
}

static void
art_21_plan_intent_and_items_are_needed_to_hand_it_in_and_told_at_once(void **state)
{
	zwy_v1_Forecast asked = {.name = "forecasts/provincial-finance/2027"}, f;
	struct register_facts facts = {&du, at("2026-10-08"), &w.core, &w.parameters, &catalogue};
	struct explanation x;
	(void)state;
	assert_int_equal(put(&du, "2026-10-08", NULL, &asked, &f), 0);
	assert_int_equal(act(&du, "2026-10-08", &f, "submit", NULL, NULL), ERR_FIELD_MISSING);
	assert_int_equal(w.fault.item_count, 3);
	assert_string_equal(w.fault.article, "21");
	register_explain(&facts, register_find(KIND_FORECAST), &f, &w.arena, &x);
	assert_int_equal(x.missing.item_count, 3);
	assert_int_equal(x.next_count, 0);
	asked = a_forecast();
	asked.demand_intent = "intent.pdf";
	assert_int_equal(put(&du, "2026-10-08", &f, &asked, &f), ERR_INVALID_FIELD);
	asked.demand_intent = DOC;
	assert_int_equal(put(&du, "2026-10-08", &f, &asked, &f), 0);
	register_explain(&facts, register_find(KIND_FORECAST), &f, &w.arena, &x);
	assert_int_equal(x.missing.code, 0);
	assert_string_equal(x.next[0].action, "submit");
}

static void
art_21_the_operator_says_its_opinion_with_reasons_for_no(void **state)
{
	static const char *const results[] = {"support", "adjust", "oppose"};
	zwy_v1_Forecast asked = a_forecast(), pending, f;
	(void)state;
	assert_int_equal(put(&du, "2026-10-08", NULL, &asked, &pending), 0);
	assert_int_equal(act(&op, "2026-10-08", &pending, "assign", NULL, NULL), ERR_WRONG_STATE);
	assert_int_equal(act(&du, "2026-10-08", &pending, "submit", NULL, NULL), 0);
	assert_int_equal(act(&op, "2026-10-09", &pending, "opinion", "support", NULL), ERR_WRONG_STATE);
	assert_int_equal(act(&op, "2026-10-09", &pending, "assign", NULL, NULL), 0);
	assert_int_equal(act(&ca, "2026-10-09", &pending, "opinion", "support", NULL), ERR_WRONG_ROLE);
	for (size_t i = 0; i < COUNT(results); i++) {
		f = pending;
		assert_int_equal(act(&op, "2026-10-09", &f, "opinion", results[i], NULL),
				 i == 0 ? 0 : ERR_FORM_INCOMPLETE);
		f = pending;
		assert_int_equal(act(&op, "2026-10-09", &f, "opinion", results[i], "so"), 0);
		assert_string_equal(f.opinion.result, results[i]);
		assert_string_equal(f.opinion.comment, "so");
		assert_string_equal(f.opinion.reviewer, op.principal);
		assert_string_equal(f.state + strlen("opinion_"), results[i]);
		assert_int_equal(f.reviewed_items_count, 2);
	}
	assert_int_equal(act(&op, "2026-10-09", &pending, "opinion", "maybe", "so"), ERR_INVALID_FIELD);
	assert_non_null(strstr(w.fault.text, "support, adjust, oppose"));
	assert_int_equal(act(&op, "2026-10-09", &pending, "opinion", NULL, NULL), ERR_FORM_INCOMPLETE);
}

static void
art_21_what_is_to_be_adjusted_is_changed_and_reviewed_again(void **state)
{
	zwy_v1_Forecast f = with_opinion("adjust"), asked = f;
	zwy_v1_ForecastItem fewer[2] = {f.items[0], f.items[1]};
	(void)state;
	assert_int_equal(act(&du, "2026-10-10", &f, "revise", NULL, NULL), ERR_WRONG_STATE);
	assert_non_null(strstr(w.fault.text, "twelve will do"));
	fewer[0].quantity = 12;
	asked.items = fewer;
	assert_int_equal(put(&du, "2026-10-10", &f, &asked, &f), 0);
	assert_string_equal(f.state, "opinion_adjust");
	assert_int_equal(f.reviewed_items[0].quantity, 16);
	assert_int_equal(act(&du, "2026-10-10", &f, "revise", NULL, NULL), 0);
	assert_string_equal(f.state, "revised");
	assert_int_equal(put(&du, "2026-10-10", &f, &asked, &f), ERR_WRONG_STATE);
	assert_int_equal(act(&op, "2026-10-11", &f, "assign", NULL, NULL), 0);
	assert_int_equal(act(&op, "2026-10-11", &f, "opinion", "support", NULL), 0);
	assert_int_equal(f.reviewed_items[0].quantity, 12);
}

static void
art_21_what_was_handed_in_is_not_rewritten(void **state)
{
	static char *const states[] = {"submitted", "pre_reviewing", "opinion_support", "opinion_oppose",
				       "revised",   "consumed",      "lapsed"};
	zwy_v1_Forecast asked = a_forecast(), before, f;
	(void)state;
	assert_int_equal(put(&du, "2026-10-08", NULL, &asked, &before), 0);
	assert_int_equal(put(&du, "2026-10-08", &before, &asked, &f), 0);
	for (size_t i = 0; i < COUNT(states); i++) {
		before.state = states[i];
		assert_int_equal(put(&du, "2026-10-08", &before, &asked, &f), ERR_WRONG_STATE);
	}
}

static void
art_21_it_lapses_with_its_year_from_every_state(void **state)
{
	const struct register_desc *d = register_find(KIND_FORECAST);
	zwy_v1_Forecast f = with_opinion("support"), ret;
	const struct register_step *step;
	(void)state;
	for (size_t i = 0; i < register_state_count; i++) {
		const struct register_state *s = &register_states[i];
		struct register_facts facts = {&ca, day_start(date("2028-01-01")) - 1, &w.core, &w.parameters,
					       &catalogue};
		if (s->kind != KIND_FORECAST)
			continue;
		f.state = (char *)s->name;
		assert_int_equal(register_clock(&facts, d, &f, "year", &w.arena, &ret, &step, &w.fault), 0);
		assert_null(step);
		facts.now++;
		assert_int_equal(register_clock(&facts, d, &f, "year", &w.arena, &ret, &step, &w.fault), 0);
		assert_int_equal(step != NULL, !s->final);
		if (step) {
			assert_string_equal(ret.state, "lapsed");
			assert_true(ret.clocks[0].has_stop_time);
		}
	}
}

/* ---- applications that rely on one ---------------------------------------------------- */

/* Submits a good application that names a forecast; *ret as it then is. */
static int
apply(char *named, const zwy_v1_Forecast *f, zwy_v1_Application *ret)
{
	struct fault missing = {0};
	struct request *r = &w.request;
	struct outcome out = {0};
	request_good(r);
	r->a.forecast = named;
	world_load(&w, &r->a, &du, at("2026-11-23"));
	w.facts.forecast = f;
	int rc = application_create(&w.facts, &r->a, true, &w.arena, &out, &missing, &w.fault);
	if (rc == 0)
		*ret = out.application;
	return rc;
}

static void
art_21_an_application_relies_on_its_departments_forecast_with_an_opinion(void **state)
{
	static const struct {
		char *state;
		int refused;
	} states[] = {{"draft", ERR_FORECAST_MISSING},
		      {"submitted", ERR_FORECAST_MISSING},
		      {"pre_reviewing", ERR_FORECAST_MISSING},
		      {"opinion_support", 0},
		      {"opinion_adjust", 0},
		      {"opinion_oppose", ERR_FORECAST_MISSING},
		      {"revised", ERR_FORECAST_MISSING},
		      {"consumed", 0},
		      {"lapsed", ERR_FORECAST_MISSING}};
	zwy_v1_Forecast f = with_opinion("support");
	zwy_v1_Application a;
	(void)state;
	for (size_t i = 0; i < COUNT(states); i++) {
		f.state = states[i].state;
		assert_int_equal(apply("2027", &f, &a), states[i].refused);
	}
	assert_string_equal(w.fault.article, "21");
	f = with_opinion("support");
	assert_int_equal(apply("2026", NULL, &a), ERR_FORECAST_MISSING);
	assert_int_equal(apply("forecasts/provincial-finance/2027", &f, &a), 0);
	assert_false(a.unplanned);
	assert_int_equal(apply("forecasts/provincial-health/2027", &f, &a), ERR_FOREIGN_RECORD);
}

static void
art_21_an_application_without_one_is_unplanned_or_refused(void **state)
{
	zwy_v1_Application a;
	const char **lines;
	(void)state;
	assert_int_equal(apply(NULL, NULL, &a), 0);
	assert_true(a.unplanned);
	world_load(&w, &a, &ca, at("2026-11-23"));
	assert_int_equal(planned_lines(&w.facts, &a, NULL, 0, &w.arena, &lines), 1);
	assert_string_equal(lines[0], "unplanned: no forecast names it");
	assert_int_equal(parameters_set(&w.parameters, "forecast.required", "1", &w.fault), 0);
	assert_int_equal(apply(NULL, NULL, &a), ERR_FORECAST_MISSING);
	assert_string_equal(w.fault.article, "21");
}

static void
art_21_the_first_application_consumes_it_and_further_ones_are_added(void **state)
{
	zwy_v1_Forecast f = with_opinion("support"), after;
	zwy_v1_Application a;
	const struct register_step *step;
	(void)state;
	assert_int_equal(apply("2027", &f, &a), 0);
	assert_true(forecast_rely(&f, &a, &du, at("2026-11-23"), &w.arena, &after, &step));
	assert_string_equal(after.state, "consumed");
	assert_string_equal(step->action, "consume");
	assert_int_equal(step->roles, 0);
	assert_string_equal(after.applications[0], a.name);
	assert_false(after.clocks[0].has_stop_time);
	assert_false(forecast_rely(&after, &a, &du, at("2026-11-23"), &w.arena, &f, &step));
	a.name = "applications/A-2026-000002";
	assert_true(forecast_rely(&after, &a, &du, at("2026-11-23"), &w.arena, &f, &step));
	assert_null(step);
	assert_int_equal(f.applications_count, 2);
	a.has_submit_time = false;
	a.name = "applications/A-2026-000003";
	assert_false(forecast_rely(&f, &a, &du, at("2026-11-23"), &w.arena, &after, &step));
}

static void
art_21_asked_beside_forecast_and_taken_is_shown_to_who_reviews_and_decides(void **state)
{
	static const struct actor *const readers[] = {&du, &op, &ca, &reg, &aud, &sp};
	zwy_v1_Forecast f = with_opinion("adjust");
	zwy_v1_Item four = {.service = "cloud-server", .quantity = 4};
	zwy_v1_Application a, others[4], *list[4];
	const char **lines;
	(void)state;
	assert_int_equal(apply("2027", &f, &a), 0);
	for (size_t i = 0; i < COUNT(others); i++) {
		others[i] = (zwy_v1_Application){.name = arena_printf(&w.arena,
								      "applications/A-2026-00001%zu", i),
						 .state = "submitted",
						 .items_count = 1,
						 .items = &four};
		list[i] = &others[i];
	}
	others[1].state = "rejected"; /* came to nothing */
	others[2].state = "closed";   /* brought something */
	others[2].resources_count = 1;
	list[3] = &a; /* itself */
	for (size_t i = 0; i < COUNT(readers); i++) {
		world_load(&w, &a, readers[i], at("2026-11-23"));
		w.facts.forecast = &f;
		size_t n = planned_lines(&w.facts, &a, (const zwy_v1_Application *const *)list, 4, &w.arena,
					 &lines);
		assert_int_equal(n, i < 3 ? 4 : 0);
	}
	world_load(&w, &a, &op, at("2026-11-23"));
	w.facts.forecast = &f;
	planned_lines(&w.facts, &a, (const zwy_v1_Application *const *)list, 4, &w.arena, &lines);
	assert_non_null(strstr(lines[0], "adjust: twelve will do"));
	assert_string_equal(lines[1],
			    "cloud-server quantity: 2 asked, 16 forecast, 8 taken by other applications");
	four.quantity = 9;
	planned_lines(&w.facts, &a, (const zwy_v1_Application *const *)list, 4, &w.arena, &lines);
	assert_string_equal(lines[1], "cloud-server quantity: 2 asked, 16 forecast, 18 taken by other "
				      "applications: 4 more than forecast");
	/* Figures that the forecast gives are compared too. */
	assert_non_null(strstr(lines[2], "cloud-server vcpu: "));
	assert_non_null(strstr(lines[2], " asked, 128 forecast, "));
	f.reviewed_items[0].spec_count = 0;
	assert_int_equal(planned_lines(&w.facts, &a, NULL, 0, &w.arena, &lines), 3);
	/* What the operator has not reviewed does not count. */
	f.items[0].quantity = 100;
	f.reviewed_items_count = 0;
	planned_lines(&w.facts, &a, NULL, 0, &w.arena, &lines);
	assert_non_null(strstr(lines[1], "2 asked, 0 forecast, 0 taken"));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
		TEST(art_21_a_department_writes_its_own_forecast),
		TEST(art_21_a_forecast_is_for_the_next_year_or_this_one),
		TEST(art_21_only_active_services_of_the_catalogue),
		TEST(art_21_the_window_refuses_what_is_early_and_marks_what_is_late),
		TEST(art_21_plan_intent_and_items_are_needed_to_hand_it_in_and_told_at_once),
		TEST(art_21_the_operator_says_its_opinion_with_reasons_for_no),
		TEST(art_21_what_is_to_be_adjusted_is_changed_and_reviewed_again),
		TEST(art_21_what_was_handed_in_is_not_rewritten),
		TEST(art_21_it_lapses_with_its_year_from_every_state),
		TEST(art_21_an_application_relies_on_its_departments_forecast_with_an_opinion),
		TEST(art_21_an_application_without_one_is_unplanned_or_refused),
		TEST(art_21_the_first_application_consumes_it_and_further_ones_are_added),
		TEST(art_21_asked_beside_forecast_and_taken_is_shown_to_who_reviews_and_decides),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
