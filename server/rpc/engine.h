/* gRPC over HTTP/2 for one connection, without I/O: bytes in, bytes out, the time
 * passed in. The same code runs behind a socket, in tests and under the fuzzer.
 *
 *   engine_push(bytes)   what the peer sent
 *   engine_pull(out)     what is to be sent; call until it gives nothing
 *   engine_service(now)  what time has brought: deadlines, limits
 *
 * Pull after push and after service; several of them may share one pull. The owner
 * is told by wake() when there is something to pull that neither of them caused (a
 * handler finished later). `now` is any clock in milliseconds that only goes
 * forward. Handlers run inside push, pull, service and free, never inside another
 * handler's call. One thread at a time. engine_free ends the calls that are left,
 * each with its `closed`. */
#ifndef ZWY_RPC_ENGINE_H
#define ZWY_RPC_ENGINE_H

#include "rpc/call.h"

/* Every limit by name, unit, default; `zwyd --config` sets them under the same names. */
struct rpc_limits {
#define RPC_LIMIT(name, default_value, unit, text) int64_t name;
#include "rpc/limits.def"
#undef RPC_LIMIT
};
void rpc_limits_default(struct rpc_limits *l);

/* What one call came to. */
struct call_stats {
	enum grpc_status status; /* as sent; CANCELLED where the peer or the connection went away first */
	int code;                /* reason, 0 for OK */
	bool malformed;          /* the request broke the protocol: its status says nothing of the server */
	const char *text;        /* of the fault; lives in call_arena, "" where there is none */
	int64_t duration_ms;
	bool admitted;                /* its handler was told */
	uint64_t bytes_in, bytes_out; /* of messages */
	uint64_t messages_in, messages_out;
};

/* What stands beside every call: counts, logs, refuses. */
struct rpc_hook {
	void *ctx;
	/* A call of a known method whose head is sound, before its handler's start: 0, or the
	 * code of *f with which it ends; the hooks behind are not asked then. May be NULL. */
	int (*admit)(void *ctx, struct call *c, struct fault *f);
	/* After each call's closed; calls that were refused too, with stats->admitted false.
	 * May be NULL. */
	void (*finished)(void *ctx, const struct call *c, const struct call_stats *stats);
	/* A message has been walked, or, with a code, was refused by the walk: right before
	 * the handler gets it, or the call ends. May be NULL. */
	void (*walked)(void *ctx, struct call *c, int code);
	/* The server ends a connection (not by engine_drain): the HTTP/2 error code and debug
	 * text of its GOAWAY. May be NULL. */
	void (*ended)(void *ctx, const struct call_peer *peer, uint64_t connection, uint32_t error_code,
		      const char *why);
};
/* What the call has come to so far. */
const struct call_stats *call_stats(const struct call *c);
/* What hooks keep of a call, NULL until one of them sets it. Its memory: call_arena. */
void call_set_note(struct call *c, void *note);
void *call_note(const struct call *c);

/* What one connection has carried. */
struct engine_stats {
	uint64_t calls_started, calls_succeeded, calls_failed;
	uint64_t messages_in, messages_out;
	uint64_t pings_sent;                               /* keepalive */
	msec last_call, last_message_in, last_message_out; /* by the engine's clock; 0: never */
};

/* What plain HTTP clients may ask for beside the calls: GET or HEAD of exactly this
 * path, a query behind it is passed over. A page is no call: hooks do not see it and
 * engine_stats does not count it, but it takes one of max_concurrent_streams and must
 * be gone within page_timeout. It is answered once its request has ended. Other methods of the path are
 * answered 405. */
struct rpc_page {
	const char *path, *content_type;
	/* Appends the page and returns its HTTP status (200 to 599). On the connection's
	 * thread, with the config's `server`; if body->error is set the answer is 500. */
	int (*render)(void *server, struct buf *body);
	unsigned flags; /* RPC_LOCAL: 403 for peers elsewhere */
};

/* Shared by all connections of a server; constant while any is open. */
struct rpc_config {
	const struct rpc_method *methods; /* ordered by path */
	size_t method_count;
	struct rpc_limits limits;
	void *server; /* call_server() */
	const struct rpc_hook *hooks;
	size_t hook_count;
	const struct rpc_page *pages;
	size_t page_count;
};

/* Puts rows from several places into the order that a config needs. */
void rpc_methods_sort(struct rpc_method *methods, size_t n);

/* Order of the methods and ranges of the limits; once, before the first engine. */
int rpc_config_check(const struct rpc_config *config, struct fault *f);

/* What one pull gives: slices to be written in order. They point into `copied` and
 * into queued messages and are valid until the next engine_ call on this engine or
 * the next use of the outbox, which may serve many engines in turn. */
#define ENGINE_SLICES      64
#define ENGINE_COPIED      (64 << 10)
#define ENGINE_PULL_TARGET (128 << 10) /* about as much at a time */
struct engine_out {
	struct slice v[ENGINE_SLICES];
	size_t n;
	size_t bytes; /* in all slices */
	size_t used;  /* of copied */
	char copied[ENGINE_COPIED];
};

struct engine;

int engine_new(struct engine **ret, const struct rpc_config *config, const struct call_peer *peer,
	       uint64_t connection_id, msec now, void (*wake)(void *owner), void *owner);
void engine_free(struct engine *e);
/* Negative: a protocol error; pull once more, then close. */
int engine_push(struct engine *e, struct slice bytes, msec now);
/* The next bytes to send; returns out->bytes, 0: nothing. */
size_t engine_pull(struct engine *e, struct engine_out *out, msec now);
/* Instant at which it wants to be called again; INT64_MAX: not at all. */
msec engine_service(struct engine *e, msec now);
/* The same instant, to be looked at again after a pull: handlers that ran set new terms. */
msec engine_next(const struct engine *e);
/* Graceful shutdown: GOAWAY that announces, then, after a round trip, the last one;
 * calls under way go on until `grace` ms have passed. A second one can only shorten
 * that. A connection does the same by itself when it is idle or old. */
void engine_drain(struct engine *e, msec now, int64_t grace);
/* Nothing more to hear, and nothing more to say but what can be pulled: close the transport then. */
bool engine_done(const struct engine *e);
size_t engine_open_calls(const struct engine *e);
const struct engine_stats *engine_stats(const struct engine *e);
/* What the connection as a whole may still carry inwards and outwards before either side
 * opens its window again (RFC 9113 5.2), in bytes. */
void engine_windows(const struct engine *e, int64_t *ret_in, int64_t *ret_out);
/* Bytes that it holds for its peer: replies not yet pulled, requests not yet taken. */
size_t engine_bytes(const struct engine *e);
/* So much is queued that an owner whose transport is blocked shall not push more. */
bool engine_congested(const struct engine *e);
/* Work for a call that may outlive it: until it is released it counts towards
 * max_running_calls, even when the call was reset. As often as held. */
void engine_hold(struct engine *e, int32_t stream);
void engine_release(struct engine *e, int32_t stream);
/* The call if it is still there. */
struct call *engine_find(struct engine *e, int32_t stream);

#endif
