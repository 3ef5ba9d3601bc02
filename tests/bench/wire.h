/* A non-blocking byte stream to a server: TCP, Unix socket or TLS. One thread. */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct ssl_st;
struct ssl_ctx_st;

struct wire {
	int fd;
	struct ssl_st *ssl; /* NULL: plain */
};

/* For all wires to a target of the form tls:ADDRESS:PORT; NULL for others. Shows the
 * client certificate in that PEM file, with its key, if there is one; the server's is
 * not looked at: what is measured is the server. -1: no memory, or no such file. */
int wire_tls_new(struct ssl_ctx_st **ret, const char *target, const char *certificate, const char *key);
void wire_tls_free(struct ssl_ctx_st *tls);

/* Connects to unix:PATH, ADDRESS:PORT or tls:ADDRESS:PORT (blocking), then goes
 * non-blocking. 0, or -1 with errno. */
int wire_open(struct wire *ret, const char *target, struct ssl_ctx_st *tls);
void wire_close(struct wire *w);
/* Bytes moved, or -1 with errno EAGAIN: later, others: over; 0 from a read: the end. */
ssize_t wire_read(struct wire *w, uint8_t *buffer, size_t size);
ssize_t wire_write(struct wire *w, const uint8_t *bytes, size_t size);

#endif
