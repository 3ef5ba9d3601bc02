/* Reading and writing open files. The write protocol's rules are box.c's and
 * line.c's; here they are carried out. */
#include <errno.h>
#include <stdlib.h>

#include "mount.h"

static struct handle *
handle_of(const struct fuse_file_info *fi)
{
	return (struct handle *)(uintptr_t)fi->fh;
}

static void
reply_slice(fuse_req_t req, struct slice s, size_t size, off_t offset)
{
	uint64_t at = (uint64_t)offset;
	size_t n = at < s.n ? s.n - (size_t)at : 0;
	fuse_reply_buf(req, n ? s.p + at : NULL, n < size ? n : size);
}

static void
read_line(fuse_req_t req, struct handle *h, size_t size)
{
	char *bytes = malloc(size);
	if (!bytes) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	fuse_reply_buf(req, bytes, line_read(&h->line, bytes, size));
	free(bytes);
}

static void
read_index(fuse_req_t req, fuse_ino_t inode, struct handle *h, size_t size, off_t offset)
{
	struct op *op = op_begin(req, inode, false);
	if (!op)
		return;
	op->handle = h;
	op->size = size;
	op->offset = offset;
	index_read(op);
}

void
fs_read(fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct handle *h = handle_of(fi);
	switch (h->type) {
	case HANDLE_CONTENT:
		reply_slice(req, buf_slice(&h->content->bytes), size, offset);
		break;
	case HANDLE_BOX:
		reply_slice(req, box_bytes(&h->box), size, offset);
		break;
	case HANDLE_EVENTS:
		reply_slice(req, buf_slice(&h->caller->events.lines), size, offset);
		break;
	case HANDLE_LINE:
		read_line(req, h, size);
		break;
	case HANDLE_INDEX:
		read_index(req, inode, h, size, offset);
		break;
	}
}

/* ---- requests ----------------------------------------------------------- */

static void
write_committed(struct op *op, int eno)
{
	struct handle *h = op->handle;
	h->busy = false;
	box_committed(&h->box, eno);
	if (eno) {
		op_error(op, eno);
		return;
	}
	fuse_reply_write(op->req, op->size);
	op_end(op);
}

/* Why the bytes were refused stands in results/<NAME>/error. An accepted result stays. */
static void
note_refusal(struct box *b, const char *name, int eno, const char *error)
{
	struct box_result r = {.state = BOX_REFUSED, .error_number = eno, .time = wall_ms()};
	if (!error)
		return;
	size_t n = strlen(error);
	memcpy(r.error, error, n < sizeof(r.error) ? n : sizeof(r.error) - 1);
	box_settle(b, slice_of(name), (struct slice){0}, &r);
}

static void
write_box(struct op *op, struct slice data)
{
	struct handle *h = op->handle;
	struct box_file *f = h->box.file;
	if (h->busy) {
		op->handle = NULL;
		op_error(op, EBUSY);
		return;
	}
	struct box_step step = box_write(&h->box, (uint64_t)op->offset, data, wall_ms());
	if (step.error_number) {
		note_refusal(f->box, f->name, step.error_number, step.error);
		op_error(op, step.error_number);
		return;
	}
	if (step.commit) {
		h->busy = true;
		send_request(op, f->box, f->name, step.raw, step.body, step.json, write_committed);
		return;
	}
	fuse_reply_write(op->req, data.n);
	op_end(op);
}

void
fs_write(fuse_req_t req, fuse_ino_t inode, const char *bytes, size_t size, off_t offset,
	 struct fuse_file_info *fi)
{
	struct op *op = op_begin(req, inode, false);
	if (!op)
		return;
	op->handle = handle_of(fi);
	op->size = size;
	op->offset = offset;
	if (op->handle->type == HANDLE_BOX) {
		write_box(op, (struct slice){bytes, size});
		return;
	}
	if (op->handle->type != HANDLE_LINE) {
		op->handle = NULL;
		op_error(op, EBADF);
		return;
	}
	buf_append(&op->data, bytes, size);
	if (op->data.error) {
		op_error(op, ENOMEM);
		return;
	}
	write_lines(op);
}

/* ---- line files --------------------------------------------------------- */

/* Those before the refused one were carried out: the writer is told how far it came. */
static void
lines_end(struct op *op, int eno, size_t done)
{
	if (eno && done == 0) {
		op_error(op, eno);
		return;
	}
	fuse_reply_write(op->req, eno ? done : op->size);
	op_end(op);
}

static void
line_sent(struct op *op, int eno)
{
	if (eno) {
		lines_end(op, eno, op->used);
		return;
	}
	if (op->stop && op->data.n) {
		lines_end(op, EINTR, op->size - op->data.n);
		return;
	}
	write_lines(op);
}

void
write_lines(struct op *op)
{
	struct handle *h = op->handle;
	if (!h->line_used) {
		h->line_used = true;
		buf_clear(&h->line.answers); /* the template makes way for answers */
	}
	for (;;) {
		struct slice line, data = {op->data.p, op->data.n};
		size_t before = op->size - op->data.n;
		int r = line_next(&h->line, &data, &line);
		if (r < 0) {
			lines_end(op, -r, before);
			return;
		}
		if (r == 0) {
			lines_end(op, 0, 0);
			return;
		}
		op->used = before;
		if (!line_is_comment(line)) {
			struct buf copy = {0};
			buf_append_slice(&copy, line);
			line_done(&h->line);
			buf_consume(&op->data, op->data.n - data.n);
			send_line(op, buf_slice(&copy), line_sent);
			buf_release(&copy);
			return;
		}
		line_done(&h->line);
		buf_consume(&op->data, op->data.n - data.n);
	}
}

/* ---- close -------------------------------------------------------------- */

static void
flush_uploaded(struct op *op, int eno)
{
	struct handle *h = op->handle;
	h->busy = false;
	box_committed(&h->box, eno);
	op_error(op, eno);
}

static void
flush_box(struct op *op)
{
	struct handle *h = op->handle;
	struct box_file *f = h->box.file;
	if (h->busy) {
		op->handle = NULL;
		op_error(op, EBUSY);
		return;
	}
	struct box_step step = box_flush(&h->box);
	if (step.upload) {
		h->busy = true;
		send_document(op, slice_of(f->directory), f->name, step.raw, flush_uploaded);
		return;
	}
	op_error(op, step.error_number);
}

void
fs_flush(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	struct op *op = op_begin(req, inode, false);
	if (!op)
		return;
	op->handle = handle_of(fi);
	if (op->handle->type == HANDLE_BOX)
		flush_box(op);
	else
		op_error(op, op->handle->line.rest.n ? EBADMSG : 0);
}

void
fs_fsync(fuse_req_t req, fuse_ino_t inode, int datasync, struct fuse_file_info *fi)
{
	struct handle *h = handle_of(fi);
	(void)inode;
	(void)datasync;
	if (h->type == HANDLE_BOX)
		fuse_reply_err(req, box_sync(&h->box));
	else
		fuse_reply_err(req, h->line.rest.n ? EBADMSG : 0);
}

void
fs_release(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	(void)inode;
	handle_free(fuse_req_userdata(req), handle_of(fi));
	fuse_reply_err(req, 0);
}
