#include "base/date.h"

#include <stdio.h>

#define CHINA_OFFSET (8 * 3600 * 1000LL)

/* Gregorian calendar by the usual era arithmetic: years begin in March, so that
 * the leap day comes last; an era is 400 years, 146,097 days. */
day
day_from_civil(int year, int month, int mday)
{
	int y = year - (month <= 2);
	int era = (y >= 0 ? y : y - 399) / 400;
	int yoe = y - era * 400;
	int doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + mday - 1;
	int doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + doe - 719468;
}

struct civil
civil_from_day(day d)
{
	int z = d + 719468;
	int era = (z >= 0 ? z : z - 146096) / 146097;
	int doe = z - era * 146097;
	int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int mp = (5 * doy + 2) / 153;
	struct civil c = {
		.mday = doy - (153 * mp + 2) / 5 + 1,
		.month = mp < 10 ? mp + 3 : mp - 9,
	};
	c.year = yoe + era * 400 + (c.month <= 2);
	return c;
}

int
day_weekday(day d)
{
	int w = (d + 4) % 7;
	return w < 0 ? w + 7 : w;
}

int
days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && leap);
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

day
day_of(msec t)
{
	return (day)floor_div(t + CHINA_OFFSET, MSEC_PER_DAY);
}

msec
day_start(day d)
{
	return (msec)d * MSEC_PER_DAY - CHINA_OFFSET;
}

void
date_format(char dst[DATE_LEN], day d)
{
	struct civil c = civil_from_day(d);
	char text[40];
	snprintf(text, sizeof(text), "%04d-%02d-%02d", c.year, c.month, c.mday);
	memcpy(dst, text, DATE_LEN - 1);
	dst[DATE_LEN - 1] = '\0';
}

/* Exactly n digits at p. */
static bool
digits(const char *p, size_t n, int *ret)
{
	int v = 0;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (p[i] - '0');
	}
	*ret = v;
	return true;
}

bool
date_parse(struct slice s, day *ret)
{
	int y, m, d;
	if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-' || !digits(s.p, 4, &y) || !digits(s.p + 5, 2, &m) ||
	    !digits(s.p + 8, 2, &d))
		return false;
	if (y < 1 || m < 1 || m > 12 || d < 1 || d > days_in_month(y, m))
		return false;
	*ret = day_from_civil(y, m, d);
	return true;
}

void
time_format(char dst[TIME_LEN], msec t)
{
	day d = (day)floor_div(t, MSEC_PER_DAY);
	int64_t ms = t - (msec)d * MSEC_PER_DAY;
	struct civil c = civil_from_day(d);
	int sec = (int)(ms / 1000), frac = (int)(ms % 1000);
	char text[64];
	int n = snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d", c.year, c.month, c.mday,
			 sec / 3600, sec / 60 % 60, sec % 60);
	if (frac)
		n += snprintf(text + n, sizeof(text) - (size_t)n, ".%03d", frac);
	snprintf(text + n, sizeof(text) - (size_t)n, "Z");
	memcpy(dst, text, TIME_LEN - 1);
	dst[TIME_LEN - 1] = '\0';
}

/* Z, or +hh:mm, or -hh:mm: minutes east of UTC. */
static bool
parse_offset(struct slice s, int *ret)
{
	int h, m;
	if (s.n == 1 && (s.p[0] == 'Z' || s.p[0] == 'z')) {
		*ret = 0;
		return true;
	}
	if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-') || s.p[3] != ':' || !digits(s.p + 1, 2, &h) ||
	    !digits(s.p + 4, 2, &m) || h > 23 || m > 59)
		return false;
	*ret = (h * 60 + m) * (s.p[0] == '-' ? -1 : 1);
	return true;
}

bool
time_parse(struct slice s, msec *ret)
{
	day d;
	int h, m, sec, offset, ms = 0;
	if (s.n < 20 || !date_parse((struct slice){s.p, 10}, &d) || (s.p[10] != 'T' && s.p[10] != 't') ||
	    s.p[13] != ':' || s.p[16] != ':' || !digits(s.p + 11, 2, &h) || !digits(s.p + 14, 2, &m) ||
	    !digits(s.p + 17, 2, &sec) || h > 23 || m > 59 || sec > 60)
		return false;
	size_t at = 19;
	if (s.p[at] == '.') {
		int scale = 100;
		size_t first = ++at;
		for (; at < s.n && s.p[at] >= '0' && s.p[at] <= '9'; at++, scale /= 10)
			ms += (s.p[at] - '0') * scale;
		if (at == first)
			return false;
	}
	if (!parse_offset((struct slice){s.p + at, s.n - at}, &offset))
		return false;
	*ret = (msec)d * MSEC_PER_DAY + ((h * 60LL + m - offset) * 60 + sec) * 1000 + ms;
	return true;
}
