/* A mount: one connection to the server, one /dev/fuse, one thread, one loop.
 *
 * Every request of the kernel becomes an operation (struct op), which answers it
 * exactly once. What it needs of the server it gets by a load (reading: load.c) or a
 * send (changing: send.c); both call back from the loop, or at once where nothing
 * has to be asked. An operation can be interrupted at any time: its load is
 * cancelled, its send goes on and its outcome is kept.
 *
 * Times are milliseconds; `now` is CLOCK_BOOTTIME unless it says wall. */
#ifndef FUSEFS_MOUNT_H
#define FUSEFS_MOUNT_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "box.h"
#include "content.h"
#include "line.h"
#include "nodes.h"
#include "options.h"
#include "view.h"
#include "zwy.h"

struct mount;
struct op;
struct load;
struct send;
struct question;
struct listing;
struct index;
struct index_reader;

#define REFUSALS_KEPT 16
#define INDEX_PATH    "applications/index.tsv"

struct refusal {
	char name[96]; /* the record */
	char text[1024];
};

enum identity {
	IDENTITY_UNKNOWN,
	IDENTITY_KNOWN,
	IDENTITY_REFUSED, /* the server does not know the caller */
};

/* A stream of what changes, as one caller sees it; it goes on by itself after a loss. */
struct watch;
enum watch_end {
	WATCH_LOST,     /* for a while: what comes next follows what came last */
	WATCH_REPLACED, /* the server has another history: it begins again, from now */
	WATCH_CHANGED,  /* the caller is somebody else now, or may see something else */
};
struct watch_ops {
	void (*event)(struct watch *w, struct slice event);
	void (*moved)(struct watch *w); /* after each message */
	void (*ended)(struct watch *w, enum watch_end why);
};
struct watch {
	const struct watch_ops *ops;
	struct mount *mount;
	struct caller *caller; /* whose eyes; NULL: the mount's own */
	struct zwy_call *call;
	uint64_t first;    /* from where it began; 0: from then on */
	uint64_t revision; /* everything up to it was told */
	uint64_t count;    /* of events */
	bool begun;        /* revision is known */
	bool caught_up;    /* and was the server's newest, once since it began or was lost */
	char digest[65];   /* of the event digest_revision; "" */
	uint64_t digest_revision;
	int64_t heard_at;  /* now of the last message */
	int64_t heartbeat; /* ms, that the server promised; 0: none */
	int64_t retry_at;  /* 0: it runs, or was never started */
	unsigned failures;
};

/* The changes that a caller may see, as lines, since the mount began. */
struct events {
	struct watch watch; /* first */
	struct buf lines;
	msec changed; /* wall, when a line came; 0: none yet */
};

/* Somebody who uses the mount. On a private mount there is one. */
struct caller {
	struct caller *next;
	uid_t uid;
	gid_t gid;
	char uid_text[12];
	enum identity identity;
	int64_t asked_at;   /* now of the last answer to who it is; 0: never */
	int identity_code;  /* why it is not known: ERR_*; 0 */
	bool changed;       /* a principal or delegation changed since */
	bool asked_changed; /* the question under way was asked because of that */
	char principal[NAME_MAX_BYTES];
	bool clock_is_set;
	struct box *box;
	unsigned handles, in_flight;
	unsigned pending;     /* changes and questions of it under way, whether or not somebody waits */
	size_t snapshots;     /* bytes that its handles hold */
	struct load *waiting; /* for the answer who it is */
	struct zwy_call *whoami;
	struct buf whoami_answer;
	struct mount *mount;
	struct events events;
	struct watch watch;       /* with its eyes; on a private mount the mount's own stands for it */
	int64_t used_at;          /* now when something was last asked for it */
	struct cache *cache;      /* NULL: nothing is kept */
	struct index *index;      /* NULL: nobody asked for it */
	uint64_t made;            /* cases that it has heard of */
	struct refusal *refusals; /* REFUSALS_KEPT of them; NULL: none yet */
	unsigned next_refusal;
};

/* Content that a lookup made, for the getattr and open of the same system call. */
#define FRESH_COUNT 256
struct fresh {
	uint64_t inode;
	int64_t at; /* now when it was rendered */
	pid_t pid;
	struct caller *caller;
	struct content *content;
	bool stat_used;
	bool again; /* the system call was sent back to look the name up once more, for this content */
};

/* An inode of which the kernel shall forget what it does not yet know. */
#define DOUBT_COUNT 64
struct doubt {
	uint64_t inode; /* 0: none */
	int64_t until;  /* told again until then */
};

enum handle_type {
	HANDLE_CONTENT, /* a snapshot */
	HANDLE_BOX,
	HANDLE_LINE,
	HANDLE_EVENTS,
	HANDLE_INDEX,
};

