/* What is refused, with which status, and that the connection lives on. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXTRA(...)                \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}

/* One call with the headers replaced or added; a good call must still work after it. */
static struct client_call *
call_with(struct pair *p, const char *path, const char *const *extra)
{
	struct client_call *c = pair_call(p, path, extra);
	pair_say(p, c, SLICE("x"));
	pair_end(p, c);
	pair_run(p);
	assert_status(pair_unary(p, "/t.T/Unary", SLICE("still here")), GRPC_OK);
	return c;
}

static void
foreign_content_types_are_415(void **state)
{
	(void)state;
	static const char *const types[] = {NULL,
					    "",
					    "text/html",
					    "application/json",
					    "application/grpcfoo",
					    "application/grpc-web",
					    "application/grpc-web+proto"};
	struct pair p;
	pair_open(&p, NULL);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		const char *extra[] = {"content-type", types[i], NULL};
		struct client_call *c = call_with(&p, "/t.T/Unary", extra);
		assert_int_equal(c->http_status, 415);
		assert_true(c->ended);
		assert_int_equal(c->head_frames, 1);
		assert_int_equal(events(&p, c, "start"), 0);
	}
	pair_close(&p);
}

static void
other_codecs_are_unimplemented(void **state)
{
	(void)state;
	static const char *const types[] = {"application/grpc+json", "application/grpc+foo",
					    "application/grpc+", "application/grpc+protobuf"};
	struct pair p;
	pair_open(&p, NULL);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct client_call *c = call_with(&p, "/t.T/Unary", EXTRA("content-type", types[i]));
		assert_status(c, GRPC_UNIMPLEMENTED);
		assert_int_equal(c->http_status, 200);
	}
	pair_close(&p);
}

static void
methods_other_than_post_are_405(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *put = call_with(&p, "/t.T/Unary", EXTRA(":method", "PUT"));
	assert_int_equal(put->http_status, 405);
	assert_status(put, GRPC_INTERNAL);
	buf_append_char(&put->headers, '\0');
	assert_non_null(strstr(put->headers.p, "allow: POST\n"));
	struct client_call *get = pair_call_bare(&p, "/t.T/Unary", EXTRA(":method", "GET"));
	pair_run(&p);
	assert_int_equal(get->http_status, 405);
	assert_true(get->closed);
	pair_close(&p);
}

static void
paths_match_byte_by_byte_or_not_at_all(void **state)
{
	(void)state;
	static const char *const paths[] = {"/",           "/foo",           "//t.T/Unary",
					    "/t.T/Unary/", "/t.T/Unary?a=b", "/t.T/unary",
					    "/t.T//Unary", "/t.T/Unar",      "/t.T/Unary%20",
					    "/a/b/c",      "/zzz.Z/Unary",   "/t.T/",
					    "/t.T/Aaaa",   "/t.T/Unarz"};
	struct pair p;
	pair_open(&p, NULL);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct client_call *c = call_with(&p, paths[i], NULL);
		assert_status(c, GRPC_UNIMPLEMENTED);
		assert_int_equal(c->head_frames, 1);
	}
	assert_int_equal(p.finished_count, 2 * sizeof(paths) / sizeof(paths[0]));
	pair_close(&p);
}

static void
te_may_be_missing(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	assert_status(call_with(&p, "/t.T/Unary", EXTRA("te", NULL)), GRPC_OK);
	pair_close(&p);
}

static void
unknown_encodings_are_unimplemented_and_told_what_is_accepted(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = call_with(&p, "/t.T/Unary", EXTRA("grpc-encoding", "snappy"));
	assert_status(c, GRPC_UNIMPLEMENTED);
	buf_append_char(&c->headers, '\0');
	assert_non_null(strstr(c->headers.p, "grpc-accept-encoding: identity,gzip\n"));
	assert_status(call_with(&p, "/t.T/Unary", EXTRA("grpc-encoding", "identity")), GRPC_OK);
	pair_close(&p);
}

static void
malformed_timeouts_are_internal(void **state)
{
	(void)state;
	static const char *const timeouts[] = {"",     "1",          "S",   "1x",  "-1S", "+1S",
					       "1.5S", "123456789S", "1 S", "1SS", "1s"};
	struct pair p;
	pair_open(&p, NULL);
	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		struct client_call *c = call_with(&p, "/t.T/Unary", EXTRA("grpc-timeout", timeouts[i]));
		assert_status(c, GRPC_INTERNAL);
		assert_string_equal(c->message, "malformed grpc-timeout");
		assert_int_equal(events(&p, c, "start"), 0);
	}
	assert_status(call_with(&p, "/t.T/Unary", EXTRA("grpc-timeout", "99999999H")), GRPC_OK);
	pair_close(&p);
}

