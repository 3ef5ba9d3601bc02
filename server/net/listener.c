/* Sockets that accept. */
#include "net/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/stat.h>
#include <sys/un.h>

static int
refused(struct fault *f, int uv_error, const char *what)
{
	int code = uv_error == UV_EADDRINUSE ? ERR_ALREADY_EXISTS : ERR_UNAVAILABLE;
	return fault_set(f, code, "%s: %s", what, uv_strerror(uv_error));
}

/* Makes the folders above the socket; existing ones are left as they are. */
static int
make_folders(const char *path, struct fault *f)
{
	char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	snprintf(folder, sizeof(folder), "%s", path);
	for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(folder, 0755) != 0 && errno != EEXIST)
			return fault_set(f, ERR_UNAVAILABLE, "%s: %s", folder, strerror(errno));
		*slash = '/';
	}
	return 0;
}

/* A socket file that a dead server left behind is in the way; one on which somebody
 * listens, or anything that is no socket, is not ours to remove. */
static int
remove_stale(const struct target *t, struct fault *f)
{
	struct stat st;
	if (lstat(t->path, &st) != 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return fault_set(f, ERR_ALREADY_EXISTS, "%s exists and is not a socket", t->path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fault_set(f, ERR_UNAVAILABLE, "%s: %s", t->path, strerror(errno));
	int rc = connect(fd, &t->address.any, sizeof(struct sockaddr_un));
	int error = errno;
	close(fd);
	/* EAGAIN: somebody listens whose backlog is full. */
	if (rc == 0 || error != ECONNREFUSED)
		return fault_set(f, ERR_ALREADY_EXISTS, "%s: a server listens there already", t->path);
	if (unlink(t->path) != 0 && errno != ENOENT)
		return fault_set(f, ERR_UNAVAILABLE, "%s: %s", t->path, strerror(errno));
	return 0;
}

static void
on_listener_closed(uv_handle_t *handle)
{
	struct listener *l = handle->data;
	struct net *n = l->net;
	if (--l->handles == 0)
		free(l);
	net_handle_closed(n);
}

void
listener_close(struct listener *l)
{
	*l->link = l->next;
	if (l->next)
		l->next->link = l->link;
	uv_close(&l->uv.handle, on_listener_closed);
}

static void
on_connection(uv_stream_t *stream, int status)
{
	struct listener *l = stream->data;
	/* Out of descriptors, libuv has turned it away with one that it keeps for that. */
	if (status != 0)
		net_complain(l->net, l->name, "a connection is lost on arrival: %s", uv_strerror(status));
	else if (l->kind == LISTEN_HTTP1)
		http1_accept(l);
	else
		connection_accept(l);
}

static void
on_spare_closed(uv_handle_t *handle)
{
	struct listener *l = handle->data;
	bool waiting = l->waiting && !uv_is_closing(&l->uv.handle);
	l->spare_used = l->waiting = false;
	if (waiting)
		on_connection(&l->uv.stream, 0);
	on_listener_closed(handle);
}

void
listener_turn_away(struct listener *l)
{
	net_complain(l->net, l->name, "a connection is closed on arrival: out of memory");
	if (l->spare_used) {
		l->waiting = true;
		return;
	}
	if (socket_init(l->net, &l->spare, l->is_unix) != 0)
		return; /* libuv's part needs no memory */
	l->spare.handle.data = l;
	l->spare_used = true;
	l->handles++;
	uv_accept(&l->uv.stream, &l->spare.stream);
	uv_close(&l->spare.handle, on_spare_closed);
}

int
socket_init(struct net *n, union socket *s, bool is_unix)
{
	int rc = is_unix ? uv_pipe_init(n->loop, &s->pipe, 0) : uv_tcp_init(n->loop, &s->tcp);
	if (rc == 0)
		n->handles++;
	return rc;
}

static struct listener *
listener_new(struct net *n, enum listen_kind kind, bool is_unix)
{
	struct listener *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->net = n;
	l->id = ++n->listener_ids;
	l->kind = kind;
	l->is_unix = is_unix;
	if (socket_init(n, &l->uv, is_unix) != 0) {
		free(l);
		return NULL;
	}
	l->uv.handle.data = l;
	l->handles = 1;
	l->next = n->listeners;
	l->link = &n->listeners;
	if (n->listeners)
		n->listeners->link = &l->next;
	n->listeners = l;
	return l;
}

/* What a kind needs before its first connection. */
static int
prepare_kind(struct net *n, enum listen_kind kind, struct fault *f)
{
	if (kind == LISTEN_HTTP1)
		return http1_open(n, f);
	if (kind == LISTEN_TLS && !n->tls)
		return fault_set(f, ERR_INVALID_ARGUMENT,
				 "a TLS listener needs a certificate and a key: tls_certificate, tls_key");
	if (kind == LISTEN_TLS)
		tls_reload_start(n);
	return 0;
}

static int
bind_path(struct listener *l, const struct target *t, struct fault *f)
{
	int rc = make_folders(t->path, f);
	if (rc == 0)
		rc = remove_stale(t, f);
	if (rc)
		return rc;
	rc = uv_pipe_bind(&l->uv.pipe, t->path);
	return rc ? refused(f, rc, t->path) : 0;
}

/* libuv of this age takes names of files only. */
static int
bind_abstract(struct listener *l, const struct target *t, struct fault *f)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && bind(fd, &t->address.any, t->abstract_size) == 0 && uv_pipe_open(&l->uv.pipe, fd) == 0)
		return 0;
	int error = errno;
	if (fd >= 0)
		close(fd);
	return refused(f, uv_translate_sys_error(error), "unix-abstract");
}

