#include "rules/workflow.h"

#define STATE(id, name, final, roles, article, text) static const char name_##id[] = name;
#include "rules/states.def"
#undef STATE

const struct state application_states[] = {
#define STATE(id, name, final, roles, article, text) [STATE_##id] = {name_##id, final, roles, article, text},
#include "rules/states.def"
#undef STATE
};
const size_t application_state_count = STATE_COUNT;

const struct step regular_steps[] = {
#define STEP(from, action, when, to, roles, form, start, stop, quota, article, guard, effect, text) \
	{name_##from, action, when, name_##to, roles, form, article, text},
#include "rules/regular.def"
#undef STEP
};
const size_t regular_step_count = sizeof(regular_steps) / sizeof(regular_steps[0]);

const struct step_rule regular_rules[] = {
#define STEP(from, action, when, to, roles, form, start, stop, quota, article, guard, effect, text) \
	{TERM_##start, TERM_##stop, QUOTA_##quota, guard_##guard, effect_##effect},
#include "rules/regular.def"
#undef STEP
};

bool
application_final(const char *state)
{
	for (size_t i = 0; i < application_state_count; i++)
		if (text_is(application_states[i].name, state))
			return application_states[i].final;
	return false;
}

const char *
form_value(const struct act *act, const char *key)
{
	for (size_t i = 0; act && i < act->form_count; i++)
		if (text_is(act->form[i].key, key))
			return text_of(act->form[i].value);
	return "";
}

size_t
step_find(const char *state, const char *action)
{
	size_t i = 0;
	while (i < regular_step_count &&
	       !(text_is(regular_steps[i].from, state) && text_is(regular_steps[i].action, action)))
		i++;
	return i;
}

int
work_begin(struct work *w, struct fault *f)
{
	zwy_v1_Application *a = &w->out->application;
	if (!w->before)
		return 0;
	*a = *w->before;
	a->clocks = arena_array(w->arena, a->clocks_count, sizeof(*a->clocks));
	if (!a->clocks)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	if (a->clocks_count)
		memcpy(a->clocks, w->before->clocks, a->clocks_count * sizeof(*a->clocks));
	return 0;
}

void
work_event(struct work *w, const char *kind, const char *action, const char *from, const char *to,
	   const char *article, const char *comment)
{
	struct outcome *out = w->out;
	if (out->event_count == w->event_room) {
		size_t room = w->event_room ? 2 * w->event_room : 4;
		struct outcome_event *events = arena_array(w->arena, room, sizeof(*events));
		if (!events)
			return; /* arena.failed says so */
		if (out->event_count)
			memcpy(events, out->events, out->event_count * sizeof(*events));
		out->events = events;
		w->event_room = room;
	}
	out->events[out->event_count++] = (struct outcome_event){
		.kind = kind,
		.action = action,
		.from_state = text_of(from),
		.to_state = text_of(to),
		.article = article,
		.comment = text_of(comment),
	};
}

int
step_apply(struct work *w, size_t row, const char *kind, struct fault *f)
{
	if (row >= regular_step_count)
		return fault_set(f, ERR_INTERNAL, "no such step");
	const struct step *step = &regular_steps[row];
	const struct step_rule *rule = &regular_rules[row];
	zwy_v1_Application *a = &w->out->application;
	int r = rule->guard(w, f);
	if (r == 0)
		r = rule->effect(w, f);
	if (r == 0 && rule->quota != QUOTA_NONE)
		r = quota_moves(w, rule->quota, f);
	if (r)
		return r;
	if (application_final(step->to))
		clocks_stop_all(w);
	else if (rule->stop != TERM_NONE)
		clock_stop(w, rule->stop);
	if (rule->start != TERM_NONE)
		r = clock_start(w, rule->start, f);
	if (r)
		return r;
	const char *reason = form_value(w->act, "reason");
	work_event(w, kind, step->action, step->from, step->to, step->article,
		   reason[0] ? reason : w->comment);
	a->state = arena_strdup(w->arena, step->to);
	a->open = !application_final(step->to);
	return 0;
}

/* ---- a person's action ------------------------------------------------------ */

static int
unknown_action(const char *action, struct fault *f)
{
	char list[256] = "";
	size_t n = 0;
	for (size_t i = 0; i < regular_step_count; i++) {
		const struct step *s = &regular_steps[i];
		if (s->roles && step_find(s->from, s->action) == i && !strstr(list, s->action))
			n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n ? " " : "", s->action);
	}
	return fault_set(f, ERR_UNKNOWN_ACTION, "there is no action `%.40s`; there are: %s", action, list);
}

/* The roles that may do this in some state, and its article. */
static unsigned
action_roles(const char *action, const char **ret_article)
{
	unsigned roles = 0;
	for (size_t i = 0; i < regular_step_count; i++)
		if (regular_steps[i].roles && text_is(regular_steps[i].action, action)) {
			roles |= regular_steps[i].roles;
			*ret_article = regular_steps[i].article;
		}
	return roles;
}

static int
wrong_state(const zwy_v1_Application *a, const char *action, const char *article, struct fault *f)
{
	char list[128] = "";
	size_t n = 0;
	for (size_t i = 0; i < regular_step_count; i++) {
		const struct step *s = &regular_steps[i];
		if (s->roles && text_is(s->from, a->state) && step_find(s->from, s->action) == i)
			n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n ? " " : "", s->action);
	}
	return fault_set_article(f, ERR_WRONG_STATE, article,
				 "the application is %s: %s is not possible; possible: %s", text_of(a->state),
				 action, n ? list : "nothing any more");
}

