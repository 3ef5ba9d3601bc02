/* The writer thread: takes the commands that wait, has each decided inside one
 * open transaction, makes one durable commit and hands the whole group back. */
#include "store/inside.h"

#include "base/thread.h"

/* All of a group fail alike: a refusal, too, may rest on what an earlier command
 * of the group did. */
static void
fail_group(struct command *group, int code)
{
	for (struct command *c = group; c; c = c->next) {
		c->result = fault_set(&c->fault, code, "%s", reason_of(code)->text);
		c->revision = 0;
	}
}

static void
publish_head(struct store *s, const struct head *head)
{
	pthread_mutex_lock(&s->head_lock);
	s->head = *head;
	pthread_mutex_unlock(&s->head_lock);
	atomic_store(&s->revision, head->number);
}

/* Takes at most so many commands off the queue, which is locked. Counts them. */
static struct command *
take(struct store *s, size_t most, size_t *count)
{
	struct command *taken = s->first, **end = &s->first;
	for (; *end && most > 0; most--, (*count)++)
		end = &(*end)->next;
	s->first = *end;
	*end = NULL;
	if (!s->first)
		s->last = &s->first;
	return taken;
}

/* Waits for commands; NULL: the end. */
static struct command *
take_group(struct store *s, size_t *ret_count)
{
	*ret_count = 0;
	pthread_mutex_lock(&s->queue_lock);
	while (!s->first && !s->stopping)
		pthread_cond_wait(&s->queue_filled, &s->queue_lock);
	struct command *group = take(s, s->options.group_max, ret_count);
	pthread_mutex_unlock(&s->queue_lock);
	return group;
}

/* Decides a list; where its last command's next stands. */
static struct command **
decide_all(struct store *s, struct command **at)
{
	for (; *at; at = &(*at)->next)
		if (s->txn.error == 0)
			txn_decide(&s->txn, *at);
	return at;
}

/* Commands that came while others were decided share their commit: a few callers who
 * each wait for an answer would otherwise fall into two halves that wait for each
 * other's. Counts those that joined. */
static void
decide_group(struct store *s, struct command *group, size_t *count)
{
	struct command **end = decide_all(s, &group);
	while (s->txn.error == 0 && *count < s->options.group_max) {
		pthread_mutex_lock(&s->queue_lock);
		*end = take(s, s->options.group_max - *count, count);
		pthread_mutex_unlock(&s->queue_lock);
		if (!*end)
			return;
		end = decide_all(s, end);
	}
}

/* join: those that come meanwhile are added to the group and counted. */
static void
run_group(struct store *s, struct command *group, bool join, size_t *count)
{
	pthread_mutex_lock(&s->writing);
	int rc = s->failed ? ERR_STORE_IO : txn_begin(&s->txn);
	if (rc == 0) {
		if (join)
			decide_group(s, group, count);
		else
			decide_all(s, &group);
		rc = txn_end(&s->txn);
	}
	if (rc == 0)
		publish_head(s, &s->txn.events);
	else
		fail_group(group, rc);
	/* A second sync could answer that all is well with the lost page still lost. */
	if (rc == ERR_STORE_IO)
		s->failed = true;
	pthread_mutex_unlock(&s->writing);
}

static void *
writer_main(void *arg)
{
	struct store *s = arg;
	struct command *group;
	size_t count;
	while ((group = take_group(s, &count))) {
		run_group(s, group, true, &count);
		atomic_fetch_sub(&s->waiting, count);
		if (s->options.committed)
			s->options.committed(s->options.ctx, group);
	}
	return NULL;
}

int
store_start(struct store *s, struct fault *f)
{
	int rc = thread_start(&s->writer, NULL, writer_main, s);
	if (rc != 0)
		return fault_set(f, ERR_NO_MEMORY, "the writer thread: %s", strerror(rc));
	s->started = true;
	return 0;
}

void
writer_stop(struct store *s)
{
	if (!s->started)
		return;
	pthread_mutex_lock(&s->queue_lock);
	s->stopping = true;
	pthread_cond_signal(&s->queue_filled);
	pthread_mutex_unlock(&s->queue_lock);
	pthread_join(s->writer, NULL);
	s->started = false;
}

void
store_submit(struct store *s, struct command *c)
{
	c->next = NULL;
	atomic_fetch_add(&s->waiting, 1);
	pthread_mutex_lock(&s->queue_lock);
	*s->last = c;
	s->last = &c->next;
	pthread_cond_signal(&s->queue_filled);
	pthread_mutex_unlock(&s->queue_lock);
}

int
store_execute(struct store *s, struct command *c)
{
	size_t count = 1;
	c->next = NULL;
	run_group(s, c, false, &count);
	return c->result;
}
