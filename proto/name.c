#include "name.h"

#include <inttypes.h>

#include "base/error.h"
#include "shown.h"

#define ID_YEAR_MAX   9999
#define ID_NUMBER_MAX ((UINT64_C(1) << 48) - 1)

int
id_parse(struct slice text, char prefix, unsigned *ret_year, uint64_t *ret_number)
{
	uint64_t year, number;
	if (text.n < 7 + ID_MIN_DIGITS || text.p[0] != prefix || text.p[1] != '-' || text.p[6] != '-')
		return ERR_INVALID_NAME;
	struct slice digits = {text.p + 7, text.n - 7};
	if (!slice_to_u64((struct slice){text.p + 2, 4}, &year) || !slice_to_u64(digits, &number))
		return ERR_INVALID_NAME;
	/* One id, one text: zeros only fill up. */
	if (number > ID_NUMBER_MAX || (digits.n > ID_MIN_DIGITS && digits.p[0] == '0'))
		return ERR_INVALID_NAME;
	*ret_year = (unsigned)year;
	*ret_number = number;
	return 0;
}

void
id_format(struct buf *b, char prefix, unsigned year, uint64_t number)
{
	buf_printf(b, "%c-%04u-%0*" PRIu64, prefix, year, ID_MIN_DIGITS, number);
}

/* Decimal without leading zeros. */
static bool
parse_number(struct slice s, uint64_t *ret)
{
	return slice_to_u64(s, ret) && (s.n == 1 || s.p[0] != '0');
}

static bool
is_slug(struct slice s)
{
	return s.n > 0 && s.n <= SEGMENT_MAX_BYTES && !slice_is(s, ".") && !slice_is(s, "..") &&
	       !has_control(s) && !memchr(s.p, '/', s.n) && utf8_valid(s);
}

static bool
segment_valid(const struct segment_desc *segment, struct slice s)
{
	unsigned year;
	uint64_t number;
	switch (segment->type) {
	case SEGMENT_LITERAL:
		return slice_is(s, segment->text);
	case SEGMENT_SLUG:
		return is_slug(s);
	case SEGMENT_NUMBER:
		return parse_number(s, &number);
	case SEGMENT_ID:
		return id_parse(s, segment->prefix, &year, &number) == 0;
	}
	return false;
}

struct segments {
	struct slice parts[MAX_SEGMENTS];
	size_t n;
};

/* The parts of a text, at most as many as a pattern has. */
static bool
split(struct segments *ret, struct slice text)
{
	ret->n = 0;
	if (text.n == 0 || text.n > NAME_MAX_BYTES)
		return false;
	struct slice rest = text, part;
	while (slice_cut(&rest, '/', &part)) {
		if (ret->n == MAX_SEGMENTS - 1)
			return false;
		ret->parts[ret->n++] = part;
	}
	ret->parts[ret->n++] = rest;
	return true;
}

static bool
literals_match(const struct kind_desc *kind, const struct segments *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (kind->segments[i].type == SEGMENT_LITERAL &&
		    !slice_is(s->parts[i], kind->segments[i].text))
			return false;
	return true;
}

static int
bad_segment(const struct segment_desc *segment, struct slice value, const char *pattern, struct fault *f)
{
	struct shown v = show(value);
	switch (segment->type) {
	case SEGMENT_NUMBER:
		return fault_set(f, ERR_INVALID_NAME, "'%s' is not a number as {%s} in %s must be", v.text,
				 segment->text, pattern);
	case SEGMENT_ID:
		return fault_set(f, ERR_INVALID_NAME,
				 "'%s' is not an id such as %c-2026-000123, as {%s} in %s must be", v.text,
				 segment->prefix, segment->text, pattern);
	default:
		return fault_set(
			f, ERR_INVALID_NAME,
			"'%s' cannot stand for {%s} in %s: 1 to %d bytes of UTF-8 without '/' and control "
			"characters, not '.' or '..'",
			v.text, segment->text, pattern, SEGMENT_MAX_BYTES);
	}
}