static void
a_timeout_of_nothing_is_over_on_arrival(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = call_with(&p, "/t.T/Unary", EXTRA("grpc-timeout", "0n"));
	assert_status(c, GRPC_DEADLINE_EXCEEDED);
	assert_int_equal(events(&p, c, "start"), 0);
	pair_close(&p);
}

static void
binary_metadata_that_is_not_base64_is_internal(void **state)
{
	(void)state;
	static const char *const values[] = {"!!!!", "AQI_", "A", "AQI=x", "AQIDB"};
	struct pair p;
	pair_open(&p, NULL);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		assert_status(call_with(&p, "/t.T/Unary", EXTRA("x-raw-bin", values[i])), GRPC_INTERNAL);
	pair_close(&p);
}

static void
metadata_beyond_its_limit_is_resource_exhausted(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	char *value = malloc(20001);
	memset(value, 'v', 20000);
	value[20000] = '\0';
	struct client_call *c = call_with(&p, "/t.T/Unary", EXTRA("x-long", value));
	assert_status(c, GRPC_RESOURCE_EXHAUSTED);
	value[15000] = '\0';
	assert_status(call_with(&p, "/t.T/Unary", EXTRA("x-long", value)), GRPC_OK);
	free(value);
	pair_close(&p);
}

static void
short_metadata(struct rpc_limits *l)
{
	l->max_header_list = 4096;
}

