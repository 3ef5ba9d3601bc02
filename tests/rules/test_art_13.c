/* Articles 2, 4, 5, 9, 13 and 26 at the door: what may be applied for, by whom,
 * with which papers. */
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
#define assert_refused(reason, cited)                                                   \
	do {                                                                            \
		assert_int_equal(world_create(&w, &r.a, true, &du, NOW), ERR_##reason); \
		assert_string_equal(w.fault.article, cited);                            \
		assert_int_equal(w.ledger, 0);                                          \
		assert_int_equal(w.out.event_count, 0);                                 \
	} while (0)

static void
art_13_a_complete_request_is_submitted_and_reserves(void **state)
{
	(void)state;
	r.a.system = "systems/finance-portal";
	r.items[0].service = "catalogue/cloud-server";
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), 0);
	assert_int_equal(w.missing.code, 0);
	assert_string_equal(w.app.state, "submitted");
	assert_string_equal(w.app.system, "finance-portal");
	assert_string_equal(w.app.items[0].service, "cloud-server");
	assert_string_equal(w.app.department, "provincial-finance");
	assert_string_equal(w.app.node, "core");
	assert_string_equal(w.app.month, "2026-11");
	assert_string_equal(w.app.submitter, "principals/li");
	assert_int_equal(w.app.catalogue_version, 7);
	assert_int_equal(w.app.items[0].catalogue_version, 1);
	assert_int_equal(w.out.event_count, 2);
	assert_string_equal(w.out.events[0].kind, "create");
	assert_string_equal(w.out.events[1].to_state, "submitted");
	assert_int_equal(w.out.move_count, 2);
	assert_int_equal(balance(&w, 0, 0)->reserved, 2);
	assert_int_equal(balance(&w, 0, 1)->reserved, 16);
	assert_int_equal(balance(&w, 0, 2)->reserved, 64);
	assert_int_equal(balance(&w, 1, 0)->reserved, 100);
	assert_string_equal(app_clock(&w.app, "accept")->due_date, "2026-11-25");
	assert_false(app_clock(&w.app, "accept")->statutory);
	assert_string_equal(app_clock(&w.app, "accept")->owner, "ca-p");
}

static void
art_02_only_fiscal_and_unclassified_systems(void **state)
{
	(void)state;
	w.portal.funding = zwy_v1_FUNDING_OTHER;
	assert_refused(NOT_FISCAL, "2");
	w.portal.funding = zwy_v1_FUNDING_UNSPECIFIED;
	assert_refused(NOT_FISCAL, "2");
	w.portal.funding = zwy_v1_FUNDING_FISCAL;
	r.a.funding = zwy_v1_FUNDING_OTHER;
	assert_refused(NOT_FISCAL, "2");
	r.a.funding = zwy_v1_FUNDING_FISCAL;
	r.a.classified = true;
	assert_refused(CLASSIFIED, "2");
	r.a.classified = false;
	w.portal.classified = true;
	assert_refused(CLASSIFIED, "2");
}

static void
art_04_only_a_department_for_its_own_system(void **state)
{
	(void)state;
	assert_int_equal(world_create(&w, &r.a, true, &op, NOW), ERR_WRONG_ROLE);
	assert_int_equal(world_create(&w, &r.a, true, &adm, NOW), ERR_WRONG_ROLE);
	assert_int_equal(world_create(&w, &r.a, true, &du_health, NOW), ERR_FOREIGN_RECORD);
	r.a.department = "provincial-health";
	assert_refused(FOREIGN_RECORD, "4");
	r.a.department = "departments/provincial-finance";
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), 0);
	r.a.system = "no-such-system";
	w.ledger = 0;
	assert_refused(UNKNOWN_SYSTEM, "4");
}

static void
art_04_not_of_an_inactive_department_nor_at_an_unready_node(void **state)
{
	(void)state;
	w.core.ready = false;
	w.core.operator= "";
	assert_refused(NODE_UNREADY, "4");
	assert_non_null(strstr(w.fault.text, "operator"));
	w.finance.inactive = true;
	assert_refused(DEPARTMENT_INACTIVE, "4");
}

