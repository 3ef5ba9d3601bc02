/* The tables of records with a small life, whatever kinds there are. */
#include "fixture.h"

#include "rules/records.h"
#include "rules/workflow.h"

static struct world w;
static const struct actor *const everybody[] = {&du,  &du_health, &ca,        &op,        &sp,       &reg,
						&aud, &adm,       &suzhou_ca, &suzhou_op, &suzhou_du};
#define NOW at("2026-11-23")

static int
open_world(void **state)
{
	(void)state;
	world_open(&w);
	return 0;
}

static int
close_world(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

/* A record in that state of which every guard thinks well. */
static void *
record_in(const struct register_desc *d, const char *state)
{
	static zwy_v1_ForecastItem item = {.service = "cloud-server", .quantity = 4};
	char *record = arena_alloc(&w.arena, d->size);
	*(const char **)(record + d->state) = state;
	*(const char **)(record + d->department) = "provincial-finance";
	*(const char **)(record + d->node) = "core";
	if (d->kind == KIND_FORECAST) {
		zwy_v1_Forecast *f = (void *)record;
		f->year = 2027;
		f->plan = "the plan of 2027";
		f->demand_intent = "intent.pdf sha256:" HEX64;
		f->items = &item;
		f->items_count = 1;
	}
	return record;
}

/* Everything that the row's form needs, and the value that chooses it. */
static struct act
act_of(const struct register_step *s)
{
	struct form_entry *form = arena_array(&w.arena, 8, sizeof(*form));
	struct act act = {.action = s->action, .form = form};
	struct slice rest = slice_of(s->form), word;
	const char *equals = strchr(s->when, '=');
	for (bool more = rest.n > 0; more;) {
		more = slice_cut(&rest, ' ', &word);
		if (!more)
			word = rest;
		if (word.p[word.n - 1] != '*')
			continue;
		word.n--;
		bool chooses =
			equals &&
			slice_is(word,
				 arena_dup_slice(&w.arena, slice_make(s->when, (size_t)(equals - s->when))));
		form[act.form_count++] = (struct form_entry){arena_dup_slice(&w.arena, word),
							     chooses ? equals + 1 : "because"};
	}
	return act;
}

static int
try(const struct actor *actor, const struct register_desc *d, const void *before,
    const struct register_step *s, void *ret)
{
	const zwy_v1_Service *services[SERVICES];
	for (size_t i = 0; i < SERVICES; i++)
		services[i] = &w.services[i];
	const struct services catalogue = {services, SERVICES};
	const struct register_facts facts = {actor, NOW, &w.core, &w.parameters, &catalogue};
	const struct register_step *step;
	struct act act = act_of(s);
	return register_act(&facts, d, before, &act, &w.arena, ret, &step, &w.fault);
}

static bool
may(const struct actor *a, unsigned roles)
{
	return ((roles & DU_BIT) && a == &du) || ((roles & CA_BIT) && a == &ca) ||
	       ((roles & OP_BIT) && a == &op);
}

/* The roles of an action in any state decide who may try it at all. */
static unsigned
roles_of(const struct register_step *s)
{
	unsigned roles = 0;
	for (size_t i = 0; i < register_step_count; i++)
		if (register_steps[i].kind == s->kind && strcmp(register_steps[i].action, s->action) == 0)
			roles |= register_steps[i].roles;
	return roles;
}

/* The row of a state and action that has the same `when`; NULL if there is none. */
static const struct register_step *
row_of(const char *state, const struct register_step *like)
{
	for (size_t i = 0; i < register_step_count; i++) {
		const struct register_step *s = &register_steps[i];
		if (s->kind == like->kind && s->roles && strcmp(s->from, state) == 0 &&
		    strcmp(s->action, like->action) == 0 && strcmp(s->when, like->when) == 0)
			return s;
	}
	return NULL;
}

static void
every_pair_of_state_and_action_is_a_row_or_refused_whoever_tries(void **state)
{
	(void)state;
	for (size_t s = 0; s < register_state_count; s++)
		for (size_t a = 0; a < register_step_count; a++)
			for (size_t p = 0; p < COUNT(everybody); p++) {
				const struct register_state *from = &register_states[s];
				const struct register_step *step = &register_steps[a];
				if (from->kind != step->kind)
					continue;
				const struct register_desc *d = register_find(from->kind);
				char *ret = arena_alloc(&w.arena, d->size);
				const struct register_step *row = row_of(from->name, step);
				int r = try(everybody[p], d, record_in(d, from->name), step, ret);
				if (!step->roles)
					assert_int_not_equal(r, 0); /* only the system's own */
				else if (!may(everybody[p], roles_of(step)))
					assert_true(r == ERR_WRONG_ROLE || r == ERR_WRONG_JURISDICTION ||
						    r == ERR_FOREIGN_RECORD);
				else if (!row)
					assert_int_equal(r, ERR_WRONG_STATE);
				else
					assert_int_equal(r, 0);
				if (r == 0)
					assert_string_equal(*(char **)(ret + d->state), row->to);
			}
}

static void
who_acts_for_another_region_or_department_is_told_so(void **state)
{
	(void)state;
	for (size_t i = 0; i < register_step_count; i++) {
		const struct register_step *s = &register_steps[i];
		const struct register_desc *d = register_find(s->kind);
		char *ret = arena_alloc(&w.arena, d->size);
		const void *before = record_in(d, s->from);
		if (s->roles & DU_BIT)
			assert_int_equal(try(&du_health, d, before, s, ret), ERR_FOREIGN_RECORD);
		if (s->roles == CA_BIT)
			assert_int_equal(try(&suzhou_ca, d, before, s, ret), ERR_WRONG_JURISDICTION);
		if (s->roles == OP_BIT)
			assert_int_equal(try(&suzhou_op, d, before, s, ret), ERR_WRONG_JURISDICTION);
	}
}

static void
nobody_decides_what_they_handed_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < register_step_count; i++) {
		const struct register_step *s = &register_steps[i];
		if (!s->roles || (s->roles & DU_BIT))
			continue;
		const struct register_desc *d = register_find(s->kind);
		char *before = record_in(d, s->from), *ret = arena_alloc(&w.arena, d->size);
		struct actor both = du, through = s->roles & CA_BIT ? ca : op;
		assert_int_equal(register_hand_in(d, &du, &w.arena, before, &w.fault), 0);
		both.roles |= s->roles;
		assert_int_equal(try(&both, d, before, s, ret), ERR_SELF_DECISION);
		through.caller = du.principal;
		assert_int_equal(try(&through, d, before, s, ret), ERR_SELF_DECISION);
		assert_int_equal(try(s->roles & CA_BIT ? &ca : &op, d, before, s, ret), 0);
	}
}

