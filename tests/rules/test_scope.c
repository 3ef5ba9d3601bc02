/* Articles 4, 5, 6 and 9: guidance, exemptions, clouds of before, zones. */
#include "fixture.h"

#include "rules/records.h"

static struct world w;
#define NOW at("2026-11-23")
#define DOC "basis.pdf sha256:" HEX64
static const struct actor ca_2 =
	PERSON("ma", BIT(CA), zwy_v1_LEVEL_PROVINCE, "320000", "jiangsu-data-bureau", "core");
static const struct actor *const everybody[] = {&du,  &du_health, &ca,  &ca_2,      &op,        &sp,
						&reg, &aud,       &adm, &suzhou_ca, &suzhou_op, &suzhou_du};

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

static struct scope_facts
facts_of(const struct actor *actor)
{
	return (struct scope_facts){.actor = actor,
				    .now = NOW,
				    .system = &w.portal,
				    .to_system = &w.portal,
				    .department = &w.finance,
				    .node = &w.core};
}

static int
act(const struct actor *actor, enum kind kind, const void *before, const char *action, const char *reason,
    void *ret)
{
	struct form_entry form = {"reason", reason};
	struct act a = {.action = action, .form = &form, .form_count = reason ? 1 : 0};
	struct register_facts facts = {.actor = actor, .now = NOW, .node = &w.core};
	const struct register_step *step;
	return register_act(&facts, register_find(kind), before, &a, &w.arena, ret, &step, &w.fault);
}

/* ---- Article 5 ------------------------------------------------------------------------- */

static zwy_v1_Exemption
a_claim(void)
{
	return (zwy_v1_Exemption){.name = "exemptions/portal",
				  .system = "systems/finance-portal",
				  .basis = "国家金库条例 第二条",
				  .document = DOC};
}

static int
claim(const struct actor *actor, const zwy_v1_Exemption *before, const zwy_v1_Exemption *asked,
      zwy_v1_Exemption *ret)
{
	struct scope_facts facts = facts_of(actor);
	return exemption_rule(&facts, before, asked, &w.arena, ret, &w.fault);
}

static void
art_05_an_exemption_needs_a_basis_and_its_document(void **state)
{
	zwy_v1_Exemption e = a_claim(), ret;
	(void)state;
	assert_int_equal(claim(&du, NULL, &e, &ret), 0);
	assert_string_equal(ret.state, "claimed");
	assert_string_equal(ret.department, "provincial-finance");
	assert_string_equal(ret.node, "core");
	e.basis = "  ";
	assert_int_equal(claim(&du, NULL, &e, &ret), ERR_FIELD_MISSING);
	assert_string_equal(w.fault.article, "5");
	e = a_claim();
	e.document = "basis.pdf";
	assert_int_equal(claim(&du, NULL, &e, &ret), ERR_DOCUMENT_MISSING);
	assert_string_equal(w.fault.article, "5");
	e = a_claim();
	e.state = "confirmed"; /* not theirs to say */
	assert_int_equal(claim(&du, NULL, &e, &ret), 0);
	assert_string_equal(ret.state, "claimed");
}

static void
art_05_the_systems_own_department_claims(void **state)
{
	zwy_v1_Exemption e = a_claim(), ret;
	(void)state;
	assert_int_equal(claim(&du_health, NULL, &e, &ret), ERR_FOREIGN_RECORD);
	assert_int_equal(claim(&ca, NULL, &e, &ret), ERR_WRONG_ROLE);
	assert_int_equal(claim(&op, NULL, &e, &ret), ERR_WRONG_ROLE);
}

static void
art_05_one_claim_at_a_time(void **state)
{
	zwy_v1_Exemption e = a_claim(), earlier = a_claim(), ret;
	struct scope_facts facts = facts_of(&du);
	static char *const states[] = {"claimed", "confirmed", "refused"};
	(void)state;
	facts.earlier = &earlier;
	for (size_t i = 0; i < COUNT(states); i++) {
		earlier.state = states[i];
		assert_int_equal(exemption_rule(&facts, NULL, &e, &w.arena, &ret, &w.fault),
				 i < 2 ? ERR_WRONG_STATE : 0);
	}
	/* What was decided is not rewritten; what was not may be. */
	earlier.state = "confirmed";
	assert_int_equal(claim(&du, &earlier, &e, &ret), ERR_WRONG_STATE);
	assert_int_equal(claim(&du, NULL, &e, &earlier), 0);
	assert_int_equal(claim(&du, &earlier, &e, &ret), 0);
	assert_int_equal(ret.submitters_count, 1);
}

