/* The pages over HTTP/1.1, for what does not speak HTTP/2: libmicrohttpd, without a
 * thread of its own. It waits on an epoll descriptor, which the loop polls, and is run
 * when that has something. Connections come from our own listeners, under our limits. */
#include "net/internal.h"

#include <fcntl.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/socket.h>

#define HEADER_BYTES (16 << 10) /* a request's line and headers; 414 and 431 beyond */

struct http1 {
	struct net *net;
	struct MHD_Daemon *daemon;
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned handles;
	size_t answering; /* answers that are not yet sent to the end */
};

/* An arrival on its way to the library. */
struct arrival {
	struct net *net;
	union socket uv;
};

static void on_timer(uv_timer_t *timer);

static void
run(struct http1 *h)
{
	MHD_UNSIGNED_LONG_LONG wait;
	MHD_run(h->daemon);
	if (MHD_get_timeout(h->daemon, &wait) == MHD_YES)
		uv_timer_start(&h->timer, on_timer, wait, 0);
	else
		uv_timer_stop(&h->timer);
}

static void
on_timer(uv_timer_t *timer)
{
	run(timer->data);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	(void)status, (void)events;
	run(poll->data);
}

/* ---- answers ---- */

static enum MHD_Result
answer(struct MHD_Connection *m, unsigned status, const char *type, struct buf *body, const char *allow)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(body->n, body->p, MHD_RESPMEM_MUST_FREE);
	if (!r) {
		buf_release(body);
		return MHD_NO;
	}
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (allow)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, allow);
	enum MHD_Result rc = MHD_queue_response(m, status, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result
answer_text(struct MHD_Connection *m, unsigned status, const char *text, const char *allow)
{
	struct buf body = {0};
	buf_append_str(&body, text);
	return answer(m, status, "text/plain; charset=utf-8", &body, allow);
}

static enum MHD_Result
answer_page(struct http1 *h, struct MHD_Connection *m, const struct rpc_page *page)
{
	struct buf body = {0};
	int status = page->render(h->net->config.rpc.server, &body);
	if (!body.error && status >= 200 && status <= 599)
		return answer(m, (unsigned)status, page->content_type, &body, NULL);
	buf_release(&body);
	return answer_text(m, MHD_HTTP_INTERNAL_SERVER_ERROR, "the page could not be made\n", NULL);
}

static const struct rpc_page *
find_page(const struct rpc_config *config, const char *path)
{
	for (size_t i = 0; i < config->page_count; i++)
		if (strcmp(path, config->pages[i].path) == 0)
			return &config->pages[i];
	return NULL;
}

/* Called first when the headers are there, then for each part of a body, then once more.
 * An answer the first time means that the connection ends after it, body or not: that is
 * for what is refused. Pages are asked for without a body. */
static enum MHD_Result
on_request(void *ctx, struct MHD_Connection *m, const char *url, const char *method, const char *version,
	   const char *upload, size_t *upload_size, void **state)
{
	(void)version, (void)upload;
	struct http1 *h = ctx;
	bool first = !*state;
	if (first) {
		*state = h;
		h->answering++;
		uv_ref((uv_handle_t *)&h->poll); /* a drain waits for the answer */
	}
	const struct rpc_page *page = find_page(&h->net->config.rpc, url);
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
		if (!page)
			return answer_text(m, MHD_HTTP_NOT_FOUND, "there is no such page\n", NULL);
		return answer_text(m, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n", "GET, HEAD");
	}
	if (first)
		return MHD_YES;
	if (*upload_size > 0)
		return MHD_NO;
	if (!page)
		return answer_text(m, MHD_HTTP_NOT_FOUND, "there is no such page\n", NULL);
	return answer_page(h, m, page);
}

static void
on_completed(void *ctx, struct MHD_Connection *m, void **state, enum MHD_RequestTerminationCode how)
{
	(void)m, (void)how;
	struct http1 *h = ctx;
	if (*state && --h->answering == 0) {
		uv_unref((uv_handle_t *)&h->poll);
		net_maybe_drained(h->net);
	}
	*state = NULL;
}

bool
http1_busy(const struct http1 *h)
{
	return h && h->answering > 0;
}

/* ---- arrivals ---- */

static void
on_arrival_closed(uv_handle_t *handle)
{
	struct arrival *a = handle->data;
	struct net *n = a->net;
	free(a);
	net_handle_closed(n);
}

/* libuv does not give a socket away: the library gets another descriptor of it. */
static void
hand_over(struct net *n, const uv_handle_t *handle)
{
	uv_os_fd_t fd;
	union target_address address = {0};
	socklen_t size = sizeof(address);
	if (uv_fileno(handle, &fd) != 0 || getpeername(fd, &address.any, &size) != 0)
		return;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return;
	/* It closes the socket itself where it does not want it: http_connections, and those per address. */
	if (MHD_add_connection(n->http1->daemon, copy, &address.any, size) == MHD_YES)
		run(n->http1);
}

void
http1_accept(struct listener *l)
{
	struct net *n = l->net;
	struct arrival *a = calloc(1, sizeof(*a));
	if (!a || socket_init(n, &a->uv, l->is_unix) != 0) {
		free(a);
		listener_turn_away(l);
		return;
	}
	a->net = n;
	a->uv.handle.data = a;
	if (uv_accept(&l->uv.stream, &a->uv.stream) == 0)
		hand_over(n, &a->uv.handle);
	uv_close(&a->uv.handle, on_arrival_closed);
}

/* ---- begin and end ---- */

static struct MHD_Daemon *
start_daemon(struct http1 *h)
{
	const struct net_limits *l = &h->net->config.limits;
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, on_request, h,
				MHD_OPTION_CONNECTION_LIMIT, (unsigned)l->http_connections,
				MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)l->http_connections_per_address,
				MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)((l->http_timeout + 999) / 1000),
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_BYTES,
				MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_END);
}

int
http1_open(struct net *n, struct fault *f)
{
	if (n->http1)
		return 0;
	struct http1 *h = calloc(1, sizeof(*h));
	if (!h)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	h->net = n;
	h->daemon = start_daemon(h);
	const union MHD_DaemonInfo *info =
		h->daemon ? MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info || uv_poll_init(n->loop, &h->poll, info->epoll_fd) != 0) {
		if (h->daemon)
			MHD_stop_daemon(h->daemon);
		free(h);
		return fault_set(f, ERR_UNAVAILABLE,
				 "HTTP/1.1 cannot be served: libmicrohttpd does not start");
	}
	uv_timer_init(n->loop, &h->timer);
	h->poll.data = h->timer.data = h;
	h->handles = 2;
	n->handles += 2;
	n->http1 = h;
	uv_poll_start(&h->poll, UV_READABLE, on_poll);
	uv_unref((uv_handle_t *)&h->poll);
	uv_unref((uv_handle_t *)&h->timer);
	return 0;
}

static void
on_handle_closed(uv_handle_t *handle)
{
	struct http1 *h = handle->data;
	struct net *n = h->net;
	if (--h->handles == 0)
		free(h);
	net_handle_closed(n);
}

void
http1_close(struct net *n)
{
	struct http1 *h = n->http1;
	if (!h)
		return;
	n->http1 = NULL;
	uv_close((uv_handle_t *)&h->poll, on_handle_closed);
	uv_close((uv_handle_t *)&h->timer, on_handle_closed);
	MHD_stop_daemon(h->daemon);
}
