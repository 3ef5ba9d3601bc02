/* A small world for the tests of the rules: two nodes, three departments, a
 * catalogue, quotas that a test moves as the service would. */
#ifndef ZWY_TESTS_RULES_FIXTURE_H
#define ZWY_TESTS_RULES_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rules/application.h"
#include "rules/names.h"

#define UNUSED       __attribute__((unused))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HEX64        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define HEX64_OTHER  "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"

/* ---- the shipped calendar ------------------------------------------------------ */

/* A file of the source tree, NUL-terminated. */
UNUSED static char *
read_source(const char *path)
{
	char full[512];
	const char *end = strstr(__FILE__, "tests/rules/");
	snprintf(full, sizeof(full), "%.*s%s", end ? (int)(end - __FILE__) : 0, __FILE__, path);
	FILE *file = fopen(full, "rb");
	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	size_t n = (size_t)ftell(file);
	rewind(file);
	char *text = calloc(1, n + 1);
	assert_int_equal(fread(text, 1, n, file), n);
	fclose(file);
	return text;
}

enum calendar_flavour { FULL, HOLIDAYS_ONLY };

/* Adds one year of `date,kind,name` rows to the calendar. */
UNUSED static void
add_year(struct calendar *c, const char *csv, int year, enum calendar_flavour flavour)
{
	zwy_v1_CalendarDay days[64] = {0};
	zwy_v1_CalendarYear y = {.days = days};
	char *copy = strdup(csv), *save = NULL, prefix[8];
	snprintf(prefix, sizeof(prefix), "%04d-", year);
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *kind = strchr(line, ',');
		if (!kind || strncmp(line, prefix, 5) != 0)
			continue;
		*kind++ = '\0';
		char *name = strchr(kind, ',');
		*name++ = '\0';
		if (flavour == HOLIDAYS_ONLY && strcmp(kind, "workday") == 0)
			continue;
		days[y.days_count++] = (zwy_v1_CalendarDay){.date = line, .kind = kind, .name = name};
	}
	struct fault f;
	if (y.days_count)
		assert_int_equal(calendar_add(c, year, &y, &f), 0);
	free(copy);
}

UNUSED static struct calendar *
shipped_calendar(int from, int to, enum calendar_flavour flavour)
{
	struct calendar *c = calendar_new();
	char *csv = read_source("server/data/cn-workdays.csv");
	for (int y = from; y <= to; y++)
		add_year(c, csv, y, flavour);
	free(csv);
	return c;
}

UNUSED static day
date(const char *text)
{
	day d;
	assert_true(date_parse(slice_of(text), &d));
	return d;
}

/* Ten in the morning in China. */
UNUSED static msec
at(const char *text)
{
	return day_start(date(text)) + 10 * 3600 * 1000;
}

#define assert_date(d, text)                       \
	do {                                       \
		char got_[DATE_LEN];               \
		date_format(got_, (d));            \
		assert_string_equal(got_, (text)); \
	} while (0)

/* What most tests are about: the process of regular applications. */
UNUSED static const struct process *const regular = &process_table[0];

/* ---- a request that is in order -------------------------------------------------- */

#define ITEMS_MAX 4

struct request {
	zwy_v1_Application a;
	zwy_v1_Item items[ITEMS_MAX];
	zwy_v1_Item_SpecEntry spec[2];
	zwy_v1_Application_DocumentEntry documents[3];
};

