/* The four call types, their callbacks, metadata and statuses, over any chunking. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
unary_answers_its_message_with_status_0(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	for (uint64_t seed = 1; seed <= 50; seed++) {
		p.seed = seed;
		struct client_call *c = pair_unary(&p, "/t.T/Unary", SLICE("hello"));
		assert_status(c, GRPC_OK);
		assert_true(slice_is(reply_message(c, 0), "hello"));
		assert_int_equal(reply_count(c), 1);
		assert_int_equal(c->http_status, 200);
		assert_string_equal(c->content_type, "application/grpc");
		assert_int_equal(c->head_frames, 2);
		assert_int_equal(events(&p, c, "start"), 1);
		assert_int_equal(events(&p, c, "message"), 1);
		assert_int_equal(events(&p, c, "closed"), 1);
	}
	assert_int_equal(engine_open_calls(p.engine), 0);
	assert_int_equal(p.finished_count, 50);
	assert_int_equal(p.last_stats.bytes_in, 5);
	assert_int_equal(p.last_stats.messages_out, 1);
	pair_close(&p);
}

static void
the_content_type_is_echoed_with_its_codec(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	static const char *const extra[] = {"content-type", "Application/gRPC+Proto;charset=x", NULL};
	struct client_call *c = pair_call(&p, "/t.T/Unary", extra);
	pair_say(&p, c, SLICE("x"));
	pair_end(&p, c);
	pair_run(&p);
	assert_status(c, GRPC_OK);
	assert_string_equal(c->content_type, "application/grpc+proto");
	pair_close(&p);
}

static void
an_empty_message_is_a_message(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = pair_unary(&p, "/t.T/Unary", (struct slice){0});
	assert_status(c, GRPC_OK);
	assert_int_equal(reply_count(c), 1);
	assert_int_equal(reply_message(c, 0).n, 0);
	pair_close(&p);
}

static void
client_streaming_takes_messages_over_any_split(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	for (uint64_t seed = 1; seed <= 20; seed++) {
		p.seed = seed;
		struct client_call *c = pair_call(&p, "/t.T/Upload", NULL);
		size_t total = 0;
		for (unsigned i = 0; i < 30; i++) {
			size_t n = (size_t)(random_next(&p.seed) % 9000);
			char *bytes = calloc(1, n + 1);
			pair_say(&p, c, slice_make(bytes, n));
			free(bytes);
			total += n;
			if (i % 7 == 0)
				pair_run(&p);
		}
		pair_end(&p, c);
		pair_run(&p);
		char text[32];
		snprintf(text, sizeof(text), "%zu", total);
		assert_status(c, GRPC_OK);
		assert_true(slice_is(reply_message(c, 0), text));
		assert_int_equal(events(&p, c, "message"), 30);
		assert_int_equal(events(&p, c, "half_close"), 1);
	}
	pair_close(&p);
}

static void
a_stream_may_end_on_an_empty_data_frame_or_on_headers(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = pair_call(&p, "/t.T/Upload", NULL);
	pair_say(&p, c, SLICE("abc"));
	pair_run(&p);
	pair_end(&p, c);
	pair_run(&p);
	assert_status(c, GRPC_OK);
	assert_true(slice_is(reply_message(c, 0), "3"));
	struct client_call *bare = pair_call_bare(&p, "/t.T/Upload", NULL);
	pair_run(&p);
	assert_status(bare, GRPC_OK);
	assert_true(slice_is(reply_message(bare, 0), "0"));
	assert_int_equal(events(&p, bare, "half_close"), 1);
	pair_close(&p);
}

static void
request_trailers_end_the_request_and_say_nothing_else(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = pair_call(&p, "/t.T/Upload", NULL);
	pair_say(&p, c, SLICE("abc"));
	pair_run(&p);
	nghttp2_nv trailer = {(uint8_t *)(uintptr_t) "x-check", (uint8_t *)(uintptr_t) "1", 7, 1, 0};
	assert_int_equal(nghttp2_submit_trailer(p.client, c->stream, &trailer, 1), 0);
	pair_run(&p);
	assert_status(c, GRPC_OK);
	assert_true(slice_is(reply_message(c, 0), "3"));
	pair_close(&p);
}

static void
server_streaming_sends_all_messages_in_order(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = pair_unary(&p, "/t.T/Download", SLICE("100 1000"));
	assert_status(c, GRPC_OK);
	assert_int_equal(reply_count(c), 100);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(reply_message(c, i).n, 1000);
		assert_int_equal(reply_message(c, i).p[500], 'a' + (99 - i) % 26);
	}
	pair_close(&p);
}

static void
a_stream_without_messages_is_trailers_only(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *none = pair_unary(&p, "/t.T/Download", SLICE("0 0"));
	assert_status(none, GRPC_OK);
	assert_int_equal(none->head_frames, 1);
	struct client_call *empty = pair_unary(&p, "/t.T/Empty", SLICE("x"));
	assert_status(empty, GRPC_OK);
	assert_int_equal(empty->head_frames, 1);
	pair_close(&p);
}

static void
headers_can_go_before_the_first_message(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = pair_unary(&p, "/t.T/Stream", SLICE("x"));
	assert_int_equal(c->head_frames, 1);
	assert_false(c->ended);
	struct call *call = engine_find(p.engine, c->stream);
	assert_non_null(call);
	assert_int_equal(p.wakes, 0);
	assert_int_equal(call_send(call, SLICE("late")), 0);
	assert_int_equal(p.wakes, 1);
	pair_run(&p);
	assert_true(slice_is(reply_message(c, 0), "late"));
	call_finish(call, NULL);
	assert_int_equal(p.wakes, 2);
	pair_run(&p);
	assert_status(c, GRPC_OK);
	assert_null(engine_find(p.engine, c->stream));
	pair_close(&p);
}

static void
bidirectional_calls_interleave(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *calls[20];
	for (size_t i = 0; i < 20; i++)
		calls[i] = pair_call(&p, "/t.T/Chat", NULL);
	for (unsigned round = 0; round < 10; round++)
		for (size_t i = 0; i < 20; i++) {
			char text[32];
			snprintf(text, sizeof(text), "%zu-%u", i, round);
			pair_say(&p, calls[i], slice_of(text));
			if ((random_next(&p.seed) & 3) == 0)
				pair_run(&p);
		}
	pair_run(&p);
	for (size_t i = 0; i < 20; i++) {
		assert_int_equal(reply_count(calls[i]), 10);
		assert_false(calls[i]->ended);
		pair_end(&p, calls[i]);
	}
	pair_run(&p);
	for (size_t i = 0; i < 20; i++) {
		char text[32];
		snprintf(text, sizeof(text), "%zu-9", i);
		assert_status(calls[i], GRPC_OK);
		assert_true(slice_is(reply_message(calls[i], 9), text));
	}
	pair_close(&p);
}

static void
calls_answered_in_any_order_get_their_own_answers(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *calls[50];
	for (size_t i = 0; i < 50; i++)
		calls[i] = pair_unary(&p, "/t.T/Hold", SLICE("x"));
	for (size_t i = 0; i < 50; i++) {
		size_t k = i * 7 % 50;
		struct call *call = engine_find(p.engine, calls[k]->stream);
		assert_int_equal(call_handle(call).connection, 77);
		call_reply(call, slice_of(arena_printf(call_arena(call), "%zu", k)));
	}
	pair_run(&p);
	for (size_t i = 0; i < 50; i++) {
		char text[32];
		snprintf(text, sizeof(text), "%zu", i);
		assert_status(calls[i], GRPC_OK);
		assert_true(slice_is(reply_message(calls[i], 0), text));
	}
	assert_int_equal(engine_open_calls(p.engine), 0);
	pair_close(&p);
}

static void
metadata_comes_trimmed_and_decoded_and_goes_back_encoded(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	static const char *const extra[] = {"x-name", " zwy ", "x-raw-bin", "AAEC/w", NULL};
	struct client_call *c = pair_call(&p, "/t.T/Metadata", extra);
	pair_say(&p, c, SLICE("x-name"));
	pair_end(&p, c);
	pair_run(&p);
	assert_status(c, GRPC_OK);
	assert_true(slice_is(reply_message(c, 0), "zwy"));
	buf_append_char(&c->headers, '\0');
	assert_non_null(strstr(c->headers.p, "x-echo: zwy\n"));
	assert_non_null(strstr(c->headers.p, "x-echo-bin: end5\n"));
	c = pair_call(&p, "/t.T/Metadata", extra);
	pair_say(&p, c, SLICE("x-raw-bin"));
	pair_end(&p, c);
	pair_run(&p);
	assert_int_equal(reply_message(c, 0).n, 4);
	assert_memory_equal(reply_message(c, 0).p, "\0\1\2\377", 4);
	buf_append_char(&c->headers, '\0');
	assert_non_null(strstr(c->headers.p, "x-echo-bin: AAEC/w\n"));
	assert_null(strstr(c->headers.p, "x-echo: "));
	pair_close(&p);
}

static void
binary_metadata_is_split_on_commas_padded_or_not(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	static const char *const extra[] = {"x-raw-bin", "AQI=,AwQ=", NULL};
	struct client_call *c = pair_call(&p, "/t.T/Metadata", extra);
	pair_say(&p, c, SLICE("x-raw-bin"));
	pair_end(&p, c);
	pair_run(&p);
	assert_status(c, GRPC_OK);
	assert_int_equal(reply_message(c, 0).n, 2);
	assert_memory_equal(reply_message(c, 0).p, "\1\2", 2);
	pair_close(&p);
}

static struct client_call *
call_fault(struct pair *p, int code, const char *text)
{
	struct buf message = {0};
	buf_printf(&message, "%d %s", code, text);
	struct client_call *c = pair_unary(p, "/t.T/Fault", buf_slice(&message));
	buf_release(&message);
	return c;
}

static void
a_fault_carries_status_text_and_details(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	static const char text[] = "\t\ntest with whitespace\r\nand Unicode BMP \xe2\x98\xba and non-BMP "
				   "\xf0\x9f\x98\x88 100%\t\n";
	struct client_call *c = call_fault(&p, ERR_QUOTA_EXCEEDED, text);
	assert_status(c, GRPC_RESOURCE_EXHAUSTED);
	assert_string_equal(c->message, text);
	assert_int_equal(c->head_frames, 1);
	struct fault f;
	assert_true(status_decode(&f, GRPC_RESOURCE_EXHAUSTED, slice_of(c->message), buf_slice(&c->details)));
	assert_int_equal(f.code, ERR_QUOTA_EXCEEDED);
	assert_int_equal(p.last_stats.code, ERR_QUOTA_EXCEEDED);
	assert_int_equal(p.last_stats.status, GRPC_RESOURCE_EXHAUSTED);
	pair_close(&p);
}

static void
every_reason_arrives_as_its_status(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	for (int code = -1; code > -REASON_COUNT; code--) {
		struct client_call *c = call_fault(&p, code, "why");
		assert_status(c, reason_of(code)->status);
		assert_string_equal(c->message, "why");
	}
	pair_close(&p);
}

/* Pitfall: C core drops a call whose trailers exceed the list size that it announced. */
static void
trailers_stay_within_the_peers_header_limit(void **state)
{
	(void)state;
	static const uint32_t limits[] = {0, 8192, 2000, 700, 300, 200, 100, 40};
	char text[480];
	for (size_t i = 0; i + 1 < sizeof(text); i++)
		text[i] = "\xe6\x9c\x8d\xe5\x8a\xa1"[i % 6];
	text[477] = '\0';
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct pair p;
		struct pair_options o = {.max_header_list = limits[i]};
		pair_open(&p, &o);
		struct client_call *c = call_fault(&p, ERR_INVALID_ARGUMENT, text);
		assert_status(c, GRPC_INVALID_ARGUMENT);
		assert_true(c->header_bytes <= (limits[i] >= 200 ? limits[i] : 8192) || limits[i] == 0);
		assert_true(utf8_valid(slice_of(c->message)));
		pair_close(&p);
	}
}

