/* Metrics, call log and overload as hooks of an engine that runs in memory. */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "observe/call_log.h"
#include "observe/metrics.h"
#include "observe/overload.h"

#define MS 1000000

static int64_t now; /* what the hooks take for the time, ns */

static int64_t
ticks(void)
{
	return now;
}

static msec
wall(void)
{
	return 0;
}

/* A pair with everything that watches over it. */
struct watched {
	struct pair pair;
	int out, in;
	struct log *log;
	struct call_log *calls;
	struct metrics *metrics;
	struct overload *overload;
	struct rpc_hook hooks[4];
	struct buf page, lines;
};

static void
watched_open(struct watched *w, enum log_level level, const struct overload_config *limits)
{
	int ends[2];
	memset(w, 0, sizeof(*w));
	now = 1000 * (int64_t)MS;
	assert_int_equal(pipe(ends), 0);
	w->out = ends[0];
	w->in = ends[1];
	struct log_config config = {w->in, level, 0, 1, 1 << 20, ticks, wall};
	assert_int_equal(log_open(&w->log, &config), 0);
	pair_open(&w->pair, NULL);
	struct rpc_config *rpc = &w->pair.config;
	assert_int_equal(call_log_new(&w->calls, w->log, ticks), 0);
	assert_int_equal(metrics_new(&w->metrics, rpc, ticks), 0);
	struct overload_config overload = limits ? *limits : (struct overload_config){0};
	overload.log = w->log;
	overload.ticks = ticks;
	assert_int_equal(overload_new(&w->overload, &overload), 0);
	w->hooks[0] = w->pair.hook;
	w->hooks[1] = call_log_hook(w->calls);
	w->hooks[2] = metrics_hook(w->metrics);
	w->hooks[3] = overload_hook(w->overload);
	rpc->hooks = w->hooks;
	rpc->hook_count = 4;
}

/* Ends everything; the lines that were logged. */
static const char *
watched_close(struct watched *w)
{
	char chunk[4096];
	ssize_t n;
	pair_close(&w->pair);
	struct overload_stats stats;
	overload_stats(w->overload, &stats);
	assert_int_equal(stats.open, 0);
	assert_int_equal(stats.principals, 0);
	metrics_free(w->metrics);
	overload_free(w->overload);
	call_log_free(w->calls);
	log_close(w->log);
	close(w->in);
	while ((n = read(w->out, chunk, sizeof(chunk))) > 0)
		buf_append(&w->lines, chunk, (size_t)n);
	close(w->out);
	buf_append_char(&w->lines, '\0');
	return w->lines.p;
}

static void
watched_release(struct watched *w)
{
	buf_release(&w->lines);
	buf_release(&w->page);
}

static void
assert_sample(struct watched *w, const char *name, const char *method, const char *more, const char *value)
{
	char line[512];
	snprintf(line, sizeof(line), "\n%s{%s,grpc_service=\"t.T\",grpc_method=\"%s\"%s} %s\n", name,
		 strcmp(method, "Chat") == 0     ? "grpc_type=\"bidi_stream\""
		 : strcmp(method, "Upload") == 0 ? "grpc_type=\"client_stream\""
		 : strcmp(method, "Stream") == 0 ? "grpc_type=\"server_stream\""
						 : "grpc_type=\"unary\"",
		 method, more, value);
	buf_clear(&w->page);
	metrics_render(w->metrics, &w->page);
	buf_append_char(&w->page, '\0');
	if (!strstr(w->page.p, line))
		fail_msg("no line %s in:\n%s", line, w->page.p);
}

static void
calls_are_counted_by_method_and_status(void **state)
{
	struct watched *w = *state;
	watched_open(w, LEVEL_ERROR, NULL);
	for (int i = 0; i < 3; i++)
		assert_status(pair_unary(&w->pair, "/t.T/Unary", SLICE("x")), GRPC_OK);
	char fault[16];
	snprintf(fault, sizeof(fault), "%d x", ERR_NOT_FOUND);
	assert_status(pair_unary(&w->pair, "/t.T/Fault", slice_of(fault)), GRPC_NOT_FOUND);
	assert_sample(w, "grpc_server_started_total", "Unary", "", "3");
	assert_sample(w, "grpc_server_handled_total", "Unary", ",grpc_code=\"OK\"", "3");
	assert_sample(w, "grpc_server_msg_received_total", "Unary", "", "3");
	assert_sample(w, "grpc_server_msg_sent_total", "Unary", "", "3");
	assert_sample(w, "grpc_server_handled_total", "Fault", ",grpc_code=\"NotFound\"", "1");
	assert_sample(w, "grpc_server_handled_total", "Fault", ",grpc_code=\"OK\"", "0");
	assert_sample(w, "grpc_server_started_total", "Chat", "", "0");
	watched_close(w);
	watched_release(w);
}

