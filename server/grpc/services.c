#include "grpc/services.h"

#include "rpc/engine.h"

#define CHANNELZ "/grpc.channelz.v1.Channelz/"

struct slice
method_service(const struct rpc_method *m)
{
	struct slice path = slice_of(m->path), service = SLICE("");
	slice_cut(&path, '/', &service);
	slice_cut(&path, '/', &service);
	return service;
}

/* Every service of the rows, which are in order, becomes known. */
static int
health_know(struct health *h, const struct rpc_method *rows, size_t n)
{
	struct slice last = SLICE("");
	for (size_t i = 0; i < n; i++) {
		char name[HEALTH_NAME_MAX + 1] = "";
		struct slice service = method_service(&rows[i]);
		if (slice_equal(service, last))
			continue;
		if (service.n > HEALTH_NAME_MAX)
			return ERR_INVALID_ARGUMENT;
		memcpy(name, service.p, service.n);
		int rc = health_set(h, name, HEALTH_NOT_SERVING);
		if (rc)
			return rc;
		last = service;
	}
	return 0;
}

int
grpc_services_routes(const struct grpc_services *s, struct rpc_method *rows, size_t n, size_t *ret_n)
{
	const struct rpc_method own[] = {
		{CHANNELZ "GetChannel", false, false, NULL, &channelz_channel_handler, s->channelz,
		 RPC_LOCAL},
		{CHANNELZ "GetServer", false, false, NULL, &channelz_server_handler, s->channelz, RPC_LOCAL},
		{CHANNELZ "GetServerSockets", false, false, NULL, &channelz_server_sockets_handler,
		 s->channelz, RPC_LOCAL},
		{CHANNELZ "GetServers", false, false, NULL, &channelz_servers_handler, s->channelz,
		 RPC_LOCAL},
		{CHANNELZ "GetSocket", false, false, NULL, &channelz_socket_handler, s->channelz, RPC_LOCAL},
		{CHANNELZ "GetSubchannel", false, false, NULL, &channelz_subchannel_handler, s->channelz,
		 RPC_LOCAL},
		{CHANNELZ "GetTopChannels", false, false, NULL, &channelz_top_channels_handler, s->channelz,
		 RPC_LOCAL},
		{"/grpc.health.v1.Health/Check", false, false, NULL, &health_check_handler, s->health,
		 RPC_ALWAYS},
		{"/grpc.health.v1.Health/List", false, false, NULL, &health_list_handler, s->health,
		 RPC_ALWAYS},
		{"/grpc.health.v1.Health/Watch", false, true, NULL, &health_watch_handler, s->health,
		 RPC_ALWAYS},
		{"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", true, true, NULL,
		 &reflection_handler, s->reflection, 0},
		{"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", true, true, NULL,
		 &reflection_handler, s->reflection, 0},
	};
	int rc = 0;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (own[i].ctx)
			rows[n++] = own[i];
	rpc_methods_sort(rows, n);
	if (s->health)
		rc = health_know(s->health, rows, n);
	if (rc == 0 && s->reflection)
		rc = reflection_set_services(s->reflection, rows, n);
	if (rc == 0)
		*ret_n = n;
	return rc;
}
