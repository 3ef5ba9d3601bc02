/* Every process, whichever they are, out of its table alone: what is no row is
 * refused, nothing waits for nobody, everything can be reached and ends. */
#include "fixture.h"

#define EACH_PROCESS(p) for (const struct process *p = process_table; p < process_table + process_count; p++)

static void
regular_is_the_first_process_and_what_a_case_without_kind_is(void **state)
{
	(void)state;
	assert_ptr_equal(process_find("regular"), regular);
	assert_ptr_equal(process_of(zwy_v1_APPLICATION_KIND_UNSPECIFIED), regular);
	assert_ptr_equal(process_of(zwy_v1_APPLICATION_KIND_REGULAR), regular);
	assert_null(process_find("irregular"));
	assert_null(process_of((zwy_v1_ApplicationKind)99));
}

static void
names_kinds_and_terms_are_used_once(void **state)
{
	(void)state;
	EACH_PROCESS(p)
	{
		assert_ptr_equal(process_find(p->name), p);
		if (p->kind)
			assert_ptr_equal(process_of(p->kind), p);
		for (size_t i = 0; i < p->state_count; i++)
			assert_ptr_equal(process_state(p, p->states[i].name), &p->states[i]);
	}
	for (size_t i = 0; i < term_count; i++) {
		assert_non_null(process_find(term_table[i].process));
		for (size_t k = 0; k < i; k++)
			assert_false(strcmp(term_table[i].name, term_table[k].name) == 0 &&
				     strcmp(term_table[i].process, term_table[k].process) == 0);
	}
}

static void
a_kind_without_a_process_is_refused(void **state)
{
	struct world w;
	struct request r;
	(void)state;
	world_open(&w);
	request_good(&r);
	r.a.kind = (zwy_v1_ApplicationKind)99;
	world_load(&w, &r.a, &du, at("2026-11-23"));
	assert_int_equal(application_create(&w.facts, &r.a, true, &w.arena, &w.out, &w.missing, &w.fault),
			 ERR_INVALID_FIELD);
	assert_string_equal(w.fault.items[0].field, "kind");
	world_close(&w);
}

static void
the_kind_of_a_case_does_not_change(void **state)
{
	struct world w;
	struct request r;
	(void)state;
	world_open(&w);
	world_reach(&w, "draft", "2026-11-23");
	request_good(&r);
	r.a.kind = (zwy_v1_ApplicationKind)99;
	world_load(&w, &w.app, &du, at("2026-11-23"));
	assert_int_equal(application_update(&w.facts, &w.app, &r.a, &w.arena, &w.out, &w.fault),
			 ERR_WRONG_STATE);
	assert_non_null(strstr(w.fault.text, "kind"));
	world_close(&w);
}

/* The case is put into the state by hand, so no row's guard is in the way. */
static int
try_action(const struct process *p, const char *from, const struct actor *who, const char *action)
{
	struct world w;
	struct act act = {.action = action};
	world_open(&w);
	world_reach(&w, "draft", "2026-11-23");
	w.app.kind = p->kind;
	w.app.state = (char *)from;
	world_load(&w, &w.app, who, at("2026-11-23"));
	int r = application_act(&w.facts, &w.app, &act, &w.arena, &w.out, &w.fault);
	world_close(&w);
	return r;
}

static void
every_pair_that_is_no_row_is_refused(void **state)
{
	const zwy_v1_Application any = {0};
	(void)state;
	EACH_PROCESS(p)
	for (size_t s = 0; s < p->state_count; s++)
		for (size_t i = 0; i < p->step_count; i++) {
			const char *from = p->states[s].name, *action = p->steps[i].action;
			unsigned roles = process_roles(p, &any, p->steps[i].roles);
			if (p->steps[i].roles && !row_exists(p, from, action))
				assert_int_equal(try_action(p, from, actor_of(roles), action),
						 ERR_WRONG_STATE);
		}
}

static void
art_04_every_row_refuses_every_other_role(void **state)
{
	static const struct actor *const all[] = {&ca, &op, &du, &sp, &reg, &aud, &adm};
	(void)state;
	EACH_PROCESS(p)
	for (size_t i = 0; i < p->step_count; i++)
		for (size_t k = 0; k < COUNT(all) && p->steps[i].roles; k++)
			if (!(all[k]->roles & p->steps[i].roles))
				assert_int_equal(try_action(p, p->steps[i].from, all[k], p->steps[i].action),
						 ERR_WRONG_ROLE);
}

