/* Open files: how a handle begins and ends. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "mount.h"

struct handle *
handle_new(struct op *op, enum handle_type type)
{
	if (op->caller->handles >= op->mount->options.max_handles)
		return NULL;
	struct handle *h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->type = type;
	h->node = op->node;
	h->caller = op->caller;
	h->pid = op->pid;
	h->writes = (op->fi.flags & O_ACCMODE) != O_RDONLY;
	node_ref(h->node);
	h->next = h->node->handles;
	h->node->handles = h;
	op->caller->handles++;
	return h;
}

bool
handle_counts(struct handle *h)
{
	struct caller *c = h->caller;
	size_t others = c->snapshots - h->held, now = h->content->bytes.n + h->content->names.n;
	if (now > h->held && others && others + now > c->mount->options.max_bytes)
		return false;
	c->snapshots = others + now;
	h->held = now;
	return true;
}

bool
handle_hold(struct handle *h, struct content *c)
{
	h->content = c;
	if (handle_counts(h))
		return true;
	h->content = NULL;
	content_unref(c);
	return false;
}

void
handle_grow(struct handle *h, struct content *c)
{
	if (h->content == c || c->partial || c->bytes.n < h->content->bytes.n)
		return;
	content_ref(c);
	content_unref(h->content);
	h->content = c;
	handle_counts(h);
}

void
handle_free(struct mount *m, struct handle *h)
{
	for (struct handle **p = &h->node->handles; *p; p = &(*p)->next)
		if (*p == h) {
			*p = h->next;
			break;
		}
	h->caller->handles--;
	h->caller->snapshots -= h->held;
	listing_free(h->listing);
	index_reader_free(h->index);
	content_unref(h->content);
	if (h->type == HANDLE_BOX)
		box_close(&h->box);
	line_release(&h->line);
	node_unref(&m->nodes, h->node);
	free(h);
}

/* What a handle reads is its own snapshot, not the kernel's pages, unless it never changes. */
static void
reply_open(struct op *op, struct handle *h)
{
	struct mount *m = op->mount;
	bool constant = h->type == HANDLE_CONTENT && node_traits(op->node) & TRAIT_CONSTANT;
	op->fi.fh = (uint64_t)(uintptr_t)h;
	op->fi.direct_io = !constant;
	op->fi.keep_cache = constant;
	op->fi.noflush = !h->writes;
	op->fi.nonseekable = h->type == HANDLE_LINE;
	if (fuse_reply_open(op->req, &op->fi) != 0)
		handle_free(m, h);
	op_end(op);
}

static void
open_box(struct op *op, struct box_file *f)
{
	struct handle *h = handle_new(op, HANDLE_BOX);
	if (!h) {
		op_error(op, EBUSY);
		return;
	}
	int eno = box_open(&h->box, f, h->writes && op->fi.flags & O_TRUNC, op->fi.flags & O_APPEND);
	if (eno) {
		h->type = HANDLE_CONTENT;
		handle_free(op->mount, h);
		op_error(op, eno);
		return;
	}
	reply_open(op, h);
}

static void
open_line(struct op *op, const struct content *template)
{
	struct handle *h = handle_new(op, HANDLE_LINE);
	if (!h) {
		op_error(op, EBUSY);
		return;
	}
	if (template)
		buf_append_slice(&h->line.answers, buf_slice(&template->bytes));
	reply_open(op, h);
}

/* A new file that nobody got open is none. */
static void
end_creation(struct box_file *f)
{
	if (f && f->handles == 0)
		box_unlink(f);
	box_file_unref(f);
}

/* A document that the server has is written anew, or from what it was. */
static void
open_document(struct op *op, const struct content *before)
{
	struct slice path = slice_of(op->node->path), name = last_part(path);
	struct box_file *f = NULL;
	/* The server may have ceased to know the caller while it was asked for the body. */
	int eno = !op->caller->box ? EACCES
				   : box_create(op->caller->box, BOX_DOCUMENTS,
						(struct slice){path.p, path.n - name.n - 1}, name,
						nodes_new_file_inode(&op->mount->nodes), wall_ms(), &f);
	if (!eno && before && before->bytes.n && !(op->fi.flags & O_TRUNC))
		eno = box_fill(f, buf_slice(&before->bytes));
	if (eno)
		op_error(op, eno);
	else
		open_box(op, f);
	end_creation(f);
}

