/* The standard services of gRPC, as rows to put beside an application's own. They know
 * nothing of the application: each finds what it needs in rpc_method.ctx. */
#ifndef ZWY_GRPC_SERVICES_H
#define ZWY_GRPC_SERVICES_H

#include "grpc/channelz.h"
#include "grpc/health.h"
#include "grpc/reflection.h"

/* NULL: not served. Borrowed by the routes until the net is closed. */
struct grpc_services {
	struct health *health;
	struct reflection *reflection;
	struct channelz *channelz;
};

/* Most rows that are added. */
#define GRPC_SERVICES_ROUTES 16

/* Adds its rows to the application's n, and puts all in order; `rows` has room for
 * n + GRPC_SERVICES_ROUTES. Every service among them is known to health (NOT_SERVING
 * until it is set) and listed by reflection. Gives the number of rows. ERR_NO_MEMORY,
 * ERR_INVALID_ARGUMENT: the name of a service is too long. */
int grpc_services_routes(const struct grpc_services *s, struct rpc_method *rows, size_t n, size_t *ret_n);

/* Of /package.Service/Method what stands between the slashes. */
struct slice method_service(const struct rpc_method *m);

#endif
