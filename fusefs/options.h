/* What `zwyfs` can be told. Every option has a default and a line in --help; the
 * rows stand in options.def. */
#ifndef FUSEFS_OPTIONS_H
#define FUSEFS_OPTIONS_H

#include <stdbool.h>

struct fuse_args;

struct options {
#define OPTION(name, field, initial, help)       unsigned field;
#define TEXT_OPTION(name, field, argument, help) char *field; /* or NULL */
#include "options.def"
#undef OPTION
#undef TEXT_OPTION
	char *target;
	char *mountpoint;
	bool allow_other;
	bool foreground;
	bool help, version;
};

/* Leaves in args what libfuse and the kernel shall see. 0, or an exit status. */
int options_parse(struct options *ret, struct fuse_args *args);
void options_help(const char *program);
void options_release(struct options *o);

#endif
