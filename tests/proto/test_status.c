/* gRPC framing and metadata over any split, and refusals that survive the way to the client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "status.h"
#include "wire.h"

static void
messages_are_found_over_any_split(void **state)
{
	(void)state;
	struct buf stream = {0};
	frame_message(&stream, SLICE("first"));
	frame_message(&stream, SLICE(""));
	frame_message(&stream, SLICE("the third"));
	static const char *const want[] = {"first", "", "the third"};
	for (size_t step = 1; step <= stream.n; step++) {
		struct deframer d;
		size_t got = 0;
		deframer_init(&d, 100);
		for (size_t at = 0; at < stream.n; at += step) {
			struct slice data = {stream.p + at, stream.n - at < step ? stream.n - at : step};
			int r;
			while ((r = deframer_push(&d, &data)) == 1) {
				assert_true(slice_is(buf_slice(&d.message), want[got++]));
				assert_false(d.compressed);
				deframer_next(&d);
				if (data.n == 0)
					break;
			}
			assert_true(r >= 0);
			assert_int_equal(data.n, 0);
		}
		assert_int_equal(got, 3);
		assert_true(deframer_idle(&d));
		deframer_release(&d);
	}
	buf_release(&stream);
}

static void
a_prefix_that_announces_too_much_is_refused_at_once(void **state)
{
	(void)state;
	struct deframer d;
	deframer_init(&d, 10);
	struct slice data = SLICE("\0\0\0\0\x0b");
	assert_int_equal(deframer_push(&d, &data), ERR_MESSAGE_TOO_LARGE);
	assert_int_equal(deframer_push(&d, &data), ERR_MESSAGE_TOO_LARGE);
	assert_int_equal(d.message.cap, 0);
	deframer_next(&d);
	data = SLICE("\0\0\0\0\x0a"
		     "0123456789");
	assert_int_equal(deframer_push(&d, &data), 1);
	deframer_next(&d);
	data = SLICE("\2\0\0\0\x01x");
	assert_int_equal(deframer_push(&d, &data), ERR_INTERNAL);
	deframer_next(&d);
	data = SLICE("\1\0\0\0\x01");
	assert_int_equal(deframer_push(&d, &data), 0);
	assert_true(d.compressed);
	assert_false(deframer_idle(&d));
	deframer_release(&d);
}

static void
timeouts_are_read_as_the_protocol_says(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {{"0S", 0},
		    {"0n", 0},
		    {"1n", 1},
		    {"1000000n", 1},
		    {"1u", 1},
		    {"1001u", 2},
		    {"250m", 250},
		    {"5S", 5000},
		    {"2M", 120000},
		    {"1H", 3600000},
		    {"99999999H", 359999996400000}};
	static const char *const bad[] = {"",    "1",    "S",          "1x",  "-1S", "+1S",
					  " 1S", "1.5S", "123456789S", "1 S", "1s"};
	int64_t ms;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(timeout_parse(slice_of(good[i].text), &ms));
		assert_true(ms == good[i].ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(timeout_parse(slice_of(bad[i]), &ms));
	static const int64_t times[] = {-5,        0,           1,           99999999, 100000000,
					100000001, 99999999000, 99999999001, INT64_MAX};
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		char text[12];
		timeout_format(text, times[i]);
		assert_true(timeout_parse(slice_of(text), &ms));
		assert_true(ms >= times[i] || times[i] == INT64_MAX);
	}
}

static void
percent_encoding_goes_both_ways(void **state)
{
	(void)state;
	struct buf b = {0}, back = {0};
	struct slice text = SLICE("\t额度 100% \r\n😀~");
	percent_encode(&b, text);
	assert_true(slice_starts(buf_slice(&b), SLICE("%09%E9%A2%9D%E5%BA%A6 100%25 %0D%0A%F0%9F%98%80~")));
	percent_decode(&back, buf_slice(&b));
	assert_true(slice_equal(buf_slice(&back), text));
	buf_clear(&b);
	percent_encode(&b, SLICE("  a b "));
	assert_true(slice_is(buf_slice(&b), "%20 a b%20"));
	buf_clear(&back);
	percent_decode(&back, SLICE("50% %zz %4 %e4%B8%ad%"));
	assert_true(slice_is(buf_slice(&back), "50% %zz %4 中%"));
	buf_release(&b);
	buf_release(&back);
}

static void
base64_goes_both_ways_padded_or_not(void **state)
{
	(void)state;
	char bytes[256];
	for (int i = 0; i < 256; i++)
		bytes[i] = (char)(255 - i);
	for (size_t n = 0; n <= 256; n++) {
		struct buf b = {0}, back = {0};
		base64_encode(&b, (struct slice){bytes, n});
		assert_true(base64_decode(&back, buf_slice(&b)));
		assert_true(slice_equal(buf_slice(&back), (struct slice){bytes, n}));
		while (b.n % 4)
			buf_append_char(&b, '=');
		buf_clear(&back);
		assert_true(base64_decode(&back, buf_slice(&b)));
		assert_true(slice_equal(buf_slice(&back), (struct slice){bytes, n}));
		buf_release(&b);
		buf_release(&back);
	}
	static const char *const bad[] = {"A",    "AAAAA", "AQI,AwQ=", "-_==", "AQ=I",
					  "A===", "====",  "AQ= ",     "AQ\n"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf back = {0};
		assert_false(base64_decode(&back, slice_of(bad[i])));
		assert_int_equal(back.n, 0);
		buf_release(&back);
	}
}

static struct fault
two_missing_documents(void)
{
	struct fault f = {0};
	fault_set_article(&f, ERR_DOCUMENT_MISSING, "13.2", "two things are missing");
	fault_add(&f, ERR_DOCUMENT_MISSING, "document.construction-plan", "the construction plan is missing");
	fault_add(&f, ERR_INVALID_FIELD, "items[0].quantity", "数量必须大于零");
	f.more = 3;
	return f;
}

static void
a_refusal_arrives_whole(void **state)
{
	(void)state;
	struct fault f = two_missing_documents(), got;
	struct buf b = {0};
	status_encode(&b, &f, 8192);
	assert_true(status_decode(&got, GRPC_FAILED_PRECONDITION, SLICE("x"), buf_slice(&b)));
	assert_int_equal(got.code, f.code);
	assert_string_equal(got.text, f.text);
	assert_string_equal(got.article, "13.2");
	assert_int_equal(got.item_count, 2);
	assert_int_equal(got.more, 3);
	assert_string_equal(got.items[0].text, "数量必须大于零");
	assert_int_equal(got.items[0].code, ERR_INVALID_FIELD);
	assert_string_equal(got.items[1].field, "document.construction-plan");
	assert_int_equal(got.items[1].code, ERR_DOCUMENT_MISSING);
	/* Another status than the details say, a cut, or nothing: the status and the message stand alone. */
	assert_false(status_decode(&got, GRPC_INTERNAL, SLICE("x"), buf_slice(&b)));
	assert_int_equal(got.code, ERR_INTERNAL);
	assert_string_equal(got.text, "x");
	assert_false(status_decode(&got, GRPC_FAILED_PRECONDITION, SLICE("x"), (struct slice){b.p, b.n - 1}));
	assert_false(status_decode(&got, GRPC_NOT_FOUND, SLICE(""), SLICE("")));
	assert_int_equal(got.code, ERR_NOT_FOUND);
	assert_true(strlen(got.text) > 0);
	buf_release(&b);
}

