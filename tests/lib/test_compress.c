/* gzip both ways, message by message. */
#include "drive.h"
#include "gzip.h"

static struct peer peer;
static struct zwy_client *client;

/* /t/Gzip: "A" and "B" compressed with a plain message between them. /t/Bomb: 16 MiB of zeros.
 * /t/Broken: not gzip at all. /t/Flags: what flags the request's messages had. */
static bool
answer_compressed(struct peer_stream *s)
{
	struct gzip gzip = {0};
	struct buf packed = {0};
	char *zeros = NULL;
	nghttp2_nv nv[] = {peer_nv(":status", "200"), peer_nv("content-type", "application/grpc"),
			   peer_nv("grpc-encoding", "gzip")};
	nghttp2_data_provider provider = {.source.ptr = s, .read_callback = peer_read};
	if (strcmp(s->path, "/t/Gzip") == 0) {
		for (int i = 0; i < 3; i++) {
			buf_clear(&packed);
			if (i != 1)
				gzip_deflate(&gzip, &packed, 1 << 20, slice_of(i ? "B" : "A"));
			frame_message(&s->out, i == 1 ? slice_of("plain") : buf_slice(&packed));
			if (i != 1)
				s->out.p[s->out.n - packed.n - 5] = 1;
		}
	} else if (strcmp(s->path, "/t/Bomb") == 0) {
		zeros = calloc(1, 16 << 20);
		gzip_deflate(&gzip, &packed, 1 << 20, slice_make(zeros, 16 << 20));
		frame_message(&s->out, buf_slice(&packed));
		s->out.p[0] = 1;
	} else if (strcmp(s->path, "/t/Broken") == 0) {
		frame_message(&s->out, slice_of("this is not gzip"));
		s->out.p[0] = 1;
	} else if (strcmp(s->path, "/t/Flags") == 0) {
		buf_append_slice(&packed, buf_slice(&s->headers));
		for (size_t at = 0; at + 5 <= s->body.n; at += 5 + get_u32be(s->body.p + at + 1))
			buf_printf(&packed, "[%d %u]", s->body.p[at], get_u32be(s->body.p + at + 1));
		frame_message(&s->out, buf_slice(&packed));
	} else {
		return false;
	}
	nghttp2_submit_response(s->conn->session, s->id, nv, 3, &provider);
	gzip_release(&gzip);
	buf_release(&packed);
	free(zeros);
	return true;
}

static int
start(void **state)
{
	(void)state;
	peer = (struct peer){.method = answer_compressed};
	peer_start(&peer);
	client = client_of(peer.target);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	zwy_client_free(client);
	peer_release(&peer);
	return 0;
}

static void
note_message(void *ctx, struct zwy_call *call, struct zwy_bytes message)
{
	buf_printf(ctx, "%s%.*s\n", zwy_call_message_compressed(call) ? "gzip " : "", (int)message.size,
		   (const char *)message.data);
}

static void
note_done(void *ctx, struct zwy_call *call, const struct zwy_error *error)
{
	assert_false(zwy_call_message_compressed(call));
	buf_printf(ctx, "%d %s", error->status, error->text);
	buf_append_char(ctx, '\0');
}

static char *
all_of(const char *path)
{
	struct buf seen = {0};
	struct zwy_call_options o = {.size = sizeof(o),
				     .message = note_message,
				     .done = note_done,
				     .ctx = &seen};
	assert_non_null(zwy_call_start(client, path, bytes_of("x"), &o));
	while (!seen.n || seen.p[seen.n - 1])
		turn(client);
	return seen.p;
}

static void
compressed_and_plain_messages_may_alternate(void **state)
{
	(void)state;
	char *seen = all_of("/t/Gzip");
	assert_string_equal(seen, "gzip A\nplain\ngzip B\n0 ");
	free(seen);
}

static void
what_grows_beyond_max_message_is_refused(void **state)
{
	(void)state;
	char *seen = all_of("/t/Bomb");
	assert_non_null(strstr(seen, "8 the answer's message is larger than this client allows"));
	free(seen);
}

static void
what_is_not_gzip_is_refused(void **state)
{
	(void)state;
	char *seen = all_of("/t/Broken");
	assert_non_null(strstr(seen, "13 the answer's message is malformed"));
	free(seen);
	/* Compressed, says the flag; not at all, say the headers. */
	seen = all_of("/t/Compressed");
	assert_non_null(strstr(seen, "13 the answer's message is malformed"));
	free(seen);
}

