/* Setting a field of a draft by its dotted key: what request text and the line
 * files have in common. Pure; any thread. */
#ifndef ZWY_TEXT_SET_H
#define ZWY_TEXT_SET_H

#include "draft.h"
#include "text.h"

struct text_setter {
	struct arena *arena;
	struct draft *root;
	struct draft *current; /* the section's message, or root */
	char section[80];      /* "items." or "" */
	unsigned flags;
	unsigned line; /* 0: there are no lines */
	struct text_place place;
	struct fault *fault;
};

/* Both return 0 or the code of the fault, which names line and key. The value is
 * taken as it is: backslashes have been seen to. */
int text_set(struct text_setter *s, struct slice key, struct slice value);
int text_open_section(struct text_setter *s, struct slice path);
int text_refuse(struct text_setter *s, int code, struct slice key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* A key in a map, with its backslashes, as it is meant. */
int text_unescape(struct slice *ret, struct slice s, bool is_key, struct arena *arena, struct fault *f);

#endif
