/* Connections that are silent, idle or old: pings, drains, and what keeps each from coming. */
#include "support_raw.h"

#include <string.h>

/* --- signs of life --- */

static void
a_silent_peer_is_pinged_and_its_answer_keeps_it(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	raw_headers(&r, 0, "/t.T/Chat", NULL, NULL);
	assert_true(raw_run(&r));
	for (unsigned i = 0; i < 5; i++) {
		wait_until_just_before(&r, limits_of(&r)->keepalive_time);
		assert_int_equal(r.frames[NGHTTP2_PING], i);
		assert_true(raw_wait(&r, 1));
		assert_int_equal(r.frames[NGHTTP2_PING], i + 1);
		assert_int_equal(engine_stats(r.pair.engine)->pings_sent, i + 1);
		assert_true(raw_wait(&r, limits_of(&r)->keepalive_timeout - 1));
		raw_frame(&r, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, slice_make(r.ping, 8));
		assert_true(raw_run(&r));
	}
	raw_good_call(&r);
	raw_close(&r);
}

static void
a_dead_peer_is_given_up_and_its_calls_are_told(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	raw_headers(&r, 0, "/t.T/Chat", NULL, NULL);
	assert_true(raw_run(&r));
	assert_true(raw_wait(&r, limits_of(&r)->keepalive_time));
	assert_true(raw_wait(&r, limits_of(&r)->keepalive_timeout - 1));
	assert_false(raw_wait(&r, 1));
	assert_ended(&r, NGHTTP2_NO_ERROR, "keepalive_timeout");
	raw_close(&r); /* requires closed of the call */
}

/* --- idle and old connections --- */

static void
answer_drain(struct raw *r)
{
	assert_int_equal(r->goaways, 1);
	assert_int_equal(r->goaway_code, NGHTTP2_NO_ERROR);
	assert_int_equal(r->goaway_last, INT32_MAX);
	assert_int_equal(r->frames[NGHTTP2_PING], 1);
	raw_frame(r, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, slice_make(r->ping, 8));
}

static void
an_idle_connection_is_drained(void **state)
{
	(void)state;
	for (unsigned used = 0; used < 2; used++) {
		struct raw r;
		raw_open(&r, NULL);
		if (used) {
			assert_true(raw_wait(&r, 60000));
			raw_good_call(&r);
		}
		wait_until_just_before(&r, limits_of(&r)->max_connection_idle);
		assert_true(raw_wait(&r, 1));
		answer_drain(&r);
		assert_false(raw_run(&r));
		assert_int_equal(r.goaways, 2);
		assert_int_equal(r.goaway_last, used ? 1 : 0);
		raw_close(&r);
	}
}

/* A call that was on its way when the idle connection said goodbye. */
static void
a_call_that_crosses_an_idle_drain_is_served(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	assert_true(raw_wait(&r, limits_of(&r)->max_connection_idle));
	raw_good_call(&r);
	answer_drain(&r);
	assert_false(raw_run(&r));
	raw_close(&r);
}

static void
a_connection_with_a_call_is_not_idle(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	raw_headers(&r, 0, "/t.T/Chat", NULL, NULL);
	assert_true(raw_wait(&r, 5 * limits_of(&r)->max_connection_idle));
	assert_int_equal(r.goaways, 0);
	raw_close(&r);
}

/* Pings do not make a connection busy. */
static void
pings_do_not_keep_an_idle_connection(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	raw_ping(&r);
	assert_true(raw_wait(&r, limits_of(&r)->max_connection_idle - 1));
	raw_ping(&r);
	assert_true(raw_wait(&r, 1));
	assert_int_equal(r.goaways, 1);
	raw_close(&r);
}

static void
short_age(struct rpc_limits *l)
{
	l->max_connection_age = 100000;
	l->max_connection_age_grace = 5000;
	l->max_connection_idle = 1000000;
}

