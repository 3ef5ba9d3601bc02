/* Records with a small life of their own: exemptions (Article 5), legacy clouds (6),
 * exchanges between the zones (9) and forecasts (21). One engine walks the rows of registers.def and
 * knows no kind by name; records.h says how such a record is made and changed.
 *
 * Records are nanopb structs of the kind's message. What comes out points into
 * `before`, the arena and the program's tables; nothing of it is released. Pure. */
#ifndef ZWY_RULES_REGISTERS_H
#define ZWY_RULES_REGISTERS_H

#include <pb.h>

#include "kinds.h"
#include "rules/application.h"
#include "zwy/v1/forecast.pb.h"
#include "zwy/v1/scope.pb.h"

/* Another record that says what this one says: written in the same commit. */
struct register_link {
	const char *collection; /* systems */
	size_t reference;       /* offset of its slug in the register's message */
	const pb_msgdesc_t *fields;
	size_t size;
	const char *article;
	/* linked: as it is, to be changed into what it shall be. Returns the action of the event. */
	const char *(*follow)(const void *record, void *linked);
};

/* Where a kind's message has what all of them have: offsets. */
struct register_desc {
	enum kind kind;
	const char *collection, *article, *title;
	const pb_msgdesc_t *fields;
	size_t size;
	size_t name, revision, state, department, node, submitters, submitters_count, has_last_action,
		last_action, open;
	bool has_clocks;
	size_t clocks, clocks_count;      /* where has_clocks */
	const struct register_link *link; /* NULL: none */
};

extern const struct register_desc register_table[];
extern const size_t register_count;
/* By the name of its collection; NULL if there is none. */
const struct register_desc *register_by_name(const char *collection);
/* NULL: records of that kind have no such life. */
const struct register_desc *register_find(enum kind kind);

struct register_state {
	enum kind kind;
	const char *name;
	bool final;
	unsigned roles; /* who must act */
	const char *article;
	const char *text;
};
extern const struct register_state register_states[];
extern const size_t register_state_count;

struct register_step {
	enum kind kind;
	const char *from, *action;
	const char *when; /* result=adjust: the form's value that chooses this row; "": the only row */
	const char *to;
	unsigned roles; /* 0: the system itself */
	const char *form;
	const char *article;
	const char *description;
};
extern const struct register_step register_steps[];
extern const size_t register_step_count;

/* The system's action once a clock of that name has passed. */
struct register_term {
	enum kind kind;
	const char *name, *article;
	bool statutory;
	const char *then, *text;
};
extern const struct register_term register_terms[];
extern const size_t register_term_count;

/* The catalogue. */
struct services {
	const zwy_v1_Service *const *services;
	size_t count;
};

struct register_facts {
	const struct actor *actor;
	msec now;
	const zwy_v1_Node *node; /* the record's */
	const struct parameters *parameters;
	const struct services *services;
};

/* A person's action. ret: room for the message, the record as it will be; the step
 * that was taken in *ret_step. */
int register_act(const struct register_facts *facts, const struct register_desc *desc, const void *before,
		 const struct act *act, struct arena *arena, void *ret, const struct register_step **ret_step,
		 struct fault *f);

/* What the system does by itself when the clock of that name has passed. *ret_step is
 * NULL if it has not, does not run any more, or moves nothing: safe to repeat. */
int register_clock(const struct register_facts *facts, const struct register_desc *desc, const void *before,
		   const char *term, struct arena *arena, void *ret, const struct register_step **ret_step,
		   struct fault *f);

/* What `why`, `next` and `status` say. */
void register_explain(const struct register_facts *facts, const struct register_desc *desc,
		      const void *record, struct arena *arena, struct explanation *ret);

/* The state of a record of that kind. */
const char *register_state_of(const struct register_desc *desc, const void *record);
/* Who must act in a state of records of the kind. */
unsigned register_waits(enum kind kind, const char *state);
/* The state in which a record of the kind begins. */
const char *register_first_state(enum kind kind);
/* Fills in what follows from the state: whether the record is open. */
void register_mark(const struct register_desc *desc, void *record);
/* Adds who acts, and who called for it, to those that do not decide the record. */
int register_hand_in(const struct register_desc *desc, const struct actor *actor, struct arena *arena,
		     void *record, struct fault *f);

#endif
