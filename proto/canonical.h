/* One form for messages that say the same: fields by number, map entries by key,
 * at every depth. Generators may write maps and fields in any order, and may do so
 * anew each time; a digest of what was asked must not depend on that. Pure. */
#ifndef ZWY_CANONICAL_H
#define ZWY_CANONICAL_H

#include "base/arena.h"
#include "base/buf.h"
#include "descriptor.h"

/* Appends the canonical form of bytes that wire_check accepts. ERR_NO_MEMORY,
 * ERR_INTERNAL where they are malformed. The arena is for scratch. */
int wire_canonical(struct buf *out, const struct message_desc *m, struct slice bytes, struct arena *arena);

#endif
