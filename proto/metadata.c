#include "status.h"

#include <inttypes.h>
#include <stdio.h>

#define TIMEOUT_DIGITS 8
#define TIMEOUT_MAX    99999999

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool
timeout_parse(struct slice s, int64_t *ret_ms)
{
	uint64_t v;
	if (s.n < 2 || s.n > TIMEOUT_DIGITS + 1 || !slice_to_u64((struct slice){s.p, s.n - 1}, &v))
		return false;
	int64_t n = (int64_t)v;
	switch (s.p[s.n - 1]) {
	case 'H':
		*ret_ms = n * 3600 * 1000;
		return true;
	case 'M':
		*ret_ms = n * 60 * 1000;
		return true;
	case 'S':
		*ret_ms = n * 1000;
		return true;
	case 'm':
		*ret_ms = n;
		return true;
	case 'u':
		*ret_ms = (n + 999) / 1000;
		return true;
	case 'n':
		*ret_ms = (n + 999999) / 1000000;
		return true;
	default:
		return false;
	}
}

void
timeout_format(char dst[12], int64_t ms)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = {{'m', 1}, {'S', 1000}, {'M', 60 * 1000}, {'H', 3600 * 1000}};
	ms = ms < 0 ? 0 : ms;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		int64_t n = ms / units[i].ms + (ms % units[i].ms > 0);
		if (n > TIMEOUT_MAX && i + 1 < sizeof(units) / sizeof(units[0]))
			continue;
		snprintf(dst, 12, "%d%c", (int)(n < TIMEOUT_MAX ? n : TIMEOUT_MAX), units[i].unit);
		return;
	}
}

void
percent_encode(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool at_end = i == 0 || i + 1 == s.n;
		if (c >= 0x20 && c <= 0x7E && c != '%' && !(c == ' ' && at_end))
			buf_append_char(out, (char)c);
		else
			buf_printf(out, "%%%02X", c);
	}
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void
percent_decode(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		int hi = -1, lo = -1;
		if (s.p[i] == '%' && s.n - i > 2) {
			hi = hex_value(s.p[i + 1]);
			lo = hex_value(s.p[i + 2]);
		}
		if (hi < 0 || lo < 0) {
			buf_append_char(out, s.p[i]);
			continue;
		}
		buf_append_char(out, (char)(hi << 4 | lo));
		i += 2;
	}
}

void
base64_encode(struct buf *out, struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	for (size_t i = 0; i < s.n; i += 3) {
		size_t have = s.n - i < 3 ? s.n - i : 3;
		uint32_t bits = (uint32_t)p[i] << 16;
		bits |= have > 1 ? (uint32_t)p[i + 1] << 8 : 0;
		bits |= have > 2 ? p[i + 2] : 0;
		for (size_t k = 0; k <= have; k++)
			buf_append_char(out, base64_alphabet[bits >> (18 - 6 * k) & 63]);
	}
}

static int
base64_value(char c)
{
	const char *at = c ? strchr(base64_alphabet, c) : NULL;
	return at ? (int)(at - base64_alphabet) : -1;
}

bool
base64_decode(struct buf *out, struct slice s)
{
	size_t start = out->n;
	if (s.n % 4 == 0)
		for (int i = 0; i < 2 && s.n && s.p[s.n - 1] == '='; i++)
			s.n--;
	uint32_t bits = 0;
	for (size_t i = 0; i < s.n; i++) {
		int v = base64_value(s.p[i]);
		if (v < 0 || s.n % 4 == 1) {
			out->n = start;
			return false;
		}
		bits = bits << 6 | (uint32_t)v;
		if (i % 4 > 0)
			buf_append_char(out, (char)(bits >> (6 - 2 * (i % 4))));
	}
	return true;
}
