/* Connections that die without a word, that nobody needs, and addresses that lead
 * nowhere. */
#include "drive.h"

static struct zwy_client *
client_with(const char *target, struct zwy_options o)
{
	struct zwy_client *c = NULL;
	o.size = sizeof(o);
	o.backoff_max_ms = 40;
	assert_int_equal(zwy_client_new(&c, target, &o, NULL), 0);
	return c;
}

static void
a_peer_that_went_silent_is_found_out(void **state)
{
	(void)state;
	for (int is_tcp = 0; is_tcp < 2; is_tcp++) {
		struct peer peer = {.is_tcp = is_tcp};
		peer_start(&peer);
		struct zwy_client *c =
			client_with(peer.target,
				    (struct zwy_options){.keepalive_ms = 20, .keepalive_timeout_ms = 20});
		struct seen s = {0};
		struct zwy_call_options o = seen_options(&s);
		o.timeout_ms = -1;
		s.call = zwy_call_start(c, "/t/Hang", bytes_of("x"), &o);
		while (atomic_load(&peer.requests) == 0)
			turn(c);
		peer_deafen(&peer);
		drive_done(c, &s);
		assert_int_equal(s.error.status, GRPC_UNAVAILABLE);
		assert_int_equal(s.error.exit_status, 7);
		assert_non_null(strstr(s.error.text, "no answer to a ping in time"));
		zwy_client_free(c);
		peer_release(&peer);
	}
}

static void
a_call_that_was_swallowed_is_retried_where_it_may_be(void **state)
{
	(void)state;
	struct peer peer = {0};
	struct zwy_retry retry = {.size = sizeof(retry), .initial_backoff_ms = 1, .max_attempts = 1000};
	struct zwy_call_options o = {.size = sizeof(o), .retry = &retry, .timeout_ms = -1};
	peer_start(&peer);
	struct zwy_options options = {.keepalive_ms = 20, .keepalive_timeout_ms = 20, .retry_tokens = -1};
	struct zwy_client *c = client_with(peer.target, options);
	assert_int_equal(zwy_unary(c, "/t/Echo", bytes_of("x"), &o, NULL, NULL), 0);
	peer_deafen(&peer);
	struct seen s = {0};
	o.timeout_ms = -1;
	o.done = seen_done;
	o.ctx = &s;
	assert_non_null(zwy_call_start(c, "/t/Echo", bytes_of("x"), &o));
	int accepted = atomic_load(&peer.accepted);
	while (atomic_load(&peer.accepted) == accepted)
		turn(c);
	/* The next connection is as deaf, until the network is whole again. */
	atomic_store(&peer.deaf, false);
	eventfd_write(peer.wake, 1);
	drive_done(c, &s);
	assert_int_equal(s.error.status, 0);
	zwy_client_free(c);
	peer_release(&peer);
}

static void
a_peer_that_answers_pings_is_let_be(void **state)
{
	(void)state;
	struct peer peer = {0};
	peer_start(&peer);
	struct zwy_client *c = client_with(peer.target, (struct zwy_options){.keepalive_ms = 5,
									     .keepalive_timeout_ms = 60000});
	struct seen s = {0};
	seen_start(c, &s, "/t/Hang", "x");
	while (atomic_load(&peer.pings) < 5)
		turn(c);
	assert_int_equal(s.done, 0);
	zwy_call_cancel(s.call);
	/* Without calls there is nothing to keep alive. */
	assert_int_equal(zwy_unary(c, "/t/Echo", bytes_of("x"), NULL, NULL, NULL), 0);
	int before = atomic_load(&peer.pings);
	assert_int_equal(zwy_client_timeout(c), -1);
	for (int i = 0; i < 10; i++)
		turn(c);
	assert_int_equal(atomic_load(&peer.pings), before);
	assert_int_equal(atomic_load(&peer.accepted), 1);
	zwy_client_free(c);
	peer_release(&peer);
}

static void
nobody_is_pinged_unasked(void **state)
{
	(void)state;
	struct peer peer = {0};
	peer_start(&peer);
	struct zwy_client *c = client_of(peer.target);
	struct seen s = {0};
	struct zwy_call_options o = seen_options(&s);
	o.timeout_ms = -1;
	s.call = zwy_call_start(c, "/t/Hang", bytes_of("x"), &o);
	while (atomic_load(&peer.requests) == 0)
		turn(c);
	turn(c);
	assert_int_equal(zwy_client_timeout(c), -1);
	zwy_client_free(c);
	peer_release(&peer);
}

