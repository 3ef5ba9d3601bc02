/* Single questions, statuses, metadata. */
#include "interop_cases.h"

#include <string.h>

#define SOAK_CALLS 20

bool
empty_unary(struct zwy_client *client)
{
	struct course c;
	bool held = true;
	course_start(&c, client, SERVICE "EmptyCall", nothing, NULL);
	course_finish(&c);
	EXPECT(c.error.status == 0 && c.count == 1 && c.messages[0].bytes.n == 0);
end:
	course_end(&c);
	return held;
}

static bool
unary_with(struct zwy_client *client, struct buf request, enum zwy_compress compress, int status,
	   int compressed)
{
	struct zwy_call_options o = {.compress = compress};
	struct course c;
	bool held = true;
	course_start(&c, client, SERVICE "UnaryCall", bytes(&request), &o);
	course_finish(&c);
	EXPECT(c.error.status == status);
	if (status == 0) {
		EXPECT(c.count == 1 && payload_size(&c, 0) == LARGE_RESPONSE);
		EXPECT(compressed < 0 || c.messages[0].compressed == compressed);
	}
end:
	course_end(&c);
	buf_release(&request);
	return held;
}

bool
large_unary(struct zwy_client *client)
{
	return unary_with(client, large_request(), ZWY_COMPRESS_NEVER, 0, -1);
}

static struct buf
expecting(bool compressed)
{
	struct buf b = large_request();
	put_bool(&b, SIMPLE_EXPECT, compressed);
	return b;
}

bool
client_compressed_unary(struct zwy_client *client)
{
	return unary_with(client, expecting(true), ZWY_COMPRESS_NEVER, GRPC_INVALID_ARGUMENT, -1) &&
	       unary_with(client, expecting(true), ZWY_COMPRESS_ALWAYS, 0, -1) &&
	       unary_with(client, expecting(false), ZWY_COMPRESS_NEVER, 0, -1);
}

static struct buf
wanting(bool compressed)
{
	struct buf b = large_request();
	put_bool(&b, SIMPLE_COMPRESSED, compressed);
	return b;
}

bool
server_compressed_unary(struct zwy_client *client)
{
	return unary_with(client, wanting(true), ZWY_COMPRESS_NEVER, 0, true) &&
	       unary_with(client, wanting(false), ZWY_COMPRESS_NEVER, 0, false);
}

static bool
unimplemented_at(struct zwy_client *client, const char *path)
{
	struct course c;
	bool held = true;
	course_start(&c, client, path, nothing, NULL);
	course_finish(&c);
	EXPECT(c.error.status == GRPC_UNIMPLEMENTED && c.count == 0);
end:
	course_end(&c);
	return held;
}

bool
unimplemented_method(struct zwy_client *client)
{
	return unimplemented_at(client, SERVICE "UnimplementedCall");
}

bool
unimplemented_service(struct zwy_client *client)
{
	return unimplemented_at(client, "/grpc.testing.UnimplementedService/UnimplementedCall");
}

bool
rpc_soak(struct zwy_client *client)
{
	for (int i = 0; i < SOAK_CALLS; i++)
		if (!large_unary(client))
			return false;
	return true;
}

/* Both kinds of call end with what they were told to. */
static bool
status_comes_back(struct zwy_client *client, unsigned code, const char *text, bool stream_too)
{
	struct course unary, stream = {0};
	struct buf simple = {0}, output = {0};
	bool held = true;
	put_status(&simple, SIMPLE_STATUS, code, text);
	put_status(&output, OUTPUT_STATUS, code, text);
	course_start(&unary, client, SERVICE "UnaryCall", bytes(&simple), NULL);
	course_finish(&unary);
	EXPECT(unary.error.status == (int)code && strcmp(unary.error.text, text) == 0);
	if (stream_too) {
		course_start(&stream, client, SERVICE "FullDuplexCall", bytes(&output), &streaming);
		zwy_call_half_close(stream.call);
		course_finish(&stream);
		EXPECT(stream.error.status == (int)code && strcmp(stream.error.text, text) == 0);
	}
end:
	course_end(&unary);
	course_end(&stream);
	buf_release(&simple);
	buf_release(&output);
	return held;
}

bool
status_code_and_message(struct zwy_client *client)
{
	return status_comes_back(client, GRPC_UNKNOWN, "test status message", true);
}

bool
special_status_message(struct zwy_client *client)
{
	return status_comes_back(client, GRPC_UNKNOWN,
				 "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n", false);
}

static bool
echoed(const struct course *c)
{
	return c->headers == 1 && slice_is(buf_slice(&c->initial), INITIAL_VALUE) &&
	       slice_equal(buf_slice(&c->trailing), SLICE("\xab\xab\xab"));
}

bool
custom_metadata(struct zwy_client *client)
{
	struct zwy_metadata m[] = {{INITIAL_KEY, INITIAL_VALUE, 0}, {TRAILING_KEY, "\xab\xab\xab", 3}};
	struct zwy_call_options o = {.metadata = m, .metadata_count = 2};
	struct course unary, stream = {0};
	struct buf request = large_request();
	bool held = true;
	course_start(&unary, client, SERVICE "UnaryCall", bytes(&request), &o);
	course_finish(&unary);
	EXPECT(unary.error.status == 0 && echoed(&unary));
	o.client_streaming = true;
	course_start(&stream, client, SERVICE "FullDuplexCall", nothing, &o);
	ask(&stream, LARGE_RESPONSE, LARGE_REQUEST);
	zwy_call_half_close(stream.call);
	course_finish(&stream);
	EXPECT(stream.error.status == 0 && stream.count == 1 && echoed(&stream));
end:
	course_end(&unary);
	course_end(&stream);
	buf_release(&request);
	return held;
}
