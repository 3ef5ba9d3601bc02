#include "json_place.h"

#define STEPS_MAX 64

static void
skip_blanks(struct slice *s)
{
	while (s->n && strchr(" \t\r\n", s->p[0]) && s->p[0])
		*s = (struct slice){s->p + 1, s->n - 1};
}

static void
skip_byte(struct slice *s)
{
	if (s->n)
		*s = (struct slice){s->p + 1, s->n - 1};
	skip_blanks(s);
}

/* Takes a string whose quote comes next; its raw bytes. */
static struct slice
take_string(struct slice *s)
{
	size_t n = 1;
	while (n < s->n && s->p[n] != '"')
		n += s->p[n] == '\\' ? 2 : 1;
	n = n < s->n ? n : s->n;
	struct slice text = {s->p + (s->n > 0), n - (n > 0)};
	*s = (struct slice){s->p + n, s->n - n};
	skip_byte(s);
	return text;
}

static void
skip_value(struct slice *s)
{
	size_t depth = 0;
	do {
		char c = s->n ? s->p[0] : '\0';
		if (c == '"') {
			take_string(s);
		} else {
			depth += c == '{' || c == '[';
			if ((c == '}' || c == ']') && depth)
				depth--;
			skip_byte(s);
		}
	} while (s->n && (depth || !strchr(",]}", s->p[0])));
}

/* Goes to the member or element; false: it is not there as written. *at: where its line is. */
static bool
go(struct slice *s, const struct json_step *step, const char **at)
{
	if (s->n == 0 || s->p[0] != (step->key ? '{' : '['))
		return false;
	skip_byte(s);
	for (size_t i = 0; s->n && s->p[0] != '}' && s->p[0] != ']'; i++) {
		const char *here = s->p;
		bool found = i == step->index;
		if (step->key) {
			found = slice_is(take_string(s), step->key);
			skip_byte(s); /* the colon */
		}
		if (found) {
			*at = here;
			return true;
		}
		skip_value(s);
		if (s->n && s->p[0] == ',')
			skip_byte(s);
	}
	return false;
}

unsigned
json_line(struct slice text, const struct json_step *step)
{
	const struct json_step *steps[STEPS_MAX];
	size_t n = 0;
	struct slice rest = text;
	skip_blanks(&rest);
	const char *at = rest.p;
	for (; step && n < STEPS_MAX; step = step->up)
		steps[n++] = step;
	while (n && go(&rest, steps[n - 1], &at))
		n--;
	unsigned line = 1;
	for (const char *p = text.p; p < at; p++)
		line += *p == '\n';
	return line;
}

void
json_path(struct buf *out, const struct json_step *step)
{
	if (!step)
		return;
	json_path(out, step->up);
	if (!step->key)
		buf_printf(out, "[%zu]", step->index);
	else
		buf_printf(out, "%s%s", out->n ? "." : "", step->key);
}
