/* Slugs and names in records, as the rules compare them. Absent strings of
 * decoded messages are NULL; to the rules they are empty. Pure. */
#ifndef ZWY_RULES_NAMES_H
#define ZWY_RULES_NAMES_H

#include <stdbool.h>
#include <string.h>

static inline const char *
text_of(const char *s)
{
	return s ? s : "";
}

static inline bool
text_is(const char *a, const char *b)
{
	return strcmp(text_of(a), text_of(b)) == 0;
}

/* What stands behind the last slash: core of nodes/core. */
static inline const char *
name_slug(const char *name)
{
	const char *slash = strrchr(text_of(name), '/');
	return slash ? slash + 1 : text_of(name);
}

/* A reference as a slug, whether it was given as finance-portal or systems/finance-portal. */
static inline const char *
reference_slug(const char *collection, const char *value)
{
	const char *v = text_of(value);
	size_t n = strlen(collection);
	return strncmp(v, collection, n) == 0 && v[n] == '/' ? v + n + 1 : v;
}

/* Adds a word to a list for people; one that does not fit any more is left out. */
void list_add(char *dst, size_t size, const char *between, const char *word);

/* Lower case letters, digits and single hyphens inside, a letter or digit at both ends, at most 63 bytes. */
bool slug_valid(const char *slug);

/* INVALID_NAME unless the name is PREFIX, e.g. systems/, and a slug. */
struct fault;
int record_name_check(const char *prefix, const char *name, struct fault *f);

#endif
