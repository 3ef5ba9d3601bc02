/* How calls and connections end: deadlines in every state, resets, drain, patience. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const one_second[] = {"grpc-timeout", "1S", NULL};

static void
expect_deadline(struct pair *p, struct client_call *c)
{
	pair_wait(p, 999);
	assert_false(c->ended);
	pair_wait(p, 1);
	assert_status(c, GRPC_DEADLINE_EXCEEDED);
	assert_int_equal(events(p, c, "closed"), 1);
	assert_int_equal(p->last_stats.status, GRPC_DEADLINE_EXCEEDED);
	assert_int_equal(p->last_stats.duration_ms, 1000);
	assert_null(engine_find(p->engine, c->stream));
	assert_status(pair_unary(p, "/t.T/Unary", SLICE("still here")), GRPC_OK);
}

static void
the_deadline_ends_a_call_without_a_message(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = pair_call(&p, "/t.T/Unary", one_second);
	pair_run(&p);
	assert_int_equal(call_deadline(engine_find(p.engine, c->stream)), p.now + 1000);
	expect_deadline(&p, c);
	pair_close(&p);
}

static void
the_deadline_ends_a_call_within_a_message(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = pair_call(&p, "/t.T/Unary", one_second);
	pair_say_raw(&p, c, SLICE("\0\0\0\0\7abc"));
	pair_run(&p);
	expect_deadline(&p, c);
	pair_close(&p);
}

static void
the_deadline_ends_a_call_whose_handler_works(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = pair_call(&p, "/t.T/Hold", one_second);
	pair_say(&p, c, SLICE("x"));
	pair_end(&p, c);
	pair_run(&p);
	assert_int_equal(events(&p, c, "message"), 1);
	expect_deadline(&p, c);
	pair_close(&p);
}

static void
the_deadline_ends_a_stream_that_has_sent(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = pair_call(&p, "/t.T/Chat", one_second);
	pair_say(&p, c, SLICE("x"));
	pair_run(&p);
	assert_int_equal(reply_count(c), 1);
	expect_deadline(&p, c);
	assert_int_equal(c->head_frames, 2);
	pair_close(&p);
}

static void
the_deadline_ends_a_paused_call(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = pair_call(&p, "/t.T/Pausing", one_second);
	pair_say(&p, c, SLICE("x"));
	pair_say(&p, c, SLICE("y"));
	pair_end(&p, c);
	pair_run(&p);
	expect_deadline(&p, c);
	assert_int_equal(events(&p, c, "message"), 1);
	pair_close(&p);
}

/* Nobody reads: closed comes at the deadline all the same, the reset after its grace. */
static void
the_deadline_ends_a_call_whose_reply_is_stuck(void **state)
{
	(void)state;
	struct pair p;
	struct pair_options o = {.client_window = 100, .client_holds = true};
	pair_open(&p, &o);
	struct client_call *c = pair_call(&p, "/t.T/Unary", one_second);
	char bytes[500] = {0};
	pair_say(&p, c, slice_make(bytes, sizeof(bytes)));
	pair_end(&p, c);
	pair_run(&p);
	assert_int_equal(events(&p, c, "closed"), 0);
	pair_wait(&p, 1000);
	assert_int_equal(events(&p, c, "closed"), 1);
	assert_false(c->closed);
	pair_wait(&p, p.config.limits.abort_grace);
	assert_true(c->closed);
	assert_int_equal(c->close_code, NGHTTP2_CANCEL);
	assert_int_equal(events(&p, c, "closed"), 1);
	pair_close(&p);
}

static void
many_deadlines_pass_in_their_order(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *calls[200];
	for (size_t i = 0; i < 200; i++) {
		char text[16];
		snprintf(text, sizeof(text), "%zum", 1 + i * 37 % 200);
		const char *extra[] = {"grpc-timeout", text, NULL};
		calls[i] = pair_call(&p, "/t.T/Unary", extra);
	}
	pair_run(&p);
	for (size_t i = 0; i < 200; i += 5) /* some go early, out of the middle of the heap */
		pair_reset(&p, calls[i], NGHTTP2_CANCEL);
	pair_run(&p);
	for (size_t ms = 1; ms <= 200; ms++) {
		pair_wait(&p, 1);
		for (size_t i = 0; i < 200; i++)
			if (i % 5)
				assert_int_equal(calls[i]->ended, 1 + i * 37 % 200 <= ms);
	}
	assert_int_equal(engine_open_calls(p.engine), 0);
	pair_close(&p);
}

/* --- cancellation and the end of connections --- */

static void
a_reset_closes_the_call(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = pair_unary(&p, "/t.T/Hold", SLICE("x"));
	pair_reset(&p, c, NGHTTP2_CANCEL);
	pair_run(&p);
	assert_int_equal(events(&p, c, "closed"), 1);
	assert_null(engine_find(p.engine, c->stream));
	assert_int_equal(p.last_stats.status, GRPC_CANCELLED);
	pair_close(&p);
}

