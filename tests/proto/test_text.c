/* The text form: what people write, what they are told, and that nothing is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/arena.h"
#include "sample.h"
#include "text.h"

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
	struct sampler s = {20261};
	for (size_t i = 0; i < message_count; i++)
		for (int round = 0; round < ROUNDS; round++) {
			struct buf bytes = {0}, text = {0}, back = {0};
			struct fault f = {0};
			sample_message(&s, message_table[i], &bytes, 0);
			assert_int_equal(wire_check(message_table[i], buf_slice(&bytes), WIRE_LIMITS_DEFAULT,
						    &f),
					 0);
			assert_int_equal(text_print(&text, message_table[i], buf_slice(&bytes)), 0);
			if (text_parse(&back, message_table[i], buf_slice(&text), 0, NULL, &f) < 0 ||
			    !slice_equal(buf_slice(&bytes), buf_slice(&back)))
				fail_msg("%s: %s\n%.*s", message_table[i]->name, f.text, (int)text.n, text.p);
			/* A record printed as a request is one, and asks for nothing that the server keeps.
			 */
			if (message_table[i]->kind) {
				buf_clear(&text);
				buf_clear(&back);
				assert_int_equal(text_print_request(&text, message_table[i],
								    buf_slice(&bytes)),
						 0);
				assert_int_equal(text_parse(&back, message_table[i], buf_slice(&text),
							    TEXT_INPUT, NULL, &f),
						 0);
				buf_clear(&bytes);
				wire_strip_output_only(&bytes, message_table[i], buf_slice(&back));
				assert_true(slice_equal(buf_slice(&bytes), buf_slice(&back)));
			}
			buf_release(&bytes);
			buf_release(&text);
			buf_release(&back);
		}
}

/* Parses as an application and prints again. */
static const char *
again(const char *text, unsigned flags, struct arena *a)
{
	struct buf bytes = {0}, out = {0};
	struct fault f = {0};
	if (text_parse(&bytes, message("zwy.v1.Application"), slice_of(text), flags, NULL, &f) < 0)
		fail_msg("%s", f.text);
	assert_int_equal(wire_check(message("zwy.v1.Application"), buf_slice(&bytes), WIRE_LIMITS_DEFAULT,
				    &f),
			 0);
	assert_int_equal(text_print(&out, message("zwy.v1.Application"), buf_slice(&bytes)), 0);
	const char *r = arena_dup_slice(a, buf_slice(&out));
	buf_release(&bytes);
	buf_release(&out);
	return r;
}

static void
a_request_may_be_written_in_several_ways(void **state)
{
	(void)state;
	struct arena a = {0};
	const char *want = "kind=regular\nsystem=finance-portal\nclassified=true\nfunding=fiscal\n"
			   "cloud-plan.operations-security=24 hours\n"
			   "document.construction-plan=plan.pdf sha256:9f86\n"
			   "[items]\nservice=cloud-server\nquantity=4\nspec.vcpu=8\n"
			   "[items]\nservice=block-storage\nquantity=2000\n";
	assert_string_equal(again(want, TEXT_INPUT, &a), want);
	assert_string_equal(
		again("\xEF\xBB\xBF# comment\r\n  # another\r\n\r\nkind = APPLICATION_KIND_REGULAR\r\n"
		      "system=finance-portal\r\nclassified=yes\nfunding=1\n"
		      "cloud_plan.operations_security= 24 hours \r\n"
		      "document.construction-plan=plan.pdf sha256:9f86\n"
		      "items.service=cloud-server\nitems.quantity=4\nitems.spec.vcpu=8\n"
		      "items.service=block-storage\nitems.quantity=2000",
		      TEXT_INPUT, &a),
		want);
	assert_string_equal(
		again("cloud-server=4\nblock-storage=2000\ncloud-server=1\n", TEXT_INPUT, &a),
		"[items]\nservice=cloud-server\nquantity=4\n[items]\nservice=block-storage\nquantity=2000\n"
		"[items]\nservice=cloud-server\nquantity=1\n");
	assert_string_equal(again("[cloud-plan]\ndemand=a\\nb\n", 0, &a), "cloud-plan.demand=a\\nb\n");
	assert_string_equal(again("zone=\npurpose=\nkind=\nsubmit-time=\n", 0, &a), "");
	assert_string_equal(again("cloud-plan=\n", 0, &a), "cloud-plan=\n");
	assert_string_equal(again("purpose=\\sC:\\\\x\\x1b\\s\n", 0, &a), "purpose=\\sC:\\\\x\\x1b\\s\n");
	assert_string_equal(again("submit-time=2026-03-02T09:30:00.5+08:00\n", 0, &a),
			    "submit-time=2026-03-02T01:30:00.500Z\n");
	arena_release(&a);
}

