#include "store_test.h"

static const struct field_desc *
field(const char *name)
{
	const struct field_desc *f = field_by_name(kind_by_number(KIND_APPLICATION)->message, slice_of(name));
	assert_non_null(f);
	return f;
}

static void
append_name(struct buf *b, const struct record *r, bool of_key)
{
	if (b->n)
		buf_append_char(b, ' ');
	if (!of_key) {
		buf_append_slice(b, wire_string(r->body, 1));
		return;
	}
	assert_null(r->body.p);
	assert_int_equal(r->kind, r->key.p[0]);
	assert_int_equal(name_of_key(b, r->key), 0);
}

/* Names of what a scan finds, a blank between them. */
static const char *
found_by(struct fixture *x, const struct scan_spec *spec)
{
	struct snapshot *snapshot;
	struct scan scan;
	struct record r;
	struct buf b = {0};
	int rc;
	assert_int_equal(snapshot_open(&snapshot, x->store), 0);
	assert_int_equal(scan_open(&scan, snapshot_reader(snapshot), spec), 0);
	while ((rc = scan_next(&scan, &r)) == 1)
		append_name(&b, &r, spec->keys_only);
	assert_int_equal(rc, 0);
	assert_int_equal(scan_next(&scan, &r), 0);
	scan_close(&scan);
	snapshot_close(snapshot);
	const char *text = arena_dup_slice(&x->arena, buf_slice(&b));
	buf_release(&b);
	return text;
}

/* The same names in the same order, whether records or their keys are read. */
static const char *
found(struct fixture *x, const struct scan_spec *spec)
{
	struct scan_spec keys = *spec;
	keys.keys_only = true;
	const char *text = found_by(x, spec);
	assert_string_equal(found_by(x, &keys), text);
	return text;
}

/* The values that there are, a blank between them, in pages of so many, each with a snapshot
 * of its own. */
static const char *
values_in_pages(struct fixture *x, struct values_spec spec, size_t page)
{
	struct buf b = {0}, last = {0};
	int rc = 1;
	while (rc == 1) {
		struct snapshot *snapshot;
		struct values *values;
		struct found_value v;
		assert_int_equal(snapshot_open(&snapshot, x->store), 0);
		spec.after = buf_slice(&last);
		assert_int_equal(values_open(&values, snapshot_reader(snapshot), &spec), 0);
		for (size_t n = 0; n < page && (rc = values_next(values, &v)) == 1; n++) {
			buf_clear(&last);
			buf_append_slice(&last, v.position);
			if (v.present)
				buf_printf(&b, "%s%.*s", b.n ? " " : "", (int)v.text.n, v.text.p);
		}
		values_close(values);
		snapshot_close(snapshot);
	}
	assert_int_equal(rc, 0);
	const char *text = arena_dup_slice(&x->arena, buf_slice(&b));
	buf_release(&b);
	buf_release(&last);
	return text;
}

