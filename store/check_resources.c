/* Resources against quotas and cases: what is in service is what the quotas say, and who
 * holds a resource is a case that is open and about it. */
#include "store/check.h"

#include <inttypes.h>
#include <stdio.h>

#include "store/index.h"
#include "wire.h"
#include "zwy/v1/application.pb.h"
#include "zwy/v1/catalogue.pb.h"
#include "zwy/v1/quota.pb.h"
#include "zwy/v1/resource.pb.h"

#define DIMENSIONS_MAX  64
#define DIMENSION_COUNT "quantity"
#define STATE_RECLAIMED "reclaimed"

/* ---- quotas ---- */

/* A dimension of a quota, and what its resources have of it. */
struct total {
	struct slice name;
	uint64_t committed, in_service;
};

struct totals {
	struct slice service;
	struct total dimensions[DIMENSIONS_MAX];
	size_t count;
};

static struct slice
last_segment(struct slice name)
{
	struct slice head;
	while (slice_cut(&name, '/', &head))
		;
	return name;
}

static bool
in_service(const struct record *resource)
{
	return !slice_is(wire_string(resource->body, zwy_v1_Resource_state_tag), STATE_RECLAIMED);
}

static bool
has_dimension(struct slice service, struct slice dimension)
{
	struct wire_field field;
	while (wire_next(&service, &field) == 1)
		if (field.number == zwy_v1_Service_dimensions_tag && field.type == WIRE_LEN &&
		    slice_equal(wire_string(field.bytes, zwy_v1_Dimension_name_tag), dimension))
			return true;
	return false;
}

/* The service as the resource keeps it; false if the catalogue has none. */
static bool
find_service(struct check *c, const struct record *resource, struct slice *ret)
{
	struct slice slug = wire_string(resource->body, zwy_v1_Resource_service_tag);
	uint64_t version = wire_uint(resource->body, zwy_v1_Resource_catalogue_version_tag);
	char name[256];
	struct record r;
	snprintf(name, sizeof(name), "catalogue/%.*s/versions/%" PRIu64, (int)slug.n, slug.p, version);
	if (check_find(c, slice_of(name), &r) == 0) {
		*ret = wire_string(r.body, zwy_v1_ServiceVersion_service_tag);
		return true;
	}
	snprintf(name, sizeof(name), "catalogue/%.*s", (int)slug.n, slug.p);
	if (check_find(c, slice_of(name), &r) != 0)
		return false;
	*ret = r.body;
	return true;
}

/* The figure of a dimension in a resource's spec; 0: none. */
static uint64_t
figure_of(const struct record *resource, struct slice dimension)
{
	struct slice body = resource->body;
	struct wire_field field;
	uint64_t n = 0;
	while (wire_next(&body, &field) == 1)
		if (field.number == zwy_v1_Resource_spec_tag && field.type == WIRE_LEN &&
		    slice_equal(wire_string(field.bytes, zwy_v1_Resource_SpecEntry_key_tag), dimension) &&
		    !slice_to_u64(wire_string(field.bytes, zwy_v1_Resource_SpecEntry_value_tag), &n))
			n = 0;
	return n;
}

static int
add_resource(struct check *c, void *arg, struct slice key, struct slice row)
{
	struct totals *t = arg;
	struct slice record, service = {0};
	struct record r;
	(void)row;
	int rc = index_record_key(&record, key);
	if (rc == 0)
		rc = view_get(c->view, TABLE_RECORDS, record, &row);
	if (rc != 0 || record_parse(&r, record, row) != 0)
		return rc == ERR_STORE_IO ? rc : 0; /* reported with the index */
	if (!slice_equal(wire_string(r.body, zwy_v1_Resource_service_tag), t->service) || !in_service(&r))
		return 0;
	bool known = find_service(c, &r, &service);
	uint64_t quantity = wire_uint(r.body, zwy_v1_Resource_quantity_tag), amount;
	for (size_t i = 0; i < t->count; i++) {
		struct total *d = &t->dimensions[i];
		bool counted = slice_is(d->name, DIMENSION_COUNT);
		uint64_t each = counted ? 1 : figure_of(&r, d->name);
		if (!counted && known && !has_dimension(service, d->name))
			each = 0; /* a wish: the version that it keeps does not count by it */
		if (__builtin_mul_overflow(quantity, each, &amount) ||
		    __builtin_add_overflow(d->in_service, amount, &d->in_service))
			check_problem(c, "%s: its figures cannot be added up", check_name(c, record));
	}
	return 0;
}

