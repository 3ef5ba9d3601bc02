/* import and export: whole collections as CSV or JSON lines. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "csv.h"
#include "json.h"
#include "wire.h"

#define BATCH_BYTES (512u << 10) /* of records per message; one larger record goes alone */

enum { IMPORT_COLLECTION = 1, IMPORT_REQUEST_ID = 2, IMPORT_RECORDS = 3, IMPORT_MASK = 4 };
enum { IMPORTED_CREATED = 1, IMPORTED_UPDATED = 2, IMPORTED_UNCHANGED = 3, IMPORTED_REVISION = 4 };
enum { MASK_PATHS = 1 };

/* ---- import: reading ---------------------------------------------------- */

/* Records as ImportRequest fields, one after the other, ready to be cut into messages. */
struct records {
	struct buf fields;
	size_t count;
	char mask[2048]; /* comma-separated; "": the records are whole */
};

static void
add_record(struct records *all, struct slice record)
{
	wire_put_bytes(&all->fields, IMPORT_RECORDS, record);
	all->count++;
}

static int
read_csv(struct cli *cli, const struct kind_desc *kind, struct slice text, struct records *all)
{
	struct csv_reader *reader;
	struct arena arena = {0};
	struct buf record = {0};
	struct fault f = {0};
	int r = csv_open(&reader, kind, text, &arena, &f);
	if (r == 0)
		snprintf(all->mask, sizeof(all->mask), "%s", csv_mask(reader));
	while (r == 0 && (r = csv_next(reader, &record, &f)) == 1) {
		add_record(all, buf_slice(&record));
		buf_clear(&record);
		r = 0;
		if (all->fields.error)
			r = fault_set(&f, all->fields.error, "record %zu: out of memory", all->count);
	}
	arena_release(&arena);
	buf_release(&record);
	return r == 0 ? EXIT_OK : tell_fault(cli, &f);
}

/* Appends the message without what the server keeps, so that what was exported can
 * be imported again. `top`: fields 1 to 4 of a record, of which only the name stays. */
static void
strip(struct buf *out, const struct message_desc *m, struct slice bytes, bool top)
{
	struct wire_field w;
	while (wire_next(&bytes, &w) == 1) {
		const struct field_desc *field = field_by_number(m, w.number);
		if ((top && w.number > 1 && w.number < 5) || (field && (field->flags & FIELD_OUTPUT_ONLY)))
			continue;
		if (!field || field->type != FIELD_MESSAGE || field->label == LABEL_MAP ||
		    field->message->well_known != WELL_KNOWN_NONE) {
			buf_append_slice(out, w.raw);
			continue;
		}
		struct buf child = {0};
		strip(&child, field->message, w.bytes, false);
		wire_put_bytes(out, w.number, buf_slice(&child));
		buf_release(&child);
	}
}

static int
read_json_lines(struct cli *cli, const struct kind_desc *kind, struct slice text, struct records *all)
{
	struct buf record = {0}, stripped = {0};
	struct fault f = {0};
	unsigned number = 0;
	int r = 0;
	while (r == 0 && text.n) {
		struct slice line;
		if (!slice_cut(&text, '\n', &line)) {
			line = text;
			text.n = 0;
		}
		number++;
		if (slice_trim(line).n == 0)
			continue;
		buf_clear(&record);
		buf_clear(&stripped);
		r = json_parse(&record, kind->message, line, &f);
		if (r < 0) {
			fault_prefix(&f, "row %u", number);
			break;
		}
		strip(&stripped, kind->message, buf_slice(&record), true);
		add_record(all, buf_slice(&stripped));
	}
	buf_release(&record);
	buf_release(&stripped);
	return r == 0 ? EXIT_OK : tell_fault(cli, &f);
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);
	return n >= m && strcmp(s + n - m, end) == 0;
}

/* ---- import: sending ---------------------------------------------------- */

struct sending {
	bool over, full;
	struct buf answer;
	struct zwy_error error;
};

