/* A store without room: writes are refused with a clear error, reading goes on,
 * and writing with it once there is room. And a disk that loses a write: there
 * is no more writing until a restart has read what is on it. */
#include "store_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define BODY_BYTES 20000

static struct put_command *
large_put(struct fixture *x, unsigned i)
{
	char name[40];
	struct buf b = {0};
	struct put_command *c = command_new(x);
	char *text = arena_alloc(&x->arena, BODY_BYTES);
	memset(text, 'x', BODY_BYTES);
	wire_put_string(&b, 5, slice_make(text, BODY_BYTES));
	snprintf(name, sizeof(name), "systems/s%06u", i);
	command_put(x, c, name, "d", "n", buf_slice(&b));
	buf_release(&b);
	return c;
}

/* Puts until one fails; how many went. */
static unsigned
fill(struct fixture *x, unsigned from)
{
	for (unsigned i = from; i < from + 10000; i++) {
		struct put_command *c = large_put(x, i);
		int rc = store_execute(x->store, &c->command);
		arena_reset(&x->arena);
		if (rc == 0)
			continue;
		assert_int_equal(rc, ERR_STORE_FULL);
		return i;
	}
	fail_msg("it never became full");
	return 0;
}

static void
assert_reads(struct fixture *x, unsigned written)
{
	struct snapshot *snapshot;
	struct record r;
	struct name name = parse_name("systems/s000000");
	char next[40];
	assert_int_equal(snapshot_open(&snapshot, x->store), 0);
	assert_int_equal(record_get(snapshot_reader(snapshot), &name, &r), 0);
	assert_int_equal(wire_string(r.body, 5).n, BODY_BYTES);
	snprintf(next, sizeof(next), "systems/s%06u", written);
	name = parse_name(next);
	assert_int_equal(record_get(snapshot_reader(snapshot), &name, &r), ERR_NOT_FOUND);
	assert_int_equal(reader_head(snapshot_reader(snapshot)), store_head(x->store));
	snapshot_close(snapshot);
}

static void
a_full_map_refuses_writes_until_there_is_a_larger_one(void **state)
{
	struct fixture *x = *state;
	struct fault f = {0};
	fixture_close(x);
	struct store_options o = {.map_size = 1 << 20};
	assert_int_equal(store_open(&x->store, x->dir, &o, &f), 0);
	unsigned written = fill(x, 0);
	assert_true(written > 5);
	assert_int_equal(store_head(x->store), written);
	assert_reads(x, written);
	assert_int_equal(fill(x, written), written);
	fixture_close(x);
	fixture_open(x);
	assert_int_equal(store_execute(x->store, &large_put(x, written)->command), 0);
	assert_int_equal(store_head(x->store), written + 1);
	fixture_close(x);
	assert_clean(x);
}

static void
use_disk(const char *dir, int percent)
{
	char path[300];
	struct stat st;
	snprintf(path, sizeof(path), "%s/ballast", dir);
	if (percent == 0) {
		assert_int_equal(unlink(path), 0);
		return;
	}
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(posix_fallocate(fd, 0, (8 << 20) * percent / 100), 0);
	assert_int_equal(fstat(fd, &st), 0);
	close(fd);
}

static void
document_fails_and_leaves_nothing(struct fixture *x)
{
	static char body[1 << 16];
	struct document_writer *w;
	struct fault f = {0};
	int rc = document_create(&w, x->store, &f);
	for (int i = 0; i < 400 && rc == 0; i++)
		rc = document_write(w, slice_make(body, sizeof(body)), &f);
	assert_int_equal(rc, ERR_STORE_FULL);
	document_abort(w);
}

/* Each size of disk ends within another write: of a page, of a run of pages. */
static void
fill_disk_and_recover(struct fixture *x, const char *mount, size_t spare)
{
	char ballast[300];
	struct fault f = {0};
	struct store_options o = test_options();
	snprintf(ballast, sizeof(ballast), "%s/spare", mount);
	int fd = open(ballast, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(posix_fallocate(fd, 0, (off_t)(spare + 1)), 0);
	close(fd);
	use_disk(mount, 50);
	assert_int_equal(store_create(x->dir, &f), 0);
	assert_int_equal(store_open(&x->store, x->dir, &o, &f), 0);
	unsigned written = fill(x, 0);
	assert_true(written > 5);
	assert_int_equal(store_head(x->store), written);
	assert_reads(x, written);
	document_fails_and_leaves_nothing(x);
	assert_reads(x, fill(x, written));
	written = (unsigned)store_head(x->store);
	use_disk(mount, 0);
	assert_int_equal(store_execute(x->store, &large_put(x, written)->command), 0);
	assert_int_equal(store_head(x->store), written + 1);
	fixture_close(x);
	assert_clean(x);
	assert_int_equal(unlink(ballast), 0);
	remove_tree(x->dir);
}

static int
unmount_and_teardown(void **state)
{
	struct fixture *x = *state;
	char mountpoint[300];
	snprintf(mountpoint, sizeof(mountpoint), "%s/disk", x->dir);
	umount2(mountpoint, MNT_DETACH);
	return fixture_teardown(state);
}

static void
a_full_disk_refuses_writes_and_recovers_when_there_is_room(void **state)
{
	struct fixture *x = *state;
	char mountpoint[300];
	snprintf(mountpoint, sizeof(mountpoint), "%s/disk", x->dir);
	assert_int_equal(mkdir(mountpoint, 0700), 0);
	if (mount("tmpfs", mountpoint, "tmpfs", 0, "size=8m") != 0) {
		print_message("# no right to mount a small disk\n");
		skip();
	}
	struct fixture small = {0};
	snprintf(small.dir, sizeof(small.dir), "%.240s/store", mountpoint);
	for (size_t spare = 0; spare < 10; spare++)
		fill_disk_and_recover(&small, mountpoint, spare * 4096);
	arena_release(&small.arena);
}

/* ---- a disk that fails ---- */

static bool sync_fails;

/* In place of the C library's, for LMDB too. */
int
fdatasync(int fd)
{
	if (sync_fails) {
		errno = EIO;
		return -1;
	}
	return fsync(fd);
}

static void
a_failed_sync_ends_all_writing_until_a_restart(void **state)
{
	struct fixture *x = *state;
	struct snapshot *snapshot;
	struct record r;
	struct name name = parse_name("systems/s000000");
	assert_int_equal(store_execute(x->store, &large_put(x, 0)->command), 0);
	sync_fails = true;
	assert_int_equal(store_execute(x->store, &large_put(x, 1)->command), ERR_STORE_IO);
	/* The next sync would say that all is well. */
	sync_fails = false;
	assert_int_equal(store_execute(x->store, &large_put(x, 2)->command), ERR_STORE_IO);
	assert_int_equal(store_head(x->store), 1);
	assert_int_equal(snapshot_open(&snapshot, x->store), 0);
	assert_int_equal(record_get(snapshot_reader(snapshot), &name, &r), 0);
	snapshot_close(snapshot);
	fixture_close(x);
	fixture_open(x);
	assert_int_equal(store_head(x->store), 1);
	assert_int_equal(store_execute(x->store, &large_put(x, 3)->command), 0);
	fixture_close(x);
	assert_clean(x);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_full_map_refuses_writes_until_there_is_a_larger_one),
		cmocka_unit_test_setup_teardown(a_full_disk_refuses_writes_and_recovers_when_there_is_room,
						fixture_setup, unmount_and_teardown),
		TEST(a_failed_sync_ends_all_writing_until_a_restart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
