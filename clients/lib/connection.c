#include "client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define READ_BYTES (64 << 10)

/* A silent peer is found out by the kernel: after this long without an answer. */
#define TCP_SILENCE_MS   60000
#define TCP_KEEP_IDLE_S  30
#define TCP_KEEP_EVERY_S 10
#define TCP_KEEP_PROBES  3

static void
set_tcp_options(int fd)
{
	int on = 1, idle = TCP_KEEP_IDLE_S, every = TCP_KEEP_EVERY_S, probes = TCP_KEEP_PROBES;
	unsigned silence = TCP_SILENCE_MS;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence, sizeof(silence));
}

/* Not before it connects: an unconnected socket always reports a hang-up. */
static void
watch(struct connection *conn, unsigned events)
{
	if (conn->watched == events)
		return;
	struct epoll_event e = {.events = events, .data.ptr = conn};
	int how = conn->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	if (epoll_ctl(conn->client->epoll, how, conn->fd, &e) == 0)
		conn->watched = events;
}

static void
start_session(struct connection *conn)
{
	conn->phase = PHASE_SETTLING;
	watch(conn, EPOLLIN);
	if (session_new(conn) != 0)
		connection_lost(conn, "out of memory");
	else
		connection_flush(conn);
}

static void
go_on_with_handshake(struct connection *conn)
{
	int r = tls_stream_handshake(conn->tls);
	if (r == 0)
		start_session(conn);
	else if (r == -EAGAIN)
		watch(conn, tls_stream_wants_write(conn->tls) ? EPOLLIN | EPOLLOUT : EPOLLIN);
	else
		connection_lost(conn, tls_stream_trouble(conn->tls));
}

static void
connected(struct connection *conn)
{
	if (!conn->client->tls) {
		start_session(conn);
		return;
	}
	conn->phase = PHASE_HANDSHAKING;
	conn->tls = tls_stream_new(conn->client->tls, conn->fd);
	if (conn->tls)
		go_on_with_handshake(conn);
	else
		connection_lost(conn, "out of memory");
}

/* 0: under way or done; a negative errno. */
static int
try_connect(struct connection *conn, const struct address *address)
{
	conn->busy_until = 0;
	if (connect(conn->fd, (const struct sockaddr *)&address->storage, address->size) == 0) {
		connected(conn);
		return 0;
	}
	if (errno == EINPROGRESS) {
		watch(conn, EPOLLIN | EPOLLOUT);
		return 0;
	}
	if (errno == EAGAIN || errno == EINTR) {
		conn->busy_until = conn->client->now + BUSY_RETRY_MS;
		return 0;
	}
	return -errno;
}

void
connection_connect_again(struct connection *conn)
{
	struct zwy_client *client = conn->client;
	int r = try_connect(conn, &client->target.addresses[client->next_address - 1]);
	if (r < 0)
		connection_lost(conn, strerror(-r));
}

int
connection_open(struct connection **ret, struct zwy_client *client, const struct address *address)
{
	struct connection *conn = calloc(1, sizeof(*conn));
	if (!conn)
		return -ENOMEM;
	conn->client = client;
	conn->phase = PHASE_CONNECTING;
	TAILQ_INIT(&conn->calls);
	TAILQ_INSERT_TAIL(&client->connections, conn, place);
	conn->fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = conn->fd < 0 ? -errno : 0;
	if (r == 0 && address->storage.ss_family != AF_UNIX)
		set_tcp_options(conn->fd);
	*ret = conn;
	if (r == 0)
		r = try_connect(conn, address);
	if (r < 0) {
		*ret = NULL;
		connection_free(conn);
	}
	return r;
}

void
connection_free(struct connection *conn)
{
	TAILQ_REMOVE(&conn->client->connections, conn, place);
	nghttp2_session_del(conn->session);
	tls_stream_free(conn->tls);
	if (conn->fd >= 0)
		close(conn->fd);
	buf_release(&conn->out);
	free(conn);
}

/* Calls that the server cannot have read wait for the next connection. */
static void
let_calls_go(struct connection *conn, const char *why)
{
	struct zwy_call *call;
	while ((call = TAILQ_FIRST(&conn->calls))) {
		call->stream = 0;
		if (!call_attempt_sent(call) && !call->out_dropped) {
			call_requeue(call);
			continue;
		}
		call->outcome_unknown = call_attempt_sent(call);
		call->local_code = ERR_UNAVAILABLE;
		buf_clear(&call->message);
		buf_printf(&call->message, "the connection to %s was lost: %s", conn->client->target.text,
			   why);
		call_ended(call);
	}
}

void
connection_lost(struct connection *conn, const char *why)
{
	if (conn->phase == PHASE_DEAD)
		return;
	struct zwy_client *client = conn->client;
	enum phase phase = conn->phase;
	char reason[320]; /* outlives what `why` may point to */
	snprintf(reason, sizeof(reason), "%s%s%s", why, conn->farewell[0] ? ": " : "", conn->farewell);
	conn->phase = PHASE_DEAD;
	if (conn->too_many_pings)
		keepalive_slower(client);
	let_calls_go(conn, reason);
	nghttp2_session_del(conn->session);
	conn->session = NULL;
	tls_stream_free(conn->tls);
	conn->tls = NULL;
	if (conn->fd >= 0)
		close(conn->fd);
	conn->fd = -1;
	if (client->current == conn)
		client_disconnected(client, phase, phase >= PHASE_READY && conn->proven, reason);
	else
		client_assign(client);
}

