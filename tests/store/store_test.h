/* What the store's tests share: a directory of their own, and short ways to put
 * records and events. */
#ifndef ZWY_TESTS_STORE_TEST_H
#define ZWY_TESTS_STORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store.h"
#include "wire.h"

/* Enough for every test, and small enough for several stores under a sanitizer. */
#define TEST_MAP_SIZE ((size_t)1 << 30)
#define NOW           INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

struct fixture {
	char dir[64];
	struct store *store;
	struct arena arena;
};

static inline struct store_options
test_options(void)
{
	return (struct store_options){.map_size = TEST_MAP_SIZE};
}

static inline void
fixture_open(struct fixture *x)
{
	struct fault f = {0};
	struct store_options o = test_options();
	if (store_open(&x->store, x->dir, &o, &f) != 0)
		fail_msg("%s", f.text);
}

static inline void
fixture_close(struct fixture *x)
{
	store_close(x->store);
	x->store = NULL;
}

static inline int
fixture_setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));
	struct fault f = {0};
	strcpy(x->dir, "/tmp/zwy-store-XXXXXX");
	assert_non_null(mkdtemp(x->dir));
	if (store_create(x->dir, &f) != 0)
		fail_msg("%s", f.text);
	fixture_open(x);
	*state = x;
	return 0;
}

static inline void
remove_tree(const char *dir)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	assert_int_equal(system(command), 0);
}

static inline int
fixture_teardown(void **state)
{
	struct fixture *x = *state;
	fixture_close(x);
	arena_release(&x->arena);
	remove_tree(x->dir);
	free(x);
	return 0;
}

static inline struct name
parse_name(const char *text)
{
	struct name n;
	struct fault f = {0};
	if (name_parse(&n, slice_of(text), &f) != 0)
		fail_msg("%s", f.text);
	return n;
}

static inline struct name
parse_collection(const char *text)
{
	struct name n;
	struct fault f = {0};
	if (name_parse_collection(&n, slice_of(text), &f) != 0)
		fail_msg("%s", f.text);
	return n;
}

/* A command made of a fixed change. */
struct put_command {
	struct command command; /* first: decide() finds the rest by it */
	struct change change;
	int refuse; /* after all puts would have been made: returns this instead */
};

static inline int
put_decide(struct command *c, struct txn *t)
{
	struct put_command *p = (struct put_command *)c;
	return p->refuse ? p->refuse : txn_apply(t, &p->change, NULL);
}

static inline struct put_command *
command_new(struct fixture *x)
{
	struct put_command *p = arena_alloc(&x->arena, sizeof(*p));
	p->command.decide = put_decide;
	p->change.now = NOW;
	return p;
}

/* Adds a record and its event; body: fields from 5 on. */
static inline void
command_put(struct fixture *x, struct put_command *c, const char *name, const char *department,
	    const char *node, struct slice body)
{
	struct put *put = arena_alloc(&x->arena, sizeof(*put));
	struct event *event = arena_alloc(&x->arena, sizeof(*event));
	char *text = arena_strdup(&x->arena, name);
	*put = (struct put){.name = parse_name(text),
			    .department = slice_of(department),
			    .node = slice_of(node),
			    .body = arena_copy(&x->arena, body)};
	*event = (struct event){.name = slice_of(text),
				.department = slice_of(department),
				.node = slice_of(node),
				.kind = SLICE("create"),
				.actor = SLICE("principals/tester")};
	struct put **p = &c->change.puts;
	while (*p)
		p = &(*p)->next;
	*p = put;
	struct event **e = &c->change.events;
	while (*e)
		e = &(*e)->next;
	*e = event;
}

/* One record in a command of its own; fails the test if that fails. */
static inline uint64_t
put_record(struct fixture *x, const char *name, const char *department, const char *node, struct slice body)
{
	struct put_command *c = command_new(x);
	command_put(x, c, name, department, node, body);
	if (store_execute(x->store, &c->command) != 0)
		fail_msg("%s", c->command.fault.text);
	return c->command.revision;
}

#endif
