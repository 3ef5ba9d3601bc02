#include "link.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"

#define WINDOW    (16u << 20)
#define READ_SIZE 65536

#define RESOURCE_EXHAUSTED 8

/* A call in flight. */
struct stream {
	struct link *link;
	const struct request *request;
	size_t sent;
	uint64_t start;
	int grpc_status; /* -1: none came */
	bool heard;      /* streaming: a message */
	uint8_t *body;
	size_t size, room;
	struct stream *next; /* in link->spare */
	struct stream *made; /* in link->made */
};

static void __attribute__((format(printf, 2, 3))) complain(struct load *load, const char *fmt, ...)
{
	va_list args;

	if (load->error[0])
		return;
	va_start(args, fmt);
	vsnprintf(load->error, sizeof(load->error), fmt, args);
	va_end(args);
	load->stopping = true;
}

/* ---- checking answers: just enough protobuf for field 1 ------------------- */

static bool
varint(const uint8_t **at, const uint8_t *end, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
		uint8_t byte = *(*at)++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = value;
			return true;
		}
	}
	return false;
}

/* Steps over fields until one with number 1 and a length; false at the end. */
static bool
next_field_1(const uint8_t **at, const uint8_t *end, const uint8_t **ret, size_t *ret_size)
{
	uint64_t tag, value;

	while (*at < end && varint(at, end, &tag)) {
		if ((tag & 7) == 0) {
			if (!varint(at, end, &value))
				return false;
		} else if ((tag & 7) == 1) {
			*at += 8;
		} else if ((tag & 7) == 5) {
			*at += 4;
		} else {
			if ((tag & 7) != 2 || !varint(at, end, &value) || value > (uint64_t)(end - *at))
				return false;
			*ret = *at;
			*ret_size = (size_t)value;
			*at += value;
			if (tag >> 3 == 1)
				return true;
		}
	}
	return false;
}

/* The length in a gRPC message's prefix. */
static size_t
message_size(const uint8_t *prefix)
{
	return (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 8 | prefix[4];
}

static bool
answer_right(const struct load *load, const struct stream *s)
{
	const uint8_t *at = s->body + 5, *end = s->body + s->size, *field = NULL;
	const uint8_t *asked_at = s->request->framed + 5, *asked = NULL;
	size_t size = 0, asked_size = 0;
	uint64_t items = 0;

	switch (load->check) {
	case CHECK_OK:
		return true;
	case CHECK_ITEMS:
		while (next_field_1(&at, end, &field, &size))
			items++;
		return items >= load->items;
	case CHECK_PREFIX:
		return next_field_1(&at, end, &field, &size) && size > strlen(load->prefix) &&
		       !memcmp(field, load->prefix, strlen(load->prefix));
	case CHECK_SAME_NAME:
		return next_field_1(&at, end, &field, &size) &&
		       next_field_1(&asked_at, s->request->framed + s->request->size, &asked, &asked_size) &&
		       size == asked_size && !memcmp(field, asked, size);
	}
	return false;
}

static void
stream_check(struct link *link, const struct stream *s, uint32_t error_code)
{
	struct load *load = link->load;

	if (s->grpc_status == RESOURCE_EXHAUSTED && load->may_refuse)
		load->refused++;
	else if (s->grpc_status != 0)
		complain(load, "a call ended with grpc-status %d (HTTP/2 error %u)", s->grpc_status,
			 error_code);
	else if (s->size < 5 || s->size - 5 != message_size(s->body))
		complain(load, "an answer is not one whole message");
	else if (!answer_right(load, s))
		complain(load, "an answer of %zu bytes is not the one asked for", s->size - 5);
}

/* Counts the whole messages at the head of a stream's bytes and drops them. */
static void
count_messages(struct load *load, struct stream *s)
{
	size_t at = 0;

	while (s->size - at >= 5 && s->size - at - 5 >= message_size(s->body + at)) {
		at += 5 + message_size(s->body + at);
		load->messages++;
		load->silent -= !s->heard;
		s->heard = true;
	}
	memmove(s->body, s->body + at, s->size - at);
	s->size -= at;
}

/* ---- nghttp2's callbacks --------------------------------------------------- */

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_size,
	  const uint8_t *value, size_t value_size, uint8_t flags, void *user)
{
	struct stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	char digits[8] = "";

	(void)flags;
	(void)user;
	if (s && name_size == 11 && !memcmp(name, "grpc-status", 11)) {
		memcpy(digits, value, value_size < sizeof(digits) ? value_size : sizeof(digits) - 1);
		s->grpc_status = atoi(digits);
	}
	return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t size, void *user)
{
	struct stream *s = nghttp2_session_get_stream_user_data(session, id);

	(void)flags;
	(void)user;
	if (!s)
		return 0;
	s->link->load->bytes += size;
	if (s->size + size > s->room) {
		s->room = (s->size + size) * 2;
		s->body = realloc(s->body, s->room);
		if (!s->body)
			return NGHTTP2_ERR_CALLBACK_FAILURE;
	}
	memcpy(s->body + s->size, data, size);
	s->size += size;
	if (s->link->load->streaming)
		count_messages(s->link->load, s);
	return 0;
}

static int
on_close(nghttp2_session *session, int32_t id, uint32_t error_code, void *user)
{
	struct link *link = user;
	struct load *load = link->load;
	struct stream *s = nghttp2_session_get_stream_user_data(session, id);
	uint64_t took;

	if (!s)
		return 0;
	took = clock_ns() - s->start;
	if (load->streaming)
		complain(load, "a stream ended with grpc-status %d (HTTP/2 error %u)", s->grpc_status,
			 error_code);
	else
		stream_check(link, s, error_code);
	latency_add(&load->latency, took);
	load->done++;
	link->open--;
	s->next = link->spare;
	link->spare = s;
	return 0;
}