static void
what_only_the_system_does_is_no_action_of_a_person(void **state)
{
	(void)state;
	EACH_PROCESS(p)
	for (size_t i = 0; i < p->step_count; i++)
		for (size_t s = 0; s < p->state_count && !p->steps[i].roles; s++)
			if (!row_exists(p, p->states[s].name, p->steps[i].action))
				assert_int_not_equal(try_action(p, p->states[s].name, &du,
								p->steps[i].action),
						     0);
}

/* Each as a word of its own, also where one is a part of another (submit, resubmit). */
static void
an_unknown_action_is_told_all_that_there_are(void **state)
{
	(void)state;
	EACH_PROCESS(p)
	{
		struct world w;
		struct act act = {.action = "dance"};
		char text[sizeof(w.fault.text) + 1], word[64];
		world_open(&w);
		world_reach(&w, "draft", "2026-11-23");
		w.app.kind = p->kind;
		world_load(&w, &w.app, &du, at("2026-11-23"));
		assert_int_equal(application_act(&w.facts, &w.app, &act, &w.arena, &w.out, &w.fault),
				 ERR_UNKNOWN_ACTION);
		snprintf(text, sizeof(text), "%s ", w.fault.text);
		for (size_t i = 0; i < p->step_count; i++) {
			snprintf(word, sizeof(word), " %s ", p->steps[i].action);
			assert_int_equal(strstr(text, word) != NULL, p->steps[i].roles != 0);
		}
		world_close(&w);
	}
}

static void
a_list_takes_whole_words_only(void **state)
{
	char list[8] = "";
	(void)state;
	list_add(list, sizeof(list), ", ", "ab");
	list_add(list, sizeof(list), ", ", "abcd");
	list_add(list, sizeof(list), ", ", "cde");
	list_add(list, sizeof(list), ", ", "x");
	assert_string_equal(list, "ab, cde");
}

/* Whether rows lead from `state` to a final one, in at most as many steps as there are states. */
static bool
ends(const struct process *p, const char *state, size_t depth)
{
	if (process_final(p, state))
		return true;
	for (size_t i = 0; i < p->step_count && depth; i++)
		if (strcmp(p->steps[i].from, state) == 0 && ends(p, p->steps[i].to, depth - 1))
			return true;
	return false;
}

static void
mark_reached(const struct process *p, const char *state, bool *reached)
{
	size_t index = (size_t)(process_state(p, state) - p->states);
	if (reached[index])
		return;
	reached[index] = true;
	for (size_t i = 0; i < p->step_count; i++)
		if (strcmp(p->steps[i].from, state) == 0)
			mark_reached(p, p->steps[i].to, reached);
}

static void
every_state_is_reached_and_has_a_way_to_an_end(void **state)
{
	(void)state;
	EACH_PROCESS(p)
	{
		bool reached[64] = {false};
		assert_true(p->state_count < COUNT(reached));
		mark_reached(p, p->states[0].name, reached);
		for (size_t s = 0; s < p->state_count; s++) {
			assert_true(reached[s]);
			assert_true(ends(p, p->states[s].name, p->state_count));
		}
	}
}

/* A state waits for somebody who has an action there, or for a term after which the system moves it on:
 * while a term of use runs nobody need act, or acts by a case of its own. */
static void
nothing_waits_for_nobody(void **state)
{
	(void)state;
	EACH_PROCESS(p)
	for (size_t s = 0; s < p->state_count; s++) {
		const struct state *st = &p->states[s];
		unsigned roles = 0;
		size_t out = 0;
		bool moved_on = false;
		for (size_t i = 0; i < p->step_count; i++)
			if (strcmp(p->steps[i].from, st->name) == 0) {
				roles |= p->steps[i].roles;
				moved_on |= p->steps[i].roles == 0;
				out++;
			}
		assert_int_equal(out == 0, st->final);
		assert_true(st->final ? st->roles == 0 : st->roles != 0 || moved_on);
		assert_true(moved_on || (roles & st->roles) == st->roles);
		assert_true(st->text[0] != '\0');
	}
}

/* What the clock does by itself is the `then` of a term, and the other way round; what else the
 * system does follows from another case. */
