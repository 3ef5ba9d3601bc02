/* Blocking calls over Unix sockets and TCP: what comes back, and how each kind of
 * failure is told. */
#include "drive.h"

static struct peer peer;
static struct zwy_client *client;

static int
start_unix(void **state)
{
	(void)state;
	peer = (struct peer){0};
	peer_start(&peer);
	client = client_of(peer.target);
	return 0;
}

static int
start_tcp(void **state)
{
	(void)state;
	peer = (struct peer){.is_tcp = true};
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

static int
call(const char *path, const char *request, struct zwy_bytes *ret, struct zwy_error *error)
{
	return zwy_unary(client, path, bytes_of(request), NULL, ret, error);
}

static void
the_answer_comes_back(void **state)
{
	(void)state;
	struct zwy_bytes answer;
	struct zwy_error error;
	assert_int_equal(call("/t/Echo", "hello", &answer, &error), 0);
	assert_int_equal(error.status, 0);
	assert_true(error.sent);
	assert_int_equal(answer.size, 5);
	assert_memory_equal(answer.data, "hello", 5);
	free((void *)answer.data);
	assert_int_equal(zwy_client_state(client), ZWY_READY);
}

static void
an_empty_message_is_a_message(void **state)
{
	(void)state;
	struct zwy_bytes answer;
	struct zwy_error error;
	assert_int_equal(zwy_unary(client, "/t/Echo", (struct zwy_bytes){NULL, 0}, NULL, &answer, &error), 0);
	assert_int_equal(answer.size, 0);
	free((void *)answer.data);
}

static void
a_thousand_calls_share_one_connection(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(call("/t/Echo", "x", NULL, NULL), 0);
	assert_int_equal(atomic_load(&peer.accepted), 1);
}

static void
a_message_of_four_mebibytes_goes_both_ways(void **state)
{
	(void)state;
	size_t n = 4 << 20;
	char *big = malloc(n);
	for (size_t i = 0; i < n; i++)
		big[i] = (char)(i * 31 >> 3);
	struct zwy_bytes answer;
	struct zwy_error error;
	assert_int_equal(zwy_unary(client, "/t/Echo", (struct zwy_bytes){big, n}, NULL, &answer, &error), 0);
	assert_int_equal(answer.size, n);
	assert_memory_equal(answer.data, big, n);
	free((void *)answer.data);
	/* One byte more is refused by this end. */
	assert_int_equal(call("/t/Stream", "1 4194305", &answer, &error), -1);
	assert_int_equal(error.status, GRPC_RESOURCE_EXHAUSTED);
	assert_string_equal(error.reason, "MESSAGE_TOO_LARGE");
	free(big);
}

static void
headers_are_those_of_grpc(void **state)
{
	(void)state;
	struct zwy_client *c;
	struct zwy_options o = {.size = sizeof(o), .as = "principals/li", .user_agent = "test/1"};
	struct zwy_metadata m[] = {{"zwy-uid", "1000", 0}, {"x-test", "a b", 0}};
	struct zwy_call_options co = {.size = sizeof(co),
				      .metadata = m,
				      .metadata_count = 2,
				      .timeout_ms = 5000};
	struct zwy_bytes answer;
	assert_int_equal(zwy_client_new(&c, peer.target, &o, NULL), 0);
	assert_int_equal(zwy_unary(c, "/t/Headers", bytes_of(""), &co, &answer, NULL), 0);
	const char *text = answer.data;
	const char *want[] = {":method: POST\n",
			      ":path: /t/Headers\n",
			      ":scheme: http\n",
			      "te: trailers\n",
			      "content-type: application/grpc\n",
			      "user-agent: test/1 grpc-c-libzwy/" ZWY_VERSION "\n",
			      "zwy-as: principals/li\n",
			      "zwy-uid: 1000\n",
			      "x-test: a b\n",
			      "grpc-timeout: "};
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_non_null(strstr(text, want[i]));
	free((void *)answer.data);
	zwy_client_free(c);
}

static void
metadata_that_grpc_forbids_never_leaves(void **state)
{
	(void)state;
	struct zwy_metadata bad[] = {{"grpc-timeout", "1S", 0},
				     {"Upper", "x", 0},
				     {"x", "a\nb", 0},
				     {"", "x", 0}};
	for (size_t i = 0; i < 4; i++) {
		struct zwy_call_options o = {.size = sizeof(o), .metadata = &bad[i], .metadata_count = 1};
		struct zwy_error error;
		assert_int_equal(zwy_unary(client, "/t/Echo", bytes_of("x"), &o, NULL, &error), -1);
		assert_int_equal(error.status, GRPC_INVALID_ARGUMENT);
		assert_false(error.sent);
	}
	assert_int_equal(atomic_load(&peer.requests), 0);
}

static void
a_refusal_carries_reason_article_and_every_defect(void **state)
{
	(void)state;
	struct zwy_error error;
	assert_int_equal(call("/t/Fail", "x", NULL, &error), -1);
	assert_int_equal(error.status, GRPC_FAILED_PRECONDITION);
	assert_string_equal(error.reason, "DOCUMENT_MISSING");
	assert_string_equal(error.article, "13");
	assert_int_equal(error.exit_status, 1);
	assert_int_equal(error.error_number, EPERM);
	assert_true(error.sent);
	assert_int_equal(error.detail_count, 2);
	assert_string_equal(error.details[0].field, "document.security-filing");
	assert_string_equal(error.details[1].text, "the plan is missing: 100% 缺");
}

static void
answers_that_are_not_grpc_are_told_as_such(void **state)
{
	(void)state;
	struct zwy_error error;
	assert_int_equal(call("/t/Bare", "x", NULL, &error), -1);
	assert_int_equal(error.status, GRPC_UNAVAILABLE);
	assert_non_null(strstr(error.text, "503"));
	assert_int_equal(call("/t/Silent", "x", NULL, &error), -1);
	assert_int_equal(error.status, GRPC_INTERNAL);
	assert_int_equal(call("/t/Compressed", "x", NULL, &error), -1);
	assert_int_equal(error.status, GRPC_INTERNAL);
	assert_int_equal(call("/t/Stream", "2 1", NULL, &error), -1);
	assert_int_equal(error.status, GRPC_INTERNAL);
}

static void
a_deadline_after_sending_leaves_the_outcome_unknown(void **state)
{
	(void)state;
	struct zwy_call_options o = {.size = sizeof(o), .timeout_ms = 300};
	struct zwy_error error;
	assert_int_equal(call("/t/Echo", "x", NULL, NULL), 0);
	assert_int_equal(zwy_unary(client, "/t/Hang", bytes_of("x"), &o, NULL, &error), -1);
	assert_int_equal(error.status, GRPC_DEADLINE_EXCEEDED);
	assert_true(error.sent);
	assert_int_equal(error.exit_status, 7);
	assert_int_equal(error.error_number, ETIMEDOUT);
	assert_int_equal(call("/t/Echo", "still there", NULL, NULL), 0);
	assert_int_equal(atomic_load(&peer.accepted), 1);
}

static void
a_server_that_closes_in_the_middle_leaves_the_outcome_unknown(void **state)
{
	(void)state;
	struct zwy_error error;
	assert_int_equal(call("/t/Drop", "x", NULL, &error), -1);
	assert_int_equal(error.status, GRPC_UNAVAILABLE);
	assert_true(error.sent);
	assert_int_equal(error.exit_status, 7);
	assert_int_equal(call("/t/Echo", "again", NULL, NULL), 0);
}

static void
a_request_refused_unread_is_sent_again(void **state)
{
	(void)state;
	struct zwy_error error;
	atomic_store(&peer.refusals, 2);
	assert_int_equal(call("/t/Refuse", "x", NULL, &error), 0);
	assert_int_equal(atomic_load(&peer.requests), 3);
	/* But not for ever. */
	atomic_store(&peer.refusals, 100);
	assert_int_equal(call("/t/Refuse", "x", NULL, &error), -1);
	assert_int_equal(error.status, GRPC_UNAVAILABLE);
	assert_false(error.sent);
	assert_int_equal(error.exit_status, 6);
}

static void
goaway_moves_the_next_call_to_a_new_connection(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(call("/t/Goaway", "x", NULL, NULL), 0);
	assert_int_equal(atomic_load(&peer.accepted), 5);
}

#define BOTH(test)                                          \
	{#test " (unix)", test, start_unix, stop, NULL},    \
	{                                                   \
#test " (tcp)", test, start_tcp, stop, NULL \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(the_answer_comes_back),
		BOTH(an_empty_message_is_a_message),
		BOTH(a_thousand_calls_share_one_connection),
		BOTH(a_message_of_four_mebibytes_goes_both_ways),
		BOTH(headers_are_those_of_grpc),
		BOTH(metadata_that_grpc_forbids_never_leaves),
		BOTH(a_refusal_carries_reason_article_and_every_defect),
		BOTH(answers_that_are_not_grpc_are_told_as_such),
		BOTH(a_deadline_after_sending_leaves_the_outcome_unknown),
		BOTH(a_server_that_closes_in_the_middle_leaves_the_outcome_unknown),
		BOTH(a_request_refused_unread_is_sent_again),
		BOTH(goaway_moves_the_next_call_to_a_new_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
