/* Changing: requests, lines, documents. Once a change was sent its outcome is kept,
 * whether or not somebody still waits for it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "json.h"
#include "request.h"
#include "send.h"
#include "text.h"
#include "wire.h"
#include "zwy/v1/application.pb.h"

void
error_line(const struct zwy_error *error, char *dst, size_t size)
{
	struct buf b = {0}, clean = {0};
	buf_append_str(&b, error->text);
	for (size_t i = 0; i < error->detail_count; i++) {
		if (strstr(error->text, error->details[i].text))
			continue;
		buf_printf(&b, "; %s", error->details[i].text);
	}
	if (error->reason[0])
		buf_printf(&b, " [%s%s%s]", error->reason, error->article[0] ? ", Article " : "",
			   error->article);
	append_clean(&clean, buf_slice(&b));
	size_t n = utf8_whole((struct slice){clean.p, clean.n < size - 1 ? clean.n : size - 1});
	if (n)
		memcpy(dst, clean.p, n);
	dst[n] = '\0';
	buf_release(&b);
	buf_release(&clean);
}

/* The server may have carried it out. */
bool
send_outcome_unknown(const struct zwy_error *error)
{
	return error->sent && (error->status == GRPC_DEADLINE_EXCEEDED || error->status == GRPC_UNAVAILABLE ||
			       error->status == GRPC_CANCELLED || error->error_number == ETIMEDOUT);
}

/* What a writer gets. A reference inside what was written is not a missing file. */
static int
send_errno(const struct zwy_error *error)
{
	if (!error->status)
		return 0;
	if (send_outcome_unknown(error))
		return ETIMEDOUT;
	return error->error_number == ENOENT ? EBADMSG : error->error_number;
}

struct send *
send_new(struct op *op, void (*done)(struct op *op, int eno))
{
	struct mount *m = op->mount;
	struct send *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->mount = m;
	s->caller = op->handle ? op->handle->caller : op->caller;
	s->caller->pending++;
	s->op = op;
	s->done = done;
	s->next = m->sends;
	if (m->sends)
		m->sends->prev = s;
	m->sends = s;
	op->send = s;
	return s;
}

void
send_free(struct send *s)
{
	struct mount *m = s->mount;
	if (s->prev)
		s->prev->next = s->next;
	else
		m->sends = s->next;
	if (s->next)
		s->next->prev = s->prev;
	if (s->call)
		zwy_call_cancel(s->call);
	s->caller->pending--;
	s->caller->snapshots -= s->held;
	buf_release(&s->answer);
	buf_release(&s->raw);
	free(s);
}

void
sends_free(struct mount *m)
{
	while (m->sends)
		send_free(m->sends);
}

void
send_detach(struct send *s)
{
	s->op->send = NULL;
	s->op = NULL;
	/* Until the answer comes nobody knows. */
	struct box_result r = {.state = BOX_UNKNOWN, .time = wall_ms()};
	snprintf(r.error, sizeof(r.error),
		 "interrupted while the server was deciding; the answer will stand here");
	if (s->box)
		box_settle(s->box, slice_of(s->name), buf_slice(&s->raw), &r);
}

/* Who reads next sees what was done: the watch has told of it, or what is kept is forgotten. */
static void
told(struct op *op)
{
	if (!keep_heard(op)) {
		keep_forget(op->mount);
		if (op->caller->cache)
			cache_clear(op->caller->cache);
	}
	op->sent(op, 0);
}

/* Ends the send, then the operation, if it is still there. */
void
send_end(struct send *s, int eno)
{
	struct op *op = s->op;
	void (*done)(struct op *, int) = s->done;
	uint64_t revision = s->revision;
	if (op)
		op->send = NULL;
	s->op = NULL;
	keep_own(s->caller, revision);
	send_free(s);
	if (!op)
		return;
	op->sent = done;
	if (eno || !revision)
		done(op, eno);
	else
		keep_wait(op, revision, told);
}

static void
on_message(void *ctx, struct zwy_call *call, struct zwy_bytes bytes)
{
	struct send *s = ctx;
	(void)call;
	buf_append(&s->answer, bytes.data, bytes.size);
}

static void
on_done(void *ctx, struct zwy_call *call, const struct zwy_error *error)
{
	struct send *s = ctx;
	(void)call;
	s->call = NULL;
	server_trouble(s->mount, error->status ? error : NULL);
	s->settle(s, error, send_errno(error));
}

