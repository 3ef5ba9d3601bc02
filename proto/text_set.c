#include "text_set.h"

#include <stdio.h>

#include "shown.h"

#define KEYS_LISTED_MAX 14

int
text_refuse(struct text_setter *s, int code, struct slice key, const char *fmt, ...)
{
	char text[400];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->place.line = s->line;
	snprintf(s->place.key, sizeof(s->place.key), "%s%s", s->section, show(key).text);
	const char *colon = s->place.key[0] ? ": " : "";
	if (s->line)
		fault_set(s->fault, code, "line %u: %s%s%s", s->line, s->place.key, colon, text);
	else
		fault_set(s->fault, code, "%s%s%s", s->place.key, colon, text);
	return fault_add(s->fault, code, s->place.key, "%s", text);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character that stands after a backslash; 0: none. *used: how many bytes it took. */
static char
escaped(struct slice s, bool is_key, size_t *used)
{
	*used = 1;
	switch (s.n ? s.p[0] : 0) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 's':
		return ' ';
	case '\\':
		return '\\';
	case '=':
		return is_key ? '=' : 0;
	case 'x':
		*used = 3;
		if (s.n < 3 || hex_digit(s.p[1]) < 0 || hex_digit(s.p[1]) > 7 || hex_digit(s.p[2]) < 0)
			return 0;
		return (char)(hex_digit(s.p[1]) << 4 | hex_digit(s.p[2]));
	default:
		return 0;
	}
}

int
text_unescape(struct slice *ret, struct slice s, bool is_key, struct arena *arena, struct fault *f)
{
	if (s.n == 0 || !memchr(s.p, '\\', s.n)) {
		*ret = s;
		return 0;
	}
	char *out = arena_alloc(arena, s.n);
	size_t n = 0;
	if (!out)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < s.n; i++) {
		size_t used;
		out[n] = s.p[i];
		if (s.p[i] == '\\') {
			out[n] = escaped((struct slice){s.p + i + 1, s.n - i - 1}, is_key, &used);
			if (out[n] == '\0')
				return fault_set(f, ERR_BAD_SYNTAX,
						 "a backslash stands only in \\\\ \\n \\r \\t \\s \\xHH%s",
						 is_key ? " \\=" : "");
			i += used;
		}
		n++;
	}
	*ret = (struct slice){out, n};
	return 0;
}

/* Keys that may be given: a request has no use for what the server keeps. */
static bool
is_offered(const struct text_setter *s, const struct message_desc *m, const struct field_desc *field)
{
	if (!(s->flags & TEXT_INPUT))
		return true;
	return !(field->flags & FIELD_OUTPUT_ONLY) && !(m->kind && field->number <= 4);
}

static const char *
nearest_key(const struct text_setter *s, const struct message_desc *m, struct slice key)
{
	const char *best = NULL;
	size_t limit = key.n / 3 + 2;
	for (size_t i = 0; i < m->count; i++) {
		size_t distance = edit_distance(key, slice_of(m->fields[i].text_name));
		if (!is_offered(s, m, &m->fields[i]) || distance >= limit)
			continue;
		limit = distance;
		best = m->fields[i].text_name;
	}
	return best;
}

static int
unknown_key(struct text_setter *s, const struct message_desc *m, struct slice whole, struct slice key)
{
	struct buf b = {0};
	const char *nearest = nearest_key(s, m, key);
	if (nearest)
		buf_printf(&b, "; did you mean %s?", nearest);
	size_t offered = 0;
	for (size_t i = 0; i < m->count; i++)
		offered += is_offered(s, m, &m->fields[i]);
	if (offered && offered <= KEYS_LISTED_MAX) {
		buf_append_str(&b, nearest ? " There are " : "; there are ");
		for (size_t i = 0, n = 0; i < m->count; i++)
			if (is_offered(s, m, &m->fields[i]))
				buf_printf(&b, "%s%s", n++ ? ", " : "", m->fields[i].text_name);
	}
	if (s->current != s->root && field_by_name(s->root->message, key))
		buf_append_str(&b, "; keys of the whole stand before the first [section]");
	buf_append_char(&b, '\0');
	int r = text_refuse(s, ERR_UNKNOWN_FIELD, whole, "there is no such key%s", b.error ? "" : b.p);
	buf_release(&b);
	return r;
}

static int
no_memory(struct text_setter *s)
{
	return fault_set(s->fault, ERR_NO_MEMORY, "out of memory");
}

/* The fault of a value comes without its place. */
static int
refuse_value(struct text_setter *s, struct slice key, const struct fault *f)
{
	return text_refuse(s, f->code, key, "%s", f->text);
}

