/* Random walks of several applications over the workflow, by random persons, with
 * limits, versions and days that change meanwhile. After each step: the sum of the
 * ledger's entries is the balance, what is reserved is what open applications
 * hold, and nothing is reserved by one that is finished. */
#include "fixture.h"

#define APPLICATIONS 6
#define STEPS        400
#define WALKS        60

struct walk {
	struct world w;
	struct request requests[APPLICATIONS];
	zwy_v1_Application apps[APPLICATIONS];
	bool exists[APPLICATIONS];
	int64_t reserved[SERVICES][3], committed[SERVICES][3]; /* sums of entries */
	msec now;
	uint64_t seed;
	size_t accepted, refused;
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

static bool
holds(const zwy_v1_Application *a)
{
	static const char *const none[] = {"draft", "in_service", "closed"};
	for (size_t i = 0; i < COUNT(none); i++)
		if (strcmp(a->state, none[i]) == 0)
			return false;
	return !process_final(regular, a->state);
}

static int64_t
held_by(const struct walk *k, size_t service, size_t dimension, bool delivered)
{
	int64_t sum = 0;
	for (size_t n = 0; n < APPLICATIONS; n++) {
		const zwy_v1_Application *a = &k->apps[n];
		if (!k->exists[n])
			continue;
		bool in = strcmp(a->state, "in_service") == 0 || strcmp(a->state, "closed") == 0;
		if (delivered ? !in : !holds(a))
			continue;
		for (size_t i = 0; i < a->items_count; i++) {
			static const char *const names[] = {"quantity", "vcpu", "gib"};
			if (strcmp(a->items[i].service, name_slug(k->w.services[service].name)) != 0)
				continue;
			int64_t each = dimension == 0 ? 1 : 0;
			/* Version 2 does not count memory any more. */
			bool counts =
				dimension == 1 || (dimension == 2 && a->items[i].catalogue_version == 1);
			for (size_t s = 0; counts && s < a->items[i].spec_count; s++)
				if (strcmp(a->items[i].spec[s].key, names[dimension]) == 0)
					each = atoll(a->items[i].spec[s].value);
			sum += (int64_t)a->items[i].quantity * each;
		}
	}
	return sum;
}

static void
check_invariants(struct walk *k)
{
	for (size_t s = 0; s < SERVICES; s++)
		for (size_t d = 0; d < (s == 0 ? 3 : 1); d++) {
			const zwy_v1_QuotaDimension *b = balance(&k->w, s, d);
			assert_int_equal(b->reserved, k->reserved[s][d]);
			assert_int_equal(b->committed, k->committed[s][d]);
			assert_int_equal(b->reserved, held_by(k, s, d, false));
			assert_int_equal(b->committed, held_by(k, s, d, true));
		}
	for (size_t n = 0; n < APPLICATIONS; n++) {
		const zwy_v1_Application *a = &k->apps[n];
		if (!k->exists[n])
			continue;
		assert_int_equal(a->open, !process_final(regular, a->state));
		for (size_t i = 0; process_final(regular, a->state) && i < a->clocks_count; i++)
			assert_true(a->clocks[i].has_stop_time);
	}
}

/* Its place may be taken: it holds nothing any more. */
static bool
finished(const zwy_v1_Application *a)
{
	return process_final(regular, a->state) && strcmp(a->state, "closed") != 0;
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
	world_load(&k->w, &r->a, &du, k->now);
	k->w.out = (struct outcome){0};
	if (application_create(&k->w.facts, &r->a, roll(k, 3) != 0, &k->w.arena, &k->w.out, &k->w.missing,
			       &k->w.fault))
		return;
	book(k);
	world_commit(&k->w);
	k->apps[n] = k->w.app;
	k->exists[n] = true;
}

static void
act(struct walk *k, size_t n)
{
	static const struct actor *const people[] = {&du, &ca, &op, &sp, &suzhou_ca};
	static const char *const results[] = {"pass", "pass", "return", "fail"};
	const struct step *step = &regular->steps[roll(k, regular->step_count)];
	const struct actor *who = people[roll(k, COUNT(people))];
	int code;
	k->w.app = k->apps[n];
	if (roll(k, 5)) { /* mostly something that can be done, by one who may */
		while (!step->roles || strcmp(step->from, k->w.app.state) != 0)
			step = &regular->steps[roll(k, regular->step_count)];
		while (!(who->roles & step->roles))
			who = people[roll(k, COUNT(people))];
	}
	const char *action = step->action;
	if (strcmp(action, "opinion") == 0)
		code = world_act(&k->w, who, k->now, action, "result", results[roll(k, 4)], OPINION,
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
	book(k);
	k->apps[n] = k->w.app;
}

/* What the timer would find. */
static void
tick(struct walk *k, size_t n)
{
	static const char *const terms[] = {"accept",  "supplement", "review",
					    "approve", "provision",  "confirm"};
	k->w.app = k->apps[n];
	for (size_t i = 0; i < COUNT(terms); i++) {
		assert_int_equal(world_clock(&k->w, k->now, terms[i]), 0);
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
walk_once(uint64_t seed, bool disturbed, size_t *accepted)
{
	struct walk *k = calloc(1, sizeof(*k));
	world_open(&k->w);
	k->seed = seed;
	k->now = at("2026-03-02");
	for (int i = 0; i < STEPS; i++) {
		size_t n = roll(k, APPLICATIONS);
		k->now += (msec)roll(k, 20) * 3600000;
		if (!k->exists[n] || (finished(&k->apps[n])))
			create(k, n);
		else if (roll(k, 10) == 0 || strcmp(k->apps[n].state, "closed") == 0)
			tick(k, n);
		else
			act(k, n);
		if (disturbed && roll(k, 20) == 0)
			disturb(k);
		check_invariants(k);
	}
	*accepted += k->accepted;
	world_close(&k->w);
	free(k);
}

static void
walks_keep_ledger_and_balance_together(void **state)
{
	size_t accepted = 0;
	(void)state;
	for (uint64_t seed = 1; seed <= WALKS; seed++)
		walk_once(seed * 2654435761u, false, &accepted);
	assert_true(accepted > WALKS * 20);
}

static void
walks_with_changing_limits_and_services_keep_them_too(void **state)
{
	size_t accepted = 0;
	(void)state;
	for (uint64_t seed = 1; seed <= WALKS; seed++)
		walk_once(seed * 40503u + 7, true, &accepted);
	assert_true(accepted > WALKS * 20);
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
