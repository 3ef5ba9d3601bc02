#include "resolve.h"

#include <errno.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/thread.h"

struct resolve {
	atomic_int owners;    /* the asker and the thread */
	atomic_bool answered; /* error and found are there */
	int fd;
	char host[256];
	char port[6];
	int error;
	struct addrinfo *found;
};

static void
disown(struct resolve *r)
{
	if (atomic_fetch_sub(&r->owners, 1) != 1)
		return;
	if (r->found)
		freeaddrinfo(r->found);
	close(r->fd);
	free(r);
}

static void *
ask(void *arg)
{
	struct resolve *r = arg;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG};
	r->error = getaddrinfo(r->host, r->port, &hints, &r->found);
	atomic_store(&r->answered, true);
	eventfd_write(r->fd, 1);
	disown(r);
	return NULL;
}

static int
start_detached(struct resolve *r)
{
	pthread_attr_t attr;
	pthread_t thread;
	if (pthread_attr_init(&attr) != 0)
		return -ENOMEM;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	int e = thread_start(&thread, &attr, ask, r);
	pthread_attr_destroy(&attr);
	return -e;
}

int
resolve_start(struct resolve **ret, const char *host, const char *port)
{
	struct resolve *r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	snprintf(r->host, sizeof(r->host), "%s", host);
	snprintf(r->port, sizeof(r->port), "%s", port);
	r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	atomic_init(&r->owners, 2);
	int e = r->fd < 0 ? -errno : start_detached(r);
	if (e < 0) {
		if (r->fd >= 0)
			close(r->fd);
		free(r);
		return e;
	}
	*ret = r;
	return 0;
}

int
resolve_fd(const struct resolve *r)
{
	return r->fd;
}

const char *
resolve_take(struct resolve *r, struct target *t)
{
	if (!atomic_load(&r->answered))
		return "no answer yet";
	if (r->error != 0)
		return gai_strerror(r->error);
	t->address_count = 0;
	for (struct addrinfo *a = r->found; a && t->address_count < TARGET_ADDRESSES_MAX; a = a->ai_next) {
		struct address *to = &t->addresses[t->address_count++];
		memcpy(&to->storage, a->ai_addr, a->ai_addrlen);
		to->size = a->ai_addrlen;
	}
	return t->address_count ? NULL : "the name has no address";
}

void
resolve_free(struct resolve *r)
{
	if (r)
		disown(r);
}
