#include <string.h>

#include "cli.h"
#include "json.h"
#include "text.h"
#include "wire.h"

static const struct {
	const char *message, *keys;
} columns[] = {
#define COLUMNS(message, keys) {message, keys},
#include "columns.def"
#undef COLUMNS
};

void
print_buf(const struct buf *b)
{
	if (b->n)
		fwrite(b->p, 1, b->n, stdout);
}

static int
finish(struct cli *cli, struct buf *b, int r)
{
	int status = EXIT_OK;
	if (r == 0)
		r = b->error;
	if (r == 0)
		print_buf(b);
	else
		status = tell_code(cli, r, "the answer cannot be shown: %s", reason_of(r)->text);
	buf_release(b);
	return status;
}

int
print_json_line(struct cli *cli, const struct message_desc *m, struct slice message)
{
	struct buf b = {0};
	int r = json_print(&b, m, message, JSON_ONE_LINE);
	if (b.n && b.p[b.n - 1] != '\n')
		buf_append_char(&b, '\n');
	return finish(cli, &b, r);
}

/* What a quota is about: each dimension's use and limit. */
static void
dimensions_cell(struct buf *b, const struct field_desc *field, struct slice record)
{
	enum { NAME = 1, LIMIT = 2, RESERVED = 3, COMMITTED = 4 };
	struct wire_field w;
	while (wire_next(&record, &w) == 1) {
		if (w.number != field->number)
			continue;
		struct slice name = wire_string(w.bytes, NAME);
		buf_printf(b, "%s%.*s %llu/%llu", b->n ? ", " : "", (int)name.n, name.p,
			   (unsigned long long)(wire_uint(w.bytes, RESERVED) + wire_uint(w.bytes, COMMITTED)),
			   (unsigned long long)wire_uint(w.bytes, LIMIT));
	}
}

static void
put_cell(struct table *t, const struct field_desc *field, struct slice record)
{
	struct buf b = {0};
	if (field->message && strcmp(field->text_name, "dimensions") == 0)
		dimensions_cell(&b, field, record);
	else if (text_value(&b, field, record) != 0)
		buf_clear(&b);
	/* Several values stand on a line each. */
	if (b.n && b.p[b.n - 1] == '\n')
		b.n--;
	table_cell(t, buf_slice(&b));
	buf_release(&b);
}

static void
choose_columns(struct printer *p)
{
	struct slice rest = {0}, word;
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		if (strcmp(columns[i].message, p->message->name) == 0)
			rest = slice_of(columns[i].keys);
	for (size_t i = 0; rest.n == 0 && i < p->message->count && p->column_count < COLUMNS_MAX; i++) {
		const struct field_desc *field = &p->message->fields[i];
		if (field->number == 1 || (field->flags & FIELD_INDEXED))
			p->columns[p->column_count++] = field;
	}
	while (rest.n && p->column_count < COLUMNS_MAX) {
		if (!slice_cut(&rest, ' ', &word)) {
			word = rest;
			rest.n = 0;
		}
		const struct field_desc *field = field_by_name(p->message, word);
		if (field)
			p->columns[p->column_count++] = field;
	}
}

void
printer_open(struct printer *p, struct cli *cli, const struct message_desc *m)
{
	*p = (struct printer){.cli = cli, .message = m};
	if (cli->output != OUTPUT_TABLE || !(p->table = table_new()))
		return;
	choose_columns(p);
	for (size_t i = 0; i < p->column_count; i++)
		table_cell(p->table, slice_of(p->columns[i]->text_name));
	table_end_row(p->table);
}

int
printer_item(void *printer, struct slice record)
{
	struct printer *p = printer;
	struct buf b = {0};
	if (p->cli->output == OUTPUT_JSON)
		return print_json_line(p->cli, p->message, record);
	if (p->cli->output == OUTPUT_TABLE) {
		for (size_t i = 0; p->table && i < p->column_count; i++)
			put_cell(p->table, p->columns[i], record);
		if (p->table)
			table_end_row(p->table);
		return EXIT_OK;
	}
	if (p->printed++)
		buf_append_char(&b, '\n');
	int r = text_print(&b, p->message, record);
	return finish(p->cli, &b, r);
}

int
printer_close(struct printer *p, int status)
{
	if (p->table && status == EXIT_OK)
		table_print(p->table, stdout);
	table_free(p->table);
	p->table = NULL;
	return status;
}

int
print_one(struct cli *cli, const struct message_desc *m, struct slice record)
{
	struct buf b = {0};
	if (cli->output != OUTPUT_JSON) {
		struct printer p;
		printer_open(&p, cli, m);
		return printer_close(&p, printer_item(&p, record));
	}
	int r = json_print(&b, m, record, 0);
	if (b.n && b.p[b.n - 1] != '\n')
		buf_append_char(&b, '\n');
	return finish(cli, &b, r);
}
