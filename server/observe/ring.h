/* Lines on their way to a descriptor that may be slow, or stuck: a ring of bytes between
 * one thread that puts and never waits, and one of the ring's own that writes. A line that
 * finds no room is not taken. Writes hold whole lines and, to a pipe, no more than it takes
 * in one piece (pipe(7), PIPE_BUF), so that lines of several writers do not mix. If nobody
 * can read any more (EPIPE), lines go nowhere.
 *
 * All functions: the putting thread. The descriptor is borrowed until ring_close. */
#ifndef ZWY_OBSERVE_RING_H
#define ZWY_OBSERVE_RING_H

#include "base/buf.h"

struct ring;

/* ERR_NO_MEMORY. */
int ring_open(struct ring **ret, int fd, size_t bytes);
/* The line ends with its newline. False: there is no room. Written after the next kick at the latest. */
bool ring_put(struct ring *r, struct slice line);
/* Wakes the writer if there is something to write. */
void ring_kick(struct ring *r);
/* Writes what is left, but gives up after `patience` ms; frees. NULL is allowed. */
void ring_close(struct ring *r, int patience);

#endif