static void
items_are_left_off_to_fit(void **state)
{
	(void)state;
	struct fault f = {0}, got;
	fault_set(&f, ERR_INVALID_ARGUMENT, "many things are wrong");
	for (int i = 0; i < 20; i++)
		fault_add(&f, ERR_INVALID_FIELD, "field",
			  "number %d is wrong in some way that takes many words", i);
	size_t before = FAULT_ITEMS + 1;
	for (size_t max = 2000; max > 0; max -= 50) {
		struct buf b = {0};
		status_encode(&b, &f, max);
		assert_true(b.n <= max);
		if (b.n) {
			assert_true(status_decode(&got, GRPC_INVALID_ARGUMENT, SLICE("y"), buf_slice(&b)));
			assert_true(got.item_count <= before);
			assert_int_equal(got.item_count + got.more, 20);
			before = got.item_count;
		}
		buf_release(&b);
	}
	assert_int_equal(before, 0);
}

static void
an_overloaded_server_says_when_to_try_again(void **state)
{
	(void)state;
	struct fault f = {0};
	struct buf b = {0};
	fault_set(&f, ERR_OVERLOADED, "busy");
	status_encode(&b, &f, 8192);
	assert_non_null(memmem(b.p, b.n, "google.rpc.RetryInfo", 20));
	assert_non_null(memmem(b.p, b.n, "EAGAIN", 6));
	struct fault got;
	assert_true(status_decode(&got, GRPC_RESOURCE_EXHAUSTED, SLICE("x"), buf_slice(&b)));
	assert_int_equal(got.retry_ms, 1000);
	static const struct {
		int code;
		long long said, heard;
	} cases[] = {{ERR_OVERLOADED, 1, 1},          {ERR_OVERLOADED, 12345, 12345},
		     {ERR_UNAVAILABLE, 30000, 30000}, {ERR_UNAVAILABLE, 0, 0},
		     {ERR_UNAVAILABLE, -5, 0},        {ERR_OVERLOADED, 1LL << 60, 86400000}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&b);
		fault_set(&f, cases[i].code, "busy");
		assert_int_equal(f.retry_ms, 0);
		f.retry_ms = cases[i].said;
		status_encode(&b, &f, 8192);
		assert_true(status_decode(&got, reason_of(f.code)->status, SLICE("x"), buf_slice(&b)));
		assert_int_equal(got.retry_ms, cases[i].heard);
	}
	buf_release(&b);
}

