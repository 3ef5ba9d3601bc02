/* Calls that may be carried out twice are sent again; others are not, whatever
 * happens. The peer fails as often as it is told to, at a chosen point. */
#include <time.h>

#include "drive.h"

static struct peer peer;
static struct zwy_client *client;

/* ---- the peer's method ---------------------------------------------------- */

static void
refuse(struct peer_stream *s, const char *status, const char *pushback)
{
	struct buf raw = {0}, details = {0};
	nghttp2_nv nv[6] = {peer_nv(":status", "200"), peer_nv("content-type", "application/grpc"),
			    peer_nv("grpc-status", status), peer_nv("grpc-message", "not now")};
	size_t n = 4;
	if (strcmp(s->path, "/t/Busy") == 0) {
		struct fault f = {0};
		fault_set(&f, ERR_OVERLOADED, "busy"); /* with a RetryInfo of 1 s */
		status_encode(&raw, &f, 4096);
		base64_encode(&details, buf_slice(&raw));
		buf_append_char(&details, '\0');
		nv[n++] = peer_nv("grpc-status-details-bin", details.p);
	}
	if (pushback)
		nv[n++] = peer_nv("grpc-retry-pushback-ms", pushback);
	nghttp2_submit_response(s->conn->session, s->id, nv, n, NULL);
	buf_release(&raw);
	buf_release(&details);
}

/* The answer's beginning, and no more. */
static ssize_t
nothing_yet(nghttp2_session *session, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
	    nghttp2_data_source *source, void *ctx)
{
	(void)session, (void)id, (void)to, (void)room, (void)flags, (void)source, (void)ctx;
	return NGHTTP2_ERR_DEFERRED;
}

static bool
make_trouble(struct peer_stream *s)
{
	char pushback[12];
	if (strcmp(s->path, "/t/Echo") == 0 || strcmp(s->path, "/t/Count") == 0 ||
	    strcmp(s->path, "/t/Hang") == 0)
		return false;
	int left = atomic_fetch_sub(&s->conn->peer->troubles, 1);
	if (left <= 0) {
		frame_message(&s->out, buf_slice(&s->headers));
		peer_answer(s);
		return true;
	}
	snprintf(pushback, sizeof(pushback), "%d", s->conn->peer->pushback);
	bool then_away = strcmp(s->path, "/t/LostThenAway") == 0 && left == 2;
	if (strcmp(s->path, "/t/Lost") == 0 || then_away) {
		s->conn->drop = true;
	} else if (strcmp(s->path, "/t/Half") == 0) {
		nghttp2_nv nv[] = {peer_nv(":status", "200"), peer_nv("content-type", "application/grpc")};
		nghttp2_data_provider none = {.read_callback = nothing_yet};
		nghttp2_submit_response(s->conn->session, s->id, nv, 2, &none);
		s->conn->hang_up = true;
	} else {
		bool exhausted = strcmp(s->path, "/t/Busy") == 0 || strcmp(s->path, "/t/Full") == 0;
		refuse(s, exhausted ? "8" : "14", strcmp(s->path, "/t/Pushback") == 0 ? pushback : NULL);
	}
	return true;
}

static void
start_with(struct zwy_options o)
{
	peer = (struct peer){.method = make_trouble};
	peer_start(&peer);
	o.size = sizeof(o);
	o.backoff_max_ms = 40;
	assert_int_equal(zwy_client_new(&client, peer.target, &o, NULL), 0);
}

static int
start(void **state)
{
	(void)state;
	start_with((struct zwy_options){.retry_tokens = -1});
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	zwy_client_free(client);
	peer_release(&peer);
	return 0;
}

static const struct zwy_retry quick = {.size = sizeof(quick), .initial_backoff_ms = 1, .max_backoff_ms = 4};

/* 0 or -1; *ret (may be NULL) is whether that text stands in the answer. */
static int
call(const char *path, int troubles, const struct zwy_retry *retry, const char *text, struct zwy_error *error)
{
	struct zwy_call_options o = {.size = sizeof(o), .retry = retry, .timeout_ms = 20000};
	struct zwy_bytes answer = {0};
	atomic_store(&peer.troubles, troubles);
	atomic_store(&peer.requests, 0);
	int r = zwy_unary(client, path, bytes_of("x"), &o, &answer, error);
	if (r == 0 && text)
		assert_non_null(strstr(answer.data, text));
	if (r == 0)
		free((void *)answer.data);
	return r;
}

/* ---- what is retried ------------------------------------------------------- */

static void
a_lost_connection_is_made_good(void **state)
{
	(void)state;
	struct zwy_error error;
	assert_int_equal(call("/t/Lost", 3, &quick, "grpc-previous-rpc-attempts: 3\n", &error), 0);
	assert_int_equal(atomic_load(&peer.requests), 4);
	assert_int_equal(error.attempts, 4);
	assert_true(error.sent);
}