static void
art_05_the_authority_confirms_or_refuses_and_nobody_their_own(void **state)
{
	zwy_v1_Exemption e = a_claim(), claimed, ret;
	(void)state;
	assert_int_equal(claim(&du, NULL, &e, &claimed), 0);
	assert_int_equal(act(&suzhou_ca, KIND_EXEMPTION, &claimed, "confirm", NULL, &ret),
			 ERR_WRONG_JURISDICTION);
	assert_int_equal(act(&op, KIND_EXEMPTION, &claimed, "confirm", NULL, &ret), ERR_WRONG_ROLE);
	assert_int_equal(act(&du, KIND_EXEMPTION, &claimed, "confirm", NULL, &ret), ERR_WRONG_ROLE);
	struct actor both = du;
	both.roles |= BIT(CA);
	assert_int_equal(act(&both, KIND_EXEMPTION, &claimed, "confirm", NULL, &ret), ERR_SELF_DECISION);
	struct actor in_her_name = ca;
	in_her_name.caller = du.principal;
	assert_int_equal(act(&in_her_name, KIND_EXEMPTION, &claimed, "confirm", NULL, &ret),
			 ERR_SELF_DECISION);
	assert_int_equal(act(&ca, KIND_EXEMPTION, &claimed, "refuse", NULL, &ret), ERR_FORM_INCOMPLETE);
	assert_int_equal(act(&ca, KIND_EXEMPTION, &claimed, "refuse", "no such rule", &ret), 0);
	assert_string_equal(ret.state, "refused");
	assert_string_equal(ret.last_action.comment, "no such rule");
	assert_int_equal(act(&ca, KIND_EXEMPTION, &claimed, "confirm", NULL, &ret), 0);
	assert_string_equal(ret.state, "confirmed");
	assert_string_equal(ret.last_action.actor, ca.principal);
	assert_int_equal(act(&ca, KIND_EXEMPTION, &ret, "refuse", "late", &claimed), ERR_WRONG_STATE);
}

static void
art_05_a_department_cannot_write_its_own_exemption(void **state)
{
	zwy_v1_System asked = w.portal, before = w.portal, ret;
	(void)state;
	asked.name_zh = before.name_zh = "门户";
	asked.exempt = true;
	asked.exemption = "exemptions/none";
	assert_int_equal(system_rule(&du, NULL, &asked, &w.finance, &w.arena, &ret, &w.fault), 0);
	assert_false(ret.exempt);
	before.exempt = true;
	before.exemption = "exemptions/portal";
	asked.exempt = false;
	assert_int_equal(system_rule(&du, &before, &asked, &w.finance, &w.arena, &ret, &w.fault), 0);
	assert_true(ret.exempt);
	assert_string_equal(ret.exemption, "exemptions/portal");
}

/* ---- Article 6 ------------------------------------------------------------------------- */

static zwy_v1_LegacyCloud
a_cloud(void)
{
	return (zwy_v1_LegacyCloud){.name = "legacy-clouds/old",
				    .department = "provincial-finance",
				    .name_zh = "财政私有云",
				    .tenure = "leased",
				    .vcpu = 100,
				    .memory_gib = 400,
				    .storage_gib = 8000,
				    .platform = "OpenStack Queens",
				    .end_date = "2027-06-30"};
}

static int
cloud(const struct actor *actor, const zwy_v1_LegacyCloud *before, const zwy_v1_LegacyCloud *asked,
      zwy_v1_LegacyCloud *ret)
{
	struct scope_facts facts = facts_of(actor);
	return legacy_cloud_rule(&facts, before, asked, &w.arena, ret, &w.fault);
}

