/* Clocks: what the system does by itself when a term has passed. Each running
 * clock has its place in the store's due index, so that terms which passed while
 * the server was down are found at the start, in order. Loop thread. */
#ifndef ZWY_TIMERS_DUE_H
#define ZWY_TIMERS_DUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"

struct server;

/* Part of the server; its own. */
struct due_state {
	bool started;
	uv_timer_t timer;
	size_t running;       /* jobs of clocks under way */
	uint64_t pause_until; /* one of them failed: uv_now() */
	bool again;           /* one of them for want of room, memory or disk */
	bool recomputing, was_recomputing;
	struct buf after; /* the last case that was looked at while recomputing */
};

/* Also goes on with what an import of a calendar before the last stop left to do. */
void due_start(struct server *s);
/* The due index or the time may have changed. */
void due_arm(struct server *s);
void due_stop(struct server *s);
/* The calendar has changed: running clocks that were provisional are computed anew. */
void due_recompute(struct server *s);

#endif
