/* Applications under Articles 2, 4, 5, 11, 13 and 14: what may be done, by whom,
 * when, and what follows. Pure functions of the facts given: a refusal with
 * reason, article, values and what is allowed instead, or an outcome that the
 * service carries out in one store transaction.
 *
 * The workflow is the table of the process of the application's kind (process.h):
 * one row per (state, action). Nothing that is not a row is possible. */
#ifndef ZWY_RULES_APPLICATION_H
#define ZWY_RULES_APPLICATION_H

#include "base/arena.h"
#include "base/error.h"
#include "rules/actor.h"
#include "rules/calendar.h"
#include "rules/parameters.h"
#include "rules/process.h"
#include "zwy/v1/application.pb.h"
#include "zwy/v1/catalogue.pb.h"
#include "zwy/v1/document.pb.h"
#include "zwy/v1/forecast.pb.h"
#include "zwy/v1/node.pb.h"
#include "zwy/v1/quota.pb.h"
#include "zwy/v1/resource.pb.h"
#include "zwy/v1/scope.pb.h"

/* What the catalogue and the quota say of one item; in the order of the items.
 * Items of one service name the same quota. */
struct item_facts {
	const zwy_v1_Service *service; /* NULL: the catalogue has none of that slug */
	/* The service as Item.catalogue_version published it (what was reserved is
	 * given back by the same dimensions). NULL: `service` is that version. */
	const zwy_v1_Service *pinned;
	const zwy_v1_Quota *quota;         /* NULL: no record, a limit of 0 */
	const zwy_v1_Exchange *exchange;   /* that it links through (Article 9); NULL: none of that slug */
	const zwy_v1_Resource *taken_over; /* that becomes this item; NULL: none of that id */
};

/* A resource that the case is about: named in `resource`, taken over by an item, or
 * brought by the case itself. Each stands here once. */
struct resource_facts {
	const zwy_v1_Resource *resource;
	const zwy_v1_Service *service; /* in the version that it keeps; NULL: the catalogue has none */
	const zwy_v1_Quota *quota;     /* of its department and service; NULL: no record */
	bool held; /* no other case changes or returns it; what it holds counts as this case's own */
};

/* Another case that what happens in this one may move on: the one that brought a
 * resource for a term, and the open extension of such a term. Its own facts have no further cases. */
struct case_facts {
	const zwy_v1_Application *application;
	const struct facts *facts;
};

/* A document's newest uploaded version. */
struct document_facts {
	const char *type;
	const char *sha256;
	const char *filename;
};

struct facts {
	const struct actor *actor;
	msec now;
	const struct calendar *calendar;
	const struct parameters *parameters;
	const zwy_v1_System *system;         /* NULL: none of that slug */
	const zwy_v1_Department *department; /* the system's; NULL: none of that slug */
	const zwy_v1_Node *node;             /* the department's (Article 5); NULL: none */
	const struct item_facts *items;
	size_t item_count;
	const zwy_v1_Resource *resource; /* that `resource` names; NULL: none of that id */
	const struct resource_facts *resources;
	size_t resource_count;
	const struct case_facts *cases;
	size_t case_count;
	const zwy_v1_Forecast *forecast; /* that `forecast` names (Article 21); NULL: none of that year */
	const struct document_facts *documents;
	size_t document_count;
	uint32_t catalogue_version; /* of the whole catalogue, now */
	uint32_t rules_version;     /* of the parameters, now; `parameters` are those of the case */
};

/* The facts of a resource or a case by its full name; NULL if they are not there. */
const struct resource_facts *facts_resource(const struct facts *facts, const char *name);
const struct case_facts *facts_case(const struct facts *facts, const char *name);

/* One movement of a quota: a ledger entry and the new balance. One per service,
 * however many items and resources are of it. */
struct quota_move {
	const char *service;
	const char *movement;     /* reserve, commit, release */
	zwy_v1_Quota quota;       /* as it will be; name and revision as they are now */
	zwy_v1_LedgerEntry entry; /* name is left to the service */
};

/* In the order in which they happened. What a clock did is the system's act,
 * also where it comes to light in somebody's command: kind says which. */
struct outcome_event {
	const char *kind; /* create, update, act, clock, import */
	const char *action;
	const char *from_state, *to_state;
	const char *article;
	const char *comment;
};

/* A resource that the case brings. */
struct new_resource {
	zwy_v1_Resource resource; /* its name is left to the service */
	size_t item;              /* whose Item.resource becomes that name */
};

/* A resource that the case changes. */
struct changed_resource {
	zwy_v1_Resource resource; /* as it will be; name and revision as they are now */
	struct outcome_event event;
};

/* What shall happen. Everything points into the arena, the facts, `before` or
 * `asked`; nothing of it is released with pb_release. */