static void
calls_without_a_method_are_counted_apart(void **state)
{
	struct watched *w = *state;
	watched_open(w, LEVEL_ERROR, NULL);
	assert_status(pair_unary(&w->pair, "/t.T/Nothing", SLICE("x")), GRPC_UNIMPLEMENTED);
	metrics_render(w->metrics, &w->page);
	buf_append_char(&w->page, '\0');
	assert_non_null(strstr(w->page.p,
			       "grpc_server_handled_total{grpc_type=\"unknown\",grpc_service=\"unknown\","
			       "grpc_method=\"unknown\",grpc_code=\"Unimplemented\"} 1\n"));
	assert_non_null(strstr(w->page.p,
			       "grpc_server_started_total{grpc_type=\"unknown\",grpc_service=\"unknown\","
			       "grpc_method=\"unknown\"} 1\n"));
	watched_close(w);
	watched_release(w);
}

static void
messages_of_an_open_stream_count_at_once(void **state)
{
	struct watched *w = *state;
	watched_open(w, LEVEL_ERROR, NULL);
	struct client_call *c = pair_call(&w->pair, "/t.T/Chat", NULL);
	pair_say(&w->pair, c, SLICE("one"));
	pair_say(&w->pair, c, SLICE("two"));
	pair_run(&w->pair);
	assert_sample(w, "grpc_server_msg_received_total", "Chat", "", "2");
	assert_sample(w, "grpc_server_msg_sent_total", "Chat", "", "2");
	assert_sample(w, "grpc_server_handled_total", "Chat", ",grpc_code=\"OK\"", "0");
	pair_end(&w->pair, c);
	pair_run(&w->pair);
	assert_sample(w, "grpc_server_msg_received_total", "Chat", "", "2");
	assert_sample(w, "grpc_server_handled_total", "Chat", ",grpc_code=\"OK\"", "1");
	watched_close(w);
	watched_release(w);
}

static void
time_goes_into_its_bucket(void **state)
{
	struct watched *w = *state;
	watched_open(w, LEVEL_ERROR, NULL);
	struct client_call *c = pair_call(&w->pair, "/t.T/Hold", NULL);
	pair_run(&w->pair);
	now += 7 * MS;
	pair_reset(&w->pair, c, NGHTTP2_CANCEL);
	pair_run(&w->pair);
	assert_sample(w, "grpc_server_handling_seconds_bucket", "Hold", ",le=\"0.005\"", "0");
	assert_sample(w, "grpc_server_handling_seconds_bucket", "Hold", ",le=\"0.01\"", "1");
	assert_sample(w, "grpc_server_handling_seconds_bucket", "Hold", ",le=\"+Inf\"", "1");
	assert_sample(w, "grpc_server_handling_seconds_sum", "Hold", "", "0.007");
	assert_sample(w, "grpc_server_handled_total", "Hold", ",grpc_code=\"Canceled\"", "1");
	watched_close(w);
	watched_release(w);
}

/* ---- the log ---- */

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"

static void
a_call_is_one_line_with_its_trace(void **state)
{
	struct watched *w = *state;
	const char *const extra[] = {"traceparent", "00-" TRACE "-00f067aa0ba902b7-01", "tracestate", "a=b",
				     NULL};
	watched_open(w, LEVEL_INFO, NULL);
	struct client_call *c = pair_call(&w->pair, "/t.T/Unary", extra);
	pair_say(&w->pair, c, SLICE("hello"));
	pair_run(&w->pair);
	now += 1234567;
	pair_end(&w->pair, c);
	pair_run(&w->pair);
	assert_status(c, GRPC_OK);
	const char *lines = watched_close(w);
	const char *wanted =
		"time=1970-01-01T00:00:00.000Z level=info call=77.1 method=/t.T/Unary peer=\"\" "
		"status=OK duration_ms=1.234 bytes_in=5 bytes_out=5 messages_in=1 messages_out=1 "
		"trace=" TRACE " parent=00f067aa0ba902b7 span=";
	assert_memory_equal(lines, wanted, strlen(wanted));
	assert_int_equal(strlen(lines), strlen(wanted) + 17);
	watched_release(w);
}

