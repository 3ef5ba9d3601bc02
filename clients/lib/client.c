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

/* What goes into a header must be printable ASCII. */
static bool
printable(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || (unsigned char)*s > '~')
			return false;
	return true;
}

static int
take_options(struct zwy_client *client, const struct zwy_options *o)
{
	static const struct zwy_options defaults = {0};
	if (!o)
		o = &defaults;
	client->connect_timeout = o->connect_timeout_ms > 0 ? o->connect_timeout_ms : CONNECT_TIMEOUT_MS;
	client->backoff_max = o->backoff_max_ms > 0 ? o->backoff_max_ms : BACKOFF_MAX_MS;
	client->max_message = o->max_message ? o->max_message : GRPC_MESSAGE_MAX_DEFAULT;
	if ((o->as && !printable(o->as)) || (o->user_agent && !printable(o->user_agent)))
		return -EINVAL;
	const char *own = o->user_agent ? o->user_agent : "";
	if (asprintf(&client->agent, "%s%sgrpc-c-libzwy/%s", own, own[0] ? " " : "", ZWY_VERSION) < 0) {
		client->agent = NULL;
		return -ENOMEM;
	}
	if (o->as && !(client->as = strdup(o->as)))
		return -ENOMEM;
	return 0;
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

int
zwy_client_new(struct zwy_client **ret, const char *target, const struct zwy_options *options)
{
	struct zwy_client *client = calloc(1, sizeof(*client));
	if (!client)
		return -ENOMEM;
	client->epoll = client->wake = -1;
	TAILQ_INIT(&client->connections);
	TAILQ_INIT(&client->waiting);
	TAILQ_INIT(&client->over);
	TAILQ_INIT(&client->turns);
	TAILQ_INIT(&client->timers);
	client_time(client);
	if (getrandom(&client->random, sizeof(client->random), GRND_NONBLOCK) != sizeof(client->random))
		client->random = (unsigned)client->now ^ (unsigned)getpid();
	int r = target_parse(&client->target, target);
	if (r == 0)
		r = take_options(client, options);
	if (r == 0)
		r = open_descriptors(client);
	if (r < 0) {
		zwy_client_free(client);
		return r;
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
	free_calls(&client->over);
	while ((conn = TAILQ_FIRST(&client->connections))) {
		free_calls(&conn->calls);
		connection_free(conn);
	}
	resolve_free(client->resolve);
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
	int64_t at = INT64_MAX;
	if (!TAILQ_EMPTY(&client->timers))
		at = TAILQ_FIRST(&client->timers)->deadline;
	if (client->state == ZWY_CONNECTING)
		at = least(at, client->connect_by);
	if (client->current && client->current->busy_until)
		at = least(at, client->current->busy_until);
	if (client->state == ZWY_WAITING && !TAILQ_EMPTY(&client->waiting))
		at = least(at, client->backoff_until);
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

static int64_t
backoff(struct zwy_client *client)
{
	double pause = BACKOFF_FIRST_MS;
	for (unsigned i = 1; i < client->failures && pause < (double)client->backoff_max; i++)
		pause *= 1.6;
	if (pause > (double)client->backoff_max)
		pause = (double)client->backoff_max;
	return (int64_t)(pause * (0.8 + 0.4 * (next_random(client) % 1024) / 1023.0)) + 1;
}

/* No address of the target answers: wait before the next attempt. */
static void __attribute__((format(printf, 2, 3))) give_up(struct zwy_client *client, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(client->trouble, sizeof(client->trouble), fmt, ap);
	va_end(ap);
	client->failures++;
	client->state = ZWY_WAITING;
	client->backoff_until = client->now + backoff(client);
	client_assign(client);
}

/* Goes on through the target's addresses until one can be tried. */
static void
try_next_address(struct zwy_client *client, const char *why)
{
	while (client->next_address < client->target.address_count && client->connect_by > client->now) {
		const struct address *a = &client->target.addresses[client->next_address++];
		int r = connection_open(&client->current, client, a);
		if (r == 0)
			return;
		why = strerror(-r);
	}
	give_up(client, "%s: %s", client->target.text, why);
}

void
client_connected(struct zwy_client *client)
{
	client->state = ZWY_READY;
	client->trouble[0] = '\0';
	client_assign(client);
}

void
client_disconnected(struct zwy_client *client, bool proven, const char *why)
{
	client->current = NULL;
	if (client->state == ZWY_CONNECTING) {
		try_next_address(client, why);
		return;
	}
	/* Connect again at once, but not over and over to a server that never answers a call. */
	if (!proven && client->failures > 0) {
		give_up(client, "%s: %s", client->target.text, why);
		return;
	}
	client->failures = proven ? 0 : 1;
	client->state = ZWY_IDLE;
	client_assign(client);
}

static void
take_answer(struct zwy_client *client)
{
	struct resolve *r = client->resolve;
	client->resolve = NULL;
	const char *wrong = resolve_take(r, &client->target);
	epoll_ctl(client->epoll, EPOLL_CTL_DEL, resolve_fd(r), NULL);
	if (wrong)
		give_up(client, "%s: %s", client->target.host, wrong);
	else
		try_next_address(client, "no address");
	resolve_free(r);
}

static int
ask_resolver(struct zwy_client *client)
{
	int r = resolve_start(&client->resolve, client->target.host, client->target.port);
	if (r < 0)
		return r;
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = &client->resolve};
	if (epoll_ctl(client->epoll, EPOLL_CTL_ADD, resolve_fd(client->resolve), &e) == 0)
		return 0;
	r = -errno;
	resolve_free(client->resolve);
	client->resolve = NULL;
	return r;
}

static void
start_connecting(struct zwy_client *client)
{
	client->state = ZWY_CONNECTING;
	client->connect_by = client->now + client->connect_timeout;
	client->next_address = 0;
	bool is_name = !client->target.is_unix && !client->target.numeric;
	if (!is_name) {
		try_next_address(client, "no address");
		return;
	}
	int r = ask_resolver(client);
	if (r < 0)
		give_up(client, "%s: %s", client->target.host, strerror(-r));
}

/* With no connection in sight, only those stay that said they would wait. */
static void
fail_impatient(struct zwy_client *client)
{
	struct zwy_call *call = TAILQ_FIRST(&client->waiting);
	while (call) {
		struct zwy_call *next = TAILQ_NEXT(call, place);
		if (!call->options.wait_for_ready)
			call_fail(call, ERR_UNAVAILABLE, "the server cannot be reached: %s", client->trouble);
		call = next;
	}
}

void
client_assign(struct zwy_client *client)
{
	if (TAILQ_EMPTY(&client->waiting))
		return;
	if (client->state == ZWY_WAITING && client->now >= client->backoff_until)
		client->state = ZWY_IDLE;
	if (client->state == ZWY_WAITING) {
		fail_impatient(client);
		return;
	}
	if (client->state == ZWY_IDLE) {
		start_connecting(client);
		return;
	}
	struct connection *conn = client->current;
	while (client->state == ZWY_READY && !TAILQ_EMPTY(&client->waiting) && session_has_room(conn)) {
		if (session_submit(conn, TAILQ_FIRST(&client->waiting)) == 0)
			continue;
		/* Out of stream numbers, or going away: a new connection takes the rest. */
		conn->phase = PHASE_DRAINING;
		client->current = NULL;
		client->state = ZWY_IDLE;
		start_connecting(client);
	}
}

static void
run_timers(struct zwy_client *client)
{
	struct zwy_call *call;
	while ((call = TAILQ_FIRST(&client->timers)) && call->deadline <= client->now)
		call_fail(call, ERR_DEADLINE_EXCEEDED, "no answer within %lld ms",
			  (long long)call->options.timeout_ms);
	struct connection *conn = client->current;
	if (conn && conn->busy_until && conn->busy_until <= client->now)
		connection_connect_again(conn);
	if (client->state == ZWY_CONNECTING && client->connect_by <= client->now) {
		resolve_free(client->resolve);
		client->resolve = NULL;
		if (client->current)
			connection_lost(client->current, "no answer in time");
		else
			give_up(client, "%s: no answer in time", client->target.text);
	}
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
			take_answer(client);
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
