#include "rules/names.h"

#include <stdio.h>

#include "base/error.h"

#define SLUG_MAX_BYTES 63

static bool
slug_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool
slug_valid(const char *slug)
{
	size_t n = strlen(text_of(slug));
	if (n == 0 || n > SLUG_MAX_BYTES || !slug_letter(slug[0]) || !slug_letter(slug[n - 1]))
		return false;
	for (size_t i = 1; i < n; i++)
		if (!slug_letter(slug[i]) && (slug[i] != '-' || slug[i - 1] == '-'))
			return false;
	return true;
}

void
list_add(char *dst, size_t size, const char *between, const char *word)
{
	size_t n = strlen(dst);
	if (n + strlen(between) + strlen(word) < size)
		snprintf(dst + n, size - n, "%s%s", n ? between : "", word);
}

int
record_name_check(const char *prefix, const char *name, struct fault *f)
{
	size_t n = strlen(prefix);
	if (strncmp(text_of(name), prefix, n) == 0 && slug_valid(name + n))
		return 0;
	return fault_set(
		f, ERR_INVALID_NAME,
		"`%.80s` is no name; write %s and lower case letters, digits and single hyphens, at most 63",
		text_of(name), prefix);
}
