/* The log: lines, levels, rate, and readers that are slow, stuck or gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "observe/log.h"

#define NOW    1770944400007 /* 2026-02-13T01:00:00.007Z */
#define STAMP  "time=2026-02-13T01:00:00.007Z "
#define SECOND 1000000000

static int64_t now; /* of the log under test */

static int64_t
ticks(void)
{
	return now;
}

static msec
wall(void)
{
	return NOW;
}

/* A log into a pipe, of which the test reads the other end. */
struct piped {
	int in, out;
	struct log *log;
	struct buf read;
};

static void
open_piped(struct piped *p, enum log_level level, int64_t rate, int64_t burst, int64_t buffer)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	*p = (struct piped){.in = ends[1], .out = ends[0]};
	struct log_config config = {ends[1], level, rate, burst, buffer, ticks, wall};
	now = SECOND;
	assert_int_equal(log_open(&p->log, &config), 0);
}

static void
close_log(struct piped *p)
{
	log_close(p->log);
	close(p->in);
}

/* Everything that is in the pipe up to its end. */
static const char *
read_rest(struct piped *p)
{
	char chunk[4096];
	ssize_t n;
	while ((n = read(p->out, chunk, sizeof(chunk))) > 0)
		buf_append(&p->read, chunk, (size_t)n);
	close(p->out);
	buf_append_char(&p->read, '\0');
	return p->read.p;
}

static unsigned
count(const char *in, const char *what)
{
	unsigned n = 0;
	while ((in = strstr(in, what))) {
		n++;
		in += strlen(what);
	}
	return n;
}

/* A line that a client causes. */
static bool
write_line(struct log *l, enum log_level level, uint64_t number)
{
	struct log_line line;
	if (!log_admits(l, level, now))
		return false;
	log_begin(l, &line, level);
	logfmt_number(&line.text, "line", number);
	log_end(l, &line);
	return true;
}

static void
a_line_has_time_level_and_fields(void **state)
{
	(void)state;
	struct piped p;
	open_piped(&p, LEVEL_INFO, 0, 1, 65536);
	log_say(p.log, LEVEL_WARN, "%s is \"%d\"", "it", 7);
	write_line(p.log, LEVEL_INFO, 5);
	close_log(&p);
	assert_string_equal(read_rest(&p),
			    STAMP "level=warn msg=\"it is \\\"7\\\"\"\n" STAMP "level=info line=5\n");
	buf_release(&p.read);
}

static void
what_lies_below_the_level_is_not_written(void **state)
{
	(void)state;
	struct piped p;
	open_piped(&p, LEVEL_WARN, 0, 1, 65536);
	log_say(p.log, LEVEL_INFO, "no");
	log_say(p.log, LEVEL_DEBUG, "no");
	assert_false(write_line(p.log, LEVEL_INFO, 1));
	log_say(p.log, LEVEL_ERROR, "yes");
	close_log(&p);
	assert_string_equal(read_rest(&p), STAMP "level=error msg=yes\n");
	buf_release(&p.read);
}

static void
a_log_that_is_not_there_says_nothing(void **state)
{
	(void)state;
	log_say(NULL, LEVEL_ERROR, "x");
	assert_false(log_admits(NULL, LEVEL_ERROR, 0));
	assert_false(log_service(NULL, 0));
	log_close(NULL);
}

static void
beyond_the_rate_lines_are_counted_and_told(void **state)
{
	(void)state;
	struct piped p;
	unsigned written = 0;
	open_piped(&p, LEVEL_INFO, 10, 5, 65536);
	for (unsigned i = 0; i < 100; i++)
		written += write_line(p.log, LEVEL_INFO, i);
	assert_int_equal(written, 5);
	/* errors have a rate of their own */
	assert_true(write_line(p.log, LEVEL_ERROR, 1000));
	now += SECOND / 5;
	assert_true(write_line(p.log, LEVEL_INFO, 2000));
	assert_true(write_line(p.log, LEVEL_INFO, 2001));
	assert_false(write_line(p.log, LEVEL_INFO, 2002));
	assert_true(log_service(p.log, now));
	assert_false(log_service(p.log, now));
	now += 10 * (int64_t)SECOND;
	for (unsigned i = 0; i < 5; i++)
		assert_true(write_line(p.log, LEVEL_INFO, i));
	assert_false(write_line(p.log, LEVEL_INFO, 6));
	close_log(&p);
	const char *text = read_rest(&p);
	assert_int_equal(count(text, "suppressed="), 2);
	assert_non_null(strstr(text, "msg=\"log lines were left out\" suppressed=96 lost=0"));
	assert_non_null(strstr(text, "suppressed=1 lost=0"));
	buf_release(&p.read);
}