static void
open_content(struct op *op, struct content *c)
{
	struct handle *h = handle_new(op, HANDLE_CONTENT);
	if (!h) {
		content_unref(c);
		op_error(op, EBUSY);
		return;
	}
	if (!handle_hold(h, c)) {
		handle_free(op->mount, h);
		op_error(op, EBUSY);
		return;
	}
	reply_open(op, h);
}

/* What is sent by sendfile(2), and what maps a file, believes the size that the kernel was told,
 * which may be that of another state by now. The kernel looks the name up once more after ESTALE,
 * and then opens what it was told of. */
static void
open_shown(struct op *op, struct content *c)
{
	keep_shown(op->mount, op->node, c);
	if (c->size == op->node->told_size) {
		open_content(op, c);
		return;
	}
	fresh_put(op, op->node->inode, c, true);
	content_unref(c);
	op_error(op, ESTALE);
}

static void
open_loaded(struct op *op, int eno, struct content *c, struct box_file *f)
{
	struct place p;
	bool writes = (op->fi.flags & O_ACCMODE) != O_RDONLY;
	if (eno) {
		op_error(op, eno);
		return;
	}
	if (f) {
		open_box(op, f);
		return;
	}
	if (!writes) {
		if (op->made_of)
			node_keep(op->node, op->made_of, c, op->caller);
		open_shown(op, c);
		return;
	}
	tree_resolve(&p, slice_of(op->node->path));
	if (p.view == VIEW_NEW || p.view == VIEW_ACTION)
		open_line(op, c);
	else if (p.view == VIEW_BODY && c->mode & 0200)
		open_document(op, c);
	else
		op_error(op, EACCES);
	content_unref(c);
}

static void
open_events(struct op *op)
{
	struct handle *h = handle_new(op, HANDLE_EVENTS);
	if (!h)
		op_error(op, EBUSY);
	else if (h->writes) {
		handle_free(op->mount, h);
		op_error(op, EACCES);
	} else
		reply_open(op, h);
}

static void
open_index(struct op *op)
{
	uint64_t size;
	int eno = index_size(op->caller, &size);
	if (!eno && (op->fi.flags & O_ACCMODE) != O_RDONLY)
		eno = EACCES;
	struct handle *h = eno ? NULL : handle_new(op, HANDLE_INDEX);
	if (h && !(h->index = index_reader_new(op->caller))) {
		handle_free(op->mount, h);
		h = NULL;
		eno = ENOMEM;
	}
	if (!h) {
		op_error(op, eno ? eno : EBUSY);
		return;
	}
	h->size = size;
	reply_open(op, h);
}

void
fs_open(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	struct op *op = op_begin(req, inode, true);
	if (!op)
		return;
	op->fi = *fi;
	if (op->node->file && op->node->file->box != op->caller->box) {
		op_error(op, EACCES);
		return;
	}
	if (op->node->file) {
		open_box(op, op->node->file);
		return;
	}
	if (strcmp(op->node->path, "events") == 0) {
		events_wait(op, open_events);
		return;
	}
	if (strcmp(op->node->path, INDEX_PATH) == 0) {
		index_wait(op, open_index);
		return;
	}
	bool reads = (fi->flags & O_ACCMODE) == O_RDONLY;
	struct content *c = NULL;
	bool again = reads && fresh_again(op, op->node->inode);
	if (reads && !again && node_holds(op->node, op->caller) && op->node->content->type == CONTENT_FILE)
		c = content_ref(op->node->content);
	else if (reads)
		c = fresh_take(op, true);
	if (c && again)
		open_content(op, c);
	else if (c)
		open_shown(op, c);
	if (c)
		return;
	op->loaded = open_loaded;
	op_load(op, slice_of(op->node->path), VIEW_OPEN);
}

/* ---- create ------------------------------------------------------------- */

