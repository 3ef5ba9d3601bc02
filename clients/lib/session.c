#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FIXED_HEADERS 10

static struct zwy_call *
call_of(nghttp2_session *session, int32_t stream)
{
	return nghttp2_session_get_stream_user_data(session, stream);
}

/* ---- the request ------------------------------------------------------ */

static ssize_t
read_request(nghttp2_session *session, int32_t stream, uint8_t *to, size_t room, uint32_t *flags,
	     nghttp2_data_source *source, void *ctx)
{
	(void)source;
	(void)ctx;
	struct zwy_call *call = call_of(session, stream);
	if (!call)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	size_t n = call->out.n - call->out_at;
	if (n == 0 && !call->half_closed) {
		call->out_waits = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	if (n > room)
		n = room;
	if (n)
		memcpy(to, call->out.p + call->out_at, n);
	call->out_at += n;
	size_t left = call->out.n - call->out_at;
	if (left == 0 && call->half_closed)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (call->full && left <= SEND_LOW)
		call_turn(call);
	/* A request that could not be sent again is not kept. */
	if (call->out_at > REPLAY_MAX || (call->answered && call->out_at > SEND_LOW)) {
		buf_consume(&call->out, call->out_at);
		call->out_at = 0;
		call->out_dropped = true;
	}
	return (ssize_t)n;
}

static nghttp2_nv
header(const char *name, const char *value)
{
	return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value),
			    NGHTTP2_NV_FLAG_NONE};
}

/* https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: the order is the protocol's. */
static size_t
request_headers(const struct zwy_call *call, char timeout[12], nghttp2_nv *nv)
{
	const struct zwy_client *client = call->client;
	size_t n = 0;
	nv[n++] = header(":method", "POST");
	nv[n++] = header(":scheme", "http");
	nv[n++] = header(":path", call->path);
	nv[n++] = header(":authority", client->target.authority);
	nv[n++] = header("te", "trailers");
	if (call->deadline != INT64_MAX) {
		int64_t left = call->deadline - client->now;
		timeout_format(timeout, left > 0 ? left : 1);
		nv[n++] = header("grpc-timeout", timeout);
	}
	nv[n++] = header("content-type", "application/grpc");
	nv[n++] = header("user-agent", client->agent);
	if (client->as)
		nv[n++] = header("zwy-as", client->as);
	const char *p = call->metadata.p;
	for (size_t i = 0; i < call->metadata_count; i++) {
		const char *value = p + strlen(p) + 1;
		nv[n++] = header(p, value);
		p = value + strlen(value) + 1;
	}
	return n;
}

bool
session_has_room(const struct connection *conn)
{
	return conn->streams < nghttp2_session_get_remote_settings(conn->session,
								   NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS) &&
	       nghttp2_session_check_request_allowed(conn->session);
}

int
session_submit(struct connection *conn, struct zwy_call *call)
{
	nghttp2_nv nv[FIXED_HEADERS + METADATA_MAX];
	char timeout[12];
	size_t count = request_headers(call, timeout, nv);
	nghttp2_data_provider provider = {.read_callback = read_request};
	int32_t stream = nghttp2_submit_request(conn->session, NULL, nv, count, &provider, call);
	if (stream < 0)
		return stream;
	TAILQ_REMOVE(&call->client->waiting, call, place);
	TAILQ_INSERT_TAIL(&conn->calls, call, place);
	call->connection = conn;
	call->stream = stream;
	conn->streams++;
	return 0;
}

void
session_abandon(struct zwy_call *call)
{
	struct connection *conn = call->connection;
	if (!conn || !call->stream || !conn->session)
		return;
	nghttp2_session_set_stream_user_data(conn->session, call->stream, NULL);
	nghttp2_submit_rst_stream(conn->session, NGHTTP2_FLAG_NONE, call->stream, NGHTTP2_CANCEL);
	call->stream = 0;
}

void
session_resume(struct zwy_call *call)
{
	if (!call->out_waits || !call->stream)
		return;
	call->out_waits = false;
	nghttp2_session_resume_data(call->connection->session, call->stream);
}

void
session_consumed(struct zwy_call *call, size_t n)
{
	if (call->stream && n)
		nghttp2_session_consume_stream(call->connection->session, call->stream, n);
}

/* ---- the answer ------------------------------------------------------- */

static bool
name_is(const uint8_t *name, size_t n, const char *want)
{
	return n == strlen(want) && memcmp(name, want, n) == 0;
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
	struct zwy_call *call = call_of(session, frame->hd.stream_id);
	if (!call)
		return 0;
	call->header_bytes += name_n + value_n + 32;
	if (call->header_bytes > HEADERS_MAX)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	take_header(call, name, name_n, slice_make(value, value_n));
	return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data, size_t n, void *ctx)
{
	(void)flags;
	(void)ctx;
	/* Only the stream's window brakes: a paused call must not stop the others. */
	nghttp2_session_consume_connection(session, n);
	struct zwy_call *call = call_of(session, stream);
	if (!call)
		return 0;
	buf_append(&call->in, data, n);
	if (call->in.error)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
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
	call_over(call);
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	struct connection *conn = ctx;
	if (frame->hd.type == NGHTTP2_SETTINGS && !(frame->hd.flags & NGHTTP2_FLAG_ACK))
		conn->settled = true;
	if (frame->hd.type == NGHTTP2_GOAWAY)
		conn->going_away = true;
	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
		return 0;
	conn->proven = true;
	struct zwy_call *call = call_of(session, frame->hd.stream_id);
	if (!call)
		return 0;
	call->answered = true;
	if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
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
	struct zwy_call *call = call_of(session, stream);
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
	call_over(call);
	return 0;
}

static int
before_frame(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	struct connection *conn = ctx;
	struct zwy_call *call =
		frame->hd.type == NGHTTP2_HEADERS ? call_of(session, frame->hd.stream_id) : NULL;
	if (call) {
		call->packed = true;
		call->sent_at = conn->packed;
	}
	return 0;
}

/* ---- the session ------------------------------------------------------ */

static int
set_callbacks(nghttp2_session_callbacks **ret)
{
	nghttp2_session_callbacks *c;
	if (nghttp2_session_callbacks_new(&c) != 0)
		return NGHTTP2_ERR_NOMEM;
	nghttp2_session_callbacks_set_on_header_callback(c, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(c, on_close);
	nghttp2_session_callbacks_set_before_frame_send_callback(c, before_frame);
	*ret = c;
	return 0;
}

int
session_new(struct connection *conn)
{
	static const nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
		{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HEADERS_MAX},
	};
	nghttp2_session_callbacks *callbacks = NULL;
	nghttp2_option *option = NULL;
	int r = set_callbacks(&callbacks);
	if (r == 0)
		r = nghttp2_option_new(&option);
	if (r == 0) {
		nghttp2_option_set_no_auto_window_update(option, 1);
		r = nghttp2_session_client_new2(&conn->session, callbacks, conn, option);
	}
	if (r == 0)
		r = nghttp2_submit_settings(conn->session, NGHTTP2_FLAG_NONE, settings,
					    sizeof(settings) / sizeof(settings[0]));
	if (r == 0)
		r = nghttp2_session_set_local_window_size(conn->session, NGHTTP2_FLAG_NONE, 0,
							  CONNECTION_WINDOW);
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	return r;
}
