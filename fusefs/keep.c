/* What may be kept, in the daemon and in the kernel, and until when.
 *
 * Answers are kept for a caller while a watch with that caller's eyes says what changes,
 * and has said all that went through this mount: then nothing that is shown can be older
 * than what the watch is behind. What was asked while something changed is shown and not
 * kept: it may be from before. On a private mount, where everybody is the same, the
 * kernel keeps names and attributes too, and is told when they end. */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "mount.h"
#include "view.h"
#include "wire.h"
#include "zwy/v1/audit.pb.h"
#include "zwy/v1/rule.pb.h"

#define DOUBT_MS       1000
#define DOUBT_PAUSE_MS 2

/* ---- the kernel --------------------------------------------------------- */

/* The kernel's patience does not count while the machine is suspended. */
static int64_t
kernel_now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A lookup may have been answered and not yet taken in: the kernel does not know the inode to
 * forget, and knows it right after. It is told again until it does, or has dropped it. */
static void
doubt(struct mount *m, uint64_t inode)
{
	m->doubts[m->next_doubt++ % DOUBT_COUNT] = (struct doubt){inode, now_ms() + DOUBT_MS};
}

int64_t
keep_retry(struct mount *m, int64_t now)
{
	bool any = false;
	for (size_t i = 0; i < DOUBT_COUNT; i++) {
		struct doubt *d = &m->doubts[i];
		if (!d->inode)
			continue;
		if (d->until <= now || !nodes_get(&m->nodes, d->inode) ||
		    fuse_lowlevel_notify_inval_inode(m->session, d->inode, -1, 0) != -ENOENT)
			d->inode = 0;
		any |= d->inode != 0;
	}
	return any ? now + DOUBT_PAUSE_MS : INT64_MAX;
}

static void
forget_in_kernel(struct mount *m, struct node *n)
{
	if (n->told_until > kernel_now_ms() &&
	    fuse_lowlevel_notify_inval_inode(m->session, n->inode, -1, 0) == -ENOENT)
		doubt(m, n->inode);
	n->told_until = 0;
}

void
keep_shown(struct mount *m, struct node *n, const struct content *c)
{
	if (c != n->content)
		forget_in_kernel(m, n);
}

void
keep_forget(struct mount *m)
{
	for (size_t i = 0; i < m->nodes.slot_count; i++)
		for (struct node *n = m->nodes.slots[i]; n; n = n->next)
			forget_in_kernel(m, n);
}

/* ---- one caller's answers ------------------------------------------------- */

static void
answer_ended(void *ctx, struct answer *a)
{
	while (a->nodes) {
		forget_in_kernel(ctx, a->nodes);
		node_unkeep(a->nodes);
	}
}

/* The watch with the caller's eyes: on a private mount the mount's own. */
static struct watch *
watch_of(struct caller *c)
{
	return c->mount->options.allow_other ? &c->watch : &c->mount->watch;
}

static void
stop_keeping(struct caller *c)
{
	watch_stop(&c->watch);
	index_reset(c);
	cache_free(c->cache);
	c->cache = NULL;
}

/* Whether there may be one more watch: for whoever has been quiet the longest there is none any more. */
static bool
make_room(struct mount *m)
{
	unsigned n;
	struct caller *quietest = caller_quietest(m, watch_of, &n);
	if (n < m->options.max_watches)
		return true;
	if (!quietest || now_ms() - quietest->used_at < (int64_t)m->options.watch_idle_ms)
		return false;
	stop_keeping(quietest);
	return true;
}

static void
start_keeping(struct caller *c)
{
	struct mount *m = c->mount;
	struct watch *w = watch_of(c);
	if (!c->cache && m->options.cache)
		c->cache = cache_new(m->options.cache, answer_ended, m);
	if (m->options.allow_other && !watch_runs(w) && make_room(m))
		watch_start(w, 0);
}

bool
caller_hears(struct caller *c)
{
	const struct watch *w = watch_of(c);
	return watch_speaks(w) && w->revision >= c->mount->own_revision;
}

