/* One line for each call at its end, and, at level debug, one for each step on its way:
 * the steps of the table "The life of a request" in the README, under the same names.
 *
 *   time=… level=info call=17.5 method=/zwy.v1.ApplicationService/Act peer=unix:uid=0
 *   principal=principals/demo for=principals/core-ca status=FAILED_PRECONDITION
 *   reason=WRONG_STATE duration_ms=0.412 bytes_in=61 bytes_out=0 messages_in=1
 *   messages_out=0 trace=4bf9… parent=00f0… span=53ce… why="…"
 *
 *   time=… level=debug step=decide call=17.5 since_ms=0.213
 *
 *   time=… level=warn msg="connection ended" connection=17 peer=10.0.0.7:4321
 *   http2_error=11 why=too_many_pings
 *
 * Levels: the server's own failures error; overload and requests that break the protocol
 * warn; methods that are RPC_ALWAYS (health) debug; everything else, refusals included,
 * info. Where no client gave a trace one is made up, for this line alone. Loop thread,
 * but for what says otherwise. */
#ifndef ZWY_OBSERVE_CALL_LOG_H
#define ZWY_OBSERVE_CALL_LOG_H

#include "observe/log.h"
#include "observe/note.h"

struct call_log;

/* The log (may be NULL: nothing is said) is borrowed. ERR_NO_MEMORY. */
int call_log_new(struct call_log **ret, struct log *log, int64_t (*ticks)(void));
void call_log_free(struct call_log *l);
/* Before the other hooks of this folder: it alone sees when a call is received. */
struct rpc_hook call_log_hook(struct call_log *l);

/* The revision of the change that the call has made, for its line. */
void call_log_revision(struct call *c, uint64_t revision);

enum call_step {
#define STEP(name) STEP_##name,
#include "observe/steps.def"
#undef STEP
};

/* Whose step it is. Copied freely, so that it can outlive the call and be told later. */
struct step_mark {
	struct call_handle call;
	int64_t began; /* ns; 0: the steps of this call are not told */
};
struct step_mark call_log_mark(const struct call *c);
/* Any thread: the instant for call_log_step; 0, at no cost, where nothing is told. */
int64_t call_log_now(const struct call_log *l, const struct step_mark *m);
/* Tells a step that was taken at that instant, with the reason if it failed (code 0: it did
 * not). Nothing for a mark that is not told, or an instant of 0 (a step not taken). */
void call_log_step(struct call_log *l, const struct step_mark *m, enum call_step step, int64_t at, int code);
/* The same for a call that is there, now. */
void call_log_step_of(struct call_log *l, struct call *c, enum call_step step, int code);

#endif
