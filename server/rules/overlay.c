#include "rules/overlay.h"

#include "rules/workflow.h"

const char *
parameter_tighter_name(enum parameter_tighter tighter)
{
	static const char *const names[] = {
		[TIGHTER_FIXED] = "fixed",
		[TIGHTER_SMALLER] = "smaller",
		[TIGHTER_LARGER] = "larger",
		[TIGHTER_WIDER] = "wider",
	};
	return names[tighter];
}

/* ---- what is tighter ---------------------------------------------------------- */

static bool
has_every_word(const char *list, const char *wanted)
{
	struct slice rest = slice_of(wanted), word;
	for (bool more = rest.n > 0; more;) {
		more = slice_cut(&rest, ' ', &word);
		if (!parameter_list_has(list, more ? word : rest))
			return false;
	}
	return true;
}

static bool
is_tighter(const struct parameter_desc *p, const char *province, const char *own)
{
	int64_t theirs, ours;
	if (p->tighter == TIGHTER_WIDER)
		return has_every_word(own, province);
	if (!parameter_number(p, province, &theirs) || !parameter_number(p, own, &ours))
		return false;
	return p->tighter == TIGHTER_SMALLER ? ours <= theirs : ours >= theirs;
}

bool
overlay_holds(const struct parameter_desc *p, const char *province, const char *own, bool loosen)
{
	if (p->tighter == TIGHTER_FIXED)
		return false;
	return is_tighter(p, province, own) || (loosen && !p->statutory);
}

/* ---- what held when ------------------------------------------------------------- */

void
parameters_at(const struct parameter_history *h, const char *node, uint32_t version, struct parameters *ret)
{
	const char *province[PARAM_COUNT] = {0}, *own[PARAM_COUNT] = {0};
	for (size_t i = 0; i < h->count && (version == 0 || h->changes[i].version <= version); i++) {
		const struct parameter_change *c = &h->changes[i];
		if (c->node[0] == '\0')
			province[c->key] = c->value;
		else if (text_is(c->node, node))
			own[c->key] = c->value;
	}
	parameters_default(ret);
	for (size_t i = 0; i < PARAM_COUNT; i++)
		if (province[i])
			parameters_take(ret, (enum parameter)i, province[i]);
	bool loosen = ret->number[PARAM_ALLOW_LOOSEN] != 0;
	for (size_t i = 0; i < PARAM_COUNT; i++) {
		const struct parameter_desc *p = &parameter_table[i];
		if (text_of(own[i])[0] &&
		    overlay_holds(p, province[i] ? province[i] : p->default_value, own[i], loosen))
			parameters_take(ret, (enum parameter)i, own[i]);
	}
}

/* ---- histories -------------------------------------------------------------------- */

const char *
parameter_change_text(const zwy_v1_ParameterChange *change, struct arena *arena)
{
	const char *old = text_of(change->old_value), *value = text_of(change->value);
	const char *reason = text_of(change->reason);
	return arena_printf(arena, "%s -> %s%s%s%s", old[0] ? old : "none", value[0] ? value : "none",
			    reason[0] ? " (" : "", reason, reason[0] ? ")" : "");
}

zwy_v1_ParameterChange
parameter_changed(const char *old_value, const char *value, const char *old_reason, const char *reason,
		  const struct actor *actor, struct rules_change change, struct arena *arena)
{
	return (zwy_v1_ParameterChange){
		.version = change.version,
		.value = arena_strdup(arena, text_of(value)),
		.old_value = arena_strdup(arena, text_of(old_value)),
		.has_time = true,
		.time = stamp_of(change.now),
		.by = arena_strdup(arena, text_of(actor->principal)),
		.reason = arena_strdup(arena, text_is(old_reason, reason) ? "" : text_of(reason)),
	};
}

zwy_v1_ParameterChange *
parameter_history_add(const zwy_v1_ParameterChange *history, pb_size_t *count,
		      const zwy_v1_ParameterChange *change, struct arena *arena)
{
	zwy_v1_ParameterChange *all = arena_array(arena, *count + (size_t)1, sizeof(*all));
	if (!all)
		return NULL;
	if (*count)
		memcpy(all, history, *count * sizeof(*all));
	all[(*count)++] = *change;
	return all;
}

/* ---- the record of a city's own value -------------------------------------------- */

static bool
stands(const zwy_v1_NodeParameter *o, const struct parameter_desc *p, const char *province, bool loosen)
{
	return text_of(o->value)[0] && overlay_holds(p, province, o->value, loosen);
}

