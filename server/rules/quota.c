/* Quotas of an application: what its items ask of each dimension beyond what the
 * resources that it holds have already, and what the balance becomes. `quantity` always
 * counts, a dimension that the catalogue declares counts quantity × the number in the spec. */
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

bool
amount_of(uint64_t quantity, const char *figure, const char *dimension, uint64_t *ret)
{
	uint64_t each = 1;
	if (!text_is(dimension, DIMENSION_QUANTITY) && (!figure || !slice_to_u64(slice_of(figure), &each)))
		each = 0;
	return !__builtin_mul_overflow(quantity, each, ret) && *ret <= INT64_MAX;
}

const char *
resource_spec(const zwy_v1_Resource *r, const char *key)
{
	for (size_t i = 0; i < r->spec_count; i++)
		if (text_is(r->spec[i].key, key))
			return text_of(r->spec[i].value);
	return NULL;
}

uint64_t
resource_amount(const zwy_v1_Resource *r, const char *dimension)
{
	uint64_t n;
	return amount_of(r->quantity, resource_spec(r, dimension), dimension, &n) ? n : 0;
}

/* More than fits is as much as can be. */
uint64_t
item_amount(const zwy_v1_Item *item, const char *dimension)
{
	uint64_t n;
	return amount_of(item->quantity, item_spec(item, dimension), dimension, &n) ? n : INT64_MAX;
}

/* Of all items of that service. */
static bool
total_amount(const zwy_v1_Application *a, const char *service, const char *dimension, uint64_t *ret)
{
	uint64_t sum = 0, one;
	for (size_t i = 0; i < a->items_count; i++) {
		if (!text_is(a->items[i].service, service))
			continue;
		const char *figure = item_spec(&a->items[i], dimension);
		if (!amount_of(a->items[i].quantity, figure, dimension, &one) ||
		    __builtin_add_overflow(sum, one, &sum) || sum > INT64_MAX)
			return false;
	}
	*ret = sum;
	return true;
}

static bool
declares(const zwy_v1_Service *service, const char *dimension)
{
	for (size_t i = 0; service && i < service->dimensions_count; i++)
		if (text_is(service->dimensions[i].name, dimension))
			return true;
	return false;
}

/* Whether something of that service, in that version, counts by the dimension. */
static bool
counts(const zwy_v1_Service *service, const char *dimension)
{
	return text_is(dimension, DIMENSION_QUANTITY) || declares(service, dimension);
}

/* What the resources that the case holds have of that service. */
static uint64_t
total_held(const struct facts *facts, const char *service, const char *dimension)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < facts->resource_count; i++) {
		const struct resource_facts *r = &facts->resources[i];
		if (r->held && text_is(r->resource->service, service) && counts(r->service, dimension))
			sum += resource_amount(r->resource, dimension);
	}
	return sum;
}

static const zwy_v1_QuotaDimension *
find_dimension(const zwy_v1_Quota *q, const char *name)
{
	for (size_t i = 0; q && i < q->dimensions_count; i++)
		if (text_is(q->dimensions[i].name, name))
			return &q->dimensions[i];
	return NULL;
}

/* One service that a case moves: by its items, by the resources that it holds, or both. */
struct line {
	const char *service;
	size_t item;                        /* the first of that service; items_count: none */
	const zwy_v1_Service *asked, *kept; /* whose dimensions count; NULL: there are none such */
	const zwy_v1_Quota *quota;
};

static struct line *
find_line(struct line *lines, size_t count, const char *service)
{
	for (size_t i = 0; i < count; i++)
		if (text_is(lines[i].service, service))
			return &lines[i];
	return NULL;
}

/* One line per service; NULL when memory is out. pinned: by the versions of the submission. */
static struct line *
find_lines(const struct facts *facts, const zwy_v1_Application *a, bool pinned, struct arena *arena,
	   size_t *ret_count)
{
	struct line *lines = arena_array(arena, a->items_count + facts->resource_count, sizeof(*lines)), *l;
	size_t n = 0;
	for (size_t i = 0; lines && i < a->items_count; i++) {
		const struct item_facts *item = &facts->items[i];
		bool same = !pinned || !item->service ||
			    item->service->catalogue_version == a->items[i].catalogue_version;
		if (!find_line(lines, n, a->items[i].service))
			lines[n++] = (struct line){.service = text_of(a->items[i].service),
						   .item = i,
						   .asked = same ? item->service : item->pinned,
						   .quota = item->quota};
	}
	for (size_t i = 0; lines && i < facts->resource_count; i++) {
		const struct resource_facts *r = &facts->resources[i];
		if (!r->held)
			continue;
		l = find_line(lines, n, r->resource->service);
		if (!l) {
			l = &lines[n++];
			*l = (struct line){.service = text_of(r->resource->service),
					   .item = a->items_count,
					   .quota = r->quota};
		}
		if (!l->kept || (r->service && r->service->dimensions_count > l->kept->dimensions_count))
			l->kept = r->service; /* the most of its versions: each counts by its own */
	}
	*ret_count = n;
	return lines;
}