static void
art_06_a_legacy_cloud_neither_grows_nor_lasts_longer(void **state)
{
	zwy_v1_LegacyCloud c = a_cloud(), before, ret;
	(void)state;
	assert_int_equal(cloud(&du, NULL, &c, &before), 0);
	assert_string_equal(before.state, "registered");
	assert_string_equal(before.lease, "active");
	assert_false(before.exempted);
	uint64_t *figures[] = {&c.vcpu, &c.memory_gib, &c.storage_gib};
	for (size_t i = 0; i < COUNT(figures); i++) {
		*figures[i] += 1;
		assert_int_equal(cloud(&du, &before, &c, &ret), ERR_CLOUD_FROZEN);
		assert_string_equal(w.fault.article, "6");
		assert_int_equal(cloud(&ca, &before, &c, &ret), ERR_CLOUD_FROZEN);
		*figures[i] -= 2;
		assert_int_equal(cloud(&du, &before, &c, &ret), 0);
		c = a_cloud();
	}
	c.platform = "OpenStack Caracal";
	assert_int_equal(cloud(&du, &before, &c, &ret), ERR_CLOUD_FROZEN);
	c = a_cloud();
	c.end_date = "2027-07-01";
	assert_int_equal(cloud(&du, &before, &c, &ret), ERR_CLOUD_FROZEN);
	assert_non_null(strstr(w.fault.text, "不再续租"));
	c.vcpu = 101;
	assert_int_equal(cloud(&du, &before, &c, &ret), ERR_CLOUD_FROZEN);
	assert_int_equal(w.fault.item_count, 2);
	c = a_cloud();
	c.end_date = "2027-05-31";
	assert_int_equal(cloud(&du, &before, &c, &ret), 0);
	assert_string_equal(ret.clocks[0].due_date, "2027-05-31");
	c.tenure = "owned";
	assert_int_equal(cloud(&du, &before, &c, &ret), ERR_INVALID_FIELD);
}

static void
art_06_the_authoritys_own_cloud_may_grow(void **state)
{
	zwy_v1_LegacyCloud c = a_cloud(), before, ret;
	(void)state;
	w.core.competent_authority = "provincial-finance";
	assert_int_equal(cloud(&du, NULL, &c, &before), 0);
	assert_true(before.exempted);
	c.vcpu = 200;
	c.platform = "OpenStack Caracal";
	c.end_date = "2030-06-30";
	assert_int_equal(cloud(&du, &before, &c, &ret), 0);
	assert_string_equal(ret.clocks[0].due_date, "2030-06-30");
	assert_int_equal(act(&ca, KIND_LEGACY_CLOUD, &before, "freeze", NULL, &ret), ERR_WRONG_STATE);
}

static void
art_06_the_owner_or_its_authority_keeps_the_register(void **state)
{
	zwy_v1_LegacyCloud c = a_cloud(), ret;
	(void)state;
	for (size_t i = 0; i < COUNT(everybody); i++) {
		bool may = everybody[i] == &du || everybody[i] == &ca || everybody[i] == &ca_2;
		assert_int_equal(cloud(everybody[i], NULL, &c, &ret) == 0, may);
	}
	c.end_date = "";
	assert_int_equal(cloud(&du, NULL, &c, &ret), ERR_FIELD_MISSING);
	c.end_date = "2027-02-30";
	assert_int_equal(cloud(&du, NULL, &c, &ret), ERR_INVALID_FIELD);
	c = a_cloud();
	c.tenure = "borrowed";
	assert_int_equal(cloud(&du, NULL, &c, &ret), ERR_INVALID_FIELD);
}

static void
art_06_a_legacy_cloud_retires_when_its_day_has_passed(void **state)
{
	zwy_v1_LegacyCloud c = a_cloud(), before, frozen, ret;
	const struct register_desc *desc = register_find(KIND_LEGACY_CLOUD);
	const struct register_step *step;
	struct register_facts facts = {.actor = &ca, .now = day_start(date("2027-06-30")), .node = &w.core};
	(void)state;
	assert_int_equal(cloud(&du, NULL, &c, &before), 0);
	assert_int_equal(act(&ca, KIND_LEGACY_CLOUD, &before, "freeze", NULL, &frozen), 0);
	assert_int_equal(register_clock(&facts, desc, &frozen, "lease", &w.arena, &ret, &step, &w.fault), 0);
	assert_null(step);
	facts.now = day_start(date("2027-07-01"));
	assert_int_equal(register_clock(&facts, desc, &frozen, "life", &w.arena, &ret, &step, &w.fault), 0);
	assert_null(step);
	assert_int_equal(register_clock(&facts, desc, &frozen, "lease", &w.arena, &ret, &step, &w.fault), 0);
	assert_string_equal(ret.state, "retiring");
	assert_string_equal(ret.lease, "ended");
	assert_true(ret.clocks[0].has_stop_time);
	assert_int_equal(register_clock(&facts, desc, &ret, "lease", &w.arena, &before, &step, &w.fault), 0);
	assert_null(step);
	assert_int_equal(act(&du_health, KIND_LEGACY_CLOUD, &ret, "retire", NULL, &before),
			 ERR_FOREIGN_RECORD);
	assert_int_equal(act(&du, KIND_LEGACY_CLOUD, &ret, "retire", NULL, &before), 0);
	assert_string_equal(before.state, "retired");
	assert_int_equal(cloud(&du, &before, &c, &ret), ERR_WRONG_STATE);
}

