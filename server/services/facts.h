/* The facts of one application, gathered for the rules from one state of the
 * store: its system, department and node, what the catalogue and the quotas say
 * of each item, and the documents uploaded. */
#ifndef ZWY_SERVICES_FACTS_H
#define ZWY_SERVICES_FACTS_H

#include "rules/application.h"
#include "services/rulebook.h"

#define DOCUMENT_TYPES_MAX 64 /* of one application */

/* Everything lives in `list`. `name` is empty for an application that is not yet
 * there. What does not exist is NULL in the facts; a negative code is a failure
 * to read. Any thread, with that thread's reader and rulebook. */
int facts_load(struct facts *ret, struct reader *r, const struct rulebook *book, const struct actor *actor,
	       msec now, const zwy_v1_Application *application, struct message_list *list, struct fault *f);

/* Fills in what of an application follows from the resource that it is about; nothing
 * where there is none such. */
int facts_derive(zwy_v1_Application *asked, struct reader *r, struct message_list *list, struct fault *f);
/* The same of one that was not handed in yet: its resource may have changed since it was written.
 * *a becomes a copy. */
int facts_derive_draft(zwy_v1_Application **a, struct reader *r, struct message_list *list, struct fault *f);

#endif
