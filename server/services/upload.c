/* DocumentService.Upload: the body goes to a file by its digest, then its record
 * is committed. A call that breaks off leaves nothing. */
#include <stdlib.h>

#include "rules/application.h"
#include "server.h"
#include "services/facts.h"
#include "services/service.h"
#include "wire.h"
#include "zwy/v1/document.pb.h"

enum { UPLOAD_NAME = 1, UPLOAD_FILENAME = 2, UPLOAD_SHA256 = 3, UPLOAD_CHUNK = 4 };

/* While the body comes in it belongs to its call; then to the thread that makes
 * it durable; then to the job that commits its record. */
struct upload {
	struct job *job;
	struct document_writer *writer;
	const char *name, *application, *type, *filename;
	const char *announced; /* digest, or NULL */
	char sha256[65];
	uint64_t size;
	uv_work_t work;
};

static struct fault *
fault_of(struct upload *u)
{
	return &u->job->command.fault;
}

static void
upload_free(struct job *j)
{
	struct upload *u = j->request;
	document_abort(u->writer);
	free(u);
}

static void
upload_refuse(struct upload *u, struct call *c)
{
	struct job *j = u->job;
	call_set_user(c, NULL);
	call_finish(c, &j->command.fault);
	upload_free(j);
	job_free(j);
}

/* May this caller store that document now? With a digest, that very body. */
static int
judge(struct upload *u, struct reader *r, const struct rulebook *book, const char *sha256,
      zwy_v1_Application **ret)
{
	struct job *j = u->job;
	struct fault *f = fault_of(u);
	struct facts facts;
	zwy_v1_Application *a = JOB_READ(j, r, slice_of(u->application), zwy_v1_Application, f);
	if (!a)
		return f->code;
	int rc = facts_load(&facts, r, book, &j->actor, j->now, a, &j->messages, f);
	if (rc == 0)
		rc = application_upload(&facts, a, u->type, sha256, f);
	if (rc == 0)
		*ret = a;
	return rc;
}

static int
decide_document(struct job *j, struct txn *t, const struct rulebook *book)
{
	struct upload *u = j->request;
	zwy_v1_Application *a;
	zwy_v1_Document d = zwy_v1_Document_init_zero;
	int rc = judge(u, txn_reader(t), book, u->sha256, &a);
	if (rc != 0)
		return rc;
	d.filename = (char *)u->filename;
	d.sha256 = u->sha256;
	d.size = u->size;
	d.uploader = (char *)j->actor.principal;
	d.department = a->department;
	d.node = a->node;
	j->result = slice_of(u->name);
	struct job_event e = {.kind = "create", .action = "upload", .article = "13", .comment = u->filename};
	const struct put *put = JOB_PUT(j, u->name, zwy_v1_Document, &d);
	return put ? job_event(j, put, &e) : j->command.fault.code;
}

/* Thread pool: fsync may take long. */
static void
make_durable(uv_work_t *work)
{
	struct upload *u = work->data;
	struct document_writer *w = u->writer;
	u->writer = NULL;
	document_finish(w, u->sha256, &u->size, fault_of(u));
}

static void
made_durable(uv_work_t *work, int status)
{
	struct upload *u = work->data;
	struct job *j = u->job;
	if (status != 0 && !j->command.fault.code)
		fault_set(&j->command.fault, ERR_CANCELLED, "the upload was cancelled");
	if (!j->command.fault.code && u->announced && strcmp(u->announced, u->sha256) != 0)
		fault_set(&j->command.fault, ERR_DOCUMENT_MISMATCH,
			  "the body's SHA-256 is %s, but %s was announced", u->sha256, u->announced);
	j->server->jobs--;
	if (j->command.fault.code) {
		struct call *c = net_find(j->server->net, j->call);
		if (c)
			call_finish(c, &j->command.fault);
		upload_free(j);
		job_free(j);
		return;
	}
	job_submit(j);
}

