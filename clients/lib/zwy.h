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
 * the installed .proto files, or from text and JSON by zwy_message_parse().
 *
 * What a program may rely on, within one soname (libzwy.so.1):
 *  - Structures that the program fills in (zwy_options, zwy_call_options, zwy_retry)
 *    begin with their size, set by `.size = sizeof(struct zwy_options)` or by the
 *    _INIT macros. Later versions add members at the end only, where 0 means "as
 *    before". A library that is older than the program refuses members that it does
 *    not know, with -E2BIG, unless they are 0. A size of 0 is refused with -EINVAL.
 *  - Structures that the library fills in (zwy_error), and those that go by value
 *    (zwy_bytes, zwy_metadata), never change their size; zwy_error has room left.
 *  - Functions and constants are only added. Everything else is opaque.
 *  - Symbols have versions: a program that needs a newer library is told at its start. */
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
	} details[16];          /* every defect, where several were found at once */
	unsigned attempts;      /* times that the request was put on a connection */
	int64_t retry_after_ms; /* the server asks to be left alone for so long (RetryInfo); 0: it said
				   nothing */
	uint64_t reserved[12];  /* 0 */
};

struct zwy_options {
	size_t size;                /* sizeof(struct zwy_options) */
	const char *as;             /* principals/x to act for (zwy-as); NULL: oneself */
	const char *user_agent;     /* put before the library's own; NULL: none */
	int64_t connect_timeout_ms; /* to all addresses of the target together; 0: 5,000 */
	int64_t backoff_max_ms;     /* longest pause between attempts to connect; 0: 5,000 */
	size_t max_message;         /* bytes accepted, also after decompression; 0: 4 MiB */

	/* For targets tls:HOST:PORT. PEM files, read again for a new connection when they changed. */
	const char *ca_file;     /* whom to trust; NULL: the system's store */
	const char *cert_file;   /* the client's own certificate and what links it to its CA; NULL: none */
	const char *key_file;    /* its key, without a passphrase; NULL: in cert_file */
	const char *server_name; /* that the server's certificate is for; NULL: HOST */

	/* A connection that said nothing for keepalive_ms, while calls are under way, is asked by a
	 * PING, and is lost after keepalive_timeout_ms without an answer. Servers take offence at
	 * pings closer than their limit (zwyd and others: 5 minutes) and close the connection; then
	 * the client asks half as often. 0: off, 20,000. */
	int64_t keepalive_ms, keepalive_timeout_ms;
	/* A connection without calls is closed after this long; 0: stays. */
	int64_t idle_timeout_ms;

	/* Throttle of retries (struct zwy_retry), common to the calls of a client: a failure takes one
	 * token out of so many, a success puts back retry_token_ratio, and nothing is retried while
	 * half or fewer are left. 0: 10 tokens, 0.1; negative: no throttle. */
	double retry_tokens, retry_token_ratio;
};
#define ZWY_OPTIONS_INIT                                                                               \
	{                                                                                              \
		sizeof(struct zwy_options), NULL, NULL, 0, 0, 0, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0 \
	}

/* What ZWY_SERVER says, else $XDG_RUNTIME_DIR/zwy/zwyd.sock for an ordinary user, else
 * unix:/run/zwy/zwyd.sock. */
ZWY_API const char *zwy_default_target(char *buffer, size_t size);

/* Sets the files that are NULL to what ZWY_CA, ZWY_CERT and ZWY_KEY say, as `zwy` and `zwyfs` do. */
ZWY_API void zwy_default_files(struct zwy_options *options);

/* Target: unix:PATH, HOST:PORT, or tls:HOST:PORT for TLS 1.2 or 1.3, where the server must
 * speak HTTP/2 by ALPN and show a certificate for HOST (DNS name or IP address). Connects
 * only when a call needs it, but reads the files of the options at once.
 * 0, or a negative errno with *error (may be NULL) filled in: -EINVAL: the target, an option
 * or a file cannot be read as what it should be; -E2BIG: an option that this library does not
 * know; -ENOENT, -EACCES and so on: a file; -ENOMEM. */
ZWY_API int zwy_client_new(struct zwy_client **ret, const char *target, const struct zwy_options *options,
			   struct zwy_error *error);
/* Ends every call; none gets its callback. NULL is allowed. */
ZWY_API void zwy_client_free(struct zwy_client *client);
/* Readable when zwy_client_process() has something to do; the same all its life. */
ZWY_API int zwy_client_fd(const struct zwy_client *client);
/* Milliseconds until process wants to be called without readiness; -1: never. */
ZWY_API int zwy_client_timeout(const struct zwy_client *client);
ZWY_API void zwy_client_process(struct zwy_client *client);
enum zwy_connection { ZWY_IDLE, ZWY_CONNECTING, ZWY_READY, ZWY_WAITING };
ZWY_API enum zwy_connection zwy_client_state(const struct zwy_client *client);

/* Keys are [0-9a-z_.-]; those that begin with grpc- are not the program's. The value is printable
 * ASCII, except where the key ends with -bin: then any `size` bytes, base64 on the wire only. Of
 * other values `size` is looked at only in what the library hands out. */
struct zwy_metadata {
	const char *key;
	const char *value;
	size_t size;
};

