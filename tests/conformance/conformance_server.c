/* zwy-conformance-server: connectrpc.conformance.v1.ConformanceService over gRPC, as its
 * .proto file in proto/ tells. The suite asks for what it wants to see in the request:
 * headers, data, delays, an error; and the server tells what it saw.
 *
 * Messages are read with wire.h: they come as large as --max-recv allows and go back
 * as they came, unknown fields and all. */
#include <stdio.h>
#include <stdlib.h>

#include "serve.h"
#include "status.h"
#include "wire.h"

#define PACKAGE   "connectrpc.conformance.v1"
#define SERVICE   PACKAGE ".ConformanceService"
#define METHOD(m) "/" SERVICE "/" m
#define ANY_TYPE  "type.googleapis.com/" PACKAGE "."

/* ---- messages: numbers of proto/connectrpc/conformance/v1/service.proto ---- */

enum {
	REQUEST_DEFINITION = 1,
	BIDI_FULL_DUPLEX = 2,
	DEFINITION_HEADERS = 1,
	DEFINITION_DATA = 2,
	ERROR_CODE = 1,
	ERROR_MESSAGE = 2,
	ERROR_DETAILS = 3,
	HEADER_NAME = 1,
	HEADER_VALUE = 2,
	RESPONSE_PAYLOAD = 1,
	PAYLOAD_DATA = 1,
	PAYLOAD_REQUEST_INFO = 2,
	INFO_HEADERS = 1,
	INFO_TIMEOUT = 2,
	INFO_REQUESTS = 3,
	ANY_TYPE_URL = 1,
	ANY_VALUE = 2,
	/* google.rpc.Status */
	STATUS_CODE = 1,
	STATUS_MESSAGE = 2,
	STATUS_DETAILS = 3,
};

/* Fields that UnaryResponseDefinition and StreamResponseDefinition have under other numbers. */
struct definition_fields {
	uint32_t error, trailers, delay;
};
static const struct definition_fields unary_definition = {3, 4, 6}, stream_definition = {4, 5, 3};

/* What the methods differ in; the ctx of their rpc_method. */
struct method_kind {
	const char *request; /* name of its message */
	const struct definition_fields *fields;
	bool streaming; /* answers are a stream: what has no data has no message */
	bool bidi;
};

/* A call from its start to its end. */
struct talk {
	const struct method_kind *kind;
	bool begun;              /* the first message has come */
	struct slice definition; /* of the first message */
	bool full_duplex;
	bool half_closed;
	bool full;           /* the client does not read */
	bool slept;          /* the delay before the next answer has passed */
	bool owes;           /* full duplex: the message that came last has not been answered */
	size_t data_count;   /* answers that the definition holds */
	size_t sent;         /* of them */
	struct buf requests; /* fields INFO_REQUESTS not told yet */
	struct delay *delay;
};

/* The n-th of the fields with this number, from 0; false: there are fewer. */
static bool
nth_field(struct slice message, uint32_t number, size_t n, struct slice *ret)
{
	struct wire_field field;
	while (wire_next(&message, &field) == 1) {
		if (field.number != number || field.type != WIRE_LEN || n-- > 0)
			continue;
		*ret = field.bytes;
		return true;
	}
	return false;
}

static size_t
count_fields(struct slice message, uint32_t number)
{
	struct wire_field field;
	size_t n = 0;
	while (wire_next(&message, &field) == 1)
		n += field.number == number && field.type == WIRE_LEN;
	return n;
}

/* ---- what the server saw ---- */

static bool
is_binary(struct slice key)
{
	return key.n > 4 && memcmp(key.p + key.n - 4, "-bin", 4) == 0;
}

static void
put_value(struct buf *header, struct slice key, struct slice value)
{
	struct buf text = {0};
	if (is_binary(key)) {
		base64_encode(&text, value);
		value = buf_slice(&text);
	}
	wire_put_bytes(header, HEADER_VALUE, value);
	buf_release(&text);
}

/* Whether the key has been told with an earlier value. */
static bool
is_repeated(const struct call *c, const void *until, struct slice key)
{
	struct slice earlier, value;
	for (const void *at = NULL; call_metadata_next(c, &at, &earlier, &value) && at != until;)
		if (slice_equal(earlier, key))
			return true;
	return false;
}

static void
put_headers(struct buf *info, const struct call *c)
{
	struct slice key, other, value;
	for (const void *at = NULL; call_metadata_next(c, &at, &key, &value);) {
		struct buf header = {0};
		if (is_repeated(c, at, key))
			continue;
		wire_put_string(&header, HEADER_NAME, key);
		for (const void *next = NULL; call_metadata_next(c, &next, &other, &value);)
			if (slice_equal(key, other))
				put_value(&header, key, value);
		wire_put_bytes(info, INFO_HEADERS, buf_slice(&header));
		buf_release(&header);
	}
}

