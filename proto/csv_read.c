#include <stdio.h>
#include <stdlib.h>

#include "base/date.h"
#include "csv.h"
#include "csv_path.h"
#include "csv_row.h"
#include "draft.h"
#include "name.h"
#include "shown.h"
#include "text_set.h"

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"
#define COLUMNS_MAX     1024

struct column {
	struct slice title;
	size_t cell;
	struct csv_path path;
	bool is_slug; /* the last variable of the name */
	bool ignored; /* kept by the server */
};

struct csv_reader {
	const struct kind_desc *kind;
	struct csv_text text;
	struct column *columns; /* in the order of csv_path_compare */
	size_t count;
	struct slice *cells;
	const char *mask;
	bool is_days; /* a row is a day of the calendar */
};

/* One record in the making. */
struct row {
	struct csv_reader *reader;
	struct arena arena;
	struct draft *record;
	struct fault *fault;
	/* The elements that the last value went into: columns of one element follow each other. */
	struct csv_path open;
	struct draft *drafts[CSV_STEPS_MAX]; /* what step i is a field of; drafts[0] is the record */
	size_t depth;                        /* drafts that are valid */
};

static bool
is_name(const struct column *column)
{
	return column->is_slug || (column->path.n == 1 && column->path.steps[0].field->number == 1);
}

/* Column names that a kind has, elements and entries as patterns. */
static void
list_columns(struct buf *out, const struct message_desc *m, const char *path, unsigned depth)
{
	for (size_t i = 0; i < m->count && depth < 3; i++) {
		const struct field_desc *field = &m->fields[i];
		char below[128];
		if ((m->kind && field->number >= 2 && field->number <= 4) ||
		    (field->flags & FIELD_OUTPUT_ONLY))
			continue;
		snprintf(below, sizeof(below), "%s%s%s.", path, field->text_name,
			 field->label == LABEL_REPEATED ? ".1" : "");
		if (field->label == LABEL_MAP)
			buf_printf(out, ", %sKEY", below);
		else if (value_is_scalar(field))
			buf_printf(out, ", %s%s", path, field->text_name);
		else
			list_columns(out, field->message, below, depth + 1);
	}
}

static int
unknown_column(const struct csv_reader *r, struct slice title, struct fault *f)
{
	struct buf names = {0};
	list_columns(&names, r->kind->message, "", 0);
	buf_append_char(&names, '\0');
	int code = fault_set(f, ERR_UNKNOWN_FIELD, "row 1: there is no column '%s' in %s; there are slug%s",
			     show(title).text, r->kind->collection, names.error ? "" : names.p);
	buf_release(&names);
	return code;
}

static size_t
variables(const struct kind_desc *kind)
{
	size_t n = 0;
	for (size_t i = 0; i < kind->segment_count; i++)
		n += kind->segments[i].type != SEGMENT_LITERAL;
	return n;
}

static int
read_title(const struct csv_reader *r, struct column *column, struct slice title, struct fault *f)
{
	column->title = slice_trim(title);
	if (slice_is(column->title, "slug") && variables(r->kind) == 1) {
		column->is_slug = true;
		column->path = (struct csv_path){.steps = {{r->kind->message->fields, 0}}, .n = 1};
		return 0;
	}
	if (slice_is(column->title, "slug"))
		return fault_set(f, ERR_UNKNOWN_FIELD, "row 1: slug does not suffice here; use name, e.g. %s",
				 r->kind->pattern);
	if (!csv_path_parse(&column->path, r->kind->message, column->title))
		return unknown_column(r, column->title, f);
	uint32_t first = column->path.steps[0].field->number;
	column->ignored = first >= 2 && first <= 4;
	for (size_t i = 0; i < column->path.n; i++)
		column->ignored |= (column->path.steps[i].field->flags & FIELD_OUTPUT_ONLY) != 0;
	return 0;
}

static int
compare_columns(const void *a, const void *b)
{
	const struct column *x = a, *y = b;
	return csv_path_compare(&x->path, &y->path);
}

static int
check_columns(const struct csv_reader *r, struct fault *f)
{
	for (size_t i = 1; i < r->count; i++)
		if (compare_columns(&r->columns[i - 1], &r->columns[i]) == 0)
			return fault_set(f, ERR_BAD_SYNTAX, "row 1: the columns %s and %s say the same",
					 show(r->columns[i - 1].title).text, show(r->columns[i].title).text);
	if (!is_name(&r->columns[0]))
		return fault_set(f, ERR_FIELD_MISSING, "row 1: there is no column %s",
				 variables(r->kind) == 1 ? "slug or name" : "name");
	return 0;
}

