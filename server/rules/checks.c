/* What an application must satisfy (Articles 2, 4, 5, 9, 11, 13, 26), a function
 * per row of checks.def. Each adds every defect that it finds. */
#include "rules/workflow.h"

bool
text_blank(const char *s)
{
	return slice_trim(slice_of(text_of(s))).n == 0;
}

zwy_v1_Zone
item_zone(const zwy_v1_Application *a, const zwy_v1_Item *item)
{
	return item->zone == zwy_v1_ZONE_UNSPECIFIED ? a->zone : item->zone;
}

/* Cites an article with the fault's first item, where the reason's row has none. */
static void
cite(struct fault *f, const char *article)
{
	if (f->item_count == 1)
		snprintf(f->article, sizeof(f->article), "%s", article);
}

static const char *
item_field(char *dst, size_t size, size_t index, const char *rest)
{
	snprintf(dst, size, "items.%zu%s", index + 1, rest);
	return dst;
}

static int
check_system(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	if (text_blank(a->system)) {
		fault_add(f, ERR_FIELD_MISSING, "system",
			  "system is missing: the slug of the information system");
		cite(f, "4");
	} else if (!facts->system)
		fault_add(f, ERR_UNKNOWN_SYSTEM, "system", "there is no information system %.63s", a->system);
	else if (!facts->department)
		fault_add(f, ERR_UNKNOWN_SYSTEM, "system", "the department %.63s of %.63s does not exist",
			  text_of(facts->system->department), a->system);
	else if (process_of(a->kind)->subject == SUBJECT_SYSTEM && /* else check_resource says whose it is */
		 (!text_is(facts->system->department, name_slug(facts->department->name)) ||
		  (text_of(a->department)[0] && !text_is(a->department, facts->system->department))))
		fault_add(f, ERR_FOREIGN_RECORD, "department", "%.63s belongs to %.63s, not to %.63s",
			  a->system, text_of(facts->system->department),
			  text_of(a->department)[0] ? a->department : name_slug(facts->department->name));
	return f->code;
}

static int
check_active(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	(void)a;
	if (facts->department && facts->department->inactive)
		fault_add(f, ERR_DEPARTMENT_INACTIVE, "department",
			  "%.63s is not active any more and may not apply",
			  name_slug(facts->department->name));
	return f->code;
}

static int
check_exempt(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	if (facts->system && facts->system->exempt)
		fault_add(f, ERR_SYSTEM_EXEMPT, "system",
			  "%.63s is exempt: law or policy says that the cloud does not suit it, so it cannot "
			  "apply",
			  a->system);
	return f->code;
}

static int
check_classified(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	if (a->classified || (facts->system && facts->system->classified))
		fault_add(f, ERR_CLASSIFIED, "classified",
			  "%.63s is classified%s; the cloud serves unclassified systems only",
			  text_of(a->system), a->classified ? " by the application itself" : "");
	return f->code;
}

static int
check_fiscal(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	bool asked = a->funding == zwy_v1_FUNDING_UNSPECIFIED || a->funding == zwy_v1_FUNDING_FISCAL;
	bool recorded = !facts->system || facts->system->funding == zwy_v1_FUNDING_FISCAL;
	if (!asked || !recorded)
		fault_add(f, ERR_NOT_FISCAL, "funding",
			  "%.63s is not built with fiscal funds%s; the cloud serves systems built with them "
			  "only",
			  text_of(a->system), recorded ? " by the application itself" : "");
	return f->code;
}

static int
check_node(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	const char *department = facts->department ? name_slug(facts->department->name) : "";
	if (!facts->node)
		fault_add(f, ERR_NODE_MISMATCH, "node", "no node serves %.63s: its level and region are %s",
			  department, facts->department ? text_of(facts->department->region) : "unknown");
	else if (text_of(a->node)[0] && !text_is(a->node, name_slug(facts->node->name)))
		fault_add(f, ERR_NODE_MISMATCH, "node",
			  "%.63s is served by %.63s, not by %.63s; leave node out", department,
			  name_slug(facts->node->name), a->node);
	return f->code;
}

static int
check_ready(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	const zwy_v1_Node *node = facts->node;
	(void)a;
	if (node && !node->ready)
		fault_add(f, ERR_NODE_UNREADY, "node", "node %.63s has no designated %s yet",
			  name_slug(node->name),
			  text_of(node->competent_authority)[0] == '\0' ? "competent authority" : "operator");
	return f->code;
}

