/* What stands beside every call: notes, walks, texts. */
#include "support.h"

#include <stdio.h>
#include <string.h>

struct watcher {
	struct rpc_hook hook;
	unsigned walked, refused, notes, ended;
	char text[480];
};

static int
on_admit(void *ctx, struct call *c, struct fault *f)
{
	(void)f;
	assert_null(call_note(c)); /* memory of earlier calls is used again, their notes are not */
	call_set_note(c, ctx);
	return 0;
}

static void
on_walked(void *ctx, struct call *c, int code)
{
	struct watcher *w = ctx;
	assert_ptr_equal(call_note(c), w);
	if (code == 0)
		w->walked++;
	else
		w->refused++;
}

static void
on_finished(void *ctx, const struct call *c, const struct call_stats *stats)
{
	struct watcher *w = ctx;
	assert_ptr_equal(call_stats(c), stats);
	w->notes += call_note(c) == w;
	snprintf(w->text, sizeof(w->text), "%s", stats->text);
}

static void
on_ended(void *ctx, const struct call_peer *peer, uint64_t connection, uint32_t error_code, const char *why)
{
	struct watcher *w = ctx;
	w->ended++;
	assert_int_equal(peer->uid, 1000);
	assert_int_equal(connection, 77);
	assert_int_equal(error_code, NGHTTP2_ENHANCE_YOUR_CALM);
	assert_string_equal(why, "too_many_pings");
}

static void
open_watched(struct pair *p, struct watcher *w)
{
	*w = (struct watcher){.hook = {w, on_admit, on_finished, on_walked, on_ended}};
	pair_open(p, NULL);
	p->config.hooks = &w->hook;
}

static void
a_hook_learns_of_each_walk_and_keeps_a_note(void **state)
{
	struct pair *p = *state;
	struct watcher w;
	open_watched(p, &w);
	for (unsigned i = 0; i < 3; i++)
		assert_status(pair_unary(p, "/t.T/Checked", SLICE("\x0a\x01x")), GRPC_OK);
	assert_int_equal(w.walked, 3);
	assert_string_equal(w.text, "");
	assert_status(pair_unary(p, "/t.T/Checked", SLICE("\x7a\x01x")), GRPC_INVALID_ARGUMENT);
	assert_int_equal(w.walked, 3);
	assert_int_equal(w.refused, 1);
	assert_non_null(strstr(w.text, "field"));
	/* a method without a walk */
	assert_status(pair_unary(p, "/t.T/Unary", SLICE("x")), GRPC_OK);
	assert_int_equal(w.walked, 3);
	pair_run(p);
	assert_int_equal(w.notes, 5);
	pair_close(p);
}

static void
a_call_refused_early_has_a_text_and_no_note(void **state)
{
	struct pair *p = *state;
	struct watcher w;
	open_watched(p, &w);
	assert_status(pair_unary(p, "/t.T/Nothing", SLICE("x")), GRPC_UNIMPLEMENTED);
	pair_run(p);
	assert_int_equal(w.notes, 0);
	assert_string_equal(w.text, "there is no such method");
	pair_close(p);
}

static void
a_hook_learns_why_a_connection_is_ended(void **state)
{
	struct pair *p = *state;
	struct watcher w;
	open_watched(p, &w);
	for (int i = 0; i < 20 && !w.ended; i++) {
		assert_int_equal(nghttp2_submit_ping(p->client, 0, NULL), 0);
		pair_run(p);
	}
	assert_int_equal(w.ended, 1);
	pair_close(p);
}

/* A message that is half there is held for its call. */
static void
bytes_of_a_half_message_are_counted(void **state)
{
	struct pair *p = *state;
	pair_open(p, NULL);
	struct client_call *c = pair_call(p, "/t.T/Unary", NULL);
	pair_run(p);
	assert_int_equal(engine_bytes(p->engine), 0);
	pair_say_raw(p, c, SLICE("\0\0\0\0\x64half"));
	pair_run(p);
	assert_int_equal(engine_bytes(p->engine), 4);
	pair_reset(p, c, NGHTTP2_CANCEL);
	pair_run(p);
	assert_int_equal(engine_bytes(p->engine), 0);
	pair_close(p);
}

int
main(void)
{
	static struct pair pair;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(a_hook_learns_of_each_walk_and_keeps_a_note, &pair),
		cmocka_unit_test_prestate(a_call_refused_early_has_a_text_and_no_note, &pair),
		cmocka_unit_test_prestate(a_hook_learns_why_a_connection_is_ended, &pair),
		cmocka_unit_test_prestate(bytes_of_a_half_message_are_counted, &pair),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
