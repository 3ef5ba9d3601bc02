#include "services/rulebook.h"

#include <stdlib.h>

struct loading {
	struct rulebook *book;
	struct reader *reader;
	struct fault *fault;
};

struct slice
slug_of(const char *name)
{
	const char *slash = name ? strrchr(name, '/') : NULL;
	return slice_of(slash ? slash + 1 : name);
}

/* Calls take() for every record of a collection. */
static int
load_collection(struct loading *l, const char *collection, int (*take)(struct loading *l, struct slice body))
{
	struct scan_spec spec = {0};
	struct scan scan;
	struct record record;
	int rc = name_parse_collection(&spec.collection, slice_of(collection), l->fault);
	if (rc == 0)
		rc = scan_open(&scan, l->reader, &spec);
	if (rc != 0)
		return rc;
	while ((rc = scan_next(&scan, &record)) == 1)
		if ((rc = take(l, record.body)) != 0)
			break;
	scan_close(&scan);
	return rc;
}

static int
take_calendar(struct loading *l, struct slice body)
{
	uint64_t year;
	zwy_v1_CalendarYear *y = MESSAGE_DECODE(&l->book->messages, zwy_v1_CalendarYear, body, l->fault);
	if (!y)
		return l->fault->code;
	if (!slice_to_u64(slug_of(y->name), &year))
		return fault_set(l->fault, ERR_STORE_CORRUPT, "%s is no year", y->name);
	return calendar_add(l->book->calendar, (int)year, y, l->fault);
}

/* Grows an array of pointers in the book's arena: a collection of tens of records. */
static int
append(struct rulebook *b, const void ***array, size_t *count, const void *element)
{
	if ((*count & (*count - 1)) == 0) {
		const void **wider = arena_array(&b->messages.arena, *count ? *count * 2 : 1, sizeof(*wider));
		if (!wider)
			return ERR_NO_MEMORY;
		if (*count)
			memcpy(wider, *array, *count * sizeof(*wider));
		*array = wider;
	}
	(*array)[(*count)++] = element;
	return 0;
}

static int
take_parameter(struct loading *l, struct slice body)
{
	zwy_v1_Parameter *p = MESSAGE_DECODE(&l->book->messages, zwy_v1_Parameter, body, l->fault);
	if (!p)
		return l->fault->code;
	struct slice key = slug_of(p->name);
	/* A key that this version does not know any more is passed over, not fatal. */
	const struct parameter_desc *desc = parameter_find(key.p);
	if (!desc)
		return 0;
	l->book->province[desc - parameter_table] = p;
	return parameters_set(&l->book->parameters, key.p, p->value ? p->value : "", l->fault);
}

static int
take_overlay(struct loading *l, struct slice body)
{
	struct rulebook *b = l->book;
	zwy_v1_NodeParameter *o = MESSAGE_DECODE(&b->messages, zwy_v1_NodeParameter, body, l->fault);
	return o ? append(b, (const void ***)&b->overlays, &b->overlay_count, o) : l->fault->code;
}

static int
take_node(struct loading *l, struct slice body)
{
	zwy_v1_Node *node = MESSAGE_DECODE(&l->book->messages, zwy_v1_Node, body, l->fault);
	return node ? append(l->book, (const void ***)&l->book->nodes, &l->book->node_count, node)
		    : l->fault->code;
}

static int
take_service(struct loading *l, struct slice body)
{
	zwy_v1_Service *service = MESSAGE_DECODE(&l->book->messages, zwy_v1_Service, body, l->fault);
	if (!service)
		return l->fault->code;
	if (service->catalogue_version > l->book->catalogue_version)
		l->book->catalogue_version = service->catalogue_version;
	return append(l->book, (const void ***)&l->book->services, &l->book->service_count, service);
}

/* ---- the changes of parameters ---- */

static int
by_version(const void *a, const void *b)
{
	const struct parameter_change *x = a, *y = b;
	return (x->version > y->version) - (x->version < y->version);
}

static void
add_changes(struct rulebook *b, struct parameter_change *all, enum parameter key, const char *node,
	    const zwy_v1_ParameterChange *history, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *value = history[i].value ? history[i].value : "";
		all[b->history.count++] = (struct parameter_change){key, history[i].version, node, value};
		if (history[i].version > b->rules_version)
			b->rules_version = history[i].version;
	}
}

