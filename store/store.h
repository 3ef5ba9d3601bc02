/* The store: every record, its indexes, the event log and the documents, under
 * one directory.
 *
 * Reading goes through a `struct reader`: a snapshot of some revision, or the
 * writer's open transaction. What a reader returns points into the store's pages
 * and is gone when the snapshot is renewed or the transaction ends.
 *
 * Writing goes through commands. One writer thread takes those that wait, and those
 * that come meanwhile, calls decide() for each inside one open write transaction, so
 * that each sees what the earlier ones of its group did, makes one durable commit,
 * and hands the whole group back. A command that refuses leaves nothing. Nothing is
 * handed back before it is on disk; if the commit fails, all of the group fail alike
 * and the store's head, digest and counters are read again from disk.
 *
 * Keys, envelope, rows and files are described in store/README.md. */
#ifndef ZWY_STORE_H
#define ZWY_STORE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/date.h"
#include "base/error.h"
#include "descriptor.h"
#include "name.h"

struct store;
struct reader;
struct txn;
struct cursor;

struct command {
	/* Writer thread, once. Reads through txn_reader(), refuses by returning a
	 * code (and filling the fault), or applies its change and returns 0. */
	int (*decide)(struct command *c, struct txn *t);
	/* Out: what decide() returned, or ERR_STORE_FULL, ERR_STORE_IO of the commit. */
	int result;
	struct fault fault;
	/* Out: revision of the command's last event, 0 if it wrote none. */
	uint64_t revision;
	struct command *next; /* the store's while submitted; afterwards the group's list */
};

struct store_options {
	size_t map_size;  /* address space reserved, bytes; 0: 1 TiB, or what there is */
	size_t group_max; /* commands per commit; 0: 1,024 */
	/* Writer thread, after each group: the commands in order, linked by next. */
	void (*committed)(void *ctx, struct command *group);
	void *ctx;
};

#define STORE_FORMAT 2 /* layout of keys, envelopes, rows */
#define STORE_SCHEMA 1 /* meaning of the records */

/* Makes an empty store in dir (created if missing, mode 0700). ERR_ALREADY_EXISTS if
 * there is one, ERR_STORE_LOCKED if it is in use. */
int store_create(const char *dir, struct fault *f);
/* Opens it and locks the directory. ERR_NO_STORE, ERR_STORE_LOCKED, ERR_STORE_VERSION, ERR_STORE_IO. */
int store_open(struct store **ret, const char *dir, const struct store_options *options, struct fault *f);
/* Starts the writer thread; before it, store_execute() may be used. */
int store_start(struct store *s, struct fault *f);
/* Finishes what was submitted, stops the writer, closes. NULL is allowed. */
void store_close(struct store *s);

/* Any thread. The command belongs to the store until it is handed back. */
void store_submit(struct store *s, struct command *c);
/* Decides and commits one command on the calling thread, without the writer
 * thread (initial data, tests). Returns c->result. */
int store_execute(struct store *s, struct command *c);
/* Commands waiting; any thread. */
size_t store_waiting(const struct store *s);
/* Newest revision on disk; any thread. A snapshot taken later is at least as new;
 * one taken before may be newer while a commit is being told. */
uint64_t store_head(const struct store *s);
#define DIGEST_BYTES 32
/* Bytes used of the address space that is reserved (store_map_size); any thread. */
void store_size(const struct store *s, uint64_t *ret_used, uint64_t *ret_reserved);
/* SM3 of the last event row at the head; zero bytes in an empty log. Any thread. */
void store_head_digest(struct store *s, uint64_t *ret_revision, unsigned char ret_digest[DIGEST_BYTES]);

/* ---- reading ---------------------------------------------------------- */

/* A snapshot belongs to one thread at a time. Reset before that thread sleeps:
 * a held snapshot makes the file grow. */
struct snapshot;
int snapshot_open(struct snapshot **ret, struct store *s);
/* Fresh from now on: the first read after it sees the newest commit. */
void snapshot_reset(struct snapshot *s);
void snapshot_close(struct snapshot *s);
/* Renews it if it was reset. Never NULL; a failure shows at the first read. */
struct reader *snapshot_reader(struct snapshot *s);