UNUSED static void
request_good(struct request *r)
{
	static char *const types[] = {"construction-plan", "construction-plan-approval", "security-filing"};
	*r = (struct request){0};
	r->spec[0] = (zwy_v1_Item_SpecEntry){"vcpu", "8"};
	r->spec[1] = (zwy_v1_Item_SpecEntry){"gib", "32"};
	r->items[0] =
		(zwy_v1_Item){.service = "cloud-server", .quantity = 2, .spec_count = 2, .spec = r->spec};
	r->items[1] = (zwy_v1_Item){.service = "block-storage", .quantity = 100};
	for (size_t i = 0; i < 3; i++)
		r->documents[i] = (zwy_v1_Application_DocumentEntry){types[i], "plan.pdf sha256:" HEX64};
	r->a = (zwy_v1_Application){
		.name = "applications/A-2026-000001",
		.kind = zwy_v1_APPLICATION_KIND_REGULAR,
		.system = "finance-portal",
		.zone = zwy_v1_ZONE_EXTRANET,
		.purpose = "portal",
		.has_cloud_plan = true,
		.cloud_plan = {"three tiers", "move", "4 servers", "backups"},
		.document_count = 3,
		.document = r->documents,
		.items_count = 2,
		.items = r->items,
	};
}

/* ---- the world ------------------------------------------------------------------ */

#define SERVICES      4
#define RESOURCES_MAX 512
#define HELD_MAX      16
#define CASES_MAX     16

struct world {
	struct arena arena;
	struct calendar *calendar;
	struct parameters parameters;
	uint32_t rules_version;
	zwy_v1_Node core, suzhou;
	zwy_v1_Department finance, health, suzhou_finance, kunshan;
	zwy_v1_System portal, records, suzhou_budget, kunshan_campus;
	zwy_v1_Dimension vcpu[2];
	zwy_v1_Service services[SERVICES], old_services[SERVICES];
	zwy_v1_QuotaDimension dimensions[SERVICES][3];
	zwy_v1_Quota quotas[SERVICES];
	struct document_facts documents[8];
	size_t document_count;
	struct item_facts items[ITEMS_MAX];
	zwy_v1_Resource resources[RESOURCES_MAX]; /* as the store would have them */
	size_t resource_count;
	struct resource_facts held[HELD_MAX];
	zwy_v1_Application cases[CASES_MAX]; /* that commands made or moved on beside `app` */
	size_t case_count;
	struct facts facts;
	struct request request; /* of world_reach; the application points into it */
	zwy_v1_Application app; /* as the store would have it */
	struct outcome out;
	struct fault fault, missing;
	size_t ledger; /* entries so far */
};

#define PERSON(who, role, lvl, reg, dept, at_node)                                            \
	{                                                                                     \
		.principal = "principals/" who, .caller = "principals/" who, .roles = (role), \
		.level = (lvl), .region = (reg), .department = (dept), .node = (at_node)      \
	}
#define P         zwy_v1_LEVEL_PROVINCE
#define C         zwy_v1_LEVEL_CITY
#define BIT(role) ROLE_BIT(zwy_v1_ROLE_##role)
UNUSED static const struct actor du = PERSON("li", BIT(DU), P, "320000", "provincial-finance", "core");
UNUSED static const struct actor du_health =
	PERSON("zhang", BIT(DU), P, "320000", "provincial-health", "core");
UNUSED static const struct actor ca = PERSON("chen", BIT(CA), P, "320000", "jiangsu-data-bureau", "core");
UNUSED static const struct actor op = PERSON("wang", BIT(OP), P, "320000", "jiangsu-bigdata-centre", "core");
UNUSED static const struct actor op_2 = PERSON("wei", BIT(OP), P, "320000", "jiangsu-bigdata-centre", "core");
UNUSED static const struct actor sp = PERSON("sp", BIT(SP), P, "320000", "huaxin", "core");
UNUSED static const struct actor reg = PERSON("zhou", BIT(REG), P, "320000", "cac", "core");
UNUSED static const struct actor aud = PERSON("zhao", BIT(AUD), P, "320000", "audit", "core");
UNUSED static const struct actor adm = PERSON("root", BIT(ADM), P, "320000", "", "core");
UNUSED static const struct actor suzhou_ca =
	PERSON("lu", BIT(CA), C, "320500", "suzhou-data-bureau", "suzhou");