static void
two_traceparents_are_none(void **state)
{
	struct watched *w = *state;
	const char *const extra[] = {"traceparent", "00-" TRACE "-00f067aa0ba902b7-01", "traceparent",
				     "00-" TRACE "-00f067aa0ba902b8-01", NULL};
	watched_open(w, LEVEL_INFO, NULL);
	struct client_call *c = pair_call(&w->pair, "/t.T/Unary", extra);
	pair_say(&w->pair, c, SLICE("x"));
	pair_end(&w->pair, c);
	pair_run(&w->pair);
	const char *lines = watched_close(w);
	assert_null(strstr(lines, TRACE));
	assert_null(strstr(lines, "parent="));
	const char *trace = strstr(lines, " trace=");
	assert_non_null(trace);
	assert_true(hex_decode(NULL, 16, slice_make(trace + 7, 32)));
	watched_release(w);
}

static void
what_a_client_writes_stays_in_its_line(void **state)
{
	struct watched *w = *state;
	char fault[64];
	watched_open(w, LEVEL_INFO, NULL);
	snprintf(fault, sizeof(fault), "%d a\nlevel=error msg=\"\x1b[2Jforged\"", ERR_INVALID_ARGUMENT);
	assert_status(pair_unary(&w->pair, "/t.T/Fault", slice_of(fault)), GRPC_INVALID_ARGUMENT);
	const char *lines = watched_close(w);
	assert_ptr_equal(strchr(lines, '\n'), lines + strlen(lines) - 1);
	assert_null(strchr(lines, 0x1b));
	assert_non_null(strstr(lines, "reason=INVALID_ARGUMENT"));
	assert_non_null(strstr(lines, "why=\"a\\nlevel=error msg=\\\"\\u001b[2Jforged\\\"\"\n"));
	watched_release(w);
}

static void
levels_follow_the_fault(void **state)
{
	static const struct {
		int code;
		const char *level;
	} rows[] = {{ERR_QUOTA_EXCEEDED, "level=info"}, {ERR_INTERNAL, "level=error"},
		    {ERR_STORE_IO, "level=error"},      {ERR_STORE_FULL, "level=error"},
		    {ERR_STORE_CORRUPT, "level=error"}, {ERR_OVERLOADED, "level=warn"},
		    {ERR_UNAVAILABLE, "level=info"},    {ERR_UNAUTHENTICATED, "level=info"}};
	struct watched *w = *state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char fault[32];
		watched_open(w, LEVEL_INFO, NULL);
		snprintf(fault, sizeof(fault), "%d x", rows[i].code);
		pair_unary(&w->pair, "/t.T/Fault", slice_of(fault));
		const char *lines = watched_close(w);
		if (!strstr(lines, rows[i].level))
			fail_msg("%s: %s", rows[i].level, lines);
		watched_release(w);
	}
}

/* Its status is INTERNAL, as gRPC has it, but it is no failure of ours. */
static void
a_request_that_breaks_the_protocol_is_a_warning(void **state)
{
	struct watched *w = *state;
	const char *const extra[] = {"grpc-timeout", "x", NULL};
	watched_open(w, LEVEL_INFO, NULL);
	struct client_call *c = pair_call(&w->pair, "/t.T/Unary", extra);
	pair_run(&w->pair);
	assert_status(c, GRPC_INTERNAL);
	c = pair_call(&w->pair, "/t.T/Unary", NULL);
	pair_say_raw(&w->pair, c, SLICE("\x07\0\0\0\x01x"));
	pair_end(&w->pair, c);
	pair_run(&w->pair);
	assert_status(c, GRPC_INTERNAL);
	const char *lines = watched_close(w);
	assert_null(strstr(lines, "level=error"));
	assert_non_null(strstr(lines, "level=warn call=77.1 "));
	assert_non_null(strstr(lines, "level=warn call=77.3 "));
	watched_release(w);
}

