/* Clocks: what the system does by itself when a term has passed. Each running
 * clock has its place in the store's due index, so that terms which passed while
 * the server was down are found at the start, in order. Loop thread. */
#ifndef ZWY_TIMERS_DUE_H
#define ZWY_TIMERS_DUE_H

struct server;

void due_start(struct server *s);
/* The due index or the time may have changed. */
void due_arm(struct server *s);
void due_stop(struct server *s);
/* The calendar has changed: running clocks that were provisional are computed anew. */
void due_recompute(struct server *s);

#endif
