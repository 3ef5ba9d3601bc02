#include <stdlib.h>
#include <wchar.h>

#include "cli.h"

#define GAP 2

struct table {
	struct buf cells; /* text NUL text NUL ... */
	size_t *widths;   /* by column */
	size_t columns, column;
	struct buf row_ends; /* per row: the number of its cells, as one byte */
};

struct table *
table_new(void)
{
	return calloc(1, sizeof(struct table));
}

void
table_free(struct table *t)
{
	if (!t)
		return;
	buf_release(&t->cells);
	buf_release(&t->row_ends);
	free(t->widths);
	free(t);
}

size_t
display_width(struct slice s)
{
	mbstate_t state = {0};
	size_t width = 0;
	while (s.n) {
		wchar_t c;
		size_t n = mbrtowc(&c, s.p, s.n, &state);
		if (n == 0 || n > s.n)
			return width + s.n;
		int w = wcwidth(c);
		width += w > 0 ? (size_t)w : 0;
		s = (struct slice){s.p + n, s.n - n};
	}
	return width;
}

/* Control characters would break the lines. */
static void
append_clean(struct buf *b, struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_append_char(b, (unsigned char)s.p[i] < ' ' || s.p[i] == 0x7F ? ' ' : s.p[i]);
}

void
table_cell(struct table *t, struct slice cell)
{
	if (t->column == t->columns) {
		size_t *wider = realloc(t->widths, (t->columns + 1) * sizeof(*wider));
		if (!wider)
			return;
		t->widths = wider;
		t->widths[t->columns++] = 0;
	}
	size_t begin = t->cells.n;
	append_clean(&t->cells, cell);
	size_t width = display_width((struct slice){t->cells.p + begin, t->cells.n - begin});
	if (width > t->widths[t->column])
		t->widths[t->column] = width;
	buf_append_char(&t->cells, '\0');
	t->column++;
}

void
table_end_row(struct table *t)
{
	buf_append_char(&t->row_ends, (char)t->column);
	t->column = 0;
}

void
table_print(const struct table *t, FILE *to)
{
	const char *cell = t->cells.p;
	if (t->cells.error || t->row_ends.error) {
		fputs("out of memory for the table\n", stderr);
		return;
	}
	for (size_t row = 0; row < t->row_ends.n; row++) {
		size_t count = (unsigned char)t->row_ends.p[row];
		size_t owed = 0; /* blanks before the next cell that is not empty */
		for (size_t i = 0; i < count; i++) {
			struct slice s = slice_of(cell);
			if (s.n)
				fprintf(to, "%*s%s", (int)owed, "", cell);
			owed = (s.n ? 0 : owed) + t->widths[i] - display_width(s) + GAP;
			cell += s.n + 1;
		}
		fputc('\n', to);
	}
}