/* No pattern has this shape: says which there are below the same first word, or all first words. */
static int
no_such_name(struct slice text, const struct segments *s, struct fault *f)
{
	struct buf known = {0};
	bool first_word = false;
	for (size_t i = 0; i < kind_count; i++)
		if (s->n && slice_is(s->parts[0], kind_table[i]->segments[0].text))
			first_word = true;
	for (size_t i = 0; i < kind_count; i++) {
		const struct kind_desc *kind = kind_table[i];
		if (first_word && !slice_is(s->parts[0], kind->segments[0].text))
			continue;
		if (!first_word && kind->segment_count > 2)
			continue;
		buf_printf(&known, "%s%s", known.n ? ", " : "", kind->pattern);
	}
	buf_append_char(&known, '\0');
	fault_set(f, ERR_INVALID_NAME, "'%s' is not a resource name; there are %s", show(text).text,
		  known.error ? "others" : known.p);
	buf_release(&known);
	return ERR_INVALID_NAME;
}

/* Takes the variables out of the first s->n segments. */
static int
take_vars(struct name *ret, const struct kind_desc *kind, const struct segments *s, struct fault *f)
{
	struct name name = {.kind = kind};
	for (size_t i = 0; i < s->n; i++) {
		const struct segment_desc *segment = &kind->segments[i];
		if (!segment_valid(segment, s->parts[i]))
			return bad_segment(segment, s->parts[i], kind->pattern, f);
		if (segment->type != SEGMENT_LITERAL)
			name.vars[name.var_count++] = s->parts[i];
	}
	*ret = name;
	return 0;
}

int
name_parse(struct name *ret, struct slice text, struct fault *f)
{
	struct segments s;
	if (!split(&s, text))
		return no_such_name(text, &s, f);
	for (size_t i = 0; i < kind_count; i++)
		if (kind_table[i]->segment_count == s.n && literals_match(kind_table[i], &s))
			return take_vars(ret, kind_table[i], &s, f);
	return no_such_name(text, &s, f);
}

int
name_parse_kind(struct name *ret, enum kind kind, struct slice text, struct fault *f)
{
	struct name name;
	struct segments s;
	const struct kind_desc *want = kind_by_number((unsigned)kind);
	/* No two patterns match the same text: the wanted one can be tried alone. */
	if (want && split(&s, text) && want->segment_count == s.n && literals_match(want, &s))
		return take_vars(ret, want, &s, f);
	int r = name_parse(&name, text, f);
	if (r < 0)
		return r;
	if (name.kind != want)
		return fault_set(f, ERR_INVALID_NAME, "'%s' is not a name of the form %s", show(text).text,
				 want ? want->pattern : "of any record");
	*ret = name;
	return 0;
}

/* All literals of the pattern have been given, and a variable comes next. */
static bool
is_collection_of(const struct kind_desc *kind, const struct segments *s)
{
	if (s->n >= kind->segment_count)
		return false;
	for (size_t i = s->n; i < kind->segment_count; i++)
		if (kind->segments[i].type == SEGMENT_LITERAL)
			return false;
	return literals_match(kind, s);
}

int
name_parse_collection(struct name *ret, struct slice text, struct fault *f)
{
	struct segments s;
	struct name record;
	if (!split(&s, text))
		return no_such_name(text, &s, f);
	for (size_t i = 0; i < kind_count; i++)
		if (is_collection_of(kind_table[i], &s))
			return take_vars(ret, kind_table[i], &s, f);
	if (name_parse(&record, text, NULL) == 0)
		return fault_set(f, ERR_INVALID_NAME, "'%s' is one record and not a collection; '%s' is one",
				 show(text).text, record.kind->segments[0].text);
	return no_such_name(text, &s, f);
}

void
name_format(struct buf *b, const struct name *n)
{
	size_t var = 0;
	for (size_t i = 0; i < n->kind->segment_count; i++) {
		const struct segment_desc *segment = &n->kind->segments[i];
		if (segment->type != SEGMENT_LITERAL && var == n->var_count)
			return;
		if (i > 0)
			buf_append_char(b, '/');
		if (segment->type == SEGMENT_LITERAL)
			buf_append_str(b, segment->text);
		else
			buf_append_slice(b, n->vars[var++]);
	}
}

static void
put_id(struct buf *b, unsigned year, uint64_t number)
{
	buf_append_u64be(b, (uint64_t)year << 48 | number);
}

