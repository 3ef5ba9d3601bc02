/* Records kept by hand: Articles 4, 5, 6, 8, 11, 26, and who makes what. */
#include "fixture.h"

#include "rules/records.h"

static struct world w;
static const zwy_v1_Node *nodes[2];
static const struct actor program = {.principal = "system", .is_system = true};

static int
open_world(void **state)
{
	(void)state;
	world_open(&w);
	nodes[0] = &w.core;
	nodes[1] = &w.suzhou;
	return 0;
}

static int
close_world(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

/* ---- departments and systems --------------------------------------------------------- */

static zwy_v1_Department
a_department(void)
{
	return (zwy_v1_Department){.name = "departments/taicang-health",
				   .name_zh = "太仓市卫生健康委员会",
				   .level = zwy_v1_LEVEL_COUNTY,
				   .region = "320585"};
}

static int
department(const struct actor *actor, const zwy_v1_Department *before, const zwy_v1_Department *asked,
	   zwy_v1_Department *ret)
{
	return department_rule(actor, before, asked, nodes, 2, &w.arena, ret, &w.fault);
}

static void
art_04_departments_are_kept_by_their_nodes_authority(void **state)
{
	zwy_v1_Department d = a_department(), ret;
	(void)state;
	assert_int_equal(department(&suzhou_ca, NULL, &d, &ret), 0);
	assert_string_equal(ret.node, "suzhou");
	assert_int_equal(department(&ca, NULL, &d, &ret), ERR_WRONG_JURISDICTION);
	assert_int_equal(department(&suzhou_op, NULL, &d, &ret), ERR_WRONG_ROLE);
	assert_int_equal(department(&adm, NULL, &d, &ret), ERR_WRONG_ROLE);
	assert_int_equal(department(&program, NULL, &d, &ret), 0);
	zwy_v1_Department before = ret;
	before.node = "core";
	assert_int_equal(department(&suzhou_ca, &before, &d, &ret), ERR_NODE_MISMATCH);
}

static void
art_05_level_and_region_must_agree(void **state)
{
	zwy_v1_Department d = a_department(), ret;
	(void)state;
	d.level = zwy_v1_LEVEL_CITY;
	assert_int_equal(department(&suzhou_ca, NULL, &d, &ret), ERR_INVALID_FIELD);
	d.level = zwy_v1_LEVEL_UNSPECIFIED;
	assert_int_equal(department(&suzhou_ca, NULL, &d, &ret), ERR_FIELD_MISSING);
	d = a_department();
	d.region = "32058";
	assert_int_equal(department(&suzhou_ca, NULL, &d, &ret), ERR_INVALID_FIELD);
	d.region = "330185";
	assert_int_equal(department(&suzhou_ca, NULL, &d, &ret), ERR_NODE_MISMATCH);
	d = a_department();
	d.name = "departments/Taicang_Health";
	assert_int_equal(department(&suzhou_ca, NULL, &d, &ret), ERR_INVALID_NAME);
	d.name = "systems/taicang";
	assert_int_equal(department(&suzhou_ca, NULL, &d, &ret), ERR_INVALID_NAME);
}

static void
art_04_systems_are_kept_by_their_own_department(void **state)
{
	zwy_v1_System s = w.portal, ret;
	(void)state;
	s.name_zh = "门户";
	s.department = "departments/provincial-finance";
	s.node = "suzhou";
	assert_int_equal(system_rule(&du, NULL, &s, &w.finance, &w.arena, &ret, &w.fault), 0);
	assert_string_equal(ret.department, "provincial-finance");
	assert_string_equal(ret.node, "core");
	assert_int_equal(system_rule(&du_health, NULL, &s, &w.finance, &w.arena, &ret, &w.fault),
			 ERR_FOREIGN_RECORD);
	assert_int_equal(system_rule(&ca, NULL, &s, &w.finance, &w.arena, &ret, &w.fault), ERR_WRONG_ROLE);
	zwy_v1_System theirs = w.records;
	assert_int_equal(system_rule(&du, &theirs, &s, &w.finance, &w.arena, &ret, &w.fault),
			 ERR_FOREIGN_RECORD);
	assert_int_equal(system_rule(&du, NULL, &s, NULL, &w.arena, &ret, &w.fault), ERR_INVALID_FIELD);
	s.phase = "dreaming";
	assert_int_equal(system_rule(&du, NULL, &s, &w.finance, &w.arena, &ret, &w.fault), ERR_INVALID_FIELD);
	s.phase = "running";
	s.protection_grade = 6;
	assert_int_equal(system_rule(&du, NULL, &s, &w.finance, &w.arena, &ret, &w.fault), ERR_INVALID_FIELD);
	s.protection_grade = 3;
	/* Article 26 asks for parties at submission, not before. */
	s.party_using = NULL;
	assert_int_equal(system_rule(&du, NULL, &s, &w.finance, &w.arena, &ret, &w.fault), 0);
	w.finance.inactive = true;
	assert_int_equal(system_rule(&du, NULL, &s, &w.finance, &w.arena, &ret, &w.fault),
			 ERR_DEPARTMENT_INACTIVE);
}

/* ---- quotas ------------------------------------------------------------------------- */

static struct quota_facts
quota_facts_of(size_t service)
{
	return (struct quota_facts){&w.finance, &w.services[service], &w.core, &w.parameters};
}

static void
quota_limits_are_the_authoritys_and_balances_nobodys(void **state)
{
	zwy_v1_QuotaDimension dims[] = {{.name = "vcpu", .limit = 8, .reserved = 999, .committed = 999}};
	zwy_v1_Quota asked = {.name = "quotas/provincial-finance/cloud-server",
			      .dimensions_count = 1,
			      .dimensions = dims};
	zwy_v1_Quota ret;
	struct quota_facts facts = quota_facts_of(0);
	(void)state;
	assert_int_equal(quota_rule(&du, NULL, &asked, &facts, &w.arena, &ret, &w.fault), ERR_WRONG_ROLE);
	assert_int_equal(quota_rule(&suzhou_ca, NULL, &asked, &facts, &w.arena, &ret, &w.fault),
			 ERR_WRONG_JURISDICTION);
	assert_int_equal(quota_rule(&ca, NULL, &asked, &facts, &w.arena, &ret, &w.fault), 0);
	assert_string_equal(ret.department, "provincial-finance");
	assert_string_equal(ret.node, "core");
	assert_int_equal(ret.dimensions_count, 3);
	/* Counted, but not limited by anybody. */
	assert_string_equal(ret.dimensions[2].name, "gib");
	assert_true(ret.dimensions[2].unlimited);
	assert_string_equal(ret.dimensions[0].name, "quantity");
	assert_int_equal(ret.dimensions[0].limit, 0);
	assert_int_equal(ret.dimensions[1].limit, 8);
	assert_int_equal(ret.dimensions[1].reserved, 0);
	assert_int_equal(ret.dimensions[1].committed, 0);
}

static void
art_16_a_limit_below_what_is_held_keeps_the_balance(void **state)
{
	zwy_v1_QuotaDimension dims[] = {{.name = "quantity", .limit = 1}};
	zwy_v1_Quota asked = {.name = "quotas/provincial-finance/cloud-server",
			      .dimensions_count = 1,
			      .dimensions = dims};
	zwy_v1_Quota ret;
	struct quota_facts facts = quota_facts_of(0);
	(void)state;
	w.dimensions[0][0].committed = 5;
	w.dimensions[0][1].reserved = 7;
	assert_int_equal(quota_rule(&ca, &w.quotas[0], &asked, &facts, &w.arena, &ret, &w.fault), 0);
	assert_int_equal(ret.dimensions_count, 3);
	assert_int_equal(ret.dimensions[0].limit, 1);
	assert_int_equal(ret.dimensions[0].committed, 5);
	/* Left out: without a limit of its own, and what is held stays counted. */
	assert_string_equal(ret.dimensions[1].name, "vcpu");
	assert_true(ret.dimensions[1].unlimited);
	assert_int_equal(ret.dimensions[1].reserved, 7);
	dims[0].unlimited = true;
	assert_int_equal(quota_rule(&ca, &w.quotas[0], &asked, &facts, &w.arena, &ret, &w.fault),
			 ERR_INVALID_FIELD);
	dims[0].unlimited = false;
	assert_int_equal(parameters_set(&w.parameters, "quota.below_usage", "refuse", &w.fault), 0);
	assert_int_equal(quota_rule(&ca, &w.quotas[0], &asked, &facts, &w.arena, &ret, &w.fault),
			 ERR_INVALID_FIELD);
	assert_string_equal(w.fault.article, "16");
}

static void
quota_dimensions_are_those_of_the_catalogue(void **state)
{
	zwy_v1_QuotaDimension dims[] = {{.name = "quantity", .limit = 1}, {.name = "iops", .limit = 1}};
	zwy_v1_Quota asked = {.name = "quotas/provincial-finance/cloud-server",
			      .dimensions_count = 2,
			      .dimensions = dims};
	zwy_v1_Quota ret;
	struct quota_facts facts = quota_facts_of(0);
	(void)state;
	assert_int_equal(quota_rule(&ca, NULL, &asked, &facts, &w.arena, &ret, &w.fault), ERR_INVALID_FIELD);
	dims[1].name = "quantity";
	assert_int_equal(quota_rule(&ca, NULL, &asked, &facts, &w.arena, &ret, &w.fault), ERR_INVALID_FIELD);
	dims[1] = (zwy_v1_QuotaDimension){.name = "vcpu", .limit = UINT64_MAX};
	assert_int_equal(quota_rule(&ca, NULL, &asked, &facts, &w.arena, &ret, &w.fault), ERR_INVALID_FIELD);
	facts.service = NULL;
	assert_int_equal(quota_rule(&ca, NULL, &asked, &facts, &w.arena, &ret, &w.fault),
			 ERR_UNKNOWN_SERVICE);
	facts.department = NULL;
	assert_int_equal(quota_rule(&ca, NULL, &asked, &facts, &w.arena, &ret, &w.fault), ERR_NOT_FOUND);
}

/* ---- principals and delegations -------------------------------------------------------- */

static void
principals_are_the_administrators(void **state)
{
	zwy_v1_Role roles[] = {zwy_v1_ROLE_DU, zwy_v1_ROLE_CA};
	uint32_t uids[] = {20001, 20002};
	const char *owners[] = {NULL, "principals/other"};
	zwy_v1_Principal p = {.name = "principals/li",
			      .roles_count = 1,
			      .roles = roles,
			      .level = zwy_v1_LEVEL_COUNTY,
			      .region = "320583",
			      .organisation = "departments/kunshan-education",
			      .uids_count = 1,
			      .uids = uids};
	zwy_v1_Principal ret;
	(void)state;
	assert_int_equal(principal_rule(&ca, NULL, &p, owners, &w.arena, &ret, &w.fault), ERR_WRONG_ROLE);
	assert_int_equal(principal_rule(&adm, NULL, &p, owners, &w.arena, &ret, &w.fault), 0);
	assert_string_equal(ret.organisation, "kunshan-education");
	p.uids_count = 2;
	assert_int_equal(principal_rule(&adm, NULL, &p, owners, &w.arena, &ret, &w.fault),
			 ERR_ALREADY_EXISTS);
	owners[1] = "principals/li";
	assert_int_equal(principal_rule(&adm, NULL, &p, owners, &w.arena, &ret, &w.fault), 0);
	uids[1] = 20001;
	assert_int_equal(principal_rule(&adm, NULL, &p, owners, &w.arena, &ret, &w.fault), ERR_INVALID_FIELD);
	p.uids_count = 0;
	p.roles_count = 2;
	assert_int_equal(principal_rule(&adm, NULL, &p, owners, &w.arena, &ret, &w.fault), ERR_INVALID_FIELD);
	assert_string_equal(w.fault.article, "4");
	p.roles_count = 1;
	p.organisation = "";
	assert_int_equal(principal_rule(&adm, NULL, &p, owners, &w.arena, &ret, &w.fault), ERR_FIELD_MISSING);
	roles[0] = (zwy_v1_Role)99;
	assert_int_equal(principal_rule(&adm, NULL, &p, owners, &w.arena, &ret, &w.fault), ERR_INVALID_FIELD);
}

static void
an_administrator_cannot_shut_itself_out(void **state)
{
	zwy_v1_Role role = zwy_v1_ROLE_ADM;
	zwy_v1_Principal p = {.name = "principals/root", .roles_count = 1, .roles = &role};
	zwy_v1_Principal before = p, ret;
	(void)state;
	assert_int_equal(principal_rule(&adm, &before, &p, NULL, &w.arena, &ret, &w.fault), 0);
	p.disabled = true;
	assert_int_equal(principal_rule(&adm, &before, &p, NULL, &w.arena, &ret, &w.fault),
			 ERR_INVALID_FIELD);
	p.name = "principals/other";
	assert_int_equal(principal_rule(&adm, &before, &p, NULL, &w.arena, &ret, &w.fault), 0);
}

static void
delegations_name_persons_or_anybody(void **state)
{
	char *principals[] = {"*", "principals/li"};
	zwy_v1_Delegation d = {.name = "delegations/portal",
			       .delegate = "principals/portal",
			       .principals_count = 1,
			       .principals = principals};
	zwy_v1_Delegation ret;
	(void)state;
	assert_int_equal(delegation_rule(&du, NULL, &d, &w.arena, &ret, &w.fault), ERR_WRONG_ROLE);
	assert_int_equal(delegation_rule(&adm, NULL, &d, &w.arena, &ret, &w.fault), 0);
	d.principals_count = 2;
	assert_int_equal(delegation_rule(&adm, NULL, &d, &w.arena, &ret, &w.fault), ERR_INVALID_FIELD);
	d.principals_count = 0;
	assert_int_equal(delegation_rule(&adm, NULL, &d, &w.arena, &ret, &w.fault), ERR_FIELD_MISSING);
	d.mount = true;
	assert_int_equal(delegation_rule(&adm, NULL, &d, &w.arena, &ret, &w.fault), 0);
	d.delegate = "portal";
	assert_int_equal(delegation_rule(&adm, NULL, &d, &w.arena, &ret, &w.fault), ERR_INVALID_FIELD);
}

/* ---- catalogue, nodes, calendar, parameters ---------------------------------------------- */

static void
art_11_the_province_publishes_and_a_retired_slug_stays_retired(void **state)
{
	zwy_v1_Service s = {.name = "catalogue/quantum",
			    .layer = "iaas",
			    .requirement = "optional",
			    .name_zh = "量子"};
	zwy_v1_Service ret, before;
	(void)state;
	assert_int_equal(service_rule(&ca, NULL, &s, 9, &w.arena, &ret, &w.fault), 0);
	assert_string_equal(ret.state, "active");
	assert_int_equal(ret.catalogue_version, 9);
	assert_int_equal(service_rule(&suzhou_ca, NULL, &s, 9, &w.arena, &ret, &w.fault),
			 ERR_WRONG_JURISDICTION);
	assert_int_equal(service_rule(&op, NULL, &s, 9, &w.arena, &ret, &w.fault), ERR_WRONG_ROLE);
	before = s;
	before.state = "retired";
	s.state = "active";
	assert_int_equal(service_rule(&ca, &before, &s, 9, &w.arena, &ret, &w.fault), ERR_SERVICE_RETIRED);
	before.state = "active";
	s.state = "planned";
	assert_int_equal(service_rule(&ca, &before, &s, 9, &w.arena, &ret, &w.fault), ERR_INVALID_FIELD);
	s.state = "gone";
	assert_int_equal(service_rule(&ca, &before, &s, 9, &w.arena, &ret, &w.fault), ERR_INVALID_FIELD);
	s.state = "paused";
	assert_int_equal(service_rule(&ca, &before, &s, 9, &w.arena, &ret, &w.fault), 0);
	zwy_v1_Dimension quantity = {.name = "quantity"};
	s.dimensions = &quantity;
	s.dimensions_count = 1;
	assert_int_equal(service_rule(&ca, &before, &s, 9, &w.arena, &ret, &w.fault), ERR_INVALID_FIELD);
	s.dimensions_count = 0;
	s.layer = "faas";
	assert_int_equal(service_rule(&ca, &before, &s, 9, &w.arena, &ret, &w.fault), ERR_INVALID_FIELD);
	assert_string_equal(w.fault.article, "8");
}

static void
art_06_one_core_and_thirteen_backbone_nodes(void **state)
{
	zwy_v1_Node many[14], ret;
	const zwy_v1_Node *all[14];
	(void)state;
	for (int i = 0; i < 14; i++) {
		many[i] = (zwy_v1_Node){.name = "nodes/x",
					.kind = i ? "backbone" : "core",
					.region = arena_printf(&w.arena, "32%02d00", i)};
		all[i] = &many[i];
		assert_int_equal(node_rule(&program, NULL, &many[i], NULL, NULL, all, (size_t)i, &w.arena,
					   &ret, &w.fault),
				 0);
	}
	zwy_v1_Node more = {.name = "nodes/more", .kind = "backbone", .region = "329900"};
	assert_int_equal(node_rule(&program, NULL, &more, NULL, NULL, all, 14, &w.arena, &ret, &w.fault),
			 ERR_NODE_LAYOUT);
	more.kind = "core";
	assert_int_equal(node_rule(&program, NULL, &more, NULL, NULL, all, 14, &w.arena, &ret, &w.fault),
			 ERR_NODE_LAYOUT);
	assert_string_equal(w.fault.article, "6");
	more = many[3];
	assert_int_equal(node_rule(&program, NULL, &more, NULL, NULL, all, 13, &w.arena, &ret, &w.fault),
			 ERR_NODE_LAYOUT);
	assert_int_equal(node_rule(&adm, NULL, &more, NULL, NULL, all, 3, &w.arena, &ret, &w.fault),
			 ERR_NODE_LAYOUT);
}

static void
art_04_a_node_is_ready_with_both_bodies(void **state)
{
	zwy_v1_Node n = w.suzhou, ret;
	zwy_v1_Department bureau = {.name = "departments/suzhou-data-bureau", .region = "320500"},
			  elsewhere = w.finance;
	(void)state;
	n.competent_authority = "departments/suzhou-data-bureau";
	n.operator= "";
	n.ready = true;
	assert_int_equal(node_rule(&adm, &w.suzhou, &n, &bureau, NULL, nodes, 2, &w.arena, &ret, &w.fault),
			 0);
	assert_false(ret.ready);
	assert_string_equal(ret.competent_authority, "suzhou-data-bureau");
	n.operator= "suzhou-bigdata";
	assert_int_equal(node_rule(&adm, &w.suzhou, &n, &bureau, &bureau, nodes, 2, &w.arena, &ret, &w.fault),
			 0);
	assert_true(ret.ready);
	assert_int_equal(node_rule(&adm, &w.suzhou, &n, &bureau, NULL, nodes, 2, &w.arena, &ret, &w.fault),
			 ERR_INVALID_FIELD);
	assert_int_equal(node_rule(&adm, &w.suzhou, &n, &elsewhere, &bureau, nodes, 2, &w.arena, &ret,
				   &w.fault),
			 ERR_INVALID_FIELD);
	assert_int_equal(node_rule(&suzhou_ca, &w.suzhou, &n, &bureau, &bureau, nodes, 2, &w.arena, &ret,
				   &w.fault),
			 ERR_WRONG_ROLE);
	n.region = "320600";
	assert_int_equal(node_rule(&adm, &w.suzhou, &n, &bureau, &bureau, nodes, 2, &w.arena, &ret, &w.fault),
			 ERR_NODE_LAYOUT);
}

static void
art_04_another_body_needs_another_document(void **state)
{
	zwy_v1_Department bureau = {.name = "departments/suzhou-office", .region = "320500"};
	zwy_v1_Node before = w.suzhou, n, ret;
	(void)state;
	before.designation = "old.pdf sha256:" HEX64;
	n = before;
	n.operator= "suzhou-office";
	assert_int_equal(node_rule(&adm, &before, &n, &bureau, &bureau, nodes, 2, &w.arena, &ret, &w.fault),
			 ERR_DOCUMENT_MISSING);
	assert_string_equal(w.fault.article, "4");
	n.designation = "new.pdf";
	assert_int_equal(node_rule(&adm, &before, &n, &bureau, &bureau, nodes, 2, &w.arena, &ret, &w.fault),
			 ERR_INVALID_FIELD);
	n.designation = "new.pdf sha256:" HEX64_OTHER;
	assert_int_equal(node_rule(&adm, &before, &n, &bureau, &bureau, nodes, 2, &w.arena, &ret, &w.fault),
			 0);
	/* A body that goes needs none, nor does what the article itself names. */
	n = before;
	n.operator= "";
	assert_int_equal(node_rule(&adm, &before, &n, &bureau, NULL, nodes, 2, &w.arena, &ret, &w.fault), 0);
	assert_false(ret.ready);
}

static void
the_administrator_imports_the_calendar(void **state)
{
	zwy_v1_CalendarDay d = {.date = "2027-01-01", .kind = "holiday"};
	zwy_v1_CalendarYear y = {.name = "calendar/2027", .days_count = 1, .days = &d}, ret;
	(void)state;
	assert_int_equal(calendar_rule(&adm, NULL, &y, &w.arena, &ret, &w.fault), 0);
	assert_int_equal(calendar_rule(&ca, NULL, &y, &w.arena, &ret, &w.fault), ERR_WRONG_ROLE);
	y.name = "calendar/2028";
	assert_int_equal(calendar_rule(&adm, NULL, &y, &w.arena, &ret, &w.fault), ERR_INVALID_FIELD);
	y.name = "calendar/next";
	assert_int_equal(calendar_rule(&adm, NULL, &y, &w.arena, &ret, &w.fault), ERR_INVALID_NAME);
}

static void
the_province_changes_parameters_within_their_bounds(void **state)
{
	zwy_v1_Parameter p = {.name = "parameters/provision.wd", .value = "3"}, ret;
	(void)state;
	assert_int_equal(parameter_rule(&ca, NULL, &p, (struct rules_change){2, 0}, &w.arena, &ret, &w.fault),
			 0);
	assert_true(ret.statutory);
	assert_string_equal(ret.article, "14");
	assert_string_equal(ret.type, "int");
	assert_int_equal(parameter_rule(&suzhou_ca, NULL, &p, (struct rules_change){2, 0}, &w.arena, &ret,
					&w.fault),
			 ERR_WRONG_JURISDICTION);
	assert_int_equal(parameter_rule(&adm, NULL, &p, (struct rules_change){2, 0}, &w.arena, &ret,
					&w.fault),
			 ERR_WRONG_ROLE);
	p.value = "6";
	assert_int_equal(parameter_rule(&ca, NULL, &p, (struct rules_change){2, 0}, &w.arena, &ret, &w.fault),
			 ERR_INVALID_FIELD);
	assert_string_equal(w.fault.article, "14");
	p.name = "parameters/provision.weeks";
	assert_int_equal(parameter_rule(&ca, NULL, &p, (struct rules_change){2, 0}, &w.arena, &ret, &w.fault),
			 ERR_NOT_FOUND);
	p.name = "parameters/approve.over_negative";
	p.value = "true";
	assert_int_equal(parameter_rule(&ca, NULL, &p, (struct rules_change){2, 0}, &w.arena, &ret, &w.fault),
			 0);
	assert_string_equal(ret.value, "1");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
		TEST(art_04_departments_are_kept_by_their_nodes_authority),
		TEST(art_05_level_and_region_must_agree),
		TEST(art_04_systems_are_kept_by_their_own_department),
		TEST(quota_limits_are_the_authoritys_and_balances_nobodys),
		TEST(art_16_a_limit_below_what_is_held_keeps_the_balance),
		TEST(quota_dimensions_are_those_of_the_catalogue),
		TEST(principals_are_the_administrators),
		TEST(an_administrator_cannot_shut_itself_out),
		TEST(delegations_name_persons_or_anybody),
		TEST(art_11_the_province_publishes_and_a_retired_slug_stays_retired),
		TEST(art_06_one_core_and_thirteen_backbone_nodes),
		TEST(art_04_a_node_is_ready_with_both_bodies),
		TEST(art_04_another_body_needs_another_document),
		TEST(the_administrator_imports_the_calendar),
		TEST(the_province_changes_parameters_within_their_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
