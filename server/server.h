/* The server: what its parts share. One loop thread, one writer thread (the
 * store's). Unless it says otherwise, everything here belongs to the loop. */
#ifndef ZWY_SERVER_H
#define ZWY_SERVER_H

#include <pthread.h>
#include <uv.h>

#include "auth/caller.h"
#include "clock.h"
#include "net/net.h"
#include "services/rulebook.h"
#include "store/store.h"
#include "timers/due.h"
#include "watch/watch.h"
#include "watchtower.h"

/* Process settings by name, unit, default: `zwyd --config` sets them under the
 * same names, beside those of rpc/limits.def. */
struct settings {
#define SETTING(name, default_value, least, most, unit, text) int64_t name;
#define TEXT_SETTING(name, default_value, allowed, text)      const char *name; /* never NULL */
#include "settings.def"
#undef SETTING
#undef TEXT_SETTING
};

#define GROUP_BOUNDS 10
extern const double group_bounds[GROUP_BOUNDS]; /* of commit groups, in commands */

struct server {
	uv_loop_t *loop;
	struct store *store;
	struct net *net;
	struct server_clock clock;
	struct settings settings;
	uid_t owner;                 /* of the store's directory: principals/bootstrap */
	const char *tcp_principal;   /* --demo-tcp-principal, or NULL */
	unsigned char token_key[32]; /* authenticates page tokens; new at each start */

	/* The loop's view of the store. */
	struct snapshot *snapshot;
	struct rulebook *book; /* NULL: to be read again */
	struct caller_cache callers;
	struct watchers watchers;
	struct watchtower watchtower;

	/* The writer's rulebook; only its thread looks. */
	struct rulebook *writer_book;

	/* Handed back by the writer. */
	pthread_mutex_t done_lock;
	struct command *done_first, **done_end;
	struct histogram groups; /* sizes of commits */
	uv_async_t done;
	size_t jobs; /* under way */

	struct due_state due;
	bool stopping;
	/* The store's disk has failed: nothing can be written until a restart. Called
	 * once; set by main. */
	void (*store_failed)(struct server *s);
	bool broken;
};

/* Builds everything on an open store, still without listeners. */
int server_init(struct server *s, uv_loop_t *loop, struct fault *f);
void server_release(struct server *s);
/* Reader of the newest committed state, good until the loop sleeps. */
struct reader *server_reader(struct server *s);
/* The loop's rulebook; NULL with the fault set if it cannot be read. */
const struct rulebook *server_book(struct server *s, struct fault *f);
/* The store's committed callback. Writer thread. */
void server_committed(void *ctx, struct command *group);
/* Forgets what was cached of these kinds (KIND_BIT). */
void server_forget(struct server *s, unsigned kinds);

#endif
