/* Requests of the standard services. Their clients are of any age, so fields that are not
 * known here are passed over, unlike in zwy's own contract. Pure; any thread. */
#ifndef ZWY_GRPC_REQUEST_H
#define ZWY_GRPC_REQUEST_H

#include "wire.h"

#define FIELD_BIT(number) (1U << (number))

/* True if the message can be parsed: sound to its end, and UTF-8 in the fields of `strings`
 * (FIELD_BIT, numbers below 32). False with the fault that gRPC has for it: ERR_INTERNAL. */
bool request_sound(struct slice message, unsigned strings, struct fault *f);

#endif
