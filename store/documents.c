/* Bodies of documents: files under DIR/documents, named by their SHA-256, the
 * first two digits as a folder. A body is written under another name, synced,
 * renamed, and its folder synced, so that a name always stands for whole bytes. */
#include "store/inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHA256_BYTES 32

struct document_writer {
	struct store *store;
	EVP_MD_CTX *digest;
	uint64_t size;
	int fd;
	char path[]; /* of the temporary file */
};

static int
io_fault(struct fault *f, const char *path)
{
	int code = errno == ENOSPC || errno == EDQUOT ? ERR_STORE_FULL : ERR_STORE_IO;
	return fault_set(f, code, "%s: %s", path, strerror(errno));
}

/* An uploader that died leaves its temporary file. */
static int
remove_temporary(const char *path, struct fault *f)
{
	DIR *d = opendir(path);
	if (!d)
		return io_fault(f, path);
	for (struct dirent *entry; (entry = readdir(d));)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(d), entry->d_name, 0);
	closedir(d);
	return 0;
}

int
documents_open(const char *dir, struct fault *f)
{
	char path[4096];
	static const char *const folders[] = {"documents", "documents/tmp"};
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (snprintf(path, sizeof(path), "%s/%s", dir, folders[i]) >= (int)sizeof(path))
			return fault_set(f, ERR_INVALID_ARGUMENT, "%s: the path is too long", dir);
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			return io_fault(f, path);
	}
	return remove_temporary(path, f);
}

int
document_path(struct buf *ret, const char *dir, struct slice sha256)
{
	if (!hex_decode(NULL, SHA256_BYTES, sha256))
		return ERR_NOT_FOUND;
	buf_printf(ret, "%s/documents/%.2s/%.62s", dir, sha256.p, sha256.p + 2);
	return ret->error;
}

/* ---- writing ---- */

int
document_create(struct document_writer **ret, struct store *s, struct fault *f)
{
	static const char suffix[] = "/documents/tmp/XXXXXX";
	size_t dir = strlen(s->dir);
	struct document_writer *w = calloc(1, sizeof(*w) + dir + sizeof(suffix));
	if (!w)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	memcpy(w->path, s->dir, dir);
	memcpy(w->path + dir, suffix, sizeof(suffix));
	w->store = s;
	w->fd = mkostemp(w->path, O_CLOEXEC);
	if (w->fd < 0) {
		int code = io_fault(f, w->path);
		free(w);
		return code;
	}
	w->digest = EVP_MD_CTX_new();
	if (!w->digest || EVP_DigestInit_ex(w->digest, EVP_sha256(), NULL) != 1) {
		document_abort(w);
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	}
	*ret = w;
	return 0;
}

int
document_write(struct document_writer *w, struct slice bytes, struct fault *f)
{
	if (EVP_DigestUpdate(w->digest, bytes.p, bytes.n) != 1)
		return fault_set(f, ERR_INTERNAL, "SHA-256 failed");
	while (bytes.n) {
		ssize_t n = write(w->fd, bytes.p, bytes.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return io_fault(f, w->path);
		bytes.p += n;
		bytes.n -= (size_t)n;
		w->size += (uint64_t)n;
	}
	return 0;
}

/* Makes the folder of a body. Synced even if it is there: whoever made it may not
 * have come to that yet. */
static int
make_folder(const char *path, struct store *s, struct fault *f)
{
	char documents[4096];
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return io_fault(f, path);
	snprintf(documents, sizeof(documents), "%s/documents", s->dir);
	return directory_sync(documents) == 0 ? 0 : io_fault(f, documents);
}

/* Renaming over the same body, which is there already, changes nothing: and the
 * sync makes sure that it, too, is durable. */
static int
move_in_place(struct document_writer *w, struct slice sha256, struct fault *f)
{
	struct buf path = {0};
	int rc = document_path(&path, w->store->dir, sha256);
	buf_append_char(&path, '\0');
	if (rc != 0 || path.error) {
		buf_release(&path);
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	}
	char *name = strrchr(path.p, '/');
	*name = '\0';
	rc = make_folder(path.p, w->store, f);
	*name = '/';
	if (rc == 0 && rename(w->path, path.p) != 0)
		rc = io_fault(f, path.p);
	*name = '\0';
	if (rc == 0 && directory_sync(path.p) != 0)
		rc = io_fault(f, path.p);
	buf_release(&path);
	return rc;
}

int
document_finish(struct document_writer *w, char ret_sha256[65], uint64_t *ret_size, struct fault *f)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char hex[2 * SHA256_BYTES + 1];
	uint64_t size = w->size;
	int rc = 0;
	if (EVP_DigestFinal_ex(w->digest, digest, NULL) != 1)
		rc = fault_set(f, ERR_INTERNAL, "SHA-256 failed");
	if (rc == 0 && fsync(w->fd) != 0)
		rc = io_fault(f, w->path);
	if (rc == 0) {
		hex_encode(hex, digest, SHA256_BYTES);
		rc = move_in_place(w, slice_of(hex), f);
	}
	/* After the rename there is nothing left under the temporary name. */
	document_abort(w);
	if (rc != 0)
		return rc;
	memcpy(ret_sha256, hex, sizeof(hex));
	*ret_size = size;
	return 0;
}

void
document_abort(struct document_writer *w)
{
	if (!w)
		return;
	close(w->fd);
	unlink(w->path);
	EVP_MD_CTX_free(w->digest);
	free(w);
}

/* ---- reading ---- */

int
document_open(int *ret_fd, uint64_t *ret_size, struct store *s, struct slice sha256)
{
	struct buf path = {0};
	struct stat st;
	int rc = document_path(&path, s->dir, sha256);
	buf_append_char(&path, '\0');
	if (rc == 0 && path.error)
		rc = ERR_NO_MEMORY;
	if (rc != 0) {
		buf_release(&path);
		return rc;
	}
	int fd = open(path.p, O_RDONLY | O_CLOEXEC);
	int opened = errno;
	buf_release(&path);
	if (fd < 0)
		return opened == ENOENT ? ERR_NOT_FOUND : ERR_STORE_IO;
	if (fstat(fd, &st) != 0) {
		close(fd);
		return ERR_STORE_IO;
	}
	*ret_fd = fd;
	*ret_size = (uint64_t)st.st_size;
	return 0;
}
