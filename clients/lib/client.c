#include "client.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_PER_TURN 8

void
client_time(struct zwy_client *client)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	client->now = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
client_wake(struct zwy_client *client)
{
	if (client->woken || client->processing)
		return;
	client->woken = true;
	eventfd_write(client->wake, 1);
}

void
client_flush(struct zwy_client *client, struct connection *conn)
{
	if (!client->processing && conn)
		connection_flush(conn);
}

/* xorshift: only has to keep clients from coming back in step. */
static unsigned
next_random(struct zwy_client *client)
{
	unsigned x = client->random ? client->random : 1;
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return client->random = x;
}

int64_t
client_jitter(struct zwy_client *client, double pause, double part)
{
	return (int64_t)(pause * (1 - part + 2 * part * (next_random(client) % 1024) / 1023.0)) + 1;
}

static int
open_descriptors(struct zwy_client *client)
{
	struct epoll_event e = {.events = EPOLLIN};
	client->epoll = epoll_create1(EPOLL_CLOEXEC);
	client->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (client->epoll < 0 || client->wake < 0)
		return -errno;
	e.data.ptr = &client->wake;
	return epoll_ctl(client->epoll, EPOLL_CTL_ADD, client->wake, &e) < 0 ? -errno : 0;
}

/* What came of making a client, for its maker. */
static int
refuse(int r, struct fault *f, const char *target, struct zwy_error *error)
{
	if (f->code == 0 && r == -EINVAL)
		fault_set(f, ERR_INVALID_ARGUMENT,
			  "%s is not a target: unix:PATH, HOST:PORT or tls:HOST:PORT",
			  target ? target : "nothing");
	else if (f->code == 0)
		fault_set(f, r == -ENOMEM ? ERR_NO_MEMORY : ERR_INTERNAL, "%s", strerror(-r));
	if (error)
		error_of_fault(error, f);
	return r;
}

int
zwy_client_new(struct zwy_client **ret, const char *target, const struct zwy_options *options,
	       struct zwy_error *error)
{
	struct fault f = {0};
	struct zwy_client *client = calloc(1, sizeof(*client));
	if (!client)
		return refuse(-ENOMEM, &f, target, error);
	client->epoll = client->wake = -1;
	TAILQ_INIT(&client->connections);
	TAILQ_INIT(&client->waiting);
	TAILQ_INIT(&client->resting);
	TAILQ_INIT(&client->over);
	TAILQ_INIT(&client->turns);
	TAILQ_INIT(&client->timers);
	client_time(client);
	if (getrandom(&client->random, sizeof(client->random), GRND_NONBLOCK) != sizeof(client->random))
		client->random = (unsigned)client->now ^ (unsigned)getpid();
	int r = target_parse(&client->target, target);
	if (r == 0)
		r = options_take(client, options, &f);
	if (r == 0)
		r = open_descriptors(client);
	if (r < 0) {
		zwy_client_free(client);
		return refuse(r, &f, target, error);
	}
	*ret = client;
	return 0;
}

static void
free_calls(struct call_list *list)
{
	struct zwy_call *call;
	while ((call = TAILQ_FIRST(list)))
		call_free(call);
}

void
zwy_client_free(struct zwy_client *client)
{
	if (!client)
		return;
	struct connection *conn;
	free_calls(&client->waiting);
	free_calls(&client->resting);
	free_calls(&client->over);
	while ((conn = TAILQ_FIRST(&client->connections))) {
		free_calls(&conn->calls);
		connection_free(conn);
	}
	resolve_free(client->resolve);
	tls_free(client->tls);
	compress_forget(client);
	if (client->epoll >= 0)
		close(client->epoll);
	if (client->wake >= 0)
		close(client->wake);
	free(client->as);
	free(client->agent);
	free(client);
}

int
zwy_client_fd(const struct zwy_client *client)
{
	return client->epoll;
}

