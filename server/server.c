#include "server.h"

#include <fcntl.h>
#include <openssl/rand.h>
#include <string.h>
#include <unistd.h>

#include "services/job.h"
#include "timers/due.h"

static void
note_mark(struct buf *told, const struct job *j)
{
	if (j->mark.began && j->command.revision)
		buf_append(told, &j->mark, sizeof(j->mark));
}

/* What they changed has been told to those who watch. */
static void
tell_marks(struct server *s, struct buf *told)
{
	struct step_mark mark;
	for (size_t at = 0; at < told->n; at += sizeof(mark)) {
		memcpy(&mark, told->p + at, sizeof(mark));
		call_log_step(s->watchtower.calls, &mark, STEP_tell, log_ticks(s->watchtower.log), 0);
	}
	buf_release(told);
}

/* The writer's results have arrived. */
static void
take_done(uv_async_t *handle)
{
	struct server *s = handle->data;
	pthread_mutex_lock(&s->done_lock);
	struct command *c = s->done_first;
	s->done_first = NULL;
	s->done_end = &s->done_first;
	pthread_mutex_unlock(&s->done_lock);

	snapshot_reset(s->snapshot);
	bool any = c != NULL, broken = false;
	struct buf told = {0}; /* whose steps are told to the end */
	while (c) {
		struct command *next = c->next;
		broken |= c->result == ERR_STORE_IO;
		note_mark(&told, (const struct job *)c);
		job_complete((struct job *)c);
		c = next;
	}
	watchers_pump(s);
	tell_marks(s, &told);
	if (any)
		due_arm(s);
	if (broken && !s->broken) {
		s->broken = true;
		s->store_failed(s);
	}
}

void
server_committed(void *ctx, struct command *group)
{
	struct server *s = ctx;
	bool failed = false;
	struct command *last = group;
	size_t count = 0;
	for (struct command *c = group; c; c = c->next, count++) {
		struct job *j = (struct job *)c;
		j->committed = call_log_now(s->watchtower.calls, &j->mark);
		failed |= c->result == ERR_STORE_FULL || c->result == ERR_STORE_IO;
		last = c;
	}
	/* What a failed commit would have changed is not so after all. */
	if (failed) {
		rulebook_free(s->writer_book);
		s->writer_book = NULL;
	}
	pthread_mutex_lock(&s->done_lock);
	*s->done_end = group;
	s->done_end = &last->next;
	histogram_add(&s->groups, group_bounds, GROUP_BOUNDS, (double)count);
	pthread_mutex_unlock(&s->done_lock);
	uv_async_send(&s->done);
}

int
server_init(struct server *s, uv_loop_t *loop, struct fault *f)
{
	s->loop = loop;
	s->done_end = &s->done_first;
	pthread_mutex_init(&s->done_lock, NULL);
	uv_async_init(loop, &s->done, take_done);
	s->done.data = s;
	watchers_init(s);
	int rc = snapshot_open(&s->snapshot, s->store);
	return rc ? fault_set(f, rc, "the store cannot be read") : 0;
}

void
server_release(struct server *s)
{
	caller_cache_clear(&s->callers);
	rulebook_free(s->book);
	rulebook_free(s->writer_book);
	snapshot_close(s->snapshot);
	pthread_mutex_destroy(&s->done_lock);
}

struct reader *
server_reader(struct server *s)
{
	return snapshot_reader(s->snapshot);
}

const struct rulebook *
server_book(struct server *s, struct fault *f)
{
	if (!s->book)
		rulebook_load(&s->book, server_reader(s), f);
	return s->book;
}

void
server_forget(struct server *s, unsigned kinds)
{
	const unsigned who = KIND_BIT(KIND_PRINCIPAL) | KIND_BIT(KIND_DELEGATION) | KIND_BIT(KIND_NODE);
	if (kinds & who) {
		caller_cache_clear(&s->callers);
		watchers_identify(s);
	}
	if (kinds & RULEBOOK_KINDS) {
		rulebook_free(s->book);
		s->book = NULL;
	}
	if ((kinds & KIND_BIT(KIND_CALENDAR_YEAR)) && !s->stopping)
		due_recompute(s);
}
