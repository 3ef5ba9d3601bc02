/* Reading: asks what a view needs, all at once where it can, and hands over what
 * the view makes of it. */
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "mount.h"
#include "wire.h"

struct fetch {
	struct fetch *next;
	struct load *load;
	struct ask *ask;
	struct zwy_call *call;
	struct slice request;
	struct buf token; /* of the next page */
	bool may_keep;    /* the watch heard everything when this was asked */
	uint64_t count;   /* events that it had told by then */
};

struct load {
	struct load *next; /* of those that wait to be identified */
	struct op *op;
	struct view_task task;
	struct view_context context;
	struct fetch *fetches; /* under way */
	size_t bytes;
	struct listing *listing; /* of the pages to come */
	bool planning;
};

struct load **
load_next(struct load *l)
{
	return &l->next;
}

static void
fetch_free(struct fetch *f)
{
	buf_release(&f->token);
	free(f);
}

static void
load_free(struct load *l)
{
	while (l->fetches) {
		struct fetch *f = l->fetches;
		l->fetches = f->next;
		if (f->call)
			zwy_call_cancel(f->call);
		fetch_free(f);
	}
	listing_free(l->listing);
	view_release(&l->task);
	free(l);
}

void
load_cancel(struct load *l)
{
	caller_stop_waiting(l->op->caller, l);
	l->op->load = NULL;
	load_free(l);
}

/* The answer as long as which the content may be kept; NULL: it may not. */
static struct answer *
made_of(struct load *l)
{
	struct caller *c = l->op->caller;
	struct answer *a = NULL;
	if (!view_keeps(&l->task) || !keep_possible(c))
		return NULL;
	for (size_t i = 0; i < l->task.ask_count; i++) {
		a = keep_find(c, l->task.asks[i], false);
		if (!a || a->serial != l->task.asks[i]->kept)
			return NULL;
	}
	return a;
}

static void
finish(struct load *l, int eno, struct content *c, struct box_file *f)
{
	struct op *op = l->op;
	op->made_of = c ? made_of(l) : NULL;
	op->listing = l->listing;
	op->load = NULL;
	l->listing = NULL;
	load_free(l);
	op->loaded(op, eno, c, f);
}

/* Files of the drop box stand in these directories beside what the server has. */
static void
add_box_names(struct load *l, struct content *c)
{
	enum view view = l->task.place.view;
	if (l->context.box && (view == VIEW_REQUESTS || view == VIEW_DRAFTS || view == VIEW_DOCUMENT)) {
		box_names(l->context.box, slice_of(l->task.place.path), c);
		content_sort(c);
	}
}

static void
render(struct load *l)
{
	struct content *c = NULL;
	int eno = view_render(&l->task, &c);
	if (!eno && l->task.purpose == VIEW_NAMES_OF)
		add_box_names(l, c);
	finish(l, eno, c, NULL);
}

static void advance(struct load *l);

static void
page_message(struct fetch *f, struct slice message)
{
	struct slice token = wire_string(message, 2);
	buf_clear(&f->token);
	buf_append_slice(&f->token, token);
	if (f->token.error)
		f->ask->code = ERR_NO_MEMORY;
	buf_append_slice(&f->ask->answer, message);
}

static void
message(void *ctx, struct zwy_call *call, struct zwy_bytes bytes)
{
	struct fetch *f = ctx;
	struct slice message = {bytes.data, bytes.size};
	size_t before = f->ask->answer.n;
	(void)call;
	if (f->ask->code)
		return;
	if (f->ask->list)
		page_message(f, message);
	else if (f->ask->stream)
		buf_append_slice(&f->ask->answer, wire_string(message, 2));
	else
		buf_append_slice(&f->ask->answer, message);
	f->load->bytes += f->ask->answer.n - before;
	if (f->load->bytes > f->load->op->mount->options.max_list)
		f->ask->code = ERR_MESSAGE_TOO_LARGE;
}

static void
forget_fetch(struct fetch *f)
{
	struct load *l = f->load;
	for (struct fetch **p = &l->fetches; *p; p = &(*p)->next)
		if (*p == f) {
			*p = f->next;
			break;
		}
	fetch_free(f);
	if (!l->fetches && !l->planning)
		advance(l);
}

