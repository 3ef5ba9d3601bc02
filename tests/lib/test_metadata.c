/* Metadata both ways: text, bytes, several of one key, headers before messages,
 * trailers at the end. */
#include "drive.h"

static struct peer peer;
static struct zwy_client *client;

static ssize_t
one_message(nghttp2_session *session, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
	    nghttp2_data_source *source, void *ctx)
{
	(void)source, (void)room, (void)ctx;
	nghttp2_nv nv[] = {peer_nv("x-trailer", "end"), peer_nv("x-trailer-bin", "q6ur, AAEC"),
			   peer_nv("grpc-status", "0"), peer_nv("x-trailer", "twice")};
	memcpy(to, "\0\0\0\0\2hi", 7);
	*flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
	nghttp2_submit_trailer(session, id, nv, 4);
	return 7;
}

static bool
answer_with_metadata(struct peer_stream *s)
{
	nghttp2_session *session = s->conn->session;
	if (strcmp(s->path, "/t/Metadata") == 0) {
		nghttp2_nv early = peer_nv(":status", "103");
		nghttp2_nv nv[] = {peer_nv(":status", "200"), peer_nv("content-type", "application/grpc"),
				   peer_nv("x-header", "one"), peer_nv("x-empty", ""),
				   peer_nv("x-header", "two")};
		nghttp2_data_provider provider = {.read_callback = one_message};
		nghttp2_submit_headers(session, 0, s->id, NULL, &early, 1, NULL);
		nghttp2_submit_response(session, s->id, nv, 5, &provider);
		return true;
	}
	if (strcmp(s->path, "/t/Only") == 0) {
		nghttp2_nv nv[] = {peer_nv(":status", "200"), peer_nv("content-type", "application/grpc"),
				   peer_nv("grpc-status", "5"), peer_nv("x-only", "end")};
		nghttp2_submit_response(session, s->id, nv, 4, NULL);
		return true;
	}
	return false;
}

