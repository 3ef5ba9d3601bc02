#include "rules/calendar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define YEAR_DAYS        366
#define WORKING_DAYS_MAX 3650
#define MONTHS_MAX       1200
#define HOURS_MAX        87600
#define MSEC_PER_HOUR    3600000

enum mark { MARK_NONE, MARK_HOLIDAY, MARK_WORKDAY };

struct year {
	int number;
	unsigned char mark[YEAR_DAYS]; /* enum mark, by day of the year */
	char *name[YEAR_DAYS];
};

struct calendar {
	struct year **years; /* ascending */
	size_t count;
};

struct calendar *
calendar_new(void)
{
	return calloc(1, sizeof(struct calendar));
}

static void
year_free(struct year *y)
{
	if (!y)
		return;
	for (size_t i = 0; i < YEAR_DAYS; i++)
		free(y->name[i]);
	free(y);
}

void
calendar_free(struct calendar *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->count; i++)
		year_free(c->years[i]);
	free(c->years);
	free(c);
}

static const struct year *
find_year(const struct calendar *c, int number)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->years[i]->number == number)
			return c->years[i];
	return NULL;
}

static bool
same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b) == 0;
}

/* Where a listed day stands in the year and what it is. */
static int
read_day(const zwy_v1_CalendarDay *listed, int year, size_t *ret_index, enum mark *ret_mark, struct fault *f)
{
	const char *date = listed->date ? listed->date : "";
	day d;
	if (!date_parse(slice_of(date), &d))
		return fault_set(f, ERR_INVALID_FIELD, "date is `%.40s`; write YYYY-MM-DD", date);
	if (civil_from_day(d).year != year)
		return fault_set(f, ERR_INVALID_FIELD, "%s is not a day of %d", date, year);
	if (same_text(listed->kind, "holiday"))
		*ret_mark = MARK_HOLIDAY;
	else if (same_text(listed->kind, "workday"))
		*ret_mark = MARK_WORKDAY;
	else
		return fault_set(f, ERR_INVALID_FIELD, "%s has the kind `%.40s`; allowed: holiday, workday",
				 date, listed->kind ? listed->kind : "");
	*ret_index = (size_t)(d - day_from_civil(year, 1, 1));
	return 0;
}

static int
fill_year(struct year *y, const zwy_v1_CalendarYear *days, struct fault *f)
{
	for (size_t i = 0; i < days->days_count; i++) {
		size_t index = 0;
		enum mark mark = MARK_NONE;
		int r = read_day(&days->days[i], y->number, &index, &mark, f);
		if (r)
			return r;
		if (y->mark[index] != MARK_NONE)
			return fault_set(f, ERR_INVALID_FIELD, "%s is listed twice", days->days[i].date);
		y->mark[index] = (unsigned char)mark;
		y->name[index] = strdup(days->days[i].name ? days->days[i].name : "");
		if (!y->name[index])
			return fault_set(f, ERR_NO_MEMORY, "out of memory");
	}
	return 0;
}

/* Takes the year over. */
static int
put_year(struct calendar *c, struct year *y)
{
	size_t at = 0;
	while (at < c->count && c->years[at]->number < y->number)
		at++;
	if (at < c->count && c->years[at]->number == y->number) {
		year_free(c->years[at]);
		c->years[at] = y;
		return 0;
	}
	struct year **grown = realloc(c->years, (c->count + 1) * sizeof(struct year *));
	if (!grown)
		return ERR_NO_MEMORY;
	c->years = grown;
	memmove(grown + at + 1, grown + at, (c->count - at) * sizeof(struct year *));
	grown[at] = y;
	c->count++;
	return 0;
}

int
calendar_add(struct calendar *c, int year, const zwy_v1_CalendarYear *days, struct fault *f)
{
	if (year < 1 || year > 9999)
		return fault_set(f, ERR_INVALID_FIELD, "%d is no year; allowed: 1 to 9999", year);
	if (days->days_count == 0)
		return fault_set(
			f, ERR_INVALID_FIELD,
			"the calendar of %d lists no days: without its holidays it has not been published",
			year);
	struct year *y = calloc(1, sizeof(*y));
	if (!y)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	y->number = year;
	int r = fill_year(y, days, f);
	if (r == 0) {
		r = put_year(c, y);
		if (r)
			fault_set(f, r, "out of memory");
	}
	if (r)
		year_free(y);
	return r;
}

bool
calendar_has(const struct calendar *c, int year)
{
	return find_year(c, year) != NULL;
}

