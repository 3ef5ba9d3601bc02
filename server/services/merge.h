/* What a Create or Update asks for, and update masks (AIP-134). Pure. */
#ifndef ZWY_SERVICES_MERGE_H
#define ZWY_SERVICES_MERGE_H

#include "base/arena.h"
#include "base/error.h"
#include "descriptor.h"

/* Top-level fields, by number; never those that only the server writes. */
struct field_mask {
	bool bits[MAX_FIELDS];
};

/* Every field: the record is replaced as a whole. */
void field_mask_all(struct field_mask *ret, const struct message_desc *m);

/* The paths of a FieldMask message: names of whole top-level fields, or "*".
 * None: the fields that `record` carries. ERR_INVALID_FIELD names a bad path. */
int field_mask_read(struct field_mask *ret, const struct message_desc *m, struct slice mask,
		    struct slice record, struct fault *f);

/* `before` with the masked fields taken from `asked` (absent there: removed).
 * Fields 1 to 4 come from `before`. p NULL when memory is out. */
struct slice merge_records(struct arena *arena, struct slice before, struct slice asked,
			   const struct field_mask *mask);

/* A Create or Update of a record, for the job's decide(). */
struct put_request {
	const struct kind_desc *kind;
	struct slice name;   /* full name; empty where the server gives it */
	struct slice record; /* message bytes */
	struct field_mask mask;
	bool create; /* must not exist yet */
	bool update; /* must exist */
	bool submit; /* applications */
};

#endif
