/* Catalogue, nodes, calendar and parameters: what holds for everybody. */
#include "rules/application.h"
#include "rules/authority.h"
#include "rules/names.h"
#include "rules/overlay.h"
#include "rules/records.h"
#include "rules/workflow.h"

#define BACKBONE_NODES 13 /* Article 6 */

/* The province's competent authority (Articles 4 and 11). */
static int
province_check(const struct actor *actor, const char *what, const char *article, struct fault *f)
{
	int r = role_check(actor, CA_BIT, what, article, f);
	if (r || actor->is_system || actor->level == zwy_v1_LEVEL_PROVINCE)
		return r;
	return fault_set(f, ERR_WRONG_JURISDICTION,
			 "%s is for the province's competent authority; %.80s acts for region %.12s", what,
			 text_of(actor->principal), text_of(actor->region));
}

static bool
one_of(const char *value, const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		if (text_is(value, words[i]))
			return true;
	return false;
}

/* ---- catalogue ---------------------------------------------------------------- */

static int
check_dimensions(const zwy_v1_Service *s, struct fault *f)
{
	for (size_t i = 0; i < s->dimensions_count; i++) {
		const char *name = text_of(s->dimensions[i].name);
		if (!slug_valid(name) || text_is(name, "quantity"))
			return fault_set(
				f, ERR_INVALID_FIELD,
				"dimensions.%zu.name is `%.40s`; write it like vcpu; quantity always counts",
				i + 1, name);
		for (size_t k = 0; k < i; k++)
			if (text_is(s->dimensions[k].name, name))
				return fault_set(f, ERR_INVALID_FIELD, "dimensions.%zu: %.40s is given twice",
						 i + 1, name);
	}
	return 0;
}

static int
check_service(const zwy_v1_Service *s, struct fault *f)
{
	static const char *const states[] = {"planned", "active", "paused", "retired", NULL};
	static const char *const layers[] = {"iaas", "paas", "saas", NULL};
	static const char *const requirements[] = {"mandatory", "optional", NULL};
	if (strncmp(text_of(s->name), "catalogue/", 10) != 0 || !slug_valid(name_slug(s->name)))
		return fault_set(f, ERR_INVALID_NAME,
				 "`%.80s` is no name; write catalogue/ and lower case letters, digits and "
				 "single hyphens",
				 text_of(s->name));
	if (!one_of(s->state, states))
		return fault_set(f, ERR_INVALID_FIELD,
				 "state is `%.20s`; allowed: planned, active, paused, retired",
				 text_of(s->state));
	if (!one_of(s->layer, layers))
		return fault_set_article(f, ERR_INVALID_FIELD, "8",
					 "layer is `%.20s`; allowed: iaas, paas, saas", text_of(s->layer));
	if (!one_of(s->requirement, requirements))
		return fault_set_article(f, ERR_INVALID_FIELD, "8",
					 "requirement is `%.20s`; allowed: mandatory, optional",
					 text_of(s->requirement));
	if (text_of(s->name_zh)[0] == '\0')
		return fault_set(f, ERR_FIELD_MISSING, "name-zh is missing: what the service is called");
	return check_dimensions(s, f);
}

int
service_rule(const struct actor *actor, const zwy_v1_Service *before, const zwy_v1_Service *asked,
	     uint32_t version, struct arena *arena, zwy_v1_Service *ret, struct fault *f)
{
	zwy_v1_Service s = *asked;
	int r = province_check(actor, "publishing the catalogue", "11", f);
	if (r)
		return r;
	if (text_of(s.state)[0] == '\0')
		s.state = arena_strdup(arena, "active");
	if (arena->failed)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	r = check_service(&s, f);
	if (r)
		return r;
	if (before && text_is(before->state, "retired") && !text_is(s.state, "retired"))
		return fault_set(f, ERR_SERVICE_RETIRED,
				 "%.63s is retired for good: publish a new service under a slug of its own",
				 name_slug(s.name));
	if (before && text_is(s.state, "planned") && !text_is(before->state, "planned"))
		return fault_set_article(f, ERR_INVALID_FIELD, "11",
					 "%.63s was published already; it can be paused or retired",
					 name_slug(s.name));
	s.catalogue_version = version;
	*ret = s;
	return 0;
}

/* ---- nodes -------------------------------------------------------------------- */

/* Article 6: one core node, thirteen backbone nodes, no region twice. */
static int
check_layout(const zwy_v1_Node *asked, const zwy_v1_Node *const *nodes, size_t count, struct fault *f)
{
	bool core = text_is(asked->kind, "core");
	size_t same = 0;
	if (!core && !text_is(asked->kind, "backbone"))
		return fault_set_article(f, ERR_INVALID_FIELD, "6",
					 "kind is `%.20s`; allowed: core, backbone", text_of(asked->kind));
	for (size_t i = 0; i < count; i++) {
		same += text_is(nodes[i]->kind, asked->kind);
		if (text_is(nodes[i]->region, asked->region))
			return fault_set(f, ERR_NODE_LAYOUT, "region %.12s has the node %.63s already",
					 text_of(asked->region), name_slug(nodes[i]->name));
	}
	if (same >= (core ? 1 : BACKBONE_NODES))
		return fault_set(f, ERR_NODE_LAYOUT, "there are one core node and %d backbone nodes already",
				 BACKBONE_NODES);
	return 0;
}

