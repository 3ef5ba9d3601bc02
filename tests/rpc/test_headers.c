/* Metadata floods, and what frames and settings may be. */
#include "support_raw.h"

#include <stdio.h>
#include <string.h>

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_bomb_ends_the_connection_at_four_times_the_limit),
		cmocka_unit_test(a_header_bomb_in_trailers_ends_the_connection),
		cmocka_unit_test(metadata_beyond_the_limit_is_refused_but_not_for_ever),
		cmocka_unit_test(metadata_within_the_limit_passes_for_ever),
		cmocka_unit_test(a_ninth_continuation_ends_the_connection),
		cmocka_unit_test(empty_continuations_end_the_connection),
		cmocka_unit_test(a_frame_may_be_as_large_as_was_said_and_no_larger),
		cmocka_unit_test(the_settings_say_what_holds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
