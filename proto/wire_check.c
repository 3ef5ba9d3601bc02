#include "wire.h"

#include <inttypes.h>
#include <stdio.h>

#include "shown.h"

#define TIME_SECONDS_MIN (-62135596800LL) /* 0001-01-01 */
#define TIME_SECONDS_MAX 253402300799LL   /* 9999-12-31 */
#define ONEOF_MAX        8                /* generate.py refuses more */

/* One message on the way down: enough to name the place when something is wrong there. */
struct place {
	const struct place *up;
	const struct message_desc *message;
	struct slice bytes;
	struct wire_field field; /* being looked at */
};

struct check {
	struct wire_limits limits;
	size_t elements;
	struct fault *fault;
};

static int check_message(struct check *c, const struct place *up, const struct message_desc *m,
			 struct slice bytes, unsigned depth);

/* How many fields of this number stand before the one being looked at. */
static size_t
element_index(const struct place *at)
{
	struct slice rest = at->bytes;
	struct wire_field field;
	size_t n = 0;
	while (wire_next(&rest, &field) == 1 && field.raw.p < at->field.raw.p)
		n += field.number == at->field.number;
	return n;
}

static void
print_path(struct buf *out, const struct place *at)
{
	if (at->up) {
		print_path(out, at->up);
		buf_append_char(out, '.');
	}
	const struct field_desc *field = field_by_number(at->message, at->field.number);
	if (!field)
		buf_printf(out, "%" PRIu32, at->field.number);
	else if (field->label == LABEL_REPEATED)
		buf_printf(out, "%s[%zu]", field->name, element_index(at));
	else
		buf_append_str(out, field->name);
}

static int __attribute__((format(printf, 4, 5)))
refuse(struct check *c, const struct place *at, int code, const char *fmt, ...)
{
	if (!c->fault)
		return code;
	char text[256];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	struct buf path = {0};
	print_path(&path, at);
	buf_append_char(&path, '\0');
	const char *where = path.error ? "" : path.p;
	fault_set(c->fault, code, "%s: %s", where, text);
	fault_add(c->fault, code, where, "%s", text);
	buf_release(&path);
	return code;
}

static int
malformed(struct check *c, const struct message_desc *m)
{
	return fault_set(c->fault, ERR_INTERNAL, "the bytes are not a %s message", m->name);
}

/* Most text is plain ASCII: eight characters at a time. NUL would cut a C string short. */
static bool
is_text(struct slice s)
{
	size_t i = 0;
	for (; i + 8 <= s.n; i += 8) {
		uint64_t word;
		memcpy(&word, s.p + i, 8);
		uint64_t zero = (word - 0x0101010101010101u) & ~word & 0x8080808080808080u;
		if (zero || (word & 0x8080808080808080u))
			break;
	}
	struct slice rest = {s.p + i, s.n - i};
	return utf8_valid(rest) && (rest.n == 0 || !memchr(rest.p, '\0', rest.n));
}

static int
check_number(struct check *c, const struct place *at, const struct field_desc *field, uint64_t v)
{
	int64_t i = (int64_t)v;
	switch (field->type) {
	case FIELD_UINT32:
		if (v > UINT32_MAX)
			return refuse(c, at, ERR_INVALID_FIELD, "%" PRIu64 " does not fit into 32 bits", v);
		return 0;
	case FIELD_SINT32:
		i = zigzag_decode(v);
		/* fall through */
	case FIELD_INT32:
		if (i < INT32_MIN || i > INT32_MAX)
			return refuse(c, at, ERR_INVALID_FIELD, "%" PRId64 " does not fit into 32 bits", i);
		return 0;
	case FIELD_ENUM:
		if (i < INT32_MIN || i > INT32_MAX || !enum_by_number(field->enumeration, (int32_t)i))
			return refuse(c, at, ERR_INVALID_FIELD, "%" PRId64 " is no %s", i,
				      field->enumeration->name);
		return 0;
	default:
		return 0;
	}
}

static int
count_element(struct check *c, const struct place *at)
{
	if (c->elements++ < c->limits.elements)
		return 0;
	return refuse(c, at, ERR_INVALID_ARGUMENT, "more than %zu elements in one message",
		      c->limits.elements);
}

