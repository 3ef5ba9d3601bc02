/* The server's clock: the machine's, or an instant in a file for tests and
 * demonstrations (zwyd --clock). Loop thread. */
#ifndef ZWY_SERVER_CLOCK_H
#define ZWY_SERVER_CLOCK_H

#include <sys/stat.h>

#include "base/date.h"
#include "base/error.h"

struct server_clock {
	const char *file; /* NULL: the machine's clock */
	struct timespec changed;
	ino_t inode;
	msec now;
};

/* Reads the file, if there is one; ERR_USAGE if it does not hold an RFC 3339 instant. */
int server_clock_open(struct server_clock *c, const char *file, struct fault *f);
/* The file is read again when it has changed; while it is unreadable the last instant stands. */
msec server_clock_now(struct server_clock *c);

#endif
