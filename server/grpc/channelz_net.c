/* The net as what channelz looks at. */
#include "grpc/channelz.h"

static void
totals(void *ctx, struct engine_stats *ret)
{
	net_totals(ctx, ret);
}

static bool
listener_next(void *ctx, uint64_t after, struct net_listener_info *ret)
{
	return net_listener_next(ctx, after, ret);
}

static bool
connection_next(void *ctx, uint64_t after, struct net_connection_info *ret)
{
	return net_connection_next(ctx, after, ret);
}

static msec
wall_time(void *ctx, msec instant)
{
	return net_wall_time(ctx, instant);
}

void
channelz_source_net(struct channelz_source *ret, struct net *n)
{
	*ret = (struct channelz_source){n, totals, listener_next, connection_next, wall_time};
}