static int
check_packed(struct check *c, const struct place *at, const struct field_desc *field)
{
	struct slice rest = at->field.bytes;
	enum wire_type type = wire_type_of(field->type);
	if (type == WIRE_I64) {
		for (size_t i = 0; i < rest.n / 8; i++)
			if (count_element(c, at) < 0)
				return ERR_INVALID_ARGUMENT;
		return rest.n % 8 ? malformed(c, at->message) : 0;
	}
	while (rest.n) {
		uint64_t v = 0;
		size_t i = 0;
		do {
			if (i == rest.n || i == 10 || (i == 9 && (unsigned char)rest.p[i] > 1))
				return malformed(c, at->message);
			v |= (uint64_t)(rest.p[i] & 0x7F) << (7 * i);
		} while (rest.p[i++] & 0x80);
		rest = slice_make(rest.p + i, rest.n - i);
		int r = count_element(c, at);
		if (r == 0)
			r = check_number(c, at, field, v);
		if (r < 0)
			return r;
	}
	return 0;
}

/* nanopb would keep both entries of one key. One pass for a whole map, at the end
 * of its message: what stands between the entries must not be walked for each. */
static int
check_map_keys(struct check *c, struct place *at, const struct field_desc *field)
{
	struct slice keys[WIRE_MAP_ENTRIES_MAX], rest = at->bytes;
	size_t n = 0, max = c->limits.map_entries;
	max = max < WIRE_MAP_ENTRIES_MAX ? max : WIRE_MAP_ENTRIES_MAX;
	while (wire_next(&rest, &at->field) == 1) {
		if (at->field.number != field->number)
			continue;
		if (n == max)
			return refuse(c, at, ERR_INVALID_ARGUMENT, "more than %zu entries", max);
		struct slice key = wire_string(at->field.bytes, 1);
		for (size_t i = 0; i < n; i++)
			if (slice_equal(keys[i], key))
				return refuse(c, at, ERR_INVALID_FIELD, "the key %s stands twice",
					      show(key).text);
		keys[n++] = key;
	}
	return 0;
}

static int
check_maps(struct check *c, struct place *at, uint64_t maps)
{
	for (size_t i = 0; i < at->message->count && maps >> i; i++) {
		int r = maps >> i & 1 ? check_map_keys(c, at, &at->message->fields[i]) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static int
check_timestamp(struct check *c, const struct place *at, struct slice bytes)
{
	int64_t seconds = (int64_t)wire_uint(bytes, 1);
	int64_t nanos = (int64_t)wire_uint(bytes, 2);
	if (seconds < TIME_SECONDS_MIN || seconds > TIME_SECONDS_MAX || nanos < 0 || nanos > 999999999)
		return refuse(c, at, ERR_INVALID_FIELD, "not an instant between the years 1 and 9999");
	return 0;
}

bool
wire_mask_path_valid(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = c >= 'a' && c <= 'z';
		if (i > 0 && s.p[i - 1] == '_' && !letter)
			return false;
		if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '.' && c != '*')
			return false;
	}
	return s.n > 0 && s.p[s.n - 1] != '_';
}

static int
check_mask(struct check *c, const struct place *at, struct slice bytes)
{
	struct wire_field field;
	while (wire_next(&bytes, &field) == 1)
		if (!wire_mask_path_valid(field.bytes))
			return refuse(c, at, ERR_INVALID_FIELD, "'%s' is not a path of fields",
				      show(field.bytes).text);
	return 0;
}

static int
check_value(struct check *c, const struct place *at, const struct field_desc *field, unsigned depth)
{
	const struct wire_field *w = &at->field;
	if (w->type != wire_type_of(field->type))
		return refuse(c, at, ERR_INVALID_FIELD, "wire type %d where %d belongs", (int)w->type,
			      (int)wire_type_of(field->type));
	if (field->type == FIELD_STRING)
		return is_text(w->bytes) ? 0 : refuse(c, at, ERR_INVALID_FIELD, "not UTF-8, or holds a NUL");
	if (field->type != FIELD_MESSAGE)
		return w->type == WIRE_VARINT ? check_number(c, at, field, w->value) : 0;
	int r = check_message(c, at, field->message, w->bytes, depth + 1);
	if (r == 0 && field->message->well_known == WELL_KNOWN_TIMESTAMP)
		return check_timestamp(c, at, w->bytes);
	if (r == 0 && field->message->well_known == WELL_KNOWN_FIELD_MASK)
		return check_mask(c, at, w->bytes);
	return r;
}