/* ---- Article 9 ------------------------------------------------------------------------- */

static zwy_v1_Exchange
an_exchange(void)
{
	return (zwy_v1_Exchange){.name = "exchanges/portal-out",
				 .from_system = "finance-portal",
				 .from_zone = zwy_v1_ZONE_EXTRANET,
				 .to_system = "finance-portal",
				 .to_zone = zwy_v1_ZONE_INTERNET,
				 .purpose = "publishes notices through a one-way gap",
				 .valid_until = "2027-11-23"};
}

static int
exchange(const struct actor *actor, const zwy_v1_Exchange *asked, zwy_v1_Exchange *ret)
{
	struct scope_facts facts = facts_of(actor);
	return exchange_rule(&facts, NULL, asked, &w.arena, ret, &w.fault);
}

static void
art_09_an_exchange_joins_the_two_zones_of_one_node(void **state)
{
	zwy_v1_Exchange e = an_exchange(), ret;
	struct scope_facts facts = facts_of(&du);
	(void)state;
	assert_int_equal(exchange(&du, &e, &ret), 0);
	assert_string_equal(ret.state, "requested");
	assert_int_equal(exchange(&du_health, &e, &ret), ERR_FOREIGN_RECORD);
	e.to_zone = zwy_v1_ZONE_EXTRANET;
	assert_int_equal(exchange(&du, &e, &ret), ERR_INVALID_FIELD);
	e.to_zone = zwy_v1_ZONE_UNSPECIFIED;
	assert_int_equal(exchange(&du, &e, &ret), ERR_FIELD_MISSING);
	e = an_exchange();
	e.valid_until = "2026-11-22";
	assert_int_equal(exchange(&du, &e, &ret), ERR_INVALID_FIELD);
	e = an_exchange();
	e.purpose = "";
	assert_int_equal(exchange(&du, &e, &ret), ERR_FIELD_MISSING);
	e = an_exchange();
	facts.to_system = &w.suzhou_budget;
	assert_int_equal(exchange_rule(&facts, NULL, &e, &w.arena, &ret, &w.fault), ERR_INVALID_FIELD);
	assert_string_equal(w.fault.article, "9");
	facts.to_system = NULL;
	assert_int_equal(exchange_rule(&facts, NULL, &e, &w.arena, &ret, &w.fault), ERR_UNKNOWN_SYSTEM);
}

/* A submission whose first item links to the internet zone, through e. */
static int
submit_linked(const zwy_v1_Exchange *e)
{
	struct fault missing = {0};
	struct request *r = &w.request;
	request_good(r);
	r->items[0].link = zwy_v1_ZONE_INTERNET;
	r->items[0].exchange = e ? "portal-out" : "";
	world_load(&w, &r->a, &du, NOW);
	w.items[0].exchange = e;
	w.out = (struct outcome){0};
	return application_create(&w.facts, &r->a, true, &w.arena, &w.out, &missing, &w.fault);
}

static void
art_09_no_item_links_across_zones_without_an_approved_exchange(void **state)
{
	zwy_v1_Exchange e = an_exchange(), requested, approved;
	(void)state;
	assert_int_equal(submit_linked(NULL), ERR_LINK_UNAPPROVED);
	assert_string_equal(w.fault.article, "9");
	assert_int_equal(exchange(&du, &e, &requested), 0);
	assert_int_equal(submit_linked(&requested), ERR_LINK_UNAPPROVED);
	assert_int_equal(act(&ca, KIND_EXCHANGE, &requested, "approve", NULL, &approved), 0);
	assert_int_equal(submit_linked(&approved), 0);
	e = approved;
	e.from_system = "health-records";
	assert_int_equal(submit_linked(&e), ERR_LINK_UNAPPROVED);
	e = approved;
	e.valid_until = "2026-11-22";
	assert_int_equal(submit_linked(&e), ERR_LINK_UNAPPROVED);
	e = approved;
	e.from_zone = zwy_v1_ZONE_INTERNET;
	e.to_zone = zwy_v1_ZONE_EXTRANET;
	assert_int_equal(submit_linked(&e), ERR_LINK_UNAPPROVED);
	assert_int_equal(act(&du, KIND_EXCHANGE, &approved, "end", "moved", &e), 0);
	assert_int_equal(submit_linked(&e), ERR_LINK_UNAPPROVED);
}

