/* How long each of many operations took, and what is said of it. One thread. */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stddef.h>
#include <stdint.h>

struct latency {
	uint64_t *ns;
	size_t count, room;
};

/* 0, or -1: out of memory. Memory is touched as it fills. */
int latency_init(struct latency *ret, size_t room);
void latency_release(struct latency *l);
/* What does not fit is not kept. */
void latency_add(struct latency *l, uint64_t ns);
/* Of those kept, in nanoseconds; 0 if there are none. */
uint64_t latency_median(struct latency *l);
/* " p50_us=… p90_us=… p99_us=… p999_us=… max_us=…", or nothing. */
void latency_print(struct latency *l);

#endif
