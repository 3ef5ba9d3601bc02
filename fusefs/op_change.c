/* Names and attributes that change: only in the drop box and among documents. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "mount.h"

/* ---- setattr ------------------------------------------------------------ */

static void
setattr_loaded(struct op *op, int eno, struct content *c, struct box_file *f)
{
	struct stat st;
	if (eno) {
		op_error(op, eno);
		return;
	}
	if (f)
		attr_of_file(op->mount, op->caller, f, &st);
	else
		attr_of_content(op->mount, op->caller, op->node, c, &st);
	content_unref(c);
	fuse_reply_attr(op->req, &st, 0);
	op_end(op);
}

static void
setattr_file(struct op *op, struct box_file *f, struct handle *h, const struct stat *attr, int to_set)
{
	struct stat st;
	int eno = 0;
	if (to_set & FUSE_SET_ATTR_SIZE)
		eno = box_truncate(f, h ? &h->box : NULL, (uint64_t)attr->st_size, wall_ms());
	if (to_set & FUSE_SET_ATTR_MTIME)
		f->mtime = (msec)attr->st_mtim.tv_sec * 1000 + attr->st_mtim.tv_nsec / 1000000;
	if (eno) {
		op_error(op, eno);
		return;
	}
	attr_of_file(op->mount, op->caller, f, &st);
	if (h)
		st.st_size = (off_t)box_bytes(&h->box).n;
	fuse_reply_attr(op->req, &st, 0);
	op_end(op);
}

/* Modes and owners are the server's business: setting them succeeds and changes nothing. */
void
fs_setattr(fuse_req_t req, fuse_ino_t inode, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
	struct op *op = op_begin(req, inode, true);
	struct place p;
	if (!op)
		return;
	struct handle *h = fi ? (struct handle *)(uintptr_t)fi->fh : NULL;
	if (h && h->type == HANDLE_BOX) {
		setattr_file(op, h->box.file, h, attr, to_set);
		return;
	}
	if (op->node->file && op->node->file->box != op->caller->box) {
		op_error(op, EACCES);
		return;
	}
	if (op->node->file) {
		setattr_file(op, op->node->file, NULL, attr, to_set);
		return;
	}
	tree_resolve(&p, slice_of(op->node->path));
	if (to_set & FUSE_SET_ATTR_SIZE && p.view != VIEW_NEW && p.view != VIEW_ACTION) {
		op_error(op, EACCES);
		return;
	}
	op->loaded = setattr_loaded;
	op_load(op, slice_of(op->node->path), VIEW_STAT);
}

/* ---- unlink ------------------------------------------------------------- */

static void
unlink_loaded(struct op *op, int eno, struct content *c, struct box_file *f)
{
	struct place p;
	char path[TREE_PATH_MAX];
	if (!eno && f) {
		box_unlink(f);
	} else if (!eno) {
		/* Tools unlink a document before they write it anew. */
		eno = EPERM;
		if (fill_path(path, op->node, op->name) == 0 && tree_resolve(&p, slice_of(path)) == 0 &&
		    p.view == VIEW_BODY && c->mode & 0200)
			eno = op->caller->box ? box_hide(op->caller->box, slice_of(path)) : EACCES;
	}
	content_unref(c);
	op_error(op, eno);
}

void
fs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	char path[TREE_PATH_MAX];
	struct op *op = op_begin(req, parent, true);
	if (!op)
		return;
	op->name = strdup(name);
	int eno = op->name ? fill_path(path, op->node, name) : ENOMEM;
	if (eno) {
		op_error(op, eno);
		return;
	}
	op->loaded = unlink_loaded;
	op_load(op, slice_of(path), VIEW_STAT);
}

/* ---- rename ------------------------------------------------------------- */

static bool
area_of(const char *directory, enum box_area *ret)
{
	const char *slash = strrchr(directory, '/');
	if (strncmp(directory, "users/", 6) == 0 && slash && strcmp(slash, "/requests") == 0)
		*ret = BOX_REQUESTS;
	else if (strncmp(directory, "users/", 6) == 0 && slash && strcmp(slash, "/drafts") == 0)
		*ret = BOX_DRAFTS;
	else if (strncmp(directory, "applications/", 13) == 0 && strstr(directory, "/documents/"))
		*ret = BOX_DOCUMENTS;
	else
		return false;
	return true;
}

static void
move(struct op *op)
{
	enum box_area area;
	area_of(op->new_parent->path, &area);
	/* Removed meanwhile: the application stands, the file does not. */
	if (!op->file->linked) {
		op_error(op, 0);
		return;
	}
	op_error(op, box_move(op->file, area, slice_of(op->new_parent->path), slice_of(op->new_name)));
}

static void
rename_committed(struct op *op, int eno)
{
	if (eno)
		op_error(op, eno);
	else
		move(op);
}

/* The document is the server's now. */
static void
rename_uploaded(struct op *op, int eno)
{
	if (!eno) {
		struct box_file *old =
			box_find(op->file->box, slice_of(op->new_parent->path), slice_of(op->new_name));
		if (old)
			box_unlink(old);
		box_move(op->file, BOX_DOCUMENTS, slice_of(op->new_parent->path), slice_of(op->new_name));
		box_unlink(op->file);
	}
	op_error(op, eno);
}

static void
stored_renamed(struct op *op, int eno)
{
	if (!eno && op->caller->box)
		box_show(op->caller->box, slice_of(op->new_parent->path), slice_of(op->new_name));
	op_error(op, eno);
}

