/* What the files of this folder share, and nobody else includes. One connection is
 * one struct engine, one stream of it one struct call; both belong to the thread
 * that drives the engine.
 *
 *   session.c   nghttp2's callbacks, the birth and death of a call
 *   memory.c    where the library's memory comes from
 *   metadata.c  request headers into a call
 *   request.c   refusals before a handler runs; messages in, flow control inwards
 *   reply.c     headers, trailers and status out
 *   page.c      pages for plain HTTP clients
 *   gzip.c      messages compressed and inflated
 *   send.c      messages out, flow control outwards, filling the outbox
 *   guard.c     budgets for floods, the rule for pings
 *   keepalive.c the connection's own terms, and its drain
 *   timer.c     heap of deadlines, and what calls wait for
 *   call.c      what handlers see
 *   engine.c    what the owner sees
 *
 * Life of a call: spare -> (HEADERS begin) open -> (HEADERS whole) started ->
 * finished (status known) -> trailers submitted -> stream closed -> spare.
 * `over` is told to the handler once: when the stream closes, or earlier, at its
 * deadline or the connection's end; after that the call only serves to send what
 * is left. A call is freed in on_stream_close alone (and in engine_free), for the
 * library points to it until then. */
#ifndef ZWY_RPC_INTERNAL_H
#define ZWY_RPC_INTERNAL_H

#include <nghttp2/nghttp2.h>

#include "gzip.h"
#include "base/budget.h"
#include "rpc/engine.h"
#include "status.h"

/* One message, framed, waiting to be sent. */
struct out_message {
	struct out_message *next;
	size_t n;    /* prefix and message */
	size_t sent; /* of them */
	bool pinned; /* an outbox points into it */
	char data[];
};

struct header {
	struct header *next;
	struct slice key, value;
};

struct header_list {
	struct header *first, **last;
	size_t n;
};

/* By the content-type of the request. */
enum content {
	CONTENT_FOREIGN, /* none, or not gRPC */
	CONTENT_GRPC,
	CONTENT_GRPC_PROTO,
	CONTENT_GRPC_OTHER, /* a codec that we do not have */
};

enum http_method { HTTP_OTHER, HTTP_POST, HTTP_GET, HTTP_HEAD };

/* By grpc-encoding. */
enum encoding { ENCODING_IDENTITY, ENCODING_GZIP, ENCODING_UNKNOWN };

/* What the request's headers amount to; judged when they are whole. */
struct request_head {
	enum content content;
	enum http_method http_method;
	enum encoding encoding;
	bool accepts_gzip;
	bool overflow;    /* beyond max_header_list */
	bool bad_timeout; /* not 1 to 8 digits and a unit */
	bool bad_binary;  /* a -bin value that is not base64 */
	bool has_timeout;
	int64_t timeout; /* ms */
	size_t bytes;    /* so far, as SETTINGS_MAX_HEADER_LIST_SIZE counts them; trailers too */
	size_t fields;
};

enum { READY_RESUME = 1, READY_WRITABLE = 2 };

struct call {
	struct engine *engine;
	struct call *next, **link; /* the engine's calls, or its spare ones */
	struct call *ready_next, **ready_link;
	unsigned ready; /* READY_*: callbacks that wait for the next pull */
	int32_t stream;
	const struct rpc_method *method;
	const struct rpc_page *page; /* instead of it */
	void *user;
	void *note; /* of the hooks */
	struct arena arena;

	struct request_head head;
	struct header_list metadata;
	struct header_list reply_headers, reply_trailers;

	struct deframer in;
	struct buf held; /* received while paused, not yet consumed */
	bool paused;
	bool waiting;       /* until there is room for its replies: its handler knows nothing yet */
	bool has_message;   /* a unary request's, kept in `in` until END_STREAM */
	bool half_closed;   /* END_STREAM received */
	bool input_over;    /* and everything before it taken */
	bool counted;       /* its head is whole, and it is a call */
	bool started;       /* the handler knows of it */
	bool in_compressed; /* the message being delivered */

	enum call_compress compress;
	bool may_compress;   /* ALWAYS was said once */
	bool gzip_announced; /* in the headers */

	struct out_message *out_first, **out_last;
	size_t queued;    /* bytes of them that are not sent yet */
	size_t promised;  /* bytes of them in a DATA frame that is made but not written */
	bool headers_out; /* submitted */
	bool deferred;    /* the library waits for resume_data */
	bool full;        /* CALL_FULL was answered, writable is owed */
	bool finished;
	bool trailers_out;
	bool aborting; /* the reset follows if the status cannot be sent */
	bool over;     /* closed was told */
	int http_status;

