/* DocumentService.Download: the record, then the body in pieces as fast as the
 * client takes them. */
#include <errno.h>
#include <unistd.h>

#include "server.h"
#include "services/service.h"
#include "wire.h"

enum { DOCUMENT_SHA256 = 6 };
enum { REPLY_DOCUMENT = 1, REPLY_CHUNK = 2 };

#define CHUNK_BYTES 65536

struct download {
	int fd;
};

static void
send_chunks(struct call *c, struct download *d)
{
	char chunk[CHUNK_BYTES];
	struct fault f = {0};
	struct buf b = {0};
	ssize_t n;
	int rc = 0;
	while (rc == 0 && (n = read(d->fd, chunk, sizeof(chunk))) > 0) {
		buf_clear(&b);
		wire_put_bytes(&b, REPLY_CHUNK, slice_make(chunk, (size_t)n));
		rc = call_send(c, buf_slice(&b));
	}
	buf_release(&b);
	if (rc != 0)
		return; /* CALL_FULL: writable comes; otherwise the call is over */
	if (n < 0)
		fault_set(&f, ERR_STORE_IO, "the document cannot be read: %s", strerror(errno));
	call_finish(c, &f);
}

static int
open_document(struct call *c, struct slice message, struct record *ret, int *ret_fd, struct fault *f)
{
	struct server *s = call_server(c);
	const struct actor *actor;
	struct name name;
	struct slice text = wire_string(message, 1);
	uint64_t size;
	int rc = caller_identify(c, &actor, f);
	if (rc != 0 || (rc = name_parse_kind(&name, KIND_DOCUMENT, text, f)) != 0)
		return rc;
	struct access access = access_of(actor, name.kind);
	rc = record_get(server_reader(s), &name, ret);
	if (rc != 0)
		return fault_set(f, rc, "there is no %.*s", (int)text.n, text.p);
	if (!access_allows(&access, ret->department, ret->node))
		return fault_set(f, ERR_FOREIGN_RECORD, "%.*s is not for %s to read", (int)text.n, text.p,
				 actor->principal);
	access_remember(c, actor, text);
	rc = document_open(ret_fd, &size, s->store, wire_string(ret->body, DOCUMENT_SHA256));
	return rc ? fault_set(f, ERR_STORE_CORRUPT, "the body of %.*s is missing", (int)text.n, text.p) : 0;
}

static void
download_message(struct call *c, struct slice message)
{
	struct fault f = {0};
	struct record record;
	struct buf b = {0};
	struct download *d = arena_alloc(call_arena(c), sizeof(*d));
	if (!d)
		fault_set(&f, ERR_NO_MEMORY, "out of memory");
	if (f.code || open_document(c, message, &record, &d->fd, &f) != 0) {
		call_finish(c, &f);
		return;
	}
	call_set_user(c, d);
	wire_put_bytes(&b, REPLY_DOCUMENT, record.body);
	int rc = call_send(c, buf_slice(&b));
	buf_release(&b);
	if (rc == 0)
		send_chunks(c, d);
}

static void
download_writable(struct call *c)
{
	if (call_user(c))
		send_chunks(c, call_user(c));
}

static void
download_closed(struct call *c)
{
	struct download *d = call_user(c);
	if (d)
		close(d->fd);
}

const struct call_handler download_handler = {
	.message = download_message,
	.writable = download_writable,
	.closed = download_closed,
};