static void
art_05_the_departments_node_and_no_other(void **state)
{
	(void)state;
	r.a.node = "suzhou";
	assert_refused(NODE_MISMATCH, "5");
	assert_non_null(strstr(w.fault.text, "core"));
	r.a.node = "nodes/core";
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), 0);
}

static void
art_05_a_county_uses_its_citys_node(void **state)
{
	(void)state;
	r.a.system = "kunshan-campus";
	assert_int_equal(world_create(&w, &r.a, false, &kunshan_du, NOW), 0);
	assert_string_equal(w.app.node, "suzhou");
	const zwy_v1_Node *nodes[] = {&w.core, &w.suzhou};
	assert_string_equal(node_for(zwy_v1_LEVEL_COUNTY, "320583", nodes, 2), "suzhou");
	assert_string_equal(node_for(zwy_v1_LEVEL_COUNTY, "320106", nodes, 2), "");
	assert_string_equal(node_for(zwy_v1_LEVEL_CITY, "320500", nodes, 2), "suzhou");
	assert_string_equal(node_for(zwy_v1_LEVEL_CITY, "320000", nodes, 2), "");
	assert_string_equal(node_for(zwy_v1_LEVEL_PROVINCE, "320000", nodes, 2), "core");
	assert_string_equal(node_for(zwy_v1_LEVEL_PROVINCE, "320500", nodes, 2), "");
	assert_string_equal(node_for(zwy_v1_LEVEL_UNSPECIFIED, "320000", nodes, 2), "");
	assert_string_equal(node_for(zwy_v1_LEVEL_PROVINCE, "", nodes, 2), "");
}

static void
art_05_an_exempt_system_cannot_apply(void **state)
{
	(void)state;
	w.portal.exempt = true;
	assert_refused(SYSTEM_EXEMPT, "5");
}

static void
art_09_every_application_has_one_zone(void **state)
{
	(void)state;
	r.a.zone = zwy_v1_ZONE_UNSPECIFIED;
	assert_refused(FIELD_MISSING, "9");
}

static void
art_26_four_parties_before_submission_but_not_before_a_draft(void **state)
{
	(void)state;
	w.portal.party_building = "";
	w.portal.party_running = NULL;
	assert_refused(PARTY_MISSING, "26");
	assert_int_equal(w.fault.item_count, 2);
	assert_int_equal(world_create(&w, &r.a, false, &du, NOW), 0);
	assert_string_equal(w.app.state, "draft");
	assert_int_equal(world_act(&w, &du, at(NOW), "submit", (char *)NULL), ERR_PARTY_MISSING);
}

static void
art_13_only_active_services_of_the_catalogue(void **state)
{
	(void)state;
	r.items[0].service = "quantum-computer";
	assert_refused(UNKNOWN_SERVICE, "13");
	assert_string_equal(w.fault.items[0].field, "items.1.service");
	r.items[0].service = "old-service";
	assert_refused(SERVICE_RETIRED, "13");
}

static void
art_13_a_substitute_needs_its_reason(void **state)
{
	(void)state;
	r.items[1].substitute_for = "tape library";
	assert_refused(FIELD_MISSING, "13");
	assert_string_equal(w.fault.items[0].field, "items.2.reason");
	r.items[1].reason = "the catalogue has no tapes";
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), 0);
	assert_string_equal(w.app.items[1].substitute_for, "tape library");
}

