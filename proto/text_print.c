#include <stdio.h>

#include "text.h"
#include "value.h"

#define PATH_BYTES 256
#define DEPTH_MAX  16

/* Where the printing stands and how lines begin. */
struct printer {
	struct buf *out;
	bool server_fields_as_comments;
	bool comment; /* lines are comments now */
	unsigned depth;
};

static void
begin_line(struct printer *p)
{
	if (p->comment)
		buf_append_str(p->out, "# ");
}

static void
put_escaped(struct buf *out, struct slice s, bool is_key)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool edge = i == 0 || i + 1 == s.n;
		if (c == '\n')
			buf_append_str(out, "\\n");
		else if (c == '\r')
			buf_append_str(out, "\\r");
		else if (c == '\t')
			buf_append_str(out, "\\t");
		else if (c == '\\')
			buf_append_str(out, "\\\\");
		else if (c == ' ' && edge)
			buf_append_str(out, "\\s");
		else if (c == '=' && is_key)
			buf_append_str(out, "\\=");
		else if (c < 0x20 || c == 0x7F)
			buf_printf(out, "\\x%02x", c);
		else
			buf_append_char(out, (char)c);
	}
}

static void
put_value(struct printer *p, const char *path, const struct field_desc *field, const struct value *v)
{
	begin_line(p);
	buf_printf(p->out, "%s%s=", path, field->text_name);
	if (field->type == FIELD_STRING)
		put_escaped(p->out, v->bytes, false);
	else
		value_print(p->out, field, v);
	buf_append_char(p->out, '\n');
}

static int
print_value(struct printer *p, const char *path, const struct field_desc *field, const struct wire_field *w)
{
	struct value v;
	if (!value_of_wire(&v, field, w))
		return ERR_INVALID_ARGUMENT;
	put_value(p, path, field, &v);
	return 0;
}

static int
print_entry(struct printer *p, const char *path, const struct field_desc *field, const struct wire_field *w)
{
	if (w->type != WIRE_LEN)
		return ERR_INVALID_ARGUMENT;
	begin_line(p);
	buf_printf(p->out, "%s%s.", path, field->text_name);
	put_escaped(p->out, wire_string(w->bytes, 1), true);
	buf_append_char(p->out, '=');
	put_escaped(p->out, wire_string(w->bytes, 2), false);
	buf_append_char(p->out, '\n');
	return 0;
}

static int
print_packed(struct printer *p, const char *path, const struct field_desc *field, struct slice packed)
{
	struct value v;
	while (packed.n) {
		if (!value_take_packed(&v, field, &packed))
			return ERR_INVALID_ARGUMENT;
		put_value(p, path, field, &v);
	}
	return 0;
}

static int
print_repeated(struct printer *p, const char *path, const struct field_desc *field, struct slice bytes)
{
	struct wire_field w;
	int r = 0;
	while (r == 0 && wire_next(&bytes, &w) == 1) {
		if (w.number != field->number)
			continue;
		if (field->label == LABEL_MAP)
			r = print_entry(p, path, field, &w);
		else if (value_is_packable(field) && w.type == WIRE_LEN)
			r = print_packed(p, path, field, w.bytes);
		else
			r = print_value(p, path, field, &w);
	}
	return r;
}

static int print_lines(struct printer *p, const char *path, const struct message_desc *m, struct slice bytes);
static int print_sections(struct printer *p, const char *path, const struct message_desc *m,
			  struct slice bytes);

/* A single message: its fields with dotted keys; `key=` alone says that it is there and empty. */
static int
print_child(struct printer *p, const char *path, const struct field_desc *field, struct slice bytes)
{
	char below[PATH_BYTES];
	size_t before = p->out->n;
	if (snprintf(below, sizeof(below), "%s%s.", path, field->text_name) >= (int)sizeof(below))
		return ERR_INVALID_ARGUMENT;
	int r = print_lines(p, below, field->message, bytes);
	if (r == 0 && p->out->n == before) {
		begin_line(p);
		buf_printf(p->out, "%s%s=\n", path, field->text_name);
	}
	return r;
}

static bool
becomes_comment(const struct printer *p, const struct message_desc *m, const struct field_desc *field)
{
	if (!p->server_fields_as_comments)
		return p->comment;
	return p->comment || (field->flags & FIELD_OUTPUT_ONLY) || (m->kind && field->number <= 4);
}

static bool
is_shown(const struct field_desc *field, const struct wire_field *w)
{
	struct value v;
	if (w->number == 0)
		return false;
	if (field->label != LABEL_SINGULAR || !value_is_scalar(field) || !value_of_wire(&v, field, w))
		return true;
	return !value_is_default(field, &v);
}

static bool
is_section(const struct field_desc *field)
{
	return field->label == LABEL_REPEATED && !value_is_scalar(field);
}

