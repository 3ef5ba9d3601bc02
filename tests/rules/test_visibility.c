/* Who reads what (Articles 4 and 27): every kind has a row, nobody reads beyond
 * their level. */
#include "fixture.h"

#include "descriptor.h"
#include "rules/visibility.h"

static const struct actor suzhou_reg =
	PERSON("he", BIT(REG), zwy_v1_LEVEL_CITY, "320500", "suzhou-cac", "suzhou");
static const struct actor county_reg = PERSON("hu", BIT(REG), zwy_v1_LEVEL_COUNTY, "320583", "", "suzhou");
static const struct actor nobody = {.principal = "principals/new"};

static bool
reads(const struct actor *a, enum kind kind, const char *department, const char *node)
{
	return may_read(a, kind, department, node, "x");
}

static void
every_kind_has_a_row(void **state)
{
	static const struct actor all = PERSON("all", ~0u, zwy_v1_LEVEL_PROVINCE, "320000", "d", "core");
	(void)state;
	for (unsigned k = 1; k <= KIND_MAX; k++)
		if (kind_by_number(k))
			assert_int_not_equal(visible_scope(&all, (enum kind)k).visible, VISIBLE_NONE);
	assert_int_equal(visible_scope(&all, KIND_NONE).visible, VISIBLE_NONE);
	assert_int_equal(visible_scope(&all, (enum kind)250).visible, VISIBLE_NONE);
}

static void
art_04_the_province_reads_all_a_city_its_node_a_department_its_own(void **state)
{
	(void)state;
	assert_int_equal(visible_scope(&ca, KIND_APPLICATION).visible, VISIBLE_ALL);
	assert_true(reads(&op, KIND_APPLICATION, "suzhou-finance", "suzhou"));
	assert_int_equal(visible_scope(&suzhou_ca, KIND_APPLICATION).visible, VISIBLE_NODE);
	assert_true(reads(&suzhou_ca, KIND_APPLICATION, "suzhou-finance", "suzhou"));
	assert_false(reads(&suzhou_ca, KIND_APPLICATION, "nanjing-finance", "nanjing"));
	assert_false(reads(&suzhou_op, KIND_QUOTA, "provincial-finance", "core"));
	assert_true(reads(&du, KIND_RESOURCE, "provincial-finance", "core"));
	assert_false(reads(&du, KIND_RESOURCE, "provincial-health", "core"));
	assert_false(reads(&du, KIND_DEPARTMENT, "", ""));
	assert_true(reads(&sp, KIND_APPLICATION, "provincial-finance", "core"));
	assert_false(reads(&sp, KIND_APPLICATION, "suzhou-finance", "suzhou"));
}

static void
art_27_regulators_and_auditors_read_their_level(void **state)
{
	(void)state;
	assert_true(reads(&reg, KIND_DOCUMENT, "suzhou-finance", "suzhou"));
	assert_true(reads(&aud, KIND_LEDGER_ENTRY, "provincial-finance", "core"));
	assert_true(reads(&suzhou_reg, KIND_DOCUMENT, "suzhou-finance", "suzhou"));
	assert_false(reads(&suzhou_reg, KIND_DOCUMENT, "provincial-finance", "core"));
	assert_false(reads(&county_reg, KIND_DOCUMENT, "suzhou-finance", "suzhou"));
}

static void
administered_records_are_the_administrators_and_ones_own(void **state)
{
	(void)state;
	assert_true(may_read(&adm, KIND_PRINCIPAL, "", "", "li"));
	assert_true(may_read(&adm, KIND_DELEGATION, "", "", "portal"));
	assert_false(may_read(&adm, KIND_APPLICATION, "provincial-finance", "core", "A-2026-000001"));
	assert_true(may_read(&du, KIND_PRINCIPAL, "provincial-finance", "", "li"));
	assert_false(may_read(&du, KIND_PRINCIPAL, "provincial-finance", "", "zhang"));
	assert_false(may_read(&ca, KIND_DELEGATION, "", "", "chen"));
	assert_true(may_read(&du, KIND_REQUEST, "", "", "li"));
	assert_false(may_read(&adm, KIND_REQUEST, "", "", "li"));
}

static void
what_is_public_is_so_to_the_known_only(void **state)
{
	static const enum kind open_kinds[] = {KIND_SERVICE, KIND_SERVICE_VERSION,
					       KIND_NODE,    KIND_CALENDAR_YEAR,
					       KIND_RULE,    KIND_PARAMETER};
	(void)state;
	for (size_t i = 0; i < COUNT(open_kinds); i++) {
		assert_true(reads(&kunshan_du, open_kinds[i], "", ""));
		assert_true(reads(&county_reg, open_kinds[i], "", ""));
		assert_false(reads(&nobody, open_kinds[i], "", ""));
	}
	assert_false(reads(&nobody, KIND_APPLICATION, "", ""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_has_a_row),
		cmocka_unit_test(art_04_the_province_reads_all_a_city_its_node_a_department_its_own),
		cmocka_unit_test(art_27_regulators_and_auditors_read_their_level),
		cmocka_unit_test(administered_records_are_the_administrators_and_ones_own),
		cmocka_unit_test(what_is_public_is_so_to_the_known_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
