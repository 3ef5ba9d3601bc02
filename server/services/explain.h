/* Why a record stands where it stands: what Explain says of one, and the inbox of many. */
#ifndef ZWY_SERVICES_EXPLAIN_H
#define ZWY_SERVICES_EXPLAIN_H

#include "services/service.h"
#include "zwy/v1/rule.pb.h"

struct explaining {
	struct server *server;
	const struct actor *actor;
	struct message_list messages; /* what the reply points into; to be released */
	struct reads reads;
	zwy_v1_ExplainResponse reply;
};

/* Fills in the reply but for depends_on and valid_ms; the actor may read the record. */
int explain_found(struct explaining *e, const struct kind_desc *kind, const struct record *record,
		  struct fault *f);
/* For how long time alone leaves an explanation as it is; 0: not to be kept. */
int64_t explanation_valid_ms(struct server *s);

#endif
