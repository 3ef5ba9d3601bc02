/* Where a column's value stands in a record: cloud-plan.demand, dimensions.1.name,
 * spec.vcpu. Pure; any thread. */
#ifndef ZWY_CSV_PATH_H
#define ZWY_CSV_PATH_H

#include "base/buf.h"
#include "descriptor.h"

#define CSV_STEPS_MAX    8
#define CSV_ELEMENTS_MAX 1000 /* of one numbered column */

struct csv_step {
	const struct field_desc *field;
	unsigned index; /* of an element of a repeated message, from 1; else 0 */
};

struct csv_path {
	struct csv_step steps[CSV_STEPS_MAX];
	size_t n;
	struct slice key; /* where the last step is a map */
};

/* False if the message has no such column. Slices point into `text`. */
bool csv_path_parse(struct csv_path *ret, const struct message_desc *m, struct slice text);
void csv_path_print(struct buf *out, const struct csv_path *path);
/* The order of columns: as declared, elements by number, entries by key. */
int csv_path_compare(const struct csv_path *a, const struct csv_path *b);

#endif