/* A body of a node is a department that the node serves, at the level of the node. */
static int
check_body(const zwy_v1_Node *node, const char *field, const char *slug, const zwy_v1_Department *department,
	   struct fault *f)
{
	if (slug[0] == '\0')
		return 0;
	if (!department)
		return fault_set_article(f, ERR_INVALID_FIELD, "4", "%s: there is no department %.63s", field,
					 slug);
	if (!text_is(department->region, node->region) || department->inactive)
		return fault_set_article(f, ERR_INVALID_FIELD, "4", "%s: %.63s is %s", field, slug,
					 department->inactive ? "not active any more"
							      : "not of the node's own region");
	return 0;
}

/* Article 4: a city's government names its bodies by a document, another body by another
 * document; the core's are named by the article itself. */
static int
check_designation(const zwy_v1_Node *before, const zwy_v1_Node *asked, const char *ca, const char *op,
		  struct fault *f)
{
	bool named = (ca[0] && !text_is(before ? before->competent_authority : "", ca)) ||
		     (op[0] && !text_is(before ? before->operator : "", op));
	bool given = text_of(asked->designation)[0] != '\0';
	if (given && !document_digest(asked->designation))
		return fault_set_article(f, ERR_INVALID_FIELD, "4",
					 "designation is `%.60s`; write FILENAME sha256: and 64 lower case "
					 "hexadecimal digits",
					 asked->designation);
	bool fresh = given && !(before && text_is(before->designation, asked->designation));
	if (fresh || !named || text_is(asked->kind, "core"))
		return 0;
	return fault_set_article(f, ERR_DOCUMENT_MISSING, "4",
				 "designation is missing: the document by which the city's government names "
				 "the two bodies of %.63s",
				 name_slug(asked->name));
}

int
node_rule(const struct actor *actor, const zwy_v1_Node *before, const zwy_v1_Node *asked,
	  const zwy_v1_Department *authority, const zwy_v1_Department *operator_body,
	  const zwy_v1_Node *const *nodes, size_t node_count, struct arena *arena, zwy_v1_Node *ret,
	  struct fault *f)
{
	zwy_v1_Node n = *asked;
	int r = role_check(actor, ADM_BIT, "designating the bodies of a node", "4", f);
	if (r)
		return r;
	if (!before && !actor->is_system)
		return fault_set(f, ERR_NODE_LAYOUT,
				 "one core node and %d backbone nodes come with the program; no further one "
				 "can be made",
				 BACKBONE_NODES);
	if (!before)
		r = check_layout(asked, nodes, node_count, f);
	else if (!text_is(before->kind, asked->kind) || !text_is(before->region, asked->region))
		r = fault_set(f, ERR_NODE_LAYOUT, "kind and region of %.63s are fixed",
			      name_slug(before->name));
	const char *ca = reference_slug("departments", asked->competent_authority);
	const char *op = reference_slug("departments", asked->operator);
	if (r == 0)
		r = check_body(asked, "competent-authority", ca, authority, f);
	if (r == 0)
		r = check_body(asked, "operator", op, operator_body, f);
	if (r == 0)
		r = check_designation(before, asked, ca, op, f);
	if (r)
		return r;
	n.competent_authority = arena_strdup(arena, ca);
	n.operator= arena_strdup(arena, op);
	n.ready = ca[0] && op[0];
	if (arena->failed)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	*ret = n;
	return 0;
}

/* ---- calendar and parameters ---------------------------------------------------- */

int
calendar_rule(const struct actor *actor, const zwy_v1_CalendarYear *before, const zwy_v1_CalendarYear *asked,
	      struct arena *arena, zwy_v1_CalendarYear *ret, struct fault *f)
{
	(void)before;
	(void)arena;
	int r = role_check(actor, ADM_BIT, "importing the calendar", "14", f);
	if (r)
		return r;
	uint64_t year;
	if (!slice_to_u64(slice_of(name_slug(asked->name)), &year) || year < 1 || year > 9999)
		return fault_set(f, ERR_INVALID_NAME, "`%.40s` is no year; write calendar/2027",
				 text_of(asked->name));
	/* Imported into a calendar of its own, to be refused by the same rules. */
	struct calendar *trial = calendar_new();
	if (!trial)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	r = calendar_add(trial, (int)year, asked, f);
	calendar_free(trial);
	if (r == 0)
		*ret = *asked;
	return r;
}

int
parameter_rule(const struct actor *actor, const zwy_v1_Parameter *before, const zwy_v1_Parameter *asked,
	       struct rules_change change, struct arena *arena, zwy_v1_Parameter *ret, struct fault *f)
{
	zwy_v1_Parameter p = *asked;
	const char *key = reference_slug("parameters", asked->name);
	const struct parameter_desc *desc = parameter_find(key);
	char value[PARAMETER_MAX_BYTES];
	int r = province_check(actor, "changing parameters", "4", f);
	if (r)
		return r;
	if (!desc)
		return fault_set(f, ERR_NOT_FOUND,
				 "there is no parameter %.80s; keys are not made, they come with the program",
				 key);
	r = parameter_check(desc, text_of(asked->value), value, sizeof(value), f);
	if (r)
		return r;
	p.type = arena_strdup(arena, parameter_type_name(desc->type));
	p.value = arena_strdup(arena, value);
	p.article = arena_strdup(arena, desc->article);
	p.statutory = desc->statutory;
	p.description = arena_strdup(arena, desc->description);
	p.default_value = arena_strdup(arena, desc->default_value);
	p.allowed = arena_strdup(arena, desc->allowed);
	p.tighter = arena_strdup(arena, parameter_tighter_name(desc->tighter));
	if (before && !text_is(before->value, value)) {
		zwy_v1_ParameterChange made = parameter_changed(before->value, value, before->reason,
								p.reason, actor, change, arena);
		p.reason = made.reason;
		p.changes = parameter_history_add(p.changes, &p.changes_count, &made, arena);
	}
	if (arena->failed)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	*ret = p;
	return 0;
}
