/* The indexes follow from the records and from which fields the contract marks. Where a program
 * with other marks wrote them, they are made anew before anything is read: else entries would be
 * missed, and a change would not find those that it takes out. */
#include "store/inside.h"

#include "store/index.h"

static int
put_all(struct view *v, enum table table, const struct key_list *keys)
{
	int rc = 0;
	for (size_t i = 0; i < keys->count && rc == 0; i++)
		rc = view_put(v, table, keys->entries[i].key, keys->entries[i].value, false);
	return rc;
}

static int
put_keys(struct view *v, struct arena *arena, struct slice key, struct slice row)
{
	struct record r;
	struct record_keys keys;
	arena_reset(arena);
	int rc = record_parse(&r, key, row);
	if (rc == 0)
		rc = record_keys(&keys, arena, &r);
	if (rc == 0)
		rc = put_all(v, TABLE_INDEX, &keys.index);
	return rc ? rc : put_all(v, TABLE_DUE, &keys.due);
}

static int
make_anew(struct view *v)
{
	struct cursor *c;
	struct arena arena = {0};
	struct slice key = SLICE(""), row;
	int rc = view_clear(v, TABLE_INDEX);
	if (rc == 0)
		rc = view_clear(v, TABLE_DUE);
	if (rc == 0)
		rc = cursor_open(&c, v, TABLE_RECORDS);
	if (rc != 0)
		return rc;
	rc = cursor_move(c, MOVE_FROM, key, &key, &row);
	while (rc == 0 && (rc = put_keys(v, &arena, key, row)) == 0)
		rc = cursor_move(c, MOVE_NEXT, key, &key, &row);
	cursor_close(c);
	arena_release(&arena);
	return rc == ERR_NOT_FOUND ? meta_put_layout(v) : rc;
}

static int
has_layout(struct engine *e)
{
	struct view *v;
	int rc = view_open(&v, e);
	if (rc != 0)
		return rc;
	rc = meta_has_layout(v);
	view_close(v);
	return rc;
}

int
reindex(struct engine *e, const char *dir, struct fault *f)
{
	struct view *v;
	int rc = has_layout(e);
	if (rc == 1)
		return 0;
	if (rc == 0)
		rc = engine_begin(&v, e);
	if (rc == 0 && (rc = make_anew(v)) != 0)
		view_abort(v);
	else if (rc == 0)
		rc = view_commit(v);
	return rc == 0 ? 0
		       : fault_set(f, rc, "%s: the indexes, made by another version, cannot be made anew",
				   dir);
}
