#include "box.h"

#include <errno.h>
#include <stdlib.h>

#include "box_result.h"
#include "text.h"
#include "tree.h"

#define TEXT_GARBAGE_ERROR "this can never become a request: bytes that are not UTF-8, or text after `submit`"
#define TEXT_TOO_LONG      "this is longer than a request may be: 64 KiB, unless the mount was told otherwise"

struct box *
box_new(const char *principal, const struct box_limits *limits)
{
	struct box *b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	b->principal = strdup(principal);
	b->limits = *limits;
	if (!b->principal) {
		free(b);
		return NULL;
	}
	return b;
}

void
box_free(struct box *b)
{
	if (!b)
		return;
	while (b->files)
		box_unlink(b->files);
	box_results_release(b);
	free(b->principal);
	free(b);
}

const char *
box_principal(const struct box *b)
{
	return b->principal;
}

struct box_file *
box_find(struct box *b, struct slice directory, struct slice name)
{
	for (struct box_file *f = b->files; f; f = f->next)
		if (slice_is(name, f->name) && slice_is(directory, f->directory))
			return f;
	return NULL;
}

static struct box_file *
new_file(struct box *b, enum box_area area, struct slice directory, struct slice name)
{
	struct box_file *f = calloc(1, sizeof(*f));
	if (f)
		f->directory = strndup(directory.p, directory.n);
	if (!f || !f->directory) {
		free(f);
		return NULL;
	}
	memcpy(f->name, name.p, name.n);
	f->box = b;
	f->area = area;
	f->mode = 0644;
	f->refs = 2; /* the directory's and the caller's */
	f->linked = true;
	f->next = b->files;
	b->files = f;
	b->file_count++;
	return f;
}

int
box_create(struct box *b, enum box_area area, struct slice directory, struct slice name, uint64_t inode,
	   msec now, struct box_file **ret)
{
	int eno = tree_check_file_name(name);
	if (eno)
		return eno;
	if (b->file_count >= b->limits.files)
		return EBUSY;
	struct box_file *f = new_file(b, area, directory, name);
	if (!f)
		return ENOMEM;
	f->inode = inode;
	f->mtime = now;
	box_show(b, directory, name);
	*ret = f;
	return 0;
}

struct box_file *
box_file_ref(struct box_file *f)
{
	f->refs++;
	return f;
}

void
box_file_unref(struct box_file *f)
{
	if (!f || --f->refs)
		return;
	f->box->bytes -= f->counted;
	buf_release(&f->content);
	free(f->directory);
	free(f);
}

static void
unlink_from_box(struct box_file *f)
{
	for (struct box_file **p = &f->box->files; *p; p = &(*p)->next)
		if (*p == f) {
			*p = f->next;
			break;
		}
	f->box->file_count--;
	f->linked = false;
}

void
box_unlink(struct box_file *f)
{
	if (!f->linked)
		return;
	unlink_from_box(f);
	box_file_unref(f);
}

bool
box_is_request(const struct box_file *f)
{
	bool json;
	return f->area == BOX_REQUESTS && tree_is_request(slice_of(f->name), &json);
}

void
box_names(struct box *b, struct slice directory, struct content *c)
{
	for (struct box_file *f = b->files; f; f = f->next)
		if (slice_is(directory, f->directory))
			content_add(c, CONTENT_FILE, slice_of(f->name));
}

/* ---- content ----------------------------------------------------------- */

/* Writes at an offset, filling a gap with zero bytes. 0 or an errno. */
static int
splice(struct buf *b, uint64_t offset, struct slice data, size_t limit)
{
	if (offset > limit || data.n > limit - offset)
		return EFBIG;
	size_t end = (size_t)offset + data.n;
	if (end > b->n) {
		size_t old = b->n;
		char *p = buf_reserve(b, end - b->n);
		if (!p) {
			b->error = 0;
			return ENOMEM;
		}
		if (offset > old)
			memset(b->p + old, 0, (size_t)offset - old);
		b->n = end;
	}
	if (data.n)
		memcpy(b->p + offset, data.p, data.n);
	return 0;
}

static int
set_bytes(struct buf *b, struct slice bytes)
{
	struct buf copy = {0};
	buf_append_slice(&copy, bytes);
	if (copy.error) {
		buf_release(&copy);
		return ENOMEM;
	}
	buf_release(b);
	*b = copy;
	return 0;
}

