#include "services/registers.h"

#include <string.h>

#include "services/application.h"

struct loaded {
	const struct register_desc *desc;
	void *before, *after;
	const struct register_facts *facts;
};

const struct register_facts *
register_facts_make(const struct actor *actor, msec now, const struct rulebook *book, struct slice node,
		    struct arena *arena)
{
	struct register_facts *facts = arena_alloc(arena, sizeof(*facts));
	struct services *services = arena_alloc(arena, sizeof(*services));
	if (!facts || !services)
		return NULL;
	*services = (struct services){book->services, book->service_count};
	*facts = (struct register_facts){
		.actor = actor,
		.now = now,
		.node = rulebook_node(book, node),
		.parameters = rulebook_parameters(book, arena_dup_slice(arena, node), 0, arena),
		.services = services,
	};
	return facts->parameters ? facts : NULL;
}

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
		.facts = register_facts_make(&j->actor, j->now, book, record.node, &j->messages.arena),
	};
	j->result = arena_copy(&j->messages.arena, text);
	if (!ret->before || !ret->after || !ret->facts)
		return f->code ? f->code : fault_set(f, ERR_NO_MEMORY, "out of memory");
	return 0;
}

int
register_put_linked(struct job *j, struct reader *r, const struct register_desc *desc, const void *record)
{
	struct fault *f = &j->command.fault;
	const struct register_link *link = desc->link;
	if (!link)
		return 0;
	const char *slug = *(char *const *)((const char *)record + link->reference);
	char *name = arena_printf(&j->messages.arena, "%s/%s", link->collection, slug);
	const void *before = name ? job_read(j, r, slice_of(name), link->fields, link->size, f) : NULL;
	void *after = arena_alloc(&j->messages.arena, link->size);
	if (!before || !after)
		return f->code ? f->code : fault_set(f, ERR_NO_MEMORY, "out of memory");
	memcpy(after, before, link->size);
	struct job_event event = {.kind = "update",
				  .action = link->follow(record, after),
				  .article = link->article,
				  .comment = *(char *const *)((const char *)record + desc->name)};
	const struct put *put = job_put(j, name, link->fields, after);
	return put ? job_event(j, put, &event) : f->code;
}

/* The record's own event is the command's last. */
static int
carry_out(struct job *j, struct txn *t, const struct loaded *l, const struct register_step *step,
	  const char *kind, const char *comment)
{
	int rc = register_put_linked(j, txn_reader(t), l->desc, l->after);
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
		rc = register_act(l.facts, l.desc, l.before, &request->act, &j->messages.arena, l.after,
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
	int rc = load(j, t, book, slice_of(request->name), &l);
	if (rc == 0)
		rc = register_clock(l.facts, l.desc, l.before, request->term, &j->messages.arena, l.after,
				    &step, &j->command.fault);
	return rc || !step ? rc : carry_out(j, t, &l, step, "clock", step->description);
}
