/* What watches over zwyd: its log, the counts of its calls, and the hook that refuses
 * calls under overload (server/observe), wired to its loop, its settings and the page
 * /metrics. Loop thread. */
#ifndef ZWY_WATCHTOWER_H
#define ZWY_WATCHTOWER_H

#include <uv.h>

#include "observe/call_log.h"
#include "observe/metrics.h"
#include "observe/overload.h"

struct server;
struct settings;

#define WATCHTOWER_HOOKS 3

struct watchtower {
	struct log *log;
	struct call_log *calls;
	struct metrics *metrics;
	struct overload *overload;
	struct rpc_hook hooks[WATCHTOWER_HOOKS];

	uv_loop_t *loop;
	uv_timer_t timer;         /* runs while something is to be told, or calls are refused */
	int64_t turn_at, idle_at; /* ns, at the end of the last turn */
	int64_t bytes_at;         /* when bytes were last counted */
};

/* The log, on standard error, before anything else. Without it nothing is said. */
void watchtower_log(struct watchtower *w, const struct settings *settings);
/* Hooks for the methods of the config, which are put into it. The loop is configured to
 * measure how long it is idle. ERR_NO_MEMORY. */
int watchtower_open(struct watchtower *w, const struct settings *settings, uv_loop_t *loop,
		    struct rpc_config *config);
/* At the end of each turn of the loop. */
void watchtower_turn(struct server *s);
/* The last lines are written. After the last call and the loop. */
void watchtower_close(struct watchtower *w);

/* The page /metrics: render() of a struct rpc_page, whose server is a struct server. */
int watchtower_metrics(void *server, struct buf *body);

#endif
