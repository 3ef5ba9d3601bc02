/* The reply's headers, trailers and status. */
#include "rpc/internal.h"

#include <stdio.h>
#include <stdlib.h>

/* RFC 9113 6.5.2 */
#define FIELD_OVERHEAD 32
/* Fields of our own, beside the handler's. */
#define OWN_FIELDS 6
/* :status, content-type, grpc-accept-encoding and grpc-status of a trailers-only reply */
#define OWN_BYTES  220
#define GZIP_BYTES 49 /* grpc-encoding */
/* One part in so many of the limit is kept for grpc-message and its details. */
#define TEXT_SHARE 4

#define FIXED (NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE)

nghttp2_nv
reply_field(struct slice key, struct slice value, uint8_t flags)
{
	return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)key.p,
			    .value = (uint8_t *)(uintptr_t)value.p,
			    .namelen = key.n,
			    .valuelen = value.n,
			    .flags = flags};
}

static struct slice
status_text(enum grpc_status status)
{
	static const char digits[GRPC_STATUS_COUNT][3] = {"0", "1",  "2",  "3",  "4",  "5",  "6",  "7", "8",
							  "9", "10", "11", "12", "13", "14", "15", "16"};
	return slice_of(digits[status]);
}

static struct slice
http_status_text(int status)
{
	if (status == 405)
		return SLICE("405");
	return status == 415 ? SLICE("415") : SLICE("200");
}

/* C core drops a call whose headers or trailers exceed the 8 KiB that it announces. */
static size_t
header_limit(const struct call *c)
{
	size_t limit = (size_t)c->engine->config->limits.max_reply_headers;
	size_t peer = nghttp2_session_get_remote_settings(c->engine->session,
							  NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE);
	return peer < limit ? peer : limit;
}

static size_t
put_head(const struct call *c, nghttp2_nv *nv, bool gzip)
{
	struct slice type = c->head.content == CONTENT_GRPC_PROTO ? SLICE("application/grpc+proto")
								  : SLICE("application/grpc");
	nv[0] = reply_field(SLICE(":status"), http_status_text(c->http_status), FIXED);
	nv[1] = reply_field(SLICE("content-type"), type, FIXED);
	size_t n = 2;
	if (header_limit(c) >= OWN_BYTES)
		nv[n++] = reply_field(SLICE("grpc-accept-encoding"), SLICE("identity,gzip"), FIXED);
	if (gzip)
		nv[n++] = reply_field(SLICE("grpc-encoding"), SLICE("gzip"), FIXED);
	for (const struct header *h = c->reply_headers.first; h; h = h->next)
		nv[n++] = reply_field(h->key, h->value, NGHTTP2_NV_FLAG_NONE);
	return n;
}

/* The first of them is grpc-status, from a table; texts differ from call to call and
 * would only push others out of the peer's HPACK table. */
static size_t
put_trailers(const struct call *c, nghttp2_nv *nv)
{
	nv[0] = reply_field(SLICE("grpc-status"), status_text(c->stats.status), FIXED);
	size_t n = 1;
	for (const struct header *h = c->reply_trailers.first; h; h = h->next)
		nv[n++] = reply_field(h->key, h->value, NGHTTP2_NV_FLAG_NO_INDEX);
	return n;
}

/* Room for the call's header fields: on the stack as a rule. */
static nghttp2_nv *
field_room(struct call *c, nghttp2_nv *small, size_t small_n, size_t n)
{
	if (n <= small_n)
		return small;
	nghttp2_nv *nv = arena_array(&c->arena, n, sizeof(*nv));
	if (!nv)
		engine_fail(c->engine);
	return nv;
}

void
reply_submit(struct call *c, const nghttp2_nv *nv, size_t n, bool with_body)
{
	nghttp2_data_provider body = {.source.ptr = c, .read_callback = send_read};
	c->headers_out = true;
	if (nghttp2_submit_response(c->engine->session, c->stream, nv, n, with_body ? &body : NULL) != 0)
		engine_fail(c->engine);
}

/* Takes off what does not fit into `room`; returns what the others take. */
static size_t
list_fit(struct header_list *l, size_t room)
{
	size_t used = 0;
	struct header **at = &l->first;
	while (*at) {
		size_t n = (*at)->key.n + (*at)->value.n + FIELD_OVERHEAD;
		if (n > room - used) {
			*at = (*at)->next;
			l->n--;
			continue;
		}
		used += n;
		at = &(*at)->next;
	}
	l->last = at;
	return used;
}

void
reply_headers(struct call *c)
{
	nghttp2_nv small[8];
	if (c->headers_out)
		return;
	nghttp2_nv *nv = field_room(c, small, 8, OWN_FIELDS + c->reply_headers.n);
	if (!nv)
		return;
	size_t limit = header_limit(c), own = OWN_BYTES + GZIP_BYTES;
	list_fit(&c->reply_headers, limit > own ? limit - own : 0);
	reply_submit(c, nv, put_head(c, nv, gzip_announce(c)), true);
}

/* Headers and trailers in one frame (PROTOCOL-HTTP2, Trailers-Only). */
static void
reply_trailers_only(struct call *c)
{
	nghttp2_nv small[12];
	nghttp2_nv *nv = field_room(c, small, 12, OWN_FIELDS + c->reply_headers.n + c->reply_trailers.n);
	if (!nv)
		return;
	size_t n = put_head(c, nv, false);
	n += put_trailers(c, nv + n);
	c->trailers_out = true;
	reply_submit(c, nv, n, false);
}

