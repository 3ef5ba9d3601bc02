/* Reading and writing the wire format, and what the validating walk refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pb_decode.h>
#include <pb_encode.h>

#include "wire.h"
#include "zwy/v1/application.pb.h"

static const struct message_desc *
message(const char *name)
{
	const struct message_desc *m = message_by_name(slice_of(name));
	assert_non_null(m);
	return m;
}

static int
check(const char *name, const void *bytes, size_t n, struct fault *f)
{
	fault_clear(f);
	return wire_check(message(name), slice_make(bytes, n), WIRE_LIMITS_DEFAULT, f);
}

#define CHECK(name, literal, f) check("zwy.v1." name, literal, sizeof(literal) - 1, f)

static void
fields_come_back_as_written(void **state)
{
	(void)state;
	static const uint64_t values[] = {1, 127, 128, 300, UINT32_MAX, UINT64_MAX};
	struct buf b = {0};
	for (uint32_t i = 0; i < 6; i++)
		wire_put_uint(&b, i + 1, values[i]);
	wire_put_uint(&b, 7, 0);
	wire_put_string(&b, 8, SLICE(""));
	wire_put_bytes(&b, 9, SLICE(""));
	wire_put_string(&b, UINT32_MAX >> 3, SLICE("text"));
	struct slice rest = buf_slice(&b);
	struct wire_field field;
	for (uint32_t i = 0; i < 6; i++) {
		assert_int_equal(wire_next(&rest, &field), 1);
		assert_int_equal(field.number, i + 1);
		assert_true(field.value == values[i]);
		assert_true(wire_uint(buf_slice(&b), i + 1) == values[i]);
	}
	assert_int_equal(wire_next(&rest, &field), 1);
	assert_int_equal(field.number, 9);
	assert_int_equal(wire_next(&rest, &field), 1);
	assert_true(slice_is(field.bytes, "text"));
	assert_int_equal(wire_next(&rest, &field), 0);
	assert_true(slice_is(wire_string(buf_slice(&b), UINT32_MAX >> 3), "text"));
	assert_false(wire_find(buf_slice(&b), 7, &field));
	buf_release(&b);
}

static void
instants_survive_on_both_sides_of_1970(void **state)
{
	(void)state;
	static const msec times[] = {1, 999, 1000, 1785945600123, -1, -999, -1000, -1001, -62135596800000};
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct buf b = {0};
		struct fault f = {0};
		wire_put_time(&b, 3, times[i]);
		assert_true(wire_time(buf_slice(&b), 3) == times[i]);
		assert_int_equal(check("zwy.v1.Application", b.p, b.n, &f), 0);
		buf_release(&b);
	}
	assert_true(zigzag_decode(zigzag_encode(INT64_MIN)) == INT64_MIN);
	assert_true(zigzag_decode(zigzag_encode(-1)) == -1);
	assert_true(zigzag_encode(-1) == 1);
}

static void
the_walk_passes_what_nanopb_writes(void **state)
{
	(void)state;
	zwy_v1_Item_SpecEntry spec = {"vcpu", "8"};
	zwy_v1_Item items[2] = {{.service = "cloud-server", .quantity = 4, .spec_count = 1, .spec = &spec},
				{.service = "对象存储"}};
	zwy_v1_Application a = {.kind = zwy_v1_APPLICATION_KIND_REGULAR, .system = "x", .items_count = 2};
	a.items = items;
	unsigned char bytes[256];
	pb_ostream_t out = pb_ostream_from_buffer(bytes, sizeof(bytes));
	assert_true(pb_encode(&out, zwy_v1_Application_fields, &a));
	struct fault f = {0};
	assert_int_equal(check("zwy.v1.Application", bytes, out.bytes_written, &f), 0);
	for (size_t cut = 1; cut < out.bytes_written; cut++) {
		int r = check("zwy.v1.Application", bytes, cut, &f);
		assert_true(r == 0 || r == ERR_INTERNAL);
	}
}

static void
the_walk_names_what_it_refuses(void **state)
{
	(void)state;
	struct fault f = {0};
	/* field 99; zone 99; bad UTF-8; a NUL; a string where a number belongs */
	assert_int_equal(CHECK("Application", "\x98\x06\x01", &f), ERR_UNKNOWN_FIELD);
	assert_non_null(strstr(f.text, "99"));
	assert_int_equal(CHECK("Application", "\x40\x63", &f), ERR_INVALID_FIELD);
	assert_string_equal(f.items[0].field, "zone");
	assert_int_equal(CHECK("Application", "\x0a\x02\xc3\x28", &f), ERR_INVALID_FIELD);
	assert_int_equal(CHECK("Application",
			       "\x0a\x0b"
			       "abcdefghi\x00z",
			       &f),
			 ERR_INVALID_FIELD);
	assert_int_equal(CHECK("Application",
			       "\x0a\x0b"
			       "a\x00"
			       "cdefghijk",
			       &f),
			 ERR_INVALID_FIELD);
	assert_int_equal(CHECK("Application", "\x12\x01x", &f), ERR_INVALID_FIELD);
	/* the second item's quantity as a string */
	assert_int_equal(CHECK("Application", "\x8a\x01\x00\x8a\x01\x03\x12\x01x", &f), ERR_INVALID_FIELD);
	assert_string_equal(f.items[0].field, "items[1].quantity");
	/* two members of a oneof; one member twice is the last */
	assert_int_equal(CHECK("ComputeDeadlineRequest", "\x10\x01\x18\x01", &f), ERR_INVALID_FIELD);
	assert_int_equal(CHECK("ComputeDeadlineRequest", "\x10\x01\x10\x02", &f), 0);
	/* the cloud plan twice; a key of the map twice; roles packed and not */
	assert_int_equal(CHECK("Application", "\x7a\x00\x7a\x00", &f), ERR_INVALID_FIELD);
	assert_int_equal(CHECK("Application",
			       "\x82\x01\x03\x0a\x01"
			       "a\x82\x01\x03\x0a\x01"
			       "b",
			       &f),
			 0);
	assert_int_equal(CHECK("Application",
			       "\x82\x01\x03\x0a\x01"
			       "a\x82\x01\x03\x0a\x01"
			       "a",
			       &f),
			 ERR_INVALID_FIELD);
	assert_int_equal(CHECK("Principal", "\x32\x02\x01\x02\x30\x03", &f), 0);
	assert_int_equal(CHECK("Principal", "\x32\x02\x01\x63", &f), ERR_INVALID_FIELD);
	/* uint32 above its range; an instant after the year 9999; negative nanoseconds */
	assert_int_equal(CHECK("Application", "\xb0\x01\x80\x80\x80\x80\x10", &f), ERR_INVALID_FIELD);
	assert_int_equal(CHECK("Application", "\x1a\x0b\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &f),
			 ERR_INVALID_FIELD);
	assert_int_equal(CHECK("Application", "\x1a\x06\x08\x80\xdc\xe2\xd7\x7a", &f), 0);
	assert_int_equal(CHECK("Application", "\x1a\x07\x08\x80\xdc\xe2\xd7\xfa\x0e", &f), ERR_INVALID_FIELD);
	assert_string_equal(f.items[0].field, "create_time");
	/* a mask that JSON cannot say */
	assert_int_equal(CHECK("UpdateApplicationRequest",
			       "\x12\x06\x0a\x04"
			       "zone",
			       &f),
			 0);
	assert_int_equal(CHECK("UpdateApplicationRequest",
			       "\x12\x06\x0a\x04"
			       "Zone",
			       &f),
			 ERR_INVALID_FIELD);
}

