/* What has to be asked of the server before a place can be shown. */
#include "view.h"

#include "wire.h"

struct ask *
view_ask(struct view_task *t, unsigned need, const char *method, uint32_t field, struct slice value)
{
	if (t->ask_count == t->ask_capacity) {
		size_t capacity = t->ask_capacity ? t->ask_capacity * 2 : 8;
		struct ask **asks = arena_array(&t->arena, capacity, sizeof(*asks));
		if (!asks)
			return NULL;
		if (t->ask_count)
			memcpy(asks, t->asks, t->ask_count * sizeof(*asks));
		t->asks = asks;
		t->ask_capacity = capacity;
	}
	struct ask *a = arena_alloc(&t->arena, sizeof(*a));
	struct buf request = {0};
	if (!a)
		return NULL;
	if (field)
		wire_put_string(&request, field, value);
	*a = (struct ask){.need = need,
			  .method = method,
			  .request = arena_copy(&t->arena, buf_slice(&request))};
	buf_release(&request);
	t->asks[t->ask_count++] = a;
	return a;
}

void
view_list_request(struct buf *out, struct slice parent, uint64_t size, struct slice filter, bool names)
{
	struct buf mask = {0};
	wire_put_string(out, 1, parent);
	wire_put_uint(out, 2, size);
	wire_put_string(out, 4, filter);
	if (!names)
		return;
	wire_put_string(&mask, 1, SLICE("name"));
	wire_put_bytes(out, 6, buf_slice(&mask));
	buf_release(&mask);
}

static struct ask *
ask_list_of(struct view_task *t, unsigned need, const char *method, struct slice parent, uint64_t size,
	    const char *filter, bool names)
{
	struct ask *a = view_ask(t, need, method, 0, (struct slice){0});
	struct buf request = {0};
	if (!a)
		return NULL;
	a->list = true;
	view_list_request(&request, parent, size, slice_of(filter ? filter : ""), names);
	a->request = arena_copy(&t->arena, buf_slice(&request));
	buf_release(&request);
	return a;
}

static struct ask *
ask_list(struct view_task *t, unsigned need, const char *method, struct slice parent, const char *filter)
{
	return ask_list_of(t, need, method, parent, VIEW_PAGE_SIZE, filter, false);
}

/* A list of which the names are enough. */
static struct ask *
ask_names(struct view_task *t, unsigned need, const char *method, struct slice parent, const char *filter)
{
	return ask_list_of(t, need, method, parent, VIEW_NAMES_SIZE, filter, true);
}

/* Appends a text to the request. */
static struct ask *
ask_more(struct view_task *t, struct ask *a, uint32_t number, struct slice value)
{
	struct buf request = {0};
	if (!a)
		return NULL;
	buf_append_slice(&request, a->request);
	wire_put_string(&request, number, value);
	a->request = arena_copy(&t->arena, buf_slice(&request));
	buf_release(&request);
	return a;
}

/* What a collection is divided into: each is found by a search, where names lie side by side. */
static struct ask *
ask_values(struct view_task *t, unsigned need, struct slice collection, const char *field)
{
	struct ask *a = ask_more(t,
				 ask_list_of(t, need, "/zwy.v1.IndexService/ListValues", collection,
					     VIEW_PAGE_SIZE, NULL, false),
				 6, slice_of(field));
	if (a)
		a->values = true;
	return a;
}

/* What ends the answer, so that it may be kept. */
static void
depends(struct view_task *t, struct ask *a, struct slice topic, enum topic_type type)
{
	if (!a)
		return;
	a->topic = arena_copy(&t->arena, topic);
	a->topic_type = type;
}

struct buf
view_next_page(struct slice request, struct slice token)
{
	struct buf next = {0};
	buf_append_slice(&next, request);
	wire_put_string(&next, 3, token);
	return next;
}

/* The path of the kind's method for a verb; NULL: the contract has none. */
static const char *
method_path(const struct kind_desc *kind, enum verb verb)
{
	const struct method_desc *m = kind ? method_of(kind->kind, verb) : NULL;
	return m ? m->path : NULL;
}

static const char *
case_filter(struct view_task *t)
{
	const struct place *p = &t->place;
	switch (p->view) {
	case VIEW_MINE:
		return arena_printf(&t->arena, "submitter=\"%s\"", t->context->principal);
	case VIEW_MONTH:
		return arena_printf(&t->arena, "month=\"%.*s\"", (int)p->vars[0].n, p->vars[0].p);
	case VIEW_STATE:
		return arena_printf(&t->arena, "state=\"%.*s\"", (int)p->vars[0].n, p->vars[0].p);
	default:
		return NULL;
	}
}

