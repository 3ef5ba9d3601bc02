/* What passes between the server and systemd: sockets that it hands over, and what it
 * is told (sd_notify(3)). Without systemd all of it does nothing. Loop thread; libuv's
 * handles are closed with the loop's others. */
#ifndef ZWY_SERVER_SUPERVISOR_H
#define ZWY_SERVER_SUPERVISOR_H

#include "net/net.h"

struct supervisor {
	uv_timer_t watchdog;
	uint64_t interval; /* ms between two signs of life; 0: none is wanted */
};

/* Listens on all that systemd has handed over (sd_listen_fds(3)), once; by name
 * (FileDescriptorName=): tls, http, or plain. Calls listening with each target. */
int supervisor_listen(struct net *n, void (*listening)(const char *target), size_t *ret_count,
		      struct fault *f);
/* Everything is ready, also again after supervisor_reloading. Signs of life begin. */
void supervisor_ready(struct supervisor *s, uv_loop_t *loop);
void supervisor_reloading(void);
void supervisor_reloaded(void);
void supervisor_stopping(void);

#endif
