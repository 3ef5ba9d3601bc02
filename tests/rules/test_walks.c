/* Random walks of several applications, changes and returns over their workflows, by random persons, with
 * limits, versions and days that change meanwhile. After each step: the sum of the
 * ledger's entries is the balance, what is reserved is what open cases add, what is committed
 * is what the resources have that were not reclaimed, and nothing is reserved by a case that is finished. */
#include "fixture.h"

#define APPLICATIONS 6
#define STEPS        1200
#define WALKS        60

struct walk {
	struct world w;
	struct request requests[APPLICATIONS];
	zwy_v1_Application apps[APPLICATIONS];
	bool exists[APPLICATIONS];
	int64_t reserved[SERVICES][3], committed[SERVICES][3]; /* sums of entries */
	msec now;
	uint64_t seed;
	size_t accepted, refused, reclaimed;
};

static uint64_t
roll(struct walk *k, uint64_t n)
{
	k->seed ^= k->seed << 13;
	k->seed ^= k->seed >> 7;
	k->seed ^= k->seed << 17;
	return k->seed % n;
}

static size_t
dimension_index(const char *name)
{
	return strcmp(name, "quantity") == 0 ? 0 : strcmp(name, "vcpu") == 0 ? 1 : 2;
}

static void
book(struct walk *k)
{
	const struct outcome *out = &k->w.out;
	for (size_t m = 0; m < out->move_count; m++)
		for (size_t s = 0; s < SERVICES; s++) {
			if (strcmp(name_slug(k->w.quotas[s].name), out->moves[m].service) != 0)
				continue;
			const zwy_v1_LedgerEntry *e = &out->moves[m].entry;
			for (size_t i = 0; i < e->amounts_count; i++) {
				size_t d = dimension_index(e->amounts[i].dimension);
				k->reserved[s][d] += e->amounts[i].reserved;
				k->committed[s][d] += e->amounts[i].committed;
			}
		}
}

static const char *const dimension_names[] = {"quantity", "vcpu", "gib"};

static bool
holds(const zwy_v1_Application *a)
{
	static const char *const none[] = {"draft", "in_service", "changed", "reclaimed", "closed"};
	for (size_t i = 0; i < COUNT(none); i++)
		if (strcmp(a->state, none[i]) == 0)
			return false;
	return !process_final(process_of(a->kind), a->state);
}

/* How often a figure counts: version 2 does not count memory any more. */
static int64_t
counted(size_t dimension, uint32_t version, uint64_t quantity, const char *figure)
{
	bool counts = dimension < 2 || version == 1;
	return counts ? (int64_t)quantity * (dimension == 0 ? 1 : atoll(figure ? figure : "0")) : 0;
}

static int64_t
item_counts(const zwy_v1_Item *item, size_t dimension)
{
	const char *figure = NULL;
	for (size_t s = 0; s < item->spec_count; s++)
		if (strcmp(item->spec[s].key, dimension_names[dimension]) == 0)
			figure = item->spec[s].value;
	return counted(dimension, item->catalogue_version, item->quantity, figure);
}

static int64_t
resource_counts(const zwy_v1_Resource *r, size_t dimension)
{
	const char *figure = NULL;
	for (size_t s = 0; s < r->spec_count; s++)
		if (strcmp(r->spec[s].key, dimension_names[dimension]) == 0)
			figure = r->spec[s].value;
	return counted(dimension, r->catalogue_version, r->quantity, figure);
}

/* What open cases add: all of new resources, of a change what grows. */
static int64_t
reserved_by(struct walk *k, size_t service, size_t dimension)
{
	int64_t sum = 0;
	for (size_t n = 0; n < APPLICATIONS; n++) {
		const zwy_v1_Application *a = &k->apps[n];
		for (size_t i = 0; k->exists[n] && holds(a) && i < a->items_count; i++) {
			if (strcmp(a->items[i].service, name_slug(k->w.services[service].name)) != 0)
				continue;
			const char *id = text_of(a->items[i].takes_over);
			int64_t had = id[0] ? resource_counts(world_resource(&k->w, id), dimension) : 0;
			int64_t more = item_counts(&a->items[i], dimension) - had;
			sum += more > 0 ? more : 0;
		}
	}
	return sum;
}

