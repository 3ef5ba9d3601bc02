/* The different values of a field or of a variable, by seeking past all that have one. */
#include "store/inside.h"

#include <stdlib.h>

#include "store/index.h"

/* Values of a department's entries that are held at a time; the smallest come first, and
 * when they are used up, the entries are looked through again. */
#define GATHER_MAX 256

struct gathered {
	struct slice value, key; /* as they stand in the index; the record's key */
};

struct values {
	int (*step)(struct values *v, struct found_value *ret);
	struct reader *reader;
	const struct field_desc *field;
	struct scan scan; /* by variable: the records' keys */
	size_t var;
	struct cursor *cursor; /* by field: the index */
	/* By field: what keys begin with, before the value, or within a department with how
	 * those of the collection's records begin. */
	struct buf prefix;
	struct buf key; /* how the keys of the collection's records begin */
	struct buf position, text, seek;
	struct gathered gathered[GATHER_MAX];
	size_t count, taken;
	bool partial; /* there may be more than were gathered */
};

static int
set_position(struct values *v, struct slice position)
{
	buf_clear(&v->position);
	buf_append_slice(&v->position, position);
	return v->position.error;
}

/* The value at the position is one, and the record of that key has it. */
static int
found_by_field(struct values *v, struct slice key, struct found_value *ret)
{
	struct slice value = buf_slice(&v->position);
	struct record record;
	int rc = 0;
	buf_clear(&v->text);
	if (!index_is_digest(value))
		buf_append(&v->text, value.p, value.n - 1);
	else if ((rc = record_get_key(v->reader, key, &record)) == 0)
		rc = index_text_of(&v->text, &record, v->field, value);
	if (rc != 0 || v->text.error)
		return rc == ERR_NOT_FOUND ? ERR_STORE_CORRUPT : rc ? rc : v->text.error;
	*ret = (struct found_value){value, buf_slice(&v->text), true};
	return 1;
}

/* ---- by variable of the name ---- */

static int
step_variable(struct values *v, struct found_value *ret)
{
	struct record record;
	size_t end;
	int rc = scan_next(&v->scan, &record);
	if (rc != 1)
		return rc;
	buf_clear(&v->text);
	rc = name_var_of_key(&v->text, record.key, v->var, &end);
	if (rc == 0)
		rc = set_position(v, slice_make(record.key.p, end));
	if (rc == 0)
		rc = scan_skip(&v->scan, buf_slice(&v->position));
	*ret = (struct found_value){buf_slice(&v->position), buf_slice(&v->text), true};
	return rc ? rc : 1;
}

static int
open_variable(struct values *v, const struct values_spec *spec)
{
	struct scan_spec records = {.collection = spec->collection,
				    .scope = spec->scope,
				    .scope_value = spec->scope_value,
				    .keys_only = true};
	v->step = step_variable;
	v->var = spec->var;
	int rc = scan_open(&v->scan, v->reader, &records);
	return rc || !spec->after.n ? rc : scan_skip(&v->scan, spec->after);
}

/* ---- by field, where each value has a key ---- */

/* Whether a record of the collection has the value at the position. `key` is the first that any
 * record has it under, and becomes that record's. 1, 0 or negative. */
static int
find_in_group(struct values *v, struct slice *key)
{
	struct slice wanted = buf_slice(&v->key), found, row;
	if (slice_starts(*key, wanted))
		return 1;
	if (slice_compare(*key, wanted) > 0)
		return 0;
	buf_clear(&v->seek);
	buf_append_slice(&v->seek, buf_slice(&v->prefix));
	buf_append_slice(&v->seek, buf_slice(&v->position));
	size_t base = v->seek.n;
	buf_append_slice(&v->seek, wanted);
	int rc = v->seek.error ? v->seek.error
			       : cursor_move(v->cursor, MOVE_FROM, buf_slice(&v->seek), &found, &row);
	if (rc == ERR_NOT_FOUND || (rc == 0 && !slice_starts(found, buf_slice(&v->seek))))
		return 0;
	*key = slice_make(found.p + base, found.n - base);
	return rc ? rc : 1;
}