bool
keep_possible(struct caller *c)
{
	/* Nobody listens for a user whom the server does not know. */
	if (c->mount->options.allow_other && !caller_known(c))
		return false;
	start_keeping(c);
	return c->cache && caller_hears(c);
}

uint64_t
keep_count(struct caller *c)
{
	return watch_of(c)->count;
}

struct answer *
keep_find(struct caller *c, const struct ask *a, bool however_old)
{
	struct answer *kept = a->topic.n && c->cache ? cache_find(c->cache, a->method, a->request) : NULL;
	return kept && (however_old || kept->until > now_ms()) ? kept : NULL;
}

/* An explanation, and the inbox with the same fields, says what it depends on, and how long the
 * clock lets it stand. */
static bool
depend_as_said(struct answer *a)
{
	struct slice bytes = a->bytes;
	struct wire_field w;
	int64_t until = now_ms() + (int64_t)wire_uint(bytes, zwy_v1_ExplainResponse_valid_ms_tag);
	a->until = until < a->until ? until : a->until;
	while (wire_next(&bytes, &w) == 1)
		if (w.number == zwy_v1_ExplainResponse_depends_on_tag && w.type == WIRE_LEN &&
		    !cache_depend(a, w.bytes, false))
			return false;
	return true;
}

const struct answer *
keep_put(struct caller *c, const struct ask *a)
{
	int64_t until = now_ms() + c->mount->options.cache_ms;
	if (a->topic_type == TOPIC_SAID &&
	    !wire_uint(buf_slice(&a->answer), zwy_v1_ExplainResponse_valid_ms_tag))
		return NULL;
	struct answer *kept = cache_put(c->cache, a->method, a->request, buf_slice(&a->answer), until);
	if (!kept || !cache_depend(kept, a->topic, a->topic_type == TOPIC_NAMES) ||
	    (a->topic_type == TOPIC_SAID && !depend_as_said(kept)))
		return NULL;
	return kept;
}

/* ---- what the server says -------------------------------------------------- */

void
server_trouble(struct mount *m, const struct zwy_error *error)
{
	bool away = error && (error->status == GRPC_UNAVAILABLE || error->status == GRPC_DEADLINE_EXCEEDED);
	if (!away) {
		m->trouble[0] = '\0';
		m->trouble_since = 0;
		return;
	}
	char since[TIME_LEN];
	if (!m->trouble_since) {
		m->trouble_since = wall_ms();
		m->trouble_at = now_ms();
	}
	time_format(since, m->trouble_since);
	snprintf(m->trouble, sizeof(m->trouble), "away since %s: %s", since, error->text);
}

/* ---- what the watches say --------------------------------------------------- */

static void
changed_for(struct caller *c, struct slice event)
{
	struct slice kind = wire_string(event, zwy_v1_Event_kind_tag), rest = event;
	struct wire_field w;
	struct slice name = wire_string(event, zwy_v1_Event_name_tag);
	bool made = slice_is(kind, "create") || slice_is(kind, "import");
	c->made += made && slice_starts(name, SLICE("applications/"));
	if (!c->cache)
		return;
	cache_changed(c->cache, name, made);
	while (wire_next(&rest, &w) == 1)
		if (w.number == zwy_v1_Event_changed_tag && w.type == WIRE_LEN)
			cache_changed(c->cache, w.bytes, true);
}

static void
lost_for(struct caller *c, enum watch_end why)
{
	if (why == WATCH_LOST)
		return;
	c->changed = true;
	index_reset(c);
	if (c->cache)
		cache_clear(c->cache);
}

static void
callers_event(struct watch *w, struct slice event)
{
	changed_for(w->caller, event);
}

static void
callers_moved(struct watch *w)
{
	(void)w;
}

static void
callers_ended(struct watch *w, enum watch_end why)
{
	lost_for(w->caller, why);
	/* Who is somebody else now is asked again when something is asked for them. */
	if (why == WATCH_CHANGED)
		watch_stop(w);
}

