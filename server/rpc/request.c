/* The request side of a call: what is refused before a handler runs, messages out of
 * DATA, and the windows that open again as they are taken. */
#include "rpc/internal.h"

#include "wire.h"

/* What the request's head deserves: 0, or the fault's code; *ret_http is its HTTP status. */
static int
judge_head(const struct call *c, int *ret_http, struct fault *f)
{
	const struct request_head *h = &c->head;
	*ret_http = 200;
	if (c->page) {
		*ret_http = 405;
		return fault_set(f, ERR_UNIMPLEMENTED, "this is a page, to be asked for by GET or HEAD");
	}
	if (h->http_method != HTTP_POST) {
		*ret_http = 405;
		return fault_set(f, ERR_INTERNAL, "gRPC calls are POST requests");
	}
	if (h->content == CONTENT_FOREIGN) {
		*ret_http = 415;
		return fault_set(f, ERR_INVALID_ARGUMENT, "the content-type is not application/grpc");
	}
	if (h->overflow)
		return fault_set(f, ERR_MESSAGE_TOO_LARGE, "the metadata exceeds %lld bytes",
				 (long long)c->engine->config->limits.max_header_list);
	if (h->content == CONTENT_GRPC_OTHER)
		return fault_set(f, ERR_UNIMPLEMENTED, "messages are application/grpc+proto here");
	if (!c->method)
		return fault_set(f, ERR_UNIMPLEMENTED, "there is no such method");
	if (h->encoding == ENCODING_UNKNOWN)
		return fault_set(f, ERR_UNIMPLEMENTED, "grpc-encoding: only identity and gzip are accepted");
	if (h->bad_timeout)
		return fault_set(f, ERR_INTERNAL, "malformed grpc-timeout");
	if (h->bad_binary)
		return fault_set(f, ERR_INTERNAL, "a -bin metadata value is not base64");
	if (h->has_timeout && h->timeout == 0)
		return fault_set(f, ERR_DEADLINE_EXCEEDED, "the deadline was over on arrival");
	return 0;
}

static void
refuse(struct call *c, int http_status, const struct fault *f)
{
	c->http_status = http_status;
	if (http_status == 405)
		call_add_header(c, "allow", c->page ? SLICE("GET, HEAD") : SLICE("POST"));
	reply_finish(c, f);
}

/* Long streams share the connection with each other, and unary replies overtake them
 * (RFC 9218 4): without it one download would hold back everything behind it. */
static void
prioritise(struct call *c)
{
	if (!c->method->server_streaming)
		return;
	nghttp2_extpri priority = {.urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY + 1, .inc = 1};
	nghttp2_session_change_extpri_stream_priority(c->engine->session, c->stream, &priority, 1);
}

/* Whether those who watch over calls let it in. */
static int
ask_hooks(struct call *c, struct fault *f)
{
	const struct engine *e = c->engine;
	const struct rpc_config *config = e->config;
	/* Work goes on for calls that were reset; without a count of it, resets would be a
	 * way around max_concurrent_streams (CVE-2023-44487). */
	if (e->call_count + e->held_calls > (size_t)config->limits.max_running_calls)
		return fault_set(f, ERR_OVERLOADED,
				 "the connection has %zu calls under way, ended ones included",
				 e->call_count + e->held_calls);
	if ((c->method->flags & RPC_LOCAL) && !is_local(&c->engine->peer))
		return fault_set(f, ERR_NOT_LOCAL, "%s is for callers on this host", c->method->path);
	for (size_t i = 0; i < config->hook_count; i++) {
		const struct rpc_hook *hook = &config->hooks[i];
		int rc = hook->admit ? hook->admit(hook->ctx, c, f) : 0;
		if (rc)
			return rc;
	}
	return 0;
}