/* For calls that the server may carry out more than once without harm, because they only read or
 * because it knows them by a request id. Such a call is sent again, within its deadline,
 *  - when the connection is lost, or the server answers UNAVAILABLE,
 *  - when it answers RESOURCE_EXHAUSTED with a RetryInfo,
 * as long as no part of an answer's beginning has come and the whole request is still in `buffer`;
 * not before the time that the server asks for (RetryInfo, grpc-retry-pushback-ms), else after a
 * pause that grows: gRPC's proposal A6. While it has no connection, a call that was sent before
 * waits for one. (What the server certainly has not read is sent again for every call.) */
struct zwy_retry {
	size_t size;                /* sizeof(struct zwy_retry) */
	unsigned max_attempts;      /* with the first; 0: 5 */
	int64_t initial_backoff_ms; /* 0: 100 */
	int64_t max_backoff_ms;     /* 0: 2,000 */
	double multiplier;          /* 0: 2 */
	double jitter; /* part of a pause that is left to chance, up and down; 0: 0.2; negative: none */
	size_t buffer; /* bytes of a request kept; 0: 1 MiB */
};
#define ZWY_RETRY_INIT                                     \
	{                                                  \
		sizeof(struct zwy_retry), 0, 0, 0, 0, 0, 0 \
	}

/* gzip of the messages that are sent. AUTO: those of 1 KiB and more that get smaller by it; ALWAYS: all
 * but empty ones. What is compressed beside a secret of somebody else's may betray it (CRIME):
 * compress only what is not secret. Compressed answers are always understood. */
enum zwy_compress { ZWY_COMPRESS_NEVER, ZWY_COMPRESS_AUTO, ZWY_COMPRESS_ALWAYS };

struct zwy_call_options {
	size_t size;        /* sizeof(struct zwy_call_options) */
	int64_t timeout_ms; /* of all attempts together; 0: 10,000; negative: none */
	/* Wait for a connection instead of failing at once with UNAVAILABLE. */
	bool wait_for_ready;
	const struct zwy_metadata *metadata; /* copied; at most 32 */
	size_t metadata_count;
	/* The client will send more messages: zwy_call_send, then zwy_call_half_close. */
	bool client_streaming;
	/* Also whether any message of this call will be compressed: see zwy_call_compress. */
	enum zwy_compress compress;
	/* Each message of the answer; may be NULL. */
	void (*message)(void *ctx, struct zwy_call *call, struct zwy_bytes message);
	/* Exactly once, last; the call is gone when it returns. error->status 0: OK. */
	void (*done)(void *ctx, struct zwy_call *call, const struct zwy_error *error);
	/* Room to send again (client streaming); may be NULL. */
	void (*writable)(void *ctx, struct zwy_call *call);
	void *ctx;
	/* The answer's first metadata are there (zwy_call_metadata); at most once, before any message;
	 * not for an answer that consists of its end alone. May be NULL. */
	void (*headers)(void *ctx, struct zwy_call *call);
	/* NULL: sent again only when the server certainly did not read it. Copied. */
	const struct zwy_retry *retry;
};
#define ZWY_CALL_OPTIONS_INIT                                                                              \
	{                                                                                                  \
		sizeof(struct zwy_call_options), 0, false, NULL, 0, false, ZWY_COMPRESS_NEVER, NULL, NULL, \
			NULL, NULL, NULL, NULL                                                             \
	}

/* Starts a call of /package.Service/Method. `request` (copied) is the first message;
 * data NULL: none yet (client streaming), else an empty one. A path or metadata that gRPC does
 * not allow fails the call with INVALID_ARGUMENT. NULL with errno: ENOMEM, or EINVAL or E2BIG
 * for options that this library cannot read. A server stream that must go slower:
 * zwy_call_pause. */
ZWY_API struct zwy_call *zwy_call_start(struct zwy_client *client, const char *path, struct zwy_bytes request,
					const struct zwy_call_options *options);
/* 0, 1: taken, but wait for writable; -EPIPE: the call is over; -ENOMEM: not taken. */
ZWY_API int zwy_call_send(struct zwy_call *call, struct zwy_bytes message);
/* For the messages to come, of a call that was not started with ZWY_COMPRESS_NEVER. */
ZWY_API void zwy_call_compress(struct zwy_call *call, enum zwy_compress how);
ZWY_API void zwy_call_half_close(struct zwy_call *call);
ZWY_API void zwy_call_pause(struct zwy_call *call);
ZWY_API void zwy_call_resume(struct zwy_call *call);
/* No further callback for this call. */
ZWY_API void zwy_call_cancel(struct zwy_call *call);

/* The answer's metadata: ZWY_HEADERS from the callback headers on, ZWY_TRAILERS in done. The first
 * after `after` (NULL: of all) with that key (NULL: any); NULL: there is none. Without those that
 * are the protocol's own. Valid until the call is gone. */
enum zwy_part { ZWY_HEADERS, ZWY_TRAILERS };
ZWY_API const struct zwy_metadata *zwy_call_metadata(const struct zwy_call *call, enum zwy_part part,
						     const char *key, const struct zwy_metadata *after);

/* Whether the message of the callback that is running came compressed. */
ZWY_API bool zwy_call_message_compressed(const struct zwy_call *call);

/* Blocking unary call: `headers` and `done` of the options are called too, with their ctx; message
 * and writable are not. *ret (may be NULL) is malloc'ed: free() it. 0, or -1 with *error filled in. */
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
