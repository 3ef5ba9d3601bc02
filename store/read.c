/* Reading: snapshots, records, events, clocks that are due. */
#include "store/inside.h"

#include <stdlib.h>

#include "store/index.h"

struct snapshot {
	struct reader reader;
	struct view *view;
	bool live;
};

int
snapshot_open(struct snapshot **ret, struct store *s)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
	if (!snapshot)
		return ERR_NO_MEMORY;
	int rc = view_open(&snapshot->view, s->engine);
	if (rc != 0) {
		free(snapshot);
		return rc;
	}
	view_reset(snapshot->view);
	*ret = snapshot;
	return 0;
}

void
snapshot_reset(struct snapshot *s)
{
	view_reset(s->view);
	s->live = false;
}

void
snapshot_close(struct snapshot *s)
{
	if (!s)
		return;
	view_close(s->view);
	free(s);
}

struct reader *
snapshot_reader(struct snapshot *s)
{
	if (!s->live) {
		s->reader = (struct reader){.view = s->view, .error = view_renew(s->view)};
		s->live = s->reader.error == 0;
	}
	return &s->reader;
}

/* ---- what was read ---- */

void
reader_note(struct reader *r, struct reads *reads)
{
	r->reads = reads;
}

static bool
noted(const struct reads *reads, const char *name)
{
	for (size_t i = 0; i < reads->count; i++)
		if (strcmp(reads->names[i], name) == 0)
			return true;
	return false;
}

static bool
room_for_read(struct reads *reads)
{
	if (reads->count < reads->capacity)
		return true;
	size_t capacity = reads->capacity ? 2 * reads->capacity : 16;
	char **names = arena_array(reads->arena, capacity, sizeof(*names));
	if (!names)
		return false;
	if (reads->count)
		memcpy(names, reads->names, reads->count * sizeof(*names));
	reads->names = names;
	reads->capacity = capacity;
	return true;
}

void
reads_add(struct reads *reads, const char *name)
{
	if (!noted(reads, name) && room_for_read(reads))
		reads->names[reads->count++] = arena_strdup(reads->arena, name);
}

void
note_read(struct reader *r, const struct name *name)
{
	char bytes[NAME_MAX_BYTES + 1];
	struct buf text = {.p = bytes, .cap = sizeof(bytes), .max = sizeof(bytes)};
	if (!r->reads)
		return;
	name_format(&text, name);
	buf_append_char(&text, '\0');
	if (!text.error)
		reads_add(r->reads, text.p);
}

/* ---- records ---- */

int
record_get_key(struct reader *r, struct slice key, struct record *ret)
{
	struct slice row;
	if (r->error)
		return r->error;
	int rc = view_get(r->view, TABLE_RECORDS, key, &row);
	return rc ? rc : record_parse(ret, key, row);
}

int
record_get(struct reader *r, const struct name *name, struct record *ret)
{
	char bytes[KEY_MAX_BYTES];
	struct buf key = {.p = bytes, .cap = sizeof(bytes), .max = sizeof(bytes)};
	int rc = name_key(&key, name);
	note_read(r, name);
	return rc ? rc : record_get_key(r, buf_slice(&key), ret);
}

/* ---- events ---- */

static int
log_get(struct reader *r, enum table table, uint64_t from, struct event_row *ret)
{
	unsigned char number[8];
	struct cursor *c;
	struct slice key, row;
	if (r->error)
		return r->error;
	/* Most often it is the very one that is there. */
	key = number_key(number, from);
	int rc = view_get(r->view, table, key, &row);
	if (rc != ERR_NOT_FOUND)
		return rc ? rc : event_row_parse(ret, key, row);
	rc = cursor_open(&c, r->view, table);
	if (rc != 0)
		return rc;
	rc = cursor_move(c, MOVE_FROM, key, &key, &row);
	if (rc == 0)
		rc = event_row_parse(ret, key, row);
	cursor_close(c);
	return rc;
}

int
event_get(struct reader *r, uint64_t from, struct event_row *ret)
{
	return log_get(r, TABLE_EVENTS, from, ret);
}

