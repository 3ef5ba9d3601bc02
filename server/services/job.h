/* A change on its way: from a call (or the clock) through the writer and back.
 *
 *   loop    job_new, fill in, job_submit
 *   writer  decide(): reads, judges, adds puts and events with job_put, job_event
 *   loop    reply(): answers the call, if it is still there; the job is freed
 *
 * The job carries what every change needs: who acts, when, the request id that
 * makes a repetition harmless, and the memory that all of it lives in. */
#ifndef ZWY_SERVICES_JOB_H
#define ZWY_SERVICES_JOB_H

#include "observe/call_log.h"
#include "rpc/call.h"
#include "rules/actor.h"
#include "services/message.h"
#include "services/rulebook.h"
#include "store/store.h"

struct server;

struct job {
	struct command command; /* first: the store hands this back */
	struct server *server;
	struct call_handle call; /* stream 0: nobody waits */
	struct call_handle held; /* whose work this counts as; stream 0: nobody's */
	struct actor actor;
	msec now;
	struct message_list messages;
	struct slice trace;
	/* For the log, ns: when it was decided, applied, committed; 0: it was not, or nobody
	 * asks. The first two belong to the writer. */
	struct step_mark mark;
	int64_t decided, applied, committed;

	/* The request's id and what it asked, for repetitions; empty: none. */
	struct slice request_id;
	struct slice asked;
	const struct message_desc *asked_desc; /* NULL: the bytes count as they are */
	bool validate_only;

	/* Writer thread. Refuses by a code and j->command.fault. */
	int (*decide)(struct job *j, struct txn *t, const struct rulebook *book);
	/* Loop thread, after success. NULL: the record `result` is the answer. */
	void (*reply)(struct job *j, struct call *c);
	/* Loop thread, always, before the job is freed. */
	void (*finished)(struct job *j);
	void *request; /* the operation's own */

	/* What decide() made. */
	struct change change;
	struct put **put_end;
	struct event **event_end;
	struct slice result;  /* name of the record it is about */
	struct slice preview; /* validate_only: the record as it would be */
	unsigned touched;     /* KIND_BIT of each kind put */
	bool replayed;
	uint64_t counts[3]; /* of an import, by enum put_outcome; also those of the first time */
};

/* The program itself: what it brings along, what its clock does. */
extern const struct actor system_actor;

/* NULL when memory is out. Copies the actor. */
struct job *job_new(struct server *s, const struct actor *actor);
/* For an RPC: remembers the call and its trace. */
struct job *job_of_call(struct call *c, const struct actor *actor);
void job_free(struct job *j);
/* Hands it to the writer, or, with too many waiting, refuses it as OVERLOADED. */
void job_submit(struct job *j);
/* Decides and commits on this thread, before the writer has been started. Frees the job. */
int job_execute(struct job *j, struct fault *f);
/* Loop thread: what the writer handed back. */
void job_complete(struct job *j);
/* The command's decide(): the frame around j->decide. */
int job_decide(struct command *c, struct txn *t);

/* A record to be put; `message` is a nanopb struct. The envelope's department and
 * node are taken from the fields that the contract names. NULL: the fault is set. */
const struct put *job_put(struct job *j, const char *name, const pb_msgdesc_t *fields, const void *message);
#define JOB_PUT(j, name, type, message) job_put((j), (name), type##_fields, (message))

/* An event about a record that is put. Texts may be NULL. */
struct job_event {
	const char *kind; /* create, update, act, clock, import, ledger */
	const char *action, *from_state, *to_state, *article, *comment;
};
int job_event(struct job *j, const struct put *about, const struct job_event *e);

/* What a client may say of a record: without what only the server writes. */
int job_input(struct job *j, const struct message_desc *m, struct slice record, struct slice *ret);

/* Reads and decodes a record; NULL with ERR_NOT_FOUND (and a text) where there is none. */
void *job_read(struct job *j, struct reader *r, struct slice name, const pb_msgdesc_t *fields, size_t size,
	       struct fault *f);
#define JOB_READ(j, r, name, type, f) ((type *)job_read((j), (r), (name), type##_fields, sizeof(type), (f)))

#endif