/* The day's name in the list too, "" if it is not listed. */
static enum day_kind
look_up(const struct calendar *c, day d, const char **ret_name)
{
	int weekday = day_weekday(d);
	bool weekend = weekday == 0 || weekday == 6;
	int number = civil_from_day(d).year;
	const struct year *y = find_year(c, number);
	size_t index = (size_t)(d - day_from_civil(number, 1, 1));
	*ret_name = "";
	if (y && y->mark[index] != MARK_NONE) {
		*ret_name = y->name[index];
		if (y->mark[index] == MARK_HOLIDAY)
			return DAY_HOLIDAY;
		return weekend ? DAY_MAKE_UP : DAY_WORKING;
	}
	return weekend ? DAY_WEEKEND : DAY_WORKING;
}

enum day_kind
calendar_day(const struct calendar *c, day d)
{
	const char *name;
	return look_up(c, d, &name);
}

static bool
kind_works(enum day_kind kind)
{
	return kind == DAY_WORKING || kind == DAY_MAKE_UP;
}

bool
calendar_working(const struct calendar *c, day d)
{
	return kind_works(calendar_day(c, d));
}

/* Whether every year from one day to the other was imported. */
static bool
known(const struct calendar *c, day from, day to)
{
	for (int y = civil_from_day(from).year; y <= civil_from_day(to).year; y++)
		if (!calendar_has(c, y))
			return false;
	return true;
}

static unsigned
clamp(unsigned n, unsigned max)
{
	return n < 1 ? 1 : n > max ? max : n;
}

struct deadline
deadline_working_days(const struct calendar *c, day from, unsigned n, bool count_start)
{
	n = clamp(n, WORKING_DAYS_MAX);
	day d = count_start ? from : from + 1;
	day first = d;
	for (;; d++)
		if (calendar_working(c, d) && --n == 0)
			break;
	return (struct deadline){.date = d, .provisional = !known(c, first, d)};
}

struct deadline
deadline_months(const struct calendar *c, day from, unsigned n, bool roll)
{
	struct civil start = civil_from_day(from);
	int months = start.month - 1 + (int)clamp(n, MONTHS_MAX);
	int year = start.year + months / 12, month = months % 12 + 1;
	int last = days_in_month(year, month);
	day d = day_from_civil(year, month, start.mday < last ? start.mday : last);
	day end = d;
	while (roll && !calendar_working(c, end))
		end++;
	return (struct deadline){.date = end, .provisional = !known(c, d, end)};
}

struct deadline
deadline_before(const struct calendar *c, day from, unsigned n, bool clear)
{
	n = clamp(n, WORKING_DAYS_MAX) + clear;
	day d = from - 1;
	for (;; d--)
		if (calendar_working(c, d) && --n == 0)
			break;
	return (struct deadline){.date = d, .provisional = !known(c, d, from - 1)};
}

msec
deadline_hours(msec from, unsigned n)
{
	return from + (msec)clamp(n, HOURS_MAX) * MSEC_PER_HOUR;
}

/* One day: its date, weekday, what it is, and its number among those counted (0: not counted). */
static void
explain_day(const struct calendar *c, day d, unsigned number, deadline_line_fn line, void *ctx)
{
	static const char *const weekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const kinds[] = {
		[DAY_WORKING] = "working day",
		[DAY_WEEKEND] = "weekend",
		[DAY_HOLIDAY] = "holiday",
		[DAY_MAKE_UP] = "make-up working day",
	};
	const char *name;
	enum day_kind kind = look_up(c, d, &name);
	char date[DATE_LEN], text[256];
	date_format(date, d);
	int n = snprintf(text, sizeof(text), "%s %s  %s%s%.80s", date, weekdays[day_weekday(d)], kinds[kind],
			 name[0] ? " " : "", name);
	if (number && n > 0)
		n += snprintf(text + n, sizeof(text) - (size_t)n, ", day %u", number);
	if (!calendar_has(c, civil_from_day(d).year) && n > 0)
		snprintf(text + n, sizeof(text) - (size_t)n, " (calendar not imported)");
	line(ctx, text);
}

void
deadline_explain(const struct calendar *c, day from, day to, deadline_line_fn line, void *ctx)
{
	char date[DATE_LEN], text[64];
	date_format(date, from);
	snprintf(text, sizeof(text), "%s  start, not counted", date);
	line(ctx, text);
	day step = to < from ? -1 : 1;
	unsigned number = 0;
	for (day d = from; d != to;) {
		d += step;
		explain_day(c, d, calendar_working(c, d) ? ++number : 0, line, ctx);
	}
}
