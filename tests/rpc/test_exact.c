/* What stock clients send and what they are entitled to get back, to the byte
 * (PROTOCOL-HTTP2 and what clients were seen to rely on). Refusals: test_refusals.c. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXTRA(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct client_call *
call_with(struct pair *p, const char *path, const char *const *extra, struct slice message)
{
	struct client_call *c = pair_call(p, path, extra);
	pair_say(p, c, message);
	pair_end(p, c);
	pair_run(p);
	return c;
}

/* --- what clients send --- */

static void
the_settings_of_every_stock_client_are_served(void **state)
{
	(void)state;
	/* C core; 0xfe03 is its own. MAX_CONCURRENT_STREAMS 0 speaks of pushes. */
	static const nghttp2_settings_entry c_core[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
							{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0},
							{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 4194303},
							{NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 4194303},
							{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 8192},
							{0xfe03, 1}};
	static const nghttp2_settings_entry no_table[] = {{NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 0}};
	static const nghttp2_settings_entry large_table[] = {{NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 1 << 20}};
	static const nghttp2_settings_entry node[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 65535}};
	static const struct {
		const nghttp2_settings_entry *settings;
		size_t n;
	} clients[] = {{c_core, 6}, {no_table, 1}, {large_table, 1}, {node, 1}, {NULL, 0}};
	char *bytes = calloc(1, 300000);
	for (size_t i = 0; i < 5; i++) {
		struct pair p;
		struct pair_options o = {.settings = clients[i].settings, .setting_count = clients[i].n};
		pair_open(&p, &o);
		for (unsigned k = 0; k < 5; k++) {
			struct client_call *c = pair_unary(&p, "/t.T/Unary", slice_make(bytes, 300000));
			assert_status(c, GRPC_OK);
			assert_int_equal(reply_message(c, 0).n, 300000);
			assert_status(pair_unary(&p, "/t.T/None", SLICE("x")), GRPC_UNIMPLEMENTED);
			/* the estimate of the bandwidth: a ping right after the reply */
			assert_int_equal(nghttp2_submit_ping(p.client, 0, NULL), 0);
			pair_run(&p);
		}
		assert_int_equal(p.goaways, 0);
		pair_close(&p);
	}
	free(bytes);
}

static void
the_servers_settings_promise_what_it_does(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	pair_run(&p);
	const struct rpc_limits *l = &p.config.limits;
	static const nghttp2_settings_id off[] = {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL};
	assert_int_equal(nghttp2_session_get_remote_settings(p.client, off[0]), 0);
	assert_int_equal(nghttp2_session_get_remote_settings(p.client,
							     NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS),
			 l->max_concurrent_streams);
	assert_int_equal(nghttp2_session_get_remote_settings(p.client, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE),
			 l->stream_window);
	assert_int_equal(nghttp2_session_get_remote_settings(p.client, NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE),
			 l->max_header_list);
	assert_int_equal(nghttp2_session_get_remote_settings(p.client, NGHTTP2_SETTINGS_MAX_FRAME_SIZE),
			 16384);
	assert_int_equal(nghttp2_session_get_remote_window_size(p.client), l->connection_window);
	pair_close(&p);
}

static void
authority_may_be_absent_and_schemes_differ(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct slice x = SLICE("x");
	const char *path = "/t.T/Unary";
	assert_status(call_with(&p, path, EXTRA(":authority", NULL, "host", "a.test"), x), GRPC_OK);
	assert_status(call_with(&p, path, EXTRA(":authority", "[::1]:4150"), x), GRPC_OK);
	assert_status(call_with(&p, path, EXTRA(":authority", "unix%3A%2Frun%2Fzwy"), x), GRPC_OK);
	assert_status(call_with(&p, path, EXTRA(":scheme", "https"), x), GRPC_OK);
	assert_status(call_with(&p, path, EXTRA(":scheme", "unix"), x), GRPC_OK);
	pair_close(&p);
}

