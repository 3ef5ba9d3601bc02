/* Departments, systems, principals and delegations. */
#include <stdio.h>

#include "rules/application.h"
#include "rules/authority.h"
#include "rules/names.h"
#include "rules/records.h"

static int
finish(const struct arena *arena, struct fault *f)
{
	return arena->failed ? fault_set(f, ERR_NO_MEMORY, "out of memory") : 0;
}

static bool
region_valid(zwy_v1_Level level, const char *region)
{
	uint64_t code;
	if (strlen(text_of(region)) != 6 || !slice_to_u64(slice_of(region), &code))
		return false;
	bool province = strcmp(region + 2, "0000") == 0, city = !province && strcmp(region + 4, "00") == 0;
	return level == zwy_v1_LEVEL_PROVINCE ? province
	       : level == zwy_v1_LEVEL_CITY   ? city
					      : !province && !city;
}

static int
check_place(zwy_v1_Level level, const char *region, struct fault *f)
{
	if (level == zwy_v1_LEVEL_UNSPECIFIED)
		return fault_set_article(f, ERR_FIELD_MISSING, "5",
					 "level is missing: province, city or county");
	if (!region_valid(level, region))
		return fault_set_article(
			f, ERR_INVALID_FIELD, "5",
			"region is `%.20s`; a province's code ends in 0000, a city's in 00, a county's in "
			"neither: 320000, 320500, 320583",
			text_of(region));
	return 0;
}

static const zwy_v1_Node *
find_node(const char *slug, const zwy_v1_Node *const *nodes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (text_is(name_slug(nodes[i]->name), slug))
			return nodes[i];
	return NULL;
}

int
department_rule(const struct actor *actor, const zwy_v1_Department *before, const zwy_v1_Department *asked,
		const zwy_v1_Node *const *nodes, size_t node_count, struct arena *arena,
		zwy_v1_Department *ret, struct fault *f)
{
	zwy_v1_Department d = *asked;
	int r = role_check(actor, CA_BIT, "keeping departments", "4", f);
	if (r == 0)
		r = record_name_check("departments/", asked->name, f);
	if (r == 0)
		r = check_place(asked->level, asked->region, f);
	if (r)
		return r;
	if (text_of(asked->name_zh)[0] == '\0')
		return fault_set(f, ERR_FIELD_MISSING, "name-zh is missing: what the department is called");
	const char *slug = node_for(asked->level, asked->region, nodes, node_count);
	const zwy_v1_Node *node = find_node(slug, nodes, node_count);
	if (!node)
		return fault_set(f, ERR_NODE_MISMATCH, "no node serves region %s", asked->region);
	if (before && text_of(before->node)[0] && !text_is(before->node, slug))
		return fault_set(
			f, ERR_NODE_MISMATCH,
			"%.63s lies at node %.63s with its systems and applications; it cannot move to %.63s",
			name_slug(asked->name), before->node, slug);
	r = node_check(actor, node, f);
	if (r)
		return r;
	d.node = arena_strdup(arena, slug);
	r = finish(arena, f);
	if (r == 0)
		*ret = d;
	return r;
}

static int
check_system_form(const zwy_v1_System *s, struct fault *f)
{
	static const char *const phases[] = {"", "planned", "developing", "running", "retired"};
	int r = record_name_check("systems/", s->name, f);
	if (r)
		return r;
	if (text_of(s->name_zh)[0] == '\0')
		return fault_set(f, ERR_FIELD_MISSING, "name-zh is missing: what the system is called");
	size_t i = 0;
	while (i < sizeof(phases) / sizeof(phases[0]) && !text_is(s->phase, phases[i]))
		i++;
	if (i == sizeof(phases) / sizeof(phases[0]))
		return fault_set(f, ERR_INVALID_FIELD,
				 "phase is `%.20s`; allowed: planned, developing, running, retired",
				 s->phase);
	if (s->protection_grade > 5)
		return fault_set(f, ERR_INVALID_FIELD,
				 "protection-grade is %u; allowed: 1 to 5, 0 for none yet",
				 (unsigned)s->protection_grade);
	return 0;
}

int
system_rule(const struct actor *actor, const zwy_v1_System *before, const zwy_v1_System *asked,
	    const zwy_v1_Department *department, struct arena *arena, zwy_v1_System *ret, struct fault *f)
{
	zwy_v1_System s = *asked;
	const char *slug = reference_slug("departments", asked->department);
	int r = role_check(actor, DU_BIT, "keeping systems", "4", f);
	if (r == 0 && before)
		r = department_check(actor, before->department, "changing the system", f);
	if (r == 0 && slug[0] == '\0')
		r = fault_set_article(f, ERR_FIELD_MISSING, "4",
				      "department is missing: the slug of the using department");
	if (r == 0)
		r = department_check(actor, slug, "keeping its systems", f);
	if (r == 0 && !department)
		r = fault_set(f, ERR_INVALID_FIELD, "there is no department %.63s", slug);
	if (r == 0 && department->inactive && !before && !actor->is_system)
		r = fault_set(f, ERR_DEPARTMENT_INACTIVE, "%.63s is not active any more", slug);
	if (r == 0)
		r = check_system_form(asked, f);
	if (r)
		return r;
	s.department = arena_strdup(arena, slug);
	s.node = arena_strdup(arena, text_of(department->node));
	/* What a confirmed exemption says is not the department's to write. */
	s.exempt = before && before->exempt;
	s.exemption = before ? before->exemption : NULL;
	r = finish(arena, f);
	if (r == 0)
		*ret = s;
	return r;
}

