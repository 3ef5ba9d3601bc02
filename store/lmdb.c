#include "store/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* One slot per snapshot: I/O threads, streams of lists and watches in catch-up. */
#define READERS_MAX 1024
/* A disk with less room than this refused us for want of room. */
#define ROOM_PROBE_BYTES (1 << 20)

struct engine {
	MDB_env *env;
	MDB_dbi tables[TABLE_COUNT];
	/* A descriptor of our own on the data file: the kernel reports a lost write
	 * once to each, so this one still knows after LMDB's has been told. */
	int fd;
};

struct view {
	struct engine *engine;
	MDB_txn *txn;
	bool live;
};

/* A cursor is LMDB's own under another name. */
static MDB_cursor *
native(struct cursor *c)
{
	return (MDB_cursor *)c;
}

static const char *const TABLE_NAMES[TABLE_COUNT] = {
	[TABLE_META] = "meta",     [TABLE_RECORDS] = "records", [TABLE_INDEX] = "index",
	[TABLE_DUE] = "due",       [TABLE_EVENTS] = "events",   [TABLE_HISTORY] = "history",
	[TABLE_ACCESS] = "access",
};

static bool
means_no_room(int rc)
{
	return rc == ENOSPC || rc == EDQUOT || rc == EFBIG;
}

static bool
has_no_room(int fd)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return false;
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, st.st_size, ROOM_PROBE_BYTES) == 0)
		return false;
	if (errno != EOPNOTSUPP && errno != ENOSYS)
		return means_no_room(errno);
	struct statvfs fs;
	return fstatvfs(fd, &fs) == 0 && fs.f_bavail * fs.f_frsize < ROOM_PROBE_BYTES;
}

/* LMDB says EIO for a short write, which is how a disk that has just become full
 * answers. It is one only if the disk is full now and no page was lost on its way
 * out of the cache. */
static bool
was_short_write(const struct engine *e)
{
	return has_no_room(e->fd) && fdatasync(e->fd) == 0;
}

static int
error_of(const struct engine *e, int rc)
{
	switch (rc) {
	case 0:
		return 0;
	case MDB_NOTFOUND:
		return ERR_NOT_FOUND;
	case MDB_MAP_FULL:
		return ERR_STORE_FULL;
	case MDB_TXN_FULL:
	case MDB_READERS_FULL:
	case ENOMEM:
		return ERR_NO_MEMORY;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_KEYEXIST: /* a key that was said to be the last, and is not */
		return ERR_STORE_CORRUPT;
	case EIO:
		return was_short_write(e) ? ERR_STORE_FULL : ERR_STORE_IO;
	default:
		return means_no_room(rc) ? ERR_STORE_FULL : ERR_STORE_IO;
	}
}

static MDB_val
val_of(struct slice s)
{
	return (MDB_val){s.n, (void *)(uintptr_t)s.p};
}

static struct slice
slice_of_val(MDB_val v)
{
	return slice_make(v.mv_data, v.mv_size);
}

/* ---- open and close ---- */

static int
open_tables(struct engine *e, const struct engine_options *o)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(e->env, NULL, o->create ? 0 : MDB_RDONLY, &txn);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < TABLE_COUNT && rc == 0; i++)
		rc = mdb_dbi_open(txn, TABLE_NAMES[i], o->create ? MDB_CREATE : 0, &e->tables[i]);
	if (rc != 0) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn);
}

/* A file that was cut short would be a SIGBUS at some later read. */
static bool
is_whole(const struct engine *e)
{
	MDB_envinfo info;
	MDB_stat stat;
	struct stat st;
	if (mdb_env_info(e->env, &info) != 0 || mdb_env_stat(e->env, &stat) != 0 || fstat(e->fd, &st) != 0)
		return false;
	return (info.me_last_pgno + 1) * stat.ms_psize <= (size_t)st.st_size;
}

void
engine_size(const struct engine *e, uint64_t *ret_used, uint64_t *ret_reserved)
{
	MDB_envinfo info = {0};
	MDB_stat stat = {0};
	if (mdb_env_info(e->env, &info) != 0 || mdb_env_stat(e->env, &stat) != 0)
		return;
	*ret_used = (uint64_t)(info.me_last_pgno + 1) * stat.ms_psize;
	*ret_reserved = info.me_mapsize;
}