static int
print_field(struct printer *p, const char *path, const struct field_desc *field,
	    const struct wire_field *last, struct slice bytes)
{
	if (field->label == LABEL_REPEATED || field->label == LABEL_MAP)
		return print_repeated(p, path, field, bytes);
	if (value_is_scalar(field))
		return print_value(p, path, field, last);
	return last->type == WIRE_LEN ? print_child(p, path, field, last->bytes) : ERR_INVALID_ARGUMENT;
}

/* Everything but repeated messages. */
static int
print_lines(struct printer *p, const char *path, const struct message_desc *m, struct slice bytes)
{
	struct wire_field last[MAX_FIELDS];
	bool comment = p->comment;
	if (p->depth == DEPTH_MAX)
		return ERR_INVALID_ARGUMENT;
	p->depth++;
	int r = wire_last_fields(last, m, bytes);
	for (size_t i = 0; i < m->count && r == 0; i++) {
		const struct field_desc *field = &m->fields[i];
		if (is_section(field) || !is_shown(field, &last[i]))
			continue;
		p->comment = becomes_comment(p, m, field);
		r = print_field(p, path, field, &last[i], bytes);
		p->comment = comment;
	}
	p->depth--;
	return r;
}

static int
print_elements(struct printer *p, const char *path, const struct field_desc *field, struct slice bytes)
{
	char below[PATH_BYTES];
	struct wire_field w;
	int r = 0;
	if (snprintf(below, sizeof(below), "%s%s.", path, field->text_name) >= (int)sizeof(below))
		return ERR_INVALID_ARGUMENT;
	while (r == 0 && wire_next(&bytes, &w) == 1) {
		if (w.number != field->number)
			continue;
		if (w.type != WIRE_LEN)
			return ERR_INVALID_ARGUMENT;
		begin_line(p);
		buf_printf(p->out, "[%s%s]\n", path, field->text_name);
		r = print_lines(p, "", field->message, w.bytes);
		if (r == 0)
			r = print_sections(p, below, field->message, w.bytes);
	}
	return r;
}

/* Repeated messages, of this message and of the single messages in it. */
static int
print_sections(struct printer *p, const char *path, const struct message_desc *m, struct slice bytes)
{
	bool comment = p->comment;
	int r = 0;
	if (p->depth == DEPTH_MAX)
		return ERR_INVALID_ARGUMENT;
	p->depth++;
	for (size_t i = 0; i < m->count && r == 0; i++) {
		const struct field_desc *field = &m->fields[i];
		char below[PATH_BYTES];
		struct wire_field w;
		if (value_is_scalar(field) || field->label == LABEL_MAP)
			continue;
		p->comment = becomes_comment(p, m, field);
		if (field->label == LABEL_REPEATED)
			r = print_elements(p, path, field, bytes);
		else if (snprintf(below, sizeof(below), "%s%s.", path, field->text_name) >=
			 (int)sizeof(below))
			r = ERR_INVALID_ARGUMENT;
		else if (wire_find(bytes, field->number, &w))
			r = print_sections(p, below, field->message, w.bytes);
		p->comment = comment;
	}
	p->depth--;
	return r;
}

static int
print(struct buf *out, const struct message_desc *m, struct slice bytes, bool server_fields_as_comments)
{
	struct printer p = {.out = out, .server_fields_as_comments = server_fields_as_comments};
	int r = print_lines(&p, "", m, bytes);
	if (r == 0)
		r = print_sections(&p, "", m, bytes);
	return r < 0 ? r : out->error;
}

int
text_print(struct buf *out, const struct message_desc *m, struct slice bytes)
{
	return print(out, m, bytes, false);
}

int
text_print_request(struct buf *out, const struct message_desc *m, struct slice bytes)
{
	return print(out, m, bytes, true);
}

/* The elements of a repeated field, a line each. */
static int
print_all_values(struct buf *out, const struct field_desc *field, struct slice message)
{
	struct buf lines = {0};
	struct printer p = {.out = &lines};
	size_t skip = strlen(field->text_name) + 1;
	int r = print_repeated(&p, "", field, message);
	struct slice rest = buf_slice(&lines), line;
	for (bool first = true; r == 0 && slice_cut(&rest, '\n', &line); first = false) {
		if (!first)
			buf_append_char(out, '\n');
		buf_append(out, line.p + skip, line.n - skip);
	}
	if (r == 0)
		r = lines.error;
	buf_release(&lines);
	return r;
}

int
text_value(struct buf *out, const struct field_desc *field, struct slice message)
{
	struct wire_field w;
	struct value v = {0};
	if (!value_is_scalar(field) || field->label == LABEL_MAP)
		return ERR_INVALID_ARGUMENT;
	if (field->label == LABEL_REPEATED) {
		int r = print_all_values(out, field, message);
		return r < 0 ? r : out->error;
	}
	if (wire_find(message, field->number, &w)) {
		if (!value_of_wire(&v, field, &w))
			return ERR_INVALID_ARGUMENT;
	} else if (field->label == LABEL_OPTIONAL || field->type == FIELD_MESSAGE) {
		return out->error;
	}
	value_print(out, field, &v);
	return out->error;
}
