#include "store_test.h"

static const struct field_desc *
field(const char *name)
{
	const struct field_desc *f = field_by_name(kind_by_number(KIND_APPLICATION)->message, slice_of(name));
	assert_non_null(f);
	return f;
}

/* Names of what a scan finds, a blank between them. */
static const char *
found(struct fixture *x, const struct scan_spec *spec)
{
	struct snapshot *snapshot;
	struct scan scan;
	struct record r;
	struct buf b = {0};
	int rc;
	assert_int_equal(snapshot_open(&snapshot, x->store), 0);
	assert_int_equal(scan_open(&scan, snapshot_reader(snapshot), spec), 0);
	while ((rc = scan_next(&scan, &r)) == 1) {
		if (b.n)
			buf_append_char(&b, ' ');
		buf_append_slice(&b, wire_string(r.body, 1));
	}
	assert_int_equal(rc, 0);
	assert_int_equal(scan_next(&scan, &r), 0);
	scan_close(&scan);
	snapshot_close(snapshot);
	const char *text = arena_dup_slice(&x->arena, buf_slice(&b));
	buf_release(&b);
	return text;
}

static struct slice
key_of(struct fixture *x, const char *text)
{
	struct buf b = {0};
	struct name n = parse_name(text);
	assert_int_equal(name_key(&b, &n), 0);
	struct slice s = arena_copy(&x->arena, buf_slice(&b));
	buf_release(&b);
	return s;
}

static void
ids_are_listed_by_value_not_as_text(void **state)
{
	struct fixture *x = *state;
	const struct application a = {.state = "draft", .department = "d", .node = "n"};
	put_application(x, "applications/A-2026-1000000", &a);
	put_application(x, "applications/A-2026-999999", &a);
	put_application(x, "applications/A-2026-000010", &a);
	put_application(x, "applications/A-2025-999999", &a);
	struct scan_spec spec = {.collection = parse_collection("applications")};
	const char *ascending = "applications/A-2025-999999 applications/A-2026-000010 "
				"applications/A-2026-999999 applications/A-2026-1000000";
	assert_string_equal(found(x, &spec), ascending);
	spec.scope = SCOPE_NODE;
	spec.scope_value = SLICE("n");
	assert_string_equal(found(x, &spec), ascending);
	spec.descending = true;
	assert_string_equal(found(x, &spec), "applications/A-2026-1000000 applications/A-2026-999999 "
					     "applications/A-2026-000010 applications/A-2025-999999");
}

static void
put_four(struct fixture *x)
{
	put_application(x, "applications/A-2026-000001",
			&(struct application){"draft", "s1", "d1", "n1", .open = true});
	put_application(x, "applications/A-2026-000002",
			&(struct application){"submitted", "s1", "d1", "n2", .open = true});
	put_application(x, "applications/A-2026-000003",
			&(struct application){"draft", "s2", "d2", "n1", .open = true});
	put_application(x, "applications/A-2026-000004",
			&(struct application){"draft", "s2", "d11", "n1", .open = false});
}

static void
a_scope_shows_its_own_records_only(void **state)
{
	struct fixture *x = *state;
	put_four(x);
	struct scan_spec spec = {.collection = parse_collection("applications"), .scope = SCOPE_DEPARTMENT};
	spec.scope_value = SLICE("d1");
	assert_string_equal(found(x, &spec), "applications/A-2026-000001 applications/A-2026-000002");
	spec.scope_value = SLICE("d");
	assert_string_equal(found(x, &spec), "");
	spec.scope_value = SLICE("");
	assert_string_equal(found(x, &spec), "");
	spec.scope = SCOPE_NODE;
	spec.scope_value = SLICE("n2");
	assert_string_equal(found(x, &spec), "applications/A-2026-000002");
	spec.scope_value = SLICE("d1");
	assert_string_equal(found(x, &spec), "");
}

static void
an_indexed_value_narrows_every_scope(void **state)
{
	struct fixture *x = *state;
	put_four(x);
	struct scan_spec spec = {.collection = parse_collection("applications"),
				 .index = field("state"),
				 .index_value = SLICE("draft")};
	assert_string_equal(
		found(x, &spec),
		"applications/A-2026-000001 applications/A-2026-000003 applications/A-2026-000004");
	spec.scope = SCOPE_DEPARTMENT;
	spec.scope_value = SLICE("d1");
	assert_string_equal(found(x, &spec), "applications/A-2026-000001");
	spec.scope = SCOPE_NODE;
	spec.scope_value = SLICE("n1");
	spec.index = field("open");
	spec.index_value = SLICE("false");
	assert_string_equal(found(x, &spec), "applications/A-2026-000004");
	spec.index = field("kind");
	spec.index_value = SLICE("regular");
	spec.descending = true;
	assert_string_equal(
		found(x, &spec),
		"applications/A-2026-000004 applications/A-2026-000003 applications/A-2026-000001");
}

