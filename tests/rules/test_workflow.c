/* The table is the workflow: every pair of state and action that is not a row is
 * refused, every row refuses each role that is not its own, every state ends its
 * clocks and reservations properly. */
#include "fixture.h"

static const char *const form[] = {"reason", "x"};

static void
the_actions_are_those_of_the_contract(void **state)
{
	static const char contract[] =
		" submit return_incomplete resubmit accept refuse_accept assign opinion revise "
		"forward decide start fail retry deliver confirm withdraw cancel ";
	size_t different = 0;
	(void)state;
	for (size_t i = 0; i < regular->step_count; i++) {
		char word[64];
		bool seen = false;
		if (!regular->steps[i].roles)
			continue;
		snprintf(word, sizeof(word), " %s ", regular->steps[i].action);
		assert_non_null(strstr(contract, word));
		for (size_t k = 0; k < i; k++)
			seen |= strcmp(regular->steps[k].action, regular->steps[i].action) == 0;
		different += !seen;
	}
	assert_int_equal(different, 17);
	assert_int_equal(regular->state_count, 19);
}

static void
every_pair_that_is_no_row_is_refused(void **state)
{
	size_t refused = 0, rows = 0;
	(void)state;
	for (size_t s = 0; s < regular->state_count; s++)
		for (size_t i = 0; i < regular->step_count; i++) {
			struct world w;
			const char *from = regular->states[s].name, *action = regular->steps[i].action;
			if (!regular->steps[i].roles)
				continue;
			if (row_exists(regular, from, action)) {
				rows++;
				continue;
			}
			world_open(&w);
			world_reach(&w, from, "2026-11-23");
			size_t ledger = w.ledger;
			int r = world_act(&w, actor_of(regular->steps[i].roles), at("2026-11-23"), action,
					  form[0], form[1], (char *)NULL);
			assert_int_equal(r, ERR_WRONG_STATE);
			assert_int_equal(w.ledger, ledger);
			assert_string_equal(w.app.state, from);
			refused++;
			world_close(&w);
		}
	assert_true(refused > 400);
	assert_true(rows > 25);
}

static void
what_the_system_does_is_no_action(void **state)
{
	static const char *const words[] = {"lapse", "close", "overdue", "create", "", "approve"};
	struct world w;
	(void)state;
	world_open(&w);
	world_reach(&w, "in_service", "2026-11-23");
	for (size_t i = 0; i < COUNT(words); i++) {
		assert_int_equal(world_act(&w, &du, at("2026-11-23"), words[i], (char *)NULL),
				 ERR_UNKNOWN_ACTION);
		assert_non_null(strstr(w.fault.text, "refuse_accept"));
	}
	world_close(&w);
}

static void
art_04_every_row_refuses_every_other_role(void **state)
{
	static const struct actor *const all[] = {&ca, &op, &du, &sp, &reg, &aud, &adm};
	(void)state;
	for (size_t i = 0; i < regular->step_count; i++) {
		const struct step *s = &regular->steps[i];
		if (!s->roles)
			continue;
		for (size_t k = 0; k < COUNT(all); k++) {
			struct world w;
			if (all[k]->roles & s->roles)
				continue;
			world_open(&w);
			world_reach(&w, s->from, "2026-11-23");
			assert_int_equal(world_act(&w, all[k], at("2026-11-23"), s->action, (char *)NULL),
					 ERR_WRONG_ROLE);
			assert_string_equal(w.fault.article, s->article);
			world_close(&w);
		}
	}
}

static void
art_04_every_row_refuses_another_region_and_another_department(void **state)
{
	static const struct {
		const struct actor *actor;
		int code;
	} others[] = {
		{&suzhou_ca, ERR_WRONG_JURISDICTION},
		{&suzhou_op, ERR_WRONG_JURISDICTION},
		{&du_health, ERR_FOREIGN_RECORD},
		{&suzhou_du, ERR_FOREIGN_RECORD},
	};
	(void)state;
	for (size_t i = 0; i < regular->step_count; i++)
		for (size_t k = 0; k < COUNT(others); k++) {
			struct world w;
			if (!(others[k].actor->roles & regular->steps[i].roles))
				continue;
			world_open(&w);
			world_reach(&w, regular->steps[i].from, "2026-11-23");
			assert_int_equal(world_act(&w, others[k].actor, at("2026-11-23"),
						   regular->steps[i].action, (char *)NULL),
					 others[k].code);
			assert_string_equal(w.fault.article, "4");
			world_close(&w);
		}
}

