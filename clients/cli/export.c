/* export: a collection as CSV or JSON lines. */
#include <errno.h>
#include <string.h>

#include "cli.h"
#include "csv.h"

/* The columns are those that any record needs, so all records are read before the first
 * is written: they wait in a file without a name, not in memory. */
struct spool {
	FILE *file;
	struct csv_writer *writer;
	struct arena arena;
	int error;
};

static int
spool_record(void *ctx, struct slice record)
{
	struct spool *s = ctx;
	uint32_t n = (uint32_t)record.n;
	s->error = csv_columns(s->writer, record);
	if (s->error)
		return EXIT_INTERNAL;
	if (fwrite(&n, sizeof(n), 1, s->file) != 1 || fwrite(record.p, 1, record.n, s->file) != record.n)
		s->error = ERR_USAGE;
	return s->error ? EXIT_USAGE : EXIT_OK;
}

/* 1: *ret is the next record; 0: the end; negative. */
static int
spool_next(struct spool *s, struct buf *ret)
{
	uint32_t n;
	buf_clear(ret);
	if (fread(&n, sizeof(n), 1, s->file) != 1)
		return ferror(s->file) ? ERR_USAGE : 0;
	char *room = buf_reserve(ret, n);
	if (!room)
		return ERR_NO_MEMORY;
	if (fread(room, 1, n, s->file) != n)
		return ERR_USAGE;
	ret->n = n;
	return 1;
}

static int
write_csv(struct spool *s)
{
	struct buf out = {0}, record = {0};
	int r = fflush(s->file) == 0 ? csv_header(s->writer, &out) : ERR_USAGE;
	rewind(s->file);
	while (r == 0 && (r = spool_next(s, &record)) == 1) {
		r = csv_row(s->writer, buf_slice(&record), &out);
		print_buf(&out);
		if (r == 0)
			r = out.error;
		buf_clear(&out);
	}
	print_buf(&out);
	buf_release(&out);
	buf_release(&record);
	return r;
}

static int
export_csv(struct cli *cli, const struct kind_desc *kind, const struct listing *list)
{
	struct spool s = {.file = tmpfile()};
	if (!s.file)
		return tell_code(cli, ERR_USAGE, "a temporary file: %s", strerror(errno));
	s.error = csv_writer_open(&s.writer, kind, &s.arena);
	int status = s.error ? EXIT_INTERNAL : remote_list(cli, list, spool_record, &s);
	if (status == EXIT_OK)
		s.error = write_csv(&s);
	if (s.error == ERR_USAGE)
		status = tell_code(cli, ERR_USAGE, "the temporary file: %s", strerror(errno));
	else if (s.error)
		status = tell_code(cli, s.error, "the records cannot be written: %s",
				   reason_of(s.error)->text);
	fclose(s.file);
	arena_release(&s.arena);
	return status;
}

int
cmd_export(struct cli *cli)
{
	struct subject s;
	unsigned page_size;
	doing(cli, "export %s", cli->argv[0]);
	int r = page_size_of(cli, &page_size);
	if (r == EXIT_OK)
		r = subject_of_collection(cli, &s, cli->argv[0]);
	if (r == EXIT_OK && !s.kind && cli->output != OUTPUT_JSON)
		r = tell_usage(cli, "%s has no CSV form; use --output json", cli->argv[0]);
	if (r != EXIT_OK)
		return r;
	struct listing list = {.path = s.list,
			       .parent = s.name,
			       .filter = cli->option[OPT_FILTER],
			       .page_size = page_size};
	if (cli->output == OUTPUT_JSON) {
		struct printer p;
		printer_open(&p, cli, s.message);
		return printer_close(&p, remote_list(cli, &list, printer_item, &p));
	}
	return export_csv(cli, s.kind, &list);
}
