/* A server and a volume in service, and changes of them: what the tests of Article 15 share. */
#ifndef ZWY_TESTS_RULES_CHANGES_H
#define ZWY_TESTS_RULES_CHANGES_H

#include "fixture.h"

static struct world w;

UNUSED static int
open_world(void **state)
{
	(void)state;
	world_open(&w);
	return 0;
}

UNUSED static int
close_world(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

#define NOW      "2026-11-23"
#define SERVER   "R-2026-000001" /* 2 × (8 vcpu, 32 gib) */
#define VOLUME   "R-2026-000002" /* 100 GiB of block storage */
#define act(...) world_act(&w, __VA_ARGS__, (char *)NULL)

/* What a department asks for. */
struct wish {
	zwy_v1_Application a;
	zwy_v1_Change_SpecEntry spec[2];
};

UNUSED static void
wish_of(struct wish *s, const char *resource)
{
	*s = (struct wish){
		.a = {.name = "applications/A-2026-000002",
		      .kind = zwy_v1_APPLICATION_KIND_CHANGE,
		      .resource = (char *)resource,
		      .purpose = "more users",
		      .has_change = true},
	};
	s->a.change.spec = s->spec;
}

UNUSED static void
wish_spec(struct wish *s, const char *key, const char *value)
{
	s->spec[s->a.change.spec_count++] =
		(zwy_v1_Change_SpecEntry){.key = (char *)key, .value = (char *)value};
}

UNUSED static int
ask(struct wish *s, bool submit, msec now)
{
	zwy_v1_Application asked = s->a;
	asked.change.spec = arena_alloc(&w.arena, sizeof(s->spec)); /* the case outlives the wish */
	memcpy(asked.change.spec, s->spec, sizeof(s->spec));
	application_derive(&asked, world_resource(&w, asked.resource), &w.arena);
	world_load(&w, &asked, &du, now);
	w.out = (struct outcome){0};
	int r = application_create(&w.facts, &asked, submit, &w.arena, &w.out, &w.missing, &w.fault);
	if (r == 0)
		world_commit(&w);
	return r;
}

/* A server and a volume in service since that day, with room in the quotas. */
UNUSED static void
in_service(const char *when)
{
	world_reach(&w, "in_service", when);
	for (size_t i = 0; i < SERVICES; i++)
		for (size_t k = 0; k < 3; k++)
			w.dimensions[i][k].limit = 100000;
	assert_int_equal(w.resource_count, 2);
}

UNUSED static zwy_v1_Resource *
server(void)
{
	return world_resource(&w, SERVER);
}

UNUSED static const char *
resource_figure(const zwy_v1_Resource *r, const char *key)
{
	for (size_t i = 0; i < r->spec_count; i++)
		if (strcmp(r->spec[i].key, key) == 0)
			return r->spec[i].value;
	return "";
}

/* A change of the server's vcpu, handed in. */
UNUSED static int
ask_vcpu(const char *vcpu, msec now)
{
	struct wish s;
	wish_of(&s, SERVER);
	wish_spec(&s, "vcpu", vcpu);
	return ask(&s, true, now);
}

UNUSED static void
to_state(const char *state, msec now)
{
	const struct {
		const char *from, *reached, *action, *key, *value;
	} course[] = {
		{"submitted", "reviewing", "assign", "comment", ""},
		{"reviewing", "review_passed", "review", "result", "pass"},
		{"review_passed", "applying", "start", "comment", ""},
		{"applying", "changed", "complete", "comment", ""},
	};
	for (size_t i = 0; i < COUNT(course) && strcmp(w.app.state, state) != 0; i++) {
		if (strcmp(w.app.state, course[i].from) != 0)
			continue;
		assert_int_equal(act(&op, now, course[i].action, course[i].key, course[i].value), 0);
		assert_string_equal(w.app.state, course[i].reached);
	}
	if (strcmp(state, "closed") == 0)
		assert_int_equal(act(&du, now, "confirm"), 0);
	assert_string_equal(w.app.state, state);
}

UNUSED static void
explain(const struct actor *actor, struct explanation *ret)
{
	world_load(&w, &w.app, actor, at(NOW));
	application_explain(&w.facts, &w.app, &w.arena, ret);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

#endif
