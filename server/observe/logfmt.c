#include "observe/logfmt.h"

#include <inttypes.h>
#include <stdio.h>

static bool
is_bare(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == '=')
			return false;
	return s.n > 0;
}

/* Bytes of the character at the start of s, and which it is; 0 where it is not UTF-8. */
static size_t
take_char(struct slice s, uint32_t *ret)
{
	static const uint32_t lead_mask[5] = {0, 0x7F, 0x1F, 0x0F, 0x07};
	unsigned char lead = (unsigned char)s.p[0];
	size_t n = lead < 0x80 ? 1 : lead < 0xC0 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
	if (n == 0 || n > s.n || !utf8_valid((struct slice){s.p, n}))
		return 0;
	uint32_t c = lead & lead_mask[n];
	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)s.p[i] & 0x3F);
	*ret = c;
	return n;
}

/* Characters that would end the line, or make it look like another. */
static bool
is_dangerous(uint32_t c)
{
	return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x061C || c == 0x200E || c == 0x200F ||
	       c == 0x2028 || c == 0x2029 || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) ||
	       c == 0xFEFF;
}

static void
put_char(struct buf *b, struct slice bytes, uint32_t c)
{
	switch (c) {
	case '"':
	case '\\':
		buf_append_char(b, '\\');
		buf_append_char(b, (char)c);
		return;
	case '\n':
		buf_append_str(b, "\\n");
		return;
	case '\r':
		buf_append_str(b, "\\r");
		return;
	case '\t':
		buf_append_str(b, "\\t");
		return;
	default:
		if (is_dangerous(c))
			buf_printf(b, "\\u%04" PRIx32, c);
		else
			buf_append_slice(b, bytes);
	}
}

static void
put_quoted(struct buf *b, struct slice s)
{
	buf_append_char(b, '"');
	while (s.n) {
		uint32_t c;
		size_t n = take_char(s, &c);
		if (n)
			put_char(b, (struct slice){s.p, n}, c);
		else
			buf_append_str(b, "\xEF\xBF\xBD");
		n = n ? n : 1;
		s.p += n;
		s.n -= n;
	}
}

static void
begin(struct buf *b, const char *key)
{
	if (b->n)
		buf_append_char(b, ' ');
	buf_append_str(b, key);
	buf_append_char(b, '=');
}

/* A field that did not fit is taken back. */
static void
end(struct buf *b, size_t start)
{
	if (!b->error)
		return;
	b->n = start;
	b->error = 0;
}

void
logfmt_text(struct buf *b, const char *key, struct slice value)
{
	size_t start = b->n;
	bool cut = value.n > LOGFMT_VALUE_MAX;
	if (cut)
		value.n = utf8_whole((struct slice){value.p, LOGFMT_VALUE_MAX});
	begin(b, key);
	if (is_bare(value)) {
		buf_append_slice(b, value);
		buf_append_str(b, cut ? "..." : "");
	} else {
		put_quoted(b, value);
		buf_append_str(b, cut ? "...\"" : "\"");
	}
	end(b, start);
}

void
logfmt_number(struct buf *b, const char *key, uint64_t value)
{
	char digits[24], *p = digits + sizeof(digits);
	size_t start = b->n;
	do
		*--p = (char)('0' + value % 10);
	while ((value /= 10) != 0);
	begin(b, key);
	buf_append(b, p, (size_t)(digits + sizeof(digits) - p));
	end(b, start);
}

void
logfmt_ms(struct buf *b, const char *key, int64_t ns)
{
	size_t start = b->n;
	uint64_t us = ns > 0 ? (uint64_t)ns / 1000 : 0;
	logfmt_number(b, key, us / 1000);
	char rest[4] = {'.', (char)('0' + us / 100 % 10), (char)('0' + us / 10 % 10), (char)('0' + us % 10)};
	if (b->n == start)
		return;
	buf_append(b, rest, sizeof(rest));
	end(b, start);
}
