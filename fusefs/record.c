#include "record.h"

#include <stdio.h>

#include "base/error.h"
#include "text.h"
#include "wire.h"

#define RECORD_MAX_DEPTH 8

static bool
present(struct slice bytes, uint32_t number)
{
	struct wire_field w;
	return wire_find(bytes, number, &w);
}

/* The n-th field with this number, from 1. */
static bool
find_nth(struct slice bytes, uint32_t number, uint64_t n, struct slice *ret)
{
	struct wire_field w;
	while (wire_next(&bytes, &w) == 1)
		if (w.number == number && w.type == WIRE_LEN && --n == 0) {
			*ret = w.bytes;
			return true;
		}
	return false;
}

static bool
is_time(const struct field_desc *f)
{
	return f->type == FIELD_MESSAGE && f->message->well_known != WELL_KNOWN_NONE;
}

/* Shown as a field of this message: everything but optional ones and messages that are absent. */
static bool
shown(const struct field_desc *f, struct slice bytes)
{
	if (f->label == LABEL_SINGULAR && f->type != FIELD_MESSAGE)
		return true;
	return present(bytes, f->number);
}

static void
part_of_field(struct part *ret, const struct field_desc *f, struct slice bytes)
{
	struct wire_field w = {0};
	*ret = (struct part){.field = f, .bytes = bytes};
	if (f->label == LABEL_MAP) {
		ret->type = PART_MAP;
	} else if (f->label == LABEL_REPEATED) {
		ret->type = f->type == FIELD_MESSAGE && !is_time(f) ? PART_ELEMENTS : PART_LIST;
	} else if (f->type == FIELD_MESSAGE && !is_time(f)) {
		ret->type = PART_MESSAGE;
		ret->message = f->message;
		wire_find(bytes, f->number, &w);
		ret->bytes = w.bytes;
	} else {
		ret->type = PART_VALUE;
	}
}

static bool
map_value(const struct part *map, struct slice key, struct slice *ret)
{
	struct slice bytes = map->bytes;
	struct wire_field w;
	bool found = false;
	while (wire_next(&bytes, &w) == 1)
		if (w.number == map->field->number && w.type == WIRE_LEN &&
		    slice_equal(wire_string(w.bytes, 1), key)) {
			*ret = wire_string(w.bytes, 2);
			found = true;
		}
	return found;
}

/* One step down. */
static int
descend(struct part *p, struct slice name)
{
	uint64_t n;
	struct slice bytes;
	switch (p->type) {
	case PART_MESSAGE: {
		const struct field_desc *f = field_by_name(p->message, name);
		if (!f || !slice_is(name, f->text_name) || !shown(f, p->bytes))
			return ERR_NOT_FOUND;
		part_of_field(p, f, p->bytes);
		return 0;
	}
	case PART_ELEMENTS:
		if (name.n == 0 || name.p[0] == '0' || !slice_to_u64(name, &n) ||
		    !find_nth(p->bytes, p->field->number, n, &bytes))
			return ERR_NOT_FOUND;
		*p = (struct part){.type = PART_MESSAGE,
				   .message = p->field->message,
				   .field = p->field,
				   .bytes = bytes};
		return 0;
	case PART_MAP:
		if (!map_value(p, name, &p->value))
			return ERR_NOT_FOUND;
		p->type = PART_MAP_VALUE;
		return 0;
	default:
		return ERR_NOT_FOUND;
	}
}

int
record_find(struct part *ret, const struct message_desc *m, struct slice bytes, struct slice path)
{
	struct part p = {.type = PART_MESSAGE, .message = m, .bytes = bytes};
	struct slice name;
	while (path.n) {
		if (!slice_cut(&path, '/', &name)) {
			name = path;
			path.n = 0;
		}
		int r = descend(&p, name);
		if (r < 0)
			return r;
	}
	*ret = p;
	return 0;
}

bool
record_lasting(const struct message_desc *m, struct slice path)
{
	const struct field_desc *f = field_by_name(m, path);
	return f && f->label == LABEL_SINGULAR && f->type != FIELD_MESSAGE;
}

static void
names_of_map(const struct part *p, struct content *directory)
{
	struct slice bytes = p->bytes;
	struct wire_field w;
	while (wire_next(&bytes, &w) == 1)
		if (w.number == p->field->number && w.type == WIRE_LEN)
			content_add(directory, CONTENT_FILE, wire_string(w.bytes, 1));
}

static void
names_of_elements(const struct part *p, struct content *directory)
{
	struct slice bytes = p->bytes, element;
	char text[24];
	for (uint64_t n = 1; find_nth(bytes, p->field->number, n, &element); n++) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
		content_add(directory, CONTENT_DIRECTORY, slice_of(text));
	}
}

