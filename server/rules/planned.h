/* What an application asks for beside what its department forecast (Article 21).
 * An application names the year of the forecast that it relies on; once it is
 * submitted the forecast knows it. Pure; what comes out lies in the arena. */
#ifndef ZWY_RULES_PLANNED_H
#define ZWY_RULES_PLANNED_H

#include "rules/application.h"
#include "rules/registers.h"

/* Whether an application may rely on it: the operator supports it or wants it adjusted
 * (then what it reviewed counts), and its year has not ended. */
bool forecast_reliable(const zwy_v1_Forecast *forecast);

/* Whether it was submitted naming a forecast. */
bool application_relies(const zwy_v1_Application *a);

/* Once the application has been submitted its forecast names it and is consumed. True: *ret is
 * the forecast as it shall be, *ret_step the system's step, NULL for a further application.
 * False: the application relies on none, was not submitted, or is known already. */
bool forecast_rely(const zwy_v1_Forecast *before, const zwy_v1_Application *a, const struct actor *actor,
		   msec now, struct arena *arena, zwy_v1_Forecast *ret,
		   const struct register_step **ret_step);

/* Lines for whoever reviews, decides or asks: asked, forecast and taken of each service and figure, and the
 * opinion; or that no forecast names it. others: applications that the forecast knows, this one
 * may be among them. Returns how many; 0 for other roles. */
size_t planned_lines(const struct facts *facts, const zwy_v1_Application *a,
		     const zwy_v1_Application *const *others, size_t other_count, struct arena *arena,
		     const char ***ret);

#endif
