/* Several cases and their resources in one world: what a service would load of them, and store. */
#ifndef ZWY_TESTS_RULES_USE_H
#define ZWY_TESTS_RULES_USE_H

#include "fixture.h"

#define USE_CASES     32
#define USE_RESOURCES 64

struct use {
	struct world w;
	zwy_v1_Application cases[USE_CASES]; /* by name: A-2026-000001 is the first */
	size_t case_count;
	zwy_v1_Resource resources[USE_RESOURCES];
	size_t resource_count;
	size_t event_count; /* of the last command, on all records */
	/* what a request points to */
	zwy_v1_Item items[2];
	zwy_v1_Item_SpecEntry spec[2];
	zwy_v1_Application_DocumentEntry document;
};

UNUSED static zwy_v1_Application *
use_case(struct use *u, const char *name)
{
	for (size_t i = 0; i < u->case_count; i++)
		if (strcmp(name_slug(u->cases[i].name), name_slug(name)) == 0)
			return &u->cases[i];
	return NULL;
}

UNUSED static zwy_v1_Resource *
use_resource(struct use *u, const char *name)
{
	for (size_t i = 0; i < u->resource_count; i++)
		if (strcmp(name_slug(u->resources[i].name), name_slug(name)) == 0)
			return &u->resources[i];
	return NULL;
}

static const zwy_v1_Resource *
use_add_resource(struct use *u, const zwy_v1_Application *a, const char *name, struct resource_facts *list,
		 struct facts *f)
{
	const zwy_v1_Resource *r = text_of(name)[0] ? use_resource(u, name) : NULL;
	if (!r || facts_resource(f, r->name))
		return r;
	struct resource_facts *rf = &list[f->resource_count++];
	*rf = (struct resource_facts){.resource = r, .held = application_holds(a, r->name)};
	for (size_t k = 0; k < SERVICES; k++)
		if (strcmp(name_slug(u->w.services[k].name), r->service) == 0) {
			rf->service = &u->w.services[k];
			rf->quota = &u->w.quotas[k];
		}
	f->resources = list;
	return r;
}

static struct facts *use_facts(struct use *u, const zwy_v1_Application *a, const struct actor *actor,
			       msec now, bool with_cases);

static void
use_add_case(struct use *u, const zwy_v1_Application *a, const char *name, struct case_facts *list,
	     struct facts *f)
{
	zwy_v1_Application *other = text_of(name)[0] ? use_case(u, name) : NULL;
	if (!other || facts_case(f, other->name) || strcmp(text_of(a->name), other->name) == 0)
		return;
	list[f->case_count++] = (struct case_facts){other, use_facts(u, other, f->actor, f->now, false)};
	f->cases = list;
}

/* As the service loads them: services/facts.c. */
static struct facts *
use_facts(struct use *u, const zwy_v1_Application *a, const struct actor *actor, msec now, bool with_cases)
{
	struct arena *arena = &u->w.arena;
	struct facts *f = arena_alloc(arena, sizeof(*f));
	struct item_facts *items = arena_alloc(arena, sizeof(u->w.items));
	struct resource_facts *list = arena_array(arena, USE_RESOURCES, sizeof(*list));
	struct case_facts *cases = arena_array(arena, USE_CASES, sizeof(*cases));
	world_load(&u->w, a, actor, now);
	*f = u->w.facts;
	memcpy(items, u->w.items, sizeof(u->w.items));
	f->items = items;
	f->resource = NULL;
	f->resources = NULL;
	f->resource_count = 0;
	if (text_of(a->resource)[0])
		f->resource = use_add_resource(u, a, a->resource, list, f);
	for (size_t i = 0; i < a->items_count; i++)
		items[i].taken_over = use_add_resource(u, a, a->items[i].takes_over, list, f);
	for (size_t i = 0; text_of(a->end_date)[0] && i < a->resources_count; i++)
		use_add_resource(u, a, a->resources[i], list, f);
	for (size_t i = 0; with_cases && i < f->resource_count; i++) {
		const zwy_v1_Resource *r = list[i].resource;
		if (text_of(r->end_date)[0])
			use_add_case(u, a, r->application, cases, f);
		use_add_case(u, a, r->open_extension, cases, f);
	}
	return f;
}

static void
use_store(struct use *u, const zwy_v1_Application *a)
{
	zwy_v1_Application *old = use_case(u, a->name);
	assert_true(old || u->case_count < USE_CASES);
	if (!old)
		old = &u->cases[u->case_count++];
	*old = *a;
	old->revision++;
}

static void
use_commit(struct use *u)
{
	struct outcome *o = &u->w.out;
	zwy_v1_Application *a = &o->application;
	char **names = arena_array(&u->w.arena, a->resources_count + o->resource_count, sizeof(*names));
	if (a->resources_count)
		memcpy(names, a->resources, a->resources_count * sizeof(*names));
	a->resources = names;
	for (size_t i = 0; i < o->resource_count; i++) {
		zwy_v1_Resource *r = &u->resources[u->resource_count++];
		*r = o->resources[i].resource;
		r->name = arena_printf(&u->w.arena, "resources/R-2026-%06zu", u->resource_count);
		a->items[o->resources[i].item].resource = r->name;
		a->resources[a->resources_count++] = r->name;
	}
	u->event_count = o->event_count + o->changed_count;
	for (size_t i = 0; i < o->other_count; i++) {
		zwy_v1_Application *other = &o->others[i]->application;
		bool made = !text_of(other->name)[0];
		if (made)
			other->name = arena_printf(&u->w.arena, "applications/A-2026-%06zu",
						   u->case_count + 1 + (use_case(u, a->name) == NULL));
		for (size_t k = 0; made && o->others[i]->holds && k < o->changed_count; k++)
			if (application_holds(other, o->changed[k].resource.name))
				o->changed[k].resource.open_case = other->name;
		use_store(u, other);
		u->event_count += o->others[i]->event_count;
	}
	for (size_t i = 0; i < o->changed_count; i++)
		*use_resource(u, o->changed[i].resource.name) = o->changed[i].resource;
	world_commit(&u->w);
	use_store(u, a);
}