static void
reply_create(struct op *op, struct node *n, const struct stat *st, struct handle *h)
{
	struct mount *m = op->mount;
	struct fuse_entry_param e = {.ino = n->inode, .attr = *st};
	op->fi.fh = (uint64_t)(uintptr_t)h;
	op->fi.direct_io = 1;
	op->fi.nonseekable = h->type == HANDLE_LINE;
	n->lookups++;
	if (fuse_reply_create(op->req, &e, &op->fi) != 0) {
		n->lookups--;
		handle_free(m, h);
	}
	op_end(op);
}

/* op->node becomes the new file's: the handle hangs on it. */
static bool
enter_node(struct op *op, struct node *n)
{
	if (!n) {
		op_error(op, ENOMEM);
		return false;
	}
	node_unref(&op->mount->nodes, op->node);
	op->node = n;
	return true;
}

static void
create_in_box(struct op *op, struct box_file *f)
{
	struct stat st;
	if (!enter_node(op, nodes_of_file(&op->mount->nodes, f)))
		return;
	struct handle *h = handle_new(op, HANDLE_BOX);
	if (!h) {
		op_error(op, EBUSY);
		return;
	}
	if (box_open(&h->box, f, op->fi.flags & O_TRUNC, op->fi.flags & O_APPEND)) {
		h->type = HANDLE_CONTENT;
		handle_free(op->mount, h);
		op_error(op, ENOMEM);
		return;
	}
	attr_of_file(op->mount, op->caller, f, &st);
	reply_create(op, op->node, &st, h);
}

static void
create_file(struct op *op, enum box_area area)
{
	struct box_file *f = NULL;
	int eno = op->caller->box
			  ? box_create(op->caller->box, area, slice_of(op->node->path), slice_of(op->name),
				       nodes_new_file_inode(&op->mount->nodes), wall_ms(), &f)
			  : EACCES;
	if (eno) {
		op_error(op, eno);
		return;
	}
	create_in_box(op, f);
	end_creation(f);
}

/* An action that is not possible now may still be asked for: the server says why not. */
static void
create_action(struct op *op, const struct content *template)
{
	char path[TREE_PATH_MAX];
	struct content empty = {.refs = 1, .type = CONTENT_FILE, .mode = 0666};
	struct stat st;
	if (fill_path(path, op->node, op->name) ||
	    !enter_node(op, nodes_of_path(&op->mount->nodes, slice_of(path))))
		return;
	struct handle *h = handle_new(op, HANDLE_LINE);
	if (!h) {
		op_error(op, EBUSY);
		return;
	}
	if (template)
		buf_append_slice(&h->line.answers, buf_slice(&template->bytes));
	attr_of_content(op->mount, op->caller, op->node, template ? template : &empty, &st);
	reply_create(op, op->node, &st, h);
}

static void
create_loaded(struct op *op, int eno, struct content *c, struct box_file *f)
{
	char path[TREE_PATH_MAX];
	struct place p;
	if (eno && eno != ENOENT) {
		op_error(op, eno);
		return;
	}
	if (f) {
		create_in_box(op, f);
		return;
	}
	if (fill_path(path, op->node, op->name) || tree_resolve(&p, slice_of(path)) < 0)
		op_error(op, EPERM);
	else if (p.view == VIEW_ACTION)
		create_action(op, c);
	else if (c)
		op_error(op, EEXIST);
	else if (p.view == VIEW_BOX_FILE)
		create_file(op, strstr(op->node->path, "/drafts") ? BOX_DRAFTS : BOX_REQUESTS);
	else if (p.view == VIEW_BODY)
		create_file(op, BOX_DOCUMENTS);
	else
		op_error(op, EPERM);
	content_unref(c);
}

void
fs_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	char path[TREE_PATH_MAX];
	struct op *op = op_begin(req, parent, true);
	(void)mode;
	if (!op)
		return;
	op->fi = *fi;
	op->name = strdup(name);
	int eno = op->name ? fill_path(path, op->node, name) : ENOMEM;
	if (!eno && strncmp(op->node->path, "users/", 6) == 0)
		eno = tree_check_file_name(slice_of(name));
	if (eno) {
		op_error(op, eno);
		return;
	}
	op->loaded = create_loaded;
	op_load(op, slice_of(path), VIEW_STAT);
}
