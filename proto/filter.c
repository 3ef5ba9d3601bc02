#include "filter.h"

#include <stdio.h>

#include "shown.h"
#include "value.h"

struct reader {
	struct slice whole, rest;
	struct fault *fault;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
skip(struct reader *r, size_t n)
{
	r->rest = (struct slice){r->rest.p + n, r->rest.n - n};
}

static void
skip_blanks(struct reader *r)
{
	while (r->rest.n && is_blank(r->rest.p[0]))
		skip(r, 1);
}

/* Positions count bytes from 1. */
static int __attribute__((format(printf, 2, 3))) refuse(struct reader *r, const char *fmt, ...)
{
	char text[400];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fault_set(r->fault, ERR_BAD_FILTER, "filter, at %zu: %s", r->whole.n - r->rest.n + 1, text);
}

static bool
can_filter(const struct field_desc *field)
{
	if (field->label == LABEL_MAP || field->type == FIELD_BYTES || field->type == FIELD_DOUBLE)
		return false;
	return field->type != FIELD_MESSAGE || field->message->well_known == WELL_KNOWN_TIMESTAMP;
}

static int
unknown_field(struct reader *r, const struct message_desc *m, struct slice key)
{
	struct buf names = {0};
	for (size_t i = 0; i < m->count; i++)
		if (can_filter(&m->fields[i]))
			buf_printf(&names, "%s%s", names.n ? ", " : "", m->fields[i].text_name);
	buf_append_char(&names, '\0');
	int code =
		refuse(r, "cannot filter by '%s'; there are %s", show(key).text, names.error ? "" : names.p);
	buf_release(&names);
	return code;
}

static int
read_field(struct reader *r, const struct message_desc *m, struct filter_term *term)
{
	size_t n = 0;
	while (n < r->rest.n && !is_blank(r->rest.p[n]) && r->rest.p[n] != '=' && r->rest.p[n] != '!')
		n++;
	struct slice key = {r->rest.p, n};
	if (n == 0)
		return refuse(r, "a field is missing; write field=value or field!=value, joined by AND");
	term->field = field_by_name(m, key);
	if (!term->field || !can_filter(term->field))
		return unknown_field(r, m, key);
	skip(r, n);
	skip_blanks(r);
	term->negated = r->rest.n && r->rest.p[0] == '!';
	if (term->negated)
		skip(r, 1);
	if (r->rest.n == 0 || r->rest.p[0] != '=')
		return refuse(r, "= or != must follow %s", term->field->text_name);
	skip(r, 1);
	skip_blanks(r);
	return 0;
}

static int
read_value(struct reader *r, struct slice *ret)
{
	size_t n = 0;
	if (r->rest.n && r->rest.p[0] == '"') {
		skip(r, 1);
		while (n < r->rest.n && r->rest.p[n] != '"')
			n++;
		if (n == r->rest.n)
			return refuse(r, "the quote is not closed");
		*ret = (struct slice){r->rest.p, n};
		skip(r, n + 1);
		return 0;
	}
	while (n < r->rest.n && !is_blank(r->rest.p[n]) && r->rest.p[n] != '"')
		n++;
	if (n == 0)
		return refuse(r, "a value is missing; an empty one is \"\"");
	*ret = (struct slice){r->rest.p, n};
	skip(r, n);
	return 0;
}

/* The value as text_value prints it: where what was written means the same but
 * looks different, a constant text or the end of what was written. */
static bool
canonical(struct slice *value, const struct field_desc *field, const struct value *v)
{
	char space[64];
	struct buf printed = {.p = space, .cap = sizeof(space), .max = sizeof(space)};
	if (field->type == FIELD_STRING)
		return true;
	if (field->type == FIELD_BOOL) {
		*value = v->number ? SLICE("true") : SLICE("false");
		return true;
	}
	if (field->type == FIELD_ENUM) {
		*value = slice_of(enum_by_number(field->enumeration, (int32_t)v->number)->text);
		return true;
	}
	value_print(&printed, field, v);
	if (printed.error || printed.n > value->n)
		return false;
	*value = (struct slice){value->p + value->n - printed.n, printed.n};
	return slice_equal(*value, buf_slice(&printed));
}

static int
check_value(struct reader *r, struct filter_term *term)
{
	struct arena arena = {0};
	struct fault f = {0};
	struct value v;
	bool has_presence = term->field->label == LABEL_OPTIONAL || term->field->type == FIELD_MESSAGE;
	if (term->value.n == 0 && has_presence)
		return 0;
	int code = value_parse(&v, term->field, term->value, &arena, &f);
	if (code < 0)
		code = refuse(r, "%s: %s", term->field->text_name, f.text);
	else if (!canonical(&term->value, term->field, &v))
		code = refuse(r, "%s: write the value as the record shows it", term->field->text_name);
	arena_release(&arena);
	return code;
}

static int
read_and(struct reader *r)
{
	if (!slice_starts(r->rest, SLICE("AND")) || (r->rest.n > 3 && !is_blank(r->rest.p[3])))
		return refuse(r, "only AND may follow a value; a value with blanks stands in double quotes");
	skip(r, 3);
	skip_blanks(r);
	return 0;
}

int
filter_parse(struct filter *ret, const struct message_desc *m, struct slice text, struct fault *f)
{
	struct reader r = {text, text, f};
	struct filter flt = {.count = 0};
	int code = 0;
	if (!utf8_valid(text) || (text.n && memchr(text.p, '\0', text.n)))
		return refuse(&r, "not UTF-8, or holds a NUL");
	skip_blanks(&r);
	while (r.rest.n || flt.count) {
		struct filter_term term = {0};
		if (flt.count == FILTER_MAX_TERMS)
			return refuse(&r, "more than %d terms", FILTER_MAX_TERMS);
		code = read_field(&r, m, &term);
		if (code == 0)
			code = read_value(&r, &term.value);
		if (code == 0)
			code = check_value(&r, &term);
		if (code < 0)
			return code;
		flt.terms[flt.count++] = term;
		skip_blanks(&r);
		if (r.rest.n == 0)
			break;
		code = read_and(&r);
		if (code < 0)
			return code;
	}
	*ret = flt;
	return 0;
}

static bool
equals(const struct field_desc *field, const struct value *v, struct slice text)
{
	char space[64];
	struct buf printed = {.p = space, .cap = sizeof(space), .max = sizeof(space)};
	if (field->type == FIELD_STRING)
		return slice_equal(v->bytes, text);
	value_print(&printed, field, v);
	return !printed.error && slice_equal(buf_slice(&printed), text);
}

static bool
any_packed(const struct field_desc *field, struct slice packed, struct slice text)
{
	struct value v;
	while (packed.n && value_take_packed(&v, field, &packed))
		if (equals(field, &v, text))
			return true;
	return false;
}

static bool
any_element(const struct field_desc *field, struct slice bytes, struct slice text)
{
	struct wire_field w;
	struct value v;
	while (wire_next(&bytes, &w) == 1) {
		if (w.number != field->number)
			continue;
		if (w.type == WIRE_LEN && value_is_packable(field)
			    ? any_packed(field, w.bytes, text)
			    : value_of_wire(&v, field, &w) && equals(field, &v, text))
			return true;
	}
	return false;
}

static bool
term_match(const struct filter_term *term, struct slice bytes)
{
	struct wire_field w;
	struct value v = {0};
	const struct field_desc *field = term->field;
	if (field->label == LABEL_REPEATED)
		return any_element(field, bytes, term->value);
	if (wire_find(bytes, field->number, &w))
		return value_of_wire(&v, field, &w) && equals(field, &v, term->value);
	if (field->label == LABEL_OPTIONAL || field->type == FIELD_MESSAGE)
		return term->value.n == 0;
	return equals(field, &v, term->value);
}

bool
filter_match(const struct filter *flt, struct slice bytes)
{
	for (size_t i = 0; i < flt->count; i++)
		if (term_match(&flt->terms[i], bytes) == flt->terms[i].negated)
			return false;
	return true;
}