static int
set_entry(struct text_setter *s, struct draft *d, const struct field_desc *field, struct slice whole,
	  struct slice key, struct slice value)
{
	struct fault f = {0};
	if (text_unescape(&key, key, true, s->arena, &f) < 0)
		return refuse_value(s, whole, &f);
	struct draft_item *item = draft_entry(d, field, key);
	if (item && s->line)
		return text_refuse(s, ERR_INVALID_FIELD, whole, "given on line %u already", item->line);
	if (item)
		return text_refuse(s, ERR_INVALID_FIELD, whole, "given twice");
	if (draft_at(d, field)->count == (size_t)WIRE_MAP_ENTRIES_MAX)
		return text_refuse(s, ERR_INVALID_FIELD, whole, "more than %zu entries",
				   (size_t)WIRE_MAP_ENTRIES_MAX);
	item = draft_add(d, field, s->line, s->arena);
	if (!item)
		return no_memory(s);
	item->key = key;
	item->value.bytes = value;
	return 0;
}

static int
check_single(struct text_setter *s, struct draft *d, const struct field_desc *field, struct slice whole)
{
	const struct draft_item *item = draft_at(d, field)->first;
	const struct field_desc *rival = draft_rival(d, field);
	if (rival)
		return text_refuse(s, ERR_INVALID_FIELD, whole, "stands beside %s, which excludes it",
				   rival->text_name);
	if (item && field->label != LABEL_REPEATED && s->line)
		return text_refuse(s, ERR_INVALID_FIELD, whole, "given on line %u already", item->line);
	if (item && field->label != LABEL_REPEATED)
		return text_refuse(s, ERR_INVALID_FIELD, whole, "given twice");
	return 0;
}

static int
set_scalar(struct text_setter *s, struct draft *d, const struct field_desc *field, struct slice whole,
	   struct slice text)
{
	struct fault f = {0};
	struct value value = {0};
	int r = check_single(s, d, field, whole);
	if (r < 0)
		return r;
	bool plain = field->type == FIELD_STRING || field->type == FIELD_BYTES;
	bool mask = field->type == FIELD_MESSAGE && field->message->well_known == WELL_KNOWN_FIELD_MASK;
	/* An empty value leaves unset what cannot be empty; it is remembered, so that a second one is
	 * noticed. */
	bool unset = text.n == 0 && !plain && !mask && field->label != LABEL_REPEATED;
	if (unset && (field->label == LABEL_OPTIONAL || field->type == FIELD_MESSAGE))
		return 0;
	if (!unset && value_parse(&value, field, text, s->arena, &f) < 0)
		return refuse_value(s, whole, &f);
	struct draft_item *item = draft_add(d, field, s->line, s->arena);
	if (!item)
		return no_memory(s);
	item->value = value;
	return 0;
}

/* Splits "a.b.c" into "a" and "b.c"; *more: there was a point. */
static struct slice
first_key(struct slice key, struct slice *rest, bool *more)
{
	struct slice head;
	*rest = key;
	*more = slice_cut(rest, '.', &head);
	if (*more)
		return head;
	*rest = (struct slice){key.p + key.n, 0};
	return key;
}

/* Whether setting this key would meet a value that is there already. */
static bool
is_taken(struct draft *d, struct slice key)
{
	bool more;
	struct slice rest, head = first_key(key, &rest, &more);
	const struct field_desc *field = field_by_name(d->message, head);
	if (!field)
		return false;
	struct draft_item *item = draft_at(d, field)->first;
	if (field->label == LABEL_MAP)
		return draft_entry(d, field, rest) != NULL;
	if (field->label == LABEL_REPEATED || !item)
		return false;
	return !item->child || !more || is_taken(item->child, rest);
}

static int set_in(struct text_setter *s, struct draft *d, struct slice whole, struct slice key,
		  struct slice value);

static int
set_in_list(struct text_setter *s, struct draft *d, const struct field_desc *field, struct slice whole,
	    struct slice rest, struct slice value)
{
	struct draft_item *item = draft_at(d, field)->last;
	if (!item || is_taken(item->child, rest))
		item = draft_add(d, field, s->line, s->arena);
	return item ? set_in(s, item->child, whole, rest, value) : no_memory(s);
}

static int
set_in_message(struct text_setter *s, struct draft *d, const struct field_desc *field, struct slice whole,
	       struct slice rest, struct slice value)
{
	const struct field_desc *rival = draft_rival(d, field);
	if (rival)
		return text_refuse(s, ERR_INVALID_FIELD, whole, "stands beside %s, which excludes it",
				   rival->text_name);
	struct draft *child = draft_child(d, field, s->line, s->arena);
	return child ? set_in(s, child, whole, rest, value) : no_memory(s);
}

