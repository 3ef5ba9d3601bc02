#include "observe/exposition.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* HELP texts escape \ and the newline, label values " too. */
static void
put_escaped(struct buf *out, struct slice s, bool quotes)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n')
			buf_append_str(out, "\\n");
		else if (s.p[i] == '\\' || (quotes && s.p[i] == '"'))
			buf_printf(out, "\\%c", s.p[i]);
		else
			buf_append_char(out, s.p[i]);
	}
}

void
exposition_family(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s ", name);
	put_escaped(out, slice_of(help), false);
	buf_printf(out, "\n# TYPE %s %s\n", name, type);
}

void
exposition_number(struct buf *out, double value)
{
	char text[32];
	if (isinf(value) || isnan(value)) {
		buf_append_str(out, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
		return;
	}
	if (fabs(value) < 1e15 && value == floor(value)) {
		buf_printf(out, "%.0f", value);
		return;
	}
	for (int digits = 6; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	buf_append_str(out, text);
}

void
exposition_sample(struct buf *out, const char *name, const char *suffix, const struct label *labels,
		  size_t label_count, double value)
{
	buf_append_str(out, name);
	buf_append_str(out, suffix);
	for (size_t i = 0; i < label_count; i++) {
		buf_append_char(out, i ? ',' : '{');
		buf_append_str(out, labels[i].name);
		buf_append_str(out, "=\"");
		put_escaped(out, labels[i].value, true);
		buf_append_char(out, '"');
	}
	buf_append_str(out, label_count ? "} " : " ");
	exposition_number(out, value);
	buf_append_char(out, '\n');
}

void
histogram_add(struct histogram *h, const double *bounds, size_t n, double value)
{
	size_t i = 0;
	while (i < n && value > bounds[i])
		i++;
	h->counts[i]++;
	h->sum += value;
}

void
exposition_histogram(struct buf *out, const char *name, struct label *labels, size_t label_count,
		     const struct histogram *h, const double *bounds, size_t n)
{
	uint64_t total = 0;
	struct buf bound = {0};
	for (size_t i = 0; i <= n; i++) {
		total += h->counts[i];
		buf_clear(&bound);
		exposition_number(&bound, i < n ? bounds[i] : INFINITY);
		labels[label_count] = (struct label){"le", buf_slice(&bound)};
		exposition_sample(out, name, "_bucket", labels, label_count + 1, (double)total);
	}
	buf_release(&bound);
	exposition_sample(out, name, "_sum", labels, label_count, h->sum);
	exposition_sample(out, name, "_count", labels, label_count, (double)total);
}
