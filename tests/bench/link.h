/* One HTTP/2 connection of the load generator: keeps a number of unary calls in
 * flight, starts the next when one ends, and checks each answer; or keeps a number
 * of server streams open and counts their messages.
 *
 * A link and the load it belongs to are used by one thread. The request bytes
 * belong to the load and outlive its links. Times are nanoseconds. */
#ifndef BENCH_LINK_H
#define BENCH_LINK_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "latency.h"
#include "wire.h"

/* What field 1 of an answer must be. */
enum check { CHECK_OK, CHECK_SAME_NAME, CHECK_PREFIX, CHECK_ITEMS };

struct request {
	const uint8_t *framed; /* gRPC message with its 5-byte prefix */
	size_t size;
};

struct load {
	const char *path; /* /package.Service/Method */
	const char *as;   /* zwy-as, or NULL */
	struct request *requests;
	size_t request_count, next_request;
	enum check check;
	const char *prefix; /* CHECK_PREFIX */
	uint64_t items;     /* CHECK_ITEMS: at least so many */
	bool may_refuse;    /* RESOURCE_EXHAUSTED is an answer, too */

	struct ssl_ctx_st *tls; /* of a TLS target, or NULL */
	bool streaming;         /* calls are server streams that stay open */
	/* Unless NULL, a call begins when `listeners` streams of that load have had a
	 * message of each call before. */
	const struct load *audience;
	uint64_t listeners;

	bool stopping;           /* start no more calls */
	uint64_t limit, started; /* calls in all; 0: no limit */
	/* Since the counters were last cleared. */
	uint64_t done, bytes;
	uint64_t messages; /* streaming: received */
	uint64_t refused;
	uint64_t silent; /* streaming: calls that have received nothing yet */
	struct latency latency;
	char error[256]; /* the first thing that went wrong; empty: nothing */
};

struct stream;
struct link {
	struct load *load;
	struct wire wire;
	nghttp2_session *session;
	size_t wanted, open; /* calls in flight */
	uint8_t *pending;    /* bytes that the socket did not take yet */
	size_t pending_size, pending_sent;
	struct stream *spare;
	struct stream *made; /* all of them */
};

/* Connects. 0, or -1 with load->error filled in. */
int link_open(struct link *ret, struct load *load, const char *target, size_t calls);
void link_close(struct link *link);
/* Starts calls up to the wanted number. */
void link_fill(struct link *link);
/* Reads and writes what the socket gives and takes. -1: the connection is over. */
int link_turn(struct link *link);
/* Bytes wait for the socket. */
bool link_wants_write(const struct link *link);

#endif