UNUSED static void
use_open(struct use *u)
{
	memset(u, 0, sizeof(*u));
	world_open(&u->w);
	u->w.portal.phase = "developing";
}

UNUSED static void
use_close(struct use *u)
{
	world_close(&u->w);
}

/* A request for resources for a term that is in order. */
UNUSED static zwy_v1_Application
use_request(struct use *u, zwy_v1_ApplicationKind kind)
{
	u->spec[0] = (zwy_v1_Item_SpecEntry){"vcpu", "8"};
	u->spec[1] = (zwy_v1_Item_SpecEntry){"gib", "32"};
	u->items[0] =
		(zwy_v1_Item){.service = "cloud-server", .quantity = 2, .spec_count = 2, .spec = u->spec};
	u->items[1] = (zwy_v1_Item){.service = "block-storage", .quantity = 100};
	u->document = (zwy_v1_Application_DocumentEntry){"project-establishment", "p.pdf sha256:" HEX64};
	return (zwy_v1_Application){
		.name = arena_printf(&u->w.arena, "applications/A-2026-%06zu", u->case_count + 1),
		.kind = kind,
		.system = "finance-portal",
		.zone = zwy_v1_ZONE_EXTRANET,
		.purpose = "a test",
		.urgency = kind == zwy_v1_APPLICATION_KIND_TEMPORARY ? "flood control" : NULL,
		.document_count = kind == zwy_v1_APPLICATION_KIND_TEST,
		.document = &u->document,
		.items_count = 2,
		.items = u->items,
	};
}

UNUSED static int
use_create(struct use *u, zwy_v1_Application *asked, bool submit, const struct actor *actor, msec now)
{
	struct world *w = &u->w;
	application_derive(asked, use_resource(u, text_of(asked->resource)), &w->arena);
	w->out = (struct outcome){0};
	int r = application_create(use_facts(u, asked, actor, now, true), asked, submit, &w->arena, &w->out,
				   &w->missing, &w->fault);
	if (r == 0)
		use_commit(u);
	return r;
}

/* form: alternating keys and values, ends with NULL. */
UNUSED static int
use_act(struct use *u, const char *name, const struct actor *actor, msec now, const char *action, ...)
{
	struct world *w = &u->w;
	struct form_entry form[8];
	struct act act = {.action = action, .form = form};
	va_list ap;
	va_start(ap, action);
	for (const char *key; (key = va_arg(ap, const char *)) != NULL; act.form_count++)
		form[act.form_count] = (struct form_entry){key, va_arg(ap, const char *)};
	va_end(ap);
	zwy_v1_Application before = *use_case(u, name);
	w->out = (struct outcome){0};
	int r = application_act(use_facts(u, &before, actor, now, true), &before, &act, &w->arena, &w->out,
				&w->fault);
	if (r == 0)
		use_commit(u);
	return r;
}

UNUSED static int
use_clock(struct use *u, const char *name, msec now, const char *term)
{
	struct world *w = &u->w;
	zwy_v1_Application before = *use_case(u, name);
	w->out = (struct outcome){0};
	int r = application_clock(use_facts(u, &before, &adm, now, true), &before, term, &w->arena, &w->out,
				  &w->fault);
	u->event_count = 0;
	if (r == 0 && w->out.event_count)
		use_commit(u);
	return r;
}

/* What is due by then, in order, as the due index gives it: each at its instant, or, where the
 * server was down, all at the end. */
UNUSED static void
use_pass(struct use *u, msec until, bool down)
{
	for (;;) {
		const zwy_v1_Clock *next = NULL;
		const char *name = NULL;
		for (size_t i = 0; i < u->case_count; i++)
			for (size_t k = 0; k < u->cases[i].clocks_count; k++) {
				const zwy_v1_Clock *c = &u->cases[i].clocks[k];
				if (!c->has_stop_time && !c->overdue && c->due_time.seconds * 1000 <= until &&
				    (!next || c->due_time.seconds < next->due_time.seconds)) {
					next = c;
					name = u->cases[i].name;
				}
			}
		if (!next)
			return;
		msec now = down ? until : next->due_time.seconds * 1000;
		assert_int_equal(use_clock(u, name, now, next->term), 0);
		assert_true(u->event_count > 0);
	}
}

/* The first instant of a day. */
UNUSED static msec
dawn(const char *text)
{
	return day_start(date(text));
}

#define assert_state(u, name, text) assert_string_equal(use_case(&(u), name)->state, text)

/* A case of that kind up to the allocation, all on one day; the name of the case. */
UNUSED static const char *
use_allocate(struct use *u, zwy_v1_ApplicationKind kind, const char *when, uint32_t months)
{
	zwy_v1_Application asked = use_request(u, kind);
	asked.months = months;
	assert_int_equal(use_create(u, &asked, true, &du, at(when)), 0);
	assert_int_equal(u->w.missing.code, 0);
	const char *name = asked.name;
	assert_state(*u, name, "submitted");
	assert_int_equal(use_act(u, name, &op, at(when), "assign", (char *)NULL), 0);
	assert_int_equal(use_act(u, name, &op, at(when), "decide", "decision", "approve", (char *)NULL), 0);
	assert_int_equal(use_act(u, name, &op, at(when), "allocate", "endpoint", "10.0.0.9", (char *)NULL),
			 0);
	assert_state(*u, name, "allocated");
	return name;
}

#endif
