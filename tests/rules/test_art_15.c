/* Article 15: a change is reviewed in three working days and carried out in two more, and
 * what is in use is not taken away without consent. */
#include "changes.h"

/* ---- the two clocks -------------------------------------------------------------- */

static void
art_15_three_working_days_for_the_review_two_more_for_the_change(void **state)
{
	/* The day of submission, the last of the review; the day of the pass, the last to carry it out. */
	static const char *const rows[][4] = {
		{"2025-09-26", "2025-09-30", "2025-09-30", "2025-10-10"},
		{"2025-12-31", "2026-01-06", "2026-01-06", "2026-01-08"},
		{"2024-04-24", "2024-04-28", "2024-04-26", "2024-04-29"},
		{"2026-10-03", "2026-10-10", "2026-10-08", "2026-10-10"},
		{"2026-02-13", "2026-02-25", "2026-02-25", "2026-02-27"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		world_close(&w);
		world_open(&w);
		in_service(rows[i][0]);
		assert_int_equal(ask_vcpu("10", at(rows[i][0])), 0);
		const zwy_v1_Clock *c = app_clock(&w.app, "review");
		assert_string_equal(c->due_date, rows[i][1]);
		assert_true(c->statutory);
		assert_string_equal(c->article, "15");
		assert_string_equal(c->owner, "op-p");
		assert_null(app_clock(&w.app, "apply"));
		to_state("review_passed", at(rows[i][2]));
		assert_true(app_clock(&w.app, "review")->has_stop_time);
		assert_false(app_clock(&w.app, "review")->overdue);
		c = app_clock(&w.app, "apply");
		assert_string_equal(c->due_date, rows[i][3]);
		assert_true(c->statutory);
		to_state("changed", at(rows[i][3]));
		c = app_clock(&w.app, "apply");
		assert_true(c->has_stop_time && !c->overdue);
	}
}

static void
art_15_the_term_begins_anew_with_the_completed_submission(void **state)
{
	(void)state;
	in_service(NOW);
	assert_int_equal(ask_vcpu("10", at(NOW)), 0);
	assert_int_equal(act(&op, at(NOW), "return_incomplete", "reason", "say why"), 0);
	assert_true(app_clock(&w.app, "review")->has_stop_time);
	assert_false(app_clock(&w.app, "supplement")->statutory);
	assert_int_equal(act(&du, at("2026-12-01"), "resubmit"), 0);
	assert_string_equal(app_clock(&w.app, "review")->due_date, "2026-12-04");
	assert_int_equal(act(&op, at("2026-12-01"), "return_incomplete", "reason", "again"),
			 ERR_ALREADY_RETURNED);
}

static void
art_15_what_is_not_completed_lapses_and_lets_the_resource_go(void **state)
{
	(void)state;
	in_service(NOW);
	assert_int_equal(ask_vcpu("10", at(NOW)), 0);
	assert_int_equal(balance(&w, 0, 1)->reserved, 4);
	assert_int_equal(act(&op, at(NOW), "return_incomplete", "reason", "say why"), 0);
	assert_int_equal(world_clock(&w, at("2027-03-01"), "supplement"), 0);
	assert_string_equal(w.app.state, "lapsed");
	assert_int_equal(balance(&w, 0, 1)->reserved, 0);
	assert_string_equal(server()->open_case, "");
}

static void
art_15_a_failure_does_not_stop_the_term_and_a_missed_one_is_still_carried_out(void **state)
{
	(void)state;
	in_service(NOW);
	assert_int_equal(ask_vcpu("10", at(NOW)), 0);
	to_state("applying", at(NOW));
	assert_string_equal(server()->state, "changing");
	assert_int_equal(act(&sp, at(NOW), "fail", "reason", "no host"), 0);
	assert_string_equal(w.app.state, "apply_failed");
	assert_false(app_clock(&w.app, "apply")->has_stop_time);
	assert_int_equal(world_clock(&w, at("2026-11-26"), "apply"), 0);
	assert_true(app_clock(&w.app, "apply")->overdue);
	assert_int_equal(act(&op, at("2026-11-26"), "retry"), 0);
	assert_int_equal(act(&op, at("2026-11-26"), "complete"), 0);
	assert_true(app_clock(&w.app, "apply")->overdue);
	assert_true(app_clock(&w.app, "apply")->has_stop_time);
	assert_string_equal(server()->state, "active");
	assert_int_equal(world_clock(&w, at("2027-03-01"), "confirm"), 0);
	assert_string_equal(w.app.state, "closed");
}

/* ---- what it does ------------------------------------------------------------------ */

static void
art_15_only_what_grows_is_reserved_and_the_resource_is_changed_in_place(void **state)
{
	struct wish s;
	(void)state;
	in_service(NOW);
	wish_of(&s, SERVER);
	wish_spec(&s, "vcpu", "10");
	wish_spec(&s, "gib", "24");
	assert_int_equal(ask(&s, true, at(NOW)), 0);
	assert_string_equal(server()->open_case, w.app.name);
	assert_int_equal(balance(&w, 0, 1)->reserved, 4);
	assert_int_equal(balance(&w, 0, 1)->committed, 16);
	assert_int_equal(balance(&w, 0, 2)->reserved, 0);
	assert_int_equal(act(&op, at(NOW), "assign", "reading", "gib=40 vcpu=15"), 0);
	assert_string_equal(server()->reading.reader, op.principal);
	to_state("changed", at(NOW));
	assert_int_equal(balance(&w, 0, 1)->reserved, 0);
	assert_int_equal(balance(&w, 0, 1)->committed, 20);
	assert_int_equal(balance(&w, 0, 2)->committed, 48);
	assert_int_equal(balance(&w, 0, 0)->committed, 2);
	assert_string_equal(server()->open_case, "");
	assert_string_equal(server()->state, "active");
	assert_string_equal(server()->application, "applications/A-2026-000001");
	assert_int_equal(server()->changes_count, 1);
	const zwy_v1_ResourceChange *c = &server()->changes[0];
	assert_string_equal(c->application, w.app.name);
	assert_int_equal(c->figures_count, 2);
	assert_string_equal(c->figures[0].dimension, "vcpu");
	assert_int_equal(c->figures[0].before, 16);
	assert_int_equal(c->figures[0].after, 20);
	assert_int_equal(c->figures[1].after, 48);
}

static void
art_15_whatever_ends_it_gives_back_what_was_reserved(void **state)
{
	static const char *const ends[][2] = {
		{"submitted", "withdraw"},     {"need_supplement", "withdraw"}, {"reviewing", "withdraw"},
		{"review_passed", "withdraw"}, {"reviewing", "reject"},         {"reviewing", "major"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(ends); i++) {
		world_close(&w);
		world_open(&w);
		in_service(NOW);
		assert_int_equal(ask_vcpu("10", at(NOW)), 0);
		if (strcmp(ends[i][0], "need_supplement") == 0)
			assert_int_equal(act(&op, at(NOW), "return_incomplete", "reason", "x"), 0);
		else
			to_state(ends[i][0], at(NOW));
		if (strcmp(ends[i][1], "withdraw") == 0)
			assert_int_equal(act(&du, at(NOW), "withdraw", "reason", "x"), 0);
		else
			assert_int_equal(act(&op, at(NOW), "review", "result", ends[i][1], "comment", "x"),
					 0);
		assert_false(w.app.open);
		assert_int_equal(balance(&w, 0, 1)->reserved, 0);
		assert_int_equal(balance(&w, 0, 1)->committed, 16);
		assert_string_equal(server()->open_case, "");
		assert_string_equal(server()->state, "active");
		assert_string_equal(resource_figure(server(), "vcpu"), "8");
	}
}

static void
art_15_one_change_at_a_time_of_a_resource_that_is_active(void **state)
{
	static const char *const states[] = {"changing", "restricted", "frozen", "reclaiming", "reclaimed"};
	(void)state;
	in_service(NOW);
	assert_int_equal(ask_vcpu("10", at(NOW)), 0);
	assert_int_equal(ask_vcpu("11", at(NOW)), ERR_RESOURCE_BUSY);
	assert_string_equal(w.fault.article, "15");
	assert_int_equal(act(&du, at(NOW), "withdraw", "reason", "x"), 0);
	for (size_t i = 0; i < COUNT(states); i++) {
		server()->state = (char *)states[i];
		assert_int_equal(ask_vcpu("10", at(NOW)), ERR_WRONG_STATE);
		assert_non_null(
			strstr(w.fault.text, strcmp(states[i], "reclaimed") ? states[i] : "taken back"));
	}
}

static void
art_15_a_change_of_nothing_and_what_is_said_beside_it_is_refused(void **state)
{
	struct wish s;
	zwy_v1_Item item = {.service = "cloud-server", .quantity = 2};
	(void)state;
	in_service(NOW);
	assert_int_equal(ask_vcpu("8", at(NOW)), ERR_INVALID_FIELD);
	assert_non_null(strstr(w.fault.text, "nothing"));
	wish_of(&s, SERVER);
	assert_int_equal(ask(&s, true, at(NOW)), ERR_INVALID_FIELD);
	s.a.items = &item;
	s.a.items_count = 1;
	assert_int_equal(ask(&s, true, at(NOW)), ERR_INVALID_FIELD);
	assert_string_equal(w.fault.items[0].field, "items");
	wish_of(&s, SERVER);
	wish_spec(&s, "vcpu", "10");
	s.a.zone = zwy_v1_ZONE_INTERNET;
	assert_int_equal(ask(&s, true, at(NOW)), ERR_INVALID_FIELD);
	assert_string_equal(w.fault.items[0].field, "zone");
	s.a.zone = zwy_v1_ZONE_UNSPECIFIED;
	s.a.exposure = zwy_v1_EXPOSURE_PUBLIC;
	assert_int_equal(ask(&s, true, at(NOW)), ERR_INVALID_FIELD);
	s.a.exposure = zwy_v1_EXPOSURE_UNSPECIFIED;
	s.a.system = "health-records";
	assert_int_not_equal(ask(&s, true, at(NOW)), 0);
	s.a.system = "";
	s.a.change.node = "suzhou";
	assert_int_equal(ask(&s, true, at(NOW)), ERR_NODE_MISMATCH);
	s.a.change.node = "core";
	s.a.resource = "R-2026-000099";
	assert_int_equal(ask(&s, true, at(NOW)), ERR_UNKNOWN_RESOURCE);
	request_good(&w.request);
	w.request.a.has_change = true;
	assert_int_equal(world_create(&w, &w.request.a, false, &du, NOW), ERR_INVALID_FIELD);
}

static void
art_15_what_a_record_says_can_be_written_back(void **state)
{
	struct wish s;
	(void)state;
	in_service(NOW);
	wish_of(&s, SERVER);
	wish_spec(&s, "vcpu", "10");
	assert_int_equal(ask(&s, false, at(NOW)), 0);
	zwy_v1_Application asked = w.app;
	asked.change.spec[0].value = "11";
	application_derive(&asked, server(), &w.arena);
	world_load(&w, &asked, &du, at(NOW));
	assert_int_equal(application_update(&w.facts, &w.app, &asked, &w.arena, &w.out, &w.fault), 0);
	assert_int_equal(w.out.application.items_count, 1);
	assert_string_equal(w.out.application.items[0].takes_over, SERVER);
	for (size_t i = 0; i < w.out.application.items[0].spec_count; i++)
		if (strcmp(w.out.application.items[0].spec[i].key, "vcpu") == 0)
			assert_string_equal(w.out.application.items[0].spec[i].value, "11");
}

/* Returned for completion, the consent may be given; how the resource shall be stays. */
static void
art_15_what_was_handed_in_stays_but_for_the_consent(void **state)
{
	zwy_v1_Application asked;
	(void)state;
	in_service(NOW);
	assert_int_equal(ask_vcpu("6", at(NOW)), 0);
	assert_int_equal(act(&op, at(NOW), "return_incomplete", "reason", "13 are in use"), 0);
	asked = w.app;
	asked.change.consent = true;
	application_derive(&asked, server(), &w.arena);
	world_load(&w, &asked, &du, at(NOW));
	assert_int_equal(application_update(&w.facts, &w.app, &asked, &w.arena, &w.out, &w.fault), 0);
	assert_true(w.out.application.change.consent);
	asked.change.architecture = "two sites";
	assert_int_equal(application_update(&w.facts, &w.app, &asked, &w.arena, &w.out, &w.fault),
			 ERR_WRONG_STATE);
	assert_non_null(strstr(w.fault.text, "change differs"));
}

static void
art_15_a_test_or_temporary_resource_keeps_its_kind_and_its_term(void **state)
{
	struct wish s;
	(void)state;
	in_service(NOW);
	server()->kind = zwy_v1_RESOURCE_KIND_TEST;
	server()->end_date = "2027-02-23";
	server()->last_extension_date = "2027-01-29";
	assert_int_equal(ask_vcpu("10", at(NOW)), 0);
	to_state("applying", at(NOW));
	assert_int_equal(act(&op, at(NOW), "complete", "reading", "vcpu=9"), 0);
	assert_int_equal(server()->kind, zwy_v1_RESOURCE_KIND_TEST);
	assert_string_equal(server()->end_date, "2027-02-23");
	assert_string_equal(server()->last_extension_date, "2027-01-29");
	assert_string_equal(server()->reading.figures[0].value, "9");
	wish_of(&s, SERVER);
	s.a.change.exposure = zwy_v1_EXPOSURE_PUBLIC;
	assert_int_equal(ask(&s, true, at(NOW)), ERR_TEST_EXPOSED);
	assert_string_equal(w.fault.article, "19");
}

static void
art_15_what_was_frozen_meanwhile_does_not_come_back_by_a_change(void **state)
{
	(void)state;
	in_service(NOW);
	assert_int_equal(ask_vcpu("10", at(NOW)), 0);
	to_state("review_passed", at(NOW));
	server()->state = "frozen";
	assert_int_equal(act(&op, at(NOW), "start"), ERR_WRONG_STATE);
	server()->state = "active";
	to_state("applying", at(NOW));
	server()->state = "frozen";
	to_state("changed", at(NOW));
	assert_string_equal(server()->state, "frozen");
	assert_string_equal(resource_figure(server(), "vcpu"), "10");
}

static void
art_15_the_operator_gives_up_a_change_of_what_is_not_active_any_more(void **state)
{
	static const char *const from[] = {"review_passed", "applying", "apply_failed"};
	struct explanation x;
	(void)state;
	for (size_t i = 0; i < COUNT(from); i++) {
		world_close(&w);
		world_open(&w);
		in_service(NOW);
		assert_int_equal(ask_vcpu("10", at(NOW)), 0);
		to_state(i == 0 ? "review_passed" : "applying", at(NOW));
		if (i == 2)
			assert_int_equal(act(&op, at(NOW), "fail", "reason", "no host"), 0);
		assert_int_equal(act(&op, at(NOW), "cancel", "reason", "x"), ERR_WRONG_STATE);
		world_load(&w, &w.app, &op, at(NOW));
		application_explain(&w.facts, &w.app, &w.arena, &x);
		for (size_t k = 0; k < x.next_count; k++)
			assert_string_not_equal(x.next[k].action, "cancel");
		server()->state = "frozen";
		assert_int_equal(act(&du, at(NOW), "cancel", "reason", "x"), ERR_WRONG_ROLE);
		assert_int_equal(act(&op, at(NOW), "cancel", "reason", "its term has ended"), 0);
		assert_string_equal(w.app.state, "review_rejected");
		assert_string_equal(server()->state, "frozen");
		assert_string_equal(server()->open_case, "");
		assert_int_equal(balance(&w, 0, 1)->reserved, 0);
	}
}

static void
art_15_nobody_reviews_a_change_of_their_own(void **state)
{
	struct actor both = op;
	(void)state;
	in_service(NOW);
	assert_int_equal(ask_vcpu("10", at(NOW)), 0);
	both.principal = du.principal;
	assert_int_equal(act(&both, at(NOW), "assign"), ERR_SELF_DECISION);
	assert_int_equal(act(&ca, at(NOW), "assign"), ERR_WRONG_ROLE);
	to_state("reviewing", at(NOW));
	assert_int_equal(act(&both, at(NOW), "review", "result", "pass"), ERR_SELF_DECISION);
	assert_int_equal(act(&op, at(NOW), "review", "result", "reject"), ERR_FORM_INCOMPLETE);
	assert_int_equal(act(&op, at(NOW), "review", "result", "major"), ERR_FORM_INCOMPLETE);
	assert_int_equal(act(&op, at(NOW), "review", "result", "perhaps"), ERR_INVALID_FIELD);
}

/* ---- below use ---------------------------------------------------------------------- */

static void
art_15_nothing_shrinks_that_was_not_read(void **state)
{
	(void)state;
	in_service(NOW);
	assert_int_equal(ask_vcpu("6", at(NOW)), 0);
	assert_int_equal(act(&op, at(NOW), "assign", "reading", "gib=3"), 0);
	assert_int_equal(act(&op, at(NOW), "review", "result", "pass"), ERR_FORM_INCOMPLETE);
	assert_non_null(strstr(w.fault.text, "reading=vcpu="));
	assert_string_equal(w.fault.items[0].field, "reading");
	assert_int_equal(act(&op, at(NOW), "review", "result", "pass", "reading", "vcpu=x"),
			 ERR_INVALID_FIELD);
	assert_int_equal(act(&op, at(NOW), "review", "result", "pass", "reading", "vcpus=1"),
			 ERR_INVALID_FIELD);
	assert_int_equal(act(&op, at(NOW), "review", "result", "pass", "reading", "vcpu=12"), 0);
	assert_string_equal(server()->reading.figures[0].key, "vcpu");
}

static void
art_15_less_than_is_in_use_only_with_the_departments_consent(void **state)
{
	struct actor both = op;
	(void)state;
	in_service(NOW);
	assert_int_equal(ask_vcpu("6", at(NOW)), 0);
	assert_int_equal(act(&op, at(NOW), "assign", "reading", "vcpu=13"), 0);
	assert_int_equal(act(&op, at(NOW), "review", "result", "pass"), ERR_BELOW_USE);
	assert_string_equal(w.fault.article, "15");
	assert_non_null(strstr(w.fault.text, "13 are in use"));
	assert_int_equal(act(&op, at(NOW), "consent"), ERR_WRONG_ROLE);
	both.principal = du.principal;
	assert_int_equal(act(&du, at(NOW), "consent"), 0);
	assert_true(w.app.change.consent);
	assert_int_equal(act(&both, at(NOW), "review", "result", "pass"), ERR_SELF_DECISION);
	assert_int_equal(act(&op, at(NOW), "review", "result", "pass"), 0);
	assert_int_equal(balance(&w, 0, 1)->committed, 16);
	to_state("changed", at(NOW));
	assert_int_equal(balance(&w, 0, 1)->committed, 12);
}

/* ---- what people are told ---- */

static void
art_15_why_names_the_clock_and_who_must_act(void **state)
{
	struct explanation x;
	(void)state;
	in_service(NOW);
	assert_int_equal(ask_vcpu("10", at(NOW)), 0);
	explain(&op, &x);
	assert_string_equal(x.who, "op-p");
	assert_string_equal(x.clock->term, "review");
	assert_int_equal(x.note_count, 0);
	assert_int_equal(x.next_count, 2);
	to_state("applying", at(NOW));
	explain(&op, &x);
	assert_string_equal(x.clock->term, "apply");
	explain(&du, &x);
	assert_int_equal(x.next_count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(art_15_three_working_days_for_the_review_two_more_for_the_change),
		TEST(art_15_the_term_begins_anew_with_the_completed_submission),
		TEST(art_15_what_is_not_completed_lapses_and_lets_the_resource_go),
		TEST(art_15_a_failure_does_not_stop_the_term_and_a_missed_one_is_still_carried_out),
		TEST(art_15_only_what_grows_is_reserved_and_the_resource_is_changed_in_place),
		TEST(art_15_whatever_ends_it_gives_back_what_was_reserved),
		TEST(art_15_one_change_at_a_time_of_a_resource_that_is_active),
		TEST(art_15_a_change_of_nothing_and_what_is_said_beside_it_is_refused),
		TEST(art_15_what_a_record_says_can_be_written_back),
		TEST(art_15_what_was_handed_in_stays_but_for_the_consent),
		TEST(art_15_a_test_or_temporary_resource_keeps_its_kind_and_its_term),
		TEST(art_15_what_was_frozen_meanwhile_does_not_come_back_by_a_change),
		TEST(art_15_the_operator_gives_up_a_change_of_what_is_not_active_any_more),
		TEST(art_15_nobody_reviews_a_change_of_their_own),
		TEST(art_15_nothing_shrinks_that_was_not_read),
		TEST(art_15_less_than_is_in_use_only_with_the_departments_consent),
		TEST(art_15_why_names_the_clock_and_who_must_act),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
