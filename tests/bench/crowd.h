/* Many links at once: one epoll set for all that a load generator holds open. */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include "link.h"

struct crowd {
	int poll;
	struct link *links;
	size_t count, room;
	bool *waits; /* for room to write, link by link */
};

/* Room for so many links. 0, or -1 without memory. */
int crowd_init(struct crowd *ret, size_t room);
void crowd_release(struct crowd *c);
/* Connects so many links with the calls spread over them, and starts those. -1 with
 * load->error filled in. */
int crowd_add(struct crowd *c, struct load *load, const char *target, size_t connections, size_t calls);
/* Waits for at most so many ms, then reads and writes where it can. -1: a link is over. */
int crowd_turn(struct crowd *c, int timeout);
/* Starts what may be started now, on all links of that load. */
int crowd_fill(struct crowd *c, const struct load *load);
size_t crowd_open_calls(const struct crowd *c, const struct load *load);

#endif