static const char *
make_mask(const struct csv_reader *r, struct arena *arena)
{
	struct buf mask = {0};
	uint32_t last = 1;
	for (size_t i = 0; i < r->count; i++) {
		const struct field_desc *field = r->columns[i].path.steps[0].field;
		if (field->number == last || r->columns[i].ignored)
			continue;
		last = field->number;
		buf_printf(&mask, "%s%s", mask.n ? "," : "", field->name);
	}
	const char *text = mask.error ? NULL : arena_dup_slice(arena, buf_slice(&mask));
	buf_release(&mask);
	return text;
}

/* date,kind,name[,source] in any order. */
static bool
is_days(const struct csv_reader *r, const struct slice *titles, size_t count)
{
	bool date = false;
	if (r->kind->kind != KIND_CALENDAR_YEAR)
		return false;
	for (size_t i = 0; i < count; i++)
		date |= slice_is(slice_trim(titles[i]), "date");
	return date;
}

static int
open_days(struct csv_reader *r, const struct slice *titles, size_t count, struct arena *arena,
	  struct fault *f)
{
	static const char *const known[] = {"date", "kind", "name", "source"};
	r->columns = arena_array(arena, 4, sizeof(*r->columns));
	if (!r->columns)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < count; i++) {
		size_t k = 0;
		while (k < 4 && !slice_is(slice_trim(titles[i]), known[k]))
			k++;
		if (k == 4 || r->columns[k].title.n)
			return fault_set(f, ERR_UNKNOWN_FIELD,
					 "row 1: the columns of days are date, kind, name and source, each "
					 "once; not '%s'",
					 show(titles[i]).text);
		r->columns[k] = (struct column){.title = slice_of(known[k]), .cell = i};
	}
	r->mask = r->columns[3].title.n ? "days,source" : "days";
	r->is_days = true;
	return 0;
}

static int
open_columns(struct csv_reader *r, const struct slice *titles, struct arena *arena, struct fault *f)
{
	r->columns = arena_array(arena, r->count, sizeof(*r->columns));
	if (!r->columns)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < r->count; i++) {
		r->columns[i].cell = i;
		int code = read_title(r, &r->columns[i], titles[i], f);
		if (code < 0)
			return code;
	}
	qsort(r->columns, r->count, sizeof(*r->columns), compare_columns);
	int code = check_columns(r, f);
	r->mask = make_mask(r, arena);
	if (code == 0 && !r->mask)
		code = fault_set(f, ERR_NO_MEMORY, "out of memory");
	return code;
}

static int
check_text(struct slice text, struct fault *f)
{
	if (!utf8_valid(text) || (text.n && memchr(text.p, '\0', text.n)))
		return fault_set(f, ERR_BAD_SYNTAX, "the file is not UTF-8, or holds a NUL");
	return 0;
}

int
csv_open(struct csv_reader **ret, const struct kind_desc *kind, struct slice text, struct arena *arena,
	 struct fault *f)
{
	struct csv_reader *r = arena_alloc(arena, sizeof(*r));
	struct slice *titles = arena_array(arena, COLUMNS_MAX, sizeof(*titles));
	if (!r || !titles)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	if (slice_starts(text, SLICE(BYTE_ORDER_MARK)))
		text = (struct slice){text.p + 3, text.n - 3};
	int code = check_text(text, f);
	if (code < 0)
		return code;
	r->kind = kind;
	r->text.rest = text;
	code = csv_take_row(&r->text, titles, COLUMNS_MAX, &r->count, arena, f);
	if (code == 0)
		code = fault_set(f, ERR_BAD_SYNTAX, "the file is empty; its first row names the columns");
	if (code > 0 && r->count > COLUMNS_MAX)
		code = fault_set(f, ERR_BAD_SYNTAX, "row 1: more than %d columns", COLUMNS_MAX);
	if (code < 0)
		return code;
	for (size_t i = 0; i < r->count; i++)
		titles[i] = arena_copy(arena, titles[i]);
	if (arena->failed)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	r->cells = titles;
	code = is_days(r, titles, r->count) ? open_days(r, titles, r->count, arena, f)
					    : open_columns(r, titles, arena, f);
	if (code == 0)
		*ret = r;
	return code;
}

