#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t
random_next(uint64_t *seed)
{
	*seed += 0x9E3779B97F4A7C15u;
	uint64_t z = *seed;
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

uint64_t
random_seed(uint64_t usual)
{
	const char *given = getenv("ZWY_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : usual;
	print_message("# seed %llu\n", (unsigned long long)seed);
	return seed;
}

static void
on_finished(void *ctx, const struct call *c, const struct call_stats *stats)
{
	struct pair *p = ctx;
	(void)c;
	p->finished_count++;
	p->last_stats = *stats;
}

/* --- the client --- */

static struct client_call *
client_find(struct pair *p, int32_t stream)
{
	size_t i = ((size_t)stream - 1) / 2;
	return i < p->call_count ? p->calls[i] : NULL;
}

static void
client_header(struct client_call *c, struct slice name, struct slice value)
{
	char text[32];
	snprintf(text, sizeof(text), "%.*s", (int)value.n, value.p);
	buf_printf(&c->headers, "%.*s: %.*s\n", (int)name.n, name.p, (int)value.n, value.p);
	if (slice_is(name, ":status"))
		c->http_status = atoi(text);
	else if (slice_is(name, "grpc-status"))
		c->grpc_status = atoi(text);
	else if (slice_is(name, "content-type"))
		snprintf(c->content_type, sizeof(c->content_type), "%s", text);
	else if (slice_is(name, "grpc-message")) {
		struct buf plain = {0};
		percent_decode(&plain, value);
		snprintf(c->message, sizeof(c->message), "%.*s", (int)plain.n, plain.p);
		buf_release(&plain);
	} else if (slice_is(name, "grpc-status-details-bin"))
		assert_true(base64_decode(&c->details, value));
}

static int
client_on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_n,
		 const uint8_t *value, size_t value_n, uint8_t flags, void *user_data)
{
	(void)session, (void)flags;
	struct client_call *c = client_find(user_data, frame->hd.stream_id);
	client_header(c, slice_make(name, name_n), slice_make(value, value_n));
	c->block_bytes += name_n + value_n + 32;
	if (c->block_bytes > c->header_bytes)
		c->header_bytes = c->block_bytes;
	return 0;
}

static int
client_on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data, size_t n,
	       void *user_data)
{
	(void)flags;
	struct pair *p = user_data;
	struct client_call *c = client_find(p, stream);
	buf_append(&c->body, data, n);
	c->body_after_end |= c->ended;
	if (!p->client_holds)
		nghttp2_session_consume(session, stream, n);
	return 0;
}

static int
client_on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
	(void)session;
	struct pair *p = user_data;
	if (frame->hd.type == NGHTTP2_GOAWAY) {
		p->goaways++;
		p->goaway_code = frame->goaway.error_code;
		p->goaway_last = frame->goaway.last_stream_id;
	}
	struct client_call *c = frame->hd.stream_id ? client_find(p, frame->hd.stream_id) : NULL;
	if (!c || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS) {
		c->head_frames++;
		c->block_bytes = 0;
		c->body_after_end |= c->ended;
	}
	if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		c->ended = true;
	return 0;
}

static int
client_on_close(nghttp2_session *session, int32_t stream, uint32_t error_code, void *user_data)
{
	(void)session;
	struct client_call *c = client_find(user_data, stream);
	c->closed = true;
	c->close_code = error_code;
	return 0;
}

