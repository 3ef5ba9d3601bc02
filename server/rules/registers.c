#include "rules/register_rules.h"

#define LINK_NONE          NULL
#define LINK_EXEMPT_SYSTEM &exempt_system_link

#define NO_CLOCKS_OF(message) .has_clocks = false
#define CLOCKS_OF(message)                                       \
	.has_clocks = true, .clocks = offsetof(message, clocks), \
	.clocks_count = offsetof(message, clocks_count)

const struct register_desc register_table[] = {
#define REGISTER(id, name_, cited, text, message, with_clocks, linked)   \
	{                                                                \
		.kind = KIND_##id,                                       \
		.collection = name_,                                     \
		.article = cited,                                        \
		.title = text,                                           \
		.fields = message##_fields,                              \
		.size = sizeof(message),                                 \
		.name = offsetof(message, name),                         \
		.revision = offsetof(message, revision),                 \
		.state = offsetof(message, state),                       \
		.department = offsetof(message, department),             \
		.node = offsetof(message, node),                         \
		.submitters = offsetof(message, submitters),             \
		.submitters_count = offsetof(message, submitters_count), \
		.has_last_action = offsetof(message, has_last_action),   \
		.last_action = offsetof(message, last_action),           \
		.open = offsetof(message, open),                         \
		with_clocks##_OF(message),                               \
		.link = LINK_##linked,                                   \
	},
#include "rules/registers.def"
};

const size_t register_count = sizeof(register_table) / sizeof(register_table[0]);