static void
an_update_moves_a_record_in_its_indexes(void **state)
{
	struct fixture *x = *state;
	put_four(x);
	put_application(x, "applications/A-2026-000001",
			&(struct application){"submitted", "s9", "d1", "n2", .open = false});
	struct scan_spec spec = {.collection = parse_collection("applications"),
				 .index = field("state"),
				 .index_value = SLICE("draft")};
	assert_string_equal(found(x, &spec), "applications/A-2026-000003 applications/A-2026-000004");
	spec.index_value = SLICE("submitted");
	assert_string_equal(found(x, &spec), "applications/A-2026-000001 applications/A-2026-000002");
	spec.index = field("system");
	spec.index_value = SLICE("s1");
	assert_string_equal(found(x, &spec), "applications/A-2026-000002");
	spec.index = NULL;
	spec.scope = SCOPE_NODE;
	spec.scope_value = SLICE("n1");
	assert_string_equal(found(x, &spec), "applications/A-2026-000003 applications/A-2026-000004");
	give_out_numbers(x, 4);
	fixture_close(x);
	assert_clean(x);
}

static void
each_element_of_a_repeated_field_finds_its_record(void **state)
{
	struct fixture *x = *state;
	const struct message_desc *m = kind_by_number(KIND_PRINCIPAL)->message;
	struct buf packed = {0}, b = {0};
	wire_put_varint(&packed, 1000);
	wire_put_varint(&packed, 0);
	wire_put_varint(&packed, 1000);
	wire_put_bytes(&b, field_by_name(m, SLICE("uids"))->number, buf_slice(&packed));
	put_record(x, "principals/a", "", "", buf_slice(&b));
	buf_clear(&b);
	wire_put_uint(&b, field_by_name(m, SLICE("uids"))->number, 1000);
	put_record(x, "principals/b", "", "", buf_slice(&b));
	struct scan_spec spec = {.collection = parse_collection("principals"),
				 .index = field_by_name(m, SLICE("uids")),
				 .index_value = SLICE("1000")};
	assert_string_equal(found(x, &spec), "principals/a principals/b");
	spec.index_value = SLICE("0");
	assert_string_equal(found(x, &spec), "principals/a");
	put_record(x, "principals/a", "", "", SLICE(""));
	assert_string_equal(found(x, &spec), "");
	fixture_close(x);
	assert_clean(x);
	buf_release(&packed);
	buf_release(&b);
}

static void
a_value_too_long_for_a_key_is_found_all_the_same(void **state)
{
	struct fixture *x = *state;
	char value[401], other[401];
	memset(value, 'x', 400);
	value[400] = '\0';
	memcpy(other, value, sizeof(value));
	other[399] = 'y';
	put_application(x, "applications/A-2026-000001",
			&(struct application){value, "s", "d", "n", .open = true});
	put_application(x, "applications/A-2026-000002",
			&(struct application){other, "s", "d", "n", .open = true});
	struct scan_spec spec = {.collection = parse_collection("applications"),
				 .index = field("state"),
				 .index_value = slice_of(value)};
	assert_string_equal(found(x, &spec), "applications/A-2026-000001");
	give_out_numbers(x, 2);
	fixture_close(x);
	assert_clean(x);
}

static void
a_collection_cut_at_a_variable_lists_all_below(void **state)
{
	struct fixture *x = *state;
	put_record(x, "quotas/d1/s1", "d1", "n", SLICE(""));
	put_record(x, "quotas/d1/s2", "d1", "n", SLICE(""));
	put_record(x, "quotas/d11/s1", "d11", "n", SLICE(""));
	put_record(x, "quotas/d1/s1/entries/1", "d1", "n", SLICE(""));
	struct scan_spec spec = {.collection = parse_collection("quotas")};
	assert_string_equal(found(x, &spec), "quotas/d1/s1 quotas/d1/s2 quotas/d11/s1");
	spec.collection = parse_collection("quotas/d1");
	assert_string_equal(found(x, &spec), "quotas/d1/s1 quotas/d1/s2");
	spec.scope = SCOPE_NODE;
	spec.scope_value = SLICE("n");
	assert_string_equal(found(x, &spec), "quotas/d1/s1 quotas/d1/s2");
	spec.collection = parse_collection("quotas/d1/s1/entries");
	assert_string_equal(found(x, &spec), "quotas/d1/s1/entries/1");
}

