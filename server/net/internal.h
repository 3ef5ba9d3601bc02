/* What the files of this folder share, and nobody else includes.
 *
 *   target.c      what people write of addresses, and back
 *   listener.c    sockets that accept
 *   connection.c  one socket under a stack of layers
 *   peer.c        who is at its other end
 *   address.c     how many connections each address has
 *   write.c       bytes that the socket does not take at once
 *   stack.c       the layers of each kind of connection; the topmost, around the engine
 *   tls.c         the layer of TLS
 *   tls_context.c what TLS needs of files
 *   tls_reload.c  those files, when they change
 *   inspect.c     what can be seen of all this
 *   http1.c       pages over HTTP/1.1
 *   net.c         the loop's turn, handles, drain and close
 *
 * A connection's life: opened by accept; with an engine when its lower layers have shaken
 * hands, at once where there are none; dirty while it may have bytes to send, once per
 * turn; ended when nothing more is to be read; lingering when all is sent and the peer has
 * not ended it; closing from uv_close on, without an engine; freed when libuv has closed
 * both of its handles. */
#ifndef ZWY_NET_INTERNAL_H
#define ZWY_NET_INTERNAL_H

#include <openssl/ssl.h>

#include "net/net.h"

struct address_count;
struct connection;
struct http1;
struct tls;
struct tls_files;

/* What input says of a peer that has ended its side in good order. */
enum { LAYER_ENDED = 1 };

/* What a layer has to send; lent until the next use of the connection or the net. */
struct layer_out {
	const struct slice *v;
	size_t n;
	size_t bytes;
};

/* One layer of a connection. `at` is its own place in the connection's stack: at[-1]
 * lies nearer to the socket, at[1] nearer to the calls. */
struct layer {
	/* Once, when the layer below can carry its bytes. */
	int (*open)(struct connection *c, const struct layer *const *at);
	/* All bytes that have come from below. Not 0: nothing more is to be read, because of an
	 * error or because the peer has said so. */
	int (*input)(struct connection *c, const struct layer *const *at, struct slice bytes);
	/* What is to be sent next; 0: nothing. Negative: the connection is lost. */
	ssize_t (*output)(struct connection *c, const struct layer *const *at, struct layer_out *ret);
};

enum listen_kind { LISTEN_PLAIN, LISTEN_TLS, LISTEN_HTTP1 };
/* Layers from the socket upwards; HTTP/1.1 has none, it is another library's. */
extern const struct layer *const *const layer_stacks[];

/* Whose connections are counted together; EXEMPT: nobody counts. */
struct address_key {
	enum { ADDRESS_EXEMPT, ADDRESS_USER, ADDRESS_IPV4, ADDRESS_IPV6 } kind;
	uint64_t value;
};

union socket {
	uv_handle_t handle;
	uv_stream_t stream;
	uv_tcp_t tcp;
	uv_pipe_t pipe;
};

struct listener {
	struct net *net;
	struct listener *next, **link;
	uint64_t id;
	bool is_unix;
	enum listen_kind kind;
	char name[NET_TARGET_MAX]; /* its real target */
	union socket uv;
	union socket spare; /* takes, to close it, what there is no memory for */
	bool spare_used;    /* until libuv has closed it */
	bool waiting;       /* one more came meanwhile */
	unsigned handles;
};

struct connection {
	struct net *net;
	struct connection *next, **link;
	struct connection *dirty_next;
	bool dirty;
	uint64_t id;
	const struct layer *const *stack;
	struct call_peer peer;
	struct tls *tls;       /* state of the layer of TLS, or NULL */
	struct engine *engine; /* NULL before the lower layers' handshake, and once closing */
	bool closing;
	struct address_key address;
	bool writing;         /* bytes are with libuv that the socket has not taken */
	msec progress_at;     /* of writing: when the peer last took some */
	size_t progress_left; /* and what was left then */
	bool reading;
	bool ended;      /* the peer, or a protocol error: flush, then close */
	bool peer_ended; /* it will send nothing more */
	bool lingering;  /* all is sent: only the peer's end of it is awaited */
	msec timer_at;   /* of the timer; INT64_MAX: not running */
	bool looked;     /* it came late, and what had arrived by then was taken first */
	unsigned handles;
	uv_timer_t timer;
	union socket uv;
};

struct net {
	uv_loop_t *loop;
	struct net_config config;
	struct listener *listeners;
	uint64_t listener_ids; /* given out so far */
	struct engine_stats closed_stats;
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
	void (*drained)(void *ctx);
	void *drained_ctx;
	void (*closed)(void *ctx);
	void *closed_ctx;
	size_t handles; /* that libuv still holds, the net's own included */