int
send_start(struct send *s, const char *method, struct slice request, bool streaming)
{
	struct zwy_metadata metadata[1];
	struct zwy_call_options options =
		call_options(s->mount, s->caller, metadata, s->mount->options.commit_deadline_ms, s);
	options.message = on_message;
	options.done = on_done;
	options.client_streaming = streaming;
	if (!s->box) /* without a request id */
		options.retry = NULL;
	options.writable = streaming ? send_writable : NULL;
	s->call = zwy_call_start(s->mount->client, method,
				 (struct zwy_bytes){request.p ? request.p : "", request.n}, &options);
	return s->call ? 0 : ENOMEM;
}

static void
set_text(char *dst, size_t size, struct slice s)
{
	size_t n = s.n < size - 1 ? s.n : size - 1;
	if (n)
		memcpy(dst, s.p, n);
	dst[n] = '\0';
}

/* Name and revision of the record that the server answered with. */
static void
accept_answer(struct send *s, struct box_result *r)
{
	struct slice answer = buf_slice(&s->answer), name = wire_string(answer, zwy_v1_Application_name_tag);
	uint64_t revision = wire_uint(answer, zwy_v1_Application_revision_tag);
	*r = (struct box_result){.state = BOX_ACCEPTED, .time = wall_ms()};
	set_text(r->record, sizeof(r->record), name);
	set_text(r->id, sizeof(r->id), name_id(name));
	s->revision = revision;
}

/* ---- requests ----------------------------------------------------------- */

static void
request_settled(struct send *s, const struct zwy_error *error, int eno)
{
	struct box_result r;
	if (!eno) {
		accept_answer(s, &r);
	} else {
		r = (struct box_result){.state = BOX_REFUSED, .error_number = eno, .time = wall_ms()};
		if (send_outcome_unknown(error))
			r.state = BOX_UNKNOWN;
		error_line(error, r.error, sizeof(r.error));
	}
	/* The same name with other bytes: what was accepted before stays the result. Not
	 * reached: there is none. */
	if (eno != EEXIST && eno != EHOSTDOWN)
		box_settle(s->box, slice_of(s->name), buf_slice(&s->raw), &r);
	send_end(s, eno);
}

static int
parse_request(struct buf *record, const struct kind_desc *kind, struct slice body, bool json, struct fault *f)
{
	struct text_place place;
	if (json)
		return json_parse(record, kind->message, body, f);
	return text_parse(record, kind->message, body, TEXT_INPUT, &place, f);
}

static void
note_fault(struct box *b, const char *name, const struct fault *f, int eno)
{
	struct box_result r = {.state = BOX_REFUSED, .error_number = eno, .time = wall_ms()};
	snprintf(r.error, sizeof(r.error), "%s [%s]", f->text, reason_of(f->code)->name);
	box_settle(b, slice_of(name), (struct slice){0}, &r);
}

void
send_request(struct op *op, struct box *b, const char *name, struct slice raw, struct slice body, bool json,
	     void (*done)(struct op *op, int eno))
{
	struct fault f = {0};
	struct buf record = {0}, request = {0};
	char request_id[BOX_NAME_MAX + 8];
	const struct kind_desc *kind = json ? kind_by_collection(SLICE("applications")) : text_subject(body);
	const struct method_desc *method = NULL;
	int code = parse_request(&record, kind, body, json, &f);
	snprintf(request_id, sizeof(request_id), BOX_KEY_PREFIX "%s", name);
	if (code == 0 && !(method = request_message(&request, kind, buf_slice(&record), request_id)))
		code = fault_set(&f, ERR_INVALID_NAME, "%s are not made by a request", kind->collection);
	buf_release(&record);
	if (code < 0) {
		int eno = reason_of(code)->eno;
		note_fault(b, name, &f, eno);
		done(op, eno);
		return;
	}
	struct send *s = send_new(op, done);
	if (s) {
		s->box = b;
		snprintf(s->name, sizeof(s->name), "%s", name);
		buf_append_slice(&s->raw, raw);
		s->settle = request_settled;
	}
	int eno = !s || request.error || s->raw.error
			  ? ENOMEM
			  : send_start(s, method->path, buf_slice(&request), false);
	buf_release(&request);
	if (eno && s)
		send_end(s, eno);
	else if (eno)
		done(op, eno);
}

/* ---- lines -------------------------------------------------------------- */

