#include "rules/visibility.h"
#include "server.h"
#include "services/service.h"
#include "wire.h"

enum { EVENT_NAME = 3 };

struct access
access_of(const struct actor *actor, const struct kind_desc *kind)
{
	struct visible_scope v = visible_scope(actor, kind->kind);
	struct slice value = slice_of(v.value);
	struct access a = {.scope = SCOPE_ALL};
	switch (v.visible) {
	case VISIBLE_NONE:
		a.none = true;
		break;
	case VISIBLE_ALL:
		break;
	case VISIBLE_NODE:
		a.scope = SCOPE_NODE;
		a.value = value;
		break;
	case VISIBLE_DEPARTMENT:
		a.scope = SCOPE_DEPARTMENT;
		a.value = value;
		break;
	case VISIBLE_SELF:
		a.owner = value;
		break;
	}
	return a;
}

bool
access_allows(const struct access *a, struct slice department, struct slice node)
{
	if (a->none)
		return false;
	if (a->scope == SCOPE_NODE)
		return slice_equal(a->value, node);
	return a->scope == SCOPE_ALL || slice_equal(a->value, department);
}

void
access_narrow(struct access *a, struct name *collection)
{
	if (!a->owner.n)
		return;
	if (collection->var_count == 0)
		collection->vars[collection->var_count++] = a->owner;
	a->none |= !slice_equal(collection->vars[0], a->owner);
}

static int
decide_read(struct job *j, struct txn *t, const struct rulebook *book)
{
	(void)book;
	bool itself = strcmp(j->actor.caller, j->actor.principal) == 0;
	struct event e = {
		.name = j->result,
		.kind = SLICE("read"),
		.actor = slice_of(j->actor.caller),
		.on_behalf_of = slice_of(itself ? "" : j->actor.principal),
		.article = SLICE("27"),
		.trace = j->trace,
	};
	return txn_access(t, &e, j->now);
}

void
access_remember(struct call *c, const struct actor *actor, struct slice name)
{
	const unsigned watched = ROLE_BIT(zwy_v1_ROLE_REG) | ROLE_BIT(zwy_v1_ROLE_AUD);
	struct job *j = actor_has(actor, watched) ? job_of_call(c, actor) : NULL;
	if (!j)
		return;
	j->call = (struct call_handle){0}; /* nobody waits */
	j->result = arena_copy(&j->messages.arena, name);
	j->decide = decide_read;
	job_submit(j);
}

bool
event_readable(const struct actor *actor, const struct event_row *row)
{
	struct name name;
	if (name_parse(&name, wire_string(row->body, EVENT_NAME), NULL) != 0)
		return false;
	struct access a = access_of(actor, name.kind);
	return access_allows(&a, row->department, row->node) &&
	       (a.owner.n == 0 || slice_equal(a.owner, name.vars[0]));
}