static int start_fetch(struct fetch *f);

static void
use_kept(struct ask *a, const struct answer *kept)
{
	buf_clear(&a->answer);
	buf_append_slice(&a->answer, kept->bytes);
	a->code = a->answer.error ? ERR_NO_MEMORY : 0;
	a->kept = kept->serial;
	a->answered = true;
}

/* Of a server that is away: as it was, for a while. */
static bool
use_stale(struct load *l, struct ask *a)
{
	const struct mount *m = l->op->mount;
	const struct answer *kept =
		m->trouble_since && now_ms() - m->trouble_at < (int64_t)m->options.max_stale_ms
			? keep_find(l->op->caller, a, true)
			: NULL;
	if (kept)
		use_kept(a, kept);
	return kept != NULL;
}

/* What was asked while something changed may be from before: it is shown, not kept. */
static void
keep(struct fetch *f)
{
	struct caller *c = f->load->op->caller;
	if (!f->may_keep || !f->ask->topic.n || !keep_possible(c) || keep_count(c) != f->count)
		return;
	const struct answer *kept = keep_put(c, f->ask);
	f->ask->kept = kept ? kept->serial : 0;
}

/* A directory is shown from its first page on. */
static void
stream(struct fetch *f)
{
	struct load *l = f->load;
	l->listing = listing_new(l->op, f->ask, buf_slice(&f->token), view_entry_type(&l->task.place));
	if (!l->listing)
		f->ask->code = ERR_NO_MEMORY;
}

static bool
is_away(int code)
{
	return code == ERR_UNAVAILABLE || code == ERR_DEADLINE_EXCEEDED;
}

static void
done(void *ctx, struct zwy_call *call, const struct zwy_error *error)
{
	struct fetch *f = ctx;
	struct ask *a = f->ask;
	(void)call;
	f->call = NULL;
	server_trouble(f->load->op->mount, error->status ? error : NULL);
	if (error->status && !a->code)
		a->code = error->reason[0] ? reason_by_name(error->reason)
					   : reason_by_status((enum grpc_status)error->status);
	if (!a->code && a->answer.error)
		a->code = ERR_NO_MEMORY;
	bool more = !a->code && a->list && f->token.n;
	if (more && view_streams(&f->load->task)) {
		stream(f);
	} else if (more) {
		struct buf next = view_next_page(a->request, buf_slice(&f->token));
		buf_clear(&f->token);
		f->request = arena_copy(&f->load->task.arena, buf_slice(&next));
		buf_release(&next);
		a->code = start_fetch(f);
		if (!a->code)
			return;
	}
	a->answered = true;
	if (a->code == 0 && !f->load->listing)
		keep(f);
	else if (is_away(a->code))
		use_stale(f->load, a);
	forget_fetch(f);
}

static int
start_fetch(struct fetch *f)
{
	struct op *op = f->load->op;
	struct mount *m = op->mount;
	struct zwy_metadata metadata[1];
	/* A document may take as long as a commit. */
	int64_t timeout = f->ask->stream ? m->options.commit_deadline_ms : m->options.read_deadline_ms;
	struct zwy_call_options options = call_options(m, op->caller, metadata, timeout, f);
	options.message = message;
	options.done = done;
	f->call =
		zwy_call_start(m->client, f->ask->method,
			       (struct zwy_bytes){f->request.p ? f->request.p : "", f->request.n}, &options);
	return f->call ? 0 : ERR_NO_MEMORY;
}

static void
ask(struct load *l, struct ask *a)
{
	struct caller *c = l->op->caller;
	bool may_keep = keep_possible(c);
	const struct answer *kept = may_keep ? keep_find(c, a, false) : NULL;
	if (kept)
		use_kept(a, kept);
	if (kept || use_stale(l, a))
		return;
	struct fetch *f = calloc(1, sizeof(*f));
	if (!f) {
		a->code = ERR_NO_MEMORY;
		return;
	}
	f->load = l;
	f->ask = a;
	f->request = a->request;
	f->may_keep = may_keep;
	f->count = keep_count(c);
	f->next = l->fetches;
	l->fetches = f;
	a->code = start_fetch(f);
	if (a->code)
		forget_fetch(f);
}

