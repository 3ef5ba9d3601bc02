/* Lines of key=value, as people and log collectors read them. A value stands bare where
 * it is printable ASCII without blank, quote, backslash and equals sign, else in double
 * quotes, with \" \\ \n \r \t and \u00XX inside. Whatever a client sends, a line stays one
 * line and moves no terminal: control characters (C0, C1, line and paragraph separators,
 * marks that turn the direction of text) are escaped, bytes that are not UTF-8 become
 * U+FFFD. Pure. */
#ifndef ZWY_OBSERVE_LOGFMT_H
#define ZWY_OBSERVE_LOGFMT_H

#include "base/buf.h"

/* Longer values are cut at a character and end with "...". */
#define LOGFMT_VALUE_MAX 512 /* bytes, before escaping */

/* Each appends " key=value", or "key=value" to an empty buffer. What does not fit into the
 * buffer's limit is left off whole, without an error. Keys are ours: plain words. */
void logfmt_text(struct buf *b, const char *key, struct slice value);
void logfmt_number(struct buf *b, const char *key, uint64_t value);
/* Nanoseconds as milliseconds with three digits after the point; below 0 counts as 0. */
void logfmt_ms(struct buf *b, const char *key, int64_t ns);

#endif