/* Numbers of the members seen of each oneof, and single messages seen: merging
 * two of them is what our readers, which take the last, would not do. */
struct seen {
	uint32_t member[ONEOF_MAX];
	uint64_t messages; /* by place in the table */
	uint64_t maps;     /* likewise: those with an entry */
};

static int
check_once(struct check *c, const struct place *at, const struct field_desc *field, struct seen *seen)
{
	if (field->oneof >= 0) {
		uint32_t *member = &seen->member[field->oneof];
		if (*member && *member != field->number)
			return refuse(c, at, ERR_INVALID_FIELD, "stands beside %s, which excludes it",
				      field_by_number(at->message, *member)->name);
		*member = field->number;
	}
	if (field->type == FIELD_MESSAGE) {
		uint64_t bit = UINT64_C(1) << (field - at->message->fields);
		if (seen->messages & bit)
			return refuse(c, at, ERR_INVALID_FIELD, "stands twice");
		seen->messages |= bit;
	}
	return 0;
}

static int
check_field(struct check *c, const struct place *at, struct seen *seen, unsigned depth)
{
	const struct field_desc *field = field_by_number(at->message, at->field.number);
	if (!field)
		return refuse(c, at, ERR_UNKNOWN_FIELD, "%s has no field of this number", at->message->name);
	if (field->label != LABEL_REPEATED && field->label != LABEL_MAP) {
		int r = check_once(c, at, field, seen);
		return r < 0 ? r : check_value(c, at, field, depth);
	}
	if (at->field.type == WIRE_LEN && wire_type_of(field->type) != WIRE_LEN)
		return check_packed(c, at, field);
	if (field->label == LABEL_MAP)
		seen->maps |= UINT64_C(1) << (field - at->message->fields);
	int r = count_element(c, at);
	return r < 0 ? r : check_value(c, at, field, depth);
}

static int
check_message(struct check *c, const struct place *up, const struct message_desc *m, struct slice bytes,
	      unsigned depth)
{
	if (up && depth > c->limits.depth)
		return refuse(c, up, ERR_INVALID_ARGUMENT, "messages nested deeper than %u", c->limits.depth);
	struct place at = {.up = up, .message = m, .bytes = bytes};
	struct seen seen = {0};
	int r;
	while ((r = wire_next(&bytes, &at.field)) == 1) {
		r = check_field(c, &at, &seen, depth);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return malformed(c, m);
	return seen.maps ? check_maps(c, &at, seen.maps) : 0;
}

int
wire_check(const struct message_desc *m, struct slice bytes, struct wire_limits limits, struct fault *f)
{
	struct check c = {.limits = limits, .fault = f};
	return check_message(&c, NULL, m, bytes, 1);
}

/* Appends the fields of a message, those left out that the server keeps. */
static void
strip(struct buf *out, const struct message_desc *m, struct slice bytes, unsigned depth)
{
	struct wire_field w;
	while (wire_next(&bytes, &w) == 1) {
		const struct field_desc *field = field_by_number(m, w.number);
		if (field && (field->flags & FIELD_OUTPUT_ONLY))
			continue;
		if (!field || !field->message || w.type != WIRE_LEN || depth == WIRE_LIMITS_DEFAULT.depth) {
			buf_append_slice(out, w.raw);
			continue;
		}
		struct buf inner = {0};
		strip(&inner, field->message, w.bytes, depth + 1);
		wire_put_bytes(out, w.number, buf_slice(&inner));
		if (inner.error)
			out->error = inner.error;
		buf_release(&inner);
	}
}

int
wire_strip_output_only(struct buf *out, const struct message_desc *m, struct slice bytes)
{
	strip(out, m, bytes, 1);
	return out->error;
}
