/* Flow control both ways, deadlines in every state, cancellation, drain, timeouts. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Pitfall: trailers submitted while data is held back would cut it off, with status OK. */
static void
a_large_reply_passes_a_small_window_whole(void **state)
{
	(void)state;
	static const uint32_t windows[] = {1, 100, 65535, 4194303};
	for (size_t i = 0; i < 4; i++) {
		struct pair p;
		struct pair_options o = {.client_window = windows[i]};
		pair_open(&p, &o);
		size_t n = i == 0 ? 3000 : 1 << 20;
		char *bytes = malloc(n);
		for (size_t k = 0; k < n; k++)
			bytes[k] = (char)(k * 31 >> 3);
		struct client_call *c = pair_unary(&p, "/t.T/Unary", slice_make(bytes, n));
		assert_status(c, GRPC_OK);
		assert_int_equal(reply_message(c, 0).n, n);
		assert_memory_equal(reply_message(c, 0).p, bytes, n);
		free(bytes);
		pair_close(&p);
	}
}

static void
trailers_wait_for_data_that_the_window_holds_back(void **state)
{
	(void)state;
	struct pair p;
	struct pair_options o = {.client_window = 1000, .client_holds = true};
	pair_open(&p, &o);
	char bytes[5000] = {1};
	struct client_call *c = pair_unary(&p, "/t.T/Unary", slice_make(bytes, sizeof(bytes)));
	assert_int_equal(c->body.n, 1000);
	assert_false(c->ended);
	assert_int_equal(c->grpc_status, -1);
	while (!c->ended) {
		pair_take(&p, c, 1000);
		pair_run(&p);
	}
	assert_status(c, GRPC_OK);
	assert_int_equal(reply_message(c, 0).n, sizeof(bytes));
	pair_close(&p);
}

static void
a_handler_is_told_to_wait_and_when_to_go_on(void **state)
{
	(void)state;
	struct pair p;
	struct pair_options o = {.client_window = 20000, .client_holds = true};
	pair_open(&p, &o);
	struct client_call *c = pair_unary(&p, "/t.T/Download", SLICE("1000 1000"));
	size_t taken = 0;
	unsigned rounds = 0;
	while (!c->ended) {
		assert_true(c->body.n > taken);
		/* No more is waiting than the high mark and one message. */
		assert_true(reply_count(c) < 1000 || c->body.n == 1005000);
		pair_take(&p, c, c->body.n - taken);
		taken = c->body.n;
		pair_run(&p);
		rounds++;
	}
	assert_true(rounds > 10);
	assert_status(c, GRPC_OK);
	assert_int_equal(reply_count(c), 1000);
	assert_true(events(&p, c, "writable") > 3);
	pair_close(&p);
}

static void
a_handler_that_does_not_wait_is_ended(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = pair_unary(&p, "/t.T/Flood", SLICE("x"));
	assert_status(c, GRPC_RESOURCE_EXHAUSTED);
	assert_int_equal(reply_count(c), 0); /* none was begun */
	assert_int_equal(events(&p, c, "closed"), 1);
	assert_int_equal(p.last_stats.code, ERR_OVERLOADED);
	pair_close(&p);
}

/* A stream of which one message is partly sent, ended by its own flood. */
static struct client_call *
flood_begun_stream(struct pair *p)
{
	static const char zeroes[20000];
	struct client_call *c = pair_unary(p, "/t.T/Stream", SLICE("x"));
	struct call *call = engine_find(p->engine, c->stream);
	call_send(call, slice_make(zeroes, 3000));
	pair_run(p);
	assert_int_equal(c->body.n, 1000);
	while (call_send(call, slice_make(zeroes, sizeof(zeroes))) >= 0)
		;
	pair_run(p);
	assert_false(c->closed);
	return c;
}

static void
a_message_that_was_begun_is_sent_whole(void **state)
{
	(void)state;
	struct pair p;
	struct pair_options o = {.client_window = 1000, .client_holds = true};
	pair_open(&p, &o);
	struct client_call *c = flood_begun_stream(&p);
	while (!c->closed) {
		pair_take(&p, c, 1000);
		pair_run(&p);
	}
	assert_status(c, GRPC_RESOURCE_EXHAUSTED);
	assert_int_equal(c->body.n, 3005);
	pair_close(&p);
}

