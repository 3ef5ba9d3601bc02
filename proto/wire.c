#include "wire.h"

#define VARINT_MAX 10

/* Reads a varint at p, before end: the byte after it, or NULL. The tenth byte may hold one bit. */
static const unsigned char *
get_varint(const unsigned char *p, const unsigned char *end, uint64_t *ret)
{
	uint64_t v = 0;
	if (p < end && *p < 0x80) { /* most tags and lengths */
		*ret = *p;
		return p + 1;
	}
	for (unsigned shift = 0; p < end && shift < 64; shift += 7) {
		unsigned char c = *p++;
		if (shift == 63 && c > 1)
			return NULL;
		v |= (uint64_t)(c & 0x7F) << shift;
		if (c < 0x80) {
			*ret = v;
			return p;
		}
	}
	return NULL;
}

static uint64_t
get_le(const unsigned char *p, size_t n)
{
	uint64_t v = 0;
	while (n--)
		v = v << 8 | p[n];
	return v;
}

/* The value after the tag: the byte after it, or NULL. */
static const unsigned char *
get_value(const unsigned char *p, const unsigned char *end, struct wire_field *ret)
{
	uint64_t n;
	switch (ret->type) {
	case WIRE_VARINT:
		return get_varint(p, end, &ret->value);
	case WIRE_I64:
	case WIRE_I32:
		n = ret->type == WIRE_I64 ? 8 : 4;
		if ((size_t)(end - p) < n)
			return NULL;
		ret->value = get_le(p, (size_t)n);
		return p + n;
	case WIRE_LEN:
		p = get_varint(p, end, &n);
		if (!p || n > (size_t)(end - p))
			return NULL;
		ret->bytes = slice_make(p, (size_t)n);
		return p + n;
	default:
		return NULL;
	}
}

int
wire_next(struct slice *s, struct wire_field *ret)
{
	if (s->n == 0)
		return 0;
	const unsigned char *start = (const unsigned char *)s->p, *end = start + s->n;
	struct wire_field field = {0};
	uint64_t tag;
	const unsigned char *p = get_varint(start, end, &tag);
	if (!p || tag > UINT32_MAX || tag >> 3 == 0)
		return ERR_INVALID_ARGUMENT;
	field.number = (uint32_t)(tag >> 3);
	field.type = (enum wire_type)(tag & 7);
	p = get_value(p, end, &field);
	if (!p)
		return ERR_INVALID_ARGUMENT;
	field.raw = slice_make(start, (size_t)(p - start));
	*s = slice_make(p, (size_t)(end - p));
	*ret = field;
	return 1;
}

int
wire_last_fields(struct wire_field *last, const struct message_desc *m, struct slice message)
{
	struct wire_field w;
	int r;
	for (size_t i = 0; i < m->count; i++)
		last[i].number = 0;
	while ((r = wire_next(&message, &w)) == 1) {
		const struct field_desc *field = field_by_number(m, w.number);
		if (field)
			last[field - m->fields] = w;
	}
	return r;
}

bool
wire_find(struct slice message, uint32_t number, struct wire_field *ret)
{
	struct wire_field field;
	bool found = false;
	while (wire_next(&message, &field) == 1) {
		if (field.number != number)
			continue;
		*ret = field;
		found = true;
	}
	return found;
}

struct slice
wire_string(struct slice message, uint32_t number)
{
	struct wire_field field;
	if (!wire_find(message, number, &field) || field.type != WIRE_LEN)
		return SLICE("");
	return field.bytes;
}

uint64_t
wire_uint(struct slice message, uint32_t number)
{
	struct wire_field field;
	if (!wire_find(message, number, &field) || field.type == WIRE_LEN)
		return 0;
	return field.value;
}

msec
wire_time(struct slice message, uint32_t number)
{
	struct slice time = wire_string(message, number);
	int64_t seconds = (int64_t)wire_uint(time, 1);
	int32_t nanos = (int32_t)wire_uint(time, 2);
	if (seconds > INT64_MAX / 1000 - 1 || seconds < INT64_MIN / 1000 + 1)
		return 0;
	return seconds * 1000 + nanos / 1000000;
}

enum wire_type
wire_type_of(enum field_type type)
{
	switch (type) {
	case FIELD_DOUBLE:
		return WIRE_I64;
	case FIELD_STRING:
	case FIELD_BYTES:
	case FIELD_MESSAGE:
		return WIRE_LEN;
	default:
		return WIRE_VARINT;
	}
}

int64_t
zigzag_decode(uint64_t v)
{
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

uint64_t
zigzag_encode(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v < 0 ? -1 : 0);
}

void
wire_put_varint(struct buf *b, uint64_t v)
{
	unsigned char bytes[VARINT_MAX];
	size_t n = 0;
	for (; v >= 0x80; v >>= 7)
		bytes[n++] = (unsigned char)(v | 0x80);
	bytes[n++] = (unsigned char)v;
	buf_append(b, bytes, n);
}

void
wire_put_tag(struct buf *b, uint32_t number, enum wire_type type)
{
	wire_put_varint(b, (uint64_t)number << 3 | type);
}

void
wire_put_uint(struct buf *b, uint32_t number, uint64_t v)
{
	if (v == 0)
		return;
	wire_put_tag(b, number, WIRE_VARINT);
	wire_put_varint(b, v);
}

void
wire_put_string(struct buf *b, uint32_t number, struct slice s)
{
	if (s.n)
		wire_put_bytes(b, number, s);
}

void
wire_put_bytes(struct buf *b, uint32_t number, struct slice s)
{
	wire_put_tag(b, number, WIRE_LEN);
	wire_put_varint(b, s.n);
	buf_append_slice(b, s);
}

/* A Timestamp's fraction counts forward, before 1970 too. */
void
wire_put_time(struct buf *b, uint32_t number, msec t)
{
	if (t == 0)
		return;
	msec seconds = t / 1000 - (t % 1000 < 0);
	char space[2 * (VARINT_MAX + 1)];
	struct buf time = {.p = space, .cap = sizeof(space), .max = sizeof(space)};
	wire_put_uint(&time, 1, (uint64_t)seconds);
	wire_put_uint(&time, 2, (uint64_t)(t - seconds * 1000) * 1000000);
	wire_put_bytes(b, number, buf_slice(&time));
}