static void
metadata_far_beyond_its_limit_ends_the_connection(void **state)
{
	(void)state;
	struct pair p;
	struct pair_options o = {.limits = short_metadata};
	pair_open(&p, &o);
	char value[5000];
	memset(value, 'v', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	struct client_call *c =
		pair_call(&p, "/t.T/Unary", EXTRA("a", value, "b", value, "c", value, "d", value));
	pair_run(&p);
	assert_int_equal(p.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
	assert_true(engine_done(p.engine));
	assert_int_equal(events(&p, c, "start"), 0);
	pair_close(&p);
}

static void
malformed_header_fields_reset_the_stream(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = call_with(&p, "/t.T/Unary", EXTRA("x-bad", "line\nbreak"));
	assert_true(c->closed);
	assert_int_not_equal(c->close_code, NGHTTP2_NO_ERROR);
	assert_int_equal(events(&p, c, "start"), 0);
	pair_close(&p);
}

/* The server answers at once and calls off the rest of the request. */
static struct client_call *
say_raw(struct pair *p, const char *path, struct slice bytes, bool end)
{
	struct client_call *c = pair_call(p, path, NULL);
	pair_say_raw(p, c, bytes);
	if (end)
		pair_end(p, c);
	pair_run(p);
	assert_status(pair_unary(p, "/t.T/Unary", SLICE("still here")), GRPC_OK);
	return c;
}

static void
a_message_announced_too_large_is_refused_at_once(void **state)
{
	(void)state;
	static const char *const paths[] = {"/t.T/Unary", "/t.T/Upload", "/t.T/Chat"};
	struct pair p;
	pair_open(&p, NULL);
	for (size_t i = 0; i < 3; i++) {
		struct client_call *c = say_raw(&p, paths[i], SLICE("\0\0\x40\0\x01"), false);
		assert_status(c, GRPC_RESOURCE_EXHAUSTED);
		c = say_raw(&p, paths[i], SLICE("\0\xff\xff\xff\xff"), false);
		assert_status(c, GRPC_RESOURCE_EXHAUSTED);
		assert_int_equal(events(&p, c, "message"), 0);
		assert_int_equal(events(&p, c, "closed"), 1);
	}
	pair_close(&p);
}

static void
a_message_of_exactly_the_limit_passes(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	size_t n = (size_t)p.config.limits.max_message;
	char *bytes = calloc(1, n + 1);
	struct client_call *c = pair_unary(&p, "/t.T/Unary", slice_make(bytes, n));
	assert_status(c, GRPC_OK);
	assert_int_equal(reply_message(c, 0).n, n);
	assert_status(pair_unary(&p, "/t.T/Unary", slice_make(bytes, n + 1)), GRPC_RESOURCE_EXHAUSTED);
	assert_status(pair_unary(&p, "/t.T/Unary", SLICE("still here")), GRPC_OK);
	free(bytes);
	pair_close(&p);
}

static void
message_flags_without_an_encoding_are_internal(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	assert_status(say_raw(&p, "/t.T/Unary", SLICE("\1\0\0\0\1x"), true), GRPC_INTERNAL);
	assert_status(say_raw(&p, "/t.T/Unary", SLICE("\2\0\0\0\1x"), true), GRPC_INTERNAL);
	assert_status(say_raw(&p, "/t.T/Chat", SLICE("\xff\0\0\0\1x"), false), GRPC_INTERNAL);
	pair_close(&p);
}

static void
a_request_that_ends_within_a_message_is_internal(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	assert_status(say_raw(&p, "/t.T/Unary", SLICE("\0\0"), true), GRPC_INTERNAL);
	assert_status(say_raw(&p, "/t.T/Unary", SLICE("\0\0\0\0\5hel"), true), GRPC_INTERNAL);
	struct client_call *c = say_raw(&p, "/t.T/Upload", SLICE("\0\0\0\0\1x\0\0\0\0\5hel"), true);
	assert_status(c, GRPC_INTERNAL);
	assert_int_equal(events(&p, c, "message"), 1);
	assert_int_equal(events(&p, c, "half_close"), 0);
	pair_close(&p);
}

static void
unary_takes_exactly_one_message(void **state)
{
	(void)state;
	static const char *const paths[] = {"/t.T/Unary", "/t.T/Download"};
	struct pair p;
	pair_open(&p, NULL);
	for (size_t i = 0; i < 2; i++) {
		struct client_call *none = say_raw(&p, paths[i], (struct slice){0}, true);
		assert_status(none, GRPC_UNIMPLEMENTED);
		struct client_call *two = say_raw(&p, paths[i], SLICE("\0\0\0\0\1x\0\0\0\0\1y"), true);
		assert_status(two, GRPC_UNIMPLEMENTED);
		assert_int_equal(events(&p, two, "message"), 0);
		struct client_call *bare = pair_call_bare(&p, paths[i], NULL);
		pair_run(&p);
		assert_status(bare, GRPC_UNIMPLEMENTED);
	}
	pair_close(&p);
}

static void
a_client_that_goes_on_after_the_status_is_not_heard(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	char *bytes = calloc(1, 200000);
	for (unsigned i = 0; i < 30; i++) { /* 6 MB: six connection windows */
		struct client_call *c = pair_call(&p, "/t.T/None", NULL);
		pair_say_raw(&p, c, slice_make(bytes, 200000));
		pair_run(&p);
		assert_status(c, GRPC_UNIMPLEMENTED);
	}
	assert_status(pair_unary(&p, "/t.T/Unary", slice_make(bytes, 200000)), GRPC_OK);
	free(bytes);
	pair_close(&p);
}

static void
bytes_that_are_not_http2_end_the_connection(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	assert_true(engine_push(p.engine, SLICE("GET / HTTP/1.1\r\nhost: x\r\n\r\n"), p.now) < 0);
	assert_true(engine_done(p.engine));
	while (engine_pull(p.engine, &p.out, p.now))
		;
	pair_close(&p);
}

static void
limits_and_order_of_methods_are_checked(void **state)
{
	(void)state;
	static const struct rpc_method unordered[] = {{.path = "/b/B"}, {.path = "/a/A"}};
	struct rpc_config config = {.methods = unordered, .method_count = 2};
	struct fault f = {0};
	rpc_limits_default(&config.limits);
	assert_int_equal(rpc_config_check(&config, &f), ERR_INVALID_ARGUMENT);
	config.method_count = 1;
	assert_int_equal(rpc_config_check(&config, &f), 0);
	config.limits.max_message = 0;
	assert_int_equal(rpc_config_check(&config, &f), ERR_INVALID_ARGUMENT);
	assert_non_null(strstr(f.text, "max_message"));
	rpc_limits_default(&config.limits);
	config.limits.send_queue_low = config.limits.send_queue_high + 1;
	assert_int_equal(rpc_config_check(&config, &f), ERR_INVALID_ARGUMENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(foreign_content_types_are_415),
		cmocka_unit_test(other_codecs_are_unimplemented),
		cmocka_unit_test(methods_other_than_post_are_405),
		cmocka_unit_test(paths_match_byte_by_byte_or_not_at_all),
		cmocka_unit_test(te_may_be_missing),
		cmocka_unit_test(unknown_encodings_are_unimplemented_and_told_what_is_accepted),
		cmocka_unit_test(malformed_timeouts_are_internal),
		cmocka_unit_test(a_timeout_of_nothing_is_over_on_arrival),
		cmocka_unit_test(binary_metadata_that_is_not_base64_is_internal),
		cmocka_unit_test(metadata_beyond_its_limit_is_resource_exhausted),
		cmocka_unit_test(metadata_far_beyond_its_limit_ends_the_connection),
		cmocka_unit_test(malformed_header_fields_reset_the_stream),
		cmocka_unit_test(a_message_announced_too_large_is_refused_at_once),
		cmocka_unit_test(a_message_of_exactly_the_limit_passes),
		cmocka_unit_test(message_flags_without_an_encoding_are_internal),
		cmocka_unit_test(a_request_that_ends_within_a_message_is_internal),
		cmocka_unit_test(unary_takes_exactly_one_message),
		cmocka_unit_test(a_client_that_goes_on_after_the_status_is_not_heard),
		cmocka_unit_test(bytes_that_are_not_http2_end_the_connection),
		cmocka_unit_test(limits_and_order_of_methods_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
