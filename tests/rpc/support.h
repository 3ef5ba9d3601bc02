/* An engine and an nghttp2 client, connected in memory: bytes go across in chunks of
 * random size, time is set by the test. The handlers below serve every call type. */
#ifndef TEST_RPC_SUPPORT_H
#define TEST_RPC_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "rpc/engine.h"
#include "status.h"

#define MAX_CALLS 2048

/* What one call looks like to its client. */
struct client_call {
	int32_t stream;
	struct buf request; /* bytes of DATA that are still to be sent */
	bool request_ends;
	bool request_deferred;
	struct buf body;
	int http_status;
	int grpc_status; /* -1: none came */
	char content_type[64];
	char message[1024];
	struct buf details; /* decoded */
	struct buf headers; /* "key: value\n", trailers too */
	unsigned head_frames;
	bool body_after_end; /* DATA or HEADERS after END_STREAM: never */
	bool ended;          /* END_STREAM came */
	bool closed;
	uint32_t close_code;
	size_t header_bytes; /* of the largest header block */
	size_t block_bytes;  /* of the one under way */
};

struct pair_options {
	uint32_t client_window;   /* 0: 65535 */
	uint32_t max_header_list; /* the client's; 0: none */
	bool client_holds;        /* the client takes nothing off its windows by itself */
	bool padding;             /* the client pads its frames */
	void (*limits)(struct rpc_limits *l);
	/* more of the client's SETTINGS */
	const nghttp2_settings_entry *settings;
	size_t setting_count;
	bool is_remote; /* the peer is another host; it is a local user as a rule */
};

#define PAIR_METHODS 24

struct pair {
	struct rpc_config config;
	struct rpc_method methods[PAIR_METHODS];
	struct engine *engine;
	struct engine_out out;
	nghttp2_session *client;
	struct client_call *calls[MAX_CALLS]; /* in the order of their streams */
	size_t call_count;
	msec now;
	uint64_t seed;
	unsigned wakes;
	int push_result;
	unsigned goaways;
	uint32_t goaway_code;
	int32_t goaway_last;
	bool client_holds;
	struct buf log; /* events of the handlers: "3:start 3:message …" */
	/* what the hook's `finished` was told */
	struct rpc_hook hook;
	unsigned finished_count;
	struct call_stats last_stats;
	struct call_handle last; /* of the latest started call */
};

void pair_open(struct pair *p, const struct pair_options *options);
/* Requires that every call that started was closed, and nothing is left open. */
void pair_close(struct pair *p);
/* Moves bytes until both sides are silent. */
void pair_run(struct pair *p);
/* One direction: client to engine; engine to client. True if anything moved. */
bool pair_up(struct pair *p);
bool pair_down(struct pair *p);
/* Sets the clock forward and lets it work. */
void pair_wait(struct pair *p, int64_t ms);

/* A call with the usual headers; `extra` are "key", "value" pairs, NULL at the end. A key
 * of the usual ones replaces it; its value NULL leaves it off. */
struct client_call *pair_call(struct pair *p, const char *path, const char *const *extra);
void pair_say(struct pair *p, struct client_call *c, struct slice message);
void pair_say_raw(struct pair *p, struct client_call *c, struct slice bytes);
/* END_STREAM, on the last DATA if it has not gone yet, else on an empty one. */
void pair_end(struct pair *p, struct client_call *c);
/* HEADERS with END_STREAM and no DATA at all. */
struct client_call *pair_call_bare(struct pair *p, const char *path, const char *const *extra);
void pair_reset(struct pair *p, struct client_call *c, uint32_t code);
/* The client takes n received bytes (with client_holds). */
void pair_take(struct pair *p, struct client_call *c, size_t n);
/* A unary call, whole. */
struct client_call *pair_unary(struct pair *p, const char *path, struct slice message);

/* The n-th message of the body, or asserts. */
struct slice reply_message(struct client_call *c, size_t n);
size_t reply_count(struct client_call *c);
/* "key: value\n", as it stands in the headers or trailers. */
void assert_has_header(struct client_call *c, const char *line);
void assert_no_header(struct client_call *c, const char *line);
void assert_status(struct client_call *c, enum grpc_status status);
/* Number of times that `event` of the call stands in the log. */
unsigned events(struct pair *p, struct client_call *c, const char *event);
/* The methods below; returns their number. */
size_t pair_methods(struct rpc_method dst[PAIR_METHODS]);
#define PAIR_PAGES 4
extern const struct rpc_page pair_pages[PAIR_PAGES];
uint64_t random_next(uint64_t *seed);
/* The seed of this run, printed: ZWY_SEED or the given one. */
uint64_t random_seed(uint64_t usual);

/* Paths served:
 *   /t.T/Unary     echoes its message
 *   /t.T/Upload    answers the number of bytes of all messages, in decimal
 *   /t.T/Download  its message "N SIZE": N messages of SIZE bytes, as the window allows
 *   /t.T/Chat      echoes each message at once, ends when the client does
 *   /t.T/Hold      unary, never answers by itself
 *   /t.T/Stream    server streaming, headers at once, never ends by itself
 *   /t.T/Pausing   client streaming, pauses after each message
 *   /t.T/Flood     sends 64 KiB messages without regard to CALL_FULL until it is refused
 *   /t.T/Fault     fails: its message is "CODE TEXT", code as a decimal
 *   /t.T/Status    ABORTED, its message is the text and the details
 *   /t.T/Empty     unary, OK without a message
 *   /t.T/Metadata  answers the value of the key that its message names, and as header x-echo
 *                  and trailer x-echo-bin
 *   /t.T/Squeeze   as Unary, by ALWAYS; its message is "sent plain" where it came so
 *   /t.T/Mixed     server streaming: 2000 bytes compressed, plain, compressed
 *   /healthz       page: "healthy"
 *   /metrics       page: 500,000 bytes
 *   /local         page: "here", only for this host
 *   /broken        page: fails
 *   /t.T/Checked   unary, its message is a zwy.v1.GetApplicationRequest */

#endif
