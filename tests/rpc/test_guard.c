/* Floods, each with its negative twin: what a peer may do as often as it likes, and what
 * ends its connection, by which name. */
#include "support_raw.h"

#include <stdio.h>
#include <string.h>

#define CALM    NGHTTP2_ENHANCE_YOUR_CALM
#define NOTHING ((struct slice){0})

static void
small_budgets(struct rpc_limits *l)
{
	l->reset_burst = l->stream_error_burst = l->settings_burst = 20;
	l->glitch_burst = 100;
	l->oversize_burst = 3;
}

/* The worst is over in one push: nothing but the GOAWAY follows. */
static void
expect_end(struct raw *r, const char *text)
{
	assert_false(raw_run(r));
	assert_ended(r, CALM, text);
	assert_int_equal(r->goaways, 1);
	assert_int_equal(engine_push(r->pair.engine, SLICE("more"), r->pair.now), ERR_UNAVAILABLE);
	assert_int_equal(engine_pull(r->pair.engine, &r->pair.out, r->pair.now), 0);
	assert_int_equal(engine_service(r->pair.engine, r->pair.now + 1000), INT64_MAX);
	raw_close(r);
}

static void
expect_service(struct raw *r)
{
	raw_good_call(r);
	assert_int_equal(r->goaways, 0);
	raw_close(r);
}

/* --- resets --- */

static void
begin_and_reset(struct raw *r)
{
	int32_t stream = raw_headers(r, 0, "/t.T/Hold", NULL, NULL);
	raw_message(r, stream, NGHTTP2_FLAG_END_STREAM, SLICE("x"));
	raw_number(r, NGHTTP2_RST_STREAM, stream, NGHTTP2_CANCEL);
}

static void
rapid_resets_end_the_connection(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, small_budgets);
	for (unsigned i = 0; i < 5000; i++)
		begin_and_reset(&r);
	raw_run(&r);
	/* The one that broke the rule was still heard, what followed it was not. */
	assert_int_equal(r.pair.finished_count, 21);
	expect_end(&r, "too_many_resets");
}

static void
resets_at_the_rate_allowed_pass_for_ever(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, small_budgets);
	for (unsigned i = 0; i < 20000; i++) {
		begin_and_reset(&r);
		assert_true(raw_wait(&r, 20)); /* 50 a second */
	}
	expect_service(&r);
}

/* A client that gives up all its calls at once, after they have waited a while, and
 * begins anew: no more work than the streams that it may have. */
static void
resets_of_calls_that_waited_are_free(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, small_budgets);
	for (unsigned round = 0; round < 30; round++) {
		int32_t first = r.next_stream;
		for (unsigned i = 0; i < 250; i++)
			raw_headers(&r, 0, "/t.T/Chat", NULL, NULL);
		assert_true(raw_run(&r));
		assert_true(raw_wait(&r, r.pair.config.limits.reset_young));
		for (int32_t stream = first; stream < r.next_stream; stream += 2)
			raw_number(&r, NGHTTP2_RST_STREAM, stream, NGHTTP2_CANCEL);
		assert_true(raw_run(&r));
	}
	expect_service(&r);
}

/* By default: every call that may be open, given up at once, and again. */
static void
a_burst_of_calls_given_up_at_once_passes(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	for (unsigned i = 0; i < 500; i++)
		begin_and_reset(&r);
	assert_true(raw_run(&r));
	expect_service(&r);
}

/* --- resets that the server is made to send (CVE-2025-8671) --- */

static void
overflow_window(struct raw *r)
{
	int32_t stream = raw_headers(r, 0, "/t.T/Hold", NULL, NULL);
	raw_message(r, stream, NGHTTP2_FLAG_END_STREAM, SLICE("x"));
	raw_number(r, NGHTTP2_WINDOW_UPDATE, stream, 0x7FFFFFFF);
}

static void
trailers(struct raw *r, uint8_t flags, const char *name)
{
	struct buf block = {0};
	int32_t stream = raw_headers(r, 0, "/t.T/Hold", NULL, NULL);
	raw_message(r, stream, 0, SLICE("x"));
	raw_field(&block, name, SLICE("value"));
	raw_frame(r, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | flags, stream, buf_slice(&block));
	buf_release(&block);
}

static void
trailers_with_a_pseudo_header(struct raw *r)
{
	trailers(r, NGHTTP2_FLAG_END_STREAM, ":path");
}

static void
trailers_that_do_not_end(struct raw *r)
{
	trailers(r, 0, "x");
}

