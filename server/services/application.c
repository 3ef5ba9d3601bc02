#include "services/application.h"

#include "rules/names.h"
#include "server.h"
#include "services/facts.h"
#include "services/ledger.h"
#include "services/merge.h"
#include "services/planned.h"
#include "services/registers.h"
#include "wire.h"

/* ---- carrying out what the rules decided (writer thread) ---- */

/* The next id of the year in a collection: "resources/R-2026-000007". NULL: the fault is set. */
static char *
new_name(struct job *j, struct txn *t, const char *collection, char letter)
{
	struct name parsed;
	uint64_t number;
	struct buf id = {0};
	struct fault *f = &j->command.fault;
	unsigned year = (unsigned)civil_from_day(day_of(j->now)).year;
	int rc = name_parse_collection(&parsed, slice_of(collection), f);
	if (rc == 0)
		rc = txn_next_number(t, &parsed, year, &number);
	if (rc != 0) {
		if (!f->code)
			fault_set(f, rc, "%s: there is no next number", collection);
		return NULL;
	}
	id_format(&id, letter, year, number);
	char *name = arena_printf(&j->messages.arena, "%s/%.*s", collection, (int)id.n, id.p);
	buf_release(&id);
	if (!name)
		fault_set(f, ERR_NO_MEMORY, "out of memory");
	return name;
}

/* One more element of a list of names. */
static int
add_name(struct job *j, char ***list, pb_size_t *count, char *name)
{
	char **longer = arena_array(&j->messages.arena, (size_t)*count + 1, sizeof(*longer));
	if (!longer)
		return fault_set(&j->command.fault, ERR_NO_MEMORY, "out of memory");
	if (*count)
		memcpy(longer, *list, *count * sizeof(*longer));
	longer[(*count)++] = name;
	*list = longer;
	return 0;
}

/* Puts new resources under ids of the year and names them in the application. */
static int
put_resources(struct job *j, struct txn *t, struct outcome *o)
{
	zwy_v1_Application *a = &o->application;
	const struct outcome_event *step = o->event_count ? &o->events[o->event_count - 1] : NULL;
	int rc = 0;
	for (size_t i = 0; rc == 0 && step && i < o->resource_count; i++) {
		zwy_v1_Resource *r = &o->resources[i].resource;
		struct job_event e = {"create", step->action, "", r->state, step->article, a->name};
		char *name = new_name(j, t, "resources", 'R');
		const struct put *put = name ? JOB_PUT(j, name, zwy_v1_Resource, r) : NULL;
		a->items[o->resources[i].item].resource = name;
		rc = put ? job_event(j, put, &e) : j->command.fault.code;
		rc = rc ? rc : add_name(j, &a->resources, &a->resources_count, name);
	}
	return rc;
}

static int
put_event(struct job *j, const struct put *put, const struct outcome_event *oe)
{
	struct job_event e = {oe->kind, oe->action, oe->from_state, oe->to_state, oe->article, oe->comment};
	return put ? job_event(j, put, &e) : j->command.fault.code;
}

static int
put_changed(struct job *j, const struct changed_resource *c)
{
	return put_event(j, JOB_PUT(j, c->resource.name, zwy_v1_Resource, &c->resource), &c->event);
}

/* The application with its events. */
static int
put_case(struct job *j, const struct outcome *o)
{
	const struct put *put = JOB_PUT(j, o->application.name, zwy_v1_Application, &o->application);
	int rc = put ? 0 : j->command.fault.code;
	for (size_t i = 0; rc == 0 && i < o->event_count; i++)
		rc = put_event(j, put, &o->events[i]);
	return rc;
}

/* A case that this one moved on, or made: then it gets its id, and resources that
 * were left to it know it. */
static int
put_other(struct job *j, struct txn *t, struct outcome *o, struct outcome *other)
{
	zwy_v1_Application *a = &other->application;
	if (!text_of(a->name)[0]) {
		if (!(a->name = new_name(j, t, "applications", 'A')))
			return j->command.fault.code;
		int rc = add_name(j, &o->application.linked, &o->application.linked_count, a->name);
		if (rc != 0)
			return rc;
		for (size_t i = 0; other->holds && i < o->changed_count; i++)
			if (application_holds(a, o->changed[i].resource.name))
				o->changed[i].resource.open_case = a->name;
	}
	return put_case(j, other);
}

static int
put_move(struct job *j, struct txn *t, const struct quota_move *move)
{
	const zwy_v1_Quota *q = &move->quota;
	struct job_event e = {.kind = "ledger", .action = move->movement, .comment = move->entry.cause};
	const struct put *quota = JOB_PUT(j, q->name, zwy_v1_Quota, q);
	int rc = quota ? ledger_put(j, t, q->name, &move->entry) : j->command.fault.code;
	if (rc != 0)
		return rc;
	return job_event(j, quota, &e);
}

