/* Who uses the mount, and who the server takes them for. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "mount.h"
#include "wire.h"
#include "zwy/v1/organisation.pb.h"

/* An answer may have been on its way for a while. */
#define CLOCKS_AGREE_MS 10000
/* From so many on, those whom the server does not know are forgotten when another comes. */
#define CALLERS_MANY 100

static void
caller_free(struct caller *c)
{
	if (c->whoami)
		zwy_call_cancel(c->whoami);
	events_release(&c->events);
	keep_release_caller(c);
	buf_release(&c->whoami_answer);
	free(c->refusals);
	free(c);
}

/* Somebody whom the server does not know, or was never heard to, and of whom nothing is on its way. */
static bool
is_idle_stranger(const struct caller *c)
{
	return c->identity != IDENTITY_KNOWN && !c->handles && !c->in_flight && !c->pending && !c->whoami;
}

/* Strangers come and go: any number of user ids is free to try. */
static void
forget_strangers(struct mount *m)
{
	for (struct caller **p = &m->callers; *p;) {
		struct caller *c = *p;
		if (!is_idle_stranger(c)) {
			p = &c->next;
			continue;
		}
		*p = c->next;
		m->caller_count--;
		for (size_t i = 0; i < FRESH_COUNT; i++)
			if (m->fresh[i].caller == c) {
				content_unref(m->fresh[i].content);
				m->fresh[i] = (struct fresh){0};
			}
		caller_free(c);
	}
}

struct caller *
caller_of(struct mount *m, uid_t uid, gid_t gid)
{
	if (!m->options.allow_other) {
		uid = m->uid;
		gid = m->gid;
	}
	for (struct caller *c = m->callers; c; c = c->next)
		if (c->uid == uid)
			return c;
	if (m->caller_count >= CALLERS_MANY)
		forget_strangers(m);
	struct caller *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	m->caller_count++;
	c->mount = m;
	c->uid = uid;
	c->gid = gid;
	snprintf(c->uid_text, sizeof(c->uid_text), "%u", (unsigned)uid);
	events_init(&c->events, m, c);
	keep_init_caller(c);
	c->next = m->callers;
	m->callers = c;
	return c;
}

struct caller *
caller_quietest(struct mount *m, struct watch *(*of)(struct caller *c), unsigned *ret_running)
{
	struct caller *quietest = NULL;
	*ret_running = 0;
	for (struct caller *c = m->callers; c; c = c->next) {
		if (!watch_runs(of(c)))
			continue;
		(*ret_running)++;
		if (!c->in_flight && !c->handles && (!quietest || c->used_at < quietest->used_at))
			quietest = c;
	}
	return quietest;
}

size_t
caller_metadata(const struct caller *c, struct zwy_metadata ret[1])
{
	if (!c || !c->mount->options.allow_other)
		return 0;
	ret[0] = (struct zwy_metadata){.key = "zwy-uid", .value = c->uid_text};
	return 1;
}

struct zwy_call_options
call_options(struct mount *m, const struct caller *c, struct zwy_metadata metadata[1], int64_t timeout_ms,
	     void *ctx)
{
	static const struct zwy_retry again = {.size = sizeof(again)};
	(void)m;
	return (struct zwy_call_options){.size = sizeof(struct zwy_call_options),
					 .timeout_ms = timeout_ms,
					 .metadata = metadata,
					 .metadata_count = caller_metadata(c, metadata),
					 .retry = &again,
					 .ctx = ctx};
}

/* One box per principal: several users may be the same. */
static struct box *
box_of(struct mount *m, const char *principal)
{
	for (size_t i = 0; i < m->box_count; i++)
		if (strcmp(box_principal(m->boxes[i]), principal) == 0)
			return m->boxes[i];
	struct box_limits limits = {.request = m->options.max_request,
				    .file = m->options.max_file,
				    .bytes = m->options.max_bytes,
				    .files = m->options.max_files,
				    .results = m->options.max_results};
	struct box **boxes = reallocarray(m->boxes, m->box_count + 1, sizeof(struct box *));
	if (!boxes)
		return NULL;
	m->boxes = boxes;
	struct box *b = box_new(principal, &limits);
	if (b)
		m->boxes[m->box_count++] = b;
	return b;
}

/* What was shown and said to who it was until now. */
static void
forget_person(struct caller *c)
{
	if (c->cache)
		cache_clear(c->cache);
	index_reset(c);
	if (!c->principal[0])
		return; /* it was nobody yet */
	events_forget(&c->events);
	if (c->refusals) /* a load may show one */
		memset(c->refusals, 0, REFUSALS_KEPT * sizeof(*c->refusals));
}

static void
learn(struct caller *c, struct slice answer)
{
	struct mount *m = c->mount;
	struct wire_field w;
	if (!wire_find(answer, zwy_v1_WhoAmIResponse_principal_tag, &w))
		return;
	struct slice name = wire_string(w.bytes, zwy_v1_Principal_name_tag);
	struct slice version = wire_string(answer, zwy_v1_WhoAmIResponse_server_version_tag);
	if (name.n == 0 || name.n >= sizeof(c->principal))
		return;
	if (!slice_is(name, c->principal))
		forget_person(c); /* another sees something else */
	snprintf(c->principal, sizeof(c->principal), "%.*s", (int)name.n, name.p);
	snprintf(m->server_version, sizeof(m->server_version), "%.*s", (int)version.n, version.p);
	int64_t ahead = wall_ms() - wire_time(answer, zwy_v1_WhoAmIResponse_time_tag);
	m->clocks_agree = ahead < CLOCKS_AGREE_MS && ahead > -CLOCKS_AGREE_MS;
	c->clock_is_set = wire_uint(answer, zwy_v1_WhoAmIResponse_clock_is_set_tag) != 0;
	c->identity = IDENTITY_KNOWN;
	c->box = box_of(m, c->principal);
}