static void
wrong_content_length(struct raw *r)
{
	int32_t stream = raw_headers(r, 0, "/t.T/Hold", "content-length", "1");
	raw_message(r, stream, 0, SLICE("x"));
}

static void
upper_case_field(struct raw *r)
{
	raw_headers(r, NGHTTP2_FLAG_END_STREAM, "/t.T/Hold", "UPPER", "x");
}

static void
line_break_in_value(struct raw *r)
{
	raw_headers(r, NGHTTP2_FLAG_END_STREAM, "/t.T/Hold", "x", "a\nb");
}

static void (*const offences[])(struct raw *) = {overflow_window,          trailers_with_a_pseudo_header,
						 trailers_that_do_not_end, wrong_content_length,
						 upper_case_field,         line_break_in_value};
#define OFFENCES (sizeof(offences) / sizeof(offences[0]))

static void
provoked_resets_end_the_connection_whatever_provokes_them(void **state)
{
	(void)state;
	for (size_t k = 0; k < OFFENCES; k++) {
		struct raw r;
		raw_open(&r, small_budgets);
		unsigned n = 0;
		do {
			offences[k](&r);
			n++;
		} while (raw_run(&r) && n < 1000);
		assert_int_equal(n, 21);
		expect_end(&r, "too_many_stream_errors");
	}
}

/* All in one push: the resets are made when they are pulled, and counted then. */
static void
provoked_resets_are_counted_when_they_leave(void **state)
{
	(void)state;
	for (size_t k = 0; k < OFFENCES; k++) {
		struct raw r;
		raw_open(&r, small_budgets);
		for (unsigned i = 0; i < 200; i++)
			offences[k](&r);
		raw_run(&r);
		expect_end(&r, "too_many_stream_errors");
	}
}

static void
some_provoked_resets_harm_nobody_else(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, small_budgets);
	for (unsigned i = 0; i < 1000; i++) {
		offences[i % OFFENCES](&r);
		assert_true(raw_wait(&r, 100)); /* 10 a second */
	}
	expect_service(&r);
}

static void
resets_of_the_servers_own_accord_are_not_counted(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, small_budgets);
	for (unsigned i = 0; i < 1000; i++) { /* refused before the request is whole: RST(NO_ERROR) */
		raw_headers(&r, 0, "/t.T/Nobody", NULL, NULL);
		assert_true(raw_run(&r));
	}
	assert_int_equal(r.resets[NGHTTP2_NO_ERROR], 1000);
	assert_int_equal(r.statuses[GRPC_UNIMPLEMENTED], 1000);
	expect_service(&r);
}