/* Calls of one message each way do not go on for ever; streams may. */
static void
set_deadline(struct call *c)
{
	struct engine *e = c->engine;
	int64_t time = c->head.has_timeout ? c->head.timeout : INT64_MAX, most = INT64_MAX;
	if (!c->method->client_streaming && !c->method->server_streaming)
		most = e->config->limits.max_call_time;
	if (time > most)
		time = most;
	if (time != INT64_MAX)
		c->deadline = e->now + time;
	call_watch(c);
}

static void
start(struct call *c)
{
	c->started = c->stats.admitted = true;
	if (c->method->handler->start)
		c->method->handler->start(c);
}

static void
judge(struct call *c)
{
	struct engine *e = c->engine;
	struct fault f;
	int http_status;
	c->counted = true;
	e->stats.calls_started++;
	e->stats.last_call = e->now;
	fault_clear(&f);
	c->stats.malformed = judge_head(c, &http_status, &f) != 0;
	if (c->stats.malformed || ask_hooks(c, &f) != 0) {
		refuse(c, http_status, &f);
		return;
	}
	set_deadline(c);
	prioritise(c);
	if (e->queued > (size_t)e->config->limits.send_bytes_max) {
		c->waiting = true;
		e->waiting++;
		return;
	}
	start(c);
}

/* What asks for a page is answered when all of it has come, for until then it may turn
 * out malformed (RFC 9113 8.1.1). */
void
request_begin(struct call *c)
{
	struct engine *e = c->engine;
	if (!c->page)
		judge(c);
	else if (timer_set(c, e->now + e->config->limits.page_timeout) != 0)
		engine_fail(e);
}

static void
consume(struct call *c, size_t n)
{
	if (n && nghttp2_session_consume(c->engine->session, c->stream, n) != 0)
		engine_fail(c->engine);
}

static void
abort_with(struct call *c, int code, const char *text)
{
	struct fault f;
	fault_clear(&f);
	fault_set(&f, code, "%s", text);
	c->stats.malformed = code == ERR_INTERNAL;
	call_abort(c, &f);
}

static void
refuse_compressed(struct call *c, int code)
{
	if (code == ERR_MESSAGE_TOO_LARGE)
		abort_with(c, code, "the message, inflated, is larger than the server takes");
	else if (code == ERR_NO_MEMORY)
		abort_with(c, code, "out of memory");
	else
		abort_with(c, ERR_INTERNAL, "the compressed message is not sound gzip");
}

static int
walk(const struct call *c, struct slice message, struct fault *f)
{
	const struct rpc_limits *l = &c->engine->config->limits;
	struct wire_limits limits = {(unsigned)l->message_depth, (size_t)l->message_elements,
				     (size_t)l->message_map_entries};
	return wire_check(c->method->request, message, limits, f);
}

static void
tell_walked(struct call *c, int code)
{
	const struct rpc_config *config = c->engine->config;
	for (size_t i = 0; i < config->hook_count; i++) {
		const struct rpc_hook *hook = &config->hooks[i];
		if (hook->walked)
			hook->walked(hook->ctx, c, code);
	}
}

/* One whole message to the handler, inflated and past the walk. */
static void
deliver(struct call *c)
{
	const struct rpc_method *m = c->method;
	struct slice message;
	int rc = gzip_open(c, &message);
	if (rc) {
		refuse_compressed(c, rc);
		return;
	}
	c->stats.messages_in++;
	c->stats.bytes_in += message.n;
	c->engine->stats.messages_in++;
	c->engine->stats.last_message_in = c->engine->now;
	if (m->request) {
		struct fault f;
		fault_clear(&f);
		int code = walk(c, message, &f);
		tell_walked(c, code);
		if (code != 0) {
			call_abort(c, &f);
			return;
		}
	}
	if (m->handler->message)
		m->handler->message(c, message);
}

/* Of all messages that are half here the newest gives way: the others come to their end. */
static void
count_received(struct call *c)
{
	struct engine *e = c->engine;
	e->receiving += c->in.message.n - c->receiving;
	c->receiving = c->in.message.n;
	struct call *newest = e->calls;
	while (e->receiving > (size_t)e->config->limits.receive_bytes_max && newest) {
		if (newest->receiving && !newest->finished) {
			abort_with(newest, ERR_OVERLOADED,
				   "too much is being received on this connection (receive_bytes_max)");
			deframer_release(&newest->in);
			e->receiving -= newest->receiving;
			newest->receiving = 0;
		}
		newest = newest->next;
	}
}

