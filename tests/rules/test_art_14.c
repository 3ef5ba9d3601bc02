/* Articles 11 and 14: approval against the catalogue and limits of its day, the
 * five working days, delivery, and the clocks that run beside. */
#include "fixture.h"

static struct world w;

static int
open_world(void **state)
{
	(void)state;
	world_open(&w);
	return 0;
}

static int
close_world(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

#define NOW           "2026-11-23"
#define approve(when) world_act(&w, &ca, at(when), "decide", "decision", "approve", (char *)NULL)

static void
art_14_five_working_days_from_approval_in_the_real_calendar(void **state)
{
	static const char *const rows[][2] = {
		{"2024-02-08", "2024-02-21"}, {"2024-09-30", "2024-10-12"}, {"2025-01-24", "2025-02-07"},
		{"2026-02-13", "2026-02-27"}, {"2026-10-10", "2026-10-16"}, {"2026-10-03", "2026-10-13"},
		{"2026-11-23", "2026-11-30"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		world_close(&w);
		world_open(&w);
		world_reach(&w, "approved", rows[i][0]);
		const zwy_v1_Clock *c = app_clock(&w.app, "provision");
		assert_string_equal(c->due_date, rows[i][1]);
		assert_int_equal(c->due_time.seconds * 1000, day_start(date(rows[i][1]) + 1));
		assert_true(c->statutory);
		assert_string_equal(c->article, "14");
		assert_string_equal(c->owner, "op-p");
		assert_int_equal(c->working_days, 5);
		assert_false(c->provisional);
	}
}

static void
art_14_missed_is_overdue_once_and_still_completable(void **state)
{
	(void)state;
	world_reach(&w, "provisioning", NOW);
	msec due = (msec)app_clock(&w.app, "provision")->due_time.seconds * 1000;
	assert_int_equal(world_clock(&w, due - 1, "provision"), 0);
	assert_int_equal(w.out.event_count, 0);
	assert_int_equal(world_clock(&w, due, "provision"), 0);
	assert_int_equal(w.out.event_count, 1);
	assert_string_equal(w.out.events[0].kind, "clock");
	assert_string_equal(w.out.events[0].action, "overdue");
	assert_string_equal(w.out.events[0].article, "14");
	assert_true(app_clock(&w.app, "provision")->overdue);
	assert_string_equal(w.app.state, "provisioning");
	assert_int_equal(world_clock(&w, due + 1, "provision"), 0);
	assert_int_equal(w.out.event_count, 0);
	assert_int_equal(world_act(&w, &op, due + 2, "deliver", (char *)NULL), 0);
	assert_true(app_clock(&w.app, "provision")->overdue);
	assert_true(app_clock(&w.app, "provision")->has_stop_time);
	assert_int_equal(world_clock(&w, due + 3, "provision"), 0);
	assert_int_equal(w.out.event_count, 0);
}

static void
art_14_a_miss_that_the_clock_has_not_seen_yet_comes_to_light_in_the_next_step(void **state)
{
	(void)state;
	world_reach(&w, "provisioning", NOW);
	msec due = (msec)app_clock(&w.app, "provision")->due_time.seconds * 1000;
	assert_int_equal(world_act(&w, &op, due, "deliver", (char *)NULL), 0);
	assert_int_equal(w.out.event_count, 2);
	assert_string_equal(w.out.events[0].kind, "clock");
	assert_string_equal(w.out.events[0].action, "overdue");
	assert_string_equal(w.out.events[1].action, "deliver");
	assert_true(app_clock(&w.app, "provision")->overdue);
}

static void
art_14_the_clock_runs_on_through_failures(void **state)
{
	(void)state;
	world_reach(&w, "provision_failed", NOW);
	assert_false(app_clock(&w.app, "provision")->has_stop_time);
	assert_int_equal(world_act(&w, &op, at("2026-11-25"), "retry", (char *)NULL), 0);
	assert_string_equal(app_clock(&w.app, "provision")->due_date, "2026-11-30");
	assert_int_equal(world_act(&w, &sp, at("2026-11-25"), "fail", "reason", "again", (char *)NULL), 0);
	assert_string_equal(w.app.reason, "again");
}

static void
art_14_delivery_makes_a_resource_per_item_and_commits(void **state)
{
	(void)state;
	world_reach(&w, "provisioning", NOW);
	assert_int_equal(world_act(&w, &op, at(NOW), "deliver", "endpoint", "10.1.2.3", (char *)NULL), 0);
	assert_int_equal(w.out.resource_count, 2);
	const zwy_v1_Resource *r = &w.out.resources[0].resource;
	assert_string_equal(r->service, "cloud-server");
	assert_string_equal(r->state, "active");
	assert_string_equal(r->application, "applications/A-2026-000001");
	assert_string_equal(r->endpoint, "10.1.2.3");
	assert_int_equal(r->quantity, 2);
	assert_int_equal(r->catalogue_version, 1);
	assert_int_equal(r->spec_count, 2);
	assert_string_equal(r->spec[0].key, "vcpu");
	assert_int_equal(r->zone, zwy_v1_ZONE_EXTRANET);
	assert_int_equal(balance(&w, 0, 1)->reserved, 0);
	assert_int_equal(balance(&w, 0, 1)->committed, 16);
	assert_string_equal(app_clock(&w.app, "confirm")->due_date, "2026-11-30");
	assert_string_equal(app_clock(&w.app, "confirm")->owner, "du-p");
}

static void
art_14_silence_closes_and_an_unanswered_return_lapses(void **state)
{
	(void)state;
	world_reach(&w, "in_service", NOW);
	msec due = (msec)app_clock(&w.app, "confirm")->due_time.seconds * 1000;
	assert_int_equal(world_clock(&w, due, "confirm"), 0);
	assert_string_equal(w.app.state, "closed");
	assert_string_equal(w.out.events[0].kind, "clock");
	assert_string_equal(w.out.events[0].action, "close");
	assert_false(app_clock(&w.app, "confirm")->overdue);
	assert_int_equal(balance(&w, 0, 0)->committed, 2);
	assert_int_equal(world_clock(&w, due, "confirm"), 0);
	assert_int_equal(w.out.event_count, 0);
	world_close(&w);

	world_open(&w);
	world_reach(&w, "need_supplement", NOW);
	assert_string_equal(app_clock(&w.app, "supplement")->due_date, "2026-12-21");
	due = (msec)app_clock(&w.app, "supplement")->due_time.seconds * 1000;
	assert_int_equal(world_act(&w, &du, due, "resubmit", (char *)NULL), ERR_WRONG_STATE);
	assert_non_null(strstr(w.fault.text, "lapse"));
	assert_int_equal(world_clock(&w, due, "supplement"), 0);
	assert_string_equal(w.app.state, "lapsed");
	assert_int_equal(w.out.move_count, 2);
	assert_int_equal(balance(&w, 0, 1)->reserved, 0);
	assert_true(app_clock(&w.app, "supplement")->overdue);
	assert_int_equal(world_clock(&w, due + 1, "supplement"), 0);
	assert_int_equal(w.out.event_count, 0);
}

static void
clocks_follow_the_parameters_of_the_day_they_start(void **state)
{
	(void)state;
	assert_int_equal(parameters_set(&w.parameters, "provision.wd", "3", &w.fault), 0);
	assert_int_equal(parameters_set(&w.parameters, "clock.day_end", "17:30:00", &w.fault), 0);
	world_reach(&w, "approved", NOW);
	assert_string_equal(app_clock(&w.app, "provision")->due_date, "2026-11-26");
	assert_int_equal(app_clock(&w.app, "provision")->due_time.seconds * 1000,
			 day_start(date("2026-11-26")) + (17 * 60 + 30) * 60000);
	assert_int_equal(parameters_set(&w.parameters, "provision.wd", "5", &w.fault), 0);
	assert_int_equal(world_act(&w, &op, at(NOW), "start", (char *)NULL), 0);
	assert_string_equal(app_clock(&w.app, "provision")->due_date, "2026-11-26");
}

static void
what_arrives_after_hours_may_count_from_the_next_day(void **state)
{
	struct request r;
	(void)state;
	request_good(&r);
	parameters_set(&w.parameters, "clock.day_end", "17:30:00", NULL);
	parameters_set(&w.parameters, "clock.after_hours_next_day", "1", NULL);
	world_load(&w, &r.a, &du, day_start(date(NOW)) + 18 * 3600000);
	assert_int_equal(application_create(&w.facts, &r.a, true, &w.arena, &w.out, NULL, NULL), 0);
	assert_string_equal(app_clock(&w.out.application, "accept")->due_date, "2026-11-26");
	parameters_set(&w.parameters, "clock.after_hours_next_day", "0", NULL);
	parameters_set(&w.parameters, "clock.count_start_day", "1", NULL);
	assert_int_equal(application_create(&w.facts, &r.a, true, &w.arena, &w.out, NULL, NULL), 0);
	assert_string_equal(app_clock(&w.out.application, "accept")->due_date, "2026-11-24");
}

static void
recompute(const char *when, int expected_events)
{
	world_load(&w, &w.app, &adm, at(when));
	w.out = (struct outcome){0};
	assert_int_equal(application_recompute(&w.facts, &w.app, &w.arena, &w.out, &w.fault), 0);
	assert_int_equal(w.out.event_count, expected_events);
	if (expected_events)
		world_commit(&w);
}

static void
import_year(int year, char *holiday)
{
	zwy_v1_CalendarDay day_off = {.date = holiday, .kind = "holiday", .name = "元旦"};
	zwy_v1_CalendarYear y = {.days_count = 1, .days = &day_off};
	assert_int_equal(calendar_add(w.calendar, year, &y, &w.fault), 0);
}

static void
a_provisional_clock_is_computed_again_when_its_year_comes(void **state)
{
	(void)state;
	world_reach(&w, "approved", "2026-12-29");
	assert_string_equal(app_clock(&w.app, "provision")->due_date, "2027-01-05");
	assert_true(app_clock(&w.app, "provision")->provisional);
	recompute("2026-12-29", 0);
	/* Its length stays what it was. */
	parameters_set(&w.parameters, "provision.wd", "3", NULL);
	import_year(2027, "2027-01-01");
	recompute("2026-12-30", 1);
	assert_string_equal(w.out.events[0].kind, "import");
	assert_string_equal(app_clock(&w.app, "provision")->due_date, "2027-01-06");
	assert_false(app_clock(&w.app, "provision")->provisional);
	recompute("2026-12-30", 0);
}

static void
an_import_takes_an_overdue_mark_back_if_the_day_moves(void **state)
{
	(void)state;
	world_reach(&w, "approved", "2026-12-29");
	msec due = (msec)app_clock(&w.app, "provision")->due_time.seconds * 1000;
	assert_int_equal(world_clock(&w, due, "provision"), 0);
	assert_true(app_clock(&w.app, "provision")->overdue);
	import_year(2027, "2027-01-01");
	recompute("2027-01-06", 1);
	assert_false(app_clock(&w.app, "provision")->overdue);
	assert_int_equal(world_clock(&w, at("2027-01-07"), "provision"), 0);
	assert_true(app_clock(&w.app, "provision")->overdue);
}

static void
a_missing_year_can_be_refused_instead(void **state)
{
	(void)state;
	world_reach(&w, "pending_decision", "2026-12-29");
	parameters_set(&w.parameters, "calendar.missing_year", "refuse", NULL);
	assert_int_equal(approve("2026-12-29"), ERR_OUT_OF_RANGE);
	assert_int_equal(approve("2026-12-21"), 0);
}

/* ---- the catalogue and the limits at the decision ---------------------------------- */

/* The next version of a service; the old one stays readable. */
static void
publish(size_t service)
{
	w.old_services[service] = w.services[service];
	w.services[service].catalogue_version = 2;
}

static void
art_11_a_new_version_changes_nothing_that_was_pinned(void **state)
{
	static zwy_v1_Dimension more[] = {{.name = "gib", .unit = "GiB"}, {.name = "iops", .unit = "IOPS"}};
	(void)state;
	world_reach(&w, "pending_decision", NOW);
	publish(0);
	w.services[0].dimensions = more;
	assert_int_equal(approve(NOW), 0);
	assert_int_equal(w.app.items[0].catalogue_version, 1);
	assert_int_equal(world_act(&w, &op, at(NOW), "start", (char *)NULL), 0);
	assert_int_equal(world_act(&w, &op, at(NOW), "deliver", (char *)NULL), 0);
	/* vcpu is no dimension any more, but it was reserved, so it is committed. */
	assert_int_equal(balance(&w, 0, 1)->reserved, 0);
	assert_int_equal(balance(&w, 0, 1)->committed, 16);
	assert_int_equal(w.out.resources[0].resource.catalogue_version, 1);
}

static void
art_11_what_was_reserved_is_given_back_by_the_pinned_version(void **state)
{
	(void)state;
	world_reach(&w, "submitted", NOW);
	publish(0);
	w.services[0].dimensions_count = 0;
	assert_int_equal(world_act(&w, &du, at(NOW), "withdraw", "reason", "x", (char *)NULL), 0);
	for (size_t k = 0; k < 3; k++)
		assert_int_equal(balance(&w, 0, k)->reserved, 0);
}

static void
art_11_approval_checks_the_catalogue_of_its_day(void **state)
{
	static zwy_v1_Dimension gpu = {.name = "gpu", .unit = "GPU", .required = true};
	(void)state;
	world_reach(&w, "pending_decision", NOW);
	publish(0);
	w.services[0].state = "retired";
	assert_int_equal(approve(NOW), ERR_SERVICE_RETIRED);
	w.services[0].state = "paused";
	assert_int_equal(approve(NOW), ERR_SERVICE_RETIRED);
	w.services[0].state = "active";
	w.services[0].dimensions = &gpu;
	w.services[0].dimensions_count = 1;
	assert_int_equal(approve(NOW), ERR_CATALOGUE_CHANGED);
	assert_string_equal(w.fault.article, "11");
	assert_string_equal(w.fault.items[0].field, "items.1.spec.gpu");
	assert_string_equal(w.app.state, "pending_decision");
	/* A rejection is always possible. */
	assert_int_equal(world_act(&w, &ca, at(NOW), "decide", "decision", "reject", "comment", "x",
				   (char *)NULL),
			 0);
	assert_int_equal(balance(&w, 0, 1)->reserved, 0);
}

static void
approval_checks_the_limit_of_its_day(void **state)
{
	(void)state;
	world_reach(&w, "pending_decision", NOW);
	w.dimensions[0][1].limit = 15;
	assert_int_equal(approve(NOW), ERR_QUOTA_EXCEEDED);
	assert_non_null(strstr(w.fault.text, "vcpu"));
	w.dimensions[0][1].limit = 16;
	assert_int_equal(approve(NOW), 0);
}

static void
approval_checks_the_system_and_the_documents_of_its_day(void **state)
{
	(void)state;
	world_reach(&w, "pending_decision", NOW);
	w.portal.classified = true;
	assert_int_equal(approve(NOW), ERR_CLASSIFIED);
	w.portal.classified = false;
	w.documents[w.document_count++] = (struct document_facts){"security-filing", HEX64_OTHER, "x"};
	assert_int_equal(approve(NOW), ERR_DOCUMENT_MISMATCH);
	w.document_count = 0;
	w.app.document_count = 1;
	assert_int_equal(approve(NOW), ERR_DOCUMENT_MISSING);
	assert_int_equal(w.fault.item_count, 2);
}

static void
facts_that_are_wanting_are_an_error_and_no_wrong_ledger(void **state)
{
	(void)state;
	world_reach(&w, "submitted", NOW);
	w.services[0].catalogue_version = 2; /* and no version 1 given */
	assert_int_equal(world_act(&w, &du, at(NOW), "withdraw", "reason", "x", (char *)NULL), ERR_INTERNAL);
	w.services[0].catalogue_version = 1;
	w.dimensions[0][1].reserved = 3; /* less than was reserved */
	assert_int_equal(world_act(&w, &du, at(NOW), "withdraw", "reason", "x", (char *)NULL),
			 ERR_STORE_CORRUPT);
}

/* ---- what a person is told ------------------------------------------------------------ */

static bool
offers(const struct explanation *e, const char *action)
{
	for (size_t i = 0; i < e->next_count; i++)
		if (strcmp(e->next[i].action, action) == 0)
			return true;
	return false;
}

static void
explain_as(const struct actor *actor, struct explanation *ret)
{
	world_load(&w, &w.app, actor, at(NOW));
	application_explain(&w.facts, &w.app, &w.arena, ret);
}

static void
explain_says_who_by_when_and_offers_only_what_one_may_do(void **state)
{
	struct explanation e;
	(void)state;
	world_reach(&w, "approved", NOW);
	explain_as(&op, &e);
	assert_string_equal(e.who, "op-p");
	assert_string_equal(e.clock->due_date, "2026-11-30");
	assert_string_equal(e.article, "14");
	assert_int_equal(e.next_count, 1);
	assert_string_equal(e.next[0].action, "start");
	explain_as(&ca, &e);
	assert_true(offers(&e, "cancel"));
	assert_string_equal(e.next[0].form, "reason* comment");
	explain_as(&du, &e);
	assert_int_equal(e.next_count, 0);
	explain_as(&suzhou_op, &e);
	assert_int_equal(e.next_count, 0);
	explain_as(&reg, &e);
	assert_int_equal(e.next_count, 0);
}

static void
explain_lists_an_action_once_and_not_what_would_be_refused(void **state)
{
	struct explanation e;
	(void)state;
	world_reach(&w, "under_review", NOW);
	explain_as(&op, &e);
	assert_int_equal(e.next_count, 1);
	world_close(&w);
	world_open(&w);
	world_reach(&w, "need_supplement", NOW);
	assert_int_equal(world_act(&w, &du, at(NOW), "resubmit", (char *)NULL), 0);
	explain_as(&ca, &e);
	assert_true(offers(&e, "accept"));
	assert_true(offers(&e, "refuse_accept"));
	assert_false(offers(&e, "return_incomplete"));
	struct actor self = ca;
	self.principal = self.caller = "principals/li";
	explain_as(&self, &e);
	assert_int_equal(e.next_count, 0);
}

static void
explain_lists_all_that_a_draft_lacks(void **state)
{
	struct request r;
	struct explanation e;
	(void)state;
	request_good(&r);
	r.a.document_count = 0;
	r.a.cloud_plan.demand = "";
	w.portal.party_using = "";
	assert_int_equal(world_create(&w, &r.a, false, &du, NOW), 0);
	explain_as(&du, &e);
	assert_string_equal(e.who, "du-p");
	assert_int_equal(e.missing.item_count, 5);
	assert_int_equal(e.missing.code, ERR_PARTY_MISSING);
	assert_true(offers(&e, "submit"));
	assert_true(offers(&e, "withdraw"));
	world_close(&w);
	world_open(&w);
	world_reach(&w, "closed", NOW);
	explain_as(&du, &e);
	assert_true(e.final);
	assert_string_equal(e.who, "");
	assert_null(e.clock);
	assert_int_equal(e.next_count, 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
		TEST(art_14_five_working_days_from_approval_in_the_real_calendar),
		TEST(art_14_missed_is_overdue_once_and_still_completable),
		TEST(art_14_a_miss_that_the_clock_has_not_seen_yet_comes_to_light_in_the_next_step),
		TEST(art_14_the_clock_runs_on_through_failures),
		TEST(art_14_delivery_makes_a_resource_per_item_and_commits),
		TEST(art_14_silence_closes_and_an_unanswered_return_lapses),
		TEST(clocks_follow_the_parameters_of_the_day_they_start),
		TEST(what_arrives_after_hours_may_count_from_the_next_day),
		TEST(a_provisional_clock_is_computed_again_when_its_year_comes),
		TEST(an_import_takes_an_overdue_mark_back_if_the_day_moves),
		TEST(a_missing_year_can_be_refused_instead),
		TEST(art_11_a_new_version_changes_nothing_that_was_pinned),
		TEST(art_11_what_was_reserved_is_given_back_by_the_pinned_version),
		TEST(art_11_approval_checks_the_catalogue_of_its_day),
		TEST(approval_checks_the_limit_of_its_day),
		TEST(approval_checks_the_system_and_the_documents_of_its_day),
		TEST(facts_that_are_wanting_are_an_error_and_no_wrong_ledger),
		TEST(explain_says_who_by_when_and_offers_only_what_one_may_do),
		TEST(explain_lists_an_action_once_and_not_what_would_be_refused),
		TEST(explain_lists_all_that_a_draft_lacks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
