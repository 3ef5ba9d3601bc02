/* How a place is shown: what to ask of the server, and the content made of the
 * answers. Pure: the mount carries the questions and brings the answers, tests
 * bring any. One thread per task.
 *
 *   view_init, then { view_plan; answer every new ask } until view_plan adds none,
 *   then view_render. view_release always. */
#ifndef FUSEFS_VIEW_H
#define FUSEFS_VIEW_H

#include "base/arena.h"
#include "base/error.h"
#include "box.h"
#include "content.h"
#include "tree.h"

/* What is wanted of a place. */
enum view_purpose {
	VIEW_STAT,     /* that it is there, its type and size */
	VIEW_OPEN,     /* the bytes too */
	VIEW_NAMES_OF, /* a directory's names */
};

/* What the mount knows by itself. Borrowed. */
struct view_context {
	const char *principal; /* principals/x of the caller; NULL: not known */
	struct box *box;       /* of that principal; NULL: none yet */
	bool unmapped;         /* the server said that it does not know the caller */
	const char *refusal;   /* why the caller's last action on this record was refused; NULL: it was not */
	bool clock_is_set;     /* the server's clock is set by a file: status says so */
	/* status/ */
	const char *connection;
	uint64_t revision;
	const char *server_version; /* NULL: not known yet */
	int64_t lag_ms;             /* negative: not known */
	msec stale_since;           /* 0: not stale */
};

#define VIEW_PAGE_SIZE    1000 /* records */
#define VIEW_NAMES_SIZE   4000 /* names */
#define VIEW_AUDIT_LISTED 1000 /* newest events listed in audit/; each is found by its revision */

/* What ends an answer that is kept. */
enum topic_type {
	TOPIC_NONE,   /* it is not kept */
	TOPIC_RECORD, /* a change of what `topic` names, or of anything below it */
	TOPIC_NAMES,  /* a record made below it */
	TOPIC_SAID,   /* what the answer says: depends_on of ExplainResponse and ListInboxResponse */
};

/* One question. */
struct ask {
	unsigned need; /* NEED_* */
	enum topic_type topic_type;
	struct slice topic;
	const char *method; /* path of the RPC */
	struct slice request;
	bool list;         /* append pages until there is no next_page_token; `request` is for the first */
	bool values;       /* of a list: its items are texts (ListValues), not records */
	bool stream;       /* append every message's field 2 (chunk) */
	struct buf answer; /* message bytes; pages one after the other */
	int code;          /* 0 or ERR_*, reason_of() it */
	bool answered;
	uint64_t kept; /* serial of the kept answer that it is; 0: none */
};

struct view_task {
	struct place place;
	enum view_purpose purpose;
	const struct view_context *context;
	struct arena arena;
	struct ask **asks; /* in the arena; their answers are not */
	size_t ask_count, ask_capacity;
	unsigned round;
};

/* 0 or ERR_NOT_FOUND. */
int view_init(struct view_task *t, struct slice path, enum view_purpose purpose,
	      const struct view_context *context);
void view_release(struct view_task *t);
/* Adds what else has to be asked; returns how many asks were added, or a code. */
int view_plan(struct view_task *t);
/* *ret holds a reference. 0 or an errno. */
int view_render(struct view_task *t, struct content **ret);
/* The request of a list: of records, or of names alone (read_mask). Parent and filter may be empty. */
void view_list_request(struct buf *out, struct slice parent, uint64_t size, struct slice filter, bool names);
/* The request of a list's next page; released by the caller. */
struct buf view_next_page(struct slice request, struct slice token);
/* Whether the directory's names are those of a list's items, in its order, after what else
 * stands there: the pages after the first may be shown as they come. */
bool view_streams(const struct view_task *t);
/* What its names are of, and the names in a page of the list: of values, or of records. */
enum content_type view_entry_type(const struct place *p);
void view_add_names(struct content *c, enum content_type type, bool values, struct slice page);

/* Whether a Chinese name may stand without its record's slug: by itself it leads to one. */
bool view_name_alone(struct slice zh);
/* 财政局@nanjing-finance: the record's Chinese name and its slug; false: it has no slug. */
bool view_split_name(struct slice name, struct slice *ret_zh, struct slice *ret_slug);

/* Whether what is shown may be kept as long as the last answer holds: the others end no earlier,
 * and it depends on nothing else. */
bool view_keeps(const struct view_task *t);

/* For the views' own files. */
const struct ask *view_answer(const struct view_task *t, unsigned need);
struct ask *view_ask(struct view_task *t, unsigned need, const char *method, uint32_t field,
		     struct slice value);
/* The errno that a reader gets for a code. */
int view_errno(int code);
/* The part of a name after its last '/'. */
struct slice last_part(struct slice name);

/* Each renders into a new content and returns 0 or an errno. */
typedef int (*view_fn)(struct view_task *t, struct content *c);
int view_self(struct view_task *t, struct content *c);  /* README, whoami, status/, results, links */
int view_names(struct view_task *t, struct content *c); /* every directory's names */
int view_link(struct view_task *t, struct content *c);  /* links of the views over collections */
int view_case(struct view_task *t, struct content *c);  /* status, due, why, next, history, actions, index */
int view_document(struct view_task *t, struct content *c); /* documents and their sums */
/* Whether an Explain answer says that the case waits for the caller. */
bool case_waits(struct slice explain);
/* The case is in the view's month, state or list (for its links). */
bool case_in_view(const struct view_task *t, struct slice record);

/* applications/index.tsv: the header and a case's row, each exactly so many bytes, the last column blanks. */
#define INDEX_WIDTH 384
void index_header(struct buf *out);
void index_row(struct slice application, struct buf *out);
/* One line of history and of the events file for an Event; with its record's name or without. */
void event_line(struct slice event, bool with_name, struct buf *out);
/* The template of a line file: how it is used and every key explained. */
void new_template(struct buf *out);
void action_template(struct slice next, struct buf *out);

extern const char tree_readme[];

#endif
