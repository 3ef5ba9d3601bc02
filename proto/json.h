/* Protobuf's JSON mapping (https://protobuf.dev/programming-guides/json/), both
 * ways, driven by the descriptor. Reading uses jansson. Pure; any thread. */
#ifndef ZWY_JSON_H
#define ZWY_JSON_H

#include "base/buf.h"
#include "base/error.h"
#include "descriptor.h"

enum {
	JSON_ONE_LINE = 1, /* no line breaks or indentation */
};

/* Default values are left out, as Python's json_format does by default; ends with
 * a newline unless on one line. ERR_INVALID_ARGUMENT: the bytes are no such message. */
int json_print(struct buf *out, const struct message_desc *m, struct slice bytes, unsigned flags);
/* Accepts JSON names and proto names, an enum's text names, null for what is
 * absent. Whole numbers above 2^63 - 1 must be strings. On failure the fault says
 * line and field: ERR_BAD_SYNTAX, ERR_UNKNOWN_FIELD, ERR_INVALID_FIELD. */
int json_parse(struct buf *out, const struct message_desc *m, struct slice text, struct fault *f);

#endif
