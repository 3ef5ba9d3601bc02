/* Resets, those that the client sends and those that it provokes: floods end the connection, each with
 * the use that must pass. */
#include "support_raw.h"

#include <stdio.h>
#include <string.h>

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

/* A server that is slow, and hundreds of clients behind one proxy whose patience is short. */
static void
resets_at_the_deadline_are_free(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, small_budgets);
	for (unsigned round = 0; round < 50; round++) {
		int32_t first = r.next_stream;
		for (unsigned i = 0; i < 200; i++)
			raw_message(&r, raw_headers(&r, 0, "/t.T/Hold", "grpc-timeout", "100m"),
				    NGHTTP2_FLAG_END_STREAM, SLICE("x"));
		assert_true(raw_run(&r));
		r.pair.now += 95 + round % 10; /* before the server's clock says so, and after */
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
	for (unsigned i = 0; i < 1000; i++)
		begin_and_reset(&r);
	assert_true(raw_run(&r));
	expect_service(&r);
}

/* As C core says it of a call that was given up before its HEADERS left. */
static void
a_reset_of_a_stream_that_never_began_harms_no_other(void **state)
{
	(void)state;
	struct raw r;
	raw_open(&r, NULL);
	raw_good_call(&r);
	int32_t open = raw_headers(&r, 0, "/t.T/Chat", NULL, NULL);
	for (unsigned i = 0; i < 50; i++) {
		r.next_stream += 2;
		raw_number(&r, NGHTTP2_RST_STREAM, r.next_stream - 2, NGHTTP2_CANCEL);
		struct buf split = r.out; /* its header may come in pieces */
		r.out = (struct buf){0};
		raw_say(&r, slice_make(split.p, split.n - 4 - i % 9));
		assert_true(raw_run(&r));
		raw_say(&r, slice_make(split.p + split.n - 4 - i % 9, 4 + i % 9));
		buf_release(&split);
		raw_good_call(&r);
	}
	assert_non_null(engine_find(r.pair.engine, open));
	expect_service(&r);
}

/* Of one that could not have been a call it is the error that it is (RFC 9113 5.1). */
static void
a_reset_before_any_stream_ends_the_connection(void **state)
{
	(void)state;
	for (int32_t stream = 1; stream <= 2; stream++) {
		struct raw r;
		raw_open(&r, NULL);
		raw_number(&r, NGHTTP2_RST_STREAM, stream, NGHTTP2_CANCEL);
		assert_false(raw_run(&r));
		assert_int_equal(r.goaway_code, NGHTTP2_PROTOCOL_ERROR);
		raw_close(&r);
	}
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rapid_resets_end_the_connection),
		cmocka_unit_test(resets_at_the_rate_allowed_pass_for_ever),
		cmocka_unit_test(resets_of_calls_that_waited_are_free),
		cmocka_unit_test(resets_at_the_deadline_are_free),
		cmocka_unit_test(a_burst_of_calls_given_up_at_once_passes),
		cmocka_unit_test(a_reset_of_a_stream_that_never_began_harms_no_other),
		cmocka_unit_test(a_reset_before_any_stream_ends_the_connection),
		cmocka_unit_test(provoked_resets_end_the_connection_whatever_provokes_them),
		cmocka_unit_test(provoked_resets_are_counted_when_they_leave),
		cmocka_unit_test(some_provoked_resets_harm_nobody_else),
		cmocka_unit_test(resets_of_the_servers_own_accord_are_not_counted),
		cmocka_unit_test(streams_beyond_the_limit_are_refused_and_only_a_flood_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
