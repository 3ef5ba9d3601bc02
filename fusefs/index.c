/* applications/index.tsv: every case that its reader may see, a row each of fixed width, so
 * that its size is known without reading it and any part is found without the rest.
 *
 * What is kept of it is a number, and for each INDEX_STEP rows the token from which a list
 * goes on there: counted once by names alone, and from the last token on when cases have
 * come since. New ones come last, so rows never move. The rows themselves are asked for
 * when somebody reads them. */
#include <errno.h>
#include <stdlib.h>

#include "mount.h"
#include "wire.h"

#define INDEX_STEP VIEW_NAMES_SIZE /* names counted at a time */
#define LIST       "/zwy.v1.ApplicationService/ListApplications"
#define WAIT_MS    3600000 /* each page has a deadline of its own */

struct mark {
	uint64_t row;
	char *token; /* NULL: the beginning */
};

struct index {
	struct caller *caller;
	struct mark *marks; /* at least one once it was counted */
	size_t count, capacity;
	uint64_t rows;
	uint64_t made; /* cases made, when counting began */
	bool counted;
	int eno; /* why it could not be counted */
	struct zwy_call *call;
	struct buf page;
};

struct index_reader {
	struct buf rows; /* those from `from` on */
	uint64_t from;
	struct buf token; /* what follows them; empty: nothing */
	bool begun;
	struct op *op; /* waits for a page */
	struct zwy_call *call;
	struct buf page;
	struct caller *caller;
};

/* ---- asking --------------------------------------------------------------- */

static struct zwy_call *
ask(struct caller *c, const char *token, uint64_t size, bool names, struct zwy_call_options *options)
{
	struct mount *m = c->mount;
	struct buf first = {0};
	view_list_request(&first, SLICE(""), size, SLICE(""), names);
	struct buf request = view_next_page(buf_slice(&first), slice_of(token ? token : ""));
	struct zwy_call *call =
		request.error
			? NULL
			: zwy_call_start(m->client, LIST, (struct zwy_bytes){request.p, request.n}, options);
	buf_release(&request);
	buf_release(&first);
	return call;
}

/* ---- counting --------------------------------------------------------------- */

void
index_reset(struct caller *c)
{
	struct index *x = c->index;
	if (!x)
		return;
	if (x->call)
		zwy_call_cancel(x->call);
	for (size_t i = 0; i < x->count; i++)
		free(x->marks[i].token);
	free(x->marks);
	buf_release(&x->page);
	free(x);
	c->index = NULL;
}

static int
add_mark(struct index *x, struct slice token)
{
	if (x->count == x->capacity) {
		size_t capacity = x->capacity ? 2 * x->capacity : 8;
		struct mark *marks = reallocarray(x->marks, capacity, sizeof(*marks));
		if (!marks)
			return ENOMEM;
		x->marks = marks;
		x->capacity = capacity;
	}
	char *copy = token.n ? strndup(token.p, token.n) : NULL;
	if (token.n && !copy)
		return ENOMEM;
	x->marks[x->count++] = (struct mark){x->rows, copy};
	return 0;
}

static void
take_page(void *ctx, struct zwy_call *call, struct zwy_bytes bytes)
{
	struct buf *page = ctx;
	(void)call;
	buf_append(page, bytes.data, bytes.size);
}

static void
count_message(void *ctx, struct zwy_call *call, struct zwy_bytes bytes)
{
	take_page(&((struct index *)ctx)->page, call, bytes);
}

static void count_on(struct index *x);

static void
count_done(void *ctx, struct zwy_call *call, const struct zwy_error *error)
{
	struct index *x = ctx;
	struct slice page = buf_slice(&x->page), token = wire_string(page, 2);
	struct wire_field w;
	(void)call;
	x->call = NULL;
	server_trouble(x->caller->mount, error->status ? error : NULL);
	x->eno = error->status ? error->error_number : x->page.error ? ENOMEM : 0;
	while (!x->eno && wire_next(&page, &w) == 1)
		x->rows += w.number == 1;
	if (!x->eno && token.n)
		x->eno = add_mark(x, token);
	bool more = !x->eno && token.n;
	x->counted = !x->eno && !more;
	buf_release(&x->page);
	if (more)
		count_on(x);
}

