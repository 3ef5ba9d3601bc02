/* The shipped data passes the rules in the order in which --init reads it, and is
 * what the regulation and the contract say. */
#include "fixture.h"

#include "rules/major.h"
#include "rules/records.h"

#define ROWS_MAX    256
#define COLUMNS_MAX 20

/* A whole file: the first row names the columns. */
struct table {
	char *text;
	char *cells[ROWS_MAX][COLUMNS_MAX];
	size_t rows, columns;
};

static char *
next_cell(char **at, bool *ret_last)
{
	char *cell = *at, *end;
	if (*cell == '"') {
		end = strchr(++cell, '"');
		*end++ = '\0';
	} else {
		end = cell + strcspn(cell, ",\n");
	}
	*ret_last = *end != ',';
	if (*end)
		*end++ = '\0';
	*at = end;
	return cell;
}

static struct table *
table_read(const char *path)
{
	struct table *t = calloc(1, sizeof(*t));
	t->text = read_source(path);
	for (char *at = t->text; *at; t->rows++) {
		size_t c = 0;
		assert_true(t->rows < ROWS_MAX);
		for (bool last = false; !last; c++) {
			assert_true(c < COLUMNS_MAX);
			t->cells[t->rows][c] = next_cell(&at, &last);
		}
		if (t->rows == 0)
			t->columns = c;
		assert_int_equal(c, t->columns);
	}
	return t;
}

static void
table_free(struct table *t)
{
	free(t->text);
	free(t);
}

static char *
cell(const struct table *t, size_t row, const char *column)
{
	for (size_t c = 0; c < t->columns; c++)
		if (strcmp(t->cells[0][c], column) == 0)
			return t->cells[row][c];
	fail_msg("no column %s", column);
	return NULL;
}

static const struct actor program = {.principal = "system", .is_system = true};

/* What --init has made so far. */
struct shipped {
	struct arena arena;
	struct table *nodes_csv, *catalogue_csv, *departments_csv, *bodies_csv, *systems_csv, *quotas_csv,
		*principals_csv;
	zwy_v1_Node nodes[14];
	const zwy_v1_Node *node_list[14];
	size_t node_count;
	zwy_v1_Service services[64];
	size_t service_count;
	zwy_v1_Department departments[64];
	size_t department_count;
	zwy_v1_System systems[64];
	size_t system_count;
	zwy_v1_Principal principals[64];
	size_t principal_count;
	struct fault fault;
};

static struct shipped s;

static zwy_v1_Level
level_of(const char *text)
{
	return strcmp(text, "province") == 0 ? zwy_v1_LEVEL_PROVINCE
	       : strcmp(text, "city") == 0   ? zwy_v1_LEVEL_CITY
	       : strcmp(text, "county") == 0 ? zwy_v1_LEVEL_COUNTY
					     : zwy_v1_LEVEL_UNSPECIFIED;
}

static char *
named(const char *collection, const char *slug)
{
	return arena_printf(&s.arena, "%s/%s", collection, slug);
}

static const zwy_v1_Department *
find_department(const char *slug)
{
	for (size_t i = 0; i < s.department_count; i++)
		if (strcmp(name_slug(s.departments[i].name), slug) == 0)
			return &s.departments[i];
	return NULL;
}

static const zwy_v1_Service *
find_service(const char *slug)
{
	for (size_t i = 0; i < s.service_count; i++)
		if (strcmp(name_slug(s.services[i].name), slug) == 0)
			return &s.services[i];
	return NULL;
}

static void
init_nodes(void)
{
	struct table *t = s.nodes_csv = table_read("server/data/nodes.csv");
	for (size_t i = 1; i < t->rows; i++) {
		zwy_v1_Node n = {.name = named("nodes", cell(t, i, "slug")),
				 .kind = cell(t, i, "kind"),
				 .region = cell(t, i, "region"),
				 .name_zh = cell(t, i, "name-zh")};
		assert_int_equal(node_rule(&program, NULL, &n, NULL, NULL, s.node_list, s.node_count,
					   &s.arena, &s.nodes[s.node_count], &s.fault),
				 0);
		assert_false(s.nodes[s.node_count].ready);
		s.node_list[s.node_count] = &s.nodes[s.node_count];
		s.node_count++;
	}
}

