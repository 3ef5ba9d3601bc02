#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

#define PRINT_SMALL 256 /* bytes of text that are printed in one go */
#define BUF_FIRST   256

int
slice_compare(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;
	if (c != 0)
		return c;
	return a.n < b.n ? -1 : a.n > b.n;
}

uint64_t
slice_hash(uint64_t h, struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
	return h;
}

bool
slice_cut(struct slice *s, char c, struct slice *ret_head)
{
	const char *at = s->n ? memchr(s->p, c, s->n) : NULL;
	if (!at)
		return false;
	size_t n = (size_t)(at - s->p);
	*ret_head = (struct slice){s->p, n};
	*s = (struct slice){at + 1, s->n - n - 1};
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

struct slice
slice_trim(struct slice s)
{
	while (s.n && is_blank(s.p[0]))
		s.p++, s.n--;
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool
slice_to_u64(struct slice s, uint64_t *ret)
{
	uint64_t v = 0;
	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned)(unsigned char)s.p[i] - '0';
		if (d > 9 || v > UINT64_MAX / 10 || v * 10 > UINT64_MAX - d)
			return false;
		v = v * 10 + d;
	}
	*ret = v;
	return true;
}

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void
buf_release(struct buf *b)
{
	free(b->p);
	*b = (struct buf){.max = b->max};
}

void
buf_clear(struct buf *b)
{
	b->n = 0;
	b->error = 0;
}

char *
buf_reserve(struct buf *b, size_t n)
{
	if (b->error)
		return NULL;
	if ((b->max && (n > b->max || b->n > b->max - n)) || n > SIZE_MAX / 4) {
		b->error = ERR_MESSAGE_TOO_LARGE;
		return NULL;
	}
	if (b->cap - b->n >= n && b->p)
		return b->p + b->n;
	size_t cap = b->cap ? b->cap : BUF_FIRST;
	while (cap - b->n < n)
		cap *= 2;
	char *p = realloc(b->p, cap);
	if (!p) {
		b->error = ERR_NO_MEMORY;
		return NULL;
	}
	b->p = p;
	b->cap = cap;
	return p + b->n;
}

void
buf_append(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	/* As a rule there is room. */
	bool fits = b->p && b->cap - b->n >= n && !b->error && !b->max;
	char *at = fits ? b->p + b->n : buf_reserve(b, n);
	if (!at)
		return;
	memcpy(at, p, n);
	b->n += n;
}

void
buf_append_slice(struct buf *b, struct slice s)
{
	buf_append(b, s.p, s.n);
}

void
buf_append_str(struct buf *b, const char *s)
{
	buf_append(b, s, strlen(s));
}

void
buf_append_char(struct buf *b, char c)
{
	buf_append(b, &c, 1);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	char small[PRINT_SMALL];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->error = ERR_INTERNAL;
		return;
	}
	char *at = buf_reserve(b, (size_t)n + 1);
	if (!at)
		return;
	if ((size_t)n < sizeof(small)) {
		memcpy(at, small, (size_t)n + 1);
	} else {
		va_start(ap, fmt);
		vsnprintf(at, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	b->n += (size_t)n;
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n >= b->n) {
		b->n = 0;
		return;
	}
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

static void
put_be(unsigned char *p, uint64_t v, size_t n)
{
	while (n--) {
		p[n] = (unsigned char)v;
		v >>= 8;
	}
}

static uint64_t
get_be(const unsigned char *p, size_t n)
{
	uint64_t v = 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static void
append_be(struct buf *b, uint64_t v, size_t n)
{
	unsigned char p[8];
	put_be(p, v, n);
	buf_append(b, p, n);
}

void
buf_append_u16be(struct buf *b, uint16_t v)
{
	append_be(b, v, 2);
}

void
buf_append_u32be(struct buf *b, uint32_t v)
{
	append_be(b, v, 4);
}

void
buf_append_u64be(struct buf *b, uint64_t v)
{
	append_be(b, v, 8);
}

uint16_t
get_u16be(const void *p)
{
	return (uint16_t)get_be(p, 2);
}

uint32_t
get_u32be(const void *p)
{
	return (uint32_t)get_be(p, 4);
}

uint64_t
get_u64be(const void *p)
{
	return get_be(p, 8);
}

void
put_u32be(void *p, uint32_t v)
{
	put_be(p, v, 4);
}

void
put_u64be(void *p, uint64_t v)
{
	put_be(p, v, 8);
}

void
hex_encode(char *dst, const void *src, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = src;
	for (size_t i = 0; i < n; i++) {
		dst[2 * i] = digits[p[i] >> 4];
		dst[2 * i + 1] = digits[p[i] & 15];
	}
	dst[2 * n] = '\0';
}

/* One more than the digit's value; 0: no digit. */
static const unsigned char hex_digits[256] = {
	['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
	['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

bool
hex_decode(void *dst, size_t n, struct slice s)
{
	unsigned char *out = dst;
	if (s.n != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned hi = hex_digits[(unsigned char)s.p[2 * i]],
			 lo = hex_digits[(unsigned char)s.p[2 * i + 1]];
		if (!hi || !lo)
			return false;
		if (out)
			out[i] = (unsigned char)((hi - 1) << 4 | (lo - 1));
	}
	return true;
}

/* Length of the character that begins at p, by its lead byte; 0: no lead byte. */
static size_t
utf8_length(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xC2 && lead <= 0xDF)
		return 2;
	if (lead >= 0xE0 && lead <= 0xEF)
		return 3;
	return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

bool
utf8_valid(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	for (size_t i = 0; i < s.n;) {
		size_t n = utf8_length(p[i]);
		if (n == 0 || n > s.n - i)
			return false;
		for (size_t k = 1; k < n; k++)
			if ((p[i + k] & 0xC0) != 0x80)
				return false;
		if ((p[i] == 0xE0 && p[i + 1] < 0xA0) || (p[i] == 0xED && p[i + 1] > 0x9F) ||
		    (p[i] == 0xF0 && p[i + 1] < 0x90) || (p[i] == 0xF4 && p[i + 1] > 0x8F))
			return false;
		i += n;
	}
	return true;
}

size_t
utf8_whole(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	for (size_t back = 1; back <= 3 && back <= s.n; back++) {
		unsigned char c = p[s.n - back];
		if ((c & 0xC0) == 0x80)
			continue;
		return utf8_length(c) > back ? s.n - back : s.n;
	}
	return s.n;
}