	size_t receiving; /* bytes of a message not yet delivered, counted in engine.receiving */
	unsigned held_by; /* engine_hold */

	msec began;
	msec moved_in, moved_out; /* last progress */
	msec deadline;            /* 0: none */
	msec due;                 /* of the timer; 0: not in the heap */
	size_t heap_index;
	struct call_stats stats;
};

/* guard.c */
enum budget_name {
	BUDGET_RESETS,
	BUDGET_STREAM_ERRORS,
	BUDGET_SETTINGS,
	BUDGET_GLITCHES,
	BUDGET_OVERSIZE,
	BUDGET_COUNT,
};

#define GUARD_STREAMS 32
struct guard {
	struct budget budgets[BUDGET_COUNT];
	/* The place in the peer's sequence of frames. */
	size_t passing; /* bytes up to the next frame's header */
	uint8_t head[9];
	size_t head_n;
	int32_t last_stream; /* the greatest so far */
	bool skipping;       /* the library does not see the frame under way */
	bool unwanted;       /* the header block under way opens no stream */
	msec last_ping;
	int64_t ping_strikes;
	/* Streams that the peer has ended or reset, the latest ones. */
	int32_t said_all[GUARD_STREAMS];
	size_t said_all_n;
	/* The first bytes of a payload that matters, and the frame that they are of. */
	uint8_t payload[4];
	size_t payload_n, payload_wanted;
	uint8_t payload_type;
	int32_t payload_stream;
	bool spoke; /* HEADERS, DATA or WINDOW_UPDATE since the last ping */
	/* How the connection ends, decided in a callback; NULL: not at all. */
	const char *verdict;
	uint32_t verdict_code;
};

enum drain_state { DRAIN_NONE, DRAIN_ANNOUNCED, DRAIN_LAST_WORD, DRAIN_GRACE_OVER };

struct engine {
	nghttp2_session *session;
	const struct rpc_config *config;
	struct call_peer peer;
	uint64_t id;
	void (*wake)(void *owner);
	void *owner;
	msec now;

	struct call *calls; /* with a stream */
	size_t call_count, over_count;
	struct call *spare;
	size_t spare_count;
	struct call *ready_first, **ready_last;
	struct call **heap; /* by due, the least first */
	size_t heap_n, heap_cap;

	struct engine_out *out; /* while pulling */
	bool out_full;
	struct out_message *retired; /* sent, but an outbox may still point into them */
	size_t queued;               /* over all calls */
	size_t waiting;              /* calls */

	unsigned inside; /* push, pull, service or free on the stack: no wake */
	bool woken;
	bool failed; /* nothing more is heard */
	bool ending; /* the same, and a GOAWAY that says why is the last that is said */
	bool mute;   /* nothing more is said */
	struct guard guard;
	size_t receiving;  /* bytes of messages not yet delivered, over all calls */
	size_t held_calls; /* engine_hold, of calls that are gone */

	msec opened, age_end;
	msec heard;    /* anything at all */
	msec ping_end; /* the peer is taken for dead then; 0: no ping is out for that */
	unsigned pings_out;
	bool greeted; /* the peer's SETTINGS came */
	msec greeted_at;
	bool acknowledged; /* it took ours */
	msec header_since; /* a header block is under way; 0: none */
	int32_t header_stream;
	msec quiet_since; /* no calls */
	struct engine_stats stats;

	struct gzip gzip;
	struct buf inflated, deflated;
	msec gzip_used; /* 0: it holds nothing */

	enum drain_state drain;
	msec drain_next, drain_end;
};

/* memory.c */
nghttp2_mem session_memory(void);

/* session.c */
int session_open(struct engine *e);
void call_over(struct call *c);
void call_free(struct call *c);
void spare_release(struct engine *e);

/* metadata.c */
int metadata_add(struct call *c, struct slice name, struct slice value);
/* One field towards the limits; ERR_MESSAGE_TOO_LARGE at four times of one. */
int metadata_count(struct call *c, size_t name_n, size_t value_n);
/* Adds what a handler says; false: it may not say that. */
bool metadata_reply(struct call *c, struct header_list *l, struct slice key, struct slice value);
int header_list_add(struct arena *a, struct header_list *l, struct slice key, struct slice value);

/* request.c */
void request_begin(struct call *c);
void request_data(struct call *c, struct slice data);
void request_end(struct call *c);
void request_resume(struct call *c);
/* Calls that waited for room for replies; false: none could begin. Not from a callback of
 * the library. */
