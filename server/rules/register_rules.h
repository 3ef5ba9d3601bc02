/* Inside of the registers: one record under way, and the guards and effects that rows of
 * registers.def name. Not for other folders. */
#ifndef ZWY_RULES_REGISTER_RULES_H
#define ZWY_RULES_REGISTER_RULES_H

#include "rules/registers.h"
#include "rules/workflow.h"

struct register_work {
	const struct register_facts *facts;
	const struct register_desc *desc;
	const struct act *act; /* NULL: no person's action */
	const void *before;
	void *after; /* as it will be; a guard does not look at it */
	const char *comment;
	struct arena *arena;
};

/* Guards also run where it is only asked what is possible: then there is no act. */
struct register_rule {
	int (*guard)(const struct register_work *w, struct fault *f);
	int (*effect)(struct register_work *w, struct fault *f);
};

int register_guard_none(const struct register_work *w, struct fault *f);
/* Article 6 leaves the authority's own cloud free. */
int register_guard_not_own(const struct register_work *w, struct fault *f);

int register_guard_forecast_submit(const struct register_work *w, struct fault *f);
int register_guard_forecast_revise(const struct register_work *w, struct fault *f);

int register_effect_none(struct register_work *w, struct fault *f);
int register_effect_stop(struct register_work *w, struct fault *f);
int register_effect_end_lease(struct register_work *w, struct fault *f);
int register_effect_forecast_submit(struct register_work *w, struct fault *f);
int register_effect_forecast_withdraw(struct register_work *w, struct fault *f);
int register_effect_forecast_opinion(struct register_work *w, struct fault *f);
int register_effect_forecast_revise(struct register_work *w, struct fault *f);

/* Article 5: what an exemption says is written into its system. */
extern const struct register_link exempt_system_link;

/* ---- registers.c ---------------------------------------------------------- */

static inline const char *
text_at(const void *record, size_t offset)
{
	return text_of(*(char *const *)((const char *)record + offset));
}

/* The first row of a state and action; NULL if there is none. */
const struct register_step *register_step_find(enum kind kind, const char *state, const char *action);
/* Writes a step into w->after. */
int register_take(struct register_work *w, const struct register_step *step, struct fault *f);

/* ---- register_clocks.c ------------------------------------------------------ */

/* The running clock of that name, or with NULL the first that runs; NULL if none does. */
const zwy_v1_Clock *register_clock_running(const struct register_desc *desc, const void *record,
					   const char *term);
/* A clock that runs until the end of `last`, the department's to mind; one of statute has its
 * article, one of ours "". NULL when memory is out. */
zwy_v1_Clock *register_clock_new(const char *term, const char *article, day last, const zwy_v1_Node *node,
				 msec now, struct arena *arena);
/* Stops every clock that runs. */
void register_stop_clocks(struct register_work *w);

#endif
