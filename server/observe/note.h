/* What the hooks of this folder keep of a call between its start and its end: one note,
 * made by whichever of them comes first, in the call's own memory. Loop thread. */
#ifndef ZWY_OBSERVE_NOTE_H
#define ZWY_OBSERVE_NOTE_H

#include "observe/account.h"
#include "rpc/engine.h"

enum {
	NOTE_STARTED = 1,  /* metrics has counted its start */
	NOTE_ADMITTED = 2, /* overload counts it among the open ones */
	NOTE_STEPS = 4,    /* call_log tells its steps */
	NOTE_WALKED = 8,   /* the first message's walk is told */
	NOTE_REPLIED = 16, /* the reply is told */
};

struct call_note {
	int64_t began; /* ns */
	int64_t ended; /* ns; 0: it is still open */
	unsigned marks;
	/* Who calls, and for whom; NULL until it is known. Held until the end. */
	struct account *caller, *principal;
	struct account *counted; /* among whose open calls it is: its origin's, then its principal's */
	uint64_t revision;       /* of the change that it made; 0: none */
	/* Open streams, for metrics. */
	const struct call *call;
	struct call_note *next, **link;
};

/* NULL when memory is out: then nothing is kept of this call. */
static inline struct call_note *
note_make(struct call *c, int64_t (*ticks)(void))
{
	struct call_note *note = call_note(c);
	if (note)
		return note;
	note = arena_alloc(call_arena(c), sizeof(*note));
	if (!note)
		return NULL;
	note->began = ticks();
	note->call = c;
	call_set_note(c, note);
	return note;
}

/* How long the call took, in ns; by the engine's clock where there is no note. */
static inline int64_t
note_duration(struct call_note *note, const struct call_stats *stats, int64_t (*ticks)(void))
{
	if (!note)
		return stats->duration_ms * 1000000;
	if (!note->ended)
		note->ended = ticks();
	return note->ended - note->began;
}

#endif
