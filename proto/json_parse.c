#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "draft.h"
#include "json.h"
#include "json_place.h"
#include "shown.h"
#include "status.h"

#define DEPTH_MAX       16
#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

struct reader {
	struct slice text;
	struct arena *arena;
	struct fault *fault;
};

static int __attribute__((format(printf, 4, 5)))
refuse(struct reader *r, const struct json_step *at, int code, const char *fmt, ...)
{
	char text[400];
	struct buf path = {0};
	if (!r->fault)
		return code;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_path(&path, at);
	struct shown where = show(buf_slice(&path));
	fault_set(r->fault, code, "line %u: %s%s%s", json_line(r->text, at), where.text, path.n ? ": " : "",
		  text);
	fault_add(r->fault, code, where.text, "%s", text);
	buf_release(&path);
	return code;
}

static const char *
type_name(const json_t *j)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
		[JSON_INTEGER] = "a number", [JSON_REAL] = "a number",  [JSON_TRUE] = "true",
		[JSON_FALSE] = "false",      [JSON_NULL] = "null",
	};
	return names[json_typeof(j)];
}

static int
wrong_type(struct reader *r, const struct json_step *at, const json_t *j, const char *want)
{
	return refuse(r, at, ERR_INVALID_FIELD, "%s stands where %s belongs", type_name(j), want);
}

static struct slice
string_of(const json_t *j)
{
	return (struct slice){json_string_value(j), json_string_length(j)};
}

static int
no_memory(struct reader *r)
{
	return fault_set(r->fault, ERR_NO_MEMORY, "out of memory");
}

/* A number or string as value_parse takes it; false: another type, or not whole. */
static bool
number_text(struct slice *ret, const json_t *j, char space[32])
{
	double d = json_is_real(j) ? json_real_value(j) : 0;
	if (json_is_string(j)) {
		*ret = string_of(j);
		return true;
	}
	if (json_is_real(j) && (d != trunc(d) || fabs(d) > 9007199254740992.0))
		return false;
	if (!json_is_number(j))
		return false;
	long long v = json_is_real(j) ? (long long)d : (long long)json_integer_value(j);
	*ret = (struct slice){space, (size_t)snprintf(space, 32, "%lld", v)};
	return true;
}

static bool
double_value(uint64_t *ret, const json_t *j)
{
	char *end;
	if (json_is_number(j)) {
		*ret = double_bits(json_number_value(j));
		return true;
	}
	const char *s = json_string_value(j);
	if (!s || !s[0])
		return false;
	*ret = double_bits(strtod(s, &end));
	return *end == '\0';
}

/* Both alphabets, with padding or without. */
static bool
bytes_value(struct slice *ret, const json_t *j, struct arena *arena)
{
	struct buf b = {0};
	char *text = json_is_string(j) ? arena_dup_slice(arena, string_of(j)) : NULL;
	if (!text)
		return false;
	for (char *p = text; *p; p++)
		*p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
	bool ok = base64_decode(&b, slice_of(text)) && !b.error;
	if (ok)
		*ret = arena_copy(arena, buf_slice(&b));
	buf_release(&b);
	return ok;
}

static int
known_value(struct reader *r, const struct json_step *at, const struct message_desc *m, const json_t *j,
	    struct value *ret)
{
	struct fault f = {0};
	if (!json_is_string(j))
		return wrong_type(r, at, j, "a string");
	if (m->well_known == WELL_KNOWN_FIELD_MASK) {
		int code = mask_parse(&ret->bytes, string_of(j), true, r->arena, &f);
		return code < 0 ? refuse(r, at, code, "%s", f.text) : 0;
	}
	if (instant_parse(&ret->bytes, string_of(j), r->arena))
		return 0;
	return refuse(r, at, ERR_INVALID_FIELD, "'%s' is not an instant such as 2026-03-02T09:30:00Z",
		      show(string_of(j)).text);
}

static int
read_scalar(struct reader *r, const struct json_step *at, const struct field_desc *field, const json_t *j,
	    struct value *ret)
{
	char space[32];
	struct slice text;
	struct fault f = {0};
	switch (field->type) {
	case FIELD_MESSAGE:
		return known_value(r, at, field->message, j, ret);
	case FIELD_BOOL:
		ret->number = json_is_true(j);
		return json_is_boolean(j) ? 0 : wrong_type(r, at, j, "true or false");
	case FIELD_STRING:
		ret->bytes = arena_copy(r->arena, string_of(j));
		return json_is_string(j) ? 0 : wrong_type(r, at, j, "a string");
	case FIELD_BYTES:
		return bytes_value(&ret->bytes, j, r->arena) ? 0
							     : refuse(r, at, ERR_INVALID_FIELD, "not base64");
	case FIELD_DOUBLE:
		return double_value(&ret->number, j) ? 0 : wrong_type(r, at, j, "a number");
	default:
		if (!number_text(&text, j, space))
			return wrong_type(r, at, j, field->type == FIELD_ENUM ? "a name" : "a whole number");
		int code = value_parse(ret, field, text, r->arena, &f);
		return code < 0 ? refuse(r, at, code, "%s", f.text) : 0;
	}
}

static int read_object(struct reader *r, const struct json_step *at, struct draft *d, json_t *j,
		       unsigned depth);