static void
every_mistake_is_told_with_line_and_key(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int code;
		unsigned line;
		const char *key;
		const char *says;
	} rows[] = {
		{"kind=regular\nzoen=extranet\n", ERR_UNKNOWN_FIELD, 2, "zoen", "did you mean zone?"},
		{"[items]\nquantty=4\n", ERR_UNKNOWN_FIELD, 2, "items.quantty", "did you mean quantity?"},
		{"[items]\nxyzzy=4\n", ERR_UNKNOWN_FIELD, 2, "items.xyzzy", "service, quantity, spec"},
		{"[items]\npurpose=x\n", ERR_UNKNOWN_FIELD, 2, "items.purpose", "before the first [section]"},
		{"zone=intranet\n", ERR_INVALID_FIELD, 1, "zone", "extranet, internet"},
		{"[items]\nquantity=-1\n", ERR_INVALID_FIELD, 2, "items.quantity", "whole number"},
		{"[items]\nquantity=18446744073709551616\n", ERR_INVALID_FIELD, 2, "items.quantity",
		 "whole number"},
		{"classified=maybe\n", ERR_INVALID_FIELD, 1, "classified", "true"},
		{"purpose=a\n\npurpose=b\n", ERR_INVALID_FIELD, 3, "purpose", "line 1"},
		{"zone=\nzone=extranet\n", ERR_INVALID_FIELD, 2, "zone", "line 1"},
		{"document.a=1\ndocument.a=2\n", ERR_INVALID_FIELD, 2, "document.a", "line 1"},
		{"hello\n", ERR_BAD_SYNTAX, 1, "", "neither key=value nor [section]"},
		{"=x\n", ERR_BAD_SYNTAX, 1, "", "no key"},
		{"purpose=a\\q\n", ERR_BAD_SYNTAX, 1, "purpose", "backslash"},
		{"purpose=\xff\n", ERR_BAD_SYNTAX, 1, "", "UTF-8"},
		{"document=x\n", ERR_BAD_SYNTAX, 1, "document", "document.KEY=value"},
		{"items=x\n", ERR_BAD_SYNTAX, 1, "items", "[items]"},
		{"cloud-plan=x\n", ERR_BAD_SYNTAX, 1, "cloud-plan", "cloud-plan.architecture=value"},
		{"zone.x=y\n", ERR_UNKNOWN_FIELD, 1, "zone.x", "single value"},
		{"[zone]\n", ERR_BAD_SYNTAX, 1, "zone", "not a section"},
		{"submit\n", ERR_BAD_SYNTAX, 1, "", "submit"},
		{"create-time=yesterday\n", ERR_INVALID_FIELD, 1, "create-time", "2026-03-02T09:30:00Z"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out = {0};
		struct fault f = {0};
		struct text_place place = {0};
		int r = text_parse(&out, message("zwy.v1.Application"), slice_of(rows[i].text), TEXT_INPUT,
				   &place, &f);
		assert_int_equal(r, rows[i].code);
		assert_int_equal(f.code, r);
		assert_int_equal(place.line, rows[i].line);
		assert_string_equal(place.key, rows[i].key);
		if (!strstr(f.text, rows[i].says))
			fail_msg("%s", f.text);
		char line[16];
		snprintf(line, sizeof(line), "line %u: ", rows[i].line);
		assert_memory_equal(f.text, line, strlen(line));
		assert_int_equal(out.n, 0);
		buf_release(&out);
	}
	struct fault f = {0};
	struct buf out = {0};
	assert_int_equal(text_parse(&out, message("zwy.v1.ComputeDeadlineRequest"),
				    SLICE("months=1\nbefore=2\n"), 0, NULL, &f),
			 ERR_INVALID_FIELD);
	assert_non_null(strstr(f.text, "months"));
	buf_release(&out);
}

