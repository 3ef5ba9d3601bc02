#include "rules/workflow.h"

const char *
form_value(const struct act *act, const char *key)
{
	for (size_t i = 0; act && i < act->form_count; i++)
		if (text_is(act->form[i].key, key))
			return text_of(act->form[i].value);
	return "";
}

int
work_process(struct work *w, zwy_v1_ApplicationKind kind, struct fault *f)
{
	w->process = process_of(kind);
	if (w->process)
		return 0;
	return fault_add(f, ERR_INVALID_FIELD, "kind", "there is no process for applications of kind %d",
			 (int)kind);
}

int
work_begin(struct work *w, struct fault *f)
{
	zwy_v1_Application *a = &w->out->application;
	if (!w->before)
		return 0;
	int r = work_process(w, w->before->kind, f);
	if (r)
		return r;
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
	const struct process *p = w->process;
	if (row >= p->step_count)
		return fault_set(f, ERR_INTERNAL, "no such step");
	const struct step *step = &p->steps[row];
	const struct step_rule *rule = &p->rules[row];
	zwy_v1_Application *a = &w->out->application;
	int r = rule->guard(w, f);
	if (r)
		return r;
	if (process_final(p, step->to))
		clocks_stop_all(w);
	else if (rule->stop != TERM_NONE)
		clock_stop(w, rule->stop);
	if (rule->start != TERM_NONE)
		r = clock_start(w, rule->start, f);
	if (r == 0) /* after the clocks: it may write down when they end */
		r = rule->effect(w, f);
	if (r == 0 && rule->quota != QUOTA_NONE)
		r = quota_moves(w, rule->quota, f);
	if (r == 0 && rule->quota != QUOTA_NONE)
		r = work_hold(w, rule->quota, step, f);
	if (r)
		return r;
	const char *reason = form_value(w->act, "reason");
	work_event(w, kind, step->action, step->from, step->to, step->article,
		   reason[0] ? reason : w->comment);
	a->state = arena_strdup(w->arena, step->to);
	a->open = !process_final(p, step->to);
	return 0;
}

/* ---- a person's action ------------------------------------------------------ */

static bool
first_of_action(const struct process *p, size_t row)
{
	for (size_t i = 0; i < row; i++)
		if (text_is(p->steps[i].action, p->steps[row].action))
			return false;
	return true;
}

static int
unknown_action(const struct process *p, const char *action, struct fault *f)
{
	char list[256] = "";
	for (size_t i = 0; i < p->step_count; i++)
		if (p->steps[i].roles && first_of_action(p, i))
			list_add(list, sizeof(list), " ", p->steps[i].action);
	return fault_set(f, ERR_UNKNOWN_ACTION, "there is no action `%.40s`; there are: %s", action, list);
}

/* The roles that may do this in some state, and its article. */
static unsigned
action_roles(const struct process *p, const char *action, const char **ret_article)
{
	unsigned roles = 0;
	for (size_t i = 0; i < p->step_count; i++)
		if (p->steps[i].roles && text_is(p->steps[i].action, action)) {
			roles |= p->steps[i].roles;
			*ret_article = p->steps[i].article;
		}
	return roles;
}

bool
step_possible(const struct work *w, const char *action)
{
	const struct process *p = w->process;
	const char *state = w->out->application.state;
	for (size_t i = process_step(p, state, action); i < p->step_count; i++) {
		const struct step *s = &p->steps[i];
		const char *condition = step_condition(s);
		if (text_is(s->from, state) && text_is(s->action, action) &&
		    (!condition || condition_holds(w, condition)))
			return true;
	}
	return false;
}

static int
wrong_state(const struct work *w, const char *action, const char *article, struct fault *f)
{
	const struct process *p = w->process;
	const char *state = w->out->application.state;
	char list[128] = "";
	for (size_t i = 0; i < p->step_count; i++) {
		const struct step *s = &p->steps[i];
		if (s->roles && text_is(s->from, state) && process_step(p, s->from, s->action) == i &&
		    step_possible(w, s->action))
			list_add(list, sizeof(list), " ", s->action);
	}
	return fault_set_article(f, ERR_WRONG_STATE, article,
				 "the application is %s: %s is not possible; possible: %s", text_of(state),
				 action, list[0] ? list : "nothing any more");
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

int
form_check(const char *action, const char *form, const char *article, const struct act *act, struct fault *f)
{
	bool needed;
	for (size_t i = 0; i < act->form_count; i++)
		if (!form_has(form, text_of(act->form[i].key), &needed))
			return fault_set_article(f, ERR_UNKNOWN_FIELD, article, "%s has no `%.40s`; keys: %s",
						 action, text_of(act->form[i].key), form);
	struct slice rest = slice_of(form), word;
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
				fault_add(f, ERR_FORM_INCOMPLETE, key, "%s needs %s=", action, key);
		}
	}
	if (f->code)
		snprintf(f->article, sizeof(f->article), "%s", article);
	fault_summarise(f);
	return f->code;
}

