#include "supervisor.h"

#include <stdlib.h>
#include <time.h>
#include <systemd/sd-daemon.h>

static void
free_names(char **names)
{
	for (char **name = names; name && *name; name++)
		free(*name);
	free(names);
}

int
supervisor_listen(struct net *n, void (*listening)(const char *target), size_t *ret_count, struct fault *f)
{
	char real[NET_TARGET_MAX];
	char **names = NULL;
	int rc = 0, count = sd_listen_fds_with_names(1, &names);
	for (int i = 0; i < count && rc == 0; i++) {
		rc = net_listen_fd(n, SD_LISTEN_FDS_START + i, names[i], real, f);
		if (rc == 0)
			listening(real);
	}
	free_names(names);
	if (rc == 0)
		*ret_count = count > 0 ? (size_t)count : 0;
	return rc;
}

/* From the loop: what hangs there is what shall be noticed. */
static void
sign_of_life(uv_timer_t *timer)
{
	(void)timer;
	sd_notify(0, "WATCHDOG=1");
}

void
supervisor_ready(struct supervisor *s, uv_loop_t *loop)
{
	uint64_t microseconds = 0;
	sd_notify(0, "READY=1");
	if (sd_watchdog_enabled(0, &microseconds) <= 0)
		return;
	s->interval = microseconds / 2000;
	uv_timer_init(loop, &s->watchdog);
	uv_timer_start(&s->watchdog, sign_of_life, 0, s->interval);
	uv_unref((uv_handle_t *)&s->watchdog);
}

void
supervisor_reloading(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
		   (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void
supervisor_reloaded(void)
{
	sd_notify(0, "READY=1");
}

void
supervisor_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}
