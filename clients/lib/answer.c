/* What a server sends, sorted into the calls that it belongs to. Called by nghttp2: no
 * callback of the program's is made from here. */
#include "client.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool
name_is(const uint8_t *name, size_t n, const char *want)
{
	return n == strlen(want) && memcmp(name, want, n) == 0;
}

/* A6: a number of milliseconds; anything else means that the server wants no retry. */
static int64_t
pushback_of(struct slice value)
{
	uint64_t ms;
	return slice_to_u64(value, &ms) && ms <= INT32_MAX ? (int64_t)ms : PUSHBACK_NEVER;
}

static void
take_header(struct zwy_call *call, const uint8_t *name, size_t name_n, struct slice value)
{
	uint64_t number;
	if (name_is(name, name_n, ":status")) {
		call->http_status = slice_to_u64(value, &number) && number < 1000 ? (int)number : 0;
	} else if (name_is(name, name_n, "grpc-status")) {
		bool known = slice_to_u64(value, &number) && number < GRPC_STATUS_COUNT;
		call->status = known ? (int)number : GRPC_UNKNOWN;
	} else if (name_is(name, name_n, "grpc-message")) {
		buf_clear(&call->message);
		percent_decode(&call->message, value);
	} else if (name_is(name, name_n, "grpc-status-details-bin")) {
		buf_clear(&call->details);
		if (!base64_decode(&call->details, value))
			buf_clear(&call->details);
	} else if (name_is(name, name_n, "grpc-retry-pushback-ms")) {
		call->pushback = pushback_of(value);
	} else if (name_is(name, name_n, "grpc-encoding")) {
		call->gzip_answer = slice_is(value, "gzip");
	} else if (name_is(name, name_n, "content-type")) {
		call->not_grpc = value.n < 16 || strncasecmp(value.p, "application/grpc", 16) != 0;
	}
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_n,
	  const uint8_t *value, size_t value_n, uint8_t flags, void *ctx)
{
	(void)flags;
	(void)ctx;
	struct zwy_call *call = session_call(session, frame->hd.stream_id);
	if (!call)
		return 0;
	call->header_bytes += name_n + value_n + 32;
	if (call->header_bytes > HEADERS_MAX)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	take_header(call, name, name_n, slice_make(value, value_n));
	int r = metadata_add(call, slice_make(name, name_n), slice_make(value, value_n));
	return r < 0 ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data, size_t n, void *ctx)
{
	(void)flags;
	(void)ctx;
	/* Only the stream's window brakes: a paused call must not stop the others. */
	nghttp2_session_consume_connection(session, n);
	struct zwy_call *call = session_call(session, stream);
	if (!call)
		return 0;
	buf_append(&call->in, data, n);
	if (call->in.error)
		call_fail(call, ERR_NO_MEMORY, "out of memory for the answer");
	else
		call_turn(call);
	return 0;
}

/* The server has said all it will. What is left of our side is of no use to it. */
static void
end_of_answer(nghttp2_session *session, struct zwy_call *call)
{
	bool sending = !call->half_closed || call->out_at < call->out.n;
	nghttp2_session_set_stream_user_data(session, call->stream, NULL);
	if (sending)
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, call->stream, NGHTTP2_CANCEL);
	call->stream = 0;
	call_ended(call);
}

static void
take_goaway(struct connection *conn, const nghttp2_goaway *goaway)
{
	struct slice said = slice_make(goaway->opaque_data, goaway->opaque_data_len);
	size_t n = 0;
	conn->going_away = true;
	conn->too_many_pings =
		goaway->error_code == NGHTTP2_ENHANCE_YOUR_CALM && slice_is(said, "too_many_pings");
	for (; n < said.n && n + 1 < sizeof(conn->farewell); n++)
		conn->farewell[n] = said.p[n] >= ' ' && said.p[n] <= '~' ? said.p[n] : '?';
	conn->farewell[n] = '\0';
}

/* The headers of a final answer, or its trailers; not those of 1xx. */
static void
take_headers(nghttp2_session *session, struct zwy_call *call, bool last)
{
	if (!call->answered && call->http_status / 100 == 1) {
		call->http_status = 0;
		metadata_release(call);
		return;
	}
	if (!call->answered && last)
		metadata_headers_are_trailers(call);
	if (!call->answered && !last) {
		call->committed = call->headers_due = true;
		call_turn(call);
	}
	call->answered = true;
	if (last)
		end_of_answer(session, call);
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	struct connection *conn = ctx;
	if (frame->hd.type == NGHTTP2_SETTINGS && !(frame->hd.flags & NGHTTP2_FLAG_ACK))
		conn->settled = true;
	if (frame->hd.type == NGHTTP2_GOAWAY)
		take_goaway(conn, &frame->goaway);
	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
		return 0;
	conn->proven = true;
	struct zwy_call *call = session_call(session, frame->hd.stream_id);
	if (!call)
		return 0;
	bool last = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	if (frame->hd.type == NGHTTP2_HEADERS)
		take_headers(session, call, last);
	else if (last)
		end_of_answer(session, call);
	return 0;
}

/* What a reset means where no status came; grpc's table. */
static int
code_of_reset(uint32_t error)
{
	switch (error) {
	case NGHTTP2_REFUSED_STREAM:
		return ERR_UNAVAILABLE;
	case NGHTTP2_CANCEL:
		return ERR_CANCELLED;
	case NGHTTP2_ENHANCE_YOUR_CALM:
		return ERR_OVERLOADED;
	case NGHTTP2_INADEQUATE_SECURITY:
		return ERR_WRONG_ROLE;
	default:
		return ERR_INTERNAL;
	}
}

static int
on_close(nghttp2_session *session, int32_t stream, uint32_t error, void *ctx)
{
	struct connection *conn = ctx;
	conn->streams--;
	conn->calls_at = conn->client->now;
	struct zwy_call *call = session_call(session, stream);
	if (!call)
		return 0;
	call->stream = 0;
	bool unread = !call->answered && (error == NGHTTP2_REFUSED_STREAM || !call->packed);
	if (unread && !call->out_dropped && call->refusals < REFUSALS_MAX) {
		call->refusals++;
		call_requeue(call);
		return 0;
	}
	if (call->status < 0) {
		call->unread = unread;
		call->local_code = code_of_reset(error);
		call->outcome_unknown = !unread && call->local_code == ERR_INTERNAL;
		buf_clear(&call->message);
		buf_printf(&call->message, "the stream was reset: %s", nghttp2_http2_strerror(error));
	}
	call_ended(call);
	return 0;
}

static int
before_frame(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	struct connection *conn = ctx;
	struct zwy_call *call =
		frame->hd.type == NGHTTP2_HEADERS ? session_call(session, frame->hd.stream_id) : NULL;
	if (call) {
		call->packed = true;
		call->sent_at = conn->packed;
	}
	return 0;
}

void
answer_set_callbacks(nghttp2_session_callbacks *c)
{
	nghttp2_session_callbacks_set_on_header_callback(c, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(c, on_close);
	nghttp2_session_callbacks_set_before_frame_send_callback(c, before_frame);
}
