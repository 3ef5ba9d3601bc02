/* Article 36: cities may have rules of their own; they tighten what the province
 * sets, and touch only cases begun after them. */
#include "fixture.h"
#include "rules/overlay.h"
#include "rules/records.h"

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

static zwy_v1_NodeParameter set; /* what the last one came to */

/* A city's own value, beside the province's default or `province`. */
static int
overlay(const struct actor *actor, const zwy_v1_Node *node, const char *key, const char *province,
	const char *value)
{
	zwy_v1_Parameter p = {.value = (char *)province};
	zwy_v1_NodeParameter asked = {
		.name = arena_printf(&w.arena, "nodes/x/parameters/%s", key),
		.value = (char *)value,
		.basis = "苏州市政务云管理实施细则第八条",
		.reason = "trial",
	};
	struct overlay_facts facts = {
		.node = node,
		.province = province ? &p : NULL,
		.parameters = &w.parameters,
		.change = {.version = 2, .now = at("2026-11-23")},
	};
	return overlay_rule(actor, NULL, &asked, &facts, &w.arena, &set, &w.fault);
}

static void
art_36_a_city_tightens_and_never_loosens(void **state)
{
	static const struct {
		const char *key, *province, *value;
		bool stands;
	} rows[] = {
		{"provision.wd", NULL, "3", true},
		{"provision.wd", NULL, "5", true},
		{"provision.wd", "4", "5", false},
		{"provision.wd", "2", "3", false},
		{"supplement.wd", NULL, "10", true},
		{"supplement.wd", NULL, "21", false},
		{"ext.lead_wd", NULL, "20", true},
		{"ext.lead_wd", "20", "15", false},
		{"ext.lead_mode", NULL, "clear", true},
		{"ext.lead_mode", "clear", "civil", false},
		{"ext.max_count", NULL, "0", true},
		{"ext.max_count", NULL, "2", false},
		{"change.major.percent", NULL, "20", true},
		{"change.major.percent", NULL, "80", false},
		{"util.low.cpu_avg_percent", NULL, "20", true},
		{"util.low.cpu_avg_percent", NULL, "5", false},
		{"optimise.reclaim_all_ack_ca", NULL, "1", true},
		{"approve.over_negative", NULL, "1", false},
		{"clock.day_end", NULL, "17:30:00", true},
		{"clock.day_end", "17:30:00", "18:00:00", false},
		{"misuse.codes", "a b", "b c a", true},
		{"misuse.codes", "a b", "b c", false},
		{"clock.count_start_day", NULL, "1", false},
		{"overlay.allow_loosen", NULL, "1", false},
		{"regulation.effective_date", NULL, "2026-01-01", false},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int r = overlay(&suzhou_ca, &w.suzhou, rows[i].key, rows[i].province, rows[i].value);
		assert_int_equal(r, rows[i].stands ? 0 : ERR_RULE_LOOSENED);
		const struct parameter_desc *p = parameter_find(rows[i].key);
		const char *province = rows[i].province ? rows[i].province : p->default_value;
		if (rows[i].stands) {
			assert_string_equal(set.effective_value, rows[i].value);
			assert_string_equal(set.source, "city");
			assert_string_equal(set.province_value, province);
			assert_string_equal(set.article, p->article);
			assert_int_equal(set.statutory, p->statutory);
		} else {
			assert_string_equal(w.fault.article, "36");
			assert_non_null(strstr(w.fault.text, province));
			assert_true(p->tighter == TIGHTER_FIXED || strstr(w.fault.text, rows[i].value));
		}
	}
}

static void
art_36_with_leave_to_loosen_what_the_regulation_sets_still_only_shrinks(void **state)
{
	(void)state;
	w.parameters.number[PARAM_ALLOW_LOOSEN] = 1;
	assert_int_equal(overlay(&suzhou_ca, &w.suzhou, "supplement.wd", NULL, "30"), 0);
	assert_string_equal(set.effective_value, "30");
	assert_int_equal(overlay(&suzhou_ca, &w.suzhou, "provision.wd", "4", "5"), ERR_RULE_LOOSENED);
	assert_int_equal(overlay(&suzhou_ca, &w.suzhou, "provision.wd", NULL, "6"), ERR_INVALID_FIELD);
	assert_int_equal(overlay(&suzhou_ca, &w.suzhou, "ext.lead_wd", "20", "15"), ERR_RULE_LOOSENED);
	assert_int_equal(overlay(&suzhou_ca, &w.suzhou, "clock.count_start_day", NULL, "1"),
			 ERR_RULE_LOOSENED);
}

