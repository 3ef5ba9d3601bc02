/* What one connection may hold: calls under way, messages half received, replies not yet taken. */
#include "support_raw.h"

#include <stdio.h>
#include <string.h>

/* --- work that outlives its call --- */

static void
few_running(struct rpc_limits *l)
{
	l->max_running_calls = 10;
}

static void
work_for_calls_that_were_reset_counts_until_it_is_done(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, few_running);
	for (int32_t stream = 1; stream < 21; stream += 2) {
		raw_headers(&r, 0, "/t.T/Hold", NULL, NULL);
		raw_run(&r);
		engine_hold(r.pair.engine, stream);
		raw_number(&r, NGHTTP2_RST_STREAM, stream, NGHTTP2_CANCEL);
		raw_run(&r);
	}
	assert_int_equal(engine_open_calls(r.pair.engine), 0);
	int32_t refused = raw_headers(&r, NGHTTP2_FLAG_END_STREAM, "/t.T/Empty", NULL, NULL);
	assert_true(raw_run(&r));
	assert_int_equal(r.statuses[GRPC_RESOURCE_EXHAUSTED], 1);
	assert_int_equal(refused, 21);
	engine_release(r.pair.engine, 7);
	expect_service(&r);
}

static void
work_that_ends_before_its_call_counts_no_more(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, few_running);
	for (int32_t stream = 1; stream < 201; stream += 2) {
		raw_headers(&r, 0, "/t.T/Hold", NULL, NULL);
		raw_run(&r);
		engine_hold(r.pair.engine, stream);
		engine_release(r.pair.engine, stream);
		raw_number(&r, NGHTTP2_RST_STREAM, stream, NGHTTP2_CANCEL);
		raw_run(&r);
	}
	expect_service(&r);
}

/* --- messages half received --- */

static void
little_room(struct rpc_limits *l)
{
	l->receive_bytes_max = 100000;
}

static void
half_messages_are_bounded_and_the_newest_gives_way(void **state)
{
	(void)state;
	struct raw r;
	static const char bytes[15000];
	raw_open(&r, little_room);
	for (unsigned i = 0; i < 7; i++) { /* 6 fit, of 20000 bytes announced each */
		int32_t stream = raw_headers(&r, 0, i % 2 ? "/t.T/Upload" : "/t.T/Unary", NULL, NULL);
		raw_frame(&r, NGHTTP2_DATA, 0, stream, SLICE("\0\0\0\x4E\x20"));
		raw_frame(&r, NGHTTP2_DATA, 0, stream, slice_make(bytes, sizeof(bytes)));
		assert_true(raw_run(&r));
		assert_int_equal(r.statuses[GRPC_RESOURCE_EXHAUSTED], i == 6);
	}
	/* The others come to their end, though the oldest asks for more room than there is. */
	for (int32_t stream = 1; stream < 13; stream += 2) {
		raw_frame(&r, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, stream, slice_make(bytes, 5000));
		assert_true(raw_run(&r));
	}
	assert_int_equal(r.statuses[GRPC_OK] + r.statuses[GRPC_RESOURCE_EXHAUSTED], 7);
	assert_true(r.statuses[GRPC_OK] >= 5);
	expect_service(&r);
}

static void
whole_messages_do_not_take_that_room(void **state)
{
	(void)state;
	struct raw r;
	static const char bytes[16000];
	raw_open(&r, little_room);
	for (unsigned i = 0; i < 100; i++) {
		int32_t stream = raw_headers(&r, 0, "/t.T/Hold", NULL, NULL);
		raw_message(&r, stream, NGHTTP2_FLAG_END_STREAM, slice_make(bytes, sizeof(bytes)));
		assert_true(raw_run(&r));
	}
	assert_int_equal(engine_open_calls(r.pair.engine), 100);
	assert_int_equal(r.statuses[GRPC_RESOURCE_EXHAUSTED], 0);
	expect_service(&r);
}

/* --- replies that wait for the client --- */

static void
little_room_for_replies(struct rpc_limits *l)
{
	l->send_bytes_max = 300000;
}

/* A client that asks for much and takes nothing; at most one reply more than fits is made. */
static void
ask_for_much(struct raw *r, unsigned calls)
{
	raw_open(r, little_room_for_replies);
	r->holds = true;
	raw_setting(r, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
	for (unsigned i = 0; i < calls; i++) {
		int32_t stream = raw_headers(r, 0, "/t.T/Download", NULL, NULL);
		raw_message(r, stream, NGHTTP2_FLAG_END_STREAM, SLICE("1 100000"));
		assert_true(raw_run(r));
	}
	for (unsigned i = 0; i < calls; i++)
		assert_int_equal(engine_find(r->pair.engine, 1 + 2 * (int32_t)i) != NULL, i < 3);
}

static void
calls_wait_for_room_for_their_replies_and_are_served_in_order(void **state)
{
	(void)state;
	struct raw r;
	ask_for_much(&r, 20);
	raw_number(&r, NGHTTP2_RST_STREAM, 1 + 2 * 10, NGHTTP2_CANCEL); /* one does not wait for it */
	raw_number(&r, NGHTTP2_WINDOW_UPDATE, 0, 5000000);
	for (unsigned i = 0; i < 20; i++) {
		raw_number(&r, NGHTTP2_WINDOW_UPDATE, 1 + 2 * (int32_t)i, 200000);
		assert_true(raw_run(&r));
		assert_int_equal(r.statuses[GRPC_OK], i < 10 ? i + 1 : i);
	}
	assert_int_equal(r.pair.finished_count, 20);
	raw_setting(&r, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 65535);
	expect_service(&r);
}

static void
a_call_that_waits_for_room_has_its_deadline(void **state)
{
	(void)state;
	struct raw r;
	ask_for_much(&r, 3);
	int32_t stream = raw_headers(&r, 0, "/t.T/Unary", "grpc-timeout", "1S");
	raw_message(&r, stream, NGHTTP2_FLAG_END_STREAM, SLICE("x"));
	assert_true(raw_run(&r));
	assert_true(raw_wait(&r, 1000));
	assert_int_equal(r.statuses[GRPC_DEADLINE_EXCEEDED], 1);
	raw_close(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(work_for_calls_that_were_reset_counts_until_it_is_done),
		cmocka_unit_test(work_that_ends_before_its_call_counts_no_more),
		cmocka_unit_test(half_messages_are_bounded_and_the_newest_gives_way),
		cmocka_unit_test(whole_messages_do_not_take_that_room),
		cmocka_unit_test(calls_wait_for_room_for_their_replies_and_are_served_in_order),
		cmocka_unit_test(a_call_that_waits_for_room_has_its_deadline),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
