#include <stdio.h>

#include "rules/workflow.h"

#define CITY_DIGITS 4 /* of an administrative division code: province and city */

bool
actor_at_node(const struct actor *a, const zwy_v1_Node *node)
{
	if (!node)
		return false;
	const zwy_v1_Node *one[] = {node};
	return node_for(a->level, a->region, one, 1)[0] != '\0';
}

const char *
node_for(zwy_v1_Level level, const char *region, const zwy_v1_Node *const *nodes, size_t count)
{
	const char *kind = level == zwy_v1_LEVEL_PROVINCE ? "core" : "backbone";
	size_t digits = level == zwy_v1_LEVEL_COUNTY ? CITY_DIGITS : strlen(text_of(region));
	if (level == zwy_v1_LEVEL_UNSPECIFIED || digits < CITY_DIGITS || strlen(text_of(region)) < digits)
		return "";
	for (size_t i = 0; i < count; i++) {
		const char *there = text_of(nodes[i]->region);
		if (!text_is(nodes[i]->kind, kind) || strncmp(there, region, digits) != 0)
			continue;
		if (level == zwy_v1_LEVEL_COUNTY || strcmp(there, region) == 0)
			return name_slug(nodes[i]->name);
	}
	return "";
}

const char *
role_text(unsigned roles)
{
	static const struct {
		unsigned bit;
		const char *text;
	} names[] = {
		{CA_BIT, "the competent authority (CA)"},
		{OP_BIT, "the operator (OP)"},
		{DU_BIT, "the using department (DU)"},
		{SP_BIT, "the service provider (SP)"},
		{ROLE_BIT(zwy_v1_ROLE_ADM), "the administrator (ADM)"},
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (roles & names[i].bit)
			return names[i].text;
	return "the system itself";
}

/* "CA OP", for the refusal. */
static void
format_roles(char *dst, size_t size, unsigned roles)
{
	static const char *const names[] = {
		[zwy_v1_ROLE_CA] = "CA",   [zwy_v1_ROLE_OP] = "OP",   [zwy_v1_ROLE_DU] = "DU",
		[zwy_v1_ROLE_REG] = "REG", [zwy_v1_ROLE_AUD] = "AUD", [zwy_v1_ROLE_SP] = "SP",
		[zwy_v1_ROLE_ADM] = "ADM", [zwy_v1_ROLE_ISO] = "ISO",
	};
	size_t n = 0;
	dst[0] = '\0';
	for (unsigned r = 1; r < sizeof(names) / sizeof(names[0]); r++)
		if ((roles & ROLE_BIT(r)) && n + 5 < size)
			n += (size_t)snprintf(dst + n, size - n, "%s%s", n ? " " : "", names[r]);
	if (n == 0)
		snprintf(dst, size, "no role");
}

int
role_check(const struct actor *a, unsigned roles, const char *what, const char *article, struct fault *f)
{
	if (a->is_system || actor_has(a, roles))
		return 0;
	char has[48];
	format_roles(has, sizeof(has), a->roles);
	return fault_set_article(f, ERR_WRONG_ROLE, article, "%s is for %s; %.80s has %s", what,
				 role_text(roles), text_of(a->principal), has);
}

int
department_check(const struct actor *a, const char *department, const char *what, struct fault *f)
{
	if (a->is_system || (text_of(a->department)[0] && text_is(a->department, department)))
		return 0;
	return fault_set(f, ERR_FOREIGN_RECORD, "%s is for %.63s itself; %.80s belongs to %.63s", what,
			 text_of(department), text_of(a->principal),
			 text_of(a->department)[0] ? a->department : "no department");
}

int
node_check(const struct actor *a, const zwy_v1_Node *node, struct fault *f)
{
	if (a->is_system || actor_at_node(a, node))
		return 0;
	return fault_set(f, ERR_WRONG_JURISDICTION,
			 "the record lies at node %.63s (%.12s); %.80s acts for region %.12s",
			 node ? name_slug(node->name) : "", node ? text_of(node->region) : "",
			 text_of(a->principal), text_of(a->region)[0] ? a->region : "none");
}

int
authority_check(const struct facts *facts, const char *department, unsigned roles, const char *what,
		const char *article, struct fault *f)
{
	const struct actor *a = facts->actor;
	int r = role_check(a, roles, what, article, f);
	if (r == 0 && (roles & DU_BIT)) {
		r = department_check(a, department, what, f);
		/* Without a node there is no jurisdiction to compare: Article 5 refuses by itself. */
		if (!facts->node)
			return r;
	}
	return r ? r : node_check(a, facts->node, f);
}

static bool
is_among(char *const *persons, size_t count, const char *person)
{
	for (size_t i = 0; i < count; i++)
		if (text_is(persons[i], person))
			return true;
	return false;
}

static bool
is_submitter(const struct actor *actor, char *const *submitters, size_t count)
{
	return is_among(submitters, count, actor->principal) ||
	       (!actor->caller_is_gateway && is_among(submitters, count, actor->caller));
}

bool
decides_own(const struct actor *actor, unsigned roles, char *const *submitters, size_t count)
{
	return !(roles & DU_BIT) && !actor->is_system && is_submitter(actor, submitters, count);
}

int
submitters_add(const struct actor *actor, struct arena *arena, char ***list, pb_size_t *count,
	       struct fault *f)
{
	const char *persons[] = {actor->principal, actor->caller_is_gateway ? NULL : actor->caller};
	char **all = arena_array(arena, (size_t)*count + 2, sizeof(*all));
	if (!all)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	if (*count)
		memcpy(all, *list, *count * sizeof(*all));
	for (size_t i = 0; i < sizeof(persons) / sizeof(persons[0]); i++)
		if (text_of(persons[i])[0] && !is_among(all, *count, persons[i]))
			all[(*count)++] = arena_strdup(arena, persons[i]);
	*list = all;
	return 0;
}

char *
role_at(const zwy_v1_Node *node, unsigned roles, struct arena *arena)
{
	const char *role = roles & CA_BIT ? "ca" : roles & OP_BIT ? "op" : "du";
	return arena_printf(arena, "%s-%s", role, node && text_is(node->kind, "core") ? "p" : "c");
}

const char *
who_at(const zwy_v1_Node *node, const char *place, const char *department, unsigned roles,
       struct arena *arena)
{
	if (!(roles & (CA_BIT | OP_BIT)) || (roles & DU_BIT))
		return arena_printf(arena, "the using department %s", department);
	const char *body = node ? text_of(roles & CA_BIT ? node->competent_authority : node->operator) : "";
	if (node && text_of(node->name_zh)[0])
		place = node->name_zh;
	return arena_printf(arena, "the %s of %s%s%s", roles & CA_BIT ? "competent authority" : "operator",
			    place, body[0] ? ": " : "", body);
}
