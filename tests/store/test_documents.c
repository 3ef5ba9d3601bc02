#include "store_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "zwy/v1/document.pb.h"

/* SHA-256 of "abc": FIPS 180-2, appendix B.1. */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void
upload(struct fixture *x, const char *const *pieces, size_t n, char ret_sha256[65])
{
	struct document_writer *w;
	struct fault f = {0};
	uint64_t size, expected = 0;
	assert_int_equal(document_create(&w, x->store, &f), 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(document_write(w, slice_of(pieces[i]), &f), 0);
		expected += strlen(pieces[i]);
	}
	assert_int_equal(document_finish(w, ret_sha256, &size, &f), 0);
	assert_int_equal(size, expected);
}

/* Files below a folder of DIR. */
static size_t
count_files(struct fixture *x, const char *below)
{
	char path[300];
	size_t n = 0;
	snprintf(path, sizeof(path), "%s/%s", x->dir, below);
	DIR *d = opendir(path);
	if (!d)
		return 0;
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void
put_document(struct fixture *x, const char *name, const char *sha256, uint64_t size)
{
	struct buf b = {0};
	wire_put_string(&b, zwy_v1_Document_sha256_tag, slice_of(sha256));
	wire_put_uint(&b, zwy_v1_Document_size_tag, size);
	put_record(x, name, "d", "n", buf_slice(&b));
	buf_release(&b);
}

static void
a_body_is_kept_under_its_digest(void **state)
{
	struct fixture *x = *state;
	char sha256[65], body[8];
	uint64_t size;
	int fd;
	upload(x, (const char *const[]){"a", "", "bc"}, 3, sha256);
	assert_string_equal(sha256, ABC);
	assert_int_equal(document_open(&fd, &size, x->store, SLICE(ABC)), 0);
	assert_int_equal(size, 3);
	assert_int_equal(read(fd, body, sizeof(body)), 3);
	assert_memory_equal(body, "abc", 3);
	close(fd);
	assert_int_equal(count_files(x, "documents/ba"), 1);
	assert_int_equal(count_files(x, "documents/tmp"), 0);
}

static void
an_empty_body_is_a_body(void **state)
{
	struct fixture *x = *state;
	char sha256[65];
	uint64_t size = 1;
	int fd;
	upload(x, NULL, 0, sha256);
	assert_int_equal(document_open(&fd, &size, x->store, slice_of(sha256)), 0);
	assert_int_equal(size, 0);
	close(fd);
}

static void
the_same_body_twice_is_one_file(void **state)
{
	struct fixture *x = *state;
	char sha256[65];
	upload(x, (const char *const[]){"abc"}, 1, sha256);
	upload(x, (const char *const[]){"abc"}, 1, sha256);
	assert_int_equal(count_files(x, "documents/ba"), 1);
	assert_int_equal(count_files(x, "documents/tmp"), 0);
}

static void
what_is_no_digest_or_not_there_is_not_found(void **state)
{
	struct fixture *x = *state;
	uint64_t size;
	int fd;
	assert_int_equal(document_open(&fd, &size, x->store, SLICE(ABC)), ERR_NOT_FOUND);
	assert_int_equal(document_open(&fd, &size, x->store, SLICE("")), ERR_NOT_FOUND);
	assert_int_equal(document_open(&fd, &size, x->store, SLICE("../../../../../../../../etc/passwd")),
			 ERR_NOT_FOUND);
	assert_int_equal(
		document_open(&fd, &size, x->store,
			      SLICE("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD")),
		ERR_NOT_FOUND);
}

static void
an_upload_given_up_leaves_nothing(void **state)
{
	struct fixture *x = *state;
	struct document_writer *w;
	struct fault f = {0};
	assert_int_equal(document_create(&w, x->store, &f), 0);
	assert_int_equal(document_write(w, SLICE("half a"), &f), 0);
	assert_int_equal(count_files(x, "documents/tmp"), 1);
	document_abort(w);
	document_abort(NULL);
	assert_int_equal(count_files(x, "documents/tmp"), 0);
}

static void
opening_removes_what_a_crashed_upload_left(void **state)
{
	struct fixture *x = *state;
	char path[300];
	snprintf(path, sizeof(path), "%s/documents/tmp/left", x->dir);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	fixture_close(x);
	fixture_open(x);
	assert_int_equal(count_files(x, "documents/tmp"), 0);
}

static void
a_sweep_removes_bodies_without_records_and_no_others(void **state)
{
	struct fixture *x = *state;
	char kept[65], orphan[65];
	struct checked c;
	struct fault f = {0};
	uint64_t removed, size;
	int fd;
	upload(x, (const char *const[]){"abc"}, 1, kept);
	upload(x, (const char *const[]){"an orphan"}, 1, orphan);
	put_document(x, "applications/A-2026-000001/documents/construction-plan", kept, 3);
	fixture_close(x);
	check_store(x, &c);
	assert_int_equal(c.report.problems, 0);
	assert_int_equal(c.report.documents, 1);
	assert_int_equal(c.report.orphans, 1);
	fixture_open(x);
	assert_int_equal(store_sweep_documents(x->store, &removed, &f), 0);
	assert_int_equal(removed, 1);
	assert_int_equal(document_open(&fd, &size, x->store, slice_of(orphan)), ERR_NOT_FOUND);
	assert_int_equal(document_open(&fd, &size, x->store, slice_of(kept)), 0);
	close(fd);
	fixture_close(x);
	assert_clean(x);
}

static void
check_finds_bodies_that_are_missing_changed_or_of_another_size(void **state)
{
	struct fixture *x = *state;
	char sha256[65], path[300];
	struct checked c;
	upload(x, (const char *const[]){"abc"}, 1, sha256);
	put_document(x, "applications/A-2026-000001/documents/a", sha256, 3);
	fixture_close(x);
	assert_clean(x);
	snprintf(path, sizeof(path), "%.200s/documents/ba/%s", x->dir, ABC + 2);
	int fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "X", 1, 1), 1);
	close(fd);
	check_store(x, &c);
	assert_int_equal(c.report.problems, 1);
	assert_non_null(strstr(c.first, "another one"));
	assert_int_equal(unlink(path), 0);
	check_store(x, &c);
	assert_int_equal(c.report.problems, 1);
	assert_non_null(strstr(c.first, "cannot be read"));
	fixture_open(x);
	upload(x, (const char *const[]){"abc"}, 1, sha256);
	put_document(x, "applications/A-2026-000001/documents/a", sha256, 4);
	fixture_close(x);
	check_store(x, &c);
	assert_int_equal(c.report.problems, 1);
	assert_non_null(strstr(c.first, "3 bytes, the record says 4"));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_body_is_kept_under_its_digest),
		TEST(an_empty_body_is_a_body),
		TEST(the_same_body_twice_is_one_file),
		TEST(what_is_no_digest_or_not_there_is_not_found),
		TEST(an_upload_given_up_leaves_nothing),
		TEST(opening_removes_what_a_crashed_upload_left),
		TEST(a_sweep_removes_bodies_without_records_and_no_others),
		TEST(check_finds_bodies_that_are_missing_changed_or_of_another_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