static ssize_t
client_read(nghttp2_session *session, int32_t stream, uint8_t *dst, size_t size, uint32_t *flags,
	    nghttp2_data_source *source, void *user_data)
{
	(void)session, (void)stream, (void)user_data;
	struct client_call *c = source->ptr;
	size_t n = c->request.n < size ? c->request.n : size;
	if (n == 0 && !c->request_ends) {
		c->request_deferred = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	if (n)
		memcpy(dst, c->request.p, n);
	buf_consume(&c->request, n);
	if (c->request.n == 0 && c->request_ends)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

static ssize_t
client_pad(nghttp2_session *session, const nghttp2_frame *frame, size_t most, void *user_data)
{
	(void)session, (void)user_data;
	size_t n = frame->hd.length + 100;
	return (ssize_t)(n < most ? n : most);
}

static void
client_open(struct pair *p, const struct pair_options *o)
{
	nghttp2_session_callbacks *cb;
	nghttp2_option *option;
	assert_int_equal(nghttp2_session_callbacks_new(&cb), 0);
	assert_int_equal(nghttp2_option_new(&option), 0);
	nghttp2_session_callbacks_set_on_header_callback(cb, client_on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, client_on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, client_on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, client_on_close);
	if (o->padding)
		nghttp2_session_callbacks_set_select_padding_callback(cb, client_pad);
	nghttp2_option_set_no_auto_window_update(option, 1);
	assert_int_equal(nghttp2_session_client_new2(&p->client, cb, p, option), 0);
	nghttp2_session_callbacks_del(cb);
	nghttp2_option_del(option);
	nghttp2_settings_entry settings[10];
	size_t n = 0;
	if (o->client_window)
		settings[n++] =
			(nghttp2_settings_entry){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, o->client_window};
	if (o->max_header_list)
		settings[n++] =
			(nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, o->max_header_list};
	for (size_t i = 0; i < o->setting_count; i++)
		settings[n++] = o->settings[i];
	assert_int_equal(nghttp2_submit_settings(p->client, 0, settings, n), 0);
}

/* --- the pair --- */

static void
on_wake(void *owner)
{
	struct pair *p = owner;
	p->wakes++;
}

void
pair_open(struct pair *p, const struct pair_options *options)
{
	static const struct pair_options usual;
	const struct pair_options *o = options ? options : &usual;
	memset(p, 0, sizeof(*p));
	p->now = 1000000;
	p->seed = 1;
	p->client_holds = o->client_holds;
	p->hook = (struct rpc_hook){.ctx = p, .finished = on_finished};
	p->config = (struct rpc_config){.methods = p->methods,
					.method_count = pair_methods(p->methods),
					.server = p,
					.pages = pair_pages,
					.page_count = PAIR_PAGES,
					.hooks = &p->hook,
					.hook_count = 1};
	rpc_limits_default(&p->config.limits);
	if (o->limits)
		o->limits(&p->config.limits);
	struct fault f;
	assert_int_equal(rpc_config_check(&p->config, &f), 0);
	struct call_peer peer = {.is_unix = !o->is_remote, .uid = 1000};
	assert_int_equal(engine_new(&p->engine, &p->config, &peer, 77, p->now, on_wake, p), 0);
	client_open(p, o);
}

static unsigned
count(struct slice in, const char *what)
{
	unsigned n = 0;
	for (const char *at = in.p; at && (at = strstr(at, what)); at++)
		n++;
	return n;
}

void
pair_close(struct pair *p)
{
	engine_free(p->engine);
	nghttp2_session_del(p->client);
	buf_append_char(&p->log, '\0');
	assert_int_equal(count(buf_slice(&p->log), ":start "), count(buf_slice(&p->log), ":closed "));
	for (size_t i = 0; i < p->call_count; i++) {
		struct client_call *c = p->calls[i];
		assert_false(c->body_after_end);
		buf_release(&c->request);
		buf_release(&c->body);
		buf_release(&c->details);
		buf_release(&c->headers);
		free(c);
	}
	buf_release(&p->log);
}

static size_t
chunk(struct pair *p, size_t left)
{
	static const size_t sizes[] = {1, 9, 100, 5000, 70000};
	size_t most = sizes[random_next(&p->seed) % 5];
	size_t n = 1 + (size_t)(random_next(&p->seed) % most);
	return n < left ? n : left;
}

static void
engine_take(struct pair *p, struct slice bytes)
{
	while (bytes.n && p->push_result == 0) {
		size_t n = chunk(p, bytes.n);
		/* Memory of exactly this size, so that a sanitizer sees any byte read beyond. */
		char *copy = malloc(n);
		assert_non_null(copy);
		memcpy(copy, bytes.p, n);
		p->push_result = engine_push(p->engine, slice_make(copy, n), p->now);
		free(copy);
		bytes = slice_make(bytes.p + n, bytes.n - n);
	}
}

bool
pair_up(struct pair *p)
{
	bool moved = false;
	const uint8_t *data;
	ssize_t n;
	while ((n = nghttp2_session_mem_send(p->client, &data)) > 0) {
		engine_take(p, slice_make(data, (size_t)n));
		moved = true;
	}
	assert_int_equal(n, 0);
	return moved;
}

bool
pair_down(struct pair *p)
{
	bool moved = false;
	while (engine_pull(p->engine, &p->out, p->now) > 0) {
		size_t total = 0;
		for (size_t i = 0; i < p->out.n; i++) {
			struct slice s = p->out.v[i];
			total += s.n;
			while (s.n) {
				size_t n = chunk(p, s.n);
				assert_int_equal(nghttp2_session_mem_recv(p->client, (const uint8_t *)s.p, n),
						 n);
				s = slice_make(s.p + n, s.n - n);
			}
		}
		assert_int_equal(total, p->out.bytes);
		moved = true;
	}
	return moved;
}

void
pair_run(struct pair *p)
{
	bool moved = true;
	while (moved) {
		moved = pair_up(p);
		engine_service(p->engine, p->now);
		moved |= pair_down(p);
	}
}

void
pair_wait(struct pair *p, int64_t ms)
{
	p->now += ms;
	pair_run(p);
}

/* --- requests --- */

static const char *
replaced(const char *const *extra, const char *key, const char *usual)
{
	for (size_t i = 0; extra && extra[i]; i += 2)
		if (strcmp(extra[i], key) == 0)
			return extra[i + 1];
	return usual;
}

static size_t
put(nghttp2_nv *nv, size_t n, const char *key, const char *value)
{
	if (!value)
		return n;
	nv[n] = (nghttp2_nv){(uint8_t *)(uintptr_t)key, (uint8_t *)(uintptr_t)value, strlen(key),
			     strlen(value), NGHTTP2_NV_FLAG_NONE};
	return n + 1;
}

static struct client_call *
client_call(struct pair *p, const char *path, const char *const *extra, bool bare)
{
	static const char *const usual[][2] = {{":method", "POST"},
					       {":scheme", "http"},
					       {":authority", "localhost"},
					       {"te", "trailers"},
					       {"content-type", "application/grpc"}};
	nghttp2_nv nv[64];
	size_t n = put(nv, 0, ":path", path);
	for (size_t i = 0; i < 5; i++)
		n = put(nv, n, usual[i][0], replaced(extra, usual[i][0], usual[i][1]));
	for (size_t i = 0; extra && extra[i]; i += 2) {
		bool is_usual = false;
		for (size_t k = 0; k < 5; k++)
			is_usual |= strcmp(extra[i], usual[k][0]) == 0;
		if (!is_usual)
			n = put(nv, n, extra[i], extra[i + 1]);
	}
	assert_true(p->call_count < MAX_CALLS);
	struct client_call *c = p->calls[p->call_count++] = calloc(1, sizeof(*c));
	assert_non_null(c);
	c->grpc_status = -1;
	nghttp2_data_provider body = {{.ptr = c}, client_read};
	c->stream = nghttp2_submit_request(p->client, NULL, nv, n, bare ? NULL : &body, NULL);
	assert_int_equal(c->stream, 2 * p->call_count - 1);
	return c;
}

struct client_call *
pair_call(struct pair *p, const char *path, const char *const *extra)
{
	return client_call(p, path, extra, false);
}

struct client_call *
pair_call_bare(struct pair *p, const char *path, const char *const *extra)
{
	return client_call(p, path, extra, true);
}

static void
client_kick(struct pair *p, struct client_call *c)
{
	if (!c->request_deferred)
		return;
	c->request_deferred = false;
	nghttp2_session_resume_data(p->client, c->stream);
}

void
pair_say_raw(struct pair *p, struct client_call *c, struct slice bytes)
{
	buf_append_slice(&c->request, bytes);
	client_kick(p, c);
}

void
pair_say(struct pair *p, struct client_call *c, struct slice message)
{
	frame_message(&c->request, message);
	client_kick(p, c);
}

void
pair_end(struct pair *p, struct client_call *c)
{
	c->request_ends = true;
	client_kick(p, c);
}

void
pair_reset(struct pair *p, struct client_call *c, uint32_t code)
{
	assert_int_equal(nghttp2_submit_rst_stream(p->client, 0, c->stream, code), 0);
}

void
pair_take(struct pair *p, struct client_call *c, size_t n)
{
	assert_int_equal(nghttp2_session_consume(p->client, c->stream, n), 0);
}

struct client_call *
pair_unary(struct pair *p, const char *path, struct slice message)
{
	struct client_call *c = pair_call(p, path, NULL);
	pair_say(p, c, message);
	pair_end(p, c);
	pair_run(p);
	return c;
}

/* --- replies --- */

size_t
reply_count(struct client_call *c)
{
	struct slice s = buf_slice(&c->body);
	size_t n = 0;
	while (s.n >= GRPC_PREFIX_BYTES) {
		size_t whole = GRPC_PREFIX_BYTES + get_u32be(s.p + 1);
		if (s.n < whole)
			break;
		s = slice_make(s.p + whole, s.n - whole);
		n++;
	}
	return n;
}

struct slice
reply_message(struct client_call *c, size_t n)
{
	struct slice s = buf_slice(&c->body);
	for (;; n--) {
		assert_true(s.n >= GRPC_PREFIX_BYTES);
		assert_int_equal(s.p[0], 0);
		size_t length = get_u32be(s.p + 1);
		assert_true(s.n - GRPC_PREFIX_BYTES >= length);
		if (n == 0)
			return slice_make(s.p + GRPC_PREFIX_BYTES, length);
		s = slice_make(s.p + GRPC_PREFIX_BYTES + length, s.n - GRPC_PREFIX_BYTES - length);
	}
}

static bool
has_header(struct client_call *c, const char *line)
{
	return memmem(c->headers.p, c->headers.n, line, strlen(line));
}

void
assert_has_header(struct client_call *c, const char *line)
{
	if (!has_header(c, line))
		fail_msg("no \"%s\" in:\n%.*s", line, (int)c->headers.n, c->headers.p);
}

void
assert_no_header(struct client_call *c, const char *line)
{
	if (has_header(c, line))
		fail_msg("\"%s\" in:\n%.*s", line, (int)c->headers.n, c->headers.p);
}

void
assert_status(struct client_call *c, enum grpc_status status)
{
	assert_int_equal(c->grpc_status, status);
	assert_true(c->ended);
	assert_true(c->closed);
	assert_int_equal(c->close_code, NGHTTP2_NO_ERROR);
}

unsigned
events(struct pair *p, struct client_call *c, const char *event)
{
	char what[64];
	snprintf(what, sizeof(what), " %d:%s ", c->stream, event);
	struct buf log = {0};
	buf_append_char(&log, ' ');
	for (size_t i = 0; i < p->log.n; i++) { /* both neighbours of a blank, so double it */
		buf_append_char(&log, p->log.p[i]);
		if (p->log.p[i] == ' ')
			buf_append_char(&log, ' ');
	}
	buf_append_char(&log, '\0');
	unsigned n = count(buf_slice(&log), what);
	buf_release(&log);
	return n;
}