static void
art_09_a_resource_lies_in_its_items_zone_or_the_applications(void **state)
{
	struct request r;
	(void)state;
	request_good(&r);
	r.items[1].zone = zwy_v1_ZONE_INTERNET;
	assert_int_equal(world_create(&w, &r.a, true, &du, "2026-11-23"), 0);
	assert_int_equal(world_act(&w, &ca, NOW, "accept", NULL), 0);
	assert_int_equal(world_act(&w, &op, NOW, "assign", NULL), 0);
	assert_int_equal(world_act(&w, &op, NOW, "opinion", "result", "pass", OPINION, NULL), 0);
	assert_int_equal(world_act(&w, &op, NOW, "forward", NULL), 0);
	assert_int_equal(world_act(&w, &ca, NOW, "decide", "decision", "approve", NULL), 0);
	assert_int_equal(world_act(&w, &op, NOW, "start", NULL), 0);
	assert_int_equal(world_act(&w, &op, NOW, "deliver", NULL), 0);
	assert_int_equal(w.out.resources[0].resource.zone, zwy_v1_ZONE_EXTRANET);
	assert_int_equal(w.out.resources[1].resource.zone, zwy_v1_ZONE_INTERNET);
}

/* ---- Article 4 ------------------------------------------------------------------------- */

static void
art_04_the_provinces_operator_guides_a_citys_records(void **state)
{
	zwy_v1_Guidance g = {.name = "guidance/note", .about = "nodes/suzhou", .text = "mind the plan"}, ret;
	struct scope_facts facts = {.node = &w.suzhou, .about_department = "suzhou-finance", .now = NOW};
	(void)state;
	for (size_t i = 0; i < COUNT(everybody); i++) {
		facts.actor = everybody[i];
		int r = guidance_rule(&facts, NULL, &g, &w.arena, &ret, &w.fault);
		assert_int_equal(r, everybody[i] == &op          ? 0
				    : everybody[i] == &suzhou_op ? ERR_WRONG_JURISDICTION
								 : ERR_WRONG_ROLE);
	}
	facts.actor = &op;
	assert_int_equal(guidance_rule(&facts, NULL, &g, &w.arena, &ret, &w.fault), 0);
	assert_string_equal(ret.node, "suzhou");
	assert_string_equal(ret.author, op.principal);
	assert_int_equal(guidance_rule(&facts, &ret, &g, &w.arena, &ret, &w.fault), ERR_WRONG_STATE);
	facts.node = &w.core;
	assert_int_equal(guidance_rule(&facts, NULL, &g, &w.arena, &ret, &w.fault), ERR_INVALID_FIELD);
	facts.node = NULL;
	assert_int_equal(guidance_rule(&facts, NULL, &g, &w.arena, &ret, &w.fault), ERR_INVALID_FIELD);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
		TEST(art_05_an_exemption_needs_a_basis_and_its_document),
		TEST(art_05_the_systems_own_department_claims),
		TEST(art_05_one_claim_at_a_time),
		TEST(art_05_the_authority_confirms_or_refuses_and_nobody_their_own),
		TEST(art_05_a_department_cannot_write_its_own_exemption),
		TEST(art_06_a_legacy_cloud_neither_grows_nor_lasts_longer),
		TEST(art_06_the_authoritys_own_cloud_may_grow),
		TEST(art_06_the_owner_or_its_authority_keeps_the_register),
		TEST(art_06_a_legacy_cloud_retires_when_its_day_has_passed),
		TEST(art_09_an_exchange_joins_the_two_zones_of_one_node),
		TEST(art_09_no_item_links_across_zones_without_an_approved_exchange),
		TEST(art_09_a_resource_lies_in_its_items_zone_or_the_applications),
		TEST(art_04_the_provinces_operator_guides_a_citys_records),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