static void
a_stuck_reader_costs_lines_not_time(void **state)
{
	(void)state;
	struct piped p;
	struct log_stats stats;
	open_piped(&p, LEVEL_INFO, 0, 1, 8192);
	/* far more than the pipe and the ring hold, and nobody reads */
	for (unsigned i = 0; i < 20000; i++)
		write_line(p.log, LEVEL_INFO, i);
	log_stats(p.log, &stats);
	assert_true(stats.lost > 0);
	assert_int_equal(stats.lines + stats.lost, 20000);
	now += 2 * (int64_t)SECOND;
	assert_true(log_service(p.log, now)); /* no room to say it, either */
	log_stats(p.log, &stats);
	assert_int_equal(stats.lines + stats.lost, 20000);
	close_log(&p); /* gives up after a while */
	const char *text = read_rest(&p);
	/* what did come is whole lines, in order */
	unsigned lines = 0, before = 0, number;
	for (const char *at = text; *at; at = strchr(at, '\n') + 1, before = number) {
		int n = 0;
		assert_int_equal(sscanf(at, STAMP "level=info line=%u%n", &number, &n), 1);
		assert_int_equal(at[n], '\n');
		assert_true(lines++ == 0 || number > before);
	}
	assert_true(lines > 100);
	buf_release(&p.read);
}

static void
read_some(struct piped *p)
{
	char chunk[65536];
	ssize_t n = read(p->out, chunk, sizeof(chunk));
	assert_true(n > 0);
	buf_append(&p->read, chunk, (size_t)n);
}

static void
a_slow_reader_gets_everything_that_had_room(void **state)
{
	(void)state;
	struct piped p;
	struct log_stats stats;
	open_piped(&p, LEVEL_INFO, 0, 1, 65536);
	for (unsigned i = 0; i < 5000; i++)
		write_line(p.log, LEVEL_INFO, i);
	log_stats(p.log, &stats);
	uint64_t written = stats.lines;
	/* once a part is read, lines find room again */
	while (stats.lines == written) {
		read_some(&p);
		write_line(p.log, LEVEL_INFO, 9999);
		log_service(p.log, now);
		log_stats(p.log, &stats);
	}
	while (!memmem(p.read.p, p.read.n, "line=9999\n", 10))
		read_some(&p);
	close_log(&p);
	assert_true(count(read_rest(&p), "\n") >= stats.lines);
	buf_release(&p.read);
}

static void
a_reader_that_is_gone_stops_nothing(void **state)
{
	(void)state;
	struct piped p;
	signal(SIGPIPE, SIG_IGN);
	open_piped(&p, LEVEL_INFO, 0, 1, 65536);
	close(p.out);
	for (unsigned i = 0; i < 1000; i++)
		log_say(p.log, LEVEL_INFO, "line %u", i);
	close_log(&p);
}

static void
the_journal_gets_priorities(void **state)
{
	(void)state;
	struct piped p;
	struct stat st;
	char stream[64];
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fstat(ends[1], &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	assert_true(log_is_journal(ends[1], stream));
	assert_false(log_is_journal(ends[1], "1:2"));
	assert_false(log_is_journal(ends[1], "nonsense"));
	assert_false(log_is_journal(ends[1], NULL));
	setenv("JOURNAL_STREAM", stream, 1);
	p = (struct piped){.in = ends[1], .out = ends[0]};
	struct log_config config = {ends[1], LEVEL_DEBUG, 0, 1, 65536, ticks, wall};
	assert_int_equal(log_open(&p.log, &config), 0);
	log_say(p.log, LEVEL_ERROR, "e");
	log_say(p.log, LEVEL_WARN, "w");
	log_say(p.log, LEVEL_INFO, "i");
	log_say(p.log, LEVEL_DEBUG, "d");
	close_log(&p);
	unsetenv("JOURNAL_STREAM");
	assert_string_equal(read_rest(&p), "<3>" STAMP "level=error msg=e\n"
					   "<4>" STAMP "level=warn msg=w\n"
					   "<6>" STAMP "level=info msg=i\n"
					   "<7>" STAMP "level=debug msg=d\n");
	buf_release(&p.read);
}

static void
levels_have_names(void **state)
{
	(void)state;
	assert_int_equal(log_level_by_name("error"), LEVEL_ERROR);
	assert_int_equal(log_level_by_name("warn"), LEVEL_WARN);
	assert_int_equal(log_level_by_name("info"), LEVEL_INFO);
	assert_int_equal(log_level_by_name("debug"), LEVEL_DEBUG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_time_level_and_fields),
		cmocka_unit_test(what_lies_below_the_level_is_not_written),
		cmocka_unit_test(a_log_that_is_not_there_says_nothing),
		cmocka_unit_test(beyond_the_rate_lines_are_counted_and_told),
		cmocka_unit_test(a_stuck_reader_costs_lines_not_time),
		cmocka_unit_test(a_slow_reader_gets_everything_that_had_room),
		cmocka_unit_test(a_reader_that_is_gone_stops_nothing),
		cmocka_unit_test(the_journal_gets_priorities),
		cmocka_unit_test(levels_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
