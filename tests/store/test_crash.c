/* kill -9 of a writer at random moments: what it acknowledged is there, whole, and
 * nothing else is but what it was about to acknowledge. */
#include "store_test.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define ROUNDS_QUICK  10
#define ROUNDS_NORMAL 40
#define ROUNDS_LONG   400

/* What one child may have done at most beyond what it told: the group under way. */
#define GROUP_MAX 8

struct child_command {
	struct command command;
	uint64_t number;
};

struct child {
	struct store *store;
	int pipe;
};

/* Files one application with two puts and two events, whose number is the command's. */
static int
child_decide(struct command *c, struct txn *t)
{
	struct child_command *k = (struct child_command *)c;
	struct name applications = {.kind = kind_by_number(KIND_APPLICATION)};
	struct buf names[2] = {{0}, {0}};
	int rc = txn_next_number(t, &applications, 2026, &k->number);
	for (int i = 0; i < 2; i++) {
		buf_append_str(&names[i], "applications/");
		id_format(&names[i], 'A', 2026, k->number);
	}
	buf_append_str(&names[1], "/documents/plan");
	struct put document = {.department = SLICE("d"), .node = SLICE("n")};
	struct put application = {.department = SLICE("d"), .node = SLICE("n"), .next = &document};
	struct event second = {.name = buf_slice(&names[1])};
	struct event first = {.name = buf_slice(&names[0]), .next = &second};
	if (rc == 0)
		rc = name_parse(&application.name, buf_slice(&names[0]), NULL);
	if (rc == 0)
		rc = name_parse(&document.name, buf_slice(&names[1]), NULL);
	if (rc == 0)
		rc = txn_apply(t, &(struct change){.now = NOW, .puts = &application, .events = &first}, NULL);
	buf_release(&names[0]);
	buf_release(&names[1]);
	return rc;
}

/* Acknowledges, then submits the command again. */
static void
child_committed(void *ctx, struct command *group)
{
	struct child *child = ctx;
	while (group) {
		struct child_command *k = (struct child_command *)group;
		group = group->next;
		if (k->command.result != 0 ||
		    write(child->pipe, &k->number, sizeof(k->number)) != sizeof(k->number))
			_exit(1);
		store_submit(child->store, &k->command);
	}
}

static void
child_main(const char *dir, int pipe)
{
	struct child child = {.pipe = pipe};
	struct child_command commands[GROUP_MAX] = {0};
	struct store_options o = test_options();
	struct fault f = {0};
	o.committed = child_committed;
	o.ctx = &child;
	if (store_open(&child.store, dir, &o, &f) != 0 || store_start(child.store, &f) != 0)
		_exit(2);
	for (size_t i = 0; i < GROUP_MAX; i++) {
		commands[i].command.decide = child_decide;
		store_submit(child.store, &commands[i].command);
	}
	for (;;)
		pause();
}

/* Reads acknowledgements until the child dies; the highest number told. */
static uint64_t
read_acknowledged(int pipe, pid_t pid, int64_t kill_after_us)
{
	uint64_t highest = 0, number;
	bool killed = false;
	struct timespec wait = {.tv_nsec = kill_after_us * 1000};
	struct pollfd p = {.fd = pipe, .events = POLLIN};
	for (;;) {
		/* From the first acknowledgement on, so that there is a load to die in. */
		if (highest && !killed && ppoll(&p, 1, &wait, NULL) >= 0 && (wait.tv_nsec -= 20000) <= 0) {
			kill(pid, SIGKILL);
			killed = true;
		}
		ssize_t n = read(pipe, &number, sizeof(number));
		if (n != sizeof(number))
			return highest;
		if (number > highest)
			highest = number;
	}
}

static bool
has_application(struct reader *r, uint64_t number)
{
	struct buf b = {0};
	struct name name;
	struct record application, document;
	buf_append_str(&b, "applications/");
	id_format(&b, 'A', 2026, number);
	assert_int_equal(name_parse(&name, buf_slice(&b), NULL), 0);
	bool found = record_get(r, &name, &application) == 0;
	buf_append_str(&b, "/documents/plan");
	assert_int_equal(name_parse(&name, buf_slice(&b), NULL), 0);
	bool whole = record_get(r, &name, &document) == 0;
	/* Both or neither. */
	assert_int_equal(found, whole);
	if (found)
		assert_int_equal(application.revision, document.revision);
	buf_release(&b);
	return found;
}

static uint64_t
check_round(struct fixture *x, uint64_t before, uint64_t acknowledged)
{
	struct snapshot *snapshot;
	uint64_t n = before + 1;
	fixture_open(x);
	assert_int_equal(snapshot_open(&snapshot, x->store), 0);
	while (has_application(snapshot_reader(snapshot), n))
		n++;
	assert_true(n > acknowledged);
	assert_true(n <= (acknowledged > before ? acknowledged : before) + 1 + GROUP_MAX);
	assert_int_equal(reader_head(snapshot_reader(snapshot)), 2 * (n - 1));
	snapshot_close(snapshot);
	fixture_close(x);
	return n - 1;
}

static int
round_count(void)
{
	const char *rounds = getenv("ZWY_ROUNDS");
	if (rounds && strcmp(rounds, "long") == 0)
		return ROUNDS_LONG;
	return rounds && strcmp(rounds, "quick") == 0 ? ROUNDS_QUICK : ROUNDS_NORMAL;
}

static void
what_a_killed_writer_acknowledged_is_there_whole(void **state)
{
	struct fixture *x = *state;
	unsigned seed = (unsigned)time(NULL) ^ (unsigned)getpid();
	uint64_t before = 0;
	int rounds = round_count();
	print_message("# seed %u, %d rounds\n", seed, rounds);
	fixture_close(x);
	for (int i = 0; i < rounds; i++) {
		int ends[2];
		assert_int_equal(pipe(ends), 0);
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			close(ends[0]);
			child_main(x->dir, ends[1]);
		}
		close(ends[1]);
		uint64_t acknowledged = read_acknowledged(ends[0], pid, rand_r(&seed) % 20000);
		close(ends[0]);
		int status;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		before = check_round(x, before, acknowledged);
		if (i % 8 == 7 || i == rounds - 1) {
			struct checked c;
			check_store(x, &c);
			/* The documents of this test have records and no bodies. */
			assert_int_equal(c.code, 0);
			assert_int_equal(c.report.problems, before);
			assert_non_null(strstr(c.first, "is no SHA-256"));
		}
	}
	print_message("# %llu writes survived\n", (unsigned long long)before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_a_killed_writer_acknowledged_is_there_whole,
						fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
