/* One connection under a script: the input says what the peer sends, cut how, what the
 * clock does, what handlers do and when bytes are taken. Whatever comes: a call that
 * started is closed once, what goes out is frames in a legal order, the engine asks to be
 * called again later than now, and no more is queued than its limits say. */
#include "fuzz.h"
#include "rpc/engine.h"

#define STREAMS   512
#define OPS       400
#define PIECE     600
#define FRAME_MAX 16384

enum {
	DATA,
	HEADERS,
	PRIORITY,
	RST_STREAM,
	SETTINGS,
	PUSH_PROMISE,
	PING,
	GOAWAY,
	WINDOW_UPDATE,
	CONTINUATION
};
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4 };

struct world {
	struct input in;
	struct rpc_config config;
	struct rpc_hook hook;
	struct engine *engine;
	struct engine_out out;
	msec now, next; /* when the engine wants to be called */
	unsigned started, closed, finished;
	unsigned stream_count; /* opened by us */
	bool over;
	/* what comes out */
	unsigned char head[9];
	size_t head_n, skip;
	bool ended[2 * STREAMS];
};

/* --- handlers that do as the input says --- */

static void
act(struct world *w, struct call *c)
{
	static const char bytes[PIECE * 2] = "some text that is easily compressed";
	static const char *const keys[] = {"x-key", "x-key-bin", "grpc-status", "X-Bad", "te", ""};
	struct fault f;
	for (unsigned i = input_byte(&w->in) % 4; i; i--) {
		unsigned what = input_byte(&w->in), arg = input_byte(&w->in);
		struct slice some = slice_make(bytes, arg * 4);
		switch (what % 12) {
		case 0:
			call_reply(c, some);
			break;
		case 1:
		case 2:
			call_send(c, some);
			break;
		case 3:
			fault_set(&f, -(int)(arg % REASON_COUNT), "by chance %u", arg);
			fault_add(&f, ERR_INVALID_FIELD, "field", "%.*s", (int)arg, bytes);
			call_finish(c, &f);
			break;
		case 4:
			call_finish(c, NULL);
			break;
		case 5:
			call_pause(c);
			break;
		case 6:
			call_resume(c);
			break;
		case 7:
			call_compression(c, arg % 3);
			break;
		case 8:
			call_add_header(c, keys[arg % 6], slice_make(bytes, arg / 6));
			break;
		case 9:
			call_add_trailer(c, keys[arg % 6], slice_make(bytes, arg / 6));
			break;
		case 10:
			call_send_headers(c);
			break;
		default:
			call_finish_status(c, arg % 18, slice_make(bytes, arg), slice_make(bytes, arg / 2));
		}
	}
}

static void
on_start(struct call *c)
{
	struct world *w = call_server(c);
	w->started++;
	REQUIRE(!call_user(c));
	call_set_user(c, w);
	act(w, c);
}

/* What a handler may look at at any time. */
static void
look(struct world *w, struct call *c)
{
	const void *at = NULL;
	struct slice key, value;
	size_t bytes = 0;
	while (call_metadata_next(c, &at, &key, &value))
		bytes += key.n + value.n + 32;
	/* what came as base64 is less now */
	REQUIRE(bytes <= 2 * (size_t)w->config.limits.max_header_list);
	REQUIRE(call_handle(c).connection == 1);
	REQUIRE(call_timeout(c) >= -1 && call_deadline(c) >= 0);
	if (call_timeout(c) >= 0)
		REQUIRE(call_deadline(c) > 0);
}

static void
on_message(struct call *c, struct slice message)
{
	struct world *w = call_server(c);
	REQUIRE(call_user(c) == w);
	look(w, c);
	REQUIRE(message.n <= (size_t)w->config.limits.max_message);
	if (input_byte(&w->in) & 1)
		call_reply(c, message);
	else
		act(w, c);
}

static void
on_event(struct call *c)
{
	REQUIRE(call_user(c) == call_server(c));
	act(call_server(c), c);
}

static void
on_closed(struct call *c)
{
	struct world *w = call_server(c);
	REQUIRE(call_user(c) == w);
	look(w, c);
	call_set_user(c, &w->closed);
	w->closed++;
}

static int
on_admit(void *ctx, struct call *c, struct fault *f)
{
	struct world *w = ctx;
	REQUIRE(call_method(c));
	if (input_byte(&w->in) != 255)
		return 0;
	fault_set(f, ERR_OVERLOADED, "not now");
	f->retry_ms = 100;
	return f->code;
}