static int64_t
committed_to(const struct walk *k, size_t service, size_t dimension)
{
	int64_t sum = 0;
	for (size_t i = 0; i < k->w.resource_count; i++) {
		const zwy_v1_Resource *r = &k->w.resources[i];
		if (strcmp(r->service, name_slug(k->w.services[service].name)) == 0 &&
		    strcmp(r->state, "reclaimed") != 0)
			sum += resource_counts(r, dimension);
	}
	return sum;
}

/* Each is held by one open case at most, and by none that does not say so. */
static void
check_held(struct walk *k)
{
	for (size_t i = 0; i < k->w.resource_count; i++) {
		const zwy_v1_Resource *r = &k->w.resources[i];
		const char *holder = "";
		for (size_t n = 0; n < APPLICATIONS; n++)
			if (k->exists[n] && holds(&k->apps[n]) &&
			    strcmp(text_of(k->apps[n].resource), name_slug(r->name)) == 0) {
				assert_string_equal(holder, "");
				holder = k->apps[n].name;
			}
		assert_string_equal(text_of(r->open_case), holder);
		bool gone = strcmp(r->state, "reclaimed") == 0;
		assert_int_equal(gone, r->has_reclaim_time);
		if (!holder[0] && !gone)
			assert_string_equal(r->state, "active");
		if (gone)
			assert_true(!holder[0] && r->has_reading);
	}
}

static void
check_invariants(struct walk *k)
{
	for (size_t s = 0; s < SERVICES; s++)
		for (size_t d = 0; d < (s == 0 ? 3 : 1); d++) {
			const zwy_v1_QuotaDimension *b = balance(&k->w, s, d);
			assert_int_equal(b->reserved, k->reserved[s][d]);
			assert_int_equal(b->committed, k->committed[s][d]);
			assert_int_equal(b->reserved, reserved_by(k, s, d));
			assert_int_equal(b->committed, committed_to(k, s, d));
		}
	for (size_t n = 0; n < APPLICATIONS; n++) {
		const zwy_v1_Application *a = &k->apps[n];
		if (!k->exists[n])
			continue;
		assert_int_equal(a->open, !process_final(process_of(a->kind), a->state));
		for (size_t i = 0; !a->open && i < a->clocks_count; i++)
			assert_true(a->clocks[i].has_stop_time);
	}
	check_held(k);
}

/* Its place may be taken: it holds nothing any more. */
static bool
finished(const zwy_v1_Application *a)
{
	return process_final(process_of(a->kind), a->state);
}

static void
file_case(struct walk *k, size_t n, const zwy_v1_Application *asked, bool submit, const struct actor *who)
{
	world_load(&k->w, asked, who, k->now);
	k->w.out = (struct outcome){0};
	if (application_create(&k->w.facts, asked, submit, &k->w.arena, &k->w.out, &k->w.missing,
			       &k->w.fault))
		return;
	book(k);
	world_commit(&k->w);
	k->apps[n] = k->w.app;
	k->exists[n] = true;
}

static void
create(struct walk *k, size_t n)
{
	struct request *r = &k->requests[n];
	static char *const vcpus[] = {"1", "4", "8"};
	request_good(r);
	r->a.name = arena_printf(&k->w.arena, "applications/A-2026-%06zu", n + 1);
	r->spec[0].value = vcpus[roll(k, 3)];
	r->items[0].quantity = 1 + roll(k, 4);
	r->items[1].quantity = 1 + roll(k, 500);
	if (roll(k, 4) == 0) {
		r->items[2] = r->items[0]; /* the same service once more */
		r->a.items_count = 3;
	}
	file_case(k, n, &r->a, roll(k, 3) != 0, &du);
}