enum zwy_connection
zwy_client_state(const struct zwy_client *client)
{
	return client->state;
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The instant at which time alone brings something. */
static int64_t
next_instant(const struct zwy_client *client)
{
	const struct connection *conn;
	int64_t at = INT64_MAX;
	if (!TAILQ_EMPTY(&client->timers))
		at = TAILQ_FIRST(&client->timers)->deadline;
	if (client->state == ZWY_CONNECTING)
		at = least(at, client->attempt_by);
	if (client->current && client->current->busy_until)
		at = least(at, client->current->busy_until);
	if (client->state == ZWY_WAITING && !TAILQ_EMPTY(&client->waiting))
		at = least(at, client->backoff_until);
	if (!TAILQ_EMPTY(&client->resting))
		at = least(at, TAILQ_FIRST(&client->resting)->retry_at);
	TAILQ_FOREACH(conn, &client->connections, place)
	at = least(at, keepalive_instant(conn));
	return at;
}

int
zwy_client_timeout(const struct zwy_client *client)
{
	if (client->woken)
		return 0;
	int64_t at = next_instant(client);
	if (at == INT64_MAX)
		return -1;
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	int64_t left = at - ((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
	return left <= 0 ? 0 : (int)least(left, INT_MAX);
}

static void
run_timers(struct zwy_client *client)
{
	struct zwy_call *call;
	while ((call = TAILQ_FIRST(&client->timers)) && call->deadline <= client->now) {
		bool connected = call->connection || client->state == ZWY_READY || !client->trouble[0];
		call_fail(call, ERR_DEADLINE_EXCEEDED, "no answer within %lld ms%s%s",
			  (long long)call->options.timeout_ms,
			  connected ? "" : "; the server cannot be reached: ",
			  connected ? "" : client->trouble);
	}
	struct connection *conn = client->current;
	if (conn && conn->busy_until && conn->busy_until <= client->now)
		connection_connect_again(conn);
	client_check_attempt(client);
	/* A connection that is lost here stays in the list until tidy(). */
	TAILQ_FOREACH(conn, &client->connections, place)
	keepalive_check(conn);
	retry_wake(client);
}

static void
handle_events(struct zwy_client *client)
{
	struct epoll_event events[EVENTS_PER_TURN];
	int n = epoll_wait(client->epoll, events, EVENTS_PER_TURN, 0);
	for (int i = 0; i < n; i++) {
		void *what = events[i].data.ptr;
		if (what == &client->wake) {
			eventfd_t count;
			eventfd_read(client->wake, &count);
			client->woken = false;
		} else if (what == &client->resolve) {
			client_resolved(client);
		} else {
			connection_event(what, events[i].events);
		}
	}
}

static void
make_callbacks(struct zwy_client *client)
{
	/* Those queued by a callback wait for the next time, so that this ends. */
	for (size_t n = client->turn_count; n > 0 && client->turn_count > 0; n--) {
		struct zwy_call *call = TAILQ_FIRST(&client->turns);
		TAILQ_REMOVE(&client->turns, call, turn);
		call->in_turns = false;
		client->turn_count--;
		call_deliver(call);
	}
}

static void
tidy(struct zwy_client *client)
{
	struct connection *conn = TAILQ_FIRST(&client->connections);
	while (conn) {
		struct connection *next = TAILQ_NEXT(conn, place);
		if (conn->phase == PHASE_DRAINING && conn->streams == 0)
			connection_lost(conn, "the server closed it");
		else if (conn->phase != PHASE_DEAD)
			connection_flush(conn);
		conn = next;
	}
	conn = TAILQ_FIRST(&client->connections);
	while (conn) {
		struct connection *next = TAILQ_NEXT(conn, place);
		if (conn->phase == PHASE_DEAD)
			connection_free(conn);
		conn = next;
	}
	if (TAILQ_EMPTY(&client->connections))
		compress_forget(client);
}

void
zwy_client_process(struct zwy_client *client)
{
	client->processing = true;
	client_time(client);
	handle_events(client);
	run_timers(client);
	client_assign(client);
	make_callbacks(client);
	client_assign(client);
	tidy(client);
	client->processing = false;
	if (client->turn_count > 0)
		client_wake(client);
}

const char *
zwy_version(void)
{
	return ZWY_VERSION;
}