static int
bind_address(struct listener *l, const struct target *t, struct fault *f)
{
	char name[NET_TARGET_MAX];
	address_format(name, sizeof(name), &t->address.any);
	int rc = uv_tcp_bind(&l->uv.tcp, &t->address.any, 0);
	return rc ? refused(f, rc, name) : 0;
}

/* Its target as others can use it, the real port in it. */
static int
name_listener(struct listener *l)
{
	uv_os_fd_t fd;
	union target_address real = {0};
	socklen_t size = sizeof(real);
	if (uv_fileno(&l->uv.handle, &fd) != 0 || getsockname(fd, &real.any, &size) != 0)
		return uv_translate_sys_error(errno);
	const struct sockaddr_un *un = (const struct sockaddr_un *)&real.storage;
	const char *prefix = listen_prefix(l->kind);
	if (!l->is_unix) {
		size_t n = (size_t)snprintf(l->name, sizeof(l->name), "%s", prefix);
		address_format(l->name + n, sizeof(l->name) - n, &real.any);
	} else if (un->sun_path[0]) {
		snprintf(l->name, sizeof(l->name), "%sunix:%s", prefix, un->sun_path);
	} else {
		snprintf(l->name, sizeof(l->name), "%sunix-abstract:%.*s", prefix,
			 (int)(size - offsetof(struct sockaddr_un, sun_path) - 1), un->sun_path + 1);
	}
	return 0;
}

static int
listener_start(struct listener *l, struct fault *f)
{
	int rc = uv_listen(&l->uv.stream, (int)l->net->config.limits.listen_backlog, on_connection);
	return rc ? refused(f, rc, l->name) : 0;
}

int
listener_open(struct net *n, const struct target *t, struct listener **ret, struct fault *f)
{
	int rc = prepare_kind(n, t->kind, f);
	if (rc)
		return rc;
	struct listener *l = listener_new(n, t->kind, t->path || t->abstract_size);
	if (!l)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	if (t->path)
		rc = bind_path(l, t, f);
	else
		rc = t->abstract_size ? bind_abstract(l, t, f) : bind_address(l, t, f);
	if (rc == 0 && (rc = name_listener(l)) != 0)
		rc = refused(f, rc, "listener");
	if (rc == 0)
		rc = listener_start(l, f);
	/* Open to all: the peer's credentials say who it is. */
	if (rc == 0 && t->path && chmod(t->path, 0666) != 0)
		rc = refused(f, uv_translate_sys_error(errno), t->path);
	if (rc) {
		listener_close(l);
		return rc;
	}
	*ret = l;
	return 0;
}

static int
not_ours(struct fault *f, int fd, const char *why)
{
	close(fd);
	return fault_set(f, ERR_INVALID_ARGUMENT, "inherited descriptor %d: %s", fd, why);
}

int
listener_adopt(struct net *n, int fd, enum listen_kind kind, struct listener **ret, struct fault *f)
{
	union target_address address;
	socklen_t size = sizeof(address), type_size = sizeof(int);
	int type = 0;
	if (getsockname(fd, &address.any, &size) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) != 0)
		return not_ours(f, fd, strerror(errno));
	sa_family_t family = address.any.sa_family;
	if (type != SOCK_STREAM || (family != AF_UNIX && family != AF_INET && family != AF_INET6))
		return not_ours(f, fd, "neither a TCP nor a Unix stream socket");
	int rc = prepare_kind(n, kind, f);
	if (rc) {
		close(fd);
		return rc;
	}
	struct listener *l = listener_new(n, kind, family == AF_UNIX);
	if (!l) {
		close(fd);
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	}
	rc = l->is_unix ? uv_pipe_open(&l->uv.pipe, fd) : uv_tcp_open(&l->uv.tcp, fd);
	if (rc)
		close(fd);
	if (rc || (rc = name_listener(l)) != 0)
		rc = refused(f, rc, "inherited socket");
	else
		rc = listener_start(l, f);
	if (rc) {
		listener_close(l);
		return rc;
	}
	*ret = l;
	return 0;
}
