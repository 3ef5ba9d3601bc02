/* TLS of a client, by OpenSSL: whom it trusts, what it shows, and the encrypted
 * stream on one connection's socket. Nothing here blocks or waits; the socket stays
 * the connection's. One thread at a time. RFC 8446, RFC 5246, RFC 7301 (ALPN h2),
 * RFC 6125 (the server's identity), RFC 9113 9.2 (what HTTP/2 asks of TLS). */
#ifndef ZWY_LIB_TLS_H
#define ZWY_LIB_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "zwy.h"

struct tls;        /* of a client */
struct tls_stream; /* of a connection */

/* Reads the files that the options name; `host` is whom the target names. 0, or a negative
 * errno with the fault filled in. */
int tls_new(struct tls **ret, const struct zwy_options *options, const char *host, struct fault *f);
void tls_free(struct tls *tls); /* NULL is allowed */
/* Reads the files again if they changed. Bad ones do not replace those in use. */
void tls_refresh(struct tls *tls);

/* NULL: out of memory. `tls` outlives it. */
struct tls_stream *tls_stream_new(struct tls *tls, int fd);
/* Tells the peer that nothing more comes, as far as the socket takes it. NULL is allowed. */
void tls_stream_free(struct tls_stream *s);

/* 0: done; -EAGAIN: when the socket can be read, or written if tls_stream_wants_write();
 * -EPROTO: tls_stream_trouble() says why. */
int tls_stream_handshake(struct tls_stream *s);
/* As recv() and send() without the -1: 0 is the end, or -EAGAIN, -EPROTO. What was taken
 * of a write went to the socket whole. */
ssize_t tls_stream_read(struct tls_stream *s, void *to, size_t n);
ssize_t tls_stream_write(struct tls_stream *s, const void *from, size_t n);
bool tls_stream_wants_write(const struct tls_stream *s);
/* "the certificate is for a.example, not for b.example"; valid until the stream is freed. */
const char *tls_stream_trouble(const struct tls_stream *s);

#endif