static void
describe(zwy_v1_NodeParameter *o, const struct parameter_desc *p, const char *province, bool loosen,
	 struct arena *arena)
{
	bool own = stands(o, p, province, loosen);
	o->province_value = arena_strdup(arena, province);
	o->effective_value = arena_strdup(arena, own ? o->value : province);
	o->source = arena_strdup(arena, own ? "city" : "province");
	o->article = arena_strdup(arena, p->article);
	o->statutory = p->statutory;
	o->description = arena_strdup(arena, p->description);
	o->allowed = arena_strdup(arena, p->allowed);
	o->tighter = arena_strdup(arena, parameter_tighter_name(p->tighter));
}

bool
overlay_follow(const zwy_v1_NodeParameter *before, const char *province, bool loosen, struct arena *arena,
	       zwy_v1_NodeParameter *ret)
{
	const struct parameter_desc *p = parameter_find(name_slug(before->name));
	if (!p)
		return false;
	*ret = *before;
	describe(ret, p, province, loosen, arena);
	return !arena->failed && (!text_is(before->effective_value, ret->effective_value) ||
				  !text_is(before->source, ret->source) ||
				  !text_is(before->province_value, ret->province_value));
}

static int
check_city(const struct actor *actor, const zwy_v1_NodeParameter *asked, const zwy_v1_Node *node,
	   struct fault *f)
{
	int r = role_check(actor, CA_BIT, "setting a city's own rules", "36", f);
	if (r)
		return r;
	if (!node)
		return fault_set(f, ERR_NOT_FOUND, "there is no node for %.120s", text_of(asked->name));
	r = node_check(actor, node, f);
	if (r == 0 && !text_is(node->kind, "backbone"))
		r = fault_set_article(f, ERR_INVALID_FIELD, "36",
				      "%.63s is the province's: change parameters/%.80s itself",
				      name_slug(node->name), name_slug(asked->name));
	return r;
}

/* An allowed value, in its canonical form, that the province's lets stand. */
static int
check_value(zwy_v1_NodeParameter *o, const struct parameter_desc *p, const char *province, bool loosen,
	    struct arena *arena, struct fault *f)
{
	char value[PARAMETER_MAX_BYTES];
	if (text_of(o->value)[0] == '\0')
		return 0;
	if (p->tighter == TIGHTER_FIXED)
		return fault_set_article(
			f, ERR_RULE_LOOSENED, "36",
			"%s is one for the whole province (%.80s); a city has none of its own", p->key,
			province);
	int r = parameter_check(p, o->value, value, sizeof(value), f);
	if (r)
		return r;
	o->value = arena_strdup(arena, value);
	if (text_of(o->basis)[0] == '\0')
		return fault_set_article(f, ERR_FIELD_MISSING, "36",
					 "basis is missing: the passage of the city's implementing rules "
					 "(实施细则) that sets %s",
					 p->key);
	if (overlay_holds(p, province, value, loosen))
		return 0;
	return fault_set_article(f, ERR_RULE_LOOSENED, "36",
				 "%s is %.80s for the province; %.80s would loosen it: only %s is tighter%s",
				 p->key, province, value, parameter_tighter_name(p->tighter),
				 p->statutory ? " (the regulation itself sets it)"
					      : " (overlay.allow_loosen=0)");
}

int
overlay_rule(const struct actor *actor, const zwy_v1_NodeParameter *before, const zwy_v1_NodeParameter *asked,
	     const struct overlay_facts *facts, struct arena *arena, zwy_v1_NodeParameter *ret,
	     struct fault *f)
{
	zwy_v1_NodeParameter o = *asked;
	const struct parameter_desc *p = parameter_find(name_slug(asked->name));
	bool loosen = facts->parameters->number[PARAM_ALLOW_LOOSEN] != 0;
	int r = check_city(actor, asked, facts->node, f);
	if (r)
		return r;
	if (!p)
		return fault_set(f, ERR_NOT_FOUND, "there is no parameter %.80s", name_slug(asked->name));
	const char *province = facts->province ? text_of(facts->province->value) : p->default_value;
	r = check_value(&o, p, province, loosen, arena, f);
	if (r)
		return r;
	o.node = arena_strdup(arena, name_slug(facts->node->name));
	describe(&o, p, province, loosen, arena);
	if (!before || !text_is(before->value, o.value)) {
		zwy_v1_ParameterChange change =
			parameter_changed(before ? before->value : "", o.value, before ? before->reason : "",
					  o.reason, actor, facts->change, arena);
		o.reason = change.reason;
		o.set_by = change.by;
		o.changes = parameter_history_add(o.changes, &o.changes_count, &change, arena);
	}
	if (arena->failed)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	*ret = o;
	return 0;
}
