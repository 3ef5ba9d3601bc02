/* Descriptors are found by file, by symbol of every sort, and by the number of an extension. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "descriptor.h"
#include "grpc/index.h"
#include "wire.h"

static struct slice
contract(void)
{
	return slice_make(descriptor_set, descriptor_set_size);
}

static struct index *
index_of(const struct slice *sets, size_t n)
{
	struct index *x;
	assert_int_equal(index_new(&x, sets, n, NULL), 0);
	return x;
}

/* The name of a file, which is its first field. */
static struct slice
file_name(const struct index *x, size_t file)
{
	assert_true(file < index_files(x));
	return wire_string(index_file(x, file), 1);
}

static void
everything_in_the_contract_is_found(void **state)
{
	(void)state;
	struct slice set = contract();
	struct index *x = index_of(&set, 1);
	for (size_t i = 0; i < index_files(x); i++)
		assert_int_equal(index_file_by_name(x, file_name(x, i)), i);
	for (size_t i = 0; i < message_count; i++) {
		const struct message_desc *m = message_table[i];
		size_t file = index_file_by_symbol(x, slice_of(m->name));
		assert_true(file != INDEX_NONE && index_has_message(x, slice_of(m->name)));
		for (size_t k = 0; k < m->count; k++) {
			struct buf field = {0};
			buf_printf(&field, "%s.%s", m->name, m->fields[k].name);
			assert_int_equal(index_file_by_symbol(x, buf_slice(&field)), file);
			assert_false(index_has_message(x, buf_slice(&field)));
			buf_release(&field);
		}
	}
	for (size_t i = 0; i < method_count; i++) {
		struct buf symbol = {0};
		buf_append_str(&symbol, method_table[i].path + 1);
		*strchr(symbol.p, '/') = '.';
		assert_true(index_file_by_symbol(x, buf_slice(&symbol)) != INDEX_NONE);
		buf_release(&symbol);
	}
	index_free(x);
}

static void
what_is_not_there_is_not_found(void **state)
{
	(void)state;
	struct slice set = contract();
	struct index *x = index_of(&set, 1);
	static const char *const names[] = {"",
					    ".",
					    "zwy",
					    "zwy.v1",
					    "zwy.v1.",
					    ".zwy.v1.Application",
					    "zwy.v1.Application.",
					    "zwy.v1.Applicatio",
					    "zwy.v1.Applications"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_true(index_file_by_symbol(x, slice_of(names[i])) == INDEX_NONE);
		assert_true(index_file_by_name(x, slice_of(names[i])) == INDEX_NONE);
		assert_true(index_file_by_extension(x, slice_of(names[i]), 1) == INDEX_NONE);
	}
	index_free(x);
}

static void
values_of_an_enum_have_the_scope_of_its_parent(void **state)
{
	(void)state;
	struct slice set = contract();
	struct index *x = index_of(&set, 1);
	struct slice type = SLICE("google.protobuf.FieldDescriptorProto.Type");
	assert_true(index_file_by_symbol(x, type) != INDEX_NONE);
	assert_int_equal(index_file_by_symbol(x, SLICE("google.protobuf.FieldDescriptorProto.TYPE_INT32")),
			 index_file_by_symbol(x, type));
	assert_true(index_file_by_symbol(x, SLICE("google.protobuf.FieldDescriptorProto.Type.TYPE_INT32")) ==
		    INDEX_NONE);
	index_free(x);
}

static void
extensions_come_by_message_in_ascending_order(void **state)
{
	(void)state;
	struct slice set = contract(), type = SLICE("google.protobuf.FieldOptions");
	struct index *x = index_of(&set, 1);
	int32_t number, last = INT32_MIN;
	size_t n = 0;
	for (; index_extension(x, type, n, &number); n++) {
		assert_true(number > last);
		last = number;
		assert_true(slice_is(file_name(x, index_file_by_extension(x, type, number)),
				     "zwy/v1/options.proto"));
	}
	assert_true(n > 0);
	assert_true(index_file_by_extension(x, type, last + 1) == INDEX_NONE);
	assert_true(index_file_by_extension(x, SLICE(".google.protobuf.FieldOptions"), last) == INDEX_NONE);
	assert_false(index_extension(x, SLICE("zwy.v1.Application"), 0, &number));
	index_free(x);
}

static void
a_file_that_stands_twice_counts_once(void **state)
{
	(void)state;
	struct slice sets[] = {contract(), contract()};
	struct index *once = index_of(sets, 1), *twice = index_of(sets, 2);
	assert_int_equal(index_files(once), index_files(twice));
	assert_int_equal(index_file_by_symbol(once, SLICE("zwy.v1.Application")),
			 index_file_by_symbol(twice, SLICE("zwy.v1.Application")));
	index_free(once);
	index_free(twice);
	struct index *none = index_of(NULL, 0);
	assert_int_equal(index_files(none), 0);
	assert_true(index_file_by_symbol(none, SLICE("a")) == INDEX_NONE);
	index_free(none);
}

static void
what_is_no_set_of_descriptors_is_refused(void **state)
{
	(void)state;
	struct index *x;
	struct slice bad[] = {SLICE("\x0a"), SLICE("\x0a\x05zwy"), SLICE("\x0a\x00"),
			      SLICE("\x0a\x02\x12\x00"), SLICE("\x0a\x05\x0a\x01\x61\x22\x7f")};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(index_new(&x, &bad[i], 1, NULL), ERR_INVALID_ARGUMENT);
}

static void
messages_nested_without_end_are_refused(void **state)
{
	(void)state;
	struct index *x;
	struct buf inner = {0}, file = {0}, set = {0};
	for (unsigned depth = 0; depth < 200; depth++) {
		struct buf outer = {0};
		wire_put_string(&outer, 1, SLICE("M"));
		wire_put_bytes(&outer, 3, buf_slice(&inner));
		buf_release(&inner);
		inner = outer;
	}
	wire_put_string(&file, 1, SLICE("deep.proto"));
	wire_put_bytes(&file, 4, buf_slice(&inner));
	wire_put_bytes(&set, 1, buf_slice(&file));
	struct slice bytes = buf_slice(&set);
	assert_int_equal(index_new(&x, &bytes, 1, NULL), ERR_INVALID_ARGUMENT);
	buf_release(&inner);
	buf_release(&file);
	buf_release(&set);
}

/* Whatever the bytes, it is an index or a refusal. */
static void
damaged_sets_do_no_harm(void **state)
{
	(void)state;
	struct slice set = contract();
	char *bytes = malloc(set.n);
	uint64_t random = 1;
	for (unsigned round = 0; round < 300; round++) {
		memcpy(bytes, set.p, set.n);
		for (unsigned k = 0; k < 1 + round % 8; k++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			bytes[(random >> 33) % set.n] = (char)(random >> 25);
		}
		struct slice damaged = slice_make(bytes, round % 3 ? set.n : (random >> 33) % set.n);
		struct index *x = NULL;
		if (index_new(&x, &damaged, 1, NULL) == 0)
			index_file_by_symbol(x, SLICE("zwy.v1.Application"));
		index_free(x);
	}
	free(bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_in_the_contract_is_found),
		cmocka_unit_test(what_is_not_there_is_not_found),
		cmocka_unit_test(values_of_an_enum_have_the_scope_of_its_parent),
		cmocka_unit_test(extensions_come_by_message_in_ascending_order),
		cmocka_unit_test(a_file_that_stands_twice_counts_once),
		cmocka_unit_test(what_is_no_set_of_descriptors_is_refused),
		cmocka_unit_test(messages_nested_without_end_are_refused),
		cmocka_unit_test(damaged_sets_do_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
