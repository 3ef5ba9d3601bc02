/* The JSON form: nothing is lost, odd ways of writing are read, mistakes are told by line and field.
 * json_format.py compares it with Python's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "json.h"
#include "sample.h"

#define ROUNDS 60

static const struct message_desc *
message(const char *name)
{
	const struct message_desc *m = message_by_name(slice_of(name));
	assert_non_null(m);
	return m;
}

static void
nothing_is_lost_of_any_message(void **state)
{
	(void)state;
	struct sampler s = {20262};
	for (size_t i = 0; i < message_count; i++)
		for (int round = 0; round < ROUNDS; round++) {
			struct buf bytes = {0}, text = {0}, back = {0};
			struct fault f = {0};
			sample_message(&s, message_table[i], &bytes, 0);
			unsigned flags = round % 2 ? JSON_ONE_LINE : 0;
			assert_int_equal(json_print(&text, message_table[i], buf_slice(&bytes), flags), 0);
			if (json_parse(&back, message_table[i], buf_slice(&text), &f) < 0 ||
			    !slice_equal(buf_slice(&bytes), buf_slice(&back)))
				fail_msg("%s: %s\n%.*s", message_table[i]->name, f.text, (int)text.n, text.p);
			assert_true(!(flags & JSON_ONE_LINE) || !memchr(text.p, '\n', text.n));
			buf_release(&bytes);
			buf_release(&text);
			buf_release(&back);
		}
}

static void
it_looks_like_other_peoples_json(void **state)
{
	(void)state;
	struct buf bytes = {0}, text = {0};
	struct fault f = {0};
	static const char written[] =
		"\xEF\xBB\xBF{\"kind\": \"regular\", \"zone\": 1, \"cloud_plan\": {}, \"supplements\": 3.0,\n"
		" \"revision\": \"18446744073709551615\", \"classified\": null, \"createTime\": "
		"\"2026-03-02T09:30:00.000000001+08:00\", \"document\": {\"b\": \"\", \"a\": \"x\"},\n"
		" \"items\": [{\"service\": \"\\u4e91\", \"quantity\": 4}, {}], \"resources\": []}";
	static const char want[] =
		"{\n"
		"  \"revision\": \"18446744073709551615\",\n"
		"  \"createTime\": \"2026-03-02T01:30:00.000000001Z\",\n"
		"  \"kind\": \"APPLICATION_KIND_REGULAR\",\n"
		"  \"zone\": \"ZONE_EXTRANET\",\n"
		"  \"cloudPlan\": {},\n"
		"  \"document\": {\n    \"b\": \"\",\n    \"a\": \"x\"\n  },\n"
		"  \"items\": [\n    {\n      \"service\": \"云\",\n      \"quantity\": \"4\"\n    },\n"
		"    {}\n  ],\n"
		"  \"supplements\": 3\n}\n";
	if (json_parse(&bytes, message("zwy.v1.Application"), slice_of(written), &f) < 0)
		fail_msg("%s", f.text);
	assert_int_equal(json_print(&text, message("zwy.v1.Application"), buf_slice(&bytes), 0), 0);
	buf_append_char(&text, '\0');
	assert_string_equal(text.p, want);
	buf_release(&bytes);
	buf_release(&text);
}

static void
every_mistake_is_told_with_line_and_field(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int code;
		const char *says;
	} rows[] = {
		{"", ERR_BAD_SYNTAX, "line 1: "},
		{"{\n\"kind\": }", ERR_BAD_SYNTAX, "line 2: "},
		{"{\"a\": \"\\u0000\"}", ERR_BAD_SYNTAX, "line 1: "},
		{"{\"purpose\": \"\xff\"}", ERR_BAD_SYNTAX, "line 1: "},
		{"{\"purpose\": \"a\",\n\"purpose\": \"b\"}", ERR_BAD_SYNTAX, "line 2: duplicate"},
		{"[]", ERR_INVALID_FIELD, "line 1: an array stands where an object belongs"},
		{"{\n\n \"zoen\": 1}", ERR_UNKNOWN_FIELD,
		 "line 3: zoen: there is no such field; did you mean zone?"},
		{"{\"x\": [[\"\\\"}\"]],\n\"xyzzyx\": 1}", ERR_UNKNOWN_FIELD, "line 1: x: "},
		{"{\"items\": [{}, {\"service\": \"a\"},\n {\n\"quantity\": -1}]}", ERR_INVALID_FIELD,
		 "line 3: items[2].quantity: '-1' is not a whole number"},
		{"{\"items\": [{\"quantity\": 1.5}]}", ERR_INVALID_FIELD,
		 "line 1: items[0].quantity: a number stands"},
		{"{\"items\": [null]}", ERR_INVALID_FIELD, "items[0]: null stands"},
		{"{\"items\": {}}", ERR_INVALID_FIELD, "items: an object stands where an array"},
		{"{\"zone\": \"intranet\"}", ERR_INVALID_FIELD, "extranet, internet"},
		{"{\"classified\": \"yes\"}", ERR_INVALID_FIELD, "a string stands where true or false"},
		{"{\"document\": {\"a\":\n1}}", ERR_INVALID_FIELD,
		 "document.a: a number stands where a string"},
		{"{\"cloudPlan\": {},\n\"cloud_plan\": {}}", ERR_INVALID_FIELD,
		 "line 2: cloud_plan: given under two"},
		{"{\"createTime\": 7}", ERR_INVALID_FIELD, "a number stands"},
		{"{\"createTime\": \"now\"}", ERR_INVALID_FIELD, "2026-03-02T09:30:00Z"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out = {0};
		struct fault f = {0};
		int r = json_parse(&out, message("zwy.v1.Application"), slice_of(rows[i].text), &f);
		assert_int_equal(r, rows[i].code);
		assert_int_equal(f.code, r);
		if (!strstr(f.text, rows[i].says))
			fail_msg("%s", f.text);
		assert_int_equal(out.n, 0);
		buf_release(&out);
	}
	struct buf out = {0};
	struct fault f = {0};
	assert_int_equal(json_parse(&out, message("zwy.v1.ComputeDeadlineRequest"),
				    SLICE("{\"months\": 0, \"before\": 0}"), &f),
			 ERR_INVALID_FIELD);
	assert_int_equal(json_parse(&out, message("zwy.v1.UploadRequest"), SLICE("{\"chunk\": \"-_8=\"}"),
				    &f),
			 0);
	assert_true(slice_equal(wire_string(buf_slice(&out), 4), SLICE("\xfb\xff")));
	assert_int_equal(json_parse(&out, message("zwy.v1.UploadRequest"), SLICE("{\"chunk\": \"*\"}"), &f),
			 ERR_INVALID_FIELD);
	buf_release(&out);
}

static void
bytes_that_are_no_message_are_not_printed(void **state)
{
	(void)state;
	struct buf out = {0};
	assert_int_equal(json_print(&out, message("zwy.v1.Application"), SLICE("\x0a\x05x"), 0),
			 ERR_INVALID_ARGUMENT);
	assert_int_equal(json_print(&out, message("zwy.v1.Application"), SLICE("\x08\x05"), 0),
			 ERR_INVALID_ARGUMENT);
	buf_release(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_of_any_message),
		cmocka_unit_test(it_looks_like_other_peoples_json),
		cmocka_unit_test(every_mistake_is_told_with_line_and_field),
		cmocka_unit_test(bytes_that_are_no_message_are_not_printed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