static void
what_http_forbids_resets_the_stream_alone(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	const char *const *cases[] = {EXTRA("te", "gzip"),
				      EXTRA("connection", "close"),
				      EXTRA("transfer-encoding", "chunked"),
				      EXTRA(":authority", NULL),
				      EXTRA(":scheme", NULL),
				      EXTRA("content-length", "17"),
				      EXTRA("x y", "1"),
				      EXTRA("", "1"),
				      EXTRA("x-bad", "a\rb")};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct client_call *c = call_with(&p, "/t.T/Unary", cases[i], SLICE("x"));
		assert_true(c->closed);
		assert_int_not_equal(c->close_code, NGHTTP2_NO_ERROR);
		assert_int_equal(c->http_status, 0);
		assert_int_equal(events(&p, c, "message"), 0);
		assert_status(pair_unary(&p, "/t.T/Unary", SLICE("still here")), GRPC_OK);
	}
	pair_close(&p);
}

static void
timeouts_of_nothing_are_over_in_every_unit(void **state)
{
	(void)state;
	static const char *const zeroes[] = {"0H", "0M", "0S", "0m", "0u", "0n", "00000000n"};
	static const char *const bad[] = {" 1S", "1S ", "\t1S", "1e1S", "0x1S", "1,1S", "1SH", "-0S"};
	struct pair p;
	pair_open(&p, NULL);
	for (size_t i = 0; i < 7; i++) {
		struct client_call *c =
			call_with(&p, "/t.T/Unary", EXTRA("grpc-timeout", zeroes[i]), SLICE("x"));
		assert_status(c, GRPC_DEADLINE_EXCEEDED);
		assert_int_equal(events(&p, c, "start"), 0);
	}
	for (size_t i = 0; i < 8; i++)
		assert_status(call_with(&p, "/t.T/Unary", EXTRA("grpc-timeout", bad[i]), SLICE("x")),
			      GRPC_INTERNAL);
	pair_close(&p);
}

static void
handlers_learn_the_timeout_in_milliseconds(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {{"1n", 1},       {"1500u", 2},      {"250m", 250},      {"3S", 3000}, {"2M", 120000},
		     {"1H", 3600000}, {"00000010m", 10}, {"99999999n", 100}, {NULL, -1}};
	struct pair p;
	pair_open(&p, NULL);
	for (size_t i = 0; i < 9; i++) {
		const char *extra[] = {"grpc-timeout", cases[i].text, NULL};
		struct client_call *c = pair_call(&p, "/t.T/Stream", cases[i].text ? extra : NULL);
		pair_run(&p);
		struct call *call = engine_find(p.engine, c->stream);
		assert_int_equal(call_timeout(call), cases[i].ms);
		assert_int_equal(call_deadline(call), cases[i].ms < 0 ? 0 : p.now + cases[i].ms);
		pair_reset(&p, c, NGHTTP2_CANCEL);
	}
	pair_run(&p);
	pair_close(&p);
}

/* --- metadata of requests --- */

static void
expect_metadata(struct call *call, const char *const *want)
{
	const void *at = NULL;
	struct slice key, value;
	size_t n = 0;
	while (call_metadata_next(call, &at, &key, &value)) {
		assert_non_null(want[n]);
		assert_true(slice_is(key, want[n]));
		assert_true(slice_is(value, want[n + 1]));
		n += 2;
	}
	assert_null(want[n]);
}

static void
metadata_keeps_its_order_and_its_doubles(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c =
		pair_call(&p, "/t.T/Hold",
			  EXTRA("x-b", "2", "user-agent", "zwy-test/1", "x-a", "  1\t", "x-b", "1", "x-b",
				"2", "k_e-y.9", "", "x-raw-bin", "eHl6,eA==, eHk=,", "x-raw-bin", "eg",
				"grpc-tags-bin", "eg", "x-list", "a, b,c", "grpc-timeout", "1S",
				"grpc-encoding", "identity", "grpc-accept-encoding", "gzip"));
	pair_run(&p);
	struct call *call = engine_find(p.engine, c->stream);
	expect_metadata(call,
			EXTRA("x-b", "2", "user-agent", "zwy-test/1", "x-a", "1", "x-b", "1", "x-b", "2",
			      "k_e-y.9", "", "x-raw-bin", "xyz", "x-raw-bin", "x", "x-raw-bin", "xy",
			      "x-raw-bin", "", "x-raw-bin", "z", "grpc-tags-bin", "z", "x-list", "a, b,c"));
	assert_true(slice_is(call_metadata(call, "x-b"), "2"));
	assert_int_equal(call_metadata(call, "x-none").n, 0);
	pair_reset(&p, c, NGHTTP2_CANCEL);
	pair_run(&p);
	pair_close(&p);
}

