#include "store_test.h"

static struct slice
system_body(struct fixture *x, const char *name_zh, const char *department)
{
	struct buf b = {0};
	wire_put_string(&b, 5, slice_of(name_zh));
	wire_put_string(&b, 6, slice_of(department));
	struct slice s = arena_copy(&x->arena, buf_slice(&b));
	buf_release(&b);
	return s;
}

static void
a_record_comes_back_with_the_fields_the_store_writes(void **state)
{
	struct fixture *x = *state;
	struct snapshot *snapshot;
	struct record r;
	struct name name = parse_name("systems/finance-portal");
	uint64_t revision = put_record(x, "systems/finance-portal", "provincial-finance", "jiangsu",
				       system_body(x, "财政门户", "provincial-finance"));
	assert_int_equal(revision, 1);
	assert_int_equal(store_head(x->store), 1);
	assert_int_equal(snapshot_open(&snapshot, x->store), 0);
	assert_int_equal(record_get(snapshot_reader(snapshot), &name, &r), 0);
	assert_int_equal(r.kind, name.kind->kind);
	assert_int_equal(r.revision, 1);
	assert_true(slice_is(r.department, "provincial-finance"));
	assert_true(slice_is(r.node, "jiangsu"));
	assert_true(slice_is(wire_string(r.body, 1), "systems/finance-portal"));
	assert_int_equal(wire_uint(r.body, 2), 1);
	assert_int_equal(wire_time(r.body, 3), NOW);
	assert_int_equal(wire_time(r.body, 4), NOW);
	assert_true(slice_is(wire_string(r.body, 5), "财政门户"));
	name = parse_name("systems/none");
	assert_int_equal(record_get(snapshot_reader(snapshot), &name, &r), ERR_NOT_FOUND);
	snapshot_close(snapshot);
}

static void
a_second_put_keeps_create_time_and_drops_fields_1_to_4_of_the_caller(void **state)
{
	struct fixture *x = *state;
	struct snapshot *snapshot;
	struct record r;
	struct name name = parse_name("systems/a");
	put_record(x, "systems/a", "d", "n", system_body(x, "one", "d"));
	struct put_command *c = command_new(x);
	struct buf b = {0};
	wire_put_string(&b, 1, SLICE("systems/forged"));
	wire_put_uint(&b, 2, 99);
	wire_put_time(&b, 3, 5000);
	wire_put_string(&b, 5, SLICE("two"));
	c->change.now = NOW + 1000;
	command_put(x, c, "systems/a", "d", "n", buf_slice(&b));
	buf_release(&b);
	assert_int_equal(store_execute(x->store, &c->command), 0);
	assert_int_equal(snapshot_open(&snapshot, x->store), 0);
	assert_int_equal(record_get(snapshot_reader(snapshot), &name, &r), 0);
	assert_true(slice_is(wire_string(r.body, 1), "systems/a"));
	assert_int_equal(wire_uint(r.body, 2), 2);
	assert_int_equal(r.revision, 2);
	assert_int_equal(wire_time(r.body, 3), NOW);
	assert_int_equal(wire_time(r.body, 4), NOW + 1000);
	assert_true(slice_is(wire_string(r.body, 5), "two"));
	snapshot_close(snapshot);
}

static void
records_outlive_the_store_that_wrote_them(void **state)
{
	struct fixture *x = *state;
	struct snapshot *snapshot;
	struct record r;
	struct name name = parse_name("systems/a");
	put_record(x, "systems/a", "d", "n", system_body(x, "one", "d"));
	uint64_t revision;
	unsigned char before[DIGEST_BYTES], after[DIGEST_BYTES];
	store_head_digest(x->store, &revision, before);
	fixture_close(x);
	fixture_open(x);
	store_head_digest(x->store, &revision, after);
	assert_int_equal(revision, 1);
	assert_memory_equal(before, after, DIGEST_BYTES);
	assert_int_equal(snapshot_open(&snapshot, x->store), 0);
	assert_int_equal(record_get(snapshot_reader(snapshot), &name, &r), 0);
	snapshot_close(snapshot);
}