const char *
dimension_of(const zwy_v1_Service *first, const zwy_v1_Service *second, size_t n)
{
	if (n-- == 0)
		return DIMENSION_QUANTITY;
	if (first && n < first->dimensions_count)
		return text_of(first->dimensions[n].name);
	n -= first ? first->dimensions_count : 0;
	for (size_t i = 0; second && i < second->dimensions_count; i++)
		if (!declares(first, second->dimensions[i].name) && n-- == 0)
			return text_of(second->dimensions[i].name);
	return NULL;
}

/* The n-th dimension that a line counts by; NULL after the last. */
static const char *
dimension_name(const struct line *l, size_t n)
{
	return dimension_of(l->asked, l->kept, n);
}

/* What a line adds to one dimension, and what it takes away. */
struct growth {
	uint64_t more, less;
};

static bool
growth_of(const struct facts *facts, const zwy_v1_Application *a, const struct line *l, const char *dimension,
	  struct growth *ret)
{
	uint64_t asked = 0, held = total_held(facts, l->service, dimension);
	if (counts(l->asked, dimension) && !total_amount(a, l->service, dimension, &asked))
		return false;
	*ret = (struct growth){.more = asked > held ? asked - held : 0,
			       .less = held > asked ? held - asked : 0};
	return true;
}

static void
check_dimension(const struct facts *facts, const zwy_v1_Application *a, const struct line *l,
		const char *dimension, struct fault *f)
{
	const zwy_v1_QuotaDimension none = {0};
	const zwy_v1_QuotaDimension *d = find_dimension(l->quota, dimension);
	struct growth g;
	char field[64];
	snprintf(field, sizeof(field), "items.%zu", l->item + 1);
	if (!growth_of(facts, a, l, dimension, &g)) {
		fault_add(f, ERR_QUOTA_EXCEEDED, field,
			  "%.63s: the %.40s asked for is more than any quota can hold", l->service,
			  dimension);
		return;
	}
	if (l->quota && (!d || d->unlimited))
		return;
	if (!d)
		d = &none;
	uint64_t used = d->reserved + d->committed;
	uint64_t available = d->limit > used ? d->limit - used : 0;
	if (g.more > available)
		fault_add(f, ERR_QUOTA_EXCEEDED, field,
			  "%.63s: %.40s %llu asked, %llu available (limit %llu, reserved %llu, in service "
			  "%llu)",
			  l->service, dimension, (unsigned long long)g.more, (unsigned long long)available,
			  (unsigned long long)d->limit, (unsigned long long)d->reserved,
			  (unsigned long long)d->committed);
}

int
check_quota(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	struct arena arena = {0};
	size_t count;
	struct line *lines = find_lines(facts, a, false, &arena, &count);
	if (!lines)
		fault_set(f, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; lines && i < count; i++) {
		const char *dimension;
		if (lines[i].item == a->items_count)
			continue; /* only given back */
		for (size_t n = 0; (dimension = dimension_name(&lines[i], n)) != NULL; n++)
			check_dimension(facts, a, &lines[i], dimension, f);
	}
	arena_release(&arena);
	return f->code;
}

/* What the case has reserved of one dimension, where the limit has come below what is used. */
static void
check_limit(const struct facts *facts, const zwy_v1_Application *a, const struct line *l,
	    const zwy_v1_QuotaDimension *d, struct fault *f)
{
	struct growth mine;
	char field[64];
	if (d->unlimited || !growth_of(facts, a, l, d->name, &mine) || mine.more == 0 ||
	    d->reserved + d->committed <= d->limit)
		return;
	snprintf(field, sizeof(field), "items.%zu", l->item + 1);
	fault_add(f, ERR_QUOTA_EXCEEDED, field,
		  "%.63s: the limit of %.40s is %llu by now; %llu are reserved and %llu in service, %llu of "
		  "them "
		  "by this application",
		  l->service, d->name, (unsigned long long)d->limit, (unsigned long long)d->reserved,
		  (unsigned long long)d->committed, (unsigned long long)mine.more);
}

int
check_reservation(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	struct arena arena = {0};
	size_t count;
	struct line *lines = find_lines(facts, a, true, &arena, &count);
	if (!lines)
		fault_set(f, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; lines && i < count; i++)
		for (size_t n = 0;
		     lines[i].item < a->items_count && lines[i].quota && n < lines[i].quota->dimensions_count;
		     n++)
			check_limit(facts, a, &lines[i], &lines[i].quota->dimensions[n], f);
	arena_release(&arena);
	return f->code;
}

/* Moves n from one figure to another; false if less is there, or it does not fit. */
static bool
take(uint64_t *figure, int64_t *moved, uint64_t n)
{
	if (*figure < n)
		return false;
	*figure -= n;
	*moved -= (int64_t)n;
	return true;
}

static bool
give(uint64_t *figure, int64_t *moved, uint64_t n)
{
	*moved += (int64_t)n;
	return !__builtin_add_overflow(*figure, n, figure);
}

