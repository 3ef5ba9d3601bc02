/* Processes as tables (Article 12): which states a case passes through, by whose
 * action, under which clocks. The engine in steps.c, clocks.c and explain.c walks
 * the process of a record's kind and knows none by name. Constant data; any thread. */
#ifndef ZWY_RULES_PROCESS_H
#define ZWY_RULES_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "rules/terms.h"
#include "zwy/v1/application.pb.h"
#include "zwy/v1/resource.pb.h"

/* Of each process, and the bit by which other tables name it. */
enum process_id {
#define PROCESS(id, kind, article, deciders, applicants, subject, derive, title) PROCESS_##id,
#include "rules/processes.def"
#undef PROCESS
};
enum process_bit {
#define PROCESS(id, kind, article, deciders, applicants, subject, derive, title) P_##id = 1u << PROCESS_##id,
#include "rules/processes.def"
#undef PROCESS
	P_ALL = ~0u >> 1,
};

enum subject { SUBJECT_SYSTEM, SUBJECT_RESOURCE, SUBJECT_TERM };

/* One row of a workflow. What is not a row is refused. */
struct step {
	const char *from, *action;
	/* What chooses this row among those of its state and action, in their order: result=pass,
	 * a value in the form; if:major, a row of conditions.def; "": always. */
	const char *when;
	const char *to;
	unsigned roles; /* 0: the system itself, when a term has passed */
	const char *form;
	const char *article;
	const char *description;
};

/* What the department may change of a case in some state. */
enum editing {
	EDIT_NOTHING,
	EDIT_PAPERS, /* purpose, cloud plan, documents: what was returned to it */
	EDIT_ALL,    /* it has not been handed in */
};

struct state {
	const char *name;
	bool final;
	unsigned roles; /* who must act */
	enum editing editing;
	const char *article;
	const char *text;
};

/* What the clocks of a process measure. */
struct term_desc {
	const char *name;
	const char *process; /* the name of the process on whose cases it runs */
	const char *article;
	bool statutory; /* set by the regulation; else an internal target */
	enum term_unit unit;
	int parameter;    /* enum parameter: its length */
	unsigned roles;   /* who must act */
	const char *then; /* the system's action once it has passed; "" */
	bool missed;      /* passing it is somebody's fault */
	const char *text; /* what it bounds */
};

struct step_rule; /* what only this folder reads of a step */

struct process {
	enum process_id id;
	const char *name;
	zwy_v1_ApplicationKind kind;
	enum subject subject;
	/* What of a new case follows from its resource (application_derive). */
	void (*derive)(zwy_v1_Application *asked, const zwy_v1_Resource *resource, struct arena *arena);
	const char *article;
	unsigned deciders;
	unsigned applicants; /* who writes a case; of several, process_applicants says who of this one */
	const char *title;
	const struct step
		*steps; /* in the order of the workflow; the first is the way out of the first state */
	size_t step_count;
	const struct step_rule *rules; /* one per step */
	const struct state *states;    /* a new case has the first */
	size_t state_count;
};

extern const struct process process_table[];
extern const size_t process_count;
const struct process *process_find(const char *name); /* NULL if there is none */
/* NULL if cases of that kind have none; unspecified means regular. */
const struct process *process_of(zwy_v1_ApplicationKind kind);
const struct state *process_state(const struct process *p, const char *name); /* NULL if it has none */
bool process_final(const struct process *p, const char *state); /* also false for what is no state */
/* Who writes this case and hands it in: of several applicants (Article 17) the department gives back,
 * the others take back, and 0, the system alone, ends a term. */
unsigned process_applicants(const struct process *p, const zwy_v1_Application *a);
/* Those of some roles that are meant in this case: what is for several applicants is for its own. */
unsigned process_roles(const struct process *p, const zwy_v1_Application *a, unsigned roles);
/* The states in which the department may change something: "draft or review_returned". Returns dst. */
const char *process_editable(const struct process *p, char *dst, size_t size);
/* The condition that `when` names; NULL if it names none: "major". */
const char *step_condition(const struct step *s);
/* The first row of a state and action; several differ in `when`. step_count if there is none. */
size_t process_step(const struct process *p, const char *state, const char *action);

/* The names of roles, ca, op, du, sp and so on, lowest bit first; returns how many. */
#define ROLE_NAMES_MAX 8
size_t role_names(unsigned roles, const char *ret[ROLE_NAMES_MAX]);

/* Terms of all processes; a name is used once per process. */
extern const struct term_desc term_table[];
extern const size_t term_count;
/* The clocks that a row starts and stops; NULL if none. A final state stops all. */
const struct term_desc *step_starts(const struct process *p, size_t row);
const struct term_desc *step_stops(const struct process *p, size_t row);

#endif