static ssize_t
read_request(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t size, uint32_t *flags,
	     nghttp2_data_source *source, void *user)
{
	struct stream *s = source->ptr;
	size_t rest = s->request->size - s->sent;

	(void)session;
	(void)id;
	(void)user;
	if (size > rest)
		size = rest;
	memcpy(buffer, s->request->framed + s->sent, size);
	s->sent += size;
	if (s->sent == s->request->size)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)size;
}

/* ---- calls ------------------------------------------------------------------ */

static struct stream *
stream_take(struct link *link)
{
	struct load *load = link->load;
	struct stream *s = link->spare;

	if (s)
		link->spare = s->next;
	else if ((s = calloc(1, sizeof(*s))))
		s->made = link->made, link->made = s;
	else
		return NULL;
	s->link = link;
	s->request = &load->requests[load->next_request];
	load->next_request = (load->next_request + 1) % load->request_count;
	s->sent = s->size = 0;
	s->grpc_status = -1;
	s->heard = false;
	load->silent += load->streaming;
	s->start = clock_ns();
	return s;
}

#define FIELD(n, v)                                                         \
	{                                                                   \
		(uint8_t *)(n), (uint8_t *)(v), sizeof(n) - 1, strlen(v), 0 \
	}

static int
call_start(struct link *link)
{
	struct load *load = link->load;
	nghttp2_nv headers[] = {
		FIELD(":method", "POST"),        FIELD(":scheme", load->tls ? "https" : "http"),
		FIELD(":path", load->path),      FIELD(":authority", "localhost"),
		FIELD("te", "trailers"),         FIELD("content-type", "application/grpc"),
		FIELD("user-agent", "zwy-load"), FIELD("zwy-as", load->as ? load->as : ""),
	};
	size_t count = sizeof(headers) / sizeof(headers[0]) - !load->as;
	struct stream *s = stream_take(link);
	if (!s)
		return -1;
	nghttp2_data_provider body = {.source.ptr = s, .read_callback = read_request};
	if (nghttp2_submit_request(link->session, NULL, headers, count, &body, s) < 0) {
		complain(load, "no further call can be started");
		return -1;
	}
	link->open++;
	load->started++;
	return 0;
}

static bool
may_start(const struct load *load)
{
	if (load->stopping || (load->limit && load->started >= load->limit))
		return false;
	return !load->audience || load->audience->messages >= load->started * load->listeners;
}

void
link_fill(struct link *link)
{
	while (link->open < link->wanted && may_start(link->load)) {
		if (call_start(link) < 0)
			return;
	}
}

/* ---- the socket --------------------------------------------------------------- */

static int
session_start(struct link *link)
{
	nghttp2_session_callbacks *callbacks;
	nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW},
					     {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
	int error;

	if (nghttp2_session_callbacks_new(&callbacks))
		return -1;
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	error = nghttp2_session_client_new(&link->session, callbacks, link);
	nghttp2_session_callbacks_del(callbacks);
	if (error)
		return -1;
	nghttp2_submit_settings(link->session, 0, settings, 2);
	nghttp2_session_set_local_window_size(link->session, 0, 0, WINDOW);
	return 0;
}

int
link_open(struct link *ret, struct load *load, const char *target, size_t calls)
{
	struct link link = {.load = load, .wanted = calls};

	*ret = (struct link){.wire.fd = -1};
	if (wire_open(&link.wire, target, load->tls) < 0) {
		complain(load, "%s: %s", target, strerror(errno));
		return -1;
	}
	*ret = link;
	return session_start(ret);
}

void
link_close(struct link *link)
{
	if (link->session)
		nghttp2_session_del(link->session);
	wire_close(&link->wire);
	for (struct stream *s = link->made; s;) {
		struct stream *next = s->made;
		free(s->body);
		free(s);
		s = next;
	}
	free(link->pending);
	*link = (struct link){.wire.fd = -1};
}

bool
link_wants_write(const struct link *link)
{
	return link->pending_sent < link->pending_size;
}

/* Gathers what the session has to send into the pending buffer. */
static int
gather(struct link *link)
{
	const uint8_t *bytes;
	ssize_t size;

	link->pending_size = link->pending_sent = 0;
	while (link->pending_size < READ_SIZE &&
	       (size = nghttp2_session_mem_send(link->session, &bytes)) > 0) {
		uint8_t *grown = realloc(link->pending, link->pending_size + (size_t)size + READ_SIZE);
		if (!grown)
			return -1;
		link->pending = grown;
		memcpy(grown + link->pending_size, bytes, (size_t)size);
		link->pending_size += (size_t)size;
	}
	return 0;
}

static int
send_all(struct link *link)
{
	for (;;) {
		if (!link_wants_write(link) && (gather(link) < 0 || !link->pending_size))
			return 0;
		ssize_t sent = wire_write(&link->wire, link->pending + link->pending_sent,
					  link->pending_size - link->pending_sent);
		if (sent < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		link->pending_sent += (size_t)sent;
	}
}

int
link_turn(struct link *link)
{
	uint8_t buffer[READ_SIZE];

	for (;;) {
		ssize_t size = wire_read(&link->wire, buffer, sizeof(buffer));
		if (size < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (size <= 0 || nghttp2_session_mem_recv(link->session, buffer, (size_t)size) < 0) {
			complain(link->load, "the server closed the connection");
			return -1;
		}
		/* A TLS record is less than the buffer, and another may be at hand. */
		if ((size_t)size < sizeof(buffer) && !link->wire.ssl)
			break;
	}
	link_fill(link);
	return send_all(link);
}
