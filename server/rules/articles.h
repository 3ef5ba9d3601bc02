/* The regulation's articles: what the system does about each, and their own text. Pure. */
#ifndef ZWY_RULES_ARTICLES_H
#define ZWY_RULES_ARTICLES_H

#include <stddef.h>
#include <stdbool.h>

#include "base/buf.h"

#define REGULATION       "苏数发〔2024〕32号"
#define ARTICLE_COUNT    36
#define ARTICLE_APPENDIX 37 /* rules/37 is the appendix */

struct article {
	unsigned number;
	const char *title;
	const char *const *behaviour; /* a line each, ends with NULL */
};

extern const struct article article_table[]; /* 1 to 36, then the appendix */
extern const size_t article_count;
const struct article *article_find(unsigned number); /* NULL if there is none */

/* The article's own text, heading included, out of the whole regulation
 * (server/data/regulation.txt); empty if it is not there. Points into `whole`. */
struct slice article_text(struct slice whole, unsigned number);

#endif
