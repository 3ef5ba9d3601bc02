/* Compressed messages, both ways (PROTOCOL-HTTP2, Compression). */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gzip.h"

static const char *const both_ways[] = {"grpc-encoding", "gzip", "grpc-accept-encoding", "identity,gzip",
					NULL};
static const char *const only_up[] = {"grpc-encoding", "gzip", NULL};
static const char *const only_down[] = {"grpc-accept-encoding", "identity, deflate, gzip", NULL};

static void
put_message(struct buf *out, unsigned flag, struct slice bytes)
{
	buf_append_char(out, (char)flag);
	buf_append_u32be(out, (uint32_t)bytes.n);
	buf_append_slice(out, bytes);
}

static void
put_zipped(struct buf *out, struct slice plain)
{
	struct gzip g = {0};
	struct buf zipped = {0};
	assert_int_equal(gzip_deflate(&g, &zipped, 64u << 20, plain), 0);
	put_message(out, 1, buf_slice(&zipped));
	buf_release(&zipped);
	gzip_release(&g);
}

static struct client_call *
call_bytes(struct pair *p, const char *path, const char *const *extra, struct buf *bytes)
{
	struct client_call *c = pair_call(p, path, extra);
	pair_say_raw(p, c, buf_slice(bytes));
	pair_end(p, c);
	pair_run(p);
	buf_release(bytes);
	return c;
}

static struct client_call *
call_zipped(struct pair *p, const char *path, const char *const *extra, struct slice plain)
{
	struct buf bytes = {0};
	put_zipped(&bytes, plain);
	return call_bytes(p, path, extra, &bytes);
}

static struct client_call *
call_plain(struct pair *p, const char *path, const char *const *extra, struct slice plain)
{
	struct buf bytes = {0};
	put_message(&bytes, 0, plain);
	return call_bytes(p, path, extra, &bytes);
}

/* The n-th message of the reply, inflated; *ret_flag is its flag. */
static void
expect_message(struct client_call *c, size_t n, unsigned flag, struct slice plain)
{
	struct slice s = buf_slice(&c->body), body;
	for (;; n--) {
		assert_true(s.n >= GRPC_PREFIX_BYTES);
		body = slice_make(s.p + GRPC_PREFIX_BYTES, get_u32be(s.p + 1));
		if (n == 0)
			break;
		s = slice_make(body.p + body.n, s.n - GRPC_PREFIX_BYTES - body.n);
	}
	assert_int_equal(s.p[0], flag);
	struct gzip g = {0};
	struct buf out = {0};
	if (flag)
		assert_int_equal(gzip_inflate(&g, &out, 64u << 20, body), 0);
	else
		buf_append_slice(&out, body);
	assert_int_equal(out.n, plain.n);
	assert_true(slice_equal(buf_slice(&out), plain));
	buf_release(&out);
	gzip_release(&g);
}

static const char text[3000] = "a text that repeats";

static void
a_compressed_request_is_inflated_and_its_reply_compressed(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	for (p.seed = 1; p.seed <= 30; p.seed++) {
		struct client_call *c =
			call_zipped(&p, "/t.T/Unary", both_ways, slice_make(text, sizeof(text)));
		assert_status(c, GRPC_OK);
		assert_has_header(c, "grpc-encoding: gzip\n");
		assert_has_header(c, "grpc-accept-encoding: identity,gzip\n");
		expect_message(c, 0, 1, slice_make(text, sizeof(text)));
		assert_int_equal(p.last_stats.bytes_in, sizeof(text));
	}
	pair_close(&p);
}

static void
every_reply_says_what_is_accepted(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	assert_has_header(pair_unary(&p, "/t.T/Unary", SLICE("x")), "grpc-accept-encoding: identity,gzip\n");
	struct client_call *c = pair_unary(&p, "/t.T/None", SLICE("x"));
	assert_has_header(c, "grpc-accept-encoding: identity,gzip\n");
	assert_no_header(c, "grpc-encoding:");
	pair_close(&p);
}

static void
a_short_reply_goes_plain(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = call_zipped(&p, "/t.T/Unary", both_ways, SLICE("short"));
	assert_status(c, GRPC_OK);
	expect_message(c, 0, 0, SLICE("short"));
	assert_no_header(c, "grpc-encoding:");
	size_t least = (size_t)p.config.limits.compress_min;
	c = call_zipped(&p, "/t.T/Unary", both_ways, slice_make(text, least - 1));
	expect_message(c, 0, 0, slice_make(text, least - 1));
	c = call_zipped(&p, "/t.T/Unary", both_ways, slice_make(text, least));
	expect_message(c, 0, 1, slice_make(text, least));
	pair_close(&p);
}

