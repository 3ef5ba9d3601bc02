/* The loop's turn, handles of calls, drain and close. */
#include "net/internal.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <sys/resource.h>

#define COMPLAINT_INTERVAL 1000 /* ms */
#define SPARE_FILES        128

void
net_limits_default(struct net_limits *l)
{
	*l = (struct net_limits){
#define NET_LIMIT(name, default_value, unit, text) .name = (default_value),
#include "net/limits.def"
#undef NET_LIMIT
	};
}

static int
check_limits(const struct net_limits *l, struct fault *f)
{
#define NET_LIMIT(name, default_value, unit, text) \
	if (l->name < 1 || l->name > INT32_MAX)    \
		return fault_set(f, ERR_INVALID_ARGUMENT, "%s lies between 1 and %d " unit, #name, INT32_MAX);
#include "net/limits.def"
#undef NET_LIMIT
	return 0;
}

msec
net_now(const struct net *n)
{
	return (msec)uv_now(n->loop);
}

/* Descriptors are left for files and for what has still to be closed. */
static size_t
slots_wanted(struct net *n)
{
	struct rlimit files;
	int64_t wanted = n->config.limits.max_connections;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur > INT32_MAX)
		return (size_t)wanted;
	int64_t most = (int64_t)files.rlim_cur;
	most -= most / 2 < SPARE_FILES ? most / 2 : SPARE_FILES;
	if (wanted <= most)
		return (size_t)wanted;
	net_notice(n, "max_connections is %lld, not %lld: the process may have only %llu files open",
		   (long long)most, (long long)wanted, (unsigned long long)files.rlim_cur);
	return (size_t)most;
}

static int
slots_new(struct net *n)
{
	n->slot_count = slots_wanted(n);
	n->slots = calloc(n->slot_count, sizeof(*n->slots));
	n->next_ids = calloc(n->slot_count, sizeof(*n->next_ids));
	n->free_slots = calloc(n->slot_count, sizeof(*n->free_slots));
	if (!n->slots || !n->next_ids || !n->free_slots)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < n->slot_count; i++) {
		n->next_ids[i] = n->slot_count + i;
		n->free_slots[n->free_count++] = n->slot_count - 1 - i;
	}
	return address_open(n);
}

static void
net_free(struct net *n)
{
	free(n->slots);
	free(n->next_ids);
	free(n->free_slots);
	free(n->addresses);
	tls_close_net(n);
	free(n);
}

bool
net_add(struct net *n, struct connection *c)
{
	if (n->free_count == 0)
		return false;
	size_t slot = n->free_slots[--n->free_count];
	c->id = n->next_ids[slot];
	n->next_ids[slot] += n->slot_count;
	n->slots[slot] = c;
	c->next = n->connections;
	c->link = &n->connections;
	if (n->connections)
		n->connections->link = &c->next;
	n->connections = c;
	n->connection_count++;
	return true;
}

void
net_remove(struct net *n, struct connection *c)
{
	size_t slot = (size_t)(c->id % n->slot_count);
	n->slots[slot] = NULL;
	n->free_slots[n->free_count++] = slot;
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	n->connection_count--;
	address_leave(n, c->address);
	if (!c->dirty)
		return;
	struct connection **at = &n->dirty;
	while (*at != c)
		at = &(*at)->dirty_next;
	*at = c->dirty_next;
	c->dirty = false;
}

void
net_mark(struct connection *c)
{
	if (c->dirty || c->closing)
		return;
	c->dirty = true;
	c->dirty_next = c->net->dirty;
	c->net->dirty = c;
}

/* A flush may wake other connections, or this one again; each comes once more. */
static void
flush_all(struct net *n)
{
	while (n->dirty) {
		struct connection *c = n->dirty;
		n->dirty = c->dirty_next;
		c->dirty = false;
		connection_flush(c);
	}
}

static bool
is_drained(const struct net *n)
{
	return n->drained && n->connection_count == 0 && !http1_busy(n->http1);
}

static void
on_idle(uv_idle_t *idle)
{
	(void)idle;
}

void
net_maybe_drained(struct net *n)
{
	if (is_drained(n))
		uv_idle_start(&n->idle, on_idle);
}

static void
tell_drained(struct net *n)
{
	void (*drained)(void *) = n->drained;
	n->drained = NULL;
	uv_idle_stop(&n->idle);
	drained(n->drained_ctx);
}

/* After input: answers leave in the turn in which their requests came. */
static void
on_check(uv_check_t *check)
{
	struct net *n = check->data;
	flush_all(n);
	if (is_drained(n))
		tell_drained(n);
}

/* Before the loop sleeps: what timers and other callbacks left to say. */
static void
on_prepare(uv_prepare_t *prepare)
{
	struct net *n = prepare->data;
	flush_all(n);
	if (n->config.before_sleep)
		n->config.before_sleep(n->config.ctx);
}

static void
start_turns(struct net *n)
{
	uv_prepare_init(n->loop, &n->prepare);
	uv_check_init(n->loop, &n->check);
	uv_idle_init(n->loop, &n->idle);
	uv_timer_init(n->loop, &n->reload);
	n->prepare.data = n->check.data = n->idle.data = n->reload.data = n;
	n->handles = 4;
	uv_prepare_start(&n->prepare, on_prepare);
	uv_check_start(&n->check, on_check);
	/* They follow the loop; sockets keep it alive. */
	uv_unref((uv_handle_t *)&n->prepare);
	uv_unref((uv_handle_t *)&n->check);
}

