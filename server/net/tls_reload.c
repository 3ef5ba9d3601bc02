/* The files of TLS, when they change. Looked at rather than watched: that sees a file
 * written in place, one renamed over it and a link that points elsewhere alike, on any
 * filesystem. */
#include "net/internal.h"

#include <openssl/rand.h>
#include <stdlib.h>

#include <sys/stat.h>

#define FILE_COUNT 4
#define TICKET_KEY 80 /* bytes: name, HMAC and AES keys, as OpenSSL takes them */

/* Enough of a file to see that it is another one. */
struct file_mark {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

struct tls_files {
	struct file_mark loaded[FILE_COUNT]; /* when they were last read, or tried */
	struct file_mark seen[FILE_COUNT];
	msec next_key; /* of session tickets */
};

static void
mark_files(const struct net *n, struct file_mark marks[FILE_COUNT])
{
	const struct net_tls *t = &n->config.tls;
	const char *names[FILE_COUNT] = {t->certificate, t->key, t->client_ca, t->crl};
	/* Compared byte by byte. */
	memset(marks, 0, FILE_COUNT * sizeof(*marks));
	for (size_t i = 0; i < FILE_COUNT; i++) {
		struct stat st;
		if (!file_given(names[i]) || stat(names[i], &st) != 0)
			continue;
		marks[i].device = st.st_dev;
		marks[i].inode = st.st_ino;
		marks[i].size = st.st_size;
		marks[i].changed = st.st_mtim;
	}
}

static bool
same_marks(const struct file_mark *a, const struct file_mark *b)
{
	return memcmp(a, b, FILE_COUNT * sizeof(*a)) == 0;
}

int
tls_files_open(struct net *n, struct fault *f)
{
	n->files = calloc(1, sizeof(*n->files));
	if (!n->files)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	return net_reload(n, f);
}

void
tls_files_free(struct net *n)
{
	free(n->files);
}

int
net_reload(struct net *n, struct fault *f)
{
	SSL_CTX *fresh;
	if (!n->files)
		return 0;
	mark_files(n, n->files->loaded);
	memcpy(n->files->seen, n->files->loaded, sizeof(n->files->seen));
	int rc = tls_context_new(&fresh, n, f);
	if (rc)
		return rc;
	SSL_CTX_free(n->tls); /* open connections hold theirs */
	n->tls = fresh;
	n->files->next_key = net_now(n) + n->config.limits.tls_ticket_rotation * 1000;
	return 0;
}

/* Whoever still holds a ticket of the old key shakes hands in full once. */
static void
rotate_tickets(struct net *n)
{
	unsigned char key[TICKET_KEY];
	if (RAND_bytes(key, sizeof(key)) != 1 ||
	    SSL_CTX_set_tlsext_ticket_keys(n->tls, key, sizeof(key)) != 1)
		net_notice(n, "no new key for TLS session tickets: the old one stays");
	OPENSSL_cleanse(key, sizeof(key));
	n->files->next_key = net_now(n) + n->config.limits.tls_ticket_rotation * 1000;
}

/* Files that change one after the other are read once they have rested for a look. */
static void
on_look(uv_timer_t *timer)
{
	struct net *n = timer->data;
	struct tls_files *files = n->files;
	struct file_mark now[FILE_COUNT];
	struct fault f = {0};
	if (net_now(n) >= files->next_key)
		rotate_tickets(n);
	mark_files(n, now);
	bool rests = same_marks(now, files->seen);
	memcpy(files->seen, now, sizeof(now));
	if (!rests || same_marks(now, files->loaded))
		return;
	if (net_reload(n, &f) == 0)
		net_notice(n, "TLS files have changed and were read again");
	else
		net_notice(n, "TLS files have changed, but what was read before stays in force: %s", f.text);
}

void
tls_reload_start(struct net *n)
{
	uint64_t interval = (uint64_t)n->config.limits.tls_reload_interval;
	uv_timer_start(&n->reload, on_look, interval, interval);
	uv_unref((uv_handle_t *)&n->reload);
}
