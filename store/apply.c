/* One record of a change: its row, and those of its keys that are new or gone. */
#include "store/inside.h"

#include "store/index.h"
#include "wire.h"

enum { FIELD_NAME = 1, FIELD_REVISION, FIELD_CREATE_TIME, FIELD_UPDATE_TIME, FIELD_FIRST_OWN };

static int
append_own_fields(struct buf *b, struct slice body)
{
	struct wire_field w;
	int rc;
	while ((rc = wire_next(&body, &w)) == 1)
		if (w.number >= FIELD_FIRST_OWN)
			buf_append_slice(b, w.raw);
	return rc;
}

static int
build_row(struct txn *t, const struct put *p, msec created, msec now, uint64_t revision)
{
	struct buf *body = &t->body;
	/* The name's text goes through `row`, which is written afterwards. */
	buf_clear(&t->row);
	name_format(&t->row, &p->name);
	buf_clear(body);
	wire_put_string(body, FIELD_NAME, buf_slice(&t->row));
	wire_put_uint(body, FIELD_REVISION, revision);
	wire_put_time(body, FIELD_CREATE_TIME, created);
	wire_put_time(body, FIELD_UPDATE_TIME, now);
	int rc = append_own_fields(body, p->body);
	buf_clear(&t->row);
	envelope_append(&t->row, &(struct envelope){.kind = p->name.kind->kind,
						    .revision = revision,
						    .department = p->department,
						    .node = p->node,
						    .body = buf_slice(body)});
	if (body->error || t->row.error)
		return ERR_NO_MEMORY;
	return rc;
}

/* The entry of the same key in another list, most often in the same place. */
static const struct entry *
counterpart(const struct key_list *list, size_t i, struct slice key)
{
	if (i < list->count && slice_equal(list->entries[i].key, key))
		return &list->entries[i];
	return key_list_find(list, key);
}

/* Takes out what is only in `before`, puts what is new or other in `after`. */
static int
move_keys(struct view *v, enum table table, const struct key_list *before, const struct key_list *after)
{
	int rc = 0;
	for (size_t i = 0; i < before->count && rc == 0; i++)
		if (!counterpart(after, i, before->entries[i].key))
			rc = view_delete(v, table, before->entries[i].key);
	for (size_t i = 0; i < after->count && rc == 0; i++) {
		const struct entry *e = &after->entries[i], *old = counterpart(before, i, e->key);
		if (!old || !slice_equal(old->value, e->value))
			rc = view_put(v, table, e->key, e->value, false);
	}
	/* A key that should be there and is not. */
	return rc == ERR_NOT_FOUND ? ERR_STORE_CORRUPT : rc;
}

int
apply_put(struct txn *t, const struct put *p, msec now, uint64_t revision)
{
	struct view *v = t->reader.view;
	struct record_keys before = {0}, after;
	struct record r;
	struct slice row;
	buf_clear(&t->key);
	int rc = name_key(&t->key, &p->name);
	if (rc != 0)
		return rc;
	struct slice key = buf_slice(&t->key);
	msec created = now;
	rc = view_get(v, TABLE_RECORDS, key, &row);
	if (rc == 0) {
		rc = record_parse(&r, key, row);
		if (rc == 0)
			rc = record_keys(&before, &t->arena, &r);
		if (rc == 0)
			created = wire_time(r.body, FIELD_CREATE_TIME);
	}
	if (rc != 0 && rc != ERR_NOT_FOUND)
		return rc;
	rc = build_row(t, p, created, now, revision);
	if (rc == 0)
		rc = record_parse(&r, key, buf_slice(&t->row));
	if (rc == 0)
		rc = record_keys(&after, &t->arena, &r);
	if (rc == 0)
		rc = view_put(v, TABLE_RECORDS, key, buf_slice(&t->row), false);
	if (rc == 0)
		rc = move_keys(v, TABLE_INDEX, &before.index, &after.index);
	return rc ? rc : move_keys(v, TABLE_DUE, &before.due, &after.due);
}
