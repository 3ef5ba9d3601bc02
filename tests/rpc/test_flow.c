/* Flow control, both ways. */
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
		/* No more is made than the window, the high mark and one message. */
		size_t made = engine_stats(p.engine)->messages_out * 1005;
		assert_true(made <= c->body.n + (size_t)p.config.limits.send_queue_high + 1005);
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
padding_counts_towards_windows_and_is_given_back(void **state)
{
	(void)state;
	struct pair p;
	struct pair_options o = {.padding = true};
	pair_open(&p, &o);
	struct client_call *c = pair_call(&p, "/t.T/Upload", NULL);
	char bytes[100] = {0};
	for (unsigned i = 0; i < 20000; i++) { /* as much padding as messages: two connection windows each */
		pair_say(&p, c, slice_make(bytes, sizeof(bytes)));
		if (i % 4 == 0)
			pair_up(&p);
		if (i % 64 == 0)
			pair_run(&p);
	}
	pair_end(&p, c);
	pair_run(&p);
	assert_status(c, GRPC_OK);
	assert_true(slice_is(reply_message(c, 0), "2000000"));
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

static void
many_calls(struct rpc_limits *l)
{
	l->max_concurrent_streams = 1000;
	l->max_running_calls = 1000;
}

/* What the producers have made and the client has not got, over all calls. */
static size_t
waiting(struct pair *p, size_t message)
{
	size_t got = 0;
	for (size_t i = 0; i < p->call_count; i++)
		got += p->calls[i]->body.n;
	return engine_stats(p->engine)->messages_out * (message + GRPC_PREFIX_BYTES) - got;
}

static void
a_thousand_slow_readers_hold_little(void **state)
{
	(void)state;
	struct pair p;
	struct pair_options o = {.client_window = 2000, .client_holds = true, .limits = many_calls};
	pair_open(&p, &o);
	nghttp2_session_set_local_window_size(p.client, 0, 0, 64 << 20); /* its connection takes all */
	pair_run(&p);
	for (size_t i = 0; i < 1000; i++) {
		struct client_call *c = pair_call(&p, "/t.T/Download", NULL);
		pair_say(&p, c, SLICE("100 1000"));
		pair_end(&p, c);
		if (i % 50 == 0)
			pair_run(&p);
	}
	pair_run(&p);
	assert_int_equal(engine_open_calls(p.engine), 1000);
	const struct rpc_limits *l = &p.config.limits;
	size_t bound = (size_t)(l->send_queue_connection + 1000 * (l->send_queue_low + 1005));
	assert_true(waiting(&p, 1000) <= bound); /* of 100 MB that they would send */
	/* One that reads is served while the others do not. */
	struct client_call *c = p.calls[500];
	for (size_t taken = 0, n; !c->ended; taken += n) {
		n = c->body.n - taken;
		assert_true(n > 0);
		pair_take(&p, c, n);
		pair_run(&p);
	}
	assert_status(c, GRPC_OK);
	assert_int_equal(reply_count(c), 100);
	assert_true(waiting(&p, 1000) <= bound);
	pair_close(&p);
}

static void
a_thousand_calls_at_a_time_keep_apart(void **state)
{
	(void)state;
	struct pair p;
	struct pair_options o = {.limits = many_calls};
	pair_open(&p, &o);
	pair_run(&p);
	char text[32];
	for (size_t i = 0; i < 1000; i++)
		pair_call(&p, i % 2 ? "/t.T/Chat" : "/t.T/Upload", NULL);
	for (unsigned round = 0; round < 5; round++)
		for (size_t i = 0; i < 1000; i++) {
			size_t k = i * 7 % 1000;
			snprintf(text, sizeof(text), "%zu-%u", k, round);
			pair_say(&p, p.calls[k], slice_of(text));
			if (i % 100 == 0)
				pair_run(&p);
		}
	pair_run(&p);
	assert_int_equal(engine_open_calls(p.engine), 1000);
	for (size_t i = 0; i < 1000; i++)
		pair_end(&p, p.calls[i]);
	pair_run(&p);
	for (size_t i = 0; i < 1000; i++) {
		struct client_call *c = p.calls[i];
		assert_status(c, GRPC_OK);
		assert_int_equal(reply_count(c), i % 2 ? 5 : 1);
		snprintf(text, sizeof(text), "%zu-4", i);
		if (i % 2)
			assert_true(slice_is(reply_message(c, 4), text));
	}
	assert_int_equal(engine_open_calls(p.engine), 0);
	pair_close(&p);
}

/* Whatever they hold, together it is no more than the connection's window. */
static void
slow_handlers_hold_no_more_than_the_connections_window(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	pair_run(&p);
	size_t said = 0, left = 0, message = 50000;
	char *bytes = calloc(1, message);
	for (size_t i = 0; i < 100; i++) {
		struct client_call *c = pair_call(&p, "/t.T/Pausing", NULL);
		for (unsigned k = 0; k < 20; k++)
			pair_say(&p, c, slice_make(bytes, message));
		said += c->request.n;
	}
	pair_run(&p);
	for (size_t i = 0; i < 100; i++)
		left += p.calls[i]->request.n;
	size_t taken = engine_stats(p.engine)->messages_in * (message + GRPC_PREFIX_BYTES);
	/* and of each call a part of a message */
	assert_true(said - left <= taken + (size_t)p.config.limits.connection_window + 100 * message);
	assert_true(said - left < said / 5);
	/* The window that others fill opens as each takes its turn. */
	while (engine_stats(p.engine)->messages_in < 2000) {
		uint64_t before = engine_stats(p.engine)->messages_in;
		for (size_t i = 0; i < 100; i++) {
			struct call *call = engine_find(p.engine, p.calls[i]->stream);
			if (call)
				call_resume(call);
		}
		pair_run(&p);
		assert_true(engine_stats(p.engine)->messages_in > before);
	}
	assert_int_equal(engine_stats(p.engine)->messages_in, 2000);
	free(bytes);
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
		cmocka_unit_test(padding_counts_towards_windows_and_is_given_back),
		cmocka_unit_test(unary_replies_overtake_a_download),
		cmocka_unit_test(a_thousand_slow_readers_hold_little),
		cmocka_unit_test(a_thousand_calls_at_a_time_keep_apart),
		cmocka_unit_test(slow_handlers_hold_no_more_than_the_connections_window),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