static void
without_the_caller_s_word_nothing_is_sent_twice(void **state)
{
	(void)state;
	static const char *const paths[] = {"/t/Lost", "/t/Half", "/t/Unavailable", "/t/Busy", "/t/Pushback"};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct zwy_error error;
		assert_int_equal(call(paths[i], 1, NULL, NULL, &error), -1);
		assert_int_equal(atomic_load(&peer.requests), 1);
		assert_int_equal(error.attempts, 1);
		assert_int_equal(error.exit_status, i < 2 ? 7 : 6);
	}
}

static void
unavailable_is_tried_again(void **state)
{
	(void)state;
	struct zwy_error error;
	assert_int_equal(call("/t/Unavailable", 2, &quick, "grpc-previous-rpc-attempts: 2\n", &error), 0);
	assert_int_equal(call("/t/Unavailable", 0, &quick, NULL, &error), 0);
	assert_int_equal(error.attempts, 1);
}

static void
attempts_come_to_an_end(void **state)
{
	(void)state;
	struct zwy_error error;
	assert_int_equal(call("/t/Unavailable", 100, &quick, NULL, &error), -1);
	assert_int_equal(atomic_load(&peer.requests), 5);
	assert_int_equal(error.status, GRPC_UNAVAILABLE);
	assert_int_equal(error.exit_status, 6); /* each time the server said so itself */
	struct zwy_retry two = quick;
	two.max_attempts = 2;
	assert_int_equal(call("/t/Lost", 100, &two, NULL, &error), -1);
	assert_int_equal(atomic_load(&peer.requests), 2);
	assert_int_equal(error.exit_status, 7);
	assert_non_null(strstr(error.text, "not known"));
}

