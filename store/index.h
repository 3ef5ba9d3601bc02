/* The keys under which a record can be found beside its own: in the index by
 * scope and field, in the due index by time. Both follow from the record alone.
 * Pure; the layout is described in README.md. */
#ifndef ZWY_STORE_INDEX_H
#define ZWY_STORE_INDEX_H

#include "store/store.h"

struct entry {
	struct slice key, value;
};

struct key_list {
	struct arena *arena;
	struct entry *entries;
	size_t count, cap;
};

/* NULL if there is none with this key. */
const struct entry *key_list_find(const struct key_list *list, struct slice key);

/* Keys in the index, each once. ERR_INVALID_NAME if one would be too long,
 * ERR_INVALID_FIELD if the record's bytes are not of its kind, ERR_NO_MEMORY. */
int index_keys(struct key_list *ret, const struct record *r);
/* Keys in the due index. */
int due_keys(struct key_list *ret, const struct record *r);

/* Both, of one record. */
struct record_keys {
	struct key_list index, due;
};
int record_keys(struct record_keys *ret, struct arena *a, const struct record *r);

/* Which fields have entries: what the tables were made by is compared with it. */
void index_layout(struct buf *b);

/* What the keys of a field's listings begin with, before the value; NULL: of the plain one. */
void index_field_prefix(struct buf *b, enum scope scope, struct slice scope_value,
			const struct field_desc *field);
/* What the keys of a listing begin with, before the record's own key; field NULL: the plain one. */
void index_prefix(struct buf *b, enum scope scope, struct slice scope_value, const struct field_desc *field,
		  struct slice value);
/* Within a department the values of all fields stand in the entry of the plain
 * listing: a department is small, and a key for each value would be most of what
 * a commit writes. This is what to look for there, and whether an entry has it. */
void index_wanted(struct buf *b, const struct field_desc *field, struct slice value);
bool index_has(struct slice entry_value, struct slice wanted);
/* Takes the next field and its value off an entry's; false at the end. */
bool index_take(struct slice *entry_value, uint32_t *ret_field, struct slice *ret_value);
/* Takes the value, with its NUL, off what follows the field in a key; false: there is none. */
bool index_take_value(struct slice *rest, struct slice *ret);
/* Such a value is a text and NUL, or a digest whose text only the record has. */
bool index_is_digest(struct slice value);
/* Appends the text of that record's field which stands in the index so. ERR_STORE_CORRUPT:
 * it has none. */
int index_text_of(struct buf *b, const struct record *r, const struct field_desc *field, struct slice value);
/* The record's key at the end of an index key. */
int index_record_key(struct slice *ret, struct slice key);

void due_key(struct buf *b, const struct due *d);
int due_parse(struct due *ret, struct slice key);

#endif
