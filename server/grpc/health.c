#include "grpc/health.h"

#include <stdlib.h>

#include "grpc/message.h"

enum { REQUEST_SERVICE = 1, RESPONSE_STATUS = 1 };
/* Of a HealthListResponse and of an entry of its map. */
enum { LIST_STATUSES = 1, ENTRY_KEY = 1, ENTRY_VALUE = 2 };

struct watcher {
	struct watcher *next, **link;
	struct health *health;
	struct call *call;
	struct slice service;
	int told; /* -1: nothing yet */
	bool full;
};

struct service {
	char name[HEALTH_NAME_MAX + 1];
	enum health_status status;
};

struct health {
	struct service *services;
	size_t count, room;
	struct watcher *watchers;
	bool down;
};

struct health *
health_new(void)
{
	struct health *h = calloc(1, sizeof(*h));
	if (h && health_set(h, "", HEALTH_NOT_SERVING) != 0) {
		health_free(h);
		return NULL;
	}
	return h;
}

void
health_free(struct health *h)
{
	if (!h)
		return;
	free(h->services);
	free(h);
}

static struct service *
find(const struct health *h, struct slice name)
{
	for (size_t i = 0; i < h->count; i++)
		if (slice_is(name, h->services[i].name))
			return &h->services[i];
	return NULL;
}

enum health_status
health_get(const struct health *h, struct slice service)
{
	const struct service *s = find(h, service);
	return s ? s->status : HEALTH_SERVICE_UNKNOWN;
}

int
health_page(const struct health *h, struct buf *body)
{
	size_t bad = 0;
	for (size_t i = 0; i < h->count; i++) {
		const struct service *s = &h->services[i];
		if (s->status == HEALTH_SERVING)
			continue;
		buf_printf(body, "not serving: %s\n", s->name[0] ? s->name : "the server as a whole");
		bad++;
	}
	if (bad == 0)
		buf_append_str(body, "serving\n");
	return bad ? 503 : 200;
}

/* ---- watchers ---- */

static void
response_put(struct buf *b, enum health_status status)
{
	wire_put_uint(b, RESPONSE_STATUS, status);
}

/* Tells a watcher what it does not know yet, if it listens. */
static void
watcher_tell(struct watcher *w)
{
	enum health_status status = health_get(w->health, w->service);
	char space[16];
	struct buf response = {.p = space, .cap = sizeof(space), .max = sizeof(space)};
	if (w->full || w->told == (int)status)
		return;
	response_put(&response, status);
	w->told = (int)status;
	w->full = call_send(w->call, buf_slice(&response)) == CALL_FULL;
}

static void
watcher_stop(struct watcher *w)
{
	if (!w->link)
		return;
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	w->link = NULL;
}

/* Its last status goes out even if it does not read just now. */
static void
watcher_end(struct watcher *w)
{
	struct fault f = {0};
	w->full = false;
	watcher_tell(w);
	fault_set(&f, ERR_UNAVAILABLE, "the server is shutting down");
	watcher_stop(w);
	call_finish(w->call, &f);
}

static void
tell_all(struct health *h)
{
	for (struct watcher *w = h->watchers; w; w = w->next)
		watcher_tell(w);
}

/* ---- what is set ---- */

static struct service *
add(struct health *h, const char *name)
{
	if (h->count == h->room) {
		size_t room = h->room ? 2 * h->room : 8;
		struct service *grown = realloc(h->services, room * sizeof(*grown));
		if (!grown)
			return NULL;
		h->services = grown;
		h->room = room;
	}
	struct service *s = &h->services[h->count++];
	*s = (struct service){0};
	memcpy(s->name, name, strlen(name));
	return s;
}

int
health_set(struct health *h, const char *service, enum health_status status)
{
	if (h->down)
		return 0;
	if (strlen(service) > HEALTH_NAME_MAX)
		return ERR_INVALID_ARGUMENT;
	struct service *s = find(h, slice_of(service));
	if (!s)
		s = add(h, service);
	if (!s)
		return ERR_NO_MEMORY;
	s->status = status;
	tell_all(h);
	return 0;
}

void
health_set_all(struct health *h, enum health_status status)
{
	if (h->down)
		return;
	for (size_t i = 0; i < h->count; i++)
		h->services[i].status = status;
	tell_all(h);
}

void
health_shutdown(struct health *h)
{
	health_set_all(h, HEALTH_NOT_SERVING);
	h->down = true;
	while (h->watchers)
		watcher_end(h->watchers);
}

/* ---- calls ---- */

/* The service that is asked about; false: the call has been ended. */
static bool
read_request(struct call *c, struct slice message, struct slice *ret_service)
{
	struct fault f = {0};
	if (!message_sound(message, FIELD_BIT(REQUEST_SERVICE), &f)) {
		call_finish(c, &f);
		return false;
	}
	*ret_service = wire_string(message, REQUEST_SERVICE);
	return true;
}

static struct health *
health_of(const struct call *c)
{
	return (struct health *)(uintptr_t)call_method(c)->ctx;
}

static void
check(struct call *c, struct slice message)
{
	struct slice service;
	struct fault f = {0};
	struct buf response = {0};
	if (!read_request(c, message, &service))
		return;
	enum health_status status = health_get(health_of(c), service);
	response_put(&response, status);
	service = message_shown(service);
	if (status == HEALTH_SERVICE_UNKNOWN)
		fault_set(&f, ERR_NOT_FOUND, "there is no service %.*s here", (int)service.n, service.p);
	message_reply(c, &response, &f);
}

/* Newer than the .proto that reflection shows (Debian 12), but clients have it. */
static void
list(struct call *c, struct slice message)
{
	const struct health *h = health_of(c);
	struct fault f = {0};
	struct buf response = {0};
	message_sound(message, 0, &f);
	for (size_t i = 0; i < h->count; i++) {
		struct buf entry = {0}, value = {0};
		response_put(&value, h->services[i].status);
		wire_put_string(&entry, ENTRY_KEY, slice_of(h->services[i].name));
		message_put(&entry, ENTRY_VALUE, &value);
		message_put(&response, LIST_STATUSES, &entry);
	}
	message_reply(c, &response, &f);
}

/* A name too long to be set is not kept: its status never changes. */
static void
watch(struct call *c, struct slice message)
{
	struct health *h = health_of(c);
	struct slice service;
	struct fault f = {0};
	if (!read_request(c, message, &service))
		return;
	struct watcher *w = arena_alloc(call_arena(c), sizeof(*w));
	if (!w) {
		fault_set(&f, ERR_NO_MEMORY, "out of memory");
		call_finish(c, &f);
		return;
	}
	if (service.n > HEALTH_NAME_MAX)
		service.n = HEALTH_NAME_MAX + 1;
	*w = (struct watcher){
		.health = h,
		.call = c,
		.service = arena_copy(call_arena(c), service),
		.told = -1,
		.next = h->watchers,
		.link = &h->watchers,
	};
	if (w->next)
		w->next->link = &w->next;
	h->watchers = w;
	call_set_user(c, w);
	if (h->down)
		watcher_end(w);
	else
		watcher_tell(w);
}

static void
watch_writable(struct call *c)
{
	struct watcher *w = call_user(c);
	if (!w || !w->link)
		return;
	w->full = false;
	watcher_tell(w);
}

static void
watch_closed(struct call *c)
{
	struct watcher *w = call_user(c);
	if (w)
		watcher_stop(w);
}

const struct call_handler health_check_handler = {.message = check};
const struct call_handler health_list_handler = {.message = list};
const struct call_handler health_watch_handler = {
	.message = watch,
	.writable = watch_writable,
	.closed = watch_closed,
};