static void
steps_are_told_at_debug_only(void **state)
{
	struct watched *w = *state;
	watched_open(w, LEVEL_DEBUG, NULL);
	assert_status(pair_unary(&w->pair, "/t.T/Checked", SLICE("\x0a\x01x")), GRPC_OK);
	const char *lines = watched_close(w);
	const char *receive = strstr(lines, "step=receive call=77.1 method=/t.T/Checked");
	const char *walked = strstr(lines, "step=walk call=77.1 since_ms=0.000\n");
	const char *reply = strstr(lines, "step=reply call=77.1");
	const char *end = strstr(lines, "level=info call=77.1");
	assert_true(receive && walked && reply && end);
	assert_true(receive < walked && walked < reply && reply < end);
	watched_release(w);
	watched_open(w, LEVEL_INFO, NULL);
	assert_status(pair_unary(&w->pair, "/t.T/Checked", SLICE("\x0a\x01x")), GRPC_OK);
	assert_null(strstr(watched_close(w), "step="));
	watched_release(w);
}

static void
a_walk_that_fails_says_so(void **state)
{
	struct watched *w = *state;
	watched_open(w, LEVEL_DEBUG, NULL);
	pair_unary(&w->pair, "/t.T/Checked", SLICE("\x7a\x01x"));
	assert_non_null(
		strstr(watched_close(w), "step=walk call=77.1 since_ms=0.000 reason=UNKNOWN_FIELD\n"));
	watched_release(w);
}

/* ---- overload ---- */

static void
set_flags(struct watched *w, const char *path, unsigned flags)
{
	for (size_t i = 0; i < w->pair.config.method_count; i++)
		if (strcmp(w->pair.methods[i].path, path) == 0)
			w->pair.methods[i].flags = flags;
}

static enum grpc_status
try_call(struct watched *w)
{
	struct client_call *c = pair_unary(&w->pair, "/t.T/Unary", SLICE("x"));
	return (enum grpc_status)c->grpc_status;
}

static void
calls_beyond_max_calls_are_refused_until_one_ends(void **state)
{
	struct watched *w = *state;
	watched_open(w, LEVEL_INFO, &(struct overload_config){.max_calls = 2});
	struct client_call *a = pair_call(&w->pair, "/t.T/Hold", NULL),
			   *b = pair_call(&w->pair, "/t.T/Hold", NULL);
	pair_run(&w->pair);
	struct client_call *c = pair_unary(&w->pair, "/t.T/Unary", SLICE("x"));
	assert_status(c, GRPC_RESOURCE_EXHAUSTED);
	assert_non_null(memmem(c->details.p, c->details.n, "google.rpc.RetryInfo", 20));
	/* what may always be called passes */
	set_flags(w, "/t.T/Unary", RPC_ALWAYS);
	assert_int_equal(try_call(w), GRPC_OK);
	pair_reset(&w->pair, a, NGHTTP2_CANCEL);
	pair_run(&w->pair);
	assert_status(pair_unary(&w->pair, "/t.T/Empty", SLICE("x")), GRPC_OK);
	struct overload_stats stats;
	overload_stats(w->overload, &stats);
	assert_int_equal(stats.refused[OVERLOAD_calls], 1);
	assert_int_equal(stats.open, 1);
	assert_false(b->closed);
	watched_close(w);
	watched_release(w);
}

/* Turns that all take `busy` ms, for that long. */
static void
turn_for(struct watched *w, int64_t busy, int64_t duration)
{
	for (int64_t end = now + duration * MS; now < end;) {
		now += busy * MS;
		overload_turn(w->overload, now, busy * MS);
	}
}

static unsigned
refused_of_20(struct watched *w)
{
	unsigned n = 0;
	for (int i = 0; i < 20; i++)
		n += try_call(w) != GRPC_OK;
	return n;
}