UNUSED static const struct actor suzhou_op = PERSON("zhu", BIT(OP), C, "320500", "suzhou-bigdata", "suzhou");
UNUSED static const struct actor suzhou_du = PERSON("xu", BIT(DU), C, "320500", "suzhou-finance", "suzhou");
UNUSED static const struct actor kunshan_du =
	PERSON("tang", BIT(DU), zwy_v1_LEVEL_COUNTY, "320583", "kunshan-education", "suzhou");

/* A person may take that action in that state. */
UNUSED static bool
row_exists(const struct process *p, const char *state, const char *action)
{
	for (size_t i = 0; i < p->step_count; i++)
		if (p->steps[i].roles && strcmp(p->steps[i].from, state) == 0 &&
		    strcmp(p->steps[i].action, action) == 0)
			return true;
	return false;
}

UNUSED static const struct actor *
actor_of(unsigned roles)
{
	const struct actor *all[] = {&ca, &op, &du, &sp};
	for (size_t i = 0; i < COUNT(all); i++)
		if (all[i]->roles & roles)
			return all[i];
	return NULL;
}

static zwy_v1_System
world_system(char *name, char *department, char *node)
{
	return (zwy_v1_System){
		.name = name,
		.department = department,
		.node = node,
		.funding = zwy_v1_FUNDING_FISCAL,
		.party_in_charge = "a",
		.party_building = "b",
		.party_running = "c",
		.party_using = "d",
	};
}

static void
world_catalogue(struct world *w)
{
	static char *const slugs[SERVICES] = {"cloud-server", "block-storage", "bare-metal", "old-service"};
	static const uint64_t limits[SERVICES] = {10, 1000, 1, 5};
	static char *const names[3] = {"quantity", "vcpu", "gib"};
	static char *const subcategories[SERVICES] = {"compute", "storage", "compute", "database"};
	w->vcpu[0] = (zwy_v1_Dimension){.name = "vcpu", .unit = "vCPU", .required = true};
	w->vcpu[1] = (zwy_v1_Dimension){.name = "gib", .unit = "GiB"};
	for (size_t i = 0; i < SERVICES; i++) {
		w->services[i] = (zwy_v1_Service){
			.name = arena_printf(&w->arena, "catalogue/%s", slugs[i]),
			.state = i == 3 ? "retired" : "active",
			.subcategory = subcategories[i],
			.catalogue_version = 1,
		};
		w->quotas[i] = (zwy_v1_Quota){
			.name = arena_printf(&w->arena, "quotas/provincial-finance/%s", slugs[i]),
			.department = "provincial-finance",
			.node = "core",
			.dimensions_count = i == 0 ? 3 : 1,
			.dimensions = w->dimensions[i],
		};
		for (size_t k = 0; k < 3; k++)
			w->dimensions[i][k] = (zwy_v1_QuotaDimension){.name = names[k],
								      .limit = k == 0   ? limits[i]
									       : k == 1 ? 64
											: 256};
	}
	w->services[0].dimensions = w->vcpu;
	w->services[0].dimensions_count = 2;
}

static void
world_organisation(struct world *w)
{
	w->core = (zwy_v1_Node){.name = "nodes/core",
				.kind = "core",
				.region = "320000",
				.name_zh = "核心节点",
				.competent_authority = "jiangsu-data-bureau",
				.operator= "jiangsu-bigdata-centre",
				.ready = true};
	w->suzhou = (zwy_v1_Node){.name = "nodes/suzhou",
				  .kind = "backbone",
				  .region = "320500",
				  .name_zh = "苏州节点",
				  .competent_authority = "suzhou-data-bureau",
				  .operator= "suzhou-bigdata",
				  .ready = true};
	w->finance = (zwy_v1_Department){.name = "departments/provincial-finance",
					 .level = P,
					 .region = "320000",
					 .node = "core"};
	w->health = (zwy_v1_Department){.name = "departments/provincial-health",
					.level = P,
					.region = "320000",
					.node = "core"};
	w->suzhou_finance = (zwy_v1_Department){.name = "departments/suzhou-finance",
						.level = C,
						.region = "320500",
						.node = "suzhou"};
	w->kunshan = (zwy_v1_Department){.name = "departments/kunshan-education",
					 .level = zwy_v1_LEVEL_COUNTY,
					 .region = "320583",
					 .node = "suzhou"};
	w->portal = world_system("systems/finance-portal", "provincial-finance", "core");
	w->records = world_system("systems/health-records", "provincial-health", "core");
	w->suzhou_budget = world_system("systems/suzhou-budget", "suzhou-finance", "suzhou");
	w->kunshan_campus = world_system("systems/kunshan-campus", "kunshan-education", "suzhou");
}

