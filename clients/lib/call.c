#include "client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct call_list *
home(struct zwy_call *call)
{
	if (call->over)
		return &call->client->over;
	if (call->rests)
		return &call->client->resting;
	return call->connection ? &call->connection->calls : &call->client->waiting;
}

static void
start_timer(struct zwy_call *call)
{
	struct zwy_client *client = call->client;
	if (call->deadline == INT64_MAX)
		return;
	/* Most calls have the same term: the place is at or near the end. */
	struct zwy_call *at = TAILQ_LAST(&client->timers, call_list);
	while (at && at->deadline > call->deadline)
		at = TAILQ_PREV(at, call_list, timer);
	if (at)
		TAILQ_INSERT_AFTER(&client->timers, at, call, timer);
	else
		TAILQ_INSERT_HEAD(&client->timers, call, timer);
	call->in_timers = true;
}

static void
stop_timer(struct zwy_call *call)
{
	if (call->in_timers)
		TAILQ_REMOVE(&call->client->timers, call, timer);
	call->in_timers = false;
}

void
call_turn(struct zwy_call *call)
{
	if (call->in_turns || call->gone || call->ending)
		return;
	TAILQ_INSERT_TAIL(&call->client->turns, call, turn);
	call->client->turn_count++;
	call->in_turns = true;
	client_wake(call->client);
}

static void
unlink_call(struct zwy_call *call)
{
	TAILQ_REMOVE(home(call), call, place);
	stop_timer(call);
	if (call->in_turns) {
		TAILQ_REMOVE(&call->client->turns, call, turn);
		call->client->turn_count--;
	}
	call->in_turns = false;
}

static void
release(struct zwy_call *call)
{
	free(call->path);
	buf_release(&call->metadata);
	buf_release(&call->out);
	buf_release(&call->in);
	buf_release(&call->message);
	buf_release(&call->details);
	metadata_release(call);
	deframer_release(&call->deframer);
	free(call);
}

void
call_free(struct zwy_call *call)
{
	unlink_call(call);
	release(call);
}

bool
call_attempt_sent(const struct zwy_call *call)
{
	return call->connection && call->packed && call->connection->written > call->sent_at && !call->unread;
}

static void
over(struct zwy_call *call)
{
	TAILQ_REMOVE(home(call), call, place);
	call->sent = call->was_sent || call_attempt_sent(call);
	call->connection = NULL;
	call->rests = false;
	call->over = true;
	TAILQ_INSERT_TAIL(&call->client->over, call, place);
	stop_timer(call);
	call_turn(call);
}

void
call_ended(struct zwy_call *call)
{
	if (!call->over && !retry_call(call))
		over(call);
}

void
call_fail(struct zwy_call *call, int code, const char *fmt, ...)
{
	char text[480];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!call->over)
		session_abandon(call);
	buf_clear(&call->in);
	call->in_at = 0;
	buf_clear(&call->message);
	buf_append_str(&call->message, text);
	call->local_code = code;
	call->outcome_unknown = code == ERR_DEADLINE_EXCEEDED && (call->was_sent || call_attempt_sent(call));
	call->attempts += call->connection && call->packed;
	/* The server may have ended it already, with messages that cannot be taken. */
	if (!call->over)
		over(call);
}

void
call_reset(struct zwy_call *call, struct call_list *list)
{
	TAILQ_REMOVE(home(call), call, place);
	call->connection = NULL;
	call->stream = 0;
	call->packed = call->out_waits = call->answered = call->not_grpc = call->gzip_answer = false;
	call->unread = call->outcome_unknown = false;
	call->out_at = 0;
	call->header_bytes = 0;
	call->http_status = call->local_code = 0;
	call->status = -1;
	call->pushback = PUSHBACK_NONE;
	buf_clear(&call->message);
	buf_clear(&call->details);
	metadata_release(call);
	TAILQ_INSERT_TAIL(list, call, place);
}

void
call_requeue(struct zwy_call *call)
{
	call_reset(call, &call->client->waiting);
}

/* ---- callbacks -------------------------------------------------------- */

static void
give_headers(struct zwy_call *call)
{
	bool due = call->headers_due;
	call->headers_due = false;
	if (due && call->options.headers)
		call->options.headers(call->options.ctx, call);
}

