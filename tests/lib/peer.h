/* A small gRPC server on a thread, for tests of libzwy: it can misbehave on
 * purpose. Independent of the server's own engine. The method says what happens:
 *
 *   /t/Count     request "NUMBER": counted in peer.counted[NUMBER], then as Echo; where the
 *                number is divisible by peer.goaway_every, GOAWAY follows
 *   /t/Echo      each message comes back once the client has half-closed
 *   /t/Stream    request "COUNT SIZE": so many messages of that size
 *   /t/Headers   one message: the request's headers, "name: value" lines
 *   /t/Hang      never answers
 *   /t/Drop      the connection is closed when the request is complete
 *   /t/Refuse    REFUSED_STREAM, as often as peer.refusals says; then as Echo
 *   /t/Goaway    as Echo, followed by GOAWAY
 *   /t/Fail      FAILED_PRECONDITION with details (trailers only)
 *   /t/Bare      HTTP 503 without gRPC
 *   /t/Silent    ends without a status
 *   /t/Early     answers RESOURCE_EXHAUSTED before the request is complete
 *   /t/Compressed a message that says it is compressed
 * and what the test's own peer.method does. */
#ifndef ZWY_TESTS_LIB_PEER_H
#define ZWY_TESTS_LIB_PEER_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "status.h"

#define PEER_CONNECTIONS 64
#define PEER_COUNTED     20000

struct peer_stream;

struct peer {
	bool is_tcp, is_ipv6;
	/* Serves a complete request; false: not one of its own. */
	bool (*method)(struct peer_stream *s);
	atomic_int troubles;    /* that the method has left to make */
	int pushback;           /* milliseconds, of the method's own */
	unsigned pings_allowed; /* 0: any number */
	atomic_bool deaf;       /* reads and writes nothing more on its connections */
	atomic_bool deaf_now;   /* ... since the last turn of the loop */
	atomic_int pings, closed;
	bool mute;    /* accepts connections and says nothing */
	SSL_CTX *tls; /* NULL: in the clear */
	char folder[32];
	char target[128];
	unsigned max_streams; /* 0: 100 */
	atomic_int refusals, accepted, requests, resets, most_open;
	atomic_llong sent; /* bytes of DATA payload */
	unsigned goaway_every;
	atomic_uchar counted[PEER_COUNTED];
	int listener, wake;
	uint16_t port;
	atomic_bool stop;
	pthread_t thread;
	struct peer_connection *connections[PEER_CONNECTIONS];
};

struct peer_connection {
	struct peer *peer;
	int fd;
	SSL *ssl;
	nghttp2_session *session;
	bool drop, goaway; /* now; when everything is answered */
	bool hang_up;      /* when everything is sent */
	int open;
	struct peer_stream *streams;
};

struct peer_stream {
	struct peer_connection *conn;
	struct peer_stream *next;
	int32_t id;
	char path[64];
	struct buf headers, body, out;
	size_t out_at;
	bool bare;
	const char *status;
};

static inline void
peer_must(bool held)
{
	if (!held) {
		perror("peer");
		abort();
	}
}

static nghttp2_nv
peer_nv(const char *name, const char *value)
{
	return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), 0};
}

#include "peer_methods.h"

static int
peer_on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	struct peer_connection *conn = ctx;
	if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	struct peer_stream *s = calloc(1, sizeof(*s));
	s->conn = conn;
	s->id = frame->hd.stream_id;
	s->next = conn->streams;
	conn->streams = s;
	if (++conn->open > atomic_load(&conn->peer->most_open))
		atomic_store(&conn->peer->most_open, conn->open);
	return nghttp2_session_set_stream_user_data(session, s->id, s);
}

static int
peer_on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_n,
	       const uint8_t *value, size_t value_n, uint8_t flags, void *ctx)
{
	(void)flags;
	(void)ctx;
	struct peer_stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (!s)
		return 0;
	if (name_n == 5 && memcmp(name, ":path", 5) == 0 && value_n < sizeof(s->path))
		memcpy(s->path, value, value_n);
	buf_printf(&s->headers, "%.*s: %.*s\n", (int)name_n, (const char *)name, (int)value_n,
		   (const char *)value);
	return 0;
}

static int
peer_on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t n, void *ctx)
{
	(void)flags;
	(void)ctx;
	struct peer_stream *s = nghttp2_session_get_stream_user_data(session, id);
	if (!s)
		return 0;
	bool first = s->body.n == 0;
	buf_append(&s->body, data, n);
	if (first && strcmp(s->path, "/t/Early") == 0) {
		nghttp2_nv nv[] = {peer_nv(":status", "200"), peer_nv("content-type", "application/grpc"),
				   peer_nv("grpc-status", "8"), peer_nv("grpc-message", "enough")};
		nghttp2_submit_response(session, id, nv, 4, NULL);
	}
	return 0;
}

