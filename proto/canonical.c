#include "canonical.h"

#include <stdlib.h>

#include "wire.h"

struct part {
	uint32_t number;
	bool of_map;
	size_t place; /* keeps the order of equals */
	struct slice bytes;
};

static int
compare_parts(const void *pa, const void *pb)
{
	const struct part *a = pa, *b = pb;
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	int c = a->of_map ? slice_compare(a->bytes, b->bytes) : 0;
	if (c != 0)
		return c;
	return a->place < b->place ? -1 : a->place > b->place;
}

/* One field, its message in canonical form. */
static int
read_part(struct part *ret, const struct message_desc *m, const struct wire_field *field, struct arena *arena)
{
	const struct field_desc *desc = field_by_number(m, field->number);
	struct buf inner = {0}, whole = {0};
	*ret = (struct part){.number = field->number, .bytes = field->raw};
	if (!desc || !desc->message || field->type != WIRE_LEN)
		return 0;
	ret->of_map = desc->label == LABEL_MAP;
	int rc = wire_canonical(&inner, desc->message, field->bytes, arena);
	wire_put_bytes(&whole, field->number, buf_slice(&inner));
	ret->bytes = arena_copy(arena, buf_slice(&whole));
	if (rc == 0)
		rc = inner.error ? inner.error : whole.error;
	buf_release(&inner);
	buf_release(&whole);
	return rc;
}

int
wire_canonical(struct buf *out, const struct message_desc *m, struct slice bytes, struct arena *arena)
{
	struct wire_field field;
	struct slice rest = bytes;
	size_t n = 0, count = 0;
	int rc;
	while ((rc = wire_next(&rest, &field)) == 1)
		count++;
	struct part *parts = rc ? NULL : arena_array(arena, count, sizeof(*parts));
	if (!parts)
		return rc ? rc : ERR_NO_MEMORY;
	for (rest = bytes; wire_next(&rest, &field) == 1; n++) {
		if ((rc = read_part(&parts[n], m, &field, arena)) != 0)
			return rc;
		parts[n].place = n;
	}
	qsort(parts, n, sizeof(*parts), compare_parts);
	for (size_t i = 0; i < n; i++)
		buf_append_slice(out, parts[i].bytes);
	return arena->failed ? ERR_NO_MEMORY : out->error;
}