/* --- metadata of replies --- */

static struct call *
held_call(struct pair *p, struct client_call **ret)
{
	*ret = pair_unary(p, "/t.T/Hold", SLICE("x"));
	return engine_find(p->engine, (*ret)->stream);
}

static void
handlers_cannot_say_what_is_the_protocols(void **state)
{
	(void)state;
	static const char *const reserved[] = {"grpc-status",
					       "grpc-message",
					       "grpc-status-details-bin",
					       "grpc-encoding",
					       "grpc-accept-encoding",
					       "grpc-timeout",
					       "grpc-anything",
					       "content-type",
					       "content-length",
					       "connection",
					       "keep-alive",
					       "transfer-encoding",
					       "upgrade",
					       "te",
					       "trailer",
					       "host",
					       "proxy-connection",
					       ":status",
					       ":path",
					       "",
					       "X-Upper",
					       "x y",
					       "x\n",
					       "x:y",
					       "x!",
					       "\xc3\xa9"};
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c;
	struct call *call = held_call(&p, &c);
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		assert_false(call_add_header(call, reserved[i], SLICE("1")));
		assert_false(call_add_trailer(call, reserved[i], SLICE("1")));
	}
	static const struct slice values[] = {{"a\nb", 3}, {"a\0b", 3}, {"\x7f", 1}, {"\xe9", 1}, {"\t", 1}};
	for (size_t i = 0; i < 5; i++)
		assert_false(call_add_header(call, "x-text", values[i]));
	assert_true(call_add_header(call, "x-text", SLICE(" !~")));
	assert_true(call_add_header(call, "x-text-bin", SLICE("\0\n\xff")));
	assert_true(call_add_trailer(call, "grpc-retry-pushback-ms", SLICE("100")));
	call_reply(call, SLICE("y"));
	assert_false(call_add_trailer(call, "x-late", SLICE("1")));
	assert_false(call_add_header(call, "x-late", SLICE("1")));
	pair_run(&p);
	assert_status(c, GRPC_OK);
	assert_has_header(c, "x-text: !~\nx-text-bin: AAr/\n");
	assert_has_header(c, "grpc-retry-pushback-ms: 100\n");
	assert_no_header(c, "x-late");
	pair_close(&p);
}

static void
reply_metadata_keeps_its_order_and_its_doubles(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c;
	struct call *call = held_call(&p, &c);
	static const char *const values[] = {"2", "1", "2"};
	for (size_t i = 0; i < 3; i++) {
		call_add_header(call, "x-h", slice_of(values[i]));
		call_add_trailer(call, "x-t-bin", slice_of(values[i]));
	}
	call_reply(call, SLICE("y"));
	pair_run(&p);
	assert_status(c, GRPC_OK);
	assert_has_header(c, "x-h: 2\nx-h: 1\nx-h: 2\n");
	assert_has_header(c, "grpc-status: 0\nx-t-bin: Mg\nx-t-bin: MQ\nx-t-bin: Mg\n");
	pair_close(&p);
}

static void
a_reply_is_these_fields_and_no_others(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = pair_unary(&p, "/t.T/Unary", SLICE("x"));
	assert_true(slice_is(buf_slice(&c->headers),
			     ":status: 200\ncontent-type: application/grpc\n"
			     "grpc-accept-encoding: identity,gzip\ngrpc-status: 0\n"));
	assert_int_equal(c->head_frames, 2);
	c = pair_unary(&p, "/t.T/Empty", SLICE("x"));
	assert_true(slice_is(buf_slice(&c->headers),
			     ":status: 200\ncontent-type: application/grpc\n"
			     "grpc-accept-encoding: identity,gzip\ngrpc-status: 0\n"));
	assert_int_equal(c->head_frames, 1);
	assert_int_equal(c->body.n, 0);
	pair_close(&p);
}

