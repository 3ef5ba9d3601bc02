/* Who calls, as the rules see it. Made by server/auth from principals and
 * delegations; the strings belong to it. Absent strings may be NULL or "". */
#ifndef ZWY_RULES_ACTOR_H
#define ZWY_RULES_ACTOR_H

#include <stdbool.h>

#include "zwy/v1/common.pb.h"
#include "zwy/v1/organisation.pb.h"

#define ROLE_BIT(role) (1u << (unsigned)(role))

struct actor {
	const char *principal;  /* principals/x: whose rights hold; "system" for the clock's own acts */
	const char *caller;     /* principals/y that called; the same unless it acts for another */
	bool caller_is_gateway; /* only the principal counts as the person who acted */
	bool is_system; /* the program itself (initial data): no authority is asked, forms still are */
	unsigned roles; /* ROLE_BIT() of each */
	zwy_v1_Level level;
	const char *region;     /* administrative division code */
	const char *department; /* slug of its organisation, "" if none */
	const char *node;       /* slug of the node at which its roles hold (node_for); "" if none */
};

static inline bool
actor_has(const struct actor *a, unsigned roles)
{
	return (a->roles & roles) != 0;
}

#endif