static void
art_13_quantities_and_figures_are_whole_numbers(void **state)
{
	(void)state;
	r.items[1].quantity = 0;
	assert_refused(INVALID_FIELD, "13");
	r.items[1].quantity = 1;
	r.items[0].spec_count = 0;
	assert_refused(FIELD_MISSING, "13");
	assert_string_equal(w.fault.items[0].field, "items.1.spec.vcpu");
	r.items[0].spec_count = 2;
	r.spec[0].value = "8.5";
	assert_refused(INVALID_FIELD, "13");
	r.spec[0].value = "0";
	assert_refused(INVALID_FIELD, "13");
	r.spec[0].value = "-1";
	assert_refused(INVALID_FIELD, "13");
	r.spec[0].value = "8";
	r.spec[1].value = "lots";
	assert_refused(INVALID_FIELD, "13");
	r.a.items_count = 0;
	assert_refused(FIELD_MISSING, "13");
}

static void
art_08_and_13_every_section_of_the_plan_at_once(void **state)
{
	(void)state;
	r.a.cloud_plan.architecture = "  ";
	r.a.cloud_plan.operations_security = NULL;
	assert_refused(PLAN_INCOMPLETE, "13");
	assert_int_equal(w.fault.item_count, 2);
	assert_non_null(strstr(w.fault.text, "部署架构"));
	assert_non_null(strstr(w.fault.text, "运维安全保障"));
	r.a.has_cloud_plan = false;
	assert_refused(PLAN_INCOMPLETE, "13");
	assert_int_equal(w.fault.item_count, 4);
}

static void
art_13_only_documents_missing_leaves_a_draft_with_the_whole_list(void **state)
{
	(void)state;
	r.a.document_count = 0;
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), 0);
	assert_string_equal(w.app.state, "draft");
	assert_int_equal(w.ledger, 0);
	assert_int_equal(w.missing.code, ERR_DOCUMENT_MISSING);
	assert_int_equal(w.missing.item_count, 3);
	assert_non_null(strstr(w.missing.text, "construction-plan-approval"));
	assert_non_null(strstr(w.missing.text, "security-filing"));
	assert_int_equal(world_act(&w, &du, at(NOW), "submit", (char *)NULL), ERR_DOCUMENT_MISSING);
	assert_int_equal(w.fault.item_count, 3);
	/* A broken rule beside them still leaves nothing. */
	r.a.has_cloud_plan = false;
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), ERR_PLAN_INCOMPLETE);
}

static void
art_13_uploaded_documents_complete_a_draft_and_are_pinned(void **state)
{
	static const char *const types[] = {"construction-plan", "construction-plan-approval",
					    "security-filing"};
	(void)state;
	r.a.document_count = 1;
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), 0);
	for (size_t i = 1; i < 3; i++) {
		assert_int_equal(application_upload(&w.facts, &w.app, types[i], HEX64_OTHER, &w.fault), 0);
		w.documents[w.document_count++] =
			(struct document_facts){types[i], HEX64_OTHER, "approval.pdf"};
	}
	assert_int_equal(world_act(&w, &du, at(NOW), "submit", (char *)NULL), 0);
	assert_int_equal(w.app.document_count, 3);
	assert_string_equal(w.app.document[2].key, "security-filing");
	assert_string_equal(w.app.document[2].value, "approval.pdf sha256:" HEX64_OTHER);
}

static void
art_13_a_body_must_be_the_one_announced(void **state)
{
	(void)state;
	assert_int_equal(world_create(&w, &r.a, false, &du, NOW), 0);
	assert_int_equal(application_upload(&w.facts, &w.app, "construction-plan", HEX64_OTHER, &w.fault),
			 ERR_DOCUMENT_MISMATCH);
	assert_int_equal(application_upload(&w.facts, &w.app, "construction-plan", HEX64, &w.fault), 0);
	w.documents[w.document_count++] = (struct document_facts){"construction-plan", HEX64_OTHER, "x.pdf"};
	assert_int_equal(world_act(&w, &du, at(NOW), "submit", (char *)NULL), ERR_DOCUMENT_MISMATCH);
	w.documents[0].sha256 = HEX64;
	assert_int_equal(world_act(&w, &du, at(NOW), "submit", (char *)NULL), 0);
	/* Afterwards only what was announced. */
	world_load(&w, &w.app, &du, at(NOW));
	assert_int_equal(application_upload(&w.facts, &w.app, "security-filing", HEX64, &w.fault), 0);
	assert_int_equal(application_upload(&w.facts, &w.app, "other", HEX64, &w.fault), ERR_WRONG_STATE);
	world_load(&w, &w.app, &du_health, at(NOW));
	assert_int_equal(application_upload(&w.facts, &w.app, "security-filing", HEX64, &w.fault),
			 ERR_FOREIGN_RECORD);
	world_load(&w, &w.app, &ca, at(NOW));
	assert_int_equal(application_upload(&w.facts, &w.app, "security-filing", HEX64, &w.fault),
			 ERR_WRONG_ROLE);
}

