/* A call of libzwy's whose whole course is written down, for the interoperability cases. */
#ifndef ZWY_TESTS_INTEROP_CALL_H
#define ZWY_TESTS_INTEROP_CALL_H

#include "base/buf.h"
#include "zwy.h"

#define SERVICE       "/grpc.testing.TestService/"
#define MESSAGES_MAX  8
#define INITIAL_KEY   "x-grpc-test-echo-initial"
#define INITIAL_VALUE "test_initial_metadata_value"
#define TRAILING_KEY  "x-grpc-test-echo-trailing-bin"

/* One course; releases with course_end(). */
struct course {
	struct zwy_client *client;
	struct zwy_call *call; /* NULL once it is over */
	int headers, done;
	struct zwy_error error;
	size_t count;
	struct {
		struct buf bytes;
		bool compressed;
	} messages[MESSAGES_MAX];
	struct buf initial, trailing; /* values of the two keys */
};

/* more: client_streaming, compress, timeout_ms and metadata; may be NULL. */
void course_start(struct course *c, struct zwy_client *client, const char *path, struct zwy_bytes request,
		  const struct zwy_call_options *more);
void course_send(struct course *c, struct buf *message); /* releases it */
/* Until so many messages have come, or the end. */
void course_await(struct course *c, size_t messages);
void course_finish(struct course *c);
/* Cancels what is still under way. */
void course_end(struct course *c);

#endif
