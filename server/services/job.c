#include "services/job.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "canonical.h"
#include "observe/traceparent.h"
#include "server.h"
#include "wire.h"
#include "zwy/v1/organisation.pb.h"

const struct actor system_actor = {
	.principal = "system",
	.caller = "system",
	.is_system = true,
	.region = "",
	.department = "",
	.node = "",
};

static const char *
copy(struct arena *a, const char *s)
{
	return s ? arena_strdup(a, s) : NULL;
}

struct job *
job_new(struct server *s, const struct actor *actor)
{
	struct job *j = calloc(1, sizeof(*j));
	if (!j)
		return NULL;
	struct arena *a = &j->messages.arena;
	j->server = s;
	j->now = server_clock_now(&s->clock);
	j->command.decide = job_decide;
	j->put_end = &j->change.puts;
	j->event_end = &j->change.events;
	j->actor = *actor;
	j->actor.principal = copy(a, actor->principal);
	j->actor.caller = copy(a, actor->caller);
	j->actor.region = copy(a, actor->region);
	j->actor.department = copy(a, actor->department);
	j->actor.node = copy(a, actor->node);
	if (a->failed) {
		job_free(j);
		return NULL;
	}
	return j;
}

struct job *
job_of_call(struct call *c, const struct actor *actor)
{
	struct job *j = job_new(call_server(c), actor);
	struct traceparent trace;
	if (!j)
		return NULL;
	j->call = j->held = call_handle(c);
	net_hold(j->server->net, j->held);
	j->mark = call_log_mark(c);
	if (traceparent_of_call(c, &trace))
		j->trace = arena_copy(&j->messages.arena, trace.trace);
	return j;
}

void
job_free(struct job *j)
{
	if (!j)
		return;
	if (j->held.stream)
		net_release(j->server->net, j->held);
	message_list_release(&j->messages);
	free(j);
}

/* The instant for tell_step; any thread. */
static int64_t
job_ticks(const struct job *j)
{
	return call_log_now(j->server->watchtower.calls, &j->mark);
}

static void
tell_step(const struct job *j, enum call_step step, int64_t at, int code)
{
	call_log_step(j->server->watchtower.calls, &j->mark, step, at, code);
}

/* What happened on the writer's thread. */
static void
tell_written(const struct job *j)
{
	int result = j->command.result;
	bool unwritten = result == ERR_STORE_FULL || result == ERR_STORE_IO;
	tell_step(j, STEP_decide, j->decided, unwritten ? 0 : result);
	tell_step(j, STEP_apply, j->applied, 0);
	tell_step(j, STEP_commit, j->committed, unwritten ? result : 0);
}

void
job_submit(struct job *j)
{
	struct server *s = j->server;
	s->jobs++;
	if (store_waiting(s->store) >= (size_t)s->settings.writer_queue_max) {
		j->command.result = fault_set(&j->command.fault, ERR_OVERLOADED,
					      "%lld changes are waiting already (writer_queue_max); "
					      "try again in a moment",
					      (long long)s->settings.writer_queue_max);
		overload_count(s->watchtower.overload, OVERLOAD_writer);
		tell_step(j, STEP_queue, job_ticks(j), ERR_OVERLOADED);
		job_complete(j);
		return;
	}
	tell_step(j, STEP_queue, job_ticks(j), 0);
	store_submit(s->store, &j->command);
}

int
job_execute(struct job *j, struct fault *f)
{
	int rc = store_execute(j->server->store, &j->command);
	snapshot_reset(j->server->snapshot);
	if (rc != 0 && f)
		*f = j->command.fault;
	if (rc == 0)
		server_forget(j->server, j->touched);
	job_free(j);
	return rc;
}

static void
answer(struct job *j, struct call *c)
{
	struct name name;
	struct record record;
	struct fault *f = &j->command.fault;
	if (j->command.result != 0) {
		if (f->code == 0)
			fault_set(f, j->command.result, "%s", reason_of(j->command.result)->text);
		call_finish(c, f);
	} else if (j->reply) {
		j->reply(j, c);
	} else if (j->validate_only) {
		call_reply(c, j->preview);
	} else if (name_parse(&name, j->result, f) != 0 ||
		   record_get(server_reader(j->server), &name, &record) != 0) {
		fault_set(f, ERR_INTERNAL, "%.*s was written but cannot be read", (int)j->result.n,
			  j->result.p);
		call_finish(c, f);
	} else {
		call_reply(c, record.body);
	}
}

