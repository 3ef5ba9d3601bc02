#include "store_test.h"

#include <fcntl.h>
#include <sys/stat.h>

static int
try_open(const char *dir, struct fault *f)
{
	struct store *s = NULL;
	struct store_options o = test_options();
	int rc = store_open(&s, dir, &o, f);
	store_close(s);
	return rc;
}

static void
a_directory_without_a_store_is_refused_and_left_as_it_was(void **state)
{
	struct fixture *x = *state;
	struct fault f = {0};
	char dir[300], lock[320];
	snprintf(dir, sizeof(dir), "%s/empty", x->dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(try_open(dir, &f), ERR_NO_STORE);
	assert_non_null(strstr(f.text, dir));
	snprintf(lock, sizeof(lock), "%s/lock", dir);
	assert_int_not_equal(access(lock, F_OK), 0);
	assert_int_equal(store_check(dir, &(struct check_report){0}, &f), ERR_NO_STORE);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(try_open(dir, &f), ERR_NO_STORE);
}

static void
a_store_is_not_made_twice(void **state)
{
	struct fixture *x = *state;
	struct fault f = {0};
	fixture_close(x);
	assert_int_equal(store_create(x->dir, &f), ERR_ALREADY_EXISTS);
	fixture_open(x);
	assert_int_equal(store_create(x->dir, &f), ERR_STORE_LOCKED);
}

static void
a_second_server_is_refused_while_the_first_runs(void **state)
{
	struct fixture *x = *state;
	struct fault f = {0};
	char pid[32];
	assert_int_equal(try_open(x->dir, &f), ERR_STORE_LOCKED);
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	assert_non_null(strstr(f.text, pid));
	assert_int_equal(store_check(x->dir, &(struct check_report){0}, &f), ERR_STORE_LOCKED);
	fixture_close(x);
	assert_int_equal(try_open(x->dir, &f), 0);
}

static void
refuses_version(struct fixture *x, const char *which, uint32_t known)
{
	struct fault f = {0};
	unsigned char version[4];
	char numbers[2][16];
	struct slice value = slice_make(version, sizeof(version));
	put_u32be(version, known + 41);
	plant(x, TABLE_META, slice_of(which), &value);
	assert_int_equal(try_open(x->dir, &f), ERR_STORE_VERSION);
	snprintf(numbers[0], sizeof(numbers[0]), " %u,", known + 41);
	snprintf(numbers[1], sizeof(numbers[1]), " %u:", known);
	assert_non_null(strstr(f.text, which));
	assert_non_null(strstr(f.text, numbers[0]));
	assert_non_null(strstr(f.text, numbers[1]));
	assert_int_equal(store_check(x->dir, &(struct check_report){0}, &f), ERR_STORE_VERSION);
	put_u32be(version, known);
	plant(x, TABLE_META, slice_of(which), &value);
	assert_int_equal(try_open(x->dir, &f), 0);
}

static void
a_newer_format_or_schema_is_refused_with_both_numbers(void **state)
{
	struct fixture *x = *state;
	fixture_close(x);
	refuses_version(x, "format", STORE_FORMAT);
	refuses_version(x, "schema", STORE_SCHEMA);
}

static void
a_file_that_is_no_store_or_was_cut_short_is_refused(void **state)
{
	struct fixture *x = *state;
	struct fault f = {0};
	char path[300];
	struct stat st;
	put_record(x, "systems/a", "d", "n", SLICE(""));
	fixture_close(x);
	snprintf(path, sizeof(path), "%s/data.mdb", x->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 4096), 0);
	assert_int_equal(try_open(x->dir, &f), ERR_STORE_CORRUPT);
	int fd = open(path, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "hello, this is not a database", 29), 29);
	assert_int_equal(ftruncate(fd, 65536), 0);
	close(fd);
	assert_int_equal(try_open(x->dir, &f), ERR_STORE_CORRUPT);
}

static void
files_are_for_their_owner_alone(void **state)
{
	struct fixture *x = *state;
	static const char *const names[] = {"", "/data.mdb", "/lock", "/documents"};
	char path[300];
	struct stat st;
	for (size_t i = 1; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", x->dir, names[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 077, 0);
	}
}

static void
the_default_address_space_can_be_reserved(void **state)
{
	struct fixture *x = *state;
	struct fault f = {0};
	fixture_close(x);
	if (store_open(&x->store, x->dir, NULL, &f) != 0)
		fail_msg("%s", f.text);
	put_record(x, "systems/a", "d", "n", SLICE(""));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_directory_without_a_store_is_refused_and_left_as_it_was),
		TEST(a_store_is_not_made_twice),
		TEST(a_second_server_is_refused_while_the_first_runs),
		TEST(a_newer_format_or_schema_is_refused_with_both_numbers),
		TEST(a_file_that_is_no_store_or_was_cut_short_is_refused),
		TEST(files_are_for_their_owner_alone),
		TEST(the_default_address_space_can_be_reserved),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
