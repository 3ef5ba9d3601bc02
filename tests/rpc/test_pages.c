/* Pages for plain HTTP clients, beside the calls. */
#include "support.h"

#include <string.h>

static struct client_call *
ask(struct pair *p, const char *method, const char *path)
{
	const char *extra[] = {":method", method, "content-type", NULL, NULL};
	struct client_call *c = pair_call_bare(p, path, extra);
	pair_run(p);
	assert_true(c->ended);
	assert_true(c->closed);
	assert_int_equal(c->close_code, NGHTTP2_NO_ERROR);
	return c;
}

static void
get_gives_the_page_with_its_length(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = ask(&p, "GET", "/healthz");
	assert_int_equal(c->http_status, 200);
	assert_string_equal(c->content_type, "text/plain");
	assert_true(slice_is(buf_slice(&c->body), "healthy\n"));
	assert_has_header(c, "content-length: 8\n");
	assert_int_equal(c->head_frames, 1);
	assert_int_equal(c->grpc_status, -1);
	c = ask(&p, "GET", "/healthz?verbose=1");
	assert_true(slice_is(buf_slice(&c->body), "healthy\n"));
	pair_close(&p);
}

static void
head_gives_the_length_alone(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = ask(&p, "HEAD", "/healthz");
	assert_int_equal(c->http_status, 200);
	assert_int_equal(c->body.n, 0);
	assert_has_header(c, "content-length: 8\n");
	pair_close(&p);
}

static void
a_large_page_passes_a_small_window(void **state)
{
	(void)state;
	struct pair p;
	struct pair_options o = {.client_window = 1000};
	pair_open(&p, &o);
	struct client_call *c = ask(&p, "GET", "/metrics");
	assert_int_equal(c->http_status, 503);
	assert_int_equal(c->body.n, 500000);
	assert_memory_equal(c->body.p + 499990, "000049999\n", 10);
	pair_close(&p);
}

static void
other_methods_of_a_page_are_405(void **state)
{
	(void)state;
	static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS"};
	struct pair p;
	pair_open(&p, NULL);
	for (size_t i = 0; i < 4; i++) {
		struct client_call *c =
			pair_call(&p, "/healthz", (const char *const[]){":method", methods[i], NULL});
		pair_say(&p, c, SLICE("body"));
		pair_run(&p);
		assert_int_equal(c->http_status, 0);
		pair_end(&p, c);
		pair_run(&p);
		assert_int_equal(c->http_status, 405);
		assert_true(c->closed);
		assert_int_equal(c->close_code, NGHTTP2_NO_ERROR);
		assert_has_header(c, "allow: GET, HEAD\n");
	}
	pair_close(&p);
}

static void
a_get_with_a_body_is_answered_at_its_end(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	char bytes[100000] = {0};
	for (unsigned i = 0; i < 30; i++) { /* three connection windows */
		struct client_call *c =
			pair_call(&p, "/healthz", (const char *const[]){":method", "GET", NULL});
		pair_say_raw(&p, c, slice_make(bytes, sizeof(bytes)));
		pair_run(&p);
		assert_int_equal(c->http_status, 0);
		pair_end(&p, c);
		pair_run(&p);
		assert_int_equal(c->http_status, 200);
		assert_true(slice_is(buf_slice(&c->body), "healthy\n"));
		assert_true(c->closed);
		assert_int_equal(c->close_code, NGHTTP2_NO_ERROR);
	}
	assert_status(pair_unary(&p, "/t.T/Unary", slice_make(bytes, sizeof(bytes))), GRPC_OK);
	pair_close(&p);
}

static void
a_request_of_a_page_that_never_ends_is_reset(void **state)
{
	(void)state;
	static const char *const methods[] = {"GET", "POST"};
	for (size_t i = 0; i < 2; i++) {
		struct pair p;
		pair_open(&p, NULL);
		struct client_call *c =
			pair_call(&p, "/healthz", (const char *const[]){":method", methods[i], NULL});
		pair_run(&p);
		pair_wait(&p, p.config.limits.page_timeout - 1);
		assert_false(c->closed);
		pair_wait(&p, 1);
		assert_true(c->closed);
		assert_int_equal(c->http_status, 0);
		pair_close(&p);
	}
}

