/* HTTP/2 on a connection, by nghttp2: the session, and requests going out. */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIXED_HEADERS 12

struct zwy_call *
session_call(nghttp2_session *session, int32_t stream)
{
	return nghttp2_session_get_stream_user_data(session, stream);
}

static ssize_t
read_request(nghttp2_session *session, int32_t stream, uint8_t *to, size_t room, uint32_t *flags,
	     nghttp2_data_source *source, void *ctx)
{
	(void)source;
	(void)ctx;
	struct zwy_call *call = session_call(session, stream);
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
	if (call->out_at > call->retry.buffer || (call->answered && call->out_at > SEND_LOW)) {
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
request_headers(const struct zwy_call *call, char timeout[12], char attempts[12], nghttp2_nv *nv)
{
	const struct zwy_client *client = call->client;
	size_t n = 0;
	nv[n++] = header(":method", "POST");
	nv[n++] = header(":scheme", client->tls ? "https" : "http");
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
	nv[n++] = header("grpc-accept-encoding", "identity,gzip");
	if (call->options.compress != ZWY_COMPRESS_NEVER)
		nv[n++] = header("grpc-encoding", "gzip");
	if (call->attempts > 0) {
		snprintf(attempts, 12, "%u", call->attempts);
		nv[n++] = header("grpc-previous-rpc-attempts", attempts);
	}
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
	return conn->streams <
	       nghttp2_session_get_remote_settings(conn->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

bool
session_takes_calls(const struct connection *conn)
{
	return nghttp2_session_check_request_allowed(conn->session);
}

int
session_submit(struct connection *conn, struct zwy_call *call)
{
	nghttp2_nv nv[FIXED_HEADERS + METADATA_MAX];
	char timeout[12], attempts[12];
	size_t count = request_headers(call, timeout, attempts, nv);
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
	int r = nghttp2_session_callbacks_new(&callbacks);
	if (r == 0)
		r = nghttp2_option_new(&option);
	if (r == 0) {
		answer_set_callbacks(callbacks);
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
