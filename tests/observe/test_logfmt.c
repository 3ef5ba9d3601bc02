/* Values in log lines: bare, quoted, escaped, cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "observe/logfmt.h"

static void
assert_shown(const char *value, const char *wanted)
{
	struct buf b = {0};
	logfmt_text(&b, "k", slice_of(value));
	buf_append_char(&b, '\0');
	assert_string_equal(b.p, wanted);
	buf_release(&b);
}

static void
plain_values_stand_bare(void **state)
{
	(void)state;
	assert_shown("principals/core-du", "k=principals/core-du");
	assert_shown("unix:uid=0", "k=\"unix:uid=0\"");
	assert_shown("[::1]:4321", "k=[::1]:4321");
	assert_shown("/zwy.v1.ApplicationService/Act", "k=/zwy.v1.ApplicationService/Act");
}

static void
blanks_quotes_and_nothing_are_quoted(void **state)
{
	(void)state;
	assert_shown("", "k=\"\"");
	assert_shown("two words", "k=\"two words\"");
	assert_shown("a\"b", "k=\"a\\\"b\"");
	assert_shown("a\\b", "k=\"a\\\\b\"");
	assert_shown("数据局", "k=\"数据局\"");
}

static void
nothing_ends_the_line_or_moves_the_terminal(void **state)
{
	(void)state;
	assert_shown("a\nlevel=error", "k=\"a\\nlevel=error\"");
	assert_shown("a\r\tb", "k=\"a\\r\\tb\"");
	assert_shown("\x1b[2J", "k=\"\\u001b[2J\"");
	assert_shown("\x7f", "k=\"\\u007f\"");
	assert_shown("\xc2\x85", "k=\"\\u0085\"");     /* NEL */
	assert_shown("\xe2\x80\xa8", "k=\"\\u2028\""); /* line separator */
	assert_shown("\xd8\x9c", "k=\"\\u061c\"");     /* the letters of Arabic */
	assert_shown("\xe2\x80\xae", "k=\"\\u202e\""); /* right to left */
}

static void
bytes_that_are_not_utf8_are_replaced(void **state)
{
	(void)state;
	assert_shown("a\xff"
		     "b",
		     "k=\"a\xEF\xBF\xBD"
		     "b\"");
	assert_shown("\xe2\x80", "k=\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
	assert_shown("\xed\xa0\x80", "k=\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""); /* a surrogate */
}

static void
long_values_are_cut_at_a_character(void **state)
{
	(void)state;
	char text[3 * LOGFMT_VALUE_MAX];
	struct buf b = {0};
	for (size_t i = 0; i + 3 <= sizeof(text); i += 3)
		memcpy(text + i, "数", 3);
	logfmt_text(&b, "k", slice_make(text, sizeof(text)));
	assert_true(b.n <= LOGFMT_VALUE_MAX + 7);
	assert_true(utf8_valid(buf_slice(&b)));
	assert_memory_equal(b.p + b.n - 4, "...\"", 4);
	buf_release(&b);
}

static void
a_field_that_does_not_fit_is_left_off_whole(void **state)
{
	(void)state;
	char space[16];
	struct buf b = {.p = space, .cap = sizeof(space), .max = sizeof(space)};
	logfmt_text(&b, "a", SLICE("12345"));
	logfmt_text(&b, "long", SLICE("1234567890"));
	logfmt_number(&b, "n", 18446744073709551615u);
	logfmt_ms(&b, "ms", 1234567890);
	logfmt_number(&b, "z", 1);
	assert_int_equal(b.error, 0);
	assert_true(slice_is(buf_slice(&b), "a=12345 z=1"));
}

static void
numbers_and_milliseconds(void **state)
{
	(void)state;
	struct buf b = {0};
	logfmt_number(&b, "n", 0);
	logfmt_number(&b, "max", 18446744073709551615u);
	logfmt_ms(&b, "a", 1234567);
	logfmt_ms(&b, "b", -5);
	logfmt_ms(&b, "c", 999);
	assert_true(slice_is(buf_slice(&b), "n=0 max=18446744073709551615 a=1.234 b=0.000 c=0.000"));
	buf_release(&b);
}

static void
any_bytes_give_one_line(void **state)
{
	(void)state;
	unsigned seed = 20260213;
	for (int round = 0; round < 20000; round++) {
		char text[40];
		size_t n = (size_t)rand_r(&seed) % sizeof(text);
		struct buf b = {0};
		for (size_t i = 0; i < n; i++)
			text[i] = (char)rand_r(&seed);
		logfmt_text(&b, "k", slice_make(text, n));
		assert_true(utf8_valid(buf_slice(&b)));
		for (size_t i = 0; i < b.n; i++)
			assert_true((unsigned char)b.p[i] >= ' ' && b.p[i] != 0x7f);
		buf_release(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_values_stand_bare),
		cmocka_unit_test(blanks_quotes_and_nothing_are_quoted),
		cmocka_unit_test(nothing_ends_the_line_or_moves_the_terminal),
		cmocka_unit_test(bytes_that_are_not_utf8_are_replaced),
		cmocka_unit_test(long_values_are_cut_at_a_character),
		cmocka_unit_test(a_field_that_does_not_fit_is_left_off_whole),
		cmocka_unit_test(numbers_and_milliseconds),
		cmocka_unit_test(any_bytes_give_one_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