/* One dimension of a balance moved: growth is reserved first, and what is held less is
 * given back when the rest goes into service. False if less is there than is taken away. */
static bool
move_dimension(zwy_v1_QuotaDimension *d, zwy_v1_LedgerAmount *amount, enum quota_effect effect,
	       struct growth g)
{
	if (effect == QUOTA_RESERVE)
		return give(&d->reserved, &amount->reserved, g.more);
	if (!take(&d->reserved, &amount->reserved, g.more))
		return false;
	return effect == QUOTA_RELEASE || (take(&d->committed, &amount->committed, g.less) &&
					   give(&d->committed, &amount->committed, g.more));
}

/* A copy of the quota whose dimensions can be changed, with all that the line
 * counts by: the catalogue may have gained one since the limits were set. */
static bool
copy_quota(struct arena *arena, const struct line *l, size_t dimensions, zwy_v1_Quota *ret)
{
	const zwy_v1_Quota *from = l->quota;
	const char *name;
	*ret = *from;
	ret->dimensions = arena_array(arena, from->dimensions_count + dimensions, sizeof(*ret->dimensions));
	if (!ret->dimensions)
		return false;
	if (from->dimensions_count)
		memcpy(ret->dimensions, from->dimensions, from->dimensions_count * sizeof(*ret->dimensions));
	for (size_t n = 0; (name = dimension_name(l, n)) != NULL; n++)
		if (!find_dimension(ret, name))
			ret->dimensions[ret->dimensions_count++] = (zwy_v1_QuotaDimension){
				.name = arena_strdup(arena, name),
				.unlimited = true,
			};
	return true;
}

/* The entry has no amounts if the line moves nothing. */
static int
fill_move(struct work *w, const struct line *l, enum quota_effect effect, struct quota_move *move,
	  struct fault *f)
{
	const zwy_v1_Application *a = &w->out->application;
	zwy_v1_LedgerEntry *entry = &move->entry;
	size_t dimensions = 0;
	while (dimension_name(l, dimensions))
		dimensions++;
	entry->amounts = arena_array(w->arena, dimensions, sizeof(*entry->amounts));
	if (!entry->amounts || !copy_quota(w->arena, l, dimensions, &move->quota))
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	const char *dimension;
	for (size_t n = 0; (dimension = dimension_name(l, n)) != NULL; n++) {
		struct growth g;
		if (!growth_of(w->facts, a, l, dimension, &g))
			return fault_set(f, ERR_INTERNAL, "%s: %s does not fit", l->service, dimension);
		if (g.more == 0 && (g.less == 0 || effect != QUOTA_COMMIT))
			continue;
		zwy_v1_QuotaDimension *d = (zwy_v1_QuotaDimension *)find_dimension(&move->quota, dimension);
		zwy_v1_LedgerAmount *moved = &entry->amounts[entry->amounts_count++];
		moved->dimension = arena_strdup(w->arena, dimension);
		if (!d || !move_dimension(d, moved, effect, g))
			return fault_set(
				f, ERR_STORE_CORRUPT,
				"the quota of %.63s does not hold the %llu %.40s that %.80s takes away",
				l->service, (unsigned long long)(g.more + g.less), dimension,
				text_of(a->name));
	}
	return 0;
}

/* What the ledger calls it: what only gives back is a release. */
static const char *
movement_name(const zwy_v1_LedgerEntry *entry, enum quota_effect effect)
{
	static const char *const names[] = {"", "reserve", "commit", "release"};
	bool grows = false;
	for (size_t i = 0; i < entry->amounts_count; i++)
		grows |= entry->amounts[i].reserved != 0 || entry->amounts[i].committed > 0;
	return names[grows ? effect : QUOTA_RELEASE];
}

int
quota_moves(struct work *w, enum quota_effect effect, struct fault *f)
{
	const zwy_v1_Application *a = &w->out->application;
	struct outcome *out = w->out;
	size_t count;
	if (w->facts->item_count != a->items_count)
		return fault_set(f, ERR_INTERNAL, "facts of %zu items for %zu", w->facts->item_count,
				 (size_t)a->items_count);
	struct line *lines = find_lines(w->facts, a, effect != QUOTA_RESERVE, w->arena, &count);
	out->moves = arena_array(w->arena, count, sizeof(*out->moves));
	if (!lines || !out->moves)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < count; i++) {
		const struct line *l = &lines[i];
		if ((!l->asked && !l->kept) || !l->quota)
			return fault_set(f, ERR_INTERNAL, "no facts of %.63s as it was asked for",
					 l->service);
		struct quota_move *move = &out->moves[out->move_count];
		*move = (struct quota_move){.service = l->service};
		int r = fill_move(w, l, effect, move, f);
		if (r)
			return r;
		if (move->entry.amounts_count == 0)
			continue;
		out->move_count++;
		move->movement = movement_name(&move->entry, effect);
		move->entry.movement = arena_strdup(w->arena, move->movement);
		move->entry.cause = a->name;
		move->entry.department = a->department;
		move->entry.node = a->node;
	}
	return 0;
}