static void
a_refusal_links_to_its_article(void **state)
{
	(void)state;
	struct fault f = {0};
	struct buf b = {0};
	fault_set_article(&f, ERR_DOCUMENT_MISSING, "13.2", "a document is missing");
	status_encode(&b, &f, 8192);
	assert_non_null(memmem(b.p, b.n, "google.rpc.Help", 15));
	assert_non_null(memmem(b.p, b.n, "\x12\x08rules/13", 10));
	assert_non_null(memmem(b.p, b.n, "Article 13.2", 12));
	/* Room for all but it. */
	size_t whole = b.n;
	buf_clear(&b);
	status_encode(&b, &f, whole - 1);
	assert_true(b.n > 0);
	assert_null(memmem(b.p, b.n, "google.rpc.Help", 15));
	assert_non_null(memmem(b.p, b.n, "a document is missing", 21));
	buf_clear(&b);
	fault_set(&f, ERR_NOT_FOUND, "none");
	status_encode(&b, &f, 8192);
	assert_null(memmem(b.p, b.n, "google.rpc.Help", 15));
	buf_release(&b);
}

static void
put_any(struct buf *status, const char *type, struct slice value)
{
	struct buf any = {0};
	wire_put_string(&any, 1, slice_of(type));
	wire_put_bytes(&any, 2, value);
	wire_put_bytes(status, 3, buf_slice(&any));
	buf_release(&any);
}

/* A newer server, a proxy or another service adds what it likes. */
static void
details_that_are_not_known_are_passed_over(void **state)
{
	(void)state;
	struct fault f = {0}, got;
	struct buf b = {0};
	fault_set(&f, ERR_NOT_FOUND, "none");
	status_encode(&b, &f, 8192);
	put_any(&b, "type.googleapis.com/google.rpc.DebugInfo", SLICE("\x0a\x03why"));
	put_any(&b, "type.googleapis.com/google.rpc.Help", SLICE("\xff\xff\xff"));
	put_any(&b, "type.googleapis.com/google.rpc.RetryInfo", SLICE("\xff"));
	put_any(&b, "", SLICE(""));
	assert_true(status_decode(&got, GRPC_NOT_FOUND, SLICE("x"), buf_slice(&b)));
	assert_string_equal(got.text, "none");
	assert_string_equal(got.article, "");
	put_any(&b, "type.googleapis.com/google.rpc.Help", SLICE("\x0a\x0f\x12\x0dhttp://x.test"));
	assert_true(status_decode(&got, GRPC_NOT_FOUND, SLICE("x"), buf_slice(&b)));
	assert_string_equal(got.article, "");
	put_any(&b, "type.googleapis.com/google.rpc.Help", SLICE("\x0a\x0a\x12\x08rules/20"));
	assert_true(status_decode(&got, GRPC_NOT_FOUND, SLICE("x"), buf_slice(&b)));
	assert_string_equal(got.article, "20");
	buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_found_over_any_split),
		cmocka_unit_test(a_prefix_that_announces_too_much_is_refused_at_once),
		cmocka_unit_test(timeouts_are_read_as_the_protocol_says),
		cmocka_unit_test(percent_encoding_goes_both_ways),
		cmocka_unit_test(base64_goes_both_ways_padded_or_not),
		cmocka_unit_test(a_refusal_arrives_whole),
		cmocka_unit_test(items_are_left_off_to_fit),
		cmocka_unit_test(an_overloaded_server_says_when_to_try_again),
		cmocka_unit_test(a_refusal_links_to_its_article),
		cmocka_unit_test(details_that_are_not_known_are_passed_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
