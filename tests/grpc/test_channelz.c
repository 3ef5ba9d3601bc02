/* Channelz says what its source says: figures, times, addresses; and only to peers on this host. */
#include "../rpc/support.h"

#include "grpc/channelz.h"
#include "grpc/services.h"
#include "wire.h"

#define CHANNELZ "/grpc.channelz.v1.Channelz/"

static const struct call_peer peers[] = {
	{.is_unix = true, .address = "unix:uid=1000", .local = "unix:/run/zwy/zwyd.sock"},
	{.address = "192.0.2.7:65535", .local = "192.0.2.1:443", .is_tls = true, .certificate = "system-tax"},
	{.address = "[2001:db8::1]:1", .local = "[::1]:50051"},
	{.address = "", .local = "somewhere"},
};
#define PEERS (sizeof(peers) / sizeof(peers[0]))

static void
totals(void *ctx, struct engine_stats *ret)
{
	(void)ctx;
	*ret = (struct engine_stats){.calls_started = 10,
				     .calls_succeeded = 6,
				     .calls_failed = 3,
				     .last_call = 1500};
}

static bool
listener_next(void *ctx, uint64_t after, struct net_listener_info *ret)
{
	static const char *const targets[] = {"unix:/run/zwy/zwyd.sock", "tls:192.0.2.1:443", "[::1]:50051"};
	(void)ctx;
	if (after >= 3)
		return false;
	*ret = (struct net_listener_info){after + 1, targets[after]};
	return true;
}

/* Connections 10, 20, 30 and 40. */
static bool
connection_next(void *ctx, uint64_t after, struct net_connection_info *ret)
{
	(void)ctx;
	size_t at = (size_t)(after / 10);
	if (at >= PEERS)
		return false;
	*ret = (struct net_connection_info){
		.id = 10 * (at + 1),
		.peer = &peers[at],
		.stats = {.calls_started = 5,
			  .calls_succeeded = 2,
			  .calls_failed = 1,
			  .messages_in = 7,
			  .messages_out = 8,
			  .pings_sent = 9,
			  .last_call = 1000,
			  .last_message_in = 2000},
		.window_in = 65535,
		.window_out = 0,
		.tls_version = peers[at].is_tls ? "TLSv1.3" : "",
		.tls_cipher = peers[at].is_tls ? "TLS_AES_256_GCM_SHA384" : "",
	};
	return true;
}

static msec
wall_time(void *ctx, msec instant)
{
	(void)ctx;
	return 1700000000000 + instant;
}

static const struct channelz channelz = {"test", {NULL, totals, listener_next, connection_next, wall_time}};

/* The message within a message, by a path of field numbers that ends with 0. */
static struct slice
at(struct slice message, const uint32_t *path)
{
	for (; *path; path++)
		message = wire_string(message, *path);
	return message;
}
#define AT(message, ...) at(message, (const uint32_t[]){__VA_ARGS__, 0})

static void
a_server_has_its_figures_and_listeners(void **state)
{
	(void)state;
	struct buf b = {0};
	channelz_put_server(&b, 1, &channelz);
	struct slice server = AT(buf_slice(&b), 1), data = AT(server, 2), last = AT(server, 3);
	assert_int_equal(wire_uint(AT(server, 1), 5), CHANNELZ_SERVER_ID);
	assert_true(slice_is(AT(server, 1, 6), "test"));
	assert_int_equal(wire_uint(data, 2), 10);
	assert_int_equal(wire_uint(data, 3), 6);
	assert_int_equal(wire_uint(data, 4), 3);
	assert_int_equal(wire_time(data, 5), 1700000001500);
	assert_int_equal(wire_uint(last, 3), CHANNELZ_LISTENER_ID + 3);
	assert_true(slice_is(AT(last, 4), "[::1]:50051"));
	buf_release(&b);
}

