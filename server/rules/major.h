/* Article 15 (2): when a change is a major one, with reasons that give the figures.
 * Inside of the application rules. Pure; any thread. */
#ifndef ZWY_RULES_MAJOR_H
#define ZWY_RULES_MAJOR_H

#include "rules/workflow.h"

#define MAJOR_REASONS      16
#define MAJOR_REASON_BYTES 224

struct major {
	size_t count; /* 0: it is not */
	char reasons[MAJOR_REASONS][MAJOR_REASON_BYTES];
};

/* By the parameters of the case, for this request alone and added up with those of the window.
 * Of a change whose items are derived; without facts of its resource it finds nothing. */
void major_find(const struct facts *facts, const zwy_v1_Application *a, struct major *ret);
/* The system's grade of protection is higher than when the resource was allocated or last
 * changed; one that was not recorded then cannot have risen. */
bool grade_raised(const struct facts *facts);
/* Which absolute threshold a service's dimension counts against; PARAM_COUNT if none. */
enum parameter major_parameter(const zwy_v1_Service *service, const char *dimension);

#endif