/* A change of one of the resources, larger or smaller. */
static void
change(struct walk *k, size_t n)
{
	static char *const vcpus[] = {"1", "2", "5", "8", "9", "40"};
	const zwy_v1_Resource *r = &k->w.resources[roll(k, k->w.resource_count)];
	zwy_v1_Change_SpecEntry *spec = arena_alloc(&k->w.arena, sizeof(*spec));
	zwy_v1_Application asked = {
		.name = arena_printf(&k->w.arena, "applications/A-2026-%06zu", n + 1),
		.kind = zwy_v1_APPLICATION_KIND_CHANGE,
		.resource = (char *)name_slug(r->name),
		.has_change = true,
		.change.spec = spec,
		.change.consent = roll(k, 2),
	};
	if (strcmp(r->service, "cloud-server") == 0 && roll(k, 3)) {
		*spec = (zwy_v1_Change_SpecEntry){"vcpu", vcpus[roll(k, COUNT(vcpus))]};
		asked.change.spec_count = 1;
	} else {
		asked.change.quantity = 1 + r->quantity * (1 + roll(k, 4)) / 3;
	}
	application_derive(&asked, r, &k->w.arena);
	file_case(k, n, &asked, true, &du);
}

/* One of the resources, whatever its state: given back by its department, or taken back. */
static void
give_back(struct walk *k, size_t n)
{
	const zwy_v1_Resource *r = &k->w.resources[roll(k, k->w.resource_count)];
	bool forced = roll(k, 3) == 0;
	zwy_v1_Application asked = {
		.name = arena_printf(&k->w.arena, "applications/A-2026-%06zu", n + 1),
		.kind = zwy_v1_APPLICATION_KIND_RECLAIM,
		.resource = (char *)name_slug(r->name),
		.purpose = "x",
		.has_reclaim = true,
		.reclaim = {.offline = true, .migrated = true, .backed_up = true},
	};
	if (forced)
		asked.reclaim.origin = zwy_v1_RECLAIM_ORIGIN_SP_EXIT;
	application_derive(&asked, r, &k->w.arena);
	file_case(k, n, &asked, roll(k, 3) != 0, forced ? &op : &du);
}

static void
act(struct walk *k, size_t n)
{
	static const struct actor *const people[] = {&du, &ca, &op, &op_2, &sp, &suzhou_ca};
	static const char *const results[] = {"pass", "pass", "return", "fail"};
	static const char *const reviews[] = {"pass", "pass", "reject", "major"};
	const struct process *p = process_of(k->apps[n].kind);
	const struct step *step = &p->steps[roll(k, p->step_count)];
	const struct actor *who = people[roll(k, COUNT(people))];
	int code;
	k->w.app = k->apps[n];
	if (roll(k, 5)) { /* mostly something that can be done, by one who may */
		while (!step->roles || strcmp(step->from, k->w.app.state) != 0)
			step = &p->steps[roll(k, p->step_count)];
		while (!(who->roles & step->roles))
			who = people[roll(k, COUNT(people))];
	}
	const char *action = step->action;
	if (strcmp(action, "opinion") == 0)
		code = world_act(&k->w, who, k->now, action, "result", results[roll(k, 4)], OPINION,
				 (char *)NULL);
	else if (strcmp(action, "review") == 0 && p->kind == zwy_v1_APPLICATION_KIND_RECLAIM)
		code = world_act(&k->w, who, k->now, action, "result", roll(k, 4) ? "accept" : "reject",
				 "comment", "x", (char *)NULL);
	else if (strcmp(action, "complete") == 0 && p->kind == zwy_v1_APPLICATION_KIND_RECLAIM)
		code = world_act(&k->w, who, k->now, action, "reading", "quantity=1", (char *)NULL);
	else if (strcmp(action, "review") == 0)
		code = world_act(&k->w, who, k->now, action, "result", reviews[roll(k, 8) % 5 % 4], "comment",
				 "x", "reading", roll(k, 2) ? "quantity=1" : "quantity=1 vcpu=4",
				 (char *)NULL);
	else if (strcmp(action, "decide") == 0)
		code = world_act(&k->w, who, k->now, action, "decision", roll(k, 4) ? "approve" : "reject",
				 "comment", "x", (char *)NULL);
	else if (roll(k, 5) && (strcmp(action, "withdraw") == 0 || strcmp(action, "refuse_accept") == 0))
		return; /* else few get far */
	else if (strcmp(action, "return_incomplete") == 0 || strcmp(action, "refuse_accept") == 0 ||
		 strcmp(action, "withdraw") == 0 || strcmp(action, "cancel") == 0 ||
		 strcmp(action, "fail") == 0)
		code = world_act(&k->w, who, k->now, action, "reason", "x", (char *)NULL);
	else
		code = world_act(&k->w, who, k->now, action, (char *)NULL);
	assert_int_not_equal(code, ERR_INTERNAL);
	assert_int_not_equal(code, ERR_STORE_CORRUPT);
	if (code) {
		k->refused++;
		return;
	}
	k->accepted++;
	k->reclaimed += p->kind == zwy_v1_APPLICATION_KIND_RECLAIM && strcmp(action, "complete") == 0;
	book(k);
	k->apps[n] = k->w.app;
}

