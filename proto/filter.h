/* The filter of a list: field=value and field!=value joined by AND. Pure. */
#ifndef ZWY_FILTER_H
#define ZWY_FILTER_H

#include "base/error.h"
#include "descriptor.h"

#define FILTER_MAX_TERMS 8

struct filter_term {
	const struct field_desc *field; /* scalar field of the record, not in a sub-message */
	struct slice value;             /* as text_value prints it; points into the filter's text */
	bool negated;
};

struct filter {
	struct filter_term terms[FILTER_MAX_TERMS];
	size_t count;
};

/* A value may stand in double quotes. Spaces around =, != and AND do not matter.
 * ERR_BAD_FILTER says where and what is allowed. */
int filter_parse(struct filter *ret, const struct message_desc *m, struct slice text, struct fault *f);
/* Whether message bytes pass every term. For a repeated scalar: any element equals. */
bool filter_match(const struct filter *flt, struct slice bytes);

#endif