/* Puts the application with all that follows from it. The command's last event
 * is the application's own, so that its revision is the command's. */
static int
carry_out(struct job *j, struct txn *t, struct outcome *o)
{
	zwy_v1_Application *a = &o->application;
	if (j->validate_only) {
		j->preview = message_encode(&j->messages, zwy_v1_Application_fields, a);
		return 0;
	}
	int rc = put_resources(j, t, o);
	for (size_t i = 0; rc == 0 && i < o->move_count; i++)
		rc = put_move(j, t, &o->moves[i]);
	for (size_t i = 0; rc == 0 && i < o->other_count; i++)
		rc = put_other(j, t, o, o->others[i]);
	for (size_t i = 0; rc == 0 && i < o->changed_count; i++)
		rc = put_changed(j, &o->changed[i]);
	if (rc == 0)
		rc = planned_put(j, t, a);
	if (rc == 0)
		rc = put_case(j, o);
	j->result = slice_of(a->name);
	return rc;
}

/* ---- what a request says ---- */

/* References may be given as full names; records hold slugs. */
static void
shorten_references(struct job *j, zwy_v1_Application *a)
{
	a->system = (char *)slug_of(a->system).p;
	a->department = (char *)slug_of(a->department).p;
	a->node = (char *)slug_of(a->node).p;
	a->resource = (char *)slug_of(a->resource).p;
	zwy_v1_Item *items = arena_array(&j->messages.arena, a->items_count, sizeof(*items));
	for (size_t i = 0; items && i < a->items_count; i++) {
		items[i] = a->items[i];
		items[i].service = (char *)slug_of(items[i].service).p;
		items[i].exchange = (char *)slug_of(items[i].exchange).p;
		items[i].takes_over = (char *)slug_of(items[i].takes_over).p;
	}
	a->items = items;
}

static int
decode_asked(struct job *j, struct slice bytes, zwy_v1_Application *ret)
{
	zwy_v1_Application *decoded =
		MESSAGE_DECODE(&j->messages, zwy_v1_Application, bytes, &j->command.fault);
	if (!decoded)
		return j->command.fault.code;
	*ret = *decoded;
	shorten_references(j, ret);
	return 0;
}

int
application_decide_create(struct job *j, struct txn *t, const struct rulebook *book)
{
	const struct put_request *request = j->request;
	struct fault *f = &j->command.fault;
	struct fault missing = {0};
	struct outcome o = {0};
	struct facts facts;
	zwy_v1_Application asked;
	int rc = decode_asked(j, request->record, &asked);
	if (rc != 0)
		return rc;
	asked.name = NULL;
	if ((rc = facts_derive(&asked, txn_reader(t), &j->messages, f)) != 0)
		return rc;
	if ((rc = facts_load(&facts, txn_reader(t), book, &j->actor, j->now, &asked, &j->messages, f)) != 0 ||
	    (!j->validate_only && !(asked.name = new_name(j, t, "applications", 'A'))))
		return rc ? rc : f->code;
	rc = application_create(&facts, &asked, request->submit, &j->messages.arena, &o, &missing, f);
	return rc ? rc : carry_out(j, t, &o);
}

/* Reads the application that the job is about and the facts around it. */
static int
load_case(struct job *j, struct txn *t, const struct rulebook *book, struct slice name,
	  zwy_v1_Application **ret, struct facts *ret_facts)
{
	struct fault *f = &j->command.fault;
	zwy_v1_Application *a = JOB_READ(j, txn_reader(t), name, zwy_v1_Application, f);
	if (!a)
		return f->code;
	j->result = slice_of(a->name);
	int rc = facts_derive_draft(&a, txn_reader(t), &j->messages, f);
	if (rc == 0)
		rc = facts_load(ret_facts, txn_reader(t), book, &j->actor, j->now, a, &j->messages, f);
	if (rc == 0)
		*ret = a;
	return rc;
}

