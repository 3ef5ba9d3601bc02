/* Health as a state: who is told what, once, and what a watcher that does not read costs. */
#include "../rpc/support.h"

#include "grpc/services.h"
#include "wire.h"

#define CHECK "/grpc.health.v1.Health/Check"
#define WATCH "/grpc.health.v1.Health/Watch"

struct fixture {
	struct pair pair;
	struct health *health;
	struct rpc_method rows[GRPC_SERVICES_ROUTES];
};

static void
open_with(struct fixture *t, const struct pair_options *o)
{
	pair_open(&t->pair, o);
	t->health = health_new();
	assert_non_null(t->health);
	struct grpc_services s = {.health = t->health};
	assert_int_equal(grpc_services_routes(&s, t->rows, 0, &t->pair.config.method_count), 0);
	t->pair.config.methods = t->rows;
}

static void
close_all(struct fixture *t)
{
	pair_close(&t->pair);
	health_free(t->health);
}

static struct client_call *
ask(struct fixture *t, const char *path, const char *service)
{
	struct buf request = {0};
	wire_put_string(&request, 1, slice_of(service));
	struct client_call *c = pair_unary(&t->pair, path, buf_slice(&request));
	buf_release(&request);
	return c;
}

static enum health_status
told(struct client_call *c, size_t n)
{
	assert_true(n < reply_count(c));
	return (enum health_status)wire_uint(reply_message(c, n), 1);
}

static void
set(struct fixture *t, const char *service, enum health_status status)
{
	assert_int_equal(health_set(t->health, service, status), 0);
	pair_run(&t->pair);
}

static void
check_knows_what_was_set_and_nothing_else(void **state)
{
	(void)state;
	struct fixture t;
	open_with(&t, NULL);
	assert_int_equal(told(ask(&t, CHECK, ""), 0), HEALTH_NOT_SERVING);
	assert_status(ask(&t, CHECK, "a.A"), GRPC_NOT_FOUND);
	set(&t, "a.A", HEALTH_SERVING);
	assert_int_equal(told(ask(&t, CHECK, "a.A"), 0), HEALTH_SERVING);
	assert_int_equal(told(ask(&t, CHECK, ""), 0), HEALTH_NOT_SERVING);
	assert_status(ask(&t, CHECK, "a"), GRPC_NOT_FOUND);
	set(&t, "a.A", HEALTH_UNKNOWN);
	assert_int_equal(told(ask(&t, CHECK, "a.A"), 0), HEALTH_UNKNOWN);
	assert_int_equal(told(ask(&t, CHECK, "grpc.health.v1.Health"), 0), HEALTH_NOT_SERVING);
	health_set_all(t.health, HEALTH_SERVING);
	assert_int_equal(told(ask(&t, CHECK, "a.A"), 0), HEALTH_SERVING);
	close_all(&t);
}

static void
a_watcher_is_told_each_change_once(void **state)
{
	(void)state;
	struct fixture t;
	open_with(&t, NULL);
	struct client_call *a = ask(&t, WATCH, "a.A"), *b = ask(&t, WATCH, "b.B"), *all = ask(&t, WATCH, "");
	assert_int_equal(told(a, 0), HEALTH_SERVICE_UNKNOWN);
	set(&t, "a.A", HEALTH_SERVING);
	set(&t, "a.A", HEALTH_SERVING);
	set(&t, "b.B", HEALTH_NOT_SERVING);
	set(&t, "a.A", HEALTH_NOT_SERVING);
	assert_int_equal(reply_count(a), 3);
	assert_int_equal(told(a, 1), HEALTH_SERVING);
	assert_int_equal(told(a, 2), HEALTH_NOT_SERVING);
	assert_int_equal(reply_count(b), 2);
	assert_int_equal(told(b, 1), HEALTH_NOT_SERVING);
	assert_int_equal(reply_count(all), 1);
	assert_false(a->ended || b->ended || all->ended);
	pair_reset(&t.pair, a, NGHTTP2_CANCEL);
	pair_run(&t.pair);
	set(&t, "a.A", HEALTH_SERVING);
	set(&t, "b.B", HEALTH_SERVING);
	assert_int_equal(reply_count(a), 3);
	assert_int_equal(reply_count(b), 3);
	close_all(&t);
}

