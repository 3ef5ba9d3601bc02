/* Names and attributes: lookup, getattr, readlink and what goes with them. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount.h"

#define BLOCK_BYTES 512
#define IO_BYTES    (128 << 10)

static void
attr_time(struct stat *st, msec t)
{
	st->st_mtim.tv_sec = t / 1000;
	st->st_mtim.tv_nsec = t % 1000 * 1000000;
	st->st_atim = st->st_ctim = st->st_mtim;
}

/* What belongs to a principal belongs to whoever looks: nobody else is let in. */
static bool
is_personal(const struct node *n)
{
	return strncmp(n->path, "users/", 6) == 0;
}

void
attr_of_content(const struct mount *m, const struct caller *caller, const struct node *n,
		const struct content *c, struct stat *ret)
{
	static const mode_t types[] = {
		[CONTENT_FILE] = S_IFREG, [CONTENT_DIRECTORY] = S_IFDIR, [CONTENT_LINK] = S_IFLNK};
	bool personal = is_personal(n);
	*ret = (struct stat){
		.st_ino = n->inode,
		.st_mode = types[c->type] | c->mode,
		.st_nlink = 1,
		.st_uid = personal ? caller->uid : m->uid,
		.st_gid = personal ? caller->gid : m->gid,
		.st_size = (off_t)c->size,
		.st_blksize = IO_BYTES,
		.st_blocks = (blkcnt_t)((c->size + BLOCK_BYTES - 1) / BLOCK_BYTES),
	};
	attr_time(ret, c->mtime ? c->mtime : m->started);
}

void
attr_of_file(const struct mount *m, const struct caller *caller, const struct box_file *f, struct stat *ret)
{
	(void)m;
	*ret = (struct stat){
		.st_ino = f->inode,
		.st_mode = S_IFREG | f->mode,
		.st_nlink = f->linked,
		.st_uid = caller->uid,
		.st_gid = caller->gid,
		.st_size = (off_t)f->content.n,
		.st_blksize = IO_BYTES,
		.st_blocks = (blkcnt_t)((f->content.n + BLOCK_BYTES - 1) / BLOCK_BYTES),
	};
	attr_time(ret, f->mtime);
}

static void
reply_entry(struct op *op, struct node *n, struct fuse_entry_param *e)
{
	n->told_size = (uint64_t)e->attr.st_size;
	if (e->entry_timeout > 0)
		fresh_end(op->mount, n->inode);
	n->lookups++;
	if (fuse_reply_entry(op->req, e) != 0)
		n->lookups--;
	node_unref(&op->mount->nodes, n);
	op_end(op);
}

void
op_entry(struct op *op, struct node *n, const struct stat *attr)
{
	struct fuse_entry_param e = {.ino = n->inode, .attr = *attr};
	kernel_times(op->caller, n, &e.attr_timeout, &e.entry_timeout);
	reply_entry(op, n, &e);
}

/* ---- lookup ------------------------------------------------------------- */

static void
reply_events_entry(struct op *op)
{
	struct node *n = nodes_of_path(&op->mount->nodes, SLICE("events"));
	struct content c = {.refs = 1,
			    .type = CONTENT_FILE,
			    .mode = 0444,
			    .size = op->caller->events.lines.n};
	struct stat st;
	if (!n) {
		op_error(op, ENOMEM);
		return;
	}
	c.mtime = op->caller->events.changed;
	attr_of_content(op->mount, op->caller, n, &c, &st);
	op_entry(op, n, &st);
}

/* The file whose size is its own business, for a lookup or a getattr. */
static bool
index_attr(struct op *op, struct node *n, struct stat *ret)
{
	struct content c = {.refs = 1, .type = CONTENT_FILE, .mode = 0444};
	int eno = n ? index_size(op->caller, &c.size) : ENOMEM;
	if (eno) {
		node_unref(&op->mount->nodes, n);
		op_error(op, eno);
		return false;
	}
	attr_of_content(op->mount, op->caller, n, &c, ret);
	return true;
}

static void
reply_index_entry(struct op *op)
{
	struct node *n = nodes_of_path(&op->mount->nodes, SLICE(INDEX_PATH));
	struct stat st;
	if (index_attr(op, n, &st))
		op_entry(op, n, &st);
}

static void
lookup_file(struct op *op, struct box_file *f)
{
	struct node *n = nodes_of_file(&op->mount->nodes, f);
	struct stat st;
	if (!n) {
		op_error(op, ENOMEM);
		return;
	}
	attr_of_file(op->mount, op->caller, f, &st);
	op_entry(op, n, &st);
}

