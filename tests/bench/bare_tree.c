#include "bare_tree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As long as the status of a case. */
static const char status_text[] = "submitted\n"
				  "waits for: the competent authority of the node core\n"
				  "due: 2026-11-27, within 5 working days\n"
				  "rule: Article 11, acceptance of an application\n";

/* What an inode is stands above its number in its class; of a written file the number is its address. */
enum class { CLASS_DIRECTORY, CLASS_RECORD, CLASS_STATUS, CLASS_FLAT, CLASS_WRITTEN };
enum { INODE_RECORDS = 2, INODE_FLAT, INODE_WRITTEN };
#define CLASS_SHIFT 56

static uint64_t
inode_of(enum class class, uint64_t number)
{
	return (uint64_t) class << CLASS_SHIFT | number;
}

static enum class class_of(uint64_t inode) { return (enum class)(inode >> CLASS_SHIFT); }

static uint64_t
number_of(uint64_t inode)
{
	return inode & (((uint64_t)1 << CLASS_SHIFT) - 1);
}

struct written *
tree_written(uint64_t inode)
{
	return class_of(inode) == CLASS_WRITTEN ? (struct written *)(uintptr_t)number_of(inode) : NULL;
}

static uint64_t
written_inode(const struct written *w)
{
	return inode_of(CLASS_WRITTEN, (uintptr_t)w);
}

/* ---- names ---------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint64_t inode;
} top[] = {{"records", INODE_RECORDS}, {"flat", INODE_FLAT}, {"written", INODE_WRITTEN}};
#define TOP_COUNT (sizeof(top) / sizeof(top[0]))

static bool
counted_entry(char letter, enum class class, size_t i, size_t count, char ret[NAME_SIZE], uint64_t *ret_inode)
{
	if (i >= count)
		return false;
	snprintf(ret, NAME_SIZE, "%c-%010zu", letter, i + 1);
	*ret_inode = inode_of(class, i);
	return true;
}

static uint64_t
find_counted(char letter, enum class class, size_t count, const char *name)
{
	if (name[0] != letter || name[1] != '-' || strlen(name) != 12)
		return 0;
	size_t number = strtoul(name + 2, NULL, 10);
	return number >= 1 && number <= count ? inode_of(class, number - 1) : 0;
}

static const struct written *
nth_written(const struct tree *t, size_t i)
{
	for (size_t slot = 0; slot < WRITTEN_SLOTS; slot++)
		for (const struct written *w = t->written[slot]; w; w = w->next)
			if (!w->unlinked && i-- == 0)
				return w;
	return NULL;
}

bool
tree_entry(const struct tree *t, uint64_t directory, size_t i, char ret[NAME_SIZE], uint64_t *ret_inode)
{
	const struct written *w;

	switch (directory) {
	case INODE_ROOT:
		if (i >= TOP_COUNT)
			return false;
		strcpy(ret, top[i].name);
		*ret_inode = top[i].inode;
		return true;
	case INODE_RECORDS:
		return counted_entry('R', CLASS_RECORD, i, t->records, ret, ret_inode);
	case INODE_FLAT:
		return counted_entry('F', CLASS_FLAT, i, t->flat, ret, ret_inode);
	case INODE_WRITTEN:
		w = nth_written(t, i);
		if (!w)
			return false;
		strcpy(ret, w->name);
		*ret_inode = written_inode(w);
		return true;
	default:
		if (class_of(directory) != CLASS_RECORD || i)
			return false;
		strcpy(ret, "status");
		*ret_inode = inode_of(CLASS_STATUS, number_of(directory));
		return true;
	}
}

/* FNV-1a. */
static size_t
slot_of(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h % WRITTEN_SLOTS;
}

static struct written *
find_written(const struct tree *t, const char *name)
{
	struct written *w = t->written[slot_of(name)];

	while (w && (w->unlinked || strcmp(w->name, name) != 0))
		w = w->next;
	return w;
}

