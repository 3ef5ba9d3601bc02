/* Messages of the standard services, field by field. Their clients are of any age, so
 * fields that are not known here are passed over, unlike in zwy's own contract. Pure;
 * any thread. */
#ifndef ZWY_GRPC_MESSAGE_H
#define ZWY_GRPC_MESSAGE_H

#include "rpc/call.h"
#include "wire.h"

#define FIELD_BIT(number) (1U << (number))

/* True if the message can be parsed: sound to its end, and UTF-8 in the fields of `strings`
 * (FIELD_BIT, numbers below 32). False with the fault that gRPC has for it: ERR_INTERNAL. */
bool message_sound(struct slice message, unsigned strings, struct fault *f);

/* As much of a name that came with a request as a text should repeat. */
struct slice message_shown(struct slice name);

/* Appends `inner` as a field, empty or not, and releases it; its error becomes b's. */
void message_put(struct buf *b, uint32_t number, struct buf *inner);

/* Answers a unary call with the response, which is released, or ends it with the fault
 * if there is one, or if memory was out while the response was made. */
void message_reply(struct call *c, struct buf *response, struct fault *f);

#endif
