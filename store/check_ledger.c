/* The quota ledger: the entries of a quota add up to what it says, and nothing
 * finished holds a reservation. */
#include "store/check.h"

#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire.h"
#include "zwy/v1/application.pb.h"
#include "zwy/v1/quota.pb.h"

#define DIMENSIONS_MAX 64

struct balance {
	struct slice name; /* in the engine's memory: the view is never reset */
	int64_t reserved, committed;
};

/* What one cause has reserved in one dimension, while that is not 0. */
struct reservation {
	struct slice cause, dimension;
	int64_t amount;
};

struct quota_walk {
	struct check *check;
	struct slice key; /* the quota's */
	struct balance balances[DIMENSIONS_MAX];
	size_t count;
	void *reservations; /* tree of struct reservation */
};

static struct balance *
balance_of(struct quota_walk *w, struct slice name)
{
	for (size_t i = 0; i < w->count; i++)
		if (slice_equal(w->balances[i].name, name))
			return &w->balances[i];
	if (w->count == DIMENSIONS_MAX)
		return NULL;
	w->balances[w->count] = (struct balance){.name = name};
	return &w->balances[w->count++];
}

static int
compare_reservations(const void *a, const void *b)
{
	const struct reservation *x = a, *y = b;
	int order = slice_compare(x->cause, y->cause);
	return order ? order : slice_compare(x->dimension, y->dimension);
}

static int
add_reservation(struct quota_walk *w, struct slice cause, struct slice dimension, int64_t amount)
{
	struct reservation wanted = {.cause = cause, .dimension = dimension};
	struct reservation **found = tfind(&wanted, &w->reservations, compare_reservations);
	struct reservation *r = found ? *found : NULL;
	if (!r) {
		r = malloc(sizeof(*r));
		if (!r)
			return ERR_NO_MEMORY;
		*r = wanted;
		if (!tsearch(r, &w->reservations, compare_reservations)) {
			free(r);
			return ERR_NO_MEMORY;
		}
	}
	r->amount += amount;
	if (r->amount == 0) {
		tdelete(r, &w->reservations, compare_reservations);
		free(r);
	}
	return 0;
}

static int
add_amount(struct quota_walk *w, struct slice cause, struct slice amount)
{
	struct slice name = wire_string(amount, zwy_v1_LedgerAmount_dimension_tag);
	int64_t reserved = zigzag_decode(wire_uint(amount, zwy_v1_LedgerAmount_reserved_tag));
	int64_t committed = zigzag_decode(wire_uint(amount, zwy_v1_LedgerAmount_committed_tag));
	struct balance *b = balance_of(w, name);
	if (!b || __builtin_add_overflow(b->reserved, reserved, &b->reserved) ||
	    __builtin_add_overflow(b->committed, committed, &b->committed)) {
		check_problem(w->check, "%s: the amounts of its entries cannot be added up",
			      check_name(w->check, w->key));
		return 0;
	}
	return reserved ? add_reservation(w, cause, name, reserved) : 0;
}

static int
add_entry(struct check *c, void *arg, struct slice key, struct slice row)
{
	struct quota_walk *w = arg;
	struct record r;
	struct wire_field field;
	int rc = 0;
	(void)c;
	if (record_parse(&r, key, row) != 0)
		return 0;
	struct slice cause = wire_string(r.body, zwy_v1_LedgerEntry_cause_tag);
	for (struct slice body = r.body; rc == 0 && wire_next(&body, &field) == 1;)
		if (field.number == zwy_v1_LedgerEntry_amounts_tag && field.type == WIRE_LEN)
			rc = add_amount(w, cause, field.bytes);
	return rc;
}

/* ---- what the sums must be ---- */

static void
check_balance(struct quota_walk *w, struct slice name, int64_t reserved, int64_t committed)
{
	struct balance none = {0}, *b = balance_of(w, name);
	if (!b)
		b = &none;
	if (b->reserved != reserved || b->committed != committed)
		check_problem(w->check,
			      "%s: %.*s says %" PRId64 " reserved and %" PRId64
			      " committed, its entries add up to "
			      "%" PRId64 " and %" PRId64,
			      check_name(w->check, w->key), (int)name.n, name.p, reserved, committed,
			      b->reserved, b->committed);
	if (b->reserved < 0 || b->committed < 0)
		check_problem(w->check, "%s: its entries of %.*s add up to less than nothing",
			      check_name(w->check, w->key), (int)name.n, name.p);
	/* Seen: what is left over is in the entries alone. */
	b->reserved = b->committed = 0;
}