static void
lookup_loaded(struct op *op, int eno, struct content *c, struct box_file *f)
{
	char path[TREE_PATH_MAX];
	struct stat st;
	if (eno || f) {
		if (f)
			lookup_file(op, f);
		else
			op_error(op, eno);
		return;
	}
	fill_path(path, op->node, op->name);
	if (strcmp(path, "events") == 0) {
		content_unref(c);
		events_wait(op, reply_events_entry);
		return;
	}
	if (strcmp(path, INDEX_PATH) == 0) {
		content_unref(c);
		index_wait(op, reply_index_entry);
		return;
	}
	struct node *n = nodes_of_path(&op->mount->nodes, slice_of(path));
	if (!n) {
		content_unref(c);
		op_error(op, ENOMEM);
		return;
	}
	if (op->made_of)
		node_keep(n, op->made_of, c, op->caller);
	else
		fresh_put(op, n->inode, c, false);
	attr_of_content(op->mount, op->caller, n, c, &st);
	content_unref(c);
	op_entry(op, n, &st);
}

/* True: what the call was sent back for, or what is kept, was the answer. */
static bool
lookup_kept(struct op *op, const char *path)
{
	struct node *n = nodes_find_path(&op->mount->nodes, slice_of(path));
	const struct content *again = n ? fresh_again(op, n->inode) : NULL;
	struct fuse_entry_param once = {0};
	struct stat st;
	if (!n || (!again && !node_holds(n, op->caller)))
		return false;
	node_ref(n);
	if (again) {
		once.ino = n->inode;
		attr_of_content(op->mount, op->caller, n, again, &once.attr);
		reply_entry(op, n, &once);
		return true;
	}
	attr_of_content(op->mount, op->caller, n, n->content, &st);
	op_entry(op, n, &st);
	return true;
}

void
fs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	char path[TREE_PATH_MAX];
	struct op *op = op_begin(req, parent, true);
	if (!op)
		return;
	int eno = op->node->file ? ENOTDIR : fill_path(path, op->node, name);
	if (!eno && lookup_kept(op, path))
		return;
	op->name = strdup(name);
	if (!op->name)
		eno = ENOMEM;
	if (eno) {
		op_error(op, eno);
		return;
	}
	op->loaded = lookup_loaded;
	op_load(op, slice_of(path), VIEW_STAT);
}

static void
forget(struct mount *m, fuse_ino_t inode, uint64_t lookups)
{
	struct node *n = nodes_get(&m->nodes, inode);
	if (n)
		node_forget(&m->nodes, n, lookups);
}

void
fs_forget(fuse_req_t req, fuse_ino_t inode, uint64_t lookups)
{
	forget(fuse_req_userdata(req), inode, lookups);
	fuse_reply_none(req);
}

