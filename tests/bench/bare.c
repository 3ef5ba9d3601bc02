/* zwy-bare: the least that a filesystem in user space costs, the floor of zwyfs: libfuse's
 * low-level interface, one thread, everything in memory. See usage; the tree is bare_tree.h's. */
#define FUSE_USE_VERSION 314

#include <errno.h>
#include <fuse_lowlevel.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bare_tree.h"

static const char usage[] =
	"usage: zwy-bare [OPTION]... MOUNTPOINT     prints a line when mounted; ends with the mount, or by "
	"SIGTERM\n"
	"\n"
	"  --records N           directories in records/, each with a file status (1000)\n"
	"  --flat N              files in flat/ (1000)\n"
	"  --entry-timeout S     the kernel keeps names (0)\n"
	"  --attr-timeout S      the kernel keeps attributes (0)\n"
	"  --direct-io           it does not keep contents\n"
	"  --keep-cache          it keeps them from one open to the next\n"
	"  --noflush             it does not tell when a file is closed\n"
	"  --default-permissions it checks modes\n";

struct bare {
	struct tree tree;
	double entry_timeout, attr_timeout;
	bool direct_io, keep_cache, noflush, default_permissions, help;
};

static struct bare *
bare_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* ---- names ----------------------------------------------------------------------- */

static struct fuse_entry_param
entry_of(const struct bare *b, uint64_t inode)
{
	struct fuse_entry_param e = {.ino = inode,
				     .attr_timeout = b->attr_timeout,
				     .entry_timeout = b->entry_timeout};

	tree_attributes(&b->tree, inode, &e.attr);
	return e;
}

static void
bare_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const struct bare *b = bare_of(req);
	uint64_t inode = tree_find(&b->tree, parent, name);

	if (!inode) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	struct fuse_entry_param e = entry_of(b, inode);
	tree_looked_up(inode);
	fuse_reply_entry(req, &e);
}

static void
bare_forget(fuse_req_t req, fuse_ino_t inode, uint64_t times)
{
	tree_forget(&bare_of(req)->tree, inode, times);
	fuse_reply_none(req);
}

static void
bare_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		tree_forget(&bare_of(req)->tree, forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void
bare_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	fuse_reply_err(req, tree_unlink(&bare_of(req)->tree, parent, name));
}

/* "." and ".." stand before the entries; an entry's cookie is the place of the next. */
static bool
entry_at(const struct tree *t, uint64_t directory, off_t place, char ret[NAME_SIZE], uint64_t *ret_inode)
{
	if (place >= 2)
		return tree_entry(t, directory, (size_t)place - 2, ret, ret_inode);
	strcpy(ret, place ? ".." : ".");
	*ret_inode = place ? INODE_ROOT : directory;
	return true;
}

static void
bare_readdir(fuse_req_t req, fuse_ino_t inode, size_t size, off_t place, struct fuse_file_info *fi)
{
	const struct tree *t = &bare_of(req)->tree;
	char *buffer = malloc(size), name[NAME_SIZE];
	size_t used = 0;
	uint64_t entry;

	(void)fi;
	if (!buffer) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	for (; entry_at(t, inode, place, name, &entry); place++) {
		struct stat st;
		tree_attributes(t, entry, &st);
		size_t needed = fuse_add_direntry(req, buffer + used, size - used, name, &st, place + 1);
		if (needed > size - used)
			break;
		used += needed;
	}
	fuse_reply_buf(req, buffer, used);
	free(buffer);
}

/* ---- attributes and content --------------------------------------------------------- */

static void
reply_attributes(fuse_req_t req, uint64_t inode)
{
	const struct bare *b = bare_of(req);
	struct stat st;

	tree_attributes(&b->tree, inode, &st);
	fuse_reply_attr(req, &st, b->attr_timeout);
}

static void
bare_getattr(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	(void)fi;
	reply_attributes(req, inode);
}

static void
bare_setattr(fuse_req_t req, fuse_ino_t inode, struct stat *st, int set, struct fuse_file_info *fi)
{
	struct written *w = tree_written(inode);
	int eno = !w ? EPERM : set & FUSE_SET_ATTR_SIZE ? tree_resize(w, (size_t)st->st_size) : 0;

	(void)fi;
	if (eno)
		fuse_reply_err(req, eno);
	else
		reply_attributes(req, inode);
}

static void
set_flags(const struct bare *b, struct fuse_file_info *fi)
{
	fi->direct_io = b->direct_io;
	fi->keep_cache = b->keep_cache;
	fi->noflush = b->noflush;
}

static void
bare_open(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	(void)inode;
	set_flags(bare_of(req), fi);
	fuse_reply_open(req, fi);
}

