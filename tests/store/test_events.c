#include "store_test.h"

#include <openssl/evp.h>

static void
events_are_numbered_without_gaps_and_carry_their_command(void **state)
{
	struct fixture *x = *state;
	struct snapshot *snapshot;
	struct event_row e;
	struct put_command *c = command_new(x);
	static const uint64_t commands[] = {0, 1, 4, 4, 4, 5};
	put_record(x, "systems/a", "d1", "n1", SLICE(""));
	command_put(x, c, "systems/b", "d1", "n1", SLICE(""));
	command_put(x, c, "systems/c", "d2", "n2", SLICE(""));
	command_put(x, c, "systems/d", "d1", "n1", SLICE(""));
	assert_int_equal(store_execute(x->store, &c->command), 0);
	assert_int_equal(c->command.revision, 4);
	put_record(x, "systems/a", "d1", "n1", SLICE(""));
	assert_int_equal(snapshot_open(&snapshot, x->store), 0);
	for (uint64_t i = 1; i <= 5; i++) {
		assert_int_equal(event_get(snapshot_reader(snapshot), i, &e), 0);
		assert_int_equal(e.revision, i);
		assert_int_equal(wire_uint(e.body, 1), i);
		assert_int_equal(wire_time(e.body, 2), NOW);
		assert_int_equal(wire_uint(e.body, 11), commands[i]);
	}
	assert_int_equal(event_get(snapshot_reader(snapshot), 3, &e), 0);
	assert_true(slice_is(e.department, "d2"));
	assert_true(slice_is(e.node, "n2"));
	assert_true(slice_is(wire_string(e.body, 3), "systems/c"));
	assert_int_equal(event_get(snapshot_reader(snapshot), 6, &e), ERR_NOT_FOUND);
	snapshot_close(snapshot);
	fixture_close(x);
	assert_clean(x);
}

/* Event.changed of a row, joined by blanks. */
static const char *
changed_by(struct reader *r, uint64_t revision)
{
	static char text[256];
	struct event_row e;
	struct wire_field w;
	text[0] = '\0';
	assert_int_equal(event_get(r, revision, &e), 0);
	while (wire_next(&e.body, &w) == 1)
		if (w.number == 14)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%.*s",
				 text[0] ? " " : "", (int)w.bytes.n, w.bytes.p);
	return text;
}

static void
records_without_an_event_are_told_of_by_another(void **state)
{
	struct fixture *x = *state;
	struct snapshot *snapshot;
	struct put_command *c = command_new(x);
	command_put(x, c, "systems/a", "d1", "n1", SLICE(""));
	command_put(x, c, "systems/b", "d2", "n1", SLICE(""));
	command_put(x, c, "systems/c", "d2", "n1", SLICE(""));
	/* c changes without a word, in the department of b. */
	c->change.events->next->next = NULL;
	assert_int_equal(store_execute(x->store, &c->command), 0);
	assert_int_equal(snapshot_open(&snapshot, x->store), 0);
	assert_string_equal(changed_by(snapshot_reader(snapshot), 1), "");
	assert_string_equal(changed_by(snapshot_reader(snapshot), 2), "systems/c");
	snapshot_close(snapshot);
	fixture_close(x);
	assert_clean(x);
}

static void
a_revision_is_known_by_its_digest(void **state)
{
	struct fixture *x = *state;
	struct snapshot *snapshot;
	struct event_row e;
	unsigned char digest[DIGEST_BYTES], zero[DIGEST_BYTES] = {0}, head[DIGEST_BYTES];
	uint64_t revision;
	put_record(x, "systems/a", "d", "n", SLICE(""));
	put_record(x, "systems/b", "d", "n", SLICE(""));
	assert_int_equal(snapshot_open(&snapshot, x->store), 0);
	struct reader *r = snapshot_reader(snapshot);
	store_head_digest(x->store, &revision, head);
	assert_int_equal(revision, 2);
	assert_int_equal(event_digest(r, 0, digest), 0);
	assert_memory_equal(digest, zero, sizeof(zero));
	assert_int_equal(event_digest(r, 1, digest), 0);
	assert_int_equal(event_get(r, 2, &e), 0);
	assert_memory_equal(digest, e.previous, sizeof(digest));
	assert_int_equal(event_digest(r, 2, digest), 0);
	assert_memory_equal(digest, head, sizeof(head));
	assert_int_equal(event_digest(r, 3, digest), ERR_NOT_FOUND);
	snapshot_close(snapshot);
	fixture_close(x);
	assert_clean(x);
}

