#include "observe/overload.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>

#define SHARE_STEP 25 /* percent of new calls, each interval */
#define NS_PER_MS  1000000

/* RetryInfo, in ms: spread, so that those refused together do not come back together. */
#define RETRY_LEAST  500
#define RETRY_SPREAD 1000
#define RETRY_STRIDE 619

struct overload {
	struct overload_config config;
	struct overload_stats stats;
	struct accounts accounts; /* of principals */
	struct accounts origins;  /* of peers whose calls have not said who calls */

	int64_t window;    /* when the interval began */
	int64_t least;     /* ns; the shortest turn in it */
	bool was_slow;     /* the interval before it */
	unsigned turn_for; /* percent saved up: at 100 the next is refused */
	bool full;         /* beyond `bytes` */
};

int
overload_new(struct overload **ret, const struct overload_config *config)
{
	struct overload *o = calloc(1, sizeof(*o));
	if (!o)
		return ERR_NO_MEMORY;
	o->config = *config;
	o->window = config->ticks();
	o->least = INT64_MAX;
	*ret = o;
	return 0;
}

void
overload_free(struct overload *o)
{
	free(o);
}

void
overload_stats(const struct overload *o, struct overload_stats *ret)
{
	*ret = o->stats;
	ret->principals = o->accounts.count;
}

static const struct {
	const char *name, *text;
} causes[] = {
#define CAUSE(name, text) {#name, text},
#include "observe/overload.def"
#undef CAUSE
};

const char *
overload_cause_name(enum overload_cause cause)
{
	return causes[cause].name;
}

struct accounts *
overload_accounts(struct overload *o)
{
	return &o->accounts;
}

void
overload_count(struct overload *o, enum overload_cause cause)
{
	o->stats.refused[cause]++;
}

static int
refuse(struct overload *o, enum overload_cause cause, int64_t limit, struct fault *f)
{
	overload_count(o, cause);
	fault_set(f, ERR_OVERLOADED, "the server is busy: more than %" PRId64 " %s; try again in a moment",
		  limit, causes[cause].text);
	f->retry_ms = RETRY_LEAST + (long long)(o->stats.refused[cause] * RETRY_STRIDE % RETRY_SPREAD);
	return ERR_OVERLOADED;
}

/* ---- calls ---- */

static bool
is_shed(struct overload *o)
{
	o->turn_for += o->stats.share;
	if (o->turn_for < 100)
		return false;
	o->turn_for -= 100;
	return true;
}

static int
judge(struct overload *o, const struct call *c, struct fault *f)
{
	const struct overload_config *config = &o->config;
	if (call_method(c)->flags & RPC_ALWAYS)
		return 0;
	if (config->max_calls && o->stats.open >= (size_t)config->max_calls)
		return refuse(o, OVERLOAD_calls, config->max_calls, f);
	if (o->full)
		return refuse(o, OVERLOAD_bytes, config->bytes, f);
	if (o->stats.share && is_shed(o))
		return refuse(o, OVERLOAD_lag, config->lag, f);
	return 0;
}

static void
count_for(struct call_note *note, struct account *whose)
{
	if (note->counted)
		note->counted->open--;
	account_drop(note->counted);
	note->counted = whose;
	if (whose)
		whose->open++;
}

#define ORIGIN_MAX sizeof(((struct call_peer *)0)->address)

/* A local user, or an address without its port; of IPv6 the /64 that a subscriber has. */
static void
origin_of(char dst[ORIGIN_MAX], const struct call_peer *peer)
{
	struct in6_addr in6;
	memcpy(dst, peer->address, ORIGIN_MAX);
	char *port = peer->is_unix ? NULL : strrchr(dst, ':');
	if (port)
		*port = '\0';
	if (dst[0] != '[')
		return;
	dst[strcspn(dst, "]")] = '\0';
	if (inet_pton(AF_INET6, dst + 1, &in6) != 1 || IN6_IS_ADDR_V4MAPPED(&in6))
		return;
	memset(in6.s6_addr + 8, 0, 8);
	inet_ntop(AF_INET6, &in6, dst, ORIGIN_MAX);
}

