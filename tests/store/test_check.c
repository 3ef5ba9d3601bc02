/* A sound store has no problems, and each kind of damage is one. */
#include "store_test.h"

#include "store/index.h"
#include "zwy/v1/quota.pb.h"
#include "zwy/v1/resource.pb.h"

/* ---- a store with something of everything ---- */

static int
access_decide(struct command *c, struct txn *t)
{
	struct event e = {.name = SLICE("systems/a"),
			  .kind = SLICE("read"),
			  .actor = SLICE("principals/reg")};
	(void)c;
	return txn_access(t, &e, NOW);
}

static void
put_quota(struct fixture *x, const char *name, uint64_t reserved, uint64_t committed)
{
	struct buf d = {0}, b = {0};
	wire_put_string(&d, zwy_v1_QuotaDimension_name_tag, SLICE("quantity"));
	wire_put_uint(&d, zwy_v1_QuotaDimension_limit_tag, 100);
	wire_put_uint(&d, zwy_v1_QuotaDimension_reserved_tag, reserved);
	wire_put_uint(&d, zwy_v1_QuotaDimension_committed_tag, committed);
	wire_put_string(&b, zwy_v1_Quota_department_tag, SLICE("d"));
	wire_put_bytes(&b, zwy_v1_Quota_dimensions_tag, buf_slice(&d));
	put_record(x, name, "d", "n", buf_slice(&b));
	buf_release(&d);
	buf_release(&b);
}

static void
put_entry(struct fixture *x, const char *name, const char *cause, int64_t reserved, int64_t committed)
{
	struct buf a = {0}, b = {0};
	wire_put_string(&a, zwy_v1_LedgerAmount_dimension_tag, SLICE("quantity"));
	wire_put_uint(&a, zwy_v1_LedgerAmount_reserved_tag, zigzag_encode(reserved));
	wire_put_uint(&a, zwy_v1_LedgerAmount_committed_tag, zigzag_encode(committed));
	wire_put_string(&b, zwy_v1_LedgerEntry_cause_tag, slice_of(cause));
	wire_put_bytes(&b, zwy_v1_LedgerEntry_amounts_tag, buf_slice(&a));
	put_record(x, name, "d", "n", buf_slice(&b));
	buf_release(&a);
	buf_release(&b);
}

/* A resource of four, as far as the check reads it: R-2026-000001. */
static void
put_resource_of(struct fixture *x, const char *service, const char *state, const char *holder)
{
	struct put_command *c = command_new(x);
	struct buf b = {0}, spec = {0};
	wire_put_string(&spec, zwy_v1_Resource_SpecEntry_key_tag, SLICE("vcpu"));
	wire_put_string(&spec, zwy_v1_Resource_SpecEntry_value_tag, SLICE("8"));
	wire_put_string(&b, zwy_v1_Resource_state_tag, slice_of(state));
	wire_put_string(&b, zwy_v1_Resource_department_tag, SLICE("d"));
	wire_put_string(&b, zwy_v1_Resource_node_tag, SLICE("n"));
	wire_put_string(&b, zwy_v1_Resource_service_tag, slice_of(service));
	wire_put_uint(&b, zwy_v1_Resource_quantity_tag, 4);
	wire_put_bytes(&b, zwy_v1_Resource_spec_tag, buf_slice(&spec));
	wire_put_string(&b, zwy_v1_Resource_open_case_tag, slice_of(holder));
	c->numbers = 1;
	c->numbered = KIND_RESOURCE;
	command_put(x, c, "resources/R-2026-000001", "d", "n", buf_slice(&b));
	assert_int_equal(store_execute(x->store, &c->command), 0);
	buf_release(&b);
	buf_release(&spec);
}

static void
put_resource(struct fixture *x, const char *state, const char *holder)
{
	put_resource_of(x, "object-storage", state, holder);
}

/* The quota and the ledger say that so many are in service. */
static void
put_committed(struct fixture *x, uint64_t n)
{
	put_quota(x, "quotas/d/object-storage", 0, n);
	put_entry(x, "quotas/d/object-storage/entries/1", "applications/A-2026-000001", 0, (int64_t)n);
}

