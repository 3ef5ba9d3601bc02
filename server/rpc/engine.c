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

static void
enter(struct engine *e, msec now)
{
	e->inside++;
	e->now = now;
	send_reap(e);
}

static void
leave(struct engine *e)
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
	e->now = e->opened = e->quiet_since = now;
	e->ready_last = &e->ready_first;
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

static void
terminate(struct engine *e, uint32_t error_code)
{
	if (nghttp2_session_terminate_session(e->session, error_code) != 0)
		engine_fail(e);
}

int
engine_push(struct engine *e, struct slice bytes, msec now)
{
	if (e->failed)
		return ERR_UNAVAILABLE;
	enter(e, now);
	ssize_t n = nghttp2_session_mem_recv(e->session, (const uint8_t *)bytes.p, bytes.n);
	if (n < 0)
		e->failed = true;
	else if (e->calm)
		terminate(e, e->calm);
	else if (nghttp2_session_get_outbound_queue_size(e->session) >
		 (size_t)e->config->limits.max_queued_frames)
		terminate(e, NGHTTP2_ENHANCE_YOUR_CALM);
	leave(e);
	return e->failed ? ERR_INTERNAL : 0;
}

/* Callbacks that waited for a moment when nothing else is on the stack. True: there were some. */
static bool
run_ready(struct engine *e)
{
	bool any = false;
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
		if (n == 0)
			return !e->out_full;
		out_copy(e->out, p, (size_t)n);
	}
	return false;
}

size_t
engine_pull(struct engine *e, struct engine_out *out, msec now)
{
	out->n = out->bytes = out->used = 0;
	enter(e, now);
	e->woken = false;
	e->out = out;
	run_ready(e);
	while (fill(e) && run_ready(e))
		;
	e->out = NULL;
	leave(e);
	return out->bytes;
}

static void
abort_call(struct call *c, int code, const char *text)
{
	struct fault f;
	fault_clear(&f);
	fault_set(&f, code, "%s", text);
	call_abort(c, &f);
	call_over(c);
}

static void
expire(struct call *c)
{
	if (!c->aborting && !c->page) {
		abort_call(c, ERR_DEADLINE_EXCEEDED, "the deadline has passed");
		return;
	}
	struct engine *e = c->engine;
	timer_clear(c);
	call_over(c);
	if (nghttp2_submit_rst_stream(e->session, NGHTTP2_FLAG_NONE, c->stream, NGHTTP2_CANCEL) != 0)
		engine_fail(e);
}

void
engine_last_word(struct engine *e)
{
	e->drain = DRAIN_LAST_WORD;
	e->drain_next = e->drain_end;
	int32_t last = nghttp2_session_get_last_proc_stream_id(e->session);
	if (nghttp2_submit_goaway(e->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0) != 0)
		engine_fail(e);
}

static void
service_drain(struct engine *e)
{
	if (e->drain == DRAIN_ANNOUNCED && e->now >= e->drain_next)
		engine_last_word(e);
	if (e->drain != DRAIN_LAST_WORD || e->now < e->drain_end)
		return;
	e->drain = DRAIN_GRACE_OVER;
	for (struct call *c = e->calls; c; c = c->next)
		if (!c->aborting && !c->page)
			abort_call(c, ERR_UNAVAILABLE, "the server is shutting down");
}

/* The instant at which the peer will have been too slow with its preface or with a
 * header block. */
static msec
patience_end(const struct engine *e)
{
	const struct rpc_limits *l = &e->config->limits;
	msec end = INT64_MAX;
	if (!e->greeted)
		end = e->opened + l->preface_timeout;
	if (e->header_since && e->header_since + l->header_timeout < end)
		end = e->header_since + l->header_timeout;
	return end;
}

static msec
next_service(const struct engine *e)
{
	msec next = patience_end(e);
	const struct call *first = timer_first(e);
	if (first && first->due < next)
		next = first->due;
	if ((e->drain == DRAIN_ANNOUNCED || e->drain == DRAIN_LAST_WORD) && e->drain_next < next)
		next = e->drain_next;
	msec trim = e->quiet_since + e->config->limits.idle_trim;
	if (e->spare && e->call_count == 0 && trim < next)
		next = trim;
	return next;
}

msec
engine_service(struct engine *e, msec now)
{
	if (e->failed)
		return INT64_MAX;
	enter(e, now);
	struct call *c;
	while ((c = timer_first(e)) && c->due <= now)
		expire(c);
	if (now >= patience_end(e)) {
		terminate(e, e->greeted ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_SETTINGS_TIMEOUT);
		e->greeted = true;
		e->header_since = 0;
	}
	service_drain(e);
	if (e->call_count == 0 && now >= e->quiet_since + e->config->limits.idle_trim)
		spare_release(e);
	msec trim = gzip_service(e), next = next_service(e);
	leave(e);
	if (e->failed)
		return INT64_MAX;
	return trim < next ? trim : next;
}

void
engine_drain(struct engine *e, msec now, int64_t grace)
{
	if (e->drain != DRAIN_NONE || e->failed)
		return;
	enter(e, now);
	int64_t notice = e->config->limits.drain_notice;
	e->drain = DRAIN_ANNOUNCED;
	e->drain_end = now + grace;
	e->drain_next = now + (notice < grace ? notice : grace);
	if (nghttp2_submit_shutdown_notice(e->session) != 0 ||
	    nghttp2_submit_ping(e->session, NGHTTP2_FLAG_NONE, NULL) != 0)
		engine_fail(e);
	leave(e);
	engine_touch(e);
}

bool
engine_done(const struct engine *e)
{
	if (e->failed)
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
