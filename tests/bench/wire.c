#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TLS "tls:"

static bool
is_tls(const char *target)
{
	return !strncmp(target, TLS, strlen(TLS));
}

int
wire_tls_new(struct ssl_ctx_st **ret, const char *target, const char *certificate, const char *key)
{
	static const unsigned char alpn[] = "\x02h2";

	*ret = NULL;
	if (!is_tls(target))
		return 0;
	*ret = SSL_CTX_new(TLS_client_method());
	if (!*ret || SSL_CTX_set_alpn_protos(*ret, alpn, sizeof(alpn) - 1))
		return -1;
	if (certificate && key &&
	    (SSL_CTX_use_certificate_chain_file(*ret, certificate) != 1 ||
	     SSL_CTX_use_PrivateKey_file(*ret, key, SSL_FILETYPE_PEM) != 1))
		return -1;
	SSL_CTX_set_mode(*ret, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return 0;
}

void
wire_tls_free(struct ssl_ctx_st *tls)
{
	SSL_CTX_free(tls);
}

static int
connect_unix(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
connect_tcp(const char *target)
{
	char host[256];
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST}, *found = NULL;
	const char *colon = strrchr(target, ':');
	int fd = -1, on = 1;

	if (!colon)
		return -1;
	snprintf(host, sizeof(host), "%.*s", (int)(colon - target), target);
	if (getaddrinfo(host, colon + 1, &hints, &found))
		return -1;
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) < 0) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(found);
	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static int
handshake(struct wire *w, struct ssl_ctx_st *tls)
{
	w->ssl = SSL_new(tls);
	if (w->ssl && SSL_set_fd(w->ssl, w->fd) == 1 && SSL_connect(w->ssl) == 1)
		return 0;
	errno = EPROTO;
	return -1;
}

int
wire_open(struct wire *ret, const char *target, struct ssl_ctx_st *tls)
{
	struct wire w = {.fd = -1};

	if (!strncmp(target, "unix:", 5))
		w.fd = connect_unix(target + 5);
	else
		w.fd = connect_tcp(is_tls(target) ? target + strlen(TLS) : target);
	if (w.fd < 0)
		return -1;
	if (tls && handshake(&w, tls) < 0) {
		wire_close(&w);
		return -1;
	}
	fcntl(w.fd, F_SETFL, fcntl(w.fd, F_GETFL) | O_NONBLOCK);
	*ret = w;
	return 0;
}

void
wire_close(struct wire *w)
{
	SSL_free(w->ssl);
	if (w->fd >= 0)
		close(w->fd);
	*w = (struct wire){.fd = -1};
}

static ssize_t
tls_result(struct wire *w, int n)
{
	if (n > 0)
		return n;
	switch (SSL_get_error(w->ssl, n)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		errno = EPROTO;
		return -1;
	}
}

ssize_t
wire_read(struct wire *w, uint8_t *buffer, size_t size)
{
	if (w->ssl)
		return tls_result(w, SSL_read(w->ssl, buffer, (int)size));
	return recv(w->fd, buffer, size, 0);
}

ssize_t
wire_write(struct wire *w, const uint8_t *bytes, size_t size)
{
	if (w->ssl)
		return tls_result(w, SSL_write(w->ssl, bytes, (int)size));
	return send(w->fd, bytes, size, MSG_NOSIGNAL);
}