static void
a_watcher_that_does_not_read_holds_little_and_learns_the_newest(void **state)
{
	(void)state;
	struct fixture t;
	struct pair_options o = {.client_window = 70, .client_holds = true};
	open_with(&t, &o);
	set(&t, "a.A", HEALTH_SERVING);
	struct client_call *slow = ask(&t, WATCH, "a.A");
	for (unsigned i = 0; i < 200000; i++)
		health_set(t.health, "a.A", i % 2 ? HEALTH_SERVING : HEALTH_NOT_SERVING);
	set(&t, "a.A", HEALTH_UNKNOWN);
	uint64_t queued = engine_stats(t.pair.engine)->messages_out;
	assert_in_range(queued, 1, (uint64_t)t.pair.config.limits.send_queue_high);
	for (size_t taken = 0; taken < slow->body.n; pair_run(&t.pair)) {
		size_t n = slow->body.n - taken;
		pair_take(&t.pair, slow, n);
		taken += n;
	}
	assert_int_equal(reply_count(slow), queued + 1);
	assert_int_equal(told(slow, queued), HEALTH_UNKNOWN);
	assert_false(slow->ended);
	close_all(&t);
}

static void
shutdown_is_told_and_is_for_good(void **state)
{
	(void)state;
	struct fixture t;
	open_with(&t, NULL);
	health_set_all(t.health, HEALTH_SERVING);
	struct client_call *all = ask(&t, WATCH, ""), *unknown = ask(&t, WATCH, "no.No");
	health_shutdown(t.health);
	health_shutdown(t.health);
	pair_run(&t.pair);
	assert_status(all, GRPC_UNAVAILABLE);
	assert_int_equal(reply_count(all), 2);
	assert_int_equal(told(all, 1), HEALTH_NOT_SERVING);
	assert_status(unknown, GRPC_UNAVAILABLE);
	assert_int_equal(reply_count(unknown), 1);
	health_set_all(t.health, HEALTH_SERVING);
	set(&t, "", HEALTH_SERVING);
	assert_int_equal(told(ask(&t, CHECK, ""), 0), HEALTH_NOT_SERVING);
	struct client_call *late = ask(&t, WATCH, "");
	assert_status(late, GRPC_UNAVAILABLE);
	assert_int_equal(told(late, 0), HEALTH_NOT_SERVING);
	close_all(&t);
}

static void
a_drain_does_not_wait_for_watchers(void **state)
{
	(void)state;
	struct fixture t;
	open_with(&t, NULL);
	struct client_call *watching = ask(&t, WATCH, "");
	health_shutdown(t.health);
	engine_drain(t.pair.engine, t.pair.now, 3600000);
	pair_run(&t.pair);
	assert_status(watching, GRPC_UNAVAILABLE);
	pair_wait(&t.pair, t.pair.config.limits.drain_notice);
	assert_int_equal(engine_open_calls(t.pair.engine), 0);
	assert_true(engine_done(t.pair.engine));
	close_all(&t);
}

static void
names_have_a_longest_length(void **state)
{
	(void)state;
	struct fixture t;
	char name[HEALTH_NAME_MAX + 2];
	open_with(&t, NULL);
	memset(name, 'n', sizeof(name));
	name[HEALTH_NAME_MAX + 1] = '\0';
	assert_int_equal(health_set(t.health, name, HEALTH_SERVING), ERR_INVALID_ARGUMENT);
	struct client_call *too_long = ask(&t, WATCH, name);
	assert_status(ask(&t, CHECK, name), GRPC_NOT_FOUND);
	name[HEALTH_NAME_MAX] = '\0';
	struct client_call *longest = ask(&t, WATCH, name);
	set(&t, name, HEALTH_SERVING);
	assert_int_equal(told(ask(&t, CHECK, name), 0), HEALTH_SERVING);
	assert_int_equal(told(longest, 1), HEALTH_SERVING);
	assert_int_equal(reply_count(too_long), 1);
	close_all(&t);
}

static void
the_page_names_what_does_not_serve(void **state)
{
	(void)state;
	struct health *h = health_new();
	struct buf body = {0};
	assert_int_equal(health_set(h, "a.A", HEALTH_SERVING), 0);
	assert_int_equal(health_set(h, "b.B", HEALTH_SERVING), 0);
	assert_int_equal(health_page(h, &body), 503);
	health_set_all(h, HEALTH_SERVING);
	buf_clear(&body);
	assert_int_equal(health_page(h, &body), 200);
	assert_true(slice_is(buf_slice(&body), "serving\n"));
	health_set(h, "b.B", HEALTH_NOT_SERVING);
	buf_clear(&body);
	assert_int_equal(health_page(h, &body), 503);
	assert_true(slice_is(buf_slice(&body), "not serving: b.B\n"));
	buf_release(&body);
	health_free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_knows_what_was_set_and_nothing_else),
		cmocka_unit_test(a_watcher_is_told_each_change_once),
		cmocka_unit_test(a_watcher_that_does_not_read_holds_little_and_learns_the_newest),
		cmocka_unit_test(shutdown_is_told_and_is_for_good),
		cmocka_unit_test(a_drain_does_not_wait_for_watchers),
		cmocka_unit_test(names_have_a_longest_length),
		cmocka_unit_test(the_page_names_what_does_not_serve),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
