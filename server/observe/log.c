#include "observe/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/budget.h"
#include "observe/ring.h"

#define LAST_WORDS 1000       /* ms for a reader to take the rest at the end */
#define TELL_EVERY 1000000000 /* ns between lines that say what was left out */

struct log {
	struct log_config config;
	struct ring *ring;
	bool journal;
	struct budget usual, grave;
	struct log_stats stats, told;
	int64_t told_at;
	/* "time=2026-11-22T08:15:30" of the second that the last line fell into. */
	msec second;
	char stamp[sizeof("time=") + TIME_LEN];
};

static const struct {
	const char *name;
	char priority[4]; /* syslog's */
} levels[] = {{"error", "<3>"}, {"warn", "<4>"}, {"info", "<6>"}, {"debug", "<7>"}};

enum log_level
log_level_by_name(const char *word)
{
	for (enum log_level level = LEVEL_ERROR; level <= LEVEL_DEBUG; level++)
		if (strcmp(word, levels[level].name) == 0)
			return level;
	return LEVEL_INFO;
}

bool
log_is_journal(int fd, const char *journal_stream)
{
	uint64_t device, inode;
	struct stat st;
	return journal_stream && sscanf(journal_stream, "%" SCNu64 ":%" SCNu64, &device, &inode) == 2 &&
	       fstat(fd, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

int
log_open(struct log **ret, const struct log_config *config)
{
	struct log *l = calloc(1, sizeof(*l));
	if (!l)
		return ERR_NO_MEMORY;
	l->config = *config;
	l->journal = log_is_journal(config->fd, getenv("JOURNAL_STREAM"));
	size_t bytes = config->buffer > LOG_LINE_MAX ? (size_t)config->buffer : LOG_LINE_MAX;
	int rc = ring_open(&l->ring, config->fd, bytes);
	if (rc != 0) {
		free(l);
		return rc;
	}
	*ret = l;
	return 0;
}

void
log_stats(const struct log *l, struct log_stats *ret)
{
	*ret = l ? l->stats : (struct log_stats){0};
}

bool
log_shows(const struct log *l, enum log_level level)
{
	return l && level <= l->config.level;
}

int64_t
log_ticks(const struct log *l)
{
	return l ? l->config.ticks() : 0;
}

/* ---- lines ---- */

/* RFC 3339, UTC, always with milliseconds. */
static void
put_time(struct log *l, struct buf *b, msec t)
{
	msec ms = t % 1000;
	if (t - ms != l->second || !l->stamp[0]) {
		char text[TIME_LEN];
		time_format(text, l->second = t - ms);
		snprintf(l->stamp, sizeof(l->stamp), "time=%.*s", (int)strlen(text) - 1, text);
	}
	char frac[5] = {'.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10), 'Z'};
	buf_append_str(b, l->stamp);
	buf_append(b, frac, sizeof(frac));
}

void
log_begin(struct log *l, struct log_line *line, enum log_level level)
{
	/* One byte is kept for the newline. */
	line->text = (struct buf){.p = line->space,
				  .cap = sizeof(line->space) - 1,
				  .max = sizeof(line->space) - 1};
	if (l->journal)
		buf_append(&line->text, levels[level].priority, 3);
	put_time(l, &line->text, l->config.wall());
	logfmt_text(&line->text, "level", slice_of(levels[level].name));
}

void
log_end(struct log *l, struct log_line *line)
{
	line->space[line->text.n] = '\n';
	if (ring_put(l->ring, (struct slice){line->space, line->text.n + 1}))
		l->stats.lines++;
	else
		l->stats.lost++;
}

void
log_say(struct log *l, enum log_level level, const char *fmt, ...)
{
	struct log_line line;
	char text[2 * LOGFMT_VALUE_MAX];
	va_list args;
	if (!log_shows(l, level))
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	log_begin(l, &line, level);
	logfmt_text(&line.text, "msg", slice_of(text));
	log_end(l, &line);
	ring_kick(l->ring);
}

/* ---- the rate ---- */

bool
log_admits(struct log *l, enum log_level level, int64_t now)
{
	if (!log_shows(l, level))
		return false;
	if (l->config.rate == 0)
		return true;
	struct budget *b = level <= LEVEL_WARN ? &l->grave : &l->usual;
	if (budget_spend(b, now / 1000000, l->config.burst, l->config.rate, 1))
		return true;
	l->stats.suppressed++;
	return false;
}

static void
tell_left_out(struct log *l)
{
	struct log_line line;
	log_begin(l, &line, LEVEL_WARN);
	logfmt_text(&line.text, "msg", SLICE("log lines were left out"));
	logfmt_number(&line.text, "suppressed", l->stats.suppressed - l->told.suppressed);
	logfmt_number(&line.text, "lost", l->stats.lost - l->told.lost);
	uint64_t lost = l->stats.lost;
	log_end(l, &line);
	if (l->stats.lost != lost) {
		l->stats.lost = lost; /* no room for this one either: the next says it */
		return;
	}
	l->told = l->stats;
}

bool
log_service(struct log *l, int64_t now)
{
	if (!l)
		return false;
	bool due = l->stats.suppressed != l->told.suppressed || l->stats.lost != l->told.lost;
	if (due && now - l->told_at >= TELL_EVERY) {
		l->told_at = now;
		tell_left_out(l);
	}
	ring_kick(l->ring);
	return due;
}

void
log_close(struct log *l)
{
	if (!l)
		return;
	if (l->stats.suppressed != l->told.suppressed || l->stats.lost != l->told.lost)
		tell_left_out(l);
	ring_close(l->ring, LAST_WORDS);
	free(l);
}
