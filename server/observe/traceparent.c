#include "observe/traceparent.h"

/* Places in version 00: 2 digits, 32, 16, 2, a dash between each. */
enum { TRACE_AT = 3, PARENT_AT = 36, FLAGS_AT = 53, WHOLE = 55 };

static bool
is_zero(struct slice digits)
{
	for (size_t i = 0; i < digits.n; i++)
		if (digits.p[i] != '0')
			return false;
	return true;
}

static struct slice
part(struct slice s, size_t at, size_t n)
{
	return (struct slice){s.p + at, n};
}

bool
traceparent_parse(struct slice s, struct traceparent *ret)
{
	uint8_t version, flags;
	if (s.n < WHOLE || s.p[TRACE_AT - 1] != '-' || s.p[PARENT_AT - 1] != '-' || s.p[FLAGS_AT - 1] != '-')
		return false;
	struct slice trace = part(s, TRACE_AT, TRACE_ID_DIGITS), parent = part(s, PARENT_AT, SPAN_ID_DIGITS);
	if (!hex_decode(&version, 1, part(s, 0, 2)) || !hex_decode(NULL, TRACE_ID_DIGITS / 2, trace) ||
	    !hex_decode(NULL, SPAN_ID_DIGITS / 2, parent) || !hex_decode(&flags, 1, part(s, FLAGS_AT, 2)))
		return false;
	if (version == 0xff || is_zero(trace) || is_zero(parent))
		return false;
	if (s.n > WHOLE && (version == 0 || s.p[WHOLE] != '-'))
		return false;
	*ret = (struct traceparent){trace, parent, flags};
	return true;
}

bool
traceparent_of_call(const struct call *c, struct traceparent *ret)
{
	const void *at = NULL;
	struct slice key, value, header = {NULL, 0};
	while (call_metadata_next(c, &at, &key, &value)) {
		if (!slice_is(key, "traceparent"))
			continue;
		if (header.p)
			return false;
		header = value;
	}
	return header.p && traceparent_parse(header, ret);
}