static int
open_env_sized(struct engine *e, const char *dir, size_t map_size, bool read_only)
{
	unsigned flags = MDB_NOTLS | MDB_NOMEMINIT;
	if (read_only)
		flags |= MDB_RDONLY | MDB_NOLOCK;
	int rc = mdb_env_create(&e->env);
	if (rc == 0)
		rc = mdb_env_set_mapsize(e->env, map_size);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(e->env, TABLE_COUNT);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(e->env, READERS_MAX);
	if (rc == 0)
		rc = mdb_env_open(e->env, dir, flags, 0600);
	if (rc != 0 && e->env) {
		mdb_env_close(e->env);
		e->env = NULL;
	}
	return rc;
}

/* Address space costs nothing, but a limit or a sanitizer may leave less of it
 * than we take by default. */
static int
open_env(struct engine *e, const char *dir, const struct engine_options *o)
{
	size_t map_size = o->map_size ? o->map_size : ENGINE_MAP_SIZE_DEFAULT;
	int rc = open_env_sized(e, dir, map_size, o->read_only);
	while (rc == ENOMEM && o->map_size == 0 && map_size > ENGINE_MAP_SIZE_LEAST) {
		map_size /= 2;
		rc = open_env_sized(e, dir, map_size, o->read_only);
	}
	return rc;
}

static int
open_fault(const char *dir, int rc, struct fault *f)
{
	switch (rc) {
	case MDB_NOTFOUND:
	case ENOENT:
		return fault_set(f, ERR_NO_STORE, "%s holds no store", dir);
	case MDB_VERSION_MISMATCH:
		return fault_set(f, ERR_STORE_VERSION, "%s: %s", dir, mdb_strerror(rc));
	case MDB_INVALID:
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
		return fault_set(f, ERR_STORE_CORRUPT, "%s: data.mdb is not a store: %s", dir,
				 mdb_strerror(rc));
	default:
		return fault_set(f, means_no_room(rc) ? ERR_STORE_FULL : ERR_STORE_IO, "%s: %s", dir,
				 mdb_strerror(rc));
	}
}

