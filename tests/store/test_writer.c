#include "store_test.h"

#include <pthread.h>
#include <stdatomic.h>

/* Takes the next id and files an application under it. */
struct file_command {
	struct command command;
	char name[40];
	int refuse; /* after the id was taken */
	bool saw_previous;
	const char *previous; /* a record that must be visible already */
};

static int
file_decide(struct command *c, struct txn *t)
{
	struct file_command *file = (struct file_command *)c;
	struct name applications = parse_collection("applications"), name;
	struct buf text = {0};
	struct record r;
	uint64_t number;
	if (file->previous) {
		name = parse_name(file->previous);
		file->saw_previous = record_get(txn_reader(t), &name, &r) == 0;
	}
	int rc = txn_next_number(t, &applications, 2026, &number);
	if (rc != 0 || file->refuse)
		return rc ? rc : file->refuse;
	buf_append_str(&text, "applications/");
	id_format(&text, 'A', 2026, number);
	memcpy(file->name, text.p, text.n);
	file->name[text.n] = '\0';
	buf_release(&text);
	struct put put = {.name = parse_name(file->name), .department = SLICE("d"), .node = SLICE("n")};
	struct event event = {.name = slice_of(file->name), .kind = SLICE("create")};
	return txn_apply(t, &(struct change){.now = NOW, .puts = &put, .events = &event}, NULL);
}

/* Collects groups as they come back. */
struct collector {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t commands, groups;
	struct command *last_group;
	bool hold; /* the writer waits in its callback */
};

static void
collect(void *ctx, struct command *group)
{
	struct collector *k = ctx;
	pthread_mutex_lock(&k->lock);
	k->groups++;
	k->last_group = group;
	for (; group; group = group->next)
		k->commands++;
	pthread_cond_broadcast(&k->changed);
	while (k->hold)
		pthread_cond_wait(&k->changed, &k->lock);
	pthread_mutex_unlock(&k->lock);
}

static void
wait_for_commands(struct collector *k, size_t n)
{
	pthread_mutex_lock(&k->lock);
	while (k->commands < n)
		pthread_cond_wait(&k->changed, &k->lock);
	pthread_mutex_unlock(&k->lock);
}

static void
set_hold(struct collector *k, bool hold)
{
	pthread_mutex_lock(&k->lock);
	k->hold = hold;
	pthread_cond_broadcast(&k->changed);
	pthread_mutex_unlock(&k->lock);
}

static void
start_with(struct fixture *x, struct collector *k, size_t group_max)
{
	struct fault f = {0};
	struct store_options o = test_options();
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->changed, NULL);
	o.committed = collect;
	o.ctx = k;
	o.group_max = group_max;
	fixture_close(x);
	assert_int_equal(store_open(&x->store, x->dir, &o, &f), 0);
	assert_int_equal(store_start(x->store, &f), 0);
}

/* Submits all while the writer is held in its callback, so that they meet in one group. */
static void
submit_together(struct fixture *x, struct collector *k, struct command *const *commands, size_t n)
{
	struct put_command *first = command_new(x);
	command_put(x, first, "systems/first", "d", "n", SLICE(""));
	set_hold(k, true);
	store_submit(x->store, &first->command);
	wait_for_commands(k, 1);
	for (size_t i = 0; i < n; i++)
		store_submit(x->store, commands[i]);
	assert_int_equal(store_waiting(x->store), n);
	set_hold(k, false);
	wait_for_commands(k, 1 + n);
}

/* Submits the others while it is being decided itself. */
struct calling_command {
	struct file_command file;
	struct store *store;
	struct command *others[3];
	size_t other_count;
};

static int
call_decide(struct command *c, struct txn *t)
{
	struct calling_command *calling = (struct calling_command *)c;
	for (size_t i = 0; i < calling->other_count; i++)
		store_submit(calling->store, calling->others[i]);
	return file_decide(c, t);
}