int
step_choose(const struct work *w, const char *action, size_t *ret_row, struct fault *f)
{
	const struct process *p = w->process;
	const char *state = w->out->application.state;
	char key[40] = "", list[128] = "";
	for (size_t i = process_step(p, state, action); i < p->step_count; i++) {
		const struct step *s = &p->steps[i];
		if (!text_is(s->from, state) || !text_is(s->action, action))
			continue;
		const char *condition = step_condition(s), *equals = strchr(s->when, '=');
		if (condition ? condition_holds(w, condition) : !equals) {
			*ret_row = i;
			return 0;
		}
		if (condition)
			continue;
		snprintf(key, sizeof(key), "%.*s", (int)(equals - s->when), s->when);
		if (text_is(form_value(w->act, key), equals + 1)) {
			*ret_row = i;
			return 0;
		}
		list_add(list, sizeof(list), ", ", equals + 1);
	}
	if (!list[0] && !w->act)
		return fault_set(f, ERR_INTERNAL, "the process %s has no row for %s in %s", p->name, action,
				 text_of(state));
	if (!list[0])
		return wrong_state(w, action, p->steps[process_step(p, state, action)].article, f);
	return fault_set_article(f, ERR_INVALID_FIELD, p->steps[process_step(p, state, action)].article,
				 "%s is `%.40s`; allowed: %s", key, form_value(w->act, key), list);
}

/* Who acts, on which revision: refusals that do not depend on the state. */
static int
person_check(const struct work *w, const char **ret_article, struct fault *f)
{
	const struct facts *facts = w->facts;
	const zwy_v1_Application *before = w->before;
	const struct act *act = w->act;
	unsigned roles = action_roles(w->process, act->action, ret_article);
	if (!roles)
		return unknown_action(w->process, act->action, f);
	int r = authority_check(facts, before->department, process_roles(w->process, before, roles),
				act->action, *ret_article, f);
	if (r)
		return r;
	if (decides_own(facts->actor, roles, before->submitters, before->submitters_count))
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

/* A step of the system that follows in the same command: what was granted is applied. */
static int
step_at_once(struct work *w, struct fault *f)
{
	size_t row = process_step(w->process, w->out->application.state, STEP_AT_ONCE);
	if (row == w->process->step_count || w->process->steps[row].roles)
		return 0;
	return step_apply(w, row, "clock", f);
}

static int
act_on(struct work *w, struct fault *f)
{
	const struct process *p = w->process;
	const zwy_v1_Application *before = w->before;
	const char *article = p->article;
	int r = person_check(w, &article, f);
	if (r)
		return r;
	size_t row = process_step(p, before->state, w->act->action);
	if (row == p->step_count)
		return wrong_state(w, w->act->action, article, f);
	const zwy_v1_Clock *ended = clock_ended(p, before, w->facts->now);
	if (ended)
		return fault_set_article(f, ERR_WRONG_STATE, article,
					 "the term `%s` ended on %s; the application is about to %s",
					 ended->term, text_of(ended->due_date),
					 term_table[term_find(p, ended->term)].then);
	const struct step *step = &p->steps[row];
	r = form_check(step->action, step->form, step->article, w->act, f);
	if (r == 0)
		r = step_choose(w, step->action, &row, f);
	if (r)
		return r;
	clocks_mark(w);
	r = step_apply(w, row, "act", f);
	return r ? r : step_at_once(w, f);
}

int
application_act(const struct facts *facts, const zwy_v1_Application *before, const struct act *act,
		struct arena *arena, struct outcome *ret, struct fault *f)
{
	struct fault own;
	struct outcome out = {0};
	struct work w = {
		.facts = facts, .before = before, .act = act, .arena = arena, .out = &out, .root = &out};
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