static void
a_status_of_the_handlers_own_is_sent_as_it_is(void **state)
{
	(void)state;
	struct pair p;
	static char text[9000];
	pair_open(&p, NULL);
	struct client_call *c = pair_unary(&p, "/t.T/Status", SLICE("too late"));
	assert_status(c, GRPC_ABORTED);
	assert_string_equal(c->message, "too late");
	assert_true(slice_is(buf_slice(&c->details), "too late"));
	assert_int_equal(p.last_stats.status, GRPC_ABORTED);
	memset(text, 'x', 5000);
	c = pair_unary(&p, "/t.T/Status", slice_make(text, 5000));
	assert_status(c, GRPC_ABORTED);
	assert_int_equal(c->details.n, 0);
	memset(text, 'x', sizeof(text));
	c = pair_unary(&p, "/t.T/Status", slice_make(text, sizeof(text)));
	assert_status(c, GRPC_ABORTED);
	assert_true(c->header_bytes <= 8192);
	pair_close(&p);
}

static void
requests_of_typed_methods_pass_the_walk(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = pair_unary(&p, "/t.T/Checked",
					   SLICE("\x0a\x03"
						 "abc"));
	assert_status(c, GRPC_OK);
	c = pair_unary(&p, "/t.T/Checked",
		       SLICE("\x0a\x7f"
			     "abc"));
	assert_status(c, GRPC_INTERNAL);
	assert_int_equal(events(&p, c, "message"), 0);
	c = pair_unary(&p, "/t.T/Checked", SLICE("\x0a\x02\xff\xff"));
	assert_status(c, GRPC_INVALID_ARGUMENT);
	assert_int_equal(events(&p, c, "message"), 0);
	assert_int_equal(events(&p, c, "closed"), 1);
	pair_close(&p);
}

