/* The records that a store begins with, and those that come with the program. */
#ifndef ZWY_SERVICES_SEED_H
#define ZWY_SERVICES_SEED_H

#include <stdbool.h>

#include "base/error.h"

struct server;

enum seed { SEED_EMPTY, SEED_DEMO };

/* Fills a new store: the catalogue of the appendix, the fourteen nodes, the
 * calendar and principals/bootstrap; for a demonstration also departments,
 * systems, quotas, principals and delegations. Repeating it after an interruption
 * is safe: bootstrap comes last and says that it is complete. Before the writer
 * starts. */
int seed_store(struct server *s, enum seed seed, struct fault *f);
/* Whether seed_store has come to its end. */
bool seed_complete(struct server *s);
/* Parameters and rules as this version of the program has them: at every start. */
int seed_program_records(struct server *s, struct fault *f);

#endif
