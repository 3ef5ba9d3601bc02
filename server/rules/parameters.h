/* Named values that the rules read where the regulation leaves room (domain:
 * ambiguities and their defaults). One row of parameters.def gives key, type,
 * default, allowed values, article and meaning. Pure. */
#ifndef ZWY_RULES_PARAMETERS_H
#define ZWY_RULES_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "zwy/v1/parameter.pb.h"

enum parameter_type {
	PARAMETER_BOOL,
	PARAMETER_INT,
	PARAMETER_ENUM,
	PARAMETER_TEXT,
	PARAMETER_LIST,   /* words apart by blanks */
	PARAMETER_TIME,   /* HH:MM:SS up to 24:00:00, UTC+8 */
	PARAMETER_DATE,   /* YYYY-MM-DD, or empty: not set */
	PARAMETER_WINDOW, /* MM-DD..MM-DD of one year */
};

/* Which way a city's own value is tighter than the province's (Article 36). */
enum parameter_tighter {
	TIGHTER_FIXED, /* it may have none */
	TIGHTER_SMALLER,
	TIGHTER_LARGER,
	TIGHTER_WIDER, /* a list with every word of the province's */
};

struct parameter_desc {
	const char *key; /* clock.count_start_day */
	enum parameter_type type;
	const char *default_value;
	const char *allowed; /* "0..365", "freeze|refuse", "" for text; of a list the words it may hold */
	const char *article; /* "" if none */
	bool statutory;      /* set by the regulation; `allowed` then only lets it be tightened */
	enum parameter_tighter tighter;
	const char *description;
};

extern const struct parameter_desc parameter_table[]; /* by enum parameter */
extern const size_t parameter_count;
const struct parameter_desc *parameter_find(const char *key);
/* As Parameter.type says it: bool, int, enum, text, list, time, date, window. */
const char *parameter_type_name(enum parameter_type type);

#define PARAMETER_MAX_BYTES 256
/* ERR_INVALID_FIELD says what is allowed. Canonical form (bools as 0 and 1) goes to dst. */
int parameter_check(const struct parameter_desc *p, const char *value, char *dst, size_t size,
		    struct fault *f);

/* The value as rules read it; false if it is not allowed. */
bool parameter_number(const struct parameter_desc *p, const char *value, int64_t *ret);

/* The values that rules read, typed; index by enum parameter. */
enum parameter {
#define PARAMETER(id, key, type, def, allowed, article, statutory, tighter, text) PARAM_##id,
#include "rules/parameters.def"
#undef PARAMETER
	PARAM_COUNT
};

#define WINDOW_STEP 10000
struct parameters {
	/* bool and int as they are; enum: index of the word in `allowed`; time: seconds
	 * since midnight; date: day number, INT64_MIN if not set; window: both ends as MMDD,
	 * the first times WINDOW_STEP; text and list: 0. */
	int64_t number[PARAM_COUNT];
	/* Of text and list; else "". The strings belong to whoever gave them. */
	const char *text[PARAM_COUNT];
};

/* Whether a list has that word. */
bool parameter_list_has(const char *list, struct slice word);

void parameters_default(struct parameters *p);
/* The value of a key; false, and as it was, if it is not allowed. */
bool parameters_take(struct parameters *p, enum parameter key, const char *value);
/* Takes a record's value over, which must live as long; unknown keys and bad values are refused. */
int parameters_set(struct parameters *p, const char *key, const char *value, struct fault *f);

#endif
