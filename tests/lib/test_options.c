/* Options of programs that are older or newer than the library. */
#include "drive.h"

static void
options_say_their_size(void **state)
{
	(void)state;
	struct peer peer = {0};
	peer_start(&peer);
	struct zwy_client *client = client_of(peer.target);
	struct {
		struct zwy_call_options known;
		uint64_t newer;
	} o = {.known = {.size = sizeof(o)}, .newer = 0};
	struct zwy_error error;
	assert_int_equal(zwy_unary(client, "/t/Echo", bytes_of("x"), &o.known, NULL, &error), 0);
	o.newer = 1;
	errno = 0;
	assert_null(zwy_call_start(client, "/t/Echo", bytes_of("x"), &o.known));
	assert_int_equal(errno, E2BIG);
	assert_int_equal(zwy_unary(client, "/t/Echo", bytes_of("x"), &o.known, NULL, &error), -1);
	assert_int_equal(error.status, GRPC_INVALID_ARGUMENT);
	o.known.size = 0;
	assert_null(zwy_call_start(client, "/t/Echo", bytes_of("x"), &o.known));
	assert_int_equal(errno, EINVAL);
	struct zwy_retry bare = {0};
	struct zwy_call_options with = {.size = sizeof(with), .retry = &bare};
	assert_null(zwy_call_start(client, "/t/Echo", bytes_of("x"), &with));

	struct zwy_options c = {.as = "principals/li"};
	struct zwy_client *none;
	assert_int_equal(zwy_client_new(&none, peer.target, &c, &error), -EINVAL);
	assert_non_null(strstr(error.text, "size"));
	static const struct zwy_options init = ZWY_OPTIONS_INIT;
	static const struct zwy_retry retry_init = ZWY_RETRY_INIT;
	static const struct zwy_call_options call_init = ZWY_CALL_OPTIONS_INIT;
	assert_int_equal(init.size, sizeof(init));
	assert_int_equal(retry_init.size, sizeof(retry_init));
	assert_int_equal(call_init.size, sizeof(call_init));
	zwy_client_free(client);
	peer_release(&peer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_say_their_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
