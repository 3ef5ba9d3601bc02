/* zwy-interop-server: grpc.testing.TestService, the service that every gRPC library has
 * its interoperability cases for. What each method does is told in the .proto files of the
 * package grpc-proto and in doc/interop-test-descriptions.md of grpc/grpc.
 *
 * Messages are read with wire.h: nanopb as Debian builds it holds no field of 64 KiB,
 * and the cases send 271,828 bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "serve.h"
#include "wire.h"

#define SERVICE    "grpc.testing.TestService"
#define METHOD(m)  "/" SERVICE "/" m
#define ANSWER_MAX (64 << 20) /* bytes of one payload that anybody may ask for */

/* ---- messages: numbers of grpc/testing/messages.proto ---- */

enum {
	PAYLOAD_BODY = 2,
	STATUS_CODE = 1,
	STATUS_MESSAGE = 2,
	SIMPLE_RESPONSE_TYPE = 1,
	SIMPLE_RESPONSE_SIZE = 2,
	SIMPLE_RESPONSE_COMPRESSED = 6,
	SIMPLE_RESPONSE_STATUS = 7,
	SIMPLE_EXPECT_COMPRESSED = 8,
	SIMPLE_FILL_SERVER_ID = 9,
	RESPONSE_PAYLOAD = 1,
	RESPONSE_SERVER_ID = 4,
	INPUT_PAYLOAD = 1,
	INPUT_EXPECT_COMPRESSED = 2,
	INPUT_AGGREGATED_SIZE = 1,
	OUTPUT_RESPONSE_TYPE = 1,
	OUTPUT_PARAMETERS = 2,
	OUTPUT_RESPONSE_STATUS = 7,
	PARAMETERS_SIZE = 1,
	PARAMETERS_INTERVAL_US = 2,
	PARAMETERS_COMPRESSED = 3,
	BOOL_VALUE = 1,
};

/* A message within a message: *ret_there says whether it is there; false: malformed. */
static bool
read_inner(struct slice message, uint32_t number, bool *ret_there, struct slice *ret)
{
	struct wire_field field;
	*ret_there = wire_find(message, number, &field);
	if (!*ret_there)
		return true;
	*ret = field.bytes;
	return field.type == WIRE_LEN && is_message(field.bytes);
}

enum wish { WISH_NONE, WISH_NO, WISH_YES };

/* A grpc.testing.BoolValue that may be left out. */
static bool
read_wish(struct slice message, uint32_t number, enum wish *ret)
{
	struct slice value = {0};
	bool there;
	if (!read_inner(message, number, &there, &value))
		return false;
	if (!there)
		*ret = WISH_NONE;
	else
		*ret = wire_uint(value, BOOL_VALUE) ? WISH_YES : WISH_NO;
	return true;
}

static void
put_payload(struct buf *response, size_t size)
{
	struct buf payload = {0};
	if (size > 0) {
		wire_put_tag(&payload, PAYLOAD_BODY, WIRE_LEN);
		wire_put_varint(&payload, size);
		char *body = buf_reserve(&payload, size);
		if (body) {
			memset(body, 0, size);
			payload.n += size;
		}
	}
	wire_put_bytes(response, RESPONSE_PAYLOAD, buf_slice(&payload));
	if (payload.error)
		response->error = payload.error;
	buf_release(&payload);
}

/* ---- what all methods do ---- */

static void
refuse(struct call *c, enum grpc_status status, const char *text)
{
	call_finish_status(c, status, slice_of(text), (struct slice){0});
}

/* The compression that the client says its message has; false: the call has ended. */
static bool
check_expected(struct call *c, enum wish expected)
{
	if (expected == WISH_NONE || (expected == WISH_YES) == call_message_compressed(c))
		return true;
	refuse(c, GRPC_INVALID_ARGUMENT,
	       expected == WISH_YES ? "the message should be compressed"
				    : "the message should not be compressed");
	return false;
}

/* response_status ends the call; true: it has ended, or the message is malformed. */
static bool
echo_status(struct call *c, struct slice message, uint32_t number)
{
	struct slice status = {0};
	bool there;
	if (!read_inner(message, number, &there, &status)) {
		refuse_malformed(c);
		return true;
	}
	if (!there)
		return false;
	uint64_t code = wire_uint(status, STATUS_CODE);
	call_finish_status(c, code < GRPC_STATUS_COUNT ? (enum grpc_status)code : GRPC_UNKNOWN,
			   wire_string(status, STATUS_MESSAGE), (struct slice){0});
	return true;
}

static void
echo_metadata(struct call *c)
{
	struct slice key, value;
	for (const void *at = NULL; call_metadata_next(c, &at, &key, &value);) {
		if (slice_is(key, "x-grpc-test-echo-initial"))
			call_add_header(c, "x-grpc-test-echo-initial", value);
		else if (slice_is(key, "x-grpc-test-echo-trailing-bin"))
			call_add_trailer(c, "x-grpc-test-echo-trailing-bin", value);
	}
}