void
record_names(const struct part *p, struct content *directory)
{
	if (p->type == PART_MAP) {
		names_of_map(p, directory);
		return;
	}
	if (p->type == PART_ELEMENTS) {
		names_of_elements(p, directory);
		return;
	}
	for (size_t i = 0; p->type == PART_MESSAGE && i < p->message->count; i++) {
		const struct field_desc *f = &p->message->fields[i];
		struct part part;
		if (!shown(f, p->bytes))
			continue;
		part_of_field(&part, f, p->bytes);
		content_add(directory, part_is_directory(&part) ? CONTENT_DIRECTORY : CONTENT_FILE,
			    slice_of(f->text_name));
	}
}

/* One element of a repeated scalar, as if it were a field of its own. */
static int
append_element(const struct field_desc *f, struct slice raw, struct buf *out)
{
	struct field_desc single = *f;
	single.label = LABEL_OPTIONAL;
	int r = text_value(out, &single, raw);
	buf_append_char(out, '\n');
	return r;
}

/* Numbers come packed. */
static int
append_packed(const struct field_desc *f, struct slice packed, struct buf *out)
{
	int r = 0;
	struct buf one = {0};
	bool fixed = f->type == FIELD_DOUBLE;
	while (packed.n && r == 0) {
		size_t n = fixed ? 8 : 1;
		while (!fixed && n < packed.n && (packed.p[n - 1] & 0x80))
			n++;
		n = n < packed.n ? n : packed.n;
		buf_clear(&one);
		wire_put_tag(&one, f->number, fixed ? WIRE_I64 : WIRE_VARINT);
		buf_append(&one, packed.p, n);
		packed = (struct slice){packed.p + n, packed.n - n};
		r = one.error ? one.error : append_element(f, buf_slice(&one), out);
	}
	buf_release(&one);
	return r;
}

static int
append_list(const struct part *p, struct buf *out)
{
	const struct field_desc *f = p->field;
	struct slice bytes = p->bytes;
	struct wire_field w;
	bool texts = f->type == FIELD_STRING || f->type == FIELD_BYTES || f->type == FIELD_MESSAGE;
	int r = 0;
	while (r == 0 && wire_next(&bytes, &w) == 1) {
		if (w.number != f->number)
			continue;
		r = w.type == WIRE_LEN && !texts ? append_packed(f, w.bytes, out)
						 : append_element(f, w.raw, out);
	}
	return r;
}

int
record_value(const struct part *p, struct buf *out)
{
	if (p->type == PART_LIST)
		return append_list(p, out);
	int r = 0;
	if (p->type == PART_MAP_VALUE)
		buf_append_slice(out, p->value);
	else
		r = text_value(out, p->field, p->bytes);
	buf_append_char(out, '\n');
	return r ? r : out->error;
}

void
append_clean(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		buf_append_char(out, c < 0x20 || c == 0x7f ? ' ' : s.p[i]);
	}
}

/* A variable's name: letters, digits and _ only. */
static void
append_variable(struct buf *name, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		buf_append_char(name, ok ? c : '_');
	}
}

static void
append_quoted(struct buf *out, struct slice value)
{
	buf_append_char(out, '\'');
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		if (c == '\'')
			buf_append_str(out, "'\\''");
		else
			buf_append_char(out, c < 0x20 || c == 0x7f ? ' ' : value.p[i]);
	}
	buf_append_str(out, "'\n");
}

static void
env_part(const struct part *p, struct buf *name, unsigned depth, struct buf *out)
{
	size_t n = name->n;
	if (!part_is_directory(p)) {
		struct buf value = {0};
		if (record_value(p, &value) == 0) {
			if (value.n && value.p[value.n - 1] == '\n')
				value.n--;
			buf_append_slice(out, buf_slice(name));
			buf_append_char(out, '=');
			append_quoted(out, buf_slice(&value));
		}
		buf_release(&value);
		return;
	}
	struct content *names = depth ? content_new(CONTENT_DIRECTORY, 0) : NULL;
	if (!names)
		return;
	record_names(p, names);
	for (size_t i = 0; i < names->count; i++) {
		struct slice word = slice_of(content_at(names, i).name);
		struct part below = *p;
		if (descend(&below, word) < 0)
			continue;
		if (n)
			buf_append_char(name, '_');
		append_variable(name, word);
		env_part(&below, name, depth - 1, out);
		name->n = n;
	}
	content_unref(names);
}

void
record_env(const struct message_desc *m, struct slice bytes, struct buf *out)
{
	struct part p = {.type = PART_MESSAGE, .message = m, .bytes = bytes};
	struct buf name = {0};
	env_part(&p, &name, RECORD_MAX_DEPTH, out);
	buf_release(&name);
}