static void
an_ended_stream_that_cannot_send_is_reset_after_its_grace(void **state)
{
	(void)state;
	struct pair p;
	struct pair_options o = {.client_window = 1000, .client_holds = true};
	pair_open(&p, &o);
	struct client_call *c = flood_begun_stream(&p);
	pair_wait(&p, p.config.limits.abort_grace);
	assert_true(c->closed);
	assert_int_equal(c->close_code, NGHTTP2_CANCEL);
	assert_int_equal(events(&p, c, "closed"), 1);
	assert_int_equal(engine_open_calls(p.engine), 0);
	pair_close(&p);
}

static void
a_paused_call_shuts_its_senders_window(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = pair_call(&p, "/t.T/Pausing", NULL);
	char *bytes = calloc(1, 10000);
	for (unsigned i = 0; i < 100; i++)
		pair_say(&p, c, slice_make(bytes, 10000));
	pair_end(&p, c);
	pair_run(&p);
	assert_int_equal(events(&p, c, "message"), 1);
	size_t left = c->request.n;
	assert_true(left >= 1000500 - (size_t)p.config.limits.stream_window - 20000);
	unsigned resumed = 0;
	struct call *call;
	while (!c->ended && (call = engine_find(p.engine, c->stream))) {
		unsigned wakes = p.wakes;
		call_resume(call);
		assert_int_equal(p.wakes, wakes + 1);
		pair_run(&p);
		resumed++;
	}
	assert_status(c, GRPC_OK);
	assert_int_equal(events(&p, c, "message"), 100);
	assert_int_equal(events(&p, c, "half_close"), 1);
	assert_int_equal(resumed, 100);
	assert_true(slice_is(reply_message(c, 0), "1000000"));
	free(bytes);
	pair_close(&p);
}

static void
paused_calls_that_end_give_the_connection_its_window_back(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	char *bytes = calloc(1, 300000);
	for (unsigned i = 0; i < 20; i++) {
		struct client_call *c = pair_call(&p, "/t.T/Pausing", NULL);
		pair_say(&p, c, SLICE("first"));
		pair_say(&p, c, slice_make(bytes, 200000));
		pair_run(&p);
		if (i % 2) {
			pair_reset(&p, c, NGHTTP2_CANCEL);
		} else {
			struct fault f = {0};
			fault_set(&f, ERR_WRONG_STATE, "enough");
			call_finish(engine_find(p.engine, c->stream), &f);
		}
		pair_run(&p);
		assert_true(c->closed);
	}
	assert_status(pair_unary(&p, "/t.T/Unary", slice_make(bytes, 300000)), GRPC_OK);
	free(bytes);
	pair_close(&p);
}

static void
unary_replies_overtake_a_download(void **state)
{
	(void)state;
	struct pair p;
	struct pair_options o = {.client_window = 1 << 20};
	pair_open(&p, &o);
	struct client_call *slow = pair_call(&p, "/t.T/Download", NULL);
	pair_say(&p, slow, SLICE("60 1000"));
	pair_end(&p, slow);
	pair_up(&p);
	struct client_call *quick = pair_call(&p, "/t.T/Unary", NULL);
	pair_say(&p, quick, SLICE("x"));
	pair_end(&p, quick);
	pair_up(&p);
	assert_true(engine_pull(p.engine, &p.out, p.now) > 0);
	/* Of the first pull: the quick one's DATA comes before any of the slow one's. */
	int32_t first = 0;
	struct buf all = {0};
	for (size_t i = 0; i < p.out.n; i++)
		buf_append_slice(&all, p.out.v[i]);
	for (size_t at = 0; at + 9 <= all.n && !first;) {
		size_t length = get_u32be(all.p + at) >> 8;
		if (all.p[at + 3] == NGHTTP2_DATA)
			first = (int32_t)get_u32be(all.p + at + 5);
		at += 9 + length;
	}
	assert_int_equal(first, quick->stream);
	buf_release(&all);
	pair_close(&p);
}

/* --- deadlines --- */

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
	assert_int_equal(engine_service(p.engine, next), INT64_MAX);
	pair_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_large_reply_passes_a_small_window_whole),
		cmocka_unit_test(trailers_wait_for_data_that_the_window_holds_back),
		cmocka_unit_test(a_handler_is_told_to_wait_and_when_to_go_on),
		cmocka_unit_test(a_handler_that_does_not_wait_is_ended),
		cmocka_unit_test(a_message_that_was_begun_is_sent_whole),
		cmocka_unit_test(an_ended_stream_that_cannot_send_is_reset_after_its_grace),
		cmocka_unit_test(a_paused_call_shuts_its_senders_window),
		cmocka_unit_test(paused_calls_that_end_give_the_connection_its_window_back),
		cmocka_unit_test(unary_replies_overtake_a_download),
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
