/* Random messages for the tests: valid, canonical, nasty. Seeded, so that a failure comes again. */
#ifndef ZWY_TESTS_PROTO_SAMPLE_H
#define ZWY_TESTS_PROTO_SAMPLE_H

#include "wire.h"

struct sampler {
	uint64_t state;
};

static inline uint64_t
sample_u64(struct sampler *s)
{
	/* splitmix64 */
	uint64_t z = s->state += 0x9E3779B97F4A7C15u;
	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

static inline size_t
sample_below(struct sampler *s, size_t n)
{
	return (size_t)(sample_u64(s) % n);
}

static inline bool
sample_chance(struct sampler *s, size_t percent)
{
	return sample_below(s, 100) < percent;
}

static inline struct slice
sample_text(struct sampler *s, struct buf *space)
{
	static const char *const pieces[] = {"a",    "Z",  "7",   "=",        ".",    " ",    "\t",     "\n",
					     "\r",   "\\", "#",   "[",        "]",    "\"",   "'",      "%",
					     "中文", "😀",  "-",   "_",        "\x1b", "\x7f", "submit", "{",
					     "}",    ",",  "\\n", "\xC2\x85", "/",    "x="};
	size_t n = sample_below(s, 8);
	buf_clear(space);
	while (n--)
		buf_append_str(space, pieces[sample_below(s, sizeof(pieces) / sizeof(pieces[0]))]);
	return buf_slice(space);
}

/* A number with any count of bits, as its type has it on the wire. */
static inline uint64_t
sample_number(struct sampler *s, const struct field_desc *field)
{
	uint64_t v = sample_u64(s) >> sample_below(s, 64);
	switch (field->type) {
	case FIELD_BOOL:
		return v & 1;
	case FIELD_ENUM:
		return (uint64_t)(int64_t)field->enumeration->values[v % field->enumeration->count].number;
	case FIELD_INT32:
		return (uint64_t)(int64_t)(int32_t)v;
	case FIELD_UINT32:
	case FIELD_SINT32:
		return (uint32_t)v;
	default:
		return v;
	}
}

static inline void
sample_instant(struct sampler *s, struct buf *out)
{
	static const uint32_t nanos[] = {0, 1, 999999999, 120000000, 345678000};
	int64_t seconds = (int64_t)(sample_u64(s) % 315537897600u) - 62135596800;
	wire_put_uint(out, 1, (uint64_t)(sample_chance(s, 10) ? 0 : seconds));
	wire_put_uint(out, 2, nanos[sample_below(s, 5)]);
}

static inline void
sample_mask(struct sampler *s, struct buf *out)
{
	static const char *const paths[] = {"zone", "cloud_plan.demand", "*", "a.b_c.d_e9", "x1"};
	for (size_t n = sample_below(s, 4); n; n--)
		wire_put_bytes(out, 1, slice_of(paths[sample_below(s, 5)]));
}

static inline void sample_message(struct sampler *s, const struct message_desc *m, struct buf *out,
				  unsigned depth);

static inline void
sample_field(struct sampler *s, const struct field_desc *field, struct buf *out, unsigned depth, bool present)
{
	struct buf space = {0};
	if (field->type == FIELD_MESSAGE) {
		sample_message(s, field->message, &space, depth + 1);
		wire_put_bytes(out, field->number, buf_slice(&space));
	} else if (field->type == FIELD_STRING || field->type == FIELD_BYTES) {
		struct slice text = sample_text(s, &space);
		if (text.n || present)
			wire_put_bytes(out, field->number, text);
	} else {
		uint64_t v = sample_number(s, field);
		if (v || present) {
			wire_put_tag(out, field->number, WIRE_VARINT);
			wire_put_varint(out, v);
		}
	}
	buf_release(&space);
}

static inline void
sample_list(struct sampler *s, const struct field_desc *field, struct buf *out, unsigned depth)
{
	struct buf space = {0}, entry = {0};
	size_t n = sample_below(s, 4);
	bool packed =
		field->type != FIELD_STRING && field->type != FIELD_BYTES && field->type != FIELD_MESSAGE;
	for (size_t i = 0; i < n; i++) {
		if (packed) {
			wire_put_varint(&space, sample_number(s, field));
		} else if (field->label == LABEL_MAP) {
			buf_clear(&entry);
			sample_text(s, &space);
			buf_printf(&space, "%zu", i); /* no key twice */
			wire_put_string(&entry, 1, buf_slice(&space));
			wire_put_string(&entry, 2, sample_text(s, &space));
			wire_put_bytes(out, field->number, buf_slice(&entry));
		} else {
			sample_field(s, field, out, depth, true);
		}
	}
	if (packed && n)
		wire_put_bytes(out, field->number, buf_slice(&space));
	buf_release(&space);
	buf_release(&entry);
}

static inline void
sample_message(struct sampler *s, const struct message_desc *m, struct buf *out, unsigned depth)
{
	uint32_t oneofs = 0;
	if (m->well_known == WELL_KNOWN_TIMESTAMP)
		sample_instant(s, out);
	if (m->well_known == WELL_KNOWN_FIELD_MASK)
		sample_mask(s, out);
	if (m->well_known != WELL_KNOWN_NONE)
		return;
	for (size_t i = 0; i < m->count; i++) {
		const struct field_desc *field = &m->fields[i];
		if (sample_chance(s, depth > 3 ? 90 : 40))
			continue;
		if (field->oneof >= 0) {
			if (oneofs >> field->oneof & 1)
				continue;
			oneofs |= 1u << field->oneof;
		}
		if (field->label == LABEL_REPEATED || field->label == LABEL_MAP)
			sample_list(s, field, out, depth);
		else
			sample_field(s, field, out, depth, field->label == LABEL_OPTIONAL);
	}
}

/* A few bytes changed, cut out, doubled or thrown in. `words` are worth throwing in; NULL ends them. */
static inline void
sample_damage(struct sampler *s, struct buf *b, const char *const *words)
{
	size_t count = 0;
	while (words[count])
		count++;
	for (size_t n = 1 + sample_below(s, 4); n && b->n; n--) {
		size_t at = sample_below(s, b->n), length = sample_below(s, b->n - at) % 16 + 1;
		switch (sample_below(s, 5)) {
		case 0:
			b->p[at] = (char)sample_u64(s);
			break;
		case 1:
			b->p[at] ^= (char)(1u << sample_below(s, 8));
			break;
		case 2:
			length = length < b->n - at ? length : b->n - at;
			memmove(b->p + at, b->p + at + length, b->n - at - length);
			b->n -= length;
			break;
		case 3:
			b->n = at;
			break;
		default: {
			const char *word = words[sample_below(s, count)];
			size_t w = strlen(word);
			buf_reserve(b, w);
			memmove(b->p + at + w, b->p + at, b->n - at);
			memcpy(b->p + at, word, w);
			b->n += w;
		}
		}
	}
}

#endif
