/* A bar on a terminal (standard error) for what takes long; nothing where there is none. */
#ifndef ZWY_CLI_PROGRESS_H
#define ZWY_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what, *unit; /* "import quotas", "records" */
	bool shown;              /* standard error is a terminal */
	int64_t begun, drawn;    /* ms */
};

void progress_begin(struct progress *p, const char *what, const char *unit);
/* Draws, but not too often. */
void progress_show(struct progress *p, uint64_t done, uint64_t total);
/* Takes the bar away; what is said next stands on a line of its own. */
void progress_end(struct progress *p);

#endif