/* quotas/: quotas/{department}/{service} has nothing of its own between. */
static const char *
first_of_several(const struct place *p)
{
	const struct kind_desc *k = p->kind;
	bool several = k->segment_count > 2 && k->segments[1].type != SEGMENT_LITERAL &&
		       k->segments[2].type != SEGMENT_LITERAL;
	return several && p->depth == 1 ? k->segments[1].text : NULL;
}

/* The records of a Chinese name, or with a slug behind it that record. */
static void
ask_named(struct view_task *t)
{
	const struct place *p = &t->place;
	struct slice name = p->vars[0], zh, slug;
	if (view_split_name(name, &zh, &slug)) {
		const char *record =
			arena_printf(&t->arena, "%.*s/%.*s", (int)p->name.n, p->name.p, (int)slug.n, slug.p);
		depends(t, view_ask(t, NEED_RECORD, method_path(p->kind, VERB_GET), 1, slice_of(record)),
			slice_of(record), TOPIC_RECORD);
	} else if (view_name_alone(name)) {
		const char *filter = arena_printf(&t->arena, "name_zh=\"%.*s\"", (int)name.n, name.p);
		depends(t, ask_names(t, NEED_COLLECTION, method_path(p->kind, VERB_LIST), p->name, filter),
			p->name, TOPIC_RECORD);
	}
}

static void
ask_collection(struct view_task *t)
{
	const struct place *p = &t->place;
	const char *method = method_path(p->kind, VERB_LIST), *first = first_of_several(p);
	/* The plain listing of applications shows those that are still open. */
	bool cases = p->depth == 1 && p->kind->kind == KIND_APPLICATION;
	struct ask *a;
	if (!method)
		return;
	if (p->view == VIEW_NAME_LINK) {
		ask_named(t);
		return;
	}
	if (p->view != VIEW_COLLECTION)
		a = ask_list(t, NEED_COLLECTION, method, p->name, NULL);
	else if (first)
		a = ask_values(t, NEED_COLLECTION, p->name, first);
	else
		a = ask_names(t, NEED_COLLECTION, method, p->name, cases ? "open=true" : NULL);
	depends(t, a, p->name, p->view == VIEW_COLLECTION && !cases ? TOPIC_NAMES : TOPIC_RECORD);
}

/* One page of the newest events: each of the others is found by its revision. */
static void
ask_newest(struct view_task *t)
{
	struct ask *a = ask_list_of(t, NEED_EVENTS, "/zwy.v1.AuditService/ListEvents", (struct slice){0},
				    VIEW_AUDIT_LISTED, NULL, false);
	a = ask_more(t, a, 5, SLICE("revision desc"));
	if (a)
		a->list = false;
}

/* Of applications and of whatever else has actions. */
static void
ask_inbox(struct view_task *t)
{
	struct ask *a = ask_list(t, NEED_CASES, "/zwy.v1.RuleService/ListInbox", (struct slice){0}, NULL);
	depends(t, a, SLICE("applications"), TOPIC_SAID);
}

static void
ask_cases(struct view_task *t)
{
	static const char method[] = "/zwy.v1.ApplicationService/ListApplications";
	const struct place *p = &t->place;
	struct ask *a;
	switch (p->view) {
	case VIEW_INBOX:
		ask_inbox(t);
		return;
	case VIEW_MONTHS:
		a = ask_values(t, NEED_CASES, p->name, "month");
		break;
	case VIEW_STATES:
		a = ask_values(t, NEED_CASES, p->name, "state");
		break;
	default:
		a = ask_names(t, NEED_CASES, method, p->name, case_filter(t));
	}
	depends(t, a, p->name, TOPIC_RECORD);
}

static struct slice
parent_of(struct slice name)
{
	size_t n = name.n;
	while (n && name.p[n - 1] != '/')
		n--;
	return (struct slice){name.p, n ? n - 1 : 0};
}

static void
ask_parent(struct view_task *t)
{
	const struct place *p = &t->place;
	struct slice above = parent_of(p->name);
	struct name name;
	if (p->view == VIEW_DOCUMENT)
		above = parent_of(above);
	const char *method = name_parse(&name, above, NULL) == 0 ? method_path(name.kind, VERB_GET) : NULL;
	if (method)
		depends(t, view_ask(t, NEED_PARENT, method, 1, above), above, TOPIC_RECORD);
}

