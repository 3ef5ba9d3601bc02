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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