static void
status_messages_of_all_bytes_arrive(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"\t\ntest with whitespace\r\nand Unicode BMP \xe2\x98\xba and non-BMP \xf0\x9f\x98\x88\t\n",
		"100%",
		" both ends ",
		"%41",
		"",
		" ",
		"a\x7f\x01z",
		"\xff\xfe"};
	struct pair p;
	pair_open(&p, NULL);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct client_call *c;
		struct call *call = held_call(&p, &c);
		call_finish_status(call, GRPC_DATA_LOSS, slice_of(texts[i]), (struct slice){0});
		pair_run(&p);
		assert_status(c, GRPC_DATA_LOSS);
		assert_string_equal(c->message, texts[i]);
		assert_int_equal(memmem(c->headers.p, c->headers.n, "grpc-message", 12) != NULL,
				 texts[i][0] != '\0');
	}
	struct client_call *c;
	call_finish_status(held_call(&p, &c), (enum grpc_status)99, SLICE("?"), (struct slice){0});
	pair_run(&p);
	assert_status(c, GRPC_UNKNOWN);
	pair_close(&p);
}

/* --- the peer's header limit --- */

static size_t
times(struct client_call *c, const char *what)
{
	size_t n = 0;
	struct slice s = buf_slice(&c->headers);
	const char *at;
	while ((at = memmem(s.p, s.n, what, strlen(what)))) {
		n++;
		s = slice_make(at + 1, s.n - (size_t)(at + 1 - s.p));
	}
	return n;
}

static void
metadata_of_a_reply_is_cut_to_the_peers_header_limit(void **state)
{
	(void)state;
	static const uint32_t limits[] = {8192, 4000, 1000, 500, 300};
	char value[100], text[2000];
	memset(value, 'v', sizeof(value));
	memset(text, 't', sizeof(text));
	for (size_t i = 0; i < 5; i++)
		for (unsigned kind = 0; kind < 4; kind++) {
			struct pair p;
			struct pair_options o = {.max_header_list = limits[i]};
			pair_open(&p, &o);
			struct client_call *c;
			struct call *call = held_call(&p, &c);
			for (unsigned k = 0; k < 100; k++) {
				call_add_header(call, "x-header", slice_make(value, sizeof(value)));
				call_add_trailer(call, "x-trailer", slice_make(value, sizeof(value)));
			}
			if (kind & 1)
				call_send(call, SLICE("message"));
			call_finish_status(call, kind & 2 ? GRPC_ABORTED : GRPC_OK,
					   slice_make(text, kind & 2 ? sizeof(text) : 0), (struct slice){0});
			pair_run(&p);
			assert_status(c, kind & 2 ? GRPC_ABORTED : GRPC_OK);
			assert_true(c->header_bytes <= limits[i]);
			assert_int_equal(c->message[0], kind & 2 ? 't' : 0);
			if (limits[i] >= 1000) /* as many as there is room for */
				assert_true(times(c, "x-header") + times(c, "x-trailer") >= limits[i] / 250);
			pair_close(&p);
		}
}

/* Cut anywhere it is still a legal field, whole characters and a beginning of the text. */
static void
a_status_message_is_cut_between_its_characters(void **state)
{
	(void)state;
	static const char text[] = "a  b \xe6\x9c\x8d \xe5\x8a\xa1  \xf0\x9f\x98\x88 %% end  of  the \n text";
	for (uint32_t limit = 220; limit < 420; limit++) {
		struct pair p;
		struct pair_options o = {.max_header_list = limit};
		pair_open(&p, &o);
		struct client_call *c;
		call_finish_status(held_call(&p, &c), GRPC_ABORTED, SLICE(text), (struct slice){0});
		pair_run(&p);
		assert_status(c, GRPC_ABORTED);
		assert_true(c->header_bytes <= limit);
		assert_true(slice_starts(SLICE(text), slice_of(c->message)));
		assert_true(utf8_valid(slice_of(c->message)));
		pair_close(&p);
	}
}

static void
a_limit_below_the_status_itself_gets_the_status_alone(void **state)
{
	(void)state;
	struct pair p;
	struct pair_options o = {.max_header_list = 40};
	pair_open(&p, &o);
	struct client_call *c;
	struct call *call = held_call(&p, &c);
	call_add_header(call, "x-a", SLICE("1"));
	call_add_trailer(call, "x-b", SLICE("1"));
	call_finish_status(call, GRPC_ABORTED, SLICE("why"), SLICE("details"));
	pair_run(&p);
	assert_status(c, GRPC_ABORTED);
	assert_true(slice_is(buf_slice(&c->headers),
			     ":status: 200\ncontent-type: application/grpc\ngrpc-status: 10\n"));
	pair_close(&p);
}

static void
long_trailers(struct rpc_limits *l)
{
	l->max_reply_headers = 65000;
}

