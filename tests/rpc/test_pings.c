/* PINGs (gRPC A8), SETTINGS and frames that do nothing: floods end the connection, each with the use
 * that must pass. */
#include "support_raw.h"

#include <stdio.h>
#include <string.h>

/* --- pings (gRPC A8) --- */

static void
pings_without_traffic_end_the_connection(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(r.goaways, 0);
		raw_ping(&r);
		raw_wait(&r, 10000);
	}
	expect_end(&r, "too_many_pings");
}

static void
pings_faster_than_the_least_time_end_the_connection_with_a_call_open(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	raw_headers(&r, 0, "/t.T/Chat", NULL, NULL);
	for (unsigned i = 0; i < 4; i++) {
		raw_ping(&r);
		raw_wait(&r, r.pair.config.limits.ping_min_time - 1);
	}
	expect_end(&r, "too_many_pings");
}

static void
pings_at_the_least_time_pass_with_a_call_open(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	raw_headers(&r, 0, "/t.T/Chat", NULL, NULL);
	for (unsigned i = 0; i < 50; i++) {
		raw_ping(&r);
		assert_true(raw_wait(&r, r.pair.config.limits.ping_min_time));
	}
	assert_int_equal(r.acknowledged[NGHTTP2_PING], 50);
	expect_service(&r);
}

/* C core measures bandwidth by a ping on every answer. */
static void
pings_after_answers_pass(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	for (unsigned i = 0; i < 500; i++) {
		raw_good_call(&r);
		raw_ping(&r);
		assert_true(raw_run(&r));
	}
	expect_service(&r);
}

static void
pings_in_numbers_end_the_connection_at_once(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	for (unsigned i = 0; i < 50000; i++)
		raw_ping(&r);
	raw_run(&r);
	assert_true(r.acknowledged[NGHTTP2_PING] < 10);
	expect_end(&r, "too_many_pings");
}

/* --- SETTINGS --- */

static void
settings_in_numbers_end_the_connection(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, small_budgets);
	for (unsigned i = 0; i < 50; i++)
		raw_setting(&r, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, i % 2 ? 0x7FFFFFFF : 1);
	expect_end(&r, "too_many_settings");
}

static void
settings_now_and_then_pass(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, small_budgets);
	for (unsigned i = 0; i < 1000; i++) {
		raw_setting(&r, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 65535 + i % 2);
		raw_good_call(&r);
		r.pair.now += 200; /* 5 a second */
	}
	expect_service(&r);
}

/* --- frames that do nothing --- */

static void
empty_data(struct raw *r, int32_t stream)
{
	raw_frame(r, NGHTTP2_DATA, 0, stream, NOTHING);
}

static void
padding_only(struct raw *r, int32_t stream)
{
	raw_frame(r, NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, stream, SLICE("\3\0\0\0"));
}

static void
priority(struct raw *r, int32_t stream)
{
	raw_frame(r, NGHTTP2_PRIORITY, 0, stream + 2, SLICE("\0\0\0\0\1"));
}

static void
unknown_frame(struct raw *r, int32_t stream)
{
	(void)stream;
	raw_frame(r, 0xBB, 0xFF, 0, SLICE("whatever"));
}

static void
priority_update(struct raw *r, int32_t stream)
{
	(void)stream;
	raw_frame(r, 0x10, 0, 0, SLICE("\0\0\0\1u=1"));
}

static void
window_update(struct raw *r, int32_t stream)
{
	raw_number(r, NGHTTP2_WINDOW_UPDATE, stream, 1);
}

static void
unasked_ping_ack(struct raw *r, int32_t stream)
{
	(void)stream;
	raw_frame(r, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, SLICE("12345678"));
}

static void
reset_after_the_end(struct raw *r, int32_t stream)
{
	(void)stream;
	raw_number(r, NGHTTP2_RST_STREAM, 1, NGHTTP2_CANCEL);
}

static void (*const glitches[])(struct raw *, int32_t) = {
	empty_data,      padding_only,  priority,         unknown_frame,
	priority_update, window_update, unasked_ping_ack, reset_after_the_end,
};
#define GLITCHES (sizeof(glitches) / sizeof(glitches[0]))

static int32_t
open_for_glitches(struct raw *r)
{
	raw_open(r, small_budgets);
	r->holds = true;
	raw_good_call(r);
	int32_t stream = raw_headers(r, 0, "/t.T/Upload", NULL, NULL);
	assert_true(raw_run(r));
	return stream;
}

static void
frames_that_do_nothing_end_the_connection_in_numbers(void **state)
{
	(void)state;
	for (size_t k = 0; k < GLITCHES; k++) {
		struct raw r;
		int32_t stream = open_for_glitches(&r);
		for (unsigned i = 0; i < 101; i++) {
			assert_int_equal(r.goaways, 0);
			glitches[k](&r, stream);
			raw_run(&r);
		}
		expect_end(&r, "too_many_glitches");
	}
}

static void
some_frames_that_do_nothing_pass(void **state)
{
	(void)state;
	for (size_t k = 0; k < GLITCHES; k++) {
		struct raw r;
		int32_t stream = open_for_glitches(&r);
		for (unsigned i = 0; i < 1000; i++) {
			glitches[k](&r, stream);
			assert_true(raw_wait(&r, 4));
		}
		expect_service(&r);
	}
}