UNUSED static zwy_v1_Resource *
world_resource(struct world *w, const char *id)
{
	for (size_t i = 0; i < w->resource_count; i++)
		if (strcmp(name_slug(w->resources[i].name), id) == 0)
			return &w->resources[i];
	return NULL;
}

/* Adds a resource that the case names, by its id, once. */
static const zwy_v1_Resource *
load_resource(struct world *w, const zwy_v1_Application *a, const char *id)
{
	zwy_v1_Resource *r = world_resource(w, id);
	struct facts *f = &w->facts;
	if (!r)
		return NULL;
	if (facts_resource(f, r->name))
		return r;
	assert_true(f->resource_count < HELD_MAX);
	struct resource_facts *held = &w->held[f->resource_count++];
	*held = (struct resource_facts){.resource = r, .held = application_holds(a, r->name)};
	for (size_t k = 0; k < SERVICES; k++)
		if (strcmp(name_slug(w->services[k].name), r->service) == 0) {
			bool old = w->old_services[k].name &&
				   w->services[k].catalogue_version != r->catalogue_version;
			held->service = old ? &w->old_services[k] : &w->services[k];
			held->quota = w->quotas[k].name ? &w->quotas[k] : NULL;
		}
	return r;
}

static void
load_resources(struct world *w, const zwy_v1_Application *a)
{
	struct facts *f = &w->facts;
	f->resources = w->held;
	if (text_of(a->resource)[0])
		f->resource = load_resource(w, a, name_slug(a->resource));
	for (size_t i = 0; i < a->items_count; i++)
		if (text_of(a->items[i].takes_over)[0])
			w->items[i].taken_over = load_resource(w, a, name_slug(a->items[i].takes_over));
	for (size_t i = 0; text_of(a->end_date)[0] && i < a->resources_count; i++)
		load_resource(w, a, name_slug(a->resources[i]));
}

/* Facts of the application as asked: what a service would load. */
UNUSED static void
world_load(struct world *w, const zwy_v1_Application *a, const struct actor *actor, msec now)
{
	const char *slug = reference_slug("systems", a->system);
	struct facts *f = &w->facts;
	const struct {
		const zwy_v1_System *system;
		const zwy_v1_Department *department;
		const zwy_v1_Node *node;
	} rows[] = {
		{&w->portal, &w->finance, &w->core},
		{&w->records, &w->health, &w->core},
		{&w->suzhou_budget, &w->suzhou_finance, &w->suzhou},
		{&w->kunshan_campus, &w->kunshan, &w->suzhou},
	};
	*f = (struct facts){.actor = actor,
			    .now = now,
			    .calendar = w->calendar,
			    .parameters = &w->parameters,
			    .catalogue_version = 7,
			    .rules_version = w->rules_version};
	for (size_t i = 0; i < COUNT(rows); i++)
		if (strcmp(name_slug(rows[i].system->name), slug) == 0) {
			f->system = rows[i].system;
			f->department = rows[i].department;
			f->node = rows[i].node;
		}
	memset(w->items, 0, sizeof(w->items));
	for (size_t i = 0; i < a->items_count; i++)
		for (size_t k = 0; k < SERVICES; k++)
			if (strcmp(name_slug(w->services[k].name),
				   reference_slug("catalogue", a->items[i].service)) == 0) {
				w->items[i].service = &w->services[k];
				w->items[i].quota = w->quotas[k].name ? &w->quotas[k] : NULL;
				if (w->old_services[k].name)
					w->items[i].pinned = &w->old_services[k];
			}
	f->items = w->items;
	f->item_count = a->items_count;
	f->documents = w->documents;
	f->document_count = w->document_count;
	load_resources(w, a);
}

