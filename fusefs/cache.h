/* Answers of the server, kept until Watch says that they no longer hold.
 *
 * An answer is found by its question (method and request) and depends on topics: names of
 * records or collections. A change of a record ends what depends on its name or on any
 * name above it; what depends on a collection's names alone ends only when one is added.
 * Each also has an instant from which on it does not hold, whatever was heard. The least
 * recently used make room. What was made of an answer (nodes.h) hangs on it, and ends
 * with it: `ended` is told just before.
 *
 * Pure; one thread. One cache for each caller: what one may see says nothing of another. */
#ifndef FUSEFS_CACHE_H
#define FUSEFS_CACHE_H

#include "base/buf.h"

struct cache;
struct node;

struct answer {
	struct slice bytes; /* of the message; as long as the answer */
	int64_t until;      /* it does not hold from then on */
	struct node *nodes; /* made of it: node_keep() */
	uint64_t serial;    /* no other has it, from 1 */
	struct cache *cache;
};

/* limit: bytes of all answers, questions included; 0: keeps nothing. NULL: out of memory. */
struct cache *cache_new(size_t limit, void (*ended)(void *ctx, struct answer *a), void *ctx);
void cache_free(struct cache *c); /* NULL is allowed */

/* NULL: there is none. It may be past its instant: see holds. Valid until the cache changes. */
struct answer *cache_find(struct cache *c, const char *method, struct slice request);
/* Takes the place of an earlier one. NULL: out of memory, or larger than the limit. `method`
 * is a constant. */
struct answer *cache_put(struct cache *c, const char *method, struct slice request, struct slice bytes,
			 int64_t until);
/* names: only on the collection's names. Out of memory ends the answer: false. */
bool cache_depend(struct answer *a, struct slice topic, bool names);
/* A record changed, or was made. */
void cache_changed(struct cache *c, struct slice name, bool made);
/* Ends everything. */
void cache_clear(struct cache *c);

size_t cache_bytes(const struct cache *c);
size_t cache_count(const struct cache *c);

#endif