static void
a_line_of_words_is_a_request_too(void **state)
{
	(void)state;
	struct buf bytes = {0}, out = {0};
	struct fault f = {0};
	const struct message_desc *m = message("zwy.v1.Application");
	assert_int_equal(
		text_parse_line(&bytes, m,
				SLICE("kind=regular 'purpose=a b' cloud-plan.demand=\"x \\\"y\\\" \\n\" "
				      "cloud-server=2 document.a=b=c\r\n"),
				TEXT_INPUT, &f),
		0);
	assert_int_equal(text_print(&out, m, buf_slice(&bytes)), 0);
	assert_true(slice_is(buf_slice(&out), "kind=regular\npurpose=a b\ncloud-plan.demand=x \"y\" \\\\n\n"
					      "document.a=b=c\n[items]\nservice=cloud-server\nquantity=2\n"));
	static const char *const bad[] = {"kind",        "purpose='a",          "purpose=\"a",
					  "purpose=a\\", "purpose=a purpose=b", "purpose=\xff"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fault_clear(&f);
		assert_true(text_parse_line(&bytes, m, slice_of(bad[i]), TEXT_INPUT, &f) < 0);
		assert_true(f.code < 0 && f.text[0]);
	}
	buf_release(&bytes);
	buf_release(&out);
}

static void
submit_completes_a_text(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum text_state state;
		const char *body;
	} rows[] = {
		{"", TEXT_INCOMPLETE, ""},
		{"a=b\n", TEXT_INCOMPLETE, ""},
		{"a=b\nsubmit", TEXT_INCOMPLETE, ""},
		{"a=b\nsub", TEXT_INCOMPLETE, ""},
		{"a=b\nsubmit\n", TEXT_COMPLETE, "a=b\n"},
		{"submit\n", TEXT_COMPLETE, ""},
		{"a=b\r\nsubmit\r\n", TEXT_COMPLETE, "a=b\r\n"},
		{"\xEF\xBB\xBF"
		 "a=b\nsubmit\n",
		 TEXT_COMPLETE, "a=b\n"},
		{"\xEF\xBB", TEXT_INCOMPLETE, ""},
		{"[items]\nservice=x\nsubmit\n\n  \n# end\n# more", TEXT_COMPLETE, "[items]\nservice=x\n"},
		{"a=b\nsubmit\nc=d\n", TEXT_GARBAGE, ""},
		{"a=b\nsubmit\nc", TEXT_GARBAGE, ""},
		{"a=b\nsubmit\nsubmit\n", TEXT_GARBAGE, ""},
		{"a=b\n submit\n", TEXT_GARBAGE, ""},
		{"# submit\n", TEXT_INCOMPLETE, ""},
		{"a=submit\n", TEXT_INCOMPLETE, ""},
		{"hello\n", TEXT_GARBAGE, ""},
		{"hello", TEXT_INCOMPLETE, ""},
		{"a=\xe4\xb8", TEXT_INCOMPLETE, ""},
		{"a=\xe4\xb8\n", TEXT_GARBAGE, ""},
		{"a=\xff", TEXT_GARBAGE, ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice body = {0};
		assert_int_equal(text_scan(slice_of(rows[i].text), false, &body), rows[i].state);
		assert_true(slice_is(body, rows[i].body));
	}
	struct slice body;
	assert_int_equal(text_scan(SLICE("a=\0b\n"), false, &body), TEXT_GARBAGE);
	/* Cut anywhere, a good request is incomplete and never garbage. */
	struct slice whole = SLICE("# 申请\nkind=regular\nsystem=财政\n[items]\nservice=x\nsubmit\n");
	for (size_t n = 0; n < whole.n; n++)
		assert_int_equal(text_scan((struct slice){whole.p, n}, false, &body), TEXT_INCOMPLETE);
	assert_int_equal(text_scan(whole, false, &body), TEXT_COMPLETE);
}

