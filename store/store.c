#include "store/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define GROUP_MAX_DEFAULT 1024

int
directory_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ERR_STORE_IO;
	int rc = fsync(fd) == 0 ? 0 : ERR_STORE_IO;
	close(fd);
	return rc;
}

/* LMDB would let a second server in: the lock on DIR/lock does not. It names the
 * process that holds it, for whoever wonders. */
int
directory_lock(int *ret_fd, const char *dir, struct fault *f)
{
	char path[4096], pid[32] = "";
	if (snprintf(path, sizeof(path), "%s/lock", dir) >= (int)sizeof(path))
		return fault_set(f, ERR_INVALID_ARGUMENT, "%s: the path is too long", dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return fault_set(f, ERR_STORE_IO, "%s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);
		close(fd);
		pid[n > 0 ? n - 1 : 0] = '\0';
		return fault_set(f, ERR_STORE_LOCKED, "%s is in use by another process%s%s", dir,
				 pid[0] ? ", number " : "", pid);
	}
	int n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n) {
		/* Only who reads the message misses it: a full disk must not keep a store shut. */
		errno = 0;
	}
	*ret_fd = fd;
	return 0;
}

/* ---- create ---- */

static int
make_directory(const char *dir, struct fault *f)
{
	struct stat st;
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return fault_set(f, ERR_STORE_IO, "%s: %s", dir, strerror(errno));
	if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
		return fault_set(f, ERR_STORE_IO, "%s is not a directory", dir);
	return 0;
}

static int
write_empty(struct engine *e, const char *dir, struct fault *f)
{
	struct view *v;
	int rc = engine_begin(&v, e);
	if (rc != 0)
		return fault_set(f, rc, "%s: the store cannot be made", dir);
	if (meta_check(v, dir, NULL) != ERR_NO_STORE) {
		view_abort(v);
		return fault_set(f, ERR_ALREADY_EXISTS, "%s holds a store already", dir);
	}
	rc = meta_create(v);
	if (rc != 0)
		view_abort(v);
	else
		rc = view_commit(v);
	return rc == 0 ? 0 : fault_set(f, rc, "%s: the store cannot be made", dir);
}

int
store_create(const char *dir, struct fault *f)
{
	struct engine *e = NULL;
	int lock;
	int rc = make_directory(dir, f);
	if (rc == 0)
		rc = directory_lock(&lock, dir, f);
	if (rc != 0)
		return rc;
	rc = documents_open(dir, f);
	if (rc == 0)
		rc = engine_open(&e, dir, &(struct engine_options){.create = true}, f);
	if (rc == 0)
		rc = write_empty(e, dir, f);
	engine_close(e);
	if (rc == 0 && directory_sync(dir) != 0)
		rc = fault_set(f, ERR_STORE_IO, "%s: %s", dir, strerror(errno));
	close(lock);
	return rc;
}

/* ---- open ---- */

static int
read_head(struct store *s, struct fault *f)
{
	struct view *v;
	int rc = view_open(&v, s->engine);
	if (rc != 0)
		return fault_set(f, rc, "%s: the store cannot be read", s->dir);
	rc = meta_check(v, s->dir, f);
	if (rc == 0 && (rc = meta_get_head(v, LOG_EVENTS, &s->head)) != 0)
		fault_set(f, rc, "%s: the log's head cannot be read", s->dir);
	view_close(v);
	atomic_store(&s->revision, s->head.number);
	return rc;
}

bool
store_exists(const char *dir)
{
	char path[4096];
	return snprintf(path, sizeof(path), "%s/data.mdb", dir) < (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

static int
open_parts(struct store *s, struct fault *f)
{
	/* First, so that a directory that is none does not become one. */
	if (!store_exists(s->dir))
		return fault_set(f, ERR_NO_STORE, "%s holds no store", s->dir);
	int rc = directory_lock(&s->lock, s->dir, f);
	if (rc == 0)
		rc = engine_open(&s->engine, s->dir,
				 &(struct engine_options){.map_size = s->options.map_size}, f);
	if (rc == 0)
		rc = read_head(s, f);
	if (rc == 0)
		rc = reindex(s->engine, s->dir, f);
	if (rc == 0)
		rc = documents_open(s->dir, f);
	if (rc == 0 && (rc = txn_init(&s->txn, s)) != 0)
		fault_set(f, rc, "the digest %s is not available", META_DIGEST_NAME);
	return rc;
}

int
store_open(struct store **ret, const char *dir, const struct store_options *options, struct fault *f)
{
	struct store *s = calloc(1, sizeof(*s));
	if (!s)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	s->lock = -1;
	s->last = &s->first;
	if (options)
		s->options = *options;
	if (s->options.group_max == 0)
		s->options.group_max = GROUP_MAX_DEFAULT;
	pthread_mutex_init(&s->writing, NULL);
	pthread_mutex_init(&s->queue_lock, NULL);
	pthread_mutex_init(&s->head_lock, NULL);
	pthread_cond_init(&s->queue_filled, NULL);
	s->dir = strdup(dir);
	int rc = s->dir ? open_parts(s, f) : fault_set(f, ERR_NO_MEMORY, "out of memory");
	if (rc != 0) {
		store_close(s);
		return rc;
	}
	*ret = s;
	return 0;
}

void
store_close(struct store *s)
{
	if (!s)
		return;
	writer_stop(s);
	txn_release(&s->txn);
	engine_close(s->engine);
	if (s->lock >= 0)
		close(s->lock);
	pthread_mutex_destroy(&s->writing);
	pthread_mutex_destroy(&s->queue_lock);
	pthread_mutex_destroy(&s->head_lock);
	pthread_cond_destroy(&s->queue_filled);
	free(s->dir);
	free(s);
}

size_t
store_waiting(const struct store *s)
{
	return atomic_load(&s->waiting);
}

uint64_t
store_head(const struct store *s)
{
	return atomic_load(&s->revision);
}

void
store_head_digest(struct store *s, uint64_t *ret_revision, unsigned char ret_digest[DIGEST_BYTES])
{
	pthread_mutex_lock(&s->head_lock);
	*ret_revision = s->head.number;
	memcpy(ret_digest, s->head.digest, DIGEST_BYTES);
	pthread_mutex_unlock(&s->head_lock);
}

void
store_size(const struct store *s, uint64_t *ret_used, uint64_t *ret_reserved)
{
	*ret_used = *ret_reserved = 0;
	engine_size(s->engine, ret_used, ret_reserved);
}
