/* When terms end (Articles 14 to 20, 29; Civil Code Art. 201 to 203): working days,
 * months and natural hours in one place. Pure. */
#ifndef ZWY_RULES_TERMS_H
#define ZWY_RULES_TERMS_H

#include "rules/calendar.h"
#include "rules/parameters.h"

enum term_unit { UNIT_WORKING_DAYS, UNIT_MONTHS, UNIT_HOURS };

struct term_end {
	day date; /* the last civil day, UTC+8 */
	msec at;  /* the first instant at which it has passed */
	bool provisional;
};

/* Of a term that something of the instant `start` sets going. Hours run from that
 * instant; days and months end with clock.day_end of their last day. n from 1. */
struct term_end term_end(const struct calendar *c, const struct parameters *p, msec start,
			 enum term_unit unit, unsigned n);

/* Article 20: the last day on which an extension of a term that ends on `end` can be applied for. */
struct deadline term_last_application(const struct calendar *c, const struct parameters *p, day end);

/* When holders of a term that ends on `end` are warned, the first first: so many
 * working days before it, the second on the last day to apply for an extension. */
enum { TERM_WARNINGS = 3 };
void term_warnings(const struct calendar *c, const struct parameters *p, day end,
		   struct deadline ret[TERM_WARNINGS]);

#endif
