/* Documents: each record's body is there, whole, and under its digest; and the
 * bodies that no record names. */
#include "store/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "wire.h"
#include "zwy/v1/document.pb.h"

#define SHA256_BYTES 32
#define READ_BYTES   65536
/* Digests held at once; more documents take more passes over their records. */
#define DIGESTS_PER_PASS (1u << 19)

/* ---- bodies of records ---- */

/* Size and digest of a file; false if it cannot be read. */
static bool
hash_file(const char *path, uint64_t *ret_size, char ret_hex[2 * SHA256_BYTES + 1])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	uint64_t size = 0;
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	char *buf = malloc(READ_BYTES);
	bool ok = fd >= 0 && context && buf && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
	while (ok && (n = read(fd, buf, READ_BYTES)) > 0) {
		ok = EVP_DigestUpdate(context, buf, (size_t)n) == 1;
		size += (uint64_t)n;
	}
	ok = ok && n == 0 && EVP_DigestFinal_ex(context, digest, NULL) == 1;
	free(buf);
	EVP_MD_CTX_free(context);
	if (fd >= 0)
		close(fd);
	if (ok) {
		*ret_size = size;
		hex_encode(ret_hex, digest, SHA256_BYTES);
	}
	return ok;
}

static int
check_document(struct check *c, void *arg, struct slice key, struct slice row)
{
	char hex[2 * SHA256_BYTES + 1];
	struct buf path = {0};
	struct record r;
	uint64_t size;
	(void)arg;
	if (record_parse(&r, key, row) != 0)
		return 0;
	c->report->documents++;
	struct slice sha256 = wire_string(r.body, zwy_v1_Document_sha256_tag);
	int rc = document_path(&path, c->dir, sha256);
	buf_append_char(&path, '\0');
	if (rc != 0 || path.error)
		check_problem(c, "%s: '%.*s' is no SHA-256", check_name(c, key), (int)sha256.n, sha256.p);
	else if (!hash_file(path.p, &size, hex))
		check_problem(c, "%s: its body cannot be read: %s: %s", check_name(c, key), path.p,
			      strerror(errno));
	else if (!slice_is(sha256, hex))
		check_problem(c, "%s: its body is another one, with the SHA-256 %s", check_name(c, key), hex);
	else if (size != wire_uint(r.body, zwy_v1_Document_size_tag))
		check_problem(c, "%s: its body has %" PRIu64 " bytes, the record says %" PRIu64,
			      check_name(c, key), size, wire_uint(r.body, zwy_v1_Document_size_tag));
	buf_release(&path);
	return 0;
}

/* ---- bodies without records ---- */

struct digest {
	unsigned char bytes[SHA256_BYTES];
};

/* Digests of one pass: those whose first byte lies in [from, to). */
struct digest_set {
	struct digest *digests;
	size_t count, cap;
	unsigned from, to;
};

static int
compare_digests(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct digest));
}

static int
set_add(struct digest_set *set, struct slice sha256)
{
	struct digest d;
	if (!hex_decode(d.bytes, SHA256_BYTES, sha256) || d.bytes[0] < set->from || d.bytes[0] >= set->to)
		return 0;
	if (set->count == set->cap) {
		size_t cap = set->cap ? set->cap * 2 : 1024;
		struct digest *digests = realloc(set->digests, cap * sizeof(*digests));
		if (!digests)
			return ERR_NO_MEMORY;
		set->digests = digests;
		set->cap = cap;
	}
	set->digests[set->count++] = d;
	return 0;
}

static int
add_document(struct check *c, void *arg, struct slice key, struct slice row)
{
	struct record r;
	(void)c;
	return record_parse(&r, key, row) == 0 ? set_add(arg, wire_string(r.body, zwy_v1_Document_sha256_tag))
					       : 0;
}

static int
count_document(struct check *c, void *arg, struct slice key, struct slice row)
{
	(void)c, (void)key, (void)row;
	++*(size_t *)arg;
	return 0;
}

/* The bodies in the folder of one first byte. */
static int
walk_folder(const struct digest_set *set, const char *dir, unsigned first, document_fn each, void *ctx)
{
	char path[4096], hex[2 * SHA256_BYTES + 1];
	struct digest d;
	int n = snprintf(path, sizeof(path), "%s/documents/%02x", dir, first);
	if (n >= (int)(sizeof(path) - sizeof(hex)))
		return ERR_INVALID_ARGUMENT;
	DIR *folder = opendir(path);
	if (!folder)
		return errno == ENOENT ? 0 : ERR_STORE_IO;
	for (struct dirent *entry; (entry = readdir(folder));) {
		snprintf(hex, sizeof(hex), "%02x%.62s", first, entry->d_name);
		if (strlen(entry->d_name) != 2 * (SHA256_BYTES - 1) ||
		    !hex_decode(d.bytes, SHA256_BYTES, slice_of(hex)) ||
		    bsearch(&d, set->digests, set->count, sizeof(d), compare_digests))
			continue;
		snprintf(path + n, sizeof(path) - (size_t)n, "/%.62s", entry->d_name);
		each(ctx, path);
	}
	closedir(folder);
	return 0;
}

int
documents_unreferenced(struct view *v, const char *dir, document_fn each, void *ctx)
{
	const char document = KIND_DOCUMENT;
	struct slice prefix = {&document, 1};
	struct check c = {.view = v};
	struct digest_set set = {0};
	size_t count = 0;
	int rc = check_each(&c, TABLE_RECORDS, prefix, count_document, &count);
	unsigned passes = (unsigned)(count / DIGESTS_PER_PASS < 255 ? count / DIGESTS_PER_PASS : 255) + 1;
	for (unsigned pass = 0; pass < passes && rc == 0; pass++) {
		set.from = 256 * pass / passes;
		set.to = 256 * (pass + 1) / passes;
		set.count = 0;
		rc = check_each(&c, TABLE_RECORDS, prefix, add_document, &set);
		if (set.count)
			qsort(set.digests, set.count, sizeof(struct digest), compare_digests);
		for (unsigned first = set.from; first < set.to && rc == 0; first++)
			rc = walk_folder(&set, dir, first, each, ctx);
	}
	free(set.digests);
	return rc;
}

static void
count_orphan(void *ctx, const char *path)
{
	struct check_report *report = ctx;
	(void)path;
	report->orphans++;
}

int
check_document_bodies(struct check *c)
{
	const char document = KIND_DOCUMENT;
	int rc = check_each(c, TABLE_RECORDS, slice_make(&document, 1), check_document, NULL);
	return rc ? rc : documents_unreferenced(c->view, c->dir, count_orphan, c->report);
}

/* ---- sweeping ---- */

static void
remove_orphan(void *ctx, const char *path)
{
	if (unlink(path) == 0)
		++*(uint64_t *)ctx;
}

int
store_sweep_documents(struct store *s, uint64_t *ret_removed, struct fault *f)
{
	struct view *v;
	uint64_t removed = 0;
	int rc = view_open(&v, s->engine);
	if (rc == 0) {
		rc = documents_unreferenced(v, s->dir, remove_orphan, &removed);
		view_close(v);
	}
	if (rc != 0)
		return fault_set(f, rc, "%s: the documents could not be swept: %s", s->dir,
				 reason_of(rc)->text);
	*ret_removed = removed;
	return 0;
}