static void
a_server_that_minds_is_asked_half_as_often(void **state)
{
	(void)state;
	struct peer peer = {.pings_allowed = 3};
	struct zwy_retry retry = {.size = sizeof(retry), .initial_backoff_ms = 1, .max_attempts = 100};
	peer_start(&peer);
	struct zwy_client *c = client_with(peer.target, (struct zwy_options){.keepalive_ms = 8,
									     .keepalive_timeout_ms = 60000,
									     .retry_tokens = -1});
	struct seen s = {0};
	seen_start(c, &s, "/t/Hang", "x");
	drive_done(c, &s);
	assert_non_null(strstr(s.error.text, "too_many_pings"));
	/* From 8 ms to 16, at least: the next ping lies further off than the first was. */
	struct seen t = {0};
	struct zwy_call_options o = seen_options(&t);
	o.timeout_ms = -1;
	o.retry = &retry;
	t.call = zwy_call_start(c, "/t/Hang", bytes_of("x"), &o);
	int requests = atomic_load(&peer.requests);
	while (atomic_load(&peer.requests) == requests)
		turn(c);
	int farthest = 0;
	for (int i = 0; i < 400 && farthest <= 8; i++) {
		int ms = zwy_client_timeout(c);
		farthest = ms > farthest ? ms : farthest;
		turn(c);
	}
	assert_true(farthest > 8);
	zwy_client_free(c);
	peer_release(&peer);
}

static void
a_connection_that_is_not_needed_is_closed(void **state)
{
	(void)state;
	struct peer peer = {0};
	peer_start(&peer);
	struct zwy_client *c = client_with(peer.target, (struct zwy_options){.idle_timeout_ms = 10});
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(zwy_unary(c, "/t/Echo", bytes_of("x"), NULL, NULL, NULL), 0);
		while (zwy_client_state(c) != ZWY_IDLE)
			turn(c);
		assert_int_equal(zwy_client_timeout(c), -1);
		while (atomic_load(&peer.closed) < i)
			turn(c);
		assert_int_equal(atomic_load(&peer.accepted), i);
	}
	struct seen s = {0};
	seen_start(c, &s, "/t/Hang", "x");
	while (atomic_load(&peer.requests) < 4)
		turn(c);
	for (int i = 0; i < 10; i++)
		turn(c);
	assert_int_equal(s.done, 0); /* in use */
	zwy_client_free(c);
	peer_release(&peer);
}

/* localhost has two addresses. Whatever the first is, the second is reached. */
static void
an_address_that_leads_nowhere_does_not_hide_the_next(void **state)
{
	(void)state;
	struct peer six = {.is_tcp = true, .is_ipv6 = true};
	int probe = socket(AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	bool has_ipv6 = probe >= 0 && bind(probe, (struct sockaddr *)&at, sizeof(at)) == 0;
	if (probe >= 0)
		close(probe);
	if (!has_ipv6)
		skip();
	peer_start(&six);
	struct zwy_call_options o = {.size = sizeof(o), .timeout_ms = 20000, .wait_for_ready = true};
	char target[64];
	snprintf(target, sizeof(target), "localhost:%u", six.port);
	/* Nobody listens at 127.0.0.1. */
	struct zwy_client *c = client_of(target);
	assert_int_equal(zwy_unary(c, "/t/Echo", bytes_of("x"), &o, NULL, NULL), 0);
	zwy_client_free(c);
	/* Somebody does, and says nothing. */
	struct peer four = {.is_tcp = true, .mute = true, .port = six.port};
	peer_start(&four);
	c = client_with(target, (struct zwy_options){.connect_timeout_ms = 1000});
	assert_int_equal(zwy_unary(c, "/t/Echo", bytes_of("x"), &o, NULL, NULL), 0);
	assert_true(atomic_load(&four.accepted) >= 1);
	zwy_client_free(c);
	peer_release(&four);
	peer_release(&six);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_that_went_silent_is_found_out),
		cmocka_unit_test(a_call_that_was_swallowed_is_retried_where_it_may_be),
		cmocka_unit_test(a_peer_that_answers_pings_is_let_be),
		cmocka_unit_test(nobody_is_pinged_unasked),
		cmocka_unit_test(a_server_that_minds_is_asked_half_as_often),
		cmocka_unit_test(a_connection_that_is_not_needed_is_closed),
		cmocka_unit_test(an_address_that_leads_nowhere_does_not_hide_the_next),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