static void
art_36_only_the_citys_own_authority_and_on_a_legal_basis(void **state)
{
	(void)state;
	assert_int_equal(overlay(&ca, &w.suzhou, "provision.wd", NULL, "3"), ERR_WRONG_JURISDICTION);
	assert_int_equal(overlay(&suzhou_op, &w.suzhou, "provision.wd", NULL, "3"), ERR_WRONG_ROLE);
	assert_int_equal(overlay(&suzhou_du, &w.suzhou, "provision.wd", NULL, "3"), ERR_WRONG_ROLE);
	assert_int_equal(overlay(&adm, &w.suzhou, "provision.wd", NULL, "3"), ERR_WRONG_ROLE);
	assert_int_equal(overlay(&ca, &w.core, "provision.wd", NULL, "3"), ERR_INVALID_FIELD);
	assert_int_equal(overlay(&suzhou_ca, NULL, "provision.wd", NULL, "3"), ERR_NOT_FOUND);
	assert_int_equal(overlay(&suzhou_ca, &w.suzhou, "provision.weeks", NULL, "3"), ERR_NOT_FOUND);
	zwy_v1_NodeParameter asked = {.name = "nodes/suzhou/parameters/provision.wd", .value = "3"}, ret;
	struct overlay_facts facts = {.node = &w.suzhou, .parameters = &w.parameters};
	assert_int_equal(overlay_rule(&suzhou_ca, NULL, &asked, &facts, &w.arena, &ret, &w.fault),
			 ERR_FIELD_MISSING);
	assert_string_equal(w.fault.article, "36");
}

static void
art_36_every_change_is_kept_with_who_and_why(void **state)
{
	struct overlay_facts facts = {.node = &w.suzhou, .parameters = &w.parameters, .change = {3, 0}};
	zwy_v1_NodeParameter first, second;
	(void)state;
	assert_int_equal(overlay(&suzhou_ca, &w.suzhou, "provision.wd", NULL, "3"), 0);
	first = set;
	assert_int_equal(first.changes_count, 1);
	assert_string_equal(first.set_by, "principals/lu");
	second = first;
	second.value = "";
	second.reason = "the trial has ended";
	assert_int_equal(overlay_rule(&suzhou_ca, &first, &second, &facts, &w.arena, &set, &w.fault), 0);
	assert_int_equal(set.changes_count, 2);
	assert_string_equal(set.changes[1].old_value, "3");
	assert_string_equal(set.changes[1].value, "");
	assert_string_equal(set.changes[1].reason, "the trial has ended");
	assert_int_equal(set.changes[1].version, 3);
	assert_string_equal(set.source, "province");
	assert_string_equal(set.effective_value, "5");
	assert_string_equal(parameter_change_text(&set.changes[1], &w.arena),
			    "3 -> none (the trial has ended)");
	/* A reason left standing was not given for this change. */
	second = set;
	second.value = "4";
	assert_int_equal(overlay_rule(&suzhou_ca, &first, &second, &facts, &w.arena, &set, &w.fault), 0);
	assert_int_equal(set.changes_count, 3);
}

static void
art_36_a_tighter_province_overtakes_a_city(void **state)
{
	zwy_v1_NodeParameter after;
	(void)state;
	assert_int_equal(overlay(&suzhou_ca, &w.suzhou, "provision.wd", NULL, "3"), 0);
	assert_false(overlay_follow(&set, "5", false, &w.arena, &after));
	assert_true(overlay_follow(&set, "2", false, &w.arena, &after));
	assert_string_equal(after.effective_value, "2");
	assert_string_equal(after.source, "province");
	assert_string_equal(after.value, "3");
}