static void
read_dimensions(struct totals *t, struct slice quota)
{
	struct wire_field field;
	while (wire_next(&quota, &field) == 1 && t->count < DIMENSIONS_MAX)
		if (field.number == zwy_v1_Quota_dimensions_tag && field.type == WIRE_LEN)
			t->dimensions[t->count++] = (struct total){
				.name = wire_string(field.bytes, zwy_v1_QuotaDimension_name_tag),
				.committed = wire_uint(field.bytes, zwy_v1_QuotaDimension_committed_tag),
			};
}

static int
check_quota(struct check *c, void *arg, struct slice key, struct slice row)
{
	struct totals t = {0};
	struct buf prefix = {0};
	struct record r;
	(void)arg;
	if (record_parse(&r, key, row) != 0)
		return 0;
	t.service = last_segment(wire_string(r.body, zwy_v1_Quota_name_tag));
	read_dimensions(&t, r.body);
	index_prefix(&prefix, SCOPE_DEPARTMENT, wire_string(r.body, zwy_v1_Quota_department_tag), NULL,
		     SLICE(""));
	buf_append_char(&prefix, KIND_RESOURCE);
	int rc = prefix.error ? prefix.error
			      : check_each(c, TABLE_INDEX, buf_slice(&prefix), add_resource, &t);
	buf_release(&prefix);
	for (size_t i = 0; rc == 0 && i < t.count; i++)
		if (t.dimensions[i].committed != t.dimensions[i].in_service)
			check_problem(c,
				      "%s: %.*s says %" PRIu64
				      " committed, its resources in service have %" PRIu64,
				      check_name(c, key), (int)t.dimensions[i].name.n, t.dimensions[i].name.p,
				      t.dimensions[i].committed, t.dimensions[i].in_service);
	return rc;
}

/* ---- cases ---- */

static bool
is_open(const struct record *application)
{
	return wire_uint(application->body, zwy_v1_Application_open_tag) != 0;
}

/* The case changes it, takes it back, or takes it over. */
static bool
is_about(const struct record *application, struct slice id)
{
	struct slice body = application->body;
	uint64_t kind = wire_uint(body, zwy_v1_Application_kind_tag);
	struct wire_field field;
	if ((kind == zwy_v1_APPLICATION_KIND_CHANGE || kind == zwy_v1_APPLICATION_KIND_RECLAIM) &&
	    slice_equal(wire_string(body, zwy_v1_Application_resource_tag), id))
		return true;
	while (wire_next(&body, &field) == 1)
		if (field.number == zwy_v1_Application_items_tag && field.type == WIRE_LEN &&
		    slice_equal(wire_string(field.bytes, zwy_v1_Item_takes_over_tag), id))
			return true;
	return false;
}