static void
check_balances(struct quota_walk *w, struct slice quota)
{
	struct wire_field field;
	while (wire_next(&quota, &field) == 1)
		if (field.number == zwy_v1_Quota_dimensions_tag && field.type == WIRE_LEN)
			check_balance(w, wire_string(field.bytes, zwy_v1_QuotaDimension_name_tag),
				      (int64_t)wire_uint(field.bytes, zwy_v1_QuotaDimension_reserved_tag),
				      (int64_t)wire_uint(field.bytes, zwy_v1_QuotaDimension_committed_tag));
	for (size_t i = 0; i < w->count; i++)
		if (w->balances[i].reserved || w->balances[i].committed)
			check_balance(w, w->balances[i].name, 0, 0);
}

static void
check_reservation(struct quota_walk *w, const struct reservation *r)
{
	struct name name;
	struct record record;
	const char *quota = check_name(w->check, w->key);
	if (name_parse(&name, r->cause, NULL) != 0)
		return;
	if (name.kind->kind == KIND_RESOURCE) {
		check_problem(w->check, "%s: %.*s, a resource, has %" PRId64 " of %.*s reserved", quota,
			      (int)r->cause.n, r->cause.p, r->amount, (int)r->dimension.n, r->dimension.p);
		return;
	}
	if (name.kind->kind != KIND_APPLICATION)
		return;
	bool open = check_find(w->check, r->cause, &record) == 0 &&
		    wire_uint(record.body, zwy_v1_Application_open_tag);
	if (!open || r->amount < 0)
		check_problem(w->check, "%s: %.*s, %s, has %" PRId64 " of %.*s reserved", quota,
			      (int)r->cause.n, r->cause.p,
			      open ? "which is open" : "which is finished or missing", r->amount,
			      (int)r->dimension.n, r->dimension.p);
}

static void
check_reservations(struct quota_walk *w)
{
	while (w->reservations) {
		struct reservation *r = *(struct reservation **)w->reservations;
		check_reservation(w, r);
		tdelete(r, &w->reservations, compare_reservations);
		free(r);
	}
}

static int
check_quota(struct check *c, void *arg, struct slice key, struct slice row)
{
	char prefix_bytes[KEY_MAX_BYTES];
	struct quota_walk w = {.check = c, .key = key};
	struct record r;
	(void)arg;
	if (record_parse(&r, key, row) != 0 || key.n > sizeof(prefix_bytes))
		return 0;
	/* The entries' keys begin as the quota's, under their own kind. */
	memcpy(prefix_bytes, key.p, key.n);
	prefix_bytes[0] = KIND_LEDGER_ENTRY;
	int rc = check_each(c, TABLE_RECORDS, slice_make(prefix_bytes, key.n), add_entry, &w);
	if (rc == 0)
		check_balances(&w, r.body);
	check_reservations(&w);
	return rc;
}

static int
check_has_quota(struct check *c, void *arg, struct slice key, struct slice row)
{
	char quota_bytes[KEY_MAX_BYTES];
	struct slice quota = {quota_bytes, key.n > 8 ? key.n - 8 : 0};
	(void)arg;
	if (quota.n == 0 || quota.n > sizeof(quota_bytes))
		return 0;
	memcpy(quota_bytes, key.p, quota.n);
	quota_bytes[0] = KIND_QUOTA;
	int rc = view_get(c->view, TABLE_RECORDS, quota, &row);
	if (rc == ERR_NOT_FOUND)
		check_problem(c, "%s: there is no such quota", check_name(c, key));
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

int
check_ledger(struct check *c)
{
	const char quota = KIND_QUOTA, entry = KIND_LEDGER_ENTRY;
	int rc = check_each(c, TABLE_RECORDS, slice_make(&quota, 1), check_quota, NULL);
	return rc ? rc : check_each(c, TABLE_RECORDS, slice_make(&entry, 1), check_has_quota, NULL);
}