static void
init_catalogue(void)
{
	struct table *t = s.catalogue_csv = table_read("server/data/catalogue.csv");
	for (size_t i = 1; i < t->rows; i++) {
		zwy_v1_Dimension *dims = arena_array(&s.arena, 2, sizeof(*dims));
		zwy_v1_Service v = {.name = named("catalogue", cell(t, i, "slug")),
				    .layer = cell(t, i, "layer"),
				    .subcategory = cell(t, i, "subcategory"),
				    .unit = cell(t, i, "unit"),
				    .requirement = cell(t, i, "requirement"),
				    .name_zh = cell(t, i, "name_zh"),
				    .dimensions = dims};
		for (int d = 1; d <= 2; d++) {
			char column[32];
			snprintf(column, sizeof(column), "dimensions.%d.name", d);
			if (cell(t, i, column)[0])
				dims[v.dimensions_count++].name = cell(t, i, column);
		}
		assert_int_equal(atoi(cell(t, i, "seq")), i);
		assert_int_equal(service_rule(&program, NULL, &v, 1, &s.arena, &s.services[s.service_count++],
					      &s.fault),
				 0);
	}
}

static void
init_departments(void)
{
	struct table *t = s.departments_csv = table_read("server/data/demo/departments.csv");
	for (size_t i = 1; i < t->rows; i++) {
		zwy_v1_Department d = {.name = named("departments", cell(t, i, "slug")),
				       .name_zh = cell(t, i, "name-zh"),
				       .level = level_of(cell(t, i, "level")),
				       .region = cell(t, i, "region"),
				       .inactive = strcmp(cell(t, i, "inactive"), "true") == 0};
		assert_null(find_department(cell(t, i, "slug")));
		assert_int_equal(department_rule(&program, NULL, &d, s.node_list, s.node_count, &s.arena,
						 &s.departments[s.department_count++], &s.fault),
				 0);
	}
	t = s.bodies_csv = table_read("server/data/demo/nodes.csv");
	for (size_t i = 1; i < t->rows; i++)
		for (size_t n = 0; n < s.node_count; n++) {
			zwy_v1_Node asked = s.nodes[n];
			if (strcmp(name_slug(asked.name), cell(t, i, "slug")) != 0)
				continue;
			asked.competent_authority = cell(t, i, "competent-authority");
			asked.operator= cell(t, i, "operator");
			asked.designation = cell(t, i, "designation");
			assert_int_equal(node_rule(&program, &s.nodes[n], &asked,
						   find_department(asked.competent_authority),
						   find_department(asked.operator), s.node_list, s.node_count,
						   &s.arena, &s.nodes[n], &s.fault),
					 0);
		}
}

static void
init_systems(void)
{
	struct table *t = s.systems_csv = table_read("server/data/demo/systems.csv");
	for (size_t i = 1; i < t->rows; i++) {
		zwy_v1_System v = {
			.name = named("systems", cell(t, i, "slug")),
			.name_zh = cell(t, i, "name-zh"),
			.department = cell(t, i, "department"),
			.funding = strcmp(cell(t, i, "funding"), "fiscal") == 0 ? zwy_v1_FUNDING_FISCAL
										: zwy_v1_FUNDING_OTHER,
			.classified = strcmp(cell(t, i, "classified"), "true") == 0,
			.phase = cell(t, i, "phase"),
			.protection_grade = (uint32_t)atoi(cell(t, i, "protection-grade")),
			.party_in_charge = cell(t, i, "party-in-charge"),
			.party_building = cell(t, i, "party-building"),
			.party_running = cell(t, i, "party-running"),
			.party_using = cell(t, i, "party-using"),
		};
		const zwy_v1_Department *d = find_department(v.department);
		assert_int_equal(system_rule(&program, NULL, &v, d, &s.arena, &s.systems[s.system_count++],
					     &s.fault),
				 0);
	}
}

static int
init_all(void **state)
{
	(void)state;
	init_nodes();
	init_catalogue();
	init_departments();
	init_systems();
	return 0;
}

static int
free_all(void **state)
{
	(void)state;
	struct table *tables[] = {s.nodes_csv,   s.catalogue_csv, s.departments_csv, s.bodies_csv,
				  s.systems_csv, s.quotas_csv,    s.principals_csv};
	for (size_t i = 0; i < COUNT(tables); i++)
		if (tables[i])
			table_free(tables[i]);
	arena_release(&s.arena);
	return 0;
}

static void
art_06_fourteen_nodes_of_which_one_is_not_ready(void **state)
{
	size_t ready = 0;
	(void)state;
	assert_int_equal(s.node_count, 14);
	for (size_t i = 0; i < s.node_count; i++) {
		ready += s.nodes[i].ready;
		assert_int_equal(s.nodes[i].ready, strcmp(s.nodes[i].name, "nodes/suqian") != 0);
	}
	assert_int_equal(ready, 13);
}