static void
a_reset_may_come_while_replies_are_on_their_way(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct pair p;
		struct pair_options o = {.client_window = 200000};
		pair_open(&p, &o);
		p.seed = seed;
		struct client_call *calls[10];
		for (size_t i = 0; i < 10; i++) {
			calls[i] = pair_call(&p, i % 2 ? "/t.T/Download" : "/t.T/Flood", NULL);
			pair_say(&p, calls[i], SLICE("50 5000"));
			pair_end(&p, calls[i]);
		}
		pair_up(&p);
		/* The outbox is full in the middle of some frame when the resets arrive. */
		engine_pull(p.engine, &p.out, p.now);
		for (size_t i = 0; i < 10; i++)
			if (random_next(&seed) & 1)
				pair_reset(&p, calls[i], NGHTTP2_CANCEL);
		pair_up(&p);
		p.now += 5000;
		engine_service(p.engine, p.now);
		while (engine_pull(p.engine, &p.out, p.now))
			;
		pair_close(&p);
	}
}

static void
the_end_of_the_connection_closes_calls_in_every_state(void **state)
{
	(void)state;
	struct pair p;
	struct pair_options o = {.client_window = 5000, .client_holds = true};
	pair_open(&p, &o);
	pair_call(&p, "/t.T/Unary", one_second);
	pair_say_raw(&p, pair_call(&p, "/t.T/Unary", NULL), SLICE("\0\0\0\1\0abc"));
	pair_unary(&p, "/t.T/Hold", SLICE("x"));
	pair_unary(&p, "/t.T/Stream", SLICE("x"));
	pair_unary(&p, "/t.T/Flood", SLICE("x"));
	pair_unary(&p, "/t.T/Download", SLICE("100 1000"));
	struct client_call *paused = pair_call(&p, "/t.T/Pausing", NULL);
	pair_say(&p, paused, SLICE("x"));
	pair_say(&p, paused, SLICE("y"));
	pair_run(&p);
	struct client_call *unsent = pair_call(&p, "/t.T/Unary", NULL);
	pair_say(&p, unsent, SLICE("x"));
	pair_end(&p, unsent);
	pair_up(&p);
	call_resume(engine_find(p.engine, paused->stream));
	pair_close(&p); /* requires closed of each that started */
	assert_int_equal(p.finished_count, 8);
}

static void
a_drain_announces_itself_and_waits_for_calls(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *held = pair_unary(&p, "/t.T/Hold", SLICE("x"));
	engine_drain(p.engine, p.now, 10000);
	assert_int_equal(p.wakes, 1);
	pair_run(&p); /* the client answers the ping, so the last word follows at once */
	assert_int_equal(p.goaways, 2);
	assert_int_equal(p.goaway_last, held->stream);
	assert_int_equal(p.goaway_code, NGHTTP2_NO_ERROR);
	assert_false(engine_done(p.engine));
	call_reply(engine_find(p.engine, held->stream), SLICE("y"));
	pair_run(&p);
	assert_status(held, GRPC_OK);
	assert_true(engine_done(p.engine));
	pair_close(&p);
}

static void
calls_that_crossed_the_announcement_are_served(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	pair_run(&p);
	struct client_call *c = pair_call(&p, "/t.T/Unary", NULL);
	pair_say(&p, c, SLICE("x"));
	pair_end(&p, c);
	engine_drain(p.engine, p.now, 10000);
	assert_int_equal(engine_pull(p.engine, &p.out, p.now), 2 * 17); /* GOAWAY and PING, on the way */
	struct buf announcement = {0};
	for (size_t i = 0; i < p.out.n; i++)
		buf_append_slice(&announcement, p.out.v[i]);
	pair_up(&p);
	nghttp2_session_mem_recv(p.client, (const uint8_t *)announcement.p, announcement.n);
	buf_release(&announcement);
	assert_int_equal(p.goaways, 1);
	assert_int_equal(p.goaway_last, INT32_MAX);
	pair_run(&p);
	assert_status(c, GRPC_OK);
	assert_true(engine_done(p.engine));
	pair_close(&p);
}

static void
a_drain_goes_on_without_the_peers_answer(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	pair_run(&p);
	engine_drain(p.engine, p.now, 10000);
	pair_down(&p);
	assert_false(engine_done(p.engine));
	p.now += p.config.limits.drain_notice;
	engine_service(p.engine, p.now);
	assert_int_equal(engine_pull(p.engine, &p.out, p.now), 17);
	assert_int_equal(p.out.copied[3], NGHTTP2_GOAWAY);
	assert_true(engine_done(p.engine));
	pair_close(&p);
}

