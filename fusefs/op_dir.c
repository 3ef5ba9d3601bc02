/* Directories: a listing is a snapshot taken at opendir, or page by page from then on. A
 * position is the number of names before it. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "mount.h"

static void
opendir_loaded(struct op *op, int eno, struct content *c, struct box_file *f)
{
	(void)f;
	if (eno || c->type != CONTENT_DIRECTORY) {
		content_unref(c);
		op_error(op, eno ? eno : ENOTDIR);
		return;
	}
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
	h->listing = op->listing;
	op->listing = NULL;
	op->fi.fh = (uint64_t)(uintptr_t)h;
	struct mount *m = op->mount;
	if (fuse_reply_open(op->req, &op->fi) != 0)
		handle_free(m, h);
	op_end(op);
}

void
fs_opendir(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	struct op *op = op_begin(req, inode, true);
	if (!op)
		return;
	op->fi = *fi;
	if (op->node->file) {
		op_error(op, ENOTDIR);
		return;
	}
	op->loaded = opendir_loaded;
	op_load(op, slice_of(op->node->path), VIEW_NAMES_OF);
}

static uint64_t
inode_of_entry(const struct handle *h, const char *name)
{
	char path[TREE_PATH_MAX];
	struct box *b = node_traits(h->node) & TRAIT_WRITABLE ? h->caller->box : NULL;
	struct box_file *f = b ? box_find(b, slice_of(h->node->path), slice_of(name)) : NULL;
	if (f)
		return f->inode;
	return fill_path(path, h->node, name) ? NODE_ROOT : inode_of_path(slice_of(path));
}

static size_t
add_entry(fuse_req_t req, const struct handle *h, char *p, size_t room, size_t i)
{
	static const mode_t types[] = {
		[CONTENT_FILE] = S_IFREG, [CONTENT_DIRECTORY] = S_IFDIR, [CONTENT_LINK] = S_IFLNK};
	struct stat st = {.st_mode = S_IFDIR, .st_ino = h->node->inode};
	const char *name = i == 0 ? "." : "..";
	if (i >= 2) {
		struct content_name entry = content_at(h->content, i - 2);
		name = entry.name;
		st.st_mode = types[entry.type];
		st.st_ino = inode_of_entry(h, name);
	}
	return fuse_add_direntry(req, p, room, name, &st, (off_t)(i + 1));
}

static void
reply_entries(fuse_req_t req, const struct handle *h, size_t size, size_t offset)
{
	char *bytes = malloc(size);
	size_t n = 0;
	if (!bytes) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	for (size_t i = offset; i < h->content->count + 2; i++) {
		size_t need = add_entry(req, h, bytes + n, size - n, i);
		if (need > size - n)
			break;
		n += need;
	}
	fuse_reply_buf(req, bytes, n);
	free(bytes);
}

static bool
has_entry(const struct handle *h, size_t offset)
{
	return offset < h->content->count + 2 || listing_ended(h->listing);
}

static void
page_ready(struct op *op, int eno)
{
	struct handle *h = op->handle;
	if (eno) {
		op_error(op, eno);
		return;
	}
	/* A page of a narrow filter may be empty. */
	if (!has_entry(h, (size_t)op->offset)) {
		listing_more(h->listing, h->content, op, page_ready);
		return;
	}
	reply_entries(op->req, h, op->size, (size_t)op->offset);
	op_end(op);
}

void
fs_readdir(fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct handle *h = (struct handle *)(uintptr_t)fi->fh;
	if (has_entry(h, (size_t)offset)) {
		reply_entries(req, h, size, (size_t)offset);
		return;
	}
	struct op *op = op_begin(req, inode, false);
	if (!op)
		return;
	op->handle = h;
	op->size = size;
	op->offset = offset;
	if (!handle_counts(h)) {
		op_error(op, EBUSY);
		return;
	}
	listing_more(h->listing, h->content, op, page_ready);
}

void
fs_releasedir(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	(void)inode;
	handle_free(fuse_req_userdata(req), (struct handle *)(uintptr_t)fi->fh);
	fuse_reply_err(req, 0);
}
