/* Article 20: temporary resources for an urgent need, and the extension of their term. */
#include "use.h"

static struct use u;

#define TEMPORARY zwy_v1_APPLICATION_KIND_TEMPORARY
#define NOW       "2025-07-08"
#define CASE      "A-2026-000001"

static int
open_world(void **state)
{
	(void)state;
	use_open(&u);
	return 0;
}

static int
close_world(void **state)
{
	(void)state;
	use_close(&u);
	return 0;
}

static void
art_20_the_urgency_is_said_and_no_plan_or_document_needed(void **state)
{
	zwy_v1_Application asked = use_request(&u, TEMPORARY);
	(void)state;
	u.w.portal.phase = "running";
	asked.urgency = " ";
	assert_int_equal(use_create(&u, &asked, true, &du, at(NOW)), ERR_URGENCY_MISSING);
	assert_string_equal(u.w.fault.article, "20");
	asked.urgency = "flood control";
	asked.exposure = zwy_v1_EXPOSURE_PUBLIC;
	assert_int_equal(use_create(&u, &asked, true, &du, at(NOW)), 0);
	assert_int_equal(u.w.missing.code, 0);
	assert_state(u, CASE, "submitted");
	assert_int_equal(use_act(&u, CASE, &ca, at(NOW), "assign", (char *)NULL), ERR_WRONG_ROLE);
}

/* Domain, section 4: civil and clear counting, month ends, an end that does not roll. */
static void
art_20_the_last_day_to_apply_is_shown_from_the_first_day(void **state)
{
	static const struct {
		const char *start, *end, *civil, *clear;
	} rows[] = {
		{"2024-11-29", "2025-02-28", "2025-02-08", "2025-02-07"},
		{"2024-11-30", "2025-02-28", "2025-02-08", "2025-02-07"},
		{"2025-07-08", "2025-10-08", "2025-09-11", "2025-09-10"},
		{"2025-11-30", "2026-02-28", "2026-02-02", "2026-01-30"},
	};
	(void)state;
	for (size_t i = 0; i < 2 * COUNT(rows); i++) {
		use_close(&u);
		use_open(&u);
		u.w.parameters.number[PARAM_EXT_LEAD_MODE] = i % 2;
		const char *last = i % 2 ? rows[i / 2].clear : rows[i / 2].civil;
		const zwy_v1_Application *a = use_case(&u, use_allocate(&u, TEMPORARY, rows[i / 2].start, 0));
		assert_string_equal(a->end_date, rows[i / 2].end);
		assert_string_equal(a->last_extension_date, last);
		const zwy_v1_Clock *clock = app_clock(a, "last-extension");
		assert_string_equal(clock->due_date, last);
		assert_int_equal(clock->due_time.seconds * 1000, dawn(last));
		assert_true(clock->statutory);
		for (size_t k = 0; k < u.resource_count; k++) {
			assert_int_equal(u.resources[k].kind, zwy_v1_RESOURCE_KIND_TEMPORARY);
			assert_string_equal(u.resources[k].end_date, rows[i / 2].end);
			assert_string_equal(u.resources[k].last_extension_date, last);
		}
	}
}

static void
art_20_a_term_into_a_year_without_calendar_is_provisional(void **state)
{
	(void)state;
	const zwy_v1_Application *a = use_case(&u, use_allocate(&u, TEMPORARY, "2026-11-30", 0));
	assert_string_equal(a->end_date, "2027-02-28");
	assert_true(app_clock(a, "term")->provisional);
	assert_true(app_clock(a, "last-extension")->provisional);
}

int
main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
	const struct CMUnitTest tests[] = {
		IN_WORLD(art_20_the_urgency_is_said_and_no_plan_or_document_needed),
		IN_WORLD(art_20_the_last_day_to_apply_is_shown_from_the_first_day),
		IN_WORLD(art_20_a_term_into_a_year_without_calendar_is_provisional),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
