/* grpc.health.v1: which services answer, asked once (Check, List) or watched (Watch).
 *
 * A watcher costs its call and a few words: it remembers the status that it was told
 * last, and one that does not read is told only the newest when it reads again. Loop
 * thread; the routes borrow the health until the net is closed. Setting a status from
 * inside a handler is allowed. */
#ifndef ZWY_GRPC_HEALTH_H
#define ZWY_GRPC_HEALTH_H

#include "rpc/call.h"

/* HealthCheckResponse.ServingStatus. */
enum health_status {
	HEALTH_UNKNOWN = 0,
	HEALTH_SERVING = 1,
	HEALTH_NOT_SERVING = 2,
	HEALTH_SERVICE_UNKNOWN = 3, /* of a service that was never set; only Watch says so */
};

/* The longest name of a service, in bytes. */
#define HEALTH_NAME_MAX 255

struct health;

/* Knows the server as a whole, whose name is "": NOT_SERVING. NULL: no memory. */
struct health *health_new(void);
/* NULL is passed over. After the net is closed: no watcher may be left. */
void health_free(struct health *h);

/* The status of one service from now on, made known if it is new; watchers are told once
 * for each change. Nothing after health_shutdown. ERR_INVALID_ARGUMENT: the name is too
 * long; ERR_NO_MEMORY. */
int health_set(struct health *h, const char *service, enum health_status status);
/* The same for every service that is known, the server as a whole included. */
void health_set_all(struct health *h, enum health_status status);
/* HEALTH_SERVICE_UNKNOWN if it was never set. */
enum health_status health_get(const struct health *h, struct slice service);
/* A page for those who do not speak gRPC, text/plain: 200 if all that is known is
 * serving, else 503 and what is not. */
int health_page(const struct health *h, struct buf *body);

/* The server is going down: NOT_SERVING for good. Watchers are told, and then ended with
 * UNAVAILABLE, at once: they would hold up a drain for all of its grace, and know all
 * that they can learn here. Those who come later are treated alike. */
void health_shutdown(struct health *h);

extern const struct call_handler health_check_handler;
extern const struct call_handler health_list_handler;
extern const struct call_handler health_watch_handler;

#endif
