#include "cache.h"

#include <stdlib.h>

#define SLOTS 16384 /* a power of two */

struct topic {
	struct topic *next; /* in its slot */
	struct link *links;
	size_t n;
	char name[];
};

/* That an answer depends on a topic. */
struct link {
	struct link *next, **at; /* of the topic */
	struct link *sibling;    /* of the answer */
	struct topic *topic;
	struct kept *kept;
	bool names;
};

struct kept {
	struct answer answer; /* first: it stands for the whole */
	struct kept *next;    /* in its slot */
	struct kept *newer, *older;
	struct link *links;
	const char *method;
	struct slice request;
	uint64_t hash;
	size_t size;
	char bytes[];
};

struct cache {
	size_t limit, size, count;
	uint64_t serial;
	void (*ended)(void *ctx, struct answer *a);
	void *ctx;
	struct kept *newest, *oldest;
	struct kept *slots[SLOTS];
	struct topic *topics[SLOTS];
};

struct cache *
cache_new(size_t limit, void (*ended)(void *ctx, struct answer *a), void *ctx)
{
	struct cache *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->limit = limit;
	c->ended = ended;
	c->ctx = ctx;
	return c;
}

void
cache_free(struct cache *c)
{
	if (!c)
		return;
	cache_clear(c);
	free(c);
}

size_t
cache_bytes(const struct cache *c)
{
	return c->size;
}

size_t
cache_count(const struct cache *c)
{
	return c->count;
}

/* ---- order of use ------------------------------------------------------- */

static void
take_out(struct kept *k)
{
	struct cache *c = k->answer.cache;
	*(k->newer ? &k->newer->older : &c->newest) = k->older;
	*(k->older ? &k->older->newer : &c->oldest) = k->newer;
}

static void
put_first(struct cache *c, struct kept *k)
{
	k->newer = NULL;
	k->older = c->newest;
	*(c->newest ? &c->newest->newer : &c->oldest) = k;
	c->newest = k;
}

/* ---- topics ------------------------------------------------------------- */

static struct topic **
topic_at(struct cache *c, struct slice name)
{
	struct topic **p = &c->topics[slice_hash(HASH_FIRST, name) & (SLOTS - 1)];
	while (*p && !slice_equal(name, (struct slice){(*p)->name, (*p)->n}))
		p = &(*p)->next;
	return p;
}

static struct topic *
topic_of(struct cache *c, struct slice name)
{
	struct topic **p = topic_at(c, name);
	if (*p)
		return *p;
	struct topic *t = calloc(1, sizeof(*t) + name.n);
	if (!t)
		return NULL;
	memcpy(t->name, name.p, name.n);
	t->n = name.n;
	return *p = t;
}

static void
unlink_topic(struct cache *c, struct link *l)
{
	struct topic *t = l->topic;
	*l->at = l->next;
	if (l->next)
		l->next->at = l->at;
	if (t->links)
		return;
	*topic_at(c, (struct slice){t->name, t->n}) = t->next;
	free(t);
}

/* ---- answers ------------------------------------------------------------ */

static struct kept **
kept_at(struct cache *c, const char *method, struct slice request, uint64_t hash)
{
	struct kept **p = &c->slots[hash & (SLOTS - 1)];
	while (*p && ((*p)->hash != hash || !slice_equal((*p)->request, request) ||
		      strcmp((*p)->method, method) != 0))
		p = &(*p)->next;
	return p;
}

static uint64_t
hash_of(const char *method, struct slice request)
{
	return slice_hash(slice_hash(HASH_FIRST, slice_of(method)), request);
}

static void
end(struct kept *k)
{
	struct cache *c = k->answer.cache;
	c->ended(c->ctx, &k->answer);
	for (struct link *l = k->links, *next; l; l = next) {
		next = l->sibling;
		unlink_topic(c, l);
		free(l);
	}
	*kept_at(c, k->method, k->request, k->hash) = k->next;
	take_out(k);
	c->size -= k->size;
	c->count--;
	free(k);
}

void
cache_clear(struct cache *c)
{
	while (c->oldest)
		end(c->oldest);
}

struct answer *
cache_find(struct cache *c, const char *method, struct slice request)
{
	struct kept *k = *kept_at(c, method, request, hash_of(method, request));
	if (!k)
		return NULL;
	take_out(k);
	put_first(c, k);
	return &k->answer;
}

struct answer *
cache_put(struct cache *c, const char *method, struct slice request, struct slice bytes, int64_t until)
{
	uint64_t hash = hash_of(method, request);
	size_t size = sizeof(struct kept) + request.n + bytes.n;
	struct kept *old = *kept_at(c, method, request, hash);
	if (old)
		end(old);
	if (size > c->limit)
		return NULL;
	while (c->size + size > c->limit)
		end(c->oldest);
	struct kept *k = calloc(1, size);
	if (!k)
		return NULL;
	if (request.n)
		memcpy(k->bytes, request.p, request.n);
	if (bytes.n)
		memcpy(k->bytes + request.n, bytes.p, bytes.n);
	k->answer = (struct answer){.bytes = {k->bytes + request.n, bytes.n},
				    .until = until,
				    .serial = ++c->serial,
				    .cache = c};
	k->method = method;
	k->request = (struct slice){k->bytes, request.n};
	k->hash = hash;
	k->size = size;
	k->next = c->slots[hash & (SLOTS - 1)];
	c->slots[hash & (SLOTS - 1)] = k;
	put_first(c, k);
	c->size += size;
	c->count++;
	return &k->answer;
}

bool
cache_depend(struct answer *a, struct slice name, bool names)
{
	struct kept *k = (struct kept *)a;
	struct link *l = calloc(1, sizeof(*l));
	struct topic *t = l ? topic_of(a->cache, name) : NULL;
	if (!t) {
		free(l);
		end(k);
		return false;
	}
	*l = (struct link){.next = t->links,
			   .at = &t->links,
			   .sibling = k->links,
			   .topic = t,
			   .kept = k,
			   .names = names};
	if (t->links)
		t->links->at = &l->next;
	t->links = l;
	k->links = l;
	k->size += sizeof(*l) + sizeof(*t) + name.n;
	a->cache->size += sizeof(*l) + sizeof(*t) + name.n;
	return true;
}

static void
end_topic(struct cache *c, struct slice name, bool all)
{
	struct topic *t = *topic_at(c, name);
	struct link *l = t ? t->links : NULL;
	while (l) {
		struct kept *k = l->names && !all ? NULL : l->kept;
		if (!k) {
			l = l->next;
			continue;
		}
		end(k);
		/* The topic may be gone with it, and other links of the answer. */
		t = *topic_at(c, name);
		l = t ? t->links : NULL;
	}
}

void
cache_changed(struct cache *c, struct slice name, bool made)
{
	end_topic(c, name, true);
	for (size_t i = name.n; i--;)
		if (name.p[i] == '/')
			end_topic(c, (struct slice){name.p, i}, made);
}
