/* Article 15 (2): a major change, small ones added up, is applied for anew. */
#include "changes.h"

static void
assert_major(const char *expected)
{
	assert_string_equal(w.app.state, "escalated_major");
	assert_false(w.app.open);
	bool found = false;
	for (size_t i = 0; i < w.app.change.major_count; i++)
		found |= strstr(w.app.change.major[i], expected) != NULL;
	if (!found)
		print_error("no %s in: %s\n", expected,
			    w.app.change.major_count ? w.app.change.major[0] : "nothing");
	assert_true(found);
}

static void
art_15_2_each_threshold_at_its_edge(void **state)
{
	/* The server has 16 vcpu and 64 gib in all, the volume 100 GiB. */
	static const struct {
		const char *resource, *key, *below, *above, *parameter;
		int64_t percent;
	} rows[] = {
		{SERVER, "vcpu", "12", "13", "change.major.percent=50", 50},
		{SERVER, "vcpu", "24", "25", "change.major.vcpu=32", 1000},
		{SERVER, "gib", "96", "97", "change.major.ram_gib=128", 1000},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (int above = 0; above < 2; above++) {
			struct wish s;
			world_close(&w);
			world_open(&w);
			in_service(NOW);
			w.parameters.number[PARAM_MAJOR_PERCENT] = rows[i].percent;
			wish_of(&s, rows[i].resource);
			wish_spec(&s, rows[i].key, above ? rows[i].above : rows[i].below);
			assert_int_equal(ask(&s, true, at(NOW)), 0);
			if (above)
				assert_major(rows[i].parameter);
			else
				assert_string_equal(w.app.state, "submitted");
		}
}

static void
art_15_2_ten_tebibytes_of_storage(void **state)
{
	struct wish s;
	(void)state;
	for (uint64_t more = 10240; more <= 10241; more++) {
		world_close(&w);
		world_open(&w);
		in_service(NOW);
		w.parameters.number[PARAM_MAJOR_PERCENT] = 1000;
		world_resource(&w, VOLUME)->quantity = 2000;
		w.dimensions[1][0].committed = 2000;
		wish_of(&s, VOLUME);
		s.a.change.quantity = 2000 + more;
		assert_int_equal(ask(&s, true, at(NOW)), 0);
		if (more > 10240)
			assert_major("change.major.storage_gib=10240");
		else
			assert_string_equal(w.app.state, "submitted");
	}
}

static void
wish_place(struct wish *s, size_t which)
{
	switch (which) {
	case 0:
		s->a.change.service = "block-storage";
		break;
	case 1:
		s->a.change.zone = zwy_v1_ZONE_INTERNET;
		break;
	case 2:
		server()->node = "suzhou"; /* where the department was served before */
		s->a.change.node = "core";
		break;
	case 3:
		server()->protection_grade = 2;
		w.portal.protection_grade = 3;
		break;
	case 4:
		s->a.change.architecture = "two sites";
		break;
	default:
		s->a.change.exposure = zwy_v1_EXPOSURE_PUBLIC;
	}
}

static void
art_15_2_place_grade_architecture_and_exposure(void **state)
{
	static const struct {
		const char *reason;
		enum parameter parameter;
	} rows[] = {
		{"change.major.subcategory", PARAM_MAJOR_SUBCATEGORY},
		{"change.major.zone", PARAM_MAJOR_ZONE},
		{"change.major.node", PARAM_MAJOR_NODE},
		{"change.major.grade", PARAM_MAJOR_GRADE},
		{"change.major.architecture", PARAM_MAJOR_ARCHITECTURE},
		{"change.major.exposure", PARAM_MAJOR_EXPOSURE},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (int on = 0; on < 2; on++) {
			struct wish s;
			world_close(&w);
			world_open(&w);
			in_service(NOW);
			w.parameters.number[rows[i].parameter] = on;
			wish_of(&s, SERVER);
			wish_place(&s, i);
			assert_int_equal(ask(&s, true, at(NOW)), 0);
			if (on)
				assert_major(rows[i].reason);
			else
				assert_string_equal(w.app.state, "submitted");
			if (on)
				continue;
			to_state("reviewing", at(NOW));
			if (i == 0) /* other figures than before: what the server had goes */
				continue;
			to_state("changed", at(NOW));
			assert_int_equal(server()->zone,
					 i == 1 ? zwy_v1_ZONE_INTERNET : zwy_v1_ZONE_EXTRANET);
			assert_string_equal(server()->node, "core");
			assert_int_equal(server()->protection_grade, i == 3 ? 3 : 0);
			assert_int_equal(server()->exposure == zwy_v1_EXPOSURE_PUBLIC, i == 5);
		}
}

/* The change goes through, all on one day. */
static void
change_vcpu(const char *vcpu, const char *when)
{
	assert_int_equal(ask_vcpu(vcpu, at(when)), 0);
	to_state("closed", at(when));
}

static void
art_15_2_splitting_does_not_help(void **state)
{
	(void)state;
	in_service("2026-03-02");
	change_vcpu("10", "2026-03-09"); /* 16 → 20 */
	change_vcpu("12", "2026-04-09"); /* → 24, 50 % of 16 */
	assert_int_equal(ask_vcpu("13", at("2026-05-11")), 0);
	assert_major("with the changes since 2026-03-09: vcpu 16 → 26: 62.5 %");
	assert_null(w.app.clocks);
	assert_int_equal(balance(&w, 0, 1)->reserved, 0);
}

static void
art_15_2_changes_add_up_for_ninety_days(void **state)
{
	static const char *const days[] = {"2026-06-07", "2026-06-08"}; /* the 90th and the 91st after */
	(void)state;
	for (size_t i = 0; i < COUNT(days); i++) {
		world_close(&w);
		world_open(&w);
		in_service("2026-03-02");
		change_vcpu("12", "2026-03-09");
		assert_int_equal(ask_vcpu("13", at(days[i])), 0);
		assert_string_equal(w.app.state, i == 0 ? "escalated_major" : "submitted");
	}
}

static void
art_15_2_what_the_authority_decided_meanwhile_begins_anew(void **state)
{
	(void)state;
	in_service("2026-03-02");
	change_vcpu("12", "2026-03-09");
	server()->allocate_time.seconds = at("2026-03-20") / 1000; /* taken over by a regular application */
	assert_int_equal(ask_vcpu("13", at("2026-05-11")), 0);
	assert_string_equal(w.app.state, "submitted");
}

static void
art_15_2_giving_back_is_not_major_unless_the_parameter_says_so(void **state)
{
	(void)state;
	in_service(NOW);
	assert_int_equal(ask_vcpu("1", at(NOW)), 0);
	assert_string_equal(w.app.state, "submitted");
	assert_int_equal(act(&du, at(NOW), "withdraw", "reason", "x"), 0);
	w.parameters.number[PARAM_MAJOR_SHRINK] = 1;
	assert_int_equal(ask_vcpu("3", at(NOW)), 0);
	assert_major("vcpu 16 → 6: 62.5 % less");
}

static void
art_15_2_a_major_change_becomes_a_draft_of_a_regular_application(void **state)
{
	(void)state;
	in_service(NOW);
	w.dimensions[0][1].limit =
		20; /* it asks for more than there is: that is for the application to settle */
	assert_int_equal(ask_vcpu("16", at(NOW)), 0);
	assert_major("change.major.percent=50");
	assert_null(w.app.clocks);
	assert_string_equal(w.app.submitter, du.principal);
	assert_string_equal(text_of(server()->open_case), "");
	const zwy_v1_Application *made = &w.cases[w.case_count - 1];
	assert_int_equal(made->kind, zwy_v1_APPLICATION_KIND_REGULAR);
	assert_string_equal(made->state, "draft");
	assert_string_equal(made->origin, w.app.name);
	assert_string_equal(made->purpose, "more users");
	assert_string_equal(made->department, "provincial-finance");
	assert_int_equal(made->items_count, 1);
	assert_string_equal(made->items[0].takes_over, SERVER);
	assert_string_equal(made->items[0].service, "cloud-server");
}

static void
art_15_2_the_operator_may_find_it_major_but_not_pass_one_that_is(void **state)
{
	(void)state;
	in_service(NOW);
	assert_int_equal(ask_vcpu("10", at(NOW)), 0);
	to_state("reviewing", at(NOW));
	server()->protection_grade = 2;
	w.portal.protection_grade = 3;
	assert_int_equal(act(&op, at(NOW), "review", "result", "pass"), ERR_MAJOR_CHANGE);
	assert_non_null(strstr(w.fault.text, "from 2 to 3"));
	server()->protection_grade = 3;
	assert_int_equal(act(&op, at(NOW), "review", "result", "major", "comment", "a new purpose"), 0);
	assert_major("found by the operator: a new purpose");
	assert_true(app_clock(&w.app, "review")->has_stop_time);
	assert_int_equal(w.case_count, 1);
	assert_string_equal(w.app.decision.decision, "major");
	assert_int_equal(act(&op, at(NOW), "review", "result", "pass"), ERR_WRONG_STATE);
}

/* The linked application goes its own way, and the same resource is changed, counted once. */
static void
art_15_2_the_linked_application_changes_the_same_resource(void **state)
{
	static char *const types[] = {"construction-plan", "construction-plan-approval", "security-filing"};
	zwy_v1_Application_DocumentEntry documents[3];
	(void)state;
	in_service(NOW);
	assert_int_equal(ask_vcpu("16", at(NOW)), 0);
	assert_major("change.major.percent=50");
	zwy_v1_Application draft = w.cases[w.case_count - 1];
	for (size_t i = 0; i < 3; i++)
		documents[i] = (zwy_v1_Application_DocumentEntry){types[i], "plan.pdf sha256:" HEX64};
	draft.document = documents;
	draft.document_count = 3;
	draft.has_cloud_plan = true;
	draft.cloud_plan = (zwy_v1_CloudPlan){"a", "b", "c", "d"};
	w.app = draft;
	assert_int_equal(act(&du, at(NOW), "submit"), 0);
	assert_string_equal(server()->open_case, draft.name);
	assert_int_equal(balance(&w, 0, 1)->reserved, 16);
	assert_int_equal(ask_vcpu("9", at(NOW)), ERR_RESOURCE_BUSY);
	assert_int_equal(act(&ca, at(NOW), "accept"), 0);
	assert_int_equal(act(&op, at(NOW), "assign"), 0);
	assert_int_equal(act(&op, at(NOW), "opinion", "result", "pass", OPINION), 0);
	assert_int_equal(act(&op, at(NOW), "forward"), 0);
	assert_int_equal(act(&ca, at(NOW), "decide", "decision", "approve"), 0);
	assert_int_equal(act(&op, at(NOW), "start"), 0);
	assert_int_equal(act(&op, at(NOW), "deliver"), 0);
	assert_int_equal(w.resource_count, 2);
	assert_string_equal(resource_figure(server(), "vcpu"), "16");
	assert_string_equal(server()->open_case, "");
	assert_int_equal(balance(&w, 0, 1)->reserved, 0);
	assert_int_equal(balance(&w, 0, 1)->committed, 32);
	assert_int_equal(balance(&w, 0, 0)->committed, 2);
}

static bool
noted(const struct explanation *x, const char *text)
{
	for (size_t i = 0; i < x->note_count; i++)
		if (strstr(x->notes[i], text))
			return true;
	return false;
}

static void
art_15_2_why_says_before_and_after_what_makes_it_major(void **state)
{
	struct wish s;
	struct explanation x;
	char *linked = "applications/A-2026-000009";
	(void)state;
	in_service(NOW);
	wish_of(&s, SERVER);
	wish_spec(&s, "vcpu", "16");
	assert_int_equal(ask(&s, false, at(NOW)), 0);
	explain(&du, &x);
	assert_true(noted(&x, "vcpu 16 → 32: 100.0 % more, above change.major.percent=50"));
	assert_true(noted(&x, "draft of a regular application"));
	assert_int_equal(x.missing.code, 0);
	assert_int_equal(act(&du, at(NOW), "submit"), 0);
	w.app.linked = &linked; /* as the service names it */
	w.app.linked_count = 1;
	explain(&du, &x);
	assert_true(x.final);
	assert_true(noted(&x, "above change.major.percent=50"));
	assert_true(noted(&x, linked));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(art_15_2_each_threshold_at_its_edge),
		TEST(art_15_2_ten_tebibytes_of_storage),
		TEST(art_15_2_place_grade_architecture_and_exposure),
		TEST(art_15_2_splitting_does_not_help),
		TEST(art_15_2_changes_add_up_for_ninety_days),
		TEST(art_15_2_what_the_authority_decided_meanwhile_begins_anew),
		TEST(art_15_2_giving_back_is_not_major_unless_the_parameter_says_so),
		TEST(art_15_2_a_major_change_becomes_a_draft_of_a_regular_application),
		TEST(art_15_2_the_operator_may_find_it_major_but_not_pass_one_that_is),
		TEST(art_15_2_the_linked_application_changes_the_same_resource),
		TEST(art_15_2_why_says_before_and_after_what_makes_it_major),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