static void
the_largest_header_block_goes_out(void **state)
{
	(void)state;
	struct pair p;
	struct pair_options o = {.limits = long_trailers};
	pair_open(&p, &o);
	struct client_call *c;
	struct call *call = held_call(&p, &c);
	char value[1000];
	for (unsigned k = 0; k < 100; k++) {
		for (size_t i = 0; i < sizeof(value); i++)
			value[i] = (char)(0x20 + random_next(&p.seed) % 0x5f);
		value[0] = value[sizeof(value) - 1] = 'x';
		call_add_trailer(call, "x-trailer", slice_make(value, sizeof(value)));
	}
	call_reply(call, SLICE("y"));
	pair_run(&p);
	assert_status(c, GRPC_OK);
	assert_true(c->header_bytes > 63000);
	pair_close(&p);
}

/* --- windows --- */

static void
open_window(struct pair *p, uint32_t n)
{
	nghttp2_settings_entry entry = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, n};
	assert_int_equal(nghttp2_submit_settings(p->client, 0, &entry, 1), 0);
	pair_run(p);
}

static void
a_window_of_nothing_may_open_later(void **state)
{
	(void)state;
	static const nghttp2_settings_entry shut[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}};
	struct pair p;
	struct pair_options o = {.settings = shut, .setting_count = 1, .client_holds = true};
	pair_open(&p, &o);
	struct client_call *unary = pair_unary(&p, "/t.T/Unary", SLICE("hello"));
	struct client_call *stream = pair_unary(&p, "/t.T/Download", SLICE("10 1000"));
	assert_int_equal(unary->head_frames, 1); /* headers are not held back */
	assert_int_equal(unary->body.n, 0);
	open_window(&p, 3);
	assert_int_equal(unary->body.n, 3);
	open_window(&p, 65535);
	assert_status(unary, GRPC_OK);
	assert_true(slice_is(reply_message(unary, 0), "hello"));
	assert_status(stream, GRPC_OK);
	assert_int_equal(reply_count(stream), 10);
	pair_close(&p);
}

/* Trailers are not flow-controlled: with nothing before them they go at once. */
static void
a_status_does_not_wait_for_a_window(void **state)
{
	(void)state;
	static const nghttp2_settings_entry shut[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}};
	struct pair p;
	struct pair_options o = {.settings = shut, .setting_count = 1};
	pair_open(&p, &o);
	struct client_call *c = pair_unary(&p, "/t.T/Stream", SLICE("x"));
	assert_int_equal(c->head_frames, 1);
	call_finish(engine_find(p.engine, c->stream), NULL);
	pair_run(&p);
	assert_status(c, GRPC_OK);
	/* at its deadline too, with messages queued of which none was begun */
	c = pair_call(&p, "/t.T/Stream", EXTRA("grpc-timeout", "1S"));
	pair_say(&p, c, SLICE("x"));
	pair_run(&p);
	call_send(engine_find(p.engine, c->stream), SLICE("held back"));
	pair_run(&p);
	pair_wait(&p, 1000);
	assert_status(c, GRPC_DEADLINE_EXCEEDED);
	assert_int_equal(c->body.n, 0);
	pair_close(&p);
}

static void
a_window_that_is_just_used_up_lets_the_status_pass(void **state)
{
	(void)state;
	for (unsigned extra = 0; extra < 3; extra++) {
		struct pair p;
		struct pair_options o = {.client_window = 105, .client_holds = true};
		char bytes[101] = {0};
		pair_open(&p, &o);
		struct client_call *c = pair_unary(&p, "/t.T/Unary", slice_make(bytes, 99 + extra));
		assert_int_equal(c->body.n, extra < 2 ? 104 + extra : 105);
		assert_int_equal(c->ended, extra < 2);
		if (extra == 2) {
			pair_take(&p, c, 105);
			pair_run(&p);
		}
		assert_status(c, GRPC_OK);
		pair_close(&p);
	}
}

