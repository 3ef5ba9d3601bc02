/* What the owner of a connection sees: bytes in, bytes out, time. */
#include "rpc/internal.h"

#include <stdlib.h>

void
rpc_limits_default(struct rpc_limits *l)
{
	*l = (struct rpc_limits){
#define RPC_LIMIT(name, default_value, unit, text) .name = (default_value),
#include "rpc/limits.def"
#undef RPC_LIMIT
	};
}

static int
check_limits(const struct rpc_limits *l, struct fault *f)
{
#define RPC_LIMIT(name, default_value, unit, text) \
	if (l->name < 1 || l->name > INT32_MAX)    \
		return fault_set(f, ERR_INVALID_ARGUMENT, "%s lies between 1 and %d " unit, #name, INT32_MAX);
#include "rpc/limits.def"
#undef RPC_LIMIT
	if (l->send_queue_low > l->send_queue_high || l->send_queue_high > l->send_queue_max)
		return fault_set(f, ERR_INVALID_ARGUMENT,
				 "send_queue_low, send_queue_high and send_queue_max ascend");
	/* RFC 9113 6.5.2; above, one frame would keep others waiting for too long. */
	if (l->max_frame_size < 16384 || l->max_frame_size > 65536)
		return fault_set(f, ERR_INVALID_ARGUMENT,
				 "max_frame_size lies between 16384 and 65536 bytes");
	if (l->max_reply_headers > REPLY_HEADERS_MAX)
		return fault_set(f, ERR_INVALID_ARGUMENT, "max_reply_headers is at most %d",
				 REPLY_HEADERS_MAX);
	return 0;
}

static int
by_path(const void *a, const void *b)
{
	return strcmp(((const struct rpc_method *)a)->path, ((const struct rpc_method *)b)->path);
}

void
rpc_methods_sort(struct rpc_method *methods, size_t n)
{
	qsort(methods, n, sizeof(*methods), by_path);
}

int
rpc_config_check(const struct rpc_config *config, struct fault *f)
{
	for (size_t i = 1; i < config->method_count; i++)
		if (strcmp(config->methods[i - 1].path, config->methods[i].path) >= 0)
			return fault_set(f, ERR_INVALID_ARGUMENT, "the methods are not ordered by path: %s",
					 config->methods[i].path);
	return check_limits(&config->limits, f);
}

void
engine_enter(struct engine *e, msec now)
{
	e->inside++;
	e->now = now;
	send_reap(e);
}

void
engine_leave(struct engine *e)
{
	e->inside--;
}

void
engine_fail(struct engine *e)
{
	e->failed = true;
	engine_touch(e);
}

void
engine_touch(struct engine *e)
{
	if (e->inside || e->woken || !e->wake)
		return;
	e->woken = true;
	e->wake(e->owner);
}

int
engine_new(struct engine **ret, const struct rpc_config *config, const struct call_peer *peer,
	   uint64_t connection_id, msec now, void (*wake)(void *owner), void *owner)
{
	struct engine *e = calloc(1, sizeof(*e));
	if (!e)
		return ERR_NO_MEMORY;
	e->config = config;
	e->peer = *peer;
	e->id = connection_id;
	e->wake = wake;
	e->owner = owner;
	e->now = now;
	e->ready_last = &e->ready_first;
	guard_init(e);
	keepalive_open(e);
	int rc = session_open(e);
	if (rc) {
		engine_free(e);
		return rc;
	}
	*ret = e;
	return 0;
}

void
engine_free(struct engine *e)
{
	if (!e)
		return;
	e->inside++;
	e->failed = true;
	while (e->calls)
		call_free(e->calls);
	nghttp2_session_del(e->session);
	spare_release(e);
	send_reap(e);
	gzip_forget(e);
	free(e->heap);
	free(e);
}

void
engine_end(struct engine *e, uint32_t code, const char *text)
{
	if (e->ending || e->failed)
		return;
	e->ending = true;
	int32_t last = nghttp2_session_get_last_proc_stream_id(e->session);
	if (nghttp2_submit_goaway(e->session, NGHTTP2_FLAG_NONE, last, code, (const uint8_t *)text,
				  strlen(text)) != 0)
		engine_fail(e);
	for (size_t i = 0; i < e->config->hook_count; i++) {
		const struct rpc_hook *hook = &e->config->hooks[i];
		if (hook->ended)
			hook->ended(hook->ctx, &e->peer, e->id, code, text);
	}
}

static void
receive(struct engine *e, struct slice bytes)
{
	if (bytes.n == 0 || e->failed || e->guard.verdict)
		return;
	ssize_t n = nghttp2_session_mem_recv(e->session, (const uint8_t *)bytes.p, bytes.n);
	if (n == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS)
		guard_decide(e, NGHTTP2_ENHANCE_YOUR_CALM, "too_many_continuations");
	else if (n == NGHTTP2_ERR_FLOODED)
		guard_decide(e, NGHTTP2_ENHANCE_YOUR_CALM, "too_many_acknowledgements");
	else if (n < 0)
		e->failed = true;
}

int
engine_push(struct engine *e, struct slice bytes, msec now)
{
	if (e->failed || e->ending)
		return ERR_UNAVAILABLE;
	engine_enter(e, now);
	keepalive_heard(e);
	while (bytes.n && !e->failed) {
		struct slice part[2];
		size_t n = guard_next(e, bytes, part);
		receive(e, part[0]);
		receive(e, part[1]);
		if (guard_judge(e))
			break;
		bytes = slice_make(bytes.p + n, bytes.n - n);
	}
	if (nghttp2_session_get_outbound_queue_size(e->session) > (size_t)e->config->limits.max_queued_frames)
		engine_end(e, NGHTTP2_ENHANCE_YOUR_CALM, "too_many_queued_frames");
	engine_leave(e);
	return e->failed || e->ending ? ERR_INTERNAL : 0;
}

/* Callbacks that waited for a moment when nothing else is on the stack. True: there were some. */
static bool
run_ready(struct engine *e)
{
	bool any = !e->failed && request_begin_waiting(e);
	while (e->ready_first && !e->failed) {
		struct call *c = e->ready_first;
		unsigned what = c->ready;
		ready_remove(c);
		any = true;
		if ((what & READY_RESUME) && !c->finished)
			request_resume(c);
		if ((what & READY_WRITABLE) && c->full && !c->finished) {
			c->full = false;
			if (c->method->handler->writable)
				c->method->handler->writable(c);
		}
	}
	return any;
}

/* True: the library has no more; false: the outbox is full, or nothing can be sent. */
static bool
fill(struct engine *e)
{
	e->out_full = false;
	while (!e->mute && out_room(e->out, OUT_FRAME_MAX)) {
		const uint8_t *p;
		ssize_t n = nghttp2_session_mem_send(e->session, &p);
		if (n < 0) {
			e->mute = true;
			engine_fail(e);
			return false;
		}
		if (n > 0)
			out_copy(e->out, p, (size_t)n);
		if (!guard_judge(e) && n == 0)
			return !e->out_full;
	}
	return false;
}

size_t
engine_pull(struct engine *e, struct engine_out *out, msec now)
{
	out->n = out->bytes = out->used = 0;
	engine_enter(e, now);
	e->woken = false;
	e->out = out;
	run_ready(e);
	while (fill(e) && run_ready(e))
		;
	e->out = NULL;
	engine_leave(e);
	return out->bytes;
}

msec
engine_next(const struct engine *e)
{
	if (e->failed || e->ending)
		return INT64_MAX;
	msec next = keepalive_next(e);
	const struct call *first = timer_first(e);
	if (first && first->due < next)
		next = first->due;
	msec trim = e->quiet_since + e->config->limits.idle_trim;
	if ((e->spare || e->heap) && e->call_count == 0 && trim < next)
		next = trim;
	return next;
}

/* Back to what a connection without calls needs. */
static void
trim(struct engine *e)
{
	spare_release(e);
	free(e->heap);
	e->heap = NULL;
	e->heap_cap = 0;
}

msec
engine_service(struct engine *e, msec now)
{
	if (e->failed || e->ending)
		return INT64_MAX;
	engine_enter(e, now);
	struct call *c;
	while ((c = timer_first(e)) && c->due <= now)
		call_expire(c);
	keepalive_service(e);
	if (e->call_count == 0 && now >= e->quiet_since + e->config->limits.idle_trim)
		trim(e);
	msec gzip_trim = gzip_service(e), next = engine_next(e);
	engine_leave(e);
	return gzip_trim < next ? gzip_trim : next;
}

bool
engine_done(const struct engine *e)
{
	if (e->failed || e->ending)
		return true;
	return !nghttp2_session_want_read(e->session) && !nghttp2_session_want_write(e->session);
}

size_t
engine_open_calls(const struct engine *e)
{
	return e->call_count - e->over_count;
}

const struct engine_stats *
engine_stats(const struct engine *e)
{
	return &e->stats;
}

void
engine_windows(const struct engine *e, int64_t *ret_in, int64_t *ret_out)
{
	*ret_in = nghttp2_session_get_local_window_size(e->session);
	*ret_out = nghttp2_session_get_remote_window_size(e->session);
}

size_t
engine_bytes(const struct engine *e)
{
	size_t n = e->queued;
	for (const struct call *c = e->calls; c; c = c->next)
		n += c->held.n + c->in.message.n;
	return n;
}

bool
engine_congested(const struct engine *e)
{
	const struct rpc_limits *l = &e->config->limits;
	return e->queued > (size_t)l->congestion_bytes ||
	       nghttp2_session_get_outbound_queue_size(e->session) > (size_t)l->congestion_frames;
}

struct call *
engine_find(struct engine *e, int32_t stream)
{
	struct call *c = nghttp2_session_get_stream_user_data(e->session, stream);
	return c && c->started && !c->over ? c : NULL;
}

void
engine_hold(struct engine *e, int32_t stream)
{
	struct call *c = nghttp2_session_get_stream_user_data(e->session, stream);
	if (c)
		c->held_by++;
	else
		e->held_calls++;
}

void
engine_release(struct engine *e, int32_t stream)
{
	struct call *c = nghttp2_session_get_stream_user_data(e->session, stream);
	if (c)
		c->held_by--;
	else
		e->held_calls--;
}
