/* What a place of the tree holds, made once and read by handles afterwards: the
 * bytes of a file, the target of a link or the names of a directory.
 *
 * Counted: content_new gives one reference, content_ref another, content_unref
 * (NULL allowed) drops one; the last frees. Constant once it is shared. One thread. */
#ifndef FUSEFS_CONTENT_H
#define FUSEFS_CONTENT_H

#include "base/buf.h"
#include "base/date.h"

enum content_type {
	CONTENT_FILE,
	CONTENT_DIRECTORY,
	CONTENT_LINK,
};

struct content {
	unsigned refs;
	enum content_type type;
	unsigned mode;    /* permission bits */
	msec mtime;       /* 0: when the mount began */
	struct buf bytes; /* of a file, or a link's target */
	uint64_t size;    /* of a file whose bytes were not asked for; otherwise bytes.n counts */
	bool partial;     /* size is known, bytes are not */
	/* Names of a directory: a type character and the name with its NUL, each. */
	struct buf names;
	uint32_t *offsets;
	size_t count;
	size_t capacity;
};

/* NULL: out of memory. */
struct content *content_new(enum content_type type, unsigned mode);
struct content *content_ref(struct content *c);
void content_unref(struct content *c);

/* Adds a name; one that cannot stand in a directory ("", ".", "..", with '/' or
 * control characters, over 255 bytes) is left out. Out of memory shows as names.error. */
void content_add(struct content *c, enum content_type type, struct slice name);
/* Sorts by bytes and drops repetitions. */
void content_sort(struct content *c);
struct content_name {
	enum content_type type;
	const char *name;
};
struct content_name content_at(const struct content *c, size_t i);
/* Whether a name can stand in a directory of this tree. */
bool content_name_ok(struct slice name);

#endif
