#include "observe/ring.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/thread.h"

#define CHUNK 16384

struct ring {
	int fd, event;
	size_t chunk; /* bytes of one write at the most */
	size_t size;
	/* Bytes ever put, and ever taken out; the writer alone moves the second. */
	_Atomic uint64_t head, tail;
	atomic_bool sleeping; /* the writer waits for the event */
	atomic_int patience;  /* ms from the end of the ring; -1: it goes on */
	pthread_t writer;
	char *bytes;
};

static int64_t
clock_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- the writer's thread ---- */

/* Copies the oldest bytes: whole lines if one ends among them. */
static size_t
peek(const struct ring *r, uint64_t tail, size_t n, char *dst)
{
	if (n > r->chunk)
		n = r->chunk;
	size_t at = (size_t)(tail % r->size), first = r->size - at < n ? r->size - at : n;
	memcpy(dst, r->bytes + at, first);
	memcpy(dst + first, r->bytes, n - first);
	const char *last = memrchr(dst, '\n', n);
	return last ? (size_t)(last + 1 - dst) : n;
}

static void
drain_event(struct ring *r)
{
	uint64_t count;
	while (read(r->event, &count, sizeof(count)) > 0)
		;
}

static void
doze(struct ring *r)
{
	atomic_store(&r->sleeping, true);
	if (atomic_load(&r->head) == atomic_load(&r->tail) && atomic_load(&r->patience) < 0) {
		struct pollfd p = {.fd = r->event, .events = POLLIN};
		poll(&p, 1, -1);
	}
	atomic_store(&r->sleeping, false);
	drain_event(r);
}

/* Until the descriptor takes something; false: the time after the end is over. */
static bool
await_room(struct ring *r, int64_t *deadline)
{
	for (;;) {
		int patience = atomic_load(&r->patience);
		if (patience >= 0 && *deadline == 0)
			*deadline = clock_ms() + patience;
		int64_t left = *deadline ? *deadline - clock_ms() : -1;
		if (*deadline && left < 0)
			return false;
		struct pollfd p[2] = {{.fd = r->fd, .events = POLLOUT}, {.fd = r->event, .events = POLLIN}};
		/* The event only ends the wait of a ring that goes on. */
		if (poll(p, patience < 0 ? 2 : 1, (int)left) > 0 && p[0].revents)
			return true;
		drain_event(r);
	}
}

static void *
writer_main(void *arg)
{
	struct ring *r = arg;
	char chunk[CHUNK];
	int64_t deadline = 0;
	for (;;) {
		uint64_t tail = atomic_load(&r->tail);
		size_t n = (size_t)(atomic_load(&r->head) - tail);
		if (n == 0 && atomic_load(&r->patience) >= 0)
			return NULL;
		if (n == 0) {
			doze(r);
			continue;
		}
		if (!await_room(r, &deadline))
			return NULL;
		n = peek(r, tail, n, chunk);
		ssize_t written = write(r->fd, chunk, n);
		if (written < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		/* Nobody reads it: gone. */
		atomic_store(&r->tail, tail + (written < 0 ? n : (size_t)written));
	}
}

/* ---- the putting thread ---- */

int
ring_open(struct ring **ret, int fd, size_t bytes)
{
	struct stat st;
	struct ring *r = calloc(1, sizeof(*r));
	if (!r)
		return ERR_NO_MEMORY;
	r->fd = fd;
	r->size = bytes;
	r->chunk = fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) ? PIPE_BUF : CHUNK;
	r->bytes = malloc(bytes);
	r->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	atomic_init(&r->patience, -1);
	if (!r->bytes || r->event < 0 || thread_start(&r->writer, NULL, writer_main, r) != 0) {
		if (r->event >= 0)
			close(r->event);
		free(r->bytes);
		free(r);
		return ERR_NO_MEMORY;
	}
	*ret = r;
	return 0;
}

bool
ring_put(struct ring *r, struct slice line)
{
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	size_t used = (size_t)(head - atomic_load_explicit(&r->tail, memory_order_acquire));
	if (line.n > r->size - used)
		return false;
	size_t at = (size_t)(head % r->size), first = r->size - at < line.n ? r->size - at : line.n;
	memcpy(r->bytes + at, line.p, first);
	memcpy(r->bytes, line.p + first, line.n - first);
	atomic_store(&r->head, head + line.n);
	if (used + line.n > r->size / 2)
		ring_kick(r);
	return true;
}

static void
wake(struct ring *r)
{
	uint64_t one = 1;
	ssize_t n = write(r->event, &one, sizeof(one));
	(void)n; /* full: it is awake */
}

void
ring_kick(struct ring *r)
{
	if (atomic_load(&r->head) != atomic_load(&r->tail) && atomic_exchange(&r->sleeping, false))
		wake(r);
}

void
ring_close(struct ring *r, int patience)
{
	if (!r)
		return;
	atomic_store(&r->patience, patience);
	wake(r);
	pthread_join(r->writer, NULL);
	close(r->event);
	free(r->bytes);
	free(r);
}