const char *
csv_mask(const struct csv_reader *r)
{
	return r->mask;
}

unsigned
csv_row_number(const struct csv_reader *r)
{
	return r->text.row;
}

int
csv_more(struct csv_reader *r, struct slice text, struct fault *f)
{
	r->text.rest = text;
	r->text.row--; /* the end was counted as a row */
	int code = check_text(text, f);
	if (code < 0)
		fault_prefix(f, "after row %u", r->text.row);
	return code;
}

/* A line break ends a row unless it stands in quotes; a doubled quote is two. */
size_t
csv_whole_rows(struct slice text)
{
	size_t whole = 0;
	bool quoted = false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"')
			quoted = !quoted;
		else if (text.p[i] == '\n' && !quoted)
			whole = i + 1;
	}
	return whole;
}

static int __attribute__((format(printf, 4, 5)))
refuse(struct row *row, struct slice title, int code, const char *fmt, ...)
{
	char text[400];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fault_set(row->fault, code, "row %u, column %s: %s", row->reader->text.row, show(title).text, text);
	return fault_add(row->fault, code, show(title).text, "%s", text);
}

static int
no_memory(struct row *row)
{
	return fault_set(row->fault, ERR_NO_MEMORY, "out of memory");
}

static int
set_name(struct row *row, const struct column *column, struct slice cell)
{
	struct fault f = {0};
	struct name name;
	const struct kind_desc *kind = row->reader->kind;
	cell = slice_trim(cell);
	struct slice text = cell;
	if (column->is_slug) {
		char *p = arena_printf(&row->arena, "%s/%.*s", kind->segments[0].text, (int)cell.n, cell.p);
		text = slice_of(p);
	}
	if (row->arena.failed)
		return no_memory(row);
	if (name_parse_kind(&name, kind->kind, text, &f) < 0)
		return refuse(row, column->title, f.code, "%s", f.text);
	struct draft_item *item = draft_add(row->record, column->path.steps[0].field, 0, &row->arena);
	if (!item)
		return no_memory(row);
	item->value.bytes = text;
	return 0;
}

/* The message that the last step's field belongs to, made on the way where it is not there yet. */
static struct draft *
go(struct row *row, const struct csv_path *path)
{
	struct draft *d = row->record;
	size_t same = 0;
	while (same + 1 < path->n && same + 1 < row->depth &&
	       path->steps[same].field == row->open.steps[same].field &&
	       path->steps[same].index == row->open.steps[same].index)
		d = row->drafts[++same];
	for (size_t i = same; i + 1 < path->n && d; i++) {
		const struct csv_step *step = &path->steps[i];
		if (step->index) {
			struct draft_item *item = draft_add(d, step->field, 0, &row->arena);
			d = item ? item->child : NULL;
		} else {
			d = draft_child(d, step->field, 0, &row->arena);
		}
		row->drafts[i + 1] = d;
	}
	row->open = *path;
	row->depth = path->n;
	return d;
}

