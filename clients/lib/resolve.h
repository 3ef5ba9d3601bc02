/* Asks the system's resolver for a name without blocking the caller: a thread of
 * its own waits for the answer. The asker polls the descriptor; it may give up at
 * any time and leave the thread to finish alone. */
#ifndef ZWY_LIB_RESOLVE_H
#define ZWY_LIB_RESOLVE_H

#include "target.h"

struct resolve;

/* 0 or a negative errno. */
int resolve_start(struct resolve **ret, const char *host, const char *port);
/* Readable once there is an answer. */
int resolve_fd(const struct resolve *r);
/* After that: puts the addresses into the target. NULL, or what went wrong. */
const char *resolve_take(struct resolve *r, struct target *t);
/* NULL is allowed. */
void resolve_free(struct resolve *r);

#endif
