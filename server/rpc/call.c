/* What handlers see of a call. */
#include "rpc/internal.h"

const struct rpc_method *
call_method(const struct call *c)
{
	return c->method;
}

const struct call_peer *
call_peer(const struct call *c)
{
	return &c->engine->peer;
}

void *
call_server(const struct call *c)
{
	return c->engine->config->server;
}

bool
is_local(const struct call_peer *peer)
{
	return peer->is_unix || peer->is_loopback;
}

struct slice
call_metadata(const struct call *c, const char *key)
{
	for (const struct header *h = c->metadata.first; h; h = h->next)
		if (slice_is(h->key, key))
			return h->value;
	return (struct slice){0};
}

bool
call_metadata_next(const struct call *c, const void **at, struct slice *ret_key, struct slice *ret_value)
{
	const struct header *h = *at;
	h = h ? h->next : c->metadata.first;
	if (!h)
		return false;
	*at = h;
	*ret_key = h->key;
	*ret_value = h->value;
	return true;
}

int64_t
call_timeout(const struct call *c)
{
	return c->head.has_timeout ? c->head.timeout : -1;
}

msec
call_deadline(const struct call *c)
{
	return c->deadline;
}

struct arena *
call_arena(struct call *c)
{
	return &c->arena;
}

void
call_set_user(struct call *c, void *user)
{
	c->user = user;
}

void *
call_user(const struct call *c)
{
	return c->user;
}

const struct call_stats *
call_stats(const struct call *c)
{
	return &c->stats;
}

void
call_set_note(struct call *c, void *note)
{
	c->note = note;
}

void *
call_note(const struct call *c)
{
	return c->note;
}

struct call_handle
call_handle(const struct call *c)
{
	return (struct call_handle){c->engine->id, c->stream};
}

bool
call_add_header(struct call *c, const char *key, struct slice value)
{
	return !c->headers_out && !c->finished && metadata_reply(c, &c->reply_headers, slice_of(key), value);
}

bool
call_add_trailer(struct call *c, const char *key, struct slice value)
{
	return !c->finished && metadata_reply(c, &c->reply_trailers, slice_of(key), value);
}

void
call_send_headers(struct call *c)
{
	if (c->finished || c->over)
		return;
	reply_headers(c);
	engine_touch(c->engine);
}

static int
end_overfull(struct call *c)
{
	struct fault f;
	fault_clear(&f);
	fault_set(&f, ERR_OVERLOADED, "more than %lld bytes of replies are waiting for the client",
		  (long long)c->engine->config->limits.send_queue_max);
	call_abort(c, &f);
	return f.code;
}

int
call_send(struct call *c, struct slice message)
{
	struct engine *e = c->engine;
	const struct rpc_limits *l = &e->config->limits;
	if (c->finished || c->over || e->failed)
		return ERR_CANCELLED;
	engine_touch(e);
	if (c->queued > (size_t)l->send_queue_max)
		return end_overfull(c);
	if (message.n > UINT32_MAX)
		return ERR_MESSAGE_TOO_LARGE;
	bool compressed = gzip_close(c, message, &message);
	int rc = send_queue(c, message, compressed);
	if (rc) {
		engine_fail(e);
		return rc;
	}
	reply_headers(c);
	send_kick(c);
	/* Where many wait, each keeps less; every one still wakes by itself alone. */
	bool crowded = e->queued > (size_t)l->send_queue_connection;
	if (c->queued <= (size_t)(crowded ? l->send_queue_low : l->send_queue_high))
		return 0;
	c->full = true;
	return CALL_FULL;
}

void
call_compression(struct call *c, enum call_compress how)
{
	c->compress = how;
	c->may_compress |= how == CALL_COMPRESS_ALWAYS;
}

bool
call_message_compressed(const struct call *c)
{
	return c->in_compressed;
}

void
call_finish(struct call *c, const struct fault *f)
{
	if (c->finished || c->over || c->engine->failed)
		return;
	reply_finish(c, f);
	engine_touch(c->engine);
}

void
call_finish_status(struct call *c, enum grpc_status status, struct slice message, struct slice details)
{
	if (c->finished || c->over || c->engine->failed)
		return;
	reply_status(c, status, message, details);
	engine_touch(c->engine);
}

void
call_reply(struct call *c, struct slice message)
{
	if (call_send(c, message) >= 0)
		call_finish(c, NULL);
}

void
call_pause(struct call *c)
{
	c->paused = true;
}

void
call_resume(struct call *c)
{
	if (!c->paused)
		return;
	c->paused = false;
	if (c->finished || c->over)
		return;
	ready_add(c, READY_RESUME);
	engine_touch(c->engine);
}