/* From the last mark on. */
static void
count_on(struct index *x)
{
	struct caller *c = x->caller;
	struct zwy_metadata metadata[1];
	const struct mark *last = &x->marks[x->count - 1];
	struct zwy_call_options options =
		call_options(c->mount, c, metadata, c->mount->options.read_deadline_ms, x);
	options.message = count_message;
	options.done = count_done;
	x->rows = last->row;
	x->call = ask(c, last->token, INDEX_STEP, true, &options);
	if (!x->call)
		x->eno = ENOMEM;
}

/* It is so still, as far as the mount has heard. */
static bool
is_current(const struct index *x)
{
	return x->counted && x->made == x->caller->made && keep_possible(x->caller);
}

static bool
is_counted(const struct op *op)
{
	return !op->caller->index || !op->caller->index->call;
}

void
index_wait(struct op *op, void (*resume)(struct op *op))
{
	struct caller *c = op->caller;
	struct index *x = c->index;
	if (!x) {
		x = c->index = calloc(1, sizeof(*x));
		if (!x || add_mark(x, (struct slice){0})) {
			op_error(op, ENOMEM);
			return;
		}
		x->caller = c;
	}
	if (!x->call && !is_current(x)) {
		x->made = c->made;
		x->counted = false;
		count_on(x);
	}
	op_wait(op, is_counted, resume, now_ms() + WAIT_MS);
}

int
index_size(const struct caller *c, uint64_t *ret)
{
	const struct index *x = c->index;
	if (!x || x->eno)
		return x ? x->eno : EAGAIN;
	*ret = (x->rows + 1) * INDEX_WIDTH;
	return 0;
}

/* ---- reading ----------------------------------------------------------------- */

struct index_reader *
index_reader_new(struct caller *c)
{
	struct index_reader *r = calloc(1, sizeof(*r));
	if (r)
		r->caller = c;
	return r;
}

void
index_reader_free(struct index_reader *r)
{
	if (!r)
		return;
	if (r->call)
		zwy_call_cancel(r->call);
	buf_release(&r->rows);
	buf_release(&r->token);
	buf_release(&r->page);
	free(r);
}

void
index_reader_leave(struct index_reader *r, const struct op *op)
{
	if (r && r->op == op)
		r->op = NULL;
}

static uint64_t
end_of(const struct index_reader *r)
{
	return r->from + r->rows.n / INDEX_WIDTH;
}

/* To the last mark before the row, unless what is there leads to it. */
static void
seek(struct index_reader *r, uint64_t row)
{
	const struct index *x = r->caller->index;
	size_t i = x ? x->count : 0;
	if (r->begun && row >= r->from && row <= end_of(r)) {
		buf_consume(&r->rows, (size_t)(row - r->from) * INDEX_WIDTH);
		r->from = row;
		return;
	}
	while (i && x->marks[i - 1].row > row)
		i--;
	const struct mark *m = i ? &x->marks[i - 1] : NULL;
	buf_clear(&r->rows);
	buf_clear(&r->token);
	if (m && m->token)
		buf_append_str(&r->token, m->token);
	r->from = m ? m->row : 0;
	r->begun = false;
}

