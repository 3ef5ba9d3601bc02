/* What the files of libzwy share: a client, its connections, its calls.
 *
 *   client.c      the fd, time, who comes next
 *   options.c     what the program asks for
 *   connect.c     from a target to a connection, and again after a loss
 *   connection.c  one socket: connect, read, write, in the clear or by tls.h
 *   session.c     HTTP/2 on it: requests out; answer.c: answers in
 *   keepalive.c   connections that say nothing, or are not needed
 *   call.c        the public face of a call; its callbacks are made here only
 *   metadata.c    of requests and answers
 *   compress.c    gzip of their messages
 *   retry.c       calls that are sent again
 *   outcome.c     how a call ended, as a struct zwy_error
 *
 * Bytes from the socket go through the session into the input of a call, which is
 * queued for its turn; callbacks are made from that queue, outside nghttp2, so that
 * a callback may start, cancel, pause or feed any call. One thread at a time. */
#ifndef ZWY_LIB_CLIENT_H
#define ZWY_LIB_CLIENT_H

#include <nghttp2/nghttp2.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/date.h"
#include "base/error.h"
#include "gzip.h"
#include "resolve.h"
#include "status.h"
#include "target.h"
#include "tls.h"
#include "zwy.h"

/* Limits that options do not set. */
#define CONNECT_TIMEOUT_MS 5000 /* until the server's SETTINGS are here */
#define BACKOFF_FIRST_MS   50   /* pause after the first failure; then x 1.6, +-20 % */
#define BACKOFF_MAX_MS     5000
#define BUSY_RETRY_MS      10 /* the backlog of a Unix socket is full */
#define CALL_TIMEOUT_MS    10000
#define STREAM_WINDOW      (256 << 10) /* bytes that a paused call may hold */
#define CONNECTION_WINDOW  (4 << 20)
#define OUT_MAX            (64 << 10)  /* bytes packed ahead of the socket */
#define SEND_HIGH          (256 << 10) /* zwy_call_send answers 1 above this ... */
#define SEND_LOW           (64 << 10)  /* ... until so much is left */
#define REPLAY_MAX         (1 << 20)   /* sent bytes of a request kept in case it was refused unread */
#define REFUSALS_MAX       2           /* times that an unread request is sent again */
#define METADATA_MAX       32
#define HEADERS_MAX        (64 << 10) /* bytes of an answer's headers and trailers */
#define READS_PER_TURN     16
#define COMPRESS_MIN       1024        /* bytes of a message below which gzip gains nothing */
#define KEEP_INFLATED      (256 << 10) /* bytes kept for the next message */

#define KEEPALIVE_TIMEOUT_MS   20000
#define RETRY_ATTEMPTS         5
#define RETRY_BACKOFF_FIRST_MS 100
#define RETRY_BACKOFF_MAX_MS   2000
#define RETRY_MULTIPLIER       2.0
#define RETRY_JITTER           0.2
#define RETRY_TOKENS           10.0
#define RETRY_TOKENS_MAX       1000.0 /* A6's own limit */
#define RETRY_TOKEN_RATIO      0.1

#define METADATA_PARTS 2 /* enum zwy_part */

/* call->pushback: grpc-retry-pushback-ms, or one of these. */
#define PUSHBACK_NONE  (-1)
#define PUSHBACK_NEVER (-2)

struct zwy_call {
	struct zwy_client *client;
	struct connection *connection; /* NULL: waits for one, or is over */
	TAILQ_ENTRY(zwy_call) place;   /* in client->waiting, ->resting, ->over or connection->calls */
	TAILQ_ENTRY(zwy_call) turn;    /* in client->turns */
	TAILQ_ENTRY(zwy_call) timer;   /* in client->timers */
	bool in_turns, in_timers;
	bool busy; /* inside one of its callbacks */
	bool gone; /* cancelled while busy: freed as soon as it is not */
	bool paused, over;
	bool rests; /* until retry_at */

	/* Request */
	struct zwy_call_options options; /* metadata and retry are not kept here */
	char *path;
	struct buf metadata; /* key NUL value NUL ... */
	size_t metadata_count;
	enum zwy_compress compress; /* the messages to come */
	int64_t deadline;           /* on the client's clock; INT64_MAX: none */
	struct buf out;             /* framed messages */
	size_t out_at;
	bool half_closed, out_waits, out_dropped, full;
	int32_t stream;
	bool packed;      /* its HEADERS went into the connection's buffer ... */
	uint64_t sent_at; /* ... at this byte */
	unsigned refusals;