/* A key that names a message or a map and stops there. */
static int
set_whole(struct text_setter *s, struct draft *d, const struct field_desc *field, struct slice whole,
	  struct slice value)
{
	if (field->label == LABEL_MAP)
		return text_refuse(s, ERR_BAD_SYNTAX, whole, "write %s.KEY=value", field->text_name);
	if (field->label == LABEL_REPEATED)
		return text_refuse(s, ERR_BAD_SYNTAX, whole, "write [%s] on a line, and its keys below it",
				   field->text_name);
	if (value.n)
		return text_refuse(s, ERR_BAD_SYNTAX, whole, "write %s.%s=value", field->text_name,
				   field->message->count ? field->message->fields[0].text_name : "KEY");
	return draft_child(d, field, s->line, s->arena) ? 0 : no_memory(s);
}

static int
set_in(struct text_setter *s, struct draft *d, struct slice whole, struct slice key, struct slice value)
{
	bool more;
	struct slice rest, head = first_key(key, &rest, &more);
	const struct field_desc *field = field_by_name(d->message, head);
	if (!field)
		return unknown_key(s, d->message, whole, head);
	if (value_is_scalar(field)) {
		if (more)
			return text_refuse(s, ERR_UNKNOWN_FIELD, whole, "%s is a single value",
					   field->text_name);
		return set_scalar(s, d, field, whole, value);
	}
	if (!more)
		return set_whole(s, d, field, whole, value);
	if (field->label == LABEL_MAP)
		return set_entry(s, d, field, whole, rest, value);
	if (field->label == LABEL_REPEATED)
		return set_in_list(s, d, field, whole, rest, value);
	return set_in_message(s, d, field, whole, rest, value);
}

/* <service>=<quantity> for a message whose items have both; NULL if this is not one. */
static const struct field_desc *
short_item(const struct text_setter *s, struct slice key, struct slice value)
{
	const struct message_desc *m = s->root->message;
	const struct field_desc *items = field_by_name(m, SLICE("items"));
	uint64_t quantity;
	if (s->current != s->root || !items || items->label != LABEL_REPEATED || items->type != FIELD_MESSAGE)
		return NULL;
	const struct field_desc *service = field_by_name(items->message, SLICE("service"));
	const struct field_desc *number = field_by_name(items->message, SLICE("quantity"));
	if (!service || service->type != FIELD_STRING || !number || !slice_to_u64(value, &quantity))
		return NULL;
	if (key.n == 0 || memchr(key.p, '.', key.n) || field_by_name(m, key))
		return NULL;
	return items;
}

int
text_set(struct text_setter *s, struct slice key, struct slice value)
{
	const struct field_desc *items = short_item(s, key, value);
	if (key.n == 0)
		return text_refuse(s, ERR_BAD_SYNTAX, key, "there is no key before the =");
	if (!items)
		return set_in(s, s->current, key, key, value);
	struct draft_item *item = draft_add(s->root, items, s->line, s->arena);
	if (!item)
		return no_memory(s);
	int r = set_in(s, item->child, key, SLICE("service"), key);
	return r < 0 ? r : set_in(s, item->child, key, SLICE("quantity"), value);
}

/* The message that one more word of a section's path leads to. */
static struct draft *
enter(struct text_setter *s, struct draft *d, const struct field_desc *field, bool last)
{
	if (field->label != LABEL_REPEATED)
		return draft_child(d, field, s->line, s->arena);
	struct draft_item *item = last ? draft_add(d, field, s->line, s->arena) : draft_at(d, field)->last;
	return item ? item->child : NULL;
}

int
text_open_section(struct text_setter *s, struct slice path)
{
	struct draft *d = s->root;
	struct slice rest = path;
	s->section[0] = '\0';
	s->current = s->root;
	for (bool more = true; more;) {
		struct slice head = first_key(rest, &rest, &more);
		const struct field_desc *field = field_by_name(d->message, head);
		if (!field)
			return unknown_key(s, d->message, path, head);
		if (value_is_scalar(field) || field->label == LABEL_MAP)
			return text_refuse(s, ERR_BAD_SYNTAX, path, "not a section; write %s%s",
					   field->text_name,
					   field->label == LABEL_MAP ? ".KEY=value" : "=value");
		struct draft *next = enter(s, d, field, !more);
		if (!next && s->arena->failed)
			return no_memory(s);
		if (!next)
			return text_refuse(s, ERR_BAD_SYNTAX, path,
					   "there is no [%s] before it to be part of", field->text_name);
		d = next;
	}
	s->current = d;
	snprintf(s->section, sizeof(s->section), "%s.", show(path).text);
	return 0;
}