static int
step_index(struct values *v, struct found_value *ret)
{
	struct slice prefix = buf_slice(&v->prefix), key, row, value;
	buf_clear(&v->seek);
	buf_append_slice(&v->seek, prefix);
	if (v->position.n)
		append_key_behind(&v->seek, buf_slice(&v->position));
	int rc = v->seek.error ? v->seek.error
			       : cursor_move(v->cursor, MOVE_FROM, buf_slice(&v->seek), &key, &row);
	if (rc == ERR_NOT_FOUND || (rc == 0 && !slice_starts(key, prefix)))
		return 0;
	if (rc != 0)
		return rc;
	key = slice_make(key.p + prefix.n, key.n - prefix.n);
	if (!index_take_value(&key, &value))
		return ERR_STORE_CORRUPT;
	if ((rc = set_position(v, value)) != 0 || (rc = find_in_group(v, &key)) < 0)
		return rc;
	if (rc == 1)
		return found_by_field(v, key, ret);
	*ret = (struct found_value){.position = buf_slice(&v->position)};
	return 1;
}

/* ---- by field within a department: its entries hold the values ---- */

/* Keeps it where it belongs among the smallest. */
static void
gather_value(struct values *v, struct slice value, struct slice key)
{
	size_t low = 0, high = v->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (slice_compare(v->gathered[middle].value, value) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < v->count && slice_equal(v->gathered[low].value, value))
		return;
	if (v->count == GATHER_MAX) {
		v->partial = true;
		if (low == GATHER_MAX)
			return;
		v->count--;
	}
	memmove(&v->gathered[low + 1], &v->gathered[low], (v->count - low) * sizeof(v->gathered[0]));
	v->gathered[low] = (struct gathered){value, key};
	v->count++;
}

/* The smallest values behind the position. */
static int
gather(struct values *v)
{
	struct slice prefix = buf_slice(&v->prefix), after = buf_slice(&v->position), key, entry, value;
	uint32_t field;
	v->count = v->taken = 0;
	v->partial = false;
	int rc = cursor_move(v->cursor, MOVE_FROM, prefix, &key, &entry);
	while (rc == 0 && slice_starts(key, prefix)) {
		size_t base = prefix.n - v->key.n;
		while (index_take(&entry, &field, &value))
			if (field == v->field->number && slice_compare(value, after) > 0)
				gather_value(v, value, slice_make(key.p + base, key.n - base));
		rc = cursor_move(v->cursor, MOVE_NEXT, key, &key, &entry);
	}
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int
step_gathered(struct values *v, struct found_value *ret)
{
	int rc = v->taken == v->count && v->partial ? gather(v) : 0;
	if (rc != 0 || v->taken == v->count)
		return rc;
	const struct gathered *g = &v->gathered[v->taken++];
	rc = set_position(v, g->value);
	return rc ? rc : found_by_field(v, g->key, ret);
}

/* ---- both ---- */

static int
open_field(struct values *v, const struct values_spec *spec)
{
	bool within = spec->scope == SCOPE_DEPARTMENT;
	v->step = within ? step_gathered : step_index;
	v->field = spec->field;
	v->partial = within;
	index_field_prefix(&v->prefix, spec->scope, spec->scope_value, within ? NULL : spec->field);
	int rc = name_key(&v->key, &spec->collection);
	if (within)
		buf_append_slice(&v->prefix, buf_slice(&v->key));
	if (rc == 0)
		rc = v->prefix.error ? v->prefix.error : set_position(v, spec->after);
	return rc ? rc : cursor_open(&v->cursor, v->reader->view, TABLE_INDEX);
}

int
values_open(struct values **ret, struct reader *r, const struct values_spec *spec)
{
	if (r->error)
		return r->error;
	struct values *v = calloc(1, sizeof(*v));
	if (!v)
		return ERR_NO_MEMORY;
	v->reader = r;
	int rc = spec->field ? open_field(v, spec) : open_variable(v, spec);
	if (rc != 0)
		values_close(v);
	else
		*ret = v;
	return rc;
}

int
values_next(struct values *v, struct found_value *ret)
{
	return v->step(v, ret);
}

void
values_close(struct values *v)
{
	if (!v)
		return;
	scan_close(&v->scan);
	cursor_close(v->cursor);
	buf_release(&v->prefix);
	buf_release(&v->key);
	buf_release(&v->position);
	buf_release(&v->text);
	buf_release(&v->seek);
	free(v);
}