	/* Attempts: those on the wire that have ended. */
	struct zwy_retry retry; /* max_attempts 1: not to be repeated */
	unsigned attempts, pauses;
	int64_t retry_at;
	bool committed;    /* the program has seen, or will see, part of an answer */
	bool outcome_lost; /* an earlier attempt may have been carried out */
	bool was_sent;     /* an earlier attempt may have reached the handler */

	/* Answer */
	struct buf in; /* bytes of messages, not yet delivered */
	size_t in_at;
	struct deframer deframer;
	size_t header_bytes;
	int http_status;
	bool answered, not_grpc, gzip_answer;
	bool in_compressed; /* in a callback for a message that was */
	bool headers_due;   /* the callback */
	bool ending;        /* in the last callback */
	struct answer_metadata *answer_metadata[METADATA_PARTS];
	int64_t pushback;
	int status;         /* grpc-status; -1: none came */
	struct buf message; /* grpc-message */
	struct buf details; /* grpc-status-details-bin */

	/* Where this end, not the server, says how it ended: a reason's code; else 0. */
	int local_code;
	bool unread; /* the server's handler cannot have seen any of it */
	bool sent;   /* once it is over: this or an earlier attempt may have reached the handler */
	bool outcome_unknown;
};
TAILQ_HEAD(call_list, zwy_call);

enum phase {
	PHASE_CONNECTING,
	PHASE_HANDSHAKING, /* TLS */
	PHASE_SETTLING,    /* connected; the server's SETTINGS are not here yet */
	PHASE_READY,
	PHASE_DRAINING, /* after GOAWAY: no new calls */
	PHASE_DEAD,     /* closed; freed when nothing on the stack can hold it */
};

struct connection {
	struct zwy_client *client;
	TAILQ_ENTRY(connection) place;
	enum phase phase;
	int fd;
	unsigned watched;       /* epoll events asked for */
	int64_t busy_until;     /* connect again then; 0: no need */
	struct tls_stream *tls; /* NULL: in the clear */
	nghttp2_session *session;
	struct call_list calls; /* those with a stream whose end has not come */
	size_t streams;
	bool settled;    /* the server's SETTINGS came */
	bool going_away; /* its GOAWAY came */
	bool proven;     /* it answered a call */
	bool too_many_pings;
	char farewell[80]; /* what its GOAWAY said */
	int64_t heard_at;  /* last time that something came */
	int64_t asked_at;  /* a PING is under way since then; 0: none */
	int64_t calls_at;  /* last time that there was a call */
	struct buf out;
	size_t out_at;
	uint64_t packed, written; /* bytes, since the beginning */
};
TAILQ_HEAD(connection_list, connection);

/* Of retries, common to a client's calls; in thousandths of a token. */
struct throttle {
	int64_t most, left, refill; /* most 0: no throttle */
};

struct zwy_client {
	struct target target;
	char *as, *agent;
	int64_t connect_timeout, backoff_max, keepalive, keepalive_timeout, idle_timeout;
	size_t max_message;
	struct tls *tls; /* NULL: in the clear */
	struct throttle throttle;
	struct gzip gzip;
	struct buf inflated; /* the message in a callback */
	int epoll, wake;
	bool woken, processing;
	int64_t now; /* monotonic, ms */

	enum zwy_connection state;
	struct connection *current; /* where new calls go */
	struct connection_list connections;
	struct resolve *resolve;
	size_t next_address;
	int64_t connect_by, attempt_by, backoff_until;
	unsigned failures;
	unsigned random;
	char trouble[320];        /* why there is no connection, for errors */
	enum phase trouble_phase; /* how far the attempt had come that it tells of */

	struct call_list waiting, resting, over, turns, timers;
	size_t turn_count;
};

/* client.c */
void client_time(struct zwy_client *client);
/* process() has something to do that no socket says. */
void client_wake(struct zwy_client *client);
/* Sends what was queued, unless process() is about to. */
void client_flush(struct zwy_client *client, struct connection *conn);
/* Up to that part more or less of a pause in milliseconds. */
int64_t client_jitter(struct zwy_client *client, double pause, double part);

/* options.c: 0, or -EINVAL, -E2BIG, -ENOMEM or what reading the files came to */
int options_take(struct zwy_client *client, const struct zwy_options *given, struct fault *f);
/* The same in this library's size. */
int options_of_call(struct zwy_call_options *ret, const struct zwy_call_options *given);
int call_options_take(struct zwy_call *call, const struct zwy_call_options *given);