/* A document that the server has gets another name by being stored once more: so ends
 * what writes beside a file and renames (sed -i, patch). */
static void
rename_stored(struct op *op, const struct content *c)
{
	struct slice directory = slice_of(op->new_parent->path), name = slice_of(op->new_name);
	if (op->node != op->new_parent || !(c->mode & 0200) || op->flags & ~(unsigned)RENAME_NOREPLACE ||
	    tree_check_file_name(name) || tree_is_scratch(name))
		op_error(op, EPERM);
	else
		send_document(op, directory, op->new_name, buf_slice(&c->bytes), stored_renamed);
}

static void
note(struct op *op, const struct box_step *step)
{
	struct box_result r = {.state = BOX_REFUSED, .error_number = step->error_number, .time = wall_ms()};
	if (!step->error)
		return;
	snprintf(r.error, sizeof(r.error), "%s", step->error);
	box_settle(op->file->box, slice_of(op->new_name), (struct slice){0}, &r);
}

static void
rename_loaded(struct op *op, int eno, struct content *c, struct box_file *f)
{
	enum box_area area;
	bool known = area_of(op->new_parent->path, &area);
	if (!eno && !f && known && area == BOX_DOCUMENTS) {
		rename_stored(op, c);
		content_unref(c);
		return;
	}
	content_unref(c);
	if (eno || !f || !known || (area == BOX_DOCUMENTS && f->box != op->caller->box)) {
		op_error(op, eno ? eno : EPERM);
		return;
	}
	struct slice directory = slice_of(op->new_parent->path), name = slice_of(op->new_name);
	op->file = box_file_ref(f);
	/* Another principal's box is not one to move things into. */
	if (area != BOX_DOCUMENTS && area != f->area) {
		struct slice from = {f->directory, (size_t)(strrchr(f->directory, '/') - f->directory)};
		if (!slice_starts(directory, from) || directory.p[from.n] != '/') {
			op_error(op, EPERM);
			return;
		}
	}
	if (op->flags && (op->flags != RENAME_NOREPLACE || box_find(f->box, directory, name))) {
		op_error(op, op->flags == RENAME_NOREPLACE ? EEXIST : EPERM);
		return;
	}
	struct box_step step = box_rename(f, area, directory, name);
	note(op, &step);
	if (step.error_number)
		op_error(op, step.error_number);
	else if (step.commit)
		send_request(op, f->box, op->new_name, step.raw, step.body, step.json, rename_committed);
	else if (step.upload)
		send_document(op, directory, op->new_name, step.raw, rename_uploaded);
	else
		move(op);
}

void
fs_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
	  unsigned flags)
{
	char path[TREE_PATH_MAX];
	struct op *op = op_begin(req, parent, true);
	if (!op)
		return;
	op->new_parent = nodes_get(&op->mount->nodes, new_parent);
	if (!op->new_parent) {
		op_error(op, ENOENT);
		return;
	}
	node_ref(op->new_parent);
	op->flags = flags;
	op->new_name = strdup(new_name);
	int eno = op->new_name ? fill_path(path, op->node, name) : ENOMEM;
	if (eno) {
		op_error(op, eno);
		return;
	}
	enum box_area area;
	bool document = area_of(op->node->path, &area) && area == BOX_DOCUMENTS;
	op->loaded = rename_loaded;
	op_load(op, slice_of(path), document ? VIEW_OPEN : VIEW_STAT);
}

/* ---- what the tree does not have ---------------------------------------- */

static void
refuse_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	(void)parent, (void)name, (void)mode;
	fuse_reply_err(req, EPERM);
}

static void
refuse_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
	(void)parent, (void)name, (void)mode, (void)device;
	fuse_reply_err(req, EPERM);
}

static void
refuse_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	(void)parent, (void)name;
	fuse_reply_err(req, EPERM);
}

static void
refuse_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	(void)target, (void)parent, (void)name;
	fuse_reply_err(req, EPERM);
}

static void
refuse_link(fuse_req_t req, fuse_ino_t inode, fuse_ino_t parent, const char *name)
{
	(void)inode, (void)parent, (void)name;
	fuse_reply_err(req, EPERM);
}

static void
refuse_setxattr(fuse_req_t req, fuse_ino_t inode, const char *name, const char *value, size_t size, int flags)
{
	(void)inode, (void)name, (void)value, (void)size, (void)flags;
	fuse_reply_err(req, EOPNOTSUPP);
}

static void
mount_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->want &= ~(unsigned)(FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_READDIRPLUS |
				  FUSE_CAP_READDIRPLUS_AUTO);
	conn->max_write = 128 << 10;
}

const struct fuse_lowlevel_ops mount_ops = {
	.init = mount_init,
	.lookup = fs_lookup,
	.forget = fs_forget,
	.forget_multi = fs_forget_multi,
	.getattr = fs_getattr,
	.setattr = fs_setattr,
	.readlink = fs_readlink,
	.access = fs_access,
	.statfs = fs_statfs,
	.opendir = fs_opendir,
	.readdir = fs_readdir,
	.releasedir = fs_releasedir,
	.open = fs_open,
	.create = fs_create,
	.read = fs_read,
	.write = fs_write,
	.flush = fs_flush,
	.fsync = fs_fsync,
	.release = fs_release,
	.unlink = fs_unlink,
	.rename = fs_rename,
	.mkdir = refuse_mkdir,
	.mknod = refuse_mknod,
	.rmdir = refuse_rmdir,
	.symlink = refuse_symlink,
	.link = refuse_link,
	.setxattr = refuse_setxattr,
};