/* What the timer would find. */
static void
tick(struct walk *k, size_t n)
{
	k->w.app = k->apps[n];
	for (size_t i = 0; i < term_count; i++) {
		if (strcmp(term_table[i].process, process_of(k->w.app.kind)->name) != 0)
			continue;
		assert_int_equal(world_clock(&k->w, k->now, term_table[i].name), 0);
		if (k->w.out.event_count)
			book(k);
	}
	k->apps[n] = k->w.app;
}

static void
disturb(struct walk *k)
{
	size_t s = roll(k, 2);
	switch (roll(k, 3)) {
	case 0:
		k->w.dimensions[s][0].limit = roll(k, 30);
		break;
	case 1:
		if (s == 0 && k->w.services[0].catalogue_version == 1) {
			k->w.old_services[0] = k->w.services[0];
			k->w.services[0].catalogue_version = 2;
			k->w.services[0].dimensions_count = 1;
		}
		break;
	default:
		k->w.services[s].state = roll(k, 4) ? "active" : "paused";
	}
}

static void
walk_once(uint64_t seed, bool disturbed, size_t *accepted, size_t *changed, size_t *reclaimed)
{
	struct walk *k = calloc(1, sizeof(*k));
	world_open(&k->w);
	k->seed = seed;
	k->now = at("2026-03-02");
	k->w.parameters.number[PARAM_MAJOR_PERCENT] = 200; /* else few changes are small enough */
	for (int i = 0; i < STEPS; i++) {
		size_t n = roll(k, APPLICATIONS);
		k->now += (msec)roll(k, 20) * 3600000;
		k->w.case_count = 0;
		bool vacant = !k->exists[n] || finished(&k->apps[n]);
		uint64_t kind = vacant && k->w.resource_count ? roll(k, 6) : 0;
		if (vacant && kind == 1)
			give_back(k, n);
		else if (vacant && kind > 1)
			change(k, n);
		else if (vacant)
			create(k, n);
		else if (roll(k, 10) == 0)
			tick(k, n);
		else
			act(k, n);
		if (disturbed && roll(k, 20) == 0)
			disturb(k);
		check_invariants(k);
	}
	*accepted += k->accepted;
	*reclaimed += k->reclaimed;
	for (size_t i = 0; i < k->w.resource_count; i++)
		*changed += k->w.resources[i].changes_count;
	world_close(&k->w);
	free(k);
}

static void
walks_keep_ledger_and_balance_together(void **state)
{
	size_t accepted = 0, changed = 0, reclaimed = 0;
	(void)state;
	for (uint64_t seed = 1; seed <= WALKS; seed++)
		walk_once(seed * 2654435761u, false, &accepted, &changed, &reclaimed);
	assert_true(accepted > WALKS * 20);
	assert_true(changed > WALKS);
	assert_true(reclaimed > WALKS / 2);
}

static void
walks_with_changing_limits_and_services_keep_them_too(void **state)
{
	size_t accepted = 0, changed = 0, reclaimed = 0;
	(void)state;
	for (uint64_t seed = 1; seed <= WALKS; seed++)
		walk_once(seed * 40503u + 7, true, &accepted, &changed, &reclaimed);
	assert_true(accepted > WALKS * 20);
	assert_true(changed > WALKS);
	assert_true(reclaimed > WALKS / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walks_keep_ledger_and_balance_together),
		cmocka_unit_test(walks_with_changing_limits_and_services_keep_them_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
