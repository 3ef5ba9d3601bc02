/* Quota limits: set by the competent authority of the department's node. */
#include "rules/authority.h"
#include "rules/names.h"
#include "rules/records.h"

#define DIMENSION_QUANTITY "quantity"

static const zwy_v1_QuotaDimension *
find_dimension(const zwy_v1_QuotaDimension *dimensions, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (text_is(dimensions[i].name, name))
			return &dimensions[i];
	return NULL;
}

static bool
declared(const zwy_v1_Service *service, const char *name)
{
	if (text_is(name, DIMENSION_QUANTITY))
		return true;
	for (size_t i = 0; i < service->dimensions_count; i++)
		if (text_is(service->dimensions[i].name, name))
			return true;
	return false;
}

static int
check_dimensions(const zwy_v1_Quota *before, const zwy_v1_Quota *asked, const struct quota_facts *facts,
		 struct fault *f)
{
	for (size_t i = 0; i < asked->dimensions_count; i++) {
		const zwy_v1_QuotaDimension *d = &asked->dimensions[i];
		const zwy_v1_QuotaDimension *old =
			before ? find_dimension(before->dimensions, before->dimensions_count, d->name) : NULL;
		if (!declared(facts->service, text_of(d->name)) && !old)
			return fault_set(f, ERR_INVALID_FIELD,
					 "dimensions.%zu.name is `%.40s`; %.63s is counted by quantity and "
					 "what the catalogue "
					 "declares for it",
					 i + 1, text_of(d->name), name_slug(facts->service->name));
		if (find_dimension(asked->dimensions, i, d->name))
			return fault_set(f, ERR_INVALID_FIELD, "dimensions.%zu: %.40s is given twice", i + 1,
					 d->name);
		if (d->limit > INT64_MAX)
			return fault_set(f, ERR_INVALID_FIELD, "dimensions.%zu.limit is too large", i + 1);
		uint64_t held = old ? old->reserved + old->committed : 0;
		if (text_is(d->name, DIMENSION_QUANTITY) && d->unlimited)
			return fault_set(f, ERR_INVALID_FIELD,
					 "dimensions.%zu.unlimited: quantity always has a limit", i + 1);
		if (!d->unlimited && d->limit < held &&
		    facts->parameters->number[PARAM_QUOTA_BELOW_USAGE] != 0)
			return fault_set_article(
				f, ERR_INVALID_FIELD, "16",
				"the limit of %.40s is %llu, but %llu are held (quota.below_usage=refuse)",
				d->name, (unsigned long long)d->limit, (unsigned long long)held);
	}
	return 0;
}

/* A limit without the balance, which is only moved by applications. */
static zwy_v1_QuotaDimension
merge(const zwy_v1_Quota *before, const zwy_v1_QuotaDimension *limit)
{
	const zwy_v1_QuotaDimension *old =
		before ? find_dimension(before->dimensions, before->dimensions_count, limit->name) : NULL;
	return (zwy_v1_QuotaDimension){
		.name = limit->name,
		.limit = limit->unlimited ? 0 : limit->limit,
		.unlimited = limit->unlimited,
		.reserved = old ? old->reserved : 0,
		.committed = old ? old->committed : 0,
	};
}

/* As asked; `quantity` always, what else the service counts by without a limit,
 * and whatever something is still held of. */