struct outcome {
	zwy_v1_Application application; /* as it will be; name and revision as they are now */
	struct quota_move *moves;
	size_t move_count;
	struct new_resource *resources;
	size_t resource_count;
	struct changed_resource *changed;
	size_t changed_count;
	/* Other cases, each with its events and nothing else: moved on by this one, or, those
	 * without a name, made by it (the service names them and adds them to Application.linked). */
	struct outcome **others;
	size_t other_count;
	struct outcome_event *events;
	size_t event_count;
	bool holds; /* it takes hold of its resources: Resource.open_case is its name */
};

/* Fills in what follows from the resource that the case is about (Articles 15, 17, 20): whose it is,
 * its system, node and zone, and the items of a change. resource: NULL: none of that id. */
void application_derive(zwy_v1_Application *asked, const zwy_v1_Resource *resource, struct arena *arena);
/* Whether what a resource holds counts as the case's own: it is taken over by an
 * item, or the case changes or returns it. */
bool application_holds(const zwy_v1_Application *a, const char *resource);

/* Article 13. A new application as asked: fields 5 and up, output-only ones
 * empty; asked->name is the name it will have (its id is taken first), or empty
 * to try whether it would be accepted. kind left out means regular. With submit it is also submitted; then,
 * if nothing but documents is missing, it stays a draft and *ret_missing lists them (code DOCUMENT_MISSING);
 * otherwise ret_missing->code is 0. */
int application_create(const struct facts *facts, const zwy_v1_Application *asked, bool submit,
		       struct arena *arena, struct outcome *ret, struct fault *ret_missing, struct fault *f);

/* Replaces what the department wrote, in a draft (all of it), in need_supplement
 * and review_returned (purpose, cloud plan, documents). `asked` is the whole new
 * application; output-only fields are taken from `before`. */
int application_update(const struct facts *facts, const zwy_v1_Application *before,
		       const zwy_v1_Application *asked, struct arena *arena, struct outcome *ret,
		       struct fault *f);

struct form_entry {
	const char *key, *value;
};
struct act {
	const char *action;
	const struct form_entry *form;
	size_t form_count;
	const char *comment;
	uint64_t revision; /* 0: any */
};
int application_act(const struct facts *facts, const zwy_v1_Application *before, const struct act *act,
		    struct arena *arena, struct outcome *ret, struct fault *f);

/* What the system does by itself when a clock's due_time has passed: marks it
 * overdue, and where the term says so (need_supplement → lapsed, in_service →
 * closed) moves the application on. Does nothing, with no events in the outcome,
 * if the clock does not run any more or is not due: safe to repeat. */
int application_clock(const struct facts *facts, const zwy_v1_Application *before, const char *term,
		      struct arena *arena, struct outcome *ret, struct fault *f);

/* A document's body is about to be stored, or was; sha256 may be NULL while it
 * is not known yet. The department's, while the application is its to write; later
 * only the very body that was announced by digest: DOCUMENT_MISMATCH. */
int application_upload(const struct facts *facts, const zwy_v1_Application *before, const char *type,
		       const char *sha256, struct fault *f);

/* After a calendar import: recomputes running provisional clocks (and their
 * overdue mark); no events if none changed. */
int application_recompute(const struct facts *facts, const zwy_v1_Application *before, struct arena *arena,
			  struct outcome *ret, struct fault *f);

/* Something that the caller may do now. */
struct possible {
	const char *action;
	const char *form; /* keys, blanks between, those needed end in * */
	const char *article;
	const char *description;
};
#define POSSIBLE_MAX 8
#define NOTES_MAX    20
#define REQUESTS_MAX 3
struct explanation {
	const char *who;           /* role that must act, e.g. "op-p"; "" at the end */
	const char *who_text;      /* for people */
	const zwy_v1_Clock *clock; /* the running clock with the nearest end, or NULL */
	const char *article;
	const char *text; /* what the state means and what it waits for */
	bool final;
	bool waits; /* for the actor, among others perhaps */
	struct fault missing;         /* draft: what submit would refuse it for, all of it; code 0: nothing */
	const char *notes[NOTES_MAX]; /* what else there is to say, a line each */
	size_t note_count;
	struct possible next[POSSIBLE_MAX];
	size_t next_count;
	/* Requests of another kind: action is kind=…, form the other words as one writes them. */
	struct possible requests[REQUESTS_MAX];
	size_t request_count;
};
/* What `why`, `next` and `status` say. Only actions whose role and jurisdiction
 * the actor has, and who is not kept from it as the submitter. */
void application_explain(const struct facts *facts, const zwy_v1_Application *a, struct arena *arena,
			 struct explanation *ret);

/* A type of document. */
struct document_type {
	const char *type;
	unsigned processes; /* P_ bits: whose cases need it */
	const char *article;
	const char *name_zh;
};
extern const struct document_type document_types[];
extern const size_t document_type_count;

/* Article 4 and 5, shared with other rules: the level and region are the node's
 * own; a county's first four digits name its city. */
bool actor_at_node(const struct actor *a, const zwy_v1_Node *node);
/* The slug of the node that serves a level and region, "" if there is none. nodes: all of them. */
const char *node_for(zwy_v1_Level level, const char *region, const zwy_v1_Node *const *nodes, size_t count);

#endif