/* RequestInfo; with requests that were not told before. */
static void
put_info(struct buf *info, const struct call *c, struct talk *t)
{
	if (t->sent == 0) {
		put_headers(info, c);
		if (call_timeout(c) >= 0) {
			wire_put_tag(info, INFO_TIMEOUT, WIRE_VARINT);
			wire_put_varint(info, (uint64_t)call_timeout(c));
		}
	}
	buf_append_slice(info, buf_slice(&t->requests));
	buf_clear(&t->requests);
}

static void
put_any(struct buf *b, uint32_t number, const char *type, struct slice value)
{
	struct buf any = {0}, url = {0};
	buf_printf(&url, ANY_TYPE "%s", type);
	wire_put_string(&any, ANY_TYPE_URL, buf_slice(&url));
	wire_put_string(&any, ANY_VALUE, value);
	wire_put_bytes(b, number, buf_slice(&any));
	if (any.error || url.error)
		b->error = any.error ? any.error : url.error;
	buf_release(&any);
	buf_release(&url);
}

/* ---- what it shall answer ---- */

/* Headers or trailers of the definition. */
static void
add_metadata(struct call *c, const struct talk *t, uint32_t number,
	     bool (*add)(struct call *, const char *, struct slice))
{
	struct slice header, value;
	for (size_t i = 0; nth_field(t->definition, number, i, &header); i++) {
		char *key = arena_dup_slice(call_arena(c), wire_string(header, HEADER_NAME));
		for (char *p = key; *p; p++)
			if (*p >= 'A' && *p <= 'Z')
				*p = (char)(*p - 'A' + 'a');
		for (size_t n = 0; nth_field(header, HEADER_VALUE, n, &value); n++) {
			struct buf raw = {0};
			if (is_binary(slice_of(key)) && base64_decode(&raw, value))
				value = buf_slice(&raw);
			add(c, key, value);
			buf_release(&raw);
		}
	}
}

/* google.rpc.Status of the definition's error; while nothing was sent the details end
 * with what the server saw. */
static void
put_status(struct buf *status, struct call *c, struct talk *t, struct slice error)
{
	struct buf info = {0};
	struct slice detail;
	wire_put_uint(status, STATUS_CODE, wire_uint(error, ERROR_CODE));
	wire_put_string(status, STATUS_MESSAGE, wire_string(error, ERROR_MESSAGE));
	for (size_t i = 0; nth_field(error, ERROR_DETAILS, i, &detail); i++)
		wire_put_bytes(status, STATUS_DETAILS, detail);
	if (t->sent == 0) {
		put_info(&info, c, t);
		put_any(status, STATUS_DETAILS, "ConformancePayload.RequestInfo", buf_slice(&info));
	}
	buf_release(&info);
}

/* The call's end, as the definition says. */
static void
talk_finish(struct call *c, struct talk *t)
{
	struct buf status = {0};
	struct slice error;
	/* In a frame of their own, or the client could not tell them from the trailers. */
	if (count_fields(t->definition, DEFINITION_HEADERS) > 0)
		call_send_headers(c);
	add_metadata(c, t, t->kind->fields->trailers, call_add_trailer);
	if (!nth_field(t->definition, t->kind->fields->error, 0, &error)) {
		call_finish(c, NULL);
		return;
	}
	uint64_t code = wire_uint(error, ERROR_CODE);
	put_status(&status, c, t, error);
	call_finish_status(c, code > 0 && code < GRPC_STATUS_COUNT ? (enum grpc_status)code : GRPC_UNKNOWN,
			   wire_string(error, ERROR_MESSAGE), buf_slice(&status));
	buf_release(&status);
}

/* Sends the next answer; what call_send says. */
static int
talk_send(struct call *c, struct talk *t, bool with_info)
{
	struct buf info = {0}, payload = {0}, response = {0};
	struct slice data = {0};
	nth_field(t->definition, DEFINITION_DATA, t->sent, &data);
	wire_put_string(&payload, PAYLOAD_DATA, data);
	if (with_info) {
		put_info(&info, c, t);
		wire_put_bytes(&payload, PAYLOAD_REQUEST_INFO, buf_slice(&info));
	}
	wire_put_bytes(&response, RESPONSE_PAYLOAD, buf_slice(&payload));
	int rc = info.error ? info.error : payload.error ? payload.error : response.error;
	if (rc == 0)
		rc = call_send(c, buf_slice(&response));
	else
		call_finish_status(c, GRPC_RESOURCE_EXHAUSTED, SLICE("out of memory"), (struct slice){0});
	t->sent++;
	t->slept = t->owes = false;
	buf_release(&info);
	buf_release(&payload);
	buf_release(&response);
	return rc;
}

static void talk_go_on(struct call *c);

static void
talk_slept(struct call *c)
{
	struct talk *t = call_user(c);
	t->slept = true;
	talk_go_on(c);
}