int
net_open(struct net **ret, uv_loop_t *loop, const struct net_config *config, struct fault *f)
{
	int rc = rpc_config_check(&config->rpc, f);
	if (rc == 0)
		rc = check_limits(&config->limits, f);
	if (rc)
		return rc;
	signal(SIGPIPE, SIG_IGN); /* libuv writes without MSG_NOSIGNAL */
	struct net *n = calloc(1, sizeof(*n));
	if (!n)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	n->loop = loop;
	n->config = *config;
	if (slots_new(n) != 0) {
		net_free(n);
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	}
	rc = tls_open_net(n, f);
	if (rc) {
		net_free(n);
		return rc;
	}
	start_turns(n);
	*ret = n;
	return 0;
}

void
net_notice(struct net *n, const char *fmt, ...)
{
	char text[512];
	va_list args;
	if (!n->config.notice)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	n->config.notice(n->config.ctx, text);
}

void
net_complain(struct net *n, const char *whose, const char *fmt, ...)
{
	char text[256];
	va_list args;
	if (net_now(n) < n->next_complaint) {
		n->complaints_withheld++;
		return;
	}
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n->complaints_withheld > 0)
		net_notice(n, "%s: %s (%u such remarks before it are left out)", whose, text,
			   n->complaints_withheld);
	else
		net_notice(n, "%s: %s", whose, text);
	n->complaints_withheld = 0;
	n->next_complaint = net_now(n) + COMPLAINT_INTERVAL;
}

int
net_listen_fd(struct net *n, int fd, const char *name, char ret_target[NET_TARGET_MAX], struct fault *f)
{
	struct listener *l;
	enum listen_kind kind = LISTEN_PLAIN;
	if (name && strcmp(name, "tls") == 0)
		kind = LISTEN_TLS;
	else if (name && strcmp(name, "http") == 0)
		kind = LISTEN_HTTP1;
	int rc = listener_adopt(n, fd, kind, &l, f);
	if (rc == 0)
		snprintf(ret_target, NET_TARGET_MAX, "%s", l->name);
	return rc;
}

int
net_listen(struct net *n, const char *target, char ret_target[NET_TARGET_MAX], struct fault *f)
{
	struct target t;
	struct listener *l;
	int rc = target_parse(&t, target, f);
	if (rc == 0)
		rc = listener_open(n, &t, &l, f);
	if (rc == 0)
		snprintf(ret_target, NET_TARGET_MAX, "%s", l->name);
	return rc;
}

/* The connection of a call that may be gone; NULL: it is gone too. */
static struct engine *
engine_of(struct net *n, struct call_handle handle)
{
	struct connection *c = n->slots[handle.connection % n->slot_count];
	return c && c->id == handle.connection ? c->engine : NULL;
}

struct call *
net_find(struct net *n, struct call_handle handle)
{
	struct engine *e = engine_of(n, handle);
	return e ? engine_find(e, handle.stream) : NULL;
}

void
net_hold(struct net *n, struct call_handle handle)
{
	struct engine *e = engine_of(n, handle);
	if (e)
		engine_hold(e, handle.stream);
}

void
net_release(struct net *n, struct call_handle handle)
{
	struct engine *e = engine_of(n, handle);
	if (e)
		engine_release(e, handle.stream);
}

void
net_drain(struct net *n, int64_t grace, void (*done)(void *ctx), void *ctx)
{
	n->drained = done;
	n->drained_ctx = ctx;
	if (n->draining)
		return;
	n->draining = true;
	while (n->listeners)
		listener_close(n->listeners);
	for (struct connection *c = n->connections; c; c = c->next)
		connection_drain(c, grace);
	net_maybe_drained(n);
}

void
net_handle_closed(struct net *n)
{
	if (--n->handles > 0 || !n->closing)
		return;
	void (*closed)(void *) = n->closed;
	void *ctx = n->closed_ctx;
	net_free(n);
	if (closed)
		closed(ctx);
}

static void
on_own_closed(uv_handle_t *handle)
{
	net_handle_closed(handle->data);
}

void
net_close(struct net *n, void (*done)(void *ctx), void *ctx)
{
	if (!n)
		return;
	n->closing = true;
	n->closed = done;
	n->closed_ctx = ctx;
	n->drained = NULL;
	while (n->listeners)
		listener_close(n->listeners);
	while (n->connections)
		connection_close(n->connections);
	http1_close(n);
	uv_close((uv_handle_t *)&n->prepare, on_own_closed);
	uv_close((uv_handle_t *)&n->check, on_own_closed);
	uv_close((uv_handle_t *)&n->idle, on_own_closed);
	uv_close((uv_handle_t *)&n->reload, on_own_closed);
}

size_t
net_connections(const struct net *n)
{
	return n->connection_count;
}

size_t
net_open_calls(const struct net *n)
{
	size_t calls = 0;
	for (const struct connection *c = n->connections; c; c = c->next)
		calls += c->engine ? engine_open_calls(c->engine) : 0;
	return calls;
}

size_t
net_bytes(const struct net *n)
{
	size_t bytes = n->unwritten;
	for (const struct connection *c = n->connections; c; c = c->next)
		bytes += c->engine ? engine_bytes(c->engine) : 0;
	return bytes;
}