/* ---- principals and delegations --------------------------------------------- */

static int
check_roles(const zwy_v1_Principal *p, struct fault *f)
{
	unsigned roles = 0;
	for (size_t i = 0; i < p->roles_count; i++) {
		if (p->roles[i] < zwy_v1_ROLE_CA || p->roles[i] > zwy_v1_ROLE_ISO)
			return fault_set(f, ERR_INVALID_FIELD,
					 "roles.%zu is no role; allowed: ca op du reg aud sp adm iso", i + 1);
		if (roles & ROLE_BIT(p->roles[i]))
			return fault_set(f, ERR_INVALID_FIELD, "roles.%zu is given twice", i + 1);
		roles |= ROLE_BIT(p->roles[i]);
	}
	if (!(roles & ~ADM_BIT))
		return 0; /* an administrator holds nowhere in particular */
	int r = check_place(p->level, p->region, f);
	if (r)
		return r;
	if ((roles & (CA_BIT | OP_BIT)) && p->level == zwy_v1_LEVEL_COUNTY)
		return fault_set_article(f, ERR_INVALID_FIELD, "4",
					 "level is county; competent authorities and operators are the "
					 "province's or a city's");
	if ((roles & DU_BIT) && text_of(p->organisation)[0] == '\0')
		return fault_set_article(
			f, ERR_FIELD_MISSING, "4",
			"organisation is missing: the department for which the role du holds");
	return 0;
}

static int
check_uids(const zwy_v1_Principal *p, const char *const *owners, struct fault *f)
{
	for (size_t i = 0; i < p->uids_count; i++) {
		if (owners && owners[i] && !text_is(owners[i], p->name))
			return fault_set(f, ERR_ALREADY_EXISTS, "user id %u is %.80s already",
					 (unsigned)p->uids[i], owners[i]);
		for (size_t k = 0; k < i; k++)
			if (p->uids[k] == p->uids[i])
				return fault_set(f, ERR_INVALID_FIELD, "user id %u is given twice",
						 (unsigned)p->uids[i]);
	}
	return 0;
}

/* An administrator that shuts itself out could not be let in again. */
static int
check_lockout(const struct actor *actor, const zwy_v1_Principal *asked, struct fault *f)
{
	bool administers = false;
	for (size_t i = 0; i < asked->roles_count; i++)
		administers |= asked->roles[i] == zwy_v1_ROLE_ADM;
	if (actor->is_system || !text_is(actor->principal, asked->name) || (administers && !asked->disabled))
		return 0;
	return fault_set(
		f, ERR_INVALID_FIELD,
		"%.80s cannot disable itself or give up the role adm; let another administrator do it",
		asked->name);
}

int
principal_rule(const struct actor *actor, const zwy_v1_Principal *before, const zwy_v1_Principal *asked,
	       const char *const *uid_owners, struct arena *arena, zwy_v1_Principal *ret, struct fault *f)
{
	zwy_v1_Principal p = *asked;
	int r = role_check(actor, ADM_BIT, "keeping principals", "4", f);
	if (r == 0)
		r = record_name_check("principals/", asked->name, f);
	if (r == 0)
		r = check_roles(asked, f);
	if (r == 0)
		r = check_uids(asked, uid_owners, f);
	if (r == 0 && before)
		r = check_lockout(actor, asked, f);
	if (r)
		return r;
	p.organisation = arena_strdup(arena, reference_slug("departments", asked->organisation));
	r = finish(arena, f);
	if (r == 0)
		*ret = p;
	return r;
}

int
delegation_rule(const struct actor *actor, const zwy_v1_Delegation *before, const zwy_v1_Delegation *asked,
		struct arena *arena, zwy_v1_Delegation *ret, struct fault *f)
{
	(void)before;
	(void)arena;
	int r = role_check(actor, ADM_BIT, "keeping delegations", "4", f);
	if (r == 0)
		r = record_name_check("delegations/", asked->name, f);
	if (r)
		return r;
	if (record_name_check("principals/", asked->delegate, NULL))
		return fault_set(f, ERR_INVALID_FIELD, "delegate is `%.80s`; write principals/x",
				 text_of(asked->delegate));
	if (asked->principals_count == 0 && !asked->mount)
		return fault_set(f, ERR_FIELD_MISSING,
				 "principals is missing: for whom it may act, or * alone for anybody");
	for (size_t i = 0; i < asked->principals_count; i++) {
		bool anybody = text_is(asked->principals[i], "*");
		if (anybody ? asked->principals_count > 1
			    : record_name_check("principals/", asked->principals[i], NULL) != 0)
			return fault_set(f, ERR_INVALID_FIELD,
					 "principals.%zu is `%.80s`; write principals/x, or * alone", i + 1,
					 text_of(asked->principals[i]));
	}
	*ret = *asked;
	return 0;
}
