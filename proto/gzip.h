/* gzip of whole messages (RFC 1952), with a cap on what comes out, for both sides
 * of a connection. A `struct gzip` keeps the two working states, which take about
 * 270 and 40 KB once they are needed; `= {0}` is a new one, and it may be used again
 * after gzip_release. Pure but for memory; one thread at a time. */
#ifndef ZWY_GZIP_H
#define ZWY_GZIP_H

#include "base/buf.h"
#include "base/error.h"

struct gzip {
	void *deflater, *inflater;
};

void gzip_release(struct gzip *g);

/* Appends `in`, compressed. ERR_MESSAGE_TOO_LARGE, and nothing appended, if that
 * takes more than `max` bytes; ERR_NO_MEMORY. */
int gzip_deflate(struct gzip *g, struct buf *out, size_t max, struct slice in);

/* Appends what `in` holds: one member or several, one after the other. It is written
 * piece by piece, so that memory is never more than about what came out, or `max`.
 * ERR_MESSAGE_TOO_LARGE beyond `max` bytes; ERR_INTERNAL for what is not gzip, is cut
 * short, has a wrong checksum or length, or goes on after the last member;
 * ERR_NO_MEMORY. After an error what was appended is taken off again. */
int gzip_inflate(struct gzip *g, struct buf *out, size_t max, struct slice in);

#endif