static int
peer_on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	struct peer_connection *conn = ctx;
	if (frame->hd.type == NGHTTP2_RST_STREAM)
		atomic_fetch_add(&conn->peer->resets, 1);
	if (frame->hd.type == NGHTTP2_PING && !(frame->hd.flags & NGHTTP2_FLAG_ACK) &&
	    (unsigned)atomic_fetch_add(&conn->peer->pings, 1) + 1 > conn->peer->pings_allowed &&
	    conn->peer->pings_allowed) {
		nghttp2_submit_goaway(session, 0, nghttp2_session_get_last_proc_stream_id(session),
				      NGHTTP2_ENHANCE_YOUR_CALM, (const uint8_t *)"too_many_pings", 14);
		conn->hang_up = true;
	}
	if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		return 0;
	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
		return 0;
	struct peer_stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (s)
		peer_complete(s);
	return 0;
}

static int
peer_on_close(nghttp2_session *session, int32_t id, uint32_t error, void *ctx)
{
	(void)session;
	(void)error;
	struct peer_connection *conn = ctx;
	for (struct peer_stream **at = &conn->streams; *at; at = &(*at)->next) {
		struct peer_stream *s = *at;
		if (s->id != id)
			continue;
		*at = s->next;
		conn->open--;
		buf_release(&s->headers);
		buf_release(&s->body);
		buf_release(&s->out);
		free(s);
		break;
	}
	return 0;
}

static void
peer_accept(struct peer *peer, struct peer_connection **slot)
{
	int fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	int on = 1;
	if (peer->is_tcp)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	atomic_fetch_add(&peer->accepted, 1);
	struct peer_connection *conn = calloc(1, sizeof(*conn));
	conn->peer = peer;
	conn->fd = fd;
	if (peer->tls) {
		conn->ssl = SSL_new(peer->tls);
		SSL_set_fd(conn->ssl, fd);
		SSL_set_accept_state(conn->ssl);
	}
	nghttp2_session_callbacks *c;
	nghttp2_session_callbacks_new(&c);
	nghttp2_session_callbacks_set_on_begin_headers_callback(c, peer_on_begin);
	nghttp2_session_callbacks_set_on_header_callback(c, peer_on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, peer_on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, peer_on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(c, peer_on_close);
	nghttp2_session_server_new(&conn->session, c, conn);
	nghttp2_session_callbacks_del(c);
	nghttp2_settings_entry s = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
				    peer->max_streams ? peer->max_streams : 100};
	if (!peer->mute)
		nghttp2_submit_settings(conn->session, 0, &s, 1);
	*slot = conn;
}

static void
peer_connection_free(struct peer_connection *conn)
{
	while (conn->streams)
		peer_on_close(conn->session, conn->streams->id, 0, conn);
	nghttp2_session_del(conn->session);
	atomic_fetch_add(&conn->peer->closed, 1);
	SSL_free(conn->ssl);
	close(conn->fd);
	free(conn);
}

/* Both as send() and recv(). The handshake goes on inside. */
static ssize_t
peer_tls_result(struct peer_connection *conn, int r)
{
	if (r > 0)
		return r;
	int error = SSL_get_error(conn->ssl, r);
	errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPIPE;
	return error == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

static ssize_t
peer_write(struct peer_connection *conn, const void *from, size_t n)
{
	if (!conn->ssl)
		return send(conn->fd, from, n, MSG_NOSIGNAL);
	return peer_tls_result(conn, SSL_write(conn->ssl, from, (int)n));
}

static ssize_t
peer_recv(struct peer_connection *conn, void *to, size_t n)
{
	if (!conn->ssl)
		return recv(conn->fd, to, n, 0);
	return peer_tls_result(conn, SSL_read(conn->ssl, to, (int)n));
}

static bool
peer_send_all(struct peer_connection *conn)
{
	const uint8_t *bytes;
	ssize_t n;
	while ((n = nghttp2_session_mem_send(conn->session, &bytes)) > 0) {
		while (n > 0) {
			ssize_t m = peer_write(conn, bytes, (size_t)n);
			if (m < 0 && errno == EAGAIN) {
				struct pollfd p = {.fd = conn->fd,
						   .events = POLLOUT | (conn->ssl ? POLLIN : 0)};
				poll(&p, 1, 1000);
				continue;
			}
			if (m < 0)
				return false;
			bytes += m;
			n -= m;
		}
	}
	return n == 0;
}

static bool
peer_serve(struct peer_connection *conn)
{
	uint8_t bytes[65536];
	ssize_t n = peer_recv(conn, bytes, sizeof(bytes));
	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0)
		return false;
	if (conn->peer->mute)
		return true;
	if (nghttp2_session_mem_recv(conn->session, bytes, (size_t)n) < 0 || conn->drop)
		return false;
	if (conn->ssl && SSL_pending(conn->ssl) > 0)
		return peer_serve(conn);
	/* Everything that came with it has been served: the last stream is the truth. */
	if (conn->goaway)
		nghttp2_submit_goaway(conn->session, 0,
				      nghttp2_session_get_last_proc_stream_id(conn->session),
				      NGHTTP2_NO_ERROR, NULL, 0);
	conn->goaway = false;
	if (!peer_send_all(conn) || conn->drop || conn->hang_up)
		return false;
	return nghttp2_session_want_read(conn->session) || nghttp2_session_want_write(conn->session);
}

