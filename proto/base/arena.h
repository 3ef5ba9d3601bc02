/* Memory that dies together: what a call allocates dies with the call.
 *
 * An arena is initialised by `= {0}` and released by arena_release, which gives
 * back everything at once. Allocation returns zeroed memory aligned for any
 * object, or NULL when memory is out; the arena then remembers the failure in
 * `failed`. One thread at a time. */
#ifndef ZWY_BASE_ARENA_H
#define ZWY_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
	bool failed;
};

void *arena_alloc(struct arena *a, size_t n);
/* n elements of a size; NULL on overflow too. */
void *arena_array(struct arena *a, size_t n, size_t size);
/* NUL-terminated copy. */
char *arena_strdup(struct arena *a, const char *s);
char *arena_dup_slice(struct arena *a, struct slice s);
/* Copy of the bytes, not terminated. */
struct slice arena_copy(struct arena *a, struct slice s);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Forgets everything but keeps one block for the next user. */
void arena_reset(struct arena *a);
void arena_release(struct arena *a);

#endif