/* What was looked at through a reader: names of records, whether they were there or not, and of
 * collections, each once. Who keeps what was made of them must hear of every change there. */
struct reads {
	struct arena *arena;
	char **names;
	size_t count, capacity;
};
/* From now on until NULL is given, or the snapshot is renewed. Memory running out shows as arena->failed. */
void reader_note(struct reader *r, struct reads *reads);
void reads_add(struct reads *reads, const char *name); /* copies it, unless it is there */

struct record {
	enum kind kind;
	uint64_t revision;
	struct slice key;
	struct slice department; /* slug of the owner; empty: nobody's */
	struct slice node;       /* slug; empty: no node's */
	struct slice body;       /* the whole message, ready to be sent */
};

/* ERR_NOT_FOUND (no fault text), ERR_STORE_IO, ERR_STORE_CORRUPT. */
int record_get(struct reader *r, const struct name *name, struct record *ret);
int record_get_key(struct reader *r, struct slice key, struct record *ret);

enum scope { SCOPE_ALL, SCOPE_DEPARTMENT, SCOPE_NODE };

struct scan_spec {
	/* Collection: kind and leading variables (name_parse_collection). */
	struct name collection;
	enum scope scope;
	struct slice scope_value; /* slug of the department or node */
	/* Only records whose indexed field has this value (as text_value prints it); NULL: all. */
	const struct field_desc *index;
	struct slice index_value;
	/* Start after this key; empty: at the beginning. */
	struct slice after;
	bool descending;
	/* Of each record kind and key alone: the row is not read. */
	bool keys_only;
};

struct scan {
	struct reader *reader;
	struct cursor *cursor;
	struct cursor *records; /* by_index: what the keys lead to */
	struct buf prefix, position, wanted;
	size_t base;
	bool by_index, descending, keys_only, started, after, ended;
};

/* Key order. Costs what it returns, whatever the scope; by value within a
 * department, a look at the index entry of each record that it has of the kind. */
int scan_open(struct scan *ret, struct reader *r, const struct scan_spec *spec);
/* 1: *ret holds the next; 0: the end; negative: a failure. */
int scan_next(struct scan *s, struct record *ret);
/* Goes on behind all records whose keys begin so, in the direction of travel, without
 * looking at them. group: what keys of the collection begin with. */
int scan_skip(struct scan *s, struct slice group);
void scan_close(struct scan *s);

/* ---- values ------------------------------------------------------------ */

/* The different values that a collection's records have, each once: of an indexed field in the
 * order of the index (text, those that stand there as a digest before it), or of a variable of
 * the name in the order of listings. */
struct values_spec {
	struct name collection; /* as of a scan, like scope and scope_value */
	enum scope scope;
	struct slice scope_value;
	/* Indexed; NULL: a variable of the name, counted from 0. */
	const struct field_desc *field;
	size_t var;
	/* Start after the value at this position; empty: at the beginning. */
	struct slice after;
};

struct found_value {
	struct slice position; /* where to go on; never empty */
	struct slice text;     /* as text_value prints it */
	bool present;          /* false: only records of other collections have it */
};

struct values;
/* Costs what it returns, and a look at each value that other kinds have in a field of the
 * same number; by field within a department, a look at the index entry of each record that it
 * has of the kind. A value that stands in the index as a digest is read from one record. */
int values_open(struct values **ret, struct reader *r, const struct values_spec *spec);
/* 1: *ret holds the next, until the call after it; 0: the end; negative: a failure. */
int values_next(struct values *v, struct found_value *ret);
void values_close(struct values *v); /* NULL is allowed */

/* ---- events ----------------------------------------------------------- */

/* One event as read back: `body` is a zwy.v1.Event. */
struct event_row {
	uint64_t revision;
	struct slice department, node;
	struct slice body;
	unsigned char previous[DIGEST_BYTES];
};

