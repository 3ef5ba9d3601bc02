#include "rules/workflow.h"

#define ROWS        regular
#define ROWS_STEPS  "rules/regular.def"
#define ROWS_STATES "rules/regular_states.def"
#include "rules/process_rows.h"

#define ROWS        change
#define ROWS_STEPS  "rules/change.def"
#define ROWS_STATES "rules/change_states.def"
#include "rules/process_rows.h"

#define ROWS        reclaim
#define ROWS_STEPS  "rules/reclaim.def"
#define ROWS_STATES "rules/reclaim_states.def"
#include "rules/process_rows.h"

#define ROWS        test
#define ROWS_STEPS  "rules/test.def"
#define ROWS_STATES "rules/test_states.def"
#include "rules/process_rows.h"

#define ROWS        temporary
#define ROWS_STEPS  "rules/temporary.def"
#define ROWS_STATES "rules/temporary_states.def"
#include "rules/process_rows.h"

#define ROWS        extension
#define ROWS_STEPS  "rules/extension.def"
#define ROWS_STATES "rules/extension_states.def"
#include "rules/process_rows.h"

#define ROW_COUNT(table) (sizeof(table) / sizeof((table)[0]))

const struct process process_table[] = {
#define PROCESS(word, case_kind, cited, decided_by, applied_for_by, about, derived, text) \
	{                                                                                 \
		.name = #word,                                                            \
		.kind = zwy_v1_APPLICATION_KIND_##case_kind,                              \
		.article = cited,                                                         \
		.id = PROCESS_##word,                                                     \
		.deciders = decided_by,                                                   \
		.applicants = applied_for_by,                                             \
		.subject = SUBJECT_##about,                                               \
		.derive = derive_##derived,                                               \
		.title = text,                                                            \
		.steps = word##_steps,                                                    \
		.step_count = ROW_COUNT(word##_steps),                                    \
		.rules = word##_rules,                                                    \
		.states = word##_states,                                                  \
		.state_count = ROW_COUNT(word##_states),                                  \
	},
#include "rules/processes.def"
#undef PROCESS
};
const size_t process_count = ROW_COUNT(process_table);

const struct term_desc term_table[TERM_COUNT] = {
#define TERM(id, process, name, article, statutory, unit, parameter, role, then, missed, text)   \
	[TERM_##id] = {name,       #process, article, statutory, UNIT_##unit, PARAM_##parameter, \
		       role##_BIT, then,     missed,  text},
#include "rules/terms.def"
#undef TERM
};
const size_t term_count = TERM_COUNT;

const struct process *
process_find(const char *name)
{
	for (size_t i = 0; i < process_count; i++)
		if (text_is(process_table[i].name, name))
			return &process_table[i];
	return NULL;
}

const struct process *
process_of(zwy_v1_ApplicationKind kind)
{
	if (kind == zwy_v1_APPLICATION_KIND_UNSPECIFIED)
		kind = zwy_v1_APPLICATION_KIND_REGULAR;
	for (size_t i = 0; i < process_count; i++)
		if (process_table[i].kind == kind)
			return &process_table[i];
	return NULL;
}

const struct state *
process_state(const struct process *p, const char *name)
{
	for (size_t i = 0; i < p->state_count; i++)
		if (text_is(p->states[i].name, name))
			return &p->states[i];
	return NULL;
}

const char *
step_condition(const struct step *s)
{
	static const char mark[] = "if:";
	return strncmp(s->when, mark, sizeof(mark) - 1) == 0 ? s->when + sizeof(mark) - 1 : NULL;
}

bool
process_final(const struct process *p, const char *state)
{
	const struct state *s = process_state(p, state);
	return s && s->final;
}

size_t
process_step(const struct process *p, const char *state, const char *action)
{
	size_t i = 0;
	while (i < p->step_count &&
	       !(text_is(p->steps[i].from, state) && text_is(p->steps[i].action, action)))
		i++;
	return i;
}

unsigned
process_applicants(const struct process *p, const zwy_v1_Application *a)
{
	zwy_v1_ReclaimOrigin origin = a->has_reclaim ? a->reclaim.origin : zwy_v1_RECLAIM_ORIGIN_UNSPECIFIED;
	if ((p->applicants & (p->applicants - 1)) == 0)
		return p->applicants;
	if (origin == zwy_v1_RECLAIM_ORIGIN_EXPIRY)
		return 0;
	return reclaim_forced(a) ? p->applicants & ~DU_BIT : p->applicants & DU_BIT;
}

unsigned
process_roles(const struct process *p, const zwy_v1_Application *a, unsigned roles)
{
	unsigned several = roles & p->applicants;
	if ((several & (several - 1)) == 0)
		return roles;
	unsigned own = process_applicants(p, a);
	return (roles & ~p->applicants) | (own ? own : several & ~DU_BIT);
}

const char *
process_editable(const struct process *p, char *dst, size_t size)
{
	size_t left = 0, n = 0;
	for (size_t i = 0; i < p->state_count; i++)
		left += p->states[i].editing != EDIT_NOTHING;
	dst[0] = '\0';
	for (size_t i = 0; i < p->state_count && n < size; i++)
		if (p->states[i].editing != EDIT_NOTHING) {
			left--;
			n += (size_t)snprintf(dst + n, size - n, "%s%s", p->states[i].name,
					      left > 1 ? ", "
					      : left   ? " or "
						       : "");
		}
	return dst;
}

enum term
term_find(const struct process *p, const char *name)
{
	for (int i = 0; i < TERM_COUNT; i++)
		if (text_is(term_table[i].process, p->name) && text_is(term_table[i].name, name))
			return (enum term)i;
	return TERM_NONE;
}

static const struct term_desc *
term_of_row(enum term term)
{
	return term == TERM_NONE ? NULL : &term_table[term];
}

const struct term_desc *
step_starts(const struct process *p, size_t row)
{
	return term_of_row(p->rules[row].start);
}

const struct term_desc *
step_stops(const struct process *p, size_t row)
{
	return term_of_row(p->rules[row].stop);
}

size_t
role_names(unsigned roles, const char *ret[ROLE_NAMES_MAX])
{
	static const char *const names[ROLE_NAMES_MAX] = {
		[zwy_v1_ROLE_CA - 1] = "ca",   [zwy_v1_ROLE_OP - 1] = "op",   [zwy_v1_ROLE_DU - 1] = "du",
		[zwy_v1_ROLE_REG - 1] = "reg", [zwy_v1_ROLE_AUD - 1] = "aud", [zwy_v1_ROLE_SP - 1] = "sp",
		[zwy_v1_ROLE_ADM - 1] = "adm", [zwy_v1_ROLE_ISO - 1] = "iso",
	};
	size_t n = 0;
	for (unsigned role = 1; role <= ROLE_NAMES_MAX; role++)
		if (roles & ROLE_BIT(role))
			ret[n++] = names[role - 1];
	return n;
}