/* A-2026-000002 gives R-2026-000001 back. */
static void
put_return(struct fixture *x, bool open, const char *resource)
{
	struct buf b = {0};
	wire_put_string(&b, zwy_v1_Application_state_tag, SLICE("reviewing"));
	wire_put_uint(&b, zwy_v1_Application_kind_tag, zwy_v1_APPLICATION_KIND_RECLAIM);
	wire_put_string(&b, zwy_v1_Application_department_tag, SLICE("d"));
	wire_put_string(&b, zwy_v1_Application_node_tag, SLICE("n"));
	wire_put_time(&b, zwy_v1_Application_submit_time_tag, NOW);
	wire_put_uint(&b, zwy_v1_Application_open_tag, open);
	wire_put_string(&b, zwy_v1_Application_resource_tag, slice_of(resource));
	put_record(x, "applications/A-2026-000002", "d", "n", buf_slice(&b));
	buf_release(&b);
}

static int
sound_setup(void **state)
{
	struct command access = {.decide = access_decide};
	assert_int_equal(fixture_setup(state), 0);
	struct fixture *x = *state;
	give_out_numbers(x, 2);
	put_record(x, "systems/a", "d", "n", SLICE(""));
	put_application(x, "applications/A-2026-000001",
			&(struct application){"approved", "a", "d", "n", .open = true, .due = NOW + 1000});
	put_application(x, "applications/A-2026-000002",
			&(struct application){"withdrawn", "a", "d", "n", .open = false});
	put_quota(x, "quotas/d/cloud-server", 3, 0);
	put_entry(x, "quotas/d/cloud-server/entries/1", "applications/A-2026-000001", 3, 0);
	put_entry(x, "quotas/d/cloud-server/entries/2", "applications/A-2026-000002", 2, 0);
	put_entry(x, "quotas/d/cloud-server/entries/3", "applications/A-2026-000002", -2, 0);
	put_quota(x, "quotas/d/object-storage", 0, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(store_execute(x->store, &access), 0);
	return 0;
}

static void
close_and_expect(struct fixture *x, const char *text)
{
	struct checked c;
	fixture_close(x);
	check_store(x, &c);
	assert_int_equal(c.code, 0);
	assert_true(c.report.problems > 0);
	if (!strstr(c.first, text))
		fail_msg("'%s' says nothing about '%s'", c.first, text);
}

/* ---- damage ---- */

/* The n-th row of a table, from 0; negative: from the end. Copied into the arena. */
static void
row_at(struct fixture *x, enum table table, int n, struct slice *ret_key, struct slice *ret_row)
{
	struct engine *e;
	struct view *v;
	struct cursor *c;
	struct slice key, row;
	assert_int_equal(engine_open(&e, x->dir, &(struct engine_options){.map_size = TEST_MAP_SIZE}, NULL),
			 0);
	assert_int_equal(view_open(&v, e), 0);
	assert_int_equal(cursor_open(&c, v, table), 0);
	assert_int_equal(cursor_move(c, n < 0 ? MOVE_BEFORE : MOVE_FROM, SLICE(""), &key, &row), 0);
	for (int i = n < 0 ? -1 - n : n; i > 0; i--)
		assert_int_equal(cursor_move(c, n < 0 ? MOVE_PREVIOUS : MOVE_NEXT, SLICE(""), &key, &row), 0);
	*ret_key = arena_copy(&x->arena, key);
	*ret_row = arena_copy(&x->arena, row);
	cursor_close(c);
	view_close(v);
	engine_close(e);
}

static void
remove_row(struct fixture *x, enum table table, int n)
{
	struct slice key, row;
	fixture_close(x);
	row_at(x, table, n, &key, &row);
	plant(x, table, key, NULL);
}

/* Changes a byte of a row; negative offsets count from its end. */
static void
flip_byte(struct fixture *x, enum table table, int n, int offset)
{
	struct slice key, row;
	fixture_close(x);
	row_at(x, table, n, &key, &row);
	char *p = (char *)(uintptr_t)row.p;
	p[offset < 0 ? (int)row.n + offset : offset] ^= 1;
	plant(x, table, key, &row);
}

static struct slice
record_key(struct fixture *x, const char *text)
{
	struct buf b = {0};
	struct name n = parse_name(text);
	assert_int_equal(name_key(&b, &n), 0);
	struct slice s = arena_copy(&x->arena, buf_slice(&b));
	buf_release(&b);
	return s;
}

static void
a_sound_store_has_no_problems(void **state)
{
	struct fixture *x = *state;
	struct checked c;
	fixture_close(x);
	check_store(x, &c);
	assert_int_equal(c.code, 0);
	if (c.report.problems)
		fail_msg("%s", c.first);
	assert_int_equal(c.report.records, 9);
	assert_int_equal(c.report.events, 9);
	assert_int_equal(c.report.orphans, 0);
	assert_true(c.report.index_entries > 20);
}

#define DAMAGE(name, text, ...)             \
	static void name(void **state)      \
	{                                   \
		struct fixture *x = *state; \
		__VA_ARGS__;                \
		close_and_expect(x, text);  \
	}

DAMAGE(an_index_entry_that_is_missing, "an entry of the index is missing", remove_row(x, TABLE_INDEX, 3))
DAMAGE(a_due_entry_that_is_missing, "an entry of the due index is missing", remove_row(x, TABLE_DUE, 0))
DAMAGE(a_history_entry_that_is_missing, "missing in its record's history", remove_row(x, TABLE_HISTORY, 2))
DAMAGE(an_event_changed_in_the_middle, "event 6: it does not follow", flip_byte(x, TABLE_EVENTS, 4, -3))
DAMAGE(an_event_s_owner_changed, "event 6: it does not follow", flip_byte(x, TABLE_EVENTS, 4, 32 + 17))
DAMAGE(the_first_event_changed, "event 2: it does not follow", flip_byte(x, TABLE_EVENTS, 0, -3))
DAMAGE(the_last_event_changed, "event 9: its digest is not the head's", flip_byte(x, TABLE_EVENTS, -1, -3))
DAMAGE(an_event_removed, "event 6: the rows before it are missing, from 5", remove_row(x, TABLE_EVENTS, 4))
DAMAGE(the_first_event_removed, "event 2: the rows before it are missing, from 1",
       remove_row(x, TABLE_EVENTS, 0))
DAMAGE(the_log_s_tail_cut_off, "the event log ends at 8, its head says 9", remove_row(x, TABLE_EVENTS, -1))
DAMAGE(an_access_changed, "access 2: it does not follow", flip_byte(x, TABLE_ACCESS, 0, -3))
DAMAGE(the_access_log_s_tail_cut_off, "the access log ends at 2, its head says 3",
       remove_row(x, TABLE_ACCESS, -1))
DAMAGE(an_envelope_of_another_version, "envelope cannot be read", flip_byte(x, TABLE_RECORDS, 0, 0))
DAMAGE(a_record_of_another_revision, "the record says revision 2, its envelope 3",
       flip_byte(x, TABLE_RECORDS, 0, 10))
DAMAGE(a_record_with_another_name, "the record says another name",
       flip_byte(x, TABLE_RECORDS, 0, 17 + 2 + 2 + 8))
DAMAGE(a_record_removed, "does not follow from the record", remove_row(x, TABLE_RECORDS, 0))
DAMAGE(an_envelope_with_another_owner, "its envelope says", flip_byte(x, TABLE_RECORDS, 2, 17))
DAMAGE(a_quota_that_is_not_its_entries_sum, "its entries add up to",
       put_entry(x, "quotas/d/cloud-server/entries/4", "quotas/d/cloud-server", 0, 1))
DAMAGE(entries_below_nothing, "add up to less than nothing",
       put_quota(x, "quotas/d/object-storage", 0, UINT64_MAX);
       put_entry(x, "quotas/d/object-storage/entries/1", "quotas/d/object-storage", 0, -1))
DAMAGE(an_entry_without_a_quota, "there is no such quota",
       put_entry(x, "quotas/d/log-audit/entries/1", "applications/A-2026-000001", 0, 0))
DAMAGE(a_dimension_that_only_entries_know, "0 reserved and 0 committed, its entries add up to 0 and 5",
       put_record(x, "quotas/d/object-storage", "d", "n", SLICE(""));
       put_entry(x, "quotas/d/object-storage/entries/1", "quotas/d/object-storage", 0, 5))
DAMAGE(a_reservation_of_a_finished_application, "which is finished or missing, has 1 of quantity reserved",
       put_quota(x, "quotas/d/cloud-server", 4, 0);
       put_entry(x, "quotas/d/cloud-server/entries/4", "applications/A-2026-000002", 1, 0))
DAMAGE(a_reservation_of_an_application_that_is_not_there, "which is finished or missing",
       put_quota(x, "quotas/d/cloud-server", 4, 0);
       put_entry(x, "quotas/d/cloud-server/entries/4", "applications/A-2026-000099", 1, 0))
DAMAGE(a_reservation_given_back_twice, "which is open, has -3 of quantity reserved",
       put_quota(x, "quotas/d/cloud-server", 3, 0);
       put_entry(x, "quotas/d/cloud-server/entries/4", "applications/A-2026-000001", -6, 0);
       put_entry(x, "quotas/d/cloud-server/entries/5", "", 6, 0))
DAMAGE(a_reservation_of_a_resource, "a resource, has 1 of quantity reserved",
       put_quota(x, "quotas/d/cloud-server", 4, 0);
       put_entry(x, "quotas/d/cloud-server/entries/4", "resources/R-2026-000001", 1, 0))
DAMAGE(an_id_that_was_never_given_out, "only 2 numbers were given out",
       put_application(x, "applications/A-2026-000003",
		       &(struct application){"draft", "a", "d", "n", .open = true}))

#define RETURN "applications/A-2026-000002"
DAMAGE(a_quota_that_is_not_its_resources_sum, "quantity says 3 committed, its resources in service have 4",
       put_committed(x, 3);
       put_resource(x, "active", ""))
DAMAGE(a_quota_of_resources_that_were_reclaimed, "quantity says 4 committed, its resources in service have 0",
       put_committed(x, 4);
       put_resource(x, "reclaimed", ""))
DAMAGE(a_resource_without_a_quota, "it counts in quotas/d/log-audit, which does not exist",
       put_resource_of(x, "log-audit", "active", ""))
DAMAGE(a_resource_held_by_a_finished_case, "holds it, which is finished or missing", put_committed(x, 4);
       put_resource(x, "active", RETURN); put_return(x, false, "R-2026-000001"))
DAMAGE(a_resource_held_by_a_case_that_is_not_there, "holds it, which is finished or missing",
       put_committed(x, 4);
       put_resource(x, "active", "applications/A-2026-000099"))
DAMAGE(a_resource_held_by_a_case_about_another, "holds it, which is not about it", put_committed(x, 4);
       put_resource(x, "active", RETURN); put_return(x, true, "R-2026-000002"))
DAMAGE(a_reclaimed_resource_that_is_held, "it was reclaimed, and", put_resource(x, "reclaimed", RETURN);
       put_return(x, true, "R-2026-000001"))
DAMAGE(an_open_case_that_holds_nothing, "it is about resources/R-2026-000001 and open, and does not hold it",
       put_committed(x, 4);
       put_resource(x, "active", ""); put_return(x, true, "R-2026-000001"))
DAMAGE(an_open_case_about_a_resource_that_is_not_there, "about resources/R-2026-000001, which does not exist",
       put_return(x, true, "R-2026-000001"))

static void
a_return_in_every_state_is_sound(void **state)
{
	struct fixture *x = *state;
	struct checked c;
	put_committed(x, 4);
	put_resource(x, "reclaiming", RETURN);
	put_return(x, true, "R-2026-000001");
	fixture_close(x);
	check_store(x, &c);
	assert_string_equal(c.first, "");
	fixture_open(x);
	put_quota(x, "quotas/d/object-storage", 0, 0);
	put_entry(x, "quotas/d/object-storage/entries/2", RETURN, 0, -4);
	put_resource(x, "reclaimed", "");
	fixture_close(x);
	check_store(x, &c);
	assert_string_equal(c.first, "");
}

/* Adds a row with an empty value. */
static void
add_row(struct fixture *x, enum table table, struct slice key)
{
	struct slice empty = SLICE("");
	fixture_close(x);
	plant(x, table, key, &empty);
}

static void
an_index_entry_that_no_record_has(void **state)
{
	struct fixture *x = *state;
	struct buf b = {0};
	index_prefix(&b, SCOPE_DEPARTMENT, SLICE("other"), NULL, SLICE(""));
	buf_append_slice(&b, record_key(x, "systems/a"));
	add_row(x, TABLE_INDEX, buf_slice(&b));
	buf_release(&b);
	close_and_expect(x, "systems/a: an entry of the index does not follow from the record");
}

static void
a_due_entry_that_no_clock_has(void **state)
{
	struct fixture *x = *state;
	struct buf b = {0};
	due_key(&b, &(struct due){NOW, record_key(x, "applications/A-2026-000002"), SLICE("accept")});
	add_row(x, TABLE_DUE, buf_slice(&b));
	buf_release(&b);
	close_and_expect(x, "applications/A-2026-000002: an entry of the due index does not follow");
}

static void
a_history_entry_of_another_record_s_event(void **state)
{
	struct fixture *x = *state;
	struct buf b = {0};
	buf_append_slice(&b, record_key(x, "systems/a"));
	buf_append_u64be(&b, 5);
	add_row(x, TABLE_HISTORY, buf_slice(&b));
	buf_release(&b);
	close_and_expect(x, "systems/a: its history names an event that is not its own");
}

static void
a_counter_behind_its_records(void **state)
{
	struct fixture *x = *state;
	struct slice key, row;
	unsigned char zero[8] = {0};
	struct slice value = slice_make(zero, sizeof(zero));
	fixture_close(x);
	/* Rows of `meta` by key: access, counter/…, digest, … */
	row_at(x, TABLE_META, 1, &key, &row);
	assert_true(slice_starts(key, SLICE("counter/")));
	plant(x, TABLE_META, key, &value);
	close_and_expect(x, "only 0 numbers were given out");
}

static void
a_record_beyond_the_head(void **state)
{
	struct fixture *x = *state;
	struct slice key, row;
	fixture_close(x);
	row_at(x, TABLE_META, -3, &key, &row);
	assert_true(slice_is(key, "head"));
	struct slice event_key, event_row;
	/* The last two events gone and the head as it was before them: only the records still know. */
	row_at(x, TABLE_EVENTS, -2, &event_key, &event_row);
	unsigned char head[40];
	put_u64be(head, 7);
	memcpy(head + 8, event_row.p, DIGEST_BYTES);
	struct slice value = slice_make(head, sizeof(head));
	plant(x, TABLE_META, key, &value);
	remove_row(x, TABLE_EVENTS, -1);
	remove_row(x, TABLE_EVENTS, -1);
	close_and_expect(x, "lies beyond the log's head, 7");
}

/* As a program left them that indexed other fields: entries are missing, and there are others. */
static void
indexes_by_another_contract_are_made_anew(void **state)
{
	struct fixture *x = *state;
	const struct slice other = SLICE("of another contract"), nothing = SLICE("");
	struct checked c;
	struct buf key = {0};
	fixture_close(x);
	assert_clean(x);
	index_prefix(&key, SCOPE_ALL, SLICE(""), NULL, SLICE(""));
	buf_append_str(&key, "whatever");
	plant(x, TABLE_INDEX, buf_slice(&key), &nothing);
	remove_row(x, TABLE_INDEX, 0);
	remove_row(x, TABLE_DUE, 0);
	plant(x, TABLE_META, SLICE("layout"), &other);
	check_store(x, &c);
	assert_int_equal(c.report.problems, 1);
	assert_non_null(strstr(c.first, "made by another version"));
	fixture_open(x);
	fixture_close(x);
	assert_clean(x);
	/* From before it was remembered by what they were made. */
	remove_row(x, TABLE_INDEX, 0);
	plant(x, TABLE_META, SLICE("layout"), NULL);
	fixture_open(x);
	fixture_close(x);
	assert_clean(x);
	buf_release(&key);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, sound_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_sound_store_has_no_problems),
		TEST(an_index_entry_that_is_missing),
		TEST(an_index_entry_that_no_record_has),
		TEST(a_due_entry_that_is_missing),
		TEST(a_due_entry_that_no_clock_has),
		TEST(a_history_entry_that_is_missing),
		TEST(a_history_entry_of_another_record_s_event),
		TEST(an_event_changed_in_the_middle),
		TEST(an_event_s_owner_changed),
		TEST(the_first_event_changed),
		TEST(the_last_event_changed),
		TEST(an_event_removed),
		TEST(the_first_event_removed),
		TEST(the_log_s_tail_cut_off),
		TEST(an_access_changed),
		TEST(the_access_log_s_tail_cut_off),
		TEST(an_envelope_of_another_version),
		TEST(a_record_of_another_revision),
		TEST(a_record_with_another_name),
		TEST(a_record_removed),
		TEST(an_envelope_with_another_owner),
		TEST(a_record_beyond_the_head),
		TEST(indexes_by_another_contract_are_made_anew),
		TEST(a_counter_behind_its_records),
		TEST(an_id_that_was_never_given_out),
		TEST(a_quota_that_is_not_its_entries_sum),
		TEST(entries_below_nothing),
		TEST(an_entry_without_a_quota),
		TEST(a_dimension_that_only_entries_know),
		TEST(a_reservation_of_a_finished_application),
		TEST(a_reservation_of_an_application_that_is_not_there),
		TEST(a_reservation_given_back_twice),
		TEST(a_reservation_of_a_resource),
		TEST(a_return_in_every_state_is_sound),
		TEST(an_open_case_about_a_resource_that_is_not_there),
		TEST(an_open_case_that_holds_nothing),
		TEST(a_reclaimed_resource_that_is_held),
		TEST(a_resource_held_by_a_case_about_another),
		TEST(a_resource_held_by_a_case_that_is_not_there),
		TEST(a_resource_held_by_a_finished_case),
		TEST(a_resource_without_a_quota),
		TEST(a_quota_of_resources_that_were_reclaimed),
		TEST(a_quota_that_is_not_its_resources_sum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