static void
a_command_that_comes_while_others_are_decided_shares_their_commit(void **state)
{
	struct fixture *x = *state;
	struct collector k = {0};
	struct file_command others[2] = {{.command.decide = file_decide}, {.command.decide = file_decide}};
	start_with(x, &k, 0);
	struct calling_command first = {
		.file.command.decide = call_decide,
		.store = x->store,
		.others = {&others[0].command, &others[1].command},
		.other_count = 2,
	};
	store_submit(x->store, &first.file.command);
	wait_for_commands(&k, 3);
	assert_int_equal(k.groups, 1);
	assert_int_equal(store_waiting(x->store), 0);
	assert_int_equal(others[1].command.revision, 3);
	fixture_close(x);
	assert_clean(x);
}

static void
what_comes_meanwhile_does_not_make_a_group_larger_than_allowed(void **state)
{
	struct fixture *x = *state;
	struct collector k = {0};
	struct file_command others[3] = {{.command.decide = file_decide},
					 {.command.decide = file_decide},
					 {.command.decide = file_decide}};
	start_with(x, &k, 2);
	struct calling_command first = {
		.file.command.decide = call_decide,
		.store = x->store,
		.others = {&others[0].command, &others[1].command, &others[2].command},
		.other_count = 3,
	};
	store_submit(x->store, &first.file.command);
	wait_for_commands(&k, 4);
	assert_int_equal(k.groups, 2);
	assert_int_equal(others[2].command.revision, 4);
	fixture_close(x);
	assert_clean(x);
}

static void
each_command_of_a_group_sees_the_earlier_ones(void **state)
{
	struct fixture *x = *state;
	struct collector k = {0};
	struct file_command c[3] = {{.command.decide = file_decide},
				    {.command.decide = file_decide, .previous = "applications/A-2026-000001"},
				    {.command.decide = file_decide,
				     .previous = "applications/A-2026-000002"}};
	struct command *commands[3] = {&c[0].command, &c[1].command, &c[2].command};
	start_with(x, &k, 0);
	submit_together(x, &k, commands, 3);
	assert_int_equal(k.groups, 2);
	assert_ptr_equal(k.last_group, commands[0]);
	assert_ptr_equal(commands[0]->next, commands[1]);
	assert_ptr_equal(commands[1]->next, commands[2]);
	assert_true(c[1].saw_previous);
	assert_true(c[2].saw_previous);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(c[i].command.result, 0);
		assert_int_equal(c[i].command.revision, 2 + i);
	}
	assert_int_equal(store_head(x->store), 4);
	fixture_close(x);
	assert_clean(x);
}

static void
a_refused_command_leaves_nothing_and_takes_no_number(void **state)
{
	struct fixture *x = *state;
	struct collector k = {0};
	struct file_command c[3] = {{.command.decide = file_decide},
				    {.command.decide = file_decide, .refuse = ERR_QUOTA_EXCEEDED},
				    {.command.decide = file_decide}};
	struct command *commands[3] = {&c[0].command, &c[1].command, &c[2].command};
	start_with(x, &k, 0);
	submit_together(x, &k, commands, 3);
	assert_int_equal(c[1].command.result, ERR_QUOTA_EXCEEDED);
	assert_int_equal(c[1].command.fault.code, ERR_QUOTA_EXCEEDED);
	assert_int_equal(c[1].command.revision, 0);
	assert_string_equal(c[0].name, "applications/A-2026-000001");
	assert_string_equal(c[2].name, "applications/A-2026-000002");
	assert_int_equal(store_head(x->store), 3);
	fixture_close(x);
	assert_clean(x);
}

static int
access_and_refuse(struct command *c, struct txn *t)
{
	struct event e = {.name = SLICE("applications/A-2026-000001"),
			  .kind = SLICE("refusal"),
			  .actor = SLICE("principals/reg")};
	int rc = txn_access(t, &e, NOW);
	(void)c;
	return rc ? rc : ERR_WRONG_ROLE;
}

