/* zwy-load: unary gRPC calls as fast as the server answers, each answer checked.
 * Prints one line of key=value. See usage(). */
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "crowd.h"
#include "process.h"

#define LINKS_MAX     2000
#define LATENCIES_MAX (4u << 20)

struct options {
	const char *target, *requests, *watch_requests, *certificate, *key;
	size_t connections, calls, watchers, watch_connections;
	bool hold;
	double seconds, warm_up;
	pid_t pid;
};

static const char usage[] =
	"usage: zwy-load --target TARGET --path /PACKAGE.SERVICE/METHOD --requests FILE [OPTION]...\n"
	"\n"
	"Keeps a number of unary calls in flight for a while and checks each answer.\n"
	"FILE holds request messages, each after its length (4 bytes, big-endian); they are sent in turn.\n"
	"  --target TARGET       unix:PATH, ADDRESS:PORT or tls:ADDRESS:PORT\n"
	"  --cert FILE --key FILE  client certificate of a TLS target\n"
	"  --as PRINCIPAL        principals/x to act for\n"
	"  --concurrency N       calls in flight, over all connections (1)\n"
	"  --connections N       connections (1)\n"
	"  --seconds S           time measured (2)\n"
	"  --warm-up S           time before it (0.2)\n"
	"  --calls N             stop after so many calls; no warm-up\n"
	"  --same-name           an answer's field 1 must be the request's\n"
	"  --prefix TEXT         an answer's field 1 must begin so\n"
	"  --items N             an answer must hold at least N of field 1\n"
	"  --may-refuse          RESOURCE_EXHAUSTED is an answer too, and counted\n"
	"  --pid PID             also tell the processor time that this process used\n"
	"  --hold                afterwards keep the connections until standard input ends\n"
	"  --watch PATH          beside the calls hold server streams of this method\n"
	"  --watch-requests FILE their requests\n"
	"  --watchers N          so many; a call begins when each has had a message of the one before\n"
	"  --watch-connections N over so many connections (as many as watchers)\n";

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

static void
run_for(struct crowd *crowd, const struct load *load, double seconds)
{
	uint64_t end = clock_ns() + (uint64_t)(seconds * 1e9);

	while (!load->error[0] && (load->limit ? load->done < load->limit : clock_ns() < end)) {
		if (crowd_turn(crowd, load->audience ? 10 : 100) < 0)
			return;
		if (load->audience && crowd_fill(crowd, load) < 0)
			return;
	}
}

/* What was counted between two moments, and the processor time of both processes. */
struct span {
	uint64_t took, server_cpu, own_cpu, done, messages;
};

static void
print_span(struct load *load, const struct span *s)
{
	double seconds = (double)s->took / 1e9, calls = s->done ? (double)s->done : 1;

	printf("calls=%llu seconds=%.3f rate=%.1f bytes=%llu", (unsigned long long)s->done, seconds,
	       (double)s->done / seconds, (unsigned long long)load->bytes);
	latency_print(&load->latency);
	if (load->may_refuse)
		printf(" refused=%llu", (unsigned long long)load->refused);
	if (s->messages)
		printf(" events=%llu event_rate=%.1f event_cpu_us=%.3f", (unsigned long long)s->messages,
		       (double)s->messages / seconds, (double)s->server_cpu / 1000 / (double)s->messages);
	printf(" cpu_us=%.3f busy=%.3f client_us=%.3f client_busy=%.3f\n",
	       (double)s->server_cpu / 1000 / calls, (double)s->server_cpu / (double)s->took,
	       (double)s->own_cpu / 1000 / calls, (double)s->own_cpu / (double)s->took);
}

/* Counters to zero, when nothing is under way that would be counted twice. */
static void
count_anew(struct load *load, struct load *watch)
{
	load->done = load->bytes = load->refused = 0;
	load->latency.count = 0;
	if (load->audience)
		load->started = watch->messages = 0;
}

static void
finish_calls(struct crowd *crowd, struct load *load, const struct load *watch)
{
	load->stopping = true;
	while (!load->error[0] && !watch->error[0] &&
	       (crowd_open_calls(crowd, load) ||
		(load->audience && watch->messages < load->started * load->listeners))) {
		if (crowd_turn(crowd, 1000) < 0)
			return;
	}
}

/* Calls, one by one, until every watcher has heard of one; then waits until all is quiet. */
static void
wake_audience(struct crowd *crowd, struct load *load, const struct load *watch, size_t watchers)
{
	uint64_t heard;

	while (watch->silent && !load->error[0] && !watch->error[0]) {
		load->limit++;
		if (crowd_fill(crowd, load) < 0)
			return;
		for (int i = 0; i < 20 && (watch->silent || load->done < load->limit); i++)
			crowd_turn(crowd, 10);
	}
	do {
		heard = watch->messages;
		for (int i = 0; i < 20; i++)
			crowd_turn(crowd, 10);
	} while (watch->messages != heard);
	load->limit = load->started = 0;
	load->audience = watch;
	load->listeners = watchers;
}

static struct span
take_span(struct crowd *crowd, struct load *load, struct load *watch, const struct options *o)
{
	uint64_t own = process_cpu_ns(getpid()), start = clock_ns(), cpu = process_cpu_ns(o->pid);

	run_for(crowd, load, o->seconds);
	return (struct span){
		.took = clock_ns() - start,
		.server_cpu = o->pid ? process_cpu_ns(o->pid) - cpu : 0,
		.own_cpu = process_cpu_ns(getpid()) - own,
		.done = load->done,
		.messages = watch->messages,
	};
}

