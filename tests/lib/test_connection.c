/* Servers that are away, come back, say nothing, or are where nobody is: what a
 * call is told and when it is tried again. */
#include "drive.h"

static int
call(struct zwy_client *c, const struct zwy_call_options *o, struct zwy_error *error)
{
	return zwy_unary(c, "/t/Echo", bytes_of("x"), o, NULL, error);
}

static void
a_server_that_is_away_fails_at_once_with_nothing_sent(void **state)
{
	(void)state;
	struct zwy_client *c = client_of("unix:/tmp/zwy-there-is-no-such-socket");
	struct zwy_error error;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(call(c, NULL, &error), -1);
		assert_int_equal(error.status, GRPC_UNAVAILABLE);
		assert_false(error.sent);
		assert_int_equal(error.exit_status, 6);
		assert_int_equal(error.error_number, EHOSTDOWN);
		assert_non_null(strstr(error.text, "no-such-socket"));
	}
	zwy_client_free(c);
}

static void
a_call_that_waits_gets_through_when_the_server_comes(bool is_tcp)
{
	struct peer peer = {.is_tcp = is_tcp};
	peer_start(&peer);
	peer_stop(&peer);
	struct zwy_client *c = client_of(peer.target);
	struct seen s = {0};
	struct zwy_call_options o = seen_options(&s);
	o.wait_for_ready = true;
	o.timeout_ms = -1;
	s.call = zwy_call_start(c, "/t/Echo", bytes_of("x"), &o);
	while (zwy_client_state(c) != ZWY_WAITING)
		turn(c);
	turn(c);
	assert_int_equal(s.done, 0);
	peer_start(&peer);
	drive_done(c, &s);
	assert_int_equal(s.error.status, 0);
	buf_release(&s.last);
	zwy_client_free(c);
	peer_release(&peer);
}

static void
a_call_that_waits_gets_through_unix(void **state)
{
	(void)state;
	a_call_that_waits_gets_through_when_the_server_comes(false);
}

static void
a_call_that_waits_gets_through_tcp(void **state)
{
	(void)state;
	a_call_that_waits_gets_through_when_the_server_comes(true);
}

static void
a_waiting_call_s_deadline_says_that_nothing_was_sent(void **state)
{
	(void)state;
	struct zwy_client *c = client_of("unix:/tmp/zwy-there-is-no-such-socket");
	struct zwy_call_options o = {.size = sizeof(o), .wait_for_ready = true, .timeout_ms = 300};
	struct zwy_error error;
	assert_int_equal(call(c, &o, &error), -1);
	assert_int_equal(error.status, GRPC_DEADLINE_EXCEEDED);
	assert_false(error.sent);
	assert_int_equal(error.exit_status, 6);
	assert_int_equal(error.error_number, EHOSTDOWN);
	assert_non_null(strstr(error.text, "no-such-socket: No such file or directory"));
	zwy_client_free(c);
}

static void
a_restarted_server_is_found_again(void **state)
{
	(void)state;
	for (int is_tcp = 0; is_tcp < 2; is_tcp++) {
		struct peer peer = {.is_tcp = is_tcp};
		peer_start(&peer);
		struct zwy_client *c = client_of(peer.target);
		for (int i = 0; i < 5; i++) {
			struct zwy_error error;
			assert_int_equal(call(c, NULL, &error), 0);
			peer_stop(&peer);
			peer_start(&peer);
		}
		zwy_client_free(c);
		peer_release(&peer);
	}
}

static void
a_server_killed_in_mid_call_ends_the_call(void **state)
{
	(void)state;
	struct peer peer = {0};
	peer_start(&peer);
	struct zwy_client *c = client_of(peer.target);
	struct seen s = {0};
	seen_start(c, &s, "/t/Hang", "x");
	while (atomic_load(&peer.requests) == 0)
		turn(c);
	peer_stop(&peer);
	drive_done(c, &s);
	assert_int_equal(s.error.status, GRPC_UNAVAILABLE);
	assert_true(s.error.sent);
	assert_int_equal(s.error.exit_status, 7);
	peer_start(&peer);
	struct zwy_call_options o = {.size = sizeof(o), .wait_for_ready = true};
	assert_int_equal(call(c, &o, NULL), 0);
	zwy_client_free(c);
	peer_release(&peer);
}