static void
appendix_44_services_19_of_them_mandatory(void **state)
{
	size_t mandatory = 0;
	(void)state;
	assert_int_equal(s.service_count, 44);
	for (size_t i = 0; i < s.service_count; i++)
		mandatory += strcmp(s.services[i].requirement, "mandatory") == 0;
	assert_int_equal(mandatory, 19);
	assert_string_equal(find_service("cloud-server")->dimensions[0].name, "vcpu");
}

/* measures.def: no figure of the catalogue in vCPU or GiB is without its threshold. */
static void
art_15_2_every_figure_of_the_catalogue_has_its_threshold(void **state)
{
	size_t memory = 0, storage = 0;
	(void)state;
	for (size_t i = 0; i < s.service_count; i++) {
		const zwy_v1_Service *v = &s.services[i];
		for (size_t k = 0; k < v->dimensions_count; k++)
			assert_int_not_equal(major_parameter(v, v->dimensions[k].name), PARAM_COUNT);
		enum parameter quantity = major_parameter(v, "quantity");
		bool measured = v->dimensions_count == 0 && strcmp(v->unit, "GiB·h") == 0;
		assert_int_equal(quantity != PARAM_COUNT, measured);
		memory += quantity == PARAM_MAJOR_RAM;
		storage += quantity == PARAM_MAJOR_STORAGE;
	}
	assert_int_equal(storage, 3); /* block, object, file */
	assert_int_equal(memory, 1);  /* the cache */
	assert_int_equal(major_parameter(find_service("cloud-server"), "vcpu"), PARAM_MAJOR_VCPU);
	assert_int_equal(major_parameter(find_service("cloud-server"), "gib"), PARAM_MAJOR_RAM);
}

static void
demo_systems_show_each_kind_of_refusal(void **state)
{
	size_t classified = 0, other = 0, lacking = 0, inactive = 0;
	(void)state;
	for (size_t i = 0; i < s.system_count; i++) {
		const zwy_v1_System *v = &s.systems[i];
		classified += v->classified;
		other += v->funding != zwy_v1_FUNDING_FISCAL;
		lacking += !v->party_in_charge[0] || !v->party_building[0] || !v->party_running[0] ||
			   !v->party_using[0];
		inactive += find_department(v->department)->inactive;
	}
	assert_true(classified && other && lacking && inactive);
	const zwy_v1_System *portal = &s.systems[0];
	assert_string_equal(portal->name, "systems/finance-portal");
	assert_string_equal(portal->department, "provincial-finance");
	assert_true(portal->party_in_charge[0] && portal->party_building[0] && portal->party_running[0] &&
		    portal->party_using[0]);
	assert_false(portal->classified);
}

static const zwy_v1_System *
find_system(const char *slug)
{
	for (size_t i = 0; i < s.system_count; i++)
		if (strcmp(s.systems[i].name + strlen("systems/"), slug) == 0)
			return &s.systems[i];
	return NULL;
}

static void
art_05_a_demo_system_is_exempt_with_a_basis(void **state)
{
	struct table *t = table_read("server/data/demo/exemptions.csv");
	size_t confirmed = 0;
	(void)state;
	for (size_t i = 1; i < t->rows; i++) {
		zwy_v1_Exemption e = {.name = named("exemptions", cell(t, i, "slug")),
				      .system = cell(t, i, "system"),
				      .basis = cell(t, i, "basis"),
				      .document = cell(t, i, "document")},
				 ret;
		struct scope_facts facts = {.actor = &program, .system = find_system(e.system)};
		assert_int_equal(exemption_rule(&facts, NULL, &e, &s.arena, &ret, &s.fault), 0);
		confirmed += strcmp(ret.state, "confirmed") == 0;
	}
	assert_true(confirmed);
	table_free(t);
}