int
application_decide_update(struct job *j, struct txn *t, const struct rulebook *book)
{
	const struct put_request *request = j->request;
	struct fault *f = &j->command.fault;
	struct outcome o = {0};
	struct facts facts;
	zwy_v1_Application *before, asked;
	struct record record;
	int rc = load_case(j, t, book, wire_string(request->record, 1), &before, &facts);
	if (rc != 0)
		return rc;
	struct name name;
	if ((rc = name_parse_kind(&name, KIND_APPLICATION, slice_of(before->name), f)) != 0 ||
	    (rc = record_get(txn_reader(t), &name, &record)) != 0)
		return rc;
	struct slice merged = merge_records(&j->messages.arena, record.body, request->record, &request->mask);
	if ((rc = decode_asked(j, merged, &asked)) != 0)
		return rc;
	asked.name = before->name;
	if ((rc = facts_derive(&asked, txn_reader(t), &j->messages, f)) != 0)
		return rc;
	/* The items may have changed, so the facts about them are read again. */
	if ((rc = facts_load(&facts, txn_reader(t), book, &j->actor, j->now, &asked, &j->messages, f)) != 0)
		return rc;
	rc = application_update(&facts, before, &asked, &j->messages.arena, &o, f);
	return rc ? rc : carry_out(j, t, &o);
}

int
application_decide_clock(struct job *j, struct txn *t, const struct rulebook *book)
{
	const struct clock_request *request = j->request;
	struct outcome o = {0};
	struct facts facts;
	zwy_v1_Application *before;
	int rc = load_case(j, t, book, slice_of(request->name), &before, &facts);
	if (rc == 0)
		rc = application_clock(&facts, before, request->term, &j->messages.arena, &o,
				       &j->command.fault);
	return rc || o.event_count == 0 ? rc : carry_out(j, t, &o);
}

int
application_decide_recompute(struct job *j, struct txn *t, const struct rulebook *book)
{
	struct outcome o = {0};
	struct facts facts;
	zwy_v1_Application *before;
	const struct clock_request *request = j->request;
	int rc = load_case(j, t, book, slice_of(request->name), &before, &facts);
	if (rc == 0)
		rc = application_recompute(&facts, before, &j->messages.arena, &o, &j->command.fault);
	return rc || o.event_count == 0 ? rc : carry_out(j, t, &o);
}

/* ---- Act ---- */

static int
decide_act(struct job *j, struct txn *t, const struct rulebook *book)
{
	const struct act_request *request = j->request;
	struct outcome o = {0};
	struct facts facts;
	zwy_v1_Application *before;
	int rc = load_case(j, t, book, request->name, &before, &facts);
	if (rc == 0)
		rc = application_act(&facts, before, &request->act, &j->messages.arena, &o,
				     &j->command.fault);
	return rc ? rc : carry_out(j, t, &o);
}

/* ActResponse: name, revision, state, as they are now. */
static void
reply_act(struct job *j, struct call *c)
{
	struct name name;
	struct record record;
	struct buf b = {0};
	if (name_parse(&name, j->result, NULL) == 0 &&
	    record_get(server_reader(j->server), &name, &record) == 0) {
		wire_put_string(&b, 1, j->result);
		wire_put_uint(&b, 2, record.revision);
		wire_put_string(&b, 3, wire_string(record.body, 5));
	}
	call_reply(c, buf_slice(&b));
	buf_release(&b);
}

static int
read_act(struct job *j, struct slice message, struct act_request *ret)
{
	zwy_v1_ActRequest *m = MESSAGE_DECODE(&j->messages, zwy_v1_ActRequest, message, &j->command.fault);
	struct form_entry *form;
	if (!m || !(form = arena_array(&j->messages.arena, m->form_count, sizeof(*form))))
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < m->form_count; i++)
		form[i] = (struct form_entry){m->form[i].key ? m->form[i].key : "",
					      m->form[i].value ? m->form[i].value : ""};
	ret->name = slice_of(m->name);
	ret->act = (struct act){
		.action = m->action ? m->action : "",
		.form = form,
		.form_count = m->form_count,
		.comment = m->comment ? m->comment : "",
		.revision = m->revision,
	};
	j->request_id = slice_of(m->request_id);
	return 0;
}

static void
act_message(struct call *c, struct slice message)
{
	struct fault f = {0};
	const struct actor *actor;
	struct name name;
	if (caller_identify(c, &actor, &f) != 0 ||
	    name_parse_kind(&name, service_method(c)->kind->kind, wire_string(message, 1), &f) != 0) {
		call_finish(c, &f);
		return;
	}
	struct job *j = job_of_call(c, actor);
	struct act_request *request = j ? arena_alloc(&j->messages.arena, sizeof(*request)) : NULL;
	if (!request || read_act(j, message, request) != 0) {
		fault_set(&f, ERR_NO_MEMORY, "out of memory");
		call_finish(c, &f);
		job_free(j);
		return;
	}
	j->request = request;
	j->asked = arena_copy(&j->messages.arena, message);
	j->asked_desc = service_method(c)->request;
	j->decide = name.kind->kind == KIND_APPLICATION ? decide_act : register_decide_act;
	j->reply = reply_act;
	job_submit(j);
}

const struct call_handler act_handler = {.message = act_message};