int
access_get(struct reader *r, uint64_t from, struct event_row *ret)
{
	return log_get(r, TABLE_ACCESS, from, ret);
}

/* The event at or after (MOVE_FROM), or before (MOVE_BEFORE), a revision in a record's history. */
static int
history_get(struct reader *r, const struct name *name, enum move how, uint64_t revision,
	    struct event_row *ret)
{
	char bytes[KEY_MAX_BYTES + 8];
	struct buf wanted = {.p = bytes, .cap = sizeof(bytes), .max = sizeof(bytes)};
	unsigned char number[8];
	struct slice key, empty, row;
	struct cursor *c;
	if (r->error)
		return r->error;
	int rc = name_key(&wanted, name);
	size_t prefix = wanted.n;
	buf_append_u64be(&wanted, revision);
	if (rc != 0)
		return rc;
	rc = cursor_open(&c, r->view, TABLE_HISTORY);
	if (rc != 0)
		return rc;
	rc = cursor_move(c, how, buf_slice(&wanted), &key, &empty);
	if (rc == 0 && (key.n != prefix + 8 || memcmp(key.p, wanted.p, prefix) != 0))
		rc = ERR_NOT_FOUND;
	if (rc == 0) {
		key = number_key(number, get_u64be(key.p + prefix));
		rc = view_get(r->view, TABLE_EVENTS, key, &row);
		rc = rc == 0 ? event_row_parse(ret, key, row) : rc == ERR_NOT_FOUND ? ERR_STORE_CORRUPT : rc;
	}
	cursor_close(c);
	return rc;
}

int
event_get_of(struct reader *r, const struct name *name, uint64_t from, struct event_row *ret)
{
	return history_get(r, name, MOVE_FROM, from, ret);
}

int
event_last_of(struct reader *r, const struct name *name, uint64_t before, struct event_row *ret)
{
	/* No event has the greatest number there is. */
	return history_get(r, name, MOVE_BEFORE, before ? before : UINT64_MAX, ret);
}

uint64_t
reader_head(struct reader *r)
{
	struct head head = {0};
	if (r->txn)
		return r->txn->events.number;
	if (r->error || meta_get_head(r->view, LOG_EVENTS, &head) != 0)
		return 0;
	return head.number;
}

/* Each row has the digest of the one before; the last one's stands in the head. */
int
event_digest(struct reader *r, uint64_t revision, unsigned char ret[DIGEST_BYTES])
{
	struct event_row next;
	struct head head = {0};
	int rc = event_get(r, revision + 1, &next);
	if (rc == 0) {
		memcpy(ret, next.previous, DIGEST_BYTES);
		return 0;
	}
	if (rc == ERR_NOT_FOUND)
		rc = meta_get_head(r->view, LOG_EVENTS, &head);
	if (rc == 0 && head.number != revision)
		rc = ERR_NOT_FOUND;
	if (rc == 0)
		memcpy(ret, head.digest, DIGEST_BYTES);
	return rc;
}

/* ---- clocks ---- */

int
due_next(struct reader *r, const struct due *after, struct due *ret)
{
	char bytes[ENGINE_KEY_MAX];
	struct buf from = {.p = bytes, .cap = sizeof(bytes), .max = sizeof(bytes)};
	struct slice key, empty;
	struct cursor *c;
	if (r->error)
		return r->error;
	if (after)
		due_key(&from, after);
	int rc = from.error ? from.error : cursor_open(&c, r->view, TABLE_DUE);
	if (rc != 0)
		return rc;
	rc = cursor_move(c, MOVE_FROM, buf_slice(&from), &key, &empty);
	if (rc == 0 && after && slice_equal(key, buf_slice(&from)))
		rc = cursor_move(c, MOVE_NEXT, key, &key, &empty);
	if (rc == 0)
		rc = due_parse(ret, key);
	cursor_close(c);
	return rc == ERR_NOT_FOUND ? 0 : rc ? rc : 1;
}
