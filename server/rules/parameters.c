#include "rules/parameters.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/date.h"

const struct parameter_desc parameter_table[] = {
#define PARAMETER(id, key, type, def, allowed, article, statutory, tighter, text) \
	[PARAM_##id] = {key, PARAMETER_##type, def, allowed, article, statutory, TIGHTER_##tighter, text},
#include "rules/parameters.def"
#undef PARAMETER
};
const size_t parameter_count = PARAM_COUNT;

const struct parameter_desc *
parameter_find(const char *key)
{
	for (size_t i = 0; i < parameter_count; i++)
		if (strcmp(parameter_table[i].key, key) == 0)
			return &parameter_table[i];
	return NULL;
}

const char *
parameter_type_name(enum parameter_type type)
{
	static const char *const names[] = {
		[PARAMETER_BOOL] = "bool", [PARAMETER_INT] = "int",       [PARAMETER_ENUM] = "enum",
		[PARAMETER_TEXT] = "text", [PARAMETER_LIST] = "list",     [PARAMETER_TIME] = "time",
		[PARAMETER_DATE] = "date", [PARAMETER_WINDOW] = "window",
	};
	return names[type];
}

static bool
parse_bool(struct slice s, int64_t *ret)
{
	*ret = slice_is(s, "1") || slice_is(s, "true");
	return *ret || slice_is(s, "0") || slice_is(s, "false");
}

static bool
parse_int(struct slice s, const char *allowed, int64_t *ret)
{
	struct slice high = slice_of(allowed), low;
	uint64_t v, min, max;
	if (!slice_to_u64(s, &v) || v > INT64_MAX)
		return false;
	/* "low..high" */
	if (!slice_cut(&high, '.', &low) || high.n == 0 || !slice_to_u64(low, &min) ||
	    !slice_to_u64(slice_make(high.p + 1, high.n - 1), &max))
		return false;
	*ret = (int64_t)v;
	return v >= min && v <= max;
}

static bool
parse_word(struct slice s, const char *allowed, int64_t *ret)
{
	struct slice rest = slice_of(allowed), word;
	for (int64_t i = 0;; i++) {
		bool last = !slice_cut(&rest, '|', &word);
		if (slice_equal(last ? rest : word, s)) {
			*ret = i;
			return true;
		}
		if (last)
			return false;
	}
}

/* HH:MM:SS, seconds since midnight, from 00:00:01 to 24:00:00. */
static bool
parse_time(struct slice s, int64_t *ret)
{
	uint64_t h, m, sec;
	if (s.n != 8 || s.p[2] != ':' || s.p[5] != ':' || !slice_to_u64(slice_make(s.p, 2), &h) ||
	    !slice_to_u64(slice_make(s.p + 3, 2), &m) || !slice_to_u64(slice_make(s.p + 6, 2), &sec))
		return false;
	*ret = (int64_t)(h * 3600 + m * 60 + sec);
	return m < 60 && sec < 60 && *ret > 0 && *ret <= 86400;
}

static bool
parse_date(struct slice s, int64_t *ret)
{
	day d;
	*ret = INT64_MIN;
	if (s.n == 0)
		return true;
	if (!date_parse(s, &d))
		return false;
	*ret = d;
	return true;
}

/* MM-DD of a common year, as MMDD. */
static bool
parse_month_day(struct slice s, int64_t *ret)
{
	char date[DATE_LEN];
	day d;
	snprintf(date, sizeof(date), "2001-%.*s", s.n == 5 ? (int)s.n : 0, s.p);
	if (s.n != 5 || !date_parse(slice_of(date), &d))
		return false;
	struct civil c = civil_from_day(d);
	*ret = c.month * 100 + c.mday;
	return true;
}

static bool
parse_window(struct slice s, int64_t *ret)
{
	int64_t from, to;
	if (s.n != 12 || memcmp(s.p + 5, "..", 2) != 0 || !parse_month_day(slice_make(s.p, 5), &from) ||
	    !parse_month_day(slice_make(s.p + 7, 5), &to))
		return false;
	*ret = from * WINDOW_STEP + to;
	return from <= to;
}

static bool
parse_list(struct slice s, int64_t *ret)
{
	*ret = 0;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == ' ' && (i == 0 || i + 1 == s.n || s.p[i - 1] == ' '))
			return false;
	return true;
}