static void
on_finished(void *ctx, const struct call *c, const struct call_stats *stats)
{
	struct world *w = ctx;
	REQUIRE((unsigned)stats->status < GRPC_STATUS_COUNT);
	REQUIRE(stats->admitted == (call_user(c) == &w->closed));
	w->finished++;
}

static int
render(void *server, struct buf *body)
{
	struct world *w = server;
	for (unsigned i = input_byte(&w->in); i; i--)
		buf_append_str(body, "a line of it\n");
	return (int)input_byte(&w->in) * 4;
}

static const struct call_handler handler = {on_start, on_message, on_event, on_event, on_closed};
static const struct rpc_method methods[] = {
	{.path = "/t.T/Bidi", .client_streaming = true, .server_streaming = true, .handler = &handler},
	{.path = "/t.T/Down", .server_streaming = true, .handler = &handler},
	{.path = "/t.T/Local", .handler = &handler, .flags = RPC_LOCAL},
	{.path = "/t.T/Unary", .handler = &handler},
	{.path = "/t.T/Up", .client_streaming = true, .handler = &handler},
};
static const struct rpc_page pages[] = {{"/page", "text/plain", render, 0}};

/* --- what comes out --- */

static void
check_head(struct world *w)
{
	size_t length = get_u32be(w->head) >> 8;
	unsigned type = w->head[3], flags = w->head[4];
	uint32_t stream = get_u32be(w->head + 5);
	REQUIRE(length <= FRAME_MAX);
	REQUIRE(type != PRIORITY && type != PUSH_PROMISE && type <= CONTINUATION);
	if ((type == DATA || type == HEADERS) && stream < 2 * STREAMS) {
		REQUIRE(!w->ended[stream]);
		w->ended[stream] = flags & END_STREAM;
	}
	w->skip = length;
	w->head_n = 0;
}

static void
check_bytes(struct world *w, struct slice s)
{
	while (s.n) {
		size_t n = w->skip ? w->skip : sizeof(w->head) - w->head_n;
		n = n < s.n ? n : s.n;
		if (w->skip) {
			w->skip -= n;
		} else {
			memcpy(w->head + w->head_n, s.p, n);
			w->head_n += n;
		}
		s = slice_make(s.p + n, s.n - n);
		if (w->head_n == sizeof(w->head))
			check_head(w);
	}
}

static void
pull(struct world *w, unsigned times)
{
	while (times-- && engine_pull(w->engine, &w->out, w->now) > 0) {
		size_t total = 0;
		REQUIRE(w->out.n <= ENGINE_SLICES);
		for (size_t i = 0; i < w->out.n; i++) {
			check_bytes(w, w->out.v[i]);
			total += w->out.v[i].n;
		}
		REQUIRE(total == w->out.bytes);
	}
}

static void
serve(struct world *w)
{
	w->next = engine_service(w->engine, w->now);
	REQUIRE(w->next > w->now);
}

/* --- what the peer does --- */

static void
push(struct world *w, const struct buf *b)
{
	struct slice s = buf_slice(b);
	size_t cut = input_byte(&w->in);
	cut = cut < 200 ? s.n : cut < 230 ? 1 : cut - 220;
	while (s.n && !w->over) {
		size_t n = cut < s.n ? cut : s.n;
		char *copy = exact_copy(slice_make(s.p, n));
		w->over = engine_push(w->engine, slice_make(copy, n), w->now) < 0;
		free(copy);
		s = slice_make(s.p + n, s.n - n);
	}
}

static void
put_frame(struct buf *b, unsigned type, unsigned flags, uint32_t stream, struct slice payload)
{
	buf_append_u32be(b, (uint32_t)payload.n << 8 | type);
	buf_append_char(b, (char)flags);
	buf_append_u32be(b, stream);
	buf_append_slice(b, payload);
}

/* One of those opened, or, rarely, any. */
static uint32_t
some_stream(struct world *w)
{
	unsigned which = input_byte(&w->in);
	if (which == 255 || w->stream_count == 0)
		return input_byte(&w->in);
	return 2 * (w->stream_count - 1 - which % w->stream_count) + 1;
}

/* A literal field without indexing (RFC 7541 6.2.2). */
static void
put_field(struct buf *b, const char *name, struct slice value)
{
	buf_append_char(b, 0);
	buf_append_char(b, (char)strlen(name));
	buf_append_str(b, name);
	buf_append_char(b, (char)(value.n & 127));
	buf_append_slice(b, slice_make(value.p, value.n & 127));
}