static void
bare_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	struct bare *b = bare_of(req);
	uint64_t inode = tree_create(&b->tree, parent, name);

	(void)mode;
	if (!inode) {
		fuse_reply_err(req, EPERM);
		return;
	}
	struct fuse_entry_param e = entry_of(b, inode);
	tree_looked_up(inode);
	set_flags(b, fi);
	fuse_reply_create(req, &e, fi);
}

static void
bare_read(fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct bytes bytes = tree_read(inode);
	size_t from = (size_t)offset < bytes.n ? (size_t)offset : bytes.n;

	(void)fi;
	fuse_reply_buf(req, bytes.p + from, size < bytes.n - from ? size : bytes.n - from);
}

static void
bare_write(fuse_req_t req, fuse_ino_t inode, const char *p, size_t size, off_t offset,
	   struct fuse_file_info *fi)
{
	struct written *w = tree_written(inode);
	int eno = w ? tree_write(w, (size_t)offset, p, size) : EACCES;

	(void)fi;
	if (eno)
		fuse_reply_err(req, eno);
	else
		fuse_reply_write(req, size);
}

/* Without it the kernel would stop asking, which is what --noflush is for. */
static void
bare_flush(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	(void)inode;
	(void)fi;
	fuse_reply_err(req, 0);
}

static const struct fuse_lowlevel_ops bare_ops = {
	.lookup = bare_lookup,
	.forget = bare_forget,
	.forget_multi = bare_forget_multi,
	.unlink = bare_unlink,
	.readdir = bare_readdir,
	.getattr = bare_getattr,
	.setattr = bare_setattr,
	.open = bare_open,
	.create = bare_create,
	.read = bare_read,
	.write = bare_write,
	.flush = bare_flush,
};

/* ---- mounting --------------------------------------------------------------------- */

static int
serve(struct bare *b, const char *mountpoint)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	int status = 1;

	if (fuse_opt_add_arg(&args, "zwy-bare") ||
	    fuse_opt_add_arg(&args, b->default_permissions ? "-ofsname=zwy-bare,default_permissions"
							   : "-ofsname=zwy-bare"))
		return 1;
	struct fuse_session *session = fuse_session_new(&args, &bare_ops, sizeof(bare_ops), b);
	fuse_opt_free_args(&args);
	if (!session)
		return 1;
	if (fuse_set_signal_handlers(session) == 0) {
		if (fuse_session_mount(session, mountpoint) == 0) {
			puts("mounted");
			fflush(stdout);
			status = fuse_session_loop(session) < 0;
			fuse_session_unmount(session);
		}
		fuse_remove_signal_handlers(session);
	}
	fuse_session_destroy(session);
	return status;
}

enum {
	RECORDS,
	FLAT,
	ENTRY_TIMEOUT,
	ATTR_TIMEOUT,
	DIRECT_IO,
	KEEP_CACHE,
	NOFLUSH,
	DEFAULT_PERMISSIONS,
	HELP
};
static const struct option long_options[] = {
	{"records", required_argument, NULL, RECORDS},
	{"flat", required_argument, NULL, FLAT},
	{"entry-timeout", required_argument, NULL, ENTRY_TIMEOUT},
	{"attr-timeout", required_argument, NULL, ATTR_TIMEOUT},
	{"direct-io", no_argument, NULL, DIRECT_IO},
	{"keep-cache", no_argument, NULL, KEEP_CACHE},
	{"noflush", no_argument, NULL, NOFLUSH},
	{"default-permissions", no_argument, NULL, DEFAULT_PERMISSIONS},
	{"help", no_argument, NULL, HELP},
	{NULL, 0, NULL, 0},
};

static bool
take_option(struct bare *b, int option, const char *value)
{
	switch (option) {
	case RECORDS:
		b->tree.records = strtoul(value, NULL, 10);
		return true;
	case FLAT:
		b->tree.flat = strtoul(value, NULL, 10);
		return true;
	case ENTRY_TIMEOUT:
		b->entry_timeout = strtod(value, NULL);
		return true;
	case ATTR_TIMEOUT:
		b->attr_timeout = strtod(value, NULL);
		return true;
	case DIRECT_IO:
		return b->direct_io = true;
	case KEEP_CACHE:
		return b->keep_cache = true;
	case NOFLUSH:
		return b->noflush = true;
	case DEFAULT_PERMISSIONS:
		return b->default_permissions = true;
	case HELP:
		return b->help = true;
	default:
		return false;
	}
}

int
main(int argc, char **argv)
{
	struct bare b = {.tree = {.records = 1000,
				  .flat = 1000,
				  .uid = geteuid(),
				  .gid = getegid(),
				  .time = time(NULL)}};
	int option, status;
	bool sound = true;

	while (sound && (option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		sound = take_option(&b, option, optarg);
	if (b.help || !sound || optind + 1 != argc) {
		fputs(usage, b.help ? stdout : stderr);
		return b.help ? 0 : 2;
	}
	status = serve(&b, argv[optind]);
	tree_release(&b.tree);
	return status;
}
