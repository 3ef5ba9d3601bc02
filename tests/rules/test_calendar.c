/* The golden deadlines of the domain, and what two wrong calendars would give:
 * a test that could not tell them apart would prove nothing. */
#include "fixture.h"

static struct calendar *full, *holidays_only, *plain;

static int
open_calendars(void **state)
{
	(void)state;
	full = shipped_calendar(2024, 2026, FULL);
	holidays_only = shipped_calendar(2024, 2026, HOLIDAYS_ONLY);
	plain = calendar_new();
	return 0;
}

static int
close_calendars(void **state)
{
	(void)state;
	calendar_free(full);
	calendar_free(holidays_only);
	calendar_free(plain);
	return 0;
}

static void
art_14_15_17_golden_deadlines_of_working_days(void **state)
{
	static const struct {
		const char *start;
		unsigned days;
		const char *correct, *holidays_only, *plain;
	} rows[] = {
		{"2024-02-08", 5, "2024-02-21", "2024-02-22", "2024-02-15"},
		{"2024-04-26", 2, "2024-04-29", "2024-04-30", "2024-04-30"},
		{"2024-09-30", 5, "2024-10-12", "2024-10-14", "2024-10-07"},
		{"2025-01-24", 5, "2025-02-07", "2025-02-10", "2025-01-31"},
		{"2025-09-26", 3, "2025-09-30", "2025-10-09", "2025-10-01"},
		{"2025-12-31", 3, "2026-01-06", "2026-01-07", "2026-01-05"},
		{"2026-02-13", 5, "2026-02-27", "2026-03-02", "2026-02-20"},
		{"2026-10-10", 5, "2026-10-16", "2026-10-16", "2026-10-16"},
		{"2026-10-03", 5, "2026-10-13", "2026-10-14", "2026-10-09"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		day from = date(rows[i].start);
		struct deadline d = deadline_working_days(full, from, rows[i].days, false);
		assert_date(d.date, rows[i].correct);
		assert_false(d.provisional);
		assert_date(deadline_working_days(holidays_only, from, rows[i].days, false).date,
			    rows[i].holidays_only);
		assert_date(deadline_working_days(plain, from, rows[i].days, false).date, rows[i].plain);
	}
}

static void
art_19_20_golden_ends_of_three_months_and_last_days_to_apply(void **state)
{
	static const struct {
		const char *allocation, *end, *civil, *clear, *plain;
		bool works;
	} rows[] = {
		{"2024-11-29", "2025-02-28", "2025-02-08", "2025-02-07", "2025-02-07", true},
		{"2024-11-30", "2025-02-28", "2025-02-08", "2025-02-07", "2025-02-07", true},
		{"2025-07-08", "2025-10-08", "2025-09-11", "2025-09-10", "2025-09-17", false},
		{"2025-11-30", "2026-02-28", "2026-02-02", "2026-01-30", "2026-02-09", true},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct deadline end = deadline_months(full, date(rows[i].allocation), 3, false);
		assert_date(end.date, rows[i].end);
		assert_false(end.provisional);
		assert_int_equal(calendar_working(full, end.date), rows[i].works);
		assert_date(deadline_before(full, end.date, 15, false).date, rows[i].civil);
		assert_date(deadline_before(full, end.date, 15, true).date, rows[i].clear);
		assert_date(deadline_before(plain, end.date, 15, false).date, rows[i].plain);
	}
	struct deadline rolled = deadline_months(full, date("2025-07-08"), 3, true);
	assert_date(rolled.date, "2025-10-09");
}

static void
a_year_that_is_not_imported_is_provisional(void **state)
{
	(void)state;
	struct deadline end = deadline_months(full, date("2026-11-30"), 3, false);
	assert_date(end.date, "2027-02-28");
	assert_true(end.provisional);
	assert_true(deadline_before(full, end.date, 15, false).provisional);
	assert_true(deadline_working_days(full, date("2026-12-29"), 5, false).provisional);
	assert_false(deadline_working_days(full, date("2026-12-24"), 5, false).provisional);
	/* The day after the last of 2026 does not count itself. */
	assert_false(deadline_before(full, date("2027-01-01"), 3, false).provisional);
	assert_true(calendar_has(full, 2026));
	assert_false(calendar_has(full, 2027));
}

/* Whatever the start and length: a later start never ends earlier, one day more ends
 * later, and counting back from the end comes to a day at or after the start. */
static void
working_days_are_monotone_and_counting_back_inverts_them(void **state)
{
	(void)state;
	for (day d = date("2024-01-01"); d <= date("2026-11-20"); d++)
		for (unsigned n = 1; n <= 25; n += 4) {
			struct deadline end = deadline_working_days(full, d, n, false);
			assert_true(calendar_working(full, end.date));
			assert_true(end.date >= d + (day)n);
			assert_true(deadline_working_days(full, d + 1, n, false).date >= end.date);
			assert_true(deadline_working_days(full, d, n + 1, false).date > end.date);
			/* n days back from the day after the end is the first of the days counted. */
			day first = deadline_before(full, end.date + 1, n, false).date;
			assert_true(first > d && calendar_working(full, first));
			for (day k = d + 1; k < first; k++)
				assert_false(calendar_working(full, k));
			if (calendar_working(full, d))
				assert_int_equal(deadline_before(full, end.date, n, false).date, d);
		}
}

static void
months_are_monotone_and_never_pass_the_corresponding_day(void **state)
{
	(void)state;
	for (day d = date("2024-01-01"); d <= date("2026-06-30"); d++)
		for (unsigned n = 1; n <= 6; n++) {
			struct civil from = civil_from_day(d);
			day end = deadline_months(full, d, n, false).date;
			struct civil to = civil_from_day(end);
			assert_int_equal((to.year - from.year) * 12 + to.month - from.month, n);
			assert_true(to.mday == from.mday ||
				    (to.mday < from.mday && to.mday == days_in_month(to.year, to.month)));
			assert_true(deadline_months(full, d + 1, n, false).date >= end);
			assert_true(deadline_months(full, d, n + 1, false).date > end);
			/* Rolling only ever lengthens: it would exceed the cap of Articles 19 and 20. */
			assert_true(deadline_months(full, d, n, true).date >= end);
		}
}

static void
working_days_of_each_year_and_month(void **state)
{
	static const struct {
		int year, total;
		int months[12];
	} rows[] = {
		{2024, 251, {22, 18, 21, 22, 21, 19, 23, 22, 21, 19, 21, 22}},
		{2025, 248, {19, 19, 21, 22, 19, 20, 23, 21, 23, 18, 20, 23}},
		{2026, 248, {21, 16, 22, 21, 19, 21, 23, 21, 22, 18, 21, 23}},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int total = 0;
		for (int m = 1; m <= 12; m++) {
			int count = 0;
			for (int d = 1; d <= days_in_month(rows[i].year, m); d++)
				count += calendar_working(full, day_from_civil(rows[i].year, m, d));
			assert_int_equal(count, rows[i].months[m - 1]);
			total += count;
		}
		assert_int_equal(total, rows[i].total);
	}
}

static void
five_working_days_from_735_starts_differ_from_the_wrong_calendars(void **state)
{
	int starts = 0, wrong_plain = 0, wrong_holidays = 0;
	(void)state;
	for (day d = date("2024-01-01"); d <= date("2026-12-15"); d++) {
		if (!calendar_working(full, d))
			continue;
		day correct = deadline_working_days(full, d, 5, false).date;
		starts++;
		wrong_plain += deadline_working_days(plain, d, 5, false).date != correct;
		wrong_holidays += deadline_working_days(holidays_only, d, 5, false).date != correct;
	}
	assert_int_equal(starts, 735);
	assert_int_equal(wrong_plain, 142);
	assert_int_equal(wrong_holidays, 95);
}

static void
months_end_on_the_corresponding_day_or_the_months_last(void **state)
{
	(void)state;
	assert_date(deadline_months(full, date("2024-01-31"), 1, false).date, "2024-02-29");
	assert_date(deadline_months(full, date("2025-01-31"), 1, false).date, "2025-02-28");
	assert_date(deadline_months(full, date("2024-02-29"), 12, false).date, "2025-02-28");
	assert_date(deadline_months(full, date("2024-10-31"), 13, false).date, "2025-11-30");
	assert_date(deadline_months(full, date("2024-12-15"), 1, false).date, "2025-01-15");
}

static void
the_start_day_counts_only_if_told_and_working(void **state)
{
	(void)state;
	assert_date(deadline_working_days(full, date("2026-11-23"), 5, true).date, "2026-11-27");
	assert_date(deadline_working_days(full, date("2026-11-23"), 5, false).date, "2026-11-30");
	assert_date(deadline_working_days(full, date("2026-10-03"), 1, true).date, "2026-10-08");
}

static void
a_year_is_added_whole_or_not_at_all(void **state)
{
	zwy_v1_CalendarDay listed = {.date = "2027-01-01", .kind = "holiday", .name = "元旦"};
	zwy_v1_CalendarDay twice[] = {listed, listed};
	zwy_v1_CalendarYear y = {.days_count = 1, .days = &listed};
	struct calendar *c = calendar_new();
	struct fault f;
	(void)state;
	assert_int_equal(calendar_add(c, 2026, &y, &f), ERR_INVALID_FIELD);
	listed.kind = "Holiday";
	assert_int_equal(calendar_add(c, 2027, &y, &f), ERR_INVALID_FIELD);
	listed.kind = "holiday";
	listed.date = "2027-02-30";
	assert_int_equal(calendar_add(c, 2027, &y, &f), ERR_INVALID_FIELD);
	zwy_v1_CalendarYear doubled = {.days_count = 2, .days = twice};
	assert_int_equal(calendar_add(c, 2027, &doubled, &f), ERR_INVALID_FIELD);
	zwy_v1_CalendarYear empty = {0};
	assert_int_equal(calendar_add(c, 2027, &empty, &f), ERR_INVALID_FIELD);
	assert_false(calendar_has(c, 2027));
	listed.date = "2027-01-01";
	assert_int_equal(calendar_add(c, 2027, &y, &f), 0);
	assert_int_equal(calendar_day(c, date("2027-01-01")), DAY_HOLIDAY);
	listed.date = "2027-01-04";
	assert_int_equal(calendar_add(c, 2027, &y, &f), 0);
	assert_int_equal(calendar_day(c, date("2027-01-01")), DAY_WORKING);
	calendar_free(c);
}

static void
collect(void *ctx, const char *line)
{
	strcat(ctx, line);
	strcat(ctx, "\n");
}

static void
an_explanation_names_every_day(void **state)
{
	char text[4096] = "";
	(void)state;
	deadline_explain(full, date("2024-02-08"), date("2024-02-21"), collect, text);
	assert_non_null(strstr(text, "2024-02-08  start, not counted\n"));
	assert_non_null(strstr(text, "2024-02-09 Fri  working day, day 1\n"));
	assert_non_null(strstr(text, "2024-02-10 Sat  holiday 春节\n"));
	assert_non_null(strstr(text, "2024-02-18 Sun  make-up working day 春节, day 2\n"));
	assert_non_null(strstr(text, "2024-02-21 Wed  working day, day 5\n"));
	text[0] = '\0';
	deadline_explain(full, date("2025-02-28"), date("2025-02-08"), collect, text);
	assert_non_null(strstr(text, "2025-02-08 Sat  make-up working day 春节, day 15\n"));
	text[0] = '\0';
	deadline_explain(full, date("2026-12-31"), date("2027-01-04"), collect, text);
	assert_non_null(strstr(text, "2027-01-04 Mon  working day, day 2 (calendar not imported)\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(art_14_15_17_golden_deadlines_of_working_days),
		cmocka_unit_test(art_19_20_golden_ends_of_three_months_and_last_days_to_apply),
		cmocka_unit_test(a_year_that_is_not_imported_is_provisional),
		cmocka_unit_test(working_days_are_monotone_and_counting_back_inverts_them),
		cmocka_unit_test(months_are_monotone_and_never_pass_the_corresponding_day),
		cmocka_unit_test(working_days_of_each_year_and_month),
		cmocka_unit_test(five_working_days_from_735_starts_differ_from_the_wrong_calendars),
		cmocka_unit_test(months_end_on_the_corresponding_day_or_the_months_last),
		cmocka_unit_test(the_start_day_counts_only_if_told_and_working),
		cmocka_unit_test(a_year_is_added_whole_or_not_at_all),
		cmocka_unit_test(an_explanation_names_every_day),
	};
	return cmocka_run_group_tests(tests, open_calendars, close_calendars);
}