struct handle {
	enum handle_type type;
	struct handle *next; /* of the node */
	struct node *node;
	struct caller *caller;
	pid_t pid;
	bool writes, busy;       /* busy: a write's outcome is awaited */
	struct content *content; /* also the template of a line file */
	size_t held;             /* bytes of it, in the caller's snapshots */
	struct listing *listing; /* the names to come; NULL: all are there */
	struct index_reader *index;
	uint64_t size; /* of the index when it was opened */
	struct box_handle box;
	struct line_file line;
	bool line_used;
};

struct mount {
	struct options options;
	struct fuse_session *session;
	struct zwy_client *client;
	struct nodes nodes;
	struct caller *callers;
	size_t caller_count;
	struct box **boxes;
	size_t box_count;
	struct op *ops;             /* under way */
	struct send *sends;         /* under way */
	struct question *questions; /* about requests without an answer, under way */
	struct fresh fresh[FRESH_COUNT];
	unsigned next_fresh;
	struct doubt doubts[DOUBT_COUNT];
	unsigned next_doubt;
	struct watch watch;      /* with the mount's own eyes */
	uint64_t start_revision; /* 0: not known yet */
	uint64_t revision;
	uint64_t own_revision; /* of the last change through this mount */
	int64_t lag_ms;        /* negative: not known */
	bool clocks_agree;     /* the server's and this host's, when it was last asked who calls */
	char server_version[32];
	char trouble[560];  /* why the server cannot be asked; "" */
	msec trouble_since; /* wall */
	int64_t trouble_at; /* now of the same instant */
	msec started;       /* wall */
	int64_t ask_unknown_at;
	uid_t uid;
	gid_t gid;
	bool greeted; /* the kernel's INIT was answered */
};

int64_t now_ms(void);
msec wall_ms(void);

/* ---- op.c -------------------------------------------------------------- */

struct op {
	struct op *next, *prev;
	struct mount *mount;
	fuse_req_t req;
	struct caller *caller;
	pid_t pid;
	struct node *node; /* referenced */
	struct load *load;
	struct send *send;
	bool of_path;       /* lookup, open and their like: never EINTR */
	int64_t give_up_at; /* when an interrupt takes effect; 0: none */
	bool stop;          /* it took effect on what was carried out: nothing more is begun */
	void (*loaded)(struct op *op, int eno, struct content *c, struct box_file *f);
	struct answer *made_of;  /* in loaded: the content may be kept as long as it; NULL */
	struct listing *listing; /* in loaded: the pages to come, for the callee to take; NULL */
	/* op_wait: it waits until then, or until ready; 0: it does not */
	int64_t wait_until;
	bool (*ready)(const struct op *op);
	void (*resume)(struct op *op);
	uint64_t revision;                    /* that it waits for */
	void (*sent)(struct op *op, int eno); /* what follows */
	struct fuse_file_info fi;
	bool has_fi;
	char *name, *new_name; /* of the calls that carry one */
	struct node *new_parent;
	unsigned flags;
	mode_t mode;
	struct handle *handle;
	struct buf data; /* of a write */
	size_t used;     /* of it */
	size_t size;
	off_t offset;
	struct box_file *file; /* referenced */
};

/* Answers EBUSY or ENOENT itself and returns NULL where nothing can begin. */
struct op *op_begin(fuse_req_t req, fuse_ino_t inode, bool of_path);
/* Each answers and ends the operation. */
void op_error(struct op *op, int eno);
void op_end(struct op *op); /* the answer was given already */
/* Ends those whose interrupt has waited long enough; the earliest such instant, or INT64_MAX. */
int64_t ops_give_up(struct mount *m, int64_t now);
/* Calls resume when ready says so, at once if it does, or at that instant. */
void op_wait(struct op *op, bool (*ready)(const struct op *op), void (*resume)(struct op *op), int64_t until);
/* Goes on with those that are ready; the earliest instant of the others, or INT64_MAX. */
int64_t ops_wake(struct mount *m, int64_t now);
/* Asks for a place and calls op->loaded. The reference of content and file is the callee's to drop. */
void op_load(struct op *op, struct slice path, enum view_purpose purpose);

extern const struct fuse_lowlevel_ops mount_ops;
void attr_of_content(const struct mount *m, const struct caller *caller, const struct node *n,
		     const struct content *c, struct stat *ret);
void attr_of_file(const struct mount *m, const struct caller *caller, const struct box_file *f,
		  struct stat *ret);
void fresh_put(struct op *op, uint64_t inode, struct content *c, bool again);
/* What the system call shall find that was sent back; NULL: none. Borrowed. */
const struct content *fresh_again(const struct op *op, uint64_t inode);
/* The kernel may come without a lookup from now on: nothing that an earlier one made is fresh then. */
void fresh_end(struct mount *m, uint64_t inode);
/* For an open (takes it) or a getattr (may use it once): NULL if there is none. */
struct content *fresh_take(struct op *op, bool open);
/* Answers a lookup or create with an entry. */
void op_entry(struct op *op, struct node *n, const struct stat *attr);
int fill_path(char ret[TREE_PATH_MAX], const struct node *parent, const char *name);

