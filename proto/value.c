#include "value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "shown.h"
#include "status.h"

bool
value_is_scalar(const struct field_desc *field)
{
	return field->type != FIELD_MESSAGE || field->message->well_known != WELL_KNOWN_NONE;
}

bool
value_of_wire(struct value *ret, const struct field_desc *field, const struct wire_field *w)
{
	*ret = (struct value){w->value, w->bytes};
	return w->type == wire_type_of(field->type);
}

bool
value_is_default(const struct field_desc *field, const struct value *v)
{
	if (field->type == FIELD_MESSAGE)
		return false;
	return wire_type_of(field->type) == WIRE_LEN ? v->bytes.n == 0 : v->number == 0;
}

bool
value_is_packable(const struct field_desc *field)
{
	return wire_type_of(field->type) != WIRE_LEN;
}

void
value_put_packed(struct buf *out, const struct field_desc *field, const struct value *v)
{
	if (wire_type_of(field->type) == WIRE_VARINT) {
		wire_put_varint(out, v->number);
		return;
	}
	char bytes[8];
	for (int i = 0; i < 8; i++)
		bytes[i] = (char)(v->number >> (8 * i));
	buf_append(out, bytes, sizeof(bytes));
}

void
value_put(struct buf *out, const struct field_desc *field, const struct value *v)
{
	if (wire_type_of(field->type) == WIRE_LEN) {
		wire_put_bytes(out, field->number, v->bytes);
		return;
	}
	wire_put_tag(out, field->number, wire_type_of(field->type));
	value_put_packed(out, field, v);
}

bool
value_take_packed(struct value *ret, const struct field_desc *field, struct slice *packed)
{
	/* With a tag before it, it is a field that wire_next can read. */
	char space[1 + 10];
	size_t n = packed->n < sizeof(space) - 1 ? packed->n : sizeof(space) - 1;
	space[0] = (char)(1 << 3 | wire_type_of(field->type));
	memcpy(space + 1, packed->p, n);
	struct slice one = {space, n + 1};
	struct wire_field w;
	if (wire_next(&one, &w) != 1)
		return false;
	n = w.raw.n - 1;
	*packed = (struct slice){packed->p + n, packed->n - n};
	*ret = (struct value){.number = w.value};
	return true;
}

double
double_of(uint64_t bits)
{
	double d;
	memcpy(&d, &bits, sizeof(d));
	return d;
}

uint64_t
double_bits(double d)
{
	uint64_t bits;
	memcpy(&bits, &d, sizeof(bits));
	return bits;
}

/* The shorter of two forms that reads back as the same number. */
void
double_print(struct buf *out, double d)
{
	char text[40];
	snprintf(text, sizeof(text), "%.15g", d);
	if (strtod(text, NULL) != d)
		snprintf(text, sizeof(text), "%.17g", d);
	buf_append_str(out, text);
}

static void
print_message(struct buf *out, const struct field_desc *field, struct slice bytes)
{
	if (field->message->well_known == WELL_KNOWN_TIMESTAMP)
		instant_print(out, bytes);
	else
		mask_print(out, bytes, false);
}

static void
print_enum(struct buf *out, const struct enum_desc *e, int32_t number)
{
	const struct enum_value_desc *known = enum_by_number(e, number);
	if (known)
		buf_append_str(out, known->text);
	else
		buf_printf(out, "%" PRId32, number);
}

void
value_print(struct buf *out, const struct field_desc *field, const struct value *v)
{
	switch (field->type) {
	case FIELD_DOUBLE:
		double_print(out, double_of(v->number));
		return;
	case FIELD_INT32:
	case FIELD_INT64:
		buf_printf(out, "%" PRId64, (int64_t)v->number);
		return;
	case FIELD_UINT32:
	case FIELD_UINT64:
		buf_printf(out, "%" PRIu64, v->number);
		return;
	case FIELD_SINT32:
	case FIELD_SINT64:
		buf_printf(out, "%" PRId64, zigzag_decode(v->number));
		return;
	case FIELD_BOOL:
		buf_append_str(out, v->number ? "true" : "false");
		return;
	case FIELD_ENUM:
		print_enum(out, field->enumeration, (int32_t)v->number);
		return;
	case FIELD_STRING:
		buf_append_slice(out, v->bytes);
		return;
	case FIELD_BYTES:
		base64_encode(out, v->bytes);
		return;
	case FIELD_MESSAGE:
		print_message(out, field, v->bytes);
		return;
	}
}

static int
parse_unsigned(uint64_t *ret, struct slice text, uint64_t max, struct fault *f)
{
	if (slice_to_u64(text, ret) && *ret <= max)
		return 0;
	return fault_set(f, ERR_INVALID_FIELD, "'%s' is not a whole number from 0 to %" PRIu64,
			 show(text).text, max);
}