static void
a_growing_share_is_refused_while_turns_stay_long(void **state)
{
	struct watched *w = *state;
	watched_open(w, LEVEL_INFO, &(struct overload_config){.lag = 100, .interval = 1000});
	turn_for(w, 150, 1050);
	assert_int_equal(refused_of_20(w), 0); /* once may be chance */
	turn_for(w, 150, 1050);
	assert_int_equal(refused_of_20(w), 5);
	turn_for(w, 150, 1050);
	assert_int_equal(refused_of_20(w), 10);
	turn_for(w, 75, 3000); /* between: stays as it is */
	assert_int_equal(refused_of_20(w), 10);
	turn_for(w, 10, 1000);
	assert_int_equal(refused_of_20(w), 5);
	turn_for(w, 10, 1000);
	assert_int_equal(refused_of_20(w), 0);
	const char *lines = watched_close(w);
	assert_non_null(strstr(lines, "msg=\"overload begins\" cause=lag value=150 limit=100"));
	assert_non_null(strstr(lines, "msg=\"overload has ended\" cause=lag"));
	watched_release(w);
}

static void
one_short_turn_shows_that_there_is_no_lag(void **state)
{
	struct watched *w = *state;
	watched_open(w, LEVEL_INFO, &(struct overload_config){.lag = 100, .interval = 1000});
	for (int i = 0; i < 10; i++) {
		turn_for(w, 300, 900);
		turn_for(w, 1, 1);
	}
	assert_int_equal(refused_of_20(w), 0);
	watched_close(w);
	watched_release(w);
}

static void
an_idle_loop_forgets_its_overload(void **state)
{
	struct watched *w = *state;
	watched_open(w, LEVEL_INFO, &(struct overload_config){.lag = 100, .interval = 1000});
	turn_for(w, 150, 10000);
	assert_int_equal(refused_of_20(w), 20);
	now += 60000 * (int64_t)MS;
	overload_turn(w->overload, now, 1000);
	assert_int_equal(refused_of_20(w), 0);
	watched_close(w);
	watched_release(w);
}

static void
too_many_bytes_refuse_until_three_quarters(void **state)
{
	struct watched *w = *state;
	watched_open(w, LEVEL_INFO, &(struct overload_config){.bytes = 1000});
	overload_bytes(w->overload, 1000);
	assert_int_equal(try_call(w), GRPC_OK);
	overload_bytes(w->overload, 1001);
	assert_int_equal(try_call(w), GRPC_RESOURCE_EXHAUSTED);
	overload_bytes(w->overload, 751);
	assert_int_equal(try_call(w), GRPC_RESOURCE_EXHAUSTED);
	overload_bytes(w->overload, 750);
	assert_int_equal(try_call(w), GRPC_OK);
	overload_bytes(w->overload, 999);
	assert_int_equal(try_call(w), GRPC_OK);
	watched_close(w);
	watched_release(w);
}

static void
one_principal_cannot_take_all(void **state)
{
	struct watched *w = *state;
	struct fault f;
	watched_open(w, LEVEL_INFO, &(struct overload_config){.calls_per_principal = 2});
	struct account *noisy = account_hold(overload_accounts(w->overload), "principals/noisy");
	struct account *quiet = account_hold(overload_accounts(w->overload), "principals/quiet");
	struct client_call *first = NULL;
	fault_clear(&f);
	for (int i = 0; i < 4; i++) {
		struct client_call *c = pair_call(&w->pair, "/t.T/Hold", NULL);
		first = first ? first : c;
		pair_run(&w->pair);
		struct call *call = engine_find(w->pair.engine, w->pair.last.stream);
		int rc = overload_identified(w->overload, call, noisy, i < 3 ? noisy : quiet, &f);
		assert_int_equal(rc, i == 2 ? ERR_OVERLOADED : 0);
		if (rc != 0)
			call_finish(call, &f);
		pair_run(&w->pair);
	}
	assert_true(f.retry_ms > 0);
	pair_reset(&w->pair, first, NGHTTP2_CANCEL);
	pair_run(&w->pair);
	pair_call(&w->pair, "/t.T/Hold", NULL);
	pair_run(&w->pair);
	struct call *call = engine_find(w->pair.engine, w->pair.last.stream);
	assert_int_equal(overload_identified(w->overload, call, noisy, noisy, &f), 0);
	account_drop(noisy);
	account_drop(quiet);
	const char *lines = watched_close(w);
	assert_non_null(strstr(lines, " principal=principals/noisy for=principals/quiet "));
	watched_release(w);
}

