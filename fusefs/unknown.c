/* Requests that were sent and never answered: the store is asked by their key until
 * it says what became of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "send.h"
#include "wire.h"
#include "zwy/v1/organisation.pb.h"

#define ASK_EVERY_MS 1000

struct question {
	struct question *next;
	struct caller *caller;
	struct zwy_call *call;
	struct box *box;
	char name[BOX_NAME_MAX];
	struct buf answer;
};

static void
message(void *ctx, struct zwy_call *call, struct zwy_bytes bytes)
{
	struct question *q = ctx;
	(void)call;
	buf_append(&q->answer, bytes.data, bytes.size);
}

static void
resolve(struct question *q, const struct zwy_error *error)
{
	struct box_result r = {.time = wall_ms()}, before;
	struct slice record = wire_string(buf_slice(&q->answer), zwy_v1_Request_result_tag),
		     id = name_id(record);
	if (!box_result_find(q->box, slice_of(q->name), &before))
		return;
	if (error->status == GRPC_OK && record.n) {
		r.state = BOX_ACCEPTED;
		snprintf(r.record, sizeof(r.record), "%.*s", (int)record.n, record.p);
		snprintf(r.id, sizeof(r.id), "%.*s", (int)id.n, id.p);
		box_resolve(q->box, slice_of(q->name), &r);
	} else if (error->status == GRPC_NOT_FOUND &&
		   r.time - before.time > (msec)q->caller->mount->options.unknown_ms) {
		r.state = BOX_REFUSED;
		r.error_number = ETIMEDOUT;
		snprintf(r.error, sizeof(r.error), "the server does not have it: write it again");
		box_resolve(q->box, slice_of(q->name), &r);
	}
}

static void
question_free(struct mount *m, struct question *q)
{
	for (struct question **p = &m->questions; *p; p = &(*p)->next)
		if (*p == q) {
			*p = q->next;
			break;
		}
	if (q->call)
		zwy_call_cancel(q->call);
	q->caller->pending--;
	buf_release(&q->answer);
	free(q);
}

void
questions_free(struct mount *m)
{
	while (m->questions)
		question_free(m, m->questions);
}

static void
done(void *ctx, struct zwy_call *call, const struct zwy_error *error)
{
	struct question *q = ctx;
	(void)call;
	q->call = NULL;
	resolve(q, error);
	question_free(q->caller->mount, q);
}

static bool
is_asked(const struct mount *m, const struct box *b, const char *name)
{
	for (const struct question *q = m->questions; q; q = q->next)
		if (q->box == b && strcmp(q->name, name) == 0)
			return true;
	return false;
}

static void
ask(void *ctx, struct box *b, const char *name)
{
	struct caller *c = ctx;
	struct mount *m = c->mount;
	struct zwy_metadata metadata[1];
	struct buf request = {0};
	char text[NAME_MAX_BYTES * 2];
	/* Half of its calls are left to the caller. */
	if (c->pending >= m->options.max_calls / 2)
		return;
	struct question *q = is_asked(m, b, name) ? NULL : calloc(1, sizeof(*q));
	if (!q)
		return;
	q->next = m->questions;
	m->questions = q;
	q->caller = c;
	c->pending++;
	q->box = b;
	snprintf(q->name, sizeof(q->name), "%s", name);
	snprintf(text, sizeof(text), "%s/requests/" BOX_KEY_PREFIX "%s", c->principal, name);
	wire_put_string(&request, 1, slice_of(text));
	struct zwy_call_options options = call_options(m, c, metadata, m->options.read_deadline_ms, q);
	options.message = message;
	options.done = done;
	q->call = request.error ? NULL
				: zwy_call_start(m->client, "/zwy.v1.OrganisationService/GetRequest",
						 (struct zwy_bytes){request.p, request.n}, &options);
	if (!q->call)
		question_free(m, q);
	buf_release(&request);
}

int64_t
ask_unknown(struct mount *m, int64_t now)
{
	if (now < m->ask_unknown_at)
		return m->ask_unknown_at;
	/* All results are looked through no more often than that. */
	m->ask_unknown_at = now + ASK_EVERY_MS;
	bool any = false;
	for (struct caller *c = m->callers; c; c = c->next)
		any |= c->box && box_unknown(c->box, ask, c);
	return any ? m->ask_unknown_at : INT64_MAX;
}
