/* Article 19: test resources, from the request to the end of their term. */
#include "use.h"

static struct use u;

#define TEST zwy_v1_APPLICATION_KIND_TEST
#define NOW  "2025-07-08"
#define CASE "A-2026-000001"

static int
open_world(void **state)
{
	(void)state;
	use_open(&u);
	return 0;
}

static int
close_world(void **state)
{
	(void)state;
	use_close(&u);
	return 0;
}

static void
art_19_only_for_a_system_that_is_being_developed(void **state)
{
	static char *const phases[] = {NULL, "planned", "running", "retired"};
	zwy_v1_Application asked = use_request(&u, TEST);
	(void)state;
	for (size_t i = 0; i < COUNT(phases); i++) {
		u.w.portal.phase = phases[i];
		assert_int_equal(use_create(&u, &asked, true, &du, at(NOW)), ERR_NOT_DEVELOPING);
		assert_string_equal(u.w.fault.article, "19");
	}
	u.w.portal.phase = "developing";
	assert_int_equal(use_create(&u, &asked, true, &du, at(NOW)), 0);
	assert_state(u, CASE, "submitted");
	/* It must still be so when the operator decides. */
	u.w.portal.phase = "running";
	assert_int_equal(use_act(&u, CASE, &op, at(NOW), "assign", (char *)NULL), 0);
	assert_int_equal(use_act(&u, CASE, &op, at(NOW), "decide", "decision", "approve", (char *)NULL),
			 ERR_NOT_DEVELOPING);
}

static void
art_19_the_proof_of_the_project_is_needed_and_no_plan(void **state)
{
	zwy_v1_Application asked = use_request(&u, TEST);
	(void)state;
	asked.document_count = 0;
	assert_int_equal(use_create(&u, &asked, true, &du, at(NOW)), 0);
	assert_int_equal(u.w.missing.code, ERR_DOCUMENT_MISSING);
	assert_int_equal(u.w.missing.item_count, 1);
	assert_string_equal(u.w.missing.items[0].field, "document.project-establishment");
	assert_state(u, CASE, "draft");
}

static void
art_19_what_serves_the_public_is_refused_when_it_is_asked_for(void **state)
{
	static const struct {
		char *service, *key, *value;
		zwy_v1_Zone zone;
		const char *word; /* NULL: it does not serve the public */
	} rows[] = {
		{"elastic-ip", NULL, NULL, 0, "elastic-ip"},
		{"load-balancer", "listener", "public", 0, "public-listener"},
		{"load-balancer", "listener", "internal", 0, NULL},
		{"load-balancer", NULL, NULL, 0, NULL},
		{"nat-gateway", "direction", "inbound", 0, "inbound-nat"},
		{"nat-gateway", "direction", "both", 0, "inbound-nat"},
		{"nat-gateway", "direction", "outbound", 0, NULL},
		{"block-storage", "ingress", "internet", zwy_v1_ZONE_INTERNET, "internet-ingress"},
		{"block-storage", "ingress", "none", zwy_v1_ZONE_INTERNET, NULL},
		{"block-storage", NULL, NULL, zwy_v1_ZONE_INTERNET, NULL},
		{"block-storage", "ingress", "internet", zwy_v1_ZONE_EXTRANET, NULL},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		zwy_v1_Application asked = use_request(&u, TEST);
		zwy_v1_Item_SpecEntry spec = {rows[i].key, rows[i].value};
		asked.items_count = 1;
		u.items[0] = (zwy_v1_Item){.service = rows[i].service,
					   .quantity = 1,
					   .zone = rows[i].zone,
					   .spec_count = rows[i].key != NULL,
					   .spec = &spec};
		u.w.services[1].name = arena_printf(&u.w.arena, "catalogue/%s", rows[i].service);
		u.w.quotas[1].name =
			arena_printf(&u.w.arena, "quotas/provincial-finance/%s", rows[i].service);
		assert_int_equal(use_create(&u, &asked, true, &du, at(NOW)),
				 rows[i].word ? ERR_TEST_EXPOSED : 0);
		if (!rows[i].word)
			continue;
		assert_string_equal(u.w.fault.article, "19");
		assert_non_null(strstr(u.w.fault.text, rows[i].word));
		/* A province that does not count it may take the word away. */
		u.w.parameters.text[PARAM_TEST_EXPOSURE] = "backdoor";
		assert_int_equal(use_create(&u, &asked, true, &du, at(NOW)), 0);
		parameters_default(&u.w.parameters);
	}
}

