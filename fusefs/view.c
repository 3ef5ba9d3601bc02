#include "view.h"

#include <errno.h>
#include <stdio.h>

#include "json.h"
#include "record.h"
#include "text.h"
#include "wire.h"

int
view_init(struct view_task *t, struct slice path, enum view_purpose purpose,
	  const struct view_context *context)
{
	*t = (struct view_task){.purpose = purpose, .context = context};
	return tree_resolve(&t->place, path);
}

void
view_release(struct view_task *t)
{
	for (size_t i = 0; i < t->ask_count; i++) {
		buf_release(&t->asks[i]->answer);
	}
	arena_release(&t->arena);
}

struct slice
last_part(struct slice name)
{
	size_t i = name.n;
	while (i && name.p[i - 1] != '/')
		i--;
	return (struct slice){name.p + i, name.n - i};
}

int
view_errno(int code)
{
	int eno = reason_of(code)->eno;
	/* A path that cannot be a name is one that is not there. */
	return eno == EBADMSG ? ENOENT : eno;
}

const struct ask *
view_answer(const struct view_task *t, unsigned need)
{
	for (size_t i = 0; i < t->ask_count; i++)
		if (t->asks[i]->need == need)
			return t->asks[i];
	return NULL;
}

static struct slice
answer_bytes(const struct view_task *t, unsigned need)
{
	const struct ask *a = view_answer(t, need);
	return a ? buf_slice(&a->answer) : (struct slice){0};
}

/* The bytes of the record that the place is in. */
static struct slice
record_bytes(const struct view_task *t)
{
	return answer_bytes(t, t->place.needs & NEED_EVENT ? NEED_EVENT : NEED_RECORD);
}

static int
render_parent(struct view_task *t, struct content *c)
{
	c->mode = t->place.view == VIEW_DOCUMENT ? 0777 : 0755;
	return 0;
}

static int
render_field(struct view_task *t, struct content *c)
{
	struct part part;
	const struct place *p = &t->place;
	if (record_find(&part, p->message, record_bytes(t), p->rest) < 0)
		return ENOENT;
	if (!part_is_directory(&part)) {
		c->type = CONTENT_FILE;
		c->mode = 0444;
		return record_value(&part, &c->bytes) < 0 ? EIO : 0;
	}
	c->type = CONTENT_DIRECTORY;
	c->mode = 0755;
	if (t->purpose == VIEW_NAMES_OF)
		record_names(&part, c);
	return 0;
}

static int
render_whole(struct view_task *t, struct content *c)
{
	const struct message_desc *m = t->place.message;
	struct slice bytes = record_bytes(t);
	switch (t->place.view) {
	case VIEW_TEXT:
		return text_print(&c->bytes, m, bytes) < 0 ? EIO : 0;
	case VIEW_JSON:
		if (json_print(&c->bytes, m, bytes, 0) < 0)
			return EIO;
		if (c->bytes.n && c->bytes.p[c->bytes.n - 1] != '\n')
			buf_append_char(&c->bytes, '\n');
		return 0;
	default:
		record_env(m, bytes, &c->bytes);
		return 0;
	}
}

static view_fn
renderer(const struct view_task *t)
{
	const struct place *p = &t->place;
	switch (p->view) {
	case VIEW_TEXT:
	case VIEW_JSON:
	case VIEW_ENV:
		return render_whole;
	case VIEW_FIELD:
		return render_field;
	case VIEW_SUMS:
	case VIEW_BODY:
		return view_document;
	case VIEW_NEW:
	case VIEW_INDEX:
	case VIEW_HISTORY:
	case VIEW_CASE_STATUS:
	case VIEW_CASE_DUE:
	case VIEW_CASE_WHY:
	case VIEW_CASE_NEXT:
	case VIEW_ACTION:
		return view_case;
	case VIEW_INBOX_LINK:
	case VIEW_MINE_LINK:
	case VIEW_MONTH_LINK:
	case VIEW_STATE_LINK:
	case VIEW_LAYER_LINK:
	case VIEW_NAME_LINK:
		return view_link;
	default:
		if (p->type != CONTENT_DIRECTORY || p->view == VIEW_RESULT)
			return view_self;
		return view_names;
	}
}

/* Faults that a view can do without. */
static bool
tolerated(const struct view_task *t, const struct ask *a)
{
	switch (t->place.view) {
	case VIEW_DOCUMENTS:
		return a->need == NEED_EXPLAIN;
	case VIEW_DOCUMENT:
		return a->need == NEED_RECORD && a->code == ERR_NOT_FOUND;
	case VIEW_RESULT_STATE:
		return a->need == NEED_PARENT;
	default:
		return false;
	}
}

bool
view_streams(const struct view_task *t)
{
	switch (t->place.view) {
	case VIEW_COLLECTION:
	case VIEW_MINE:
	case VIEW_MONTH:
	case VIEW_STATE:
		return t->purpose == VIEW_NAMES_OF;
	default:
		return false;
	}
}

bool
view_keeps(const struct view_task *t)
{
	const struct ask *last = t->ask_count ? t->asks[t->ask_count - 1] : NULL;
	if (!last || t->purpose == VIEW_NAMES_OF || !(place_traits(&t->place) & TRAIT_KEPT))
		return false;
	for (size_t i = 0; i < t->ask_count; i++)
		if (t->asks[i]->topic.n == 0 || !slice_equal(t->asks[i]->topic, last->topic))
			return false;
	return true;
}

static void
set_time(struct view_task *t, struct content *c)
{
	struct slice bytes = record_bytes(t);
	if (bytes.n)
		c->mtime = wire_time(bytes, t->place.needs & NEED_EVENT ? 2 : 4);
}

int
view_render(struct view_task *t, struct content **ret)
{
	static const unsigned modes[] = {
		[CONTENT_FILE] = 0444, [CONTENT_DIRECTORY] = 0755, [CONTENT_LINK] = 0777};
	for (size_t i = 0; i < t->ask_count; i++)
		if (t->asks[i]->code && !tolerated(t, t->asks[i]))
			return view_errno(t->asks[i]->code);
	if (t->arena.failed)
		return ENOMEM;
	struct content *c = content_new(t->place.type, modes[t->place.type]);
	if (!c)
		return ENOMEM;
	set_time(t, c);
	view_fn render = renderer(t);
	if (t->place.type == CONTENT_DIRECTORY && render == view_names && t->purpose != VIEW_NAMES_OF &&
	    t->place.view != VIEW_LAYER && t->place.view != VIEW_SUBCATEGORY &&
	    !(t->place.view == VIEW_COLLECTION && t->place.needs & NEED_COLLECTION))
		render = render_parent;
	int eno = render(t, c);
	if (!eno && (c->bytes.error || c->names.error))
		eno = ENOMEM;
	if (eno) {
		content_unref(c);
		return eno;
	}
	if (!c->partial)
		c->size = c->bytes.n;
	*ret = c;
	return 0;
}