bool request_begin_waiting(struct engine *e);
/* Gives unread bytes back to the sender's windows, or to the connection's alone. */
void request_discard(struct call *c);

/* gzip.c */
/* The message in c->in as the handler shall see it; valid until the next one of any call. */
int gzip_open(struct call *c, struct slice *ret);
/* *message as it shall go out, in *ret if that is compressed. True: it is. */
bool gzip_close(struct call *c, struct slice message, struct slice *ret);
/* Whether the headers of the reply, which go now, announce gzip. */
bool gzip_announce(struct call *c);
/* Gives memory back that was not used for idle_trim; returns when to come again. */
msec gzip_service(struct engine *e);
void gzip_forget(struct engine *e);

/* call.c */
bool is_local(const struct call_peer *peer);

/* page.c */
const struct rpc_page *page_find(const struct rpc_config *config, struct slice path);
void page_answer(struct call *c);

/* reply.c */
/* The library sends no larger header block. */
#define REPLY_HEADERS_MAX 65000
nghttp2_nv reply_field(struct slice key, struct slice value, uint8_t flags);
void reply_submit(struct call *c, const nghttp2_nv *nv, size_t n, bool with_body);
void reply_headers(struct call *c);
void reply_finish(struct call *c, const struct fault *f);
void reply_status(struct call *c, enum grpc_status status, struct slice message, struct slice details);
void reply_trailers(struct call *c);
/* Ends the call from the server's side: drops messages not yet begun, and resets
 * the stream after abort_grace if the status cannot be sent by then. */
void call_abort(struct call *c, const struct fault *f);

/* send.c */
extern const nghttp2_data_source_read_callback send_read;
int send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *framehd, size_t length,
	      nghttp2_data_source *source, void *user_data);
int send_queue(struct call *c, struct slice message, bool compressed);
/* Bytes as they are, without a prefix: pages. */
int send_bytes(struct call *c, struct slice bytes);
void send_kick(struct call *c);
/* Drops queued messages; keep_begun: not those of which a part is sent or promised. */
void send_drop(struct call *c, bool keep_begun);
void send_reap(struct engine *e);
/* The longest run of bytes that the library gives at once: a frame of the default
 * SETTINGS_MAX_FRAME_SIZE, which we do not raise. */
#define FRAME_HEADER  9
#define OUT_FRAME_MAX (FRAME_HEADER + 16384)
bool out_room(const struct engine_out *out, size_t n);
void out_copy(struct engine_out *out, const void *p, size_t n);
void ready_add(struct call *c, unsigned what);
void ready_remove(struct call *c);

/* guard.c */
void guard_init(struct engine *e);
/* How many of the bytes belong to the next frame that begins among them, or to the one
 * under way. ret: what of it the library shall be given, after guard_judge. */
size_t guard_next(struct engine *e, struct slice bytes, struct slice ret[2]);
void guard_spend(struct engine *e, enum budget_name name, int64_t cost);
void guard_reset(struct engine *e, const struct call *c);
void guard_data(struct engine *e, const nghttp2_frame *frame);
void guard_sent(struct engine *e, const nghttp2_frame *frame);
/* From a callback: the connection ends; the first reason counts. */
void guard_decide(struct engine *e, uint32_t code, const char *text);
/* Outside of the library: carries a decision out. True: there was one. */
bool guard_judge(struct engine *e);

/* keepalive.c */
void keepalive_open(struct engine *e);
void keepalive_heard(struct engine *e);
void keepalive_ping_ack(struct engine *e, const uint8_t mark[8]);
void keepalive_service(struct engine *e);
msec keepalive_next(const struct engine *e);

/* timer.c */
int timer_set(struct call *c, msec due);
void timer_clear(struct call *c);
struct call *timer_first(const struct engine *e);
/* Sets the timer for what the call now waits for, if that is earlier. */
void call_watch(struct call *c);
/* Its timer rang. */
void call_expire(struct call *c);
/* call_abort, and its handler is told at once. */
void call_end(struct call *c, int code, const char *text);

/* engine.c */
/* Out of memory inside the library or beside it: the connection cannot go on. */
void engine_fail(struct engine *e);
/* Something is to be pulled: wakes the owner, unless it is in here already. */
void engine_touch(struct engine *e);
void engine_enter(struct engine *e, msec now);
void engine_leave(struct engine *e);
/* GOAWAY with its reason, then the end. Not from a callback of the library. */
void engine_end(struct engine *e, uint32_t code, const char *text);

#endif
