#include "content.h"

#include <stdlib.h>

#include "base/error.h"

#define NAME_MAX_BYTES_FS 255

struct content *
content_new(enum content_type type, unsigned mode)
{
	struct content *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->refs = 1;
	c->type = type;
	c->mode = mode;
	return c;
}

struct content *
content_ref(struct content *c)
{
	c->refs++;
	return c;
}

void
content_unref(struct content *c)
{
	if (!c || --c->refs)
		return;
	buf_release(&c->bytes);
	buf_release(&c->names);
	free(c->offsets);
	free(c);
}

bool
content_name_ok(struct slice name)
{
	if (name.n == 0 || name.n > NAME_MAX_BYTES_FS || slice_is(name, ".") || slice_is(name, ".."))
		return false;
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f || name.p[i] == '/')
			return false;
	return true;
}

static bool
room_for_one(struct content *c)
{
	if (c->count < c->capacity)
		return true;
	size_t capacity = c->capacity ? c->capacity * 2 : 32;
	uint32_t *offsets = reallocarray(c->offsets, capacity, sizeof(*offsets));
	if (!offsets)
		return false;
	c->offsets = offsets;
	c->capacity = capacity;
	return true;
}

void
content_add(struct content *c, enum content_type type, struct slice name)
{
	if (!content_name_ok(name))
		return;
	if (!room_for_one(c) || c->names.n > UINT32_MAX - NAME_MAX_BYTES_FS - 2) {
		c->names.error = ERR_NO_MEMORY;
		return;
	}
	uint32_t offset = (uint32_t)c->names.n;
	buf_append_char(&c->names, (char)('0' + (int)type));
	buf_append_slice(&c->names, name);
	buf_append_char(&c->names, '\0');
	if (!c->names.error)
		c->offsets[c->count++] = offset;
}

static int
compare_names(const void *a, const void *b, void *names)
{
	const char *p = names;
	return strcmp(p + *(const uint32_t *)a + 1, p + *(const uint32_t *)b + 1);
}

void
content_sort(struct content *c)
{
	if (c->count < 2)
		return;
	qsort_r(c->offsets, c->count, sizeof(*c->offsets), compare_names, c->names.p);
	size_t kept = 1;
	for (size_t i = 1; i < c->count; i++)
		if (compare_names(&c->offsets[i], &c->offsets[kept - 1], c->names.p) != 0)
			c->offsets[kept++] = c->offsets[i];
	c->count = kept;
}

struct content_name
content_at(const struct content *c, size_t i)
{
	const char *p = c->names.p + c->offsets[i];
	return (struct content_name){(enum content_type)(p[0] - '0'), p + 1};
}
