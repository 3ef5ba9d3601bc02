/* Article 13 after the door: a case is completed and revised, and who may say yes to it. */
#include "fixture.h"

static struct world w;
static struct request r;

static int
open_world(void **state)
{
	(void)state;
	world_open(&w);
	request_good(&r);
	return 0;
}

static int
close_world(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

#define NOW "2026-11-23"
/* ---- completing and revising ------------------------------------------------------ */

static int
update(const struct actor *actor, const char *when)
{
	world_load(&w, &r.a, actor, at(when));
	w.out = (struct outcome){0};
	int code = application_update(&w.facts, &w.app, &r.a, &w.arena, &w.out, &w.fault);
	if (code == 0)
		world_commit(&w);
	return code;
}

static void
art_13_a_draft_is_replaced_as_a_whole(void **state)
{
	(void)state;
	assert_int_equal(world_create(&w, &r.a, false, &du, NOW), 0);
	r.a.zone = zwy_v1_ZONE_INTERNET;
	r.a.items_count = 1;
	assert_int_equal(update(&du, NOW), 0);
	assert_int_equal(w.app.zone, zwy_v1_ZONE_INTERNET);
	assert_int_equal(w.app.items_count, 1);
	assert_string_equal(w.app.state, "draft");
	assert_string_equal(w.app.month, "2026-11");
	assert_int_equal(update(&du_health, NOW), ERR_FOREIGN_RECORD);
	assert_int_equal(update(&ca, NOW), ERR_WRONG_ROLE);
	r.a.system = "health-records";
	assert_int_equal(update(&du, NOW), ERR_FOREIGN_RECORD);
}

static void
art_13_what_was_returned_is_completed_within_its_bounds(void **state)
{
	(void)state;
	world_reach(&w, "need_supplement", NOW);
	assert_int_equal(w.app.supplements, 1);
	assert_string_equal(w.app.reason, "plan");
	r.a.cloud_plan.demand = "more";
	r.documents[0].value = "plan-v2.pdf sha256:" HEX64_OTHER;
	assert_int_equal(update(&du, NOW), 0);
	assert_string_equal(w.app.cloud_plan.demand, "more");
	assert_int_equal(w.app.items[0].catalogue_version, 1);
	r.items[0].quantity = 3;
	assert_int_equal(update(&du, NOW), ERR_WRONG_STATE);
	assert_non_null(strstr(w.fault.text, "items"));
	r.items[0].quantity = 2;
	r.a.zone = zwy_v1_ZONE_INTERNET;
	assert_int_equal(update(&du, NOW), ERR_WRONG_STATE);
	r.a.zone = zwy_v1_ZONE_EXTRANET;
	r.a.cloud_plan.architecture = "";
	assert_int_equal(update(&du, NOW), 0);
	assert_int_equal(world_act(&w, &du, at(NOW), "resubmit", (char *)NULL), ERR_PLAN_INCOMPLETE);
	r.a.cloud_plan.architecture = "three tiers";
	assert_int_equal(update(&du, NOW), 0);
	assert_int_equal(world_act(&w, &du, at(NOW), "resubmit", (char *)NULL), 0);
	assert_int_equal(balance(&w, 0, 0)->reserved, 2);
	assert_int_equal(update(&du, NOW), ERR_WRONG_STATE);
}

static void
art_13_returned_once_at_most(void **state)
{
	(void)state;
	world_reach(&w, "need_supplement", NOW);
	assert_int_equal(world_act(&w, &du, at(NOW), "resubmit", (char *)NULL), 0);
	assert_int_equal(world_act(&w, &ca, at(NOW), "return_incomplete", "reason", "again", (char *)NULL),
			 ERR_ALREADY_RETURNED);
	assert_int_equal(world_act(&w, &ca, at(NOW), "accept", (char *)NULL), 0);
}

static void
art_13_a_returned_review_goes_round_with_a_new_clock(void **state)
{
	(void)state;
	world_reach(&w, "review_returned", NOW);
	assert_true(app_clock(&w.app, "review")->has_stop_time);
	assert_int_equal(world_act(&w, &du, at("2026-12-01"), "revise", (char *)NULL), 0);
	assert_false(app_clock(&w.app, "review")->has_stop_time);
	assert_string_equal(app_clock(&w.app, "review")->due_date, "2026-12-08");
	assert_int_equal(world_act(&w, &op, at("2026-12-01"), "opinion", "result", "pass", OPINION,
				   (char *)NULL),
			 0);
}

/* ---- the decision ------------------------------------------------------------------- */

static void
art_13_no_decision_without_a_whole_opinion(void **state)
{
	(void)state;
	world_reach(&w, "pending_decision", NOW);
	w.app.opinion.architecture = "";
	assert_int_equal(world_act(&w, &ca, at(NOW), "decide", "decision", "approve", (char *)NULL),
			 ERR_OPINION_MISSING);
	assert_int_equal(world_act(&w, &ca, at(NOW), "decide", "decision", "reject", "comment", "x",
				   (char *)NULL),
			 ERR_OPINION_MISSING);
	w.app.opinion.architecture = "sound";
	w.app.has_opinion = false;
	assert_int_equal(world_act(&w, &ca, at(NOW), "decide", "decision", "approve", (char *)NULL),
			 ERR_OPINION_MISSING);
}

static void
art_13_the_operator_does_not_decide(void **state)
{
	(void)state;
	world_reach(&w, "pending_decision", NOW);
	assert_int_equal(world_act(&w, &op, at(NOW), "decide", "decision", "approve", (char *)NULL),
			 ERR_WRONG_ROLE);
	assert_string_equal(w.fault.article, "13");
}

static void
art_13_a_negative_opinion_binds_unless_the_parameter_says_otherwise(void **state)
{
	(void)state;
	world_reach(&w, "review_failed", NOW);
	assert_int_equal(world_act(&w, &op, at(NOW), "forward", (char *)NULL), 0);
	assert_int_equal(world_act(&w, &ca, at(NOW), "decide", "decision", "approve", "comment", "but",
				   (char *)NULL),
			 ERR_NEGATIVE_OPINION);
	assert_int_equal(parameters_set(&w.parameters, "approve.over_negative", "1", &w.fault), 0);
	assert_int_equal(world_act(&w, &ca, at(NOW), "decide", "decision", "approve", (char *)NULL),
			 ERR_FORM_INCOMPLETE);
	assert_int_equal(world_act(&w, &ca, at(NOW), "decide", "decision", "approve", "comment", "but",
				   (char *)NULL),
			 0);
	assert_string_equal(w.app.decision.comment, "but");
}

static void
art_13_a_rejection_says_why(void **state)
{
	(void)state;
	world_reach(&w, "pending_decision", NOW);
	assert_int_equal(world_act(&w, &ca, at(NOW), "decide", "decision", "reject", (char *)NULL),
			 ERR_FORM_INCOMPLETE);
	assert_int_equal(world_act(&w, &ca, at(NOW), "decide", "decision", "perhaps", (char *)NULL),
			 ERR_INVALID_FIELD);
	assert_int_equal(world_act(&w, &ca, at(NOW), "decide", "decision", "reject", "comment", "no",
				   (char *)NULL),
			 0);
	assert_string_equal(w.app.reason, "no");
}

/* Somebody with all roles: only what they did themselves stands in the way. */
static struct actor
everyman(const char *principal, const char *caller, bool gateway)
{
	return (struct actor){.principal = principal,
			      .caller = caller,
			      .caller_is_gateway = gateway,
			      .roles = BIT(DU) | BIT(CA) | BIT(OP),
			      .level = zwy_v1_LEVEL_PROVINCE,
			      .region = "320000",
			      .department = "provincial-finance",
			      .node = "core"};
}

#define A "principals/a"
#define B "principals/b"
#define X "principals/x"
#define Y "principals/y"

static void
art_13_nobody_decides_a_request_of_their_own_under_any_name(void **state)
{
	static const struct {
		const char *principal, *caller; /* who submitted */
		bool gateway;
		const char *then, *then_caller; /* who accepts */
		bool then_gateway;
		int code;
	} rows[] = {
		{A, A, false, A, A, false, ERR_SELF_DECISION},
		{A, A, false, B, B, false, 0},
		/* a acts for b afterwards, or b for a */
		{A, A, false, B, A, false, ERR_SELF_DECISION},
		{A, A, false, A, B, false, ERR_SELF_DECISION},
		/* x submitted for a */
		{A, X, false, X, X, false, ERR_SELF_DECISION},
		{A, X, false, B, X, false, ERR_SELF_DECISION},
		{A, X, false, X, Y, false, ERR_SELF_DECISION},
		{A, X, false, B, Y, false, 0},
		/* a gateway stands between persons and is none itself */
		{A, X, true, B, X, true, 0},
		{A, X, true, A, X, true, ERR_SELF_DECISION},
		{A, X, true, A, A, false, ERR_SELF_DECISION},
		{A, X, true, X, X, false, 0},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct actor first = everyman(rows[i].principal, rows[i].caller, rows[i].gateway);
		struct actor second = everyman(rows[i].then, rows[i].then_caller, rows[i].then_gateway);
		r.items[0].quantity = 1;
		r.items[1].quantity = 1;
		r.spec[0].value = "1";
		assert_int_equal(world_create(&w, &r.a, true, &first, NOW), 0);
		assert_int_equal(world_act(&w, &second, at(NOW), "accept", (char *)NULL), rows[i].code);
		if (rows[i].code == 0)
			assert_int_equal(world_act(&w, &first, at(NOW), "assign", (char *)NULL),
					 ERR_SELF_DECISION);
		assert_int_equal(world_act(&w, &first, at(NOW), "withdraw", "reason", "test", (char *)NULL),
				 0);
	}
}

static void
art_13_who_completes_a_request_does_not_decide_it_either(void **state)
{
	struct actor first = everyman(A, A, false), second = everyman(B, B, false),
		     third = everyman(X, Y, true);
	(void)state;
	assert_int_equal(world_create(&w, &r.a, true, &first, NOW), 0);
	assert_int_equal(world_act(&w, &third, at(NOW), "return_incomplete", "reason", "x", (char *)NULL), 0);
	assert_int_equal(world_act(&w, &second, at(NOW), "resubmit", (char *)NULL), 0);
	assert_int_equal(w.app.submitters_count, 2);
	assert_string_equal(w.app.submitter, A);
	assert_int_equal(world_act(&w, &second, at(NOW), "accept", (char *)NULL), ERR_SELF_DECISION);
	assert_int_equal(world_act(&w, &first, at(NOW), "accept", (char *)NULL), ERR_SELF_DECISION);
	assert_int_equal(world_act(&w, &third, at(NOW), "accept", (char *)NULL), 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
		TEST(art_13_a_draft_is_replaced_as_a_whole),
		TEST(art_13_what_was_returned_is_completed_within_its_bounds),
		TEST(art_13_returned_once_at_most),
		TEST(art_13_a_returned_review_goes_round_with_a_new_clock),
		TEST(art_13_no_decision_without_a_whole_opinion),
		TEST(art_13_the_operator_does_not_decide),
		TEST(art_13_a_negative_opinion_binds_unless_the_parameter_says_otherwise),
		TEST(art_13_a_rejection_says_why),
		TEST(art_13_nobody_decides_a_request_of_their_own_under_any_name),
		TEST(art_13_who_completes_a_request_does_not_decide_it_either),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
