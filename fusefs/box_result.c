#include "box_result.h"

#include <errno.h>
#include <stdlib.h>

#include "tree.h"

static struct result_entry *
find(const struct box *b, struct slice name)
{
	for (struct result_entry *e = b->results; e; e = e->next)
		if (slice_is(name, e->name))
			return e;
	return NULL;
}

static void
entry_free(struct result_entry *e)
{
	buf_release(&e->raw);
	free(e);
}

void
box_results_release(struct box *b)
{
	while (b->results) {
		struct result_entry *next = b->results->next;
		entry_free(b->results);
		b->results = next;
	}
	while (b->hidden) {
		struct hidden *next = b->hidden->next;
		free(b->hidden);
		b->hidden = next;
	}
}

bool
box_hidden(const struct box *b, struct slice path)
{
	for (const struct hidden *h = b->hidden; h; h = h->next)
		if (slice_is(path, h->path))
			return true;
	return false;
}

int
box_hide(struct box *b, struct slice path)
{
	size_t count = 0;
	if (box_hidden(b, path))
		return 0;
	for (struct hidden **p = &b->hidden; *p; p = &(*p)->next)
		if (++count >= b->limits.files) { /* the oldest is seen again */
			struct hidden *oldest = *p;
			*p = oldest->next;
			free(oldest);
			break;
		}
	struct hidden *h = calloc(1, sizeof(*h) + path.n + 1);
	if (!h)
		return ENOMEM;
	memcpy(h->path, path.p, path.n);
	h->next = b->hidden;
	b->hidden = h;
	return 0;
}

void
box_show(struct box *b, struct slice directory, struct slice name)
{
	for (struct hidden **p = &b->hidden; *p; p = &(*p)->next) {
		struct slice path = slice_of((*p)->path);
		if (path.n != directory.n + 1 + name.n || !slice_starts(path, directory) ||
		    memcmp(path.p + directory.n + 1, name.p, name.n) != 0)
			continue;
		struct hidden *h = *p;
		*p = h->next;
		free(h);
		return;
	}
}

bool
box_accepted_raw(const struct box *b, struct slice name, struct slice *ret)
{
	const struct result_entry *e = find(b, name);
	if (!e || e->result.state != BOX_ACCEPTED || e->raw.n == 0)
		return false;
	*ret = buf_slice(&e->raw);
	return true;
}

bool
box_result_find(const struct box *b, struct slice name, struct box_result *ret)
{
	const struct result_entry *e = find(b, name);
	if (e)
		*ret = e->result;
	return e != NULL;
}

void
box_result_names(const struct box *b, struct content *c)
{
	for (const struct result_entry *e = b->results; e; e = e->next)
		content_add(c, CONTENT_DIRECTORY, slice_of(e->name));
}

/* The oldest that is not being asked about makes room: the store remembers what it accepted. */
static void
drop_oldest(struct box *b)
{
	struct result_entry **last = NULL;
	for (struct result_entry **p = &b->results; *p; p = &(*p)->next)
		if ((*p)->result.state != BOX_UNKNOWN)
			last = p;
	if (!last)
		return;
	struct result_entry *e = *last;
	*last = e->next;
	entry_free(e);
	b->result_count--;
}

static struct result_entry *
find_or_add(struct box *b, struct slice name)
{
	struct result_entry *e = find(b, name);
	if (e)
		return e;
	if (b->result_count >= b->limits.results)
		drop_oldest(b);
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	memcpy(e->name, name.p, name.n < sizeof(e->name) ? name.n : sizeof(e->name) - 1);
	e->next = b->results;
	b->results = e;
	b->result_count++;
	return e;
}

void
box_note(struct box *b, struct slice name, const struct box_result *outcome)
{
	struct result_entry *e = find_or_add(b, name);
	if (e)
		e->result = *outcome;
}

/* What was accepted stays so. Of what nobody knows only the server can say that it was not, about the
 * same bytes, and not by a refusal for now or of whoever asks. */
static bool
may_be_refused(const struct result_entry *e, struct slice raw, const struct box_result *outcome)
{
	return e->result.state == BOX_REFUSED ||
	       (e->result.state == BOX_UNKNOWN && raw.n && slice_equal(buf_slice(&e->raw), raw) &&
		outcome->error_number != EAGAIN && outcome->error_number != EACCES);
}

int
box_settle(struct box *b, struct slice name, struct slice raw, const struct box_result *outcome)
{
	struct result_entry *e = find(b, name);
	if (e && outcome->state == BOX_REFUSED && !may_be_refused(e, raw, outcome))
		return 0;
	if (e && e->result.state == BOX_ACCEPTED && outcome->state == BOX_UNKNOWN)
		return 0;
	e = find_or_add(b, name);
	if (!e)
		return ENOMEM;
	e->result = *outcome;
	buf_release(&e->raw);
	if (outcome->state != BOX_REFUSED)
		buf_append_slice(&e->raw, raw);
	return e->raw.error ? ENOMEM : 0;
}

bool
box_unknown(struct box *b, void (*fn)(void *ctx, struct box *b, const char *name), void *ctx)
{
	bool any = false;
	for (struct result_entry *e = b->results; e; e = e->next)
		if (e->result.state == BOX_UNKNOWN) {
			fn(ctx, b, e->name);
			any = true;
		}
	return any;
}

void
box_resolve(struct box *b, struct slice name, const struct box_result *outcome)
{
	struct result_entry *e = find(b, name);
	if (!e || e->result.state != BOX_UNKNOWN)
		return;
	e->result = *outcome;
	/* Accepted under that name, but perhaps other bytes, before this mount began: the
	 * server judges whether what is written next is the same. */
	buf_release(&e->raw);
}

void
box_doubt(struct box *b)
{
	static const struct box_result doubt = {
		.state = BOX_UNKNOWN,
		.error = "the server has another history now: it is asked whether this is part of it"};
	struct result_entry **p = &b->results;
	while (*p) {
		struct result_entry *e = *p;
		msec time = e->result.time;
		bool json;
		if (e->result.state != BOX_ACCEPTED) {
			p = &e->next;
		} else if (tree_is_request(slice_of(e->name), &json)) {
			e->result = doubt;
			e->result.time = time;
			p = &e->next;
		} else { /* of a line, which the server does not know by a name */
			*p = e->next;
			entry_free(e);
			b->result_count--;
		}
	}
}