static void
art_19_a_service_that_the_list_names_counts_and_so_does_the_applications_own_word(void **state)
{
	zwy_v1_Application asked = use_request(&u, TEST);
	(void)state;
	asked.exposure = zwy_v1_EXPOSURE_PUBLIC;
	assert_int_equal(use_create(&u, &asked, true, &du, at(NOW)), ERR_TEST_EXPOSED);
	assert_string_equal(u.w.fault.items[0].field, "exposure");
	asked.exposure = zwy_v1_EXPOSURE_NONE;
	u.w.parameters.text[PARAM_TEST_EXPOSURE] = "elastic-ip block-storage";
	assert_int_equal(use_create(&u, &asked, true, &du, at(NOW)), ERR_TEST_EXPOSED);
	assert_string_equal(u.w.fault.items[0].field, "items.2.service");
	parameters_default(&u.w.parameters);
	assert_int_equal(use_create(&u, &asked, true, &du, at(NOW)), 0);
}

static void
art_19_the_operator_decides_and_not_the_authority(void **state)
{
	zwy_v1_Application asked = use_request(&u, TEST);
	(void)state;
	assert_int_equal(use_create(&u, &asked, true, &du, at(NOW)), 0);
	assert_int_equal(use_act(&u, CASE, &op, at(NOW), "assign", (char *)NULL), 0);
	assert_int_equal(use_act(&u, CASE, &ca, at(NOW), "decide", "decision", "approve", (char *)NULL),
			 ERR_WRONG_ROLE);
	assert_int_equal(use_act(&u, CASE, &op, at(NOW), "decide", "decision", "reject", (char *)NULL),
			 ERR_FORM_INCOMPLETE);
	assert_int_equal(use_act(&u, CASE, &op, at(NOW), "decide", "decision", "reject", "comment", "not yet",
				 (char *)NULL),
			 0);
	assert_state(u, CASE, "rejected");
	assert_int_equal(balance(&u.w, 0, 0)->reserved, 0);
	assert_string_equal(use_case(&u, CASE)->reason, "not yet");
}

