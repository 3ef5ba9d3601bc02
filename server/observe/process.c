/* What the process is, as /proc tells it. */
#include "observe/metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static void
render_one(struct buf *out, const char *name, const char *type, const char *help, double value)
{
	exposition_family(out, name, type, help);
	exposition_sample(out, name, "", NULL, 0, value);
}

static bool
read_small(const char *path, char *dst, size_t size)
{
	FILE *in = fopen(path, "re");
	if (!in)
		return false;
	size_t n = fread(dst, 1, size - 1, in);
	fclose(in);
	dst[n] = '\0';
	return n > 0;
}

static void
render_memory(struct buf *out)
{
	char text[128];
	unsigned long pages, resident;
	if (!read_small("/proc/self/statm", text, sizeof(text)) ||
	    sscanf(text, "%lu %lu", &pages, &resident) != 2)
		return;
	double page = (double)sysconf(_SC_PAGESIZE);
	render_one(out, "process_virtual_memory_bytes", "gauge", "Virtual memory size.",
		   (double)pages * page);
	render_one(out, "process_resident_memory_bytes", "gauge", "Resident memory size.",
		   (double)resident * page);
}

static void
render_descriptors(struct buf *out)
{
	struct rlimit limit;
	DIR *dir = opendir("/proc/self/fd");
	if (dir) {
		size_t n = 0;
		while (readdir(dir))
			n++;
		closedir(dir);
		/* ".", ".." and the directory's own */
		render_one(out, "process_open_fds", "gauge", "Open file descriptors.",
			   n > 3 ? (double)(n - 3) : 0);
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		render_one(out, "process_max_fds", "gauge", "File descriptors that may be open.",
			   (double)limit.rlim_cur);
}

static void
render_cpu(struct buf *out)
{
	struct rusage u;
	if (getrusage(RUSAGE_SELF, &u) != 0)
		return;
	double seconds = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
			 (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
	render_one(out, "process_cpu_seconds_total", "counter", "Processor time used, of user and system.",
		   seconds);
}

/* proc(5): field 22 of stat, in ticks since boot; the boot by btime. */
static void
render_start(struct buf *out)
{
	char text[1024], line[256];
	unsigned long long ticks = 0, boot = 0;
	if (!read_small("/proc/self/stat", text, sizeof(text)))
		return;
	/* The second field is the program's name in brackets, and may hold anything. */
	char *at = strrchr(text, ')'), *rest = NULL;
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (at)
		ticks = strtoull(at, &rest, 10);
	FILE *in = fopen("/proc/stat", "re");
	while (in && boot == 0 && fgets(line, sizeof(line), in))
		if (strncmp(line, "btime ", 6) == 0)
			boot = strtoull(line + 6, NULL, 10);
	if (in)
		fclose(in);
	if (ticks && boot)
		render_one(out, "process_start_time_seconds", "gauge",
			   "Start of the process, in seconds since 1970.",
			   (double)boot + (double)ticks / (double)sysconf(_SC_CLK_TCK));
}

void
metrics_render_process(struct buf *out)
{
	render_cpu(out);
	render_memory(out);
	render_descriptors(out);
	render_start(out);
}
