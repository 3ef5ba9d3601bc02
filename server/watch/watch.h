/* Watch streams: every event once, in order, from any revision on.
 *
 * A watcher is a position in the event log. It reads on from there whenever the
 * head moves and the stream's window is open, so that a slow one costs a number
 * and nobody else anything. Loop thread. */
#ifndef ZWY_WATCH_WATCH_H
#define ZWY_WATCH_WATCH_H

#include <uv.h>

#include "rpc/call.h"

struct server;
struct watcher;

struct watchers {
	struct watcher *first;
	uv_timer_t heart; /* runs while a watcher wants to hear something from time to time */
	bool identify;    /* principals or delegations have changed */
};

void watchers_init(struct server *s);
/* The head has moved: sends what the watchers can take. */
void watchers_pump(struct server *s);
/* Before the next event is sent, each is asked again who it is; a stream ends when that has
 * changed, so that nobody sees what another role would. */
void watchers_identify(struct server *s);
size_t watchers_count(const struct watchers *all);
/* Ends every stream with UNAVAILABLE, so that clients go elsewhere and resume. */
void watchers_end(struct server *s);

#endif