static int
check_parties(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	const zwy_v1_System *s = facts->system;
	if (!s)
		return f->code;
	const struct {
		const char *value, *field, *text;
	} parties[] = {
		{s->party_in_charge, "party-in-charge", "谁主管"},
		{s->party_building, "party-building", "谁建设"},
		{s->party_running, "party-running", "谁运行"},
		{s->party_using, "party-using", "谁使用"},
	};
	for (size_t i = 0; i < sizeof(parties) / sizeof(parties[0]); i++)
		if (text_blank(parties[i].value))
			fault_add(f, ERR_PARTY_MISSING, parties[i].field,
				  "systems/%.63s lacks %s (%s): record it there first", text_of(a->system),
				  parties[i].field, parties[i].text);
	return f->code;
}

static int
check_known(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	char field[64];
	for (size_t i = 0; i < a->items_count; i++)
		if (!facts->items[i].service)
			fault_add(
				f, ERR_UNKNOWN_SERVICE, item_field(field, sizeof(field), i, ".service"),
				"the catalogue has no service `%.63s`; choose the nearest one and say so in "
				"substitute-for",
				text_of(a->items[i].service));
	return f->code;
}

static int
check_available(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	char field[64];
	for (size_t i = 0; i < a->items_count; i++) {
		const zwy_v1_Service *s = facts->items[i].service;
		if (s && !text_is(s->state, "active"))
			fault_add(f, ERR_SERVICE_RETIRED, item_field(field, sizeof(field), i, ".service"),
				  "%.63s is %.20s; only active services can be applied for",
				  text_of(a->items[i].service), text_of(s->state));
	}
	return f->code;
}

static int
check_zone(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	(void)facts;
	if (a->zone == zwy_v1_ZONE_UNSPECIFIED) {
		fault_add(f, ERR_FIELD_MISSING, "zone",
			  "zone is missing: extranet (政务外网区) or internet (互联网区)");
		cite(f, "9");
	}
	return f->code;
}

/* What keeps an item from linking through its exchange; "" if nothing does. */
static const char *
link_defect(const struct facts *facts, const zwy_v1_Application *a, const zwy_v1_Item *item,
	    const zwy_v1_Exchange *e)
{
	char today[DATE_LEN];
	date_format(today, day_of(facts->now));
	if (text_of(item->exchange)[0] == '\0')
		return "name the approved record in exchange";
	if (!e)
		return "there is no such record";
	if (!text_is(e->state, "approved"))
		return "it is not approved";
	if (!text_is(e->from_system, a->system))
		return "it is another system's";
	if (e->from_zone != item_zone(a, item) || e->to_zone != item->link)
		return "it joins the zones in the other direction";
	return strcmp(text_of(e->valid_until), today) < 0 ? "it has ended" : "";
}

static int
check_links(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	char field[64];
	for (size_t i = 0; i < a->items_count; i++) {
		const zwy_v1_Item *item = &a->items[i];
		zwy_v1_Zone zone = item_zone(a, item);
		if (item->link == zwy_v1_ZONE_UNSPECIFIED || zone == zwy_v1_ZONE_UNSPECIFIED ||
		    item->link == zone)
			continue;
		const char *defect = link_defect(facts, a, item, facts->items[i].exchange);
		if (defect[0])
			fault_add(f, ERR_LINK_UNAPPROVED, item_field(field, sizeof(field), i, ".exchange"),
				  "items.%zu (%.63s) links from its zone to the other one by `%.63s`: %s",
				  i + 1, text_of(item->service), text_of(item->exchange), defect);
	}
	return f->code;
}

static int
check_items(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	(void)facts;
	if (a->items_count == 0) {
		fault_add(f, ERR_FIELD_MISSING, "items",
			  "no item: name at least one service of the catalogue");
		cite(f, "13");
	}
	return f->code;
}

static int
check_quantities(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	char field[64];
	(void)facts;
	for (size_t i = 0; i < a->items_count; i++)
		if (a->items[i].quantity == 0) {
			fault_add(f, ERR_INVALID_FIELD, item_field(field, sizeof(field), i, ".quantity"),
				  "%s (%.63s) is 0 or missing; give at least 1", field,
				  text_of(a->items[i].service));
			cite(f, "13");
		}
	return f->code;
}

static int
check_substitutes(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	char field[64];
	(void)facts;
	for (size_t i = 0; i < a->items_count; i++)
		if (!text_blank(a->items[i].substitute_for) && text_blank(a->items[i].reason)) {
			fault_add(f, ERR_FIELD_MISSING, item_field(field, sizeof(field), i, ".reason"),
				  "%s is missing: say why %.63s stands for `%.60s`", field,
				  text_of(a->items[i].service), a->items[i].substitute_for);
			cite(f, "13");
		}
	return f->code;
}

