/* Reflection of what is served, and what a client that does not read it costs. */
#include "../rpc/support.h"

#include "grpc/services.h"
#include "wire.h"

#define V1      "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
#define V1ALPHA "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"

enum { FILE_BY_NAME = 3, FILE_BY_SYMBOL = 4, SERVICES = 7 };
enum { ANSWER_REQUEST = 2, ANSWER_FILES = 4, ANSWER_SERVICES = 6, ANSWER_ERROR = 7 };

struct fixture {
	struct pair pair;
	struct reflection *reflection;
	struct rpc_method rows[PAIR_METHODS + GRPC_SERVICES_ROUTES];
};

static void
open_with(struct fixture *t, const struct pair_options *o)
{
	pair_open(&t->pair, o);
	assert_int_equal(reflection_new(&t->reflection, NULL, 0, NULL), 0);
	struct grpc_services s = {.reflection = t->reflection};
	size_t n = pair_methods(t->rows);
	assert_int_equal(grpc_services_routes(&s, t->rows, n, &t->pair.config.method_count), 0);
	t->pair.config.methods = t->rows;
}

static void
close_all(struct fixture *t)
{
	pair_close(&t->pair);
	reflection_free(t->reflection);
}

static void
say(struct fixture *t, struct client_call *c, uint32_t question, const char *value)
{
	struct buf request = {0};
	wire_put_bytes(&request, question, slice_of(value));
	pair_say(&t->pair, c, buf_slice(&request));
	buf_release(&request);
}

static unsigned
count(struct slice message, uint32_t number)
{
	struct wire_field field;
	unsigned n = 0;
	while (wire_next(&message, &field) == 1)
		n += field.number == number;
	return n;
}

static void
the_services_of_the_routes_are_listed_without_descriptors_too(void **state)
{
	(void)state;
	struct fixture t;
	open_with(&t, NULL);
	struct client_call *c = pair_call(&t.pair, V1, NULL);
	say(&t, c, SERVICES, "");
	pair_end(&t.pair, c);
	pair_run(&t.pair);
	assert_status(c, GRPC_OK);
	struct slice services = wire_string(reply_message(c, 0), ANSWER_SERVICES);
	assert_int_equal(count(services, 1), 3);
	assert_true(slice_is(wire_string(wire_string(services, 1), 1), "t.T"));
	close_all(&t);
}

static void
imports_are_sent_once_on_a_stream_and_the_file_asked_for_each_time(void **state)
{
	(void)state;
	struct fixture t;
	open_with(&t, NULL);
	struct client_call *c = pair_call(&t.pair, V1ALPHA, NULL);
	say(&t, c, FILE_BY_SYMBOL, "grpc.channelz.v1.Channelz.GetServers");
	say(&t, c, FILE_BY_NAME, "grpc/channelz/v1/channelz.proto");
	say(&t, c, FILE_BY_NAME, "google/protobuf/any.proto");
	say(&t, c, FILE_BY_NAME, "google/protobuf/none.proto");
	say(&t, c, FILE_BY_NAME, "");
	pair_end(&t.pair, c);
	pair_run(&t.pair);
	assert_status(c, GRPC_OK);
	static const unsigned files[] = {5, 1, 1, 0, 0};
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(count(wire_string(reply_message(c, i), ANSWER_FILES), 1), files[i]);
	for (size_t i = 3; i < 5; i++)
		assert_int_equal(wire_uint(wire_string(reply_message(c, i), ANSWER_ERROR), 1),
				 GRPC_NOT_FOUND);
	close_all(&t);
}

static void
questions_wait_while_the_answers_are_not_read(void **state)
{
	(void)state;
	struct fixture t;
	struct pair_options o = {.client_window = 1000, .client_holds = true};
	open_with(&t, &o);
	struct client_call *c = pair_call(&t.pair, V1, NULL);
	for (unsigned i = 0; i < 2000; i++)
		say(&t, c, FILE_BY_NAME, "grpc/channelz/v1/channelz.proto");
	pair_end(&t.pair, c);
	pair_run(&t.pair);
	assert_in_range(engine_stats(t.pair.engine)->messages_out, 1, 20);
	for (size_t taken = 0; taken < c->body.n; pair_run(&t.pair)) {
		size_t n = c->body.n - taken;
		pair_take(&t.pair, c, n);
		taken += n;
	}
	assert_status(c, GRPC_OK);
	assert_int_equal(reply_count(c), 2000);
	close_all(&t);
}

/* Whatever a client asks, it is answered, or told that it cannot be read. */
static void
random_questions_do_no_harm(void **state)
{
	(void)state;
	struct fixture t;
	uint64_t seed = random_seed(1);
	open_with(&t, NULL);
	for (unsigned round = 0; round < 300; round++) {
		struct client_call *c = pair_call(&t.pair, round % 2 ? V1 : V1ALPHA, NULL);
		for (unsigned k = 0; k < 4; k++) {
			char bytes[12];
			size_t n = random_next(&seed) % sizeof(bytes);
			for (size_t i = 0; i < n; i++)
				bytes[i] = (char)(random_next(&seed) % 64);
			pair_say(&t.pair, c, slice_make(bytes, n));
		}
		pair_end(&t.pair, c);
		pair_run(&t.pair);
		assert_true(c->grpc_status == GRPC_OK || c->grpc_status == GRPC_INTERNAL);
		for (size_t i = 0; i < reply_count(c); i++)
			assert_int_equal(count(reply_message(c, i), ANSWER_REQUEST), 1);
	}
	close_all(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_services_of_the_routes_are_listed_without_descriptors_too),
		cmocka_unit_test(imports_are_sent_once_on_a_stream_and_the_file_asked_for_each_time),
		cmocka_unit_test(questions_wait_while_the_answers_are_not_read),
		cmocka_unit_test(random_questions_do_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
