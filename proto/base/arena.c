#include "base/arena.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* What most calls need fits the first block, and an idle connection keeps one. */
#define ARENA_FIRST 1024
#define ARENA_BLOCK 4096
#define PRINT_SMALL 256 /* bytes of text that are printed in one go */

struct arena_block {
	struct arena_block *next;
	size_t used;
	size_t size;
	alignas(max_align_t) unsigned char data[];
};

static size_t
align_up(size_t n)
{
	return (n + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

void *
arena_alloc(struct arena *a, size_t n)
{
	if (n > SIZE_MAX / 2) {
		a->failed = true;
		return NULL;
	}
	n = align_up(n ? n : 1);
	struct arena_block *b = a->blocks;
	if (!b || b->size - b->used < n) {
		size_t block = b ? ARENA_BLOCK : ARENA_FIRST;
		size_t size = n > block / 2 ? n : block - sizeof(*b);
		b = malloc(sizeof(*b) + size);
		if (!b) {
			a->failed = true;
			return NULL;
		}
		b->used = 0;
		b->size = size;
		b->next = a->blocks;
		a->blocks = b;
	}
	void *p = b->data + b->used;
	b->used += n;
	return memset(p, 0, n);
}

void *
arena_array(struct arena *a, size_t n, size_t size)
{
	if (size && n > SIZE_MAX / size) {
		a->failed = true;
		return NULL;
	}
	return arena_alloc(a, n * size);
}

char *
arena_dup_slice(struct arena *a, struct slice s)
{
	char *p = arena_alloc(a, s.n + 1);
	if (p && s.n)
		memcpy(p, s.p, s.n);
	return p;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_dup_slice(a, slice_of(s));
}

struct slice
arena_copy(struct arena *a, struct slice s)
{
	char *p = arena_dup_slice(a, s);
	return (struct slice){p, p ? s.n : 0};
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	char small[PRINT_SMALL];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	if ((size_t)n < sizeof(small))
		return arena_dup_slice(a, (struct slice){small, (size_t)n});
	char *p = arena_alloc(a, (size_t)n + 1);
	if (!p)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

static void
free_blocks(struct arena_block *b)
{
	while (b) {
		struct arena_block *next = b->next;
		free(b);
		b = next;
	}
}

void
arena_reset(struct arena *a)
{
	a->failed = false;
	if (!a->blocks)
		return;
	free_blocks(a->blocks->next);
	a->blocks->next = NULL;
	a->blocks->used = 0;
}

void
arena_release(struct arena *a)
{
	free_blocks(a->blocks);
	*a = (struct arena){0};
}