static void
put_request(struct world *w, struct buf *b)
{
	static const char *const paths[] = {"/t.T/Unary", "/t.T/Bidi", "/t.T/Up",   "/t.T/Down",
					    "/t.T/Local", "/page",     "/t.T/None", "/page?x"};
	static const char *const names[] = {"grpc-timeout",   "grpc-encoding", "grpc-accept-encoding",
					    "x-text",         "x-raw-bin",     "te",
					    "content-length", "x-Bad"};
	static const char *const values[] = {"5S", "gzip", "identity,gzip", "1m", "eHl6,eA==", "trailers",
					     "10", "0n"};
	unsigned shape = input_byte(&w->in);
	put_field(b, ":path", slice_of(paths[shape % 8]));
	put_field(b, ":scheme", SLICE("http"));
	put_field(b, ":authority", SLICE("a"));
	put_field(b, ":method", shape & 64 ? SLICE("GET") : shape & 128 ? SLICE("HEAD") : SLICE("POST"));
	put_field(b, "content-type",
		  shape & 32 ? SLICE("application/grpc+proto") : SLICE("application/grpc"));
	for (unsigned i = input_byte(&w->in) % 8; i; i--) {
		unsigned which = input_byte(&w->in);
		struct slice value =
			which & 128 ? input_bytes(&w->in, which & 127) : slice_of(values[which / 8 % 8]);
		put_field(b, names[which % 8], value);
	}
}

static void
send_headers(struct world *w, struct buf *b)
{
	struct buf block = {0};
	unsigned flags = input_byte(&w->in) & (END_STREAM | END_HEADERS);
	uint32_t stream = 2 * w->stream_count + 1;
	if (w->stream_count == STREAMS)
		return;
	w->stream_count++;
	put_request(w, &block);
	if (flags & END_HEADERS) {
		put_frame(b, HEADERS, flags, stream, buf_slice(&block));
	} else {
		size_t n = input_below(&w->in, block.n);
		put_frame(b, HEADERS, flags, stream, slice_make(block.p, n));
		put_frame(b, CONTINUATION, END_HEADERS, stream, slice_make(block.p + n, block.n - n));
	}
	buf_release(&block);
}

static void
send_message(struct world *w, struct buf *b)
{
	static const char zipped[] =
		"\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\x48\xcd\xc9\xc9\x07\0\x86\xa6\x10\x36\x05\0\0"; /* hello */
	struct buf data = {0};
	uint32_t stream = some_stream(w);
	unsigned shape = input_byte(&w->in);
	struct slice text =
		shape & 2 ? slice_make(zipped, sizeof(zipped)) : input_bytes(&w->in, input_byte(&w->in));
	buf_append_char(&data, shape & 128 ? (char)input_byte(&w->in) : (shape & 2) != 0);
	buf_append_u32be(&data, (uint32_t)text.n + (shape & 4 ? input_byte(&w->in) : 0));
	buf_append_slice(&data, text);
	put_frame(b, DATA, shape & END_STREAM, stream, buf_slice(&data));
	buf_release(&data);
}

static void
send_settings(struct world *w, struct buf *b)
{
	static const uint32_t values[] = {0, 1, 100, 4096, 65535, 1 << 20, 0x7fffffff, 0xffffffff};
	struct buf entries = {0};
	for (unsigned i = input_byte(&w->in) % 4; i; i--) {
		buf_append_u16be(&entries, (uint16_t)(input_byte(&w->in) % 10));
		buf_append_u32be(&entries, values[input_byte(&w->in) % 8]);
	}
	put_frame(b, SETTINGS, 0, 0, buf_slice(&entries));
	buf_release(&entries);
}

static void
send_number(struct world *w, struct buf *b, unsigned type)
{
	char number[4];
	uint32_t stream = some_stream(w);
	put_u32be(number, type == RST_STREAM ? input_byte(&w->in) : (uint32_t)input_below(&w->in, 65536));
	put_frame(b, type, 0, type == WINDOW_UPDATE && stream % 4 == 3 ? 0 : stream, slice_make(number, 4));
}

/* --- the script --- */

static void
peer_sends(struct world *w, unsigned what)
{
	struct buf b = {0};
	switch (what) {
	case 0:
	case 1:
		send_headers(w, &b);
		break;
	case 2:
	case 3:
		send_message(w, &b);
		break;
	case 4:
		send_settings(w, &b);
		break;
	case 5:
		send_number(w, &b, WINDOW_UPDATE);
		break;
	case 6:
		send_number(w, &b, RST_STREAM);
		break;
	case 7:
		put_frame(&b, PING, input_byte(&w->in) & ACK, 0, SLICE("12345678"));
		break;
	case 8: {
		unsigned type = input_byte(&w->in), flags = input_byte(&w->in);
		uint32_t stream = some_stream(w);
		put_frame(&b, type, flags, stream, input_bytes(&w->in, input_byte(&w->in)));
		break;
	}
	default:
		buf_append_slice(&b, input_bytes(&w->in, input_byte(&w->in)));
	}
	push(w, &b);
	buf_release(&b);
}