static void
what_compression_does_not_shorten_goes_plain(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	char noise[3000];
	uint64_t seed = 7;
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)random_next(&seed);
	struct client_call *c = call_zipped(&p, "/t.T/Unary", both_ways, slice_make(noise, sizeof(noise)));
	assert_status(c, GRPC_OK);
	expect_message(c, 0, 0, slice_make(noise, sizeof(noise)));
	c = call_zipped(&p, "/t.T/Squeeze", both_ways, slice_make(noise, sizeof(noise)));
	expect_message(c, 0, 1, slice_make(noise, sizeof(noise)));
	pair_close(&p);
}

static void
a_client_that_did_not_offer_gzip_gets_none(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	static const char *const paths[] = {"/t.T/Unary", "/t.T/Squeeze", "/t.T/Mixed"};
	static const char *const offers[] = {"identity", "deflate", "gzipped", "", "identity,deflate"};
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < 5; k++) {
			const char *extra[] = {"grpc-encoding", "gzip", "grpc-accept-encoding", offers[k],
					       NULL};
			struct client_call *c = call_zipped(&p, paths[i], k ? extra : only_up,
							    slice_make(text, sizeof(text)));
			assert_status(c, GRPC_OK);
			assert_int_equal(c->body.p[0], 0);
			assert_no_header(c, "grpc-encoding:");
		}
	pair_close(&p);
}

static void
the_handler_decides_message_by_message(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = call_plain(&p, "/t.T/Mixed", only_down, SLICE("x"));
	char bytes[2000];
	memset(bytes, 'm', sizeof(bytes));
	assert_status(c, GRPC_OK);
	assert_has_header(c, "grpc-encoding: gzip\n");
	for (size_t i = 0; i < 3; i++)
		expect_message(c, i, i != 1, slice_make(bytes, sizeof(bytes)));
	pair_close(&p);
}

static void
the_handler_knows_how_a_message_came(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = call_plain(&p, "/t.T/Squeeze", both_ways, SLICE("hello"));
	expect_message(c, 0, 1, SLICE("sent plain"));
	c = call_zipped(&p, "/t.T/Squeeze", both_ways, SLICE("hello"));
	expect_message(c, 0, 1, SLICE("hello"));
	c = call_zipped(&p, "/t.T/Squeeze", both_ways, (struct slice){0});
	expect_message(c, 0, 0, (struct slice){0});
	pair_close(&p);
}

static void
flags_mix_within_a_stream(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct buf bytes = {0};
	put_message(&bytes, 0, SLICE("plain"));
	put_zipped(&bytes, SLICE("zipped"));
	put_zipped(&bytes, (struct slice){0});
	put_message(&bytes, 0, (struct slice){0});
	struct client_call *c = call_bytes(&p, "/t.T/Upload", both_ways, &bytes);
	assert_status(c, GRPC_OK);
	assert_true(slice_is(reply_message(c, 0), "11"));
	assert_int_equal(events(&p, c, "message"), 4);
	pair_close(&p);
}

/* --- what is not sound --- */

static void
a_flag_without_gzip_is_internal(void **state)
{
	(void)state;
	static const char *const identity[] = {"grpc-encoding", "identity", "grpc-accept-encoding", "gzip",
					       NULL};
	struct pair p;
	pair_open(&p, NULL);
	assert_status(call_zipped(&p, "/t.T/Unary", NULL, SLICE("x")), GRPC_INTERNAL);
	assert_status(call_zipped(&p, "/t.T/Unary", identity, SLICE("x")), GRPC_INTERNAL);
	for (unsigned flag = 2; flag < 256; flag += 23) {
		struct buf bytes = {0};
		put_message(&bytes, flag, SLICE("x"));
		assert_status(call_bytes(&p, "/t.T/Unary", both_ways, &bytes), GRPC_INTERNAL);
	}
	pair_close(&p);
}