static void
on_message(void *ctx, struct zwy_call *call, struct zwy_bytes message)
{
	struct sending *s = ctx;
	(void)call;
	buf_append(&s->answer, message.data, message.size);
}

static void
on_done(void *ctx, struct zwy_call *call, const struct zwy_error *error)
{
	struct sending *s = ctx;
	(void)call;
	s->over = true;
	s->error = *error;
}

static void
on_writable(void *ctx, struct zwy_call *call)
{
	struct sending *s = ctx;
	(void)call;
	s->full = false;
}

static void
turn(struct cli *cli)
{
	struct pollfd p = {.fd = zwy_client_fd(cli->client), .events = POLLIN};
	poll(&p, 1, zwy_client_timeout(cli->client));
	zwy_client_process(cli->client);
}

/* What only the first message says. */
static void
put_head(struct cli *cli, const char *collection, const struct records *all, struct buf *message)
{
	struct buf mask = {0};
	struct slice rest = slice_of(all->mask), path;
	char own[40];
	wire_put_string(message, IMPORT_COLLECTION, slice_of(collection));
	wire_put_string(message, IMPORT_REQUEST_ID, slice_of(request_id_of(cli, own)));
	while (rest.n) {
		if (!slice_cut(&rest, ',', &path)) {
			path = rest;
			rest.n = 0;
		}
		wire_put_string(&mask, MASK_PATHS, path);
	}
	if (mask.n)
		wire_put_bytes(message, IMPORT_MASK, buf_slice(&mask));
	buf_release(&mask);
}

/* Takes whole records off *rest until the batch is full. */
static struct slice
next_batch(struct slice *rest)
{
	struct slice batch = {rest->p, 0};
	struct wire_field field;
	while (rest->n && wire_next(&(struct slice){rest->p, rest->n}, &field) == 1) {
		if (batch.n && batch.n + field.raw.n > BATCH_BYTES)
			break;
		batch.n += field.raw.n;
		*rest = (struct slice){rest->p + field.raw.n, rest->n - field.raw.n};
	}
	return batch;
}

static int
send_all(struct cli *cli, const char *collection, const struct records *all, struct sending *s)
{
	struct rpc rpc = {.path = "/zwy.v1.ImportService/Import",
			  .writes = true,
			  .repeatable = true,
			  .timeout_s = IMPORT_TIMEOUT_S};
	struct zwy_call_options options = {.size = sizeof(options),
					   .timeout_ms = timeout_of(cli, &rpc),
					   .client_streaming = true,
					   .retry = retry_of(&rpc),
					   .message = on_message,
					   .done = on_done,
					   .writable = on_writable,
					   .ctx = s};
	struct slice rest = buf_slice(&all->fields);
	struct buf message = {0};
	struct zwy_call *call = zwy_call_start(cli->client, rpc.path, (struct zwy_bytes){NULL, 0}, &options);
	if (!call)
		return tell_code(cli, ERR_NO_MEMORY, "no memory for the call");
	put_head(cli, collection, all, &message);
	do {
		buf_append_slice(&message, next_batch(&rest));
		s->full = zwy_call_send(call, (struct zwy_bytes){message.p, message.n}) == 1;
		buf_clear(&message);
		while (s->full && !s->over)
			turn(cli);
	} while (rest.n && !s->over);
	if (!s->over)
		zwy_call_half_close(call);
	while (!s->over)
		turn(cli);
	buf_release(&message);
	return s->error.status ? tell_error(cli, &s->error) : EXIT_OK;
}

static void
print_counts(struct slice answer)
{
	struct wire_field any;
	/* Of a request that it knows the server tells only that it knows it. */
	if (wire_next(&(struct slice){answer.p, answer.n}, &any) != 1) {
		printf("carried out before, under the same request id\n");
		return;
	}
	printf("%llu created, %llu updated, %llu unchanged (revision %llu)\n",
	       (unsigned long long)wire_uint(answer, IMPORTED_CREATED),
	       (unsigned long long)wire_uint(answer, IMPORTED_UPDATED),
	       (unsigned long long)wire_uint(answer, IMPORTED_UNCHANGED),
	       (unsigned long long)wire_uint(answer, IMPORTED_REVISION));
}

