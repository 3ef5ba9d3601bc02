/* Inside of the application rules: the tables' columns, and one command under
 * way. Not for other folders. */
#ifndef ZWY_RULES_WORKFLOW_H
#define ZWY_RULES_WORKFLOW_H

#include "rules/application.h"
#include "rules/authority.h"
#include "rules/names.h"

#include <stdio.h>

enum term {
	TERM_NONE = -1,
#define TERM(id, process, name, article, statutory, unit, parameter, role, then, missed, text) TERM_##id,
#include "rules/terms.def"
#undef TERM
	TERM_COUNT
};

/* Of a process, by name; TERM_NONE if it has none such. */
enum term term_find(const struct process *p, const char *name);

enum quota_effect { QUOTA_NONE, QUOTA_RESERVE, QUOTA_COMMIT, QUOTA_RELEASE };

/* One command under way. */
struct work {
	const struct facts *facts;
	const struct process *process;    /* of the case's kind */
	const zwy_v1_Application *before; /* NULL: a new one */
	const struct act *act;            /* NULL: not an action */
	const char *comment;
	struct arena *arena;
	struct outcome *out; /* application as it will be, and all that follows */
	struct outcome
		*root; /* of the command: `out` of the case on which somebody acts; has all the resources */
	size_t event_room;
};

typedef int (*guard_fn)(const struct work *w, struct fault *f);

/* The columns of a process's steps that only this folder needs; same rows. */
struct step_rule {
	enum term start, stop;
	enum quota_effect quota;
	guard_fn guard;
	int (*effect)(struct work *w, struct fault *f);
};

/* ---- steps.c ------------------------------------------------------------- */

/* Finds the process of a kind; refuses one that has none. */
int work_process(struct work *w, zwy_v1_ApplicationKind kind, struct fault *f);
/* Makes *out a copy of `before` (or empty) with room for changes; the process is that of its kind. */
int work_begin(struct work *w, struct fault *f);
void work_event(struct work *w, const char *kind, const char *action, const char *from, const char *to,
		const char *article, const char *comment);
/* The row of an action in the case's state, chosen by the form and by conditions. */
int step_choose(const struct work *w, const char *action, size_t *ret_row, struct fault *f);
/* The system's own action that follows in the same command as the step into its state. */
#define STEP_AT_ONCE "apply"
/* Carries a row out: guard, effect, quota, clocks, state, event. */
int step_apply(struct work *w, size_t row, const char *kind, struct fault *f);
/* Whether the state has a row of that action whose condition holds. */
bool step_possible(const struct work *w, const char *action);
const char *form_value(const struct act *act, const char *key); /* "" if it is not there */
/* The keys of an action's form: none that it does not have, none that it needs left out. */
int form_check(const char *action, const char *form, const char *article, const struct act *act,
	       struct fault *f);

/* ---- conditions.c -------------------------------------------------------- */

/* Whether a row of conditions.def holds; false for a name that is none. */
bool condition_holds(const struct work *w, const char *name);
/* What people are told of one that holds; returns how many lines, in the work's arena. */
size_t condition_said(const struct work *w, const char *name, const char **ret, size_t room);

/* ---- linked.c ------------------------------------------------------------ */

/* A copy of a resource that the outcome changes, with an event of that action; the same
 * copy when asked again. NULL when memory is out. */
zwy_v1_Resource *work_resource(struct work *w, const zwy_v1_Resource *r, const char *action,
			       const char *article);
/* The resource as the command leaves it. */
const zwy_v1_Resource *work_now(const struct work *w, const zwy_v1_Resource *r);
int work_resource_state(struct work *w, const zwy_v1_Resource *r, const char *state, const char *action,
			const char *article, struct fault *f);
/* With the reservation the case takes hold of its resources, with its end it lets go. */
int work_hold(struct work *w, enum quota_effect effect, const struct step *step, struct fault *f);
/* Moves another case on, by an action of the system. */
int work_other(struct work *w, const char *name, const char *action, struct fault *f);
/* A new case in the first state of its kind, linked with this one; *ret is its command, for steps.
 * first: what a department would write. */
