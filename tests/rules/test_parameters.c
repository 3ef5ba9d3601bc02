/* Every number and choice of the regulation is a row, has a default within its
 * own bounds, and statutory ones can only be tightened. */
#include "fixture.h"

static void
every_default_is_allowed_and_canonical(void **state)
{
	(void)state;
	for (size_t i = 0; i < parameter_count; i++) {
		const struct parameter_desc *p = &parameter_table[i];
		char value[PARAMETER_MAX_BYTES];
		struct fault f = {0};
		assert_int_equal(parameter_check(p, p->default_value, value, sizeof(value), &f), 0);
		assert_string_equal(value, p->default_value);
		assert_true(strlen(p->description) > 10);
		assert_ptr_equal(parameter_find(p->key), p);
		assert_true(atoi(p->article) >= 1 && atoi(p->article) <= 36);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(parameter_table[k].key, p->key);
	}
}

static void
the_texts_own_numbers_are_the_statutory_ones(void **state)
{
	static const struct {
		const char *key, *article, *value;
	} law[] = {
		{"provision.wd", "14", "5"},    {"change.review_wd", "15", "3"},
		{"change.apply_wd", "15", "2"}, {"reclaim.wd", "17", "5"},
		{"test.max_months", "19", "3"}, {"temporary.max_months", "20", "3"},
		{"ext.lead_wd", "20", "15"},
	};
	size_t statutory = 0;
	(void)state;
	for (size_t i = 0; i < parameter_count; i++)
		statutory += parameter_table[i].statutory;
	assert_int_equal(statutory, COUNT(law));
	for (size_t i = 0; i < COUNT(law); i++) {
		const struct parameter_desc *p = parameter_find(law[i].key);
		assert_non_null(p);
		assert_true(p->statutory);
		assert_string_equal(p->article, law[i].article);
		assert_string_equal(p->default_value, law[i].value);
	}
}

static void
keys_of_the_domain_are_all_there(void **state)
{
	static const char *const keys[] = {
		"calendar.file",
		"clock.count_start_day",
		"clock.day_end",
		"clock.after_hours_next_day",
		"term.month_rule",
		"term.roll_on_holiday",
		"ext.lead_mode",
		"ext.late",
		"ext.max_months",
		"ext.max_count",
		"test.extendable",
		"term.on_expiry",
		"term.grace_wd",
		"misuse.codes",
		"optimise.rectify_wd",
		"optimise.step_gap_wd",
		"quota.below_usage",
		"optimise.reclaim_all_ack_ca",
		"review.target_wd",
		"accept.target_wd",
		"approve.target_wd",
		"clock.supplement",
		"approve.over_negative",
		"flow.regular",
		"filing.blocks_publish",
		"filing.due_wd",
		"forecast.window",
		"forecast.required",
		"sec.report_h",
		"dr.grade",
		"vuln.due",
		"eval.sp.pass",
		"settle.period",
		"test.exposure",
		"regulation.effective_date",
		"overlay.allow_loosen",
		"calendar.missing_year",
		"supplement.wd",
		"confirm.wd",
	};
	static const char *const families[] = {"change.major.", "util.low.", "period.",
					       "cert.",         "eval.sp.",  "vuln.due."};
	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++)
		assert_non_null(parameter_find(keys[i]));
	for (size_t i = 0; i < COUNT(families); i++) {
		size_t members = 0;
		for (size_t k = 0; k < parameter_count; k++)
			members += strncmp(parameter_table[k].key, families[i], strlen(families[i])) == 0;
		assert_true(members >= 4);
	}
	assert_null(parameter_find("no.such.key"));
}

static void
values_are_checked_by_type(void **state)
{
	static const struct {
		const char *key, *value;
		bool good;
	} rows[] = {
		{"clock.day_end", "17:30:00", true},
		{"clock.day_end", "24:00:00", true},
		{"clock.day_end", "24:00:01", false},
		{"clock.day_end", "00:00:00", false},
		{"clock.day_end", "7:30:00", false},
		{"clock.count_start_day", "2", false},
		{"clock.count_start_day", "true", true},
		{"ext.lead_mode", "clear", true},
		{"ext.lead_mode", "civil|clear", false},
		{"ext.lead_mode", "", false},
		{"supplement.wd", "0", false},
		{"supplement.wd", "365", true},
		{"supplement.wd", "366", false},
		{"supplement.wd", "-1", false},
		{"supplement.wd", "5x", false},
		{"regulation.effective_date", "2024-12-01", true},
		{"regulation.effective_date", "2024-13-01", false},
		{"misuse.codes", "a b", true},
		{"misuse.codes", "a  b", false},
		{"forecast.window", "10-01..11-30", true},
		{"forecast.window", "two\nlines", false},
		{"forecast.window", "09-15..12-15", true},
		{"forecast.window", "12-15..09-15", false},
		{"forecast.window", "02-30..03-01", false},
		{"forecast.window", "10-01", false},
		{"ext.lead_wd", "14", false},
	};
	struct parameters p;
	(void)state;
	parameters_default(&p);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fault f = {0};
		int r = parameters_set(&p, rows[i].key, rows[i].value, &f);
		assert_int_equal(r, rows[i].good ? 0 : ERR_INVALID_FIELD);
	}
	assert_int_equal(parameters_set(&p, "unknown", "1", NULL), ERR_NOT_FOUND);
}

static void
typed_values_follow_the_text(void **state)
{
	struct parameters p;
	(void)state;
	parameters_default(&p);
	assert_int_equal(p.number[PARAM_DAY_END], 86400);
	assert_int_equal(p.number[PARAM_PROVISION_WD], 5);
	assert_int_equal(p.number[PARAM_EXT_LEAD_MODE], 0);
	assert_true(p.number[PARAM_EFFECTIVE_DATE] == INT64_MIN);
	assert_int_equal(parameters_set(&p, "clock.day_end", "17:30:00", NULL), 0);
	assert_int_equal(parameters_set(&p, "ext.lead_mode", "clear", NULL), 0);
	assert_int_equal(parameters_set(&p, "regulation.effective_date", "2024-12-01", NULL), 0);
	assert_int_equal(p.number[PARAM_DAY_END], 63000);
	assert_int_equal(p.number[PARAM_EXT_LEAD_MODE], 1);
	assert_int_equal(p.number[PARAM_EFFECTIVE_DATE], date("2024-12-01"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_default_is_allowed_and_canonical),
		cmocka_unit_test(the_texts_own_numbers_are_the_statutory_ones),
		cmocka_unit_test(keys_of_the_domain_are_all_there),
		cmocka_unit_test(values_are_checked_by_type),
		cmocka_unit_test(typed_values_follow_the_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