static char *
flags_of(enum zwy_compress how, size_t n, bool random)
{
	struct zwy_call_options o = {.size = sizeof(o), .compress = how};
	struct zwy_bytes answer;
	char *message = calloc(1, n + 1);
	for (size_t i = 0; random && i < n; i++)
		message[i] = (char)(rand() >> 7);
	assert_int_equal(zwy_unary(client, "/t/Flags", (struct zwy_bytes){message, n}, &o, &answer, NULL), 0);
	free(message);
	return (char *)answer.data;
}

static void
requests_are_compressed_where_asked_and_useful(void **state)
{
	(void)state;
	static const struct {
		enum zwy_compress how;
		size_t n;
		bool random, compressed;
	} cases[] = {
		{ZWY_COMPRESS_NEVER, 5000, false, false}, {ZWY_COMPRESS_AUTO, 5000, false, true},
		{ZWY_COMPRESS_AUTO, 1000, false, false},  {ZWY_COMPRESS_AUTO, 5000, true, false},
		{ZWY_COMPRESS_ALWAYS, 10, false, true},   {ZWY_COMPRESS_ALWAYS, 500000, true, true},
		{ZWY_COMPRESS_ALWAYS, 0, false, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *seen = flags_of(cases[i].how, cases[i].n, cases[i].random);
		assert_true(!strstr(seen, "[1 ") == !cases[i].compressed);
		assert_true(!strstr(seen, "grpc-encoding: gzip") == (cases[i].how == ZWY_COMPRESS_NEVER));
		assert_non_null(strstr(seen, "grpc-accept-encoding: identity,gzip\n"));
		free(seen);
	}
}

static void
each_message_of_a_stream_may_be_compressed_or_not(void **state)
{
	(void)state;
	struct seen s = {0};
	struct zwy_call_options o = seen_options(&s);
	o.client_streaming = true;
	o.compress = ZWY_COMPRESS_ALWAYS;
	s.call = zwy_call_start(client, "/t/Flags", bytes_of("one"), &o);
	zwy_call_compress(s.call, ZWY_COMPRESS_NEVER);
	zwy_call_send(s.call, bytes_of("two"));
	zwy_call_compress(s.call, ZWY_COMPRESS_ALWAYS);
	zwy_call_send(s.call, bytes_of("three"));
	zwy_call_half_close(s.call);
	drive_done(client, &s);
	buf_append_char(&s.last, '\0');
	assert_non_null(strstr(s.last.p, "][0 3][1 "));
	buf_release(&s.last);
}

/* /t/Return: the request's bytes as they came, said to be what they are. */
static bool
return_as_gzip(struct peer_stream *s)
{
	nghttp2_nv nv[] = {peer_nv(":status", "200"), peer_nv("content-type", "application/grpc"),
			   peer_nv("grpc-encoding", "gzip")};
	nghttp2_data_provider provider = {.source.ptr = s, .read_callback = peer_read};
	buf_append_slice(&s->out, buf_slice(&s->body));
	nghttp2_submit_response(s->conn->session, s->id, nv, 3, &provider);
	return true;
}

static void
what_was_compressed_comes_back_whole(void **state)
{
	(void)state;
	struct zwy_call_options o = {.size = sizeof(o), .compress = ZWY_COMPRESS_AUTO};
	struct zwy_bytes answer;
	size_t n = 4 << 20;
	char *big = malloc(n);
	for (size_t i = 0; i < n; i++)
		big[i] = (char)(i >> 9);
	peer.method = return_as_gzip;
	assert_int_equal(zwy_unary(client, "/t/Return", (struct zwy_bytes){big, n}, &o, &answer, NULL), 0);
	assert_int_equal(answer.size, n);
	assert_memory_equal(answer.data, big, n);
	assert_true(atomic_load(&peer.sent) < 1 << 20);
	peer.method = answer_compressed;
	free((void *)answer.data);
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compressed_and_plain_messages_may_alternate),
		cmocka_unit_test(what_grows_beyond_max_message_is_refused),
		cmocka_unit_test(what_is_not_gzip_is_refused),
		cmocka_unit_test(requests_are_compressed_where_asked_and_useful),
		cmocka_unit_test(each_message_of_a_stream_may_be_compressed_or_not),
		cmocka_unit_test(what_was_compressed_comes_back_whole),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
