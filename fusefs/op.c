/* One request of the kernel, from its beginning to its one answer. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "mount.h"

int64_t
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

msec
wall_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (msec)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The kernel passes on any signal; one that the caller survives should not spoil a
 * call that is about to end, so it may still end by itself for a moment. */
static void
on_interrupt(fuse_req_t req, void *data)
{
	struct op *op = data;
	(void)req;
	if (!op->give_up_at)
		op->give_up_at = now_ms() + op->mount->options.interrupt_grace_ms;
}

static void
op_free(struct op *op)
{
	struct mount *m = op->mount;
	if (op->prev)
		op->prev->next = op->next;
	else
		m->ops = op->next;
	if (op->next)
		op->next->prev = op->prev;
	op->caller->in_flight--;
	if (op->load)
		load_cancel(op->load);
	if (op->handle) {
		listing_leave(op->handle->listing, op);
		index_reader_leave(op->handle->index, op);
	}
	listing_free(op->listing);
	if (op->send)
		send_detach(op->send);
	node_unref(&m->nodes, op->node);
	node_unref(&m->nodes, op->new_parent);
	box_file_unref(op->file);
	buf_release(&op->data);
	free(op->name);
	free(op->new_name);
	free(op);
}

static struct op *
op_new(struct mount *m, fuse_req_t req, struct node *n)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct caller *caller = caller_of(m, ctx->uid, ctx->gid);
	struct op *op = caller ? calloc(1, sizeof(*op)) : NULL;
	if (!op)
		return NULL;
	op->mount = m;
	op->req = req;
	op->caller = caller;
	op->pid = ctx->pid;
	op->node = n;
	node_ref(n);
	caller->in_flight++;
	caller->used_at = now_ms();
	op->next = m->ops;
	if (m->ops)
		m->ops->prev = op;
	m->ops = op;
	return op;
}

struct op *
op_begin(fuse_req_t req, fuse_ino_t inode, bool of_path)
{
	struct mount *m = fuse_req_userdata(req);
	struct node *n = nodes_get(&m->nodes, inode);
	struct op *op = n ? op_new(m, req, n) : NULL;
	if (!op) {
		fuse_reply_err(req, n ? ENOMEM : ENOENT);
		return NULL;
	}
	if (op->caller->in_flight > m->options.max_calls || op->caller->pending > m->options.max_calls) {
		op_error(op, EBUSY);
		return NULL;
	}
	op->of_path = of_path;
	fuse_req_interrupt_func(req, on_interrupt, op);
	return op;
}

void
op_error(struct op *op, int eno)
{
	/* bash tries an open again for ever after EINTR. */
	if (eno == EINTR && op->of_path)
		eno = ECANCELED;
	fuse_reply_err(op->req, eno);
	op_free(op);
}

void
op_end(struct op *op)
{
	op_free(op);
}

int64_t
ops_give_up(struct mount *m, int64_t now)
{
	int64_t earliest = INT64_MAX;
	struct op *next;
	for (struct op *op = m->ops; op; op = next) {
		next = op->next;
		if (!op->give_up_at)
			continue;
		if (op->give_up_at > now) {
			earliest = op->give_up_at < earliest ? op->give_up_at : earliest;
			continue;
		}
		if (op->sent && op->wait_until) {
			/* It was carried out. */
			op->give_up_at = op->wait_until = 0;
			op->stop = true;
			op->resume(op);
			continue;
		}
		if (op->handle && op->handle->busy) {
			op->handle->busy = false;
			box_committed(&op->handle->box, EINTR);
		}
		/* Many write again after EINTR, which for a line on its way would be another. */
		bool line = op->send && op->handle && op->handle->type == HANDLE_LINE;
		op_error(op, line ? ETIMEDOUT : EINTR);
	}
	return earliest;
}

void
op_wait(struct op *op, bool (*ready)(const struct op *op), void (*resume)(struct op *op), int64_t until)
{
	if (ready(op)) {
		resume(op);
		return;
	}
	op->ready = ready;
	op->resume = resume;
	op->wait_until = until;
}

int64_t
ops_wake(struct mount *m, int64_t now)
{
	int64_t earliest = INT64_MAX;
	struct op *next;
	for (struct op *op = m->ops; op; op = next) {
		next = op->next;
		if (!op->wait_until)
			continue;
		if (op->wait_until > now && !op->ready(op)) {
			earliest = op->wait_until < earliest ? op->wait_until : earliest;
			continue;
		}
		op->wait_until = 0;
		op->resume(op);
	}
	return earliest;
}

void
op_load(struct op *op, struct slice path, enum view_purpose purpose)
{
	load_start(op, path, purpose);
}

int
fill_path(char ret[TREE_PATH_MAX], const struct node *parent, const char *name)
{
	size_t n = strlen(parent->path), m = strlen(name);
	if (m > 255 || n + m + 2 > TREE_PATH_MAX)
		return ENAMETOOLONG;
	memcpy(ret, parent->path, n);
	if (n)
		ret[n++] = '/';
	memcpy(ret + n, name, m + 1);
	return 0;
}

/* ---- fresh content ------------------------------------------------------ */

/* One system call looks up, asks for attributes and opens; whoever only looked up may open much later. */
#define FRESH_MS 10000

static bool
is_fresh(const struct fresh *f, const struct op *op, uint64_t inode)
{
	return f->content && f->inode == inode && f->pid == op->pid && f->caller == op->caller &&
	       now_ms() - f->at < FRESH_MS;
}

void
fresh_put(struct op *op, uint64_t inode, struct content *c, bool again)
{
	struct mount *m = op->mount;
	struct fresh *f = NULL;
	/* Each caller has one per inode: the newest. */
	for (size_t i = 0; i < FRESH_COUNT && !f; i++)
		if (is_fresh(&m->fresh[i], op, inode))
			f = &m->fresh[i];
	if (!f)
		f = &m->fresh[m->next_fresh++ % FRESH_COUNT];
	content_ref(c);
	content_unref(f->content);
	*f = (struct fresh){.inode = inode,
			    .at = now_ms(),
			    .pid = op->pid,
			    .caller = op->caller,
			    .content = c,
			    .again = again};
}

const struct content *
fresh_again(const struct op *op, uint64_t inode)
{
	for (size_t i = 0; i < FRESH_COUNT; i++) {
		const struct fresh *f = &op->mount->fresh[i];
		if (f->again && is_fresh(f, op, inode))
			return f->content;
	}
	return NULL;
}

void
fresh_end(struct mount *m, uint64_t inode)
{
	for (size_t i = 0; i < FRESH_COUNT; i++) {
		struct fresh *f = &m->fresh[i];
		if (!f->content || f->inode != inode || f->again)
			continue;
		content_unref(f->content);
		f->content = NULL;
	}
}

struct content *
fresh_take(struct op *op, bool open)
{
	struct mount *m = op->mount;
	for (size_t i = 0; i < FRESH_COUNT; i++) {
		struct fresh *f = &m->fresh[i];
		if (!is_fresh(f, op, op->node->inode))
			continue;
		if (!open) {
			if (f->stat_used)
				return NULL;
			f->stat_used = true;
			return content_ref(f->content);
		}
		struct content *c = f->content;
		f->content = NULL;
		if (!c->partial)
			return c;
		content_unref(c);
		return NULL;
	}
	return NULL;
}
