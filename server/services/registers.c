#include "services/registers.h"

#include <string.h>

#include "services/application.h"

struct loaded {
	const struct register_desc *desc;
	void *before, *after;
	struct register_facts facts;
};

static int
load(struct job *j, struct txn *t, const struct rulebook *book, struct slice text, struct loaded *ret)
{
	struct fault *f = &j->command.fault;
	struct name name;
	struct record record;
	int rc = name_parse(&name, text, f);
	if (rc != 0)
		return rc;
	const struct register_desc *desc = register_find(name.kind->kind);
	if (!desc)
		return fault_set(f, ERR_UNKNOWN_ACTION, "%.*s has no actions", (int)text.n, text.p);
	rc = record_get(txn_reader(t), &name, &record);
	if (rc != 0)
		return fault_set(f, rc, "there is no %.*s", (int)text.n, text.p);
	*ret = (struct loaded){
		.desc = desc,
		.before = message_decode(&j->messages, desc->fields, desc->size, record.body, f),
		.after = arena_alloc(&j->messages.arena, desc->size),
		.facts = {&j->actor, j->now, rulebook_node(book, record.node)},
	};
	j->result = arena_copy(&j->messages.arena, text);
	if (!ret->before || !ret->after)
		return f->code ? f->code : fault_set(f, ERR_NO_MEMORY, "out of memory");
	return 0;
}

int
register_put_exempt(struct job *j, struct reader *r, const zwy_v1_Exemption *e)
{
	struct fault *f = &j->command.fault;
	char *name = arena_printf(&j->messages.arena, "systems/%s", e->system);
	zwy_v1_System *before = name ? JOB_READ(j, r, slice_of(name), zwy_v1_System, f) : NULL;
	if (!before)
		return f->code ? f->code : fault_set(f, ERR_NO_MEMORY, "out of memory");
	zwy_v1_System system = *before;
	system.exempt = strcmp(e->state, "confirmed") == 0;
	system.exemption = e->name;
	struct job_event event = {.kind = "update",
				  .action = system.exempt ? "exempt" : "claim_exemption",
				  .article = "5",
				  .comment = e->name};
	const struct put *put = JOB_PUT(j, name, zwy_v1_System, &system);
	return put ? job_event(j, put, &event) : f->code;
}

/* The record's own event is the command's last. */
static int
carry_out(struct job *j, struct txn *t, const struct loaded *l, const struct register_step *step,
	  const char *kind, const char *comment)
{
	int rc = l->desc->kind == KIND_EXEMPTION ? register_put_exempt(j, txn_reader(t), l->after) : 0;
	const struct put *put =
		rc ? NULL
		   : job_put(j, arena_dup_slice(&j->messages.arena, j->result), l->desc->fields, l->after);
	struct job_event event = {kind, step->action, step->from, step->to, step->article, comment};
	return put ? job_event(j, put, &event) : rc ? rc : j->command.fault.code;
}

int
register_decide_act(struct job *j, struct txn *t, const struct rulebook *book)
{
	const struct act_request *request = j->request;
	const struct register_step *step;
	struct loaded l;
	int rc = load(j, t, book, request->name, &l);
	if (rc == 0)
		rc = register_act(&l.facts, l.desc, l.before, &request->act, &j->messages.arena, l.after,
				  &step, &j->command.fault);
	if (rc != 0)
		return rc;
	const zwy_v1_TakenAction *taken = (void *)((char *)l.after + l.desc->last_action);
	return carry_out(j, t, &l, step, "act", taken->comment);
}

int
register_decide_clock(struct job *j, struct txn *t, const struct rulebook *book)
{
	const struct clock_request *request = j->request;
	const struct register_step *step = NULL;
	struct loaded l;
	int rc = load(j, t, book, slice_of(request->application), &l);
	if (rc == 0 && l.desc->kind == KIND_LEGACY_CLOUD)
		rc = legacy_cloud_expire(&l.facts, l.before, &j->messages.arena, l.after, &step,
					 &j->command.fault);
	return rc || !step ? rc : carry_out(j, t, &l, step, "clock", step->description);
}
