/* The shape of the tree: what a path under the mount means. Pure; any thread.
 *
 * The path of a record is its resource name. A place is a path that was understood:
 * which view shows it, of which kind and record, and what has to be asked of the
 * server before it can be said whether it is there (needs). Nothing here asks. */
#ifndef FUSEFS_TREE_H
#define FUSEFS_TREE_H

#include "base/buf.h"
#include "content.h"
#include "descriptor.h"
#include "name.h"

#define TREE_MAX_DEPTH 24
#define TREE_MAX_VARS  4
#define TREE_PATH_MAX  1024

/* What has to be known. The first three are about the caller, each of the others
 * is one question to the server. */
enum {
	NEED_CALLER = 1 << 0,
	SELF = 1 << 1,
	OFFLINE = 1 << 2,
	NEED_WHOAMI = 1 << 3,
	NEED_RECORD = 1 << 4,     /* Get of the place's record */
	NEED_PARENT = 1 << 5,     /* Get of the record above it */
	NEED_EXPLAIN = 1 << 6,    /* RuleService.Explain of the record */
	NEED_HISTORY = 1 << 7,    /* AuditService.ListEvents of the record */
	NEED_COLLECTION = 1 << 8, /* List of the place's collection */
	NEED_CASES = 1 << 9,      /* List of applications, filtered as the view asks */
	NEED_DOCUMENTS = 1 << 10, /* DocumentService.ListDocuments of the application */
	NEED_REQUESTS = 1 << 11,  /* requests of the principal that the store accepted */
	NEED_REQUEST = 1 << 12,   /* one of them */
	NEED_EVENT = 1 << 13,     /* AuditService.GetEvent */
	NEED_HEAD = 1 << 14,      /* AuditService.GetHead */
	NEED_EVENTS = 1 << 15,    /* AuditService.ListEvents, all that the caller may see */
	NEED_BODY = 1 << 16,      /* DocumentService.Download */
};
#define NEED_ASK_MASK (~(unsigned)(NEED_CALLER | SELF | OFFLINE))

enum view {
	/* rows of tree.def */
	VIEW_ROOT,
	VIEW_README,
	VIEW_WHOAMI,
	VIEW_EVENTS,
	VIEW_STATUS_DIR,
	VIEW_CONNECTION,
	VIEW_REVISION,
	VIEW_SERVER_VERSION,
	VIEW_LAG,
	VIEW_STALE_SINCE,
	VIEW_PERSONAL_LINK,
	VIEW_USERS,
	VIEW_USER,
	VIEW_REQUESTS,
	VIEW_DRAFTS,
	VIEW_BOX_FILE,
	VIEW_RESULTS,
	VIEW_RESULT,
	VIEW_RESULT_STATE,
	VIEW_RESULT_ID,
	VIEW_RESULT_ERROR,
	VIEW_RESULT_RECORD,
	VIEW_INBOX,
	VIEW_INBOX_LINK,
	VIEW_MINE,
	VIEW_MINE_LINK,
	VIEW_NEW,
	VIEW_INDEX,
	VIEW_MONTHS,
	VIEW_MONTH,
	VIEW_MONTH_LINK,
	VIEW_STATES,
	VIEW_STATE,
	VIEW_STATE_LINK,
	VIEW_DOCUMENTS,
	VIEW_SUMS,
	VIEW_DOCUMENT,
	VIEW_BODY,
	VIEW_LAYERS,
	VIEW_LAYER,
	VIEW_SUBCATEGORY,
	VIEW_LAYER_LINK,
	VIEW_NAMES,
	VIEW_NAME_LINK,
	VIEW_AUDIT,
	VIEW_HEAD,
	VIEW_EVENT,
	/* what follows from the descriptor */
	VIEW_COLLECTION,
	VIEW_RECORD,
	VIEW_FIELD, /* a field, or a directory of them */
	VIEW_TEXT,
	VIEW_JSON,
	VIEW_ENV,
	VIEW_HISTORY,
	/* of workflow records */
	VIEW_CASE_STATUS,
	VIEW_CASE_DUE,
	VIEW_CASE_WHY,
	VIEW_CASE_NEXT,
	VIEW_ACTIONS,
	VIEW_ACTION,
};

struct tree_row {
	const char *path;
	enum view view;
	enum content_type type;
	unsigned needs, listing_needs;
};

struct place {
	enum view view;
	enum content_type type; /* VIEW_FIELD, VIEW_BODY: known only once the record is */
	unsigned needs, listing_needs;
	const struct tree_row *row;         /* NULL: from the descriptor */
	const struct kind_desc *kind;       /* of the record or collection; NULL: neither */
	const struct message_desc *message; /* of the record; Event where there is no kind */
	/* The resource name of the record or collection the place is, or is in. */
	struct slice name;
	/* Path below the record: fields. */
	struct slice rest;
	struct slice vars[TREE_MAX_VARS]; /* of the row */
	size_t var_count;
	size_t depth; /* components of the path */
	char path[TREE_PATH_MAX];
	char name_text[NAME_MAX_BYTES + 1];
};

/* Path without a leading slash; "" is the root. 0, or ERR_NOT_FOUND: there can be no
 * such place. The place's slices point into itself: it must not be copied. */
int tree_resolve(struct place *ret, struct slice path);

/* What is true of a place whatever the server says. */
enum {
	TRAIT_FIXED = 1 << 0,    /* a directory that is always there, whoever asks */
	TRAIT_LASTING = 1 << 1,  /* once it is there it stays */
	TRAIT_KEPT = 1 << 2,     /* shows one answer and nothing else, the same as long as it holds */
	TRAIT_CONSTANT = 1 << 3, /* and that never changes */
	TRAIT_GROWS = 1 << 4,    /* is only ever added to: who has it open sees what was added */
	TRAIT_WRITABLE = 1 << 5, /* something may be written there, if the server agrees */
	TRAIT_KNOWN = 1 << 6,
};
unsigned place_traits(const struct place *p);

/* The fixed names in a directory: rows whose path is the place's and one literal more. */
void tree_fixed_names(const struct place *p, struct content *directory);
/* First words of all collections, for the root. */
void tree_collections(struct content *directory);
/* Virtual files of a record: record, record.json, …, and of a workflow record status, due, …. */
void tree_record_names(const struct place *p, struct content *directory);

/* The shortest relative target of a link at this place: catalogue/x seen from
 * catalogue/by-name/y is ../x. */
void tree_link(const struct place *p, struct slice target, struct buf *out);

/* Names a person may give a request: contract "Writing", rule 1. 0 or an errno. */
int tree_check_file_name(struct slice name);
/* Whether a file of that name in requests/ is a request, and in which form. */
bool tree_is_request(struct slice name, bool *ret_json);
/* Scratch names of editors and rsync in places where every other name counts. */
bool tree_is_scratch(struct slice name);

#endif
