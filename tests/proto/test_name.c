/* Resource names: what is one, what is not, and keys that sort as listings do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/error.h"
#include "name.h"

static const char *const good[] = {
	"catalogue/cloud-server",
	"catalogue/cloud-server/versions/12",
	"nodes/core",
	"departments/provincial-finance",
	"systems/财政门户",
	"quotas/provincial-finance/cloud-server",
	"quotas/provincial-finance/cloud-server/entries/18446744073709551615",
	"applications/A-2026-000123",
	"applications/A-2026-1234567",
	"applications/A-2026-000001/documents/construction-plan",
	"resources/R-2026-000001",
	"calendar/2026",
	"rules/13",
	"parameters/accept.days",
	"principals/alice/requests/a.req",
	"principals/-/requests/ a b ",
};

static const char *const bad[] = {
	"",
	"/",
	"applications",
	"applications/",
	"/applications/A-2026-000123",
	"applications/A-2026-000123/",
	"applications//A-2026-000123",
	"applications/R-2026-000123",
	"applications/A-2026-00123",
	"applications/A-2026-0000123",
	"applications/A-26-000123",
	"applications/A-2026-00012x",
	"applications/A-2026-999999999999999999",
	"applications/a-2026-000123",
	"catalogue/.",
	"catalogue/..",
	"catalogue/a\nb",
	"catalogue/a\x7f",
	"catalogue/a\xC2\x85",
	"catalogue/\xff",
	"catalogue/cloud-server/versions/012",
	"catalogue/cloud-server/versions/-1",
	"catalogue/cloud-server/versions/18446744073709551616",
	"nothing/x",
	"a/b/c/d/e/f/g/h",
};

/* Each by itself, with the end of what begins all keys that agree so far. */
static void
variables_come_off_the_key(const struct name *n, struct slice key)
{
	struct buf text = {0}, beginning = {0};
	size_t end = 0;
	for (size_t var = 0; var < n->var_count; var++) {
		struct name first = *n;
		first.var_count = var + 1;
		buf_clear(&text);
		buf_clear(&beginning);
		assert_int_equal(name_var_of_key(&text, key, var, &end), 0);
		assert_true(slice_equal(buf_slice(&text), n->vars[var]));
		assert_int_equal(name_key(&beginning, &first), 0);
		assert_true(slice_equal(buf_slice(&beginning), slice_make(key.p, end)));
		assert_int_equal(name_var_of_key(&text, slice_make(key.p, end - 1), var, &end),
				 ERR_STORE_CORRUPT);
	}
	assert_int_equal(end, key.n);
	assert_int_equal(name_var_of_key(&text, key, n->var_count, &end), ERR_STORE_CORRUPT);
	buf_release(&text);
	buf_release(&beginning);
}

static void
names_go_to_keys_and_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct fault f = {0};
		struct name n;
		struct buf key = {0}, text = {0}, again = {0};
		assert_int_equal(name_parse(&n, slice_of(good[i]), &f), 0);
		name_format(&text, &n);
		assert_true(slice_is(buf_slice(&text), good[i]));
		assert_int_equal(name_key(&key, &n), 0);
		assert_int_equal((unsigned char)key.p[0], n.kind->kind);
		assert_int_equal(name_of_key(&again, buf_slice(&key)), 0);
		assert_true(slice_is(buf_slice(&again), good[i]));
		variables_come_off_the_key(&n, buf_slice(&key));
		for (size_t cut = 0; cut < key.n; cut++) {
			buf_clear(&again);
			assert_int_equal(name_of_key(&again, (struct slice){key.p, cut}), ERR_STORE_CORRUPT);
			assert_int_equal(again.n, 0);
		}
		buf_release(&key);
		buf_release(&text);
		buf_release(&again);
	}
}