static void
the_last_brace_completes_json(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum text_state state;
		const char *body;
	} rows[] = {
		{"", TEXT_INCOMPLETE, ""},
		{" \n", TEXT_INCOMPLETE, ""},
		{"{}", TEXT_COMPLETE, "{}"},
		{" {}\n \r\n\t", TEXT_COMPLETE, " {}"},
		{"{\"a\": \"}\\\"}\", \"b\": [{}, {}]", TEXT_INCOMPLETE, ""},
		{"{\"a\": \"}\\\"}\"}", TEXT_COMPLETE, "{\"a\": \"}\\\"}\"}"},
		{"{} x", TEXT_GARBAGE, ""},
		{"{}{}", TEXT_GARBAGE, ""},
		{"[]", TEXT_GARBAGE, ""},
		{"kind=regular", TEXT_GARBAGE, ""},
		{"{]", TEXT_GARBAGE, ""},
		{"{\"a\n", TEXT_GARBAGE, ""},
		{"{\"\xe4\xb8", TEXT_INCOMPLETE, ""},
		{"{}\xe4\xb8", TEXT_GARBAGE, ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice body = {0};
		assert_int_equal(text_scan(slice_of(rows[i].text), true, &body), rows[i].state);
		assert_true(slice_is(body, rows[i].body));
	}
	struct slice body, whole = SLICE("{\"kind\": \"regular\", \"items\": [{\"service\": \"云\"}]}");
	for (size_t n = 0; n < whole.n; n++)
		assert_int_equal(text_scan((struct slice){whole.p, n}, true, &body), TEXT_INCOMPLETE);
}

static void
a_template_is_a_request_that_says_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < message_count; i++) {
		struct buf text = {0}, bytes = {0};
		struct fault f = {0};
		if (!message_table[i]->kind)
			continue;
		assert_int_equal(text_template(&text, message_table[i]), 0);
		if (text_parse(&bytes, message_table[i], buf_slice(&text), TEXT_INPUT, NULL, &f) < 0)
			fail_msg("%s: %s\n%.*s", message_table[i]->name, f.text, (int)text.n, text.p);
		buf_release(&text);
		buf_release(&bytes);
	}
	struct buf text = {0};
	text_template(&text, message("zwy.v1.Application"));
	buf_append_char(&text, '\0');
	assert_non_null(strstr(text.p, "One of extranet, internet."));
	assert_non_null(strstr(text.p, "\nsystem=\n"));
	assert_non_null(strstr(text.p, "\n[items]\n"));
	assert_non_null(strstr(text.p, "\n#spec.KEY=\n"));
	assert_null(strstr(text.p, "\nstate="));
	assert_null(strstr(text.p, "\nname="));
	buf_release(&text);
}

static void
bare_values_are_what_a_file_shows(void **state)
{
	(void)state;
	struct buf bytes = {0}, out = {0};
	const struct message_desc *m = message("zwy.v1.Application");
	assert_int_equal(text_parse(&bytes, m,
				    SLICE("kind=regular\npurpose=a\\nb\nsubmit-time=2026-03-02T01:30:00Z\n"
					  "resources=a\nresources=b\nopen=true\n"),
				    0, NULL, NULL),
			 0);
	static const struct {
		const char *field, *value;
	} rows[] = {{"kind", "regular"},
		    {"purpose", "a\nb"},
		    {"submit-time", "2026-03-02T01:30:00Z"},
		    {"open", "true"},
		    {"classified", "false"},
		    {"resources", "a\nb"},
		    {"zone", "unspecified"},
		    {"create-time", ""},
		    {"supplements", "0"},
		    {"state", ""}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&out);
		assert_int_equal(text_value(&out, field_by_name(m, slice_of(rows[i].field)),
					    buf_slice(&bytes)),
				 0);
		assert_true(slice_is(buf_slice(&out), rows[i].value));
	}
	assert_int_equal(text_value(&out, field_by_name(m, SLICE("items")), buf_slice(&bytes)),
			 ERR_INVALID_ARGUMENT);
	buf_release(&bytes);
	buf_release(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_of_any_message),
		cmocka_unit_test(a_request_may_be_written_in_several_ways),
		cmocka_unit_test(every_mistake_is_told_with_line_and_key),
		cmocka_unit_test(a_line_of_words_is_a_request_too),
		cmocka_unit_test(submit_completes_a_text),
		cmocka_unit_test(the_last_brace_completes_json),
		cmocka_unit_test(a_template_is_a_request_that_says_nothing),
		cmocka_unit_test(bare_values_are_what_a_file_shows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
