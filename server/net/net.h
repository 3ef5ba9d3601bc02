/* Sockets on one libuv loop: listeners, and connections each around one engine of
 * rpc/engine.h. HTTP/2 over TCP and Unix sockets, or within TLS over TCP.
 *
 * Everything here runs on the loop's thread, and so do all callbacks of handlers;
 * work done elsewhere comes back by the server's own uv_async_t and finds its call
 * with net_find. What the calls of one turn of the loop have to say goes out in one
 * write per connection at the end of the turn, then before_sleep is called, then the
 * loop waits for what comes next. Engines are driven by uv_now(): milliseconds that
 * only go forward, not the wall clock.
 *
 * Ownership: the net owns its listeners and connections. The config is copied, its
 * methods, server and ctx are borrowed until net_close is done. */
#ifndef ZWY_NET_H
#define ZWY_NET_H

#include <uv.h>

#include "rpc/engine.h"

struct net_limits {
#define NET_LIMIT(name, default_value, unit, text) int64_t name;
#include "net/limits.def"
#undef NET_LIMIT
};
void net_limits_default(struct net_limits *l);

/* What TLS listeners show and ask for: names of PEM files, "" or NULL: none. */
struct net_tls {
	const char *certificate; /* the server's, with those between it and its authority */
	const char *key;         /* without a passphrase */
	const char *client_ca;   /* authorities of client certificates */
	const char *crl;         /* their revocation lists */
	enum net_clients {
		NET_CLIENTS_NONE,     /* no certificate is asked for */
		NET_CLIENTS_OPTIONAL, /* asked for; one that is shown must be good */
		NET_CLIENTS_REQUIRED,
	} clients;
};

struct net_config {
	struct rpc_config rpc;
	struct net_limits limits;
	struct net_tls tls;
	/* A line, without its newline, that an administrator should read: certificates
	 * read anew, or not, or about to end. May be NULL. */
	void (*notice)(void *ctx, const char *text);
	/* Once per turn of the loop, after everything was written, right before it may
	 * sleep: let go of what must not be held meanwhile, e.g. a read snapshot. It does
	 * not send, finish or resume calls. May be NULL. */
	void (*before_sleep)(void *ctx);
	void *ctx;
};

#define NET_TARGET_MAX 256

struct net;

/* Fails with what rpc_config_check says, ERR_INVALID_ARGUMENT for limits, ERR_NO_MEMORY.
 * Has the process ignore SIGPIPE: a peer that goes away must not end it. */
int net_open(struct net **ret, uv_loop_t *loop, const struct net_config *config, struct fault *f);

/* Listens on a target and gives the real one, port and all:
 *
 *   unix:PATH
 *   HOST:PORT       a name or an address, [::1]:0 for IPv6, port 0: any that is free
 *   tls:HOST:PORT   the same within TLS 1.2 or 1.3 (RFC 9113 9.2), ALPN "h2"
 *   http:HOST:PORT  only the pages of rpc_config, over HTTP/1.1 in plaintext; pages for
 *                   this host (RPC_LOCAL) too: whoever chose the address chose who sees them
 *   unix-abstract:NAME
 *
 * A Unix socket has mode 0666:
 * who calls is known by SO_PEERCRED. Its directory is made if missing; a socket file on
 * which nobody listens is replaced, and it is removed when the listener closes.
 * ERR_INVALID_ARGUMENT: not a target; ERR_ALREADY_EXISTS: somebody listens there;
 * ERR_UNAVAILABLE: anything else that the system refuses, with its text. */
int net_listen(struct net *n, const char *target, char ret_target[NET_TARGET_MAX], struct fault *f);

/* The same on a socket that somebody else has made, e.g. systemd: `name` is tls, http or
 * anything else for plain. The net owns it from here on, even on failure; a socket file
 * stays where and as it is. */
int net_listen_fd(struct net *n, int fd, const char *name, char ret_target[NET_TARGET_MAX], struct fault *f);

/* Reads the files of net_tls again, for the handshakes from now on; connections that
 * are open stay as they are. On any error what was in force stays so. Done by itself
 * when a file changes. 0 too where there is no TLS. */
int net_reload(struct net *n, struct fault *f);

/* The call if it is still there. */
struct call *net_find(struct net *n, struct call_handle handle);
/* Work for the call goes on elsewhere: engine_hold, engine_release. Harmless when the
 * connection is gone. */
void net_hold(struct net *n, struct call_handle handle);
void net_release(struct net *n, struct call_handle handle);

/* Graceful end: listeners close at once, each connection says GOAWAY, calls under way
 * have `grace` ms. done: when the last connection is gone; always on a later turn. */
void net_drain(struct net *n, int64_t grace, void (*done)(void *ctx), void *ctx);

/* Ends everything now, calls too, and frees the net; done (may be NULL): on a later turn,
 * when libuv has let go of the last handle. The net may not be used from here on. A drain
 * that waits is forgotten. NULL is passed over, without a done. */
void net_close(struct net *n, void (*done)(void *ctx), void *ctx);

/* When the certificate of TLS listeners ends, by the wall clock; 0: there is none. */
msec net_certificate_end(const struct net *n);
size_t net_connections(const struct net *n);
/* Bytes held for peers, in engines and in writes that sockets have not taken yet. Looks at
 * every connection. */
size_t net_bytes(const struct net *n);
size_t net_open_calls(const struct net *n);

/* ---- for those who look on ---- */

struct net_listener_info {
	uint64_t id;        /* from 1 on, never used again */
	const char *target; /* as net_listen gave it; the listener's */
};

struct net_connection_info {
	uint64_t id;                  /* as in call_handle; from 1 on, never used again */
	const struct call_peer *peer; /* the connection's */
	struct engine_stats stats;
	int64_t window_in, window_out;        /* bytes; see engine_windows */
	const char *tls_version, *tls_cipher; /* "TLSv1.3" and the IANA's name; "": no TLS */
};

/* The listener or connection with the least id above `after`; false: there is none. What
 * they point to lives until the callback that asked returns. */
bool net_listener_next(const struct net *n, uint64_t after, struct net_listener_info *ret);
bool net_connection_next(const struct net *n, uint64_t after, struct net_connection_info *ret);
/* Sums over all connections that there have been, and the latest of their instants. */
void net_totals(const struct net *n, struct engine_stats *ret);
/* An instant of engine_stats by the machine's clock, ms since the epoch: for people to read. */
msec net_wall_time(const struct net *n, msec instant);

#endif