static int
start(void **state)
{
	(void)state;
	peer = (struct peer){.method = answer_with_metadata};
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

/* What the callbacks found, one line each, in their order. */
static void
list_all(struct buf *b, const struct zwy_call *call, enum zwy_part part)
{
	const struct zwy_metadata *m = NULL;
	while ((m = zwy_call_metadata(call, part, NULL, m))) {
		buf_printf(b, "%s=", m->key);
		for (size_t i = 0; i < m->size; i++)
			buf_printf(b,
				   (unsigned char)m->value[i] >= ' ' && (unsigned char)m->value[i] < 127
					   ? "%c"
					   : "\\%02x",
				   (unsigned char)m->value[i]);
		buf_append_char(b, '\n');
		assert_int_equal(m->value[m->size], '\0');
	}
}

static void
note_headers(void *ctx, struct zwy_call *call)
{
	buf_append_str(ctx, "[headers]\n");
	list_all(ctx, call, ZWY_HEADERS);
	assert_null(zwy_call_metadata(call, ZWY_TRAILERS, NULL, NULL));
}

static void
note_message(void *ctx, struct zwy_call *call, struct zwy_bytes message)
{
	(void)call;
	buf_printf(ctx, "[message %.*s]\n", (int)message.size, (const char *)message.data);
}

static void
note_done(void *ctx, struct zwy_call *call, const struct zwy_error *error)
{
	buf_printf(ctx, "[done %d]\n", error->status);
	list_all(ctx, call, ZWY_TRAILERS);
	const struct zwy_metadata *m = zwy_call_metadata(call, ZWY_HEADERS, "x-header", NULL);
	if (m) {
		assert_string_equal(m->value, "one");
		m = zwy_call_metadata(call, ZWY_HEADERS, "x-header", m);
		assert_string_equal(m->value, "two");
		assert_null(zwy_call_metadata(call, ZWY_HEADERS, "x-header", m));
	}
	assert_null(zwy_call_metadata(call, ZWY_HEADERS, "content-type", NULL));
	assert_null(zwy_call_metadata(call, ZWY_TRAILERS, "grpc-status", NULL));
	buf_append_char(ctx, '\0');
}

static void
everything_comes_in_its_order(void **state)
{
	(void)state;
	struct buf seen = {0};
	struct zwy_call_options o = {.size = sizeof(o),
				     .headers = note_headers,
				     .message = note_message,
				     .done = note_done,
				     .ctx = &seen};
	assert_non_null(zwy_call_start(client, "/t/Metadata", bytes_of("x"), &o));
	while (!seen.n || seen.p[seen.n - 1])
		turn(client);
	assert_string_equal(seen.p,
			    "[headers]\nx-header=one\nx-empty=\nx-header=two\n[message hi]\n[done 0]\n"
			    "x-trailer=end\nx-trailer-bin=\\ab\\ab\\ab\nx-trailer-bin=\\00\\01\\02\n"
			    "x-trailer=twice\n");
	buf_release(&seen);
}

static void
an_answer_that_is_only_an_end_has_trailers_alone(void **state)
{
	(void)state;
	struct buf seen = {0};
	struct zwy_call_options o = {.size = sizeof(o),
				     .headers = note_headers,
				     .done = note_done,
				     .ctx = &seen};
	assert_non_null(zwy_call_start(client, "/t/Only", bytes_of("x"), &o));
	while (!seen.n || seen.p[seen.n - 1])
		turn(client);
	assert_string_equal(seen.p, "[done 5]\nx-only=end\n");
	buf_release(&seen);
}

static void
blocking_calls_make_these_callbacks_too(void **state)
{
	(void)state;
	struct buf seen = {0};
	struct zwy_bytes answer;
	struct zwy_call_options o = {.size = sizeof(o),
				     .headers = note_headers,
				     .message = note_message,
				     .done = note_done,
				     .ctx = &seen};
	assert_int_equal(zwy_unary(client, "/t/Metadata", bytes_of("x"), &o, &answer, NULL), 0);
	assert_memory_equal(answer.data, "hi", 2);
	assert_non_null(strstr(seen.p, "x-header=two\n[done 0]\nx-trailer=end\n"));
	free((void *)answer.data);
	buf_release(&seen);
}

static void
bytes_are_sent_as_bytes(void **state)
{
	(void)state;
	struct zwy_metadata m[] = {{"x-test-bin", "\0\xff\n", 3},
				   {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
				    0}};
	struct zwy_call_options o = {.size = sizeof(o), .metadata = m, .metadata_count = 2};
	struct zwy_bytes answer;
	assert_int_equal(zwy_unary(client, "/t/Headers", bytes_of(""), &o, &answer, NULL), 0);
	assert_non_null(strstr(answer.data, "x-test-bin: AP8K\n"));
	assert_non_null(strstr(answer.data,
			       "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n"));
	free((void *)answer.data);
}

static void
cancelled_in_the_headers_callback(void *ctx, struct zwy_call *call)
{
	(*(int *)ctx)++;
	zwy_call_cancel(call);
}

static void
never(void *ctx, struct zwy_call *call, const struct zwy_error *error)
{
	(void)ctx, (void)call, (void)error;
	fail();
}

static void
a_call_may_be_cancelled_at_its_headers(void **state)
{
	(void)state;
	int seen = 0;
	struct zwy_call_options o = {.size = sizeof(o),
				     .headers = cancelled_in_the_headers_callback,
				     .done = never,
				     .ctx = &seen};
	assert_non_null(zwy_call_start(client, "/t/Metadata", bytes_of("x"), &o));
	while (!seen)
		turn(client);
	assert_int_equal(zwy_unary(client, "/t/Echo", bytes_of("x"), NULL, NULL, NULL), 0);
	assert_int_equal(seen, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_comes_in_its_order),
		cmocka_unit_test(an_answer_that_is_only_an_end_has_trailers_alone),
		cmocka_unit_test(blocking_calls_make_these_callbacks_too),
		cmocka_unit_test(bytes_are_sent_as_bytes),
		cmocka_unit_test(a_call_may_be_cancelled_at_its_headers),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