/* Keeps the connections as they are until its standard input ends. */
static void
hold(struct crowd *crowd)
{
	struct pollfd polls[] = {{STDIN_FILENO, POLLIN, 0}, {crowd->poll, POLLIN, 0}};

	puts("holding");
	fflush(stdout);
	while (poll(polls, 2, -1) >= 0 && !polls[0].revents && crowd_turn(crowd, 0) >= 0)
		;
}

static void
measure(struct load *load, struct load *watch, const struct options *o)
{
	struct crowd crowd;

	if (crowd_init(&crowd, o->connections + o->watch_connections) < 0)
		die("out of memory", "connections");
	if (crowd_add(&crowd, watch, o->target, o->watch_connections, o->watchers) < 0)
		die("cannot watch", watch->error);
	if (o->watchers)
		load->limit = 1;
	if (crowd_add(&crowd, load, o->target, o->connections, o->calls) < 0)
		die("cannot connect", load->error);
	if (o->watchers)
		wake_audience(&crowd, load, watch, o->watchers);
	if (!load->limit) {
		run_for(&crowd, load, o->warm_up);
		if (load->audience) {
			finish_calls(&crowd, load, watch);
			load->stopping = false;
		}
		count_anew(load, watch);
		crowd_fill(&crowd, load);
	}
	struct span span = take_span(&crowd, load, watch, o);
	finish_calls(&crowd, load, watch);
	if (o->hold && !load->error[0])
		hold(&crowd);
	crowd_release(&crowd);
	if (watch->error[0])
		die("failed", watch->error);
	if (!load->error[0])
		print_span(load, &span);
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
	MAY_REFUSE,
	PID,
	CERT,
	KEY,
	HOLD,
	WATCH,
	WATCH_REQUESTS,
	WATCHERS,
	WATCH_CONNECTIONS,
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
	{"may-refuse", no_argument, NULL, MAY_REFUSE},
	{"pid", required_argument, NULL, PID},
	{"cert", required_argument, NULL, CERT},
	{"key", required_argument, NULL, KEY},
	{"hold", no_argument, NULL, HOLD},
	{"watch", required_argument, NULL, WATCH},
	{"watch-requests", required_argument, NULL, WATCH_REQUESTS},
	{"watchers", required_argument, NULL, WATCHERS},
	{"watch-connections", required_argument, NULL, WATCH_CONNECTIONS},
	{"help", no_argument, NULL, HELP},
	{NULL, 0, NULL, 0},
};

static bool
take_option(int option, const char *value, struct options *o, struct load *load, struct load *watch)
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
		load->as = watch->as = value;
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
	case MAY_REFUSE:
		load->may_refuse = true;
		return true;
	case PID:
		o->pid = (pid_t)strtol(value, NULL, 10);
		return true;
	case CERT:
		o->certificate = value;
		return true;
	case KEY:
		o->key = value;
		return true;
	case HOLD:
		o->hold = true;
		return true;
	case WATCH:
		watch->path = value;
		return true;
	case WATCH_REQUESTS:
		o->watch_requests = value;
		return true;
	case WATCHERS:
		o->watchers = strtoul(value, NULL, 10);
		return true;
	case WATCH_CONNECTIONS:
		o->watch_connections = strtoul(value, NULL, 10);
		return true;
	default:
		return false;
	}
}

static bool
options_sound(struct options *o, const struct load *load, const struct load *watch)
{
	if (!o->watch_connections)
		o->watch_connections = o->watchers;
	return o->target && load->path && o->requests && o->connections && o->connections <= LINKS_MAX &&
	       o->calls >= o->connections && o->watch_connections <= LINKS_MAX &&
	       o->watchers >= o->watch_connections && !o->watchers == !watch->path &&
	       !o->watchers == !o->watch_requests;
}

static void
load_release(struct load *load)
{
	for (size_t i = 0; i < load->request_count; i++)
		free((void *)(uintptr_t)load->requests[i].framed);
	free(load->requests);
	latency_release(&load->latency);
}

/* As many descriptors as there may be. */
static void
allow_many_files(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int
main(int argc, char **argv)
{
	struct options o = {.connections = 1, .calls = 1, .seconds = 2, .warm_up = 0.2};
	struct load load = {0}, watch = {.streaming = true};
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == HELP) {
			fputs(usage, stdout);
			return 0;
		}
		if (!take_option(option, optarg, &o, &load, &watch)) {
			fputs(usage, stderr);
			return 2;
		}
	}
	if (!options_sound(&o, &load, &watch)) {
		fputs(usage, stderr);
		return 2;
	}
	allow_many_files();
	read_requests(&load, o.requests);
	if (o.watch_requests)
		read_requests(&watch, o.watch_requests);
	if (latency_init(&load.latency, LATENCIES_MAX) < 0)
		die("out of memory", "latencies");
	if (wire_tls_new(&load.tls, o.target, o.certificate, o.key) < 0)
		die("TLS cannot be set up", o.certificate ? o.certificate : "without a certificate");
	watch.tls = load.tls;
	measure(&load, &watch, &o);
	if (load.error[0])
		die("failed", load.error);
	wire_tls_free(load.tls);
	load_release(&load);
	load_release(&watch);
	return 0;
}
