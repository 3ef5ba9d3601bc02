#include "services/facts.h"

struct gathering {
	struct reader *reader;
	struct message_list *list;
	struct fault *fault;
};

/* The record's message; NULL with fault->code 0 where there is none. */
static void *
find(struct gathering *g, const char *collection, const char *slug, const pb_msgdesc_t *fields, size_t size)
{
	struct name name;
	struct record record;
	char *text = arena_printf(&g->list->arena, "%s/%s", collection, slug ? slug : "");
	if (!text) {
		fault_set(g->fault, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	/* A slug that cannot be a name is one that does not exist. */
	if (name_parse(&name, slice_of(text), NULL) != 0)
		return NULL;
	int rc = record_get(g->reader, &name, &record);
	if (rc == ERR_NOT_FOUND)
		return NULL;
	if (rc != 0) {
		fault_set(g->fault, rc, "%s cannot be read", text);
		return NULL;
	}
	return message_decode(g->list, fields, size, record.body, g->fault);
}

#define FIND(g, collection, slug, type) ((type *)find((g), (collection), (slug), type##_fields, sizeof(type)))

/* The form of the service that the item was submitted under, if that has changed since. */
static void
find_pinned(struct gathering *g, const zwy_v1_Item *item, const char *slug, struct item_facts *ret)
{
	if (!item->catalogue_version || !ret->service ||
	    item->catalogue_version == ret->service->catalogue_version)
		return;
	char *collection = arena_printf(&g->list->arena, "catalogue/%s/versions", slug);
	char *version = arena_printf(&g->list->arena, "%u", (unsigned)item->catalogue_version);
	zwy_v1_ServiceVersion *v =
		collection && version ? FIND(g, collection, version, zwy_v1_ServiceVersion) : NULL;
	if (v && v->has_service)
		ret->pinned = &v->service;
}

static int load_facts(struct gathering *g, struct facts *ret, const struct rulebook *book,
		      const struct actor *actor, msec now, const zwy_v1_Application *a, bool with_cases);

static const struct item_facts *
find_items(struct gathering *g, const struct rulebook *book, const char *department,
	   const zwy_v1_Application *a)
{
	struct item_facts *items = arena_array(&g->list->arena, a->items_count, sizeof(*items));
	char *collection = arena_printf(&g->list->arena, "quotas/%s", department ? department : "");
	if (!items || !collection) {
		fault_set(g->fault, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < a->items_count && !g->fault->code; i++) {
		const char *slug = slug_of(a->items[i].service).p;
		items[i].service = rulebook_service(book, slice_of(slug));
		if (items[i].service && department)
			items[i].quota = FIND(g, collection, slug, zwy_v1_Quota);
		find_pinned(g, &a->items[i], slug, &items[i]);
		if (a->items[i].exchange && a->items[i].exchange[0])
			items[i].exchange =
				FIND(g, "exchanges", slug_of(a->items[i].exchange).p, zwy_v1_Exchange);
	}
	return items;
}

/* The service as the resource keeps it, and the quota in which it counts. */
static void
find_kept(struct gathering *g, const struct rulebook *book, struct resource_facts *ret)
{
	const zwy_v1_Resource *r = ret->resource;
	zwy_v1_Item item = {.service = r->service, .catalogue_version = r->catalogue_version};
	struct item_facts facts = {.service = rulebook_service(book, slice_of(r->service))};
	char *collection = arena_printf(&g->list->arena, "quotas/%s", r->department);
	find_pinned(g, &item, r->service, &facts);
	ret->service = facts.pinned ? facts.pinned : facts.service;
	if (collection)
		ret->quota = FIND(g, collection, r->service, zwy_v1_Quota);
}

/* Adds a resource by its id, once; room has been made. */
static const zwy_v1_Resource *
find_resource(struct gathering *g, const struct rulebook *book, const zwy_v1_Application *a, const char *id,
	      struct resource_facts *list, struct facts *facts)
{
	char *name = arena_printf(&g->list->arena, "resources/%s", slug_of(id).p);
	if (!name || slug_of(id).n == 0)
		return NULL;
	const struct resource_facts *before = facts_resource(facts, name);
	if (before)
		return before->resource;
	zwy_v1_Resource *r = FIND(g, "resources", slug_of(id).p, zwy_v1_Resource);
	if (!r)
		return NULL;
	struct resource_facts *f = &list[facts->resource_count];
	*f = (struct resource_facts){.resource = r, .held = application_holds(a, r->name)};
	find_kept(g, book, f);
	facts->resources = list;
	facts->resource_count++;
	return r;
}

static bool
has_text(const char *s)
{
	return s && s[0];
}

/* The resources that the case names, takes over or, for a term, brought. */
static void
find_resources(struct gathering *g, const struct rulebook *book, const zwy_v1_Application *a,
	       struct facts *facts)
{
	bool for_a_term = has_text(a->end_date);
	size_t room = (size_t)1 + a->items_count + (for_a_term ? a->resources_count : 0u);
	struct resource_facts *list = NULL;
	for (size_t i = 0; i < a->items_count && !list; i++)
		if (has_text(a->items[i].takes_over))
			list = arena_array(&g->list->arena, room, sizeof(*list));
	if (!list && (has_text(a->resource) || for_a_term))
		list = arena_array(&g->list->arena, room, sizeof(*list));
	if (!list)
		return; /* a regular case has none */
	if (has_text(a->resource))
		facts->resource = find_resource(g, book, a, a->resource, list, facts);
	for (size_t i = 0; i < a->items_count && !g->fault->code; i++)
		if (has_text(a->items[i].takes_over))
			((struct item_facts *)facts->items)[i].taken_over =
				find_resource(g, book, a, a->items[i].takes_over, list, facts);
	for (size_t i = 0; for_a_term && i < a->resources_count && !g->fault->code; i++)
		find_resource(g, book, a, a->resources[i], list, facts);
}

/* Adds another case by its full name, once; room has been made. */
static int
find_case(struct gathering *g, const struct rulebook *book, const char *name, struct case_facts *list,
	  struct facts *facts)
{
	if (!has_text(name) || facts_case(facts, name))
		return 0;
	zwy_v1_Application *a = FIND(g, "applications", slug_of(name).p, zwy_v1_Application);
	struct facts *of = arena_alloc(&g->list->arena, sizeof(*of));
	if (!a || !of)
		return g->fault->code;
	int rc = load_facts(g, of, book, facts->actor, facts->now, a, false);
	if (rc != 0)
		return rc;
	list[facts->case_count++] = (struct case_facts){.application = a, .facts = of};
	facts->cases = list;
	return 0;
}

/* The cases on which its resources depend: those that gave them a term, and open extensions. */
static int
find_cases(struct gathering *g, const struct rulebook *book, const zwy_v1_Application *a, struct facts *facts)
{
	struct case_facts *list = arena_array(&g->list->arena, 2 * facts->resource_count, sizeof(*list));
	int rc = 0;
	for (size_t i = 0; list && rc == 0 && i < facts->resource_count; i++) {
		const zwy_v1_Resource *r = facts->resources[i].resource;
		if (has_text(r->end_date) && !(a->name && strcmp(r->application, a->name) == 0))
			rc = find_case(g, book, r->application, list, facts);
		if (rc == 0 && !(a->name && r->open_extension && strcmp(r->open_extension, a->name) == 0))
			rc = find_case(g, book, r->open_extension, list, facts);
	}
	return rc;
}

/* The application's Document records; types are slugs after the last slash. */
static int
find_documents(struct gathering *g, const char *name, struct facts *ret)
{
	struct scan_spec spec = {0};
	struct scan scan;
	struct record record;
	struct document_facts found[DOCUMENT_TYPES_MAX];
	size_t n = 0;
	char *text = arena_printf(&g->list->arena, "%s/documents", name);
	int rc = name_parse_collection(&spec.collection, slice_of(text), g->fault);
	if (rc != 0 || (rc = scan_open(&scan, g->reader, &spec)) != 0)
		return rc;
	while (n < DOCUMENT_TYPES_MAX && (rc = scan_next(&scan, &record)) == 1) {
		zwy_v1_Document *d = MESSAGE_DECODE(g->list, zwy_v1_Document, record.body, g->fault);
		if (!d)
			break;
		found[n++] = (struct document_facts){slug_of(d->name).p, d->sha256, d->filename};
	}
	scan_close(&scan);
	struct document_facts *documents = arena_array(&g->list->arena, n, sizeof(*documents));
	if (documents && n)
		memcpy(documents, found, n * sizeof(*documents));
	ret->documents = documents;
	ret->document_count = documents ? n : 0;
	return g->fault->code ? g->fault->code : rc < 0 ? rc : 0;
}

/* Whose case it is. One stays with the department that filed it, wherever its system goes; a
 * resource is given back, or changed, by the department that has it. */
static const char *
department_of(struct gathering *g, const zwy_v1_Application *a, const zwy_v1_System *system)
{
	const zwy_v1_Resource *r = NULL;
	if (a->name && a->name[0])
		return a->department;
	if (a->resource && a->resource[0])
		r = FIND(g, "resources", slug_of(a->resource).p, zwy_v1_Resource);
	return r ? r->department : system ? system->department : NULL;
}

static int
load_facts(struct gathering *g, struct facts *ret, const struct rulebook *book, const struct actor *actor,
	   msec now, const zwy_v1_Application *a, bool with_cases)
{
	struct facts facts = {
		.actor = actor,
		.now = now,
		.calendar = book->calendar,
		.catalogue_version = book->catalogue_version,
		.rules_version = book->rules_version,
		.item_count = a->items_count,
	};
	bool exists = a->name && a->name[0];
	facts.system = FIND(g, "systems", slug_of(a->system).p, zwy_v1_System);
	const char *department = department_of(g, a, facts.system);
	if (department)
		facts.department = FIND(g, "departments", department, zwy_v1_Department);
	if (facts.department)
		facts.node = rulebook_node(book, slice_of(facts.department->node));
	/* What it was submitted under holds to its end (Article 36). */
	facts.parameters = rulebook_parameters(book, facts.node ? slug_of(facts.node->name).p : "",
					       exists ? a->rules_version : 0, &g->list->arena);
	if (!facts.parameters)
		return fault_set(g->fault, ERR_NO_MEMORY, "out of memory");
	if (!g->fault->code)
		facts.items = find_items(g, book, department, a);
	if (!g->fault->code && department && has_text(a->forecast)) {
		char *collection = arena_printf(&g->list->arena, "forecasts/%s", department);
		if (collection)
			facts.forecast = FIND(g, collection, slug_of(a->forecast).p, zwy_v1_Forecast);
	}
	if (!g->fault->code)
		find_resources(g, book, a, &facts);
	if (!g->fault->code && facts.resource_count && with_cases)
		find_cases(g, book, a, &facts);
	if (!g->fault->code && exists)
		find_documents(g, a->name, &facts);
	if (g->fault->code)
		return g->fault->code;
	*ret = facts;
	return 0;
}

int
facts_load(struct facts *ret, struct reader *r, const struct rulebook *book, const struct actor *actor,
	   msec now, const zwy_v1_Application *a, struct message_list *list, struct fault *f)
{
	struct fault local = {0};
	struct gathering g = {r, list, f ? f : &local};
	return load_facts(&g, ret, book, actor, now, a, true);
}

int
facts_derive(zwy_v1_Application *asked, struct reader *r, struct message_list *list, struct fault *f)
{
	struct fault local = {0};
	struct gathering g = {r, list, f ? f : &local};
	if (!has_text(asked->resource))
		return 0;
	const zwy_v1_Resource *resource = FIND(&g, "resources", slug_of(asked->resource).p, zwy_v1_Resource);
	if (!g.fault->code)
		application_derive(asked, resource, &list->arena);
	return g.fault->code;
}

int
facts_derive_draft(zwy_v1_Application **a, struct reader *r, struct message_list *list, struct fault *f)
{
	const struct process *p = process_of((*a)->kind);
	const struct state *state = p ? process_state(p, (*a)->state) : NULL;
	if (!state || state->editing != EDIT_ALL)
		return 0;
	/* What was decoded is released as it is. */
	zwy_v1_Application *copy = arena_alloc(&list->arena, sizeof(*copy));
	if (!copy)
		return f ? fault_set(f, ERR_NO_MEMORY, "out of memory") : ERR_NO_MEMORY;
	*copy = **a;
	*a = copy;
	return facts_derive(copy, r, list, f);
}