static void
want_compression(struct call *c, enum wish wish)
{
	static const enum call_compress how[] = {CALL_COMPRESS_AUTO, CALL_COMPRESS_NEVER,
						 CALL_COMPRESS_ALWAYS};
	call_compression(c, how[wish]);
}

/* Sends and forgets a message; what call_send says. */
static int
send_built(struct call *c, struct buf *message)
{
	int rc = message->error;
	if (rc)
		refuse(c, GRPC_RESOURCE_EXHAUSTED, "out of memory");
	else
		rc = call_send(c, buf_slice(message));
	buf_release(message);
	return rc;
}

/* ---- unary ---- */

static void
empty_message(struct call *c, struct slice message)
{
	if (!is_message(message))
		refuse_malformed(c);
	else
		call_reply(c, (struct slice){0});
}

static void
put_server_id(struct buf *response)
{
	char id[32];
	snprintf(id, sizeof(id), "zwy-%ld", (long)getpid());
	wire_put_string(response, RESPONSE_SERVER_ID, slice_of(id));
}

static void
unary_message(struct call *c, struct slice message)
{
	struct buf response = {0};
	enum wish expected, compressed;
	if (!is_message(message) || !read_wish(message, SIMPLE_EXPECT_COMPRESSED, &expected) ||
	    !read_wish(message, SIMPLE_RESPONSE_COMPRESSED, &compressed)) {
		refuse_malformed(c);
		return;
	}
	uint64_t size = wire_uint(message, SIMPLE_RESPONSE_SIZE);
	echo_metadata(c);
	if (!check_expected(c, expected) || echo_status(c, message, SIMPLE_RESPONSE_STATUS))
		return;
	if (wire_uint(message, SIMPLE_RESPONSE_TYPE) != 0 || size > ANSWER_MAX) {
		refuse(c, GRPC_INVALID_ARGUMENT, "no such payload can be had here");
		return;
	}
	put_payload(&response, (size_t)size);
	if (wire_uint(message, SIMPLE_FILL_SERVER_ID))
		put_server_id(&response);
	want_compression(c, compressed);
	if (send_built(c, &response) >= 0)
		call_finish(c, NULL);
}

static void
cacheable_message(struct call *c, struct slice message)
{
	struct buf payload = {0}, response = {0};
	struct timespec now;
	char digits[32];
	(void)message;
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(digits, sizeof(digits), "%lld%09ld", (long long)now.tv_sec, now.tv_nsec);
	wire_put_string(&payload, PAYLOAD_BODY, slice_of(digits));
	wire_put_bytes(&response, RESPONSE_PAYLOAD, buf_slice(&payload));
	buf_release(&payload);
	call_add_header(c, "cache-control", SLICE("max-age=60, public"));
	if (send_built(c, &response) >= 0)
		call_finish(c, NULL);
}

/* ---- client streaming ---- */

static void
input_start(struct call *c)
{
	echo_metadata(c);
	call_set_user(c, arena_alloc(call_arena(c), sizeof(uint64_t)));
}

static void
input_message(struct call *c, struct slice message)
{
	uint64_t *sum = call_user(c);
	struct slice payload = {0};
	enum wish expected;
	bool there;
	if (!is_message(message) || !read_inner(message, INPUT_PAYLOAD, &there, &payload) ||
	    !read_wish(message, INPUT_EXPECT_COMPRESSED, &expected)) {
		refuse_malformed(c);
		return;
	}
	if (check_expected(c, expected))
		*sum += wire_string(payload, PAYLOAD_BODY).n;
}

static void
input_half_close(struct call *c)
{
	uint64_t *sum = call_user(c);
	struct buf response = {0};
	wire_put_uint(&response, INPUT_AGGREGATED_SIZE, *sum);
	if (send_built(c, &response) >= 0)
		call_finish(c, NULL);
}

/* ---- streams of answers ---- */

struct answer {
	size_t size;
	uint64_t interval_us;
	enum wish compressed;
};

/* A call that owes answers. While it owes some it takes no more messages, but for
 * HalfDuplexCall, which takes all before it answers. */
struct stream {
	struct buf owed; /* struct answer, in order */
	size_t next;     /* byte at which the next one lies */
	struct delay *delay;
	bool full;  /* the client does not read */
	bool slept; /* the interval before the next one has passed */
	bool half_closed;
	bool at_end_only; /* HalfDuplexCall */
};

static void stream_go_on(struct call *c);

static void
stream_slept(struct call *c)
{
	struct stream *s = call_user(c);
	s->slept = true;
	stream_go_on(c);
}

/* False: the rest has to wait, or the call is over. */
static bool
stream_answer(struct call *c, struct stream *s)
{
	struct buf response = {0};
	struct answer a;
	memcpy(&a, s->owed.p + s->next, sizeof(a));
	if (a.interval_us > 0 && !s->slept) {
		delay_start(&s->delay, c, (a.interval_us + 999) / 1000, stream_slept);
		return false;
	}
	s->slept = false;
	s->next += sizeof(a);
	put_payload(&response, a.size);
	want_compression(c, a.compressed);
	int rc = send_built(c, &response);
	s->full = rc == CALL_FULL;
	return rc == 0;
}

