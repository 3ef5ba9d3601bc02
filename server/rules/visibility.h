/* Who may read which records (Articles 4, 27): one row of visibility.def per
 * kind. Authority is per record, never per field. Pure. */
#ifndef ZWY_RULES_VISIBILITY_H
#define ZWY_RULES_VISIBILITY_H

#include "kinds.h"
#include "rules/actor.h"

enum visible {
	VISIBLE_NONE,
	VISIBLE_ALL,
	VISIBLE_NODE,       /* of the node `value` */
	VISIBLE_DEPARTMENT, /* of the department `value` */
	VISIBLE_SELF,       /* whose first variable is `value`, e.g. principals/value/requests/x */
};

struct visible_scope {
	enum visible visible;
	const char *value; /* a slug; points into the actor */
};

/* The widest scope that any of the actor's roles gives for that kind. */
struct visible_scope visible_scope(const struct actor *a, enum kind kind);
/* Whether one record may be read. department, node: of its envelope, bare slugs;
 * first: the name's first variable. NULL is empty. An event follows the record
 * that it is about. */
bool may_read(const struct actor *a, enum kind kind, const char *department, const char *node,
	      const char *first);

#endif
