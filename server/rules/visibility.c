#include "rules/visibility.h"

#include "rules/names.h"

enum class {
	CLASS_NONE,
	CLASS_EVERYBODY,
	CLASS_BUSINESS,
	CLASS_ADMINISTERED,
	CLASS_ADMINISTRATOR,
	CLASS_OWN
};

static const enum class classes[KIND_MAX + 1] = {
#define VISIBILITY(kind, class) [KIND_##kind] = CLASS_##class,
#include "rules/visibility.def"
#undef VISIBILITY
};

#define SUPERVISING                                                                        \
	(ROLE_BIT(zwy_v1_ROLE_CA) | ROLE_BIT(zwy_v1_ROLE_OP) | ROLE_BIT(zwy_v1_ROLE_REG) | \
	 ROLE_BIT(zwy_v1_ROLE_AUD))

static struct visible_scope
scope_of(enum visible visible, const char *value)
{
	if (visible != VISIBLE_ALL && text_of(value)[0] == '\0')
		visible = VISIBLE_NONE;
	return (struct visible_scope){visible, text_of(value)};
}

/* The widest first. Counties have no node of their own: Article 5. */
static struct visible_scope
business_scope(const struct actor *a)
{
	if (actor_has(a, SUPERVISING) && a->level == zwy_v1_LEVEL_PROVINCE)
		return scope_of(VISIBLE_ALL, "");
	if (actor_has(a, SUPERVISING | ROLE_BIT(zwy_v1_ROLE_SP)) && a->level != zwy_v1_LEVEL_COUNTY &&
	    text_of(a->node)[0])
		return scope_of(VISIBLE_NODE, a->node);
	if (actor_has(a, ROLE_BIT(zwy_v1_ROLE_DU)))
		return scope_of(VISIBLE_DEPARTMENT, a->department);
	return scope_of(VISIBLE_NONE, "");
}

struct visible_scope
visible_scope(const struct actor *a, enum kind kind)
{
	if (a->is_system)
		return scope_of(VISIBLE_ALL, "");
	switch ((unsigned)kind <= KIND_MAX ? classes[kind] : CLASS_NONE) {
	case CLASS_EVERYBODY:
		return scope_of(a->roles ? VISIBLE_ALL : VISIBLE_NONE, "");
	case CLASS_BUSINESS:
		return business_scope(a);
	case CLASS_ADMINISTRATOR:
		return scope_of(actor_has(a, ROLE_BIT(zwy_v1_ROLE_ADM)) ? VISIBLE_ALL : VISIBLE_NONE, "");
	case CLASS_ADMINISTERED:
		if (actor_has(a, ROLE_BIT(zwy_v1_ROLE_ADM)))
			return scope_of(VISIBLE_ALL, "");
		return scope_of(VISIBLE_SELF, name_slug(a->principal));
	case CLASS_OWN:
		return scope_of(VISIBLE_SELF, name_slug(a->principal));
	case CLASS_NONE:
		break;
	}
	return scope_of(VISIBLE_NONE, "");
}

bool
may_read(const struct actor *a, enum kind kind, const char *department, const char *node, const char *first)
{
	struct visible_scope s = visible_scope(a, kind);
	switch (s.visible) {
	case VISIBLE_ALL:
		return true;
	case VISIBLE_NODE:
		return text_is(node, s.value);
	case VISIBLE_DEPARTMENT:
		return text_is(department, s.value);
	case VISIBLE_SELF:
		return text_is(first, s.value);
	case VISIBLE_NONE:
		break;
	}
	return false;
}
