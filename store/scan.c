/* Lists: a range of keys of the records or of an index, in either direction. */
#include "store/inside.h"

#include "store/index.h"

/* What all keys of the listing begin with. An entry of an index is its listing's
 * own part, `base` bytes, and then the record's key. */
static int
build_prefix(struct scan *s, const struct scan_spec *spec)
{
	char bytes[KEY_MAX_BYTES];
	struct buf key = {.p = bytes, .cap = sizeof(bytes), .max = sizeof(bytes)};
	int rc = name_key(&key, &spec->collection);
	if (rc != 0)
		return rc;
	bool within = spec->scope == SCOPE_DEPARTMENT;
	if (s->by_index)
		index_prefix(&s->prefix, spec->scope, spec->scope_value, within ? NULL : spec->index,
			     spec->index_value);
	if (within && spec->index)
		index_wanted(&s->wanted, spec->index, spec->index_value);
	s->base = s->prefix.n;
	buf_append_slice(&s->prefix, buf_slice(&key));
	return s->prefix.error ? s->prefix.error : s->wanted.error;
}

void
append_key_behind(struct buf *b, struct slice prefix)
{
	while (prefix.n && (unsigned char)prefix.p[prefix.n - 1] == 0xFF)
		prefix.n--;
	buf_append_slice(b, prefix);
	if (b->n && !b->error)
		b->p[b->n - 1] = (char)(b->p[b->n - 1] + 1);
}

/* Where to begin: at the end that comes first, or beside the record `after`. */
static int
build_position(struct scan *s, const struct scan_spec *spec)
{
	if (spec->after.n) {
		buf_append(&s->position, s->prefix.p, s->base);
		buf_append_slice(&s->position, spec->after);
	}
	bool outside = !slice_starts(buf_slice(&s->position), buf_slice(&s->prefix));
	if (outside) {
		int side = slice_compare(buf_slice(&s->position), buf_slice(&s->prefix));
		/* Beyond the end in the direction of travel: nothing is left. */
		s->ended = spec->after.n && (s->descending ? side < 0 : side > 0);
		buf_clear(&s->position);
		if (s->descending)
			append_key_behind(&s->position, buf_slice(&s->prefix));
		else
			buf_append_slice(&s->position, buf_slice(&s->prefix));
	}
	s->after = spec->after.n && !outside;
	return s->position.error;
}

int
scan_open(struct scan *ret, struct reader *r, const struct scan_spec *spec)
{
	struct scan s = {.reader = r,
			 .by_index = spec->scope != SCOPE_ALL || spec->index,
			 .descending = spec->descending,
			 .keys_only = spec->keys_only};
	struct cursor *c = NULL;
	if (r->error)
		return r->error;
	note_read(r, &spec->collection);
	int rc = build_prefix(&s, spec);
	if (rc == 0)
		rc = build_position(&s, spec);
	if (rc == 0)
		rc = cursor_open(&c, r->view, s.by_index ? TABLE_INDEX : TABLE_RECORDS);
	s.cursor = c;
	if (rc != 0)
		scan_close(&s);
	else
		*ret = s;
	return rc;
}

static int
move(struct scan *s, struct slice *ret_key, struct slice *ret_row)
{
	struct slice position = buf_slice(&s->position);
	if (s->started)
		return cursor_move(s->cursor, s->descending ? MOVE_PREVIOUS : MOVE_NEXT, position, ret_key,
				   ret_row);
	s->started = true;
	if (s->descending)
		return cursor_move(s->cursor, MOVE_BEFORE, position, ret_key, ret_row);
	int rc = cursor_move(s->cursor, MOVE_FROM, position, ret_key, ret_row);
	if (rc == 0 && s->after && slice_equal(*ret_key, position))
		rc = cursor_move(s->cursor, MOVE_NEXT, position, ret_key, ret_row);
	return rc;
}

/* Records of one listing lie close together, so a cursor finds the next one where it
 * stands, or near it. */
static int
record_of_index(struct scan *s, struct slice key, struct record *ret)
{
	struct slice wanted = {key.p + s->base, key.n - s->base}, row;
	int rc = s->records ? 0 : cursor_open(&s->records, s->reader->view, TABLE_RECORDS);
	if (rc == 0)
		rc = cursor_move(s->records, MOVE_FROM, wanted, &key, &row);
	if (rc == ERR_NOT_FOUND || (rc == 0 && !slice_equal(key, wanted)))
		return ERR_STORE_CORRUPT;
	return rc ? rc : record_parse(ret, key, row);
}

static int
read_record(struct scan *s, struct slice key, struct slice row, struct record *ret)
{
	if (s->keys_only) {
		struct slice own = {key.p + s->base, key.n - s->base};
		*ret = (struct record){.kind = (enum kind)(unsigned char)own.p[0], .key = own};
		return 0;
	}
	return s->by_index ? record_of_index(s, key, ret) : record_parse(ret, key, row);
}

int
scan_next(struct scan *s, struct record *ret)
{
	struct slice key, row;
	int rc;
	if (s->ended)
		return 0;
	do
		rc = move(s, &key, &row);
	while (rc == 0 && s->wanted.n && slice_starts(key, buf_slice(&s->prefix)) &&
	       !index_has(row, buf_slice(&s->wanted)));
	if (rc == ERR_NOT_FOUND || (rc == 0 && !slice_starts(key, buf_slice(&s->prefix)))) {
		s->ended = true;
		return 0;
	}
	if (rc == 0)
		rc = read_record(s, key, row, ret);
	return rc ? rc : 1;
}

int
scan_skip(struct scan *s, struct slice group)
{
	buf_clear(&s->position);
	buf_append(&s->position, s->prefix.p, s->base);
	if (s->descending)
		buf_append_slice(&s->position, group);
	else
		append_key_behind(&s->position, group);
	s->started = s->after = false;
	return s->position.error;
}

void
scan_close(struct scan *s)
{
	cursor_close(s->cursor);
	cursor_close(s->records);
	s->cursor = s->records = NULL;
	buf_release(&s->prefix);
	buf_release(&s->position);
	buf_release(&s->wanted);
}