/* True: the delay before the next answer is over. */
static bool
talk_sleep(struct call *c, struct talk *t)
{
	uint64_t ms = wire_uint(t->definition, t->kind->fields->delay);
	if (ms == 0 || t->slept)
		return true;
	delay_start(&t->delay, c, ms > UINT32_MAX ? UINT32_MAX : ms, talk_slept);
	return false;
}

/* One answer, or the error in its stead, to a client that has said all. */
static void
answer_once(struct call *c, struct talk *t)
{
	struct slice error;
	if (!talk_sleep(c, t))
		return;
	if (nth_field(t->definition, t->kind->fields->error, 0, &error) || talk_send(c, t, true) >= 0)
		talk_finish(c, t);
}

/* A stream of answers, as far as the requests that have come allow. */
static void
answer_stream(struct call *c, struct talk *t)
{
	while (t->sent < t->data_count && (t->owes || t->half_closed)) {
		if (!talk_sleep(c, t))
			return;
		int rc = talk_send(c, t, t->sent == 0 || t->owes);
		t->full = rc == CALL_FULL;
		if (rc != 0)
			return;
	}
	if (t->half_closed || t->owes)
		talk_finish(c, t);
	else
		call_resume(c);
}

static void
talk_go_on(struct call *c)
{
	struct talk *t = call_user(c);
	if (t->full || t->delay)
		return;
	if (t->kind->streaming)
		answer_stream(c, t);
	else
		answer_once(c, t);
}

/* ---- callbacks ---- */

static void
talk_start(struct call *c)
{
	struct talk *t = arena_alloc(call_arena(c), sizeof(*t));
	t->kind = call_method(c)->ctx;
	call_set_user(c, t);
}

/* The first message says what shall be answered. */
static bool
talk_begin(struct call *c, struct talk *t, struct slice message)
{
	struct slice definition = {0}, error = {0};
	t->begun = true;
	nth_field(message, REQUEST_DEFINITION, 0, &definition);
	nth_field(definition, t->kind->fields->error, 0, &error);
	if (!is_message(definition) || !is_message(error))
		return false;
	t->definition = arena_copy(call_arena(c), definition);
	t->data_count = count_fields(definition, DEFINITION_DATA);
	t->full_duplex = t->kind->bidi && wire_uint(message, BIDI_FULL_DUPLEX);
	add_metadata(c, t, DEFINITION_HEADERS, call_add_header);
	if (t->kind->streaming && t->data_count > 0 && (t->full_duplex || !t->kind->bidi))
		call_send_headers(c);
	return true;
}

static void
talk_message(struct call *c, struct slice message)
{
	struct talk *t = call_user(c);
	if (!is_message(message) || (!t->begun && !talk_begin(c, t, message))) {
		refuse_malformed(c);
		return;
	}
	put_any(&t->requests, INFO_REQUESTS, t->kind->request, message);
	if (!t->full_duplex)
		return;
	t->owes = true;
	call_pause(c);
	talk_go_on(c);
}

static void
talk_half_close(struct call *c)
{
	struct talk *t = call_user(c);
	t->half_closed = true;
	if (t->kind->streaming && t->data_count > 0)
		call_send_headers(c);
	talk_go_on(c);
}

static void
talk_writable(struct call *c)
{
	struct talk *t = call_user(c);
	t->full = false;
	talk_go_on(c);
}

static void
talk_closed(struct call *c)
{
	struct talk *t = call_user(c);
	delay_drop(&t->delay);
	buf_release(&t->requests);
}

static const struct call_handler handler = {talk_start, talk_message, talk_half_close, talk_writable,
					    talk_closed};

/* ---- the service; Unimplemented is not there ---- */

static const struct method_kind unary = {"UnaryRequest", &unary_definition, false, false};
static const struct method_kind idempotent = {"IdempotentUnaryRequest", &unary_definition, false, false};
static const struct method_kind server_stream = {"ServerStreamRequest", &stream_definition, true, false};
static const struct method_kind client_stream = {"ClientStreamRequest", &unary_definition, false, false};
static const struct method_kind bidi_stream = {"BidiStreamRequest", &stream_definition, true, true};

static const struct rpc_method methods[] = {
	{METHOD("BidiStream"), true, true, NULL, &handler, &bidi_stream, 0},
	{METHOD("ClientStream"), true, false, NULL, &handler, &client_stream, 0},
	{METHOD("IdempotentUnary"), false, false, NULL, &handler, &idempotent, 0},
	{METHOD("ServerStream"), false, true, NULL, &handler, &server_stream, 0},
	{METHOD("Unary"), false, false, NULL, &handler, &unary, 0},
};

int
main(int argc, char **argv)
{
	const struct program program = {"zwy-conformance-server", methods,
					sizeof(methods) / sizeof(methods[0]), true};
	return serve(&program, argc, argv);
}
