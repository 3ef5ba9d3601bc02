/* grpc.reflection.v1 and v1alpha, whose messages are the same on the wire: what is served
 * here, as descriptors, for clients that were built without the .proto files.
 *
 * What is not found is told inside the stream (error_response) and the stream goes on. A
 * file comes with all that it imports; an import that this stream has been sent is not
 * sent again, as grpc-go does it. Constant after reflection_set_services; loop thread. */
#ifndef ZWY_GRPC_REFLECTION_H
#define ZWY_GRPC_REFLECTION_H

#include "rpc/call.h"

struct reflection;

/* The application's FileDescriptorSets, with their imports, borrowed until reflection_free;
 * those of the standard services are added to them. ERR_INVALID_ARGUMENT: one of them is not
 * a FileDescriptorSet; ERR_NO_MEMORY. */
int reflection_new(struct reflection **ret, const struct slice *sets, size_t set_count, struct fault *f);
/* NULL is passed over. */
void reflection_free(struct reflection *r);

/* What list_services answers: the services of these methods, which are in order. */
int reflection_set_services(struct reflection *r, const struct rpc_method *methods, size_t n);

extern const struct call_handler reflection_handler;

#endif
