/* The terms of a connection's beginning and of its calls, and what keeps each from passing. */
#include "support_raw.h"

#include <string.h>

/* --- the beginning --- */

static void
silence_and_half_a_preface_end_the_connection(void **state)
{
	(void)state;
	static const char *const said[] = {"", "PRI * HT", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"};
	for (size_t i = 0; i < 3; i++) {
		struct raw r;
		raw_open_silent(&r, NULL);
		raw_say(&r, slice_of(said[i]));
		wait_until_just_before(&r, limits_of(&r)->preface_timeout);
		assert_false(raw_wait(&r, 1));
		assert_ended(&r, NGHTTP2_SETTINGS_TIMEOUT, "preface_timeout");
		raw_close(&r);
	}
}

static void
settings_must_be_acknowledged(void **state)
{
	(void)state;
	struct raw r;
	raw_open_silent(&r, NULL);
	raw_say(&r, SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
	raw_frame(&r, NGHTTP2_SETTINGS, 0, 0, NOTHING);
	raw_good_call(&r);
	wait_until_just_before(&r, limits_of(&r)->settings_timeout);
	raw_good_call(&r);
	assert_false(raw_wait(&r, 1));
	assert_ended(&r, NGHTTP2_SETTINGS_TIMEOUT, "settings_timeout");
	raw_close(&r);
}

static void
acknowledged_settings_are_no_matter_any_more(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	assert_true(raw_wait(&r, 2 * limits_of(&r)->settings_timeout));
	raw_good_call(&r);
	raw_close(&r);
}

static void
a_header_block_byte_by_byte_has_its_term(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	raw_headers(&r, NGHTTP2_FLAG_END_STREAM, "/t.T/Empty", NULL, NULL);
	struct buf whole = r.out;
	r.out = (struct buf){0};
	size_t at = 0;
	msec begun = r.pair.now;
	do {
		raw_say(&r, slice_make(whole.p + at++, 1));
	} while (raw_wait(&r, 500) && at < whole.n);
	assert_ended(&r, NGHTTP2_ENHANCE_YOUR_CALM, "header_timeout");
	/* It runs from the frame's header, which took 9 of these steps. */
	assert_in_range(r.pair.now - begun, limits_of(&r)->header_timeout,
			limits_of(&r)->header_timeout + 5000);
	buf_release(&whole);
	raw_close(&r);
}

/* --- requests that stand still --- */

static void
half_a_message_without_progress_ends_the_call(void **state)
{
	(void)state;
	static const char *const paths[] = {"/t.T/Unary", "/t.T/Upload"};
	for (size_t i = 0; i < 2; i++) {
		struct raw r;
		raw_open(&r, NULL);
		int32_t stream = raw_headers(&r, 0, paths[i], NULL, NULL);
		raw_frame(&r, NGHTTP2_DATA, 0, stream, SLICE("\0\0\0"));
		wait_until_just_before(&r, limits_of(&r)->receive_timeout);
		assert_int_equal(engine_open_calls(r.pair.engine), 1);
		assert_true(raw_wait(&r, 1));
		assert_int_equal(r.statuses[GRPC_DEADLINE_EXCEEDED], 1);
		assert_int_equal(r.resets[NGHTTP2_NO_ERROR], 1);
		raw_good_call(&r);
		raw_close(&r);
	}
}

static void
a_unary_call_without_its_message_or_its_end_stands_still_too(void **state)
{
	(void)state;
	for (unsigned with_message = 0; with_message < 2; with_message++) {
		struct raw r;
		raw_open(&r, NULL);
		int32_t stream = raw_headers(&r, 0, "/t.T/Unary", NULL, NULL);
		if (with_message)
			raw_message(&r, stream, 0, SLICE("x"));
		assert_true(raw_wait(&r, 0));
		assert_true(raw_wait(&r, limits_of(&r)->receive_timeout));
		assert_int_equal(r.statuses[GRPC_DEADLINE_EXCEEDED], 1);
		raw_close(&r);
	}
}

static void
a_message_that_goes_on_slowly_arrives(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	int32_t stream = raw_headers(&r, 0, "/t.T/Upload", NULL, NULL);
	static const char message[15] = {0, 0, 0, 0, 10};
	for (size_t i = 0; i < sizeof(message); i++) {
		raw_frame(&r, NGHTTP2_DATA, 0, stream, slice_make(message + i, 1));
		assert_true(raw_wait(&r, limits_of(&r)->receive_timeout - 1));
	}
	raw_frame(&r, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, stream, NOTHING);
	assert_true(raw_run(&r));
	assert_int_equal(r.statuses[GRPC_OK], 1);
	raw_close(&r);
}

/* Between messages a stream may be silent for as long as the connection lives. */
static void
a_stream_without_a_half_message_may_wait(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	int32_t stream = raw_headers(&r, 0, "/t.T/Chat", NULL, NULL);
	raw_message(&r, stream, 0, SLICE("x"));
	assert_true(raw_run(&r));
	for (unsigned i = 0; i < 10; i++) {
		assert_true(raw_wait(&r, 3600000));
		raw_good_call(&r); /* a sign of life */
	}
	raw_message(&r, stream, NGHTTP2_FLAG_END_STREAM, SLICE("y"));
	assert_true(raw_run(&r));
	assert_int_equal(r.statuses[GRPC_OK], 11);
	raw_close(&r);
}

/* The handler pauses: what is missing of the next message is not the client's fault. */
static void
a_paused_call_is_not_the_clients_fault(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	int32_t stream = raw_headers(&r, 0, "/t.T/Pausing", NULL, NULL);
	raw_message(&r, stream, 0, SLICE("x"));
	raw_frame(&r, NGHTTP2_DATA, 0, stream, SLICE("\0\0\0"));
	assert_true(raw_run(&r));
	assert_true(raw_wait(&r, 10 * limits_of(&r)->receive_timeout));
	assert_int_equal(engine_open_calls(r.pair.engine), 1);
	call_resume(engine_find(r.pair.engine, stream));
	assert_true(raw_run(&r)); /* now it is */
	assert_true(raw_wait(&r, limits_of(&r)->receive_timeout));
	assert_int_equal(r.statuses[GRPC_DEADLINE_EXCEEDED], 1);
	raw_close(&r);
}

static void
narrow_connection(struct rpc_limits *l)
{
	l->connection_window = 65535;
}

/* Nor is it when a paused call has filled the window of all. */
static void
a_shut_connection_window_is_not_the_clients_fault(void **state)
{
	(void)state;
	static const char bytes[16384];
	struct raw r;
	raw_open(&r, narrow_connection);
	int32_t victim = raw_headers(&r, 0, "/t.T/Unary", NULL, NULL);
	raw_frame(&r, NGHTTP2_DATA, 0, victim, SLICE("\0\0\0"));
	int32_t paused = raw_headers(&r, 0, "/t.T/Pausing", NULL, NULL);
	raw_message(&r, paused, 0, SLICE("x"));
	assert_true(raw_run(&r));
	for (size_t left = 65535 - 3 - 6, n; left; left -= n) {
		n = left < sizeof(bytes) ? left : sizeof(bytes);
		raw_frame(&r, NGHTTP2_DATA, 0, paused, slice_make(bytes, n));
	}
	assert_true(raw_run(&r));
	assert_true(raw_wait(&r, 3 * limits_of(&r)->receive_timeout));
	assert_int_equal(r.statuses[GRPC_DEADLINE_EXCEEDED], 0);
	raw_number(&r, NGHTTP2_RST_STREAM, paused, NGHTTP2_CANCEL);
	raw_frame(&r, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, victim, SLICE("\0\0"));
	assert_true(raw_run(&r));
	assert_int_equal(r.statuses[GRPC_OK], 1);
	raw_close(&r);
}

/* --- replies that nobody takes --- */

static int32_t
stuck_download(struct raw *r, struct slice how_much)
{
	raw_open(r, NULL);
	r->holds = true;
	int32_t stream = raw_headers(r, 0, "/t.T/Download", NULL, NULL);
	raw_message(r, stream, NGHTTP2_FLAG_END_STREAM, how_much);
	assert_true(raw_run(r));
	assert_int_equal(r->data_bytes, 65535);
	return stream;
}

static void
a_reply_that_is_not_taken_is_reset(void **state)
{
	(void)state;
	struct raw r;
	stuck_download(&r, SLICE("100 10000"));
	wait_until_just_before(&r, limits_of(&r)->send_timeout);
	assert_int_equal(r.pair.finished_count, 0);
	assert_true(raw_wait(&r, 1));
	assert_int_equal(r.pair.finished_count, 1); /* the handler knows at once */
	assert_int_equal(r.pair.last_stats.status, GRPC_CANCELLED);
	assert_true(raw_wait(&r, limits_of(&r)->abort_grace));
	assert_int_equal(r.resets[NGHTTP2_CANCEL], 1);
	raw_close(&r);
}

static void
a_reply_that_is_taken_byte_by_byte_goes_on(void **state)
{
	(void)state;
	struct raw r;
	int32_t stream = stuck_download(&r, SLICE("1 70000"));
	for (unsigned i = 0; i < 10; i++) {
		assert_true(raw_wait(&r, limits_of(&r)->send_timeout - 1));
		raw_number(&r, NGHTTP2_WINDOW_UPDATE, 0, 1);
		raw_number(&r, NGHTTP2_WINDOW_UPDATE, stream, 1);
		assert_true(raw_run(&r));
	}
	assert_int_equal(r.data_bytes, 65545);
	raw_number(&r, NGHTTP2_WINDOW_UPDATE, 0, 100000);
	raw_number(&r, NGHTTP2_WINDOW_UPDATE, stream, 100000);
	assert_true(raw_run(&r));
	assert_int_equal(r.statuses[GRPC_OK], 1);
	raw_close(&r);
}

/* A watcher to whom nothing happens. */
static void
a_stream_with_nothing_to_say_is_not_stuck(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	int32_t stream = raw_headers(&r, 0, "/t.T/Stream", NULL, NULL);
	raw_message(&r, stream, NGHTTP2_FLAG_END_STREAM, SLICE("x"));
	assert_true(raw_run(&r));
	assert_true(raw_wait(&r, 10 * limits_of(&r)->send_timeout));
	assert_int_equal(engine_open_calls(r.pair.engine), 1);
	raw_close(&r);
}

/* --- calls without an end of their own --- */

static void
a_unary_call_has_a_longest_time(void **state)
{
	(void)state;
	static const char *const timeouts[] = {NULL, "99999999H"};
	for (size_t i = 0; i < 2; i++) {
		struct raw r;
		raw_open(&r, NULL);
		int32_t stream =
			raw_headers(&r, 0, "/t.T/Hold", timeouts[i] ? "grpc-timeout" : NULL, timeouts[i]);
		raw_message(&r, stream, NGHTTP2_FLAG_END_STREAM, SLICE("x"));
		wait_until_just_before(&r, limits_of(&r)->max_call_time);
		assert_int_equal(call_deadline(engine_find(r.pair.engine, stream)), r.pair.now + 1);
		assert_true(raw_wait(&r, 1));
		assert_int_equal(r.statuses[GRPC_DEADLINE_EXCEEDED], 1);
		raw_close(&r);
	}
}

static void
streams_have_none_but_their_deadline(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	raw_headers(&r, 0, "/t.T/Chat", NULL, NULL);
	raw_headers(&r, 0, "/t.T/Upload", NULL, NULL);
	raw_headers(&r, 0, "/t.T/Chat", "grpc-timeout", "5H");
	assert_true(raw_run(&r));
	for (unsigned hour = 1; hour <= 10; hour++) {
		raw_good_call(&r); /* a sign of life */
		assert_true(raw_wait(&r, 3600000));
		assert_int_equal(engine_open_calls(r.pair.engine), hour < 5 ? 3 : 2);
	}
	raw_close(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence_and_half_a_preface_end_the_connection),
		cmocka_unit_test(settings_must_be_acknowledged),
		cmocka_unit_test(acknowledged_settings_are_no_matter_any_more),
		cmocka_unit_test(a_header_block_byte_by_byte_has_its_term),
		cmocka_unit_test(half_a_message_without_progress_ends_the_call),
		cmocka_unit_test(a_unary_call_without_its_message_or_its_end_stands_still_too),
		cmocka_unit_test(a_message_that_goes_on_slowly_arrives),
		cmocka_unit_test(a_stream_without_a_half_message_may_wait),
		cmocka_unit_test(a_paused_call_is_not_the_clients_fault),
		cmocka_unit_test(a_shut_connection_window_is_not_the_clients_fault),
		cmocka_unit_test(a_reply_that_is_not_taken_is_reset),
		cmocka_unit_test(a_reply_that_is_taken_byte_by_byte_goes_on),
		cmocka_unit_test(a_stream_with_nothing_to_say_is_not_stuck),
		cmocka_unit_test(a_unary_call_has_a_longest_time),
		cmocka_unit_test(streams_have_none_but_their_deadline),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
