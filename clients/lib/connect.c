/* From a target to a connection: names, addresses in turn, growing pauses, and which
 * calls are put on it. */
#include "client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

static int64_t
backoff(struct zwy_client *client)
{
	double pause = BACKOFF_FIRST_MS;
	for (unsigned i = 1; i < client->failures && pause < (double)client->backoff_max; i++)
		pause *= 1.6;
	if (pause > (double)client->backoff_max)
		pause = (double)client->backoff_max;
	return client_jitter(client, pause, 0.2);
}

/* No address of the target answers: wait before the next attempt. */
static void
give_up(struct zwy_client *client)
{
	client->failures++;
	client->state = ZWY_WAITING;
	client->backoff_until = client->now + backoff(client);
	client_assign(client);
}

/* Keeps what the attempt that came furthest has to say: a certificate that does not
 * fit tells more than a second address at which nobody listens. */
static void __attribute__((format(printf, 3, 4)))
note_trouble(struct zwy_client *client, enum phase phase, const char *fmt, ...)
{
	va_list ap;
	if (client->trouble[0] && phase < client->trouble_phase)
		return;
	va_start(ap, fmt);
	vsnprintf(client->trouble, sizeof(client->trouble), fmt, ap);
	va_end(ap);
	client->trouble_phase = phase;
}

/* Goes on through the target's addresses until one can be tried. Each has its share
 * of the time that is left, so that one that swallows everything cannot hide the next. */
static void
try_next_address(struct zwy_client *client)
{
	while (client->next_address < client->target.address_count && client->connect_by > client->now) {
		size_t left = client->target.address_count - client->next_address;
		const struct address *a = &client->target.addresses[client->next_address++];
		client->attempt_by = client->now + (client->connect_by - client->now) / (int64_t)left;
		int r = connection_open(&client->current, client, a);
		if (r == 0)
			return;
		note_trouble(client, PHASE_CONNECTING, "%s: %s", client->target.text, strerror(-r));
	}
	give_up(client);
}

void
client_connected(struct zwy_client *client)
{
	client->state = ZWY_READY;
	client->trouble[0] = '\0';
	client_assign(client);
}

void
client_disconnected(struct zwy_client *client, enum phase phase, bool proven, const char *why)
{
	client->current = NULL;
	if (client->state == ZWY_CONNECTING) {
		note_trouble(client, phase, "%s: %s", client->target.text, why);
		try_next_address(client);
		return;
	}
	/* Connect again at once, but not over and over to a server that never answers a call. */
	if (!proven && client->failures > 0) {
		note_trouble(client, phase, "%s: %s", client->target.text, why);
		give_up(client);
		return;
	}
	client->failures = proven ? 0 : 1;
	client->state = ZWY_IDLE;
	client_assign(client);
}

/* No more is heard of it from here on: its thread may hold on to the descriptor, and answer. */
static struct resolve *
stop_resolving(struct zwy_client *client)
{
	struct resolve *r = client->resolve;
	client->resolve = NULL;
	if (r)
		epoll_ctl(client->epoll, EPOLL_CTL_DEL, resolve_fd(r), NULL);
	return r;
}

void
client_resolved(struct zwy_client *client)
{
	struct resolve *r = stop_resolving(client);
	const char *wrong = resolve_take(r, &client->target);
	if (wrong) {
		note_trouble(client, PHASE_CONNECTING, "%s: %s", client->target.host, wrong);
		give_up(client);
	} else {
		try_next_address(client);
	}
	resolve_free(r);
}

void
client_check_attempt(struct zwy_client *client)
{
	if (client->state != ZWY_CONNECTING || client->attempt_by > client->now)
		return;
	resolve_free(stop_resolving(client));
	if (client->current) {
		connection_lost(client->current, "no answer in time");
		return;
	}
	note_trouble(client, PHASE_CONNECTING, "%s: no answer in time", client->target.text);
	give_up(client);
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
	client->connect_by = client->attempt_by = client->now + client->connect_timeout;
	client->next_address = 0;
	client->trouble[0] = '\0';
	if (client->tls)
		tls_refresh(client->tls);
	bool is_name = !client->target.is_unix && !client->target.numeric;
	if (!is_name) {
		try_next_address(client);
		return;
	}
	int r = ask_resolver(client);
	if (r < 0) {
		note_trouble(client, PHASE_CONNECTING, "%s: %s", client->target.host, strerror(-r));
		give_up(client);
	}
}

/* With no connection in sight, only those stay that said they would wait, or whose
 * first attempt was lost: they have more to lose. */
static void
fail_impatient(struct zwy_client *client)
{
	struct zwy_call *call = TAILQ_FIRST(&client->waiting);
	while (call) {
		struct zwy_call *next = TAILQ_NEXT(call, place);
		if (!call->options.wait_for_ready && call->attempts == 0)
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
		if (session_takes_calls(conn) && session_submit(conn, TAILQ_FIRST(&client->waiting)) == 0)
			continue;
		/* Out of stream numbers, or going away: a new connection takes the rest. */
		conn->phase = PHASE_DRAINING;
		client->current = NULL;
		client->state = ZWY_IDLE;
		start_connecting(client);
	}
}
