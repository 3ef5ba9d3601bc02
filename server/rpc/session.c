/* nghttp2's callbacks, and the birth and death of a call. */
#include "rpc/internal.h"

#include <stdlib.h>

/* A deframer's buffer above this is not kept for the next call. */
#define SPARE_MESSAGE 8192

static struct call *
call_of(struct engine *e, int32_t stream)
{
	return nghttp2_session_get_stream_user_data(e->session, stream);
}

static struct call *
call_take(struct engine *e)
{
	struct call *c = e->spare;
	if (c) {
		e->spare = c->next;
		e->spare_count--;
		return c;
	}
	c = calloc(1, sizeof(*c));
	if (c)
		deframer_init(&c->in, (size_t)e->config->limits.max_message);
	return c;
}

static struct call *
call_new(struct engine *e, int32_t stream)
{
	struct call *c = call_take(e);
	if (!c)
		return NULL;
	c->engine = e;
	c->stream = stream;
	c->http_status = 200;
	c->began = c->moved_in = e->now;
	c->out_last = &c->out_first;
	c->stats.status = GRPC_CANCELLED;
	c->stats.code = ERR_CANCELLED;
	c->stats.text = "";
	c->next = e->calls;
	c->link = &e->calls;
	if (e->calls)
		e->calls->link = &c->next;
	e->calls = c;
	e->call_count++;
	return c;
}

static void
call_destroy(struct call *c)
{
	deframer_release(&c->in);
	arena_release(&c->arena);
	free(c);
}

/* Back to the state of a new one, with its memory kept. */
static void
call_reset(struct call *c)
{
	struct arena arena = c->arena;
	struct deframer in = c->in;
	arena_reset(&arena);
	deframer_next(&in);
	*c = (struct call){.arena = arena, .in = in};
}

void
call_free(struct call *c)
{
	struct engine *e = c->engine;
	call_over(c);
	timer_clear(c);
	ready_remove(c);
	send_drop(c, false);
	buf_release(&c->held);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	e->over_count--;
	e->receiving -= c->receiving;
	e->held_calls += c->held_by;
	e->waiting -= c->waiting;
	if (--e->call_count == 0)
		e->quiet_since = e->now;
	if (c->in.message.cap > SPARE_MESSAGE || e->failed) {
		call_destroy(c);
		return;
	}
	call_reset(c);
	c->next = e->spare;
	e->spare = c;
	e->spare_count++;
}

void
spare_release(struct engine *e)
{
	while (e->spare) {
		struct call *c = e->spare;
		e->spare = c->next;
		call_destroy(c);
	}
	e->spare_count = 0;
}

void
call_over(struct call *c)
{
	struct engine *e = c->engine;
	if (c->over)
		return;
	c->over = true;
	e->over_count++;
	c->stats.duration_ms = e->now - c->began;
	if (c->started && c->method->handler->closed)
		c->method->handler->closed(c);
	if (!c->counted)
		return;
	if (c->stats.status == GRPC_OK)
		e->stats.calls_succeeded++;
	else
		e->stats.calls_failed++;
	for (size_t i = 0; i < e->config->hook_count; i++) {
		const struct rpc_hook *hook = &e->config->hooks[i];
		if (hook->finished)
			hook->finished(hook->ctx, c, &c->stats);
	}
}

