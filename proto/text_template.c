#include <stdio.h>

#include "text.h"
#include "value.h"

#define PATH_BYTES 256
#define DEPTH_MAX  8
#define WRAP       90

/* A comment in lines of some ninety bytes, broken at blanks. */
static void
put_comment(struct buf *out, struct slice text)
{
	while (text.n) {
		size_t n = text.n;
		if (n > WRAP) {
			n = WRAP;
			while (n > WRAP / 2 && text.p[n] != ' ')
				n--;
			if (text.p[n] != ' ') /* one long word, Chinese perhaps */
				n = utf8_whole((struct slice){text.p, WRAP});
		}
		buf_append_str(out, "# ");
		buf_append(out, text.p, n);
		buf_append_char(out, '\n');
		n += n < text.n && text.p[n] == ' ';
		text = (struct slice){text.p + n, text.n - n};
	}
}

static void
put_allowed(struct buf *text, const struct field_desc *field)
{
	if (field->type == FIELD_BOOL) {
		buf_append_str(text, " true or false.");
	} else if (field->type == FIELD_ENUM) {
		buf_append_str(text, " One of");
		for (size_t i = 0, n = 0; i < field->enumeration->count; i++)
			if (field->enumeration->values[i].number != 0)
				buf_printf(text, "%s %s", n++ ? "," : "", field->enumeration->values[i].text);
		buf_append_char(text, '.');
	} else if (field->type == FIELD_MESSAGE && field->message->well_known == WELL_KNOWN_TIMESTAMP) {
		buf_append_str(text, " An instant, e.g. 2026-03-02T09:30:00+08:00.");
	}
}

/* The field's comment, its article where the comment does not say so, and what may be given. */
static void
explain(struct buf *out, const struct field_desc *field)
{
	struct buf text = {0};
	buf_append_str(&text, field->doc);
	if (field->article[0] && !strstr(field->doc, "Article"))
		buf_printf(&text, "%sArticle %s.", text.n ? " " : "", field->article);
	put_allowed(&text, field);
	if (field->label == LABEL_REPEATED && value_is_scalar(field))
		buf_append_str(&text, " A line for each.");
	put_comment(out, slice_trim(buf_slice(&text)));
	if (text.error)
		out->error = text.error;
	buf_release(&text);
}

static bool
is_left_out(const struct message_desc *m, const struct field_desc *field)
{
	return (field->flags & FIELD_OUTPUT_ONLY) || (m->kind && field->number <= 4);
}

static void
put_line(struct buf *out, const char *path, const struct field_desc *field)
{
	explain(out, field);
	if (field->label == LABEL_MAP)
		buf_printf(out, "#%s%s.KEY=\n", path, field->text_name);
	else if (field->label != LABEL_SINGULAR) /* an empty value would count */
		buf_printf(out, "#%s%s=\n", path, field->text_name);
	else
		buf_printf(out, "%s%s=\n", path, field->text_name);
}

static int
put_lines(struct buf *out, const char *path, const struct message_desc *m, unsigned depth)
{
	char below[PATH_BYTES];
	for (size_t i = 0; i < m->count; i++) {
		const struct field_desc *field = &m->fields[i];
		if (is_left_out(m, field) || (field->label == LABEL_REPEATED && !value_is_scalar(field)))
			continue;
		if (value_is_scalar(field) || field->label == LABEL_MAP) {
			put_line(out, path, field);
			continue;
		}
		if (snprintf(below, sizeof(below), "%s%s.", path, field->text_name) >= (int)sizeof(below) ||
		    depth == DEPTH_MAX)
			return ERR_INVALID_ARGUMENT;
		explain(out, field);
		int r = put_lines(out, below, field->message, depth + 1);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
put_sections(struct buf *out, const char *path, const struct message_desc *m, unsigned depth)
{
	char below[PATH_BYTES];
	int r = 0;
	for (size_t i = 0; i < m->count && r == 0; i++) {
		const struct field_desc *field = &m->fields[i];
		if (is_left_out(m, field) || value_is_scalar(field) || field->label == LABEL_MAP)
			continue;
		if (snprintf(below, sizeof(below), "%s%s.", path, field->text_name) >= (int)sizeof(below) ||
		    depth == DEPTH_MAX)
			return ERR_INVALID_ARGUMENT;
		if (field->label == LABEL_REPEATED) {
			explain(out, field);
			buf_printf(out, "[%s%s]\n", path, field->text_name);
			r = put_lines(out, "", field->message, depth + 1);
		}
		if (r == 0)
			r = put_sections(out, below, field->message, depth + 1);
	}
	return r;
}

int
text_template(struct buf *out, const struct message_desc *m)
{
	int r = put_lines(out, "", m, 0);
	if (r == 0)
		r = put_sections(out, "", m, 0);
	return r < 0 ? r : out->error;
}
