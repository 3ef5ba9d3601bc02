/* Quotas of an application: what its items ask of each dimension, and what the
 * balance becomes. `quantity` always counts, a dimension that the catalogue
 * declares counts quantity × the number in the item's spec. */
#include "rules/workflow.h"

#define DIMENSION_QUANTITY "quantity"

const char *
item_spec(const zwy_v1_Item *item, const char *key)
{
	for (size_t i = 0; i < item->spec_count; i++)
		if (text_is(item->spec[i].key, key))
			return text_of(item->spec[i].value);
	return NULL;
}

/* False where it does not fit a ledger entry. */
static bool
item_amount(const zwy_v1_Item *item, const char *dimension, uint64_t *ret)
{
	uint64_t each = 1;
	if (!text_is(dimension, DIMENSION_QUANTITY)) {
		const char *spec = item_spec(item, dimension);
		if (!spec || !slice_to_u64(slice_of(spec), &each))
			each = 0;
	}
	return !__builtin_mul_overflow(item->quantity, each, ret) && *ret <= INT64_MAX;
}

/* Of all items of that service. */
static bool
total_amount(const zwy_v1_Application *a, const char *service, const char *dimension, uint64_t *ret)
{
	uint64_t sum = 0, one;
	for (size_t i = 0; i < a->items_count; i++) {
		if (!text_is(a->items[i].service, service))
			continue;
		if (!item_amount(&a->items[i], dimension, &one) || __builtin_add_overflow(sum, one, &sum) ||
		    sum > INT64_MAX)
			return false;
	}
	*ret = sum;
	return true;
}

/* Whether an earlier item names the same service. */
static bool
seen_before(const zwy_v1_Application *a, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (text_is(a->items[i].service, a->items[index].service))
			return true;
	return false;
}

static const zwy_v1_QuotaDimension *
find_dimension(const zwy_v1_Quota *q, const char *name)
{
	for (size_t i = 0; q && i < q->dimensions_count; i++)
		if (text_is(q->dimensions[i].name, name))
			return &q->dimensions[i];
	return NULL;
}

/* The n-th dimension that a service counts by: quantity, then its own; NULL after the last. */
static const char *
dimension_name(const zwy_v1_Service *service, size_t n)
{
	if (n == 0)
		return DIMENSION_QUANTITY;
	return service && n - 1 < service->dimensions_count ? text_of(service->dimensions[n - 1].name) : NULL;
}

static void
check_dimension(const zwy_v1_Application *a, size_t index, const struct item_facts *item,
		const char *dimension, struct fault *f)
{
	const char *service = a->items[index].service;
	const zwy_v1_QuotaDimension none = {0};
	const zwy_v1_QuotaDimension *d = find_dimension(item->quota, dimension);
	char field[64];
	uint64_t asked;
	snprintf(field, sizeof(field), "items.%zu", index + 1);
	if (!total_amount(a, service, dimension, &asked)) {
		fault_add(f, ERR_QUOTA_EXCEEDED, field,
			  "%.63s: the %.40s asked for is more than any quota can hold", service, dimension);
		return;
	}
	if (item->quota && (!d || d->unlimited))
		return;
	if (!d)
		d = &none;
	uint64_t held = d->reserved + d->committed;
	uint64_t available = d->limit > held ? d->limit - held : 0;
	if (asked > available)
		fault_add(f, ERR_QUOTA_EXCEEDED, field,
			  "%.63s: %.40s %llu asked, %llu available (limit %llu, reserved %llu, in service "
			  "%llu)",
			  service, dimension, (unsigned long long)asked, (unsigned long long)available,
			  (unsigned long long)d->limit, (unsigned long long)d->reserved,
			  (unsigned long long)d->committed);
}

int
check_quota(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	for (size_t i = 0; i < a->items_count; i++) {
		if (seen_before(a, i))
			continue;
		const char *dimension;
		for (size_t n = 0; (dimension = dimension_name(facts->items[i].service, n)) != NULL; n++)
			check_dimension(a, i, &facts->items[i], dimension, f);
	}
	return f->code;
}

int
check_reservation(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	for (size_t i = 0; i < a->items_count; i++) {
		const zwy_v1_Quota *q = facts->items[i].quota;
		char field[64];
		snprintf(field, sizeof(field), "items.%zu", i + 1);
		for (size_t n = 0; q && !seen_before(a, i) && n < q->dimensions_count; n++) {
			const zwy_v1_QuotaDimension *d = &q->dimensions[n];
			uint64_t mine;
			if (d->unlimited || !total_amount(a, a->items[i].service, d->name, &mine) ||
			    mine == 0 || d->reserved + d->committed <= d->limit)
				continue;
			fault_add(f, ERR_QUOTA_EXCEEDED, field,
				  "%.63s: the limit of %.40s is %llu by now; %llu are reserved and %llu in "
				  "service, "
				  "%llu of them by this application",
				  a->items[i].service, d->name, (unsigned long long)d->limit,
				  (unsigned long long)d->reserved, (unsigned long long)d->committed,
				  (unsigned long long)mine);
		}
	}
	return f->code;
}

