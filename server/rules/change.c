/* Article 15: a change of one resource: what it asks for, what keeps it from passing,
 * and what it makes of the resource. */
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

/* ---- what the meter shows ------------------------------------------------------- */

static bool
figure_read(const zwy_v1_Reading *r, const char *dimension, uint64_t *ret)
{
	for (size_t i = 0; i < r->figures_count; i++)
		if (text_is(r->figures[i].key, dimension))
			return slice_to_u64(slice_of(text_of(r->figures[i].value)), ret);
	return false;
}

int
effect_change_reading(struct work *w, struct fault *f)
{
	return work_reading(w, "read", f);
}

/* ---- the review ---------------------------------------------------------------- */

bool
condition_major(const struct work *w)
{
	struct major major;
	major_find(w->facts, &w->out->application, &major);
	return major.count > 0;
}

size_t
said_major(const struct work *w, const char **ret, size_t room)
{
	struct major major;
	size_t n = 0;
	major_find(w->facts, &w->out->application, &major);
	for (size_t i = 0; i < major.count && n < room; i++)
		ret[n++] = arena_printf(w->arena, "major change: %s", major.reasons[i]);
	if (n && n < room)
		ret[n++] =
			"submit makes it a draft of a regular application, about which the authority decides "
			"(Article 13)";
	return n;
}

static void
refuse_major(const struct work *w, struct fault *f)
{
	struct major major;
	major_find(w->facts, &w->out->application, &major);
	for (size_t i = 0; i < major.count; i++)
		fault_add(f, ERR_MAJOR_CHANGE, "change", "%s; review it with result=major", major.reasons[i]);
}

/* One dimension that becomes less: against what was read last. */
static void
check_shrink(const struct work *w, const zwy_v1_Reading *reading, const char *dimension, struct fault *f)
{
	const zwy_v1_Application *a = &w->out->application;
	uint64_t before = resource_amount(w->facts->resource, dimension), used;
	uint64_t after = item_amount(&a->items[0], dimension);
	if (after >= before)
		return;
	if (!figure_read(reading, dimension, &used)) {
		fault_add(
			f, ERR_FORM_INCOMPLETE, "reading",
			"%.40s shrinks from %llu to %llu: give reading=%.40s=N, what the meter shows in use",
			dimension, (unsigned long long)before, (unsigned long long)after, dimension);
		snprintf(f->article, sizeof(f->article), "15");
	} else if (after < used && !a->change.consent)
		fault_add(f, ERR_BELOW_USE, "change.consent",
			  "%.40s shrinks from %llu to %llu, and %llu are in use: only with the department's "
			  "consent (consent)",
			  dimension, (unsigned long long)before, (unsigned long long)after,
			  (unsigned long long)used);
}

static int
check_use(const struct work *w, struct fault *f)
{
	const zwy_v1_Resource *r = w->facts->resource;
	const struct resource_facts *about = facts_resource(w->facts, r->name);
	const zwy_v1_Service *kept = about ? about->service : NULL;
	zwy_v1_Reading reading = r->reading;
	const char *dimension;
	int rc = reading_of_form(w, &reading, f);
	for (size_t n = 0; rc == 0 && (dimension = dimension_of(kept, w->facts->items[0].service, n)) != NULL;
	     n++)
		check_shrink(w, &reading, dimension, f);
	fault_summarise(f);
	return rc ? rc : f->code;
}

/* Article 15: what was true at submission still is, it is no major change, and nothing that is
 * in use is taken away. */
int
guard_change_pass(const struct work *w, struct fault *f)
{
	int r = application_check(w->facts, &w->out->application, STAGE_APPROVE, 0, f);
	if (r)
		return r;
	refuse_major(w, f);
	fault_summarise(f);
	return f->code ? f->code : check_use(w, f);
}

int
effect_change_review(struct work *w, struct fault *f)
{
	zwy_v1_Application *a = &w->out->application;
	int r = effect_result(w, f);
	if (!text_is(a->decision.decision, "pass"))
		a->reason = a->decision.comment;
	return r ? r : effect_change_reading(w, f);
}

/* Whoever agrees has a part in it, and does not decide about it. */
int
effect_change_consent(struct work *w, struct fault *f)
{
	w->out->application.change.consent = true;
	return effect_hand_in(w, f);
}

/* ---- a major one --------------------------------------------------------------- */

/* Article 15 (2): the regular application that the department completes, about the same resource. */
static int
make_regular(struct work *w, struct fault *f)
{
	const zwy_v1_Application *a = &w->out->application;
	zwy_v1_Item *item = arena_alloc(w->arena, sizeof(*item));
	struct work other;
	if (!item)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	*item = a->items[0];
	item->catalogue_version = 0;
	zwy_v1_Application first = {
		.kind = zwy_v1_APPLICATION_KIND_REGULAR,
		.system = a->system,
		.zone = item->zone,
		.purpose = text_blank(a->purpose)
				   ? arena_printf(w->arena, "major change of %s", text_of(a->resource))
				   : a->purpose,
		.funding = a->funding,
		.exposure = a->change.exposure,
		.has_cloud_plan = !text_blank(a->change.architecture),
		.cloud_plan.architecture = a->change.architecture,
		.items_count = 1,
		.items = item,
	};
	return work_create(w, &first, &other, f);
}

