/* grpc.channelz.v1: what a server's sockets have carried, for those who look for a fault.
 *
 * One server, its listeners, its connections; it has no channels of its own. The figures
 * come from a source, which the net is (channelz_source_net); times come out as the wall
 * clock's. It says who talks to whom: the routes are for peers on this host (RPC_LOCAL).
 * Loop thread. */
#ifndef ZWY_GRPC_CHANNELZ_H
#define ZWY_GRPC_CHANNELZ_H

#include "net/net.h"

struct channelz_source {
	void *ctx;
	/* As net_totals, net_listener_next, net_connection_next, net_wall_time. */
	void (*totals)(void *ctx, struct engine_stats *ret);
	bool (*listener_next)(void *ctx, uint64_t after, struct net_listener_info *ret);
	bool (*connection_next)(void *ctx, uint64_t after, struct net_connection_info *ret);
	msec (*wall_time)(void *ctx, msec instant);
};

struct channelz {
	const char *name; /* of the server */
	/* May be filled in after the routes are laid, before the first call. */
	struct channelz_source source;
};

/* The net is borrowed until it is closed. */
void channelz_source_net(struct channelz_source *ret, struct net *n);

/* Most results in one answer; clients come back for the rest. */
#define CHANNELZ_PAGE 100

/* Identifiers are unique over everything that channelz knows (int64, never used again):
 * the server, then listeners, then connections. */
enum {
	CHANNELZ_SERVER_ID = 1,
	CHANNELZ_LISTENER_ID = 1 << 8, /* and the net's number of it */
	CHANNELZ_CONNECTION_ID = 1 << 16,
};

extern const struct call_handler channelz_top_channels_handler;
extern const struct call_handler channelz_servers_handler;
extern const struct call_handler channelz_server_handler;
extern const struct call_handler channelz_server_sockets_handler;
extern const struct call_handler channelz_channel_handler;
extern const struct call_handler channelz_subchannel_handler;
extern const struct call_handler channelz_socket_handler;

/* The messages of an answer, for the handlers and for tests. */
void channelz_put_server(struct buf *b, uint32_t number, const struct channelz *z);
void channelz_put_listener(struct buf *b, uint32_t number, const struct net_listener_info *l);
void channelz_put_connection(struct buf *b, uint32_t number, const struct channelz *z,
			     const struct net_connection_info *c);
void channelz_put_socket_ref(struct buf *b, uint32_t number, uint64_t id, const char *name);

#endif
