/* What the peer's methods do: a part of peer.h, which includes it. */
#ifndef ZWY_TESTS_LIB_PEER_METHODS_H
#define ZWY_TESTS_LIB_PEER_METHODS_H

static ssize_t
peer_read(nghttp2_session *session, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
	  nghttp2_data_source *source, void *ctx)
{
	(void)ctx;
	struct peer_stream *s = source->ptr;
	size_t n = s->out.n - s->out_at;
	if (n > room)
		n = room;
	if (n)
		memcpy(to, s->out.p + s->out_at, n);
	s->out_at += n;
	atomic_fetch_add(&s->conn->peer->sent, (long long)n);
	if (s->out_at == s->out.n) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		if (s->status) {
			nghttp2_nv trailer = peer_nv("grpc-status", s->status);
			*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
			nghttp2_submit_trailer(session, id, &trailer, 1);
		}
	}
	return (ssize_t)n;
}

static void
peer_answer(struct peer_stream *s)
{
	nghttp2_nv nv[] = {peer_nv(":status", "200"), peer_nv("content-type", "application/grpc")};
	nghttp2_data_provider provider = {.source.ptr = s, .read_callback = peer_read};
	nghttp2_submit_response(s->conn->session, s->id, nv, 2, &provider);
}

static void
peer_fail(struct peer_stream *s)
{
	struct fault f = {0};
	struct buf details = {0}, text = {0};
	fault_add(&f, ERR_DOCUMENT_MISSING, "document.security-filing", "the security filing is missing");
	fault_add(&f, ERR_DOCUMENT_MISSING, "document.construction-plan", "the plan is missing: 100%% 缺");
	struct buf raw = {0};
	status_encode(&raw, &f, 4096);
	base64_encode(&details, buf_slice(&raw));
	buf_append_char(&details, '\0');
	percent_encode(&text, slice_of(f.text));
	buf_append_char(&text, '\0');
	nghttp2_nv nv[] = {peer_nv(":status", "200"), peer_nv("content-type", "application/grpc"),
			   peer_nv("grpc-status", "9"), peer_nv("grpc-message", text.p),
			   peer_nv("grpc-status-details-bin", details.p)};
	nghttp2_submit_response(s->conn->session, s->id, nv, 5, NULL);
	buf_release(&raw);
	buf_release(&details);
	buf_release(&text);
}

static void
peer_stream_messages(struct peer_stream *s)
{
	unsigned count = 0, size = 0;
	char request[64] = "";
	if (s->body.n > 5 && s->body.n < 64)
		memcpy(request, s->body.p + 5, s->body.n - 5);
	if (sscanf(request, "%u %u", &count, &size) != 2)
		return;
	char *message = calloc(1, size + 1);
	for (unsigned i = 0; i < count; i++) {
		memset(message, 'a' + (int)(i % 26), size);
		frame_message(&s->out, slice_make(message, size));
	}
	free(message);
	peer_answer(s);
}

static void
peer_refuse_or_echo(struct peer_stream *s)
{
	if (atomic_fetch_sub(&s->conn->peer->refusals, 1) > 0) {
		nghttp2_submit_rst_stream(s->conn->session, 0, s->id, NGHTTP2_REFUSED_STREAM);
		return;
	}
	buf_append_slice(&s->out, buf_slice(&s->body));
	peer_answer(s);
}

static void
peer_count(struct peer_stream *s)
{
	struct peer *peer = s->conn->peer;
	char request[16] = "";
	if (s->body.n > 5 && s->body.n < 5 + sizeof(request))
		memcpy(request, s->body.p + 5, s->body.n - 5);
	unsigned number = (unsigned)atoi(request);
	if (number < PEER_COUNTED)
		atomic_fetch_add(&peer->counted[number], 1);
	buf_append_slice(&s->out, buf_slice(&s->body));
	peer_answer(s);
	if (peer->goaway_every && number % peer->goaway_every == 0)
		s->conn->goaway = true;
}

static void
peer_complete(struct peer_stream *s)
{
	struct peer_connection *conn = s->conn;
	atomic_fetch_add(&conn->peer->requests, 1);
	s->status = "0";
	if (conn->peer->method && conn->peer->method(s))
		return;
	if (strcmp(s->path, "/t/Echo") == 0 || strcmp(s->path, "/t/Goaway") == 0) {
		buf_append_slice(&s->out, buf_slice(&s->body));
		peer_answer(s);
		conn->goaway |= s->path[3] == 'G';
	} else if (strcmp(s->path, "/t/Stream") == 0) {
		peer_stream_messages(s);
	} else if (strcmp(s->path, "/t/Headers") == 0) {
		frame_message(&s->out, buf_slice(&s->headers));
		peer_answer(s);
	} else if (strcmp(s->path, "/t/Count") == 0) {
		peer_count(s);
	} else if (strcmp(s->path, "/t/Drop") == 0) {
		conn->drop = true;
	} else if (strcmp(s->path, "/t/Refuse") == 0) {
		peer_refuse_or_echo(s);
	} else if (strcmp(s->path, "/t/Fail") == 0) {
		peer_fail(s);
	} else if (strcmp(s->path, "/t/Bare") == 0) {
		nghttp2_nv nv[] = {peer_nv(":status", "503"), peer_nv("content-type", "text/html")};
		nghttp2_submit_response(conn->session, s->id, nv, 2, NULL);
	} else if (strcmp(s->path, "/t/Silent") == 0) {
		s->status = NULL;
		peer_answer(s);
	} else if (strcmp(s->path, "/t/Compressed") == 0) {
		buf_append(&s->out, "\1\0\0\0\1x", 6);
		peer_answer(s);
	}
}

#endif
