/* Records with a small life of their own (rules/registers.h): actions and the clock. */
#ifndef ZWY_SERVICES_REGISTERS_H
#define ZWY_SERVICES_REGISTERS_H

#include "rules/registers.h"
#include "services/job.h"

/* Job operations; the request is a struct act_request or clock_request (application.h). */
int register_decide_act(struct job *j, struct txn *t, const struct rulebook *book);
int register_decide_clock(struct job *j, struct txn *t, const struct rulebook *book);

/* What the rules need beside the record, which lies at that node; in the arena, NULL when
 * memory is out. */
const struct register_facts *register_facts_make(const struct actor *actor, msec now,
						 const struct rulebook *book, struct slice node,
						 struct arena *arena);

/* What the record says is written into the one that follows it (register_link), in the same commit. */
int register_put_linked(struct job *j, struct reader *r, const struct register_desc *desc,
			const void *record);

#endif