static bool
parse_text(struct slice s, int64_t *ret)
{
	*ret = 0;
	if (!utf8_valid(s))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ')
			return false;
	return true;
}

static bool
parse(const struct parameter_desc *p, struct slice s, int64_t *ret)
{
	int64_t ignored;
	if (s.n >= PARAMETER_MAX_BYTES || !parse_text(s, &ignored))
		return false;
	switch (p->type) {
	case PARAMETER_BOOL:
		return parse_bool(s, ret);
	case PARAMETER_INT:
		return parse_int(s, p->allowed, ret);
	case PARAMETER_ENUM:
		return parse_word(s, p->allowed, ret);
	case PARAMETER_TIME:
		return parse_time(s, ret);
	case PARAMETER_DATE:
		return parse_date(s, ret);
	case PARAMETER_WINDOW:
		return parse_window(s, ret);
	case PARAMETER_LIST:
		return parse_list(s, ret);
	case PARAMETER_TEXT:
		break;
	}
	*ret = 0;
	return true;
}

bool
parameter_number(const struct parameter_desc *p, const char *value, int64_t *ret)
{
	return parse(p, slice_of(value), ret);
}

/* What a person may write. */
static const char *
form_of(const struct parameter_desc *p)
{
	switch (p->type) {
	case PARAMETER_LIST:
		return "words with one blank between them";
	case PARAMETER_DATE:
		return "YYYY-MM-DD, or nothing";
	case PARAMETER_WINDOW:
		return "MM-DD..MM-DD, both of one year";
	case PARAMETER_TEXT:
		return "one line of text under 256 bytes";
	case PARAMETER_TIME:
		return "HH:MM:SS from 00:00:01 to 24:00:00";
	default:
		return p->allowed;
	}
}

int
parameter_check(const struct parameter_desc *p, const char *value, char *dst, size_t size, struct fault *f)
{
	int64_t v;
	if (!parse(p, slice_of(value), &v))
		return fault_set_article(f, ERR_INVALID_FIELD, p->article, "%s is `%.80s`; allowed: %s%s",
					 p->key, value, form_of(p),
					 p->statutory ? " (the regulation sets it; it can only be tightened)"
						      : "");
	int n = p->type == PARAMETER_BOOL || p->type == PARAMETER_INT
			? snprintf(dst, size, "%lld", (long long)v)
			: snprintf(dst, size, "%s", value);
	if (n < 0 || (size_t)n >= size)
		return fault_set(f, ERR_INTERNAL, "no room for the value of %s", p->key);
	return 0;
}

bool
parameter_list_has(const char *list, struct slice wanted)
{
	struct slice rest = slice_of(list), word;
	for (bool more = true; more;) {
		more = slice_cut(&rest, ' ', &word);
		if (slice_equal(more ? word : rest, wanted))
			return true;
	}
	return false;
}

bool
parameters_take(struct parameters *p, enum parameter key, const char *value)
{
	const struct parameter_desc *desc = &parameter_table[key];
	bool words = desc->type == PARAMETER_TEXT || desc->type == PARAMETER_LIST;
	if (!parse(desc, slice_of(value), &p->number[key]))
		return false;
	p->text[key] = words ? value : "";
	return true;
}

void
parameters_default(struct parameters *p)
{
	for (size_t i = 0; i < parameter_count; i++)
		parameters_take(p, (enum parameter)i, parameter_table[i].default_value);
}

int
parameters_set(struct parameters *p, const char *key, const char *value, struct fault *f)
{
	const struct parameter_desc *desc = parameter_find(key);
	if (!desc)
		return fault_set(f, ERR_NOT_FOUND, "there is no parameter %.80s", key);
	char canonical[PARAMETER_MAX_BYTES];
	int r = parameter_check(desc, value, canonical, sizeof(canonical), f);
	if (r)
		return r;
	/* What is not canonical differs in form alone. */
	parameters_take(p, (enum parameter)(desc - parameter_table), value);
	return 0;
}
