/* Deadlines of one connection: a binary heap of calls, each of which knows its place. */
#include "rpc/internal.h"

#include <stdlib.h>

#define HEAP_FIRST 16

static void
place(struct engine *e, struct call *c, size_t i)
{
	e->heap[i] = c;
	c->heap_index = i;
}

static void
sift_up(struct engine *e, struct call *c, size_t i)
{
	while (i > 0) {
		size_t parent = (i - 1) / 2;
		if (e->heap[parent]->due <= c->due)
			break;
		place(e, e->heap[parent], i);
		i = parent;
	}
	place(e, c, i);
}

static void
sift_down(struct engine *e, struct call *c, size_t i)
{
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= e->heap_n)
			break;
		if (child + 1 < e->heap_n && e->heap[child + 1]->due < e->heap[child]->due)
			child++;
		if (c->due <= e->heap[child]->due)
			break;
		place(e, e->heap[child], i);
		i = child;
	}
	place(e, c, i);
}

int
timer_set(struct call *c, msec due)
{
	struct engine *e = c->engine;
	timer_clear(c);
	if (e->heap_n == e->heap_cap) {
		size_t cap = e->heap_cap ? 2 * e->heap_cap : HEAP_FIRST;
		struct call **heap = realloc(e->heap, cap * sizeof(struct call *));
		if (!heap)
			return ERR_NO_MEMORY;
		e->heap = heap;
		e->heap_cap = cap;
	}
	c->due = due;
	sift_up(e, c, e->heap_n++);
	return 0;
}

void
timer_clear(struct call *c)
{
	struct engine *e = c->engine;
	if (!c->due)
		return;
	c->due = 0;
	struct call *last = e->heap[--e->heap_n];
	if (last == c)
		return;
	size_t i = c->heap_index;
	if (i > 0 && e->heap[(i - 1) / 2]->due > last->due)
		sift_up(e, last, i);
	else
		sift_down(e, last, i);
}

struct call *
timer_first(const struct engine *e)
{
	return e->heap_n ? e->heap[0] : NULL;
}
