#include "observe/call_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "observe/traceparent.h"

struct call_log {
	struct log *log;
	int64_t (*ticks)(void);
	uint64_t seed; /* of ids that are made up: unlike any other's, not secret */
};

int
call_log_new(struct call_log **ret, struct log *log, int64_t (*ticks)(void))
{
	struct call_log *l = calloc(1, sizeof(*l));
	if (!l)
		return ERR_NO_MEMORY;
	l->log = log;
	l->ticks = ticks;
	if (getrandom(&l->seed, sizeof(l->seed), 0) != (ssize_t)sizeof(l->seed))
		l->seed = (uint64_t)ticks();
	*ret = l;
	return 0;
}

void
call_log_free(struct call_log *l)
{
	free(l);
}

/* splitmix64 */
static uint64_t
random_next(struct call_log *l)
{
	uint64_t z = l->seed += 0x9E3779B97F4A7C15u;
	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	z ^= z >> 31;
	return z ? z : 1;
}

static void
put_random(struct call_log *l, struct buf *b, const char *key, unsigned words)
{
	char digits[TRACE_ID_DIGITS + 1];
	unsigned char bytes[TRACE_ID_DIGITS / 2];
	for (unsigned i = 0; i < words; i++)
		put_u64be(bytes + 8 * i, random_next(l));
	hex_encode(digits, bytes, (size_t)words * 8);
	logfmt_text(b, key, slice_of(digits));
}

/* The span is the server's part of the trace, below the caller's. */
static void
put_trace(struct call_log *l, struct buf *b, const struct call *c)
{
	struct traceparent t;
	if (traceparent_of_call(c, &t)) {
		logfmt_text(b, "trace", t.trace);
		logfmt_text(b, "parent", t.parent);
	} else {
		put_random(l, b, "trace", 2);
	}
	put_random(l, b, "span", 1);
}

static void
put_call(struct buf *b, struct call_handle h)
{
	char text[40];
	snprintf(text, sizeof(text), "%" PRIu64 ".%" PRId32, h.connection, h.stream);
	logfmt_text(b, "call", slice_of(text));
}

static void
put_who(struct buf *b, const struct call_note *note)
{
	if (!note || !note->caller)
		return;
	logfmt_text(b, "principal", slice_of(note->caller->name));
	if (note->principal && note->principal != note->caller)
		logfmt_text(b, "for", slice_of(note->principal->name));
}

static void
put_method(struct buf *b, const struct call *c)
{
	const struct rpc_method *m = call_method(c);
	logfmt_text(b, "method", slice_of(m ? m->path : "unknown"));
	logfmt_text(b, "peer", slice_of(call_peer(c)->address));
}

/* ---- the line of a call ---- */

static enum log_level
level_of(const struct call *c, const struct call_stats *stats)
{
	const struct rpc_method *m = call_method(c);
	if (stats->malformed)
		return LEVEL_WARN;
	switch (stats->code) {
	case ERR_OVERLOADED:
		return LEVEL_WARN;
	case ERR_STORE_FULL:
	case ERR_STORE_IO:
	case ERR_NO_MEMORY:
		return LEVEL_ERROR;
	default:
		break;
	}
	if (stats->status == GRPC_INTERNAL || stats->status == GRPC_DATA_LOSS ||
	    stats->status == GRPC_UNKNOWN)
		return LEVEL_ERROR;
	return m && (m->flags & RPC_ALWAYS) ? LEVEL_DEBUG : LEVEL_INFO;
}

static void
put_result(struct buf *b, const struct call_stats *stats, int64_t duration)
{
	logfmt_text(b, "status", slice_of(grpc_status_name(stats->status)));
	if (stats->code)
		logfmt_text(b, "reason", slice_of(reason_of(stats->code)->name));
	logfmt_ms(b, "duration_ms", duration);
	logfmt_number(b, "bytes_in", stats->bytes_in);
	logfmt_number(b, "bytes_out", stats->bytes_out);
	logfmt_number(b, "messages_in", stats->messages_in);
	logfmt_number(b, "messages_out", stats->messages_out);
}