/* Whether a call that says nothing is let in. */
static bool
may_open(struct watched *w, const char *path)
{
	struct client_call *c = pair_call(&w->pair, path, NULL);
	pair_run(&w->pair);
	return !c->closed;
}

static void
strangers_cannot_take_all(void **state)
{
	struct watched *w = *state;
	struct fault f;
	fault_clear(&f);
	watched_open(w, LEVEL_INFO, &(struct overload_config){.calls_per_principal = 2});
	struct account *known = account_hold(overload_accounts(w->overload), "principals/known");
	assert_true(may_open(w, "/t.T/Hold"));
	struct call *first = engine_find(w->pair.engine, w->pair.last.stream);
	assert_true(may_open(w, "/t.T/Hold"));
	assert_false(may_open(w, "/t.T/Hold"));
	/* health is answered; its streams would stay */
	set_flags(w, "/t.T/Unary", RPC_ALWAYS);
	assert_int_equal(try_call(w), GRPC_OK);
	set_flags(w, "/t.T/Chat", RPC_ALWAYS);
	assert_false(may_open(w, "/t.T/Chat"));
	/* who has said who calls is no stranger any more */
	assert_int_equal(overload_identified(w->overload, first, known, known, &f), 0);
	assert_true(may_open(w, "/t.T/Hold"));
	assert_false(may_open(w, "/t.T/Hold"));
	struct overload_stats stats;
	overload_stats(w->overload, &stats);
	assert_true(stats.refused[OVERLOAD_origin] >= 2);
	assert_int_equal(stats.refused[OVERLOAD_principal], 0);
	account_drop(known);
	watched_close(w);
	watched_release(w);
}

static void
strangers_are_told_apart_by_address(void **state)
{
	static const struct {
		const char *address;
		bool other;
	} cases[] = {
		{"10.0.0.1:1", false},         {"10.0.0.1:2", false},         {"10.0.0.2:1", true},
		{"[2001:db8::1]:9", true},     {"[2001:db8::2:1]:9", false},  {"[2001:db8:0:1::1]:9", true},
		{"[::ffff:10.0.0.3]:1", true}, {"[::ffff:10.0.0.4]:1", true},
	};
	struct watched *w = *state;
	watched_open(w, LEVEL_INFO, &(struct overload_config){.calls_per_principal = 1});
	assert_true(may_open(w, "/t.T/Hold"));
	const struct call *first = engine_find(w->pair.engine, w->pair.last.stream);
	struct call_peer *peer = (struct call_peer *)(uintptr_t)call_peer(first);
	peer->is_unix = false;
	snprintf(peer->address, sizeof(peer->address), "%s", cases[0].address);
	assert_true(may_open(w, "/t.T/Hold"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(peer->address, sizeof(peer->address), "%s", cases[i].address);
		assert_int_equal(may_open(w, "/t.T/Hold"), cases[i].other);
	}
	watched_close(w);
	watched_release(w);
}

int
main(void)
{
	static struct watched watched;
#define TEST(name) cmocka_unit_test_prestate(name, &watched)
	const struct CMUnitTest tests[] = {
		TEST(calls_are_counted_by_method_and_status),
		TEST(calls_without_a_method_are_counted_apart),
		TEST(messages_of_an_open_stream_count_at_once),
		TEST(time_goes_into_its_bucket),
		TEST(a_call_is_one_line_with_its_trace),
		TEST(two_traceparents_are_none),
		TEST(what_a_client_writes_stays_in_its_line),
		TEST(levels_follow_the_fault),
		TEST(a_request_that_breaks_the_protocol_is_a_warning),
		TEST(steps_are_told_at_debug_only),
		TEST(a_walk_that_fails_says_so),
		TEST(calls_beyond_max_calls_are_refused_until_one_ends),
		TEST(a_growing_share_is_refused_while_turns_stay_long),
		TEST(one_short_turn_shows_that_there_is_no_lag),
		TEST(an_idle_loop_forgets_its_overload),
		TEST(too_many_bytes_refuse_until_three_quarters),
		TEST(one_principal_cannot_take_all),
		TEST(strangers_cannot_take_all),
		TEST(strangers_are_told_apart_by_address),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