static int
check_plan(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	const struct {
		const char *value, *field, *text;
	} sections[] = {
		{a->cloud_plan.architecture, "cloud-plan.architecture",
		 "部署架构, on a cloud architecture: Art. 8"},
		{a->cloud_plan.demand, "cloud-plan.demand", "上云需求"},
		{a->cloud_plan.quantities, "cloud-plan.quantities", "资源数量"},
		{a->cloud_plan.operations_security, "cloud-plan.operations-security", "运维安全保障"},
	};
	(void)facts;
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (!a->has_cloud_plan || text_blank(sections[i].value))
			fault_add(f, ERR_PLAN_INCOMPLETE, sections[i].field, "%s (%s) is empty",
				  sections[i].field, sections[i].text);
	return f->code;
}

/* One figure that the catalogue asks for. */
static void
check_spec(const zwy_v1_Item *item, size_t index, const zwy_v1_Dimension *d, int missing, int wrong,
	   struct fault *f)
{
	const char *name = text_of(d->name), *value = item_spec(item, name);
	char field[96];
	uint64_t n;
	snprintf(field, sizeof(field), "items.%zu.spec.%.40s", index + 1, name);
	if (!value && d->required)
		fault_add(f, missing, field, "%s is missing: %.63s needs a whole number of %.20s", field,
			  text_of(item->service), text_of(d->unit));
	else if (value && (!slice_to_u64(slice_of(value), &n) || n < 1))
		fault_add(f, wrong, field, "%s is `%.40s`; %.63s needs a whole number of %.20s, at least 1",
			  field, value, text_of(item->service), text_of(d->unit));
	cite(f, missing == ERR_CATALOGUE_CHANGED ? "11" : "13");
}

static int
check_specs(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	for (size_t i = 0; i < a->items_count; i++) {
		const zwy_v1_Service *s = facts->items[i].service;
		for (size_t k = 0; s && k < s->dimensions_count; k++)
			check_spec(&a->items[i], i, &s->dimensions[k], ERR_FIELD_MISSING, ERR_INVALID_FIELD,
				   f);
	}
	return f->code;
}

static int
check_changed(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	for (size_t i = 0; i < a->items_count; i++) {
		const zwy_v1_Service *s = facts->items[i].service;
		if (!s || s->catalogue_version == a->items[i].catalogue_version)
			continue;
		for (size_t k = 0; k < s->dimensions_count; k++)
			check_spec(&a->items[i], i, &s->dimensions[k], ERR_CATALOGUE_CHANGED,
				   ERR_CATALOGUE_CHANGED, f);
	}
	return f->code;
}

typedef int (*check_fn)(const struct facts *facts, const zwy_v1_Application *a, struct fault *f);

static const struct check {
	check_fn check;
	unsigned processes; /* P_ bits */
	bool stages[STAGE_COUNT];
} checks[] = {
#define CHECK(name, processes, create, submit, resubmit, approve) \
	{check_##name, processes, {create, submit, resubmit, approve}},
#include "rules/checks.def"
#undef CHECK
};

int
application_check(const struct facts *facts, const zwy_v1_Application *a, enum stage stage, unsigned flags,
		  struct fault *f)
{
	struct fault own;
	const struct process *p = process_of(a->kind);
	if (!f)
		f = &own;
	fault_clear(f);
	if (!p)
		return fault_set(f, ERR_INTERNAL, "applications of kind %d have no process", (int)a->kind);
	if (facts->item_count != a->items_count)
		return fault_set(f, ERR_INTERNAL, "facts of %zu items for %zu", facts->item_count,
				 (size_t)a->items_count);
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (!checks[i].stages[stage] || !(checks[i].processes & 1u << p->id) ||
		    ((flags & CHECK_EXCEPT_DOCUMENTS) && checks[i].check == check_documents))
			continue;
		checks[i].check(facts, a, f);
		if (f->code && !(flags & CHECK_ALL))
			break;
	}
	fault_summarise(f);
	return f->code;
}

void
fault_summarise(struct fault *f)
{
	if (f->item_count < 2)
		return;
	char text[sizeof(f->text)];
	size_t n = (size_t)snprintf(text, sizeof(text), "%zu defects: ", f->item_count + f->more);
	for (size_t i = 0; i < f->item_count; i++) {
		size_t want = strlen(f->items[i].text) + 2;
		if (n + want + sizeof("…") > sizeof(text)) {
			n += (size_t)snprintf(text + n, sizeof(text) - n, "…");
			break;
		}
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? "; " : "", f->items[i].text);
	}
	memcpy(f->text, text, n + 1);
}
