/* Records that are kept by hand (departments, systems, quotas, principals, …):
 * one row of kinds.def joins a kind to its message and its rule. */
#ifndef ZWY_SERVICES_RECORDS_H
#define ZWY_SERVICES_RECORDS_H

#include "services/job.h"
#include "services/merge.h"

struct record_kind;

/* The row of a kind; NULL: such records cannot be put by a request. */
const struct record_kind *record_kind_of(enum kind kind);

enum put_outcome { PUT_CREATED, PUT_UPDATED, PUT_UNCHANGED };

/* Judges one Create, Update or import of a record and adds its put and event to
 * the job. Writer thread. */
int record_decide(struct job *j, struct txn *t, const struct rulebook *book,
		  const struct put_request *request, const char *event_kind, enum put_outcome *ret);

#endif