/* Whoever made the file may have filled it. */
static void
count_bytes(struct box_file *f)
{
	f->box->bytes += f->content.n - f->counted;
	f->counted = f->content.n;
}

static void
changed(struct box_file *f, msec now)
{
	count_bytes(f);
	f->mtime = now;
	f->origin[0] = '\0';
}

/* A file's whole content becomes these bytes. */
static int
file_set(struct box_file *f, struct slice bytes, msec now)
{
	size_t before = f->content.n;
	if (f->box->bytes - before + bytes.n > f->box->limits.bytes)
		return ENOSPC;
	int eno = set_bytes(&f->content, bytes);
	if (!eno)
		changed(f, now);
	return eno;
}

int
box_fill(struct box_file *f, struct slice bytes)
{
	return bytes.n > f->box->limits.file ? EFBIG : file_set(f, bytes, f->mtime);
}

static int
file_write(struct box_file *f, uint64_t offset, struct slice data, msec now)
{
	struct box *b = f->box;
	size_t before = f->content.n;
	uint64_t end = offset + data.n;
	if (end > before && b->bytes + (end - before) > b->limits.bytes)
		return ENOSPC;
	int eno = splice(&f->content, offset, data, b->limits.file);
	if (!eno)
		changed(f, now);
	return eno;
}

/* ---- handles ----------------------------------------------------------- */

int
box_open(struct box_handle *ret, struct box_file *f, bool truncate, bool append)
{
	struct box_handle h = {.append = append, .private_buffer = box_is_request(f)};
	struct slice accepted;
	if (h.private_buffer && !truncate && set_bytes(&h.buffer, buf_slice(&f->content)))
		return ENOMEM;
	if (truncate && !(h.private_buffer && box_accepted_raw(f->box, slice_of(f->name), &accepted))) {
		buf_clear(&f->content);
		changed(f, f->mtime);
		f->spoiled = 0;
		h.dirty = !h.private_buffer;
	}
	h.spoiled = truncate ? 0 : f->spoiled;
	count_bytes(f);
	h.file = box_file_ref(f);
	f->handles++;
	*ret = h;
	return 0;
}

/* Whether both are whole and differ in nothing but blanks and comments after the end. */
static bool
same_document(struct slice name, struct slice a, struct slice b)
{
	struct slice body_a, body_b;
	bool json;
	tree_is_request(name, &json);
	return text_scan(a, json, &body_a) == TEXT_COMPLETE && text_scan(b, json, &body_b) == TEXT_COMPLETE &&
	       slice_equal(body_a, body_b);
}

/* What there is so far becomes the draft that the next writer continues; what was
 * accepted is what a reader finds, whatever somebody tried to write over it. */
static void
keep_draft(struct box_handle *h)
{
	struct slice accepted;
	struct box_file *f = h->file;
	if (!h->private_buffer || !h->dirty || h->complete)
		return;
	if (box_accepted_raw(f->box, slice_of(f->name), &accepted)) {
		if (!same_document(slice_of(f->name), accepted, buf_slice(&f->content)))
			file_set(f, accepted, f->mtime);
		return;
	}
	f->spoiled = h->spoiled;
	file_set(f, buf_slice(&h->buffer), f->mtime);
}

/* A file that is renamed while it is open may become a request, or cease to be one: what is
 * written into it from then on is judged, or no longer. 0 or an errno. */
static int
follow_rename(struct box_handle *h)
{
	struct box_file *f = h->file;
	bool request = box_is_request(f);
	if (h->private_buffer == request)
		return 0;
	int eno = 0;
	if (request)
		eno = set_bytes(&h->buffer, buf_slice(&f->content));
	else if (h->dirty)
		eno = file_set(f, buf_slice(&h->buffer), f->mtime);
	if (eno)
		return eno;
	h->private_buffer = request;
	h->dirty = h->complete = false;
	h->refused = h->spoiled = 0;
	return 0;
}

void
box_close(struct box_handle *h)
{
	struct box_file *f = h->file;
	if (!f)
		return;
	follow_rename(h);
	keep_draft(h);
	/* A document is the server's from here on, or was refused and said so. */
	if (--f->handles == 0 && f->area == BOX_DOCUMENTS && !tree_is_scratch(slice_of(f->name)))
		box_unlink(f);
	box_file_unref(f);
	buf_release(&h->buffer);
	*h = (struct box_handle){0};
}

