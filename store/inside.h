/* What the files of this folder share and nobody else sees. */
#ifndef ZWY_STORE_INSIDE_H
#define ZWY_STORE_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/engine.h"
#include "store/row.h"
#include "store/store.h"

/* Where a log ends: its last number and the digest of that row. */
struct head {
	uint64_t number;
	unsigned char digest[DIGEST_BYTES];
};

struct reader {
	struct view *view;
	struct txn *txn;     /* NULL: a snapshot's */
	int error;           /* why there is no state to read from */
	struct reads *reads; /* what is looked at is noted there; or NULL */
};

/* A number handed out to a command, by the key of its collection. */
struct counter {
	struct slice key;
	uint64_t value;
	struct counter *next;
};
#define COUNTER_BUCKETS 64

/* The open write transaction: one for a group, with what one command after the
 * other does in it. */
struct txn {
	struct store *store;
	struct reader reader;
	struct chain *chain;
	struct head events, accesses;
	bool wrote; /* there is something to commit */
	int error;  /* sticky: the group fails with it */
	/* Of the command being decided: */
	struct command *command;
	bool applied;
	struct arena arena;
	struct counter *counters[COUNTER_BUCKETS];
	struct buf key, body, row; /* scratch */
};

struct store {
	char *dir;
	int lock;
	struct engine *engine;
	struct store_options options;

	/* Held from the begin of a group to its end. */
	pthread_mutex_t writing;
	struct txn txn;
	bool failed; /* the disk lost a write: nothing is written any more */

	pthread_mutex_t queue_lock;
	pthread_cond_t queue_filled;
	struct command *first, **last;
	bool started, stopping;
	pthread_t writer;
	atomic_size_t waiting;

	/* The head on disk, as others may ask for it. */
	pthread_mutex_t head_lock;
	struct head head;
	atomic_uint_fast64_t revision;
};

/* meta.c: the rows of the table `meta`. */
#define META_DIGEST_NAME "sm3"
int meta_create(struct view *v);
/* ERR_NO_STORE, ERR_STORE_VERSION, ERR_STORE_CORRUPT. */
int meta_check(struct view *v, const char *dir, struct fault *f);
/* Whether the indexes have entries of the fields that this program indexes: 1, 0 or negative. */
int meta_has_layout(struct view *v);
/* And the format. */
int meta_put_layout(struct view *v);
/* reindex.c: makes the indexes anew where a program of another contract made them, all or
 * nothing of them; takes as long as writing them did. */
int reindex(struct engine *e, const char *dir, struct fault *f);
enum log { LOG_EVENTS, LOG_ACCESSES };
int meta_get_head(struct view *v, enum log log, struct head *ret);
int meta_put_head(struct view *v, enum log log, const struct head *head);
/* 0 where there is none yet. */
int meta_get_counter(struct view *v, struct slice collection, uint64_t *ret);
int meta_put_counter(struct view *v, struct slice collection, uint64_t value);
#define META_COUNTER_PREFIX "counter/"

/* store.c */
bool store_exists(const char *dir);
int directory_lock(int *ret_fd, const char *dir, struct fault *f);
int directory_sync(const char *path);

/* writer.c: finishes what was submitted; harmless if it was never started. */
void writer_stop(struct store *s);

/* read.c: notes that the record or collection was looked at. */
void note_read(struct reader *r, const struct name *name);

/* txn.c */
int txn_init(struct txn *t, struct store *s);
void txn_release(struct txn *t);
int txn_begin(struct txn *t);
/* Runs decide() of one command; its result stands in the command. */
void txn_decide(struct txn *t, struct command *c);
/* Commits if there is something to commit. */
int txn_end(struct txn *t);

/* scan.c: the first key behind all that begin with the prefix. */
void append_key_behind(struct buf *b, struct slice prefix);

/* apply.c: one record of a change with all its keys. */
int apply_put(struct txn *t, const struct put *p, msec now, uint64_t revision);

/* documents.c */
int documents_open(const char *dir, struct fault *f);
/* DIR/documents/ab/cdef… */
int document_path(struct buf *ret, const char *dir, struct slice sha256);

#endif