void
job_complete(struct job *j)
{
	struct server *s = j->server;
	s->jobs--;
	if (j->command.result == 0)
		server_forget(s, j->touched);
	tell_written(j);
	struct call *c = j->call.stream ? net_find(s->net, j->call) : NULL;
	if (c) {
		call_log_step_of(s->watchtower.calls, c, STEP_reply, j->command.result);
		call_log_revision(c, j->command.revision);
		answer(j, c);
	} else {
		tell_step(j, STEP_reply, job_ticks(j), ERR_CANCELLED);
	}
	if (j->finished)
		j->finished(j);
	job_free(j);
}

/* ---- writer thread ---- */

static int
writer_book(struct server *s, struct txn *t, const struct rulebook **ret, struct fault *f)
{
	int rc = s->writer_book ? 0 : rulebook_load(&s->writer_book, txn_reader(t), f);
	if (rc == 0)
		*ret = s->writer_book;
	return rc;
}

static const char *
request_name(struct job *j)
{
	return arena_printf(&j->messages.arena, "%s/requests/%.*s", j->actor.principal, (int)j->request_id.n,
			    j->request_id.p);
}

/* SHA-256 of what was asked, whichever way the client wrote it down. */
static const char *
digest_of(struct job *j)
{
	unsigned char digest[32];
	struct arena *arena = &j->messages.arena;
	struct buf form = {0};
	char *hex = arena_alloc(arena, 2 * sizeof(digest) + 1);
	struct slice asked = j->asked;
	bool good = hex != NULL;
	if (j->asked_desc) {
		good &= wire_canonical(&form, j->asked_desc, j->asked, arena) == 0;
		asked = buf_slice(&form);
	}
	if (good && EVP_Digest(asked.p, asked.n, digest, NULL, EVP_sha256(), NULL))
		hex_encode(hex, digest, sizeof(digest));
	else
		hex = NULL;
	buf_release(&form);
	return hex;
}

/* 1: the same was asked before, and its outcome is the answer; 0: it is new. */
static int
find_replay(struct job *j, struct reader *r)
{
	struct fault *f = &j->command.fault;
	const char *name = request_name(j), *digest = digest_of(j);
	if (!name || !digest)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	zwy_v1_Request *before = JOB_READ(j, r, slice_of(name), zwy_v1_Request, f);
	if (!before) {
		if (f->code != ERR_NOT_FOUND)
			return f->code;
		fault_clear(f);
		return 0;
	}
	if (strcmp(before->digest, digest) != 0)
		return fault_set(f, ERR_KEY_REUSED,
				 "the request id \"%.*s\" was used for something else, which became %s; "
				 "use another id for another request",
				 (int)j->request_id.n, j->request_id.p, before->result);
	j->result = slice_of(before->result);
	j->counts[0] = before->created;
	j->counts[1] = before->updated;
	j->counts[2] = before->unchanged;
	j->command.revision = before->revision;
	j->replayed = true;
	return 1;
}

static int
put_request(struct job *j)
{
	zwy_v1_Request request = zwy_v1_Request_init_zero;
	const char *name = request_name(j), *digest = digest_of(j);
	char *result = arena_dup_slice(&j->messages.arena, j->result);
	if (!name || !digest || !result)
		return fault_set(&j->command.fault, ERR_NO_MEMORY, "out of memory");
	request.digest = (char *)digest;
	request.result = result;
	request.created = j->counts[0];
	request.updated = j->counts[1];
	request.unchanged = j->counts[2];
	return JOB_PUT(j, name, zwy_v1_Request, &request) ? 0 : j->command.fault.code;
}

/* A refusal is remembered in the access log, apart from the history of changes. */
static void
log_refusal(struct job *j, struct txn *t)
{
	const struct fault *f = &j->command.fault;
	const char *caller = strcmp(j->actor.caller, j->actor.principal) ? j->actor.principal : "";
	struct event e = {
		.name = j->result,
		.kind = SLICE("refusal"),
		.action = slice_of(reason_of(f->code)->name),
		.actor = slice_of(j->actor.caller),
		.on_behalf_of = slice_of(caller),
		.article = slice_of(f->article),
		.comment = slice_of(f->text),
		.trace = j->trace,
	};
	txn_access(t, &e, j->now);
}

