/* The Prometheus text format: numbers, escapes, histograms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <cmocka.h>

#include "observe/exposition.h"

static void
assert_holds(struct buf *b, const char *wanted)
{
	buf_append_char(b, '\0');
	assert_string_equal(b->p, wanted);
	buf_release(b);
}

static void
numbers_are_short_and_exact(void **state)
{
	(void)state;
	static const struct {
		double value;
		const char *text;
	} rows[] = {{0, "0"},
		    {1, "1"},
		    {-2.5, "-2.5"},
		    {0.1, "0.1"},
		    {0.00025, "0.00025"},
		    {1e14, "100000000000000"},
		    {INFINITY, "+Inf"},
		    {-INFINITY, "-Inf"},
		    {1.0 / 3, "0.3333333333333333"},
		    {1e300, "1e+300"}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = {0};
		exposition_number(&b, rows[i].value);
		assert_holds(&b, rows[i].text);
	}
}

static void
help_and_label_values_are_escaped(void **state)
{
	(void)state;
	struct buf b = {0};
	struct label labels[] = {{"path", SLICE("C:\\DIR\\FILE.TXT")}, {"error", SLICE("a \"b\"\nc")}};
	exposition_family(&b, "x_total", "counter", "one \\ and\ntwo \"words\"");
	exposition_sample(&b, "x_total", "", labels, 2, 12);
	exposition_sample(&b, "x_total", "", NULL, 0, 3);
	assert_holds(&b, "# HELP x_total one \\\\ and\\ntwo \"words\"\n"
			 "# TYPE x_total counter\n"
			 "x_total{path=\"C:\\\\DIR\\\\FILE.TXT\",error=\"a \\\"b\\\"\\nc\"} 12\n"
			 "x_total 3\n");
}

static void
a_histogram_counts_up_to_each_bound_and_it_included(void **state)
{
	(void)state;
	static const double bounds[] = {0.1, 1};
	struct histogram h = {0};
	struct label labels[2] = {{"m", SLICE("x")}};
	struct buf b = {0};
	histogram_add(&h, bounds, 2, 0.1);
	histogram_add(&h, bounds, 2, 0.25);
	histogram_add(&h, bounds, 2, 0.5);
	histogram_add(&h, bounds, 2, 4);
	exposition_histogram(&b, "h", labels, 1, &h, bounds, 2);
	assert_holds(&b, "h_bucket{m=\"x\",le=\"0.1\"} 1\n"
			 "h_bucket{m=\"x\",le=\"1\"} 3\n"
			 "h_bucket{m=\"x\",le=\"+Inf\"} 4\n"
			 "h_sum{m=\"x\"} 4.85\n"
			 "h_count{m=\"x\"} 4\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_short_and_exact),
		cmocka_unit_test(help_and_label_values_are_escaped),
		cmocka_unit_test(a_histogram_counts_up_to_each_bound_and_it_included),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
