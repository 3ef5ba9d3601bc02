/* One RPC, as a handler sees it. All four call types in one shape.
 *
 * Order of callbacks, for each call, on the thread of its connection:
 *
 *   start   once, when the metadata is complete; later where the connection's replies
 *           have filled send_bytes_max
 *   message 0 or more times, each a whole message, inflated and, where the method
 *           names a request descriptor, past the validating walk; the bytes are
 *           the engine's until the callback returns. For a method without client
 *           streaming the engine makes sure that it comes exactly once
 *           (otherwise the call ends UNIMPLEMENTED and message never comes).
 *   half_close  once, after the last message, if the client finished its side
 *   writable    after call_send said that the window is full, when there is room again
 *   closed  exactly once, last, whatever happened: finished and sent, reset by
 *           the peer, deadline passed, connection lost. After it the call is gone.
 *
 * A callback that is NULL is passed over. A handler that works elsewhere keeps the
 * call's handle, not its pointer: net_find() (engine_find() for one connection) says
 * whether it is still there. After call_finish nothing but closed comes. The engine
 * ends a call whose deadline passes with DEADLINE_EXCEEDED by itself; the handler
 * learns of it by closed, at once. In closed a handler may look at the call but not
 * act on it. */
#ifndef ZWY_RPC_CALL_H
#define ZWY_RPC_CALL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/date.h"
#include "base/error.h"
#include "descriptor.h"

struct call;

struct call_handler {
	void (*start)(struct call *c);
	void (*message)(struct call *c, struct slice message);
	void (*half_close)(struct call *c);
	void (*writable)(struct call *c);
	void (*closed)(struct call *c);
};

/* One row of the server's routes. */
struct rpc_method {
	const char *path; /* /package.Service/Method */
	bool client_streaming, server_streaming;
	/* Messages are walked by it before the handler sees them; NULL: they are not. */
	const struct message_desc *request;
	const struct call_handler *handler;
	const void *ctx; /* the handler's own, e.g. a struct method_desc */
	unsigned flags;  /* RPC_* */
};

enum {
	RPC_LOCAL = 1,  /* only for peers on this host; others get PERMISSION_DENIED */
	RPC_ALWAYS = 2, /* admitted under overload too: health */
};

/* Who is at the other end. */
struct call_peer {
	bool is_unix;
	bool is_loopback;
	bool is_tls;
	uid_t uid; /* of a Unix peer (SO_PEERCRED) */
	pid_t pid;
	char address[64]; /* for logs: unix:uid=1000, 127.0.0.1:4321 */
	char local[64];   /* the listener's end of it, in the same form */
	/* Subject common name of the client certificate that was verified, or "". */
	char certificate[128];
};

struct call_handle {
	uint64_t connection; /* never reused */
	int32_t stream;
};

/* NULL for a call that was refused before its method was known; handlers never see one. */
const struct rpc_method *call_method(const struct call *c);
const struct call_peer *call_peer(const struct call *c);
/* The server's context, as given to the engine. */
void *call_server(const struct call *c);
/* Value of an ASCII metadata key (lower case), empty if absent; -bin keys decoded. The first of several. */
struct slice call_metadata(const struct call *c, const char *key);
/* All metadata, one value at a time in the order received; several values of a key
 * come several times. *at begins as NULL. False: there is no more. */
bool call_metadata_next(const struct call *c, const void **at, struct slice *ret_key,
			struct slice *ret_value);
/* The timeout as the client gave it, in ms; -1: none. */
int64_t call_timeout(const struct call *c);
/* Instant at which it ends by itself, by the clock that drives the engine, 0: none. */
msec call_deadline(const struct call *c);
/* Memory that lives as long as the call. */
struct arena *call_arena(struct call *c);
void call_set_user(struct call *c, void *user);
void *call_user(const struct call *c);
struct call_handle call_handle(const struct call *c);

/* Extra response metadata, copied; several values of a key stay in their order. Keys are
 * of 0-9 a-z _ - . (PROTOCOL-HTTP2, Custom-Metadata); values of -bin keys are raw bytes,
 * others are printable ASCII, and lose blanks at their ends. Headers before the first call_send, trailers
 * before call_finish. False, and not added: it is too late, not well formed, or not the handler's to say:
 * grpc-* (but grpc-retry-pushback-ms), content-type, the like of connection. What exceeds the peer's header
 * limit is left off when they are sent. */
bool call_add_header(struct call *c, const char *key, struct slice value);
bool call_add_trailer(struct call *c, const char *key, struct slice value);
/* Sends the headers now, for a stream whose first message may be long in coming. */
void call_send_headers(struct call *c);

enum { CALL_FULL = 1 };
/* Queues one message (copied). CALL_FULL: taken, but wait for writable before the
 * next (a handler that goes on regardless is ended with RESOURCE_EXHAUSTED at the
 * hard limit). Negative, and not taken, after call_finish or when the call is over. */
int call_send(struct call *c, struct slice message);
/* Whether the following messages are compressed, each by itself. AUTO, from the start:
 * those of compress_min bytes and more if the request came gzip-encoded, unless they
 * would not be smaller. ALWAYS: all but empty ones. To a client that did not offer gzip
 * nothing is compressed whatever is said here, and neither is anything after headers
 * that did not announce it: where only some later message of a stream is to be
 * compressed, say ALWAYS before the headers go and NEVER for those before it. What
 * holds secrets beside what strangers write should be NEVER. */
enum call_compress { CALL_COMPRESS_AUTO, CALL_COMPRESS_NEVER, CALL_COMPRESS_ALWAYS };
void call_compression(struct call *c, enum call_compress how);
/* In `message`: whether this one came compressed. */
bool call_message_compressed(const struct call *c);
/* Ends the call: NULL or a fault with code 0 is OK. Messages queued before are
 * sent first. Details go into grpc-status-details-bin within the peer's header limit. */
void call_finish(struct call *c, const struct fault *f);
/* The same for a service whose errors are not of our table: any status, its text (UTF-8,
 * of any length; cut to the peer's header limit) and a serialized google.rpc.Status that
 * agrees with them, or empty; left off where it exceeds what is left of that limit. */
void call_finish_status(struct call *c, enum grpc_status status, struct slice message, struct slice details);
/* A unary answer: send and finish OK. */
void call_reply(struct call *c, struct slice message);
/* Stops and restarts message callbacks; while stopped, the sender's window shuts. */
void call_pause(struct call *c);
void call_resume(struct call *c);

#endif
