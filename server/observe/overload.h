/* Refuses new calls before old ones suffer: OVERLOADED, which says when to come again.
 *
 *   calls      so many are open over all connections
 *   principal  so many are open for one principal, so that one cannot starve the others
 *   origin     so many are open from one local user, address or /64 of IPv6 for which nobody
 *              was identified yet; so streams of health count, though methods of RPC_ALWAYS pass
 *   lag        every turn of the loop took longer than it may, for an interval and then
 *              another: a share of the new calls is refused, growing with each interval
 *              that goes on like that, shrinking once turns are at half of it again
 *   bytes      so much is held for peers; ends at three quarters of it
 *
 * Methods that are RPC_ALWAYS pass. Calls that are open are left alone. What begins and
 * ends is logged. Loop thread. */
#ifndef ZWY_OBSERVE_OVERLOAD_H
#define ZWY_OBSERVE_OVERLOAD_H

#include "observe/log.h"
#include "observe/note.h"

enum overload_cause {
#define CAUSE(name, text) OVERLOAD_##name,
#include "observe/overload.def"
#undef CAUSE
	OVERLOAD_CAUSES
};

/* 0: no limit. */
struct overload_config {
	struct log *log; /* borrowed; may be NULL */
	int64_t (*ticks)(void);
	int64_t max_calls, calls_per_principal;
	int64_t lag, interval; /* ms */
	int64_t bytes;
};

struct overload_stats {
	size_t open, principals;
	unsigned share; /* of new calls that are refused for lag, percent */
	int64_t lag;    /* ms; the least of the last whole interval */
	size_t bytes;
	uint64_t refused[OVERLOAD_CAUSES];
};

struct overload;

int overload_new(struct overload **ret, const struct overload_config *config);
/* When no call is left. */
void overload_free(struct overload *o);
/* Behind the other hooks: what it has admitted, nobody refuses any more. */
struct rpc_hook overload_hook(struct overload *o);
void overload_stats(const struct overload *o, struct overload_stats *ret);
const char *overload_cause_name(enum overload_cause cause);

/* Accounts to hold for principals that were identified. */
struct accounts *overload_accounts(struct overload *o);
/* The call is known to be the caller's and no longer its origin's, for the principal (the same account as a rule).
 * ERR_OVERLOADED where that has too many open. Later ones of the same call are passed over. */
int overload_identified(struct overload *o, struct call *c, struct account *caller, struct account *principal,
			struct fault *f);
/* Somebody else refused a call for that cause. */
void overload_count(struct overload *o, enum overload_cause cause);

/* Calls are being refused for lag or bytes: let turns go on, so that it ends. */
bool overload_active(const struct overload *o);
/* At the end of each turn of the loop: how long it was at work. ns; now only goes forward. */
void overload_turn(struct overload *o, int64_t now, int64_t busy);
/* From time to time: bytes held for peers. */
void overload_bytes(struct overload *o, size_t bytes);

#endif