uint64_t
tree_find(const struct tree *t, uint64_t directory, const char *name)
{
	const struct written *w;

	switch (directory) {
	case INODE_ROOT:
		for (size_t i = 0; i < TOP_COUNT; i++)
			if (strcmp(top[i].name, name) == 0)
				return top[i].inode;
		return 0;
	case INODE_RECORDS:
		return find_counted('R', CLASS_RECORD, t->records, name);
	case INODE_FLAT:
		return find_counted('F', CLASS_FLAT, t->flat, name);
	case INODE_WRITTEN:
		w = find_written(t, name);
		return w ? written_inode(w) : 0;
	default:
		return class_of(directory) == CLASS_RECORD && strcmp(name, "status") == 0
			       ? inode_of(CLASS_STATUS, number_of(directory))
			       : 0;
	}
}

/* ---- content --------------------------------------------------------------------- */

struct bytes
tree_read(uint64_t inode)
{
	const struct written *w = tree_written(inode);

	return w ? (struct bytes){w->bytes, w->size} : (struct bytes){status_text, sizeof(status_text) - 1};
}

void
tree_attributes(const struct tree *t, uint64_t inode, struct stat *ret)
{
	bool directory = class_of(inode) == CLASS_DIRECTORY || class_of(inode) == CLASS_RECORD;

	*ret = (struct stat){.st_ino = inode,
			     .st_mode = directory ? S_IFDIR | 0755 : S_IFREG | 0644,
			     .st_nlink = 1,
			     .st_uid = t->uid,
			     .st_gid = t->gid,
			     .st_size = directory ? 0 : (off_t)tree_read(inode).n,
			     .st_atim.tv_sec = t->time,
			     .st_mtim.tv_sec = t->time,
			     .st_ctim.tv_sec = t->time};
}

/* ---- what is written ------------------------------------------------------------- */

uint64_t
tree_create(struct tree *t, uint64_t directory, const char *name)
{
	struct written **slot = &t->written[slot_of(name)];
	struct written *w;

	if (directory != INODE_WRITTEN || strlen(name) >= NAME_SIZE || !(w = calloc(1, sizeof(*w))))
		return 0;
	strcpy(w->name, name);
	w->next = *slot;
	*slot = w;
	return written_inode(w);
}

int
tree_resize(struct written *w, size_t size)
{
	char *grown = realloc(w->bytes, size ? size : 1);

	if (!grown)
		return ENOMEM;
	w->bytes = grown;
	if (size > w->size)
		memset(w->bytes + w->size, 0, size - w->size);
	w->size = size;
	return 0;
}

int
tree_write(struct written *w, size_t offset, const char *p, size_t n)
{
	int eno = offset + n > w->size ? tree_resize(w, offset + n) : 0;

	if (!eno)
		memcpy(w->bytes + offset, p, n);
	return eno;
}

static void
free_unknown(struct tree *t, struct written *w)
{
	struct written **p = &t->written[slot_of(w->name)];

	if (w->lookups || !w->unlinked)
		return;
	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	free(w->bytes);
	free(w);
}

int
tree_unlink(struct tree *t, uint64_t directory, const char *name)
{
	struct written *w = directory == INODE_WRITTEN ? find_written(t, name) : NULL;

	if (!w)
		return ENOENT;
	w->unlinked = true;
	free_unknown(t, w);
	return 0;
}

void
tree_looked_up(uint64_t inode)
{
	struct written *w = tree_written(inode);

	if (w)
		w->lookups++;
}

void
tree_forget(struct tree *t, uint64_t inode, uint64_t times)
{
	struct written *w = tree_written(inode);

	if (!w)
		return;
	w->lookups -= times;
	free_unknown(t, w);
}

void
tree_release(struct tree *t)
{
	for (size_t slot = 0; slot < WRITTEN_SLOTS; slot++)
		while (t->written[slot]) {
			t->written[slot]->lookups = 0;
			t->written[slot]->unlinked = true;
			free_unknown(t, t->written[slot]);
		}
}
