/* A message being built: fields arrive in any order, from lines, JSON or columns,
 * and are written as canonical protobuf bytes (by number, defaults left out,
 * numbers packed). Lives in an arena and dies with it; values are borrowed from
 * there or from the text. One thread at a time. */
#ifndef ZWY_DRAFT_H
#define ZWY_DRAFT_H

#include "base/arena.h"
#include "descriptor.h"
#include "value.h"

struct draft;

struct draft_item {
	struct draft_item *next;
	unsigned line;       /* where it was said; 0: nowhere in particular */
	struct slice key;    /* of a map */
	struct value value;  /* of a map: the string */
	struct draft *child; /* of a message */
};

struct draft_field {
	struct draft_item *first, *last;
	size_t count;
};

struct draft {
	const struct message_desc *message;
	struct draft_field *fields; /* as many as message->fields */
};

/* NULL: out of memory, as the arena remembers. */
struct draft *draft_new(struct arena *arena, const struct message_desc *m);
struct draft_field *draft_at(struct draft *d, const struct field_desc *field);
/* One more value; child is made for message fields. NULL: out of memory. */
struct draft_item *draft_add(struct draft *d, const struct field_desc *field, unsigned line,
			     struct arena *arena);
/* The child of a single message field, made if need be. */
struct draft *draft_child(struct draft *d, const struct field_desc *field, unsigned line,
			  struct arena *arena);
/* The entry of a map with this key, or NULL. */
struct draft_item *draft_entry(struct draft *d, const struct field_desc *field, struct slice key);
/* Another member of the field's oneof that is set, or NULL. */
const struct field_desc *draft_rival(struct draft *d, const struct field_desc *field);
/* Appends the message's bytes. The buf's error tells of failure. */
void draft_write(struct buf *out, const struct draft *d);

#endif
