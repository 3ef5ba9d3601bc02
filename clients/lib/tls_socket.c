#include "tls_parts.h"

#include <errno.h>
#include <openssl/bio.h>
#include <sys/socket.h>

/* OpenSSL's own socket BIO would raise SIGPIPE in somebody else's program. */
static int
socket_write(BIO *bio, const char *from, size_t n, size_t *ret)
{
	struct tls_stream *s = BIO_get_data(bio);
	ssize_t done;
	do
		done = send(s->fd, from, n, MSG_NOSIGNAL);
	while (done < 0 && errno == EINTR);
	BIO_clear_retry_flags(bio);
	if (done < 0 && errno == EAGAIN)
		BIO_set_retry_write(bio);
	*ret = done > 0 ? (size_t)done : 0;
	return done > 0;
}

static int
socket_read(BIO *bio, char *to, size_t n, size_t *ret)
{
	struct tls_stream *s = BIO_get_data(bio);
	ssize_t done;
	do
		done = recv(s->fd, to, n, 0);
	while (done < 0 && errno == EINTR);
	BIO_clear_retry_flags(bio);
	if (done < 0 && errno == EAGAIN)
		BIO_set_retry_read(bio);
	if (done == 0)
		BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
	*ret = done > 0 ? (size_t)done : 0;
	return done > 0;
}

static long
socket_control(BIO *bio, int what, long number, void *pointer)
{
	(void)number;
	(void)pointer;
	if (what == BIO_CTRL_EOF)
		return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
	return what == BIO_CTRL_FLUSH;
}

BIO_METHOD *
tls_socket_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "zwy socket");
	if (m && BIO_meth_set_write_ex(m, socket_write) == 1 && BIO_meth_set_read_ex(m, socket_read) == 1 &&
	    BIO_meth_set_ctrl(m, socket_control) == 1)
		return m;
	BIO_meth_free(m);
	return NULL;
}
