/* What happens to applications, whoever asks: a call, an import, or the clock. */
#ifndef ZWY_SERVICES_APPLICATION_H
#define ZWY_SERVICES_APPLICATION_H

#include "rules/application.h"
#include "services/job.h"
#include "services/service.h"

/* Job operations for the generic create and update handlers. */
int application_decide_create(struct job *j, struct txn *t, const struct rulebook *book);
int application_decide_update(struct job *j, struct txn *t, const struct rulebook *book);

/* A person's action, on a record of any kind that has actions. */
struct act_request {
	struct act act;
	struct slice name;
};

/* What the clock does by itself; job->request of the two below. */
struct clock_request {
	const char *name; /* of the record */
	const char *term; /* NULL: all */
};
/* A term has passed. */
int application_decide_clock(struct job *j, struct txn *t, const struct rulebook *book);

/* The calendar has changed. */
int application_decide_recompute(struct job *j, struct txn *t, const struct rulebook *book);

#endif