static void
time_passes(struct world *w)
{
	static const msec steps[] = {0, 1, 10, 999, 10000, 300000, 90000000};
	unsigned which = input_byte(&w->in) % 8;
	if (which < 7)
		w->now += steps[which];
	serve(w);
	if (which < 7)
		return;
	/* as an owner's timer would */
	for (unsigned i = input_byte(&w->in) % 8; i && w->next != INT64_MAX; i--) {
		w->now = w->next;
		serve(w);
	}
}

static void
late_handler(struct world *w)
{
	int32_t stream = (int32_t)some_stream(w);
	struct call *c = engine_find(w->engine, stream);
	if (!c)
		return;
	/* It may hold the call's place until it is done, or beyond. */
	unsigned holds = input_byte(&w->in) % 4 == 0;
	if (holds)
		engine_hold(w->engine, stream);
	act(w, c);
	if (holds)
		engine_release(w->engine, stream);
}

static void
step(struct world *w)
{
	unsigned op = input_byte(&w->in) % 16;
	if (op < 10)
		peer_sends(w, op);
	else if (op < 12)
		pull(w, 1 + input_byte(&w->in) % 4);
	else if (op < 14)
		late_handler(w);
	else if (op == 14)
		time_passes(w);
	else if (input_byte(&w->in) > 240)
		engine_drain(w->engine, w->now, (int64_t)input_below(&w->in, 20000));
}

/* What it may hold, whatever the peer and the handlers do: the marks of each call and a
 * message of each that was taken before it was full, and what is half received. */
static void
check_bound(struct world *w)
{
	const struct rpc_limits *l = &w->config.limits;
	size_t each = (size_t)(l->send_queue_max + l->max_message + PIECE * 6);
	REQUIRE(engine_bytes(w->engine) <= (size_t)l->max_concurrent_streams * each +
						   (size_t)(l->connection_window + l->receive_bytes_max));
}

static void
small_limits(struct rpc_limits *l)
{
	l->max_concurrent_streams = 8;
	l->max_header_list = 800;
	l->max_reply_headers = 900;
	l->max_message = 700;
	l->compress_min = 10;
	l->stream_window = 1000;
	l->send_queue_low = 500;
	l->send_queue_high = 1000;
	l->send_queue_connection = 2000;
	l->send_queue_max = 3000;
	l->send_bytes_max = 2500;
	l->receive_bytes_max = 2000;
	l->max_running_calls = 10;
	l->congestion_bytes = 4000;
	l->max_queued_frames = 50;
}

static void
open_engine(struct world *w)
{
	struct call_peer peer = {.is_loopback = input_byte(&w->in) & 1};
	unsigned shape = input_byte(&w->in);
	struct fault f;
	w->now = 1000;
	w->next = INT64_MAX;
	w->hook = (struct rpc_hook){.ctx = w, .admit = on_admit, .finished = on_finished};
	w->config = (struct rpc_config){.methods = methods,
					.method_count = sizeof(methods) / sizeof(methods[0]),
					.server = w,
					.hooks = &w->hook,
					.hook_count = 1,
					.pages = pages,
					.page_count = 1};
	rpc_limits_default(&w->config.limits);
	if (shape & 1)
		small_limits(&w->config.limits);
	REQUIRE(rpc_config_check(&w->config, &f) == 0);
	REQUIRE(engine_new(&w->engine, &w->config, &peer, 1, w->now, NULL, NULL) == 0);
	if (shape & 2)
		return; /* not even the preface is as it should be */
	struct buf b = {0};
	buf_append_str(&b, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	send_settings(w, &b);
	push(w, &b);
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct world *w = calloc(1, sizeof(*w));
	REQUIRE(w);
	w->in = (struct input){data, n};
	open_engine(w);
	for (unsigned i = 0; i < OPS && w->in.n && !w->over; i++) {
		step(w);
		REQUIRE(w->closed <= w->started);
		REQUIRE(engine_open_calls(w->engine) >= w->started - w->closed);
		check_bound(w);
		if (engine_done(w->engine))
			break;
	}
	pull(w, UINT32_MAX);
	serve(w);
	engine_free(w->engine);
	REQUIRE(w->started == w->closed);
	REQUIRE(w->finished >= w->closed);
	free(w);
	return 0;
}