static struct slice
connection(struct buf *b, size_t n)
{
	struct net_connection_info c;
	assert_true(connection_next(NULL, 10 * n, &c));
	buf_clear(b);
	channelz_put_connection(b, 1, &channelz, &c);
	return AT(buf_slice(b), 1);
}

static void
a_connection_has_its_figures(void **state)
{
	(void)state;
	struct buf b = {0};
	struct wire_field field;
	struct slice socket = connection(&b, 1), data = AT(socket, 2);
	static const uint64_t figures[] = {0, 5, 2, 1, 8, 7, 9};
	assert_int_equal(wire_uint(AT(socket, 1), 3), CHANNELZ_CONNECTION_ID + 20);
	for (uint32_t n = 1; n <= 6; n++)
		assert_int_equal(wire_uint(data, n), figures[n]);
	assert_int_equal(wire_time(data, 8), 1700000001000);
	assert_int_equal(wire_time(data, 10), 1700000002000);
	assert_false(wire_find(data, 9, &field)); /* no message has been sent, so at no time */
	assert_int_equal(wire_uint(AT(data, 11), 1), 65535);
	assert_true(wire_find(data, 12, &field) && field.bytes.n == 0); /* a window of 0 is known */
	assert_true(slice_is(AT(data, 13, 2), "TLSv1.3"));
	assert_true(slice_is(AT(socket, 5, 1, 1), "TLS_AES_256_GCM_SHA384"));
	assert_true(slice_is(AT(socket, 6), "system-tax"));
	socket = connection(&b, 0);
	assert_false(wire_find(socket, 5, &field));
	assert_false(wire_find(AT(socket, 2), 13, &field));
	buf_release(&b);
}

static void
addresses_are_of_their_kind(void **state)
{
	(void)state;
	struct buf b = {0};
	struct wire_field field;
	struct slice socket = connection(&b, 0);
	assert_true(slice_is(AT(socket, 3, 2, 1), "/run/zwy/zwyd.sock"));
	assert_true(slice_is(AT(socket, 4, 3, 1), "unix:uid=1000"));
	socket = connection(&b, 1);
	assert_true(slice_equal(AT(socket, 4, 1, 1), SLICE("\xc0\0\x02\x07")));
	assert_int_equal(wire_uint(AT(socket, 4, 1), 2), 65535);
	socket = connection(&b, 2);
	assert_true(slice_equal(AT(socket, 4, 1, 1), SLICE("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01")));
	assert_true(slice_equal(AT(socket, 3, 1, 1), SLICE("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01")));
	assert_int_equal(wire_uint(AT(socket, 3, 1), 2), 50051);
	socket = connection(&b, 3);
	assert_false(wire_find(socket, 4, &field));
	assert_true(slice_is(AT(socket, 3, 3, 1), "somewhere"));
	struct net_listener_info l = {2, "tls:192.0.2.1:443"};
	buf_clear(&b);
	channelz_put_listener(&b, 1, &l);
	assert_true(slice_equal(AT(buf_slice(&b), 1, 3, 1, 1), SLICE("\xc0\0\x02\x01")));
	assert_int_equal(wire_uint(AT(buf_slice(&b), 1, 3, 1), 2), 443);
	buf_release(&b);
}

struct fixture {
	struct pair pair;
	struct rpc_method rows[GRPC_SERVICES_ROUTES];
};

static void
open_with(struct fixture *t, const struct pair_options *o)
{
	pair_open(&t->pair, o);
	struct grpc_services s = {.channelz = (struct channelz *)(uintptr_t)&channelz};
	assert_int_equal(grpc_services_routes(&s, t->rows, 0, &t->pair.config.method_count), 0);
	t->pair.config.methods = t->rows;
}

static struct client_call *
ask(struct fixture *t, const char *path, int64_t first, int64_t second, int64_t third)
{
	struct buf request = {0};
	wire_put_uint(&request, 1, (uint64_t)first);
	wire_put_uint(&request, 2, (uint64_t)second);
	wire_put_uint(&request, 3, (uint64_t)third);
	struct client_call *c = pair_unary(&t->pair, path, buf_slice(&request));
	buf_release(&request);
	return c;
}

