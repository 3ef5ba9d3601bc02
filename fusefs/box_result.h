/* What became of requests, and the inside of a box: for box.c and box_result.c. */
#ifndef FUSEFS_BOX_RESULT_H
#define FUSEFS_BOX_RESULT_H

#include "box.h"

struct result_entry {
	struct result_entry *next; /* newest first */
	char name[BOX_NAME_MAX];
	struct box_result result;
	struct buf raw; /* bytes that were accepted or whose outcome is unknown */
};

struct hidden {
	struct hidden *next;
	char path[];
};

struct box {
	char *principal;
	struct box_limits limits;
	struct box_file *files;
	size_t file_count;
	size_t bytes;
	struct result_entry *results;
	size_t result_count;
	struct hidden *hidden;
};

void box_results_release(struct box *b);
/* The bytes that were accepted under the name; false: none were, as far as this box remembers. */
bool box_accepted_raw(const struct box *b, struct slice name, struct slice *ret);

#endif