static int
put_var(struct buf *b, const struct segment_desc *segment, struct slice value)
{
	unsigned year;
	uint64_t number;
	switch (segment->type) {
	case SEGMENT_NUMBER:
		if (!parse_number(value, &number))
			return ERR_INVALID_NAME;
		buf_append_u64be(b, number);
		return 0;
	case SEGMENT_ID:
		if (id_parse(value, segment->prefix, &year, &number) != 0)
			return ERR_INVALID_NAME;
		put_id(b, year, number);
		return 0;
	default:
		if (!segment_valid(segment, value))
			return ERR_INVALID_NAME;
		buf_append_slice(b, value);
		buf_append_char(b, '\0');
		return 0;
	}
}

struct slice
name_id(struct slice text)
{
	struct name name;
	struct slice head;
	if (name_parse(&name, text, NULL) == 0)
		return name.var_count == 1 ? name.vars[0] : text;
	while (slice_cut(&text, '/', &head))
		;
	return text;
}

int
name_key(struct buf *b, const struct name *n)
{
	size_t start = b->n, var = 0;
	buf_append_char(b, (char)n->kind->kind);
	for (size_t i = 0; i < n->kind->segment_count && var < n->var_count; i++) {
		const struct segment_desc *segment = &n->kind->segments[i];
		if (segment->type == SEGMENT_LITERAL)
			continue;
		if (put_var(b, segment, n->vars[var++]) < 0) {
			b->n = start;
			return ERR_INVALID_NAME;
		}
	}
	if (b->error)
		return b->error;
	if (b->n - start > KEY_MAX_BYTES) {
		b->n = start;
		return ERR_INVALID_NAME;
	}
	return 0;
}

/* Takes one variable off the key and appends its text. */
static bool
take_var(struct buf *b, const struct segment_desc *segment, struct slice *key)
{
	if (segment->type == SEGMENT_SLUG) {
		struct slice value;
		if (!slice_cut(key, '\0', &value) || !is_slug(value))
			return false;
		buf_append_slice(b, value);
		return true;
	}
	if (key->n < 8)
		return false;
	uint64_t v = get_u64be(key->p);
	*key = slice_make(key->p + 8, key->n - 8);
	if (segment->type == SEGMENT_NUMBER) {
		buf_printf(b, "%" PRIu64, v);
		return true;
	}
	if (v >> 48 > ID_YEAR_MAX)
		return false;
	id_format(b, segment->prefix, (unsigned)(v >> 48), v & ID_NUMBER_MAX);
	return true;
}

/* The kind, with its byte taken off; NULL: there is none. */
static const struct kind_desc *
take_kind(struct slice *key)
{
	const struct kind_desc *kind = key->n ? kind_by_number((unsigned char)key->p[0]) : NULL;
	if (kind)
		*key = slice_make(key->p + 1, key->n - 1);
	return kind;
}

int
name_var_of_key(struct buf *b, struct slice key, size_t var, size_t *ret_end)
{
	size_t start = b->n;
	struct slice rest = key;
	const struct kind_desc *kind = take_kind(&rest);
	for (size_t i = 0; kind && i < kind->segment_count; i++) {
		const struct segment_desc *segment = &kind->segments[i];
		if (segment->type == SEGMENT_LITERAL)
			continue;
		b->n = start; /* what it appended of a variable before */
		if (!take_var(b, segment, &rest))
			break;
		if (var-- == 0) {
			*ret_end = key.n - rest.n;
			return b->error;
		}
	}
	b->n = start;
	return ERR_STORE_CORRUPT;
}

int
name_of_key(struct buf *b, struct slice key)
{
	size_t start = b->n;
	const struct kind_desc *kind = take_kind(&key);
	if (!kind)
		return ERR_STORE_CORRUPT;
	for (size_t i = 0; i < kind->segment_count; i++) {
		const struct segment_desc *segment = &kind->segments[i];
		if (i > 0)
			buf_append_char(b, '/');
		if (segment->type == SEGMENT_LITERAL)
			buf_append_str(b, segment->text);
		else if (!take_var(b, segment, &key)) {
			b->n = start;
			return ERR_STORE_CORRUPT;
		}
	}
	if (key.n) {
		b->n = start;
		return ERR_STORE_CORRUPT;
	}
	return b->error;
}
