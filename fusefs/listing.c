/* A directory of many names: shown as its pages come. The first came with opendir; each
 * further one is asked for when a reader has seen all before it. What has come stays as
 * long as the handle, so a position is the number of names before it, whatever is added
 * to the directory meanwhile. */
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "mount.h"
#include "wire.h"

struct listing {
	struct mount *mount;
	struct caller *caller;
	const char *method;
	enum content_type type;
	bool values;
	struct buf request; /* for the first page */
	struct buf token;   /* of the page to come; empty: there is none */
	struct buf page;
	struct zwy_call *call;
	struct content *names; /* the handle's */
	struct op *op;         /* waits for the page */
	void (*ready)(struct op *op, int eno);
};

struct listing *
listing_new(const struct op *op, const struct ask *a, struct slice token, enum content_type type)
{
	struct listing *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->mount = op->mount;
	l->caller = op->caller;
	l->method = a->method;
	l->type = type;
	l->values = a->values;
	buf_append_slice(&l->request, a->request);
	buf_append_slice(&l->token, token);
	if (l->request.error || l->token.error) {
		listing_free(l);
		return NULL;
	}
	return l;
}

void
listing_free(struct listing *l)
{
	if (!l)
		return;
	if (l->call)
		zwy_call_cancel(l->call);
	buf_release(&l->request);
	buf_release(&l->token);
	buf_release(&l->page);
	free(l);
}

bool
listing_ended(const struct listing *l)
{
	return !l || l->token.n == 0;
}

static void
message(void *ctx, struct zwy_call *call, struct zwy_bytes bytes)
{
	struct listing *l = ctx;
	(void)call;
	buf_append(&l->page, bytes.data, bytes.size);
}

static void
done(void *ctx, struct zwy_call *call, const struct zwy_error *error)
{
	struct listing *l = ctx;
	struct op *op = l->op;
	int eno = error->status ? error->error_number : 0;
	(void)call;
	l->call = NULL;
	l->op = NULL;
	server_trouble(l->mount, error->status ? error : NULL);
	if (!eno && !l->page.error) {
		struct slice page = buf_slice(&l->page);
		view_add_names(l->names, l->type, l->values, page);
		buf_clear(&l->token);
		buf_append_slice(&l->token, wire_string(page, 2));
	}
	if (!eno && (l->page.error || l->names->names.error || l->token.error))
		eno = ENOMEM;
	if (l->names->names.n > l->mount->options.max_list)
		eno = EFBIG;
	buf_release(&l->page);
	if (op)
		l->ready(op, eno);
}

void
listing_more(struct listing *l, struct content *names, struct op *op, void (*ready)(struct op *op, int eno))
{
	struct zwy_metadata metadata[1];
	l->names = names;
	l->op = op;
	l->ready = ready;
	if (l->call)
		return; /* somebody asked for it and went away */
	struct buf request = view_next_page(buf_slice(&l->request), buf_slice(&l->token));
	struct zwy_call_options options =
		call_options(l->mount, l->caller, metadata, l->mount->options.read_deadline_ms, l);
	options.message = message;
	options.done = done;
	l->call = request.error ? NULL
				: zwy_call_start(l->mount->client, l->method,
						 (struct zwy_bytes){request.p, request.n}, &options);
	buf_release(&request);
	if (!l->call) {
		l->op = NULL;
		ready(op, ENOMEM);
	}
}

void
listing_leave(struct listing *l, const struct op *op)
{
	if (l && l->op == op)
		l->op = NULL;
}
