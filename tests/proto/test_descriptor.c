/* The generated tables say what the .proto files say, and are found by every name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "descriptor.h"

static void
tables_are_in_order(void **state)
{
	(void)state;
	for (size_t i = 1; i < kind_count; i++)
		assert_true(kind_table[i - 1]->kind < kind_table[i]->kind);
	for (size_t i = 1; i < method_count; i++)
		assert_true(strcmp(method_table[i - 1].path, method_table[i].path) < 0);
	for (size_t i = 1; i < message_count; i++)
		assert_true(strcmp(message_table[i - 1]->name, message_table[i]->name) < 0);
	for (size_t i = 0; i < message_count; i++)
		for (size_t k = 1; k < message_table[i]->count; k++)
			assert_true(message_table[i]->fields[k - 1].number <
				    message_table[i]->fields[k].number);
}

static void
everything_is_found_by_its_names(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 300; n++) {
		const struct kind_desc *kind = kind_by_number(n);
		assert_true(!kind || (unsigned)kind->kind == n);
	}
	for (size_t i = 0; i < kind_count; i++) {
		assert_ptr_equal(kind_by_number(kind_table[i]->kind), kind_table[i]);
		const struct kind_desc *named = kind_by_collection(slice_of(kind_table[i]->collection));
		assert_string_equal(named->collection, kind_table[i]->collection);
		assert_true(named->segment_count <= kind_table[i]->segment_count);
		assert_ptr_equal(kind_table[i]->message->kind, kind_table[i]);
	}
	for (size_t i = 0; i < method_count; i++)
		assert_ptr_equal(method_by_path(slice_of(method_table[i].path)), &method_table[i]);
	for (size_t i = 0; i < message_count; i++) {
		const struct message_desc *m = message_table[i];
		assert_ptr_equal(message_by_name(slice_of(m->name)), m);
		for (size_t k = 0; k < m->count; k++) {
			const struct field_desc *field = &m->fields[k];
			assert_ptr_equal(field_by_number(m, field->number), field);
			assert_ptr_equal(field_by_name(m, slice_of(field->name)), field);
			assert_ptr_equal(field_by_name(m, slice_of(field->text_name)), field);
			assert_ptr_equal(field_by_name(m, slice_of(field->json_name)), field);
		}
	}
	assert_null(method_by_path(SLICE("/zwy.v1.ApplicationService/Nothing")));
	assert_null(message_by_name(SLICE("zwy.v1.Applicatio")));
	assert_null(kind_by_collection(SLICE("application")));
	assert_int_equal(kind_by_collection(SLICE("parameters"))->kind, KIND_PARAMETER);
	assert_int_equal(kind_by_collection(SLICE("nodes/suzhou/parameters"))->kind, KIND_NODE_PARAMETER);
	assert_null(kind_by_collection(SLICE("nodes/suzhou/people")));
}

static void
an_application_is_as_declared(void **state)
{
	(void)state;
	const struct message_desc *m = message_by_name(SLICE("zwy.v1.Application"));
	assert_non_null(m);
	assert_int_equal(m->kind->kind, KIND_APPLICATION);
	assert_true(m->kind->workflow);
	assert_int_equal(m->kind->segments[1].type, SEGMENT_ID);
	assert_int_equal(m->kind->segments[1].prefix, 'A');
	assert_int_equal(m->kind->department_field, 10);
	assert_int_equal(m->kind->node_field, 11);
	assert_null(field_by_number(m, 0));
	assert_null(field_by_number(m, 99));
	assert_null(field_by_number(m, UINT32_MAX));
	assert_null(field_by_name(m, SLICE("cloud-pla")));
	assert_null(field_by_name(m, SLICE("cloud-plans")));
	assert_null(field_by_name(m, SLICE("")));
	const struct field_desc *clocks = field_by_name(m, SLICE("clocks"));
	assert_int_equal(clocks->flags, FIELD_OUTPUT_ONLY | FIELD_CLOCKS);
	assert_string_equal(field_by_name(m, SLICE("zone"))->article, "9");
	const struct enum_desc *zone = field_by_name(m, SLICE("zone"))->enumeration;
	assert_int_equal(enum_by_name(zone, SLICE("extranet"))->number, 1);
	assert_int_equal(enum_by_name(zone, SLICE("ZONE_INTERNET"))->number, 2);
	assert_int_equal(enum_by_name(zone, SLICE("2"))->number, 2);
	assert_null(enum_by_name(zone, SLICE("3")));
	assert_null(enum_by_number(zone, -1));
	assert_int_equal(method_of(KIND_APPLICATION, VERB_ACT)->verb, VERB_ACT);
	assert_null(method_of(KIND_RULE, VERB_CREATE));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_in_order),
		cmocka_unit_test(everything_is_found_by_its_names),
		cmocka_unit_test(an_application_is_as_declared),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
