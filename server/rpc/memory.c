/* The library's memory. It keeps a buffer of one whole frame, 16 KiB, for each session, of
 * which a reply's headers use a few hundred bytes. From the heap all of it stays resident
 * once it has been another connection's before; mapped by itself, an idle connection costs
 * the pages that it has touched. */
#include "rpc/internal.h"

#include <stdlib.h>

#include <sys/mman.h>

/* From here on a block is mapped by itself. */
#define MAPPED_MIN 16384

/* Before each block. Of 16 bytes, so that the block is aligned as malloc's is. */
union block {
	size_t mapped; /* bytes, this header included; 0: from the heap */
	max_align_t align;
};

static void *
take(size_t size, void *user_data)
{
	(void)user_data;
	if (size > SIZE_MAX - sizeof(union block))
		return NULL;
	size += sizeof(union block);
	union block *b = MAP_FAILED;
	if (size >= MAPPED_MIN)
		b = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b != MAP_FAILED) {
		b->mapped = size;
		return b + 1;
	}
	b = malloc(size);
	if (!b)
		return NULL;
	b->mapped = 0;
	return b + 1;
}

static void
give_back(void *p, void *user_data)
{
	(void)user_data;
	union block *b = p;
	if (!b)
		return;
	b--;
	if (b->mapped)
		munmap(b, b->mapped);
	else
		free(b);
}

static void *
take_zeroed(size_t n, size_t size, void *user_data)
{
	if (size && n > SIZE_MAX / size)
		return NULL;
	void *p = take(n * size, user_data);
	return p ? memset(p, 0, n * size) : NULL;
}

static void *
resize(void *p, size_t size, void *user_data)
{
	if (!p)
		return take(size, user_data);
	union block *b = (union block *)p - 1;
	if (!b->mapped) {
		/* It stays in the heap however it grows: its former size is not known. */
		b = size > SIZE_MAX - sizeof(*b) ? NULL : realloc(b, sizeof(*b) + size);
		return b ? b + 1 : NULL;
	}
	void *to = take(size, user_data);
	if (!to)
		return NULL;
	size_t had = b->mapped - sizeof(*b);
	memcpy(to, p, had < size ? had : size);
	give_back(p, user_data);
	return to;
}

nghttp2_mem
session_memory(void)
{
	return (nghttp2_mem){NULL, take, give_back, take_zeroed, resize};
}
