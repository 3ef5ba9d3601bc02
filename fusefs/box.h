/* The drop box of one principal: what it writes into requests/, drafts/ and the
 * documents of an application, and what became of its requests. The write protocol
 * of the design's "Writing", without FUSE, sockets or clock: a step says what is to
 * be done, the mount does it and brings the outcome.
 *
 *  - In requests/ a request (*.req, *.json) is written through a private buffer of
 *    each handle. The write that completes it asks for a commit; garbage and other
 *    bytes than those accepted before are refused at once.
 *  - Every other name there, and everything in drafts/, is an ordinary file.
 *  - A document's file is uploaded at close, or when a scratch name becomes its own.
 *
 * Everything belongs to the box; files are counted (directory, handles, the
 * kernel's knowledge of the inode). One thread. Sizes are bytes. */
#ifndef FUSEFS_BOX_H
#define FUSEFS_BOX_H

#include "base/buf.h"
#include "base/date.h"
#include "content.h"

#define BOX_KEY_PREFIX "fs:" /* request id of a file: prefix and name */
#define BOX_NAME_MAX   256

struct box_limits {
	size_t request; /* bytes of one request, 64 KiB */
	size_t file;    /* of one scratch file or document */
	size_t bytes;   /* of all files of the box */
	size_t files;   /* in number */
	size_t results; /* kept in memory; the oldest go first */
};

enum box_area {
	BOX_REQUESTS,
	BOX_DRAFTS,
	BOX_DOCUMENTS,
};

struct box;

struct box_file {
	struct box_file *next; /* of the box, while linked */
	struct box *box;
	unsigned refs;
	bool linked;
	enum box_area area;
	uint64_t inode;
	unsigned mode;
	msec mtime;
	struct buf content;        /* of a request: the last draft, or what was accepted */
	size_t counted;            /* of it, in the box's bytes */
	char origin[BOX_NAME_MAX]; /* the request it was renamed away from, unchanged since; or "" */
	char name[BOX_NAME_MAX];
	char *directory; /* path of the directory it stands in */
	int spoiled;     /* errno: bytes of this draft were refused, nothing may be added to it */
	unsigned handles;
};

enum box_state {
	BOX_ACCEPTED,
	BOX_REFUSED,
	BOX_UNKNOWN, /* sent, no answer: being asked about */
};

struct box_result {
	enum box_state state;
	int error_number; /* of a refusal */
	char id[128];     /* A-2026-000123, or "" */
	char record[128]; /* applications/A-2026-000123, or "" */
	char error[2048]; /* one line, or "" */
	msec time;
};

/* An open file. On the caller's memory. */
struct box_handle {
	struct box_file *file;
	struct buf buffer; /* of a request, private */
	bool private_buffer;
	bool append;
	bool dirty;
	bool complete; /* the buffer's document was committed, or is what was committed before */
	int refused;   /* errno of the last write or commit through this handle */
	int spoiled;   /* errno of bytes that were refused: so is what follows, until it is begun anew */
};

/* What a write or rename comes to. */
struct box_step {
	int error_number; /* 0: go on */
	bool commit;      /* submit `body` under the file's name; then box_settle */
	bool json;
	bool upload;            /* the file's content is a document: store it */
	struct slice raw, body; /* into the handle's buffer or the file's content */
	const char *error;      /* text of a refusal, if any */
};

/* NULL: out of memory. principal: principals/x. */
struct box *box_new(const char *principal, const struct box_limits *limits);
void box_free(struct box *b); /* every handle must be closed */
const char *box_principal(const struct box *b);

struct box_file *box_find(struct box *b, struct slice directory, struct slice name);
/* A new empty file; one reference for the caller. 0 or an errno. */
int box_create(struct box *b, enum box_area area, struct slice directory, struct slice name, uint64_t inode,
	       msec now, struct box_file **ret);
/* What a new file begins with. 0 or an errno. */
int box_fill(struct box_file *f, struct slice bytes);
struct box_file *box_file_ref(struct box_file *f);
void box_file_unref(struct box_file *f);
bool box_is_request(const struct box_file *f);
void box_names(struct box *b, struct slice directory, struct content *c);

/* truncate: start empty. */
int box_open(struct box_handle *ret, struct box_file *f, bool truncate, bool append);
void box_close(struct box_handle *h); /* gives a draft to the file; never fails, never submits */
struct slice box_bytes(const struct box_handle *h);
struct box_step box_write(struct box_handle *h, uint64_t offset, struct slice data, msec now);
int box_truncate(struct box_file *f, struct box_handle *h, uint64_t size, msec now);
/* The commit or upload that a write or flush asked for came to this errno. */
void box_committed(struct box_handle *h, int eno);
/* close(): EBADMSG for a dirty request that is not complete. */
struct box_step box_flush(struct box_handle *h);
/* fsync(): was it accepted? */
int box_sync(struct box_handle *h);

/* Whether the file may get the name, and what that asks for. 0 < error_number: nothing moves. */
struct box_step box_rename(struct box_file *f, enum box_area area, struct slice directory, struct slice name);
/* Does it. 0 or an errno. */
int box_move(struct box_file *f, enum box_area area, struct slice directory, struct slice name);
/* An accepted request is only hidden: its result stays. */
void box_unlink(struct box_file *f);

/* A document that was unlinked: the server keeps it, this principal does not see it
 * until it is written again. 0 or an errno. */
int box_hide(struct box *b, struct slice path);
bool box_hidden(const struct box *b, struct slice path);
void box_show(struct box *b, struct slice directory, struct slice name);

/* The outcome of a commit of `raw` under a name. An accepted name stays accepted, and
 * of an unknown one only the server's word on the same bytes counts. */
int box_settle(struct box *b, struct slice name, struct slice raw, const struct box_result *outcome);
/* For lines of applications/new, which have no name of their own: replaces what was there. */
void box_note(struct box *b, struct slice name, const struct box_result *outcome);
bool box_result_find(const struct box *b, struct slice name, struct box_result *ret);
void box_result_names(const struct box *b, struct content *c);
/* Results whose outcome is unknown; calls fn for each. Whether there is any. */
bool box_unknown(struct box *b, void (*fn)(void *ctx, struct box *b, const char *name), void *ctx);
/* An unknown one turned out not to have arrived, or to be known: replaces it. */
void box_resolve(struct box *b, struct slice name, const struct box_result *outcome);
/* The server has another history now, e.g. of a backup: what was accepted is unknown until it says so. */
void box_doubt(struct box *b);

#endif
