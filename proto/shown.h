/* A text from outside as it may stand in a message to people: at most 64 bytes,
 * whole characters, no control characters. Pure; any thread. */
#ifndef ZWY_SHOWN_H
#define ZWY_SHOWN_H

#include "base/buf.h"

struct shown {
	char text[72];
};

struct shown show(struct slice s);
/* C0, DEL, and C1 in UTF-8 (U+0080 to U+009F). */
bool has_control(struct slice s);
/* How many characters (bytes) must be changed, added or taken away to make b of a. */
size_t edit_distance(struct slice a, struct slice b);

#endif