static void
stream_go_on(struct call *c)
{
	struct stream *s = call_user(c);
	if (s->full || s->delay)
		return;
	while (s->next < s->owed.n)
		if (!stream_answer(c, s))
			return;
	buf_clear(&s->owed);
	s->next = 0;
	if (s->half_closed)
		call_finish(c, NULL);
	else
		call_resume(c);
}

static void
stream_start(struct call *c)
{
	echo_metadata(c);
	call_set_user(c, arena_alloc(call_arena(c), sizeof(struct stream)));
}

static void
half_duplex_start(struct call *c)
{
	stream_start(c);
	struct stream *s = call_user(c);
	s->at_end_only = true;
}

static bool
read_parameters(struct answer *ret, struct slice parameters)
{
	if (!is_message(parameters) || !read_wish(parameters, PARAMETERS_COMPRESSED, &ret->compressed))
		return false;
	ret->size = (size_t)wire_uint(parameters, PARAMETERS_SIZE);
	ret->interval_us = wire_uint(parameters, PARAMETERS_INTERVAL_US);
	return true;
}

/* Puts what the message asks for behind what is owed; false: the call has ended. */
static bool
stream_owe(struct call *c, struct stream *s, struct slice message)
{
	struct wire_field field;
	while (wire_next(&message, &field) == 1) {
		struct answer a = {0};
		if (field.number != OUTPUT_PARAMETERS)
			continue;
		if (field.type != WIRE_LEN || !read_parameters(&a, field.bytes)) {
			refuse_malformed(c);
			return false;
		}
		if (a.size > ANSWER_MAX || a.interval_us > INT32_MAX) {
			refuse(c, GRPC_INVALID_ARGUMENT, "no such payload can be had here");
			return false;
		}
		/* gzip is announced once, by the headers that go before the first answer. */
		if (a.compressed == WISH_YES)
			call_compression(c, CALL_COMPRESS_ALWAYS);
		buf_append(&s->owed, &a, sizeof(a));
	}
	if (s->owed.error)
		refuse(c, GRPC_RESOURCE_EXHAUSTED, "out of memory");
	return s->owed.error == 0;
}

static void
stream_message(struct call *c, struct slice message)
{
	struct stream *s = call_user(c);
	if (!is_message(message)) {
		refuse_malformed(c);
		return;
	}
	if (echo_status(c, message, OUTPUT_RESPONSE_STATUS))
		return;
	if (wire_uint(message, OUTPUT_RESPONSE_TYPE) != 0) {
		refuse(c, GRPC_INVALID_ARGUMENT, "no such payload can be had here");
		return;
	}
	if (!stream_owe(c, s, message) || s->at_end_only)
		return;
	call_pause(c);
	stream_go_on(c);
}

static void
stream_half_close(struct call *c)
{
	struct stream *s = call_user(c);
	s->half_closed = true;
	stream_go_on(c);
}

static void
stream_writable(struct call *c)
{
	struct stream *s = call_user(c);
	s->full = false;
	stream_go_on(c);
}

static void
stream_closed(struct call *c)
{
	struct stream *s = call_user(c);
	delay_drop(&s->delay);
	buf_release(&s->owed);
}

/* ---- the service ---- */

static const struct call_handler empty_handler = {.message = empty_message};
static const struct call_handler unary_handler = {.message = unary_message};
static const struct call_handler cacheable_handler = {.message = cacheable_message};
static const struct call_handler input_handler = {.start = input_start,
						  .message = input_message,
						  .half_close = input_half_close};
static const struct call_handler stream_handler = {stream_start, stream_message, stream_half_close,
						   stream_writable, stream_closed};
static const struct call_handler half_duplex_handler = {half_duplex_start, stream_message, stream_half_close,
							stream_writable, stream_closed};

static const struct rpc_method methods[] = {
	{METHOD("CacheableUnaryCall"), false, false, NULL, &cacheable_handler, NULL, 0},
	{METHOD("EmptyCall"), false, false, NULL, &empty_handler, NULL, 0},
	{METHOD("FullDuplexCall"), true, true, NULL, &stream_handler, NULL, 0},
	{METHOD("HalfDuplexCall"), true, true, NULL, &half_duplex_handler, NULL, 0},
	{METHOD("StreamingInputCall"), true, false, NULL, &input_handler, NULL, 0},
	{METHOD("StreamingOutputCall"), false, true, NULL, &stream_handler, NULL, 0},
	{METHOD("UnaryCall"), false, false, NULL, &unary_handler, NULL, 0},
};

int
main(int argc, char **argv)
{
	const struct program program = {"zwy-interop-server", methods, sizeof(methods) / sizeof(methods[0]),
					false};
	return serve(&program, argc, argv);
}