/* Plans the next round; renders when there is nothing more to ask. */
static void
advance(struct load *l)
{
	size_t first;
	int n;
	do {
		first = l->task.ask_count;
		n = view_plan(&l->task);
		l->planning = true;
		for (size_t i = first; i < l->task.ask_count; i++)
			ask(l, l->task.asks[i]);
		l->planning = false;
		if (l->fetches)
			return;
	} while (n > 0);
	if (n < 0)
		finish(l, view_errno(n), NULL, NULL);
	else
		render(l);
}

static unsigned
caller_needs(const struct load *l)
{
	const struct place *p = &l->task.place;
	unsigned needs = l->task.purpose == VIEW_NAMES_OF ? p->needs | p->listing_needs : p->needs;
	needs &= NEED_CALLER | SELF | OFFLINE;
	/* Whom the server does not know sees README, and could watch what others open elsewhere. */
	if (!needs && l->op->mount->options.allow_other && p->view != VIEW_ROOT && p->view != VIEW_README)
		return OFFLINE;
	return needs;
}

/* Whether the caller may come here at all. 0 or an errno. */
static int
admit(const struct load *l)
{
	const struct caller *c = l->op->caller;
	const struct place *p = &l->task.place;
	unsigned needs = caller_needs(l);
	if (c->identity == IDENTITY_REFUSED)
		return EACCES;
	if (c->identity == IDENTITY_UNKNOWN)
		return needs & OFFLINE ? 0
				       : view_errno(c->identity_code ? c->identity_code : ERR_UNAVAILABLE);
	/* Known from before counts while the server cannot be asked. */
	if (needs & SELF && !slice_equal(p->vars[0], last_part(slice_of(c->principal))))
		return EACCES;
	return needs & (SELF | NEED_CALLER) && !c->box ? ENOMEM : 0;
}

static void
fill_context(struct load *l)
{
	const struct mount *m = l->op->mount;
	const struct caller *c = l->op->caller;
	static const char *const states[] = {[ZWY_IDLE] = "idle",
					     [ZWY_CONNECTING] = "connecting",
					     [ZWY_READY] = "connected",
					     [ZWY_WAITING] = "away"};
	l->context = (struct view_context){
		.principal = c->identity == IDENTITY_KNOWN ? c->principal : NULL,
		.box = c->box,
		.unmapped = c->identity == IDENTITY_REFUSED,
		.refusal = caller_refusal(c, l->task.place.name),
		.clock_is_set = c->clock_is_set,
		.connection = m->trouble[0] ? m->trouble : states[zwy_client_state(m->client)],
		.revision = m->revision,
		.server_version = m->server_version[0] ? m->server_version : NULL,
		.lag_ms = m->trouble_since && m->watch.begun ? now_ms() - m->watch.heard_at : m->lag_ms,
		.stale_since = m->trouble_since,
	};
}

void
load_identified(struct load *l)
{
	enum view view = l->task.place.view;
	int eno = admit(l);
	fill_context(l);
	if (eno) {
		finish(l, eno, NULL, NULL);
		return;
	}
	if ((view == VIEW_BOX_FILE || view == VIEW_BODY) && l->context.box) {
		struct slice path = slice_of(l->task.place.path);
		struct slice name = last_part(path);
		struct slice directory = {path.p, path.n - name.n - 1};
		struct box_file *f = box_find(l->context.box, directory, name);
		if (f || view == VIEW_BOX_FILE || box_hidden(l->context.box, path)) {
			finish(l, f ? 0 : ENOENT, NULL, f);
			return;
		}
	}
	advance(l);
}

void
load_start(struct op *op, struct slice path, enum view_purpose purpose)
{
	struct load *l = calloc(1, sizeof(*l));
	if (!l) {
		op->loaded(op, ENOMEM, NULL, NULL);
		return;
	}
	l->op = op;
	op->load = l;
	if (view_init(&l->task, path, purpose, &l->context) < 0) {
		finish(l, ENOENT, NULL, NULL);
		return;
	}
	if (caller_needs(l)) {
		if (caller_identify(op->caller, l, caller_needs(l)))
			load_identified(l);
		return;
	}
	fill_context(l);
	advance(l);
}
