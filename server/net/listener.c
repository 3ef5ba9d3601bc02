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
	if (status == 0)
		connection_accept(stream->data);
}

static struct listener *
listener_new(struct net *n, bool is_unix)
{
	struct listener *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->net = n;
	l->id = ++n->listener_ids;
	l->is_unix = is_unix;
	int rc = is_unix ? uv_pipe_init(n->loop, &l->uv.pipe, 0) : uv_tcp_init(n->loop, &l->uv.tcp);
	if (rc) {
		free(l);
		return NULL;
	}
	l->uv.handle.data = l;
	n->handles++;
	l->next = n->listeners;
	l->link = &n->listeners;
	if (n->listeners)
		n->listeners->link = &l->next;
	n->listeners = l;
	return l;
}

static int
listener_bind(struct listener *l, const struct target *t, struct fault *f)
{
	char name[NET_TARGET_MAX];
	int rc;
	if (!l->is_unix) {
		address_format(name, sizeof(name), &t->address.any);
		rc = uv_tcp_bind(&l->uv.tcp, &t->address.any, 0);
		return rc ? refused(f, rc, name) : 0;
	}
	rc = make_folders(t->path, f);
	if (rc == 0)
		rc = remove_stale(t, f);
	if (rc)
		return rc;
	rc = uv_pipe_bind(&l->uv.pipe, t->path);
	return rc ? refused(f, rc, t->path) : 0;
}

/* Its target as others can use it, the real port in it. */
static void
name_listener(struct listener *l, const struct target *t)
{
	union target_address real;
	int size = sizeof(real);
	if (l->is_unix) {
		snprintf(l->name, sizeof(l->name), "unix:%s", t->path);
		return;
	}
	if (uv_tcp_getsockname(&l->uv.tcp, &real.any, &size) != 0)
		real = t->address;
	size_t n = (size_t)snprintf(l->name, sizeof(l->name), "%s", l->stack == STACK_TLS ? "tls:" : "");
	address_format(l->name + n, sizeof(l->name) - n, &real.any);
}

static int
listener_start(struct listener *l, const struct target *t, struct fault *f)
{
	int rc = uv_listen(&l->uv.stream, (int)l->net->config.limits.listen_backlog, on_connection);
	/* Open to all: the peer's credentials say who it is. */
	if (rc == 0 && l->is_unix && chmod(t->path, 0666) != 0)
		rc = uv_translate_sys_error(errno);
	name_listener(l, t);
	return rc ? refused(f, rc, l->name) : 0;
}

int
listener_open(struct net *n, const struct target *t, struct listener **ret, struct fault *f)
{
	if (t->stack == STACK_TLS && !n->tls)
		return fault_set(f, ERR_INVALID_ARGUMENT,
				 "a TLS listener needs a certificate and a key: tls_certificate, tls_key");
	struct listener *l = listener_new(n, t->path != NULL);
	if (!l)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	l->uv.stream.data = l;
	l->stack = t->stack;
	int rc = listener_bind(l, t, f);
	if (rc == 0)
		rc = listener_start(l, t, f);
	if (rc) {
		listener_close(l);
		return rc;
	}
	*ret = l;
	return 0;
}
