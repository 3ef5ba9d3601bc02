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

#include "store/engine.h"
#include "store/store.h"
#include "wire.h"
#include "zwy/v1/application.pb.h"
#include "zwy/v1/common.pb.h"

/* Enough for every test, and small enough for several stores under a sanitizer. */
#define TEST_MAP_SIZE ((size_t)1 << 30)
#define NOW           INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

struct fixture {
	char dir[256];
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
	const char *tmp = getenv("TMPDIR");
	snprintf(x->dir, sizeof(x->dir), "%s/zwy-store-XXXXXX", tmp ? tmp : "/tmp");
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
	char command[300];
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
	unsigned numbers;   /* ids of 2026 to take before */
	enum kind numbered; /* in which collection; 0: applications */
	int refuse;         /* instead of the change */
};

static inline int
put_decide(struct command *c, struct txn *t)
{
	struct put_command *p = (struct put_command *)c;
	struct name collection = {.kind = kind_by_number(p->numbered ? p->numbered : KIND_APPLICATION)};
	uint64_t number;
	for (unsigned i = 0; i < p->numbers; i++) {
		int rc = txn_next_number(t, &collection, 2026, &number);
		if (rc != 0)
			return rc;
	}
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

/* Takes ids for applications that a test names itself, as the check expects. */
static inline void
give_out_numbers(struct fixture *x, unsigned n)
{
	struct put_command *c = command_new(x);
	c->numbers = n;
	command_put(x, c, "systems/numbers", "", "", SLICE(""));
	assert_int_equal(store_execute(x->store, &c->command), 0);
}

/* An application as far as indexes and clocks read it. */
struct application {
	const char *state, *system, *department, *node;
	bool open;
	msec due; /* of the clock `provision`; 0: no clock */
	bool stopped, overdue;
};

static inline void
append_clock(struct buf *b, const struct application *a)
{
	struct buf clock = {0};
	wire_put_string(&clock, zwy_v1_Clock_term_tag, SLICE("provision"));
	wire_put_time(&clock, zwy_v1_Clock_due_time_tag, a->due);
	wire_put_time(&clock, zwy_v1_Clock_stop_time_tag, a->stopped ? NOW : 0);
	wire_put_uint(&clock, zwy_v1_Clock_overdue_tag, a->overdue);
	wire_put_bytes(b, zwy_v1_Application_clocks_tag, buf_slice(&clock));
	buf_release(&clock);
}

static inline void
command_put_application(struct fixture *x, struct put_command *c, const char *name,
			const struct application *a)
{
	struct buf b = {0};
	wire_put_string(&b, zwy_v1_Application_state_tag, slice_of(a->state));
	wire_put_uint(&b, zwy_v1_Application_kind_tag, zwy_v1_APPLICATION_KIND_REGULAR);
	wire_put_string(&b, zwy_v1_Application_system_tag, slice_of(a->system));
	wire_put_string(&b, zwy_v1_Application_department_tag, slice_of(a->department));
	wire_put_string(&b, zwy_v1_Application_node_tag, slice_of(a->node));
	if (a->due)
		append_clock(&b, a);
	wire_put_uint(&b, zwy_v1_Application_open_tag, a->open);
	wire_put_string(&b, zwy_v1_Application_month_tag, SLICE("2026-01"));
	command_put(x, c, name, a->department, a->node, buf_slice(&b));
	buf_release(&b);
}

static inline uint64_t
put_application(struct fixture *x, const char *name, const struct application *a)
{
	struct put_command *c = command_new(x);
	command_put_application(x, c, name, a);
	if (store_execute(x->store, &c->command) != 0)
		fail_msg("%s", c->command.fault.text);
	return c->command.revision;
}

/* Changes rows behind the store's back, which must be closed. */
static inline void
plant(struct fixture *x, enum table table, struct slice key, const struct slice *value)
{
	struct engine *e;
	struct view *v;
	struct fault f = {0};
	if (engine_open(&e, x->dir, &(struct engine_options){.map_size = TEST_MAP_SIZE}, &f) != 0)
		fail_msg("%s", f.text);
	assert_int_equal(engine_begin(&v, e), 0);
	if (value)
		assert_int_equal(view_put(v, table, key, *value, false), 0);
	else
		assert_int_equal(view_delete(v, table, key), 0);
	assert_int_equal(view_commit(v), 0);
	engine_close(e);
}

/* What store_check said. */
struct checked {
	struct check_report report;
	char first[1024];
	int code;
};

static inline void
note_problem(void *ctx, const char *text)
{
	struct checked *c = ctx;
	if (!c->first[0])
		snprintf(c->first, sizeof(c->first), "%s", text);
	if (getenv("ZWY_VERBOSE"))
		print_message("# %s\n", text);
}

static inline void
check_store(struct fixture *x, struct checked *ret)
{
	struct fault f = {0};
	*ret = (struct checked){0};
	ret->report.problem = note_problem;
	ret->report.ctx = ret;
	ret->code = store_check(x->dir, &ret->report, &f);
	if (ret->code != 0)
		print_message("# %s\n", f.text);
}

static inline void
assert_clean(struct fixture *x)
{
	struct checked c;
	check_store(x, &c);
	assert_int_equal(c.code, 0);
	if (c.report.problems)
		fail_msg("%llu problems: %s", (unsigned long long)c.report.problems, c.first);
}

#endif
