#include "crowd.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define TURN_EVENTS 256

int
crowd_init(struct crowd *ret, size_t room)
{
	struct crowd c = {.poll = epoll_create1(EPOLL_CLOEXEC), .room = room};

	c.links = calloc(room, sizeof(*c.links));
	c.waits = calloc(room, sizeof(*c.waits));
	if (c.poll >= 0 && c.links && c.waits) {
		*ret = c;
		return 0;
	}
	crowd_release(&c);
	return -1;
}

void
crowd_release(struct crowd *c)
{
	for (size_t i = 0; i < c->count; i++)
		link_close(&c->links[i]);
	free(c->links);
	free(c->waits);
	if (c->poll >= 0)
		close(c->poll);
}

static int
attend(struct crowd *c, size_t i)
{
	bool wants = link_wants_write(&c->links[i]);
	struct epoll_event event = {.events = EPOLLIN | (wants ? (uint32_t)EPOLLOUT : 0), .data.u64 = i};

	if (wants == c->waits[i])
		return 0;
	c->waits[i] = wants;
	return epoll_ctl(c->poll, EPOLL_CTL_MOD, c->links[i].wire.fd, &event);
}

static int
link_turned(struct crowd *c, size_t i)
{
	return link_turn(&c->links[i]) < 0 || attend(c, i) < 0 ? -1 : 0;
}

int
crowd_add(struct crowd *c, struct load *load, const char *target, size_t connections, size_t calls)
{
	for (size_t i = 0; i < connections; i++) {
		size_t share = calls / connections + (i < calls % connections), at = c->count++;
		struct epoll_event event = {.events = EPOLLIN, .data.u64 = at};

		if (link_open(&c->links[at], load, target, share) < 0 ||
		    epoll_ctl(c->poll, EPOLL_CTL_ADD, c->links[at].wire.fd, &event) < 0 ||
		    link_turned(c, at) < 0)
			return -1;
	}
	return 0;
}

int
crowd_turn(struct crowd *c, int timeout)
{
	struct epoll_event events[TURN_EVENTS];
	int n = epoll_wait(c->poll, events, TURN_EVENTS, timeout);

	if (n < 0)
		return errno == EINTR ? 0 : -1;
	for (int i = 0; i < n; i++) {
		if (link_turned(c, (size_t)events[i].data.u64) < 0)
			return -1;
	}
	return 0;
}

int
crowd_fill(struct crowd *c, const struct load *load)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->links[i].load == load && link_turned(c, i) < 0)
			return -1;
	}
	return 0;
}

size_t
crowd_open_calls(const struct crowd *c, const struct load *load)
{
	size_t open = 0;

	for (size_t i = 0; i < c->count; i++)
		open += c->links[i].load == load ? c->links[i].open : 0;
	return open;
}
