/* Named values that the rules read where the regulation leaves room (domain:
 * ambiguities and their defaults). One row of parameters.def gives key, type,
 * default, allowed values, article and meaning. Pure. */
#ifndef ZWY_RULES_PARAMETERS_H
#define ZWY_RULES_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "zwy/v1/parameter.pb.h"

enum parameter_type { PARAMETER_BOOL, PARAMETER_INT, PARAMETER_ENUM, PARAMETER_TEXT };

struct parameter_desc {
	const char *key; /* clock.count_start_day */
	enum parameter_type type;
	const char *default_value;
	const char *allowed; /* "0..365", "freeze|refuse", "" for text */
	const char *article;
	bool statutory;
	const char *description;
};

extern const struct parameter_desc parameter_table[];
extern const size_t parameter_count;
const struct parameter_desc *parameter_find(const char *key);

/* ERR_INVALID_FIELD says what is allowed. Canonical form (bools as 0 and 1) goes to dst. */
int parameter_check(const struct parameter_desc *p, const char *value, char *dst, size_t size, struct fault *f);

/* The values that rules read, typed; index by enum parameter. */
enum parameter {
#define PARAMETER(id, key, type, def, allowed, article, statutory, text) PARAM_##id,
#include "rules/parameters.def"
#undef PARAMETER
	PARAM_COUNT
};

struct parameters {
	int64_t number[PARAM_COUNT]; /* bool and int; for enum the index of the word in `allowed` */
};

void parameters_default(struct parameters *p);
/* Takes a record's value over; unknown keys and bad values are refused. */
int parameters_set(struct parameters *p, const char *key, const char *value, struct fault *f);

#endif