void
box_committed(struct box_handle *h, int eno)
{
	h->refused = h->private_buffer ? eno : 0;
	if (h->private_buffer)
		h->complete = eno == 0;
	else
		h->dirty = eno != 0;
}

struct slice
box_bytes(const struct box_handle *h)
{
	return buf_slice(h->private_buffer ? &h->buffer : &h->file->content);
}

static struct box_step
refuse(int eno, const char *error)
{
	return (struct box_step){.error_number = eno, .error = error};
}

/* What bytes that shall stand under a request's name come to. */
static struct box_step
judge(struct box *b, struct slice name, struct slice raw, bool *ret_complete)
{
	struct box_step step = {.raw = raw};
	tree_is_request(name, &step.json);
	enum text_state state = text_scan(raw, step.json, &step.body);
	*ret_complete = state == TEXT_COMPLETE;
	struct slice accepted;
	if (box_accepted_raw(b, name, &accepted)) {
		bool same = same_document(name, raw, accepted) ||
			    (state == TEXT_INCOMPLETE && slice_starts(accepted, raw));
		return same ? step : refuse(EEXIST, NULL);
	}
	if (state == TEXT_GARBAGE)
		return refuse(EBADMSG, TEXT_GARBAGE_ERROR);
	step.commit = state == TEXT_COMPLETE;
	return step;
}

/* A write after the document was completed may only add blanks and comments; an
 * accepted application stays as it is (contract, Text). Once bytes were refused so are
 * all that follow, until the file is begun anew: a shell's loop, or its next command, goes
 * on behind a line that could not be written, and what it leaves there is not the request
 * that somebody wrote. */
static struct box_step
request_write(struct box_handle *h, uint64_t offset, struct slice data, msec now)
{
	struct box_file *f = h->file;
	struct buf next = {0};
	if (h->spoiled) {
		h->refused = h->spoiled;
		return refuse(h->spoiled, NULL);
	}
	if (set_bytes(&next, buf_slice(&h->buffer)))
		return refuse(ENOMEM, NULL);
	int eno = splice(&next, h->append ? next.n : offset, data, f->box->limits.request);
	bool complete = false;
	struct box_step step = refuse(eno, eno == EFBIG ? TEXT_TOO_LONG : NULL);
	if (!eno)
		step = judge(f->box, slice_of(f->name), buf_slice(&next), &complete);
	h->dirty = true;
	if (step.error_number) {
		h->refused = h->spoiled = step.error_number;
		buf_release(&next);
		return step;
	}
	buf_release(&h->buffer);
	h->buffer = next;
	h->refused = 0;
	h->complete = complete && !step.commit;
	if (complete)
		file_set(f, buf_slice(&h->buffer), now);
	return step;
}

struct box_step
box_write(struct box_handle *h, uint64_t offset, struct slice data, msec now)
{
	int eno = follow_rename(h);
	if (eno)
		return refuse(eno, NULL);
	if (h->private_buffer)
		return request_write(h, offset, data, now);
	h->dirty = true;
	return refuse(file_write(h->file, h->append ? h->file->content.n : offset, data, now), NULL);
}

static int
resize(struct buf *b, uint64_t size, size_t limit)
{
	if (size > b->n)
		return splice(b, size, (struct slice){0}, limit);
	b->n = (size_t)size;
	return 0;
}

int
box_truncate(struct box_file *f, struct box_handle *h, uint64_t size, msec now)
{
	struct slice accepted;
	int eno = h ? follow_rename(h) : 0;
	if (eno)
		return eno;
	if (h && h->private_buffer) {
		if (size == 0)
			h->spoiled = h->refused = 0; /* begun anew */
		if (size == h->buffer.n)
			return 0; /* as rsync --inplace ends: nothing changes, least of all what was accepted
				   */
		h->dirty = true;
		h->complete = false;
		return resize(&h->buffer, size, f->box->limits.request);
	}
	if (box_is_request(f)) {
		/* An accepted request stays as it is; the bytes that follow are judged when they are written.
		 */
		if (box_accepted_raw(f->box, slice_of(f->name), &accepted))
			return 0;
		if (size > f->box->limits.request)
			return EFBIG;
	}
	size_t before = f->content.n;
	if (size > before && f->box->bytes + (size - before) > f->box->limits.bytes)
		return ENOSPC;
	if (size == 0)
		f->spoiled = 0;
	eno = resize(&f->content, size, f->box->limits.file);
	if (h)
		h->dirty = true;
	changed(f, now);
	return eno;
}