static void
ask_requests(struct view_task *t, unsigned need)
{
	const struct place *p = &t->place;
	if (need == NEED_REQUESTS) {
		const char *parent = arena_printf(&t->arena, "%s/requests", t->context->principal);
		ask_list(t, need, "/zwy.v1.OrganisationService/ListRequests", slice_of(parent), NULL);
		return;
	}
	struct box_result result;
	if (t->context->box && box_result_find(t->context->box, p->vars[1], &result))
		return;
	const char *name = arena_printf(&t->arena, "%s/requests/" BOX_KEY_PREFIX "%.*s",
					t->context->principal, (int)p->vars[1].n, p->vars[1].p);
	view_ask(t, need, "/zwy.v1.OrganisationService/GetRequest", 1, slice_of(name));
}

static void
ask_need(struct view_task *t, unsigned need)
{
	const struct place *p = &t->place;
	const char *method;
	switch (need) {
	case NEED_WHOAMI:
		view_ask(t, need, "/zwy.v1.OrganisationService/WhoAmI", 0, p->name);
		break;
	case NEED_RECORD:
		method = method_path(p->kind, VERB_GET);
		if (method)
			depends(t, view_ask(t, need, method, 1, p->name), p->name, TOPIC_RECORD);
		break;
	case NEED_PARENT:
		ask_parent(t);
		break;
	case NEED_EXPLAIN:
		depends(t, view_ask(t, need, "/zwy.v1.RuleService/Explain", 1, p->name), p->name, TOPIC_SAID);
		break;
	case NEED_HISTORY:
		depends(t, ask_list(t, need, "/zwy.v1.AuditService/ListEvents", p->name, NULL), p->name,
			TOPIC_RECORD);
		break;
	case NEED_EVENTS:
		ask_newest(t);
		break;
	case NEED_COLLECTION:
		ask_collection(t);
		break;
	case NEED_CASES:
		ask_cases(t);
		break;
	case NEED_DOCUMENTS:
		method = arena_printf(&t->arena, "%.*s/documents", (int)p->name.n, p->name.p);
		depends(t, ask_list(t, need, "/zwy.v1.DocumentService/ListDocuments", slice_of(method), NULL),
			slice_of(method), TOPIC_RECORD);
		break;
	case NEED_REQUESTS:
	case NEED_REQUEST:
		ask_requests(t, need);
		break;
	case NEED_EVENT:
		depends(t, view_ask(t, need, "/zwy.v1.AuditService/GetEvent", 1, p->name), p->name,
			TOPIC_RECORD);
		break;
	case NEED_HEAD:
		view_ask(t, need, "/zwy.v1.AuditService/GetHead", 0, p->name);
		break;
	default:
		break;
	}
}

/* Whether a result is a draft, the record itself says. */
static void
plan_result(struct view_task *t)
{
	struct box_result r;
	const struct ask *request = view_answer(t, NEED_REQUEST);
	struct slice record = {0};
	if (t->context->box && box_result_find(t->context->box, t->place.vars[1], &r))
		record = slice_of(r.record);
	else if (request && !request->code)
		record = wire_string(buf_slice(&request->answer), 6);
	struct name name;
	const char *method = record.n && name_parse(&name, record, NULL) == 0 && name.kind->workflow
				     ? method_path(name.kind, VERB_GET)
				     : NULL;
	if (method)
		depends(t, view_ask(t, NEED_PARENT, method, 1, record), record, TOPIC_RECORD);
}

/* The second round: what the first one's answers make necessary. */
static void
plan_more(struct view_task *t)
{
	const struct place *p = &t->place;
	const struct ask *first = t->ask_count ? t->asks[0] : NULL;
	if (p->view == VIEW_RESULT_STATE)
		plan_result(t);
	if (!first || first->code)
		return;
	/* The body of a document, where it is the body that is opened. */
	if (p->view == VIEW_BODY && t->purpose == VIEW_OPEN &&
	    slice_equal(last_part(wire_string(buf_slice(&first->answer), 5)), p->rest)) {
		struct ask *a = view_ask(t, NEED_BODY, "/zwy.v1.DocumentService/Download", 1, p->name);
		if (a)
			a->stream = true;
	}
}

int
view_plan(struct view_task *t)
{
	size_t before = t->ask_count;
	const struct place *p = &t->place;
	unsigned needs = t->purpose == VIEW_NAMES_OF ? p->needs | p->listing_needs : p->needs;
	if (t->round == 0) {
		for (unsigned need = 1; need && need <= NEED_BODY; need <<= 1)
			if (needs & need & NEED_ASK_MASK)
				ask_need(t, need);
		if (p->view == VIEW_CASE_STATUS && t->context->clock_is_set)
			ask_need(t, NEED_WHOAMI);
		t->round++;
	}
	if (t->round == 1 && t->ask_count == before) {
		plan_more(t);
		t->round++;
	}
	if (t->arena.failed)
		return ERR_NO_MEMORY;
	return (int)(t->ask_count - before);
}