/* When the connection with this id begins to drain. */
static msec
age_of(uint64_t id)
{
	struct raw r;
	raw_open_silent(&r, short_age);
	struct pair *p = &r.pair;
	engine_free(p->engine);
	struct call_peer peer = {0};
	assert_int_equal(engine_new(&p->engine, &p->config, &peer, id, p->now, NULL, NULL), 0);
	raw_say(&r, SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
	raw_frame(&r, NGHTTP2_SETTINGS, 0, 0, NOTHING);
	raw_frame(&r, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, NOTHING);
	assert_true(raw_run(&r));
	msec next = engine_service(p->engine, p->now), age = next - p->now;
	p->now = next - 1;
	raw_run(&r);
	assert_int_equal(r.goaways, 0);
	raw_wait(&r, 1);
	answer_drain(&r);
	raw_close(&r);
	return age;
}

static void
connections_grow_old_at_different_times(void **state)
{
	(void)state;
	msec least = INT64_MAX, most = 0;
	for (uint64_t id = 1; id <= 200; id++) {
		msec age = age_of(id);
		assert_int_equal(age_of(id), age); /* its own number decides */
		assert_in_range(age, 90000, 110000);
		least = age < least ? age : least;
		most = age > most ? age : most;
	}
	assert_true(least < 92000 && most > 108000);
}

static void
an_old_connection_ends_its_calls_after_the_grace(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, short_age);
	raw_headers(&r, 0, "/t.T/Chat", NULL, NULL);
	assert_true(raw_run(&r));
	while (r.goaways == 0)
		assert_true(raw_wait(&r, 1000));
	answer_drain(&r);
	assert_true(raw_run(&r));
	assert_int_equal(r.goaways, 2);
	assert_true(raw_wait(&r, limits_of(&r)->max_connection_age_grace - 1001));
	assert_int_equal(engine_open_calls(r.pair.engine), 1);
	raw_wait(&r, 1001);
	assert_int_equal(r.statuses[GRPC_UNAVAILABLE], 1);
	assert_true(engine_done(r.pair.engine));
	raw_close(&r);
}

/* SIGTERM finds a connection that drains for its age already. */
static void
a_shutdown_hastens_a_drain(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	raw_headers(&r, 0, "/t.T/Chat", NULL, NULL);
	assert_true(raw_run(&r));
	engine_drain(r.pair.engine, r.pair.now, 600000);
	assert_true(raw_run(&r));
	answer_drain(&r);
	assert_true(raw_run(&r));
	engine_drain(r.pair.engine, r.pair.now, 2000);
	engine_drain(r.pair.engine, r.pair.now, 900000); /* cannot lengthen it */
	assert_true(raw_wait(&r, 1999));
	assert_int_equal(r.statuses[GRPC_UNAVAILABLE], 0);
	raw_wait(&r, 1);
	assert_int_equal(r.statuses[GRPC_UNAVAILABLE], 1);
	assert_int_equal(r.goaways, 2);
	raw_close(&r);
}

/* A keepalive's answer that is still on its way is not the drain's round trip. */
static void
only_its_own_ping_tells_a_drain_that_the_peer_knows(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	raw_headers(&r, 0, "/t.T/Chat", NULL, NULL);
	assert_true(raw_run(&r));
	assert_true(raw_wait(&r, limits_of(&r)->keepalive_time));
	uint8_t alive[8];
	memcpy(alive, r.ping, 8);
	engine_drain(r.pair.engine, r.pair.now, 10000);
	assert_true(raw_run(&r));
	raw_frame(&r, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, slice_make(alive, 8));
	assert_true(raw_run(&r));
	assert_int_equal(r.goaways, 1);
	raw_frame(&r, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, slice_make(r.ping, 8));
	assert_true(raw_run(&r));
	assert_int_equal(r.goaways, 2);
	raw_close(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_silent_peer_is_pinged_and_its_answer_keeps_it),
		cmocka_unit_test(a_dead_peer_is_given_up_and_its_calls_are_told),
		cmocka_unit_test(an_idle_connection_is_drained),
		cmocka_unit_test(a_call_that_crosses_an_idle_drain_is_served),
		cmocka_unit_test(a_connection_with_a_call_is_not_idle),
		cmocka_unit_test(pings_do_not_keep_an_idle_connection),
		cmocka_unit_test(connections_grow_old_at_different_times),
		cmocka_unit_test(an_old_connection_ends_its_calls_after_the_grace),
		cmocka_unit_test(a_shutdown_hastens_a_drain),
		cmocka_unit_test(only_its_own_ping_tells_a_drain_that_the_peer_knows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
