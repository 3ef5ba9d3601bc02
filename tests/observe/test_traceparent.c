/* traceparent as W3C Trace Context wants it read (2.2, 4.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "observe/traceparent.h"

#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"

static bool
parses(const char *text)
{
	struct traceparent t;
	return traceparent_parse(slice_of(text), &t);
}

static void
version_00_is_read(void **state)
{
	(void)state;
	struct traceparent t;
	assert_true(traceparent_parse(SLICE("00-" TRACE "-" PARENT "-01"), &t));
	assert_true(slice_is(t.trace, TRACE));
	assert_true(slice_is(t.parent, PARENT));
	assert_int_equal(t.flags, 1);
	assert_true(traceparent_parse(SLICE("00-" TRACE "-" PARENT "-ff"), &t));
	assert_int_equal(t.flags, 0xff);
}

static void
version_00_ends_after_the_flags(void **state)
{
	(void)state;
	assert_false(parses("00-" TRACE "-" PARENT "-01-"));
	assert_false(parses("00-" TRACE "-" PARENT "-01-x"));
	assert_false(parses("00-" TRACE "-" PARENT "-010"));
	assert_false(parses("00-" TRACE "-" PARENT "-0"));
}

static void
later_versions_are_read_as_far_as_they_are_known(void **state)
{
	(void)state;
	assert_true(parses("01-" TRACE "-" PARENT "-01"));
	assert_true(parses("cc-" TRACE "-" PARENT "-01"));
	assert_true(parses("cc-" TRACE "-" PARENT "-01-what-the-future-brings"));
	assert_true(parses("cc-" TRACE "-" PARENT "-01-"));
	assert_false(parses("cc-" TRACE "-" PARENT "-01.what-the-future-brings"));
	assert_false(parses("cc-" TRACE "-" PARENT "-012"));
	assert_false(parses("ff-" TRACE "-" PARENT "-01"));
}

static void
ids_of_zeros_are_none(void **state)
{
	(void)state;
	assert_false(parses("00-00000000000000000000000000000000-" PARENT "-01"));
	assert_false(parses("00-" TRACE "-0000000000000000-01"));
	assert_true(parses("00-00000000000000000000000000000001-0000000000000001-00"));
}

static void
digits_are_lower_case_and_everything_has_its_place(void **state)
{
	(void)state;
	assert_false(parses("00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01"));
	assert_false(parses("00-" TRACE "-00F067AA0BA902B7-01"));
	assert_false(parses("0A-" TRACE "-" PARENT "-01"));
	assert_false(parses("00-" TRACE "-" PARENT "-0A"));
	assert_false(parses("00-" TRACE "_" PARENT "-01"));
	assert_false(parses("00_" TRACE "-" PARENT "-01"));
	assert_false(parses("0-" TRACE "-" PARENT "-01"));
	assert_false(parses(" 00-" TRACE "-" PARENT "-01"));
	assert_false(parses("00-4bf92f3577b34da6a3ce929d0e0e473-" PARENT "-001"));
	assert_false(parses("00-" TRACE));
	assert_false(parses(""));
}

static void
what_is_refused_leaves_the_result_alone(void **state)
{
	(void)state;
	struct traceparent t = {.flags = 7};
	assert_false(traceparent_parse(SLICE("ff-" TRACE "-" PARENT "-01"), &t));
	assert_int_equal(t.flags, 7);
	assert_null(t.trace.p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_00_is_read),
		cmocka_unit_test(version_00_ends_after_the_flags),
		cmocka_unit_test(later_versions_are_read_as_far_as_they_are_known),
		cmocka_unit_test(ids_of_zeros_are_none),
		cmocka_unit_test(digits_are_lower_case_and_everything_has_its_place),
		cmocka_unit_test(what_is_refused_leaves_the_result_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
