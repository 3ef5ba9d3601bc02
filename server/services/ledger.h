/* The ledger of quotas: entries are numbered from 1 and never change. */
#ifndef ZWY_SERVICES_LEDGER_H
#define ZWY_SERVICES_LEDGER_H

#include "services/job.h"
#include "zwy/v1/quota.pb.h"

/* Puts the next entry of the quota of that name. Writer thread. */
int ledger_put(struct job *j, struct txn *t, const char *quota, const zwy_v1_LedgerEntry *entry);

#endif
