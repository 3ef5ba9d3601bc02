/* Civil dates and instants.
 *
 * An instant is int64_t milliseconds since 1970-01-01T00:00:00Z. A civil date
 * is a day number: days since 1970-01-01 in UTC+8, which has had no daylight
 * saving since 1992 and needs no time-zone data. Years 1 to 9999. Pure. */
#ifndef ZWY_BASE_DATE_H
#define ZWY_BASE_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

typedef int64_t msec; /* an instant */
typedef int32_t day;  /* a civil date */

#define MSEC_PER_DAY 86400000LL

struct civil {
	int year, month, mday; /* month and mday from 1 */
};

day day_from_civil(int year, int month, int mday);
struct civil civil_from_day(day d);
/* 0 = Sunday */
int day_weekday(day d);
int days_in_month(int year, int month);

/* The civil date of an instant, and the first instant of a civil date. */
day day_of(msec t);
msec day_start(day d);

#define DATE_LEN 11 /* YYYY-MM-DD and NUL */
#define TIME_LEN 25 /* YYYY-MM-DDThh:mm:ss.mmmZ and NUL */

void date_format(char dst[DATE_LEN], day d);
/* Exactly YYYY-MM-DD of a day that exists. */
bool date_parse(struct slice s, day *ret);
/* UTC; milliseconds only where there are any. */
void time_format(char dst[TIME_LEN], msec t);
/* RFC 3339, with any offset; digits beyond milliseconds are cut off. */
bool time_parse(struct slice s, msec *ret);

#endif
