/* What the mount says of itself and of the caller: README, whoami, status/, the
 * results of requests, the links to the caller's own places. */
#include <errno.h>
#include <stdio.h>

#include "text.h"
#include "view.h"
#include "wire.h"
#include "zwy/v1/organisation.pb.h"

static int
whoami(struct view_task *t, struct buf *out)
{
	const struct ask *a = view_answer(t, NEED_WHOAMI);
	struct slice answer = a ? buf_slice(&a->answer) : (struct slice){0};
	struct slice actor = wire_string(answer, zwy_v1_WhoAmIResponse_actor_tag);
	struct wire_field principal;
	char now[TIME_LEN];
	if (!wire_find(answer, zwy_v1_WhoAmIResponse_principal_tag, &principal))
		return EIO;
	if (text_print(out, message_by_name(SLICE("zwy.v1.Principal")), principal.bytes) < 0)
		return EIO;
	if (actor.n)
		buf_printf(out, "actor=%.*s\n", (int)actor.n, actor.p);
	time_format(now, wire_time(answer, zwy_v1_WhoAmIResponse_time_tag));
	buf_printf(out, "time=%s\n", now);
	if (wire_uint(answer, zwy_v1_WhoAmIResponse_clock_is_set_tag))
		buf_append_str(out, "clock-is-set=true\n");
	return 0;
}

static int
status(struct view_task *t, struct buf *out)
{
	const struct view_context *x = t->context;
	switch (t->place.view) {
	case VIEW_CONNECTION:
		buf_printf(out, "%s\n", x->connection ? x->connection : "unknown");
		return 0;
	case VIEW_REVISION:
		buf_printf(out, "%llu\n", (unsigned long long)x->revision);
		return 0;
	case VIEW_SERVER_VERSION:
		buf_printf(out, "%s\n", x->server_version ? x->server_version : "unknown");
		return 0;
	case VIEW_LAG:
		if (x->lag_ms < 0)
			buf_append_str(out, "unknown\n");
		else
			buf_printf(out, "%lld ms\n", (long long)x->lag_ms);
		return 0;
	default:
		if (x->stale_since) {
			char since[TIME_LEN];
			time_format(since, x->stale_since);
			buf_printf(out, "%s\n", since);
		}
		return 0;
	}
}

/* requests -> users/x/requests, for whoever asks. */
static int
personal_link(struct view_task *t, struct content *c)
{
	const char *principal = t->context->principal;
	if (!principal)
		return t->purpose == VIEW_OPEN ? EHOSTDOWN : 0;
	struct slice word = last_part(slice_of(t->place.path)), who = last_part(slice_of(principal));
	const char *target =
		arena_printf(&t->arena, "users/%.*s/%.*s", (int)who.n, who.p, (int)word.n, word.p);
	tree_link(&t->place, slice_of(target), &c->bytes);
	return 0;
}

/* ---- results ----------------------------------------------------------- */

/* From the mount's memory, else from the store, which remembers what it accepted. */
static bool
find_result(struct view_task *t, struct box_result *ret)
{
	struct slice name = t->place.vars[1];
	if (t->context->box && box_result_find(t->context->box, name, ret))
		return true;
	const struct ask *a = view_answer(t, NEED_REQUEST);
	if (!a || a->code)
		return false;
	struct slice record = wire_string(buf_slice(&a->answer), zwy_v1_Request_result_tag),
		     id = name_id(record);
	*ret = (struct box_result){.state = BOX_ACCEPTED,
				   .time = wire_time(buf_slice(&a->answer), zwy_v1_Request_create_time_tag)};
	snprintf(ret->id, sizeof(ret->id), "%.*s", (int)id.n, id.p);
	snprintf(ret->record, sizeof(ret->record), "%.*s", (int)record.n, record.p);
	return true;
}

/* An application that lacks only documents, or a forecast, is a draft until it is submitted. */
static const char *
result_state(struct view_task *t, const struct box_result *r)
{
	const struct ask *application = view_answer(t, NEED_PARENT);
	switch (r->state) {
	case BOX_REFUSED:
		return "refused";
	case BOX_UNKNOWN:
		return "unknown";
	default:
		if (application && !application->code &&
		    slice_is(wire_string(buf_slice(&application->answer), 5), "draft"))
			return "draft";
		return "accepted";
	}
}

static int
result(struct view_task *t, struct content *c)
{
	struct box_result r;
	if (!find_result(t, &r))
		return ENOENT;
	c->mtime = r.time;
	switch (t->place.view) {
	case VIEW_RESULT:
		c->mode = 0755;
		if (t->purpose != VIEW_NAMES_OF)
			return 0;
		tree_fixed_names(&t->place, c);
		if (r.record[0])
			content_add(c, CONTENT_LINK, SLICE("record"));
		content_sort(c);
		return 0;
	case VIEW_RESULT_STATE:
		buf_printf(&c->bytes, "%s\n", result_state(t, &r));
		return 0;
	case VIEW_RESULT_ID:
		if (r.id[0])
			buf_printf(&c->bytes, "%s\n", r.id);
		return 0;
	case VIEW_RESULT_ERROR:
		if (r.error[0])
			buf_printf(&c->bytes, "%s\n", r.error);
		return 0;
	default:
		if (!r.record[0])
			return ENOENT;
		tree_link(&t->place, slice_of(r.record), &c->bytes);
		return 0;
	}
}

int
view_self(struct view_task *t, struct content *c)
{
	switch (t->place.view) {
	case VIEW_EVENTS: /* the mount fills it */
		return 0;
	case VIEW_README:
		buf_append_str(&c->bytes, tree_readme);
		return 0;
	case VIEW_WHOAMI:
		return whoami(t, &c->bytes);
	case VIEW_CONNECTION:
	case VIEW_REVISION:
	case VIEW_SERVER_VERSION:
	case VIEW_LAG:
	case VIEW_STALE_SINCE:
		return status(t, &c->bytes);
	case VIEW_PERSONAL_LINK:
		return personal_link(t, c);
	case VIEW_RESULT:
	case VIEW_RESULT_STATE:
	case VIEW_RESULT_ID:
	case VIEW_RESULT_ERROR:
	case VIEW_RESULT_RECORD:
		return result(t, c);
	case VIEW_HEAD: {
		const struct ask *a = view_answer(t, NEED_HEAD);
		struct slice head = a ? buf_slice(&a->answer) : (struct slice){0};
		return text_print(&c->bytes, message_by_name(SLICE("zwy.v1.Head")), head) < 0 ? EIO : 0;
	}
	default:
		return ENOENT;
	}
}