static void
a_refusal_may_leave_a_line_in_the_access_log(void **state)
{
	struct fixture *x = *state;
	struct command c = {.decide = access_and_refuse};
	struct snapshot *snapshot;
	struct event_row e;
	assert_int_equal(store_execute(x->store, &c), ERR_WRONG_ROLE);
	assert_int_equal(store_execute(x->store, &c), ERR_WRONG_ROLE);
	assert_int_equal(store_head(x->store), 0);
	assert_int_equal(snapshot_open(&snapshot, x->store), 0);
	assert_int_equal(access_get(snapshot_reader(snapshot), 1, &e), 0);
	assert_true(slice_is(wire_string(e.body, 8), "principals/reg"));
	assert_int_equal(access_get(snapshot_reader(snapshot), 2, &e), 0);
	assert_int_equal(e.revision, 2);
	assert_int_equal(access_get(snapshot_reader(snapshot), 3, &e), ERR_NOT_FOUND);
	assert_int_equal(event_get(snapshot_reader(snapshot), 1, &e), ERR_NOT_FOUND);
	snapshot_close(snapshot);
	fixture_close(x);
	assert_clean(x);
}

static void
a_group_is_no_larger_than_allowed(void **state)
{
	struct fixture *x = *state;
	struct collector k = {0};
	struct file_command c[10];
	struct command *commands[10];
	for (size_t i = 0; i < 10; i++) {
		c[i] = (struct file_command){.command.decide = file_decide};
		commands[i] = &c[i].command;
	}
	start_with(x, &k, 4);
	submit_together(x, &k, commands, 10);
	assert_int_equal(k.groups, 1 + 3);
	fixture_close(x);
}

static int
apply_then_refuse(struct command *c, struct txn *t)
{
	int rc = file_decide(c, t);
	return rc ? rc : ERR_WRONG_STATE;
}

static void
a_command_that_refuses_after_its_change_fails_its_group_alone(void **state)
{
	struct fixture *x = *state;
	struct collector k = {0};
	struct file_command c[2] = {{.command.decide = file_decide}, {.command.decide = apply_then_refuse}};
	struct command *commands[2] = {&c[0].command, &c[1].command};
	struct file_command later = {.command.decide = file_decide};
	start_with(x, &k, 0);
	submit_together(x, &k, commands, 2);
	assert_int_equal(c[0].command.result, ERR_INTERNAL);
	assert_int_equal(c[1].command.result, ERR_INTERNAL);
	assert_int_equal(c[0].command.revision, 0);
	assert_int_equal(store_head(x->store), 1);
	store_submit(x->store, &later.command);
	wait_for_commands(&k, 4);
	assert_int_equal(later.command.result, 0);
	assert_string_equal(later.name, "applications/A-2026-000001");
	fixture_close(x);
	assert_clean(x);
}

static int
put_nonsense(struct command *c, struct txn *t)
{
	struct event e = {.name = SLICE("no such name")};
	(void)c;
	return txn_apply(t, &(struct change){.now = NOW, .events = &e}, NULL);
}

static void
a_change_that_cannot_be_is_its_command_s_failure_alone(void **state)
{
	struct fixture *x = *state;
	struct collector k = {0};
	struct file_command c[2] = {{.command.decide = file_decide}, {.command.decide = file_decide}};
	struct command bad = {.decide = put_nonsense};
	struct command *commands[3] = {&c[0].command, &bad, &c[1].command};
	start_with(x, &k, 0);
	submit_together(x, &k, commands, 3);
	assert_int_equal(bad.result, ERR_INVALID_NAME);
	assert_int_equal(c[0].command.result, 0);
	assert_int_equal(c[1].command.result, 0);
	fixture_close(x);
	assert_clean(x);
}

static void
closing_finishes_what_was_submitted(void **state)
{
	struct fixture *x = *state;
	struct collector k = {0};
	struct file_command c[50];
	start_with(x, &k, 0);
	for (size_t i = 0; i < 50; i++) {
		c[i] = (struct file_command){.command.decide = file_decide};
		store_submit(x->store, &c[i].command);
	}
	fixture_close(x);
	assert_int_equal(k.commands, 50);
	fixture_open(x);
	assert_int_equal(store_head(x->store), 50);
}