static void
a_snapshot_stays_what_it_is_until_it_is_reset(void **state)
{
	struct fixture *x = *state;
	struct snapshot *snapshot;
	struct record r;
	struct name name = parse_name("systems/a");
	assert_int_equal(snapshot_open(&snapshot, x->store), 0);
	assert_int_equal(record_get(snapshot_reader(snapshot), &name, &r), ERR_NOT_FOUND);
	put_record(x, "systems/a", "d", "n", system_body(x, "one", "d"));
	assert_int_equal(record_get(snapshot_reader(snapshot), &name, &r), ERR_NOT_FOUND);
	assert_int_equal(reader_head(snapshot_reader(snapshot)), 0);
	snapshot_reset(snapshot);
	assert_int_equal(record_get(snapshot_reader(snapshot), &name, &r), 0);
	assert_int_equal(reader_head(snapshot_reader(snapshot)), 1);
	snapshot_close(snapshot);
}

/* Reads one record and puts many with its slices, which point into pages that the
 * first of those puts moves. */
static int
copy_decide(struct command *c, struct txn *t)
{
	struct name name = parse_name("systems/a");
	struct record r;
	char names[64][32];
	struct put puts[64] = {0};
	struct event events[64] = {0};
	int rc = record_get(txn_reader(t), &name, &r);
	if (rc != 0)
		return rc;
	(void)c;
	for (size_t i = 0; i < 64; i++) {
		snprintf(names[i], sizeof(names[i]), "systems/a%02zu", i);
		puts[i] = (struct put){.name = parse_name(names[i]),
				       .department = r.department,
				       .node = r.node,
				       .body = r.body,
				       .next = i < 63 ? &puts[i + 1] : NULL};
		events[i] = (struct event){.name = slice_of(names[i]),
					   .department = r.department,
					   .node = r.node,
					   .comment = wire_string(r.body, 5),
					   .next = i < 63 ? &events[i + 1] : NULL};
	}
	return txn_apply(t, &(struct change){.now = NOW, .puts = puts, .events = events}, NULL);
}

static void
a_change_may_be_made_of_what_the_transaction_read(void **state)
{
	struct fixture *x = *state;
	struct snapshot *snapshot;
	struct record r;
	put_record(x, "systems/a", "department", "node", system_body(x, "original", "department"));
	struct command c = {.decide = copy_decide};
	assert_int_equal(store_execute(x->store, &c), 0);
	assert_int_equal(c.revision, 65);
	assert_int_equal(snapshot_open(&snapshot, x->store), 0);
	for (int i = 0; i < 64; i++) {
		char text[32];
		struct event_row e;
		snprintf(text, sizeof(text), "systems/a%02d", i);
		struct name name = parse_name(text);
		assert_int_equal(record_get(snapshot_reader(snapshot), &name, &r), 0);
		assert_true(slice_is(wire_string(r.body, 1), text));
		assert_true(slice_is(wire_string(r.body, 5), "original"));
		assert_true(slice_is(r.department, "department"));
		assert_int_equal(r.revision, 65);
		assert_int_equal(event_get(snapshot_reader(snapshot), (uint64_t)i + 2, &e), 0);
		assert_true(slice_is(wire_string(e.body, 3), text));
		assert_true(slice_is(wire_string(e.body, 12), "original"));
		assert_int_equal(wire_uint(e.body, 11), 65);
	}
	snapshot_close(snapshot);
}

static void
a_name_twice_in_one_change_ends_as_the_second_says(void **state)
{
	struct fixture *x = *state;
	struct snapshot *snapshot;
	struct record r;
	struct name name = parse_name("systems/a");
	struct put_command *c = command_new(x);
	command_put(x, c, "systems/a", "d1", "n", system_body(x, "one", "d1"));
	command_put(x, c, "systems/a", "d2", "n", system_body(x, "two", "d2"));
	assert_int_equal(store_execute(x->store, &c->command), 0);
	assert_int_equal(snapshot_open(&snapshot, x->store), 0);
	assert_int_equal(record_get(snapshot_reader(snapshot), &name, &r), 0);
	assert_true(slice_is(wire_string(r.body, 5), "two"));
	struct scan scan;
	struct scan_spec spec = {.collection = parse_collection("systems"),
				 .scope = SCOPE_DEPARTMENT,
				 .scope_value = SLICE("d1")};
	assert_int_equal(scan_open(&scan, snapshot_reader(snapshot), &spec), 0);
	assert_int_equal(scan_next(&scan, &r), 0);
	scan_close(&scan);
	snapshot_close(snapshot);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_record_comes_back_with_the_fields_the_store_writes),
		TEST(a_second_put_keeps_create_time_and_drops_fields_1_to_4_of_the_caller),
		TEST(records_outlive_the_store_that_wrote_them),
		TEST(a_snapshot_stays_what_it_is_until_it_is_reset),
		TEST(a_change_may_be_made_of_what_the_transaction_read),
		TEST(a_name_twice_in_one_change_ends_as_the_second_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