static void
after_its_grace_a_drain_ends_calls_as_unavailable(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = pair_unary(&p, "/t.T/Hold", SLICE("x"));
	struct client_call *s = pair_unary(&p, "/t.T/Stream", SLICE("x"));
	engine_drain(p.engine, p.now, 3000);
	pair_wait(&p, 2999);
	assert_false(c->ended);
	pair_wait(&p, 1);
	assert_status(c, GRPC_UNAVAILABLE);
	assert_status(s, GRPC_UNAVAILABLE);
	assert_true(engine_done(p.engine));
	pair_close(&p);
}

static void
a_silent_connection_is_closed(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	assert_int_equal(engine_service(p.engine, p.now), p.now + p.config.limits.preface_timeout);
	assert_int_equal(engine_push(p.engine, SLICE("PRI * HT"), p.now), 0);
	p.now += p.config.limits.preface_timeout;
	engine_service(p.engine, p.now);
	while (engine_pull(p.engine, &p.out, p.now))
		;
	assert_true(engine_done(p.engine));
	pair_close(&p);
}

static void
a_header_block_that_does_not_end_closes_the_connection(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	assert_status(pair_unary(&p, "/t.T/Unary", SLICE("x")), GRPC_OK);
	/* HEADERS of stream 3, ten bytes announced, without END_HEADERS, two of them here */
	assert_int_equal(engine_push(p.engine, SLICE("\0\0\x0a\1\0\0\0\0\3\x83\x86"), p.now), 0);
	p.now += p.config.limits.header_timeout - 1;
	engine_service(p.engine, p.now);
	assert_false(engine_done(p.engine));
	p.now += 1;
	engine_service(p.engine, p.now);
	while (engine_pull(p.engine, &p.out, p.now))
		;
	assert_true(engine_done(p.engine));
	pair_close(&p);
}

static void
few_streams(struct rpc_limits *l)
{
	l->max_concurrent_streams = 3;
	l->max_queued_frames = 50;
}

static void
more_streams_than_allowed_wait_at_the_client(void **state)
{
	(void)state;
	struct pair p;
	struct pair_options o = {.limits = few_streams};
	pair_open(&p, &o);
	pair_run(&p);
	struct client_call *calls[5];
	for (size_t i = 0; i < 5; i++)
		calls[i] = pair_unary(&p, "/t.T/Hold", SLICE("x"));
	assert_int_equal(engine_open_calls(p.engine), 3);
	for (size_t i = 0; i < 5; i++) {
		call_reply(engine_find(p.engine, calls[i]->stream), SLICE("y"));
		pair_run(&p);
		assert_status(calls[i], GRPC_OK);
	}
	pair_close(&p);
}

static void
a_queue_of_frames_that_nobody_takes_ends_the_connection(void **state)
{
	(void)state;
	struct pair p;
	struct pair_options o = {.limits = few_streams};
	pair_open(&p, &o);
	pair_run(&p);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(nghttp2_submit_ping(p.client, 0, NULL), 0);
	pair_up(&p);
	while (engine_pull(p.engine, &p.out, p.now))
		;
	assert_true(engine_done(p.engine));
	pair_close(&p);
}

static void
memory_kept_for_the_next_calls_is_given_back(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	assert_status(pair_unary(&p, "/t.T/Unary", SLICE("x")), GRPC_OK);
	msec next = engine_service(p.engine, p.now);
	assert_int_equal(next, p.now + p.config.limits.idle_trim);
	assert_true(engine_service(p.engine, next) > next + p.config.limits.idle_trim);
	pair_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_deadline_ends_a_call_without_a_message),
		cmocka_unit_test(the_deadline_ends_a_call_within_a_message),
		cmocka_unit_test(the_deadline_ends_a_call_whose_handler_works),
		cmocka_unit_test(the_deadline_ends_a_stream_that_has_sent),
		cmocka_unit_test(the_deadline_ends_a_paused_call),
		cmocka_unit_test(the_deadline_ends_a_call_whose_reply_is_stuck),
		cmocka_unit_test(many_deadlines_pass_in_their_order),
		cmocka_unit_test(a_reset_closes_the_call),
		cmocka_unit_test(a_reset_may_come_while_replies_are_on_their_way),
		cmocka_unit_test(the_end_of_the_connection_closes_calls_in_every_state),
		cmocka_unit_test(a_drain_announces_itself_and_waits_for_calls),
		cmocka_unit_test(calls_that_crossed_the_announcement_are_served),
		cmocka_unit_test(a_drain_goes_on_without_the_peers_answer),
		cmocka_unit_test(after_its_grace_a_drain_ends_calls_as_unavailable),
		cmocka_unit_test(a_silent_connection_is_closed),
		cmocka_unit_test(a_header_block_that_does_not_end_closes_the_connection),
		cmocka_unit_test(more_streams_than_allowed_wait_at_the_client),
		cmocka_unit_test(a_queue_of_frames_that_nobody_takes_ends_the_connection),
		cmocka_unit_test(memory_kept_for_the_next_calls_is_given_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
