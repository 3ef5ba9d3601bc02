/* A record as files: which there are, and what they hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

#include "base/error.h"
#include "json.h"
#include "record.h"

static struct buf record;
static const struct message_desc *application;

static int
setup(void **state)
{
	static const char text[] =
		"{\"name\":\"applications/A-2026-000001\",\"state\":\"submitted\",\"system\":\"it's\\n\","
		"\"zone\":\"ZONE_EXTRANET\",\"cloudPlan\":{\"demand\":\"more\"},"
		"\"document\":{\"other\":\"a.pdf\",\"../evil\":\"x\",\"security-filing\":\"b.pdf\"},"
		"\"items\":[{\"service\":\"sms\",\"quantity\":\"2\"},{\"service\":\"nlp\",\"spec\":{\"vcpu\":"
		"\"8\"}}],"
		"\"resources\":[\"resources/R-2026-000001\",\"resources/R-2026-000002\"]}";
	struct fault f = {0};
	(void)state;
	application = message_by_name(SLICE("zwy.v1.Application"));
	if (json_parse(&record, application, SLICE(text), &f) < 0)
		fail_msg("%s", f.text);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	buf_release(&record);
	return 0;
}

static void
assert_value(const char *path, const char *expected)
{
	struct part part;
	struct buf out = {0};
	if (record_find(&part, application, buf_slice(&record), slice_of(path)) < 0)
		fail_msg("no %s", path);
	assert_false(part_is_directory(&part));
	assert_int_equal(record_value(&part, &out), 0);
	buf_append_char(&out, '\0');
	assert_string_equal(out.p, expected);
	buf_release(&out);
}

static void
assert_absent(const char *path)
{
	struct part part;
	assert_int_equal(record_find(&part, application, buf_slice(&record), slice_of(path)), ERR_NOT_FOUND);
}

static void
a_scalar_is_its_bare_value_and_a_newline(void **state)
{
	(void)state;
	assert_value("state", "submitted\n");
	assert_value("zone", "extranet\n");
	assert_value("cloud-plan/demand", "more\n");
	assert_value("items/1/quantity", "2\n");
	assert_value("items/2/spec/vcpu", "8\n");
	assert_value("document/other", "a.pdf\n");
	assert_value("resources", "resources/R-2026-000001\nresources/R-2026-000002\n");
}

static void
defaults_are_there_and_absent_messages_are_not(void **state)
{
	(void)state;
	assert_value("classified", "false\n");
	assert_value("supplements", "0\n");
	assert_value("purpose", "\n");
	assert_value("cloud-plan/architecture", "\n");
	assert_absent("opinion");
	assert_absent("submit-time");
	assert_absent("clocks");
}

static void
what_is_not_a_part_is_absent(void **state)
{
	(void)state;
	static const char *const paths[] = {"nothing",
					    "items/0",
					    "items/3",
					    "items/01",
					    "items/x",
					    "state/x",
					    "cloud_plan",
					    "cloudPlan",
					    "document/no",
					    "items/1/nothing",
					    "items/99999999999999999999",
					    "resources/1"};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_absent(paths[i]);
}

static void
listings_agree_with_what_is_found(void **state)
{
	(void)state;
	static const char *const directories[] = {"",           "items",   "items/2", "items/2/spec",
						  "cloud-plan", "document"};
	for (size_t d = 0; d < sizeof(directories) / sizeof(directories[0]); d++) {
		struct part part, below;
		struct content *c = content_new(CONTENT_DIRECTORY, 0755);
		assert_int_equal(record_find(&part, application, buf_slice(&record),
					     slice_of(directories[d])),
				 0);
		assert_true(part_is_directory(&part));
		record_names(&part, c);
		assert_true(c->count > 0);
		for (size_t i = 0; i < c->count; i++) {
			struct content_name name = content_at(c, i);
			char path[200];
			snprintf(path, sizeof(path), "%s%s%s", directories[d], *directories[d] ? "/" : "",
				 name.name);
			assert_int_equal(record_find(&below, application, buf_slice(&record), slice_of(path)),
					 0);
			assert_int_equal(part_is_directory(&below), name.type == CONTENT_DIRECTORY);
		}
		content_unref(c);
	}
}

static void
a_key_that_cannot_be_a_name_is_left_out(void **state)
{
	struct part part;
	struct content *c = content_new(CONTENT_DIRECTORY, 0755);
	(void)state;
	assert_int_equal(record_find(&part, application, buf_slice(&record), SLICE("document")), 0);
	record_names(&part, c);
	assert_int_equal(c->count, 2);
	content_unref(c);
}

static void
a_shell_can_source_it_whatever_the_values_are(void **state)
{
	struct buf out = {0};
	(void)state;
	record_env(application, buf_slice(&record), &out);
	buf_append_char(&out, '\0');
	assert_non_null(strstr(out.p, "\nsystem='it'\\''s '\n"));
	assert_non_null(strstr(out.p, "\nitems_2_spec_vcpu='8'\n"));
	assert_non_null(strstr(out.p, "\ndocument_security_filing='b.pdf'\n"));
	buf_release(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scalar_is_its_bare_value_and_a_newline),
		cmocka_unit_test(defaults_are_there_and_absent_messages_are_not),
		cmocka_unit_test(what_is_not_a_part_is_absent),
		cmocka_unit_test(listings_agree_with_what_is_found),
		cmocka_unit_test(a_key_that_cannot_be_a_name_is_left_out),
		cmocka_unit_test(a_shell_can_source_it_whatever_the_values_are),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
