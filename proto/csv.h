/* Records as CSV (RFC 4180, UTF-8, with or without a byte order mark), both
 * ways, driven by the descriptor. Pure; any thread.
 *
 * The first row names the columns: text keys with dots (state, cloud-plan.demand),
 * `name`, or `slug` for the last variable of the name. A repeated scalar is one
 * column with elements apart by blanks; a repeated message has numbered columns
 * (dimensions.1.name); a map has a column per key (spec.vcpu). An empty cell is
 * an absent field: what is there but empty (elements, entries, strings) is lost
 * on the way. A blank within an element is written \s. Columns that the server
 * keeps (output-only fields, fields 2 to 4) are printed, and passed over when
 * read, so that what was exported can be imported. In the collection `calendar` a
 * row with the columns date,kind,name (and source) is one day; consecutive days
 * of one year become one record. Lines end in LF when written. */
#ifndef ZWY_CSV_H
#define ZWY_CSV_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "descriptor.h"

struct csv_reader; /* lives in the arena given to csv_open */

/* `text` must live until csv_next returns 0. Reads the first row: ERR_UNKNOWN_FIELD
 * names a column that the kind does not have and the ones there are. */
int csv_open(struct csv_reader **ret, const struct kind_desc *kind, struct slice text, struct arena *arena,
	     struct fault *f);
/* Names of the top-level fields that the columns carry, for an update mask; comma-separated proto names. */
const char *csv_mask(const struct csv_reader *r);
/* 1: *out holds the next record's message bytes, its name among them, and nothing
 * else; 0: the end; negative: the fault says row and column. Rows count from 1,
 * the first one included. */
int csv_next(struct csv_reader *r, struct buf *out, struct fault *f);
/* The row that csv_next took last. */
unsigned csv_row_number(const struct csv_reader *r);
/* A file too large for memory is read in pieces of whole rows: csv_open has the first
 * of them, and when csv_next has returned 0, csv_more gives it the next. In the
 * collection `calendar` no year may be cut in two. */
int csv_more(struct csv_reader *r, struct slice text, struct fault *f);
/* How much of the beginning of a file, or of what follows whole rows, is whole rows. */
size_t csv_whole_rows(struct slice text);

/* The first row and one row per record. The columns are those that any record
 * needs, found in a first pass: call csv_columns for each record, then csv_header,
 * then csv_row for each. Rows go out as they are read back in: what csv_row
 * appends is whole lines. ERR_INVALID_ARGUMENT: the record cannot be read, or
 * csv_columns has not seen it. */
struct csv_writer;
int csv_writer_open(struct csv_writer **ret, const struct kind_desc *kind, struct arena *arena);
int csv_columns(struct csv_writer *w, struct slice record);
int csv_header(struct csv_writer *w, struct buf *out);
int csv_row(struct csv_writer *w, struct slice record, struct buf *out);

#endif
