/* Resource names: one name everywhere (RPC, path, command line, event).
 *
 * A name such as quotas/provincial-finance/cloud-server is parsed once into its
 * kind and values, and can be turned into the store's key, whose byte order is
 * the order of listings: numbers and dated ids sort by value, not as text.
 * Pure; any thread. */
#ifndef ZWY_NAME_H
#define ZWY_NAME_H

#include "base/buf.h"
#include "descriptor.h"

#define NAME_MAX_BYTES    512
#define SEGMENT_MAX_BYTES 131 /* a file of 128 bytes as a request id: fs:NAME */
#define KEY_MAX_BYTES     480 /* LMDB's own limit is 511 */
#define ID_MIN_DIGITS     6

struct name {
	const struct kind_desc *kind;
	/* The values of the variables, in order, as they stand in the text. */
	struct slice vars[MAX_SEGMENTS];
	size_t var_count;
};

/* A full name of a record. Slugs: any bytes but control characters, '/' and
 * NUL, not empty, not "." or "..", at most SEGMENT_MAX_BYTES, valid UTF-8.
 * Returns ERR_INVALID_NAME with a text that says what is expected. The slices
 * point into `text`. */
struct fault;
int name_parse(struct name *ret, struct slice text, struct fault *f);
/* Of a given kind; else ERR_INVALID_NAME. */
int name_parse_kind(struct name *ret, enum kind kind, struct slice text, struct fault *f);
/* The name of a collection: a pattern without its last variable, with the
 * variables before it given ("applications", "quotas/provincial-finance/cloud-server/entries"),
 * or cut at any variable ("quotas", "quotas/provincial-finance": all quotas below). "-" is no wildcard. */
int name_parse_collection(struct name *ret, struct slice text, struct fault *f);
/* Writes the text of a name. */
void name_format(struct buf *b, const struct name *n);

/* What people call a record: its id where that says it all (A-2026-000123), else the whole
 * name (forecasts/provincial-finance/2027). Points into `text`. */
struct slice name_id(struct slice text);

/* Key: kind byte, then for each variable: slug bytes and NUL; number as 8 bytes
 * big endian; id as 2 bytes year and 6 bytes number, big endian. With fewer
 * variables than the pattern has it is the prefix of all keys below.
 * Returns ERR_INVALID_NAME if longer than KEY_MAX_BYTES. */
int name_key(struct buf *b, const struct name *n);
/* The reverse; appends the name's text. ERR_STORE_CORRUPT if the key is not one. */
int name_of_key(struct buf *b, struct slice key);
/* Appends the text of one variable, counted from 0; *ret_end: bytes of the key up to its end,
 * which are those that all records with this beginning have. ERR_STORE_CORRUPT likewise. */
int name_var_of_key(struct buf *b, struct slice key, size_t var, size_t *ret_end);

/* A-2026-000123. ERR_INVALID_NAME where it is not one with that prefix. */
int id_parse(struct slice text, char prefix, unsigned *ret_year, uint64_t *ret_number);
void id_format(struct buf *b, char prefix, unsigned year, uint64_t number);

#endif