/* Domain, section 4: three months, month ends, no rolling over holidays. */
static void
art_19_three_months_from_the_allocation_whatever_the_last_day_is(void **state)
{
	static const char *const rows[][3] = {
		{"2024-11-29", "2025-02-28", "2025-02-08"},
		{"2024-11-30", "2025-02-28", "2025-02-08"},
		{"2025-07-08", "2025-10-08", "2025-09-11"},
		{"2025-11-30", "2026-02-28", "2026-02-02"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		use_close(&u);
		use_open(&u);
		const zwy_v1_Application *a = use_case(&u, use_allocate(&u, TEST, rows[i][0], 0));
		const zwy_v1_Clock *term = app_clock(a, "term");
		assert_string_equal(a->end_date, rows[i][1]);
		assert_string_equal(term->due_date, rows[i][1]);
		assert_true(term->statutory);
		assert_string_equal(term->article, "19");
		assert_string_equal(term->owner, "du-p");
		assert_int_equal(term->months, 3);
		assert_int_equal(term->due_time.seconds * 1000, day_start(date(rows[i][1]) + 1));
		assert_string_equal(app_clock(a, "last-extension")->due_date, rows[i][2]);
		assert_int_equal(u.resource_count, 2);
		for (size_t k = 0; k < u.resource_count; k++) {
			assert_int_equal(u.resources[k].kind, zwy_v1_RESOURCE_KIND_TEST);
			assert_string_equal(u.resources[k].end_date, rows[i][1]);
			/* The text gives an extension to temporary resources only. */
			assert_null(u.resources[k].last_extension_date);
		}
		assert_int_equal(balance(&u.w, 0, 1)->committed, 16);
		assert_int_equal(balance(&u.w, 0, 1)->reserved, 0);
	}
}

static void
art_19_a_test_that_may_be_extended_shows_the_last_day(void **state)
{
	(void)state;
	u.w.parameters.number[PARAM_TEST_EXTENDABLE] = 1;
	const zwy_v1_Application *a = use_case(&u, use_allocate(&u, TEST, NOW, 0));
	assert_string_equal(a->last_extension_date, "2025-09-11");
	assert_string_equal(u.resources[1].last_extension_date, "2025-09-11");
}

static void
art_19_fewer_months_may_be_asked_for_and_no_more(void **state)
{
	zwy_v1_Application asked = use_request(&u, TEST);
	(void)state;
	asked.months = 4;
	assert_int_equal(use_create(&u, &asked, true, &du, at(NOW)), ERR_TERM_TOO_LONG);
	assert_string_equal(u.w.fault.article, "19");
	assert_non_null(strstr(u.w.fault.text, "at most 3"));
	u.w.parameters.number[PARAM_TEST_MONTHS] = 2;
	asked.months = 3;
	assert_int_equal(use_create(&u, &asked, true, &du, at(NOW)), ERR_TERM_TOO_LONG);
	assert_string_equal(use_case(&u, use_allocate(&u, TEST, NOW, 1))->end_date, "2025-08-08");
}

static void
art_19_a_term_does_not_begin_anew_by_taking_over(void **state)
{
	(void)state;
	use_allocate(&u, TEST, NOW, 0);
	zwy_v1_Application asked = use_request(&u, TEST);
	u.items[0].takes_over = "R-2026-000001";
	assert_int_equal(use_create(&u, &asked, true, &du, at(NOW)), ERR_INVALID_FIELD);
	assert_string_equal(u.w.fault.items[0].field, "items.1.takes-over");
}

static void
art_19_warned_three_times_then_the_term_ends_and_the_resources_freeze(void **state)
{
	(void)state;
	const char *name = use_allocate(&u, TEST, NOW, 0);
	const zwy_v1_Application *a = use_case(&u, name);
	const char *approach = app_clock(a, "approach")->due_date;
	assert_string_equal(app_clock(a, "last-extension")->due_date, "2025-09-11");
	use_pass(&u, dawn(approach) - 1, false);
	assert_state(u, name, "allocated");
	use_pass(&u, dawn(approach), false);
	assert_state(u, name, "expiring");
	use_pass(&u, dawn("2025-09-11"), false);
	assert_true(app_clock(a, "last-extension")->has_stop_time);
	assert_false(app_clock(a, "last-extension")->overdue);
	use_pass(&u, dawn("2025-10-08"), false);
	assert_true(app_clock(a, "last-warning")->has_stop_time);
	assert_state(u, name, "expiring");
	/* The last day counts whole; it is a holiday and does not move. */
	use_pass(&u, dawn("2025-10-09") - 1, false);
	assert_state(u, name, "expiring");
	assert_string_equal(u.resources[0].state, "active");
	use_pass(&u, dawn("2025-10-09"), false);
	assert_state(u, name, "expired");
	assert_string_equal(u.resources[0].state, "frozen");
	assert_string_equal(u.resources[1].state, "frozen");
	assert_false(app_clock(a, "term")->overdue);
	/* Nothing is given back, nothing deleted, by the end of the term alone. */
	assert_int_equal(balance(&u.w, 0, 1)->committed, 16);
}

static void
art_19_terms_that_passed_while_nobody_looked_are_carried_out_in_order(void **state)
{
	(void)state;
	const char *name = use_allocate(&u, TEST, NOW, 0);
	use_pass(&u, dawn("2026-01-10"), true);
	assert_state(u, name, "expired");
	const zwy_v1_Application *a = use_case(&u, name);
	for (size_t i = 0; i < a->clocks_count; i++)
		assert_true(a->clocks[i].has_stop_time);
}

static void
art_19_a_term_ends_in_every_state_in_which_it_runs(void **state)
{
	static const char *const states[] = {"allocated", "expiring", "suspended"};
	(void)state;
	for (size_t i = 0; i < COUNT(states); i++) {
		use_close(&u);
		use_open(&u);
		const char *name = use_allocate(&u, TEST, NOW, 0);
		if (i > 0)
			use_pass(&u, dawn("2025-09-20"), false);
		if (i == 2)
			assert_int_equal(use_act(&u, name, &op, at("2025-09-20"), "suspend", "reason",
						 "seen from outside", (char *)NULL),
					 0);
		assert_state(u, name, states[i]);
		/* The end comes first where the first warning was never carried out. */
		assert_int_equal(use_clock(&u, name, dawn("2025-10-09"), "term"), 0);
		assert_state(u, name, "expired");
		assert_string_equal(u.resources[0].state, "frozen");
	}
}

static void
art_19_a_test_that_serves_the_public_is_suspended_until_that_ends(void **state)
{
	(void)state;
	const char *name = use_allocate(&u, TEST, NOW, 0);
	assert_int_equal(use_act(&u, name, &du, at(NOW), "suspend", "reason", "x", (char *)NULL),
			 ERR_WRONG_ROLE);
	assert_int_equal(use_act(&u, name, &op, at(NOW), "suspend", (char *)NULL), ERR_FORM_INCOMPLETE);
	assert_int_equal(use_act(&u, name, &op, at(NOW), "suspend", "reason", "a public address",
				 (char *)NULL),
			 0);
	assert_state(u, name, "suspended");
	assert_string_equal(u.resources[0].state, "restricted");
	assert_string_equal(use_case(&u, name)->reason, "a public address");
	assert_string_equal(use_case(&u, name)->end_date, "2025-10-08");
	assert_int_equal(use_act(&u, name, &op, at("2025-07-10"), "resume", (char *)NULL), 0);
	assert_state(u, name, "allocated");
	assert_string_equal(u.resources[0].state, "active");
	/* The first warning comes also while it is suspended; resumed, it is near its end. */
	assert_int_equal(use_act(&u, name, &op, at("2025-08-10"), "suspend", "reason", "again", (char *)NULL),
			 0);
	use_pass(&u, dawn("2025-09-10"), false);
	assert_state(u, name, "suspended");
	assert_int_equal(use_act(&u, name, &op, at("2025-09-10"), "resume", (char *)NULL), 0);
	assert_state(u, name, "expiring");
}

static void
art_19_a_term_that_only_warns_leaves_the_resources_in_use(void **state)
{
	(void)state;
	u.w.parameters.number[PARAM_TERM_ON_EXPIRY] = 1;
	const char *name = use_allocate(&u, TEST, NOW, 0);
	use_pass(&u, dawn("2025-10-09"), false);
	assert_state(u, name, "expired");
	assert_string_equal(u.resources[0].state, "active");
	assert_string_equal(u.w.out.events[0].action, "warn");
}

static void
art_19_no_change_makes_a_test_serve_the_public(void **state)
{
	(void)state;
	use_allocate(&u, TEST, NOW, 0);
	zwy_v1_Application asked = {.name = "applications/A-2026-000002",
				    .kind = zwy_v1_APPLICATION_KIND_CHANGE,
				    .resource = "R-2026-000002",
				    .purpose = "open it",
				    .has_change = true,
				    .change = {.exposure = zwy_v1_EXPOSURE_PUBLIC}};
	assert_int_not_equal(use_create(&u, &asked, true, &du, at(NOW)), 0);
	assert_string_equal(u.w.fault.article, "19");
	/* What its figures would say is seen as at the request. */
	zwy_v1_Change_SpecEntry spec = {"ingress", "internet"};
	asked.change = (zwy_v1_Change){.zone = zwy_v1_ZONE_INTERNET, .spec_count = 1, .spec = &spec};
	asked.items_count = 0;
	assert_int_equal(use_create(&u, &asked, true, &du, at(NOW)), ERR_TEST_EXPOSED);
	assert_int_equal(u.case_count, 1);
}

int
main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
	const struct CMUnitTest tests[] = {
		IN_WORLD(art_19_only_for_a_system_that_is_being_developed),
		IN_WORLD(art_19_the_proof_of_the_project_is_needed_and_no_plan),
		IN_WORLD(art_19_what_serves_the_public_is_refused_when_it_is_asked_for),
		IN_WORLD(art_19_a_service_that_the_list_names_counts_and_so_does_the_applications_own_word),
		IN_WORLD(art_19_the_operator_decides_and_not_the_authority),
		IN_WORLD(art_19_three_months_from_the_allocation_whatever_the_last_day_is),
		IN_WORLD(art_19_a_test_that_may_be_extended_shows_the_last_day),
		IN_WORLD(art_19_fewer_months_may_be_asked_for_and_no_more),
		IN_WORLD(art_19_a_term_does_not_begin_anew_by_taking_over),
		IN_WORLD(art_19_warned_three_times_then_the_term_ends_and_the_resources_freeze),
		IN_WORLD(art_19_terms_that_passed_while_nobody_looked_are_carried_out_in_order),
		IN_WORLD(art_19_a_term_ends_in_every_state_in_which_it_runs),
		IN_WORLD(art_19_a_test_that_serves_the_public_is_suspended_until_that_ends),
		IN_WORLD(art_19_no_change_makes_a_test_serve_the_public),
		IN_WORLD(art_19_a_term_that_only_warns_leaves_the_resources_in_use),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
