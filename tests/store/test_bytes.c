/* The bytes on disk are those that store/README.md shows. */
#include "store_test.h"

static const struct {
	enum table table;
	const char *key, *value;
} ROWS[] = {
	{TABLE_RECORDS, "0b07ea000000000001",
	 "010b000000000000000001000000630101646e0a1a6170706c69636174696f6e732f412d323032362d30"
	 "303030303110011a060880f2d6ca0622060880f2d6ca062a05647261667430013a01735201645a016e92"
	 "01130a0970726f766973696f6e32060881f2d6ca06e00101ea0107323032362d3031"},
	{TABLE_DUE, "0000019b76daabe80970726f766973696f6e0b07ea000000000001", ""},
	{TABLE_EVENTS, "0000000000000001",
	 "000000000000000000000000000000000000000000000000000000000000000001000000000000000000"
	 "01000000430101646e080112060880f2d6ca061a1a6170706c69636174696f6e732f412d323032362d30"
	 "3030303031220663726561746542117072696e636970616c732f7465737465725801"},
	{TABLE_HISTORY, "0b07ea0000000000010000000000000001", ""},
	{TABLE_INDEX, "01640000000b07ea000000000001",
	 "00056472616674000006726567756c61720000077300001c7472756500001d323032362d303100"},
	{TABLE_INDEX, "026e0000056472616674000b07ea000000000001", ""},
	{TABLE_INDEX, "0000056472616674000b07ea000000000001", ""},
	{TABLE_META, "68656164",
	 "0000000000000001950ee286481b18ebbb5a42e35ea3cc469b371cf30837e555565ac962a5bef97a"},
	{TABLE_META, "636f756e7465722f0b07ea", "0000000000000001"},
};

static void
rows_are_as_the_readme_shows_them(void **state)
{
	struct fixture *x = *state;
	struct engine *e;
	struct view *v;
	struct put_command *c = command_new(x);
	c->numbers = 1;
	command_put_application(x, c, "applications/A-2026-000001",
				&(struct application){"draft", "s", "d", "n", .open = true,
						      .due = NOW + 1000});
	assert_int_equal(store_execute(x->store, &c->command), 0);
	fixture_close(x);
	assert_int_equal(engine_open(&e, x->dir, &(struct engine_options){.map_size = TEST_MAP_SIZE}, NULL),
			 0);
	assert_int_equal(view_open(&v, e), 0);
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		char key[128], hex[1024];
		struct slice value;
		size_t n = strlen(ROWS[i].key) / 2;
		assert_true(hex_decode(key, n, slice_of(ROWS[i].key)));
		assert_int_equal(view_get(v, ROWS[i].table, slice_make(key, n), &value), 0);
		hex_encode(hex, value.p, value.n);
		assert_string_equal(hex, ROWS[i].value);
	}
	view_close(v);
	engine_close(e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rows_are_as_the_readme_shows_them, fixture_setup,
						fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
