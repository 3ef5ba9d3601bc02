/* How each paragraph of the regulation is carried out, or why the system is silent
 * (coverage.def), and what cites an article. Constant data; any thread. */
#ifndef ZWY_RULES_COVERAGE_H
#define ZWY_RULES_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct provision {
	const char *id; /* 13.2, 13.1b; 37.1 is the appendix */
	const char *requirement;
	const char *rows;   /* check:fiscal step:regular/accept; blanks between them */
	const char *tests;  /* names of test functions, likewise */
	const char *silent; /* why nothing, or not all of it, is carried out; "" */
};
extern const struct provision provision_table[]; /* in the order of the regulation */
extern const size_t provision_count;
unsigned provision_article(const struct provision *p);

/* Whether a word of `rows` names a row that there is. */
bool coverage_row_known(struct slice word);

/* Calls take() for every row that cites the article, each once: step:regular/submit,
 * term:…, parameter:…, document:…, refusal:…. The text ends with the call. */
void coverage_citing(unsigned article, void (*take)(void *ctx, const char *row), void *ctx);

#endif
