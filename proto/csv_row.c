#include "csv_row.h"

static void
skip(struct slice *s, size_t n)
{
	*s = (struct slice){s->p + n, s->n - n};
}

/* At the end of a row; takes it. */
static bool
take_end(struct slice *s)
{
	if (s->n == 0)
		return true;
	if (s->p[0] == '\n') {
		skip(s, 1);
		return true;
	}
	if (s->p[0] == '\r' && (s->n == 1 || s->p[1] == '\n')) {
		skip(s, s->n == 1 ? 1 : 2);
		return true;
	}
	return false;
}

/* Where the closing quote stands; *doubled: quotes before it that stand for one. */
static size_t
closing_quote(struct slice s, size_t *doubled)
{
	*doubled = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '"')
			continue;
		if (i + 1 == s.n || s.p[i + 1] != '"')
			return i;
		++*doubled;
		i++;
	}
	return s.n;
}

static int
take_quoted(struct csv_text *t, struct slice *ret, struct arena *arena, struct fault *f)
{
	struct slice *s = &t->rest;
	size_t doubled;
	skip(s, 1);
	size_t end = closing_quote(*s, &doubled);
	if (end == s->n)
		return fault_set(f, ERR_BAD_SYNTAX, "row %u: a quote is not closed", t->row);
	*ret = (struct slice){s->p, end};
	if (doubled) {
		char *copy = arena_alloc(arena, end);
		size_t n = 0;
		if (!copy)
			return fault_set(f, ERR_NO_MEMORY, "out of memory");
		for (size_t i = 0; i < end; i++) {
			copy[n++] = s->p[i];
			i += s->p[i] == '"';
		}
		*ret = (struct slice){copy, n};
	}
	skip(s, end + 1);
	return 0;
}

static int
take_cell(struct csv_text *t, struct slice *ret, struct arena *arena, struct fault *f)
{
	struct slice *s = &t->rest;
	if (s->n && s->p[0] == '"')
		return take_quoted(t, ret, arena, f);
	size_t n = 0;
	while (n < s->n && s->p[n] != ',' && s->p[n] != '\n' && s->p[n] != '"' &&
	       !(s->p[n] == '\r' && (n + 1 == s->n || s->p[n + 1] == '\n')))
		n++;
	if (n < s->n && s->p[n] == '"')
		return fault_set(f, ERR_BAD_SYNTAX, "row %u: a quote inside a cell without quotes", t->row);
	*ret = (struct slice){s->p, n};
	skip(s, n);
	return 0;
}

static void
skip_blank_rows(struct csv_text *t)
{
	t->row++;
	for (;;) {
		struct slice rest = t->rest;
		while (rest.n && (rest.p[0] == ' ' || rest.p[0] == '\t'))
			skip(&rest, 1);
		if (!take_end(&rest) || t->rest.n == 0)
			return;
		t->rest = rest;
		t->row++;
	}
}

int
csv_take_row(struct csv_text *t, struct slice *cells, size_t max, size_t *ret_count, struct arena *arena,
	     struct fault *f)
{
	size_t count = 0;
	skip_blank_rows(t);
	if (t->rest.n == 0)
		return 0;
	for (;;) {
		struct slice cell;
		int r = take_cell(t, &cell, arena, f);
		if (r < 0)
			return r;
		if (count < max)
			cells[count] = cell;
		count++;
		if (take_end(&t->rest))
			break;
		if (t->rest.p[0] != ',')
			return fault_set(f, ERR_BAD_SYNTAX, "row %u: something stands after a closing quote",
					 t->row);
		skip(&t->rest, 1);
		/* A comma at the very end is followed by one more cell, an empty one. */
	}
	*ret_count = count;
	return 1;
}

void
csv_put_cell(struct buf *out, struct slice cell)
{
	bool quotes = cell.n && (cell.p[0] == ' ' || cell.p[cell.n - 1] == ' ' || cell.p[0] == '\t');
	for (size_t i = 0; i < cell.n && !quotes; i++)
		quotes = cell.p[i] == ',' || cell.p[i] == '"' || cell.p[i] == '\n' || cell.p[i] == '\r';
	if (!quotes) {
		buf_append_slice(out, cell);
		return;
	}
	buf_append_char(out, '"');
	for (size_t i = 0; i < cell.n; i++) {
		if (cell.p[i] == '"')
			buf_append_char(out, '"');
		buf_append_char(out, cell.p[i]);
	}
	buf_append_char(out, '"');
}
