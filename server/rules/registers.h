/* Records with a small life of their own: exemptions (Article 5), legacy clouds (6)
 * and exchanges between the zones (9). One engine walks the rows of registers.def;
 * records.h says how such a record is made and changed.
 *
 * Records are nanopb structs of the kind's message. What comes out points into
 * `before`, the arena and the program's tables; nothing of it is released. Pure. */
#ifndef ZWY_RULES_REGISTERS_H
#define ZWY_RULES_REGISTERS_H

#include <pb.h>

#include "kinds.h"
#include "rules/application.h"
#include "zwy/v1/scope.pb.h"

/* Where a kind's message has what all of them have: offsets. */
struct register_desc {
	enum kind kind;
	const pb_msgdesc_t *fields;
	size_t size;
	size_t revision, state, department, node, submitters, submitters_count, has_last_action, last_action;
};

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
	const char *from, *action, *to;
	unsigned roles;
	const char *form;
	const char *article;
	const char *description;
};
extern const struct register_step register_steps[];
extern const size_t register_step_count;

struct register_facts {
	const struct actor *actor;
	msec now;
	const zwy_v1_Node *node; /* the record's */
};

/* A person's action. ret: room for the message, the record as it will be; the step
 * that was taken in *ret_step. */
int register_act(const struct register_facts *facts, const struct register_desc *desc, const void *before,
		 const struct act *act, struct arena *arena, void *ret, const struct register_step **ret_step,
		 struct fault *f);

/* Article 6: the end of a legacy cloud has come. *ret_step is NULL if its day has not
 * passed or it retires already: safe to repeat. */
int legacy_cloud_expire(const struct register_facts *facts, const zwy_v1_LegacyCloud *before,
			struct arena *arena, zwy_v1_LegacyCloud *ret, const struct register_step **ret_step,
			struct fault *f);

/* What `why`, `next` and `status` say. */
void register_explain(const struct register_facts *facts, const struct register_desc *desc,
		      const void *record, struct arena *arena, struct explanation *ret);

/* The state in which a record of the kind begins. */
const char *register_first_state(enum kind kind);
/* Adds who acts, and who called for it, to those that do not decide the record. */
int register_hand_in(const struct register_desc *desc, const struct actor *actor, struct arena *arena,
		     void *record, struct fault *f);

#endif
