/* The writer thread: takes the commands that wait, has each decided inside one
 * open transaction, makes one durable commit and hands the whole group back. */
#include "store/inside.h"

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

static void
run_group(struct store *s, struct command *group)
{
	pthread_mutex_lock(&s->writing);
	int rc = s->failed ? ERR_STORE_IO : txn_begin(&s->txn);
	if (rc == 0) {
		for (struct command *c = group; c && s->txn.error == 0; c = c->next)
			txn_decide(&s->txn, c);
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

/* Waits for commands and takes at most as many as make a group; NULL: the end. */
static struct command *
take_group(struct store *s, size_t *ret_count)
{
	pthread_mutex_lock(&s->queue_lock);
	while (!s->first && !s->stopping)
		pthread_cond_wait(&s->queue_filled, &s->queue_lock);
	struct command *group = s->first, **end = &s->first;
	size_t count = 0;
	for (; *end && count < s->options.group_max; count++)
		end = &(*end)->next;
	s->first = *end;
	*end = NULL;
	if (!s->first)
		s->last = &s->first;
	pthread_mutex_unlock(&s->queue_lock);
	*ret_count = count;
	return group;
}

static void *
writer_main(void *arg)
{
	struct store *s = arg;
	struct command *group;
	size_t count;
	while ((group = take_group(s, &count))) {
		run_group(s, group);
		atomic_fetch_sub(&s->waiting, count);
		if (s->options.committed)
			s->options.committed(s->options.ctx, group);
	}
	return NULL;
}

int
store_start(struct store *s, struct fault *f)
{
	int rc = pthread_create(&s->writer, NULL, writer_main, s);
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
	c->next = NULL;
	run_group(s, c);
	return c->result;
}
