/* zwy-files: what programs do with files, over and over, each time measured.
 * Prints one line of key=value. See usage. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "latency.h"
#include "process.h"

#define LATENCIES_MAX (1u << 20)
#define READ_SIZE     (128u << 10)

static const char usage[] =
	"usage: zwy-files OPERATION [OPTION]... [PATH]...\n"
	"\n"
	"Does the operation with one path after the other, for a while, and says how long one takes.\n"
	"  stat                  stat\n"
	"  read                  open, read once, close\n"
	"  cat                   open, read to the end, close\n"
	"  ls                    opendir, readdir to the end, closedir\n"
	"  ls-l                  the same, and lstat of each entry\n"
	"  create                in this directory open a new file, write, close; unlink is not measured\n"
	"\n"
	"  --list FILE           further paths, one a line\n"
	"  --seconds S           time measured (2)\n"
	"  --warm-up S           time before it (0.2); at least until each path had its turn\n"
	"  --calls N             instead: so many, without warm-up\n"
	"  --text FILE           create: what is written\n"
	"  --suffix TEXT         create: the end of the new names\n"
	"  --cpu N               run on this processor\n";

struct task;
struct operation {
	const char *name;
	void (*run)(struct task *t, const char *path);
};

struct task {
	const struct operation *operation;
	char **paths;
	size_t path_count, next;
	double seconds, warm_up;
	size_t calls;
	const char *suffix;
	char *text;
	size_t text_size;

	char *buffer;
	uint64_t started, made; /* by this program: names are never used twice */
	uint64_t bytes, entries, first;
	struct latency took;
	struct latency firsts; /* of a listing: until its first entry */
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "zwy-files: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *
must_have(void *memory)
{
	if (!memory)
		die("memory");
	return memory;
}

/* ---- operations ------------------------------------------------------------------ */

static void
run_stat(struct task *t, const char *path)
{
	struct stat st;

	(void)t;
	if (stat(path, &st) < 0)
		die(path);
}

static void
read_file(struct task *t, const char *path, bool to_end)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		die(path);
	do {
		n = read(fd, t->buffer, READ_SIZE);
		t->bytes += n > 0 ? (uint64_t)n : 0;
	} while (to_end && n > 0);
	if (n < 0 || close(fd) < 0)
		die(path);
}

static void
run_read(struct task *t, const char *path)
{
	read_file(t, path, false);
}

static void
run_cat(struct task *t, const char *path)
{
	read_file(t, path, true);
}

static void
lstat_entry(const char *path, const char *name)
{
	char whole[PATH_MAX];
	struct stat st;

	snprintf(whole, sizeof(whole), "%s/%s", path, name);
	if (lstat(whole, &st) < 0)
		die(whole);
}

static void
list(struct task *t, const char *path, bool each)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		die(path);
	while (errno = 0, (entry = readdir(dir))) {
		if (!t->first)
			t->first = clock_ns();
		if (each && entry->d_name[0] != '.')
			lstat_entry(path, entry->d_name);
		t->entries += entry->d_name[0] != '.';
	}
	if (errno || closedir(dir) < 0)
		die(path);
}

static void
run_ls(struct task *t, const char *path)
{
	list(t, path, false);
}

static void
run_ls_l(struct task *t, const char *path)
{
	list(t, path, true);
}

static void
new_name(const struct task *t, const char *path, char *ret, size_t size)
{
	snprintf(ret, size, "%s/bench-%llx-%llu%s", path, (unsigned long long)t->started,
		 (unsigned long long)t->made, t->suffix);
}

static void
run_create(struct task *t, const char *path)
{
	char name[PATH_MAX];

	new_name(t, path, name, sizeof(name));
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, t->text, t->text_size) != (ssize_t)t->text_size || close(fd) < 0)
		die(name);
	t->bytes += t->text_size;
}

static const struct operation operations[] = {
	{"stat", run_stat}, {"read", run_read}, {"cat", run_cat},
	{"ls", run_ls},     {"ls-l", run_ls_l}, {"create", run_create},
};

/* ---- measuring --------------------------------------------------------------------- */

/* A directory must not grow from measuring. */
static void
clean_up(struct task *t, const char *path)
{
	char name[PATH_MAX];

	if (t->operation->run != run_create)
		return;
	new_name(t, path, name, sizeof(name));
	t->made++;
	if (unlink(name) < 0)
		die(name);
}

static void
run_once(struct task *t)
{
	const char *path = t->paths[t->next++ % t->path_count];

	t->first = 0;
	uint64_t start = clock_ns();
	t->operation->run(t, path);
	latency_add(&t->took, clock_ns() - start);
	if (t->first)
		latency_add(&t->firsts, t->first - start);
	clean_up(t, path);
}