/* The identifiers of a page, as text. */
static void
assert_page(struct client_call *c, const char *ids, bool end)
{
	struct buf text = {0};
	struct wire_field field;
	assert_status(c, GRPC_OK);
	struct slice page = reply_message(c, 0);
	assert_int_equal(wire_uint(page, 2), end);
	while (wire_next(&page, &field) == 1)
		if (field.number == 1)
			buf_printf(&text, "%d ", (int)wire_uint(field.bytes, 3) - CHANNELZ_CONNECTION_ID);
	buf_append_char(&text, '\0');
	assert_string_equal(text.p, ids);
	buf_release(&text);
}

static void
sockets_come_in_pages(void **state)
{
	(void)state;
	struct fixture t;
	open_with(&t, NULL);
	const char *path = CHANNELZ "GetServerSockets";
	const int64_t base = CHANNELZ_CONNECTION_ID;
	assert_page(ask(&t, path, 1, 0, 0), "10 20 30 40 ", true);
	assert_page(ask(&t, path, 1, 0, 4), "10 20 30 40 ", true);
	assert_page(ask(&t, path, 1, 0, 3), "10 20 30 ", false);
	assert_page(ask(&t, path, 1, base + 30, 3), "30 40 ", true);
	assert_page(ask(&t, path, 1, base + 31, 1), "40 ", true);
	assert_page(ask(&t, path, 1, base + 41, 1), "", true);
	assert_page(ask(&t, path, 1, INT64_MIN, 0), "10 20 30 40 ", true);
	assert_page(ask(&t, path, 1, INT64_MAX, 0), "", true);
	assert_status(ask(&t, path, 2, 0, 0), GRPC_NOT_FOUND);
	assert_status(ask(&t, path, 1, 0, -1), GRPC_INVALID_ARGUMENT);
	pair_close(&t.pair);
}

static void
sockets_are_found_by_their_identifier_alone(void **state)
{
	(void)state;
	struct fixture t;
	open_with(&t, NULL);
	const int64_t base = CHANNELZ_CONNECTION_ID, first = CHANNELZ_LISTENER_ID;
	const int64_t there[] = {base + 10, base + 40, first + 1, first + 3};
	const int64_t not_there[] = {0,         1,         first,     first + 4, base, base + 9,
				     base + 11, base + 41, INT64_MAX, INT64_MIN, -1};
	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
		struct client_call *c = ask(&t, CHANNELZ "GetSocket", there[i], 0, 0);
		assert_status(c, GRPC_OK);
		assert_int_equal(wire_uint(AT(reply_message(c, 0), 1, 1), 3), there[i]);
	}
	for (size_t i = 0; i < sizeof(not_there) / sizeof(not_there[0]); i++)
		assert_status(ask(&t, CHANNELZ "GetSocket", not_there[i], 0, 0), GRPC_NOT_FOUND);
	pair_close(&t.pair);
}

static void
peers_elsewhere_are_told_nothing(void **state)
{
	(void)state;
	struct fixture t;
	struct pair_options o = {.is_remote = true};
	open_with(&t, &o);
	for (size_t i = 0; i < t.pair.config.method_count; i++)
		assert_status(ask(&t, t.rows[i].path, 1, 0, 0), GRPC_PERMISSION_DENIED);
	assert_int_equal(t.pair.config.method_count, 7);
	pair_close(&t.pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_has_its_figures_and_listeners),
		cmocka_unit_test(a_connection_has_its_figures),
		cmocka_unit_test(addresses_are_of_their_kind),
		cmocka_unit_test(sockets_come_in_pages),
		cmocka_unit_test(sockets_are_found_by_their_identifier_alone),
		cmocka_unit_test(peers_elsewhere_are_told_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
