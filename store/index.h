/* The keys under which a record can be found beside its own: in the index by
 * scope and field, in the due index by time. Both follow from the record alone.
 * Pure; the layout is described in README.md. */
#ifndef ZWY_STORE_INDEX_H
#define ZWY_STORE_INDEX_H

#include "store/store.h"

struct key_list {
	struct arena *arena;
	struct slice *keys;
	size_t count, cap;
};

bool key_list_has(const struct key_list *list, struct slice key);

/* Keys in the index, each once. ERR_INVALID_NAME if one would be too long,
 * ERR_INVALID_FIELD if the record's bytes are not of its kind, ERR_NO_MEMORY. */
int index_keys(struct key_list *ret, const struct record *r);
/* Keys in the due index. */
int due_keys(struct key_list *ret, const struct record *r);

/* What the keys of a listing begin with, before the record's own key; field NULL: the plain one. */
void index_prefix(struct buf *b, enum scope scope, struct slice scope_value, const struct field_desc *field,
		  struct slice value);
/* The record's key at the end of an index key. */
int index_record_key(struct slice *ret, struct slice key);

void due_key(struct buf *b, const struct due *d);
int due_parse(struct due *ret, struct slice key);

#endif