static void
run_for(struct task *t, double seconds, size_t least, size_t most)
{
	uint64_t end = clock_ns() + (uint64_t)(seconds * 1e9);

	t->took.count = t->firsts.count = 0;
	t->bytes = t->entries = 0;
	for (size_t n = 0; n < most && (n < least || clock_ns() < end); n++)
		run_once(t);
}

static void
print(struct task *t)
{
	double seconds = 0, calls = (double)t->took.count;

	for (size_t i = 0; i < t->took.count; i++)
		seconds += (double)t->took.ns[i] / 1e9;
	printf("calls=%zu seconds=%.3f rate=%.1f", t->took.count, seconds, calls / seconds);
	latency_print(&t->took);
	if (t->bytes)
		printf(" bytes=%.1f", (double)t->bytes / calls);
	if (t->entries)
		printf(" entries=%.1f first_us=%.2f", (double)t->entries / calls,
		       (double)latency_median(&t->firsts) / 1000);
	putchar('\n');
}

static void
measure(struct task *t)
{
	if (latency_init(&t->took, LATENCIES_MAX) < 0 || latency_init(&t->firsts, LATENCIES_MAX) < 0)
		die("memory");
	t->buffer = must_have(malloc(READ_SIZE));
	t->started = clock_ns();
	if (!t->calls)
		run_for(t, t->warm_up, t->path_count, LATENCIES_MAX);
	run_for(t, t->calls ? 0 : t->seconds, t->calls ? t->calls : 1, t->calls ? t->calls : LATENCIES_MAX);
	print(t);
	free(t->buffer);
	latency_release(&t->took);
	latency_release(&t->firsts);
}

/* ---- options ----------------------------------------------------------------------- */

static void
add_path(struct task *t, const char *path)
{
	t->paths = must_have(realloc(t->paths, (t->path_count + 1) * sizeof(*t->paths)));
	t->paths[t->path_count++] = must_have(strdup(path));
}

static void
add_list(struct task *t, const char *name)
{
	FILE *file = fopen(name, "re");
	char line[PATH_MAX];

	if (!file)
		die(name);
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		add_path(t, line);
	}
	fclose(file);
}

static void
read_text(struct task *t, const char *name)
{
	FILE *file = fopen(name, "re");

	if (!file)
		die(name);
	t->text = must_have(malloc(READ_SIZE));
	t->text_size = fread(t->text, 1, READ_SIZE, file);
	fclose(file);
}

static void
use_cpu(const char *number)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(strtoul(number, NULL, 10), &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		die("--cpu");
}

enum { LIST, SECONDS, WARM_UP, CALLS, TEXT, SUFFIX, CPU, HELP };
static const struct option long_options[] = {
	{"list", required_argument, NULL, LIST},
	{"seconds", required_argument, NULL, SECONDS},
	{"warm-up", required_argument, NULL, WARM_UP},
	{"calls", required_argument, NULL, CALLS},
	{"text", required_argument, NULL, TEXT},
	{"suffix", required_argument, NULL, SUFFIX},
	{"cpu", required_argument, NULL, CPU},
	{"help", no_argument, NULL, HELP},
	{NULL, 0, NULL, 0},
};

static bool
take_option(struct task *t, int option, const char *value)
{
	switch (option) {
	case LIST:
		add_list(t, value);
		return true;
	case SECONDS:
		t->seconds = strtod(value, NULL);
		return true;
	case WARM_UP:
		t->warm_up = strtod(value, NULL);
		return true;
	case CALLS:
		t->calls = strtoul(value, NULL, 10);
		return true;
	case TEXT:
		read_text(t, value);
		return true;
	case SUFFIX:
		t->suffix = value;
		return true;
	case CPU:
		use_cpu(value);
		return true;
	default:
		return false;
	}
}

static const struct operation *
find_operation(const char *name)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (strcmp(operations[i].name, name) == 0)
			return &operations[i];
	return NULL;
}

static int
explain(int status)
{
	fputs(usage, status ? stderr : stdout);
	return status;
}

int
main(int argc, char **argv)
{
	struct task t = {.seconds = 2, .warm_up = 0.2, .suffix = ""};
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!take_option(&t, option, optarg))
			return explain(option == HELP ? 0 : 2);
	t.operation = optind < argc ? find_operation(argv[optind++]) : NULL;
	while (optind < argc)
		add_path(&t, argv[optind++]);
	if (!t.operation || !t.path_count || (t.operation->run == run_create && !t.text))
		return explain(2);
	measure(&t);
	for (size_t i = 0; i < t.path_count; i++)
		free(t.paths[i]);
	free(t.paths);
	free(t.text);
	return 0;
}