/* Takes one message's bytes off *data; false: there is no more to be had now. */
static bool
take_message(struct call *c, struct slice *data)
{
	size_t before = data->n;
	int rc = deframer_push(&c->in, data);
	consume(c, before - data->n);
	count_received(c);
	if (rc == 0 || c->finished)
		return false;
	if (rc == ERR_MESSAGE_TOO_LARGE)
		abort_with(c, rc, "the message is larger than the server takes");
	else if (rc == ERR_NO_MEMORY)
		abort_with(c, rc, "out of memory");
	else if (rc < 0)
		abort_with(c, ERR_INTERNAL, "malformed message framing");
	else if (c->in.compressed && c->head.encoding != ENCODING_GZIP)
		abort_with(c, ERR_INTERNAL, "a compressed message, but no grpc-encoding");
	else if (c->method->client_streaming) {
		deliver(c);
		deframer_next(&c->in);
		count_received(c);
	} else {
		c->has_message = true;
	}
	return !c->finished;
}

void
request_data(struct call *c, struct slice data)
{
	c->moved_in = c->engine->now;
	while (data.n && !c->finished && !c->page) {
		if (c->waiting || c->paused || c->held.n) {
			buf_append_slice(&c->held, data);
			if (c->held.error)
				break;
			return;
		}
		if (c->has_message) {
			abort_with(c, ERR_UNIMPLEMENTED, "the method takes one message");
			break;
		}
		if (!take_message(c, &data))
			break;
	}
	if (c->held.error)
		abort_with(c, ERR_NO_MEMORY, "out of memory");
	consume(c, data.n);
	call_watch(c);
}

/* The last word of the client, once everything before it has been taken. */
static void
end_of_input(struct call *c)
{
	if (c->finished || c->waiting || c->paused || c->held.n || c->input_over)
		return;
	c->input_over = true;
	if (!deframer_idle(&c->in) && !c->has_message) {
		abort_with(c, ERR_INTERNAL, "the request ends within a message");
		return;
	}
	if (!c->method->client_streaming) {
		if (!c->has_message) {
			abort_with(c, ERR_UNIMPLEMENTED, "the method takes one message, none came");
			return;
		}
		deliver(c);
		deframer_next(&c->in);
		count_received(c);
	}
	if (!c->finished && c->method->handler->half_close)
		c->method->handler->half_close(c);
}

void
request_end(struct call *c)
{
	c->half_closed = true;
	if (!c->page)
		end_of_input(c);
	else if (c->head.http_method == HTTP_GET || c->head.http_method == HTTP_HEAD)
		page_answer(c);
	else
		judge(c);
}

void
request_resume(struct call *c)
{
	if (c->paused)
		return;
	struct buf held = c->held;
	c->held = (struct buf){0};
	request_data(c, buf_slice(&held));
	buf_release(&held);
	if (c->half_closed)
		end_of_input(c);
}

/* Calls for whose replies there was no room, the oldest first. */
static struct call *
longest_waiting(const struct engine *e)
{
	struct call *oldest = NULL;
	for (struct call *c = e->calls; c; c = c->next)
		if (c->waiting)
			oldest = c;
	return oldest;
}

bool
request_begin_waiting(struct engine *e)
{
	bool any = false;
	while (e->waiting && e->queued <= (size_t)e->config->limits.send_bytes_max) {
		struct call *c = longest_waiting(e);
		c->waiting = false;
		e->waiting--;
		any = true;
		if (c->finished)
			continue;
		start(c);
		request_resume(c);
	}
	return any;
}

void
request_discard(struct call *c)
{
	consume(c, c->held.n);
	buf_release(&c->held);
}