static void
exhausted_is_tried_again_only_if_the_server_says_when(void **state)
{
	(void)state;
	struct zwy_error error;
	assert_int_equal(call("/t/Full", 1, &quick, NULL, &error), -1);
	assert_int_equal(error.status, GRPC_RESOURCE_EXHAUSTED);
	assert_int_equal(error.retry_after_ms, 0);
	assert_int_equal(atomic_load(&peer.requests), 1);
	/* RetryInfo: not before one second, whatever the policy says. */
	struct timespec from, to;
	clock_gettime(CLOCK_MONOTONIC, &from);
	assert_int_equal(call("/t/Busy", 1, &quick, NULL, &error), 0);
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_int_equal(error.attempts, 2);
	assert_true((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 >= 999);
}

static void
a_deadline_too_near_for_the_pause_ends_it_with_the_server_s_answer(void **state)
{
	(void)state;
	struct zwy_call_options o = {.size = sizeof(o), .retry = &quick, .timeout_ms = 900};
	struct zwy_error error;
	atomic_store(&peer.troubles, 1);
	assert_int_equal(zwy_unary(client, "/t/Busy", bytes_of("x"), &o, NULL, &error), -1);
	assert_int_equal(error.status, GRPC_RESOURCE_EXHAUSTED);
	assert_string_equal(error.reason, "OVERLOADED");
	assert_int_equal(error.retry_after_ms, 1000);
	assert_int_equal(error.attempts, 1);
	assert_int_equal(atomic_load(&peer.requests), 1);
}

static void
the_server_may_say_when_or_never(void **state)
{
	(void)state;
	struct zwy_error error;
	struct zwy_retry slow = {.size = sizeof(slow),
				 .initial_backoff_ms = 100000,
				 .max_backoff_ms = 100000};
	peer.pushback = 1;
	assert_int_equal(call("/t/Pushback", 3, &slow, NULL, &error), 0);
	assert_int_equal(error.attempts, 4);
	peer.pushback = -1;
	assert_int_equal(call("/t/Pushback", 1, &quick, NULL, &error), -1);
	assert_int_equal(error.status, GRPC_UNAVAILABLE);
	assert_int_equal(atomic_load(&peer.requests), 1);
}

static void
an_answer_that_has_begun_is_not_asked_for_again(void **state)
{
	(void)state;
	struct zwy_error error;
	assert_int_equal(call("/t/Half", 1, &quick, NULL, &error), -1);
	assert_int_equal(atomic_load(&peer.requests), 1);
	assert_int_equal(error.exit_status, 7);
}

static void
a_refused_call_needs_no_word(void **state)
{
	(void)state;
	struct zwy_error error;
	peer.method = NULL;
	atomic_store(&peer.refusals, 2);
	assert_int_equal(zwy_unary(client, "/t/Refuse", bytes_of("x"), NULL, NULL, &error), 0);
	assert_int_equal(error.attempts, 1); /* those that were read */
	atomic_store(&peer.refusals, 100);
	assert_int_equal(zwy_unary(client, "/t/Refuse", bytes_of("x"), NULL, NULL, &error), -1);
	assert_int_equal(error.status, GRPC_UNAVAILABLE);
	assert_false(error.sent);
	peer.method = make_trouble;
}

/* ---- servers that go away --------------------------------------------------- */

static void
a_call_that_was_lost_waits_for_the_server_to_come_back(void **state)
{
	(void)state;
	struct seen s = {0};
	struct zwy_call_options o = seen_options(&s);
	o.retry = &quick;
	o.timeout_ms = 20000;
	s.call = zwy_call_start(client, "/t/Hang", bytes_of("x"), &o);
	while (atomic_load(&peer.requests) == 0)
		turn(client);
	peer_stop(&peer);
	while (zwy_client_state(client) != ZWY_WAITING)
		turn(client);
	for (int i = 0; i < 50; i++)
		turn(client);
	assert_int_equal(s.done, 0);
	/* Others that have lost nothing are told at once. */
	struct zwy_error error;
	assert_int_equal(call("/t/Echo", 0, &quick, NULL, &error), -1);
	assert_int_equal(error.attempts, 0);
	assert_false(error.sent);
	atomic_store(&peer.requests, 0);
	peer_start(&peer);
	while (atomic_load(&peer.requests) == 0)
		turn(client);
	assert_int_equal(s.done, 0); /* it hangs again, as it is made to */
	zwy_call_cancel(s.call);
}

/* Each round ends at another moment: before, while and after the calls are answered. */
static void
every_call_survives_a_server_that_keeps_dying(void **state)
{
	(void)state;
	enum { ROUNDS = 30, AT_ONCE = 20 };
	struct zwy_retry patient = quick;
	patient.max_attempts = 1000;
	for (int round = 0; round < ROUNDS; round++) {
		struct seen s[AT_ONCE] = {0};
		for (int i = 0; i < AT_ONCE; i++) {
			char text[16];
			struct zwy_call_options o = seen_options(&s[i]);
			o.retry = &patient;
			o.wait_for_ready = true;
			o.timeout_ms = -1;
			snprintf(text, sizeof(text), "%d", round * AT_ONCE + i);
			s[i].call = zwy_call_start(client, "/t/Count", bytes_of(text), &o);
		}
		for (int i = 0; i < round % 6; i++)
			turn(client);
		peer_stop(&peer);
		for (int i = 0; i < round % 4; i++)
			turn(client);
		peer_start(&peer);
		for (int i = 0; i < AT_ONCE; i++) {
			drive_done(client, &s[i]);
			assert_int_equal(s[i].error.status, 0);
			assert_int_equal(s[i].messages, 1);
			assert_true(atomic_load(&peer.counted[round * AT_ONCE + i]) >= 1);
			buf_release(&s[i].last);
		}
	}
}

static void
a_server_that_stays_away_leaves_the_outcome_unknown(void **state)
{
	(void)state;
	struct seen s = {0};
	struct zwy_call_options o = seen_options(&s);
	o.retry = &quick;
	o.timeout_ms = 1000;
	s.call = zwy_call_start(client, "/t/Hang", bytes_of("x"), &o);
	while (atomic_load(&peer.requests) == 0)
		turn(client);
	peer_stop(&peer);
	drive_done(client, &s);
	assert_int_equal(s.error.status, GRPC_DEADLINE_EXCEEDED);
	assert_int_equal(s.error.exit_status, 7);
	assert_int_equal(s.error.error_number, ETIMEDOUT);
	assert_true(s.error.sent);
	assert_int_equal(s.error.attempts, 1);
	peer_start(&peer);
}

/* The first attempt may have been carried out: that the second was turned away does not
 * make it undone. */
static void
a_refusal_after_a_loss_does_not_say_that_nothing_happened(void **state)
{
	(void)state;
	struct zwy_retry two = quick;
	struct zwy_error error;
	two.max_attempts = 2;
	assert_int_equal(call("/t/LostThenAway", 2, &two, NULL, &error), -1);
	assert_int_equal(error.status, GRPC_UNAVAILABLE);
	assert_int_equal(error.attempts, 2);
	assert_int_equal(error.exit_status, 7);
	assert_non_null(strstr(error.text, "not now; whether the request was carried out is not known"));
}

static void
resting_calls_can_be_cancelled_and_freed(void **state)
{
	(void)state;
	struct zwy_retry slow = {.size = sizeof(slow),
				 .initial_backoff_ms = 100000,
				 .max_backoff_ms = 100000};
	struct seen s[10] = {0};
	atomic_store(&peer.troubles, 100);
	for (int i = 0; i < 10; i++) {
		struct zwy_call_options o = seen_options(&s[i]);
		o.retry = &slow;
		o.timeout_ms = -1;
		s[i].call = zwy_call_start(client, "/t/Unavailable", bytes_of("x"), &o);
	}
	while (atomic_load(&peer.requests) < 10)
		turn(client);
	for (int i = 0; i < 20; i++)
		turn(client);
	for (int i = 0; i < 10; i += 2)
		zwy_call_cancel(s[i].call);
	turn(client);
	for (int i = 0; i < 10; i++)
		assert_int_equal(s[i].done, 0);
	/* stop() frees the rest */
}

static void
a_client_stream_is_sent_again_whole(void **state)
{
	(void)state;
	struct seen s = {0};
	struct zwy_call_options o = seen_options(&s);
	o.retry = &quick;
	o.client_streaming = true;
	char piece[1000];
	memset(piece, 'p', sizeof(piece));
	atomic_store(&peer.troubles, 2);
	s.call = zwy_call_start(client, "/t/Lost", (struct zwy_bytes){NULL, 0}, &o);
	for (int i = 0; i < 500; i++) {
		assert_true(zwy_call_send(s.call, (struct zwy_bytes){piece, sizeof(piece)}) >= 0);
		turn(client);
	}
	zwy_call_half_close(s.call);
	drive_done(client, &s);
	assert_int_equal(s.error.status, 0);
	assert_int_equal(s.error.attempts, 3);
	buf_release(&s.last);
}

static void
what_is_larger_than_the_buffer_is_sent_once(void **state)
{
	(void)state;
	size_t n = 3 << 20;
	char *big = calloc(1, n);
	struct zwy_retry r = quick;
	struct zwy_call_options o = {.size = sizeof(o), .retry = &r};
	struct zwy_error error;
	atomic_store(&peer.troubles, 1);
	assert_int_equal(zwy_unary(client, "/t/Lost", (struct zwy_bytes){big, n}, &o, NULL, &error), -1);
	assert_int_equal(error.exit_status, 7);
	r.buffer = 4 << 20;
	atomic_store(&peer.troubles, 1);
	assert_int_equal(zwy_unary(client, "/t/Lost", (struct zwy_bytes){big, n}, &o, NULL, &error), 0);
	assert_int_equal(error.attempts, 2);
	free(big);
}

/* ---- the throttle ------------------------------------------------------------ */

static void
too_many_failures_stop_retries_until_calls_succeed(void **state)
{
	(void)state;
	struct zwy_error error;
	start_with((struct zwy_options){.retry_tokens = 6, .retry_token_ratio = 0.5});
	/* Six tokens: after three failures half are left, and nothing is tried again. */
	assert_int_equal(call("/t/Unavailable", 100, &quick, NULL, &error), -1);
	assert_int_equal(error.attempts, 3);
	assert_int_equal(call("/t/Unavailable", 1, &quick, NULL, &error), -1);
	assert_int_equal(error.attempts, 1);
	for (int i = 0; i < 5; i++)
		assert_int_equal(call("/t/Echo", 0, NULL, NULL, &error), 0);
	assert_int_equal(call("/t/Unavailable", 1, &quick, NULL, &error), 0);
	assert_int_equal(error.attempts, 2);
}

int
main(void)
{
#define AT_A_PEER(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
		AT_A_PEER(a_lost_connection_is_made_good),
		AT_A_PEER(without_the_caller_s_word_nothing_is_sent_twice),
		AT_A_PEER(unavailable_is_tried_again),
		AT_A_PEER(attempts_come_to_an_end),
		AT_A_PEER(exhausted_is_tried_again_only_if_the_server_says_when),
		AT_A_PEER(a_deadline_too_near_for_the_pause_ends_it_with_the_server_s_answer),
		AT_A_PEER(the_server_may_say_when_or_never),
		AT_A_PEER(an_answer_that_has_begun_is_not_asked_for_again),
		AT_A_PEER(a_refused_call_needs_no_word),
		AT_A_PEER(a_call_that_was_lost_waits_for_the_server_to_come_back),
		AT_A_PEER(every_call_survives_a_server_that_keeps_dying),
		AT_A_PEER(a_server_that_stays_away_leaves_the_outcome_unknown),
		AT_A_PEER(a_refusal_after_a_loss_does_not_say_that_nothing_happened),
		AT_A_PEER(resting_calls_can_be_cancelled_and_freed),
		AT_A_PEER(a_client_stream_is_sent_again_whole),
		AT_A_PEER(what_is_larger_than_the_buffer_is_sent_once),
		cmocka_unit_test_teardown(too_many_failures_stop_retries_until_calls_succeed, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