void fs_lookup(fuse_req_t, fuse_ino_t, const char *);
void fs_forget(fuse_req_t, fuse_ino_t, uint64_t);
void fs_forget_multi(fuse_req_t, size_t, struct fuse_forget_data *);
void fs_getattr(fuse_req_t, fuse_ino_t, struct fuse_file_info *);
void fs_readlink(fuse_req_t, fuse_ino_t);
void fs_access(fuse_req_t, fuse_ino_t, int);
void fs_statfs(fuse_req_t, fuse_ino_t);
void fs_opendir(fuse_req_t, fuse_ino_t, struct fuse_file_info *);
void fs_readdir(fuse_req_t, fuse_ino_t, size_t, off_t, struct fuse_file_info *);
void fs_releasedir(fuse_req_t, fuse_ino_t, struct fuse_file_info *);
void fs_open(fuse_req_t, fuse_ino_t, struct fuse_file_info *);
void fs_create(fuse_req_t, fuse_ino_t, const char *, mode_t, struct fuse_file_info *);
void fs_read(fuse_req_t, fuse_ino_t, size_t, off_t, struct fuse_file_info *);
void fs_write(fuse_req_t, fuse_ino_t, const char *, size_t, off_t, struct fuse_file_info *);
void fs_flush(fuse_req_t, fuse_ino_t, struct fuse_file_info *);
void fs_fsync(fuse_req_t, fuse_ino_t, int, struct fuse_file_info *);
void fs_release(fuse_req_t, fuse_ino_t, struct fuse_file_info *);
void fs_setattr(fuse_req_t, fuse_ino_t, struct stat *, int, struct fuse_file_info *);
void fs_unlink(fuse_req_t, fuse_ino_t, const char *);
void fs_rename(fuse_req_t, fuse_ino_t, const char *, fuse_ino_t, const char *, unsigned);

struct handle *handle_new(struct op *op, enum handle_type type);
void handle_free(struct mount *m, struct handle *h);
/* Takes the content over, and its reference; false, without it: the caller holds too much. */
bool handle_hold(struct handle *h, struct content *c);
/* Counts what it holds by now towards its caller's share (max_bytes); false: it does not fit in. */
bool handle_counts(struct handle *h);
/* Reads on in what its content has become. */
void handle_grow(struct handle *h, struct content *c);
/* Carries out the whole lines of op->data, one after the other. */
void write_lines(struct op *op);

/* ---- load.c ------------------------------------------------------------ */

void load_start(struct op *op, struct slice path, enum view_purpose purpose);
void load_cancel(struct load *l);
/* Metadata that names the caller; count 0 on a private mount. */
size_t caller_metadata(const struct caller *c, struct zwy_metadata ret[1]);
/* For calls that may be sent again after a loss; where the server could do something twice,
 * the caller sets `retry` to NULL. */
struct zwy_call_options call_options(struct mount *m, const struct caller *c, struct zwy_metadata metadata[1],
				     int64_t timeout_ms, void *ctx);

/* ---- listing.c --------------------------------------------------------- */

/* The pages after the first, which answered `a`. NULL: out of memory. */
struct listing *listing_new(const struct op *op, const struct ask *a, struct slice token,
			    enum content_type type);
void listing_free(struct listing *l); /* NULL is allowed */
bool listing_ended(const struct listing *l);
/* Adds the next page to the names and calls ready, which may be at once. */
void listing_more(struct listing *l, struct content *names, struct op *op,
		  void (*ready)(struct op *op, int eno));
/* The operation does not wait for it any more. */
void listing_leave(struct listing *l, const struct op *op);

/* ---- index.c ----------------------------------------------------------- */

/* Resumes when it is known how many rows there are: index_size. */
void index_wait(struct op *op, void (*resume)(struct op *op));
/* 0 or an errno. */
int index_size(const struct caller *c, uint64_t *ret);
void index_reset(struct caller *c);
struct index_reader *index_reader_new(struct caller *c); /* NULL: out of memory */
void index_reader_free(struct index_reader *r);          /* NULL is allowed */
void index_reader_leave(struct index_reader *r, const struct op *op);
/* Answers a read of op->size bytes at op->offset through op->handle. */
void index_read(struct op *op);

/* ---- caller.c ---------------------------------------------------------- */

struct caller *caller_of(struct mount *m, uid_t uid, gid_t gid);
/* True: it is known well enough; false: l waits and load_identified() follows.
 * needs: of NEED_CALLER, SELF and OFFLINE (tree.def). With OFFLINE, what was known before is
 * enough, as long as nothing says that it changed. */
