#include "rules/terms.h"

/* The day on which a term begins that something of that instant sets going. */
static day
start_day(const struct parameters *p, msec t)
{
	day d = day_of(t);
	bool late = t - day_start(d) >= p->number[PARAM_DAY_END] * 1000;
	return p->number[PARAM_AFTER_HOURS_NEXT_DAY] && late ? d + 1 : d;
}

struct term_end
term_end(const struct calendar *c, const struct parameters *p, msec start, enum term_unit unit, unsigned n)
{
	if (unit == UNIT_HOURS) {
		msec at = deadline_hours(start, n);
		return (struct term_end){.date = day_of(at - 1), .at = at};
	}
	day from = start_day(p, start);
	struct deadline d =
		unit == UNIT_MONTHS
			? deadline_months(c, from, n, p->number[PARAM_TERM_ROLL] != 0)
			: deadline_working_days(c, from, n, p->number[PARAM_COUNT_START_DAY] != 0);
	return (struct term_end){
		.date = d.date,
		.at = day_start(d.date) + p->number[PARAM_DAY_END] * 1000,
		.provisional = d.provisional,
	};
}

struct term_end
term_before(const struct calendar *c, const struct parameters *p, day end, enum parameter lead)
{
	bool clear = lead == PARAM_EXT_LEAD_WD && p->number[PARAM_EXT_LEAD_MODE] != 0;
	struct deadline d = deadline_before(c, end, (unsigned)p->number[lead], clear);
	return (struct term_end){.date = d.date, .at = day_start(d.date), .provisional = d.provisional};
}