static int
on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
	struct engine *e = user_data;
	e->header_since = e->now;
	e->header_stream = frame->hd.stream_id;
	if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	struct call *c = call_new(e, frame->hd.stream_id);
	if (!c || nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, c) != 0)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	return 0;
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_n,
	  const uint8_t *value, size_t value_n, uint8_t flags, void *user_data)
{
	(void)session, (void)flags;
	struct engine *e = user_data;
	struct call *c = call_of(e, frame->hd.stream_id);
	if (!c)
		return 0;
	bool overflow = c->head.overflow;
	/* Request trailers say nothing to gRPC, but count. */
	int rc = frame->headers.cat == NGHTTP2_HCAT_REQUEST
			 ? metadata_add(c, slice_make(name, name_n), slice_make(value, value_n))
			 : metadata_count(c, name_n, value_n);
	if (c->head.overflow && !overflow)
		guard_spend(e, BUDGET_OVERSIZE, 1);
	if (rc == ERR_MESSAGE_TOO_LARGE) {
		guard_decide(e, NGHTTP2_ENHANCE_YOUR_CALM, "too_much_metadata");
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	return rc ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

/* Without it the library would drop such a field and go on (RFC 9113 8.2.1). */
static int
on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_n,
		  const uint8_t *value, size_t value_n, uint8_t flags, void *user_data)
{
	(void)session, (void)frame, (void)name, (void)name_n, (void)value, (void)value_n, (void)flags;
	(void)user_data;
	return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int
on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data, size_t n,
	      void *user_data)
{
	(void)flags;
	struct engine *e = user_data;
	struct call *c = call_of(e, stream);
	if (c)
		request_data(c, slice_make(data, n));
	else if (nghttp2_session_consume(session, stream, n) != 0)
		engine_fail(e);
	return e->failed ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static void
on_settings(struct engine *e, bool ack)
{
	if (ack) {
		e->acknowledged = true;
	} else if (!e->greeted) {
		e->greeted = true;
		e->greeted_at = e->now;
	}
}

/* Frames that open no call and bring nothing to one. */
static void
on_other_frame(struct engine *e, const nghttp2_frame *frame)
{
	bool ack = frame->hd.flags & NGHTTP2_FLAG_ACK;
	if (frame->hd.type == NGHTTP2_SETTINGS)
		on_settings(e, ack);
	else if (frame->hd.type == NGHTTP2_PING && ack)
		keepalive_ping_ack(e, frame->ping.opaque_data);
	else if (frame->hd.type == NGHTTP2_RST_STREAM)
		guard_reset(e, call_of(e, frame->hd.stream_id));
}

static int
on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
	(void)session;
	struct engine *e = user_data;
	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) {
		on_other_frame(e, frame);
		return 0;
	}
	struct call *c = call_of(e, frame->hd.stream_id);
	if (frame->hd.type == NGHTTP2_HEADERS) {
		e->header_since = 0;
		if (c && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
			request_begin(c);
	} else {
		guard_data(e, frame);
	}
	/* On HEADERS, on DATA full or empty, on trailers: all alike. */
	if (c && !e->failed && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		request_end(c);
	return e->failed ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

/* Only once the trailers are on their way may the rest of the request be called off
 * (RFC 9113 8.1): earlier, the reset would overtake them; never, and the stream stays. */
static int
on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
	struct engine *e = user_data;
	guard_sent(e, frame);
	if (frame->hd.type == NGHTTP2_GOAWAY && e->ending)
		e->mute = true;
	if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) ||
	    !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		return 0;
	if (nghttp2_session_get_stream_remote_close(session, frame->hd.stream_id) != 0)
		return 0;
	int rc = nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
	return rc ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int
on_stream_close(nghttp2_session *session, int32_t stream, uint32_t error_code, void *user_data)
{
	struct engine *e = user_data;
	struct call *c = call_of(e, stream);
	if (!c)
		return 0;
	if (e->header_stream == stream)
		e->header_since = 0; /* a block that was refused half way */
	if (c->finished && !c->trailers_out && error_code != NGHTTP2_NO_ERROR) {
		c->stats.status = GRPC_CANCELLED;
		c->stats.code = ERR_CANCELLED;
		c->stats.text = "";
	}
	request_discard(c);
	nghttp2_session_set_stream_user_data(session, stream, NULL);
	call_free(c);
	return 0;
}

static int
session_callbacks(nghttp2_session_callbacks **ret)
{
	nghttp2_session_callbacks *cb;
	if (nghttp2_session_callbacks_new(&cb) != 0)
		return ERR_NO_MEMORY;
	nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback(cb, on_invalid_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data_chunk);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame_recv);
	nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_send);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
	nghttp2_session_callbacks_set_send_data_callback(cb, send_data);
	*ret = cb;
	return 0;
}

static int
session_settings(struct engine *e)
{
	const struct rpc_limits *l = &e->config->limits;
	nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, (uint32_t)l->max_concurrent_streams},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)l->stream_window},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)l->max_header_list},
		{NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, (uint32_t)l->header_table},
		{NGHTTP2_SETTINGS_MAX_FRAME_SIZE, (uint32_t)l->max_frame_size},
		{NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
	};
	if (nghttp2_submit_settings(e->session, NGHTTP2_FLAG_NONE, settings,
				    sizeof(settings) / sizeof(settings[0])) != 0)
		return ERR_NO_MEMORY;
	if (nghttp2_session_set_local_window_size(e->session, NGHTTP2_FLAG_NONE, 0,
						  (int32_t)l->connection_window) != 0)
		return ERR_NO_MEMORY;
	return 0;
}

static void
session_options(const struct engine *e, nghttp2_option *option)
{
	const struct rpc_limits *l = &e->config->limits;
	/* Windows open again when the handler has taken the bytes, not on receipt. */
	nghttp2_option_set_no_auto_window_update(option, 1);
	/* Closed streams are not kept for a priority tree that is not used. */
	nghttp2_option_set_no_closed_streams(option, 1);
	/* Blanks around a value are stripped, not refused (PROTOCOL-HTTP2, ASCII-Value). */
	nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(option, 1);
	nghttp2_option_set_max_continuations(option, (size_t)l->max_continuations);
	nghttp2_option_set_max_deflate_dynamic_table_size(option, (size_t)l->header_table);
	/* The guard has a budget of its own, which runs by `now`; the library's would run by
	 * a clock that it reads itself. */
	nghttp2_option_set_stream_reset_rate_limit(option, INT32_MAX, INT32_MAX);
}

int
session_open(struct engine *e)
{
	nghttp2_session_callbacks *callbacks = NULL;
	nghttp2_option *option = NULL;
	int rc = session_callbacks(&callbacks);
	if (rc)
		return rc;
	if (nghttp2_option_new(&option) != 0) {
		nghttp2_session_callbacks_del(callbacks);
		return ERR_NO_MEMORY;
	}
	session_options(e, option);
	nghttp2_mem memory = session_memory();
	if (nghttp2_session_server_new3(&e->session, callbacks, e, option, &memory) != 0)
		rc = ERR_NO_MEMORY;
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	return rc ? rc : session_settings(e);
}
