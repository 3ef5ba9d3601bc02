/* What the rules need beside the records of a case: calendar, parameters, nodes
 * and the catalogue, read from the store at one revision.
 *
 * A rulebook is constant. Each thread that judges keeps its own and builds it
 * again after one of RULEBOOK_KINDS has changed: the loop from its snapshot, the
 * writer from the open transaction. */
#ifndef ZWY_SERVICES_RULEBOOK_H
#define ZWY_SERVICES_RULEBOOK_H

#include "rules/calendar.h"
#include "rules/overlay.h"
#include "rules/parameters.h"
#include "services/message.h"
#include "store/store.h"
#include "zwy/v1/catalogue.pb.h"
#include "zwy/v1/node.pb.h"

#define KIND_BIT(kind) (1u << (unsigned)(kind))
#define RULEBOOK_KINDS                                                                             \
	(KIND_BIT(KIND_CALENDAR_YEAR) | KIND_BIT(KIND_PARAMETER) | KIND_BIT(KIND_NODE_PARAMETER) | \
	 KIND_BIT(KIND_NODE) | KIND_BIT(KIND_SERVICE))

struct rulebook {
	struct message_list messages;
	struct calendar *calendar;
	struct parameters parameters;                  /* the province's, now */
	const zwy_v1_Parameter *province[PARAM_COUNT]; /* NULL: as delivered */
	const zwy_v1_NodeParameter **overlays;         /* cities' own values */
	size_t overlay_count;
	struct parameter_history history;
	uint32_t rules_version; /* of the newest change, 1 before the first */
	const zwy_v1_Node **nodes;
	size_t node_count;
	const struct parameters *
		*at_node;                /* what holds there now, by the order of nodes; NULL: `parameters` */
	const zwy_v1_Service **services; /* in catalogue order of their slugs */
	size_t service_count;
	uint32_t catalogue_version; /* newest */
};

int rulebook_load(struct rulebook **ret, struct reader *r, struct fault *f);
void rulebook_free(struct rulebook *b); /* NULL is allowed */
/* What holds at a node for a case submitted under that rules_version; 0: for one
 * not submitted yet. What holds now lies in the book, what held before is made in the
 * arena; NULL when memory is out. */
const struct parameters *rulebook_parameters(const struct rulebook *b, const char *node, uint32_t version,
					     struct arena *arena);
/* By slug; NULL if there is none. */
const zwy_v1_Node *rulebook_node(const struct rulebook *b, struct slice slug);
const zwy_v1_Service *rulebook_service(const struct rulebook *b, struct slice slug);

/* The last variable of a record's name: its slug. */
struct slice slug_of(const char *name);

#endif