static void
every_step_of_the_system_follows_from_a_term_or_another_case(void **state)
{
	static const char *const by_others[] = {"convert", "reclaiming", "reclaimed",
						"extend",  "apply",      "void"};
	(void)state;
	EACH_PROCESS(p)
	for (size_t i = 0; i < p->step_count; i++) {
		const struct step *s = &p->steps[i];
		bool found = false;
		for (size_t t = 0; t < term_count; t++)
			found |= strcmp(term_table[t].process, p->name) == 0 &&
				 strcmp(term_table[t].then, s->action) == 0;
		for (size_t t = 0; t < COUNT(by_others); t++)
			found |= strcmp(by_others[t], s->action) == 0;
		assert_int_equal(found, s->roles == 0);
		if (step_starts(p, i))
			assert_string_equal(step_starts(p, i)->process, p->name);
		if (step_stops(p, i))
			assert_string_equal(step_stops(p, i)->process, p->name);
	}
}

static void
the_first_row_hands_a_new_case_in(void **state)
{
	(void)state;
	EACH_PROCESS(p)
	{
		assert_string_equal(p->steps[0].from, p->states[0].name);
		assert_string_equal(p->steps[0].action, "submit");
		assert_int_equal(p->states[0].editing, EDIT_ALL);
		assert_true(p->deciders != 0 && p->title[0] != '\0');
		assert_int_equal(p->applicants & ~p->steps[0].roles, 0);
	}
}

/* The line of the README's table of cases, from its bar on. */
static struct slice
readme_row(const char *readme, const char *process)
{
	char begin[64];
	snprintf(begin, sizeof(begin), "\n| `%s` |", process);
	const char *row = strstr(readme, begin);
	assert_non_null(row);
	row += strlen(begin);
	return (struct slice){row, strcspn(row, "\n")};
}

static bool
is_persons_action(const struct process *p, struct slice word)
{
	for (size_t i = 0; i < p->step_count; i++)
		if (p->steps[i].roles && slice_is(word, p->steps[i].action))
			return true;
	return false;
}

static void
the_readme_lists_the_actions_of_every_process(void **state)
{
	char *readme = read_source("README.md");
	(void)state;
	EACH_PROCESS(p)
	{
		struct slice row = readme_row(readme, p->name), rest = row, word;
		for (size_t i = 0; i < p->step_count; i++) {
			char quoted[64];
			snprintf(quoted, sizeof(quoted), "`%s`", p->steps[i].action);
			const char *found = strstr(row.p, quoted);
			if (p->steps[i].roles)
				assert_true(found && found < row.p + row.n);
		}
		while (slice_cut(&rest, '`', &word) && slice_cut(&rest, '`', &word))
			assert_true(is_persons_action(p, word));
	}
	free(readme);
}

static void
the_states_that_can_be_edited_are_said_as_a_person_would(void **state)
{
	char text[128], small[8];
	(void)state;
	assert_string_equal(process_editable(regular, text, sizeof(text)),
			    "draft, need_supplement or review_returned");
	assert_string_equal(process_editable(regular, small, sizeof(small)), "draft, ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(regular_is_the_first_process_and_what_a_case_without_kind_is),
		cmocka_unit_test(names_kinds_and_terms_are_used_once),
		cmocka_unit_test(a_kind_without_a_process_is_refused),
		cmocka_unit_test(the_kind_of_a_case_does_not_change),
		cmocka_unit_test(every_pair_that_is_no_row_is_refused),
		cmocka_unit_test(art_04_every_row_refuses_every_other_role),
		cmocka_unit_test(what_only_the_system_does_is_no_action_of_a_person),
		cmocka_unit_test(an_unknown_action_is_told_all_that_there_are),
		cmocka_unit_test(a_list_takes_whole_words_only),
		cmocka_unit_test(every_state_is_reached_and_has_a_way_to_an_end),
		cmocka_unit_test(nothing_waits_for_nobody),
		cmocka_unit_test(every_step_of_the_system_follows_from_a_term_or_another_case),
		cmocka_unit_test(the_first_row_hands_a_new_case_in),
		cmocka_unit_test(the_readme_lists_the_actions_of_every_process),
		cmocka_unit_test(the_states_that_can_be_edited_are_said_as_a_person_would),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
