#include "rules/workflow.h"

/* The running clock that ends first. */
static const zwy_v1_Clock *
nearest_clock(const zwy_v1_Application *a)
{
	const zwy_v1_Clock *nearest = NULL;
	for (size_t i = 0; i < a->clocks_count; i++) {
		const zwy_v1_Clock *c = &a->clocks[i];
		if (!c->has_stop_time && c->has_due_time &&
		    (!nearest || msec_of(c->due_time) < msec_of(nearest->due_time)))
			nearest = c;
	}
	return nearest;
}

/* Whether this actor may try the row now. */
static bool
row_open(const struct facts *facts, const struct process *p, const zwy_v1_Application *a, size_t row)
{
	const struct step *s = &p->steps[row];
	struct fault ignored;
	struct outcome out = {.application = *a};
	struct work w = {.facts = facts, .process = p, .before = a, .out = &out, .root = &out};
	if (!s->roles || !text_is(s->from, a->state) || process_step(p, s->from, s->action) != row)
		return false;
	if (guard_is_early(p->rules[row].guard) && p->rules[row].guard(&w, &ignored))
		return false;
	if (!step_possible(&w, s->action) ||
	    authority_check(facts, a->department, process_roles(p, a, s->roles), s->action, s->article,
			    &ignored))
		return false;
	return !decides_own(facts->actor, s->roles, a->submitters, a->submitters_count);
}

/* Whether the state waits for this actor, among others perhaps. */
static bool
waits_for(const struct facts *facts, const struct process *p, const zwy_v1_Application *a, unsigned roles)
{
	struct fault ignored;
	return roles && !clock_ended(p, a, facts->now) &&
	       authority_check(facts, a->department, roles, a->state, p->article, &ignored) == 0 &&
	       !decides_own(facts->actor, roles, a->submitters, a->submitters_count);
}

static void
list_next(const struct facts *facts, const struct process *p, const zwy_v1_Application *a,
	  struct explanation *ret)
{
	if (clock_ended(p, a, facts->now))
		return;
	for (size_t i = 0; i < p->step_count && ret->next_count < POSSIBLE_MAX; i++) {
		const struct step *s = &p->steps[i];
		if (row_open(facts, p, a, i))
			ret->next[ret->next_count++] = (struct possible){
				.action = s->action,
				.form = s->form,
				.article = s->article,
				.description = s->description,
			};
	}
}

/* Which rows would be next by a condition that holds now, and why: a change that is major. */
static void
note_conditions(const struct facts *facts, const struct process *p, const zwy_v1_Application *a,
		struct arena *arena, struct explanation *ret)
{
	struct outcome as_it_is = {.application = *a};
	const struct work w = {.facts = facts,
			       .process = p,
			       .before = a,
			       .arena = arena,
			       .out = &as_it_is,
			       .root = &as_it_is};
	for (size_t i = 0; i < p->step_count; i++) {
		const struct step *s = &p->steps[i];
		const char *condition = step_condition(s);
		if (condition && s->roles && text_is(s->from, a->state) && condition_holds(&w, condition))
			ret->note_count += condition_said(&w, condition, ret->notes + ret->note_count,
							  NOTES_MAX - ret->note_count);
	}
}

static void
note(struct explanation *ret, char *text)
{
	if (text && ret->note_count < NOTES_MAX)
		ret->notes[ret->note_count++] = text;
}

/* What it came from, what came of it, and for which reasons. */
static void
note_linked(const zwy_v1_Application *a, struct arena *arena, struct explanation *ret)
{
	for (size_t i = 0; i < a->change.major_count; i++)
		note(ret, arena_printf(arena, "major change: %s", a->change.major[i]));
	for (size_t i = 0; i < a->linked_count; i++)
		note(ret, arena_printf(arena, "made from it: %s", a->linked[i]));
	if (!text_blank(a->origin))
		note(ret, arena_printf(arena, "made from %s", a->origin));
}

void
application_explain(const struct facts *facts, const zwy_v1_Application *a, struct arena *arena,
		    struct explanation *ret)
{
	struct fault ignored;
	*ret = (struct explanation){.who = "", .who_text = "", .article = "", .text = ""};
	const struct process *p = process_of(a->kind);
	const struct state *state = p ? process_state(p, a->state) : NULL;
	if (!state)
		return;
	ret->final = state->final;
	ret->article = state->article;
	ret->text = state->text;
	ret->clock = nearest_clock(a);
	if (state->roles) {
		unsigned roles = process_roles(p, a, state->roles);
		const char *who = role_at(facts->node, roles, arena);
		const char *text =
			who_at(facts->node, text_of(a->node), text_of(a->department), roles, arena);
		ret->who = text_of(who);
		ret->who_text = text_of(text);
		ret->waits = waits_for(facts, p, a, roles);
	}
	if (state->editing == EDIT_ALL)
		application_check(facts, a, STAGE_SUBMIT, CHECK_ALL, &ret->missing);
	else if (state->editing == EDIT_PAPERS)
		application_check(facts, a, STAGE_RESUBMIT, CHECK_ALL, &ret->missing);
	note_conditions(facts, p, a, arena, ret);
	note_linked(a, arena, ret);
	ret->note_count +=
		term_notes(facts, a, arena, ret->notes + ret->note_count, NOTES_MAX - ret->note_count);
	if (authority_check(facts, a->department, DU_BIT, "asking", "4", &ignored) == 0)
		ret->request_count = term_requests(facts, a, arena, ret->requests);
	list_next(facts, p, a, ret);
}
