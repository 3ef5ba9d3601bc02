/* Article 15: a change of one resource: what it asks for, and what that must satisfy. */
#include "rules/major.h"

/* ---- what follows from the resource ------------------------------------------ */

static const char *
spec_asked(const zwy_v1_Change *change, const char *key)
{
	for (size_t i = 0; i < change->spec_count; i++)
		if (text_is(change->spec[i].key, key))
			return text_of(change->spec[i].value);
	return NULL;
}

/* The resource's figures with those that change; a value that is empty takes one away. */
static void
derive_spec(const zwy_v1_Change *change, const zwy_v1_Resource *resource, struct arena *arena,
	    zwy_v1_Item *item)
{
	size_t room = (size_t)resource->spec_count + change->spec_count;
	item->spec = arena_array(arena, room, sizeof(*item->spec));
	for (size_t i = 0; item->spec && i < resource->spec_count; i++) {
		const zwy_v1_Resource_SpecEntry *kept = &resource->spec[i];
		if (!spec_asked(change, kept->key))
			item->spec[item->spec_count++] =
				(zwy_v1_Item_SpecEntry){.key = kept->key, .value = kept->value};
	}
	for (size_t i = 0; item->spec && i < change->spec_count; i++) {
		const zwy_v1_Change_SpecEntry *asked = &change->spec[i];
		if (text_of(asked->value)[0])
			item->spec[item->spec_count++] =
				(zwy_v1_Item_SpecEntry){.key = asked->key, .value = asked->value};
	}
}

/* Items that a caller wrote stay, to be refused; one that takes a resource over is what a
 * record that was read says, and is made anew. */
void
derive_change(zwy_v1_Application *asked, const zwy_v1_Resource *resource, struct arena *arena)
{
	const zwy_v1_Change *change = &asked->change;
	bool written = asked->items_count > 1 ||
		       (asked->items_count == 1 && text_of(asked->items[0].takes_over)[0] == '\0');
	zwy_v1_Item *item = written ? NULL : arena_alloc(arena, sizeof(*item));
	if (!item)
		return;
	*item = (zwy_v1_Item){
		.service = text_blank(change->service) ? resource->service
						       : (char *)reference_slug("catalogue", change->service),
		.quantity = change->quantity ? change->quantity : resource->quantity,
		.zone = change->zone ? change->zone : resource->zone,
		.takes_over = (char *)name_slug(resource->name),
	};
	derive_spec(change, resource, arena, item);
	asked->items = item;
	asked->items_count = 1;
}

/* ---- what it must satisfy ---------------------------------------------------- */

static bool
same_spec(const zwy_v1_Resource *r, const zwy_v1_Item *item)
{
	if (r->spec_count != item->spec_count)
		return false;
	for (size_t i = 0; i < r->spec_count; i++)
		if (!text_is(r->spec[i].value, item_spec(item, text_of(r->spec[i].key))))
			return false;
	return true;
}

static bool
exposes(zwy_v1_Exposure asked, const zwy_v1_Resource *r)
{
	return asked != zwy_v1_EXPOSURE_UNSPECIFIED &&
	       (asked == zwy_v1_EXPOSURE_PUBLIC) != (r->exposure == zwy_v1_EXPOSURE_PUBLIC);
}

/* Whether the resource would be another afterwards. */
static bool
differs(const struct facts *facts, const zwy_v1_Application *a)
{
	const zwy_v1_Resource *r = facts->resource;
	const zwy_v1_Item *item = &a->items[0];
	return !text_is(item->service, r->service) || item->quantity != r->quantity || !same_spec(r, item) ||
	       item->zone != r->zone || exposes(a->change.exposure, r) ||
	       (!text_blank(a->change.node) && !text_is(name_slug(a->change.node), r->node)) ||
	       !text_blank(a->change.architecture) || grade_raised(facts);
}

/* What would be said beside `change`, of which it alone speaks. */
static void
check_beside(const zwy_v1_Application *a, const zwy_v1_Resource *r, struct fault *f)
{
	if (a->items_count != 1 || !text_is(a->items[0].takes_over, name_slug(r->name)))
		fault_add(
			f, ERR_INVALID_FIELD, "items",
			"the items of a change follow from change.service, change.quantity and change.spec; "
			"leave them out");
	if (a->zone != r->zone)
		fault_add(f, ERR_INVALID_FIELD, "zone",
			  "%.63s lies in another zone; say in change.zone where "
			  "it shall lie",
			  a->resource);
	if (exposes(a->exposure, r))
		fault_add(f, ERR_INVALID_FIELD, "exposure",
			  "say in change.exposure how %.63s shall be exposed", a->resource);
}

static void
check_asked(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	const zwy_v1_Resource *r = facts->resource;
	const zwy_v1_Change *change = &a->change;
	const zwy_v1_Service *service = facts->items[0].service;
	const char *node = facts->node ? name_slug(facts->node->name) : "";
	if (!text_blank(change->node) && !text_is(name_slug(change->node), node))
		fault_add(f, ERR_NODE_MISMATCH, "change.node",
			  "the department is served by %.63s, not by %.63s", node, name_slug(change->node));
	if (!text_is(a->items[0].service, r->service) && service && !text_is(service->state, "active"))
		fault_add(f, ERR_SERVICE_RETIRED, "change.service",
			  "%.63s is %.20s; a resource becomes one of an active service only",
			  a->items[0].service, text_of(service->state));
	if (r->kind == zwy_v1_RESOURCE_KIND_TEST && change->exposure == zwy_v1_EXPOSURE_PUBLIC)
		fault_add(f, ERR_TEST_EXPOSED, "change.exposure",
			  "%.63s is a test resource, which serves nobody outside", a->resource);
	if (!f->code && !differs(facts, a))
		fault_add(f, ERR_INVALID_FIELD, "change",
			  "nothing of %.63s would change: it has these figures and lies there already",
			  a->resource);
}

int
check_change(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	const zwy_v1_Resource *r = facts->resource;
	if (a->kind != zwy_v1_APPLICATION_KIND_CHANGE) {
		if (a->has_change)
			fault_add(f, ERR_INVALID_FIELD, "change",
				  "only a case of kind=change changes a resource");
		return f->code;
	}
	if (!r)
		return f->code;
	if (!text_is(r->state, "active"))
		fault_add(f, ERR_WRONG_STATE, "resource",
			  "%.63s is %.20s; only an active resource is changed", a->resource,
			  text_of(r->state));
	check_beside(a, r, f);
	if (a->items_count == 1)
		check_asked(facts, a, f);
	if (f->item_count == 1 && !f->article[0])
		snprintf(f->article, sizeof(f->article), "15");
	return f->code;
}

/* A major change asks for nothing here: the application that it becomes does. */
int
check_more(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	struct major major;
	major_find(facts, a, &major);
	return major.count ? f->code : check_quota(facts, a, f);
}

/* Once it was handed in only the consent may still be given. */
bool
change_same(const zwy_v1_Change *a, const zwy_v1_Change *b)
{
	if (!text_is(a->service, b->service) || a->quantity != b->quantity ||
	    a->spec_count != b->spec_count || a->zone != b->zone || a->exposure != b->exposure ||
	    !text_is(a->node, b->node) || !text_is(a->architecture, b->architecture))
		return false;
	for (size_t i = 0; i < a->spec_count; i++)
		if (!text_is(a->spec[i].value, spec_asked(b, text_of(a->spec[i].key))))
			return false;
	return true;
}
