/* Where in a JSON text a value stands: jansson keeps no positions of what it has
 * read, so the text is walked again when something is wrong. Pure; any thread. */
#ifndef ZWY_JSON_PLACE_H
#define ZWY_JSON_PLACE_H

#include "base/buf.h"

/* One step down from `up`, which is NULL at the top. */
struct json_step {
	const struct json_step *up;
	const char *key; /* of an object's member; NULL: an array's element */
	size_t index;
};

/* The line, from 1, of the key or element; of the innermost thing found where a
 * key is written with escapes. The text must be well formed. */
unsigned json_line(struct slice text, const struct json_step *step);
/* items[1].quantity */
void json_path(struct buf *out, const struct json_step *step);

#endif
