/* zwy-load: unary gRPC calls as fast as the server answers, each answer checked.
 * Prints one line of key=value. See usage(). */
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link.h"
#include "process.h"

#define LINKS_MAX 2000

struct options {
	const char *target, *requests;
	size_t connections, calls;
	double seconds, warm_up;
	pid_t pid;
};

static const char usage[] =
	"usage: zwy-load --target TARGET --path /PACKAGE.SERVICE/METHOD --requests FILE [OPTION]...\n"
	"\n"
	"Keeps a number of unary calls in flight for a while and checks each answer.\n"
	"FILE holds request messages, each after its length (4 bytes, big-endian); they are sent in turn.\n"
	"  --target TARGET       unix:PATH or ADDRESS:PORT\n"
	"  --as PRINCIPAL        principals/x to act for\n"
	"  --concurrency N       calls in flight, over all connections (1)\n"
	"  --connections N       connections (1)\n"
	"  --seconds S           time measured (2)\n"
	"  --warm-up S           time before it (0.2)\n"
	"  --calls N             stop after so many calls; no warm-up\n"
	"  --same-name           an answer's field 1 must be the request's\n"
	"  --prefix TEXT         an answer's field 1 must begin so\n"
	"  --items N             an answer must hold at least N of field 1\n"
	"  --pid PID             also tell the processor time that this process used\n";

static void __attribute__((noreturn)) die(const char *what, const char *why)
{
	fprintf(stderr, "zwy-load: %s: %s\n", what, why);
	exit(1);
}

