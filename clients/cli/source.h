/* Records of a file, one after the other: CSV, or JSON lines. However large the file,
 * only a piece of it is in memory. One thread. */
#ifndef ZWY_CLI_SOURCE_H
#define ZWY_CLI_SOURCE_H

#include "cli.h"

#define ROW_MAX (16u << 20) /* bytes of one row, and of a calendar's file */

struct source;

/* What is no regular file ("-", a pipe) is first copied into one without a name. EXIT_OK,
 * or told. Belongs to the caller until source_close. */
int source_open(struct source **ret, struct cli *cli, const char *path, const struct kind_desc *kind);
/* Begins the file again; also before the first record. 0, or the fault is set. */
int source_rewind(struct source *s, struct fault *f);
/* 1: *ret holds the next record, its name among it, without what the server keeps, and
 * *ret_row the row or line that it ends in; 0: the end; negative: the fault says row and column. */
int source_next(struct source *s, struct buf *ret, unsigned *ret_row, struct fault *f);
/* The fields that the records carry, comma-separated; "": all of them. */
const char *source_mask(const struct source *s);
/* Bytes read since the beginning, and of the whole file. */
void source_progress(const struct source *s, uint64_t *ret_done, uint64_t *ret_size);
const char *source_unit(const struct source *s); /* "row" or "line" */
void source_close(struct source *s);             /* NULL is allowed */

#endif
