/* Article 15: a change under way: what keeps it from passing, what makes it a major one, and
 * what it makes of the resource. */
#include "rules/major.h"

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
