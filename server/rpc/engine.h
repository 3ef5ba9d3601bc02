/* gRPC over HTTP/2 for one connection, without I/O: bytes in, bytes out, the time
 * passed in. The same code runs behind a socket, in tests and under the fuzzer.
 *
 *   engine_push(bytes)   what the peer sent
 *   engine_pull()        what is to be sent; call until it gives nothing
 *   engine_service(now)  what time has brought: deadlines, limits
 *
 * The owner is told by wake() when there is something to pull that push did not
 * cause (a handler finished later). One thread at a time. A connection frees its
 * calls, each of which gets its `closed` callback, in engine_free. */
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
	enum grpc_status status;
	int code; /* reason, 0 for OK */
	int64_t duration_ms;
	uint64_t bytes_in, bytes_out; /* of messages */
	uint64_t messages_in, messages_out;
};

/* Shared by all connections of a server; constant while any is open. */
struct rpc_config {
	const struct rpc_method *methods;
	size_t method_count;
	struct rpc_limits limits;
	void *server; /* call_server() */
	/* After each call's closed; may be NULL. For logs and metrics. */
	void (*finished)(void *server, const struct call *c, const struct call_stats *stats);
};

struct engine;

int engine_new(struct engine **ret, const struct rpc_config *config, const struct call_peer *peer,
	       uint64_t connection_id, msec now, void (*wake)(void *owner), void *owner);
void engine_free(struct engine *e);
/* Negative: a protocol error; pull once more, then close. */
int engine_push(struct engine *e, struct slice bytes, msec now);
/* The next bytes to send, at most a few frames, valid until the next call; empty: nothing. */
struct slice engine_pull(struct engine *e, msec now);
/* Instant at which it wants to be called again; INT64_MAX: not at all. */
msec engine_service(struct engine *e, msec now);
/* Graceful shutdown: GOAWAY that announces, then, after a round trip, the last one;
 * calls under way go on until `grace` ms have passed. */
void engine_drain(struct engine *e, msec now, int64_t grace);
/* Nothing more to say or hear: close the transport. */
bool engine_done(const struct engine *e);
size_t engine_open_calls(const struct engine *e);
/* The call if it is still there. */
struct call *engine_find(struct engine *e, int32_t stream);

#endif
