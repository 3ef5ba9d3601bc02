/* Who is at the other end of a socket, and how the socket is set for it. */
#include "net/internal.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>

#include <sys/socket.h>

static void
unix_peer(struct connection *c, int fd)
{
	struct call_peer *p = &c->peer;
	struct ucred credentials;
	socklen_t size = sizeof(credentials);
	p->is_unix = true;
	p->is_loopback = true;
	p->uid = (uid_t)-1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) {
		p->uid = credentials.uid;
		p->pid = credentials.pid;
	}
	snprintf(p->address, sizeof(p->address), "unix:uid=%u", (unsigned)p->uid);
	c->address = address_key_unix(p->uid);
}

static void
set_option(int fd, int option, int64_t value)
{
	int number = (int)value;
	setsockopt(fd, IPPROTO_TCP, option, &number, sizeof(number));
}

/* A peer that has vanished is noticed by the kernel as soon as by write_timeout, also
 * when the bytes are the kernel's already; and of what a slow one has yet to be sent
 * only little lies there. */
static void
tcp_peer(struct connection *c, int fd)
{
	const struct net_limits *l = &c->net->config.limits;
	struct call_peer *p = &c->peer;
	union target_address address;
	socklen_t size = sizeof(address);
	if (getpeername(fd, &address.any, &size) == 0) {
		p->is_loopback = address_is_loopback(&address.any);
		address_format(p->address, sizeof(p->address), &address.any);
		c->address = address_key_ip(&address.any);
	}
	size = sizeof(address);
	if (getsockname(fd, &address.any, &size) == 0)
		address_format(p->local, sizeof(p->local), &address.any);
	set_option(fd, TCP_NODELAY, 1);
	set_option(fd, TCP_USER_TIMEOUT, l->write_timeout);
	set_option(fd, TCP_NOTSENT_LOWAT, l->unsent_max);
}

void
peer_identify(struct connection *c, const struct listener *l)
{
	uv_os_fd_t fd;
	if (uv_fileno(&c->uv.handle, &fd) != 0)
		return;
	if (!l->is_unix) {
		tcp_peer(c, fd);
		return;
	}
	unix_peer(c, fd);
	snprintf(c->peer.local, sizeof(c->peer.local), "%.63s", l->name);
}
