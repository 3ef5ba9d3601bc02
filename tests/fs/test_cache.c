/* Answers are kept exactly as long as they hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cache.h"
#include "nodes.h"

#define GET  "/Get"
#define LIST "/List"

struct ends {
	size_t count;
	char last[64];
};

static void
ended(void *ctx, struct answer *a)
{
	struct ends *e = ctx;
	e->count++;
	snprintf(e->last, sizeof(e->last), "%.*s", (int)a->bytes.n, a->bytes.p);
	while (a->nodes)
		node_unkeep(a->nodes);
}

static struct answer *
keep(struct cache *c, const char *method, const char *request, const char *topic, bool names)
{
	struct answer *a = cache_put(c, method, slice_of(request), slice_of(request), 1000);
	assert_non_null(a);
	assert_true(cache_depend(a, slice_of(topic), names));
	return a;
}

static bool
is_kept(struct cache *c, const char *method, const char *request)
{
	const struct answer *a = cache_find(c, method, slice_of(request));
	return a && slice_is(a->bytes, request);
}

static void
an_answer_ends_with_what_it_depends_on(void **state)
{
	struct ends e = {0};
	struct cache *c = cache_new(1 << 20, ended, &e);
	(void)state;
	keep(c, GET, "applications/A-1", "applications/A-1", false);
	keep(c, GET, "applications/A-2", "applications/A-2", false);
	struct answer *why = keep(c, LIST, "applications/A-1", "applications/A-1", false);
	assert_true(cache_depend(why, SLICE("quotas/d/s"), false));
	assert_true(cache_depend(why, SLICE("parameters"), false));
	cache_changed(c, SLICE("applications/A-2"), false);
	assert_int_equal(e.count, 1);
	assert_string_equal(e.last, "applications/A-2");
	assert_false(is_kept(c, GET, "applications/A-2"));
	cache_changed(c, SLICE("applications/A-11"), true);
	cache_changed(c, SLICE("quotas/d"), true);
	cache_changed(c, SLICE("parametersx"), true);
	assert_int_equal(e.count, 1);
	cache_changed(c, SLICE("parameters/urgent.wd"), false);
	assert_int_equal(e.count, 2);
	assert_true(is_kept(c, GET, "applications/A-1"));
	assert_false(is_kept(c, LIST, "applications/A-1"));
	cache_changed(c, SLICE("quotas/d/s"), false); /* nobody's topic any more */
	assert_int_equal(e.count, 2);
	cache_changed(c, SLICE("applications/A-1/documents/plan"), true);
	assert_int_equal(cache_count(c), 0);
	cache_free(c);
}

static void
a_list_of_names_ends_only_when_one_is_made(void **state)
{
	struct ends e = {0};
	struct cache *c = cache_new(1 << 20, ended, &e);
	(void)state;
	keep(c, LIST, "quotas", "quotas", true);
	keep(c, LIST, "quotas open", "quotas", false);
	cache_changed(c, SLICE("quotas/d/s"), false);
	assert_int_equal(e.count, 1);
	assert_true(is_kept(c, LIST, "quotas"));
	assert_false(is_kept(c, LIST, "quotas open"));
	cache_changed(c, SLICE("quotas/d/t"), true);
	assert_false(is_kept(c, LIST, "quotas"));
	cache_free(c);
}

static void
the_least_recently_used_make_room(void **state)
{
	struct ends e = {0};
	struct cache *c = cache_new(4096, ended, &e);
	static const char big[5000];
	char name[16];
	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "x/%d", i);
		keep(c, GET, name, name, false);
		assert_true(is_kept(c, GET, "x/0")); /* used all the time */
		assert_true(cache_bytes(c) <= 4096 + 256);
	}
	assert_true(is_kept(c, GET, "x/99"));
	assert_false(is_kept(c, GET, "x/1"));
	assert_int_equal(cache_count(c) + e.count, 100);
	assert_null(cache_put(c, GET, SLICE("big"), (struct slice){big, sizeof(big)}, 1));
	cache_clear(c);
	assert_int_equal(cache_bytes(c), 0);
	assert_int_equal(e.count, 100);
	cache_free(c);
}