static int
judge_and_apply(struct job *j, struct txn *t)
{
	struct server *s = j->server;
	const struct rulebook *book;
	struct fault *f = &j->command.fault;
	int rc;
	if (j->request_id.n && (rc = find_replay(j, txn_reader(t))) != 0)
		return rc < 0 ? rc : 0;
	if ((rc = writer_book(s, t, &book, f)) != 0)
		return rc;
	rc = j->decide(j, t, book);
	j->decided = job_ticks(j);
	if (rc == 0 && j->messages.arena.failed)
		rc = fault_set(f, ERR_NO_MEMORY, "out of memory");
	if (rc != 0) {
		log_refusal(j, t);
		return rc;
	}
	if (j->validate_only || !j->change.events)
		return 0;
	if (j->request_id.n && (rc = put_request(j)) != 0)
		return rc;
	j->change.now = j->now;
	rc = txn_apply(t, &j->change, &j->command.revision);
	j->applied = job_ticks(j);
	if (rc == 0 && (j->touched & RULEBOOK_KINDS)) {
		rulebook_free(s->writer_book);
		s->writer_book = NULL;
	}
	return rc;
}

int
job_decide(struct command *c, struct txn *t)
{
	struct job *j = (struct job *)c;
	int rc = judge_and_apply(j, t);
	j->result = arena_copy(&j->messages.arena, j->result);
	message_list_drop(&j->messages);
	return rc;
}

/* The slug that a field of the record gives; field 1 means the record itself. */
static struct slice
envelope_slug(const struct put *put, uint32_t field)
{
	if (field == 0)
		return (struct slice){NULL, 0};
	return field == 1 ? put->name.vars[put->name.var_count - 1] : wire_string(put->body, field);
}

const struct put *
job_put(struct job *j, const char *name, const pb_msgdesc_t *fields, const void *message)
{
	struct fault *f = &j->command.fault;
	struct put *put = arena_alloc(&j->messages.arena, sizeof(*put));
	char *own = arena_strdup(&j->messages.arena, name);
	if (!put || !own) {
		fault_set(f, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	if (name_parse(&put->name, slice_of(own), f) != 0)
		return NULL;
	put->body = message_encode_body(&j->messages, fields, message);
	put->department = envelope_slug(put, put->name.kind->department_field);
	put->node = envelope_slug(put, put->name.kind->node_field);
	*j->put_end = put;
	j->put_end = &put->next;
	j->touched |= KIND_BIT(put->name.kind->kind);
	return put;
}

int
job_event(struct job *j, const struct put *about, const struct job_event *e)
{
	struct event *event = arena_alloc(&j->messages.arena, sizeof(*event));
	if (!event)
		return fault_set(&j->command.fault, ERR_NO_MEMORY, "out of memory");
	bool itself = strcmp(j->actor.caller, j->actor.principal) == 0;
	bool clock = strcmp(e->kind, "clock") == 0;
	struct buf name = {0};
	name_format(&name, &about->name);
	*event = (struct event){
		.name = arena_copy(&j->messages.arena, buf_slice(&name)),
		.department = about->department,
		.node = about->node,
		.kind = slice_of(e->kind),
		.action = slice_of(e->action),
		.from_state = slice_of(e->from_state),
		.to_state = slice_of(e->to_state),
		.actor = slice_of(clock ? "system" : j->actor.caller),
		.on_behalf_of = slice_of(itself || clock ? "" : j->actor.principal),
		.article = slice_of(e->article),
		.comment = slice_of(e->comment),
		.trace = j->trace,
	};
	buf_release(&name);
	*j->event_end = event;
	j->event_end = &event->next;
	return 0;
}

int
job_input(struct job *j, const struct message_desc *m, struct slice record, struct slice *ret)
{
	struct buf kept = {0};
	int rc = wire_strip_output_only(&kept, m, record);
	*ret = arena_copy(&j->messages.arena, buf_slice(&kept));
	buf_release(&kept);
	if (rc != 0 || !ret->p)
		return fault_set(&j->command.fault, ERR_NO_MEMORY, "out of memory");
	return 0;
}

void *
job_read(struct job *j, struct reader *r, struct slice name, const pb_msgdesc_t *fields, size_t size,
	 struct fault *f)
{
	struct name n;
	struct record record;
	if (name_parse(&n, name, f) != 0)
		return NULL;
	int rc = record_get(r, &n, &record);
	if (rc != 0) {
		fault_set(f, rc, rc == ERR_NOT_FOUND ? "there is no %.*s" : "%.*s cannot be read",
			  (int)name.n, name.p);
		return NULL;
	}
	return message_decode(&j->messages, fields, size, record.body, f);
}
