#include "descriptor.h"

#include <string.h>

#include "name.h"

const struct kind_desc *
kind_by_number(unsigned number)
{
	/* Numbers are dense in practice: the place is at most number - 1. */
	size_t i = number < kind_count ? number : kind_count;
	while (i-- > 0)
		if ((unsigned)kind_table[i]->kind == number)
			return kind_table[i];
	return NULL;
}

const struct kind_desc *
kind_by_collection(struct slice collection)
{
	const struct kind_desc *found = NULL;
	struct name whole;
	for (size_t i = 0; i < kind_count; i++)
		if (slice_is(collection, kind_table[i]->collection) &&
		    (!found || kind_table[i]->segment_count < found->segment_count))
			found = kind_table[i];
	if (!found && memchr(collection.p, '/', collection.n) &&
	    name_parse_collection(&whole, collection, NULL) == 0)
		found = whole.kind;
	return found;
}

const struct message_desc *
message_by_name(struct slice full_name)
{
	size_t lo = 0, hi = message_count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = slice_compare(full_name, slice_of(message_table[mid]->name));
		if (c == 0)
			return message_table[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const struct method_desc *
method_by_path(struct slice path)
{
	size_t lo = 0, hi = method_count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = slice_compare(path, slice_of(method_table[mid].path));
		if (c == 0)
			return &method_table[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const struct method_desc *
method_of(enum kind kind, enum verb verb)
{
	for (size_t i = 0; i < method_count; i++) {
		const struct method_desc *m = &method_table[i];
		if (m->verb == verb && m->kind && m->kind->kind == kind)
			return m;
	}
	return NULL;
}

const struct field_desc *
field_by_number(const struct message_desc *m, uint32_t number)
{
	/* Most messages number their fields without gaps. */
	if (number - 1 < m->count && m->fields[number - 1].number == number)
		return &m->fields[number - 1];
	size_t lo = 0, hi = m->count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		uint32_t here = m->fields[mid].number;
		if (here == number)
			return &m->fields[mid];
		if (number < here)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

/* The text name and the proto name differ only in - and _, which may be mixed. */
static bool
same_key(const char *text_name, struct slice name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i] == '_' ? '-' : name.p[i];
		if (text_name[i] == '\0' || text_name[i] != c)
			return false;
	}
	return text_name[name.n] == '\0';
}

const struct field_desc *
field_by_name(const struct message_desc *m, struct slice name)
{
	for (size_t i = 0; i < m->count; i++)
		if (same_key(m->fields[i].text_name, name) || slice_is(name, m->fields[i].json_name))
			return &m->fields[i];
	return NULL;
}

const struct enum_value_desc *
enum_by_number(const struct enum_desc *e, int32_t number)
{
	for (size_t i = 0; i < e->count; i++)
		if (e->values[i].number == number)
			return &e->values[i];
	return NULL;
}

const struct enum_value_desc *
enum_by_name(const struct enum_desc *e, struct slice name)
{
	for (size_t i = 0; i < e->count; i++)
		if (slice_is(name, e->values[i].text) || slice_is(name, e->values[i].name))
			return &e->values[i];
	uint64_t number;
	if (slice_to_u64(name, &number) && number <= INT32_MAX)
		return enum_by_number(e, (int32_t)number);
	return NULL;
}
