/* What the parts of store_check share: one read-only view of a store at rest, and
 * a way to report. Memory is bounded: nothing is kept per record. */
#ifndef ZWY_STORE_CHECK_H
#define ZWY_STORE_CHECK_H

#include "store/inside.h"

struct check {
	const char *dir;
	struct view *view;
	struct chain *chain;
	struct check_report *report;
	struct head events, accesses;
	struct buf text; /* names, for reports */
};

void check_problem(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The name of a record's key, valid until the next call. */
const char *check_name(struct check *c, struct slice key);

/* The record of that name; ERR_NOT_FOUND also for what is no name or cannot be read. */
int check_find(struct check *c, struct slice name, struct record *ret);

/* Calls each() for every row whose key begins with prefix, in order. */
typedef int (*check_row_fn)(struct check *c, void *arg, struct slice key, struct slice row);
int check_each(struct check *c, enum table t, struct slice prefix, check_row_fn each, void *arg);

int check_records(struct check *c);
int check_logs(struct check *c);
int check_ledger(struct check *c);
int check_resources(struct check *c);
int check_document_bodies(struct check *c);

/* Calls each() for the file of every body that no Document record names. */
typedef void (*document_fn)(void *ctx, const char *path);
int documents_unreferenced(struct view *v, const char *dir, document_fn each, void *ctx);

#endif