/* Whether a key stands in a row's form; *ret_needed: with a star. */
static bool
form_has(const char *form, const char *key, bool *ret_needed)
{
	struct slice rest = slice_of(form), word;
	for (bool more = true; more;) {
		more = slice_cut(&rest, ' ', &word);
		if (!more)
			word = rest;
		*ret_needed = word.n && word.p[word.n - 1] == '*';
		if (slice_is(slice_make(word.p, word.n - *ret_needed), key))
			return true;
	}
	return false;
}

static int
form_check(const struct step *step, const struct act *act, struct fault *f)
{
	bool needed;
	for (size_t i = 0; i < act->form_count; i++)
		if (!form_has(step->form, text_of(act->form[i].key), &needed))
			return fault_set_article(f, ERR_UNKNOWN_FIELD, step->article,
						 "%s has no `%.40s`; keys: %s", step->action,
						 text_of(act->form[i].key), step->form);
	struct slice rest = slice_of(step->form), word;
	fault_clear(f);
	for (bool more = true; more;) {
		more = slice_cut(&rest, ' ', &word);
		if (!more)
			word = rest;
		char key[40];
		snprintf(key, sizeof(key), "%.*s", (int)word.n, word.p);
		if (word.n && key[word.n - 1] == '*') {
			key[word.n - 1] = '\0';
			if (text_blank(form_value(act, key)))
				fault_add(f, ERR_FORM_INCOMPLETE, key, "%s needs %s=", step->action, key);
		}
	}
	if (f->code)
		snprintf(f->article, sizeof(f->article), "%s", step->article);
	fault_summarise(f);
	return f->code;
}

/* The row among those of one state and action that the form's value chooses. */
static int
choose_row(size_t first, const struct act *act, size_t *ret_row, struct fault *f)
{
	const struct step *step = &regular_steps[first];
	char key[40] = "", list[128] = "";
	size_t n = 0;
	for (size_t i = first; i < regular_step_count; i++) {
		const struct step *s = &regular_steps[i];
		if (s->from != step->from || !text_is(s->action, step->action))
			continue;
		const char *equals = strchr(s->when, '=');
		if (!equals) {
			*ret_row = i;
			return 0;
		}
		snprintf(key, sizeof(key), "%.*s", (int)(equals - s->when), s->when);
		if (text_is(form_value(act, key), equals + 1)) {
			*ret_row = i;
			return 0;
		}
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "", equals + 1);
	}
	return fault_set_article(f, ERR_INVALID_FIELD, step->article, "%s is `%.40s`; allowed: %s", key,
				 form_value(act, key), list);
}

/* Who acts, on which revision: refusals that do not depend on the state. */
static int
person_check(const struct facts *facts, const zwy_v1_Application *before, const struct act *act,
	     const char **ret_article, struct fault *f)
{
	unsigned roles = action_roles(act->action, ret_article);
	if (!roles)
		return unknown_action(act->action, f);
	int r = authority_check(facts, before->department, roles, act->action, *ret_article, f);
	if (r)
		return r;
	if (!(roles & DU_BIT) && !facts->actor->is_system && is_submitter(facts->actor, before))
		return fault_set(
			f, ERR_SELF_DECISION,
			"%.80s, or who calls for it, handed the application in; %s is for somebody else",
			text_of(facts->actor->principal), act->action);
	if (act->revision && act->revision != before->revision)
		return fault_set(f, ERR_STALE_REVISION,
				 "the application has revision %llu by now, not %llu; read it again",
				 (unsigned long long)before->revision, (unsigned long long)act->revision);
	return 0;
}

static int
act_on(struct work *w, struct fault *f)
{
	const zwy_v1_Application *before = w->before;
	const char *article = "13";
	int r = person_check(w->facts, before, w->act, &article, f);
	if (r)
		return r;
	size_t row = step_find(before->state, w->act->action);
	if (row == regular_step_count)
		return wrong_state(before, w->act->action, article, f);
	const zwy_v1_Clock *ended = clock_ended(before, w->facts->now);
	if (ended)
		return fault_set_article(f, ERR_WRONG_STATE, article,
					 "the term `%s` ended on %s; the application is about to %s",
					 ended->term, text_of(ended->due_date),
					 term_table[term_find(ended->term)].then);
	r = form_check(&regular_steps[row], w->act, f);
	if (r == 0)
		r = choose_row(row, w->act, &row, f);
	if (r)
		return r;
	clocks_mark(w);
	return step_apply(w, row, "act", f);
}

int
application_act(const struct facts *facts, const zwy_v1_Application *before, const struct act *act,
		struct arena *arena, struct outcome *ret, struct fault *f)
{
	struct fault own;
	struct outcome out = {0};
	struct work w = {.facts = facts, .before = before, .act = act, .arena = arena, .out = &out};
	const char *comment = form_value(act, "comment");
	w.comment = comment[0] ? comment : text_of(act->comment);
	f = f ? f : &own;
	int r = work_begin(&w, f);
	if (r == 0)
		r = act_on(&w, f);
	if (r)
		return r;
	if (arena->failed)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	*ret = out;
	return 0;
}