/* The first event with a revision of at least `from`; ERR_NOT_FOUND at the end. */
int event_get(struct reader *r, uint64_t from, struct event_row *ret);
/* The first event of that record with a revision of at least `from`. */
int event_get_of(struct reader *r, const struct name *name, uint64_t from, struct event_row *ret);
/* The last before `before` (0: the newest). */
int event_last_of(struct reader *r, const struct name *name, uint64_t before, struct event_row *ret);
uint64_t reader_head(struct reader *r);
/* SM3 of that event's row; zero bytes for revision 0. ERR_NOT_FOUND: beyond the head. */
int event_digest(struct reader *r, uint64_t revision, unsigned char ret[DIGEST_BYTES]);

/* The second chained log: reads by regulators and refusals, so that reading moves
 * nothing else. Rows have numbers of their own, from 1. */
int access_get(struct reader *r, uint64_t from, struct event_row *ret);

/* ---- clocks ----------------------------------------------------------- */

/* The due index holds every clock (field option `clocks`) that has a due_time,
 * no stop_time, and is not overdue. It follows from the records. */
struct due {
	msec at;
	struct slice key;  /* the record's */
	struct slice term; /* Clock.term */
};
/* The first after `after` (NULL: the first of all) in order of time; 1, 0 at the end, or negative. */
int due_next(struct reader *r, const struct due *after, struct due *ret);

/* ---- writing (inside decide) ------------------------------------------- */

struct reader *txn_reader(struct txn *t);
/* The next number of a dated id, or of a numbered collection (then year is 0).
 * Taken for good only if the command applies a change. From 1. */
int txn_next_number(struct txn *t, const struct name *collection, unsigned year, uint64_t *ret);

struct put {
	struct name name;
	struct slice department, node; /* for the envelope; may be empty */
	struct slice body;             /* fields 5 and up; the store writes 1 to 4 */
	struct put *next;
};

struct event {
	struct slice name; /* of the record that changed */
	struct slice department, node;
	struct slice kind, action, from_state, to_state;
	struct slice actor, on_behalf_of, article, comment, trace;
	struct event *next;
};

/* What a command does: all of it or nothing. At least one event if any put. */
struct change {
	msec now;
	struct put *puts;
	struct event *events;
};
/* Puts the records with the command's revision (that of its last event), keeps
 * create_time, updates indexes and due entries, appends the events. The change's
 * memory must live until the call returns; it may be what txn_reader() gave, which
 * is gone afterwards. Once per command, which then must not refuse. A name that is
 * none is refused with nothing done; any later failure is sticky: the whole group
 * fails. ret_revision may be NULL. */
int txn_apply(struct txn *t, const struct change *change, uint64_t *ret_revision);
/* Appends to the access log; allowed in a command that then refuses. */
int txn_access(struct txn *t, const struct event *e, msec now);

/* ---- documents: bodies by digest, as files under DIR/documents --------- */

struct document_writer;
int document_create(struct document_writer **ret, struct store *s, struct fault *f);
int document_write(struct document_writer *w, struct slice bytes, struct fault *f);
/* Makes it durable under its SHA-256 and frees the writer, also on failure. The
 * same body twice is one file. May take long (fsync): not on the event loop. */
int document_finish(struct document_writer *w, char ret_sha256[65], uint64_t *ret_size, struct fault *f);
void document_abort(struct document_writer *w); /* NULL is allowed */
/* A descriptor to read from. ERR_NOT_FOUND. */
int document_open(int *ret_fd, uint64_t *ret_size, struct store *s, struct slice sha256);
/* Removes the bodies that no Document record names: a crash between a body and its
 * record, or a document that was replaced, leaves one. Before serving begins. */
int store_sweep_documents(struct store *s, uint64_t *ret_removed, struct fault *f);

/* ---- check -------------------------------------------------------------- */

struct check_report {
	void (*problem)(void *ctx, const char *text);
	void *ctx;
	/* Out */
	uint64_t records, events, documents, index_entries, problems;
	uint64_t orphans; /* bodies that no record names: harmless, swept by the server */
};
/* Offline: reads everything in dir and reports each inconsistency between records,
 * indexes, due index, counters, ledger and balances, finished applications and
 * reservations, both digest chains and the head, documents and their digests.
 * Returns 0 if it could look at all of it; problems are counted. */
int store_check(const char *dir, struct check_report *report, struct fault *f);

#endif