/* One dimension of a balance moved. False if less is reserved than is taken away. */
static bool
move_dimension(zwy_v1_QuotaDimension *d, zwy_v1_LedgerAmount *amount, enum quota_effect effect, uint64_t n)
{
	if (effect == QUOTA_RESERVE) {
		amount->reserved = (int64_t)n;
		return !__builtin_add_overflow(d->reserved, n, &d->reserved);
	}
	if (d->reserved < n)
		return false;
	amount->reserved = -(int64_t)n;
	d->reserved -= n;
	if (effect == QUOTA_RELEASE)
		return true;
	amount->committed = (int64_t)n;
	return !__builtin_add_overflow(d->committed, n, &d->committed);
}

/* A copy of the quota whose dimensions can be changed, with all that the service
 * counts by: the catalogue may have gained one since the limits were set. */
static bool
copy_quota(struct arena *arena, const zwy_v1_Quota *from, const zwy_v1_Service *service, zwy_v1_Quota *ret)
{
	const char *name;
	*ret = *from;
	ret->dimensions = arena_array(arena, from->dimensions_count + service->dimensions_count + (size_t)1,
				      sizeof(*ret->dimensions));
	if (!ret->dimensions)
		return false;
	if (from->dimensions_count)
		memcpy(ret->dimensions, from->dimensions, from->dimensions_count * sizeof(*ret->dimensions));
	for (size_t n = 0; (name = dimension_name(service, n)) != NULL; n++)
		if (!find_dimension(ret, name))
			ret->dimensions[ret->dimensions_count++] = (zwy_v1_QuotaDimension){
				.name = arena_strdup(arena, name),
				.unlimited = true,
			};
	return true;
}

static int
fill_move(struct work *w, size_t index, const zwy_v1_Service *service, enum quota_effect effect,
	  struct quota_move *move, struct fault *f)
{
	const zwy_v1_Application *a = &w->out->application;
	zwy_v1_LedgerEntry *entry = &move->entry;
	size_t room = service->dimensions_count + (size_t)1;
	entry->amounts = arena_array(w->arena, room, sizeof(*entry->amounts));
	if (!entry->amounts || !copy_quota(w->arena, w->facts->items[index].quota, service, &move->quota))
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	const char *dimension;
	for (size_t n = 0; (dimension = dimension_name(service, n)) != NULL; n++) {
		uint64_t amount = 0;
		if (!total_amount(a, move->service, dimension, &amount))
			return fault_set(f, ERR_INTERNAL, "%s: %s does not fit", move->service, dimension);
		if (amount == 0)
			continue;
		zwy_v1_QuotaDimension *d = (zwy_v1_QuotaDimension *)find_dimension(&move->quota, dimension);
		zwy_v1_LedgerAmount *moved = &entry->amounts[entry->amounts_count++];
		moved->dimension = arena_strdup(w->arena, dimension);
		if (!d || !move_dimension(d, moved, effect, amount))
			return fault_set(
				f, ERR_STORE_CORRUPT,
				"the quota of %.63s does not hold the %llu %.40s that %.80s reserved",
				move->service, (unsigned long long)amount, dimension, text_of(a->name));
	}
	return 0;
}

/* The service by whose dimensions the item is counted: for what was reserved, the version pinned then. */
static const zwy_v1_Service *
counted_by(const struct item_facts *facts, const zwy_v1_Item *item, enum quota_effect effect)
{
	if (effect == QUOTA_RESERVE || !facts->service ||
	    facts->service->catalogue_version == item->catalogue_version)
		return facts->service;
	return facts->pinned;
}

int
quota_moves(struct work *w, enum quota_effect effect, struct fault *f)
{
	static const char *const movements[] = {"", "reserve", "commit", "release"};
	const zwy_v1_Application *a = &w->out->application;
	struct outcome *out = w->out;
	if (w->facts->item_count != a->items_count)
		return fault_set(f, ERR_INTERNAL, "facts of %zu items for %zu", w->facts->item_count,
				 (size_t)a->items_count);
	out->moves = arena_array(w->arena, a->items_count, sizeof(*out->moves));
	if (!out->moves)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < a->items_count; i++) {
		if (seen_before(a, i))
			continue;
		const zwy_v1_Service *service = counted_by(&w->facts->items[i], &a->items[i], effect);
		if (!service || !w->facts->items[i].quota)
			return fault_set(f, ERR_INTERNAL, "items.%zu: no facts of %.63s at version %u", i + 1,
					 text_of(a->items[i].service),
					 (unsigned)a->items[i].catalogue_version);
		struct quota_move *move = &out->moves[out->move_count++];
		move->service = a->items[i].service;
		move->movement = movements[effect];
		move->entry.movement = arena_strdup(w->arena, move->movement);
		move->entry.cause = a->name;
		move->entry.department = a->department;
		move->entry.node = a->node;
		int r = fill_move(w, i, service, effect, move, f);
		if (r)
			return r;
	}
	return 0;
}
