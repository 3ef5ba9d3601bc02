/* One value of a field: between the wire and the text that a person reads. What
 * the text form, JSON, CSV and filters share. Timestamps and FieldMasks count as
 * values; other messages do not. Pure; any thread. */
#ifndef ZWY_VALUE_H
#define ZWY_VALUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "descriptor.h"
#include "wire.h"

struct value {
	uint64_t number;    /* as on the wire (zigzag, IEEE 754 bits) */
	struct slice bytes; /* string, bytes, the encoded Timestamp or FieldMask */
};

/* True where the field is written as one value and not as a message of its own. */
bool value_is_scalar(const struct field_desc *field);
/* False if the wire type does not fit the field. */
bool value_of_wire(struct value *ret, const struct field_desc *field, const struct wire_field *w);
/* A proto3 default: not written for a field without presence. */
bool value_is_default(const struct field_desc *field, const struct value *v);
/* Appends tag and value, default or not. */
void value_put(struct buf *out, const struct field_desc *field, const struct value *v);
/* Appends the value without its tag: an element of a packed field. */
void value_put_packed(struct buf *out, const struct field_desc *field, const struct value *v);
bool value_is_packable(const struct field_desc *field);
/* Takes the next element off a packed field; false: malformed. */
bool value_take_packed(struct value *ret, const struct field_desc *field, struct slice *packed);

/* The text form: enums by text name, bool true or false, instants RFC 3339, bytes
 * base64, a mask's paths apart by commas, strings as they are. */
void value_print(struct buf *out, const struct field_desc *field, const struct value *v);
/* ERR_INVALID_FIELD with a text that says what is allowed. Bytes of the value
 * point into `text` or live in the arena. */
int value_parse(struct value *ret, const struct field_desc *field, struct slice text, struct arena *arena,
		struct fault *f);

/* The parts that JSON words differently. */
void mask_print(struct buf *out, struct slice mask, bool camel);
int mask_parse(struct slice *ret, struct slice text, bool camel, struct arena *arena, struct fault *f);
void double_print(struct buf *out, double d);
double double_of(uint64_t bits);
uint64_t double_bits(double d);
/* RFC 3339 with up to nine digits of a second, years 1 to 9999; bytes of a Timestamp. */
void instant_print(struct buf *out, struct slice timestamp);
bool instant_parse(struct slice *ret, struct slice text, struct arena *arena);

#endif