static const char *
values(struct fixture *x, const struct values_spec *spec)
{
	const char *text = values_in_pages(x, *spec, SIZE_MAX);
	for (size_t page = 1; page < 4; page++)
		assert_string_equal(values_in_pages(x, *spec, page), text);
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

static void
a_scan_skips_a_group_in_either_direction(void **state)
{
	struct fixture *x = *state;
	static const char *const names[] = {"quotas/d1/s1",  "quotas/d1/s2", "quotas/d11/s1",
					    "quotas/d12/s1", "quotas/d2/s1", "quotas/d2/s9"};
	for (size_t i = 0; i < 6; i++)
		put_record(x, names[i], i == 3 ? "d12" : "d", i == 3 ? "m" : "n", SLICE(""));
	for (int i = 0; i < 4; i++) {
		struct snapshot *snapshot;
		struct scan scan;
		struct record r;
		struct buf b = {0};
		struct name department = parse_collection("quotas/d1"), other = parse_collection("quotas/d2");
		struct scan_spec spec = {.collection = parse_collection("quotas"),
					 .scope = i & 1 ? SCOPE_NODE : SCOPE_ALL,
					 .scope_value = SLICE("n"),
					 .keys_only = true,
					 .descending = i & 2};
		assert_int_equal(snapshot_open(&snapshot, x->store), 0);
		assert_int_equal(scan_open(&scan, snapshot_reader(snapshot), &spec), 0);
		assert_int_equal(scan_next(&scan, &r), 1);
		append_name(&b, &r, true);
		struct buf group = {0};
		assert_int_equal(name_key(&group, spec.descending ? &other : &department), 0);
		assert_int_equal(scan_skip(&scan, buf_slice(&group)), 0);
		while (scan_next(&scan, &r) == 1)
			append_name(&b, &r, true);
		buf_append_char(&b, '\0');
		static const char *const expected[] = {
			"quotas/d1/s1 quotas/d11/s1 quotas/d12/s1 quotas/d2/s1 quotas/d2/s9",
			"quotas/d1/s1 quotas/d11/s1 quotas/d2/s1 quotas/d2/s9",
			"quotas/d2/s9 quotas/d12/s1 quotas/d11/s1 quotas/d1/s2 quotas/d1/s1",
			"quotas/d2/s9 quotas/d11/s1 quotas/d1/s2 quotas/d1/s1"};
		assert_string_equal(b.p, expected[i]);
		scan_close(&scan);
		snapshot_close(snapshot);
		buf_release(&group);
		buf_release(&b);
	}
}

static void
values_of_a_field_come_once_in_every_scope(void **state)
{
	struct fixture *x = *state;
	put_four(x);
	/* Other kinds have values in fields of the same number, below, between and above. */
	put_record(x, "delegations/a", "d1", "n1",
		   SLICE("\x2a\x05"
			 "aaaaa"));
	put_record(x, "guidance/g", "d1", "n1",
		   SLICE("\x2a\x05"
			 "eeeee"));
	put_record(x, "guidance/h", "d1", "n1",
		   SLICE("\x2a\x05"
			 "zzzzz"));
	struct values_spec spec = {.collection = parse_collection("applications"), .field = field("state")};
	assert_string_equal(values(x, &spec), "draft submitted");
	spec.scope = SCOPE_NODE;
	spec.scope_value = SLICE("n1");
	assert_string_equal(values(x, &spec), "draft");
	spec.scope_value = SLICE("n");
	assert_string_equal(values(x, &spec), "");
	spec.scope = SCOPE_DEPARTMENT;
	spec.scope_value = SLICE("d1");
	assert_string_equal(values(x, &spec), "draft submitted");
	spec.scope_value = SLICE("d11");
	assert_string_equal(values(x, &spec), "draft");
	spec.field = field("open");
	assert_string_equal(values(x, &spec), "false");
	spec.scope = SCOPE_ALL;
	assert_string_equal(values(x, &spec), "false true");
	spec.collection = parse_collection("guidance");
	spec.field = field_by_name(spec.collection.kind->message, SLICE("about"));
	assert_string_equal(values(x, &spec), "eeeee zzzzz");
}

static void
a_value_that_only_other_collections_have_is_told_as_such(void **state)
{
	struct fixture *x = *state;
	struct snapshot *snapshot;
	struct values *values;
	struct found_value v;
	put_record(x, "guidance/g", "d1", "n1",
		   SLICE("\x2a\x05"
			 "eeeee"));
	struct values_spec spec = {.collection = parse_collection("applications"), .field = field("state")};
	assert_int_equal(snapshot_open(&snapshot, x->store), 0);
	assert_int_equal(values_open(&values, snapshot_reader(snapshot), &spec), 0);
	assert_int_equal(values_next(values, &v), 1);
	assert_true(!v.present && v.position.n);
	assert_int_equal(values_next(values, &v), 0);
	assert_int_equal(values_next(values, &v), 0);
	values_close(values);
	snapshot_close(snapshot);
}

static void
values_too_long_for_a_key_are_told_in_full(void **state)
{
	struct fixture *x = *state;
	char one[301], other[301];
	memset(one, 'x', 300);
	memcpy(other, one, 300);
	one[300] = other[300] = '\0';
	other[299] = 'y';
	put_application(x, "applications/A-2026-000001",
			&(struct application){one, "s", "d", "n", .open = true});
	put_application(x, "applications/A-2026-000002",
			&(struct application){other, "s", "d", "n", .open = true});
	put_application(x, "applications/A-2026-000003",
			&(struct application){one, "s", "d", "n", .open = true});
	put_application(x, "applications/A-2026-000004",
			&(struct application){"draft", "s", "d", "n", .open = true});
	static const enum scope scopes[] = {SCOPE_ALL, SCOPE_NODE, SCOPE_DEPARTMENT};
	for (size_t i = 0; i < 3; i++) {
		struct values_spec spec = {.collection = parse_collection("applications"),
					   .scope = scopes[i],
					   .scope_value = i == 1 ? SLICE("n") : SLICE("d"),
					   .field = field("state")};
		const char *text = values(x, &spec);
		assert_int_equal(strlen(text), 300 + 1 + 300 + 1 + 5);
		assert_non_null(strstr(text, one));
		assert_non_null(strstr(text, other));
		assert_string_equal(text + 602, "draft");
	}
}

static void
each_element_of_a_repeated_field_is_a_value(void **state)
{
	struct fixture *x = *state;
	struct values_spec spec = {.collection = parse_collection("principals")};
	spec.field = field_by_name(spec.collection.kind->message, SLICE("uids"));
	struct buf packed = {0}, b = {0};
	wire_put_varint(&packed, 1000);
	wire_put_varint(&packed, 0);
	wire_put_varint(&packed, 1000);
	wire_put_bytes(&b, spec.field->number, buf_slice(&packed));
	put_record(x, "principals/a", "d", "", buf_slice(&b));
	put_record(x, "principals/b", "d", "", SLICE(""));
	assert_string_equal(values(x, &spec), "0 1000");
	spec.scope = SCOPE_DEPARTMENT;
	spec.scope_value = SLICE("d");
	assert_string_equal(values(x, &spec), "0 1000");
	buf_release(&packed);
	buf_release(&b);
}

static void
values_of_a_variable_are_the_beginnings_of_names(void **state)
{
	struct fixture *x = *state;
	static const char *const names[] = {"quotas/d1/s1", "quotas/d1/s2", "quotas/d11/s1", "quotas/d/s1"};
	for (size_t i = 0; i < 4; i++)
		put_record(x, names[i], i < 2 ? "d1" : "d2", i == 3 ? "n2" : "n1", SLICE(""));
	put_record(x, "quotas/d0/s1/entries/1", "d0", "n1", SLICE(""));
	put_record(x, "forecasts/d1/2026", "d1", "n1", SLICE(""));
	put_record(x, "forecasts/d1/2027", "d1", "n1", SLICE(""));
	struct values_spec spec = {.collection = parse_collection("quotas")};
	assert_string_equal(values(x, &spec), "d d1 d11");
	spec.scope = SCOPE_NODE;
	spec.scope_value = SLICE("n1");
	assert_string_equal(values(x, &spec), "d1 d11");
	spec.scope = SCOPE_DEPARTMENT;
	spec.scope_value = SLICE("d2");
	assert_string_equal(values(x, &spec), "d d11");
	spec.collection = parse_collection("quotas/d11");
	assert_string_equal(values(x, &spec), "d11");
	spec.var = 1;
	assert_string_equal(values(x, &spec), "s1");
	spec.collection = parse_collection("forecasts");
	spec.scope = SCOPE_ALL;
	spec.var = 0;
	assert_string_equal(values(x, &spec), "d1");
	spec.collection = parse_collection("forecasts/d1");
	spec.var = 1;
	assert_string_equal(values(x, &spec), "2026 2027");
}

static void
a_department_may_have_more_values_than_are_held_at_a_time(void **state)
{
	struct fixture *x = *state;
	enum { COUNT = 700 };
	struct buf all = {0};
	struct put_command *c = command_new(x);
	for (unsigned i = 0; i < COUNT; i++) {
		/* 331 is prime to 700: every value once, in a wild order. */
		const char *name = arena_printf(&x->arena, "applications/A-2026-%06u", i + 1);
		const char *system = arena_printf(&x->arena, "s%03u", i * 331 % COUNT);
		command_put_application(x, c, name,
					&(struct application){.state = "draft",
							      .system = system,
							      .department = "d",
							      .node = "n"});
		buf_printf(&all, "%ss%03u", i ? " " : "", i);
	}
	assert_int_equal(store_execute(x->store, &c->command), 0);
	buf_append_char(&all, '\0');
	struct values_spec spec = {.collection = parse_collection("applications"),
				   .scope = SCOPE_DEPARTMENT,
				   .scope_value = SLICE("d"),
				   .field = field("system")};
	assert_string_equal(values_in_pages(x, spec, SIZE_MAX), all.p);
	assert_string_equal(values_in_pages(x, spec, 100), all.p);
	buf_release(&all);
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
		TEST(a_scan_skips_a_group_in_either_direction),
		TEST(values_of_a_field_come_once_in_every_scope),
		TEST(a_value_that_only_other_collections_have_is_told_as_such),
		TEST(values_too_long_for_a_key_are_told_in_full),
		TEST(each_element_of_a_repeated_field_is_a_value),
		TEST(values_of_a_variable_are_the_beginnings_of_names),
		TEST(a_department_may_have_more_values_than_are_held_at_a_time),
		TEST(ten_thousand_records_are_listed_whole_in_pages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