/* ---- many threads ---- */

#define SUBMITTERS 4
#define PER_THREAD 50

struct load {
	struct fixture *x;
	struct file_command commands[PER_THREAD];
	atomic_bool *done;
	bool ok;
};

static void *
submit_many(void *arg)
{
	struct load *l = arg;
	for (size_t i = 0; i < PER_THREAD; i++) {
		l->commands[i] = (struct file_command){.command.decide = file_decide};
		store_submit(l->x->store, &l->commands[i].command);
	}
	return NULL;
}

/* Each snapshot is whole: as many records as events, up to its head, which never
 * goes back, nor behind what the store said before. */
static void *
read_much(void *arg)
{
	struct load *l = arg;
	struct snapshot *snapshot;
	uint64_t last = 0;
	l->ok = snapshot_open(&snapshot, l->x->store) == 0;
	while (l->ok && !atomic_load(l->done)) {
		struct scan scan;
		struct record r;
		struct event_row e;
		struct scan_spec spec = {.collection = {.kind = kind_by_number(KIND_APPLICATION)},
					 .scope = SCOPE_DEPARTMENT,
					 .scope_value = SLICE("d")};
		uint64_t published, n = 0;
		unsigned char digest[DIGEST_BYTES];
		store_head_digest(l->x->store, &published, digest);
		struct reader *reader = snapshot_reader(snapshot);
		uint64_t head = reader_head(reader);
		l->ok = scan_open(&scan, reader, &spec) == 0;
		while (l->ok && scan_next(&scan, &r) == 1)
			n++;
		scan_close(&scan);
		l->ok = l->ok && n == head && head >= last && head >= published &&
			event_get(reader, head + 1, &e) == ERR_NOT_FOUND &&
			(head == 0 || event_get(reader, head, &e) == 0);
		last = head;
		snapshot_reset(snapshot);
	}
	snapshot_close(snapshot);
	return NULL;
}

static void
readers_see_whole_states_while_many_threads_submit(void **state)
{
	struct fixture *x = *state;
	struct collector k = {0};
	struct load *loads = calloc(SUBMITTERS + 2, sizeof(*loads));
	pthread_t threads[SUBMITTERS + 2];
	atomic_bool done = false;
	start_with(x, &k, 16);
	for (size_t i = 0; i < SUBMITTERS + 2; i++) {
		loads[i].x = x;
		loads[i].done = &done;
		assert_int_equal(pthread_create(&threads[i], NULL, i < SUBMITTERS ? submit_many : read_much,
						&loads[i]),
				 0);
	}
	wait_for_commands(&k, SUBMITTERS * PER_THREAD);
	atomic_store(&done, true);
	for (size_t i = 0; i < SUBMITTERS + 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_true(loads[SUBMITTERS].ok);
	assert_true(loads[SUBMITTERS + 1].ok);
	assert_int_equal(store_head(x->store), SUBMITTERS * PER_THREAD);
	assert_int_equal(store_waiting(x->store), 0);
	fixture_close(x);
	assert_clean(x);
	free(loads);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_command_of_a_group_sees_the_earlier_ones),
		TEST(a_command_that_comes_while_others_are_decided_shares_their_commit),
		TEST(what_comes_meanwhile_does_not_make_a_group_larger_than_allowed),
		TEST(a_refused_command_leaves_nothing_and_takes_no_number),
		TEST(a_refusal_may_leave_a_line_in_the_access_log),
		TEST(a_group_is_no_larger_than_allowed),
		TEST(a_command_that_refuses_after_its_change_fails_its_group_alone),
		TEST(a_change_that_cannot_be_is_its_command_s_failure_alone),
		TEST(closing_finishes_what_was_submitted),
		TEST(readers_see_whole_states_while_many_threads_submit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