void
reply_trailers(struct call *c)
{
	nghttp2_nv small[8];
	nghttp2_nv *nv = field_room(c, small, 8, OWN_FIELDS + c->reply_trailers.n);
	if (!nv)
		return;
	c->trailers_out = true;
	if (nghttp2_submit_trailer(c->engine->session, c->stream, nv, put_trailers(c, nv)) != 0)
		engine_fail(c->engine);
}

/* Fits the handler's metadata into the frame that ends the call; returns what is left for
 * the status texts. The status itself goes out even where the peer allows less than that:
 * the limit is advice (RFC 9113 10.5.1), and a reset would tell it nothing. */
static size_t
text_budget(struct call *c)
{
	size_t limit = header_limit(c);
	size_t budget = limit > OWN_BYTES ? limit - OWN_BYTES : 0;
	size_t kept = c->stats.status == GRPC_OK ? 0 : budget / TEXT_SHARE;
	budget -= kept;
	if (!c->headers_out)
		budget -= list_fit(&c->reply_headers, budget);
	budget -= list_fit(&c->reply_trailers, budget);
	return budget + kept;
}

/* Cuts percent-encoded text so that neither an escape nor a UTF-8 character is split and
 * no blank stands at the end (RFC 9113 8.2.1). */
static size_t
percent_cut(struct slice s, size_t n)
{
	if (s.n <= n)
		return s.n;
	if (n >= 1 && s.p[n - 1] == '%')
		n -= 1;
	else if (n >= 2 && s.p[n - 2] == '%')
		n -= 2;
	/* %8_ to %B_: a continuation byte, whose character began before it */
	while (n >= 3 && s.p[n - 3] == '%' && s.p[n] == '%' && s.p[n + 1] >= '8' && s.p[n + 1] <= 'B')
		n -= 3;
	while (n >= 1 && s.p[n - 1] == ' ')
		n--;
	return n;
}

static void
add_text(struct call *c, struct slice key, struct buf *value, size_t *budget)
{
	size_t overhead = key.n + FIELD_OVERHEAD;
	if (value->error || value->n == 0 || value->n + overhead > *budget)
		return;
	if (header_list_add(&c->arena, &c->reply_trailers, key, buf_slice(value)) == 0)
		*budget -= value->n + overhead;
}

static void
add_message(struct call *c, struct slice message, size_t *budget)
{
	struct slice key = SLICE("grpc-message");
	struct buf text = {0};
	percent_encode(&text, message);
	if (*budget > key.n + FIELD_OVERHEAD)
		text.n = percent_cut(buf_slice(&text), *budget - key.n - FIELD_OVERHEAD);
	add_text(c, key, &text, budget);
	buf_release(&text);
}

static const struct slice details_key = {"grpc-status-details-bin", 23};

/* How many bytes of a google.rpc.Status fit into the budget once they are base64. */
static size_t
details_room(size_t budget)
{
	size_t overhead = details_key.n + FIELD_OVERHEAD + 4;
	return budget > overhead ? (budget - overhead) / 4 * 3 : 0;
}

static void
add_details(struct call *c, struct slice details, size_t *budget)
{
	struct buf text = {0};
	if (details.n && details.n <= details_room(*budget))
		base64_encode(&text, details);
	add_text(c, details_key, &text, budget);
	buf_release(&text);
}

static void
add_fault(struct call *c, const struct fault *f, size_t budget)
{
	struct buf details = {0};
	add_message(c, slice_of(f->text), &budget);
	if (details_room(budget)) {
		status_encode(&details, f, details_room(budget));
		if (!details.error)
			add_details(c, buf_slice(&details), &budget);
	}
	buf_release(&details);
}

static bool
finish_begin(struct call *c, enum grpc_status status, int code, struct slice text)
{
	if (c->finished)
		return false;
	c->finished = true;
	c->full = false;
	c->stats.code = code;
	c->stats.status = status;
	const char *copy = text.n ? arena_dup_slice(&c->arena, text) : NULL;
	c->stats.text = copy ? copy : "";
	return true;
}

/* Whether the peer's windows leave no room for DATA: the library asks for none then, not
 * even to learn that there is none, and trailers must not wait for that. */
static bool
is_shut(const struct call *c)
{
	nghttp2_session *session = c->engine->session;
	return nghttp2_session_get_stream_remote_window_size(session, c->stream) <= 0 ||
	       nghttp2_session_get_remote_window_size(session) <= 0;
}

static void
finish_end(struct call *c)
{
	request_discard(c);
	if (!c->headers_out)
		reply_trailers_only(c);
	else if (c->queued == 0 && is_shut(c))
		reply_trailers(c);
	else
		send_kick(c);
}

void
reply_finish(struct call *c, const struct fault *f)
{
	int code = f ? f->code : 0;
	if (!finish_begin(c, code ? reason_of(code)->status : GRPC_OK, code, slice_of(code ? f->text : NULL)))
		return;
	size_t budget = text_budget(c);
	if (code)
		add_fault(c, f, budget);
	finish_end(c);
}

void
reply_status(struct call *c, enum grpc_status status, struct slice message, struct slice details)
{
	if ((unsigned)status >= GRPC_STATUS_COUNT)
		status = GRPC_UNKNOWN;
	if (!finish_begin(c, status, reason_by_status(status), message))
		return;
	size_t budget = text_budget(c);
	add_message(c, message, &budget);
	add_details(c, details, &budget);
	finish_end(c);
}

void
call_abort(struct call *c, const struct fault *f)
{
	struct engine *e = c->engine;
	if (!c->trailers_out) {
		send_drop(c, true);
		if (c->finished) { /* with a status that never left: the later one counts */
			c->finished = false;
			c->reply_trailers = (struct header_list){0};
		}
		reply_finish(c, f);
	}
	c->aborting = true;
	if (timer_set(c, e->now + e->config->limits.abort_grace) != 0)
		engine_fail(e);
}