static void
reply(struct op *op)
{
	struct index_reader *r = op->handle->index;
	uint64_t at = (uint64_t)op->offset, end = op->handle->size, row;
	struct buf out = {0};
	end = at + op->size < end ? at + op->size : end;
	if (at < INDEX_WIDTH)
		index_header(&out);
	row = at < INDEX_WIDTH ? 0 : at / INDEX_WIDTH - 1;
	uint64_t skip = at % INDEX_WIDTH, from = (row - r->from) * INDEX_WIDTH;
	if (row >= r->from && from < r->rows.n)
		buf_append(&out, r->rows.p + from, r->rows.n - (size_t)from);
	size_t n = at < end && skip < out.n ? out.n - (size_t)skip : 0;
	n = n < end - at ? n : (size_t)(end - at);
	if (out.error)
		fuse_reply_err(op->req, ENOMEM);
	else
		fuse_reply_buf(op->req, n ? out.p + skip : NULL, n);
	buf_release(&out);
	op_end(op);
}

static void read_on(struct op *op);

/* Rows before those that are wanted. */
static void
pass_over(struct index_reader *r, const struct op *op)
{
	uint64_t row = op ? (uint64_t)op->offset / INDEX_WIDTH : 0, there = r->rows.n / INDEX_WIDTH;
	uint64_t before = row > r->from + 1 ? row - 1 - r->from : 0;
	before = before < there ? before : there;
	buf_consume(&r->rows, (size_t)before * INDEX_WIDTH);
	r->from += before;
}

static void
rows_message(void *ctx, struct zwy_call *call, struct zwy_bytes bytes)
{
	take_page(&((struct index_reader *)ctx)->page, call, bytes);
}

static void
rows_done(void *ctx, struct zwy_call *call, const struct zwy_error *error)
{
	struct index_reader *r = ctx;
	struct op *op = r->op;
	struct slice page = buf_slice(&r->page);
	struct wire_field w;
	int eno = error->status ? error->error_number : r->page.error ? ENOMEM : 0;
	(void)call;
	r->call = NULL;
	r->op = NULL;
	server_trouble(r->caller->mount, error->status ? error : NULL);
	buf_clear(&r->token);
	if (!eno)
		buf_append_slice(&r->token, wire_string(page, 2));
	while (!eno && wire_next(&page, &w) == 1)
		if (w.number == 1 && w.type == WIRE_LEN)
			index_row(w.bytes, &r->rows);
	r->begun = !eno;
	pass_over(r, op);
	eno = eno || !(r->rows.error || r->token.error) ? eno : ENOMEM;
	buf_release(&r->page);
	if (op && eno)
		op_error(op, eno);
	else if (op)
		read_on(op);
}

static bool
is_free(const struct op *op)
{
	return !op->handle->index->call;
}

static void
read_on(struct op *op)
{
	struct index_reader *r = op->handle->index;
	struct caller *c = r->caller;
	struct zwy_metadata metadata[1];
	uint64_t end = (uint64_t)op->offset + op->size;
	end = end < op->handle->size ? end : op->handle->size;
	uint64_t last = end / INDEX_WIDTH; /* rows before it are wanted, the header left out */
	if ((uint64_t)op->offset >= end || end <= INDEX_WIDTH ||
	    (r->begun && (end_of(r) >= last || r->token.n == 0))) {
		reply(op);
		return;
	}
	struct zwy_call_options options =
		call_options(c->mount, c, metadata, c->mount->options.read_deadline_ms, r);
	options.message = rows_message;
	options.done = rows_done;
	buf_append_char(&r->token, '\0');
	r->op = op;
	r->call = ask(c, r->token.n > 1 ? r->token.p : NULL, VIEW_PAGE_SIZE, false, &options);
	if (!r->call) {
		r->op = NULL;
		op_error(op, ENOMEM);
	}
}

static void
start_reading(struct op *op)
{
	if (!is_free(op)) { /* another's page did not come for an hour */
		op_error(op, EIO);
		return;
	}
	uint64_t row = (uint64_t)op->offset / INDEX_WIDTH;
	seek(op->handle->index, row ? row - 1 : 0);
	read_on(op);
}

void
index_read(struct op *op)
{
	op_wait(op, is_free, start_reading, now_ms() + WAIT_MS);
}