static bool
anything_reserved(const struct world *w)
{
	for (size_t i = 0; i < SERVICES; i++)
		for (size_t k = 0; k < 3; k++)
			if (balance(w, i, k)->reserved)
				return true;
	return false;
}

static void
every_final_state_stops_all_clocks_and_releases_everything(void **state)
{
	(void)state;
	for (size_t s = 0; s < regular->state_count; s++) {
		struct world w;
		world_open(&w);
		world_reach(&w, regular->states[s].name, "2026-11-23");
		assert_int_equal(w.app.open, !regular->states[s].final);
		if (regular->states[s].final) {
			assert_false(anything_reserved(&w));
			for (size_t i = 0; i < w.app.clocks_count; i++)
				assert_true(w.app.clocks[i].has_stop_time);
		}
		bool delivered = strcmp(w.app.state, "closed") == 0 || strcmp(w.app.state, "in_service") == 0;
		assert_int_equal(balance(&w, 0, 1)->committed, delivered ? 16 : 0);
		world_close(&w);
	}
}

static void
only_the_table_names_states(void **state)
{
	(void)state;
	for (size_t i = 0; i < regular->step_count; i++) {
		bool from = false, to = false;
		for (size_t s = 0; s < regular->state_count; s++) {
			from |= strcmp(regular->states[s].name, regular->steps[i].from) == 0;
			to |= strcmp(regular->states[s].name, regular->steps[i].to) == 0;
		}
		assert_true(from && to);
		assert_false(process_final(regular, regular->steps[i].from));
	}
	assert_true(process_final(regular, "closed"));
	assert_false(process_final(regular, "draft"));
	assert_false(process_final(regular, "nowhere"));
}

static void
a_stale_revision_changes_nothing(void **state)
{
	struct world w;
	struct act act = {.action = "accept", .revision = 99};
	(void)state;
	world_open(&w);
	world_reach(&w, "submitted", "2026-11-23");
	world_load(&w, &w.app, &ca, at("2026-11-23"));
	assert_int_equal(application_act(&w.facts, &w.app, &act, &w.arena, &w.out, &w.fault),
			 ERR_STALE_REVISION);
	act.revision = w.app.revision;
	assert_int_equal(application_act(&w.facts, &w.app, &act, &w.arena, &w.out, &w.fault), 0);
	world_close(&w);
}

static void
forms_are_checked_whole(void **state)
{
	struct world w;
	msec now = at("2026-11-23");
	(void)state;
	world_open(&w);
	world_reach(&w, "under_review", "2026-11-23");
	assert_int_equal(world_act(&w, &op, now, "opinion", "result", "pass", "complexity", " ",
				   (char *)NULL),
			 ERR_FORM_INCOMPLETE);
	assert_string_equal(w.fault.article, "13");
	assert_int_equal(w.fault.item_count, 3);
	assert_non_null(strstr(w.fault.text, "architecture"));
	assert_int_equal(world_act(&w, &op, now, "opinion", "result", "pass", OPINION, "colour", "red",
				   (char *)NULL),
			 ERR_UNKNOWN_FIELD);
	assert_int_equal(world_act(&w, &op, now, "opinion", "result", "maybe", OPINION, (char *)NULL),
			 ERR_INVALID_FIELD);
	assert_non_null(strstr(w.fault.text, "pass, return, fail"));
	assert_int_equal(world_act(&w, &op, now, "opinion", (char *)NULL), ERR_FORM_INCOMPLETE);
	assert_int_equal(world_act(&w, &du, now, "withdraw", (char *)NULL), ERR_FORM_INCOMPLETE);
	assert_int_equal(world_act(&w, &op, now, "opinion", "result", "fail", OPINION, "comment", "see above",
				   (char *)NULL),
			 0);
	assert_string_equal(w.app.opinion.comment, "see above");
	assert_string_equal(w.app.opinion.reviewer, "principals/wang");
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_actions_are_those_of_the_contract),
		cmocka_unit_test(every_pair_that_is_no_row_is_refused),
		cmocka_unit_test(what_the_system_does_is_no_action),
		cmocka_unit_test(art_04_every_row_refuses_every_other_role),
		cmocka_unit_test(art_04_every_row_refuses_another_region_and_another_department),
		cmocka_unit_test(every_final_state_stops_all_clocks_and_releases_everything),
		cmocka_unit_test(only_the_table_names_states),
		cmocka_unit_test(a_stale_revision_changes_nothing),
		cmocka_unit_test(forms_are_checked_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