static void
give_messages(struct zwy_call *call)
{
	size_t before = call->in_at;
	while (!call->gone && !call->paused && call->in_at < call->in.n) {
		struct slice rest = {call->in.p + call->in_at, call->in.n - call->in_at};
		int r = deframer_push(&call->deframer, &rest);
		struct slice m = buf_slice(&call->deframer.message);
		call->in_at = call->in.n - rest.n;
		if (r == 1 && call->deframer.compressed && (r = compress_open(call, &m)) == 0)
			r = 1;
		if (r < 0) {
			call_fail(call, r, "%s",
				  r == ERR_NO_MEMORY ? "out of memory for the answer's message"
				  : r == ERR_MESSAGE_TOO_LARGE
					  ? "the answer's message is larger than this client allows"
					  : "the answer's message is malformed");
			return;
		}
		if (r == 0)
			break;
		call->in_compressed = call->deframer.compressed;
		if (call->options.message)
			call->options.message(call->options.ctx, call,
					      (struct zwy_bytes){m.n ? m.p : "", m.n});
		call->in_compressed = false;
		compress_done(call->client);
		deframer_next(&call->deframer);
	}
	session_consumed(call, call->in_at - before);
	if (call->in_at == call->in.n) {
		buf_clear(&call->in);
		call->in_at = 0;
	}
}

static void
give_room(struct zwy_call *call)
{
	if (call->gone || call->over || !call->full || call->out.n - call->out_at > SEND_LOW)
		return;
	call->full = false;
	if (call->options.writable)
		call->options.writable(call->options.ctx, call);
}

void
call_deliver(struct zwy_call *call)
{
	call->busy = true;
	give_headers(call);
	give_messages(call);
	give_room(call);
	call->busy = false;
	if (call->gone) {
		call_free(call);
		return;
	}
	if (!call->over || call->in.n > call->in_at)
		return;
	struct zwy_error error;
	outcome(call, &error);
	unlink_call(call);
	call->busy = call->ending = true;
	if (call->options.done)
		call->options.done(call->options.ctx, call, &error);
	release(call);
}

/* ---- the public face -------------------------------------------------- */

/* NULL with errno: what cannot even be told by a callback. */
static struct zwy_call *
new_call(struct zwy_client *client, const char *path, struct zwy_bytes request,
	 const struct zwy_call_options *options)
{
	struct zwy_call *call = calloc(1, sizeof(*call));
	if (!call)
		return NULL;
	int r = call_options_take(call, options);
	if (r < 0) {
		free(call);
		errno = -r;
		return NULL;
	}
	call->client = client;
	int64_t term = call->options.timeout_ms;
	call->deadline = term < 0 || term > INT64_MAX - client->now ? INT64_MAX : client->now + term;
	call->status = -1;
	call->pushback = PUSHBACK_NONE;
	call->half_closed = !call->options.client_streaming;
	call->compress = call->options.compress;
	deframer_init(&call->deframer, client->max_message);
	call->path = strdup(path);
	if (request.data || !call->options.client_streaming)
		compress_frame(call, slice_make(request.data, request.size));
	return call;
}

struct zwy_call *
zwy_call_start(struct zwy_client *client, const char *path, struct zwy_bytes request,
	       const struct zwy_call_options *options)
{
	if (!client->processing) {
		client_time(client);
		if (client->current)
			connection_probe(client->current);
	}
	struct zwy_call *call = new_call(client, path, request, options);
	if (!call)
		return NULL;
	bool allowed =
		path[0] == '/' && metadata_take(call, call->options.metadata, call->options.metadata_count);
	if (!call->path || call->out.error || call->metadata.error) {
		release(call);
		errno = ENOMEM;
		return NULL;
	}
	call->options.metadata = NULL;
	TAILQ_INSERT_TAIL(&client->waiting, call, place);
	start_timer(call);
	if (!allowed) {
		call_fail(call, ERR_INVALID_ARGUMENT, "the call's path or metadata is not allowed in gRPC");
		return call;
	}
	client_assign(client);
	client_flush(client, client->current);
	return call;
}

int
zwy_call_send(struct zwy_call *call, struct zwy_bytes message)
{
	if (call->over || call->gone || call->half_closed)
		return -EPIPE;
	size_t before = call->out.n;
	compress_frame(call, slice_make(message.data, message.size));
	if (call->out.error) {
		call->out.error = 0;
		call->out.n = before;
		return -ENOMEM;
	}
	session_resume(call);
	client_flush(call->client, call->connection);
	call->full = !call->over && call->out.n - call->out_at > SEND_HIGH;
	return call->full ? 1 : 0;
}

void
zwy_call_half_close(struct zwy_call *call)
{
	if (call->over || call->gone || call->half_closed)
		return;
	call->half_closed = true;
	session_resume(call);
	client_flush(call->client, call->connection);
}

void
zwy_call_pause(struct zwy_call *call)
{
	call->paused = true;
}

void
zwy_call_resume(struct zwy_call *call)
{
	call->paused = false;
	if (call->in.n > call->in_at || call->over)
		call_turn(call);
}

void
zwy_call_cancel(struct zwy_call *call)
{
	if (call->gone)
		return;
	struct zwy_client *client = call->client;
	struct connection *conn = call->connection;
	session_abandon(call);
	if (call->busy)
		call->gone = true;
	else
		call_free(call);
	client_flush(client, conn);
}