int work_create(struct work *w, const zwy_v1_Application *first, struct work *ret, struct fault *f);
int check_resource(const struct facts *facts, const zwy_v1_Application *a, struct fault *f);
void derive_none(zwy_v1_Application *asked, const zwy_v1_Resource *resource, struct arena *arena);

/* ---- effects.c ----------------------------------------------------------- */

int effect_none(struct work *w, struct fault *f);
int effect_submit(struct work *w, struct fault *f);
int effect_hand_in(struct work *w, struct fault *f);
int effect_reason(struct work *w, struct fault *f);
int effect_return(struct work *w, struct fault *f);
int effect_opinion(struct work *w, struct fault *f);
int effect_decide(struct work *w, struct fault *f);
int effect_deliver(struct work *w, struct fault *f);
/* One resource per item, new or taken over, in that kind of use; its term is the case's end_date. */
int bring_resources(struct work *w, zwy_v1_ResourceKind kind, struct fault *f);
/* Its service, size, place and grade as the item says. */
void resource_as_item(struct work *w, const zwy_v1_Item *item, zwy_v1_Resource *r);

/* ---- reading.c ----------------------------------------------------------- */

/* "vcpu=12 gib=40": whole numbers by dimension, each once, of what the service counts by
 * (`quantity` always). service: NULL: any. Refuses all that is wrong at once. */
int reading_parse(const char *text, const zwy_v1_Service *service, struct arena *arena, zwy_v1_Reading *ret,
		  struct fault *f);
/* The form's key `reading`, of the resource that the case is about; *ret stays where it is left out. */
int reading_of_form(const struct work *w, zwy_v1_Reading *ret, struct fault *f);
/* The same, kept in the resource with who read it and when. */
int work_reading(struct work *w, const char *action, struct fault *f);

/* ---- change.c, change_steps.c: Article 15 ------------------------------------------- */

void derive_change(zwy_v1_Application *asked, const zwy_v1_Resource *resource, struct arena *arena);
int check_change(const struct facts *facts, const zwy_v1_Application *a, struct fault *f);
int check_more(const struct facts *facts, const zwy_v1_Application *a, struct fault *f);
/* What may not change once it was handed in; the consent may. */
bool change_same(const zwy_v1_Change *a, const zwy_v1_Change *b);
bool condition_major(const struct work *w);
bool condition_inactive(const struct work *w);
size_t said_major(const struct work *w, const char **ret, size_t room);
int guard_change_pass(const struct work *w, struct fault *f);
int guard_change_start(const struct work *w, struct fault *f);
int effect_change_reading(struct work *w, struct fault *f);
int effect_change_review(struct work *w, struct fault *f);
int effect_change_consent(struct work *w, struct fault *f);
int effect_escalate(struct work *w, struct fault *f);
int effect_found_major(struct work *w, struct fault *f);
int effect_change_start(struct work *w, struct fault *f);
int effect_change_complete(struct work *w, struct fault *f);

/* ---- reclaim.c ----------------------------------------------------------- */

/* Article 17: taken back, by the operator or because a term has ended; not given back. */
bool reclaim_forced(const zwy_v1_Application *a);
/* Makes a case, linked with this one and submitted already, that takes a resource back: it holds the
 * resource, and the data are kept for term.grace_wd working days. The resource is one of w->facts->resources.
 * RESOURCE_BUSY where a case holds it: a change or return that is under way is left to end. */
int reclaim_force(struct work *w, const zwy_v1_Resource *r, zwy_v1_ReclaimOrigin origin, struct fault *f);
int guard_preserved(const struct work *w, struct fault *f);
int guard_refuse_return(const struct work *w, struct fault *f);
int effect_force(struct work *w, struct fault *f);
int effect_consent(struct work *w, struct fault *f);
int effect_keep(struct work *w, struct fault *f);
int effect_result(struct work *w, struct fault *f);
int effect_refuse_return(struct work *w, struct fault *f);
int effect_reclaiming(struct work *w, struct fault *f);
int effect_reclaimed(struct work *w, struct fault *f);
int check_returned(const struct facts *facts, const zwy_v1_Application *a, struct fault *f);
int check_attested(const struct facts *facts, const zwy_v1_Application *a, struct fault *f);

/* ---- guards.c ------------------------------------------------------------ */

