#include "base/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
it_gives_the_burst_at_once_and_then_its_rate(void **state)
{
	(void)state;
	struct budget b = {0};
	for (int i = 0; i < 5; i++)
		assert_true(budget_spend(&b, 1000000, 5, 2, 1));
	assert_false(budget_spend(&b, 1000000, 5, 2, 1));
	assert_false(budget_spend(&b, 1000499, 5, 2, 1));
	assert_true(budget_spend(&b, 1000500, 5, 2, 1));
	assert_false(budget_spend(&b, 1000999, 5, 2, 1));
	assert_true(budget_spend(&b, 1001000, 5, 2, 1));
}

static void
what_it_refuses_costs_nothing(void **state)
{
	(void)state;
	struct budget b = {0};
	assert_false(budget_spend(&b, 0, 5, 1, 6));
	assert_true(budget_spend(&b, 0, 5, 1, 5));
	budget_forgive(&b, 2);
	assert_false(budget_spend(&b, 0, 5, 1, 3));
	assert_true(budget_spend(&b, 0, 5, 1, 2));
}

static void
the_greatest_figures_do_not_overflow(void **state)
{
	(void)state;
	struct budget b = {0};
	assert_true(budget_spend(&b, 1, INT32_MAX, INT32_MAX, INT32_MAX));
	assert_false(budget_spend(&b, 1, INT32_MAX, INT32_MAX, 1));
	assert_true(budget_spend(&b, INT64_MAX / 2, INT32_MAX, INT32_MAX, INT32_MAX));
	budget_forgive(&b, INT32_MAX);
	assert_true(budget_spend(&b, 0, INT32_MAX, 1, 1)); /* a clock that went back gives nothing */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_gives_the_burst_at_once_and_then_its_rate),
		cmocka_unit_test(what_it_refuses_costs_nothing),
		cmocka_unit_test(the_greatest_figures_do_not_overflow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