static void
on_finished(void *ctx, const struct call *c, const struct call_stats *stats)
{
	struct call_log *l = ctx;
	struct call_note *note = call_note(c);
	enum log_level level = level_of(c, stats);
	if (!log_shows(l->log, level))
		return;
	int64_t duration = note_duration(note, stats, l->ticks);
	if (note && (note->marks & NOTE_STEPS) && !(note->marks & NOTE_REPLIED)) {
		struct step_mark mark = call_log_mark(c);
		call_log_step(l, &mark, STEP_reply, note->ended, stats->code);
	}
	if (!log_admits(l->log, level, note ? note->ended : l->ticks()))
		return;
	struct log_line line;
	log_begin(l->log, &line, level);
	put_call(&line.text, call_handle(c));
	put_method(&line.text, c);
	put_who(&line.text, note);
	put_result(&line.text, stats, duration);
	if (note && note->revision)
		logfmt_number(&line.text, "revision", note->revision);
	put_trace(l, &line.text, c);
	if (stats->text[0])
		logfmt_text(&line.text, "why", slice_of(stats->text));
	log_end(l->log, &line);
}

void
call_log_revision(struct call *c, uint64_t revision)
{
	struct call_note *note = call_note(c);
	if (note)
		note->revision = revision;
}

/* A connection that the server ends: because of age and the like, or because it was abused. */
static void
on_ended(void *ctx, const struct call_peer *peer, uint64_t connection, uint32_t error_code, const char *why)
{
	struct call_log *l = ctx;
	struct log_line line;
	enum log_level level = error_code ? LEVEL_WARN : LEVEL_DEBUG;
	if (!log_admits(l->log, level, l->ticks()))
		return;
	log_begin(l->log, &line, level);
	logfmt_text(&line.text, "msg", SLICE("connection ended"));
	logfmt_number(&line.text, "connection", connection);
	logfmt_text(&line.text, "peer", slice_of(peer->address));
	logfmt_number(&line.text, "http2_error", error_code);
	logfmt_text(&line.text, "why", slice_of(why));
	log_end(l->log, &line);
}

/* ---- steps ---- */

struct step_mark
call_log_mark(const struct call *c)
{
	const struct call_note *note = call_note(c);
	if (!note || !(note->marks & NOTE_STEPS))
		return (struct step_mark){0};
	return (struct step_mark){call_handle(c), note->began};
}

int64_t
call_log_now(const struct call_log *l, const struct step_mark *m)
{
	return m->began ? l->ticks() : 0;
}

static void
begin_step(struct call_log *l, struct log_line *line, const struct step_mark *m, enum call_step step)
{
	static const char *const names[] = {
#define STEP(name) #name,
#include "observe/steps.def"
#undef STEP
	};
	log_begin(l->log, line, LEVEL_DEBUG);
	logfmt_text(&line->text, "step", slice_of(names[step]));
	put_call(&line->text, m->call);
}

void
call_log_step(struct call_log *l, const struct step_mark *m, enum call_step step, int64_t at, int code)
{
	struct log_line line;
	if (!m->began || !at)
		return;
	begin_step(l, &line, m, step);
	logfmt_ms(&line.text, "since_ms", at - m->began);
	if (code)
		logfmt_text(&line.text, "reason", slice_of(reason_of(code)->name));
	log_end(l->log, &line);
}

void
call_log_step_of(struct call_log *l, struct call *c, enum call_step step, int code)
{
	struct call_note *note = call_note(c);
	if (!note || !(note->marks & NOTE_STEPS))
		return;
	if (step == STEP_reply)
		note->marks |= NOTE_REPLIED;
	struct step_mark mark = call_log_mark(c);
	call_log_step(l, &mark, step, l->ticks(), code);
}

/* All steps of a call are told, or none. */
static int
on_admit(void *ctx, struct call *c, struct fault *f)
{
	struct call_log *l = ctx;
	struct log_line line;
	(void)f;
	struct call_note *note = note_make(c, l->ticks);
	if (!note || !log_shows(l->log, LEVEL_DEBUG) || !log_admits(l->log, LEVEL_DEBUG, note->began))
		return 0;
	note->marks |= NOTE_STEPS;
	struct step_mark mark = call_log_mark(c);
	begin_step(l, &line, &mark, STEP_receive);
	put_method(&line.text, c);
	log_end(l->log, &line);
	return 0;
}

static void
on_walked(void *ctx, struct call *c, int code)
{
	struct call_note *note = call_note(c);
	if (!note || (code == 0 && (note->marks & NOTE_WALKED)))
		return;
	note->marks |= NOTE_WALKED;
	call_log_step_of(ctx, c, STEP_walk, code);
}

struct rpc_hook
call_log_hook(struct call_log *l)
{
	return (struct rpc_hook){
		.ctx = l,
		.admit = on_admit,
		.finished = on_finished,
		.walked = log_shows(l->log, LEVEL_DEBUG) ? on_walked : NULL,
		.ended = on_ended,
	};
}