/* Whether it looks at the case alone, not at the form: what it would refuse is not offered. */
bool guard_is_early(guard_fn guard);
int guard_none(const struct work *w, struct fault *f);
int guard_submit(const struct work *w, struct fault *f);
int guard_resubmit(const struct work *w, struct fault *f);
int guard_return_once(const struct work *w, struct fault *f);
int guard_opinion_there(const struct work *w, struct fault *f);
int guard_approve(const struct work *w, struct fault *f);
int guard_reject(const struct work *w, struct fault *f);
int guard_comment(const struct work *w, struct fault *f); /* it needs a comment */
int guard_recheck(const struct work *w, struct fault *f); /* what was true at submission */

/* ---- term_use.c (Articles 19 and 20) --------------------------------------- */

int effect_allocate(struct work *w, struct fault *f);
int effect_suspend(struct work *w, struct fault *f);
int effect_resume(struct work *w, struct fault *f);
int effect_freeze(struct work *w, struct fault *f);
int effect_expire(struct work *w, struct fault *f);
int check_developing(const struct facts *facts, const zwy_v1_Application *a, struct fault *f);
int check_urgency(const struct facts *facts, const zwy_v1_Application *a, struct fault *f);
int check_new_use(const struct facts *facts, const zwy_v1_Application *a, struct fault *f);
/* Article 19 (2): what its items ask for, and its own word, serve the public (exposure.def). */
int check_exposed(const struct facts *facts, const zwy_v1_Application *a, struct fault *f);
int effect_extended(struct work *w, struct fault *f);
int effect_reclaim_rest(struct work *w, struct fault *f);
/* A resource leaves the case that it is used under, or begins to: that case is moved on by the action,
 * and an extension that was asked for is void, where they have such steps. */
int term_left(struct work *w, const zwy_v1_Resource *r, const char *action, struct fault *f);
/* After an import of a calendar: the days that the case and its resources show. */
int term_mend(struct work *w, struct fault *f);
/* What a person needs to know of a term that runs: its end, and until when what can be applied for. */
size_t term_notes(const struct facts *facts, const zwy_v1_Application *a, struct arena *arena,
		  const char **ret, size_t room);
/* The requests by which a department goes on before the term ends. */
size_t term_requests(const struct facts *facts, const zwy_v1_Application *a, struct arena *arena,
		     struct possible *ret);
int check_months(const struct facts *facts, const zwy_v1_Application *a, struct fault *f);
bool condition_extension_pending(const struct work *w);
bool condition_near_end(const struct work *w);
bool condition_unheld(const struct work *w);

/* ---- extension.c (Article 20) ----------------------------------------------- */

int check_extendable(const struct facts *facts, const zwy_v1_Application *a, struct fault *f);
int check_lead(const struct facts *facts, const zwy_v1_Application *a, struct fault *f);
int guard_grant(const struct work *w, struct fault *f);
int effect_extension_submit(struct work *w, struct fault *f);
int effect_extension_end(struct work *w, struct fault *f);
int effect_extension_deny(struct work *w, struct fault *f);
int effect_extension_apply(struct work *w, struct fault *f);

/* ---- checks.c ------------------------------------------------------------ */

enum stage { STAGE_CREATE, STAGE_SUBMIT, STAGE_RESUBMIT, STAGE_APPROVE, STAGE_COUNT };
/* The first row of checks.def that fails at that stage; with all, every row adds
 * what it finds. except_documents leaves the last row out. Returns the fault's code. */
enum { CHECK_ALL = 1, CHECK_EXCEPT_DOCUMENTS = 2 };
int application_check(const struct facts *facts, const zwy_v1_Application *a, enum stage stage,
		      unsigned flags, struct fault *f);
/* Puts all items of a fault into its text, as far as they go. */
void fault_summarise(struct fault *f);
bool text_blank(const char *s);
/* Article 9: where an item lies: its own zone, or the application's. */
zwy_v1_Zone item_zone(const zwy_v1_Application *a, const zwy_v1_Item *item);

/* ---- documents.c --------------------------------------------------------- */