static int
parse_signed(int64_t *ret, struct slice text, int64_t max, struct fault *f)
{
	uint64_t v;
	bool negative = text.n && text.p[0] == '-';
	struct slice digits = negative ? (struct slice){text.p + 1, text.n - 1} : text;
	if (slice_to_u64(digits, &v) && v <= (uint64_t)max + negative) {
		*ret = negative ? (int64_t)(0 - v) : (int64_t)v;
		return 0;
	}
	return fault_set(f, ERR_INVALID_FIELD, "'%s' is not a whole number from %" PRId64 " to %" PRId64,
			 show(text).text, -max - 1, max);
}

static int
parse_bool(uint64_t *ret, struct slice text, struct fault *f)
{
	if (slice_is(text, "true") || slice_is(text, "yes") || slice_is(text, "1"))
		*ret = 1;
	else if (slice_is(text, "false") || slice_is(text, "no") || slice_is(text, "0"))
		*ret = 0;
	else
		return fault_set(f, ERR_INVALID_FIELD, "'%s' is neither true nor false", show(text).text);
	return 0;
}

static int
parse_enum(uint64_t *ret, const struct enum_desc *e, struct slice text, struct fault *f)
{
	const struct enum_value_desc *known = enum_by_name(e, text);
	if (known) {
		*ret = (uint64_t)(int64_t)known->number;
		return 0;
	}
	struct buf names = {0};
	for (size_t i = 0; i < e->count; i++)
		if (e->values[i].number != 0)
			buf_printf(&names, "%s%s", names.n ? ", " : "", e->values[i].text);
	buf_append_char(&names, '\0');
	fault_set(f, ERR_INVALID_FIELD, "'%s' is not one of %s", show(text).text,
		  names.error ? "those" : names.p);
	buf_release(&names);
	return ERR_INVALID_FIELD;
}

static int
parse_double(uint64_t *ret, struct slice text, struct fault *f)
{
	char copy[64], *end = copy;
	if (text.n > 0 && text.n < sizeof(copy) && text.p[0] != ' ') {
		memcpy(copy, text.p, text.n);
		copy[text.n] = '\0';
		*ret = double_bits(strtod(copy, &end));
		if (end == copy + text.n)
			return 0;
	}
	return fault_set(f, ERR_INVALID_FIELD, "'%s' is not a number", show(text).text);
}

static int
parse_bytes(struct slice *ret, struct slice text, struct arena *arena, struct fault *f)
{
	struct buf b = {0};
	int r = 0;
	if (!base64_decode(&b, text))
		r = fault_set(f, ERR_INVALID_FIELD, "that is not base64");
	else if (b.error)
		r = fault_set(f, b.error, "out of memory");
	else
		*ret = arena_copy(arena, buf_slice(&b));
	buf_release(&b);
	return r;
}

static int
parse_message(struct slice *ret, const struct field_desc *field, struct slice text, struct arena *arena,
	      struct fault *f)
{
	if (field->message->well_known == WELL_KNOWN_FIELD_MASK)
		return mask_parse(ret, text, false, arena, f);
	if (instant_parse(ret, text, arena))
		return 0;
	return fault_set(f, ERR_INVALID_FIELD, "'%s' is not an instant such as 2026-03-02T09:30:00Z",
			 show(text).text);
}

int
value_parse(struct value *ret, const struct field_desc *field, struct slice text, struct arena *arena,
	    struct fault *f)
{
	struct value v = {0};
	int64_t i = 0;
	int r = 0;
	switch (field->type) {
	case FIELD_DOUBLE:
		r = parse_double(&v.number, text, f);
		break;
	case FIELD_INT32:
	case FIELD_INT64:
		r = parse_signed(&i, text, field->type == FIELD_INT32 ? INT32_MAX : INT64_MAX, f);
		v.number = (uint64_t)i;
		break;
	case FIELD_UINT32:
	case FIELD_UINT64:
		r = parse_unsigned(&v.number, text, field->type == FIELD_UINT32 ? UINT32_MAX : UINT64_MAX, f);
		break;
	case FIELD_SINT32:
	case FIELD_SINT64:
		r = parse_signed(&i, text, field->type == FIELD_SINT32 ? INT32_MAX : INT64_MAX, f);
		v.number = zigzag_encode(i);
		break;
	case FIELD_BOOL:
		r = parse_bool(&v.number, text, f);
		break;
	case FIELD_ENUM:
		r = parse_enum(&v.number, field->enumeration, text, f);
		break;
	case FIELD_STRING:
		v.bytes = text;
		break;
	case FIELD_BYTES:
		r = parse_bytes(&v.bytes, text, arena, f);
		break;
	case FIELD_MESSAGE:
		r = parse_message(&v.bytes, field, text, arena, f);
		break;
	}
	if (r == 0 && arena->failed)
		r = fault_set(f, ERR_NO_MEMORY, "out of memory");
	if (r == 0)
		*ret = v;
	return r;
}