static void
bytes_that_are_no_message_are_internal(void **state)
{
	(void)state;
	struct fault f = {0};
	assert_int_equal(CHECK("Application", "\x00", &f), ERR_INTERNAL);
	assert_int_equal(CHECK("Application", "\x0b\x0c", &f), ERR_INTERNAL);
	assert_int_equal(CHECK("Application",
			       "\x0a\x05"
			       "abcd",
			       &f),
			 ERR_INTERNAL);
	assert_int_equal(CHECK("Application", "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", &f),
			 ERR_INTERNAL);
	assert_int_equal(CHECK("Application", "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &f), 0);
	assert_int_equal(CHECK("Application", "\x8a\x01\x02\x12\x80", &f), ERR_INTERNAL);
	assert_int_equal(CHECK("Principal", "\x52\x01\x80", &f), ERR_INTERNAL);
}

static void
depth_and_elements_are_bounded(void **state)
{
	(void)state;
	struct buf b = {0};
	struct fault f = {0};
	struct wire_limits limits = {2, 100, 10};
	for (int i = 0; i < 101; i++)
		buf_append(&b, "\x8a\x01\x00", 3);
	const struct message_desc *m = message("zwy.v1.Application");
	assert_int_equal(wire_check(m, slice_make(b.p, 300), limits, &f), 0);
	assert_int_equal(wire_check(m, slice_make(b.p, 303), limits, &f), ERR_INVALID_ARGUMENT);
	buf_clear(&b);
	for (char i = 0; i < 101; i++)
		buf_append(&b, (char[]){0x50, i}, 2);
	assert_int_equal(wire_check(message("zwy.v1.Principal"), buf_slice(&b), limits, &f),
			 ERR_INVALID_ARGUMENT);
	/* items[].spec lies at depth 3 */
	assert_int_equal(wire_check(m, SLICE("\x8a\x01\x02\x1a\x00"), limits, &f), ERR_INVALID_ARGUMENT);
	buf_clear(&b);
	for (char i = 0; i < 12; i++)
		buf_append(&b, (char[]){(char)0x82, 1, 3, 10, 1, (char)('a' + i)}, 6);
	assert_int_equal(wire_check(m, slice_make(b.p, 60), limits, &f), 0);
	assert_int_equal(wire_check(m, slice_make(b.p, 72), limits, &f), ERR_INVALID_ARGUMENT);
	buf_release(&b);
}

static void
what_only_the_server_writes_is_left_out(void **state)
{
	(void)state;
	const struct message_desc *m = message("zwy.v1.CreateApplicationRequest");
	struct buf a = {0}, request = {0}, want = {0}, got = {0};
	wire_put_string(&a, 7, SLICE("x"));
	wire_put_bytes(&a, 17, SLICE("\x0a\x01s"));
	wire_put_bytes(&want, 2, buf_slice(&a));
	buf_clear(&a);
	wire_put_string(&a, 5, SLICE("approved"));
	wire_put_string(&a, 7, SLICE("x"));
	wire_put_bytes(&a, 17, SLICE("\x0a\x01s\x30\x02"));
	wire_put_bytes(&a, 18, SLICE(""));
	wire_put_bytes(&request, 2, buf_slice(&a));
	assert_int_equal(wire_strip_output_only(&got, m, buf_slice(&request)), 0);
	assert_true(slice_equal(buf_slice(&got), buf_slice(&want)));
	buf_release(&a);
	buf_release(&request);
	buf_release(&want);
	buf_release(&got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_come_back_as_written),
		cmocka_unit_test(instants_survive_on_both_sides_of_1970),
		cmocka_unit_test(the_walk_passes_what_nanopb_writes),
		cmocka_unit_test(the_walk_names_what_it_refuses),
		cmocka_unit_test(bytes_that_are_no_message_are_internal),
		cmocka_unit_test(depth_and_elements_are_bounded),
		cmocka_unit_test(what_only_the_server_writes_is_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
