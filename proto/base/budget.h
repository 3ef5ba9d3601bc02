/* A token bucket: so many at once, and so many a second again. Counted in
 * thousandths, so that a millisecond's share is whole. Begins full as zeroes;
 * `now` is any clock in milliseconds that only goes forward. One thread at a time. */
#ifndef ZWY_BASE_BUDGET_H
#define ZWY_BASE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/date.h"

struct budget {
	int64_t spent; /* thousandths */
	msec at;
};

/* Takes `cost` if that much is left. burst: 0 to INT32_MAX; rate: 1 to INT32_MAX a second. */
bool budget_spend(struct budget *b, msec now, int64_t burst, int64_t rate, int64_t cost);
/* Gives `n` back. */
void budget_forgive(struct budget *b, int64_t n);

#endif