int
cmd_import(struct cli *cli)
{
	const char *path = cli->argv[1];
	const struct kind_desc *kind = kind_by_collection(slice_of(cli->argv[0]));
	struct buf text = {0};
	struct records all = {0};
	struct sending s = {0};
	bool json = ends_with(path, ".jsonl") || ends_with(path, ".json") || cli->output == OUTPUT_JSON;
	doing(cli, "import %s %s", cli->argv[0], path);
	if (!kind)
		return tell_code(cli, ERR_INVALID_NAME, "there is no collection %s", cli->argv[0]);
	int r = read_file(cli, path, FILE_MAX, &text);
	if (r == EXIT_OK)
		r = (json ? read_json_lines : read_csv)(cli, kind, buf_slice(&text), &all);
	if (r == EXIT_OK && !client_of(cli))
		r = EXIT_USAGE;
	if (r == EXIT_OK)
		r = send_all(cli, cli->argv[0], &all, &s);
	if (r == EXIT_OK && cli->output == OUTPUT_JSON)
		r = print_one(cli, message_by_name(SLICE("zwy.v1.ImportResponse")), buf_slice(&s.answer));
	else if (r == EXIT_OK)
		print_counts(buf_slice(&s.answer));
	buf_release(&text);
	buf_release(&all.fields);
	buf_release(&s.answer);
	return r;
}

/* ---- export ------------------------------------------------------------- */

/* The columns are those that any record needs: all are read before the first is written. */
static int
collect(void *ctx, struct slice record)
{
	add_record(ctx, record);
	return EXIT_OK;
}

static int
write_csv(struct cli *cli, const struct kind_desc *kind, const struct records *all)
{
	struct csv_writer *writer;
	struct arena arena = {0};
	struct buf out = {0};
	struct slice rest = buf_slice(&all->fields);
	struct wire_field w;
	int r = all->fields.error ? all->fields.error : csv_writer_open(&writer, kind, &arena);
	while (r == 0 && wire_next(&rest, &w) == 1)
		r = csv_columns(writer, w.bytes);
	if (r == 0)
		r = csv_header(writer, &out);
	rest = buf_slice(&all->fields);
	while (r == 0 && wire_next(&rest, &w) == 1) {
		r = csv_row(writer, w.bytes, &out);
		print_buf(&out);
		if (r == 0)
			r = out.error;
		buf_clear(&out);
	}
	print_buf(&out);
	arena_release(&arena);
	buf_release(&out);
	return r == 0 ? EXIT_OK : tell_code(cli, r, "the records cannot be written: %s", reason_of(r)->text);
}

int
cmd_export(struct cli *cli)
{
	struct subject s;
	struct records all = {0};
	uint64_t page_size = 0;
	const char *text = cli->option[OPT_PAGE_SIZE];
	doing(cli, "export %s", cli->argv[0]);
	if (text && !number_of(text, 100000, &page_size))
		return tell_usage(cli, "--page-size is a number, not %s", text);
	int r = subject_of_collection(cli, &s, cli->argv[0]);
	if (r == EXIT_OK && !s.kind && cli->output != OUTPUT_JSON)
		r = tell_usage(cli, "%s has no CSV form; use --output json", cli->argv[0]);
	if (r != EXIT_OK)
		return r;
	struct listing list = {.path = s.list,
			       .parent = s.name,
			       .filter = cli->option[OPT_FILTER],
			       .page_size = (unsigned)page_size};
	if (cli->output == OUTPUT_JSON) {
		struct printer p;
		printer_open(&p, cli, s.message);
		return printer_close(&p, remote_list(cli, &list, printer_item, &p));
	}
	r = remote_list(cli, &list, collect, &all);
	if (r == EXIT_OK)
		r = write_csv(cli, s.kind, &all);
	buf_release(&all.fields);
	return r;
}
