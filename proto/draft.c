#include "draft.h"

struct draft *
draft_new(struct arena *arena, const struct message_desc *m)
{
	struct draft *d = arena_alloc(arena, sizeof(*d));
	if (!d)
		return NULL;
	d->message = m;
	d->fields = arena_array(arena, m->count, sizeof(*d->fields));
	return d->fields ? d : NULL;
}

struct draft_field *
draft_at(struct draft *d, const struct field_desc *field)
{
	return &d->fields[field - d->message->fields];
}

struct draft_item *
draft_add(struct draft *d, const struct field_desc *field, unsigned line, struct arena *arena)
{
	struct draft_field *at = draft_at(d, field);
	struct draft_item *item = arena_alloc(arena, sizeof(*item));
	if (!item)
		return NULL;
	item->line = line;
	if (!value_is_scalar(field) && field->label != LABEL_MAP) {
		item->child = draft_new(arena, field->message);
		if (!item->child)
			return NULL;
	}
	if (at->last)
		at->last->next = item;
	else
		at->first = item;
	at->last = item;
	at->count++;
	return item;
}

struct draft *
draft_child(struct draft *d, const struct field_desc *field, unsigned line, struct arena *arena)
{
	struct draft_item *item = draft_at(d, field)->first;
	if (!item)
		item = draft_add(d, field, line, arena);
	return item ? item->child : NULL;
}

struct draft_item *
draft_entry(struct draft *d, const struct field_desc *field, struct slice key)
{
	for (struct draft_item *item = draft_at(d, field)->first; item; item = item->next)
		if (slice_equal(item->key, key))
			return item;
	return NULL;
}

const struct field_desc *
draft_rival(struct draft *d, const struct field_desc *field)
{
	if (field->oneof < 0)
		return NULL;
	for (size_t i = 0; i < d->message->count; i++) {
		const struct field_desc *other = &d->message->fields[i];
		if (other != field && other->oneof == field->oneof && d->fields[i].count)
			return other;
	}
	return NULL;
}

static void
write_packed(struct buf *out, const struct field_desc *field, const struct draft_field *at)
{
	struct buf values = {0};
	for (const struct draft_item *item = at->first; item; item = item->next)
		value_put_packed(&values, field, &item->value);
	wire_put_bytes(out, field->number, buf_slice(&values));
	if (values.error)
		out->error = values.error;
	buf_release(&values);
}

static void
write_item(struct buf *out, const struct field_desc *field, const struct draft_item *item)
{
	if (value_is_scalar(field)) {
		if (field->label != LABEL_SINGULAR || !value_is_default(field, &item->value))
			value_put(out, field, &item->value);
		return;
	}
	struct buf message = {0};
	if (field->label == LABEL_MAP) {
		wire_put_string(&message, 1, item->key);
		wire_put_string(&message, 2, item->value.bytes);
	} else {
		draft_write(&message, item->child);
	}
	wire_put_bytes(out, field->number, buf_slice(&message));
	if (message.error)
		out->error = message.error;
	buf_release(&message);
}

void
draft_write(struct buf *out, const struct draft *d)
{
	for (size_t i = 0; i < d->message->count; i++) {
		const struct field_desc *field = &d->message->fields[i];
		const struct draft_field *at = &d->fields[i];
		if (at->count && field->label == LABEL_REPEATED && value_is_packable(field)) {
			write_packed(out, field, at);
			continue;
		}
		for (const struct draft_item *item = at->first; item; item = item->next)
			write_item(out, field, item);
	}
}