/* Joins the histories of the records; what stood before a record's first change has the version 0. */
static int
build_history(struct rulebook *b)
{
	size_t room = PARAM_COUNT;
	for (size_t i = 0; i < PARAM_COUNT; i++)
		room += b->province[i] ? b->province[i]->changes_count : 0;
	for (size_t i = 0; i < b->overlay_count; i++)
		room += b->overlays[i]->changes_count;
	struct parameter_change *all = arena_array(&b->messages.arena, room, sizeof(*all));
	if (!all)
		return ERR_NO_MEMORY;
	b->history.changes = all;
	b->rules_version = 1;
	for (size_t i = 0; i < PARAM_COUNT; i++) {
		const zwy_v1_Parameter *p = b->province[i];
		if (!p)
			continue;
		const char *first = p->changes_count ? p->changes[0].old_value : p->value;
		all[b->history.count++] =
			(struct parameter_change){(enum parameter)i, 0, "", first ? first : ""};
		add_changes(b, all, (enum parameter)i, "", p->changes, p->changes_count);
	}
	for (size_t i = 0; i < b->overlay_count; i++) {
		const zwy_v1_NodeParameter *o = b->overlays[i];
		const struct parameter_desc *desc = parameter_find(slug_of(o->name).p);
		if (desc)
			add_changes(b, all, (enum parameter)(desc - parameter_table), o->node ? o->node : "-",
				    o->changes, o->changes_count);
	}
	qsort(all, b->history.count, sizeof(*all), by_version);
	return 0;
}

/* What holds now at the nodes that have values of their own: a command only looks it up. */
static int
build_at_nodes(struct rulebook *b)
{
	struct arena *arena = &b->messages.arena;
	b->at_node = arena_array(arena, b->node_count, sizeof(*b->at_node));
	for (size_t i = 0; i < b->overlay_count && !arena->failed; i++)
		for (size_t n = 0; n < b->node_count; n++) {
			struct slice slug = slug_of(b->nodes[n]->name);
			if (b->at_node[n] || !slice_equal(slug, slice_of(b->overlays[i]->node)))
				continue;
			struct parameters *p = arena_alloc(arena, sizeof(*p));
			if (p)
				parameters_at(&b->history, slug.p, 0, p);
			b->at_node[n] = p;
		}
	return arena->failed ? ERR_NO_MEMORY : 0;
}

const struct parameters *
rulebook_parameters(const struct rulebook *b, const char *node, uint32_t version, struct arena *arena)
{
	const char *slug = node ? node : "";
	if (version == 0 || version >= b->rules_version) {
		for (size_t i = 0; i < b->node_count; i++)
			if (b->at_node[i] && slice_equal(slug_of(b->nodes[i]->name), slice_of(slug)))
				return b->at_node[i];
		return &b->parameters;
	}
	struct parameters *p = arena_alloc(arena, sizeof(*p));
	if (p)
		parameters_at(&b->history, slug, version, p);
	return p;
}

/* Each node's own parameters. */
static int
load_overlays(struct loading *l)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < l->book->node_count; i++) {
		char *collection =
			arena_printf(&l->book->messages.arena, "%s/parameters", l->book->nodes[i]->name);
		rc = collection ? load_collection(l, collection, take_overlay) : ERR_NO_MEMORY;
	}
	if (rc == 0)
		rc = build_history(l->book);
	return rc ? rc : build_at_nodes(l->book);
}

int
rulebook_load(struct rulebook **ret, struct reader *r, struct fault *f)
{
	struct fault local = {0};
	struct loading l = {calloc(1, sizeof(struct rulebook)), r, f ? f : &local};
	int rc;
	if (!l.book || !(l.book->calendar = calendar_new())) {
		rulebook_free(l.book);
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	}
	parameters_default(&l.book->parameters);
	if ((rc = load_collection(&l, "calendar", take_calendar)) != 0 ||
	    (rc = load_collection(&l, "parameters", take_parameter)) != 0 ||
	    (rc = load_collection(&l, "nodes", take_node)) != 0 ||
	    (rc = load_collection(&l, "catalogue", take_service)) != 0 || (rc = load_overlays(&l)) != 0) {
		rulebook_free(l.book);
		return rc;
	}
	*ret = l.book;
	return 0;
}

void
rulebook_free(struct rulebook *b)
{
	if (!b)
		return;
	calendar_free(b->calendar);
	message_list_release(&b->messages);
	free(b);
}

const zwy_v1_Node *
rulebook_node(const struct rulebook *b, struct slice slug)
{
	for (size_t i = 0; i < b->node_count; i++)
		if (slice_equal(slug_of(b->nodes[i]->name), slug))
			return b->nodes[i];
	return NULL;
}

const zwy_v1_Service *
rulebook_service(const struct rulebook *b, struct slice slug)
{
	for (size_t i = 0; i < b->service_count; i++)
		if (slice_equal(slug_of(b->services[i]->name), slug))
			return b->services[i];
	return NULL;
}
