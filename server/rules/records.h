/* Records that are kept by hand: who may, what is allowed, what follows from it.
 * Articles 4 to 6, 8, 11, 26; contract: who makes what.
 *
 * Each function takes the actor, the record as it is (NULL: a new one) and as
 * asked: the whole record, an update's mask already applied; asked->name is set.
 * It returns 0 and the record as it shall be in *ret, derived fields filled in,
 * or refuses. *ret points into asked, before, the facts and the arena; it is
 * never released with pb_release. References come out as bare slugs. Pure. */
#ifndef ZWY_RULES_RECORDS_H
#define ZWY_RULES_RECORDS_H

#include "base/arena.h"
#include "base/date.h"
#include "base/error.h"
#include "rules/actor.h"
#include "rules/parameters.h"
#include "rules/registers.h"
#include "zwy/v1/calendar.pb.h"
#include "zwy/v1/catalogue.pb.h"
#include "zwy/v1/forecast.pb.h"
#include "zwy/v1/node.pb.h"
#include "zwy/v1/organisation.pb.h"
#include "zwy/v1/parameter.pb.h"
#include "zwy/v1/quota.pb.h"
#include "zwy/v1/scope.pb.h"

/* Competent authority of the department's node; a department never moves to
 * another node. nodes: all of them. */
int department_rule(const struct actor *actor, const zwy_v1_Department *before,
		    const zwy_v1_Department *asked, const zwy_v1_Node *const *nodes, size_t node_count,
		    struct arena *arena, zwy_v1_Department *ret, struct fault *f);

/* Its own department. department: that of asked->department; NULL: none of that
 * slug. Responsible parties may be missing (an application then cannot be submitted). */
int system_rule(const struct actor *actor, const zwy_v1_System *before, const zwy_v1_System *asked,
		const zwy_v1_Department *department, struct arena *arena, zwy_v1_System *ret,
		struct fault *f);

/* Competent authority of the department's node sets limits; balances are kept.
 * Facts follow from the name quotas/{department}/{service}; NULL: there is none. */
struct quota_facts {
	const zwy_v1_Department *department;
	const zwy_v1_Service *service;
	const zwy_v1_Node *node; /* the department's */
	const struct parameters *parameters;
};
int quota_rule(const struct actor *actor, const zwy_v1_Quota *before, const zwy_v1_Quota *asked,
	       const struct quota_facts *facts, struct arena *arena, zwy_v1_Quota *ret, struct fault *f);

/* The ledger entry `adjust` of a change of limits: by how much, by whom and why; the
 * text is for the event: "quantity 100 -> 50 (reason)". False if no limit changed.
 * A reason that already stood in `before` was given for an earlier change. */
bool quota_adjustment(const struct actor *actor, const zwy_v1_Quota *before, const zwy_v1_Quota *after,
		      struct arena *arena, zwy_v1_LedgerEntry *ret, const char **ret_text);

/* The administrator. uids: for each of asked->uids, the name of the principal
 * that has it, NULL if none has. */
int principal_rule(const struct actor *actor, const zwy_v1_Principal *before, const zwy_v1_Principal *asked,
		   const char *const *uid_owners, struct arena *arena, zwy_v1_Principal *ret,
		   struct fault *f);
int delegation_rule(const struct actor *actor, const zwy_v1_Delegation *before,
		    const zwy_v1_Delegation *asked, struct arena *arena, zwy_v1_Delegation *ret,
		    struct fault *f);

/* The province's competent authority publishes. version: of the catalogue that
 * this change makes. A retired service stays retired; its slug is not used again. */
int service_rule(const struct actor *actor, const zwy_v1_Service *before, const zwy_v1_Service *asked,
		 uint32_t version, struct arena *arena, zwy_v1_Service *ret, struct fault *f);

/* The administrator designates the two bodies (Article 4); NULL: no department of
 * that slug. Nodes come with the program: Article 6 fixes how many there are, so
 * only the program itself makes one, and kind and region never change. */
int node_rule(const struct actor *actor, const zwy_v1_Node *before, const zwy_v1_Node *asked,
	      const zwy_v1_Department *authority, const zwy_v1_Department *operator_body,
	      const zwy_v1_Node *const *nodes, size_t node_count, struct arena *arena, zwy_v1_Node *ret,
	      struct fault *f);

/* The administrator imports years. */
int calendar_rule(const struct actor *actor, const zwy_v1_CalendarYear *before,
		  const zwy_v1_CalendarYear *asked, struct arena *arena, zwy_v1_CalendarYear *ret,
		  struct fault *f);

/* The province's competent authority. There is a record for every row of
 * parameters.def and for nothing else; value comes out in canonical form. */
struct rules_change {
	uint32_t version; /* the number that a change would have */
	msec now;
};
int parameter_rule(const struct actor *actor, const zwy_v1_Parameter *before, const zwy_v1_Parameter *asked,
		   struct rules_change change, struct arena *arena, zwy_v1_Parameter *ret, struct fault *f);

/* What the rules below want to know beside the record. */
struct scope_facts {
	const struct actor *actor;
	msec now;
	const zwy_v1_System *system;         /* the record's, or from_system; NULL: none of that slug */
	const zwy_v1_System *to_system;      /* of an exchange */
	const zwy_v1_Exemption *earlier;     /* the system's last claim; NULL: none */
	const zwy_v1_Department *department; /* of a legacy cloud or forecast; NULL: none of that slug */
	const zwy_v1_Node *node;             /* of that department, or of the record guided; NULL: none */
	const char *about_department;        /* of the record guided */
	const struct services *services;     /* for a forecast */
};

/* Article 5: the department of the system claims, with the basis and its document. As
 * long as nobody has decided it may be rewritten. The program's own are confirmed. */
int exemption_rule(const struct scope_facts *facts, const zwy_v1_Exemption *before,
		   const zwy_v1_Exemption *asked, struct arena *arena, zwy_v1_Exemption *ret,
		   struct fault *f);

/* Article 6: the owner, or the competent authority of its node, keeps the register.
 * CLOUD_FROZEN: more capacity, another platform or a later end, unless the owner is the
 * competent authority of the node itself. */
int legacy_cloud_rule(const struct scope_facts *facts, const zwy_v1_LegacyCloud *before,
		      const zwy_v1_LegacyCloud *asked, struct arena *arena, zwy_v1_LegacyCloud *ret,
		      struct fault *f);

/* Article 9: the department of from_system requests. Both systems lie at one node. */
int exchange_rule(const struct scope_facts *facts, const zwy_v1_Exchange *before,
		  const zwy_v1_Exchange *asked, struct arena *arena, zwy_v1_Exchange *ret, struct fault *f);

/* Article 21: the department named forecasts/DEPARTMENT/YEAR writes, for the next calendar
 * year or, late, for this one: before it is handed in, and in opinion_adjust. */
int forecast_rule(const struct scope_facts *facts, const zwy_v1_Forecast *before,
		  const zwy_v1_Forecast *asked, struct arena *arena, zwy_v1_Forecast *ret, struct fault *f);

/* Article 4: the province's operator, about a record that lies at a city's node. */
int guidance_rule(const struct scope_facts *facts, const zwy_v1_Guidance *before,
		  const zwy_v1_Guidance *asked, struct arena *arena, zwy_v1_Guidance *ret, struct fault *f);

#endif