static int
read_one(struct reader *r, const struct json_step *at, struct draft *d, const struct field_desc *field,
	 json_t *j, unsigned depth)
{
	struct draft_item *item = draft_add(d, field, 0, r->arena);
	if (!item)
		return no_memory(r);
	if (item->child)
		return read_object(r, at, item->child, j, depth + 1);
	return read_scalar(r, at, field, j, &item->value);
}

static int
read_array(struct reader *r, const struct json_step *at, struct draft *d, const struct field_desc *field,
	   json_t *j, unsigned depth)
{
	size_t i;
	json_t *element;
	if (!json_is_array(j))
		return wrong_type(r, at, j, "an array");
	json_array_foreach(j, i, element)
	{
		struct json_step here = {.up = at, .index = i};
		if (json_is_null(element))
			return wrong_type(r, &here, element, "a value");
		int code = read_one(r, &here, d, field, element, depth);
		if (code < 0)
			return code;
	}
	return 0;
}

static int
read_map(struct reader *r, const struct json_step *at, struct draft *d, const struct field_desc *field,
	 json_t *j)
{
	const char *key;
	json_t *value;
	if (!json_is_object(j))
		return wrong_type(r, at, j, "an object");
	if (json_object_size(j) > (size_t)WIRE_MAP_ENTRIES_MAX)
		return refuse(r, at, ERR_INVALID_FIELD, "more than %zu entries",
			      (size_t)WIRE_MAP_ENTRIES_MAX);
	json_object_foreach(j, key, value)
	{
		struct json_step here = {.up = at, .key = key};
		if (!json_is_string(value))
			return wrong_type(r, &here, value, "a string");
		struct draft_item *item = draft_add(d, field, 0, r->arena);
		if (!item)
			return no_memory(r);
		item->key = arena_copy(r->arena, slice_of(key));
		item->value.bytes = arena_copy(r->arena, string_of(value));
	}
	return 0;
}

static int
unknown_member(struct reader *r, const struct json_step *at, const struct message_desc *m)
{
	const char *best = NULL;
	struct slice key = slice_of(at->key);
	size_t limit = key.n / 3 + 2;
	for (size_t i = 0; i < m->count; i++) {
		size_t distance = edit_distance(key, slice_of(m->fields[i].json_name));
		if (distance >= limit)
			continue;
		limit = distance;
		best = m->fields[i].json_name;
	}
	if (best)
		return refuse(r, at, ERR_UNKNOWN_FIELD, "there is no such field; did you mean %s?", best);
	return refuse(r, at, ERR_UNKNOWN_FIELD, "%s has no such field", m->name);
}

static int
read_member(struct reader *r, const struct json_step *at, struct draft *d, json_t *j, unsigned depth)
{
	const struct field_desc *field = field_by_name(d->message, slice_of(at->key));
	if (!field)
		return unknown_member(r, at, d->message);
	if (json_is_null(j))
		return 0;
	if (draft_at(d, field)->count)
		return refuse(r, at, ERR_INVALID_FIELD, "given under two names");
	const struct field_desc *rival = draft_rival(d, field);
	if (rival)
		return refuse(r, at, ERR_INVALID_FIELD, "stands beside %s, which excludes it",
			      rival->json_name);
	if (field->label == LABEL_MAP)
		return read_map(r, at, d, field, j);
	if (field->label == LABEL_REPEATED)
		return read_array(r, at, d, field, j, depth);
	return read_one(r, at, d, field, j, depth);
}

static int
read_object(struct reader *r, const struct json_step *at, struct draft *d, json_t *j, unsigned depth)
{
	const char *key;
	json_t *value;
	if (!json_is_object(j))
		return wrong_type(r, at, j, "an object");
	if (depth > DEPTH_MAX)
		return refuse(r, at, ERR_INVALID_ARGUMENT, "nested deeper than %d", DEPTH_MAX);
	json_object_foreach(j, key, value)
	{
		struct json_step here = {.up = at, .key = key};
		int code = read_member(r, &here, d, value, depth);
		if (code < 0)
			return code;
	}
	return 0;
}

static int
read_root(struct reader *r, struct buf *out, const struct message_desc *m, json_t *root)
{
	struct value v = {0};
	struct draft *d = draft_new(r->arena, m);
	if (!d)
		return no_memory(r);
	int code = m->well_known != WELL_KNOWN_NONE ? known_value(r, NULL, m, root, &v)
						    : read_object(r, NULL, d, root, 1);
	if (code < 0)
		return code;
	if (r->arena->failed)
		return no_memory(r);
	size_t before = out->n;
	if (m->well_known != WELL_KNOWN_NONE)
		buf_append_slice(out, v.bytes);
	else
		draft_write(out, d);
	if (out->error)
		out->n = before;
	return out->error;
}

int
json_parse(struct buf *out, const struct message_desc *m, struct slice text, struct fault *f)
{
	if (slice_starts(text, SLICE(BYTE_ORDER_MARK)))
		text = (struct slice){text.p + 3, text.n - 3};
	struct arena arena = {0};
	struct reader r = {text, &arena, f};
	json_error_t error;
	size_t any = m->well_known != WELL_KNOWN_NONE ? JSON_DECODE_ANY : 0;
	json_t *root = json_loadb(text.n ? text.p : "", text.n, JSON_REJECT_DUPLICATES | any, &error);
	if (!root)
		return fault_set(f, ERR_BAD_SYNTAX, "line %d: %s", error.line < 1 ? 1 : error.line,
				 show(slice_of(error.text)).text);
	int code = read_root(&r, out, m, root);
	json_decref(root);
	arena_release(&arena);
	return code;
}