static void
a_server_that_says_nothing_is_given_up(void **state)
{
	(void)state;
	struct peer peer = {.mute = true};
	peer_start(&peer);
	struct zwy_client *c;
	struct zwy_options options = {.size = sizeof(options), .connect_timeout_ms = 40};
	struct zwy_error error;
	assert_int_equal(zwy_client_new(&c, peer.target, &options, NULL), 0);
	assert_int_equal(call(c, NULL, &error), -1);
	assert_int_equal(error.status, GRPC_UNAVAILABLE);
	assert_false(error.sent);
	assert_non_null(strstr(error.text, "no answer in time"));
	zwy_client_free(c);
	peer_release(&peer);
}

static void
names_are_asked_of_the_resolver(void **state)
{
	(void)state;
	struct peer peer = {.is_tcp = true};
	struct zwy_error error;
	char target[64];
	peer_start(&peer);
	snprintf(target, sizeof(target), "localhost:%u", peer.port);
	struct zwy_client *c = client_of(target);
	assert_int_equal(call(c, NULL, &error), 0);
	zwy_client_free(c);
	c = client_of("no-such-host.invalid:1");
	assert_int_equal(call(c, NULL, &error), -1);
	assert_int_equal(error.status, GRPC_UNAVAILABLE);
	assert_non_null(strstr(error.text, "no-such-host.invalid"));
	zwy_client_free(c);
	/* Given up while the resolver still works. */
	c = client_of("other-host.invalid:1");
	struct seen s = {0};
	seen_start(c, &s, "/t/Echo", "x");
	zwy_client_free(c);
	assert_int_equal(s.done, 0);
	peer_release(&peer);
}

static void
targets_are_read_as_documented(void **state)
{
	(void)state;
	static const char *const good[] = {"unix:/run/zwy/zwyd.sock", "unix:x", "127.0.0.1:1", "[::1]:65535",
					   "host.example:443"};
	static const char *const bad[] = {"",       "unix:",       "host",   ":1",     "host:",
					  "host:0", "host:65536",  "host:x", "::1:80", "[::1:80",
					  "[]:1",   "http://h:80", "ho st:1"};
	struct zwy_client *c;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(zwy_client_new(&c, good[i], NULL, NULL), 0);
		zwy_client_free(c);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(zwy_client_new(&c, bad[i], NULL, NULL), -EINVAL);
	assert_int_equal(zwy_client_new(&c, NULL, NULL, NULL), -EINVAL);
	zwy_client_free(NULL);
}

static void
the_default_target_is_what_zwy_server_says(void **state)
{
	(void)state;
	char b[128];
	setenv("ZWY_SERVER", "1.2.3.4:5", 1);
	assert_string_equal(zwy_default_target(b, sizeof(b)), "1.2.3.4:5");
	unsetenv("ZWY_SERVER");
	setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
	assert_string_equal(zwy_default_target(b, sizeof(b)),
			    geteuid() == 0 ? "unix:/run/zwy/zwyd.sock" : "unix:/run/user/7/zwy/zwyd.sock");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_that_is_away_fails_at_once_with_nothing_sent),
		cmocka_unit_test(a_call_that_waits_gets_through_unix),
		cmocka_unit_test(a_call_that_waits_gets_through_tcp),
		cmocka_unit_test(a_waiting_call_s_deadline_says_that_nothing_was_sent),
		cmocka_unit_test(a_restarted_server_is_found_again),
		cmocka_unit_test(a_server_killed_in_mid_call_ends_the_call),
		cmocka_unit_test(a_server_that_says_nothing_is_given_up),
		cmocka_unit_test(names_are_asked_of_the_resolver),
		cmocka_unit_test(targets_are_read_as_documented),
		cmocka_unit_test(the_default_target_is_what_zwy_server_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