static void
demo_quotas_are_of_departments_and_services_that_exist(void **state)
{
	struct parameters parameters;
	struct table *t = s.quotas_csv = table_read("server/data/demo/quotas.csv");
	(void)state;
	parameters_default(&parameters);
	for (size_t i = 1; i < t->rows; i++) {
		zwy_v1_QuotaDimension dims[3] = {0};
		zwy_v1_Quota q = {.name = cell(t, i, "name"), .dimensions = dims}, ret;
		char department[64] = "", service[64] = "", column[32];
		assert_int_equal(sscanf(q.name, "quotas/%63[^/]/%63s", department, service), 2);
		for (int d = 1; d <= 3; d++) {
			snprintf(column, sizeof(column), "dimensions.%d.name", d);
			if (cell(t, i, column)[0] == '\0')
				continue;
			dims[q.dimensions_count].name = cell(t, i, column);
			snprintf(column, sizeof(column), "dimensions.%d.limit", d);
			dims[q.dimensions_count++].limit = strtoull(cell(t, i, column), NULL, 10);
		}
		struct quota_facts facts = {find_department(department), find_service(service), NULL,
					    &parameters};
		assert_int_equal(quota_rule(&program, NULL, &q, &facts, &s.arena, &ret, &s.fault), 0);
		if (strcmp(service, "bare-metal") == 0)
			assert_int_equal(ret.dimensions[0].limit, 1);
	}
}

static size_t
parse_roles(char *text, zwy_v1_Role *ret)
{
	static const char *const names[] = {"", "ca", "op", "du", "reg", "aud", "sp", "adm", "iso"};
	size_t n = 0;
	char *save = NULL;
	for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
		for (size_t r = 1; r < COUNT(names); r++)
			if (strcmp(names[r], word) == 0)
				ret[n++] = (zwy_v1_Role)r;
	return n;
}

static const char *
uid_owner(uint32_t uid)
{
	for (size_t i = 0; i < s.principal_count; i++)
		for (size_t k = 0; k < s.principals[i].uids_count; k++)
			if (s.principals[i].uids[k] == uid)
				return s.principals[i].name;
	return NULL;
}

static void
demo_principals_have_one_person_for_each_role(void **state)
{
	unsigned seen[3] = {0};
	struct table *t = s.principals_csv = table_read("server/data/demo/principals.csv");
	(void)state;
	for (size_t i = 1; i < t->rows; i++) {
		uint32_t *uid = arena_alloc(&s.arena, sizeof(*uid));
		zwy_v1_Role *roles = arena_array(&s.arena, 8, sizeof(*roles));
		*uid = (uint32_t)strtoul(cell(t, i, "uids"), NULL, 10);
		zwy_v1_Principal p = {
			.name = named("principals", cell(t, i, "slug")),
			.roles = roles,
			.roles_count = (pb_size_t)parse_roles(cell(t, i, "roles"), roles),
			.organisation = cell(t, i, "organisation"),
			.level = level_of(cell(t, i, "level")),
			.region = cell(t, i, "region"),
			.uids = uid,
			.uids_count = 1,
		};
		const char *owner = uid_owner(*uid);
		const zwy_v1_Department *d = find_department(p.organisation);
		assert_non_null(d);
		assert_string_equal(d->region, p.region);
		assert_int_equal(d->level, p.level);
		assert_int_equal(principal_rule(&program, NULL, &p, &owner, &s.arena,
						&s.principals[s.principal_count++], &s.fault),
				 0);
		int place = strncmp(cell(t, i, "slug"), "core-", 5) == 0      ? 0
			    : strncmp(cell(t, i, "slug"), "nanjing-", 8) == 0 ? 1
			    : strncmp(cell(t, i, "slug"), "suzhou-", 7) == 0  ? 2
									      : -1;
		for (size_t k = 0; place >= 0 && k < p.roles_count; k++)
			seen[place] |= ROLE_BIT(roles[k]);
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(seen[i], BIT(CA) | BIT(OP) | BIT(DU) | BIT(REG) | BIT(AUD) | BIT(SP));
	assert_string_equal(uid_owner(0), "principals/demo");
	assert_string_equal(uid_owner(20004), "principals/core-du");
	assert_string_equal(uid_owner(20022), "principals/suzhou-sp");
	assert_string_equal(uid_owner(20023), "principals/kunshan-du");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(art_06_fourteen_nodes_of_which_one_is_not_ready),
		cmocka_unit_test(appendix_44_services_19_of_them_mandatory),
		cmocka_unit_test(art_15_2_every_figure_of_the_catalogue_has_its_threshold),
		cmocka_unit_test(demo_systems_show_each_kind_of_refusal),
		cmocka_unit_test(art_05_a_demo_system_is_exempt_with_a_basis),
		cmocka_unit_test(demo_quotas_are_of_departments_and_services_that_exist),
		cmocka_unit_test(demo_principals_have_one_person_for_each_role),
	};
	return cmocka_run_group_tests(tests, init_all, free_all);
}
