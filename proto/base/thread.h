/* Threads that leave the process's signals to the thread that waits for them.
 *
 * A signal for the process goes to any thread that does not block it; one that
 * sleeps on a condition may keep it to itself. Any thread may start another. */
#ifndef ZWY_BASE_THREAD_H
#define ZWY_BASE_THREAD_H

#include <pthread.h>

/* As pthread_create, every signal blocked in the new thread. 0, or an errno. */
int thread_start(pthread_t *ret, const pthread_attr_t *attr, void *(*run)(void *), void *arg);

#endif
