/* gRPC on the wire, the part that client and server share: message framing,
 * timeouts, percent-encoding, -bin metadata, and google.rpc.Status with our error
 * details. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 * Pure; any thread. */
#ifndef ZWY_STATUS_H
#define ZWY_STATUS_H

#include "base/buf.h"
#include "base/date.h"
#include "base/error.h"

#define GRPC_PREFIX_BYTES        5
#define GRPC_MESSAGE_MAX_DEFAULT (4u << 20)

/* Takes length-prefixed messages out of a byte stream, over any split. */
struct deframer {
	unsigned char prefix[GRPC_PREFIX_BYTES];
	size_t prefix_n;
	struct buf message;
	size_t need; /* bytes of the message, once the prefix is whole */
	size_t max;
	bool compressed;
};
void deframer_init(struct deframer *d, size_t max_message);
void deframer_release(struct deframer *d);
/* Takes bytes off *data until one message is whole. 1: d->message holds one, call
 * deframer_next before going on; 0: more bytes are needed; ERR_MESSAGE_TOO_LARGE
 * as soon as the prefix announces too much; ERR_INTERNAL for a flag that is
 * neither 0 nor 1; ERR_NO_MEMORY. The buffer grows with what arrives. */
int deframer_push(struct deframer *d, struct slice *data);
void deframer_next(struct deframer *d);
/* Nothing half read: END_STREAM may come now. */
bool deframer_idle(const struct deframer *d);
void frame_message(struct buf *out, struct slice message);

/* grpc-timeout: 1 to 8 digits and one of H M S m u n. Rounded up to milliseconds. */
bool timeout_parse(struct slice s, int64_t *ret_ms);
void timeout_format(char dst[12], int64_t ms);

/* grpc-message: everything outside 0x20 to 0x7E, and '%', as %XX; a blank at either end
 * too, for HTTP/2 forbids it there (RFC 9113 8.2.1). */
void percent_encode(struct buf *out, struct slice s);
void percent_decode(struct buf *out, struct slice s); /* lenient */

/* Standard alphabet; decodes padded and unpadded, encodes unpadded. */
void base64_encode(struct buf *out, struct slice s);
bool base64_decode(struct buf *out, struct slice s);

/* A fault as google.rpc.Status bytes (grpc-status-details-bin, before base64):
 * ErrorInfo{reason, domain "zwy", metadata: article, errno name}; BadRequest for
 * items of INVALID_ARGUMENT; PreconditionFailure for items of FAILED_PRECONDITION
 * and RESOURCE_EXHAUSTED by quota; RetryInfo for OVERLOADED and wherever retry_ms is set;
 * Help for a refusal that cites an article, its link being the resource name of that
 * article's record, `rules/13`, which GetRule and `zwy get` take. At most max_bytes: to
 * fit, Help is left off first, then items from the end, then what grpc-message says too. */
void status_encode(struct buf *out, const struct fault *f, size_t max_bytes);
/* The reverse, for clients; details that are not known here are passed over. False if they are
 * not ours or malformed: then the fault is made of the status and the message alone. */
bool status_decode(struct fault *ret, enum grpc_status status, struct slice message, struct slice details);
/* What RetryInfo in such bytes asks for, from 0; false: there is none, or it is negative. */
bool status_retry_delay(struct slice details, int64_t *ret_ms);

#endif
