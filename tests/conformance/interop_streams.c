/* Streams in one direction and in both. */
#include "interop_cases.h"

static const unsigned request_sizes[] = {27182, 8, 1828, 45904}, answer_sizes[] = {31415, 9, 2653, 58979};

bool
client_streaming(struct zwy_client *client)
{
	struct course c;
	bool held = true;
	course_start(&c, client, SERVICE "StreamingInputCall", nothing, &streaming);
	for (size_t i = 0; i < 4; i++) {
		struct buf b = {0};
		put_payload(&b, INPUT_PAYLOAD, request_sizes[i]);
		course_send(&c, &b);
	}
	zwy_call_half_close(c.call);
	course_finish(&c);
	EXPECT(c.error.status == 0 && c.count == 1);
	EXPECT(wire_uint(buf_slice(&c.messages[0].bytes), INPUT_AGGREGATED) == 74922);
end:
	course_end(&c);
	return held;
}

/* One message, of which it is said whether it is compressed, and which may be. */
static void
send_piece(struct course *c, size_t size, bool said, bool is)
{
	struct buf b = {0};
	put_payload(&b, INPUT_PAYLOAD, size);
	put_bool(&b, INPUT_EXPECT, said);
	if (c->call)
		zwy_call_compress(c->call, is ? ZWY_COMPRESS_ALWAYS : ZWY_COMPRESS_NEVER);
	course_send(c, &b);
}

bool
client_compressed_streaming(struct zwy_client *client)
{
	struct zwy_call_options o = {.client_streaming = true, .compress = ZWY_COMPRESS_ALWAYS};
	struct course probe, c = {0};
	bool held = true;
	course_start(&probe, client, SERVICE "StreamingInputCall", nothing, &streaming);
	send_piece(&probe, 27182, true, false);
	course_finish(&probe);
	EXPECT(probe.error.status == GRPC_INVALID_ARGUMENT);
	course_start(&c, client, SERVICE "StreamingInputCall", nothing, &o);
	send_piece(&c, 27182, true, true);
	send_piece(&c, 45904, false, false);
	zwy_call_half_close(c.call);
	course_finish(&c);
	EXPECT(c.error.status == 0 && c.count == 1);
	EXPECT(wire_uint(buf_slice(&c.messages[0].bytes), INPUT_AGGREGATED) == 73086);
end:
	course_end(&probe);
	course_end(&c);
	return held;
}

bool
server_streaming(struct zwy_client *client)
{
	struct course c;
	struct buf b = {0};
	bool held = true;
	for (size_t i = 0; i < 4; i++)
		put_wanted(&b, answer_sizes[i], -1);
	course_start(&c, client, SERVICE "StreamingOutputCall", bytes(&b), NULL);
	course_finish(&c);
	EXPECT(c.error.status == 0 && c.count == 4);
	for (size_t i = 0; i < 4; i++)
		EXPECT(payload_size(&c, i) == answer_sizes[i]);
end:
	course_end(&c);
	buf_release(&b);
	return held;
}

bool
server_compressed_streaming(struct zwy_client *client)
{
	struct course c;
	struct buf b = {0};
	bool held = true;
	put_wanted(&b, 31415, true);
	put_wanted(&b, 92653, false);
	course_start(&c, client, SERVICE "StreamingOutputCall", bytes(&b), NULL);
	course_finish(&c);
	EXPECT(c.error.status == 0 && c.count == 2);
	EXPECT(c.messages[0].compressed && payload_size(&c, 0) == 31415);
	EXPECT(!c.messages[1].compressed && payload_size(&c, 1) == 92653);
end:
	course_end(&c);
	buf_release(&b);
	return held;
}

bool
ping_pong(struct zwy_client *client)
{
	struct course c;
	bool held = true;
	course_start(&c, client, SERVICE "FullDuplexCall", nothing, &streaming);
	for (size_t i = 0; i < 4; i++) {
		ask(&c, answer_sizes[i], request_sizes[i]);
		course_await(&c, i + 1);
		EXPECT(c.count == i + 1 && payload_size(&c, i) == answer_sizes[i]);
	}
	zwy_call_half_close(c.call);
	course_finish(&c);
	EXPECT(c.error.status == 0 && c.count == 4);
end:
	course_end(&c);
	return held;
}

bool
empty_stream(struct zwy_client *client)
{
	struct course c;
	bool held = true;
	course_start(&c, client, SERVICE "FullDuplexCall", nothing, &streaming);
	zwy_call_half_close(c.call);
	course_finish(&c);
	EXPECT(c.error.status == 0 && c.count == 0);
end:
	course_end(&c);
	return held;
}

/* A cancelled call is silent here, where other libraries say CANCELLED: what is proved is
 * that nothing comes of it any more, and that the connection goes on. The server's side
 * of it is up to the server's own tests. */
bool
cancel_after_begin(struct zwy_client *client)
{
	struct course c = {0};
	bool held = true;
	EXPECT(empty_unary(client)); /* so that there is a connection to begin on */
	course_start(&c, client, SERVICE "StreamingInputCall", nothing, &streaming);
	zwy_call_cancel(c.call);
	c.call = NULL;
	EXPECT(empty_unary(client));
	EXPECT(c.done == 0 && c.count == 0 && c.headers == 0);
end:
	course_end(&c);
	return held;
}

bool
cancel_after_first_response(struct zwy_client *client)
{
	struct course c;
	bool held = true;
	course_start(&c, client, SERVICE "FullDuplexCall", nothing, &streaming);
	ask(&c, answer_sizes[0], request_sizes[0]);
	course_await(&c, 1);
	EXPECT(!c.done && c.count == 1 && payload_size(&c, 0) == answer_sizes[0]);
	zwy_call_cancel(c.call);
	c.call = NULL;
	EXPECT(empty_unary(client));
	EXPECT(c.done == 0 && c.count == 1);
end:
	course_end(&c);
	return held;
}

bool
timeout_on_sleeping_server(struct zwy_client *client)
{
	struct zwy_call_options o = {.client_streaming = true, .timeout_ms = 1};
	struct course c;
	struct buf b = {0};
	bool held = true;
	put_payload(&b, OUTPUT_PAYLOAD, 27182);
	course_start(&c, client, SERVICE "FullDuplexCall", nothing, &o);
	course_send(&c, &b);
	course_finish(&c);
	EXPECT(c.error.status == GRPC_DEADLINE_EXCEEDED);
end:
	course_end(&c);
	return held;
}
