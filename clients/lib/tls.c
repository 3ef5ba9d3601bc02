#include "tls_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whom the server must be. Names alone go into the server_name extension (RFC 6066). */
static bool
expect_host(SSL *ssl, const char *host)
{
	unsigned char address[16];
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
						       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
	return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

struct tls_stream *
tls_stream_new(struct tls *tls, int fd)
{
	struct tls_stream *s = calloc(1, sizeof(*s));
	SSL *ssl = s ? SSL_new(tls->context) : NULL;
	BIO *bio = ssl ? BIO_new(tls->socket_method) : NULL;
	if (bio)
		SSL_set_bio(ssl, bio, bio);
	if (!bio || !expect_host(ssl, tls->host)) {
		SSL_free(ssl);
		free(s);
		ERR_clear_error();
		return NULL;
	}
	*s = (struct tls_stream){.ssl = ssl, .host = tls->host, .fd = fd};
	BIO_set_data(bio, s);
	BIO_set_init(bio, 1);
	SSL_set_app_data(ssl, s);
	SSL_set_connect_state(ssl);
	return s;
}

void
tls_stream_free(struct tls_stream *s)
{
	if (!s)
		return;
	ERR_clear_error();
	if (SSL_is_init_finished(s->ssl) && !s->trouble[0])
		SSL_shutdown(s->ssl);
	SSL_free(s->ssl);
	ERR_clear_error();
	free(s);
}

/* Why it cannot go on, unless the certificate has been blamed already. */
static ssize_t
broken(struct tls_stream *s)
{
	char reason[120];
	bool not_tls = ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_WRONG_VERSION_NUMBER;
	tls_reason(reason);
	if (s->trouble[0])
		return -EPROTO;
	if (not_tls)
		snprintf(s->trouble, sizeof(s->trouble), "the peer does not speak TLS");
	else
		snprintf(s->trouble, sizeof(s->trouble), "TLS: %s", reason);
	return -EPROTO;
}

/* What came of an operation that did not succeed. */
static ssize_t
failure(struct tls_stream *s, int r)
{
	int error = SSL_get_error(s->ssl, r);
	s->wants_write = error == SSL_ERROR_WANT_WRITE;
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return -EAGAIN;
	/* An end without close_notify does no harm: HTTP/2 says itself where things end. */
	if (error == SSL_ERROR_ZERO_RETURN ||
	    ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
		ERR_clear_error();
		return 0;
	}
	if (error == SSL_ERROR_SYSCALL) {
		ERR_clear_error();
		if (!s->trouble[0])
			snprintf(s->trouble, sizeof(s->trouble), "%s",
				 errno ? strerror(errno) : "the server closed it");
		return -EPROTO;
	}
	return broken(s);
}

int
tls_stream_handshake(struct tls_stream *s)
{
	const unsigned char *protocol;
	unsigned n;
	ERR_clear_error();
	errno = 0;
	int r = SSL_do_handshake(s->ssl);
	if (r != 1) {
		r = (int)failure(s, r);
		if (r == 0)
			snprintf(s->trouble, sizeof(s->trouble),
				 "the server closed it during the TLS handshake");
		return r == 0 ? -EPROTO : r;
	}
	s->wants_write = false;
	SSL_get0_alpn_selected(s->ssl, &protocol, &n);
	if (n == 2 && memcmp(protocol, "h2", 2) == 0)
		return 0;
	snprintf(s->trouble, sizeof(s->trouble), "the server does not speak HTTP/2 by TLS (ALPN h2)");
	return -EPROTO;
}

ssize_t
tls_stream_read(struct tls_stream *s, void *to, size_t n)
{
	size_t done;
	ERR_clear_error();
	errno = 0;
	int r = SSL_read_ex(s->ssl, to, n, &done);
	return r == 1 ? (ssize_t)done : failure(s, r);
}

/* A server that does not want this client's certificate says so after the client's side of
 * the handshake is done, and closes: what it said may still lie there when a write fails. */
static void
listen_for_alert(struct tls_stream *s)
{
	char first[sizeof(s->trouble)], byte;
	size_t done;
	memcpy(first, s->trouble, sizeof(first));
	s->trouble[0] = '\0';
	ERR_clear_error();
	errno = 0;
	int r = SSL_read_ex(s->ssl, &byte, 1, &done);
	if (r == 1 || SSL_get_error(s->ssl, r) != SSL_ERROR_SSL)
		memcpy(s->trouble, first, sizeof(first));
	else
		failure(s, r);
	ERR_clear_error();
}

ssize_t
tls_stream_write(struct tls_stream *s, const void *from, size_t n)
{
	size_t done;
	ERR_clear_error();
	errno = 0;
	int r = SSL_write_ex(s->ssl, from, n, &done);
	if (r == 1) {
		s->wants_write = false;
		return (ssize_t)done;
	}
	if (failure(s, r) == -EAGAIN)
		return -EAGAIN;
	listen_for_alert(s);
	return -EPROTO;
}

bool
tls_stream_wants_write(const struct tls_stream *s)
{
	return s->wants_write;
}

const char *
tls_stream_trouble(const struct tls_stream *s)
{
	return s->trouble[0] ? s->trouble : "the server closed it";
}
