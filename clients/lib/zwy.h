/* libzwy: the C client of zwyd.
 *
 * A client holds one HTTP/2 connection to one target and any number of calls on
 * it. It connects when the first call starts, connects again with growing pauses
 * after a loss, and never blocks: the caller waits on zwy_client_fd() with any
 * event loop and calls zwy_client_process() when it is readable or when
 * zwy_client_timeout() has passed. The blocking functions do just that inside.
 *
 * A client and its calls belong to one thread at a time; several clients need no
 * common lock. Callbacks come only from zwy_client_process() and the blocking
 * functions, never from zwy_call_start(). A callback may use every zwy_call_
 * function, but not zwy_client_process(), zwy_client_free() or a blocking one.
 * Memory handed to a callback is gone when it returns. Usable from C++.
 *
 * Messages are protobuf bytes: what nanopb, protobuf-c or any generator makes from
 * the installed .proto files, or from text and JSON by zwy_message_parse(). */
#ifndef ZWY_H
#define ZWY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ZWY_API __attribute__((visibility("default")))

struct zwy_client;
struct zwy_call;

struct zwy_bytes {
	const void *data;
	size_t size;
};

/* Why a call failed. Texts are never NULL and live as long as the error. */
struct zwy_error {
	int status;       /* gRPC status code, 0: OK */
	int exit_status;  /* what `zwy` exits with, 0 to 8 */
	int error_number; /* errno that a file operation would give */
	bool sent;        /* the request may have reached the server; false: it certainly did not */
	char reason[32];  /* of the error table, e.g. QUOTA_EXCEEDED */
	char article[12]; /* or "" */
	char text[480];   /* for people */
	size_t detail_count;
	struct {
		char field[64];
		char text[224];
	} details[16]; /* every defect, where several were found at once */
};

struct zwy_options {
	const char *as;             /* principals/x to act for (zwy-as); NULL: oneself */
	const char *user_agent;     /* put before the library's own; NULL: none */
	int64_t connect_timeout_ms; /* 0: 5,000 */
	int64_t backoff_max_ms;     /* longest pause between attempts; 0: 5,000 */
	size_t max_message;         /* bytes accepted; 0: 4 MiB */
};

/* What ZWY_SERVER says, else $XDG_RUNTIME_DIR/zwy/zwyd.sock for an ordinary user, else
 * unix:/run/zwy/zwyd.sock. */
ZWY_API const char *zwy_default_target(char *buffer, size_t size);

/* Target: unix:PATH or HOST:PORT. 0, or a negative errno (-EINVAL: the target cannot be read). */
ZWY_API int zwy_client_new(struct zwy_client **ret, const char *target, const struct zwy_options *options);
/* Ends every call; none gets its callback. NULL is allowed. */
ZWY_API void zwy_client_free(struct zwy_client *client);
/* Readable when zwy_client_process() has something to do; the same all its life. */
ZWY_API int zwy_client_fd(const struct zwy_client *client);
/* Milliseconds until process wants to be called without readiness; -1: never. */
ZWY_API int zwy_client_timeout(const struct zwy_client *client);
ZWY_API void zwy_client_process(struct zwy_client *client);
enum zwy_connection { ZWY_IDLE, ZWY_CONNECTING, ZWY_READY, ZWY_WAITING };
ZWY_API enum zwy_connection zwy_client_state(const struct zwy_client *client);

struct zwy_metadata {
	const char *key;
	const char *value;
};

struct zwy_call_options {
	int64_t timeout_ms; /* 0: 10,000; negative: none */
	/* Wait for a connection instead of failing at once with UNAVAILABLE. */
	bool wait_for_ready;
	const struct zwy_metadata *metadata; /* copied */
	size_t metadata_count;
	/* The client will send more messages: zwy_call_send, then zwy_call_half_close. */
	bool client_streaming;
	/* Each message of the answer; may be NULL. */
	void (*message)(void *ctx, struct zwy_call *call, struct zwy_bytes message);
	/* Exactly once, last; the call is gone when it returns. error->status 0: OK. */
	void (*done)(void *ctx, struct zwy_call *call, const struct zwy_error *error);
	/* Room to send again (client streaming); may be NULL. */
	void (*writable)(void *ctx, struct zwy_call *call);
	void *ctx;
};

/* Starts a call of /package.Service/Method. `request` (copied) is the first message;
 * data NULL: none yet (client streaming), else an empty one. NULL: out of memory. A
 * server stream that must go slower: zwy_call_pause. */
ZWY_API struct zwy_call *zwy_call_start(struct zwy_client *client, const char *path, struct zwy_bytes request,
					const struct zwy_call_options *options);
/* 0, 1: taken, but wait for writable; -EPIPE: the call is over; -ENOMEM: not taken. */
ZWY_API int zwy_call_send(struct zwy_call *call, struct zwy_bytes message);
ZWY_API void zwy_call_half_close(struct zwy_call *call);
ZWY_API void zwy_call_pause(struct zwy_call *call);
ZWY_API void zwy_call_resume(struct zwy_call *call);
/* No further callback for this call. */
ZWY_API void zwy_call_cancel(struct zwy_call *call);

/* Blocking unary call. *ret (may be NULL) is malloc'ed: free() it. Returns 0 or -1 with *error filled in. */
ZWY_API int zwy_unary(struct zwy_client *client, const char *path, struct zwy_bytes request,
		      const struct zwy_call_options *options, struct zwy_bytes *ret, struct zwy_error *error);

/* Forms of messages, by full name, e.g. "zwy.v1.Application". *ret is malloc'ed.
 * 0, or -1 with *error saying line and field. */
enum zwy_form { ZWY_TEXT, ZWY_JSON, ZWY_JSON_LINE };
ZWY_API int zwy_message_print(const char *message, struct zwy_bytes bytes, enum zwy_form form, char **ret,
			      struct zwy_error *error);
ZWY_API int zwy_message_parse(const char *message, struct zwy_bytes text, enum zwy_form form,
			      struct zwy_bytes *ret, struct zwy_error *error);

ZWY_API const char *zwy_version(void);

#ifdef __cplusplus
}
#endif

#endif
