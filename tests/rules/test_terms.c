/* Ends of terms by parameter: the last day to apply (Article 20), warnings, hours. */
#include "fixture.h"
#include "rules/terms.h"
#include "rules/workflow.h"

static struct world w;

static int
open_world(void **state)
{
	(void)state;
	world_open(&w);
	return 0;
}

static int
close_world(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static void
art_20_last_day_to_apply_in_both_modes(void **state)
{
	static const struct {
		const char *allocation, *end, *civil, *clear;
	} rows[] = {
		{"2024-11-29", "2025-02-28", "2025-02-08", "2025-02-07"},
		{"2024-11-30", "2025-02-28", "2025-02-08", "2025-02-07"},
		{"2025-07-08", "2025-10-08", "2025-09-11", "2025-09-10"},
		{"2025-11-30", "2026-02-28", "2026-02-02", "2026-01-30"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		unsigned months = (unsigned)w.parameters.number[PARAM_TEMPORARY_MONTHS];
		struct term_end end =
			term_end(w.calendar, &w.parameters, at(rows[i].allocation), UNIT_MONTHS, months);
		assert_date(end.date, rows[i].end);
		assert_true(end.at == day_start(end.date + 1));
		w.parameters.number[PARAM_EXT_LEAD_MODE] = 0;
		assert_date(term_before(w.calendar, &w.parameters, end.date, PARAM_EXT_LEAD_WD).date,
			    rows[i].civil);
		w.parameters.number[PARAM_EXT_LEAD_MODE] = 1;
		assert_date(term_before(w.calendar, &w.parameters, end.date, PARAM_EXT_LEAD_WD).date,
			    rows[i].clear);
	}
	struct term_end unknown = term_end(w.calendar, &w.parameters, at("2026-11-30"), UNIT_MONTHS, 3);
	assert_date(unknown.date, "2027-02-28");
	assert_true(unknown.provisional);
	assert_true(term_before(w.calendar, &w.parameters, unknown.date, PARAM_EXT_LEAD_WD).provisional);
}

enum { POINTS = 3 };

static void
term_warnings(day end, struct term_end ret[POINTS])
{
	static const enum parameter leads[POINTS] = {PARAM_WARN_FIRST_WD, PARAM_EXT_LEAD_WD,
						     PARAM_WARN_LAST_WD};
	for (size_t i = 0; i < POINTS; i++) {
		ret[i] = term_before(w.calendar, &w.parameters, end, leads[i]);
		assert_true(ret[i].at == day_start(ret[i].date));
	}
}

static void
art_20_warnings_lie_20_15_and_5_working_days_before_the_end(void **state)
{
	struct term_end points[POINTS];
	(void)state;
	term_warnings(date("2025-02-28"), points);
	assert_date(points[0].date, "2025-01-26");
	assert_date(points[1].date, "2025-02-08");
	assert_date(points[2].date, "2025-02-21");
	/* The national holidays of October push them far back; the end itself is one of them. */
	term_warnings(date("2025-10-08"), points);
	assert_date(points[0].date, "2025-09-04");
	assert_date(points[1].date, "2025-09-11");
	assert_date(points[2].date, "2025-09-25");
	for (day d = date("2024-03-01"); d <= date("2026-12-31"); d++) {
		term_warnings(d, points);
		assert_true(points[0].date < points[1].date && points[1].date < points[2].date &&
			    points[2].date < d);
		assert_false(points[0].provisional || points[2].provisional);
	}
	term_warnings(date("2027-01-20"), points);
	assert_true(points[0].provisional && points[2].provisional);
}

static void
art_29_hours_run_through_night_and_holiday(void **state)
{
	msec start = day_start(date("2026-09-30")) + 23 * 3600000LL; /* the eve of seven holidays */
	struct term_end end = term_end(w.calendar, &w.parameters, start, UNIT_HOURS, 4);
	(void)state;
	assert_true(end.at == start + 4 * 3600000LL);
	assert_date(end.date, "2026-10-01");
	assert_false(end.provisional);
	/* One that ends at midnight ends with the day before. */
	end = term_end(w.calendar, &w.parameters, start, UNIT_HOURS, 1);
	assert_date(end.date, "2026-09-30");
	/* Neither a close of business nor a missing year touches it. */
	w.parameters.number[PARAM_DAY_END] = 17 * 3600 + 1800;
	w.parameters.number[PARAM_AFTER_HOURS_NEXT_DAY] = 1;
	assert_true(term_end(w.calendar, &w.parameters, start, UNIT_HOURS, 4).at == start + 4 * 3600000LL);
	assert_false(term_end(w.calendar, &w.parameters, at("2027-05-01"), UNIT_HOURS, 4).provisional);
}

/* The engine carries a clock of hours or months as it does one of working days. */
static void
clocks_of_every_unit_are_marked_and_computed_anew(void **state)
{
	zwy_v1_Clock *clock;
	(void)state;
	world_reach(&w, "provisioning", "2026-11-23");
	clock = clock_running(&w.app, "provision");
	msec due = at("2026-11-23") + 4 * 3600000LL;
	clock->working_days = 0;
	clock->hours = 4;
	clock->due_time = stamp_of(due);
	assert_int_equal(world_clock(&w, due - 1, "provision"), 0);
	assert_int_equal(w.out.event_count, 0);
	assert_int_equal(world_clock(&w, due, "provision"), 0);
	assert_int_equal(w.out.event_count, 1);
	assert_true(clock_running(&w.app, "provision")->overdue);
	clock = clock_running(&w.app, "provision");
	clock->hours = 0;
	clock->months = 3;
	clock->start_time = stamp_of(at("2026-11-30"));
	clock->due_date = "2027-02-28";
	clock->provisional = true;
	clock->overdue = false;
	world_load(&w, &w.app, &adm, at("2026-12-01"));
	add_year(w.calendar, "2027-01-01,holiday,x\n", 2027, FULL);
	assert_int_equal(application_recompute(&w.facts, &w.app, &w.arena, &w.out, &w.fault), 0);
	assert_int_equal(w.out.event_count, 1);
	assert_false(app_clock(&w.out.application, "provision")->provisional);
	assert_string_equal(app_clock(&w.out.application, "provision")->due_date, "2027-02-28");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
		TEST(art_20_last_day_to_apply_in_both_modes),
		TEST(art_20_warnings_lie_20_15_and_5_working_days_before_the_end),
		TEST(art_29_hours_run_through_night_and_holiday),
		TEST(clocks_of_every_unit_are_marked_and_computed_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