static void *
peer_run(void *arg)
{
	struct peer *peer = arg;
	/* Of the peer's own OpenSSL. What libzwy does to the test's thread is felt. */
	sigset_t pipe;
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, NULL);
	while (!atomic_load(&peer->stop)) {
		bool deaf = atomic_load(&peer->deaf);
		atomic_store(&peer->deaf_now, deaf);
		struct pollfd p[PEER_CONNECTIONS + 2] = {{.fd = peer->listener, .events = POLLIN},
							 {.fd = peer->wake, .events = POLLIN}};
		for (size_t i = 0; i < PEER_CONNECTIONS; i++)
			p[i + 2] =
				(struct pollfd){.fd = peer->connections[i] && !deaf ? peer->connections[i]->fd
										    : -1,
						.events = POLLIN};
		poll(p, PEER_CONNECTIONS + 2, -1);
		eventfd_t woken;
		if (p[1].revents)
			eventfd_read(peer->wake, &woken);
		for (size_t i = 0; i < PEER_CONNECTIONS; i++) {
			struct peer_connection **slot = &peer->connections[i];
			if (!*slot && p[0].revents) {
				p[0].revents = 0;
				peer_accept(peer, slot);
				if (*slot && !peer->mute)
					peer_send_all(*slot);
			} else if (*slot && p[i + 2].revents && !peer_serve(*slot)) {
				peer_connection_free(*slot);
				*slot = NULL;
			}
		}
	}
	return NULL;
}

static int
peer_bind_tcp(struct peer *peer)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = htons(peer->port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
				   .sin6_port = htons(peer->port),
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr *at = peer->is_ipv6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in;
	socklen_t size = peer->is_ipv6 ? sizeof(in6) : sizeof(in);
	int r = bind(peer->listener, at, size);
	getsockname(peer->listener, at, &size);
	peer->port = ntohs(peer->is_ipv6 ? in6.sin6_port : in.sin_port);
	return r;
}

static void
peer_listen(struct peer *peer)
{
	if (peer->is_tcp) {
		int on = 1;
		peer->listener = socket(peer->is_ipv6 ? AF_INET6 : AF_INET,
					SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		setsockopt(peer->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		peer_must(peer_bind_tcp(peer) == 0);
		snprintf(peer->target, sizeof(peer->target), "%s%s:%u", peer->tls ? "tls:" : "",
			 peer->is_ipv6 ? "[::1]" : "127.0.0.1", peer->port);
	} else {
		struct sockaddr_un un = {.sun_family = AF_UNIX};
		snprintf(un.sun_path, sizeof(un.sun_path), "%s/s", peer->folder);
		snprintf(peer->target, sizeof(peer->target), "unix:%s", un.sun_path);
		unlink(un.sun_path);
		peer->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		int r = bind(peer->listener, (struct sockaddr *)&un, sizeof(un));
		peer_must(r == 0);
	}
	listen(peer->listener, 64);
}

/* Starts it, also again after peer_stop, at the same place. */
static inline void
peer_start(struct peer *peer)
{
	if (!peer->folder[0]) {
		snprintf(peer->folder, sizeof(peer->folder), "/tmp/zwy-peer-XXXXXX");
		char *made = mkdtemp(peer->folder);
		peer_must(made);
	}
	peer_listen(peer);
	peer->wake = eventfd(0, EFD_CLOEXEC);
	atomic_store(&peer->stop, false);
	pthread_create(&peer->thread, NULL, peer_run, peer);
}

/* The network swallows everything, from now on. */
static inline void
peer_deafen(struct peer *peer)
{
	atomic_store(&peer->deaf, true);
	eventfd_write(peer->wake, 1);
	while (!atomic_load(&peer->deaf_now))
		sched_yield();
}

/* As if the server were killed: every connection is closed, nobody listens. */
static inline void
peer_stop(struct peer *peer)
{
	atomic_store(&peer->stop, true);
	eventfd_write(peer->wake, 1);
	pthread_join(peer->thread, NULL);
	for (size_t i = 0; i < PEER_CONNECTIONS; i++) {
		if (peer->connections[i])
			peer_connection_free(peer->connections[i]);
		peer->connections[i] = NULL;
	}
	close(peer->wake);
	close(peer->listener);
}

static inline void
peer_release(struct peer *peer)
{
	char path[64];
	peer_stop(peer);
	snprintf(path, sizeof(path), "%s/s", peer->folder);
	unlink(path);
	rmdir(peer->folder);
}

#endif
