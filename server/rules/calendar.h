/* Working days and terms (domain: the working-day calendar; Civil Code Art. 201
 * to 203). A calendar is built once from the imported years and then only read,
 * from any thread. Pure: no clock, no allocation after calendar_add. */
#ifndef ZWY_RULES_CALENDAR_H
#define ZWY_RULES_CALENDAR_H

#include "base/date.h"
#include "base/error.h"
#include "zwy/v1/calendar.pb.h"

struct calendar;

struct calendar *calendar_new(void);
void calendar_free(struct calendar *c); /* NULL is allowed */
/* Adds or replaces a year. Each day must lie in it, once, as holiday or workday:
 * ERR_INVALID_FIELD otherwise, or if there are none, and nothing is added. */
int calendar_add(struct calendar *c, int year, const zwy_v1_CalendarYear *days, struct fault *f);
bool calendar_has(const struct calendar *c, int year);

enum day_kind { DAY_WORKING, DAY_WEEKEND, DAY_HOLIDAY, DAY_MAKE_UP };
/* A day of a year that was not imported is judged by its weekday. */
enum day_kind calendar_day(const struct calendar *c, day d);
bool calendar_working(const struct calendar *c, day d);

struct deadline {
	day date;
	bool provisional; /* a year it touches was not imported */
};

/* The n-th working day after `from`; `from` does not count unless count_start is
 * set and it is a working day. n from 1 to 3,650. */
struct deadline deadline_working_days(const struct calendar *c, day from, unsigned n, bool count_start);
/* The corresponding day n months later, or that month's last; moved to the next
 * working day only if roll is set. n from 1 to 1,200. */
struct deadline deadline_months(const struct calendar *c, day from, unsigned n, bool roll);
/* The last day that lies n working days before `from`, `from` not counted (civil);
 * with clear, the working day before that one. */
struct deadline deadline_before(const struct calendar *c, day from, unsigned n, bool clear);
/* n natural hours later; neither night nor holiday counts out. n from 1 to 87,600. */
msec deadline_hours(msec from, unsigned n);

/* Says for each day from `from` to `to` (either direction), ends included, whether it counted. */
typedef void (*deadline_line_fn)(void *ctx, const char *line);
void deadline_explain(const struct calendar *c, day from, day to, deadline_line_fn line, void *ctx);

#endif