	/* TLS; NULL without. Each connection holds on to the context that it began with. */
	SSL_CTX *tls;
	BIO_METHOD *bio;
	uv_timer_t reload; /* looks at the files */
	struct tls_files *files;
	struct http1 *http1; /* NULL without such a listener */
	struct address_count *addresses;
	size_t address_slots;
	size_t unwritten; /* bytes with libuv, of all connections */
	msec next_complaint;
	unsigned complaints_withheld;

	/* Of whichever connection is being flushed. */
	struct engine_out out;
	struct buf sealed; /* by TLS */
	struct slice sealed_slice;
	/* Of whichever connection is being read. */
	char input[64 << 10];
	char plain[64 << 10]; /* and what TLS makes of it; and, when flushing, goes into TLS */
};

/* target.c */
union target_address {
	struct sockaddr any;
	struct sockaddr_storage storage;
};
struct target {
	const char *path;        /* of unix:PATH, else NULL */
	socklen_t abstract_size; /* of unix-abstract:NAME, else 0 */
	enum listen_kind kind;
	union target_address address;
};
int target_parse(struct target *ret, const char *text, struct fault *f);
void address_format(char *dst, size_t size, const struct sockaddr *address);
bool address_is_loopback(const struct sockaddr *address);

const char *listen_prefix(enum listen_kind kind);
/* A handle more of the net's, without a descriptor yet. 0, or libuv's error: then there is
 * nothing to close. */
int socket_init(struct net *n, union socket *s, bool is_unix);

/* listener.c */
int listener_open(struct net *n, const struct target *t, struct listener **ret, struct fault *f);
/* Takes over a socket that listens, or will; it is closed on failure too. */
int listener_adopt(struct net *n, int fd, enum listen_kind kind, struct listener **ret, struct fault *f);
void listener_close(struct listener *l);
/* There is no memory for the connection that has come: it is closed. Were it not accepted,
 * libuv would not listen on. */
void listener_turn_away(struct listener *l);

/* connection.c */
void connection_accept(struct listener *l);
void connection_flush(struct connection *c);
void connection_drain(struct connection *c, int64_t grace);
void connection_close(struct connection *c);

/* At the latest then: earlier instants hold. */
void connection_wake_at(struct connection *c, msec next);
/* The topmost layer is open from here on. */
int connection_open_engine(struct connection *c);
bool connection_over(const struct connection *c);

/* peer.c */
void peer_identify(struct connection *c, const struct listener *l);

/* address.c */
int address_open(struct net *n);
struct address_key address_key_unix(uid_t uid);
struct address_key address_key_ip(const struct sockaddr *address);
/* False: it has connections_per_address. */
bool address_enter(struct net *n, struct address_key key);
void address_leave(struct net *n, struct address_key key);

/* write.c */
int write_out(struct connection *c, const struct layer_out *out);
/* Wakes the connection for write_stalled. */
void write_watch(struct connection *c);
bool write_stalled(struct connection *c);

/* http1.c */
int http1_open(struct net *n, struct fault *f);
void http1_accept(struct listener *l);
bool http1_busy(const struct http1 *h);
void http1_close(struct net *n);

/* tls.c */
int tls_open_net(struct net *n, struct fault *f);
void tls_close_net(struct net *n);
extern const struct layer tls_layer;
bool tls_has_output(const struct tls *t);
void tls_free(struct tls *t);
void tls_describe(const struct tls *t, const char **ret_version, const char **ret_cipher);

/* tls_context.c: the files' content as a context, checked as far as can be. */
int tls_context_new(SSL_CTX **ret, struct net *n, struct fault *f);

/* Names of files that are not given are NULL or "". */
static inline bool
file_given(const char *file)
{
	return file && file[0];
}

/* tls_reload.c */
int tls_files_open(struct net *n, struct fault *f);
void tls_files_free(struct net *n);
/* From the first TLS listener on: without one nobody sees what the files say. */
void tls_reload_start(struct net *n);

/* inspect.c: before an engine is freed. */
void net_keep_stats(struct net *n, const struct engine *e);

/* net.c */
/* A notice about a peer or a listener: not more than one each second, however many give cause. */
void net_complain(struct net *n, const char *whose, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void net_notice(struct net *n, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Gives the connection its id; false: there are enough. */
bool net_add(struct net *n, struct connection *c);
void net_remove(struct net *n, struct connection *c);
void net_mark(struct connection *c);
/* Where that was the last that a drain waits for, the loop turns once more, and tells. */
void net_maybe_drained(struct net *n);
/* One handle less with libuv. */
void net_handle_closed(struct net *n);
msec net_now(const struct net *n);

#endif