static void
a_newer_answer_takes_the_place_of_the_older(void **state)
{
	struct ends e = {0};
	struct cache *c = cache_new(1 << 20, ended, &e);
	(void)state;
	keep(c, GET, "x", "x", false);
	assert_non_null(cache_put(c, GET, SLICE("x"), SLICE("new"), 5));
	assert_int_equal(e.count, 1);
	assert_true(slice_is(cache_find(c, GET, SLICE("x"))->bytes, "new"));
	cache_changed(c, SLICE("x"), false); /* the new one named no topic yet */
	assert_int_equal(e.count, 1);
	cache_free(c);
	assert_int_equal(e.count, 2);
}

static void
what_was_made_of_an_answer_ends_with_it(void **state)
{
	struct ends e = {0};
	struct cache *c = cache_new(1 << 20, ended, &e);
	struct nodes nodes;
	(void)state;
	assert_int_equal(nodes_init(&nodes, 1), 0);
	struct node *one = nodes_of_path(&nodes, SLICE("x/state")),
		    *two = nodes_of_path(&nodes, SLICE("x/due"));
	struct content *content = content_new(CONTENT_FILE, 0444);
	struct answer *a = keep(c, GET, "x", "x", false);
	node_keep(one, a, content, NULL);
	node_keep(two, a, content, NULL);
	node_keep(one, a, content, NULL); /* again */
	assert_int_equal(content->refs, 3);
	node_unref(&nodes, two); /* the kernel forgot it */
	assert_int_equal(content->refs, 2);
	cache_changed(c, SLICE("x"), false);
	assert_null(one->made_of);
	assert_null(one->content);
	assert_int_equal(content->refs, 1);
	content_unref(content);
	node_unref(&nodes, one);
	nodes_release(&nodes);
	cache_free(c);
}

/* Against a model that remembers everything: what is found always holds. */
static void
whatever_happens_nothing_is_found_that_ended(void **state)
{
	static uint64_t version[8][8], shown[8][8];
	struct ends e = {0};
	struct cache *c = cache_new(2000, ended, &e);
	unsigned seed = 7;
	(void)state;
	for (int i = 0; i < 200000; i++) {
		char name[16], question[32], answer[32];
		unsigned r = (seed = seed * 1664525u + 1013904223u) >> 8, x = r & 7, y = r >> 3 & 7;
		snprintf(name, sizeof(name), "%u/%u", x, y);
		snprintf(question, sizeof(question), "of %u/%u", x, y);
		struct answer *a = cache_find(c, GET, slice_of(question));
		if (r >> 6 & 1) {
			version[x][y]++;
			cache_changed(c, slice_of(name), false);
			continue;
		}
		if (a) {
			assert_int_equal(shown[x][y], version[x][y]);
			snprintf(answer, sizeof(answer), "%llu", (unsigned long long)version[x][y]);
			assert_true(slice_is(a->bytes, answer));
			continue;
		}
		shown[x][y] = version[x][y];
		snprintf(answer, sizeof(answer), "%llu", (unsigned long long)version[x][y]);
		a = cache_put(c, GET, slice_of(question), slice_of(answer), 0);
		assert_non_null(a);
		assert_true(cache_depend(a, slice_of(name), false));
		assert_true(cache_depend(a, SLICE("other"), r >> 7 & 1));
	}
	cache_changed(c, SLICE("other"), true);
	assert_int_equal(cache_count(c), 0);
	cache_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_ends_with_what_it_depends_on),
		cmocka_unit_test(a_list_of_names_ends_only_when_one_is_made),
		cmocka_unit_test(the_least_recently_used_make_room),
		cmocka_unit_test(a_newer_answer_takes_the_place_of_the_older),
		cmocka_unit_test(what_was_made_of_an_answer_ends_with_it),
		cmocka_unit_test(whatever_happens_nothing_is_found_that_ended),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
