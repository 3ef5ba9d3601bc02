#include "csv.h"
#include "csv_path.h"
#include "csv_row.h"
#include "name.h"
#include "text.h"
#include "value.h"
#include "zwy/v1/calendar.pb.h"

struct csv_writer {
	const struct kind_desc *kind;
	struct arena *arena;
	struct csv_path *columns; /* in order; the first is the name */
	size_t count, room;
	bool by_slug; /* the name has one variable */
	bool is_days, has_source;
	/* Of the row being written: where in `text` each cell lies. */
	struct cell {
		size_t at, n;
	} * cells;
};

/* What is done with each value of a record: a column is found for it, or its text is put there. */
struct visit {
	struct csv_writer *writer;
	struct buf *text; /* NULL: only the columns are wanted */
	struct csv_path path;
};

int
csv_writer_open(struct csv_writer **ret, const struct kind_desc *kind, struct arena *arena)
{
	struct csv_writer *w = arena_alloc(arena, sizeof(*w));
	if (!w)
		return ERR_NO_MEMORY;
	w->kind = kind;
	w->arena = arena;
	w->is_days = kind->kind == KIND_CALENDAR_YEAR;
	w->by_slug = kind->segment_count == 2;
	w->room = 32;
	w->columns = arena_array(arena, w->room, sizeof(*w->columns));
	if (!w->columns)
		return ERR_NO_MEMORY;
	w->columns[w->count++] = (struct csv_path){.steps = {{kind->message->fields, 0}}, .n = 1};
	*ret = w;
	return 0;
}

/* The place of a path, or where it belongs. */
static size_t
find_column(const struct csv_writer *w, const struct csv_path *path, bool *found)
{
	size_t lo = 0, hi = w->count;
	*found = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = csv_path_compare(path, &w->columns[mid]);
		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static int
add_column(struct csv_writer *w, const struct csv_path *path)
{
	bool found;
	size_t at = find_column(w, path, &found);
	if (found)
		return 0;
	if (w->count == w->room) {
		struct csv_path *more = arena_array(w->arena, w->room * 2, sizeof(*more));
		if (!more)
			return ERR_NO_MEMORY;
		memcpy(more, w->columns, w->count * sizeof(*more));
		w->columns = more;
		w->room *= 2;
	}
	memmove(&w->columns[at + 1], &w->columns[at], (w->count - at) * sizeof(*w->columns));
	w->columns[at] = *path;
	w->columns[at].key = arena_copy(w->arena, path->key);
	w->count++;
	return w->arena->failed ? ERR_NO_MEMORY : 0;
}

/* A word of a column that holds several. */
static void
put_word(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		switch (s.p[i]) {
		case ' ':
			buf_append_str(out, "\\s");
			break;
		case '\n':
			buf_append_str(out, "\\n");
			break;
		case '\r':
			buf_append_str(out, "\\r");
			break;
		case '\t':
			buf_append_str(out, "\\t");
			break;
		case '\\':
			buf_append_str(out, "\\\\");
			break;
		default:
			buf_append_char(out, s.p[i]);
		}
	}
}

static int
see_value(struct visit *v, const struct field_desc *field, const struct value *value)
{
	bool found;
	struct csv_writer *w = v->writer;
	if (!v->text)
		return add_column(w, &v->path);
	size_t column = find_column(w, &v->path, &found);
	if (!found)
		return ERR_INVALID_ARGUMENT;
	struct cell *cell = &w->cells[column];
	if (cell->n == 0)
		cell->at = v->text->n;
	else
		buf_append_char(v->text, ' ');
	if (field->type == FIELD_STRING && field->label == LABEL_REPEATED)
		put_word(v->text, value->bytes);
	else
		value_print(v->text, field, value);
	cell->n = v->text->n - cell->at;
	return v->text->error;
}

static int visit_message(struct visit *v, const struct message_desc *m, struct slice bytes);

/* Goes down one step; `index` counts elements from 1. */
static int
visit_child(struct visit *v, const struct field_desc *field, unsigned index, struct slice bytes)
{
	if (v->path.n == CSV_STEPS_MAX || index > CSV_ELEMENTS_MAX)
		return ERR_INVALID_ARGUMENT;
	v->path.steps[v->path.n++] = (struct csv_step){field, index};
	int r = visit_message(v, field->message, bytes);
	v->path.n--;
	return r;
}

static int
visit_scalar(struct visit *v, const struct field_desc *field, const struct value *value)
{
	if (v->path.n == CSV_STEPS_MAX)
		return ERR_INVALID_ARGUMENT;
	v->path.steps[v->path.n++] = (struct csv_step){field, 0};
	int r = see_value(v, field, value);
	v->path.n--;
	return r;
}

static int
visit_entry(struct visit *v, const struct field_desc *field, const struct wire_field *w)
{
	struct value value = {.bytes = wire_string(w->bytes, 2)};
	if (w->type != WIRE_LEN)
		return ERR_INVALID_ARGUMENT;
	v->path.key = wire_string(w->bytes, 1);
	/* The entry's own second field says that the value is a string. */
	v->path.steps[v->path.n++] = (struct csv_step){field, 0};
	int r = see_value(v, field_by_number(field->message, 2), &value);
	v->path.n--;
	v->path.key = (struct slice){"", 0};
	return r;
}