static void
the_connections_window_holds_back_data_but_no_status(void **state)
{
	(void)state;
	struct pair p;
	struct pair_options o = {.client_window = 1 << 20, .client_holds = true};
	pair_open(&p, &o);
	char *bytes = calloc(1, 70000);
	struct client_call *large = pair_unary(&p, "/t.T/Unary", slice_make(bytes, 70000));
	assert_int_equal(large->body.n, 65535); /* of the connection */
	assert_status(pair_unary(&p, "/t.T/Empty", SLICE("x")), GRPC_OK);
	struct client_call *c = pair_unary(&p, "/t.T/Stream", SLICE("x"));
	call_finish(engine_find(p.engine, c->stream), NULL);
	pair_run(&p);
	assert_status(c, GRPC_OK);
	pair_take(&p, large, 65535);
	pair_run(&p);
	assert_status(large, GRPC_OK);
	free(bytes);
	pair_close(&p);
}

/* --- ends of requests --- */

static void
a_call_may_end_in_every_way(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	/* DATA with END_STREAM, an empty DATA, trailers, HEADERS alone */
	struct client_call *c = call_with(&p, "/t.T/Unary", NULL, SLICE("x"));
	assert_status(c, GRPC_OK);
	c = pair_call(&p, "/t.T/Unary", NULL);
	pair_say(&p, c, SLICE("x"));
	pair_run(&p);
	assert_false(c->ended); /* the message alone is not the end */
	assert_int_equal(events(&p, c, "message"), 0);
	pair_end(&p, c);
	pair_run(&p);
	assert_status(c, GRPC_OK);
	c = pair_call(&p, "/t.T/Unary", NULL);
	pair_say(&p, c, SLICE("x"));
	pair_run(&p);
	nghttp2_nv trailer = {(uint8_t *)(uintptr_t) "grpc-status", (uint8_t *)(uintptr_t) "5", 11, 1, 0};
	assert_int_equal(nghttp2_submit_trailer(p.client, c->stream, &trailer, 1), 0);
	pair_run(&p);
	assert_status(c, GRPC_OK);
	c = pair_call_bare(&p, "/t.T/Chat", NULL);
	pair_run(&p);
	assert_status(c, GRPC_OK);
	assert_int_equal(events(&p, c, "half_close"), 1);
	assert_int_equal(c->head_frames, 1);
	pair_close(&p);
}

/* The codec's limits are the parser's: what it cannot read is not the caller's meaning. */
static void
what_is_no_protobuf_is_internal(void **state)
{
	(void)state;
	char *groups = malloc(100000);
	memset(groups, 0x0b, 100000); /* group 1 within group 1 … */
	struct pair p;
	pair_open(&p, NULL);
	assert_status(pair_unary(&p, "/t.T/Checked", slice_make(groups, 100000)), GRPC_INTERNAL);
	assert_status(pair_unary(&p, "/t.T/Checked", SLICE("\xff\xff\xff")), GRPC_INTERNAL);
	assert_status(pair_unary(&p, "/t.T/Checked", SLICE("")), GRPC_OK);
	free(groups);
	pair_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_settings_of_every_stock_client_are_served),
		cmocka_unit_test(the_servers_settings_promise_what_it_does),
		cmocka_unit_test(authority_may_be_absent_and_schemes_differ),
		cmocka_unit_test(what_http_forbids_resets_the_stream_alone),
		cmocka_unit_test(timeouts_of_nothing_are_over_in_every_unit),
		cmocka_unit_test(handlers_learn_the_timeout_in_milliseconds),
		cmocka_unit_test(metadata_keeps_its_order_and_its_doubles),
		cmocka_unit_test(handlers_cannot_say_what_is_the_protocols),
		cmocka_unit_test(reply_metadata_keeps_its_order_and_its_doubles),
		cmocka_unit_test(a_reply_is_these_fields_and_no_others),
		cmocka_unit_test(status_messages_of_all_bytes_arrive),
		cmocka_unit_test(metadata_of_a_reply_is_cut_to_the_peers_header_limit),
		cmocka_unit_test(a_status_message_is_cut_between_its_characters),
		cmocka_unit_test(a_limit_below_the_status_itself_gets_the_status_alone),
		cmocka_unit_test(the_largest_header_block_goes_out),
		cmocka_unit_test(a_window_of_nothing_may_open_later),
		cmocka_unit_test(a_status_does_not_wait_for_a_window),
		cmocka_unit_test(a_window_that_is_just_used_up_lets_the_status_pass),
		cmocka_unit_test(the_connections_window_holds_back_data_but_no_status),
		cmocka_unit_test(a_call_may_end_in_every_way),
		cmocka_unit_test(what_is_no_protobuf_is_internal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
