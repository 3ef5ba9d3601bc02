/* The engine: tables of ordered keys under one directory, one writer, any number
 * of snapshots. All that the store asks of what lies below it; another engine can
 * stand behind these calls. lmdb.c is the one there is.
 *
 * A view is one state of all tables: a snapshot of the newest commit, or the open
 * write transaction, which sees its own changes. Slices that a view returns point
 * into the engine's memory: a snapshot's until it is reset, a transaction's until
 * its next change.
 *
 * Threads: one at a time per view; the transaction is begun, used and ended by one
 * thread. Results: 0 or ERR_NOT_FOUND, ERR_STORE_FULL, ERR_STORE_IO,
 * ERR_STORE_CORRUPT, ERR_NO_MEMORY. */
#ifndef ZWY_STORE_ENGINE_H
#define ZWY_STORE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum table {
	TABLE_META,
	TABLE_RECORDS,
	TABLE_INDEX,
	TABLE_DUE,
	TABLE_EVENTS,
	TABLE_HISTORY,
	TABLE_ACCESS,
	TABLE_COUNT
};

#define ENGINE_KEY_MAX          511
#define ENGINE_MAP_SIZE_DEFAULT ((size_t)1 << 40)
#define ENGINE_MAP_SIZE_LEAST   ((size_t)1 << 30)

struct engine;
struct view;
struct cursor;

struct engine_options {
	size_t map_size; /* address space, bytes; 0: the default, or as much as there is */
	bool create;     /* make what is missing */
	bool read_only;  /* no other process may have it open */
};

/* ERR_NO_STORE if there is nothing and create is not set. */
int engine_open(struct engine **ret, const char *dir, const struct engine_options *options, struct fault *f);
void engine_close(struct engine *e);
/* Bytes that its file takes, pages that are free again included, and the address space that
 * it may grow to. Any thread. */
void engine_size(const struct engine *e, uint64_t *ret_used, uint64_t *ret_reserved);

/* A snapshot. After view_reset it holds nothing, until view_renew. */
int view_open(struct view **ret, struct engine *e);
void view_reset(struct view *v);
int view_renew(struct view *v);
void view_close(struct view *v);

int view_get(struct view *v, enum table t, struct slice key, struct slice *ret);
/* Rows in a table. */
int view_count(struct view *v, enum table t, uint64_t *ret);

enum move {
	MOVE_FROM,   /* to the first with a key of at least `key` */
	MOVE_BEFORE, /* to the last with a key below `key`; of all, if `key` is empty */
	MOVE_NEXT,   /* `key` is not used */
	MOVE_PREVIOUS
};
/* Closed before its view is reset or ends. */
int cursor_open(struct cursor **ret, struct view *v, enum table t);
/* ERR_NOT_FOUND: there is none. */
int cursor_move(struct cursor *c, enum move how, struct slice key, struct slice *ret_key,
		struct slice *ret_value);
void cursor_close(struct cursor *c);

/* The write transaction. Waits for the one that is open. */
int engine_begin(struct view **ret, struct engine *e);
/* `last`: the key is greater than all in the table, which is cheaper. */
int view_put(struct view *v, enum table t, struct slice key, struct slice value, bool last);
/* ERR_NOT_FOUND if it is not there. */
int view_delete(struct view *v, enum table t, struct slice key);
/* Takes every row out of the table. */
int view_clear(struct view *v, enum table t);
/* Durable when it returns 0; else nothing of it happened. Frees the view either
 * way. ERR_STORE_IO: what the disk holds is unknown, write no more. */
int view_commit(struct view *v);
void view_abort(struct view *v); /* NULL is allowed */

#endif