static int
visit_element(struct visit *v, const struct field_desc *field, const struct wire_field *w, unsigned *index)
{
	struct value value;
	if (field->label == LABEL_MAP)
		return v->path.n < CSV_STEPS_MAX ? visit_entry(v, field, w) : ERR_INVALID_ARGUMENT;
	if (!value_is_scalar(field))
		return w->type == WIRE_LEN ? visit_child(v, field, ++*index, w->bytes) : ERR_INVALID_ARGUMENT;
	if (!value_is_packable(field) || w->type != WIRE_LEN)
		return value_of_wire(&value, field, w) ? visit_scalar(v, field, &value)
						       : ERR_INVALID_ARGUMENT;
	int r = 0;
	for (struct slice packed = w->bytes; packed.n && r == 0;) {
		if (!value_take_packed(&value, field, &packed))
			return ERR_INVALID_ARGUMENT;
		r = visit_scalar(v, field, &value);
	}
	return r;
}

static int
visit_field(struct visit *v, const struct field_desc *field, const struct wire_field *last,
	    struct slice bytes)
{
	struct value value;
	struct wire_field w;
	unsigned index = 0;
	int r = 0;
	if (field->label == LABEL_REPEATED || field->label == LABEL_MAP) {
		while (r == 0 && wire_next(&bytes, &w) == 1)
			if (w.number == field->number)
				r = visit_element(v, field, &w, &index);
		return r;
	}
	if (!value_of_wire(&value, field, last))
		return ERR_INVALID_ARGUMENT;
	if (!value_is_scalar(field))
		return visit_child(v, field, 0, last->bytes);
	if (field->label == LABEL_SINGULAR && value_is_default(field, &value))
		return 0;
	return visit_scalar(v, field, &value);
}

static int
visit_message(struct visit *v, const struct message_desc *m, struct slice bytes)
{
	struct wire_field last[MAX_FIELDS];
	int r = wire_last_fields(last, m, bytes);
	for (size_t i = 0; i < m->count && r == 0; i++)
		if (last[i].number)
			r = visit_field(v, &m->fields[i], &last[i], bytes);
	return r;
}

int
csv_columns(struct csv_writer *w, struct slice record)
{
	struct visit v = {.writer = w, .path.key = {"", 0}};
	if (w->is_days) {
		w->has_source |= wire_string(record, zwy_v1_CalendarYear_source_tag).n > 0;
		return 0;
	}
	return visit_message(&v, w->kind->message, record);
}

int
csv_header(struct csv_writer *w, struct buf *out)
{
	if (w->is_days) {
		buf_append_str(out, w->has_source ? "date,kind,name,source\n" : "date,kind,name\n");
		return out->error;
	}
	w->cells = arena_array(w->arena, w->count, sizeof(*w->cells));
	if (!w->cells)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < w->count; i++) {
		struct buf title = {0};
		csv_path_print(&title, &w->columns[i]);
		if (i > 0)
			buf_append_char(out, ',');
		csv_put_cell(out, i == 0 && w->by_slug ? SLICE("slug") : buf_slice(&title));
		buf_release(&title);
	}
	buf_append_char(out, '\n');
	return out->error;
}

static int
put_days(const struct csv_writer *w, struct slice record, struct buf *out)
{
	struct slice rest = record, source = wire_string(record, zwy_v1_CalendarYear_source_tag);
	struct wire_field field;
	int r;
	while ((r = wire_next(&rest, &field)) == 1) {
		if (field.number != zwy_v1_CalendarYear_days_tag || field.type != WIRE_LEN)
			continue;
		csv_put_cell(out, wire_string(field.bytes, zwy_v1_CalendarDay_date_tag));
		buf_append_char(out, ',');
		csv_put_cell(out, wire_string(field.bytes, zwy_v1_CalendarDay_kind_tag));
		buf_append_char(out, ',');
		csv_put_cell(out, wire_string(field.bytes, zwy_v1_CalendarDay_name_tag));
		if (w->has_source) {
			buf_append_char(out, ',');
			csv_put_cell(out, source);
		}
		buf_append_char(out, '\n');
	}
	return r < 0 ? r : out->error;
}

/* The name's last variable. */
static int
slug_of(struct slice *ret, const struct csv_writer *w, struct slice record)
{
	struct name name;
	int r = name_parse_kind(&name, w->kind->kind, wire_string(record, 1), NULL);
	if (r < 0)
		return ERR_INVALID_ARGUMENT;
	*ret = name.vars[name.var_count - 1];
	return 0;
}

int
csv_row(struct csv_writer *w, struct slice record, struct buf *out)
{
	struct buf text = {0};
	struct visit v = {.writer = w, .text = &text, .path.key = {"", 0}};
	struct slice slug = {0};
	if (w->is_days)
		return put_days(w, record, out);
	if (!w->cells)
		return ERR_INVALID_ARGUMENT;
	memset(w->cells, 0, w->count * sizeof(*w->cells));
	int r = visit_message(&v, w->kind->message, record);
	if (r == 0 && w->by_slug)
		r = slug_of(&slug, w, record);
	for (size_t i = 0; i < w->count && r == 0; i++) {
		const struct cell *cell = &w->cells[i];
		if (i > 0)
			buf_append_char(out, ',');
		csv_put_cell(out, i == 0 && slug.n
					  ? slug
					  : (struct slice){text.p + (cell->n ? cell->at : 0), cell->n});
	}
	if (r == 0) {
		buf_append_char(out, '\n');
		r = out->error;
	}
	buf_release(&text);
	return r;
}