bool caller_identify(struct caller *c, struct load *l, unsigned needs);
/* Who has asked for nothing the longest of those whose watch runs and who have nothing open or under
 * way; NULL: nobody. *ret_running: of how many it runs. of: their watch for one purpose. */
struct caller *caller_quietest(struct mount *m, struct watch *(*of)(struct caller *c), unsigned *ret_running);
/* Whether it is known already; asks, for later, where it was not asked yet. */
bool caller_known(struct caller *c);
void caller_stop_waiting(struct caller *c, struct load *l);
void load_identified(struct load *l);
struct load **load_next(struct load *l);
void caller_refused(struct caller *c, const char *record, const char *text); /* text NULL: it succeeded */
const char *caller_refusal(const struct caller *c, struct slice record);
void callers_changed(struct mount *m); /* principals changed: ask again */
void callers_free(struct mount *m);

/* ---- send.c ------------------------------------------------------------ */

/* Each calls op->send's end from the loop: send_done() below. The op may be gone by then. */
void send_request(struct op *op, struct box *b, const char *name, struct slice raw, struct slice body,
		  bool json, void (*done)(struct op *op, int eno));
void send_line(struct op *op, struct slice line, void (*done)(struct op *op, int eno));
void send_document(struct op *op, struct slice record, const char *filename, struct slice body,
		   void (*done)(struct op *op, int eno));
/* The operation was interrupted: the outcome is kept when it comes. */
void send_detach(struct send *s);
void sends_free(struct mount *m);
/* Asks after requests whose outcome is unknown; the next instant to do so, or INT64_MAX. */
int64_t ask_unknown(struct mount *m, int64_t now);
void questions_free(struct mount *m);
/* One line for people, with every defect. */
void error_line(const struct zwy_error *error, char *dst, size_t size);

/* ---- watch.c ----------------------------------------------------------- */

void watch_init(struct watch *w, struct mount *m, struct caller *c, const struct watch_ops *ops);
/* first: the revision after which it begins; 0: from now on. */
void watch_start(struct watch *w, uint64_t first);
/* Started, and heard of or to be tried again. */
bool watch_runs(const struct watch *w);
/* Forgets where it was. */
void watch_stop(struct watch *w);
/* It has heard everything, and from the server of late. */
bool watch_speaks(const struct watch *w);
/* Starts it again, or notices that it fell silent; when to look again, or INT64_MAX. */
int64_t watch_check(struct watch *w, int64_t now);

/* ---- events.c ---------------------------------------------------------- */

void events_init(struct events *e, struct mount *m, struct caller *c);
void events_release(struct events *e);
/* Begins again when somebody asks for it. */
void events_forget(struct events *e);
/* Calls op->resume when the caller's events are complete, at once if they are. */
void events_wait(struct op *op, void (*resume)(struct op *op));

/* ---- keep.c ------------------------------------------------------------ */

void keep_init(struct mount *m);
void keep_init_caller(struct caller *c);
void keep_release_caller(struct caller *c);
/* Its watch has told everything that went through this mount, and tells what changes. */
bool caller_hears(struct caller *c);
/* Whether answers to the caller may be kept, and kept ones used; begins to listen if not. */
bool keep_possible(struct caller *c);
/* How many events its watch has told. */
uint64_t keep_count(struct caller *c);
/* NULL: none, or none that holds. Good until the cache changes. */
struct answer *keep_find(struct caller *c, const struct ask *a, bool however_old);
/* NULL: it cannot be kept. */
const struct answer *keep_put(struct caller *c, const struct ask *a);
/* What the node shows is still so, for this caller. */
bool node_holds(const struct node *n, struct caller *c);
/* How long the kernel may keep its attributes and its name, in seconds. */
void kernel_times(struct caller *c, struct node *n, double *ret_attr, double *ret_entry);
/* The kernel shall ask again for everything. */
void keep_forget(struct mount *m);
/* What is read now may be newer than what the kernel was told, whose attributes end then. */
void keep_shown(struct mount *m, struct node *n, const struct content *c);
/* Tells the kernel again where it was too early; when to do so next, or INT64_MAX. */
int64_t keep_retry(struct mount *m, int64_t now);
/* A change went through this mount. */
void keep_own(struct caller *c, uint64_t revision);
/* Resumes when the watch has told of it, or does not come to that in time: keep_heard. */
void keep_wait(struct op *op, uint64_t revision, void (*resume)(struct op *op));
bool keep_heard(const struct op *op);
void server_trouble(struct mount *m, const struct zwy_error *error); /* NULL: it answers */

/* ---- main.c ------------------------------------------------------------ */

int mount_run(struct mount *m);

#endif
