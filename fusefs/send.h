/* Inside of send.c, send_document.c and unknown.c. */
#ifndef FUSEFS_SEND_H
#define FUSEFS_SEND_H

#include "mount.h"
#include "record.h"

/* A change on its way. It outlives its operation when that is interrupted. */
struct send {
	struct send *next, *prev;
	struct mount *mount;
	struct caller *caller;
	struct op *op; /* NULL: nobody waits any more */
	struct zwy_call *call;
	struct buf answer;
	void (*done)(struct op *op, int eno);
	/* What the outcome means; ends the send by send_end(). */
	void (*settle)(struct send *s, const struct zwy_error *error, int eno);
	struct box *box; /* of a request */
	char name[BOX_NAME_MAX];
	struct buf raw; /* of a request, or the document's body */
	size_t sent;    /* of the body */
	size_t held;    /* of the body, in the caller's snapshots */
	char record[160], action[64];
	uint64_t revision; /* that the server answered; 0: none */
};

/* NULL: out of memory. */
struct send *send_new(struct op *op, void (*done)(struct op *op, int eno));
void send_free(struct send *s);
/* 0 or ENOMEM. */
int send_start(struct send *s, const char *method, struct slice request, bool streaming);
void send_end(struct send *s, int eno);
bool send_outcome_unknown(const struct zwy_error *error);
void send_writable(void *ctx, struct zwy_call *call);

#endif
