#include "text.h"

#define JSON_DEPTH_MAX  64
#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

static bool
skip_blank(struct slice *s)
{
	if (s->n == 0 || (s->p[0] != ' ' && s->p[0] != '\t' && s->p[0] != '\r' && s->p[0] != '\n'))
		return false;
	*s = (struct slice){s->p + 1, s->n - 1};
	return true;
}

/* May stand after the end, and says nothing anywhere. */
static bool
is_idle_line(struct slice line)
{
	line = slice_trim(line);
	return line.n == 0 || line.p[0] == '#';
}

static bool
is_submit_line(struct slice line)
{
	return line.n && line.p[0] == 's' && slice_is(slice_trim(line), "submit");
}

/* Could be a line of a request: a section or key=value. */
static bool
is_request_line(struct slice line)
{
	line = slice_trim(line);
	return line.n && ((line.p[0] == '[' && line.p[line.n - 1] == ']') || memchr(line.p, '=', line.n));
}

static enum text_state
scan_lines(struct slice text, struct slice *ret_body)
{
	struct slice rest = text, line;
	while (slice_cut(&rest, '\n', &line)) {
		if (is_submit_line(line)) {
			*ret_body = (struct slice){text.p, (size_t)(line.p - text.p)};
			break;
		}
		if (!is_idle_line(line) && !is_request_line(line))
			return TEXT_GARBAGE;
	}
	if (!ret_body->p)
		return TEXT_INCOMPLETE;
	while (slice_cut(&rest, '\n', &line))
		if (!is_idle_line(line))
			return TEXT_GARBAGE;
	return is_idle_line(rest) ? TEXT_COMPLETE : TEXT_GARBAGE;
}

struct json_scan {
	uint64_t is_array; /* a bit for each bracket that is open */
	unsigned depth;
	bool in_string, escaped;
};

/* Takes one byte; false if no JSON can have it here. */
static bool
json_byte(struct json_scan *j, char c)
{
	if (j->in_string) {
		if ((unsigned char)c < 0x20)
			return false;
		if (j->escaped)
			j->escaped = false;
		else if (c == '\\')
			j->escaped = true;
		else if (c == '"')
			j->in_string = false;
		return true;
	}
	if (c == '"') {
		j->in_string = true;
	} else if (c == '{' || c == '[') {
		if (j->depth++ == JSON_DEPTH_MAX)
			return false;
		j->is_array = j->is_array << 1 | (c == '[');
	} else if (c == '}' || c == ']') {
		if ((j->is_array & 1) != (c == ']'))
			return false;
		j->is_array >>= 1;
		j->depth--;
	}
	return true;
}

static enum text_state
scan_json(struct slice text, struct slice *ret_body)
{
	struct json_scan j = {0};
	struct slice rest = text;
	while (skip_blank(&rest))
		;
	if (rest.n == 0)
		return TEXT_INCOMPLETE;
	if (rest.p[0] != '{')
		return TEXT_GARBAGE;
	size_t i = 0;
	do {
		if (!json_byte(&j, rest.p[i++]))
			return TEXT_GARBAGE;
	} while (j.depth && i < rest.n);
	if (j.depth)
		return TEXT_INCOMPLETE;
	rest = (struct slice){rest.p + i, rest.n - i};
	*ret_body = (struct slice){text.p, (size_t)(rest.p - text.p)};
	while (skip_blank(&rest))
		;
	return rest.n ? TEXT_GARBAGE : TEXT_COMPLETE;
}

enum text_state
text_scan(struct slice text, bool is_json, struct slice *ret_body)
{
	struct slice body = {0};
	if (!utf8_valid((struct slice){text.p, utf8_whole(text)}) || (text.n && memchr(text.p, '\0', text.n)))
		return TEXT_GARBAGE;
	if (text.n < 3 && slice_starts(SLICE(BYTE_ORDER_MARK), text))
		return TEXT_INCOMPLETE;
	if (slice_starts(text, SLICE(BYTE_ORDER_MARK)))
		text = (struct slice){text.p + 3, text.n - 3};
	enum text_state state = is_json ? scan_json(text, &body) : scan_lines(text, &body);
	/* A character cut short after the end can only be more of what may not stand there, or of a comment.
	 */
	if (state == TEXT_COMPLETE && ret_body)
		*ret_body = body;
	return state;
}