/* connect.c */
/* Gives waiting calls a stream, connecting if need be. */
void client_assign(struct zwy_client *client);
/* The current connection has the server's SETTINGS. */
void client_connected(struct zwy_client *client);
/* The current connection ended in that phase, or was never made. */
void client_disconnected(struct zwy_client *client, enum phase phase, bool proven, const char *why);
/* The resolver has answered. */
void client_resolved(struct zwy_client *client);
/* An attempt, or all of them, took too long. */
void client_check_attempt(struct zwy_client *client);

/* connection.c */
int connection_open(struct connection **ret, struct zwy_client *client, const struct address *address);
void connection_event(struct connection *conn, unsigned events);
void connection_connect_again(struct connection *conn);
void connection_flush(struct connection *conn);
/* Looks for the server's GOAWAY or end before an idle connection is used again. */
void connection_probe(struct connection *conn);
/* Closes; calls that have not ended fail or, where nothing was sent, wait again. */
void connection_lost(struct connection *conn, const char *why);
void connection_free(struct connection *conn);

/* keepalive.c */
/* Asks, gives up, or closes what is idle. The connection may be lost afterwards. */
void keepalive_check(struct connection *conn);
/* When it wants to be asked again; INT64_MAX: no need. */
int64_t keepalive_instant(const struct connection *conn);
/* The server's GOAWAY was about pings. */
void keepalive_slower(struct zwy_client *client);

/* metadata.c */
/* false: not what gRPC allows. */
bool metadata_take(struct zwy_call *call, const struct zwy_metadata *list, size_t count);
/* One field of an answer's headers or trailers. 0 or ERR_NO_MEMORY. */
int metadata_add(struct zwy_call *call, struct slice name, struct slice value);
/* The answer had no other than these (trailers-only). */
void metadata_headers_are_trailers(struct zwy_call *call);
void metadata_release(struct zwy_call *call);

/* compress.c */
/* Makes *message what was compressed; it lies in the client. 0 or an ERR_*. */
int compress_open(struct zwy_call *call, struct slice *message);
/* The program has seen it. */
void compress_done(struct zwy_client *client);
/* Appends a message to what is sent, compressed where it was asked for and helps. */
void compress_frame(struct zwy_call *call, struct slice message);
/* Gives the working memory back. */
void compress_forget(struct zwy_client *client);

/* retry.c */
void throttle_init(struct throttle *t, double tokens, double ratio);
/* An attempt on the wire has ended. true: the call rests, and will be sent again. */
bool retry_call(struct zwy_call *call);
/* Those whose pause is over wait for a stream again. */
void retry_wake(struct zwy_client *client);

/* answer.c */
void answer_set_callbacks(nghttp2_session_callbacks *callbacks);

/* session.c */
int session_new(struct connection *conn);
bool session_has_room(const struct connection *conn);
/* False once the server goes away, or stream numbers are used up. */
bool session_takes_calls(const struct connection *conn);
/* 0, or an nghttp2 error: the connection takes no more. */
int session_submit(struct connection *conn, struct zwy_call *call);
/* Forgets the stream of a call that ends before the server ended it. */
void session_abandon(struct zwy_call *call);
void session_resume(struct zwy_call *call);
void session_consumed(struct zwy_call *call, size_t n);
/* NULL: nobody waits for that stream any more. */
struct zwy_call *session_call(nghttp2_session *session, int32_t stream);

/* call.c */
void call_turn(struct zwy_call *call);
/* Makes the callbacks that are due. May free the call. */
void call_deliver(struct zwy_call *call);
/* The server, or the connection, ended it: done follows after the messages, or another attempt. */
void call_ended(struct zwy_call *call);
/* This end ends it, whatever the server may have said; drops what was not delivered. */
void call_fail(struct zwy_call *call, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Nothing of it was read: back to those that wait, as if never sent. */
void call_requeue(struct zwy_call *call);
/* Forgets the last attempt and puts the call into that list. */
void call_reset(struct zwy_call *call, struct call_list *list);
/* The last attempt, if it is on a connection, may have reached the server's handler. */
bool call_attempt_sent(const struct zwy_call *call);
void call_free(struct zwy_call *call);

/* outcome.c */
void outcome(const struct zwy_call *call, struct zwy_error *ret);
void error_of_fault(struct zwy_error *ret, const struct fault *f);

#endif
