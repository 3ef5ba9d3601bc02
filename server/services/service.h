/* The handlers behind the routes. Thin: who calls, what is asked, load, judge,
 * commit, reply. Loop thread, but for what runs inside a job's decide(). */
#ifndef ZWY_SERVICES_SERVICE_H
#define ZWY_SERVICES_SERVICE_H

#include "rpc/call.h"
#include "services/job.h"

/* The routes table: every method of the contract with its handler. Returns the
 * number of rows; *ret lives in the arena and has room for `more` rows. 0: no memory. */
size_t service_routes(struct arena *arena, size_t more, struct rpc_method **ret);

/* The method's row of the contract. */
const struct method_desc *service_method(const struct call *c);

/* Handlers by verb, and those of single methods. */
extern const struct call_handler get_handler;
extern const struct call_handler list_handler;
extern const struct call_handler create_handler;
extern const struct call_handler update_handler;
extern const struct call_handler act_handler;
extern const struct call_handler explain_handler;
extern const struct call_handler list_inbox_handler;
extern const struct call_handler get_process_handler;
extern const struct call_handler list_processes_handler;
extern const struct call_handler list_coverage_handler;
extern const struct call_handler list_values_handler;
extern const struct call_handler whoami_handler;
extern const struct call_handler deadline_handler;
extern const struct call_handler upload_handler;
extern const struct call_handler download_handler;
extern const struct call_handler import_handler;
extern const struct call_handler get_event_handler;
extern const struct call_handler list_events_handler;
extern const struct call_handler head_handler;
extern const struct call_handler watch_handler;
extern const struct call_handler watch_batches_handler;

/* What reading is open to an actor; see rules/visibility.h. */
struct access {
	bool none;
	enum scope scope;
	struct slice value; /* slug of the department or node */
	struct slice owner; /* only records whose first variable is this slug; empty: all */
};
struct access access_of(const struct actor *actor, const struct kind_desc *kind);
bool access_allows(const struct access *a, struct slice department, struct slice node);
/* Narrows a collection to what the owner has of it; nothing at all (none) where that is not his. */
void access_narrow(struct access *a, struct name *collection);
/* Reads by regulators and auditors are remembered in the access log (Article 27),
 * apart from the history, so that reading moves nothing. name: of a record or
 * collection. */
void access_remember(struct call *c, const struct actor *actor, struct slice name);

/* An event goes with the record that it is about. */
bool event_readable(const struct actor *actor, const struct event_row *row);

/* Fields of every list's reply. */
enum { LIST_ITEMS = 1, LIST_NEXT_PAGE_TOKEN = 2 };

/* Parameters of a list as every ListXsRequest has them. */
struct list_request {
	struct slice parent, token, filter, order_by;
	struct slice field; /* of ListValues: whose values */
	const char *path;   /* the method: which list it is */
	size_t page_size;
};
/* small: items are names or values and no records; then a page holds as many as may be
 * looked at for one (page_scan_max). */
int list_request_read(struct list_request *ret, const struct call *c, struct slice message, bool small,
		      struct fault *f);
/* A parameter that this list does not have; why: what it gives instead. */
int list_must_be_empty(struct slice value, const char *parameter, const char *why, struct fault *f);
/* The read_mask (AIP-157): whole records, or their names alone. ERR_INVALID_FIELD: another one. */
int list_mask_read(bool *ret_names, struct slice message, struct fault *f);

/* A page token binds a position to the list it belongs to: opaque, authenticated
 * (HMAC-SHA-256), good for the same list, caller, parent, filter, order and field only. Not
 * bound to the read_mask, which moves nothing. token_put makes it the reply's next. */
void token_put(struct buf *reply, const struct server *s, const struct actor *actor,
	       const struct list_request *l, struct slice position);
int token_read(struct buf *ret_position, const struct server *s, const struct actor *actor,
	       const struct list_request *l, struct fault *f);

#endif