const struct register_state register_states[] = {
#define REGISTER_STATE(kind, name, final, roles, article, text) \
	{KIND_##kind, name, final, roles, article, text},
#include "rules/registers.def"
};
const size_t register_state_count = sizeof(register_states) / sizeof(register_states[0]);

const struct register_step register_steps[] = {
#define REGISTER_STEP(kind, from, action, when, to, roles, form, article, guard, effect, text) \
	{KIND_##kind, from, action, when, to, roles, form, article, text},
#include "rules/registers.def"
};
const size_t register_step_count = sizeof(register_steps) / sizeof(register_steps[0]);

/* The columns that only this folder reads; same rows. */
static const struct register_rule register_rules[] = {
#define REGISTER_STEP(kind, from, action, when, to, roles, form, article, guard, effect, text) \
	{register_guard_##guard, register_effect_##effect},
#include "rules/registers.def"
};

const struct register_term register_terms[] = {
#define REGISTER_TERM(kind, name, article, statutory, then, text) \
	{KIND_##kind, name, article, statutory, then, text},
#include "rules/registers.def"
};
const size_t register_term_count = sizeof(register_terms) / sizeof(register_terms[0]);

const struct register_desc *
register_find(enum kind kind)
{
	for (size_t i = 0; i < register_count; i++)
		if (register_table[i].kind == kind)
			return &register_table[i];
	return NULL;
}

const struct register_desc *
register_by_name(const char *collection)
{
	for (size_t i = 0; i < register_count; i++)
		if (text_is(register_table[i].collection, collection))
			return &register_table[i];
	return NULL;
}

const char *
register_state_of(const struct register_desc *desc, const void *record)
{
	return text_of(text_at(record, desc->state));
}

unsigned
register_waits(enum kind kind, const char *state)
{
	for (size_t i = 0; i < register_state_count; i++)
		if (register_states[i].kind == kind && text_is(register_states[i].name, state))
			return register_states[i].roles;
	return 0;
}

const char *
register_first_state(enum kind kind)
{
	for (size_t i = 0; i < register_state_count; i++)
		if (register_states[i].kind == kind)
			return register_states[i].name;
	return "";
}

static void
set_text(void *record, size_t offset, char *value)
{
	*(char **)((char *)record + offset) = value;
}

static bool
own_decision(const struct register_desc *desc, const void *record, const struct actor *actor, unsigned roles)
{
	char *const *all = *(char **const *)((const char *)record + desc->submitters);
	return decides_own(actor, roles, all,
			   *(const pb_size_t *)((const char *)record + desc->submitters_count));
}

int
register_hand_in(const struct register_desc *desc, const struct actor *actor, struct arena *arena,
		 void *record, struct fault *f)
{
	return submitters_add(actor, arena, (char ***)((char *)record + desc->submitters),
			      (pb_size_t *)((char *)record + desc->submitters_count), f);
}

/* ---- who may, and when ------------------------------------------------------------ */

/* As the record's department or as the authority of its node: one of both suffices. */
static int
may_act(const struct register_facts *facts, const struct register_desc *desc, const void *record,
	unsigned roles, const char *action, const char *article, struct fault *f)
{
	const struct actor *a = facts->actor;
	struct fault ignored = {0};
	int r = role_check(a, roles, action, article, f);
	if (r)
		return r;
	bool decides = actor_has(a, roles & ~DU_BIT);
	if (decides && node_check(a, facts->node, (roles & DU_BIT) ? &ignored : f) == 0) {
		if (!own_decision(desc, record, a, roles))
			return 0;
		return fault_set(f, ERR_SELF_DECISION,
				 "%.80s, or who calls for it, handed the record in; %s is for somebody else",
				 text_of(a->principal), action);
	}
	if (!(roles & DU_BIT))
		return a->is_system ? 0 : f->code;
	if (decides && !actor_has(a, DU_BIT))
		return node_check(a, facts->node, f);
	return department_check(a, text_at(record, desc->department), action, f);
}

/* The first row of an action, where several have it. */
static bool
first_of_action(size_t row)
{
	for (size_t i = 0; i < row; i++)
		if (register_steps[i].kind == register_steps[row].kind &&
		    text_is(register_steps[i].action, register_steps[row].action))
			return false;
	return true;
}

static int
unknown_action(enum kind kind, const char *action, struct fault *f)
{
	char list[160] = "";
	for (size_t i = 0; i < register_step_count; i++)
		if (register_steps[i].kind == kind && register_steps[i].roles && first_of_action(i))
			list_add(list, sizeof(list), " ", register_steps[i].action);
	return fault_set(f, ERR_UNKNOWN_ACTION, "there is no action `%.40s`; there are: %s", action, list);
}

/* The roles that may do this in some state; 0: nobody. */
static unsigned
roles_of_action(enum kind kind, const char *action, const char **ret_article)
{
	unsigned roles = 0;
	for (size_t i = 0; i < register_step_count; i++) {
		const struct register_step *s = &register_steps[i];
		if (s->kind == kind && s->roles && text_is(s->action, action)) {
			roles |= s->roles;
			*ret_article = s->article;
		}
	}
	return roles;
}

const struct register_step *
register_step_find(enum kind kind, const char *state, const char *action)
{
	for (size_t i = 0; i < register_step_count; i++) {
		const struct register_step *s = &register_steps[i];
		if (s->kind == kind && text_is(s->from, state) && text_is(s->action, action))
			return s;
	}
	return NULL;
}

static int
wrong_state(enum kind kind, const char *state, const char *action, const char *article, struct fault *f)
{
	char list[128] = "";
	for (size_t i = 0; i < register_step_count; i++) {
		const struct register_step *s = &register_steps[i];
		if (s->kind == kind && s->roles && text_is(s->from, state))
			list_add(list, sizeof(list), " ", s->action);
	}
	return fault_set_article(f, ERR_WRONG_STATE, article, "it is %s: %s is not possible; possible: %s",
				 state, action, list[0] ? list : "nothing any more");
}

/* Guard and effect of a step. */
static const struct register_rule *
rule_of(const struct register_step *s)
{
	return &register_rules[s - register_steps];
}

static bool
is_final(enum kind kind, const char *state)
{
	for (size_t i = 0; i < register_state_count; i++)
		if (register_states[i].kind == kind && text_is(register_states[i].name, state))
			return register_states[i].final;
	return false;
}

/* The row among those of one state and action that the form's value chooses. */
static int
choose_step(const struct register_step *first, const struct act *act, const struct register_step **ret,
	    struct fault *f)
{
	char key[40] = "", list[128] = "";
	for (const struct register_step *s = first; s < register_steps + register_step_count; s++) {
		const char *equals = strchr(s->when, '=');
		if (s->kind != first->kind || !text_is(s->from, first->from) ||
		    !text_is(s->action, first->action))
			continue;
		snprintf(key, sizeof(key), "%.*s", equals ? (int)(equals - s->when) : 0, s->when);
		if (!equals || text_is(form_value(act, key), equals + 1)) {
			*ret = s;
			return 0;
		}
		list_add(list, sizeof(list), ", ", equals + 1);
	}
	return fault_set_article(f, ERR_INVALID_FIELD, first->article, "%s is `%.40s`; allowed: %s", key,
				 form_value(act, key), list);
}

void
register_mark(const struct register_desc *desc, void *record)
{
	*(bool *)((char *)record + desc->open) = !is_final(desc->kind, text_at(record, desc->state));
}

/* ---- what a step writes ------------------------------------------------------------ */

int
register_take(struct register_work *w, const struct register_step *step, struct fault *f)
{
	const struct register_desc *desc = w->desc;
	struct arena *arena = w->arena;
	memcpy(w->after, w->before, desc->size);
	set_text(w->after, desc->state, arena_strdup(arena, step->to));
	*(bool *)((char *)w->after + desc->has_last_action) = true;
	*(zwy_v1_TakenAction *)((char *)w->after + desc->last_action) = (zwy_v1_TakenAction){
		.action = arena_strdup(arena, step->action),
		.comment = arena_strdup(arena, w->comment),
		.actor = arena_strdup(arena, text_of(w->facts->actor->principal)),
		.has_time = true,
		.time = stamp_of(w->facts->now),
	};
	int r = rule_of(step)->effect(w, f);
	if (r)
		return r;
	register_mark(desc, w->after);
	if (is_final(desc->kind, step->to))
		register_stop_clocks(w);
	return arena->failed ? fault_set(f, ERR_NO_MEMORY, "out of memory") : 0;
}

/* Who acts, on which revision: refusals that do not depend on the state. */
static int
person_check(const struct register_work *w, const char **ret_article, struct fault *f)
{
	const struct act *act = w->act;
	uint64_t revision = *(const uint64_t *)((const char *)w->before + w->desc->revision);
	unsigned roles = roles_of_action(w->desc->kind, act->action, ret_article);
	if (!roles)
		return unknown_action(w->desc->kind, act->action, f);
	int r = may_act(w->facts, w->desc, w->before, roles, act->action, *ret_article, f);
	if (r)
		return r;
	if (act->revision && act->revision != revision)
		return fault_set(f, ERR_STALE_REVISION,
				 "the record has revision %llu by now, not %llu; read it again",
				 (unsigned long long)revision, (unsigned long long)act->revision);
	return 0;
}

int
register_act(const struct register_facts *facts, const struct register_desc *desc, const void *before,
	     const struct act *act, struct arena *arena, void *ret, const struct register_step **ret_step,
	     struct fault *f)
{
	struct fault own = {0};
	const char *article = "", *state = text_at(before, desc->state);
	struct register_work w = {facts, desc, act, before, ret, "", arena};
	f = f ? f : &own;
	int r = person_check(&w, &article, f);
	if (r)
		return r;
	const struct register_step *s = register_step_find(desc->kind, state, act->action);
	if (!s)
		return wrong_state(desc->kind, state, act->action, article, f);
	/* The chosen row may need more of the form than the first. */
	if ((r = form_check(s->action, s->form, s->article, act, f)) != 0 ||
	    (r = choose_step(s, act, &s, f)) != 0 ||
	    (r = form_check(s->action, s->form, s->article, act, f)) != 0 ||
	    (r = rule_of(s)->guard(&w, f)) != 0)
		return r;
	const char *comment = form_value(act, "reason");
	comment = comment[0] ? comment : form_value(act, "comment");
	w.comment = comment[0] ? comment : text_of(act->comment);
	if ((r = register_take(&w, s, f)) == 0)
		*ret_step = s;
	return r;
}

/* ---- why and what next --------------------------------------------------------------- */

/* Whether this actor may try the step now; what its guard finds missing is told to everybody. */
static bool
is_open(const struct register_work *w, const struct register_step *s, struct fault *missing)
{
	struct fault found = {0}, ignored;
	if (!s->roles)
		return false;
	int r = rule_of(s)->guard(w, &found);
	if (r && !missing->code)
		*missing = found;
	return r == 0 &&
	       may_act(w->facts, w->desc, w->before, s->roles, s->action, s->article, &ignored) == 0;
}

void
register_explain(const struct register_facts *facts, const struct register_desc *desc, const void *record,
		 struct arena *arena, struct explanation *ret)
{
	const char *name = text_at(record, desc->state);
	struct fault ignored;
	const struct register_work w = {.facts = facts, .desc = desc, .before = record, .arena = arena};
	*ret = (struct explanation){.who = "", .who_text = "", .article = "", .text = ""};
	for (size_t i = 0; i < register_state_count; i++) {
		const struct register_state *s = &register_states[i];
		if (s->kind != desc->kind || !text_is(s->name, name))
			continue;
		ret->final = s->final;
		ret->article = s->article;
		ret->text = s->text;
		if (!s->roles)
			continue;
		const char *who = role_at(facts->node, s->roles, arena);
		const char *text =
			who_at(facts->node, "", text_at(record, desc->department), s->roles, arena);
		ret->who = text_of(who);
		ret->who_text = text_of(text);
		ret->waits = may_act(facts, desc, record, s->roles, s->name, s->article, &ignored) == 0;
	}
	ret->clock = register_clock_running(desc, record, NULL);
	for (size_t i = 0; i < register_step_count && ret->next_count < POSSIBLE_MAX; i++) {
		const struct register_step *s = &register_steps[i];
		if (s != register_step_find(desc->kind, name, s->action) || !is_open(&w, s, &ret->missing))
			continue;
		ret->next[ret->next_count++] = (struct possible){
			.action = s->action,
			.form = s->form,
			.article = s->article,
			.description = s->description,
		};
	}
}