static void
new_settled(struct send *s, const struct zwy_error *error, int eno)
{
	struct box_result r = {.state = BOX_REFUSED, .error_number = eno, .time = wall_ms()};
	if (!eno)
		accept_answer(s, &r);
	else
		error_line(error, r.error, sizeof(r.error));
	if (s->caller->box)
		box_note(s->caller->box, SLICE("new"), &r);
	if (s->op && !eno)
		line_answer(&s->op->handle->line, "%s\n", r.id);
	else if (s->op)
		line_answer(&s->op->handle->line, "error: %s\n", r.error);
	send_end(s, eno);
}

static void
act_settled(struct send *s, const struct zwy_error *error, int eno)
{
	char text[1024], line[1200];
	struct slice answer = buf_slice(&s->answer),
		     state = wire_string(answer, zwy_v1_ActResponse_state_tag);
	uint64_t revision = wire_uint(answer, zwy_v1_ActResponse_revision_tag);
	if (!eno) {
		caller_refused(s->caller, s->record, NULL);
		s->revision = revision;
	} else {
		error_line(error, text, sizeof(text));
		snprintf(line, sizeof(line), "%s: %s", s->action, text);
		caller_refused(s->caller, s->record, line);
	}
	if (s->op && !eno)
		line_answer(&s->op->handle->line, "%.*s\n", (int)state.n, state.n ? state.p : "");
	else if (s->op)
		line_answer(&s->op->handle->line, "error: %s\n", text);
	send_end(s, eno);
}

static int
add_word(void *ctx, struct slice key, struct slice value, bool has_value)
{
	struct buf entry = {0}, *request = ctx;
	uint64_t revision;
	(void)has_value;
	if (slice_is(key, "revision") && slice_to_u64(value, &revision)) {
		wire_put_uint(request, zwy_v1_ActRequest_revision_tag, revision);
		return 0;
	}
	wire_put_string(&entry, 1, key);
	wire_put_string(&entry, 2, value);
	wire_put_bytes(request, zwy_v1_ActRequest_form_tag, buf_slice(&entry));
	buf_release(&entry);
	return 0;
}

static int
act_message(struct send *s, struct slice line, struct buf *request, struct fault *f)
{
	wire_put_string(request, zwy_v1_ActRequest_name_tag, slice_of(s->record));
	wire_put_string(request, zwy_v1_ActRequest_action_tag, slice_of(s->action));
	return text_words(line, add_word, request, f);
}

static const char *
act_path(const struct kind_desc *kind)
{
	const struct method_desc *m = method_of(kind->kind, VERB_ACT);
	return m ? m->path : NULL;
}

static int
new_message(struct slice line, struct buf *request, struct fault *f)
{
	const struct kind_desc *kind = kind_by_collection(SLICE("applications"));
	struct buf application = {0};
	int code = text_parse_line(&application, kind->message, line, TEXT_INPUT, f);
	if (code == 0)
		request_message(request, kind, buf_slice(&application), "");
	buf_release(&application);
	return code;
}

/* A line that cannot even be read is refused as the server would. */
static void
refuse_line(struct send *s, const struct fault *f)
{
	struct zwy_error error = {.status = (int)reason_of(f->code)->status,
				  .error_number = reason_of(f->code)->eno};
	snprintf(error.reason, sizeof(error.reason), "%s", reason_of(f->code)->name);
	snprintf(error.text, sizeof(error.text), "%s", f->text);
	s->settle(s, &error, send_errno(&error));
}

void
send_line(struct op *op, struct slice line, void (*done)(struct op *op, int eno))
{
	struct place p;
	struct fault f = {0};
	struct buf request = {0};
	struct send *s = send_new(op, done);
	if (!s) {
		done(op, ENOMEM);
		return;
	}
	tree_resolve(&p, slice_of(op->node->path));
	bool act = p.view == VIEW_ACTION;
	s->settle = act ? act_settled : new_settled;
	if (act) {
		set_text(s->record, sizeof(s->record), p.name);
		set_text(s->action, sizeof(s->action), p.rest);
	}
	f.code = act ? act_message(s, line, &request, &f) : new_message(line, &request, &f);
	if (f.code) {
		refuse_line(s, &f);
	} else {
		int eno = request.error ? ENOMEM
					: send_start(s,
						     act ? act_path(p.kind)
							 : "/zwy.v1.ApplicationService/CreateApplication",
						     buf_slice(&request), false);
		if (eno)
			send_end(s, eno);
	}
	buf_release(&request);
}
