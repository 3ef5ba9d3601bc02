#include "rules/registers.h"

#include "rules/workflow.h"

static const struct register_desc registers[] = {
#define REGISTER(kind, message)               \
	{KIND_##kind,                         \
	 message##_fields,                    \
	 sizeof(message),                     \
	 offsetof(message, revision),         \
	 offsetof(message, state),            \
	 offsetof(message, department),       \
	 offsetof(message, node),             \
	 offsetof(message, submitters),       \
	 offsetof(message, submitters_count), \
	 offsetof(message, has_last_action),  \
	 offsetof(message, last_action)},
#include "rules/registers.def"
};

const struct register_state register_states[] = {
#define REGISTER_STATE(kind, name, final, roles, article, text) \
	{KIND_##kind, name, final, roles, article, text},
#include "rules/registers.def"
};
const size_t register_state_count = sizeof(register_states) / sizeof(register_states[0]);

const struct register_step register_steps[] = {
#define REGISTER_STEP(kind, from, action, to, roles, form, article, text) \
	{KIND_##kind, from, action, to, roles, form, article, text},
#include "rules/registers.def"
};
const size_t register_step_count = sizeof(register_steps) / sizeof(register_steps[0]);

const struct register_desc *
register_find(enum kind kind)
{
	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
		if (registers[i].kind == kind)
			return &registers[i];
	return NULL;
}

const char *
register_first_state(enum kind kind)
{
	for (size_t i = 0; i < register_state_count; i++)
		if (register_states[i].kind == kind)
			return register_states[i].name;
	return "";
}

static const char *
text_at(const void *record, size_t offset)
{
	return text_of(*(char *const *)((const char *)record + offset));
}

static void
set_text(void *record, size_t offset, char *value)
{
	*(char **)((char *)record + offset) = value;
}

static bool
handed_in(const struct register_desc *desc, const void *record, const struct actor *actor)
{
	char *const *all = *(char **const *)((const char *)record + desc->submitters);
	return is_submitter(actor, all, *(const pb_size_t *)((const char *)record + desc->submitters_count));
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
	bool decides = (roles & CA_BIT) && actor_has(a, CA_BIT);
	if (decides && node_check(a, facts->node, (roles & DU_BIT) ? &ignored : f) == 0) {
		if ((roles & DU_BIT) || a->is_system || !handed_in(desc, record, a))
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

static const struct register_step *
find_step(enum kind kind, const char *state, const char *action)
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

/* Article 6 leaves the authority's own cloud free. */
static int
guard_step(const struct register_step *s, const void *before, struct fault *f)
{
	const zwy_v1_LegacyCloud *cloud = before;
	if (s->kind == KIND_LEGACY_CLOUD && text_is(s->action, "freeze") && cloud->exempted)
		return fault_set_article(
			f, ERR_WRONG_STATE, s->article,
			"%.63s is the competent authority's own: Article 6 does not freeze it",
			name_slug(cloud->name));
	return 0;
}

/* ---- what a step writes ------------------------------------------------------------ */

static void
stop_clocks(zwy_v1_LegacyCloud *cloud, msec now, struct arena *arena)
{
	zwy_v1_Clock *clocks = arena_array(arena, cloud->clocks_count, sizeof(*clocks));
	if (!clocks)
		return;
	for (size_t i = 0; i < cloud->clocks_count; i++) {
		clocks[i] = cloud->clocks[i];
		if (!clocks[i].has_stop_time) {
			clocks[i].has_stop_time = true;
			clocks[i].stop_time = stamp_of(now);
		}
	}
	cloud->clocks = clocks;
}

static int
take(const struct register_facts *facts, const struct register_desc *desc, const struct register_step *step,
     const void *before, const char *comment, struct arena *arena, void *ret, struct fault *f)
{
	memcpy(ret, before, desc->size);
	set_text(ret, desc->state, arena_strdup(arena, step->to));
	*(bool *)((char *)ret + desc->has_last_action) = true;
	*(zwy_v1_TakenAction *)((char *)ret + desc->last_action) = (zwy_v1_TakenAction){
		.action = arena_strdup(arena, step->action),
		.comment = arena_strdup(arena, comment),
		.actor = arena_strdup(arena, text_of(facts->actor->principal)),
		.has_time = true,
		.time = stamp_of(facts->now),
	};
	if (desc->kind == KIND_LEGACY_CLOUD) {
		zwy_v1_LegacyCloud *cloud = ret;
		bool ends = text_is(step->action, "expire") || text_is(step->action, "retire");
		if (!text_is(step->action, "freeze"))
			stop_clocks(cloud, facts->now, arena);
		if (ends && text_is(cloud->tenure, "leased"))
			cloud->lease = arena_strdup(arena, "ended");
	}
	return arena->failed ? fault_set(f, ERR_NO_MEMORY, "out of memory") : 0;
}

int
register_act(const struct register_facts *facts, const struct register_desc *desc, const void *before,
	     const struct act *act, struct arena *arena, void *ret, const struct register_step **ret_step,
	     struct fault *f)
{
	struct fault own = {0};
	const char *article = "", *state = text_at(before, desc->state);
	uint64_t revision = *(const uint64_t *)((const char *)before + desc->revision);
	f = f ? f : &own;
	unsigned roles = roles_of_action(desc->kind, act->action, &article);
	if (!roles)
		return unknown_action(desc->kind, act->action, f);
	int r = may_act(facts, desc, before, roles, act->action, article, f);
	if (r)
		return r;
	if (act->revision && act->revision != revision)
		return fault_set(f, ERR_STALE_REVISION,
				 "the record has revision %llu by now, not %llu; read it again",
				 (unsigned long long)revision, (unsigned long long)act->revision);
	const struct register_step *s = find_step(desc->kind, state, act->action);
	if (!s)
		return wrong_state(desc->kind, state, act->action, article, f);
	if ((r = form_check(s->action, s->form, s->article, act, f)) != 0 ||
	    (r = guard_step(s, before, f)) != 0)
		return r;
	const char *comment = form_value(act, "reason");
	comment = comment[0] ? comment : form_value(act, "comment");
	r = take(facts, desc, s, before, comment[0] ? comment : text_of(act->comment), arena, ret, f);
	if (r == 0)
		*ret_step = s;
	return r;
}

int
legacy_cloud_expire(const struct register_facts *facts, const zwy_v1_LegacyCloud *before, struct arena *arena,
		    zwy_v1_LegacyCloud *ret, const struct register_step **ret_step, struct fault *f)
{
	const struct register_step *s = find_step(KIND_LEGACY_CLOUD, text_of(before->state), "expire");
	bool passed = false;
	for (size_t i = 0; i < before->clocks_count; i++)
		passed |= !before->clocks[i].has_stop_time && before->clocks[i].has_due_time &&
			  msec_of(before->clocks[i].due_time) <= facts->now;
	*ret_step = NULL;
	if (!s || !passed)
		return 0;
	int r = take(facts, register_find(KIND_LEGACY_CLOUD), s, before, s->description, arena, ret, f);
	if (r == 0)
		*ret_step = s;
	return r;
}

/* ---- why and what next --------------------------------------------------------------- */

static const zwy_v1_Clock *
running_clock(const struct register_desc *desc, const void *record)
{
	const zwy_v1_LegacyCloud *cloud = record;
	if (desc->kind != KIND_LEGACY_CLOUD)
		return NULL;
	for (size_t i = 0; i < cloud->clocks_count; i++)
		if (!cloud->clocks[i].has_stop_time)
			return &cloud->clocks[i];
	return NULL;
}

void
register_explain(const struct register_facts *facts, const struct register_desc *desc, const void *record,
		 struct arena *arena, struct explanation *ret)
{
	const char *name = text_at(record, desc->state);
	struct fault ignored;
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
	}
	ret->clock = running_clock(desc, record);
	for (size_t i = 0; i < register_step_count && ret->next_count < POSSIBLE_MAX; i++) {
		const struct register_step *s = &register_steps[i];
		if (s->kind != desc->kind || !s->roles || !text_is(s->from, name) ||
		    may_act(facts, desc, record, s->roles, s->action, s->article, &ignored) ||
		    guard_step(s, record, &ignored))
			continue;
		ret->next[ret->next_count++] = (struct possible){
			.action = s->action,
			.form = s->form,
			.article = s->article,
			.description = s->description,
		};
	}
}
