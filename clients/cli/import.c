/* import: a file of records in batches, each of them all or nothing. The file is read
 * twice: first through to its end, so that what cannot be read is told before anything
 * is sent, then batch by batch. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "progress.h"
#include "source.h"
#include "wire.h"

#define BATCH_RECORDS     2000         /* default of --batch */
#define BATCH_RECORDS_MAX 100000       /* what --batch may be */
#define BATCH_BYTES       (32u << 20)  /* of a batch, however few its records */
#define MESSAGE_BYTES     (512u << 10) /* of records per message; one larger record goes alone */

enum { IMPORT_COLLECTION = 1, IMPORT_REQUEST_ID = 2, IMPORT_RECORDS = 3, IMPORT_MASK = 4 };
enum { IMPORTED_CREATED = 1, IMPORTED_UPDATED = 2, IMPORTED_UNCHANGED = 3, IMPORTED_REVISION = 4 };
enum { MASK_PATHS = 1 };

/* Records as ImportRequest fields, one after the other, ready to be cut into messages. */
struct batch {
	struct buf fields;
	size_t count, room;
	unsigned *rows; /* where each ends */
};

struct import {
	struct cli *cli;
	const char *collection;
	struct source *source;
	struct progress progress;
	struct batch batch;
	struct buf record;     /* read, but not in a batch yet, if `held` */
	unsigned held;         /* its row; 0: there is none */
	uint64_t total, taken; /* records of the file; of these, those that the server has */
	uint64_t created, updated, unchanged, refused, revision;
	const char *id;
	unsigned batches; /* sent */
};

/* ---- one batch on its way ------------------------------------------------ */

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