static int
fill_dimensions(const zwy_v1_Quota *before, const zwy_v1_Quota *asked, const zwy_v1_Service *service,
		struct arena *arena, zwy_v1_Quota *ret, struct fault *f)
{
	size_t old = before ? before->dimensions_count : 0;
	size_t room = asked->dimensions_count + old + service->dimensions_count + (size_t)1;
	zwy_v1_QuotaDimension *dims = arena_array(arena, room, sizeof(*dims));
	if (!dims)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	size_t n = 0;
	if (!find_dimension(asked->dimensions, asked->dimensions_count, DIMENSION_QUANTITY)) {
		const zwy_v1_QuotaDimension none = {.name = arena_strdup(arena, DIMENSION_QUANTITY)};
		dims[n++] = merge(before, &none);
	}
	for (size_t i = 0; i < asked->dimensions_count; i++)
		dims[n++] = merge(before, &asked->dimensions[i]);
	for (size_t i = 0; i < service->dimensions_count; i++) {
		const zwy_v1_QuotaDimension open = {.name = service->dimensions[i].name, .unlimited = true};
		if (!find_dimension(dims, n, open.name))
			dims[n++] = merge(before, &open);
	}
	for (size_t i = 0; i < old; i++) {
		const zwy_v1_QuotaDimension *d = &before->dimensions[i];
		if (find_dimension(dims, n, d->name) || d->reserved + d->committed == 0)
			continue;
		dims[n] = *d;
		dims[n++].limit = 0;
	}
	ret->dimensions = dims;
	ret->dimensions_count = (pb_size_t)n;
	return arena->failed ? fault_set(f, ERR_NO_MEMORY, "out of memory") : 0;
}

int
quota_rule(const struct actor *actor, const zwy_v1_Quota *before, const zwy_v1_Quota *asked,
	   const struct quota_facts *facts, struct arena *arena, zwy_v1_Quota *ret, struct fault *f)
{
	zwy_v1_Quota q = *asked;
	int r = role_check(actor, CA_BIT, "setting quotas", "4", f);
	if (r)
		return r;
	if (!facts->department)
		return fault_set(f, ERR_NOT_FOUND, "there is no department for %.120s", text_of(asked->name));
	if (!facts->service)
		return fault_set(f, ERR_UNKNOWN_SERVICE, "the catalogue has no service for %.120s",
				 text_of(asked->name));
	r = node_check(actor, facts->node, f);
	if (r == 0)
		r = check_dimensions(before, asked, facts, f);
	if (r == 0)
		r = fill_dimensions(before, asked, facts->service, arena, &q, f);
	if (r)
		return r;
	q.department = arena_strdup(arena, name_slug(facts->department->name));
	q.node = arena_strdup(arena, text_of(facts->department->node));
	if (arena->failed)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	*ret = q;
	return 0;
}

/* ---- the history of limits --------------------------------------------------------- */

static const char *
limit_text(const zwy_v1_QuotaDimension *d, struct arena *arena)
{
	return !d             ? "none"
	       : d->unlimited ? "unlimited"
			      : arena_printf(arena, "%llu", (unsigned long long)d->limit);
}

bool
quota_adjustment(const struct actor *actor, const zwy_v1_Quota *before, const zwy_v1_Quota *after,
		 struct arena *arena, zwy_v1_LedgerEntry *ret, const char **ret_text)
{
	const char *text = "", *reason = text_is(before->reason, after->reason) ? "" : text_of(after->reason);
	size_t n = 0;
	zwy_v1_LedgerAmount *amounts = arena_array(arena, after->dimensions_count, sizeof(*amounts));
	for (size_t i = 0; amounts && i < after->dimensions_count; i++) {
		const zwy_v1_QuotaDimension *d = &after->dimensions[i];
		const zwy_v1_QuotaDimension *old =
			find_dimension(before->dimensions, before->dimensions_count, d->name);
		if (old ? old->limit == d->limit && old->unlimited == d->unlimited : d->unlimited)
			continue;
		amounts[n++] = (zwy_v1_LedgerAmount){
			.dimension = d->name,
			.limit = (int64_t)d->limit - (old ? (int64_t)old->limit : 0),
		};
		text = arena_printf(arena, "%s%s%s %s -> %s", text, text[0] ? ", " : "", d->name,
				    limit_text(old, arena), limit_text(d, arena));
		if (!text)
			return false;
	}
	if (n == 0)
		return false;
	*ret = (zwy_v1_LedgerEntry){
		.movement = arena_strdup(arena, "adjust"),
		.cause = arena_strdup(arena, text_of(actor->principal)),
		.reason = arena_strdup(arena, reason),
		.department = after->department,
		.node = after->node,
		.amounts = amounts,
		.amounts_count = (pb_size_t)n,
	};
	*ret_text = reason[0] ? arena_printf(arena, "%s (%s)", text, reason) : text;
	return true;
}
