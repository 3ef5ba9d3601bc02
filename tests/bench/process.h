/* What a process used, from the kernel's accounting. Linux only; no state. */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

/* Nanoseconds on a processor of all its living threads; 0 if it cannot be told. */
uint64_t process_cpu_ns(pid_t pid);
/* Nanoseconds of the monotonic clock. */
uint64_t clock_ns(void);

#endif