/* What only the first message says. A file of one batch has the id alone. */
static void
put_head(const struct import *im, struct buf *message)
{
	struct buf mask = {0};
	struct slice rest = slice_of(source_mask(im->source)), path;
	char id[160];
	if (im->total > im->batch.count)
		snprintf(id, sizeof(id), "%s-%u", im->id, im->batches);
	else
		snprintf(id, sizeof(id), "%s", im->id);
	wire_put_string(message, IMPORT_COLLECTION, slice_of(im->collection));
	wire_put_string(message, IMPORT_REQUEST_ID, slice_of(id));
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

/* Takes whole records off *rest until the message is full. */
static struct slice
next_message(struct slice *rest)
{
	struct slice part = {rest->p, 0};
	struct wire_field field;
	while (rest->n && wire_next(&(struct slice){rest->p, rest->n}, &field) == 1) {
		if (part.n && part.n + field.raw.n > MESSAGE_BYTES)
			break;
		part.n += field.raw.n;
		*rest = (struct slice){rest->p + field.raw.n, rest->n - field.raw.n};
	}
	return part;
}

static int
send_batch(struct import *im, struct sending *s)
{
	struct cli *cli = im->cli;
	struct rpc rpc = {.path = "/zwy.v1.ImportService/Import",
			  .writes = true,
			  .repeatable = true,
			  .timeout_s = IMPORT_TIMEOUT_S};
	struct zwy_call_options options = {.size = sizeof(options),
					   .timeout_ms = timeout_of(cli, &rpc),
					   .client_streaming = true,
					   .retry = retry_of(&rpc),
					   .wait_for_ready = im->batches > 1,
					   .message = on_message,
					   .done = on_done,
					   .writable = on_writable,
					   .ctx = s};
	struct slice rest = buf_slice(&im->batch.fields);
	struct buf message = {0};
	struct zwy_call *call = zwy_call_start(cli->client, rpc.path, (struct zwy_bytes){NULL, 0}, &options);
	if (!call)
		return ERR_NO_MEMORY;
	put_head(im, &message);
	do {
		buf_append_slice(&message, next_message(&rest));
		int r = message.error ? -ENOMEM
				      : zwy_call_send(call, (struct zwy_bytes){message.p, message.n});
		if (r == -ENOMEM) { /* a batch goes whole or not at all */
			zwy_call_cancel(call);
			buf_release(&message);
			return ERR_NO_MEMORY;
		}
		s->full = r == 1;
		buf_clear(&message);
		while (s->full && !s->over)
			turn(cli);
	} while (rest.n && !s->over);
	if (!s->over)
		zwy_call_half_close(call);
	while (!s->over)
		turn(cli);
	buf_release(&message);
	return 0;
}

/* ---- the file ------------------------------------------------------------ */

/* Reads it through: counts the records, tells what cannot be read. */
static int
check_file(struct import *im)
{
	struct fault f = {0};
	unsigned row;
	uint64_t done, size;
	progress_begin(&im->progress, "reading", "bytes");
	int r = source_rewind(im->source, &f);
	while (r == 0 && (r = source_next(im->source, &im->record, &row, &f)) == 1) {
		im->total++;
		source_progress(im->source, &done, &size);
		progress_show(&im->progress, done, size);
		r = 0;
	}
	progress_end(&im->progress);
	if (r == 0)
		r = source_rewind(im->source, &f);
	return r < 0 ? tell_fault(im->cli, &f) : EXIT_OK;
}

/* 0, or the fault is set. An empty batch: the file is at its end. */
static int
fill_batch(struct import *im, struct fault *f)
{
	struct batch *b = &im->batch;
	buf_clear(&b->fields);
	b->count = 0;
	while (b->count < b->room) {
		int r = im->held ? 1 : source_next(im->source, &im->record, &im->held, f);
		if (r < 0)
			return r;
		if (r == 0 || (b->count && b->fields.n + im->record.n > BATCH_BYTES))
			break;
		wire_put_bytes(&b->fields, IMPORT_RECORDS, buf_slice(&im->record));
		b->rows[b->count++] = im->held;
		im->held = 0;
	}
	return b->fields.error ? fault_set(f, b->fields.error, "a batch cannot be held in memory") : 0;
}

/* records.17.level, of the 17th record of the batch: row 4018, level. */
static void
place_error(const struct import *im, struct zwy_error *error)
{
	for (size_t i = 0; i < error->detail_count; i++) {
		char *field = error->details[i].field, *end, where[sizeof(error->details[i].field)];
		if (strncmp(field, "records.", 8) != 0)
			continue;
		unsigned long n = strtoul(field + 8, &end, 10);
		if (n < 1 || n > im->batch.count)
			continue;
		snprintf(where, sizeof(where), "%s %u%s%.40s", source_unit(im->source), im->batch.rows[n - 1],
			 *end == '.' ? ", " : "", *end == '.' ? end + 1 : "");
		memcpy(field, where, sizeof(where));
	}
}

static void
tell_where(const struct import *im, int status)
{
	const struct batch *b = &im->batch;
	bool unknown = status == EXIT_UNKNOWN || status == EXIT_UNAVAILABLE;
	if (im->total > b->count)
		note("of %llu records %llu are in; %ss %u to %u %s; the same command again goes on there",
		     (unsigned long long)im->total, (unsigned long long)im->taken, source_unit(im->source),
		     b->rows[0], b->rows[b->count - 1], unknown ? "may be" : "are refused together");
}

static int
import_batch(struct import *im)
{
	struct sending s = {0};
	im->batches++;
	int status = send_batch(im, &s);
	if (status < 0) {
		progress_end(&im->progress);
		return tell_code(im->cli, status, "no memory for the call");
	}
	if (s.error.status == 0) {
		struct slice answer = buf_slice(&s.answer);
		uint64_t revision = wire_uint(answer, IMPORTED_REVISION);
		im->created += wire_uint(answer, IMPORTED_CREATED);
		im->updated += wire_uint(answer, IMPORTED_UPDATED);
		im->unchanged += wire_uint(answer, IMPORTED_UNCHANGED);
		im->taken += im->batch.count;
		im->revision = revision > im->revision ? revision : im->revision;
	} else {
		progress_end(&im->progress);
		place_error(im, &s.error);
		status = tell_error(im->cli, &s.error);
		if (status != EXIT_UNKNOWN && status != EXIT_UNAVAILABLE)
			im->refused += im->batch.count;
		tell_where(im, status);
	}
	buf_release(&s.answer);
	return status;
}

static int
import_file(struct import *im)
{
	struct fault f = {0};
	int status = EXIT_OK;
	progress_begin(&im->progress, im->collection, "records");
	do {
		if (fill_batch(im, &f) < 0) {
			progress_end(&im->progress);
			return tell_fault(im->cli, &f);
		}
		if (im->batch.count || im->batches == 0)
			status = import_batch(im);
		progress_show(&im->progress, im->taken, im->total);
	} while (status == EXIT_OK && (im->held || im->batch.count == im->batch.room));
	progress_end(&im->progress);
	return status;
}

static int
print_summary(const struct import *im)
{
	if (im->cli->output == OUTPUT_JSON) {
		struct buf b = {0};
		wire_put_uint(&b, IMPORTED_CREATED, im->created);
		wire_put_uint(&b, IMPORTED_UPDATED, im->updated);
		wire_put_uint(&b, IMPORTED_UNCHANGED, im->unchanged);
		wire_put_uint(&b, IMPORTED_REVISION, im->revision);
		int r = print_one(im->cli, message_by_name(SLICE("zwy.v1.ImportResponse")), buf_slice(&b));
		buf_release(&b);
		return r;
	}
	printf("%llu created, %llu updated, %llu unchanged, %llu refused (revision %llu)\n",
	       (unsigned long long)im->created, (unsigned long long)im->updated,
	       (unsigned long long)im->unchanged, (unsigned long long)im->refused,
	       (unsigned long long)im->revision);
	return EXIT_OK;
}

static int
import_from(struct import *im)
{
	uint64_t room = BATCH_RECORDS;
	const char *text = im->cli->option[OPT_BATCH];
	char own[40];
	if (text && (!number_of(text, BATCH_RECORDS_MAX, &room) || room == 0))
		return tell_usage(im->cli, "--batch is a number from 1 to %d, not %s", BATCH_RECORDS_MAX,
				  text);
	im->id = request_id_of(im->cli, own);
	im->batch.room = (size_t)room;
	im->batch.rows = malloc(im->batch.room * sizeof(*im->batch.rows));
	if (!im->batch.rows)
		return tell_code(im->cli, ERR_NO_MEMORY, "no memory for a batch");
	int r = check_file(im);
	if (r == EXIT_OK && !client_of(im->cli))
		r = EXIT_USAGE;
	if (r != EXIT_OK)
		return r;
	r = import_file(im);
	int printed = print_summary(im);
	return r == EXIT_OK ? printed : r;
}

int
cmd_import(struct cli *cli)
{
	const char *path = cli->argv[1];
	const struct kind_desc *kind = kind_by_collection(slice_of(cli->argv[0]));
	struct import im = {.cli = cli, .collection = cli->argv[0]};
	doing(cli, "import %s %s", cli->argv[0], path);
	if (!kind)
		return tell_code(cli, ERR_INVALID_NAME, "there is no collection %s", cli->argv[0]);
	int r = source_open(&im.source, cli, path, kind);
	if (r == EXIT_OK)
		r = import_from(&im);
	source_close(im.source);
	buf_release(&im.record);
	buf_release(&im.batch.fields);
	free(im.batch.rows);
	return r;
}
