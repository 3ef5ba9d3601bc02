#include <inttypes.h>
#include <math.h>

#include "json.h"
#include "status.h"
#include "value.h"

#define DEPTH_MAX 16

struct printer {
	struct buf *out;
	bool one_line;
	unsigned depth;
};

static void
put_string(struct buf *out, struct slice s)
{
	buf_append_char(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		switch (c) {
		case '"':
		case '\\':
			buf_append_char(out, '\\');
			buf_append_char(out, (char)c);
			break;
		case '\n':
			buf_append_str(out, "\\n");
			break;
		case '\r':
			buf_append_str(out, "\\r");
			break;
		case '\t':
			buf_append_str(out, "\\t");
			break;
		default:
			if (c < 0x20 || c == 0x7F)
				buf_printf(out, "\\u%04x", c);
			else
				buf_append_char(out, (char)c);
		}
	}
	buf_append_char(out, '"');
}

static void
new_line(struct printer *p)
{
	if (p->one_line)
		return;
	buf_append_char(p->out, '\n');
	for (unsigned i = 0; i < p->depth; i++)
		buf_append_str(p->out, "  ");
}

/* Before each member or element: the comma after the one before, the line. */
static void
next_item(struct printer *p, size_t *count)
{
	if ((*count)++)
		buf_append_str(p->out, p->one_line ? ", " : ",");
	new_line(p);
}

static void
open_list(struct printer *p, char bracket)
{
	buf_append_char(p->out, bracket);
	p->depth++;
}

static void
close_list(struct printer *p, char bracket, size_t count)
{
	p->depth--;
	if (count)
		new_line(p);
	buf_append_char(p->out, bracket);
}

static void
put_key(struct printer *p, struct slice key)
{
	put_string(p->out, key);
	buf_append_str(p->out, ": ");
}

static void
put_double(struct buf *out, double d)
{
	if (isnan(d))
		buf_append_str(out, "\"NaN\"");
	else if (isinf(d))
		buf_append_str(out, d > 0 ? "\"Infinity\"" : "\"-Infinity\"");
	else
		double_print(out, d);
}

/* Standard base64 with padding. */
static void
put_base64(struct buf *out, struct slice s)
{
	buf_append_char(out, '"');
	base64_encode(out, s);
	for (size_t n = s.n; n % 3; n++)
		buf_append_char(out, '=');
	buf_append_char(out, '"');
}

static void
put_known(struct buf *out, const struct field_desc *field, struct slice bytes)
{
	buf_append_char(out, '"');
	if (field->message->well_known == WELL_KNOWN_TIMESTAMP)
		instant_print(out, bytes);
	else
		mask_print(out, bytes, true);
	buf_append_char(out, '"');
}

static void
put_scalar(struct buf *out, const struct field_desc *field, const struct value *v)
{
	const struct enum_value_desc *known;
	switch (field->type) {
	case FIELD_INT64:
	case FIELD_UINT64:
	case FIELD_SINT64: /* as strings: JavaScript's numbers are too small for them */
		buf_append_char(out, '"');
		value_print(out, field, v);
		buf_append_char(out, '"');
		return;
	case FIELD_ENUM:
		known = enum_by_number(field->enumeration, (int32_t)v->number);
		if (known)
			buf_printf(out, "\"%s\"", known->name);
		else
			buf_printf(out, "%" PRId32, (int32_t)v->number);
		return;
	case FIELD_STRING:
		put_string(out, v->bytes);
		return;
	case FIELD_BYTES:
		put_base64(out, v->bytes);
		return;
	case FIELD_DOUBLE:
		put_double(out, double_of(v->number));
		return;
	case FIELD_MESSAGE:
		put_known(out, field, v->bytes);
		return;
	default:
		value_print(out, field, v);
	}
}

static int print_message(struct printer *p, const struct message_desc *m, struct slice bytes);

static int
print_value(struct printer *p, const struct field_desc *field, const struct wire_field *w)
{
	struct value v;
	if (!value_of_wire(&v, field, w))
		return ERR_INVALID_ARGUMENT;
	if (!value_is_scalar(field))
		return print_message(p, field->message, w->bytes);
	put_scalar(p->out, field, &v);
	return 0;
}

static int
print_packed(struct printer *p, const struct field_desc *field, struct slice packed, size_t *count)
{
	struct value v;
	while (packed.n) {
		if (!value_take_packed(&v, field, &packed))
			return ERR_INVALID_ARGUMENT;
		next_item(p, count);
		put_scalar(p->out, field, &v);
	}
	return 0;
}

static int
print_array(struct printer *p, const struct field_desc *field, struct slice bytes)
{
	struct wire_field w;
	size_t count = 0;
	int r = 0;
	open_list(p, '[');
	while (r == 0 && wire_next(&bytes, &w) == 1) {
		if (w.number != field->number)
			continue;
		if (value_is_packable(field) && w.type == WIRE_LEN) {
			r = print_packed(p, field, w.bytes, &count);
			continue;
		}
		next_item(p, &count);
		r = print_value(p, field, &w);
	}
	close_list(p, ']', count);
	return r;
}

static int
print_map(struct printer *p, const struct field_desc *field, struct slice bytes)
{
	struct wire_field w;
	size_t count = 0;
	open_list(p, '{');
	while (wire_next(&bytes, &w) == 1) {
		if (w.number != field->number)
			continue;
		if (w.type != WIRE_LEN)
			return ERR_INVALID_ARGUMENT;
		next_item(p, &count);
		put_key(p, wire_string(w.bytes, 1));
		put_string(p->out, wire_string(w.bytes, 2));
	}
	close_list(p, '}', count);
	return 0;
}

static int
print_member(struct printer *p, const struct field_desc *field, const struct wire_field *last,
	     struct slice bytes, size_t *count)
{
	struct value v;
	if (field->label == LABEL_SINGULAR && value_of_wire(&v, field, last) && value_is_default(field, &v))
		return 0;
	next_item(p, count);
	put_key(p, slice_of(field->json_name));
	if (field->label == LABEL_MAP)
		return print_map(p, field, bytes);
	if (field->label == LABEL_REPEATED)
		return print_array(p, field, bytes);
	return print_value(p, field, last);
}

static int
print_message(struct printer *p, const struct message_desc *m, struct slice bytes)
{
	struct wire_field last[MAX_FIELDS];
	size_t count = 0;
	if (p->depth >= 2 * DEPTH_MAX)
		return ERR_INVALID_ARGUMENT;
	int r = wire_last_fields(last, m, bytes);
	open_list(p, '{');
	for (size_t i = 0; i < m->count && r == 0; i++)
		if (last[i].number)
			r = print_member(p, &m->fields[i], &last[i], bytes, &count);
	close_list(p, '}', count);
	return r;
}

int
json_print(struct buf *out, const struct message_desc *m, struct slice bytes, unsigned flags)
{
	struct printer p = {.out = out, .one_line = flags & JSON_ONE_LINE};
	struct field_desc self = {.type = FIELD_MESSAGE, .message = m};
	int r = 0;
	if (m->well_known != WELL_KNOWN_NONE)
		put_known(out, &self, bytes);
	else
		r = print_message(&p, m, bytes);
	if (r == 0 && !p.one_line)
		buf_append_char(out, '\n');
	return r < 0 ? r : out->error;
}
