/* Role and jurisdiction (Articles 4, 5, 13), shared by the rules. Not for other
 * folders. The program itself (actor.is_system) is never asked. Pure. */
#ifndef ZWY_RULES_AUTHORITY_H
#define ZWY_RULES_AUTHORITY_H

#include "base/error.h"
#include "rules/actor.h"
#include "zwy/v1/node.pb.h"

#define CA_BIT  ROLE_BIT(zwy_v1_ROLE_CA)
#define OP_BIT  ROLE_BIT(zwy_v1_ROLE_OP)
#define DU_BIT  ROLE_BIT(zwy_v1_ROLE_DU)
#define SP_BIT  ROLE_BIT(zwy_v1_ROLE_SP)
#define ADM_BIT ROLE_BIT(zwy_v1_ROLE_ADM)

/* WRONG_ROLE unless the actor has one of them. what: "decide". */
int role_check(const struct actor *a, unsigned roles, const char *what, const char *article, struct fault *f);
/* FOREIGN_RECORD unless the department (a slug) is the actor's own. */
int department_check(const struct actor *a, const char *department, const char *what, struct fault *f);
/* WRONG_JURISDICTION unless the actor's level and region are the node's. */
int node_check(const struct actor *a, const zwy_v1_Node *node, struct fault *f);
const char *role_text(unsigned roles); /* of the first role in it */

#endif
