/* The libuv host, with a client on a Unix socket in the same process. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "net/net.h"

struct host {
	struct pair pair; /* its methods and log; its engine is not used */
	uv_loop_t loop;
	struct net *net;
	char folder[64];
	char target[NET_TARGET_MAX];
	unsigned sleeps, drained, closed;
};

static bool no_memory;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *
__wrap_calloc(size_t n, size_t size)
{
	return no_memory ? NULL : __real_calloc(n, size);
}

static void
on_sleep(void *ctx)
{
	((struct host *)ctx)->sleeps++;
}

static void
on_drained(void *ctx)
{
	((struct host *)ctx)->drained++;
}

static void
on_net_closed(void *ctx)
{
	((struct host *)ctx)->closed++;
}

static void
host_open(struct host *h, int64_t max_connections)
{
	struct fault f = {0};
	memset(h, 0, sizeof(*h));
	struct net_config config = {.before_sleep = on_sleep, .ctx = h};
	config.rpc.methods = h->pair.methods;
	config.rpc.method_count = pair_methods(h->pair.methods);
	config.rpc.server = &h->pair;
	rpc_limits_default(&config.rpc.limits);
	net_limits_default(&config.limits);
	if (max_connections)
		config.limits.max_connections = max_connections;
	assert_int_equal(uv_loop_init(&h->loop), 0);
	assert_int_equal(net_open(&h->net, &h->loop, &config, &f), 0);
	const char *tmp = getenv("TMPDIR");
	snprintf(h->folder, sizeof(h->folder), "%s/zwy-net-XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	assert_non_null(mkdtemp(h->folder));
	char target[NET_TARGET_MAX];
	snprintf(target, sizeof(target), "unix:%s/socket", h->folder);
	assert_int_equal(net_listen(h->net, target, h->target, &f), 0);
	assert_string_equal(h->target, target);
}

static void
host_close(struct host *h)
{
	if (!h->closed)
		net_close(h->net, on_net_closed, h);
	uv_run(&h->loop, UV_RUN_DEFAULT);
	assert_int_equal(h->closed, 1);
	assert_int_equal(uv_loop_close(&h->loop), 0);
	buf_release(&h->pair.log);
	assert_int_equal(rmdir(h->folder), 0); /* the socket is gone with its listener */
}

static int
dial(struct host *h)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", h->folder);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* A unary call to /t.T/Hold, as bytes. */
static void
say_hold(int fd)
{
	struct pair *p = malloc(sizeof(*p));
	pair_open(p, NULL);
	struct client_call *c = pair_call(p, "/t.T/Hold", NULL);
	pair_say(p, c, SLICE("x"));
	pair_end(p, c);
	const uint8_t *data;
	ssize_t n;
	while ((n = nghttp2_session_mem_send(p->client, &data)) > 0)
		assert_int_equal(write(fd, data, (size_t)n), n);
	pair_close(p);
	free(p);
}

static size_t
log_count(struct host *h, const char *event)
{
	size_t n = 0;
	for (size_t i = 0; i + strlen(event) <= h->pair.log.n; i++)
		n += memcmp(h->pair.log.p + i, event, strlen(event)) == 0;
	return n;
}

static void
run_until(struct host *h, const char *event, size_t times)
{
	while (log_count(h, event) < times)
		uv_run(&h->loop, UV_RUN_ONCE);
}

static void
a_call_is_found_by_its_handle_until_it_ends(void **state)
{
	(void)state;
	struct host *h = malloc(sizeof(*h));
	host_open(h, 0);
	int fd = dial(h);
	say_hold(fd);
	run_until(h, ":message", 1);
	struct call_handle handle = h->pair.last;
	struct call *call = net_find(h->net, handle);
	assert_non_null(call);
	assert_true(call_peer(call)->is_unix);
	assert_int_equal(call_peer(call)->uid, getuid());
	assert_int_equal(call_peer(call)->pid, getpid());
	assert_int_equal(net_open_calls(h->net), 1);
	net_hold(h->net, handle);
	close(fd);
	run_until(h, ":closed", 1);
	assert_null(net_find(h->net, handle));
	assert_int_equal(net_connections(h->net), 0);
	/* The next connection in the same place is another one. */
	fd = dial(h);
	net_release(h->net, handle); /* work for the old one is done, and is not counted here */
	say_hold(fd);
	run_until(h, ":message", 2);
	assert_int_not_equal(h->pair.last.connection, handle.connection);
	assert_int_equal(h->pair.last.stream, handle.stream);
	assert_null(net_find(h->net, handle));
	assert_non_null(net_find(h->net, h->pair.last));
	close(fd);
	host_close(h);
	free(h);
}

static void
closing_the_net_ends_calls_and_lets_the_loop_end(void **state)
{
	(void)state;
	struct host *h = malloc(sizeof(*h));
	host_open(h, 0);
	int fds[3];
	for (size_t i = 0; i < 3; i++) {
		fds[i] = dial(h);
		say_hold(fds[i]);
	}
	run_until(h, ":message", 3);
	assert_true(h->sleeps > 0);
	net_close(h->net, on_net_closed, h);
	assert_int_equal(log_count(h, ":closed"), 3);
	assert_int_equal(h->closed, 0);
	while (!h->closed)
		uv_run(&h->loop, UV_RUN_ONCE);
	for (size_t i = 0; i < 3; i++)
		close(fds[i]);
	host_close(h);
	free(h);
}

static void
connections_beyond_the_limit_are_closed_on_arrival(void **state)
{
	(void)state;
	struct host *h = malloc(sizeof(*h));
	char c;
	host_open(h, 2);
	int kept[2] = {dial(h), dial(h)};
	int third = dial(h);
	say_hold(kept[0]);
	say_hold(kept[1]);
	run_until(h, ":message", 2);
	while (recv(third, &c, 1, MSG_DONTWAIT) != 0)
		uv_run(&h->loop, UV_RUN_NOWAIT);
	assert_int_equal(net_connections(h->net), 2);
	close(kept[0]);
	run_until(h, ":closed", 1);
	int fourth = dial(h);
	say_hold(fourth);
	run_until(h, ":message", 3);
	close(kept[1]);
	close(third);
	close(fourth);
	host_close(h);
	free(h);
}

static void
expect_closed(struct host *h, int fd)
{
	char c;
	while (recv(fd, &c, 1, MSG_DONTWAIT) != 0)
		uv_run(&h->loop, UV_RUN_NOWAIT);
	close(fd);
}

static void
without_memory_connections_are_closed_and_the_listener_goes_on(void **state)
{
	(void)state;
	struct host *h = malloc(sizeof(*h));
	host_open(h, 0);
	int fds[3] = {dial(h), dial(h), dial(h)};
	no_memory = true;
	for (size_t i = 0; i < 3; i++)
		expect_closed(h, fds[i]);
	no_memory = false;
	int fd = dial(h);
	say_hold(fd);
	run_until(h, ":message", 1);
	close(fd);
	host_close(h);
	free(h);
}

static int
dial_tcp(const char *target)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	address.sin_port = htons((uint16_t)atoi(strrchr(target, ':') + 1));
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void
without_memory_the_http_listener_goes_on_too(void **state)
{
	(void)state;
	static const char request[] = "GET /none HTTP/1.1\r\nHost: x\r\n\r\n";
	struct host *h = malloc(sizeof(*h));
	struct fault f = {0};
	char target[NET_TARGET_MAX], c[12];
	host_open(h, 0);
	assert_int_equal(net_listen(h->net, "http:127.0.0.1:0", target, &f), 0);
	int fds[3] = {dial_tcp(target), dial_tcp(target), dial_tcp(target)};
	no_memory = true;
	for (size_t i = 0; i < 3; i++)
		expect_closed(h, fds[i]);
	no_memory = false;
	int fd = dial_tcp(target);
	assert_int_equal(write(fd, request, sizeof(request) - 1), sizeof(request) - 1);
	while (recv(fd, c, sizeof(c), MSG_DONTWAIT) != sizeof(c))
		uv_run(&h->loop, UV_RUN_NOWAIT);
	assert_memory_equal(c, "HTTP/1.1 404", sizeof(c));
	close(fd);
	host_close(h);
	free(h);
}

static void
a_drain_without_connections_ends_on_a_later_turn(void **state)
{
	(void)state;
	struct host *h = malloc(sizeof(*h));
	host_open(h, 0);
	net_drain(h->net, 1000, on_drained, h);
	assert_int_equal(h->drained, 0);
	while (!h->drained)
		uv_run(&h->loop, UV_RUN_ONCE);
	host_close(h);
	assert_int_equal(h->drained, 1);
	free(h);
}

static void
a_drain_ends_with_the_last_connection(void **state)
{
	(void)state;
	struct host *h = malloc(sizeof(*h));
	host_open(h, 0);
	int fd = dial(h);
	say_hold(fd);
	run_until(h, ":message", 1);
	net_drain(h->net, 60000, on_drained, h);
	uv_run(&h->loop, UV_RUN_NOWAIT);
	assert_int_equal(h->drained, 0);
	call_reply(net_find(h->net, h->pair.last), SLICE("y"));
	/* This peer never answers the announcement: it goes away instead. */
	close(fd);
	while (!h->drained)
		uv_run(&h->loop, UV_RUN_ONCE);
	assert_int_equal(net_connections(h->net), 0);
	host_close(h);
	free(h);
}

static void
a_handler_may_answer_in_a_later_turn(void **state)
{
	(void)state;
	struct host *h = malloc(sizeof(*h));
	char bytes[4096];
	host_open(h, 0);
	int fd = dial(h);
	say_hold(fd);
	run_until(h, ":message", 1);
	uv_run(&h->loop, UV_RUN_NOWAIT);
	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	call_reply(net_find(h->net, h->pair.last), SLICE("an answer"));
	uv_run(&h->loop, UV_RUN_NOWAIT); /* it leaves before the loop would sleep */
	assert_int_equal(log_count(h, ":closed"), 1);
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	assert_true(n > 0);
	assert_non_null(memmem(bytes, (size_t)n, "an answer", 9));
	close(fd);
	host_close(h);
	free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_found_by_its_handle_until_it_ends),
		cmocka_unit_test(closing_the_net_ends_calls_and_lets_the_loop_end),
		cmocka_unit_test(connections_beyond_the_limit_are_closed_on_arrival),
		cmocka_unit_test(without_memory_connections_are_closed_and_the_listener_goes_on),
		cmocka_unit_test(without_memory_the_http_listener_goes_on_too),
		cmocka_unit_test(a_drain_without_connections_ends_on_a_later_turn),
		cmocka_unit_test(a_drain_ends_with_the_last_connection),
		cmocka_unit_test(a_handler_may_answer_in_a_later_turn),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
