#include "services/merge.h"

#include "wire.h"

#define HEAD_FIELDS 4

void
field_mask_all(struct field_mask *ret, const struct message_desc *m)
{
	for (size_t i = 0; i < m->count; i++)
		ret->bits[m->fields[i].number] = !(m->fields[i].flags & FIELD_OUTPUT_ONLY);
}

static int
mask_path(struct field_mask *ret, const struct message_desc *m, struct slice path, struct fault *f)
{
	if (slice_is(path, "*")) {
		field_mask_all(ret, m);
		return 0;
	}
	const struct field_desc *field = field_by_name(m, path);
	if (!field)
		return fault_add(
			f, ERR_INVALID_FIELD, "update_mask",
			"update_mask: \"%.*s\" is no field of %s; only whole fields of the record can "
			"be named",
			(int)path.n, path.p, m->name);
	ret->bits[field->number] = !(field->flags & FIELD_OUTPUT_ONLY);
	return 0;
}

int
field_mask_read(struct field_mask *ret, const struct message_desc *m, struct slice mask, struct slice record,
		struct fault *f)
{
	struct wire_field field;
	struct field_mask built = {0};
	struct slice rest = mask;
	while (wire_next(&rest, &field) == 1) {
		int rc = mask_path(&built, m, field.bytes, f);
		if (rc != 0)
			return rc;
	}
	if (mask.n == 0)
		for (rest = record; wire_next(&rest, &field) == 1;)
			if (field.number < MAX_FIELDS)
				built.bits[field.number] = true;
	*ret = built;
	return 0;
}

static bool
is_masked(const struct field_mask *mask, uint32_t number)
{
	return number > HEAD_FIELDS && number < MAX_FIELDS && mask->bits[number];
}

struct slice
merge_records(struct arena *arena, struct slice before, struct slice asked, const struct field_mask *mask)
{
	struct wire_field field;
	char *p = arena_alloc(arena, before.n + asked.n + 1);
	size_t n = 0;
	if (!p)
		return (struct slice){NULL, 0};
	while (wire_next(&before, &field) == 1) {
		if (!is_masked(mask, field.number)) {
			memcpy(p + n, field.raw.p, field.raw.n);
			n += field.raw.n;
		}
	}
	while (wire_next(&asked, &field) == 1) {
		if (is_masked(mask, field.number)) {
			memcpy(p + n, field.raw.p, field.raw.n);
			n += field.raw.n;
		}
	}
	return (struct slice){p, n};
}
