/* The tables of one process out of its two .def files; included once per process:
 *
 *   #define ROWS        regular
 *   #define ROWS_STEPS  "rules/regular.def"
 *   #define ROWS_STATES "rules/regular_states.def"
 *   #include "rules/process_rows.h"
 *
 * makes regular_steps, regular_rules and regular_states, for this file alone. */
#define ROWS_PASTE_(a, b) a##_##b
#define ROWS_PASTE(a, b)  ROWS_PASTE_(a, b)
#define ROWS_NAME(id)     ROWS_PASTE(ROWS, id)

#define STATE(id, name, final, roles, editing, article, text) static const char ROWS_NAME(id)[] = name;
#include ROWS_STATES
#undef STATE

static const struct state ROWS_NAME(states)[] = {
#define STATE(id, name, final, roles, editing, article, text) \
	{ROWS_NAME(id), final, roles, EDIT_##editing, article, text},
#include ROWS_STATES
#undef STATE
};

static const struct step ROWS_NAME(steps)[] = {
#define STEP(from, action, when, to, roles, form, start, stop, quota, article, guard, effect, text) \
	{ROWS_NAME(from), action, when, ROWS_NAME(to), roles, form, article, text},
#include ROWS_STEPS
#undef STEP
};

static const struct step_rule ROWS_NAME(rules)[] = {
#define STEP(from, action, when, to, roles, form, start, stop, quota, article, guard, effect, text) \
	{TERM_##start, TERM_##stop, QUOTA_##quota, guard_##guard, effect_##effect},
#include ROWS_STEPS
#undef STEP
};

#undef ROWS
#undef ROWS_STEPS
#undef ROWS_STATES
#undef ROWS_PASTE_
#undef ROWS_PASTE
#undef ROWS_NAME
