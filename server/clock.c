#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool
read_file(struct server_clock *c)
{
	char text[64];
	int fd = open(c->file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, text, sizeof(text));
	close(fd);
	if (n <= 0)
		return false;
	struct slice s = slice_make(text, (size_t)n);
	while (s.n && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r' || s.p[s.n - 1] == ' '))
		s.n--;
	return time_parse(s, &c->now);
}

int
server_clock_open(struct server_clock *c, const char *file, struct fault *f)
{
	*c = (struct server_clock){.file = file};
	if (file && !read_file(c))
		return fault_set(f, ERR_USAGE,
				 "--clock %s: a file is wanted that holds an RFC 3339 instant, "
				 "e.g. 2026-02-13T09:00:00+08:00",
				 file);
	return 0;
}

msec
server_clock_now(struct server_clock *c)
{
	struct timespec ts;
	struct stat st;
	if (!c->file) {
		clock_gettime(CLOCK_REALTIME, &ts);
		return (msec)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
	}
	if (stat(c->file, &st) == 0 && (st.st_ino != c->inode || st.st_mtim.tv_sec != c->changed.tv_sec ||
					st.st_mtim.tv_nsec != c->changed.tv_nsec)) {
		if (read_file(c)) {
			c->inode = st.st_ino;
			c->changed = st.st_mtim;
		}
	}
	return c->now;
}
