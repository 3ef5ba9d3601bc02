/* Rows of RFC 4180, whatever their cells mean. Pure; any thread. */
#ifndef ZWY_CSV_ROW_H
#define ZWY_CSV_ROW_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

struct csv_text {
	struct slice rest;
	unsigned row; /* of the row taken last, from 1, as a spreadsheet counts */
};

/* Takes the next row that is not blank: 1, 0 at the end, or ERR_BAD_SYNTAX with
 * the row named. Takes at most `max` cells into `cells`; *ret_count tells how many
 * the row has. Cells with doubled quotes are copied into the arena. */
int csv_take_row(struct csv_text *t, struct slice *cells, size_t max, size_t *ret_count, struct arena *arena,
		 struct fault *f);
/* Appends one cell, in quotes where it must be. */
void csv_put_cell(struct buf *out, struct slice cell);

#endif
