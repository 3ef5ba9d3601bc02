/* What the files of this folder share, and nobody else includes.
 *
 *   target.c      unix:PATH and HOST:PORT, to addresses and back
 *   listener.c    sockets that accept
 *   connection.c  one socket around one engine
 *   net.c         the loop's turn, handles, drain and close
 *
 * A connection's life: opened by accept; dirty while it may have bytes to send, once per
 * turn; lingering when all is sent and the peer has not ended it; closing from uv_close on, without an
 * engine; freed when libuv has closed both of its handles. */
#ifndef ZWY_NET_INTERNAL_H
#define ZWY_NET_INTERNAL_H

#include "net/net.h"

struct listener {
	struct net *net;
	struct listener *next, **link;
	bool is_unix;
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} uv;
};

/* Bytes that the socket would not take at once. */
struct pending_write {
	uv_write_t request;
	struct connection *connection;
	char data[];
};

struct connection {
	struct net *net;
	struct connection *next, **link;
	struct connection *dirty_next;
	bool dirty;
	uint64_t id;
	struct engine *engine; /* NULL once closing */
	bool writing;          /* a pending_write is under way */
	bool reading;
	bool ended;      /* the peer, or a protocol error: flush, then close */
	bool peer_ended; /* it will send nothing more */
	bool lingering;  /* all is sent: only the peer's end of it is awaited */
	msec timer_at;   /* of the timer; INT64_MAX: not running */
	unsigned handles;
	uv_timer_t timer;
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} uv;
};

struct net {
	uv_loop_t *loop;
	struct net_config config;
	struct listener *listeners;
	struct connection *connections;
	size_t connection_count;
	struct connection *dirty;
	/* Connections by slot: id = slot + generation * slot_count, so that an id finds its
	 * connection at once and is never used again. */
	struct connection **slots;
	uint64_t *next_ids;
	size_t slot_count;
	size_t *free_slots;
	size_t free_count;

	uv_prepare_t prepare;
	uv_check_t check;
	uv_idle_t idle; /* keeps the loop turning while a drain's end is to be told */
	bool draining, closing;
	int64_t grace;
	void (*drained)(void *ctx);
	void *drained_ctx;
	void (*closed)(void *ctx);
	void *closed_ctx;
	size_t handles; /* that libuv still holds, the net's own included */

	struct engine_out out; /* of whichever connection is being flushed */
	char input[64 << 10];  /* of whichever connection is being read */
};

/* target.c */
union target_address {
	struct sockaddr any;
	struct sockaddr_storage storage;
};
struct target {
	const char *path; /* of unix:PATH, else NULL */
	union target_address address;
};
int target_parse(struct target *ret, const char *text, struct fault *f);
void address_format(char *dst, size_t size, const struct sockaddr *address);
bool address_is_loopback(const struct sockaddr *address);

/* listener.c */
int listener_open(struct net *n, const struct target *t, struct listener **ret, struct fault *f);
void listener_name(const struct listener *l, const struct target *t, char ret_target[NET_TARGET_MAX]);
void listener_close(struct listener *l);

/* connection.c */
void connection_accept(struct listener *l);
void connection_flush(struct connection *c);
void connection_drain(struct connection *c, int64_t grace);
void connection_close(struct connection *c);

/* net.c */
/* Gives the connection its id; false: there are enough. */
bool net_add(struct net *n, struct connection *c);
void net_remove(struct net *n, struct connection *c);
void net_mark(struct connection *c);
/* One handle less with libuv. */
void net_handle_closed(struct net *n);
msec net_now(const struct net *n);

#endif
