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

int
facts_load(struct facts *ret, struct reader *r, const struct rulebook *book, const struct actor *actor,
	   msec now, const zwy_v1_Application *a, struct message_list *list, struct fault *f)
{
	struct fault local = {0};
	struct gathering g = {r, list, f ? f : &local};
	struct facts facts = {
		.actor = actor,
		.now = now,
		.calendar = book->calendar,
		.catalogue_version = book->catalogue_version,
		.rules_version = book->rules_version,
		.item_count = a->items_count,
	};
	bool exists = a->name && a->name[0];
	facts.system = FIND(&g, "systems", slug_of(a->system).p, zwy_v1_System);
	/* A case stays with the department that filed it, wherever its system goes. */
	const char *department = exists ? a->department : facts.system ? facts.system->department : NULL;
	if (department)
		facts.department = FIND(&g, "departments", department, zwy_v1_Department);
	if (facts.department)
		facts.node = rulebook_node(book, slice_of(facts.department->node));
	/* What it was submitted under holds to its end (Article 36). */
	facts.parameters = rulebook_parameters(book, facts.node ? slug_of(facts.node->name).p : "",
					       exists ? a->rules_version : 0, &list->arena);
	if (!facts.parameters)
		return fault_set(g.fault, ERR_NO_MEMORY, "out of memory");
	if (!g.fault->code)
		facts.items = find_items(&g, book, department, a);
	if (!g.fault->code && exists)
		find_documents(&g, a->name, &facts);
	if (g.fault->code)
		return g.fault->code;
	*ret = facts;
	return 0;
}