static int
check_resource(struct check *c, void *arg, struct slice key, struct slice row)
{
	char quota[256];
	struct record r, other;
	(void)arg;
	if (record_parse(&r, key, row) != 0)
		return 0;
	struct slice holder = wire_string(r.body, zwy_v1_Resource_open_case_tag);
	struct slice id = last_segment(wire_string(r.body, zwy_v1_Resource_name_tag));
	struct slice service = wire_string(r.body, zwy_v1_Resource_service_tag);
	struct slice department = wire_string(r.body, zwy_v1_Resource_department_tag);
	snprintf(quota, sizeof(quota), "quotas/%.*s/%.*s", (int)department.n, department.p, (int)service.n,
		 service.p);
	if (in_service(&r) && check_find(c, slice_of(quota), &other) != 0)
		check_problem(c, "%s: it counts in %s, which does not exist", check_name(c, key), quota);
	if (holder.n == 0)
		return 0;
	if (!in_service(&r))
		check_problem(c, "%s: it was reclaimed, and %.*s holds it", check_name(c, key), (int)holder.n,
			      holder.p);
	else if (check_find(c, holder, &other) != 0 || !is_open(&other))
		check_problem(c, "%s: %.*s holds it, which is finished or missing", check_name(c, key),
			      (int)holder.n, holder.p);
	else if (!is_about(&other, id))
		check_problem(c, "%s: %.*s holds it, which is not about it", check_name(c, key),
			      (int)holder.n, holder.p);
	return 0;
}

/* What the case came to is done already: the resource was changed, reclaimed or taken over by it. */
static bool
carried_out(const struct record *application, const struct record *resource)
{
	struct slice resource_body = resource->body, body = application->body;
	struct slice name = wire_string(body, zwy_v1_Application_name_tag);
	struct wire_field field;
	if (!in_service(resource))
		return true;
	while (wire_next(&resource_body, &field) == 1)
		if (field.number == zwy_v1_Resource_changes_tag && field.type == WIRE_LEN &&
		    slice_equal(wire_string(field.bytes, zwy_v1_ResourceChange_application_tag), name))
			return true;
	while (wire_next(&body, &field) == 1)
		if (field.number == zwy_v1_Application_resources_tag && field.type == WIRE_LEN &&
		    slice_equal(field.bytes, wire_string(resource->body, zwy_v1_Resource_name_tag)))
			return true;
	return false;
}

static void
check_holds(struct check *c, const struct record *application, struct slice id)
{
	struct slice name = wire_string(application->body, zwy_v1_Application_name_tag);
	char resource[256];
	struct record r;
	snprintf(resource, sizeof(resource), "resources/%.*s", (int)id.n, id.p);
	if (check_find(c, slice_of(resource), &r) != 0)
		check_problem(c, "%s: it is about %s, which does not exist", check_name(c, application->key),
			      resource);
	else if (!slice_equal(wire_string(r.body, zwy_v1_Resource_open_case_tag), name) &&
		 !carried_out(application, &r))
		check_problem(c, "%s: it is about %s and open, and does not hold it",
			      check_name(c, application->key), resource);
}

/* A case that was handed in holds what it is about until that is carried out. */
static int
check_application(struct check *c, void *arg, struct slice key, struct slice row)
{
	struct wire_field field;
	struct record r;
	(void)arg;
	if (record_parse(&r, key, row) != 0 || !is_open(&r) ||
	    !wire_string(r.body, zwy_v1_Application_submit_time_tag).n)
		return 0;
	struct slice id = wire_string(r.body, zwy_v1_Application_resource_tag);
	if (id.n && is_about(&r, id))
		check_holds(c, &r, id);
	for (struct slice body = r.body; wire_next(&body, &field) == 1;)
		if (field.number == zwy_v1_Application_items_tag && field.type == WIRE_LEN &&
		    (id = wire_string(field.bytes, zwy_v1_Item_takes_over_tag)).n)
			check_holds(c, &r, id);
	return 0;
}

int
check_resources(struct check *c)
{
	const char quota = KIND_QUOTA, resource = KIND_RESOURCE, application = KIND_APPLICATION;
	int rc = check_each(c, TABLE_RECORDS, slice_make(&quota, 1), check_quota, NULL);
	if (rc == 0)
		rc = check_each(c, TABLE_RECORDS, slice_make(&resource, 1), check_resource, NULL);
	return rc ? rc : check_each(c, TABLE_RECORDS, slice_make(&application, 1), check_application, NULL);
}
