/* The process's log: lines of key=value on one descriptor, standard error as a rule.
 *
 *   time=2026-11-22T08:15:30.123Z level=info msg="listening" target=unix:/run/zwy/zwyd.sock
 *
 * Where the journal listens the line begins with its priority, <3> to <7> (sd-daemon(3)).
 * Nothing here waits: lines go through a ring with a thread behind it (ring.h), and are
 * lost, counted and told later where a reader is too slow. Lines that clients can cause
 * are also held to a rate, errors and warnings apart from the rest so that neither can
 * hide the other; what was left out is counted and told by one line.
 *
 * Libraries do not log, their caller does. One thread, but for the ring's own. NULL
 * stands for a log that says nothing. */
#ifndef ZWY_OBSERVE_LOG_H
#define ZWY_OBSERVE_LOG_H

#include "base/date.h"
#include "base/error.h"
#include "observe/logfmt.h"

enum log_level { LEVEL_ERROR, LEVEL_WARN, LEVEL_INFO, LEVEL_DEBUG };
/* By its word; LEVEL_INFO for any other. */
enum log_level log_level_by_name(const char *word);

struct log_config {
	int fd;
	enum log_level level;
	int64_t rate;   /* lines a second that clients may cause, errors and warnings as many again; 0: any */
	int64_t burst;  /* of them at once */
	int64_t buffer; /* bytes that wait for a slow reader */
	int64_t (*ticks)(void); /* ns, only going forward */
	msec (*wall)(void);
};

struct log_stats {
	uint64_t lines, suppressed, lost;
};

struct log;
/* ERR_NO_MEMORY. */
int log_open(struct log **ret, const struct log_config *config);
/* Tells what was left out; whoever does not read has a second to begin. */
void log_close(struct log *l);
/* True where fd is the stream that the journal reads: JOURNAL_STREAM, "device:inode". */
bool log_is_journal(int fd, const char *journal_stream);
void log_stats(const struct log *l, struct log_stats *ret);
bool log_shows(const struct log *l, enum log_level level);
int64_t log_ticks(const struct log *l);

/* Something of the program itself, never left out for its rate. */
void log_say(struct log *l, enum log_level level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Whether a line that clients cause may be written now: by level and rate. A line whose
 * answer is false is counted if its level is shown. */
bool log_admits(struct log *l, enum log_level level, int64_t now);

/* A line in the making: begin, fields by logfmt_*(&line.text, …), end. */
#define LOG_LINE_MAX 3072 /* bytes; fields that do not fit are left off */
struct log_line {
	struct buf text;
	char space[LOG_LINE_MAX];
};
void log_begin(struct log *l, struct log_line *line, enum log_level level);
void log_end(struct log *l, struct log_line *line);

/* Once per turn of the loop: wakes the ring's thread, and says what was left out, once a
 * second at the most. True: something is left to be said, call again within a second. */
bool log_service(struct log *l, int64_t now);

#endif
