#include "line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void
line_release(struct line_file *l)
{
	buf_release(&l->rest);
	buf_release(&l->answers);
}

int
line_next(struct line_file *l, struct slice *data, struct slice *ret)
{
	struct slice head;
	bool whole = slice_cut(data, '\n', &head);
	if (!whole) {
		head = *data;
		data->n = 0;
	}
	if (l->rest.n + head.n > LINE_MAX_BYTES)
		return -EFBIG;
	if (whole && l->rest.n == 0) {
		*ret = head;
		return 1;
	}
	buf_append_slice(&l->rest, head);
	if (l->rest.error)
		return -ENOMEM;
	*ret = buf_slice(&l->rest);
	return whole;
}

void
line_done(struct line_file *l)
{
	buf_clear(&l->rest);
}

void
line_answer(struct line_file *l, const char *fmt, ...)
{
	char text[2304]; /* box_result.error is the longest */
	va_list args;
	if (l->answers.n > LINE_MAX_BYTES)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	buf_append_str(&l->answers, text);
}

size_t
line_read(struct line_file *l, char *out, size_t n)
{
	n = n < l->answers.n ? n : l->answers.n;
	if (n)
		memcpy(out, l->answers.p, n);
	buf_consume(&l->answers, n);
	return n;
}

bool
line_is_comment(struct slice line)
{
	line = slice_trim(line);
	return line.n && line.p[0] == '#';
}
