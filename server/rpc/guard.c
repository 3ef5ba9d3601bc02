/* What a peer may ask of a connection beyond its calls: budgets for floods, the rule for
 * its pings. Every frame is judged by its header before the library sees it, since the
 * library passes over some kinds in silence; what only the library knows (padding, resets
 * that the peer provoked) comes by its callbacks. A verdict is carried out when no
 * callback of the library is on the stack (guard_judge). */
#include "rpc/internal.h"

#define PREFACE_BYTES 24

/* A header block that nobody wants is decoded all the same, for HPACK has state. */
#define BLOCK_BYTES_PER_GLITCH 64

#define NOTHING_YET INT64_MIN

static const struct budget_row {
	size_t burst, rate; /* offsets in struct rpc_limits */
	const char *verdict;
} budget_rows[BUDGET_COUNT] = {
#define ROW(name, text)                                                                                   \
	{                                                                                                 \
		offsetof(struct rpc_limits, name##_burst), offsetof(struct rpc_limits, name##_rate), text \
	}
	[BUDGET_RESETS] = ROW(reset, "too_many_resets"),
	[BUDGET_STREAM_ERRORS] = ROW(stream_error, "too_many_stream_errors"),
	[BUDGET_SETTINGS] = ROW(settings, "too_many_settings"),
	[BUDGET_GLITCHES] = ROW(glitch, "too_many_glitches"),
	[BUDGET_OVERSIZE] = ROW(oversize, "too_much_metadata"),
#undef ROW
};

static int64_t
limit_at(const struct engine *e, size_t offset)
{
	return *(const int64_t *)((const char *)&e->config->limits + offset);
}

void
guard_init(struct engine *e)
{
	e->guard.passing = PREFACE_BYTES;
	e->guard.last_ping = NOTHING_YET;
}

void
guard_decide(struct engine *e, uint32_t code, const char *text)
{
	if (e->guard.verdict)
		return;
	e->guard.verdict = text;
	e->guard.verdict_code = code;
}

void
guard_spend(struct engine *e, enum budget_name name, int64_t cost)
{
	const struct budget_row *row = &budget_rows[name];
	if (!budget_spend(&e->guard.budgets[name], e->now, limit_at(e, row->burst), limit_at(e, row->rate),
			  cost))
		guard_decide(e, NGHTTP2_ENHANCE_YOUR_CALM, row->verdict);
}

/* Useful work makes up for the frames that go with it. */
static void
forgive_glitches(struct engine *e)
{
	budget_forgive(&e->guard.budgets[BUDGET_GLITCHES], e->config->limits.glitches_forgiven);
}

/* gRPC proposal A8: a ping is too early before its time has come, unless something was
 * sent meanwhile; clients measure bandwidth by pings on what they receive. */
static void
on_ping(struct engine *e)
{
	const struct rpc_limits *l = &e->config->limits;
	struct guard *g = &e->guard;
	int64_t min_time = e->call_count ? l->ping_min_time : l->ping_min_time_idle;
	bool early = !g->spoke && g->last_ping != NOTHING_YET && e->now - g->last_ping < min_time;
	g->spoke = false;
	g->last_ping = e->now;
	g->ping_strikes = early ? g->ping_strikes + 1 : 0;
	if (g->ping_strikes > l->ping_strikes)
		guard_decide(e, NGHTTP2_ENHANCE_YOUR_CALM, "too_many_pings");
}

/* A header block that opens no stream: of one that is closed, or one too many. */
static bool
is_unwanted_block(struct engine *e, int32_t stream)
{
	struct guard *g = &e->guard;
	if (stream <= g->last_stream)
		return !nghttp2_session_get_stream_user_data(e->session, stream);
	g->last_stream = stream;
	return e->drain >= DRAIN_LAST_WORD ||
	       e->call_count >= (size_t)e->config->limits.max_concurrent_streams;
}

static void
on_block(struct engine *e, size_t length)
{
	if (e->guard.unwanted)
		guard_spend(e, BUDGET_GLITCHES, 1 + (int64_t)(length / BLOCK_BYTES_PER_GLITCH));
}

/* C core resets a call that was given up before its HEADERS left. RFC 9113 5.1 makes that
 * an error of the connection, and all its other calls would die of it; servers on C core
 * and grpc-go pass over it, and so do we where calls have been before. */
static bool
is_reset_unopened(const struct engine *e, int32_t stream, size_t length)
{
	return length == 4 && (stream & 1) && e->guard.last_stream > 0 && stream > e->guard.last_stream;
}

/* A stream that is gone: whether it was the peer who said that nothing more comes. While
 * a stream is open the library knows; of closed ones it remembers nothing. */
static bool
has_said_all(const struct engine *e, int32_t stream)
{
	const struct guard *g = &e->guard;
	if (nghttp2_session_get_stream_user_data(e->session, stream))
		return false;
	for (size_t i = 0; i < GUARD_STREAMS; i++)
		if (g->said_all[i] == stream)
			return true;
	return false;
}

/* RFC 9113 5.1, closed: DATA and HEADERS behind the peer's own END_STREAM or RST_STREAM. */
static void
judge_order(struct engine *e, uint8_t type, uint8_t flags, int32_t stream)
{
	struct guard *g = &e->guard;
	bool is_message = type == NGHTTP2_DATA || type == NGHTTP2_HEADERS;
	if (stream == 0)
		return;
	if (is_message && has_said_all(e, stream))
		guard_decide(e, NGHTTP2_STREAM_CLOSED, "stream_closed");
	if ((type == NGHTTP2_RST_STREAM && stream <= g->last_stream) ||
	    (is_message && (flags & NGHTTP2_FLAG_END_STREAM)))
		g->said_all[g->said_all_n++ % GUARD_STREAMS] = stream;
}

/* What the library would pass over: a PRIORITY for no stream (RFC 9113 6.3) or of a stream
 * on itself (RFC 7540 5.3.1), a window that opens by nothing on a stream that is gone (6.9). */
static void
judge_payload(struct engine *e)
{
	const struct guard *g = &e->guard;
	int32_t number = (int32_t)(get_u32be(g->payload) & INT32_MAX);
	if (g->payload_type == NGHTTP2_PRIORITY && (g->payload_stream == 0 || number == g->payload_stream))
		guard_decide(e, NGHTTP2_PROTOCOL_ERROR, "bad_priority");
	if (g->payload_type == NGHTTP2_WINDOW_UPDATE && number == 0 && g->payload_stream != 0 &&
	    !nghttp2_session_get_stream_user_data(e->session, g->payload_stream))
		guard_decide(e, NGHTTP2_PROTOCOL_ERROR, "bad_window_update");
}

static void
take_payload(struct engine *e, const char *p, size_t n)
{
	struct guard *g = &e->guard;
	size_t wanted = g->payload_wanted - g->payload_n;
	if (wanted == 0)
		return;
	if (n > wanted)
		n = wanted;
	memcpy(g->payload + g->payload_n, p, n);
	g->payload_n += n;
	if (g->payload_n == g->payload_wanted)
		judge_payload(e);
}

static void
await_payload(struct engine *e, uint8_t type, int32_t stream, size_t length)
{
	struct guard *g = &e->guard;
	bool matters = (type == NGHTTP2_PRIORITY && length == 5) ||
		       (type == NGHTTP2_WINDOW_UPDATE && length == sizeof(g->payload));
	g->payload_n = 0;
	g->payload_wanted = matters ? sizeof(g->payload) : 0;
	g->payload_type = type;
	g->payload_stream = stream;
}

static void
on_frame(struct engine *e, uint8_t type, uint8_t flags, int32_t stream, size_t length)
{
	bool ack = flags & NGHTTP2_FLAG_ACK;
	switch (type) {
	case NGHTTP2_DATA:
		if (!nghttp2_session_get_stream_user_data(e->session, stream))
			guard_spend(e, BUDGET_GLITCHES, 1);
		break;
	case NGHTTP2_HEADERS:
		e->guard.unwanted = is_unwanted_block(e, stream);
		if (!e->guard.unwanted)
			forgive_glitches(e);
		on_block(e, length);
		break;
	case NGHTTP2_CONTINUATION:
		on_block(e, length);
		break;
	case NGHTTP2_SETTINGS:
		if (!ack)
			guard_spend(e, BUDGET_SETTINGS, 1);
		break;
	case NGHTTP2_PING:
		if (!ack)
			on_ping(e);
		else if (e->pings_out == 0)
			guard_spend(e, BUDGET_GLITCHES, 1);
		else
			e->pings_out--;
		break;
	case NGHTTP2_RST_STREAM:
		e->guard.skipping = is_reset_unopened(e, stream, length);
		if (!nghttp2_session_get_stream_user_data(e->session, stream))
			guard_spend(e, BUDGET_GLITCHES, 1);
		break; /* of an open one: guard_reset */
	default:       /* PRIORITY, GOAWAY, WINDOW_UPDATE, unknown ones */
		guard_spend(e, BUDGET_GLITCHES, 1);
	}
}

/* RFC 9113 4.1 */
static void
judge_header(struct engine *e, const uint8_t *h)
{
	size_t length = (size_t)h[0] << 16 | (size_t)h[1] << 8 | h[2];
	int32_t stream = (int32_t)((h[5] & 0x7Fu) << 24 | (uint32_t)h[6] << 16 | (uint32_t)h[7] << 8 | h[8]);
	e->guard.passing = length;
	e->guard.head_n = 0;
	e->guard.skipping = false;
	judge_order(e, h[3], h[4], stream);
	await_payload(e, h[3], stream, length);
	on_frame(e, h[3], h[4], stream, length);
}

size_t
guard_next(struct engine *e, struct slice bytes, struct slice ret[2])
{
	struct guard *g = &e->guard;
	size_t n = 0;
	ret[0] = ret[1] = (struct slice){0};
	if (g->passing == 0) {
		n = FRAME_HEADER - g->head_n;
		if (n > bytes.n)
			n = bytes.n;
		memcpy(g->head + g->head_n, bytes.p, n);
		g->head_n += n;
		if (g->head_n < FRAME_HEADER)
			return n;
		judge_header(e, g->head);
		ret[0] = slice_make(g->head, FRAME_HEADER);
	}
	size_t payload = g->passing < bytes.n - n ? g->passing : bytes.n - n;
	take_payload(e, bytes.p + n, payload);
	g->passing -= payload;
	ret[1] = slice_make(bytes.p + n, payload);
	if (ret[0].n && n == FRAME_HEADER) { /* as a rule all of it lies here */
		ret[0] = slice_make(bytes.p, n + payload);
		ret[1] = (struct slice){0};
	}
	if (g->skipping)
		ret[0] = ret[1] = (struct slice){0};
	return n + payload;
}

void
guard_reset(struct engine *e, const struct call *c)
{
	if (!c)
		return;
	int64_t lived = e->now - c->began;
	/* Of calls that have lived a while there cannot be more than streams, again and again. A
	 * client whose deadline passes resets the call when we end it: under overload all do.
	 * `now` may be a ms late. */
	bool timely = c->head.has_timeout && 2 * (lived + 1) >= c->head.timeout;
	if (lived < e->config->limits.reset_young && !timely)
		guard_spend(e, BUDGET_RESETS, 1);
}

void
guard_data(struct engine *e, const nghttp2_frame *frame)
{
	if (frame->hd.length == frame->data.padlen && !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		guard_spend(e, BUDGET_GLITCHES, 1);
}

/* Streams that we reset of our own accord; any other reset answers an offence, also
 * those of which no callback tells (CVE-2025-8671). */
static bool
is_own_reset(uint32_t code)
{
	return code == NGHTTP2_NO_ERROR || code == NGHTTP2_CANCEL;
}

void
guard_sent(struct engine *e, const nghttp2_frame *frame)
{
	switch (frame->hd.type) {
	case NGHTTP2_DATA:
		forgive_glitches(e);
		e->guard.spoke = true;
		break;
	case NGHTTP2_HEADERS:
	case NGHTTP2_WINDOW_UPDATE:
		e->guard.spoke = true;
		break;
	case NGHTTP2_RST_STREAM:
		if (frame->rst_stream.error_code != NGHTTP2_REFUSED_STREAM &&
		    !is_own_reset(frame->rst_stream.error_code))
			guard_spend(e, BUDGET_STREAM_ERRORS, 1);
		break;
	}
}

bool
guard_judge(struct engine *e)
{
	if (!e->guard.verdict || e->ending || e->failed)
		return false;
	engine_end(e, e->guard.verdict_code, e->guard.verdict);
	return true;
}
