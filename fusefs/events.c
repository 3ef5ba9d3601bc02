/* The file `events`: a line for each change that its reader may see, since the mount began. */
#include <inttypes.h>

#include "mount.h"
#include "wire.h"

/* The file starts again, as a rotated log does: tail -f takes notice. */
static void
bound_lines(struct events *e)
{
	if (!e->lines.error && e->lines.n <= e->watch.mount->options.max_events)
		return;
	buf_clear(&e->lines);
	buf_printf(&e->lines,
		   "# earlier changes are not kept here: see audit/, or zwy watch --since %" PRIu64 "\n",
		   e->watch.revision);
}

static void
add_line(struct watch *w, struct slice event)
{
	struct events *e = (struct events *)w;
	event_line(event, true, &e->lines);
	e->changed = wall_ms();
	bound_lines(e);
}

static void
moved(struct watch *w)
{
	(void)w; /* who waits for it looks after each turn of the loop */
}

void
events_forget(struct events *e)
{
	watch_stop(&e->watch);
	buf_release(&e->lines);
	e->changed = 0;
}

static void
ended(struct watch *w, enum watch_end why)
{
	struct events *e = (struct events *)w;
	if (why == WATCH_REPLACED) {
		buf_append_str(&e->lines, "# the server has another history now, perhaps from a backup\n");
		bound_lines(e);
	}
	/* Who is somebody else now, or nobody, begins again when something is asked for them. */
	if (why == WATCH_CHANGED && w->mount->options.allow_other) {
		unsigned failures = w->failures;
		events_forget(e);
		w->failures = failures; /* who waits for it sees that it cannot be had */
	}
}

static const struct watch_ops lines_ops = {.event = add_line, .moved = moved, .ended = ended};

void
events_init(struct events *e, struct mount *m, struct caller *c)
{
	watch_init(&e->watch, m, c, &lines_ops);
}

void
events_release(struct events *e)
{
	events_forget(e);
}

static struct watch *
watch_of(struct caller *c)
{
	return &c->events.watch;
}

/* Of a shared mount no more users have the file at a time than have watches (max_watches), as far as
 * it is not open: it is made again for who comes back. */
static void
make_room(struct mount *m)
{
	unsigned n;
	struct caller *quietest = caller_quietest(m, watch_of, &n);
	if (quietest && n >= m->options.max_watches)
		events_forget(&quietest->events);
}

/* From where the mount began, as soon as that is known. */
static void
start(struct events *e)
{
	struct mount *m = e->watch.mount;
	if (watch_runs(&e->watch) || !(m->start_revision || m->watch.failures))
		return;
	make_room(m);
	watch_start(&e->watch, m->start_revision);
}

/* Everything up to the last change through this mount is in the file; who has waited for
 * a server that is away sees what there is. */
static bool
complete(const struct op *op)
{
	struct events *e = &op->caller->events;
	if (e->watch.failures || (e->watch.caught_up && e->watch.revision >= op->mount->own_revision))
		return true;
	start(e);
	return false;
}

void
events_wait(struct op *op, void (*resume)(struct op *op))
{
	struct watch *w = &op->caller->events.watch;
	if (!watch_runs(w))
		w->failures = 0;
	op_wait(op, complete, resume, now_ms() + op->mount->options.read_deadline_ms);
}