void
fs_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		forget(fuse_req_userdata(req), forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

/* ---- attributes --------------------------------------------------------- */

static void
reply_attr(struct op *op, const struct stat *st)
{
	double attr = 0, entry;
	if (!op->node->file)
		kernel_times(op->caller, op->node, &attr, &entry);
	op->node->told_size = (uint64_t)st->st_size;
	fuse_reply_attr(op->req, st, attr);
	op_end(op);
}

/* Of what is open and may be older than what is kept: for this once. */
static void
reply_attr_once(struct op *op, const struct stat *st)
{
	op->node->told_size = (uint64_t)st->st_size;
	fuse_reply_attr(op->req, st, 0);
	op_end(op);
}

static void
reply_events_attr(struct op *op)
{
	struct content c = {.refs = 1,
			    .type = CONTENT_FILE,
			    .mode = 0444,
			    .size = op->caller->events.lines.n};
	struct stat st;
	c.mtime = op->caller->events.changed;
	attr_of_content(op->mount, op->caller, op->node, &c, &st);
	reply_attr(op, &st);
}

static void
reply_index_attr(struct op *op)
{
	struct stat st;
	node_ref(op->node);
	if (!index_attr(op, op->node, &st))
		return;
	node_unref(&op->mount->nodes, op->node);
	reply_attr_once(op, &st);
}

/* As long as a process has it open, it has the size that it had then. */
static bool
open_index_size(const struct op *op, struct stat *ret)
{
	struct content c = {.refs = 1, .type = CONTENT_FILE, .mode = 0444};
	for (struct handle *h = op->node->handles; h; h = h->next)
		if (h->type == HANDLE_INDEX && h->pid == op->pid && h->caller == op->caller) {
			c.size = h->size;
			attr_of_content(op->mount, op->caller, op->node, &c, ret);
			return true;
		}
	return false;
}

/* Who follows it has asked how long it is now, and reads on from where it was. */
static void
grow_handles(struct op *op, struct content *c)
{
	if (!(node_traits(op->node) & TRAIT_GROWS))
		return;
	for (struct handle *h = op->node->handles; h; h = h->next)
		if (h->type == HANDLE_CONTENT && h->pid == op->pid && h->caller == op->caller)
			handle_grow(h, c);
}

static void
getattr_content(struct op *op, struct content *c)
{
	struct stat st;
	grow_handles(op, c);
	attr_of_content(op->mount, op->caller, op->node, c, &st);
	content_unref(c);
	reply_attr(op, &st);
}

static void
getattr_loaded(struct op *op, int eno, struct content *c, struct box_file *f)
{
	struct stat st;
	if (eno) {
		op_error(op, eno);
	} else if (f) {
		attr_of_file(op->mount, op->caller, f, &st);
		reply_attr(op, &st);
	} else {
		if (op->made_of)
			node_keep(op->node, op->made_of, c, op->caller);
		getattr_content(op, c);
	}
}

/* The snapshot that this process reads: fstat() agrees with what it will read. */
static struct content *
open_content(struct op *op)
{
	if (node_traits(op->node) & TRAIT_GROWS)
		return NULL;
	for (struct handle *h = op->node->handles; h; h = h->next)
		if (h->type == HANDLE_CONTENT && h->pid == op->pid && h->caller == op->caller)
			return content_ref(h->content);
	return NULL;
}

/* A line file that is open is there, even where the action is not possible now. */
static bool
open_line(struct op *op)
{
	for (struct handle *h = op->node->handles; h; h = h->next)
		if (h->type == HANDLE_LINE && h->caller == op->caller)
			return true;
	return false;
}

void
fs_getattr(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	struct op *op = op_begin(req, inode, true);
	struct stat st;
	if (!op)
		return;
	(void)fi;
	if (op->node->file) {
		attr_of_file(op->mount, op->caller, op->node->file, &st);
		for (struct handle *h = op->node->handles; h; h = h->next)
			if (h->type == HANDLE_BOX && h->pid == op->pid && h->writes)
				st.st_size = (off_t)box_bytes(&h->box).n;
		reply_attr(op, &st);
		return;
	}
	if (strcmp(op->node->path, "events") == 0) {
		events_wait(op, reply_events_attr);
		return;
	}
	if (strcmp(op->node->path, INDEX_PATH) == 0) {
		if (open_index_size(op, &st))
			reply_attr_once(op, &st);
		else
			index_wait(op, reply_index_attr);
		return;
	}
	struct content *c = open_content(op);
	if (c && c != op->node->content) {
		attr_of_content(op->mount, op->caller, op->node, c, &st);
		content_unref(c);
		reply_attr_once(op, &st);
		return;
	}
	content_unref(c);
	if (node_holds(op->node, op->caller)) {
		getattr_content(op, content_ref(op->node->content));
		return;
	}
	c = fresh_take(op, false);
	if (!c && open_line(op)) {
		struct content line = {.refs = 1, .type = CONTENT_FILE, .mode = 0666};
		attr_of_content(op->mount, op->caller, op->node, &line, &st);
		reply_attr(op, &st);
		return;
	}
	if (c) {
		getattr_content(op, c);
		return;
	}
	op->loaded = getattr_loaded;
	op_load(op, slice_of(op->node->path), VIEW_STAT);
}

static void
readlink_loaded(struct op *op, int eno, struct content *c, struct box_file *f)
{
	(void)f;
	if (eno || c->type != CONTENT_LINK) {
		content_unref(c);
		op_error(op, eno ? eno : EINVAL);
		return;
	}
	buf_append_char(&c->bytes, '\0');
	if (c->bytes.error) {
		content_unref(c);
		op_error(op, ENOMEM);
		return;
	}
	fuse_reply_readlink(op->req, c->bytes.p);
	content_unref(c);
	op_end(op);
}

void
fs_readlink(fuse_req_t req, fuse_ino_t inode)
{
	struct op *op = op_begin(req, inode, true);
	if (!op)
		return;
	op->loaded = readlink_loaded;
	op_load(op, slice_of(op->node->path), VIEW_OPEN);
}

/* Who may is decided where something is asked of the server; but nobody can write where nothing
 * can be written. */
void
fs_access(fuse_req_t req, fuse_ino_t inode, int mask)
{
	struct mount *m = fuse_req_userdata(req);
	struct node *n = nodes_get(&m->nodes, inode);
	bool writable = n && (n->file || node_traits(n) & TRAIT_WRITABLE);
	fuse_reply_err(req, mask & W_OK && !writable ? EACCES : 0);
}

void
fs_statfs(fuse_req_t req, fuse_ino_t inode)
{
	struct mount *m = fuse_req_userdata(req);
	struct statvfs st = {.f_bsize = 4096,
			     .f_frsize = 4096,
			     .f_namemax = 255,
			     .f_blocks = m->options.max_bytes / 4096,
			     .f_bfree = m->options.max_bytes / 4096,
			     .f_bavail = m->options.max_bytes / 4096,
			     .f_files = m->options.max_files,
			     .f_ffree = m->options.max_files,
			     .f_favail = m->options.max_files};
	(void)inode;
	fuse_reply_statfs(req, &st);
}