static void
after_goes_on_behind_a_record_that_may_be_gone_from_the_list(void **state)
{
	struct fixture *x = *state;
	put_four(x);
	struct scan_spec spec = {.collection = parse_collection("applications"),
				 .index = field("state"),
				 .index_value = SLICE("draft"),
				 .after = key_of(x, "applications/A-2026-000001")};
	assert_string_equal(found(x, &spec), "applications/A-2026-000003 applications/A-2026-000004");
	spec.after = key_of(x, "applications/A-2026-000002");
	assert_string_equal(found(x, &spec), "applications/A-2026-000003 applications/A-2026-000004");
	spec.after = key_of(x, "applications/A-2026-000004");
	assert_string_equal(found(x, &spec), "");
	spec.descending = true;
	assert_string_equal(found(x, &spec), "applications/A-2026-000003 applications/A-2026-000001");
	spec.after = key_of(x, "applications/A-2026-000001");
	assert_string_equal(found(x, &spec), "");
	/* Keys of other kinds lie before or behind everything. */
	spec.index = NULL;
	spec.descending = false;
	spec.after = key_of(x, "systems/zz");
	assert_true(strlen(found(x, &spec)) > 0);
	spec.after = key_of(x, "resources/R-2026-000001");
	assert_string_equal(found(x, &spec), "");
}

/* Reads a list page by page, each with a snapshot of its own. */
static size_t
count_in_pages(struct fixture *x, struct scan_spec spec, size_t page)
{
	struct buf last = {0};
	size_t total = 0, n;
	do {
		struct snapshot *snapshot;
		struct scan scan;
		struct record r;
		assert_int_equal(snapshot_open(&snapshot, x->store), 0);
		spec.after = buf_slice(&last);
		assert_int_equal(scan_open(&scan, snapshot_reader(snapshot), &spec), 0);
		for (n = 0; n < page && scan_next(&scan, &r) == 1; n++) {
			int order = slice_compare(buf_slice(&last), r.key);
			assert_true(total + n == 0 || (spec.descending ? order > 0 : order < 0));
			buf_clear(&last);
			buf_append_slice(&last, r.key);
		}
		scan_close(&scan);
		snapshot_close(snapshot);
		total += n;
	} while (n == page);
	buf_release(&last);
	return total;
}

static void
ten_thousand_records_are_listed_whole_in_pages(void **state)
{
	struct fixture *x = *state;
	char name[40], department[16];
	for (unsigned i = 0; i < 10000;) {
		struct put_command *c = command_new(x);
		for (unsigned end = i + 1000; i < end; i++) {
			/* 7919 is prime to 10,000: every id once, in a wild order. */
			snprintf(name, sizeof(name), "applications/A-2026-%06u", i * 7919 % 10000 + 1);
			snprintf(department, sizeof(department), "d%u", i % 10);
			command_put_application(x, c, name,
						&(struct application){.state = i % 4 ? "draft" : "closed",
								      .system = "s",
								      .department = arena_strdup(&x->arena,
												 department),
								      .node = "n",
								      .open = i % 4});
		}
		assert_int_equal(store_execute(x->store, &c->command), 0);
		arena_reset(&x->arena);
	}
	assert_int_equal(store_head(x->store), 10000);
	struct scan_spec spec = {.collection = parse_collection("applications")};
	assert_int_equal(count_in_pages(x, spec, 1000), 10000);
	assert_int_equal(count_in_pages(x, spec, 777), 10000);
	spec.descending = true;
	assert_int_equal(count_in_pages(x, spec, 777), 10000);
	spec.index = field("state");
	spec.index_value = SLICE("closed");
	assert_int_equal(count_in_pages(x, spec, 100), 2500);
	spec.scope = SCOPE_DEPARTMENT;
	spec.scope_value = SLICE("d4");
	assert_int_equal(count_in_pages(x, spec, 7), 500);
	give_out_numbers(x, 10000);
	fixture_close(x);
	assert_clean(x);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(ids_are_listed_by_value_not_as_text),
		TEST(a_scope_shows_its_own_records_only),
		TEST(an_indexed_value_narrows_every_scope),
		TEST(an_update_moves_a_record_in_its_indexes),
		TEST(each_element_of_a_repeated_field_finds_its_record),
		TEST(a_value_too_long_for_a_key_is_found_all_the_same),
		TEST(a_collection_cut_at_a_variable_lists_all_below),
		TEST(after_goes_on_behind_a_record_that_may_be_gone_from_the_list),
		TEST(ten_thousand_records_are_listed_whole_in_pages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