static void
damaged_gzip_is_internal(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct gzip g = {0};
	struct buf good = {0};
	assert_int_equal(gzip_deflate(&g, &good, 100000, slice_make(text, sizeof(text))), 0);
	for (size_t n = 0; n < good.n; n += n < 24 ? 1 : 3) { /* cut short anywhere */
		struct buf bytes = {0};
		put_message(&bytes, 1, slice_make(good.p, n));
		struct client_call *c = call_bytes(&p, "/t.T/Unary", both_ways, &bytes);
		assert_status(c, GRPC_INTERNAL);
		assert_int_equal(events(&p, c, "message"), 0);
	}
	static const size_t damaged[] = {8, 4, 1}; /* from the end: checksum, length, length */
	for (size_t i = 0; i < 3; i++) {
		struct buf bytes = {0};
		put_message(&bytes, 1, buf_slice(&good));
		bytes.p[bytes.n - damaged[i]] ^= 1;
		assert_status(call_bytes(&p, "/t.T/Unary", both_ways, &bytes), GRPC_INTERNAL);
	}
	static const struct slice tails[] = {{"x", 1},
					     {"\0", 1},
					     {"\x1f\x8b", 2},
					     {"\0\0\0\0\0\0\0\0\0\0", 10}};
	for (size_t i = 0; i < 4; i++) {
		struct buf bytes = {0}, longer = {0};
		buf_append_slice(&longer, buf_slice(&good));
		buf_append_slice(&longer, tails[i]);
		put_message(&bytes, 1, buf_slice(&longer));
		assert_status(call_bytes(&p, "/t.T/Unary", both_ways, &bytes), GRPC_INTERNAL);
		buf_release(&longer);
	}
	buf_release(&good);
	gzip_release(&g);
	pair_close(&p);
}

static void
members_may_follow_each_other(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct gzip g = {0};
	struct buf zipped = {0}, bytes = {0};
	gzip_deflate(&g, &zipped, 1000, SLICE("one and "));
	gzip_deflate(&g, &zipped, 1000, (struct slice){0});
	gzip_deflate(&g, &zipped, 1000, SLICE("two"));
	put_message(&bytes, 1, buf_slice(&zipped));
	struct client_call *c = call_bytes(&p, "/t.T/Unary", both_ways, &bytes);
	assert_status(c, GRPC_OK);
	expect_message(c, 0, 0, SLICE("one and two"));
	buf_release(&zipped);
	gzip_release(&g);
	pair_close(&p);
}

static void
a_bomb_is_resource_exhausted_within_its_cap(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	size_t max = (size_t)p.config.limits.max_message, n = 40u << 20;
	char *zeroes = calloc(1, n);
	struct buf bytes = {0};
	put_zipped(&bytes, slice_make(zeroes, n));
	assert_true(bytes.n < 100000);
	struct client_call *c = call_bytes(&p, "/t.T/Upload", both_ways, &bytes);
	assert_status(c, GRPC_RESOURCE_EXHAUSTED);
	assert_int_equal(events(&p, c, "message"), 0);
	assert_status(call_zipped(&p, "/t.T/Upload", both_ways, slice_make(zeroes, max + 1)),
		      GRPC_RESOURCE_EXHAUSTED);
	assert_status(call_zipped(&p, "/t.T/Upload", both_ways, slice_make(zeroes, max)), GRPC_OK);
	free(zeroes);
	pair_close(&p);
}

static void
the_cap_holds_for_what_is_sent_too(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct buf prefix = {0};
	buf_append_char(&prefix, 1);
	buf_append_u32be(&prefix, (uint32_t)p.config.limits.max_message + 1);
	assert_status(call_bytes(&p, "/t.T/Unary", both_ways, &prefix), GRPC_RESOURCE_EXHAUSTED);
	pair_close(&p);
}

static void
memory_for_it_is_given_back(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *open = pair_call(&p, "/t.T/Chat", NULL); /* a call stays all the while */
	assert_status(call_zipped(&p, "/t.T/Unary", both_ways, slice_make(text, sizeof(text))), GRPC_OK);
	msec next = engine_service(p.engine, p.now);
	assert_int_equal(next, p.now + p.config.limits.idle_trim);
	assert_true(engine_service(p.engine, next) > next + p.config.limits.idle_trim);
	p.now = next;
	assert_status(call_zipped(&p, "/t.T/Unary", both_ways, slice_make(text, sizeof(text))), GRPC_OK);
	pair_end(&p, open);
	pair_run(&p);
	pair_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_compressed_request_is_inflated_and_its_reply_compressed),
		cmocka_unit_test(every_reply_says_what_is_accepted),
		cmocka_unit_test(a_short_reply_goes_plain),
		cmocka_unit_test(what_compression_does_not_shorten_goes_plain),
		cmocka_unit_test(a_client_that_did_not_offer_gzip_gets_none),
		cmocka_unit_test(the_handler_decides_message_by_message),
		cmocka_unit_test(the_handler_knows_how_a_message_came),
		cmocka_unit_test(flags_mix_within_a_stream),
		cmocka_unit_test(a_flag_without_gzip_is_internal),
		cmocka_unit_test(damaged_gzip_is_internal),
		cmocka_unit_test(members_may_follow_each_other),
		cmocka_unit_test(a_bomb_is_resource_exhausted_within_its_cap),
		cmocka_unit_test(the_cap_holds_for_what_is_sent_too),
		cmocka_unit_test(memory_for_it_is_given_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
