/* What time does to a connection as a whole: patience with its peer, signs of life, idle
 * and old connections, and the drain that ends them. */
#include "rpc/internal.h"

static const uint8_t drain_mark[8] = "drain";
static const uint8_t alive_mark[8] = "alive";

static void
ping(struct engine *e, const uint8_t mark[8])
{
	if (nghttp2_submit_ping(e->session, NGHTTP2_FLAG_NONE, mark) != 0)
		engine_fail(e);
	e->pings_out++;
}

/* Connections that were opened together shall not all grow old together: +-10 %, by a
 * number that is the connection's own. */
static msec
end_of_age(const struct engine *e)
{
	uint64_t mixed = (e->id + 1) * 0x9E3779B97F4A7C15u;
	int64_t age = e->config->limits.max_connection_age, tenth = age / 10;
	return e->opened + age - tenth + (int64_t)((mixed >> 32) % (uint64_t)(2 * tenth + 1));
}

void
keepalive_open(struct engine *e)
{
	e->opened = e->heard = e->quiet_since = e->now;
	e->age_end = end_of_age(e);
}

void
keepalive_heard(struct engine *e)
{
	e->heard = e->now;
	e->ping_end = 0;
}

/* --- drain --- */

static void
drain_start(struct engine *e, int64_t grace)
{
	int64_t notice = e->config->limits.drain_notice;
	e->drain = DRAIN_ANNOUNCED;
	e->drain_end = e->now + grace;
	e->drain_next = e->now + (notice < grace ? notice : grace);
	if (nghttp2_submit_shutdown_notice(e->session) != 0)
		engine_fail(e);
	ping(e, drain_mark);
}

/* Second GOAWAY of a drain: no new calls from here on. */
static void
last_word(struct engine *e)
{
	e->drain = DRAIN_LAST_WORD;
	e->drain_next = e->drain_end;
	int32_t last = nghttp2_session_get_last_proc_stream_id(e->session);
	if (nghttp2_submit_goaway(e->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0) != 0)
		engine_fail(e);
}

/* A shutdown may come while the connection drains for its age already, and be shorter. */
static void
drain_hasten(struct engine *e, int64_t grace)
{
	msec end = e->now + grace;
	if (end >= e->drain_end)
		return;
	e->drain_end = end;
	if (e->drain == DRAIN_LAST_WORD || e->drain_next > end)
		e->drain_next = end;
}

void
engine_drain(struct engine *e, msec now, int64_t grace)
{
	if (e->failed || e->ending || e->drain == DRAIN_GRACE_OVER)
		return;
	engine_enter(e, now);
	if (e->drain == DRAIN_NONE)
		drain_start(e, grace);
	else
		drain_hasten(e, grace);
	engine_leave(e);
	engine_touch(e);
}

void
keepalive_ping_ack(struct engine *e, const uint8_t mark[8])
{
	/* Whatever the peer sent before it knew has arrived (RFC 9113 6.8). */
	if (e->drain == DRAIN_ANNOUNCED && memcmp(mark, drain_mark, sizeof(drain_mark)) == 0)
		last_word(e);
}

static void
service_drain(struct engine *e)
{
	if (e->drain == DRAIN_ANNOUNCED && e->now >= e->drain_next)
		last_word(e);
	if (e->drain != DRAIN_LAST_WORD || e->now < e->drain_end)
		return;
	e->drain = DRAIN_GRACE_OVER;
	for (struct call *c = e->calls; c; c = c->next)
		if (!c->aborting && !c->page)
			call_end(c, ERR_UNAVAILABLE, "the server is shutting down");
}

/* --- the terms --- */

static msec
earlier(msec a, msec b)
{
	return a < b ? a : b;
}

/* When the peer will have been too slow with its preface, its acknowledgement of our
 * SETTINGS, or the rest of a header block; *ret_code, *ret_text: what it is told then. */
static msec
patience_end(const struct engine *e, uint32_t *ret_code, const char **ret_text)
{
	const struct rpc_limits *l = &e->config->limits;
	msec end = INT64_MAX;
	*ret_code = NGHTTP2_SETTINGS_TIMEOUT;
	*ret_text = "settings_timeout";
	if (!e->greeted) {
		end = e->opened + l->preface_timeout;
		*ret_text = "preface_timeout";
	} else if (!e->acknowledged) {
		end = e->greeted_at + l->settings_timeout;
	}
	if (e->header_since && e->header_since + l->header_timeout < end) {
		end = e->header_since + l->header_timeout;
		*ret_code = NGHTTP2_ENHANCE_YOUR_CALM;
		*ret_text = "header_timeout";
	}
	return end;
}

/* When a drain is due for being idle or old; *ret_grace: the time for calls then. */
static msec
retirement(const struct engine *e)
{
	if (e->drain != DRAIN_NONE)
		return INT64_MAX;
	msec idle = e->call_count ? INT64_MAX : e->quiet_since + e->config->limits.max_connection_idle;
	return earlier(idle, e->age_end);
}

static msec
sign_of_life(const struct engine *e)
{
	return e->ping_end ? e->ping_end : e->heard + e->config->limits.keepalive_time;
}

static void
service_sign_of_life(struct engine *e)
{
	if (e->now < sign_of_life(e))
		return;
	if (e->ping_end) {
		engine_end(e, NGHTTP2_NO_ERROR, "keepalive_timeout");
		return;
	}
	ping(e, alive_mark);
	e->stats.pings_sent++;
	e->ping_end = e->now + e->config->limits.keepalive_timeout;
}

void
keepalive_service(struct engine *e)
{
	uint32_t code;
	const char *text;
	if (e->now >= patience_end(e, &code, &text)) {
		engine_end(e, code, text);
		return;
	}
	service_sign_of_life(e);
	if (!e->ending && e->now >= retirement(e))
		drain_start(e, e->config->limits.max_connection_age_grace);
	service_drain(e);
}

msec
keepalive_next(const struct engine *e)
{
	uint32_t code;
	const char *text;
	msec next = patience_end(e, &code, &text);
	next = earlier(next, earlier(sign_of_life(e), retirement(e)));
	if (e->drain == DRAIN_ANNOUNCED || e->drain == DRAIN_LAST_WORD)
		next = earlier(next, e->drain_next);
	return next;
}
