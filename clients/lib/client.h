/* What the files of libzwy share: a client, its connections, its calls.
 *
 *   client.c      the fd, time, reconnecting, who comes next
 *   connection.c  one socket: connect, read, write
 *   session.c     HTTP/2 on it: requests out, answers in
 *   call.c        the public face of a call; its callbacks are made here only
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
#include "resolve.h"
#include "status.h"
#include "target.h"
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

struct zwy_call {
	struct zwy_client *client;
	struct connection *connection; /* NULL: waits for one, or is over */
	TAILQ_ENTRY(zwy_call) place;   /* in client->waiting, connection->calls or client->over */
	TAILQ_ENTRY(zwy_call) turn;    /* in client->turns */
	TAILQ_ENTRY(zwy_call) timer;   /* in client->timers */
	bool in_turns, in_timers;
	bool busy; /* inside one of its callbacks */
	bool gone; /* cancelled while busy: freed as soon as it is not */
	bool paused, over;

	/* Request */
	struct zwy_call_options options; /* metadata is not kept here */
	char *path;
	struct buf metadata; /* key NUL value NUL ... */
	size_t metadata_count;
	int64_t deadline; /* on the client's clock; INT64_MAX: none */
	struct buf out;   /* framed messages */
	size_t out_at;
	bool half_closed, out_waits, out_dropped, full;
	int32_t stream;
	bool packed;      /* its HEADERS went into the connection's buffer ... */
	uint64_t sent_at; /* ... at this byte */
	unsigned refusals;

	/* Answer */
	struct buf in; /* bytes of messages, not yet delivered */
	size_t in_at;
	struct deframer deframer;
	size_t header_bytes;
	int http_status;
	bool answered, not_grpc;
	int status;         /* grpc-status; -1: none came */
	struct buf message; /* grpc-message */
	struct buf details; /* grpc-status-details-bin */

	/* Where this end, not the server, says how it ended: a reason's code; else 0. */
	int local_code;
	bool unread; /* the server's handler cannot have seen any of it */
	bool sent;   /* once it is over: what call_sent() said */
	bool outcome_unknown;
};
TAILQ_HEAD(call_list, zwy_call);

enum phase {
	PHASE_CONNECTING,
	PHASE_SETTLING, /* connected; the server's SETTINGS are not here yet */
	PHASE_READY,
	PHASE_DRAINING, /* after GOAWAY: no new calls */
	PHASE_DEAD,     /* closed; freed when nothing on the stack can hold it */
};

struct connection {
	struct zwy_client *client;
	TAILQ_ENTRY(connection) place;
	enum phase phase;
	int fd;
	unsigned watched;   /* epoll events asked for */
	int64_t busy_until; /* connect again then; 0: no need */
	nghttp2_session *session;
	struct call_list calls; /* those with a stream whose end has not come */
	size_t streams;
	bool settled;    /* the server's SETTINGS came */
	bool going_away; /* its GOAWAY came */
	bool proven;     /* it answered a call */
	struct buf out;
	size_t out_at;
	uint64_t packed, written; /* bytes, since the beginning */
};
TAILQ_HEAD(connection_list, connection);

struct zwy_client {
	struct target target;
	char *as, *agent;
	int64_t connect_timeout, backoff_max;
	size_t max_message;
	int epoll, wake;
	bool woken, processing;
	int64_t now; /* monotonic, ms */

	enum zwy_connection state;
	struct connection *current; /* where new calls go */
	struct connection_list connections;
	struct resolve *resolve;
	size_t next_address;
	int64_t connect_by, backoff_until;
	unsigned failures;
	unsigned random;
	char trouble[200]; /* why there is no connection, for errors */

	struct call_list waiting, over, turns, timers;
	size_t turn_count;
};

/* client.c */
void client_time(struct zwy_client *client);
/* process() has something to do that no socket says. */
void client_wake(struct zwy_client *client);
/* Sends what was queued, unless process() is about to. */
void client_flush(struct zwy_client *client, struct connection *conn);
/* Gives waiting calls a stream, connecting if need be. */
void client_assign(struct zwy_client *client);
/* The current connection has the server's SETTINGS. */
void client_connected(struct zwy_client *client);
/* The current connection ended, or was never made. */
void client_disconnected(struct zwy_client *client, bool proven, const char *why);

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

/* session.c */
int session_new(struct connection *conn);
bool session_has_room(const struct connection *conn);
/* 0, or an nghttp2 error: the connection takes no more. */
int session_submit(struct connection *conn, struct zwy_call *call);
/* Forgets the stream of a call that ends before the server ended it. */
void session_abandon(struct zwy_call *call);
void session_resume(struct zwy_call *call);
void session_consumed(struct zwy_call *call, size_t n);

/* call.c */
void call_turn(struct zwy_call *call);
/* Makes the callbacks that are due. May free the call. */
void call_deliver(struct zwy_call *call);
/* The server, or the connection, ended it: done follows after the messages. */
void call_over(struct zwy_call *call);
/* This end ends it; drops what was not delivered. */
void call_fail(struct zwy_call *call, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Nothing of it was read: back to those that wait, as if never sent. */
void call_requeue(struct zwy_call *call);
bool call_sent(const struct zwy_call *call);
void call_free(struct zwy_call *call);

/* outcome.c */
void outcome(const struct zwy_call *call, struct zwy_error *ret);
void error_of_fault(struct zwy_error *ret, const struct fault *f);

#endif