int
engine_open(struct engine **ret, const char *dir, const struct engine_options *options, struct fault *f)
{
	struct engine *e = calloc(1, sizeof(*e));
	char path[4096];
	int code, dead;
	if (!e || snprintf(path, sizeof(path), "%s/data.mdb", dir) >= (int)sizeof(path)) {
		free(e);
		return fault_set(f, ERR_NO_MEMORY, "%s: cannot open the store", dir);
	}
	e->fd = -1;
	if (!options->create && access(path, F_OK) != 0) {
		code = open_fault(dir, ENOENT, f);
		goto fail;
	}
	int rc = open_env(e, dir, options);
	if (rc == 0 && (e->fd = open(path, (options->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC)) < 0)
		rc = errno;
	if (rc != 0) {
		code = open_fault(dir, rc, f);
		goto fail;
	}
	if (!is_whole(e)) {
		code = fault_set(f, ERR_STORE_CORRUPT, "%s: data.mdb was cut short", dir);
		goto fail;
	}
	/* Slots of readers that died with their process would keep old pages. */
	if (!options->read_only)
		rc = mdb_reader_check(e->env, &dead);
	if (rc == 0)
		rc = open_tables(e, options);
	if (rc != 0) {
		code = open_fault(dir, rc, f);
		goto fail;
	}
	*ret = e;
	return 0;
fail:
	engine_close(e);
	return code;
}

void
engine_close(struct engine *e)
{
	if (!e)
		return;
	if (e->env)
		mdb_env_close(e->env);
	if (e->fd >= 0)
		close(e->fd);
	free(e);
}

/* ---- views ---- */

static int
begin(struct view **ret, struct engine *e, unsigned flags)
{
	struct view *v = calloc(1, sizeof(*v));
	if (!v)
		return ERR_NO_MEMORY;
	int rc = mdb_txn_begin(e->env, NULL, flags, &v->txn);
	if (rc != 0) {
		free(v);
		return error_of(e, rc);
	}
	v->engine = e;
	v->live = true;
	*ret = v;
	return 0;
}

int
view_open(struct view **ret, struct engine *e)
{
	return begin(ret, e, MDB_RDONLY);
}

void
view_reset(struct view *v)
{
	if (v->live)
		mdb_txn_reset(v->txn);
	v->live = false;
}

int
view_renew(struct view *v)
{
	int rc = v->live ? 0 : mdb_txn_renew(v->txn);
	v->live = rc == 0;
	return error_of(v->engine, rc);
}

void
view_close(struct view *v)
{
	view_abort(v);
}

int
view_get(struct view *v, enum table t, struct slice key, struct slice *ret)
{
	MDB_val k = val_of(key), value;
	/* LMDB takes no empty keys, and none that are too long: they are not there. */
	if (key.n == 0 || key.n > ENGINE_KEY_MAX)
		return ERR_NOT_FOUND;
	int rc = mdb_get(v->txn, v->engine->tables[t], &k, &value);
	if (rc != 0)
		return error_of(v->engine, rc);
	*ret = slice_of_val(value);
	return 0;
}

int
view_count(struct view *v, enum table t, uint64_t *ret)
{
	MDB_stat stat;
	int rc = mdb_stat(v->txn, v->engine->tables[t], &stat);
	if (rc == 0)
		*ret = stat.ms_entries;
	return error_of(v->engine, rc);
}

/* ---- cursors ---- */

int
cursor_open(struct cursor **ret, struct view *v, enum table t)
{
	MDB_cursor *c;
	int rc = mdb_cursor_open(v->txn, v->engine->tables[t], &c);
	if (rc == 0)
		*ret = (struct cursor *)c;
	return error_of(v->engine, rc);
}

static int
move_before(MDB_cursor *c, struct slice key, MDB_val *k, MDB_val *value)
{
	if (key.n == 0)
		return mdb_cursor_get(c, k, value, MDB_LAST);
	*k = val_of(key);
	int rc = mdb_cursor_get(c, k, value, MDB_SET_RANGE);
	if (rc == MDB_NOTFOUND)
		return mdb_cursor_get(c, k, value, MDB_LAST);
	return rc != 0 ? rc : mdb_cursor_get(c, k, value, MDB_PREV);
}

int
cursor_move(struct cursor *c, enum move how, struct slice key, struct slice *ret_key, struct slice *ret_value)
{
	MDB_val k = val_of(key), value = {0};
	int rc = MDB_NOTFOUND;
	switch (how) {
	case MOVE_FROM:
		rc = mdb_cursor_get(native(c), &k, &value, key.n ? MDB_SET_RANGE : MDB_FIRST);
		break;
	case MOVE_BEFORE:
		rc = move_before(native(c), key, &k, &value);
		break;
	case MOVE_NEXT:
		rc = mdb_cursor_get(native(c), &k, &value, MDB_NEXT);
		break;
	case MOVE_PREVIOUS:
		rc = mdb_cursor_get(native(c), &k, &value, MDB_PREV);
		break;
	}
	if (rc == MDB_NOTFOUND)
		return ERR_NOT_FOUND;
	if (rc != 0)
		return rc == ENOMEM ? ERR_NO_MEMORY : rc == MDB_CORRUPTED ? ERR_STORE_CORRUPT : ERR_STORE_IO;
	*ret_key = slice_of_val(k);
	*ret_value = slice_of_val(value);
	return 0;
}

void
cursor_close(struct cursor *c)
{
	if (c)
		mdb_cursor_close(native(c));
}

/* ---- writing ---- */

int
engine_begin(struct view **ret, struct engine *e)
{
	return begin(ret, e, 0);
}

int
view_put(struct view *v, enum table t, struct slice key, struct slice value, bool last)
{
	MDB_val k = val_of(key), data = val_of(value);
	if (key.n == 0 || key.n > ENGINE_KEY_MAX)
		return ERR_INTERNAL;
	return error_of(v->engine, mdb_put(v->txn, v->engine->tables[t], &k, &data, last ? MDB_APPEND : 0));
}

int
view_delete(struct view *v, enum table t, struct slice key)
{
	MDB_val k = val_of(key);
	return error_of(v->engine, mdb_del(v->txn, v->engine->tables[t], &k, NULL));
}

int
view_clear(struct view *v, enum table t)
{
	return error_of(v->engine, mdb_drop(v->txn, v->engine->tables[t], 0));
}

int
view_commit(struct view *v)
{
	struct engine *e = v->engine;
	int rc = mdb_txn_commit(v->txn);
	free(v);
	return error_of(e, rc);
}

void
view_abort(struct view *v)
{
	if (!v)
		return;
	mdb_txn_abort(v->txn);
	free(v);
}
