#include "support_raw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

void
raw_say(struct raw *r, struct slice bytes)
{
	buf_append_slice(&r->out, bytes);
}

void
raw_frame(struct raw *r, uint8_t type, uint8_t flags, int32_t stream, struct slice payload)
{
	buf_append_u32be(&r->out, (uint32_t)payload.n << 8 | type);
	buf_append_char(&r->out, (char)flags);
	buf_append_u32be(&r->out, (uint32_t)stream);
	buf_append_slice(&r->out, payload);
}

void
raw_number(struct raw *r, uint8_t type, int32_t stream, uint32_t n)
{
	char bytes[4];
	put_u32be(bytes, n);
	raw_frame(r, type, 0, stream, slice_make(bytes, 4));
}

void
raw_setting(struct raw *r, uint16_t id, uint32_t value)
{
	char entry[6] = {(char)(id >> 8), (char)id};
	put_u32be(entry + 2, value);
	raw_frame(r, NGHTTP2_SETTINGS, 0, 0, slice_make(entry, sizeof(entry)));
}

void
raw_ping(struct raw *r)
{
	raw_frame(r, NGHTTP2_PING, 0, 0, SLICE("12345678"));
}

/* RFC 7541 5.1, 5.2: a length of 7 bits, no Huffman. */
static void
put_string(struct buf *block, struct slice s)
{
	size_t n = s.n;
	if (n < 127) {
		buf_append_char(block, (char)n);
	} else {
		buf_append_char(block, 127);
		for (n -= 127; n >= 128; n >>= 7)
			buf_append_char(block, (char)((n & 127) | 128));
		buf_append_char(block, (char)n);
	}
	buf_append_slice(block, s);
}

void
raw_field(struct buf *block, const char *name, struct slice value)
{
	buf_append_char(block, 0);
	put_string(block, slice_of(name));
	put_string(block, value);
}

void
raw_request(struct buf *block, const char *path)
{
	raw_field(block, ":method", SLICE("POST"));
	raw_field(block, ":scheme", SLICE("http"));
	raw_field(block, ":path", slice_of(path));
	raw_field(block, ":authority", SLICE("localhost"));
	raw_field(block, "te", SLICE("trailers"));
	raw_field(block, "content-type", SLICE("application/grpc"));
}

int32_t
raw_headers(struct raw *r, uint8_t flags, const char *path, const char *name, const char *value)
{
	struct buf block = {0};
	int32_t stream = r->next_stream;
	r->next_stream += 2;
	raw_request(&block, path);
	if (name)
		raw_field(&block, name, slice_of(value));
	raw_frame(r, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | flags, stream, buf_slice(&block));
	buf_release(&block);
	return stream;
}

void
raw_message(struct raw *r, int32_t stream, uint8_t flags, struct slice message)
{
	struct buf framed = {0};
	frame_message(&framed, message);
	raw_frame(r, NGHTTP2_DATA, flags, stream, buf_slice(&framed));
	buf_release(&framed);
}

void
raw_good_call(struct raw *r)
{
	unsigned before = r->statuses[GRPC_OK];
	int32_t stream = raw_headers(r, 0, "/t.T/Unary", NULL, NULL);
	raw_message(r, stream, NGHTTP2_FLAG_END_STREAM, SLICE("good"));
	assert_true(raw_run(r));
	assert_int_equal(r->statuses[GRPC_OK], before + 1);
}

/* --- what is heard --- */

static void
hear_headers(struct raw *r, struct slice block)
{
	const uint8_t *at = (const uint8_t *)block.p;
	size_t left = block.n;
	for (;;) {
		nghttp2_nv nv;
		int flags = 0;
		ssize_t n = nghttp2_hd_inflate_hd2(r->inflater, &nv, &flags, at, left, 1);
		assert_true(n >= 0);
		at += n;
		left -= (size_t)n;
		if ((flags & NGHTTP2_HD_INFLATE_EMIT) &&
		    slice_is(slice_make(nv.name, nv.namelen), "grpc-status"))
			r->statuses[atoi((const char *)nv.value)]++;
		if (flags & NGHTTP2_HD_INFLATE_FINAL)
			break;
	}
	nghttp2_hd_inflate_end_headers(r->inflater);
}

static void
hear_goaway(struct raw *r, struct slice payload)
{
	r->goaways++;
	r->goaway_last = (int32_t)get_u32be(payload.p);
	r->goaway_code = get_u32be(payload.p + 4);
	snprintf(r->goaway_text, sizeof(r->goaway_text), "%.*s", (int)(payload.n - 8), payload.p + 8);
}

static void
hear_data(struct raw *r, int32_t stream, size_t n)
{
	r->data_bytes += n;
	if (r->holds || n == 0)
		return;
	raw_number(r, NGHTTP2_WINDOW_UPDATE, 0, (uint32_t)n);
	raw_number(r, NGHTTP2_WINDOW_UPDATE, stream, (uint32_t)n);
}