/* Strangers who open calls and say nothing would else fill max_calls. */
static int
judge_origin(struct overload *o, const struct call *c, struct call_note *note, struct fault *f)
{
	char name[ORIGIN_MAX];
	const struct rpc_method *m = call_method(c);
	int64_t max = o->config.calls_per_principal;
	if (!max)
		return 0;
	origin_of(name, call_peer(c));
	count_for(note, account_hold(&o->origins, name));
	bool passes = (m->flags & RPC_ALWAYS) && !m->server_streaming;
	if (note->counted && note->counted->open > (size_t)max && !passes)
		return refuse(o, OVERLOAD_origin, max, f);
	return 0;
}

static int
on_admit(void *ctx, struct call *c, struct fault *f)
{
	struct overload *o = ctx;
	struct call_note *note = note_make(c, o->config.ticks);
	int rc = judge(o, c, f);
	if (rc != 0 || !note)
		return rc;
	note->marks |= NOTE_ADMITTED;
	o->stats.open++;
	return judge_origin(o, c, note, f);
}

static void
on_finished(void *ctx, const struct call *c, const struct call_stats *stats)
{
	struct overload *o = ctx;
	struct call_note *note = call_note(c);
	(void)stats;
	if (!note)
		return;
	if (note->marks & NOTE_ADMITTED)
		o->stats.open--;
	count_for(note, NULL);
	account_drop(note->principal);
	account_drop(note->caller);
	note->principal = note->caller = NULL;
}

struct rpc_hook
overload_hook(struct overload *o)
{
	return (struct rpc_hook){.ctx = o, .admit = on_admit, .finished = on_finished};
}

int
overload_identified(struct overload *o, struct call *c, struct account *caller, struct account *principal,
		    struct fault *f)
{
	struct call_note *note = call_note(c);
	int64_t max = o->config.calls_per_principal;
	if (!note || note->principal || !caller || !principal)
		return 0;
	note->caller = account_again(caller);
	note->principal = account_again(principal);
	count_for(note, account_again(principal));
	if (max && principal->open > (size_t)max && !(call_method(c)->flags & RPC_ALWAYS))
		return refuse(o, OVERLOAD_principal, max, f);
	return 0;
}

/* ---- the loop ---- */

static void
tell(struct overload *o, bool begins, enum overload_cause cause, int64_t value, int64_t limit)
{
	struct log_line line;
	if (!log_admits(o->config.log, LEVEL_WARN, o->config.ticks()))
		return;
	log_begin(o->config.log, &line, LEVEL_WARN);
	logfmt_text(&line.text, "msg", begins ? SLICE("overload begins") : SLICE("overload has ended"));
	logfmt_text(&line.text, "cause", slice_of(causes[cause].name));
	logfmt_number(&line.text, "value", (uint64_t)value);
	logfmt_number(&line.text, "limit", (uint64_t)limit);
	log_end(o->config.log, &line);
}

static void
set_share(struct overload *o, int64_t share)
{
	unsigned before = o->stats.share;
	o->stats.share = share < 0 ? 0 : share > 100 ? 100 : (unsigned)share;
	if (o->stats.share == 0)
		o->turn_for = 0;
	if ((before == 0) != (o->stats.share == 0))
		tell(o, before == 0, OVERLOAD_lag, o->stats.lag, o->config.lag);
}

bool
overload_active(const struct overload *o)
{
	return o->stats.share || o->full;
}

void
overload_turn(struct overload *o, int64_t now, int64_t busy)
{
	int64_t interval = o->config.interval * NS_PER_MS, limit = o->config.lag * NS_PER_MS;
	if (busy < o->least)
		o->least = busy;
	if (now - o->window < interval)
		return;
	int64_t passed = interval ? (now - o->window) / interval : 1;
	bool slow = limit && o->least > limit;
	o->stats.lag = o->least / NS_PER_MS;
	if (slow && o->was_slow)
		set_share(o, (int64_t)o->stats.share + SHARE_STEP);
	else if (o->least <= limit / 2 && o->stats.share)
		set_share(o, o->stats.share - SHARE_STEP * (passed < 4 ? passed : 4));
	o->was_slow = slow;
	o->window = now;
	o->least = INT64_MAX;
}

void
overload_bytes(struct overload *o, size_t bytes)
{
	size_t limit = (size_t)o->config.bytes;
	o->stats.bytes = bytes;
	bool full = limit && (o->full ? bytes > limit / 4 * 3 : bytes > limit);
	if (full == o->full)
		return;
	o->full = full;
	tell(o, full, OVERLOAD_bytes, (int64_t)bytes, o->config.bytes);
}