static void
a_record_s_own_events_are_found_from_both_ends(void **state)
{
	struct fixture *x = *state;
	struct snapshot *snapshot;
	struct event_row e;
	struct name a = parse_name("systems/a"), aa = parse_name("systems/aa"),
		    none = parse_name("systems/0");
	put_record(x, "systems/a", "d", "n", SLICE(""));
	put_record(x, "systems/aa", "d", "n", SLICE(""));
	put_record(x, "systems/a", "d", "n", SLICE(""));
	put_record(x, "systems/b", "d", "n", SLICE(""));
	assert_int_equal(snapshot_open(&snapshot, x->store), 0);
	struct reader *r = snapshot_reader(snapshot);
	assert_int_equal(event_get_of(r, &a, 0, &e), 0);
	assert_int_equal(e.revision, 1);
	assert_int_equal(event_get_of(r, &a, 2, &e), 0);
	assert_int_equal(e.revision, 3);
	assert_int_equal(event_get_of(r, &a, 4, &e), ERR_NOT_FOUND);
	assert_int_equal(event_last_of(r, &a, 0, &e), 0);
	assert_int_equal(e.revision, 3);
	assert_int_equal(event_last_of(r, &a, 3, &e), 0);
	assert_int_equal(e.revision, 1);
	assert_int_equal(event_last_of(r, &a, 1, &e), ERR_NOT_FOUND);
	assert_int_equal(event_last_of(r, &aa, 0, &e), 0);
	assert_int_equal(e.revision, 2);
	assert_int_equal(event_get_of(r, &none, 0, &e), ERR_NOT_FOUND);
	assert_int_equal(event_last_of(r, &none, 0, &e), ERR_NOT_FOUND);
	snapshot_close(snapshot);
}

/* What README.md tells an auditor to do, with another implementation's eyes: rows
 * read raw, SM3 over each, compared with the next and with the head. */
static void
the_chain_is_sm3_over_whole_rows_from_zeros_on(void **state)
{
	struct fixture *x = *state;
	struct engine *engine;
	struct view *v;
	struct cursor *cursor;
	struct slice key, row;
	unsigned char digest[EVP_MAX_MD_SIZE] = {0}, head[DIGEST_BYTES];
	uint64_t revision, n = 0;
	for (int i = 0; i < 5; i++)
		put_record(x, "systems/a", "d", "n", SLICE(""));
	store_head_digest(x->store, &revision, head);
	fixture_close(x);
	assert_int_equal(engine_open(&engine, x->dir, &(struct engine_options){.map_size = TEST_MAP_SIZE},
				     NULL),
			 0);
	assert_int_equal(view_open(&v, engine), 0);
	assert_int_equal(cursor_open(&cursor, v, TABLE_EVENTS), 0);
	int rc = cursor_move(cursor, MOVE_FROM, SLICE(""), &key, &row);
	for (; rc == 0; rc = cursor_move(cursor, MOVE_NEXT, SLICE(""), &key, &row)) {
		assert_int_equal(get_u64be(key.p), ++n);
		assert_memory_equal(row.p, digest, DIGEST_BYTES);
		assert_int_equal(EVP_Digest(row.p, row.n, digest, NULL, EVP_sm3(), NULL), 1);
	}
	assert_int_equal(n, 5);
	assert_int_equal(revision, 5);
	assert_memory_equal(head, digest, DIGEST_BYTES);
	cursor_close(cursor);
	view_close(v);
	engine_close(engine);
}

/* ---- clocks ---- */

static void
due_clocks_come_in_order_of_time_until_stopped_or_overdue(void **state)
{
	struct fixture *x = *state;
	struct snapshot *snapshot;
	struct due d = {0}, last;
	struct buf name = {0};
	put_application(x, "applications/A-2026-000001",
			&(struct application){"approved", "s", "d", "n", .open = true, .due = NOW + 3000});
	put_application(x, "applications/A-2026-000002",
			&(struct application){"approved", "s", "d", "n", .open = true, .due = NOW + 1000});
	put_application(x, "applications/A-2026-000003",
			&(struct application){"approved", "s", "d", "n", .open = true, .due = NOW + 2000});
	put_application(x, "applications/A-2026-000004",
			&(struct application){"draft", "s", "d", "n", .open = true});
	assert_int_equal(snapshot_open(&snapshot, x->store), 0);
	static const msec order[] = {NOW + 1000, NOW + 2000, NOW + 3000};
	for (size_t i = 0; i < 3; i++) {
		last = d;
		assert_int_equal(due_next(snapshot_reader(snapshot), i ? &last : NULL, &d), 1);
		assert_int_equal(d.at, order[i]);
		assert_true(slice_is(d.term, "provision"));
	}
	assert_int_equal(name_of_key(&name, d.key), 0);
	assert_true(slice_is(buf_slice(&name), "applications/A-2026-000001"));
	last = d;
	assert_int_equal(due_next(snapshot_reader(snapshot), &last, &d), 0);
	put_application(x, "applications/A-2026-000002",
			&(struct application){"in_service", "s", "d", "n", true, NOW + 1000,
					      .stopped = true});
	put_application(x, "applications/A-2026-000003",
			&(struct application){"approved", "s", "d", "n", true, NOW + 2000, .stopped = false,
					      .overdue = true});
	snapshot_reset(snapshot);
	assert_int_equal(due_next(snapshot_reader(snapshot), NULL, &d), 1);
	assert_int_equal(d.at, NOW + 3000);
	snapshot_close(snapshot);
	buf_release(&name);
	give_out_numbers(x, 4);
	fixture_close(x);
	assert_clean(x);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(events_are_numbered_without_gaps_and_carry_their_command),
		TEST(a_record_s_own_events_are_found_from_both_ends),
		TEST(records_without_an_event_are_told_of_by_another),
		TEST(a_revision_is_known_by_its_digest),
		TEST(the_chain_is_sm3_over_whole_rows_from_zeros_on),
		TEST(due_clocks_come_in_order_of_time_until_stopped_or_overdue),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