/* Reads the request messages and gives each its gRPC prefix. */
static void
read_requests(struct load *load, const char *path)
{
	FILE *file = fopen(path, "re");
	uint8_t length[4];

	if (!file)
		die(path, "cannot be read");
	while (fread(length, 1, 4, file) == 4) {
		size_t size = (size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 |
			      length[3];
		uint8_t *framed = malloc(size + 5);
		struct request *grown = realloc(load->requests, (load->request_count + 1) * sizeof(*grown));
		if (!framed || !grown)
			die(path, "too large");
		load->requests = grown;
		framed[0] = 0;
		memcpy(framed + 1, length, 4);
		if (fread(framed + 5, 1, size, file) != size)
			die(path, "ends within a message");
		load->requests[load->request_count++] = (struct request){framed, size + 5};
	}
	fclose(file);
	if (!load->request_count)
		die(path, "holds no message");
}

static size_t
open_calls(const struct link *links, size_t count)
{
	size_t open = 0;

	for (size_t i = 0; i < count; i++)
		open += links[i].open;
	return open;
}

/* One turn over all links; false when nothing is left to do. */
static bool
turn(struct link *links, struct pollfd *polls, size_t count, int timeout)
{
	for (size_t i = 0; i < count; i++) {
		polls[i].fd = links[i].fd;
		polls[i].events = (short)(POLLIN | (link_wants_write(&links[i]) ? POLLOUT : 0));
	}
	if (poll(polls, count, timeout) < 0)
		return true;
	for (size_t i = 0; i < count; i++) {
		if (polls[i].revents && link_turn(&links[i]) < 0)
			return false;
	}
	return true;
}

static void
run_for(struct link *links, struct pollfd *polls, size_t count, double seconds)
{
	struct load *load = links[0].load;
	uint64_t end = clock_ns() + (uint64_t)(seconds * 1e9);

	while (!load->error[0] && (load->limit ? load->done < load->limit : clock_ns() < end)) {
		if (!turn(links, polls, count, 100))
			return;
	}
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
print_result(struct load *load, uint64_t took, uint64_t cpu)
{
	size_t kept = load->done < LATENCIES_MAX ? (size_t)load->done : LATENCIES_MAX;
	double seconds = (double)took / 1e9, calls = load->done ? (double)load->done : 1;

	qsort(load->latency, kept, sizeof(*load->latency), by_value);
	printf("calls=%llu seconds=%.3f rate=%.1f bytes=%llu", (unsigned long long)load->done, seconds,
	       (double)load->done / seconds, (unsigned long long)load->bytes);
	if (kept)
		printf(" p50_us=%u p99_us=%u max_us=%u", load->latency[kept / 2],
		       load->latency[kept * 99 / 100], load->latency[kept - 1]);
	printf(" cpu_us=%.3f\n", (double)cpu / 1000 / calls);
}

static void
measure(struct load *load, const struct options *o)
{
	size_t count = o->connections;
	struct link *links = calloc(count, sizeof(*links));
	struct pollfd *polls = calloc(count, sizeof(*polls));

	if (!links || !polls)
		die("out of memory", "connections");

	for (size_t i = 0; i < count; i++) {
		size_t share = o->calls / count + (i < o->calls % count);
		if (link_open(&links[i], load, o->target, share) < 0)
			die("cannot connect", load->error);
	}
	for (size_t i = 0; i < count; i++)
		link_turn(&links[i]);
	if (!load->limit)
		run_for(links, polls, count, o->warm_up);
	if (!load->limit)
		load->done = load->bytes = 0;
	uint64_t start = clock_ns(), cpu = process_cpu_ns(o->pid);
	run_for(links, polls, count, o->seconds);
	uint64_t done = load->done, took = clock_ns() - start;
	cpu = process_cpu_ns(o->pid) - cpu;
	load->stopping = true;
	while (!load->error[0] && open_calls(links, count) && turn(links, polls, count, 1000))
		;
	load->done = done;
	for (size_t i = 0; i < count; i++)
		link_close(&links[i]);
	free(links);
	free(polls);
	if (!load->error[0])
		print_result(load, took, o->pid ? cpu : 0);
}

enum {
	TARGET,
	PATH,
	REQUESTS,
	AS,
	CONCURRENCY,
	CONNECTIONS,
	SECONDS,
	WARM_UP,
	CALLS,
	SAME_NAME,
	PREFIX,
	ITEMS,
	PID,
	HELP
};
static const struct option long_options[] = {
	{"target", required_argument, NULL, TARGET},
	{"path", required_argument, NULL, PATH},
	{"requests", required_argument, NULL, REQUESTS},
	{"as", required_argument, NULL, AS},
	{"concurrency", required_argument, NULL, CONCURRENCY},
	{"connections", required_argument, NULL, CONNECTIONS},
	{"seconds", required_argument, NULL, SECONDS},
	{"warm-up", required_argument, NULL, WARM_UP},
	{"calls", required_argument, NULL, CALLS},
	{"same-name", no_argument, NULL, SAME_NAME},
	{"prefix", required_argument, NULL, PREFIX},
	{"items", required_argument, NULL, ITEMS},
	{"pid", required_argument, NULL, PID},
	{"help", no_argument, NULL, HELP},
	{NULL, 0, NULL, 0},
};

static bool
take_option(int option, const char *value, struct options *o, struct load *load)
{
	switch (option) {
	case TARGET:
		o->target = value;
		return true;
	case PATH:
		load->path = value;
		return true;
	case REQUESTS:
		o->requests = value;
		return true;
	case AS:
		load->as = value;
		return true;
	case CONCURRENCY:
		o->calls = strtoul(value, NULL, 10);
		return true;
	case CONNECTIONS:
		o->connections = strtoul(value, NULL, 10);
		return true;
	case SECONDS:
		o->seconds = strtod(value, NULL);
		return true;
	case WARM_UP:
		o->warm_up = strtod(value, NULL);
		return true;
	case CALLS:
		load->limit = strtoul(value, NULL, 10);
		return true;
	case SAME_NAME:
		load->check = CHECK_SAME_NAME;
		return true;
	case PREFIX:
		load->check = CHECK_PREFIX;
		load->prefix = value;
		return true;
	case ITEMS:
		load->check = CHECK_ITEMS;
		load->items = strtoul(value, NULL, 10);
		return true;
	case PID:
		o->pid = (pid_t)strtol(value, NULL, 10);
		return true;
	default:
		return false;
	}
}

int
main(int argc, char **argv)
{
	struct options o = {.connections = 1, .calls = 1, .seconds = 2, .warm_up = 0.2};
	struct load load = {0};
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == HELP) {
			fputs(usage, stdout);
			return 0;
		}
		if (!take_option(option, optarg, &o, &load)) {
			fputs(usage, stderr);
			return 2;
		}
	}
	if (!o.target || !load.path || !o.requests || !o.connections || o.connections > LINKS_MAX ||
	    o.calls < o.connections) {
		fputs(usage, stderr);
		return 2;
	}
	read_requests(&load, o.requests);
	load.latency = malloc(LATENCIES_MAX * sizeof(*load.latency));
	if (!load.latency)
		die("out of memory", "latencies");
	measure(&load, &o);
	if (load.error[0])
		die("failed", load.error);
	for (size_t i = 0; i < load.request_count; i++)
		free((void *)(uintptr_t)load.requests[i].framed);
	free(load.requests);
	free(load.latency);
	return 0;
}
