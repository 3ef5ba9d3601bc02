/* A record as a directory: which file shows which part of it, driven by the
 * descriptor. Pure; any thread; nothing is kept.
 *
 *   scalar            a file with its bare value and a newline
 *   message           a directory, if it is present
 *   repeated message  a directory of 1, 2, 3 …
 *   repeated scalar   a file, one element per line
 *   map               a directory with a file per key
 *
 * Scalars without explicit presence are always there, with their default value. */
#ifndef FUSEFS_RECORD_H
#define FUSEFS_RECORD_H

#include "content.h"
#include "descriptor.h"

enum part_type {
	PART_MESSAGE,  /* directory of fields */
	PART_ELEMENTS, /* directory of numbers */
	PART_MAP,      /* directory of keys */
	PART_VALUE,    /* file */
	PART_LIST,     /* file, a line per element */
	PART_MAP_VALUE,
};

struct part {
	enum part_type type;
	const struct message_desc *message; /* of PART_MESSAGE */
	const struct field_desc *field;     /* of all but the record itself */
	struct slice bytes; /* the message itself; for the others the one that the field is in */
	struct slice value; /* of PART_MAP_VALUE */
};

static inline bool
part_is_directory(const struct part *p)
{
	return p->type == PART_MESSAGE || p->type == PART_ELEMENTS || p->type == PART_MAP;
}

/* The part at a path below the record ("items/1/service"; "" is the whole).
 * ERR_NOT_FOUND if the record has no such part. */
int record_find(struct part *ret, const struct message_desc *m, struct slice bytes, struct slice path);
/* Whether every record of the kind has the part, whatever it holds. */
bool record_lasting(const struct message_desc *m, struct slice path);
/* The names in a part that is a directory. */
void record_names(const struct part *p, struct content *directory);
/* The content of a part that is a file. 0 or a code. */
int record_value(const struct part *p, struct buf *out);
/* The whole for the shell's `source`: name='value', dots and hyphens as _, control characters as blanks. */
void record_env(const struct message_desc *m, struct slice bytes, struct buf *out);
/* Appends s with control characters as blanks: one line stays one line. */
void append_clean(struct buf *out, struct slice s);

#endif