UNUSED static void
world_open(struct world *w)
{
	*w = (struct world){.calendar = shipped_calendar(2024, 2026, FULL), .rules_version = 1};
	parameters_default(&w->parameters);
	world_catalogue(w);
	world_organisation(w);
}

UNUSED static void
world_close(struct world *w)
{
	calendar_free(w->calendar);
	arena_release(&w->arena);
}

static void
commit_resources(struct world *w, struct outcome *o)
{
	zwy_v1_Application *a = &o->application;
	for (size_t i = 0; i < o->changed_count; i++) {
		zwy_v1_Resource *r = world_resource(w, name_slug(o->changed[i].resource.name));
		assert_non_null(r);
		*r = o->changed[i].resource;
		r->revision++;
	}
	if (o->resource_count == 0)
		return;
	char **names = arena_array(&w->arena, a->resources_count + o->resource_count, sizeof(*names));
	if (a->resources_count)
		memcpy(names, a->resources, a->resources_count * sizeof(*names));
	a->resources = names;
	for (size_t i = 0; i < o->resource_count; i++) {
		assert_true(w->resource_count < RESOURCES_MAX);
		zwy_v1_Resource *r = &w->resources[w->resource_count++];
		*r = o->resources[i].resource;
		r->name = arena_printf(&w->arena, "resources/R-2026-%06zu", w->resource_count);
		a->items[o->resources[i].item].resource = names[a->resources_count++] = r->name;
	}
}

static void
commit_other(struct world *w, struct outcome *root, struct outcome *other)
{
	zwy_v1_Application *a = &other->application;
	if (!text_of(a->name)[0]) {
		a->name = arena_printf(&w->arena, "applications/A-2026-9%05zu", w->case_count);
		for (size_t i = 0; other->holds && i < root->changed_count; i++)
			if (application_holds(a, root->changed[i].resource.name))
				root->changed[i].resource.open_case = a->name;
	}
	for (size_t i = 0; i < w->case_count; i++)
		if (strcmp(w->cases[i].name, a->name) == 0) {
			w->cases[i] = *a;
			return;
		}
	assert_true(w->case_count < CASES_MAX);
	w->cases[w->case_count++] = *a;
}

/* Takes an outcome over as the store would. */
UNUSED static void
world_commit(struct world *w)
{
	for (size_t m = 0; m < w->out.move_count; m++)
		for (size_t k = 0; k < SERVICES; k++)
			if (strcmp(name_slug(w->quotas[k].name), w->out.moves[m].service) == 0) {
				assert_string_equal(w->out.moves[m].entry.cause, w->out.application.name);
				memcpy(w->dimensions[k], w->out.moves[m].quota.dimensions,
				       w->quotas[k].dimensions_count * sizeof(w->dimensions[k][0]));
				w->ledger++;
			}
	for (size_t i = 0; i < w->out.other_count; i++)
		commit_other(w, &w->out, w->out.others[i]);
	commit_resources(w, &w->out);
	w->app = w->out.application;
	w->app.revision++;
}

UNUSED static int
world_create(struct world *w, const zwy_v1_Application *asked, bool submit, const struct actor *actor,
	     const char *when)
{
	world_load(w, asked, actor, at(when));
	w->out = (struct outcome){0};
	int r = application_create(&w->facts, asked, submit, &w->arena, &w->out, &w->missing, &w->fault);
	if (r == 0)
		world_commit(w);
	return r;
}

