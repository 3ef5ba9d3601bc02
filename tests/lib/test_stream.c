/* Streams in both directions and many calls at once: order, flow control, pausing,
 * cancelling, and callbacks that use the library. */
#include "drive.h"

static struct peer peer;
static struct zwy_client *client;

static int
start(void **state)
{
	(void)state;
	peer = (struct peer){.max_streams = 10};
	peer_start(&peer);
	client = client_of(peer.target);
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

static void
a_server_stream_arrives_whole_and_in_order(void **state)
{
	(void)state;
	struct seen s = {0};
	seen_start(client, &s, "/t/Stream", "1000 3000");
	drive_done(client, &s);
	assert_int_equal(s.error.status, 0);
	assert_int_equal(s.messages, 1000);
	assert_int_equal(s.bytes, 3000000);
	assert_int_equal(s.last.p[0], 'a' + 999 % 26);
	buf_release(&s.last);
}

static void
a_paused_call_holds_back_the_server_but_no_other_call(void **state)
{
	(void)state;
	struct seen slow = {.pause_at_first = true};
	seen_start(client, &slow, "/t/Stream", "5000 4000");
	while (slow.messages == 0)
		turn(client);
	for (int i = 0; i < 20; i++) {
		struct seen other = {0};
		seen_start(client, &other, "/t/Stream", "100 4000");
		drive_done(client, &other);
		assert_int_equal(other.messages, 100);
		buf_release(&other.last);
	}
	assert_int_equal(slow.messages, 1);
	/* 20 MB were asked for; a window's worth of them was sent. */
	assert_true(atomic_load(&peer.sent) < 20 * 410000 + (2 << 20));
	zwy_call_resume(slow.call);
	drive_done(client, &slow);
	assert_int_equal(slow.messages, 5000);
	assert_int_equal(slow.error.status, 0);
	buf_release(&slow.last);
}

static void
done_waits_for_the_messages_of_a_paused_call(void **state)
{
	(void)state;
	struct seen s = {.pause_at_first = true};
	seen_start(client, &s, "/t/Stream", "3 10");
	while (s.messages == 0)
		turn(client);
	struct seen other = {0};
	seen_start(client, &other, "/t/Echo", "x");
	drive_done(client, &other);
	assert_int_equal(s.messages, 1);
	assert_int_equal(s.done, 0);
	zwy_call_resume(s.call);
	drive_done(client, &s);
	assert_int_equal(s.messages, 3);
	buf_release(&s.last);
	buf_release(&other.last);
}

static void
a_cancelled_call_is_silent_and_the_server_is_told(void **state)
{
	(void)state;
	struct seen hang = {0}, inside = {.cancel_at_first = true}, waiting = {0};
	seen_start(client, &hang, "/t/Hang", "x");
	while (atomic_load(&peer.requests) == 0)
		turn(client);
	zwy_call_cancel(hang.call);
	seen_start(client, &inside, "/t/Stream", "5000 4000");
	while (inside.messages == 0)
		turn(client);
	while (atomic_load(&peer.resets) < 2)
		turn(client);
	seen_start(client, &waiting, "/t/Echo", "x");
	drive_done(client, &waiting);
	assert_int_equal(hang.done + inside.done, 0);
	assert_int_equal(inside.messages, 1);
	buf_release(&inside.last);
	buf_release(&waiting.last);
}

static void
more_calls_than_the_server_allows_take_turns(void **state)
{
	(void)state;
	struct seen s[200] = {0};
	for (int i = 0; i < 200; i++)
		seen_start(client, &s[i], "/t/Stream", "10 100");
	/* Some that never got a stream are cancelled. */
	for (int i = 100; i < 120; i++)
		zwy_call_cancel(s[i].call);
	for (int i = 0; i < 200; i++) {
		if (i >= 100 && i < 120)
			continue;
		drive_done(client, &s[i]);
		assert_int_equal(s[i].error.status, 0);
		assert_int_equal(s[i].messages, 10);
		buf_release(&s[i].last);
	}
	assert_true(atomic_load(&peer.most_open) <= 10);
	assert_int_equal(atomic_load(&peer.accepted), 1);
}

static void
deadlines_end_the_right_calls(void **state)
{
	(void)state;
	struct seen s[20] = {0};
	for (int i = 0; i < 20; i++) {
		struct zwy_call_options o = seen_options(&s[i]);
		o.timeout_ms = (i * 7) % 20 * 5 + 5;
		s[i].call = zwy_call_start(client, "/t/Hang", bytes_of("x"), &o);
	}
	for (int i = 0; i < 20; i++) {
		drive_done(client, &s[i]);
		assert_int_equal(s[i].error.status, GRPC_DEADLINE_EXCEEDED);
	}
}

static void
a_client_stream_waits_for_room(void **state)
{
	(void)state;
	struct seen s = {0};
	struct zwy_call_options o = seen_options(&s);
	o.client_streaming = true;
	s.call = zwy_call_start(client, "/t/Echo", (struct zwy_bytes){NULL, 0}, &o);
	char piece[10000];
	memset(piece, 'p', sizeof(piece));
	int waited = 0;
	for (int i = 0; i < 400; i++) {
		int before = s.writable;
		int r = zwy_call_send(s.call, (struct zwy_bytes){piece, sizeof(piece)});
		assert_true(r >= 0);
		if (r == 0)
			continue;
		waited++;
		while (s.writable == before)
			turn(client);
	}
	zwy_call_half_close(s.call);
	assert_int_equal(zwy_call_send(s.call, bytes_of("late")), -EPIPE);
	drive_done(client, &s);
	assert_int_equal(s.error.status, 0);
	assert_int_equal(s.messages, 400);
	assert_true(waited > 0);
	buf_release(&s.last);
}

static void
an_answer_before_the_request_is_complete_ends_the_call(void **state)
{
	(void)state;
	struct seen s = {0};
	struct zwy_call_options o = seen_options(&s);
	o.client_streaming = true;
	s.call = zwy_call_start(client, "/t/Early", bytes_of("first"), &o);
	drive_done(client, &s);
	assert_int_equal(s.error.status, GRPC_RESOURCE_EXHAUSTED);
	assert_string_equal(s.error.text, "enough");
	struct seen after = {0};
	seen_start(client, &after, "/t/Echo", "x");
	drive_done(client, &after);
	assert_int_equal(after.error.status, 0);
	buf_release(&after.last);
}

struct chain {
	int left;
	struct zwy_client *client;
};

static void
start_the_next(void *ctx, struct zwy_call *call, const struct zwy_error *error)
{
	struct chain *chain = ctx;
	(void)call;
	assert_int_equal(error->status, 0);
	if (--chain->left == 0)
		return;
	struct zwy_call_options o = {.size = sizeof(o), .done = start_the_next, .ctx = chain};
	assert_non_null(zwy_call_start(chain->client, "/t/Echo", bytes_of("x"), &o));
}

static void
a_callback_may_start_the_next_call(void **state)
{
	(void)state;
	struct chain chain = {500, client};
	struct zwy_call_options o = {.size = sizeof(o), .done = start_the_next, .ctx = &chain};
	zwy_call_start(client, "/t/Echo", bytes_of("x"), &o);
	while (chain.left > 0)
		turn(client);
}

static void
resume_and_cancel(void *ctx, struct zwy_call *call, const struct zwy_error *error)
{
	(void)error;
	zwy_call_resume(call);
	zwy_call_cancel(call);
	*(bool *)ctx = true;
}

/* Everything may be called in a callback, also in the last one. */
static void
the_last_callback_may_resume_and_cancel(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		bool done = false;
		struct zwy_call_options o = {.size = sizeof(o), .done = resume_and_cancel, .ctx = &done};
		assert_non_null(zwy_call_start(client, "/t/Echo", bytes_of("x"), &o));
		while (!done)
			turn(client);
		struct seen after = {0};
		seen_start(client, &after, "/t/Echo", "x");
		drive_done(client, &after);
		assert_int_equal(after.messages, 1);
		buf_release(&after.last);
	}
}

static void
freeing_a_client_ends_its_calls_silently(void **state)
{
	(void)state;
	struct zwy_client *c = client_of(peer.target);
	struct seen s[30] = {0};
	for (int i = 0; i < 30; i++)
		seen_start(c, &s[i], i % 2 ? "/t/Hang" : "/t/Stream", "100 5000");
	for (int i = 0; i < 5; i++)
		turn(c);
	zwy_client_free(c);
	for (int i = 0; i < 30; i++) {
		if (i % 2)
			assert_int_equal(s[i].done, 0);
		buf_release(&s[i].last);
	}
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_server_stream_arrives_whole_and_in_order),
		TEST(a_paused_call_holds_back_the_server_but_no_other_call),
		TEST(done_waits_for_the_messages_of_a_paused_call),
		TEST(a_cancelled_call_is_silent_and_the_server_is_told),
		TEST(more_calls_than_the_server_allows_take_turns),
		TEST(deadlines_end_the_right_calls),
		TEST(a_client_stream_waits_for_room),
		TEST(an_answer_before_the_request_is_complete_ends_the_call),
		TEST(a_callback_may_start_the_next_call),
		TEST(the_last_callback_may_resume_and_cancel),
		TEST(freeing_a_client_ends_its_calls_silently),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