/* Packs frames until the buffer is full; false if the session is broken. */
static bool
pack(struct connection *conn)
{
	while (conn->out.n < OUT_MAX) {
		const uint8_t *bytes;
		ssize_t n = nghttp2_session_mem_send(conn->session, &bytes);
		if (n < 0)
			return false;
		if (n == 0)
			return true;
		buf_append(&conn->out, bytes, (size_t)n);
		conn->packed += (uint64_t)n;
	}
	return true;
}

/* As send() and recv(), with a negative errno instead of -1. */
static ssize_t
transmit(struct connection *conn, const void *from, size_t n)
{
	if (conn->tls)
		return tls_stream_write(conn->tls, from, n);
	ssize_t done;
	do
		done = send(conn->fd, from, n, MSG_NOSIGNAL);
	while (done < 0 && errno == EINTR);
	return done < 0 ? -errno : done;
}

static ssize_t
receive(struct connection *conn, void *to, size_t n)
{
	if (conn->tls)
		return tls_stream_read(conn->tls, to, n);
	ssize_t done;
	do
		done = recv(conn->fd, to, n, 0);
	while (done < 0 && errno == EINTR);
	return done < 0 ? -errno : done;
}

/* What an end (0) or an error of these is called. */
static const char *
why(const struct connection *conn, ssize_t n)
{
	if (n == 0)
		return "the server closed it";
	return n == -EPROTO && conn->tls ? tls_stream_trouble(conn->tls) : strerror((int)-n);
}

void
connection_flush(struct connection *conn)
{
	while (conn->phase >= PHASE_SETTLING && conn->phase != PHASE_DEAD) {
		if (conn->out_at == conn->out.n) {
			buf_clear(&conn->out);
			conn->out_at = 0;
			if (!pack(conn) || conn->out.error) {
				connection_lost(conn, "out of memory");
				return;
			}
		}
		size_t left = conn->out.n - conn->out_at;
		if (left == 0) {
			watch(conn, EPOLLIN);
			return;
		}
		ssize_t n = transmit(conn, conn->out.p + conn->out_at, left);
		if (n == -EAGAIN) {
			watch(conn,
			      !conn->tls || tls_stream_wants_write(conn->tls) ? EPOLLIN | EPOLLOUT : EPOLLIN);
			return;
		}
		if (n < 0) {
			connection_lost(conn, why(conn, n));
			return;
		}
		conn->out_at += (size_t)n;
		conn->written += (uint64_t)n;
	}
}

/* What the frames just read mean for the connection as a whole. */
static void
after_frames(struct connection *conn)
{
	struct zwy_client *client = conn->client;
	if (conn->settled && conn->phase == PHASE_SETTLING) {
		conn->phase = PHASE_READY;
		conn->calls_at = client->now;
		client_connected(client);
	}
	if (conn->going_away && conn->phase == PHASE_READY) {
		conn->phase = PHASE_DRAINING;
		if (client->current == conn)
			client_disconnected(client, PHASE_READY, conn->proven,
					    conn->farewell[0] ? conn->farewell
							      : "the server is shutting down");
	}
	if (!nghttp2_session_want_read(conn->session) && !nghttp2_session_want_write(conn->session))
		connection_lost(conn, "the server closed it");
}

/* Reads what is there. The connection may be lost afterwards. */
static void
read_some(struct connection *conn)
{
	char bytes[READ_BYTES];
	for (int turn = 0; turn < READS_PER_TURN && conn->phase != PHASE_DEAD; turn++) {
		ssize_t n = receive(conn, bytes, sizeof(bytes));
		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			connection_lost(conn, why(conn, n));
			return;
		}
		conn->heard_at = conn->client->now;
		conn->asked_at = 0;
		ssize_t used = nghttp2_session_mem_recv(conn->session, (const uint8_t *)bytes, (size_t)n);
		if (used < 0) {
			connection_lost(conn, used == NGHTTP2_ERR_NOMEM ? "out of memory"
									: "the peer does not speak HTTP/2");
			return;
		}
		after_frames(conn);
		/* Of TLS a read gives one record, whatever waits behind it. */
		if (!conn->tls && (size_t)n < sizeof(bytes))
			return;
	}
}

void
connection_event(struct connection *conn, unsigned events)
{
	if (conn->phase == PHASE_DEAD || conn->busy_until)
		return;
	if (conn->phase == PHASE_CONNECTING) {
		int error = 0;
		socklen_t size = sizeof(error);
		getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &size);
		if (error)
			connection_lost(conn, strerror(error));
		else if (events & EPOLLOUT)
			connected(conn);
		return;
	}
	if (conn->phase == PHASE_HANDSHAKING) {
		go_on_with_handshake(conn);
		return;
	}
	/* Either half of TLS may have waited for the other direction. */
	if (conn->tls || events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_some(conn);
	if (conn->tls || events & EPOLLOUT)
		connection_flush(conn);
}

void
connection_probe(struct connection *conn)
{
	if (conn->phase == PHASE_READY && conn->streams == 0)
		read_some(conn);
}