static int
read_names(struct upload *u, struct slice message)
{
	struct fault *f = fault_of(u);
	struct arena *arena = &u->job->messages.arena;
	struct slice text = wire_string(message, UPLOAD_NAME);
	struct slice filename = wire_string(message, UPLOAD_FILENAME),
		     sha = wire_string(message, UPLOAD_SHA256);
	struct name name;
	int rc = name_parse_kind(&name, KIND_DOCUMENT, text, f);
	if (rc != 0)
		return rc;
	if (filename.n == 0 || filename.n > SEGMENT_MAX_BYTES || memchr(filename.p, '/', filename.n))
		return fault_add(f, ERR_INVALID_FIELD, "filename",
				 "filename: the file's own name is needed, without folders, at most %d bytes",
				 SEGMENT_MAX_BYTES);
	if (sha.n && !hex_decode(NULL, 32, sha))
		return fault_add(f, ERR_INVALID_FIELD, "sha256",
				 "sha256: 64 lower case hexadecimal digits are needed");
	u->name = arena_dup_slice(arena, text);
	u->application = arena_printf(arena, "applications/%.*s", (int)name.vars[0].n, name.vars[0].p);
	u->type = arena_dup_slice(arena, name.vars[1]);
	u->filename = arena_dup_slice(arena, filename);
	u->announced = sha.n ? arena_dup_slice(arena, sha) : NULL;
	return arena->failed ? fault_set(f, ERR_NO_MEMORY, "out of memory") : 0;
}

static void
upload_start(struct call *c)
{
	struct fault f = {0};
	const struct actor *actor;
	if (caller_identify(c, &actor, &f) != 0) {
		call_finish(c, &f);
		return;
	}
	struct upload *u = calloc(1, sizeof(*u));
	if (!u || !(u->job = job_of_call(c, actor))) {
		free(u);
		fault_set(&f, ERR_NO_MEMORY, "out of memory");
		call_finish(c, &f);
		return;
	}
	u->job->request = u;
	u->job->decide = decide_document;
	u->job->finished = upload_free;
	call_set_user(c, u);
}

static int
upload_begin(struct upload *u, struct slice message)
{
	struct server *s = u->job->server;
	zwy_v1_Application *a;
	int rc = read_names(u, message);
	const struct rulebook *book = rc ? NULL : server_book(s, fault_of(u));
	if (!book)
		return fault_of(u)->code;
	if ((rc = judge(u, server_reader(s), book, u->announced, &a)) != 0)
		return rc;
	return document_create(&u->writer, s->store, fault_of(u));
}

static void
upload_message(struct call *c, struct slice message)
{
	struct upload *u = call_user(c);
	if (!u)
		return;
	struct slice chunk = wire_string(message, UPLOAD_CHUNK);
	size_t max = (size_t)u->job->server->settings.document_max;
	u->size += chunk.n;
	if (u->size > max)
		fault_set(fault_of(u), ERR_MESSAGE_TOO_LARGE,
			  "the document is larger than document_max, %zu bytes", max);
	else if (!u->name && upload_begin(u, message) != 0)
		; /* refused */
	else if (chunk.n)
		document_write(u->writer, chunk, fault_of(u));
	if (fault_of(u)->code)
		upload_refuse(u, c);
}

static void
upload_half_close(struct call *c)
{
	struct upload *u = call_user(c);
	if (!u)
		return;
	if (!u->name) {
		fault_add(fault_of(u), ERR_FIELD_MISSING, "name",
			  "the first message has to name the document");
		upload_refuse(u, c);
		return;
	}
	call_set_user(c, NULL);
	u->work.data = u;
	u->job->server->jobs++;
	uv_queue_work(u->job->server->loop, &u->work, make_durable, made_durable);
}

static void
upload_closed(struct call *c)
{
	struct upload *u = call_user(c);
	if (!u)
		return;
	struct job *j = u->job;
	upload_free(j);
	job_free(j);
}

const struct call_handler upload_handler = {
	.start = upload_start,
	.message = upload_message,
	.half_close = upload_half_close,
	.closed = upload_closed,
};