/* Of a stream that the peer itself has ended or reset nothing more can be under way
 * (RFC 9113 5.1), and the library forgets such streams. */
static void
what_follows_the_peers_own_end_ends_the_connection(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 4; k++) {
		struct raw r;
		raw_open(&r, NULL);
		int32_t stream = raw_headers(&r, 0, "/t.T/Unary", NULL, NULL);
		if (k % 2)
			raw_number(&r, NGHTTP2_RST_STREAM, stream, NGHTTP2_CANCEL);
		else
			raw_message(&r, stream, NGHTTP2_FLAG_END_STREAM, SLICE("x"));
		raw_run(&r);
		raw_good_call(&r);
		assert_int_equal(r.goaways, 0);
		if (k < 2)
			raw_frame(&r, NGHTTP2_DATA, 0, stream, SLICE("x"));
		else
			raw_frame(&r, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, stream, SLICE("\x82"));
		raw_run(&r);
		assert_ended(&r, NGHTTP2_STREAM_CLOSED, "stream_closed");
		raw_close(&r);
	}
}

/* Frames that the library passes over in silence. */
static void
frames_that_are_wrong_wherever_they_come_end_the_connection(void **state)
{
	(void)state;
	static const struct {
		uint8_t type;
		int32_t stream;
		struct slice payload;
		const char *text;
	} frames[] = {
		{NGHTTP2_PRIORITY, 0, {"\0\0\0\1\20", 5}, "bad_priority"},
		{NGHTTP2_PRIORITY, 7, {"\0\0\0\7\20", 5}, "bad_priority"},
		{NGHTTP2_PRIORITY, 7, {"\200\0\0\7\20", 5}, "bad_priority"},
		{NGHTTP2_WINDOW_UPDATE, 1, {"\0\0\0\0", 4}, "bad_window_update"},
	};
	for (size_t k = 0; k < sizeof(frames) / sizeof(frames[0]); k++) {
		struct raw r;
		raw_open(&r, NULL);
		raw_good_call(&r); /* stream 1, which is closed then */
		raw_frame(&r, frames[k].type, 0, frames[k].stream, frames[k].payload);
		raw_run(&r);
		assert_ended(&r, NGHTTP2_PROTOCOL_ERROR, frames[k].text);
		raw_close(&r);
	}
}

/* A header block for a stream that we have ended is decoded all the same, so it counts by its size. */
static void
header_blocks_that_nobody_wants_count_by_their_size(void **state)
{
	(void)state;
	struct raw r;
	open_for_glitches(&r);
	int32_t stream = raw_headers(&r, 0, "/t.T/Nobody", NULL, NULL);
	assert_true(raw_run(&r));
	struct buf block = {0};
	while (block.n < 12800) /* :method GET, one byte each */
		buf_append_char(&block, (char)0x82);
	raw_frame(&r, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, stream,
		  buf_slice(&block));
	buf_release(&block);
	expect_end(&r, "too_many_glitches");
}

/* A reader that opens its windows again for every frame that it gets: 3 of them for each. */
static void
window_updates_that_answer_data_pass(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, small_budgets);
	int32_t stream = raw_headers(&r, 0, "/t.T/Download", NULL, NULL);
	raw_message(&r, stream, NGHTTP2_FLAG_END_STREAM, SLICE("3000 1000"));
	assert_true(raw_run(&r));
	assert_int_equal(r.data_bytes, 3000 * 1005);
	assert_int_equal(r.statuses[GRPC_OK], 1);
	assert_true(r.frames[NGHTTP2_DATA] > 100);
	expect_service(&r);
}

/* What was on its way when the server ended the call. */
static void
the_rest_of_an_upload_that_was_refused_passes(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	char bytes[16384] = {0};
	for (unsigned i = 0; i < 50; i++) {
		int32_t stream = raw_headers(&r, 0, "/t.T/Nobody", NULL, NULL);
		assert_true(raw_run(&r));
		for (unsigned k = 0; k < 16; k++)
			raw_frame(&r, NGHTTP2_DATA, 0, stream, slice_make(bytes, sizeof(bytes)));
		raw_number(&r, NGHTTP2_RST_STREAM, stream, NGHTTP2_CANCEL);
		assert_true(raw_run(&r));
	}
	assert_int_equal(r.statuses[GRPC_UNIMPLEMENTED], 50);
	expect_service(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pings_without_traffic_end_the_connection),
		cmocka_unit_test(pings_faster_than_the_least_time_end_the_connection_with_a_call_open),
		cmocka_unit_test(pings_at_the_least_time_pass_with_a_call_open),
		cmocka_unit_test(pings_after_answers_pass),
		cmocka_unit_test(pings_in_numbers_end_the_connection_at_once),
		cmocka_unit_test(settings_in_numbers_end_the_connection),
		cmocka_unit_test(settings_now_and_then_pass),
		cmocka_unit_test(frames_that_do_nothing_end_the_connection_in_numbers),
		cmocka_unit_test(some_frames_that_do_nothing_pass),
		cmocka_unit_test(what_follows_the_peers_own_end_ends_the_connection),
		cmocka_unit_test(frames_that_are_wrong_wherever_they_come_end_the_connection),
		cmocka_unit_test(header_blocks_that_nobody_wants_count_by_their_size),
		cmocka_unit_test(window_updates_that_answer_data_pass),
		cmocka_unit_test(the_rest_of_an_upload_that_was_refused_passes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