/* A client that opens hundreds of calls before it knows the limit. */
static void
streams_beyond_the_limit_are_refused_and_only_a_flood_ends(void **state)
{
	(void)state;
	struct raw r;
	raw_open_silent(&r, NULL);
	raw_say(&r, SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
	raw_frame(&r, NGHTTP2_SETTINGS, 0, 0, NOTHING);
	for (unsigned i = 0; i < 1000; i++)
		raw_headers(&r, 0, "/t.T/Hold", NULL, NULL);
	assert_true(raw_run(&r));
	assert_int_equal(r.resets[NGHTTP2_REFUSED_STREAM],
			 1000 - r.pair.config.limits.max_concurrent_streams);
	for (unsigned i = 0; i < 10000; i++)
		raw_headers(&r, 0, "/t.T/Hold", NULL, NULL);
	raw_run(&r);
	expect_end(&r, "too_many_glitches");
}

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
data_after_the_end(struct raw *r, int32_t stream)
{
	(void)stream;
	raw_message(r, 1, 0, SLICE("x")); /* stream 1 is long closed */
}

static void
reset_after_the_end(struct raw *r, int32_t stream)
{
	(void)stream;
	raw_number(r, NGHTTP2_RST_STREAM, 1, NGHTTP2_CANCEL);
}

static void (*const glitches[])(struct raw *, int32_t) = {
	empty_data,    padding_only,     priority,           unknown_frame,       priority_update,
	window_update, unasked_ping_ack, data_after_the_end, reset_after_the_end,
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

/* A header block for a closed stream is decoded all the same, so it counts by its size. */
static void
header_blocks_that_nobody_wants_count_by_their_size(void **state)
{
	(void)state;
	struct raw r;
	open_for_glitches(&r);
	struct buf block = {0};
	while (block.n < 12800) /* :method GET, one byte each */
		buf_append_char(&block, (char)0x82);
	raw_frame(&r, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1,
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

/* --- metadata --- */

static void
say_block(struct raw *r, struct buf *block, unsigned continuations)
{
	size_t piece = continuations ? block->n / (continuations + 1) : block->n;
	struct slice left = buf_slice(block);
	for (unsigned i = 0; i <= continuations; i++) {
		size_t n = i == continuations ? left.n : piece;
		raw_frame(r, i ? NGHTTP2_CONTINUATION : NGHTTP2_HEADERS,
			  (i == continuations ? NGHTTP2_FLAG_END_HEADERS : 0) |
				  (i ? 0 : NGHTTP2_FLAG_END_STREAM),
			  r->next_stream, slice_make(left.p, n));
		left = slice_make(left.p + n, left.n - n);
	}
	r->next_stream += 2;
}

/* A table entry of 4000 bytes, and one-byte references to it. */
static void
a_header_bomb_ends_the_connection_at_four_times_the_limit(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	char value[4000];
	memset(value, 'y', sizeof(value));
	struct buf block = {0};
	raw_request(&block, "/t.T/Hold");
	size_t at = block.n;
	raw_field(&block, "x", slice_make(value, sizeof(value)));
	block.p[at] = 0x40; /* kept in the table */
	say_block(&r, &block, 0);
	assert_true(raw_run(&r));
	buf_clear(&block);
	raw_request(&block, "/t.T/Hold");
	for (unsigned i = 0; i < 16000; i++)
		buf_append_char(&block, (char)(0x80 | 62));
	for (unsigned i = 0; i < 100; i++)
		say_block(&r, &block, 0);
	buf_release(&block);
	raw_run(&r);
	assert_int_equal(r.pair.finished_count, 1); /* none of the bombs became a call */
	expect_end(&r, "too_much_metadata");
}

/* The same in trailers, which nobody reads. */
static void
a_header_bomb_in_trailers_ends_the_connection(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	int32_t stream = raw_headers(&r, 0, "/t.T/Hold", NULL, NULL);
	struct buf block = {0};
	while (block.n < 16000)
		buf_append_char(&block, (char)(0x80 | 32)); /* cookie, empty */
	raw_frame(&r, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, stream,
		  buf_slice(&block));
	buf_release(&block);
	expect_end(&r, "too_much_metadata");
}

static void
many_fields(struct buf *block, unsigned n, size_t bytes)
{
	char value[1000], name[16];
	memset(value, 'v', sizeof(value));
	raw_request(block, "/t.T/Empty");
	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "x-%u", i);
		raw_field(block, name, slice_make(value, bytes));
	}
}

static void
metadata_beyond_the_limit_is_refused_but_not_for_ever(void **state)
{
	(void)state;
	static const struct {
		unsigned fields;
		size_t bytes;
	} cases[] = {{20, 1000}, {300, 0}};
	for (size_t k = 0; k < 2; k++) {
		struct raw r;
		struct buf block = {0};
		raw_open(&r, small_budgets);
		many_fields(&block, cases[k].fields, cases[k].bytes);
		for (unsigned i = 0; i < 3; i++) {
			say_block(&r, &block, 2);
			assert_true(raw_run(&r));
			assert_int_equal(r.statuses[GRPC_RESOURCE_EXHAUSTED], i + 1);
		}
		raw_good_call(&r);
		say_block(&r, &block, 2);
		buf_release(&block);
		raw_run(&r);
		expect_end(&r, "too_much_metadata");
	}
}

static void
metadata_within_the_limit_passes_for_ever(void **state)
{
	(void)state;
	struct raw r;
	struct buf block = {0};
	raw_open(&r, small_budgets);
	many_fields(&block, 100, 100);
	for (unsigned i = 0; i < 200; i++) {
		say_block(&r, &block, 8);
		assert_true(raw_run(&r));
	}
	assert_int_equal(r.statuses[GRPC_UNIMPLEMENTED], 200); /* they have no message */
	buf_release(&block);
	expect_service(&r);
}

static void
a_ninth_continuation_ends_the_connection(void **state)
{
	(void)state;
	struct raw r;
	struct buf block = {0};
	raw_open(&r, NULL);
	many_fields(&block, 10, 10);
	say_block(&r, &block, 9);
	buf_release(&block);
	expect_end(&r, "too_many_continuations");
}

static void
empty_continuations_end_the_connection(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	raw_frame(&r, NGHTTP2_HEADERS, 0, 1, NOTHING);
	for (unsigned i = 0; i < 100000; i++)
		raw_frame(&r, NGHTTP2_CONTINUATION, 0, 1, NOTHING);
	expect_end(&r, "too_many_continuations");
}

/* --- frame size --- */

static void
large_frames(struct rpc_limits *l)
{
	l->max_frame_size = 65536;
}

static void
a_frame_may_be_as_large_as_was_said_and_no_larger(void **state)
{
	(void)state;
	static const char bytes[65537];
	for (unsigned large = 0; large < 2; large++) {
		struct raw r;
		raw_open(&r, large ? large_frames : NULL);
		size_t most = large ? 65536 : 16384;
		assert_int_equal(r.settings[NGHTTP2_SETTINGS_MAX_FRAME_SIZE], most);
		int32_t stream = raw_headers(&r, 0, "/t.T/Upload", NULL, NULL);
		raw_frame(&r, NGHTTP2_DATA, 0, stream, slice_make(bytes, most));
		raw_good_call(&r);
		raw_frame(&r, NGHTTP2_DATA, 0, stream, slice_make(bytes, most + 1));
		raw_run(&r);
		assert_true(engine_done(r.pair.engine));
		assert_int_equal(r.goaway_code, NGHTTP2_FRAME_SIZE_ERROR);
		raw_close(&r);
	}
}

/* Nothing is switched on that is not served. */
static void
the_settings_say_what_holds(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	const struct rpc_limits *l = &r.pair.config.limits;
	assert_int_equal(r.settings[NGHTTP2_SETTINGS_HEADER_TABLE_SIZE], l->header_table);
	assert_int_equal(r.settings[NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS], l->max_concurrent_streams);
	assert_int_equal(r.settings[NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE], l->stream_window);
	assert_int_equal(r.settings[NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE], l->max_header_list);
	assert_int_equal(r.settings[NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL], 0);
	assert_int_equal(r.settings[NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES], 1);
	raw_close(&r);
}

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rapid_resets_end_the_connection),
		cmocka_unit_test(resets_at_the_rate_allowed_pass_for_ever),
		cmocka_unit_test(resets_of_calls_that_waited_are_free),
		cmocka_unit_test(a_burst_of_calls_given_up_at_once_passes),
		cmocka_unit_test(provoked_resets_end_the_connection_whatever_provokes_them),
		cmocka_unit_test(provoked_resets_are_counted_when_they_leave),
		cmocka_unit_test(some_provoked_resets_harm_nobody_else),
		cmocka_unit_test(resets_of_the_servers_own_accord_are_not_counted),
		cmocka_unit_test(streams_beyond_the_limit_are_refused_and_only_a_flood_ends),
		cmocka_unit_test(pings_without_traffic_end_the_connection),
		cmocka_unit_test(pings_faster_than_the_least_time_end_the_connection_with_a_call_open),
		cmocka_unit_test(pings_at_the_least_time_pass_with_a_call_open),
		cmocka_unit_test(pings_after_answers_pass),
		cmocka_unit_test(pings_in_numbers_end_the_connection_at_once),
		cmocka_unit_test(settings_in_numbers_end_the_connection),
		cmocka_unit_test(settings_now_and_then_pass),
		cmocka_unit_test(frames_that_do_nothing_end_the_connection_in_numbers),
		cmocka_unit_test(some_frames_that_do_nothing_pass),
		cmocka_unit_test(header_blocks_that_nobody_wants_count_by_their_size),
		cmocka_unit_test(window_updates_that_answer_data_pass),
		cmocka_unit_test(the_rest_of_an_upload_that_was_refused_passes),
		cmocka_unit_test(a_header_bomb_ends_the_connection_at_four_times_the_limit),
		cmocka_unit_test(a_header_bomb_in_trailers_ends_the_connection),
		cmocka_unit_test(metadata_beyond_the_limit_is_refused_but_not_for_ever),
		cmocka_unit_test(metadata_within_the_limit_passes_for_ever),
		cmocka_unit_test(a_ninth_continuation_ends_the_connection),
		cmocka_unit_test(empty_continuations_end_the_connection),
		cmocka_unit_test(a_frame_may_be_as_large_as_was_said_and_no_larger),
		cmocka_unit_test(the_settings_say_what_holds),
		cmocka_unit_test(work_for_calls_that_were_reset_counts_until_it_is_done),
		cmocka_unit_test(work_that_ends_before_its_call_counts_no_more),
		cmocka_unit_test(half_messages_are_bounded_and_the_newest_gives_way),
		cmocka_unit_test(whole_messages_do_not_take_that_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