static void
hear_settings(struct raw *r, struct slice payload)
{
	for (; payload.n >= 6; payload = slice_make(payload.p + 6, payload.n - 6)) {
		unsigned id = (unsigned)(uint8_t)payload.p[1];
		if (id < 16)
			r->settings[id] = get_u32be(payload.p + 2);
	}
}

static void
hear(struct raw *r, uint8_t type, uint8_t flags, int32_t stream, struct slice payload)
{
	assert_true(type < 16);
	if ((type == NGHTTP2_PING || type == NGHTTP2_SETTINGS) && (flags & NGHTTP2_FLAG_ACK)) {
		r->acknowledged[type]++;
		return;
	}
	r->frames[type]++;
	switch (type) {
	case NGHTTP2_HEADERS:
		hear_headers(r, payload);
		break;
	case NGHTTP2_DATA:
		hear_data(r, stream, payload.n);
		break;
	case NGHTTP2_RST_STREAM:
		r->resets[get_u32be(payload.p)]++;
		break;
	case NGHTTP2_GOAWAY:
		hear_goaway(r, payload);
		break;
	case NGHTTP2_SETTINGS:
		hear_settings(r, payload);
		break;
	case NGHTTP2_PING:
		memcpy(r->ping, payload.p, 8);
		break;
	default:
		break;
	}
}

static void
hear_all(struct raw *r)
{
	while (r->in.n >= 9) {
		const char *h = r->in.p;
		size_t n = get_u32be(h) >> 8;
		if (r->in.n < 9 + n)
			return;
		hear(r, (uint8_t)h[3], (uint8_t)h[4], (int32_t)get_u32be(h + 5), slice_make(h + 9, n));
		buf_consume(&r->in, 9 + n);
	}
}

bool
raw_run(struct raw *r)
{
	struct pair *p = &r->pair;
	do {
		struct buf out = r->out;
		r->out = (struct buf){0};
		r->result = out.n ? engine_push(p->engine, buf_slice(&out), p->now) : 0;
		buf_release(&out);
		engine_service(p->engine, p->now);
		while (engine_pull(p->engine, &p->out, p->now) > 0)
			for (size_t i = 0; i < p->out.n; i++)
				buf_append_slice(&r->in, p->out.v[i]);
		hear_all(r);
	} while (r->out.n && r->result == 0);
	return r->result == 0 && !engine_done(p->engine);
}

bool
raw_wait(struct raw *r, int64_t ms)
{
	r->pair.now += ms;
	return raw_run(r);
}

void
raw_open_silent(struct raw *r, void (*limits)(struct rpc_limits *l))
{
	struct pair_options o = {.limits = limits};
	memset(r, 0, sizeof(*r));
	pair_open(&r->pair, &o);
	r->next_stream = 1;
	assert_int_equal(nghttp2_hd_inflate_new(&r->inflater), 0);
}

void
raw_open(struct raw *r, void (*limits)(struct rpc_limits *l))
{
	raw_open_silent(r, limits);
	raw_say(r, SLICE(PREFACE));
	raw_frame(r, NGHTTP2_SETTINGS, 0, 0, (struct slice){0});
	raw_frame(r, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, (struct slice){0});
	assert_true(raw_run(r));
	assert_int_equal(r->frames[NGHTTP2_SETTINGS], 1);
}

void
raw_close(struct raw *r)
{
	pair_close(&r->pair);
	nghttp2_hd_inflate_del(r->inflater);
	buf_release(&r->out);
	buf_release(&r->in);
}

void
assert_ended(struct raw *r, uint32_t code, const char *text)
{
	assert_true(engine_done(r->pair.engine));
	assert_true(r->goaways >= 1);
	assert_int_equal(r->goaway_code, code);
	assert_string_equal(r->goaway_text, text);
}

void
small_budgets(struct rpc_limits *l)
{
	l->reset_burst = l->stream_error_burst = l->settings_burst = 20;
	l->reset_rate = 50;
	l->glitch_burst = 100;
	l->oversize_burst = 3;
}

void
expect_end(struct raw *r, const char *text)
{
	assert_false(raw_run(r));
	assert_ended(r, NGHTTP2_ENHANCE_YOUR_CALM, text);
	assert_int_equal(r->goaways, 1);
	assert_int_equal(engine_push(r->pair.engine, SLICE("more"), r->pair.now), ERR_UNAVAILABLE);
	assert_int_equal(engine_pull(r->pair.engine, &r->pair.out, r->pair.now), 0);
	assert_int_equal(engine_service(r->pair.engine, r->pair.now + 1000), INT64_MAX);
	raw_close(r);
}

void
expect_service(struct raw *r)
{
	raw_good_call(r);
	assert_int_equal(r->goaways, 0);
	raw_close(r);
}

const struct rpc_limits *
limits_of(const struct raw *r)
{
	return &r->pair.config.limits;
}

void
wait_until_just_before(struct raw *r, int64_t term)
{
	assert_true(raw_run(r));
	assert_true(raw_wait(r, term - 1));
	assert_int_equal(r->goaways, 0);
}