static void
what_is_no_name_is_refused_with_a_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fault f = {0};
		struct name n;
		assert_int_equal(name_parse(&n, slice_of(bad[i]), &f), ERR_INVALID_NAME);
		assert_int_equal(f.code, ERR_INVALID_NAME);
		assert_true(utf8_valid(slice_of(f.text)));
		assert_true(strlen(f.text) > 10);
	}
	struct fault f = {0};
	struct name n;
	name_parse(&n, SLICE("applications/17"), &f);
	assert_non_null(strstr(f.text, "A-2026-000123"));
	assert_int_equal(name_parse(&n, SLICE("nodes/a\0b"), &f), ERR_INVALID_NAME);
	assert_int_equal(name_parse_kind(&n, KIND_NODE, SLICE("catalogue/x"), &f), ERR_INVALID_NAME);
	assert_non_null(strstr(f.text, "nodes/{node}"));
	assert_int_equal(name_parse_kind(&n, KIND_NODE, SLICE("nodes/x"), &f), 0);
	char longest[11 + SEGMENT_MAX_BYTES + 2];
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "catalogue/", 10);
	assert_int_equal(name_parse(&n, slice_make(longest, 10 + SEGMENT_MAX_BYTES), &f), 0);
	assert_int_equal(name_parse(&n, slice_make(longest, 11 + SEGMENT_MAX_BYTES), &f), ERR_INVALID_NAME);
}

static void
collections_are_cut_at_a_variable(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum kind kind;
		size_t vars;
	} rows[] = {
		{"applications", KIND_APPLICATION, 0},
		{"catalogue", KIND_SERVICE, 0},
		{"catalogue/x/versions", KIND_SERVICE_VERSION, 1},
		{"quotas", KIND_QUOTA, 0},
		{"quotas/provincial-finance", KIND_QUOTA, 1},
		{"quotas/provincial-finance/cloud-server/entries", KIND_LEDGER_ENTRY, 2},
		{"applications/A-2026-000001/documents", KIND_DOCUMENT, 1},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct name n;
		struct buf key = {0}, text = {0};
		assert_int_equal(name_parse_collection(&n, slice_of(rows[i].text), NULL), 0);
		assert_int_equal(n.kind->kind, rows[i].kind);
		assert_int_equal(n.var_count, rows[i].vars);
		assert_int_equal(name_key(&key, &n), 0);
		name_format(&text, &n);
		assert_true(slice_is(buf_slice(&text), rows[i].text));
		buf_release(&key);
		buf_release(&text);
	}
	static const char *const none[] = {"",
					   "x",
					   "applications/A-2026-000001",
					   "applications/A-1/documents",
					   "quotas/a/b",
					   "catalogue/x/y"};
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct name n;
		struct fault f = {0};
		assert_int_equal(name_parse_collection(&n, slice_of(none[i]), &f), ERR_INVALID_NAME);
		assert_int_equal(f.code, ERR_INVALID_NAME);
	}
}

static void
keys_sort_by_value_and_stay_below_their_collection(void **state)
{
	(void)state;
	static const char *const order[] = {
		"catalogue/a",
		"catalogue/b",
		"catalogue/a/versions/2",
		"catalogue/a/versions/10",
		"catalogue/ab/versions/1",
		"applications/A-2025-000009",
		"applications/A-2026-999999",
		"applications/A-2026-1000000",
		"applications/A-2027-000001",
	};
	struct buf before = {0}, key = {0};
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		struct name n;
		assert_int_equal(name_parse(&n, slice_of(order[i]), NULL), 0);
		buf_clear(&key);
		assert_int_equal(name_key(&key, &n), 0);
		assert_true(slice_compare(buf_slice(&before), buf_slice(&key)) < 0);
		buf_clear(&before);
		buf_append_slice(&before, buf_slice(&key));
	}
	struct name quota, below;
	assert_int_equal(name_parse_collection(&below, SLICE("quotas/fin"), NULL), 0);
	assert_int_equal(name_parse(&quota, SLICE("quotas/finance/x"), NULL), 0);
	buf_clear(&before);
	buf_clear(&key);
	name_key(&before, &below);
	name_key(&key, &quota);
	assert_false(slice_starts(buf_slice(&key), buf_slice(&before)));
	buf_release(&before);
	buf_release(&key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_go_to_keys_and_back),
		cmocka_unit_test(what_is_no_name_is_refused_with_a_text),
		cmocka_unit_test(collections_are_cut_at_a_variable),
		cmocka_unit_test(keys_sort_by_value_and_stay_below_their_collection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