static void
art_36_a_case_keeps_what_held_when_it_was_submitted(void **state)
{
	static const struct parameter_change changes[] = {
		{PARAM_PROVISION_WD, 0, "", "5"},         {PARAM_PROVISION_WD, 2, "suzhou", "3"},
		{PARAM_SUPPLEMENT_WD, 3, "", "15"},       {PARAM_PROVISION_WD, 4, "", "2"},
		{PARAM_SUPPLEMENT_WD, 5, "suzhou", "20"}, {PARAM_ALLOW_LOOSEN, 6, "", "1"},
		{PARAM_PROVISION_WD, 7, "suzhou", ""},    {PARAM_PROVISION_WD, 8, "", "5"},
	};
	static const struct {
		const char *node;
		uint32_t version;
		int provision, supplement;
	} rows[] = {
		{"suzhou", 1, 5, 20}, {"suzhou", 2, 3, 20}, {"nanjing", 2, 5, 20}, {"core", 2, 5, 20},
		{"suzhou", 3, 3, 15}, {"suzhou", 4, 2, 15}, {"core", 4, 2, 15},    {"suzhou", 5, 2, 15},
		{"suzhou", 6, 2, 20}, {"core", 6, 2, 15},   {"suzhou", 7, 2, 20},  {"suzhou", 8, 5, 20},
		{"suzhou", 0, 5, 20}, {"", 0, 5, 15},
	};
	struct parameter_history h = {changes, COUNT(changes)};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct parameters p;
		parameters_at(&h, rows[i].node, rows[i].version, &p);
		assert_int_equal(p.number[PARAM_PROVISION_WD], rows[i].provision);
		assert_int_equal(p.number[PARAM_SUPPLEMENT_WD], rows[i].supplement);
	}
}

static void
art_36_a_list_widens_for_the_cases_begun_after_it(void **state)
{
	static const char wider[] = "elastic-ip public-listener inbound-nat internet-ingress web-page";
	static const struct parameter_change changes[] = {{PARAM_TEST_EXPOSURE, 2, "suzhou", wider}};
	struct parameter_history h = {changes, COUNT(changes)};
	struct parameters p;
	(void)state;
	parameters_at(&h, "suzhou", 1, &p);
	assert_true(parameter_list_has(p.text[PARAM_TEST_EXPOSURE], SLICE("elastic-ip")));
	assert_false(parameter_list_has(p.text[PARAM_TEST_EXPOSURE], SLICE("web-page")));
	parameters_at(&h, "suzhou", 2, &p);
	assert_true(parameter_list_has(p.text[PARAM_TEST_EXPOSURE], SLICE("web-page")));
	assert_false(parameter_list_has(p.text[PARAM_TEST_EXPOSURE], SLICE("web")));
	assert_string_equal(p.text[PARAM_PROVISION_WD], "");
}

/* Whatever the province has and a city asks, what holds is never looser than the province's. */
static void
art_36_no_pair_of_values_loosens(void **state)
{
	(void)state;
	for (size_t i = 0; i < parameter_count; i++) {
		const struct parameter_desc *p = &parameter_table[i];
		if (p->type != PARAMETER_INT || p->tighter == TIGHTER_FIXED)
			continue;
		for (int theirs = 0; theirs < 40; theirs++)
			for (int ours = 0; ours < 40; ours++) {
				char province[12], own[12];
				int64_t n;
				snprintf(province, sizeof(province), "%d", theirs);
				snprintf(own, sizeof(own), "%d", ours);
				if (!parameter_number(p, province, &n) || !parameter_number(p, own, &n))
					continue;
				bool tighter =
					p->tighter == TIGHTER_SMALLER ? ours <= theirs : ours >= theirs;
				assert_int_equal(overlay_holds(p, province, own, false), tighter);
				assert_int_equal(overlay_holds(p, province, own, true),
						 tighter || !p->statutory);
			}
	}
}

static void
art_36_an_application_notes_the_rules_it_was_submitted_under(void **state)
{
	(void)state;
	request_good(&w.request);
	assert_int_equal(world_create(&w, &w.request.a, true, &du, "2026-11-23"), 0);
	assert_int_equal(w.app.rules_version, 1);
	assert_int_equal(world_act(&w, &ca, at("2026-11-24"), "return_incomplete", "reason", "plan",
				   (char *)NULL),
			 0);
	w.rules_version = 9;
	assert_int_equal(world_act(&w, &du, at("2026-11-25"), "resubmit", (char *)NULL), 0);
	assert_int_equal(w.app.rules_version, 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
		TEST(art_36_a_city_tightens_and_never_loosens),
		TEST(art_36_with_leave_to_loosen_what_the_regulation_sets_still_only_shrinks),
		TEST(art_36_only_the_citys_own_authority_and_on_a_legal_basis),
		TEST(art_36_every_change_is_kept_with_who_and_why),
		TEST(art_36_a_tighter_province_overtakes_a_city),
		TEST(art_36_a_case_keeps_what_held_when_it_was_submitted),
		TEST(art_36_a_list_widens_for_the_cases_begun_after_it),
		TEST(art_36_no_pair_of_values_loosens),
		TEST(art_36_an_application_notes_the_rules_it_was_submitted_under),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