/* found: beside the thresholds, what the operator says. */
static int
escalate(struct work *w, const char *found, struct fault *f)
{
	zwy_v1_Application *a = &w->out->application;
	struct major major;
	char **lines = arena_array(w->arena, MAJOR_REASONS + 1, sizeof(*lines));
	if (!lines)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	major_find(w->facts, a, &major);
	a->change.major = lines;
	a->change.major_count = 0;
	for (size_t i = 0; i < major.count; i++)
		lines[a->change.major_count++] = arena_strdup(w->arena, major.reasons[i]);
	if (found[0])
		lines[a->change.major_count++] = arena_printf(w->arena, "found by the operator: %s", found);
	return make_regular(w, f);
}

int
effect_escalate(struct work *w, struct fault *f)
{
	int r = effect_submit(w, f);
	return r ? r : escalate(w, "", f);
}

int
effect_found_major(struct work *w, struct fault *f)
{
	int r = effect_change_review(w, f);
	return r ? r : escalate(w, text_of(w->comment), f);
}

/* ---- carrying it out ------------------------------------------------------------ */

int
guard_change_start(const struct work *w, struct fault *f)
{
	const zwy_v1_Resource *r = w->facts->resource;
	if (!r)
		return fault_set(f, ERR_INTERNAL, "no facts of the resource");
	if (text_is(r->state, "active"))
		return 0;
	return fault_set_article(f, ERR_WRONG_STATE, "15",
				 "%.63s is %.20s by now; only an active resource is changed",
				 name_slug(r->name), text_of(r->state));
}

/* Its term has ended, or it was restricted: then the operator may give the change up at any point, so
 * that the resource can be taken back. */
bool
condition_inactive(const struct work *w)
{
	const zwy_v1_Resource *r = w->facts->resource;
	return r && !text_is(r->state, "active") && !text_is(r->state, "changing");
}

int
effect_change_start(struct work *w, struct fault *f)
{
	return work_resource_state(w, w->facts->resource, "changing", "start", "15", f);
}

/* What it was and is, of each dimension that differs. */
static int
add_change(struct work *w, const zwy_v1_Resource *before, zwy_v1_Resource *after, struct fault *f)
{
	const zwy_v1_Application *a = &w->out->application;
	const struct resource_facts *about = facts_resource(w->facts, before->name);
	const zwy_v1_Service *asked = w->facts->items[0].service, *kept = about ? about->service : NULL;
	size_t dimensions = 0;
	const char *name;
	while (dimension_of(asked, kept, dimensions))
		dimensions++;
	zwy_v1_ResourceChange *changes =
		arena_array(w->arena, (size_t)before->changes_count + 1, sizeof(*changes));
	zwy_v1_ChangedFigure *figures = arena_array(w->arena, dimensions, sizeof(*figures));
	if (!changes || !figures)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	if (before->changes_count)
		memcpy(changes, before->changes, before->changes_count * sizeof(*changes));
	zwy_v1_ResourceChange *c = &changes[before->changes_count];
	*c = (zwy_v1_ResourceChange){.has_time = true,
				     .time = stamp_of(w->facts->now),
				     .application = a->name,
				     .figures = figures};
	for (size_t n = 0; (name = dimension_of(asked, kept, n)) != NULL; n++) {
		uint64_t was = resource_amount(before, name), is = resource_amount(after, name);
		if (was != is)
			figures[c->figures_count++] =
				(zwy_v1_ChangedFigure){.dimension = arena_strdup(w->arena, name),
						       .before = was,
						       .after = is};
	}
	after->changes = changes;
	after->changes_count = (pb_size_t)(before->changes_count + 1);
	return 0;
}

/* The resource as it shall be; its kind of use and its term stay. One whose term ended meanwhile
 * stays frozen. */
int
effect_change_complete(struct work *w, struct fault *f)
{
	const zwy_v1_Application *a = &w->out->application;
	const zwy_v1_Resource *before = w->facts->resource;
	int r = before ? work_reading(w, "complete", f) : ERR_INTERNAL;
	if (r)
		return before ? r : fault_set(f, ERR_INTERNAL, "no facts of the resource");
	zwy_v1_Resource *after = work_resource(w, before, "complete", "15");
	if (!after)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	resource_as_item(w, &a->items[0], after);
	if (a->change.exposure != zwy_v1_EXPOSURE_UNSPECIFIED)
		after->exposure = a->change.exposure;
	if (!text_blank(a->change.node))
		after->node = a->node;
	r = add_change(w, before, after, f);
	if (r || !text_is(before->state, "changing"))
		return r;
	return work_resource_state(w, before, "active", "complete", "15", f);
}
