/* zwy-echo: answers every call with the same bytes and grpc-status 0. What it costs
 * is what HTTP/2 costs; the bench compares the server with it.
 *
 * usage: zwy-echo SOCKET SIZE      prints a line when it listens; ends when killed */
#include <errno.h>
#include <fcntl.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PEERS_MAX 128
#define BUFFER    (1u << 18)

struct answer {
	uint8_t *bytes;
	size_t size;
};

struct peer {
	int fd;
	nghttp2_session *session;
	const struct answer *answer;
};

/* How much of the answer a stream has been sent is kept in its user data. */
static ssize_t
read_answer(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t size, uint32_t *flags,
	    nghttp2_data_source *source, void *user)
{
	const struct answer *answer = ((struct peer *)user)->answer;
	size_t sent = (size_t)(uintptr_t)nghttp2_session_get_stream_user_data(session, id);
	nghttp2_nv trailer = {(uint8_t *)"grpc-status", (uint8_t *)"0", 11, 1, 0};

	(void)source;
	if (size > answer->size - sent)
		size = answer->size - sent;
	memcpy(buffer, answer->bytes + sent, size);
	sent += size;
	nghttp2_session_set_stream_user_data(session, id, (void *)(uintptr_t)sent);
	if (sent == answer->size) {
		*flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
		nghttp2_submit_trailer(session, id, &trailer, 1);
	}
	return (ssize_t)size;
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	nghttp2_nv headers[] = {
		{(uint8_t *)":status", (uint8_t *)"200", 7, 3, 0},
		{(uint8_t *)"content-type", (uint8_t *)"application/grpc", 12, 16, 0},
	};
	nghttp2_data_provider body = {.read_callback = read_answer};

	(void)user;
	if ((frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
	    frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		nghttp2_submit_response(session, frame->hd.stream_id, headers, 2, &body);
	return 0;
}

static int
peer_open(struct peer *ret, int fd, const struct answer *answer)
{
	nghttp2_session_callbacks *callbacks;
	nghttp2_settings_entry setting = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000};

	*ret = (struct peer){.fd = fd, .answer = answer};
	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (nghttp2_session_callbacks_new(&callbacks))
		return -1;
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	int error = nghttp2_session_server_new(&ret->session, callbacks, ret);
	nghttp2_session_callbacks_del(callbacks);
	if (error)
		return -1;
	nghttp2_submit_settings(ret->session, 0, &setting, 1);
	return nghttp2_session_set_local_window_size(ret->session, 0, 0, 1 << 24);
}

static void
peer_close(struct peer *p)
{
	nghttp2_session_del(p->session);
	close(p->fd);
	*p = (struct peer){.fd = -1};
}

/* A peer that does not read blocks all: the load generator always reads. */
static int
send_all(struct peer *p, const uint8_t *bytes, size_t size)
{
	while (size) {
		ssize_t sent = send(p->fd, bytes, size, MSG_NOSIGNAL);
		if (sent < 0 && errno == EAGAIN) {
			struct pollfd wait = {p->fd, POLLOUT, 0};
			poll(&wait, 1, -1);
			continue;
		}
		if (sent <= 0)
			return -1;
		bytes += sent;
		size -= (size_t)sent;
	}
	return 0;
}

static int
peer_turn(struct peer *p, uint8_t *buffer)
{
	const uint8_t *bytes;
	size_t gathered = 0;
	ssize_t size = recv(p->fd, buffer, BUFFER, 0);

	if (size <= 0)
		return size < 0 && errno == EAGAIN ? 0 : -1;
	if (nghttp2_session_mem_recv(p->session, buffer, (size_t)size) < 0)
		return -1;
	while ((size = nghttp2_session_mem_send(p->session, &bytes)) > 0) {
		if (gathered + (size_t)size > BUFFER) {
			if (send_all(p, buffer, gathered) < 0)
				return -1;
			gathered = 0;
		}
		memcpy(buffer + gathered, bytes, (size_t)size);
		gathered += (size_t)size;
	}
	return send_all(p, buffer, gathered);
}

static void
serve(int listener, const struct answer *answer, uint8_t *buffer)
{
	struct peer peers[PEERS_MAX];
	struct pollfd polls[PEERS_MAX + 1] = {{listener, POLLIN, 0}};
	nfds_t count = 0;

	for (;;) {
		if (poll(polls, count + 1, -1) < 0)
			return;
		for (nfds_t i = count; i > 0; i--) {
			if (polls[i].revents && peer_turn(&peers[i - 1], buffer) < 0)
				peer_close(&peers[i - 1]), polls[i].fd = -1;
		}
		if (polls[0].revents && count < PEERS_MAX) {
			int fd = accept(listener, NULL, NULL);
			if (fd < 0 || peer_open(&peers[count], fd, answer) < 0)
				return;
			polls[++count] = (struct pollfd){fd, POLLIN, 0};
		}
	}
}

int
main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct answer answer;
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc != 3 || listener < 0) {
		fputs("usage: zwy-echo SOCKET SIZE\n", stderr);
		return 2;
	}
	size_t size = strtoul(argv[2], NULL, 10);
	answer = (struct answer){calloc(1, size + 5), size + 5};
	uint8_t *buffer = malloc(BUFFER);
	if (!answer.bytes || !buffer)
		return 1;
	for (unsigned i = 0; i < 4; i++)
		answer.bytes[1 + i] = (uint8_t)(size >> (24 - 8 * i));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
	unlink(argv[1]);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(listener, 128) < 0) {
		perror(argv[1]);
		return 1;
	}
	puts("listening");
	fflush(stdout);
	serve(listener, &answer, buffer);
	return 1;
}