/* The announced digest of "FILENAME sha256:HEX"; NULL if it is not of that form. */
const char *document_digest(const char *value);
const char *application_document(const zwy_v1_Application *a, const char *type); /* NULL: not announced */
const struct document_facts *uploaded_document(const struct facts *facts, const char *type);
int check_forms(const struct facts *facts, const zwy_v1_Application *a, struct fault *f);
int check_digests(const struct facts *facts, const zwy_v1_Application *a, struct fault *f);
int check_documents(const struct facts *facts, const zwy_v1_Application *a, struct fault *f);

/* ---- planned.c ----------------------------------------------------------- */

/* Whether a department forecasts what such a case asks for: a regular one's. */
bool is_forecast_kind(const zwy_v1_Application *a);
int check_forecast(const struct facts *facts, const zwy_v1_Application *a, struct fault *f);

/* ---- quota.c ------------------------------------------------------------- */

/* The value in a spec, NULL if it is not there. */
const char *item_spec(const zwy_v1_Item *item, const char *key);
const char *resource_spec(const zwy_v1_Resource *r, const char *key);
/* quantity × the figure of a dimension; 0 where there is none. False where it does not fit a
 * ledger entry. */
bool amount_of(uint64_t quantity, const char *figure, const char *dimension, uint64_t *ret);
/* What a resource holds of a dimension, and what an item asks for: quantity × the figure. */
uint64_t resource_amount(const zwy_v1_Resource *r, const char *dimension);
uint64_t item_amount(const zwy_v1_Item *item, const char *dimension);
/* The n-th dimension by which something counts: quantity, those of the first service, then those
 * that only the second has; NULL after the last. Either may be NULL. */
const char *dimension_of(const zwy_v1_Service *first, const zwy_v1_Service *second, size_t n);
int check_quota(const struct facts *facts, const zwy_v1_Application *a, struct fault *f);
int check_reservation(const struct facts *facts, const zwy_v1_Application *a, struct fault *f);
/* Fills out->moves: one per service of which something moves. */
int quota_moves(struct work *w, enum quota_effect effect, struct fault *f);

/* ---- clocks.c ------------------------------------------------------------ */

/* The term for which resources are used; terms of the unit BEFORE start and stop with it. */
#define TERM_OF_USE "term"
/* The last day to apply for its extension (Article 20). */
#define TERM_LAST_EXTENSION "last-extension"
int clock_start(struct work *w, enum term term, struct fault *f);
/* From another instant, of another length in the term's unit. */
int clock_start_at(struct work *w, enum term term, msec start, uint32_t length, struct fault *f);
void clock_stop(struct work *w, enum term term);
void clocks_stop_all(struct work *w);
/* Marks what has been missed by now, one event each. */
void clocks_mark(struct work *w);
/* A running clock whose passing moves the application on, and has; NULL if there is none. */
const zwy_v1_Clock *clock_ended(const struct process *p, const zwy_v1_Application *a, msec now);
/* Of the whole application, by name; the newest that runs, NULL if none does. */
zwy_v1_Clock *clock_running(const zwy_v1_Application *a, const char *term);
google_protobuf_Timestamp stamp_of(msec t);
msec msec_of(google_protobuf_Timestamp t);

/* ---- authority.c --------------------------------------------------------- */

/* Role, then department or node. what: "decide". */
int authority_check(const struct facts *facts, const char *department, unsigned roles, const char *what,
		    const char *article, struct fault *f);
/* Nobody decides a request of their own, also not through somebody else's name: whether a
 * step for these roles would be that. What the department may take itself is no decision. */
bool decides_own(const struct actor *actor, unsigned roles, char *const *submitters, size_t count);
/* Adds who acts, and who called for that unless it is a gateway: none of them decides.
 * The list is made anew in the arena. */
int submitters_add(const struct actor *actor, struct arena *arena, char ***list, pb_size_t *count,
		   struct fault *f);
/* op-p, ca-c: the role with the level of the node. node may be NULL. */
char *role_at(const zwy_v1_Node *node, unsigned roles, struct arena *arena);
/* The same for people: the bodies by name. place: what the node is called where it is NULL. */
const char *who_at(const zwy_v1_Node *node, const char *place, const char *department, unsigned roles,
		   struct arena *arena);

#endif