static void
message(void *ctx, struct zwy_call *call, struct zwy_bytes bytes)
{
	struct caller *c = ctx;
	(void)call;
	buf_append(&c->whoami_answer, bytes.data, bytes.size);
}

static void
wake(struct caller *c)
{
	while (c->waiting) {
		struct load *l = c->waiting;
		c->waiting = *load_next(l);
		*load_next(l) = NULL;
		load_identified(l);
	}
}

/* The server refuses to know the caller; anything else says nothing about who it is. */
static bool
is_refusal(const struct zwy_error *error)
{
	return error->status == GRPC_UNAUTHENTICATED || error->status == GRPC_PERMISSION_DENIED;
}

static void
done(void *ctx, struct zwy_call *call, const struct zwy_error *error)
{
	struct caller *c = ctx;
	(void)call;
	c->whoami = NULL;
	c->identity_code = error->status ? reason_by_name(error->reason) : 0;
	server_trouble(c->mount, error->status ? error : NULL);
	if (!error->status) {
		learn(c, buf_slice(&c->whoami_answer));
	} else if (is_refusal(error)) {
		forget_person(c);
		c->identity = IDENTITY_REFUSED;
		c->principal[0] = '\0';
		c->box = NULL;
	}
	if (!error->status || is_refusal(error))
		c->asked_at = now_ms();
	else
		c->changed |= c->asked_changed;
	wake(c);
}

static bool
ask(struct caller *c)
{
	struct zwy_metadata metadata[1];
	struct mount *m = c->mount;
	struct zwy_call_options options = call_options(m, c, metadata, m->options.read_deadline_ms, c);
	options.message = message;
	options.done = done;
	buf_clear(&c->whoami_answer);
	c->asked_changed = c->changed;
	c->changed = false;
	c->whoami = zwy_call_start(m->client, "/zwy.v1.OrganisationService/WhoAmI", (struct zwy_bytes){"", 0},
				   &options);
	if (!c->whoami)
		c->identity_code = ERR_NO_MEMORY;
	return c->whoami != NULL;
}

/* It may be somebody else by now: nobody has asked, or the answer is still to come. */
static bool
in_doubt(const struct caller *c)
{
	return c->changed || (c->whoami && c->asked_changed);
}

bool
caller_identify(struct caller *c, struct load *l, unsigned needs)
{
	const struct mount *m = c->mount;
	bool known = c->identity == IDENTITY_KNOWN && !in_doubt(c);
	bool fresh = c->asked_at && now_ms() - c->asked_at < m->options.identity_ms;
	/* Its watch would say so, or the server cannot be asked. */
	if ((fresh && !in_doubt(c)) || (known && (caller_hears(c) || m->trouble_since)))
		return true;
	if (!c->whoami && !ask(c))
		return true;
	/* Who it was will do, and on a private mount nobody where no place of the caller's is meant. */
	bool whoever = !(needs & NEED_CALLER) && !m->options.allow_other;
	if (needs & OFFLINE && (whoever || (c->identity != IDENTITY_UNKNOWN && !in_doubt(c))))
		return true;
	*load_next(l) = c->waiting;
	c->waiting = l;
	return false;
}

bool
caller_known(struct caller *c)
{
	if (c->identity == IDENTITY_UNKNOWN && !c->whoami && !c->mount->trouble_since)
		ask(c);
	return c->identity == IDENTITY_KNOWN && !in_doubt(c);
}

void
caller_stop_waiting(struct caller *c, struct load *l)
{
	for (struct load **p = &c->waiting; *p; p = load_next(*p))
		if (*p == l) {
			*p = *load_next(l);
			return;
		}
}

void
callers_changed(struct mount *m)
{
	for (struct caller *c = m->callers; c; c = c->next)
		c->changed = true;
}

static struct refusal *
find_refusal(const struct caller *c, struct slice record)
{
	for (size_t i = 0; c->refusals && i < REFUSALS_KEPT; i++)
		if (slice_is(record, c->refusals[i].name))
			return &c->refusals[i];
	return NULL;
}

void
caller_refused(struct caller *c, const char *record, const char *text)
{
	struct refusal *r = find_refusal(c, slice_of(record));
	if (!text) {
		if (r)
			r->name[0] = '\0';
		return;
	}
	if (!c->refusals)
		c->refusals = calloc(REFUSALS_KEPT, sizeof(*c->refusals));
	if (!c->refusals)
		return; /* the errno said it too */
	if (!r)
		r = &c->refusals[c->next_refusal++ % REFUSALS_KEPT];
	snprintf(r->name, sizeof(r->name), "%s", record);
	snprintf(r->text, sizeof(r->text), "%s", text);
}

const char *
caller_refusal(const struct caller *c, struct slice record)
{
	const struct refusal *r = record.n ? find_refusal(c, record) : NULL;
	return r ? r->text : NULL;
}

void
callers_free(struct mount *m)
{
	while (m->callers) {
		struct caller *c = m->callers;
		m->callers = c->next;
		caller_free(c);
	}
	for (size_t i = 0; i < m->box_count; i++)
		box_free(m->boxes[i]);
	free(m->boxes);
}