static int
add_value(struct row *row, struct draft *d, const struct column *column, struct slice text)
{
	const struct field_desc *field = column->path.steps[column->path.n - 1].field;
	struct fault f = {0};
	struct value value = {.bytes = text};
	const struct field_desc *rival = draft_rival(d, field);
	if (rival)
		return refuse(row, column->title, ERR_INVALID_FIELD, "stands beside %s, which excludes it",
			      rival->text_name);
	if (field->label != LABEL_MAP && value_parse(&value, field, text, &row->arena, &f) < 0)
		return refuse(row, column->title, f.code, "%s", f.text);
	struct draft_item *item = draft_add(d, field, 0, &row->arena);
	if (!item)
		return no_memory(row);
	item->key = column->path.key;
	item->value = value;
	return 0;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The elements of a repeated scalar, apart by blanks; \s is a blank in one. */
static int
add_words(struct row *row, struct draft *d, const struct column *column, struct slice text)
{
	while (text.n) {
		size_t n = 0;
		struct slice word;
		struct fault f = {0};
		while (n < text.n && !is_blank(text.p[n]))
			n++;
		if (n > 0) {
			if (text_unescape(&word, (struct slice){text.p, n}, false, &row->arena, &f) < 0)
				return refuse(row, column->title, f.code, "%s", f.text);
			int code = add_value(row, d, column, word);
			if (code < 0)
				return code;
		}
		n += n < text.n;
		text = (struct slice){text.p + n, text.n - n};
	}
	return 0;
}

static int
set_cell(struct row *row, const struct column *column, struct slice cell)
{
	const struct field_desc *field = column->path.steps[column->path.n - 1].field;
	if (column->ignored)
		return 0;
	if (is_name(column))
		return set_name(row, column, cell);
	if (field->type != FIELD_STRING && field->label != LABEL_MAP)
		cell = slice_trim(cell);
	if (cell.n == 0)
		return 0;
	struct draft *d = go(row, &column->path);
	if (!d)
		return no_memory(row);
	if (field->label == LABEL_REPEATED)
		return add_words(row, d, column, cell);
	return add_value(row, d, column, cell);
}

/* 1: a row has been taken, with as many cells as there are columns; 0: the end. */
static int
take_row(struct row *row)
{
	struct csv_reader *r = row->reader;
	size_t count = 0;
	int code = csv_take_row(&r->text, r->cells, r->count, &count, &row->arena, row->fault);
	if (code == 1 && count != r->count)
		return fault_set(row->fault, ERR_BAD_SYNTAX, "row %u has %zu cells; row 1 names %zu columns",
				 r->text.row, count, r->count);
	return code;
}

static int
read_record(struct row *row)
{
	int code = take_row(row);
	if (code != 1)
		return code;
	for (size_t i = 0; i < row->reader->count; i++) {
		const struct column *column = &row->reader->columns[i];
		int r = set_cell(row, column, row->reader->cells[column->cell]);
		if (r < 0)
			return r;
	}
	return 1;
}

static int
add_text(struct row *row, struct draft *d, const char *name, struct slice text)
{
	const struct field_desc *field = field_by_name(d->message, slice_of(name));
	if (text.n == 0 || !field || draft_at(d, field)->count)
		return 0;
	struct draft_item *item = draft_add(d, field, 0, &row->arena);
	if (!item)
		return no_memory(row);
	item->value.bytes = text;
	return 0;
}

static struct slice
day_cell(const struct row *row, size_t column)
{
	const struct column *c = &row->reader->columns[column];
	return c->title.n ? slice_trim(row->reader->cells[c->cell]) : (struct slice){"", 0};
}

static int
add_day(struct row *row)
{
	struct draft *year = row->record;
	struct draft_item *item =
		draft_add(year, field_by_name(year->message, SLICE("days")), 0, &row->arena);
	if (!item)
		return no_memory(row);
	int code = add_text(row, item->child, "date", day_cell(row, 0));
	if (code == 0)
		code = add_text(row, item->child, "kind", day_cell(row, 1));
	if (code == 0)
		code = add_text(row, item->child, "name", day_cell(row, 2));
	if (code == 0)
		code = add_text(row, year, "source", day_cell(row, 3));
	return code;
}

/* Rows as long as they are of one year. */
static int
read_year(struct row *row)
{
	unsigned year = 0;
	for (;;) {
		struct csv_text before = row->reader->text;
		day d;
		int code = take_row(row);
		if (code < 0)
			return code;
		if (code == 0)
			return year != 0;
		if (!date_parse(day_cell(row, 0), &d))
			return refuse(row, SLICE("date"), ERR_INVALID_FIELD,
				      "'%s' is not a date such as 2026-10-01", show(day_cell(row, 0)).text);
		unsigned here = (unsigned)civil_from_day(d).year;
		if (year && here != year) {
			row->reader->text = before;
			return 1;
		}
		if (!year) {
			year = here;
			code = add_text(row, row->record, "name",
					slice_of(arena_printf(&row->arena, "calendar/%u", year)));
		}
		if (code >= 0)
			code = add_day(row);
		if (code < 0)
			return code;
	}
}

int
csv_next(struct csv_reader *r, struct buf *out, struct fault *f)
{
	struct row row = {.reader = r, .fault = f};
	row.record = draft_new(&row.arena, r->kind->message);
	row.drafts[0] = row.record;
	int code = !row.record ? no_memory(&row) : r->is_days ? read_year(&row) : read_record(&row);
	if (code == 1 && row.arena.failed)
		code = no_memory(&row);
	if (code == 1) {
		buf_clear(out);
		draft_write(out, row.record);
		if (out->error)
			code = fault_set(f, out->error, "row %u is too large", r->text.row);
	}
	arena_release(&row.arena);
	return code;
}