struct box_step
box_flush(struct box_handle *h)
{
	struct box_step step = {0};
	int eno = follow_rename(h);
	if (eno)
		return refuse(eno, NULL);
	if (h->private_buffer) {
		if (h->refused)
			return refuse(h->refused, NULL);
		if (!h->dirty || h->complete || h->buffer.n == 0)
			return step;
		keep_draft(h);
		return refuse(EBADMSG, NULL);
	}
	/* A shell flushes before it writes: an empty document is not one yet. */
	struct box_file *f = h->file;
	if (f->area == BOX_DOCUMENTS && h->dirty && f->content.n && !tree_is_scratch(slice_of(f->name))) {
		step.upload = true;
		step.raw = buf_slice(&f->content);
	}
	return step;
}

int
box_sync(struct box_handle *h)
{
	struct box_result result;
	struct slice accepted;
	struct box_file *f = h->file;
	if (!box_is_request(f))
		return 0;
	if (h->refused)
		return h->refused;
	if (box_accepted_raw(f->box, slice_of(f->name), &accepted))
		return 0;
	if (box_result_find(f->box, slice_of(f->name), &result))
		return result.state == BOX_ACCEPTED  ? 0
		       : result.state == BOX_UNKNOWN ? ETIMEDOUT
						     : result.error_number;
	return box_bytes(h).n ? EBADMSG : 0;
}

/* ---- names ------------------------------------------------------------- */

struct box_step
box_rename(struct box_file *f, enum box_area area, struct slice directory, struct slice name)
{
	bool json, complete;
	int eno = tree_check_file_name(name);
	if (eno)
		return refuse(eno == EINVAL ? EPERM : eno,
			      NULL); /* mv would speak of a subdirectory of itself */
	bool stays = f->area == area && slice_is(directory, f->directory);
	bool brought = f->area == BOX_DRAFTS && area == BOX_DOCUMENTS && !tree_is_scratch(name);
	if ((f->area == BOX_DOCUMENTS || area == BOX_DOCUMENTS) && !stays && !brought)
		return refuse(EPERM, NULL);
	if (area == BOX_DOCUMENTS)
		return (struct box_step){.upload = !tree_is_scratch(name), .raw = buf_slice(&f->content)};
	if (area != BOX_REQUESTS || !tree_is_request(name, &json))
		return (struct box_step){0};
	if (slice_is(name, f->origin))
		return (struct box_step){0}; /* an editor puts back what it had moved aside */
	struct slice accepted;
	if (box_is_request(f) && box_accepted_raw(f->box, slice_of(f->name), &accepted))
		return refuse(EPERM, NULL); /* the application is filed under the old name */
	if (f->content.n > f->box->limits.request)
		return refuse(EFBIG, TEXT_TOO_LONG);
	struct box_step step = judge(f->box, name, buf_slice(&f->content), &complete);
	if (!step.error_number && !complete)
		return refuse(
			EBADMSG,
			"the document is not complete: its last line must be `submit`, or its brace closed");
	return step;
}

int
box_move(struct box_file *f, enum box_area area, struct slice directory, struct slice name)
{
	struct box_file *old = box_find(f->box, directory, name);
	if (old == f)
		return 0;
	char *copy = strndup(directory.p, directory.n);
	if (!copy)
		return ENOMEM;
	if (old)
		box_unlink(old);
	box_show(f->box, directory, name);
	bool was_request = box_is_request(f), json;
	bool to_request = area == BOX_REQUESTS && tree_is_request(name, &json);
	if (was_request && !to_request)
		memcpy(f->origin, f->name, sizeof(f->origin));
	else if (to_request)
		f->origin[0] = '\0';
	free(f->directory);
	f->directory = copy;
	f->area = area;
	f->spoiled = 0;
	memset(f->name, 0, sizeof(f->name));
	memcpy(f->name, name.p, name.n);
	return 0;
}
