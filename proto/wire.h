/* The protobuf wire format (https://protobuf.dev/programming-guides/encoding/):
 * reading field by field without decoding, appending fields, and the validating
 * walk that every request passes before it is decoded. Pure; any thread. */
#ifndef ZWY_WIRE_H
#define ZWY_WIRE_H

#include "base/buf.h"
#include "base/date.h"
#include "base/error.h"
#include "descriptor.h"

enum wire_type { WIRE_VARINT = 0, WIRE_I64 = 1, WIRE_LEN = 2, WIRE_I32 = 5 };

struct wire_field {
	uint32_t number;
	enum wire_type type;
	uint64_t value;     /* VARINT, I64, I32 */
	struct slice bytes; /* LEN */
	struct slice raw;   /* the whole field, tag included */
};

/* Takes the next field off *s. 1: one was read; 0: the end; ERR_INVALID_ARGUMENT: malformed. */
int wire_next(struct slice *s, struct wire_field *ret);
/* In one pass the last field of each number, by its place in m->fields; number 0
 * where there is none. `last` has room for m->count. ERR_INVALID_ARGUMENT: malformed. */
int wire_last_fields(struct wire_field *last, const struct message_desc *m, struct slice message);
/* The last field with this number (proto3: the last one wins); false: none. */
bool wire_find(struct slice message, uint32_t number, struct wire_field *ret);
struct slice wire_string(struct slice message, uint32_t number); /* empty if none */
uint64_t wire_uint(struct slice message, uint32_t number);       /* 0 if none */
msec wire_time(struct slice message, uint32_t number);           /* a Timestamp; 0 if none */

/* How a field of that type stands on the wire, unpacked. */
enum wire_type wire_type_of(enum field_type type);
int64_t zigzag_decode(uint64_t v);
uint64_t zigzag_encode(int64_t v);

void wire_put_varint(struct buf *b, uint64_t v);
void wire_put_tag(struct buf *b, uint32_t number, enum wire_type type);
/* These write nothing for a default value, as proto3 does. */
void wire_put_uint(struct buf *b, uint32_t number, uint64_t v);
void wire_put_string(struct buf *b, uint32_t number, struct slice s);
void wire_put_time(struct buf *b, uint32_t number, msec t);
/* This one always writes. */
void wire_put_bytes(struct buf *b, uint32_t number, struct slice s);

struct wire_limits {
	unsigned depth;     /* of nested messages; default 16 */
	size_t elements;    /* of repeated fields and maps, counted over the message; default 10,000 */
	size_t map_entries; /* of one map; default and most: WIRE_MAP_ENTRIES_MAX */
};
#define WIRE_MAP_ENTRIES_MAX 256
#define WIRE_LIMITS_DEFAULT  ((struct wire_limits){16, 10000, WIRE_MAP_ENTRIES_MAX})

/* Walks a message by its descriptor and refuses what nanopb would let pass or
 * lose: unknown fields, wrong wire types, enum numbers that are not declared,
 * numbers that do not fit, strings that are not UTF-8 or hold a NUL, too deep or
 * too many elements, several members of one oneof, a single message or the key of
 * a map twice, Timestamps outside the years 1 to 9999, FieldMask paths that JSON
 * could not say. Syntax errors of the wire itself are ERR_INTERNAL (gRPC: the message
 * could not be parsed); the others ERR_INVALID_ARGUMENT, ERR_UNKNOWN_FIELD,
 * ERR_INVALID_FIELD, with the field's path. */
int wire_check(const struct message_desc *m, struct slice bytes, struct wire_limits limits, struct fault *f);
/* A FieldMask path that JSON can say too: snake_case with a letter after each underscore. */
bool wire_mask_path_valid(struct slice path);
/* Appends the message without what only the server writes, at every depth: a
 * record read back can be sent again, and what a request says of such a field
 * counts for nothing (AIP-203). For bytes that wire_check accepts. */
int wire_strip_output_only(struct buf *out, const struct message_desc *m, struct slice bytes);
#endif