static bool
has_state(enum kind kind, const char *name, bool *ret_final)
{
	for (size_t i = 0; i < register_state_count; i++)
		if (register_states[i].kind == kind && strcmp(register_states[i].name, name) == 0) {
			*ret_final = register_states[i].final;
			return true;
		}
	return false;
}

/* Whether a step leads there from somewhere, or from there to somewhere. */
static bool
leads(const struct register_state *state, bool there, unsigned roles)
{
	for (size_t i = 0; i < register_step_count; i++) {
		const struct register_step *s = &register_steps[i];
		if (s->kind == state->kind && strcmp(there ? s->to : s->from, state->name) == 0 &&
		    (!roles || (s->roles & roles)))
			return true;
	}
	return false;
}

static void
every_state_is_reached_left_unless_final_and_waits_for_somebody_who_can_act(void **state)
{
	bool final;
	(void)state;
	for (size_t i = 0; i < register_state_count; i++) {
		const struct register_state *s = &register_states[i];
		assert_true(leads(s, true, 0) || strcmp(register_first_state(s->kind), s->name) == 0);
		assert_int_equal(leads(s, false, 0), !s->final);
		assert_true(!s->roles || leads(s, false, s->roles));
	}
	for (size_t i = 0; i < register_step_count; i++) {
		assert_true(has_state(register_steps[i].kind, register_steps[i].from, &final) && !final);
		assert_true(has_state(register_steps[i].kind, register_steps[i].to, &final));
	}
}

static const struct register_step *
system_step(const struct register_state *from, const char *action)
{
	for (size_t i = 0; i < register_step_count; i++) {
		const struct register_step *s = &register_steps[i];
		if (s->kind == from->kind && !s->roles && strcmp(s->from, from->name) == 0 &&
		    strcmp(s->action, action) == 0)
			return s;
	}
	return NULL;
}

static const struct register_step *
pass(const struct register_state *from, const char *term, msec now)
{
	const struct register_desc *d = register_find(from->kind);
	char *before = record_in(d, from->name), *ret = arena_alloc(&w.arena, d->size);
	zwy_v1_Clock clock = {.term = (char *)term, .has_due_time = true, .due_time = stamp_of(NOW)};
	struct register_facts facts = {&ca, now, &w.core, &w.parameters, NULL};
	const struct register_step *step;
	*(zwy_v1_Clock **)(before + d->clocks) = &clock;
	*(pb_size_t *)(before + d->clocks_count) = 1;
	assert_int_equal(register_clock(&facts, d, before, term, &w.arena, ret, &step, &w.fault), 0);
	if (step)
		assert_string_equal(*(char **)(ret + d->state), step->to);
	return step;
}

static void
a_term_that_has_passed_takes_the_row_of_its_state_and_no_sooner(void **state)
{
	(void)state;
	for (size_t t = 0; t < register_term_count; t++)
		for (size_t i = 0; i < register_state_count; i++) {
			const struct register_term *term = &register_terms[t];
			const struct register_state *s = &register_states[i];
			if (s->kind != term->kind)
				continue;
			assert_null(pass(s, term->name, NOW - 1));
			assert_ptr_equal(pass(s, term->name, NOW), system_step(s, term->then));
			assert_null(pass(s, "another", NOW));
		}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
		TEST(every_pair_of_state_and_action_is_a_row_or_refused_whoever_tries),
		TEST(who_acts_for_another_region_or_department_is_told_so),
		TEST(nobody_decides_what_they_handed_in),
		TEST(every_state_is_reached_left_unless_final_and_waits_for_somebody_who_can_act),
		TEST(a_term_that_has_passed_takes_the_row_of_its_state_and_no_sooner),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