static void
local_pages_are_403_for_others(void **state)
{
	(void)state;
	for (int remote = 0; remote < 2; remote++) {
		struct pair p;
		struct pair_options o = {.is_remote = remote};
		pair_open(&p, &o);
		struct client_call *c = ask(&p, "GET", "/local");
		assert_int_equal(c->http_status, remote ? 403 : 200);
		assert_true(c->body.n > 0);
		assert_int_equal(ask(&p, "GET", "/healthz")->http_status, 200);
		pair_close(&p);
	}
}

static void
a_page_that_fails_is_500_and_shows_nothing_of_it(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	struct client_call *c = ask(&p, "GET", "/broken");
	assert_int_equal(c->http_status, 500);
	assert_true(slice_is(buf_slice(&c->body), "the page could not be made\n"));
	pair_close(&p);
}

static void
pages_are_no_calls(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, NULL);
	ask(&p, "GET", "/healthz");
	ask(&p, "GET", "/broken");
	assert_int_equal(p.finished_count, 0);
	assert_int_equal(engine_stats(p.engine)->calls_started, 0);
	assert_int_equal(engine_stats(p.engine)->calls_failed, 0);
	assert_int_equal(engine_open_calls(p.engine), 0);
	pair_close(&p);
}

static void
a_page_that_nobody_takes_is_reset(void **state)
{
	(void)state;
	struct pair p;
	struct pair_options o = {.client_window = 1000, .client_holds = true};
	pair_open(&p, &o);
	struct client_call *c = pair_call_bare(&p, "/metrics", (const char *const[]){":method", "GET", NULL});
	pair_run(&p);
	assert_int_equal(c->body.n, 1000);
	pair_wait(&p, p.config.limits.page_timeout - 1);
	assert_false(c->closed);
	pair_wait(&p, 1);
	assert_true(c->closed);
	assert_int_equal(c->close_code, NGHTTP2_CANCEL);
	pair_close(&p);
}

static void
pages_and_calls_interleave(void **state)
{
	(void)state;
	struct pair p;
	struct pair_options o = {.client_window = 5000};
	pair_open(&p, &o);
	struct client_call *pages[20], *calls[20];
	for (size_t i = 0; i < 20; i++) {
		pages[i] = pair_call_bare(&p, i % 2 ? "/metrics" : "/healthz",
					  (const char *const[]){":method", "GET", NULL});
		calls[i] = pair_call(&p, "/t.T/Download", NULL);
		pair_say(&p, calls[i], SLICE("20 3000"));
		pair_end(&p, calls[i]);
	}
	pair_run(&p);
	for (size_t i = 0; i < 20; i++) {
		assert_int_equal(pages[i]->body.n, i % 2 ? 500000 : 8);
		assert_status(calls[i], GRPC_OK);
		assert_int_equal(reply_count(calls[i]), 20);
	}
	assert_int_equal(p.finished_count, 20);
	pair_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(get_gives_the_page_with_its_length),
		cmocka_unit_test(head_gives_the_length_alone),
		cmocka_unit_test(a_large_page_passes_a_small_window),
		cmocka_unit_test(other_methods_of_a_page_are_405),
		cmocka_unit_test(a_get_with_a_body_is_answered_at_its_end),
		cmocka_unit_test(a_request_of_a_page_that_never_ends_is_reset),
		cmocka_unit_test(local_pages_are_403_for_others),
		cmocka_unit_test(a_page_that_fails_is_500_and_shows_nothing_of_it),
		cmocka_unit_test(pages_are_no_calls),
		cmocka_unit_test(a_page_that_nobody_takes_is_reset),
		cmocka_unit_test(pages_and_calls_interleave),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
