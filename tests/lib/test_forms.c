/* Messages as text and JSON through the public functions: both ways, lossless, and
 * told by line and field where they cannot be read. */
#include "drive.h"

static const char request[] = "kind=regular\nsystem=finance-portal\nzone=extranet\n"
			      "cloud-plan.architecture=三层\n"
			      "document.construction-plan=plan.pdf sha256:00\n"
			      "[items]\nservice=cloud-server\nquantity=4\nspec.vcpu=8\n"
			      "[items]\nservice=block-storage\nquantity=2000\n";

static struct zwy_bytes
parse(const char *text, enum zwy_form form)
{
	struct zwy_bytes bytes;
	struct zwy_error error;
	if (zwy_message_parse("zwy.v1.Application", bytes_of(text), form, &bytes, &error) != 0)
		fail_msg("%s", error.text);
	return bytes;
}

static void
every_form_gives_the_same_message_back(void **state)
{
	(void)state;
	struct zwy_bytes first = parse(request, ZWY_TEXT);
	static const enum zwy_form forms[] = {ZWY_TEXT, ZWY_JSON, ZWY_JSON_LINE};
	for (size_t i = 0; i < 3; i++) {
		char *printed;
		assert_int_equal(zwy_message_print("zwy.v1.Application", first, forms[i], &printed, NULL), 0);
		struct zwy_bytes again = parse(printed, forms[i]);
		assert_int_equal(again.size, first.size);
		assert_memory_equal(again.data, first.data, first.size);
		if (forms[i] == ZWY_JSON_LINE)
			assert_null(memchr(printed, '\n', strlen(printed) - 1));
		free(printed);
		free((void *)again.data);
	}
	free((void *)first.data);
}

static void
what_cannot_be_read_is_told_by_line_and_field(void **state)
{
	(void)state;
	struct zwy_bytes bytes;
	struct zwy_error error;
	static const struct {
		const char *text;
		enum zwy_form form;
		const char *reason, *told;
	} bad[] = {
		{"kind=regular\nporpose=x\n", ZWY_TEXT, "UNKNOWN_FIELD", "purpose"},
		{"kind=regular\nzone=moon\n", ZWY_TEXT, "INVALID_FIELD", "2"},
		{"no equals sign\n", ZWY_TEXT, "BAD_SYNTAX", "1"},
		{"{\"kind\": ", ZWY_JSON, "BAD_SYNTAX", "1"},
		{"{\"porpose\": \"x\"}", ZWY_JSON, "UNKNOWN_FIELD", "porpose"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(zwy_message_parse("zwy.v1.Application", bytes_of(bad[i].text), bad[i].form,
						   &bytes, &error),
				 -1);
		assert_string_equal(error.reason, bad[i].reason);
		assert_non_null(strstr(error.text, bad[i].told));
		assert_int_equal(error.status, GRPC_INVALID_ARGUMENT);
		assert_false(error.sent);
	}
}

static void
unknown_messages_and_broken_bytes_are_errors(void **state)
{
	(void)state;
	struct zwy_bytes bytes;
	struct zwy_error error;
	char *printed;
	assert_int_equal(zwy_message_parse("zwy.v1.Nonsense", bytes_of(""), ZWY_TEXT, &bytes, &error), -1);
	assert_non_null(strstr(error.text, "zwy.v1.Nonsense"));
	struct zwy_bytes broken = {"\x0a\x7f", 2};
	assert_int_equal(zwy_message_print("zwy.v1.Application", broken, ZWY_TEXT, &printed, &error), -1);
	assert_true(error.text[0] != '\0');
	assert_int_equal(zwy_message_print("zwy.v1.Application", broken, ZWY_JSON, &printed, NULL), -1);
}

static void
an_empty_message_has_an_empty_text(void **state)
{
	(void)state;
	char *printed;
	struct zwy_bytes none = {NULL, 0};
	assert_int_equal(zwy_message_print("zwy.v1.WhoAmIRequest", none, ZWY_TEXT, &printed, NULL), 0);
	assert_string_equal(printed, "");
	free(printed);
	struct zwy_bytes bytes;
	assert_int_equal(zwy_message_parse("zwy.v1.WhoAmIRequest", none, ZWY_TEXT, &bytes, NULL), 0);
	assert_int_equal(bytes.size, 0);
	free((void *)bytes.data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_gives_the_same_message_back),
		cmocka_unit_test(what_cannot_be_read_is_told_by_line_and_field),
		cmocka_unit_test(unknown_messages_and_broken_bytes_are_errors),
		cmocka_unit_test(an_empty_message_has_an_empty_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
