/* When terms end (Articles 14 to 20, 29; Civil Code Art. 201 to 203): working days,
 * months and natural hours in one place. Pure. */
#ifndef ZWY_RULES_TERMS_H
#define ZWY_RULES_TERMS_H

#include "rules/calendar.h"
#include "rules/parameters.h"

/* BEFORE: so many working days before another term ends. */
enum term_unit { UNIT_WORKING_DAYS, UNIT_MONTHS, UNIT_HOURS, UNIT_BEFORE };

struct term_end {
	day date; /* the last civil day, UTC+8 */
	msec at;  /* the first instant at which it has passed; of BEFORE the day's begin */
	bool provisional;
};

/* Of a term that something of the instant `start` sets going; not BEFORE. Hours run from
 * that instant; days and months end with clock.day_end of their last day. n from 1. */
struct term_end term_end(const struct calendar *c, const struct parameters *p, msec start,
			 enum term_unit unit, unsigned n);

/* BEFORE a term that ends on `end`, by so many working days as the parameter says. Article 20:
 * of ext.lead_wd it is the last day on which an extension of that term can be applied for. */
struct term_end term_before(const struct calendar *c, const struct parameters *p, day end,
			    enum parameter lead);

#endif