/* form: alternating keys and values, ends with NULL. */
UNUSED static int
world_act(struct world *w, const struct actor *actor, msec now, const char *action, ...)
{
	struct form_entry form[8];
	struct act act = {.action = action, .form = form};
	va_list ap;
	va_start(ap, action);
	for (const char *key; (key = va_arg(ap, const char *)) != NULL; act.form_count++)
		form[act.form_count] = (struct form_entry){key, va_arg(ap, const char *)};
	va_end(ap);
	world_load(w, &w->app, actor, now);
	w->out = (struct outcome){0};
	int r = application_act(&w->facts, &w->app, &act, &w->arena, &w->out, &w->fault);
	if (r == 0)
		world_commit(w);
	return r;
}

UNUSED static int
world_clock(struct world *w, msec now, const char *term)
{
	world_load(w, &w->app, &adm, now);
	w->out = (struct outcome){0};
	int r = application_clock(&w->facts, &w->app, term, &w->arena, &w->out, &w->fault);
	if (r == 0 && w->out.event_count)
		world_commit(w);
	return r;
}

#define OPINION "complexity", "medium", "configuration", "reasonable", "architecture", "sound"

/* The way to a state, on one day, by those who are to go it. */
UNUSED static void
world_reach(struct world *w, const char *state, const char *when)
{
	request_good(&w->request);
	msec now = at(when);
	bool submit = strcmp(state, "draft") != 0;
	assert_int_equal(world_create(w, &w->request.a, submit, &du, when), 0);
	assert_int_equal(w->missing.code, 0);
#define STEP_TO(reached, actor, action, ...)                                                         \
	do {                                                                                         \
		if (strcmp(w->app.state, state) == 0)                                                \
			return;                                                                      \
		assert_int_equal(world_act(w, &actor, now, action, ##__VA_ARGS__, (char *)NULL), 0); \
		assert_string_equal(w->app.state, reached);                                          \
	} while (0)
#define IS(name) (strcmp(state, name) == 0)
	if (IS("withdrawn"))
		STEP_TO("withdrawn", du, "withdraw", "reason", "no need");
	if (IS("not_accepted"))
		STEP_TO("not_accepted", ca, "refuse_accept", "reason", "no");
	if (IS("need_supplement") || IS("lapsed"))
		STEP_TO("need_supplement", ca, "return_incomplete", "reason", "plan");
	if (IS("lapsed")) {
		assert_int_equal(world_clock(w, now + 60 * MSEC_PER_DAY, "supplement"), 0);
		assert_string_equal(w->app.state, "lapsed");
	}
	STEP_TO("accepted", ca, "accept");
	STEP_TO("under_review", op, "assign");
	if (IS("review_returned"))
		STEP_TO("review_returned", op, "opinion", "result", "return", OPINION);
	if (IS("review_failed"))
		STEP_TO("review_failed", op, "opinion", "result", "fail", OPINION);
	STEP_TO("review_passed", op, "opinion", "result", "pass", OPINION);
	STEP_TO("pending_decision", op, "forward");
	if (IS("rejected"))
		STEP_TO("rejected", ca, "decide", "decision", "reject", "comment", "too large");
	STEP_TO("approved", ca, "decide", "decision", "approve");
	if (IS("cancelled"))
		STEP_TO("cancelled", ca, "cancel", "reason", "asked for by the department");
	STEP_TO("provisioning", op, "start");
	if (IS("provision_failed"))
		STEP_TO("provision_failed", op, "fail", "reason", "no address");
	STEP_TO("in_service", op, "deliver", "endpoint", "10.0.0.1");
	STEP_TO("closed", du, "confirm");
	assert_string_equal(w->app.state, state);
#undef STEP_TO
#undef IS
}

UNUSED static const zwy_v1_QuotaDimension *
balance(const struct world *w, size_t service, size_t dimension)
{
	return &w->dimensions[service][dimension];
}

UNUSED static const zwy_v1_Clock *
app_clock(const zwy_v1_Application *a, const char *term)
{
	for (size_t i = a->clocks_count; i-- > 0;)
		if (strcmp(a->clocks[i].term, term) == 0)
			return &a->clocks[i];
	return NULL;
}

#undef P
#undef C

#endif