static void
art_13_the_form_of_a_document_is_said(void **state)
{
	static char *const bad[] = {
		"plan.pdf", "sha256:" HEX64,  "plan.pdf sha256:abc",   "plan.pdf sha256:" HEX64 "00",
		"",         " sha256:" HEX64, "plan.pdf SHA256:" HEX64};
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		r.documents[0].value = bad[i];
		assert_int_equal(world_create(&w, &r.a, true, &du, NOW), ERR_INVALID_FIELD);
		assert_non_null(strstr(w.fault.text, "FILENAME sha256:"));
	}
	r.documents[0].value = "方案 v2.pdf sha256:" HEX64;
	r.documents[1].key = "construction-plan";
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), ERR_INVALID_FIELD);
	r.documents[1].key = "construction-plan-approval";
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), 0);
}

static void
art_13_a_document_is_of_a_known_type(void **state)
{
	(void)state;
	r.documents[0].key = "love-letter";
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), ERR_UNKNOWN_FIELD);
	assert_non_null(strstr(w.fault.text, "construction-plan"));
	r.documents[0].key = "construction-plan";
	assert_int_equal(world_create(&w, &r.a, false, &du, NOW), 0);
	assert_int_equal(application_upload(&w.facts, &w.app, "love-letter", NULL, &w.fault),
			 ERR_INVALID_FIELD);
	assert_int_equal(application_upload(&w.facts, &w.app, "official-letter", NULL, &w.fault), 0);
}

static void
quota_says_dimension_limit_and_what_is_available(void **state)
{
	(void)state;
	w.dimensions[0][1].reserved = 40;
	w.dimensions[0][1].committed = 10;
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), ERR_QUOTA_EXCEEDED);
	assert_string_equal(
		w.fault.text,
		"cloud-server: vcpu 16 asked, 14 available (limit 64, reserved 40, in service 10)");
	assert_int_equal(w.ledger, 0);
	w.dimensions[0][1].committed = 8;
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), 0);
}

static void
quota_counts_a_dimension_without_a_limit(void **state)
{
	(void)state;
	w.dimensions[0][1].limit = 0;
	w.dimensions[0][1].unlimited = true;
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), 0);
	assert_int_equal(w.dimensions[0][1].reserved, 16);
}

static void
art_13_a_figure_left_out_is_the_catalogues(void **state)
{
	zwy_v1_Dimension dims[2];
	(void)state;
	memcpy(dims, w.services[0].dimensions, sizeof(dims));
	dims[0].default_value = 3;
	dims[1].default_value = 5;
	w.services[0].dimensions = dims;
	r.items[0].spec_count = 0;
	r.items[0].spec = NULL;
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), 0);
	assert_int_equal(w.app.items[0].spec_count, 2);
	assert_string_equal(w.app.items[0].spec[1].key, "gib");
	assert_string_equal(w.app.items[0].spec[1].value, "5");
	assert_string_equal(w.app.items[0].spec[0].key, "vcpu");
	assert_string_equal(w.app.items[0].spec[0].value, "3");
	assert_int_equal(w.dimensions[0][1].reserved, 3 * r.items[0].quantity);
}

