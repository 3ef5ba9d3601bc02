/* The bytes of a stored row: an envelope before each message, the digest chain
 * before each event. Described in README.md. Pure, but for the digest's context,
 * which belongs to one thread at a time. */
#ifndef ZWY_STORE_ROW_H
#define ZWY_STORE_ROW_H

#include "store/store.h"

#define ENVELOPE_VERSION 1
#define ENVELOPE_BYTES   17
#define SLUG_MAX_BYTES   SEGMENT_MAX_BYTES

struct envelope {
	unsigned kind; /* enum kind; 0: an event */
	uint64_t revision;
	struct slice department, node, body;
};

void envelope_append(struct buf *b, const struct envelope *e);
/* ERR_STORE_CORRUPT if it is none; the slices point into `row`. */
int envelope_parse(struct envelope *ret, struct slice row);

/* A record's row, with the key it was found under. */
int record_parse(struct record *ret, struct slice key, struct slice row);
/* A row of the event or access log. */
int event_row_parse(struct event_row *ret, struct slice key, struct slice row);
/* The number as the log's key. */
struct slice number_key(unsigned char buf[8], uint64_t number);

/* SM3 over whole rows. */
struct chain;
int chain_open(struct chain **ret);
int chain_digest(struct chain *c, struct slice row, unsigned char ret[DIGEST_BYTES]);
void chain_close(struct chain *c);

#endif
