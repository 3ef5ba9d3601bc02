#include "source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "csv.h"
#include "json.h"
#include "wire.h"

#define PIECE_BYTES 65536

struct source {
	const struct kind_desc *kind;
	const char *path;
	FILE *file;
	uint64_t done, size;
	struct buf piece; /* read, not yet let go */
	size_t handed;    /* of the piece: whole rows that the reader has */
	bool ended;       /* the file is read */
	bool json;
	/* CSV */
	struct arena arena;
	struct csv_reader *csv;
	/* JSON lines */
	struct slice rest; /* of what is handed */
	unsigned line;
	struct buf parsed;
};

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);
	return n >= m && strcmp(s + n - m, end) == 0;
}

/* Takes over `from` unless it can be read twice itself. NULL with errno. */
static FILE *
spool(FILE *from)
{
	char bytes[PIECE_BYTES];
	size_t n;
	FILE *copy = tmpfile();
	while (copy && (n = fread(bytes, 1, sizeof(bytes), from)) > 0)
		if (fwrite(bytes, 1, n, copy) != n)
			break;
	bool good = copy && !ferror(from) && !ferror(copy) && fflush(copy) == 0;
	int error = errno;
	if (from != stdin)
		fclose(from);
	if (!good && copy)
		fclose(copy);
	errno = error;
	return good ? copy : NULL;
}

static FILE *
open_file(const char *path, uint64_t *ret_size)
{
	struct stat st;
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	if (!file || fstat(fileno(file), &st) != 0)
		return NULL;
	if (S_ISDIR(st.st_mode)) {
		fclose(file);
		errno = EISDIR;
		return NULL;
	}
	if (file == stdin || !S_ISREG(st.st_mode))
		file = spool(file);
	if (!file || fstat(fileno(file), &st) != 0)
		return NULL;
	*ret_size = (uint64_t)st.st_size;
	return file;
}

int
source_open(struct source **ret, struct cli *cli, const char *path, const struct kind_desc *kind)
{
	struct source *s = calloc(1, sizeof(*s));
	if (!s)
		return tell_code(cli, ERR_NO_MEMORY, "%s: out of memory", path);
	s->file = open_file(path, &s->size);
	if (!s->file) {
		int error = errno;
		free(s);
		return tell_code(cli, ERR_USAGE, "%s: %s", path, strerror(error));
	}
	s->kind = kind;
	s->path = path;
	s->json = ends_with(path, ".jsonl") || ends_with(path, ".json") || cli->output == OUTPUT_JSON;
	*ret = s;
	return EXIT_OK;
}

static size_t
whole_lines(struct slice text)
{
	const char *last = text.n ? memrchr(text.p, '\n', text.n) : NULL;
	return last ? (size_t)(last - text.p) + 1 : 0;
}

/* How much of the piece the reader may have. */
static size_t
whole(const struct source *s)
{
	struct slice text = buf_slice(&s->piece);
	if (s->ended)
		return text.n;
	if (s->kind->kind == KIND_CALENDAR_YEAR && !s->json)
		return 0;
	return s->json ? whole_lines(text) : csv_whole_rows(text);
}

static int
read_more(struct source *s, struct fault *f)
{
	char *room = buf_reserve(&s->piece, PIECE_BYTES);
	if (!room)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	size_t n = fread(room, 1, PIECE_BYTES, s->file);
	if (n < PIECE_BYTES && ferror(s->file))
		return fault_set(f, ERR_USAGE, "it cannot be read: %s", strerror(errno));
	s->piece.n += n;
	s->done += n;
	s->ended = n < PIECE_BYTES;
	return 0;
}

/* Lets go of what was handed over and hands over the next whole rows. 1, 0 at the end, or negative. */
static int
refill(struct source *s, struct slice *ret, struct fault *f)
{
	buf_consume(&s->piece, s->handed);
	s->handed = 0;
	while (!s->ended && (s->handed = whole(s)) == 0) {
		if (s->piece.n > ROW_MAX)
			return fault_set(f, ERR_MESSAGE_TOO_LARGE, "a %s is larger than %u bytes",
					 source_unit(s), ROW_MAX);
		int r = read_more(s, f);
		if (r < 0)
			return r;
	}
	if (s->ended)
		s->handed = s->piece.n;
	*ret = slice_make(s->piece.p, s->handed);
	return s->handed > 0;
}

int
source_rewind(struct source *s, struct fault *f)
{
	struct slice text;
	if (fseek(s->file, 0, SEEK_SET) != 0)
		return fault_set(f, ERR_USAGE, "%s: %s", s->path, strerror(errno));
	buf_clear(&s->piece);
	arena_reset(&s->arena);
	s->handed = 0;
	s->done = 0;
	s->line = 0;
	s->ended = false;
	s->csv = NULL;
	s->rest = (struct slice){NULL, 0};
	if (s->json)
		return 0;
	int r = refill(s, &text, f);
	return r < 0 ? r : csv_open(&s->csv, s->kind, text, &s->arena, f);
}

static int
next_row(struct source *s, struct buf *ret, unsigned *ret_row, struct fault *f)
{
	struct slice text;
	int r;
	while ((r = csv_next(s->csv, ret, f)) == 0) {
		r = refill(s, &text, f);
		if (r == 1)
			r = csv_more(s->csv, text, f);
		else
			return r;
		if (r < 0)
			return r;
	}
	*ret_row = csv_row_number(s->csv);
	return r;
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
		out->error = out->error ? out->error : child.error;
		wire_put_bytes(out, w.number, buf_slice(&child));
		buf_release(&child);
	}
}

static int
next_line(struct source *s, struct buf *ret, unsigned *ret_row, struct fault *f)
{
	struct slice line = {NULL, 0};
	while (slice_trim(line).n == 0) {
		int r = s->rest.n ? 1 : refill(s, &s->rest, f);
		if (r != 1)
			return r;
		if (!slice_cut(&s->rest, '\n', &line)) {
			line = s->rest;
			s->rest.n = 0;
		}
		s->line++;
	}
	*ret_row = s->line;
	buf_clear(&s->parsed);
	buf_clear(ret);
	int r = json_parse(&s->parsed, s->kind->message, line, f);
	if (r < 0) {
		fault_prefix(f, "line %u", s->line);
		return r;
	}
	strip(ret, s->kind->message, buf_slice(&s->parsed), true);
	return ret->error ? fault_set(f, ret->error, "line %u: out of memory", s->line) : 1;
}

int
source_next(struct source *s, struct buf *ret, unsigned *ret_row, struct fault *f)
{
	return s->json ? next_line(s, ret, ret_row, f) : next_row(s, ret, ret_row, f);
}

const char *
source_mask(const struct source *s)
{
	return s->csv ? csv_mask(s->csv) : "";
}

void
source_progress(const struct source *s, uint64_t *ret_done, uint64_t *ret_size)
{
	*ret_done = s->done - (s->piece.n - s->handed);
	*ret_size = s->size;
}

const char *
source_unit(const struct source *s)
{
	return s->json ? "line" : "row";
}

void
source_close(struct source *s)
{
	if (!s)
		return;
	fclose(s->file);
	arena_release(&s->arena);
	buf_release(&s->piece);
	buf_release(&s->parsed);
	free(s);
}