static const struct watch_ops callers_ops = {.event = callers_event,
					     .moved = callers_moved,
					     .ended = callers_ended};

static void
mounts_event(struct watch *w, struct slice event)
{
	struct mount *m = w->mount;
	msec time = wire_time(event, zwy_v1_Event_time_tag), now = wall_ms();
	struct slice name = wire_string(event, zwy_v1_Event_name_tag);
	m->lag_ms = m->clocks_agree && now >= time && now - time < MSEC_PER_DAY ? now - time : -1;
	if (slice_starts(name, SLICE("principals/")) || slice_starts(name, SLICE("delegations/")))
		callers_changed(m);
	for (struct caller *c = m->options.allow_other ? NULL : m->callers; c; c = c->next)
		changed_for(c, event);
}

static void
mounts_moved(struct watch *w)
{
	struct mount *m = w->mount;
	if (!m->start_revision)
		m->start_revision = w->revision;
	m->revision = w->revision;
}

static void
mounts_ended(struct watch *w, enum watch_end why)
{
	struct mount *m = w->mount;
	if (why == WATCH_REPLACED) {
		m->start_revision = m->own_revision = 0;
		for (size_t i = 0; i < m->box_count; i++)
			box_doubt(m->boxes[i]);
	}
	for (struct caller *c = m->options.allow_other ? NULL : m->callers; c; c = c->next)
		lost_for(c, why);
	keep_forget(m);
}

static const struct watch_ops mounts_ops = {.event = mounts_event,
					    .moved = mounts_moved,
					    .ended = mounts_ended};

void
keep_init(struct mount *m)
{
	watch_init(&m->watch, m, NULL, &mounts_ops);
}

void
keep_init_caller(struct caller *c)
{
	watch_init(&c->watch, c->mount, c, &callers_ops);
}

void
keep_release_caller(struct caller *c)
{
	stop_keeping(c);
}

/* ---- nodes -------------------------------------------------------------------- */

bool
node_holds(const struct node *n, struct caller *c)
{
	return n->made_of && n->caller == c && n->made_of->until > now_ms() && caller_hears(c);
}

static double
seconds(int64_t ms)
{
	return (double)ms / 1000;
}

void
kernel_times(struct caller *c, struct node *n, double *ret_attr, double *ret_entry)
{
	const struct options *o = &c->mount->options;
	unsigned traits = node_traits(n);
	*ret_attr = *ret_entry = 0;
	if (o->allow_other)
		return;
	if (traits & TRAIT_FIXED) {
		*ret_attr = seconds(o->attr_timeout_ms);
		*ret_entry = seconds(o->entry_timeout_ms);
		return;
	}
	if (!node_holds(n, c))
		return;
	int64_t left = n->made_of->until - now_ms();
	left = left < (int64_t)o->attr_timeout_ms ? left : (int64_t)o->attr_timeout_ms;
	n->told_until = kernel_now_ms() + left;
	*ret_attr = seconds(left);
	if (traits & TRAIT_LASTING)
		*ret_entry = seconds(o->entry_timeout_ms);
}

/* ---- what went through this mount ------------------------------------------------ */

void
keep_own(struct caller *c, uint64_t revision)
{
	if (revision > c->mount->own_revision)
		c->mount->own_revision = revision;
}

bool
keep_heard(const struct op *op)
{
	const struct watch *w = watch_of(op->caller);
	return w->caught_up && w->revision >= op->revision;
}

/* Of a watch that is lost nothing is to be waited for. */
static bool
heard_or_lost(const struct op *op)
{
	return !watch_of(op->caller)->caught_up || keep_heard(op);
}

void
keep_wait(struct op *op, uint64_t revision, void (*resume)(struct op *op))
{
	op->revision = revision;
	op_wait(op, heard_or_lost, resume, now_ms() + op->mount->options.settle_ms);
}
