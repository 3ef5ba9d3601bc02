#include "watchtower.h"

#include <time.h>
#include <unistd.h>

#include "server.h"

#define NS_PER_MS   1000000
#define BYTES_EVERY 50  /* ms between looks at what is held for peers */
#define TICK        200 /* ms between turns while something is to be told or to end */

static int64_t
ticks(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts); /* as uv_hrtime does, in half its time: twice a call */
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static msec
wall(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (msec)ts.tv_sec * 1000 + ts.tv_nsec / NS_PER_MS;
}

void
watchtower_log(struct watchtower *w, const struct settings *settings)
{
	struct log_config config = {
		.fd = STDERR_FILENO,
		.level = log_level_by_name(settings->log_level),
		.rate = settings->log_rate,
		.burst = settings->log_burst,
		.buffer = settings->log_buffer,
		.ticks = ticks,
		.wall = wall,
	};
	log_open(&w->log, &config);
}

int
watchtower_open(struct watchtower *w, const struct settings *settings, uv_loop_t *loop,
		struct rpc_config *config)
{
	struct overload_config overload = {
		.log = w->log,
		.ticks = ticks,
		.max_calls = settings->max_calls,
		.calls_per_principal = settings->calls_per_principal,
		.lag = settings->overload_lag,
		.interval = settings->overload_interval,
		.bytes = settings->overload_bytes,
	};
	int rc = call_log_new(&w->calls, w->log, ticks);
	if (rc == 0)
		rc = metrics_new(&w->metrics, config, ticks);
	if (rc == 0)
		rc = overload_new(&w->overload, &overload);
	if (rc != 0)
		return rc;
	w->hooks[0] = call_log_hook(w->calls);
	w->hooks[1] = metrics_hook(w->metrics);
	w->hooks[2] = overload_hook(w->overload);
	config->hooks = w->hooks;
	config->hook_count = WATCHTOWER_HOOKS;
	w->loop = loop;
	w->turn_at = ticks();
	uv_loop_configure(loop, UV_METRICS_IDLE_TIME);
	uv_timer_init(loop, &w->timer);
	return 0;
}

static void
on_timer(uv_timer_t *timer)
{
	(void)timer; /* the turn that it makes is what is wanted */
}

/* A turn that nothing else would cause. */
static void
turn_again(struct watchtower *w, bool wanted)
{
	if (wanted == (bool)uv_is_active((uv_handle_t *)&w->timer) || uv_is_closing((uv_handle_t *)&w->timer))
		return;
	if (wanted)
		uv_timer_start(&w->timer, on_timer, TICK, TICK);
	else
		uv_timer_stop(&w->timer);
	uv_unref((uv_handle_t *)&w->timer);
}

void
watchtower_turn(struct server *s)
{
	struct watchtower *w = &s->watchtower;
	int64_t now = ticks(), idle = (int64_t)uv_metrics_idle_time(w->loop);
	overload_turn(w->overload, now, (now - w->turn_at) - (idle - w->idle_at));
	w->turn_at = now;
	w->idle_at = idle;
	if (now - w->bytes_at >= BYTES_EVERY * NS_PER_MS) {
		w->bytes_at = now;
		overload_bytes(w->overload, net_bytes(s->net));
	}
	bool untold = log_service(w->log, now);
	turn_again(w, untold || overload_active(w->overload));
}

void
watchtower_close(struct watchtower *w)
{
	metrics_free(w->metrics);
	overload_free(w->overload);
	call_log_free(w->calls);
	log_close(w->log);
	*w = (struct watchtower){0};
}
