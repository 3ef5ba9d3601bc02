/* Calls whose callbacks are written down, and the loop that waits for them. */
#ifndef ZWY_TESTS_LIB_DRIVE_H
#define ZWY_TESTS_LIB_DRIVE_H

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "peer.h"
#include "zwy.h"

struct seen {
	int messages, writable, done;
	size_t bytes;
	struct buf last;
	struct zwy_error error;
	bool pause_at_first, cancel_at_first;
	struct zwy_call *call;
};

static inline struct zwy_bytes
bytes_of(const char *s)
{
	return (struct zwy_bytes){s, strlen(s)};
}

static inline void
seen_message(void *ctx, struct zwy_call *call, struct zwy_bytes m)
{
	struct seen *s = ctx;
	assert_int_equal(s->done, 0);
	s->messages++;
	s->bytes += m.size;
	buf_clear(&s->last);
	buf_append(&s->last, m.data, m.size);
	if (s->pause_at_first && s->messages == 1)
		zwy_call_pause(call);
	if (s->cancel_at_first && s->messages == 1)
		zwy_call_cancel(call);
}

static inline void
seen_done(void *ctx, struct zwy_call *call, const struct zwy_error *error)
{
	struct seen *s = ctx;
	(void)call;
	s->done++;
	s->error = *error;
	s->call = NULL;
}

static inline void
seen_writable(void *ctx, struct zwy_call *call)
{
	struct seen *s = ctx;
	(void)call;
	s->writable++;
}

static inline struct zwy_call_options
seen_options(struct seen *s)
{
	return (struct zwy_call_options){.size = sizeof(struct zwy_call_options),
					 .message = seen_message,
					 .done = seen_done,
					 .writable = seen_writable,
					 .ctx = s};
}

static inline void
seen_start(struct zwy_client *c, struct seen *s, const char *path, const char *request)
{
	struct zwy_call_options o = seen_options(s);
	s->call = zwy_call_start(c, path, bytes_of(request), &o);
	assert_non_null(s->call);
}

/* One wait and one process. The wait is short: what a test waits for may be at the
 * server and never reach this end. */
static inline void
turn(struct zwy_client *c)
{
	struct pollfd p = {.fd = zwy_client_fd(c), .events = POLLIN};
	int ms = zwy_client_timeout(c);
	poll(&p, 1, ms >= 0 && ms < 5 ? ms : 5);
	zwy_client_process(c);
}

static inline void
drive_done(struct zwy_client *c, struct seen *s)
{
	while (!s->done)
		turn(c);
	assert_int_equal(s->done, 1);
}

static inline struct zwy_client *
client_of(const char *target)
{
	struct zwy_client *c = NULL;
	struct zwy_options o = {.size = sizeof(o), .backoff_max_ms = 40};
	assert_int_equal(zwy_client_new(&c, target, &o, NULL), 0);
	return c;
}

#endif