static void
quota_adds_items_of_one_service_up(void **state)
{
	(void)state;
	r.items[1] = r.items[0];
	r.items[0].quantity = r.items[1].quantity = 4;
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), 0);
	assert_int_equal(w.out.move_count, 1);
	assert_int_equal(balance(&w, 0, 0)->reserved, 8);
	assert_int_equal(balance(&w, 0, 1)->reserved, 64);
	r.items[0].quantity = 1;
	r.a.items_count = 1;
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), ERR_QUOTA_EXCEEDED);
}

static void
quota_without_a_record_is_nothing_and_overflow_is_no_way_in(void **state)
{
	(void)state;
	w.quotas[1].name = NULL;
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), ERR_QUOTA_EXCEEDED);
	r.a.items_count = 1;
	r.items[0].quantity = UINT64_MAX / 8 + 2;
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), ERR_QUOTA_EXCEEDED);
	r.items[0].quantity = 1;
	r.spec[0].value = "18446744073709551615";
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), ERR_QUOTA_EXCEEDED);
	r.spec[0].value = "18446744073709551616";
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), ERR_INVALID_FIELD);
}

static void
art_13_the_most_fundamental_refusal_comes_first(void **state)
{
	(void)state;
	r.a.has_cloud_plan = false;
	r.a.document_count = 0;
	r.items[0].service = "nothing";
	r.a.node = "suzhou";
	w.portal.classified = true;
	w.portal.exempt = true;
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), ERR_SYSTEM_EXEMPT);
	w.portal.exempt = false;
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), ERR_CLASSIFIED);
	w.portal.classified = false;
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), ERR_NODE_MISMATCH);
	r.a.node = "";
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), ERR_UNKNOWN_SERVICE);
	r.items[0].service = "cloud-server";
	assert_int_equal(world_create(&w, &r.a, true, &du, NOW), ERR_PLAN_INCOMPLETE);
}

static void
art_04_another_departments_system_does_not_slip_into_a_draft(void **state)
{
	(void)state;
	assert_int_equal(world_create(&w, &r.a, false, &du, NOW), 0);
	r.a.system = "health-records";
	world_load(&w, &r.a, &du, at(NOW));
	/* As for a case that exists: the department is the one that filed it. */
	w.facts.department = &w.finance;
	assert_int_equal(application_update(&w.facts, &w.app, &r.a, &w.arena, &w.out, &w.fault),
			 ERR_FOREIGN_RECORD);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
		TEST(art_13_a_complete_request_is_submitted_and_reserves),
		TEST(art_02_only_fiscal_and_unclassified_systems),
		TEST(art_04_only_a_department_for_its_own_system),
		TEST(art_04_not_of_an_inactive_department_nor_at_an_unready_node),
		TEST(art_05_the_departments_node_and_no_other),
		TEST(art_05_a_county_uses_its_citys_node),
		TEST(art_05_an_exempt_system_cannot_apply),
		TEST(art_09_every_application_has_one_zone),
		TEST(art_26_four_parties_before_submission_but_not_before_a_draft),
		TEST(art_13_only_active_services_of_the_catalogue),
		TEST(art_13_a_substitute_needs_its_reason),
		TEST(art_13_quantities_and_figures_are_whole_numbers),
		TEST(art_08_and_13_every_section_of_the_plan_at_once),
		TEST(art_13_only_documents_missing_leaves_a_draft_with_the_whole_list),
		TEST(art_13_uploaded_documents_complete_a_draft_and_are_pinned),
		TEST(art_13_a_body_must_be_the_one_announced),
		TEST(art_13_the_form_of_a_document_is_said),
		TEST(art_13_a_document_is_of_a_known_type),
		TEST(quota_says_dimension_limit_and_what_is_available),
		TEST(quota_adds_items_of_one_service_up),
		TEST(quota_counts_a_dimension_without_a_limit),
		TEST(art_13_a_figure_left_out_is_the_catalogues),
		TEST(quota_without_a_record_is_nothing_and_overflow_is_no_way_in),
		TEST(art_13_the_most_fundamental_refusal_comes_first),
		TEST(art_04_another_departments_system_does_not_slip_into_a_draft),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
