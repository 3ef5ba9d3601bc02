#include "csv_path.h"

#include "value.h"

/* Cuts "a.b.c" into "a" and "b.c"; without a point the rest is empty. */
static struct slice
cut(struct slice *text, bool *more)
{
	struct slice head;
	*more = slice_cut(text, '.', &head);
	if (*more)
		return head;
	head = *text;
	*text = (struct slice){text->p + text->n, 0};
	return head;
}

bool
csv_path_parse(struct csv_path *ret, const struct message_desc *m, struct slice text)
{
	struct csv_path path = {.n = 0};
	bool more = true;
	while (more) {
		uint64_t index;
		if (path.n == CSV_STEPS_MAX)
			return false;
		const struct field_desc *field = field_by_name(m, cut(&text, &more));
		if (!field)
			return false;
		struct csv_step *step = &path.steps[path.n++];
		step->field = field;
		if (field->label == LABEL_MAP) {
			path.key = text;
			*ret = path;
			return more;
		}
		if (value_is_scalar(field))
			break;
		if (!more)
			return false;
		if (field->label == LABEL_REPEATED) {
			if (!slice_to_u64(cut(&text, &more), &index) || index < 1 ||
			    index > CSV_ELEMENTS_MAX || !more)
				return false;
			step->index = (unsigned)index;
		}
		m = field->message;
	}
	*ret = path;
	return !more;
}

void
csv_path_print(struct buf *out, const struct csv_path *path)
{
	for (size_t i = 0; i < path->n; i++) {
		const struct csv_step *step = &path->steps[i];
		buf_printf(out, "%s%s", i ? "." : "", step->field->text_name);
		if (step->index)
			buf_printf(out, ".%u", step->index);
		if (step->field->label == LABEL_MAP) {
			buf_append_char(out, '.');
			buf_append_slice(out, path->key);
		}
	}
}

int
csv_path_compare(const struct csv_path *a, const struct csv_path *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++) {
		const struct csv_step *x = &a->steps[i], *y = &b->steps[i];
		if (x->field->number != y->field->number)
			return x->field->number < y->field->number ? -1 : 1;
		if (x->index != y->index)
			return x->index < y->index ? -1 : 1;
	}
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	return slice_compare(a->key, b->key);
}
