/* Timestamp and FieldMask as text. */
#include "value.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/date.h"
#include "shown.h"

#define SECONDS_PER_DAY 86400
#define SECONDS_MIN     (-62135596800LL) /* 0001-01-01T00:00:00Z */
#define SECONDS_MAX     253402300799LL   /* 9999-12-31T23:59:59Z */

/* As many digits as JSON's mapping gives: none, three, six or nine. */
static void
print_fraction(struct buf *out, uint32_t nanos)
{
	if (nanos == 0)
		return;
	if (nanos % 1000000 == 0)
		buf_printf(out, ".%03" PRIu32, nanos / 1000000);
	else if (nanos % 1000 == 0)
		buf_printf(out, ".%06" PRIu32, nanos / 1000);
	else
		buf_printf(out, ".%09" PRIu32, nanos);
}

void
instant_print(struct buf *out, struct slice timestamp)
{
	int64_t seconds = (int64_t)wire_uint(timestamp, 1);
	uint32_t nanos = (uint32_t)wire_uint(timestamp, 2) % 1000000000;
	if (seconds < SECONDS_MIN || seconds > SECONDS_MAX)
		seconds = SECONDS_MIN;
	int64_t days = seconds / SECONDS_PER_DAY - (seconds % SECONDS_PER_DAY < 0);
	int64_t rest = seconds - days * SECONDS_PER_DAY;
	char date[DATE_LEN];
	date_format(date, (day)days);
	buf_printf(out, "%sT%02d:%02d:%02d", date, (int)(rest / 3600), (int)(rest / 60 % 60),
		   (int)(rest % 60));
	print_fraction(out, nanos);
	buf_append_char(out, 'Z');
}

/* Takes ".123456789" off the front; false if it is a point without one to nine digits. */
static bool
take_fraction(struct slice *s, uint32_t *ret)
{
	uint32_t nanos = 0, scale = 100000000;
	size_t n = 1;
	*ret = 0;
	if (s->n == 0 || s->p[0] != '.')
		return true;
	for (; n < s->n && s->p[n] >= '0' && s->p[n] <= '9' && scale; n++, scale /= 10)
		nanos += (uint32_t)(s->p[n] - '0') * scale;
	*ret = nanos;
	*s = (struct slice){s->p + n, s->n - n};
	return n > 1;
}

bool
instant_parse(struct slice *ret, struct slice text, struct arena *arena)
{
	/* time_parse knows dates and offsets; what it drops beyond milliseconds is read here. */
	char whole[40];
	msec t;
	uint32_t nanos;
	if (text.n < 20 || text.n > 40)
		return false;
	struct slice rest = {text.p + 19, text.n - 19};
	if (!take_fraction(&rest, &nanos) || rest.n > 6)
		return false;
	memcpy(whole, text.p, 19);
	memcpy(whole + 19, rest.p, rest.n);
	if (!time_parse((struct slice){whole, 19 + rest.n}, &t))
		return false;
	int64_t seconds = t / 1000;
	if (seconds < SECONDS_MIN || seconds > SECONDS_MAX)
		return false;
	char space[32];
	struct buf b = {.p = space, .cap = sizeof(space), .max = sizeof(space)};
	wire_put_uint(&b, 1, (uint64_t)seconds);
	wire_put_uint(&b, 2, nanos);
	*ret = arena_copy(arena, buf_slice(&b));
	return true;
}

void
mask_print(struct buf *out, struct slice mask, bool camel)
{
	struct wire_field path;
	bool first = true;
	while (wire_next(&mask, &path) == 1) {
		if (path.number != 1 || path.type != WIRE_LEN)
			continue;
		if (!first)
			buf_append_char(out, ',');
		first = false;
		for (size_t i = 0; i < path.bytes.n; i++) {
			char c = path.bytes.p[i];
			if (camel && c == '_' && i + 1 < path.bytes.n) {
				c = path.bytes.p[++i];
				c = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
			}
			buf_append_char(out, c);
		}
	}
}

static bool
snake_path(struct buf *out, struct slice path, bool camel)
{
	for (size_t i = 0; i < path.n; i++) {
		char c = path.p[i];
		bool upper = c >= 'A' && c <= 'Z';
		bool under = c == '_' || c == '-';
		bool other = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '*';
		if (camel ? !upper && !other : !under && !other)
			return false;
		if (upper)
			buf_append_char(out, '_');
		buf_append_char(out, upper ? (char)(c - 'A' + 'a') : under ? '_' : c);
	}
	return !out->error && wire_mask_path_valid(buf_slice(out));
}

int
mask_parse(struct slice *ret, struct slice text, bool camel, struct arena *arena, struct fault *f)
{
	struct buf mask = {0}, path = {0};
	struct slice word;
	int r = 0;
	for (bool more = text.n > 0; more && r == 0;) {
		more = slice_cut(&text, ',', &word);
		if (!more)
			word = text;
		word = slice_trim(word);
		buf_clear(&path);
		if (!snake_path(&path, word, camel))
			r = fault_set(f, ERR_INVALID_FIELD, "'%s' is not a path of fields", show(word).text);
		wire_put_bytes(&mask, 1, buf_slice(&path));
	}
	if (r == 0 && (mask.error || path.error))
		r = fault_set(f, ERR_NO_MEMORY, "out of memory");
	if (r == 0)
		*ret = arena_copy(arena, buf_slice(&mask));
	buf_release(&mask);
	buf_release(&path);
	return r;
}