static void
thousands_of_calls_leave_nothing_behind(void **state)
{
	(void)state;
	struct pair *p = malloc(sizeof(*p));
	for (unsigned k = 0; k < 10; k++) {
		pair_open(p, NULL);
		for (unsigned i = 0; i < 500; i++)
			assert_status(pair_unary(p, "/t.T/Unary", SLICE("x")), GRPC_OK);
		assert_int_equal(engine_open_calls(p->engine), 0);
		pair_wait(p, 10000);
		assert_false(engine_done(p->engine));
		pair_close(p);
	}
	free(p);
}

/* A handler that waits for something else pauses, and goes on; its one message is not new. */
static void
a_unary_call_that_pauses_gets_its_message_once(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = pair_unary(&p, "/t.T/Hold", SLICE("x"));
	struct call *call = engine_find(p.engine, c->stream);
	call_pause(call);
	call_resume(call);
	pair_run(&p);
	assert_int_equal(events(&p, c, "message"), 1);
	assert_int_equal(events(&p, c, "half_close"), 1);
	call_reply(call, SLICE("y"));
	pair_run(&p);
	assert_status(c, GRPC_OK);
	pair_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unary_answers_its_message_with_status_0),
		cmocka_unit_test(the_content_type_is_echoed_with_its_codec),
		cmocka_unit_test(an_empty_message_is_a_message),
		cmocka_unit_test(client_streaming_takes_messages_over_any_split),
		cmocka_unit_test(a_stream_may_end_on_an_empty_data_frame_or_on_headers),
		cmocka_unit_test(request_trailers_end_the_request_and_say_nothing_else),
		cmocka_unit_test(server_streaming_sends_all_messages_in_order),
		cmocka_unit_test(a_stream_without_messages_is_trailers_only),
		cmocka_unit_test(headers_can_go_before_the_first_message),
		cmocka_unit_test(bidirectional_calls_interleave),
		cmocka_unit_test(calls_answered_in_any_order_get_their_own_answers),
		cmocka_unit_test(metadata_comes_trimmed_and_decoded_and_goes_back_encoded),
		cmocka_unit_test(binary_metadata_is_split_on_commas_padded_or_not),
		cmocka_unit_test(a_fault_carries_status_text_and_details),
		cmocka_unit_test(a_status_of_the_handlers_own_is_sent_as_it_is),
		cmocka_unit_test(every_reason_arrives_as_its_status),
		cmocka_unit_test(trailers_stay_within_the_peers_header_limit),
		cmocka_unit_test(requests_of_typed_methods_pass_the_walk),
		cmocka_unit_test(thousands_of_calls_leave_nothing_behind),
		cmocka_unit_test(a_unary_call_that_pauses_gets_its_message_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
