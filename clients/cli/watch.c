/* watch: one line per change, until Ctrl-C; resumes by revision. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli.h"
#include "base/date.h"
#include "json.h"
#include "wire.h"

#define RETRY_MS 1000 /* between attempts where the server itself sends the watcher away */

enum { WATCH_PREFIX = 1, WATCH_SINCE = 2 };
enum { BATCH_EVENTS = 1, BATCH_REVISION = 2 };
enum {
	EVENT_REVISION = 1,
	EVENT_TIME = 2,
	EVENT_NAME = 3,
	EVENT_KIND = 4,
	EVENT_ACTION = 5,
	EVENT_FROM = 6,
	EVENT_TO = 7,
	EVENT_ACTOR = 8,
	EVENT_ON_BEHALF_OF = 9,
};

struct watch {
	struct cli *cli;
	char prefix[NAME_MAX_BYTES];
	bool has_since;
	uint64_t since; /* everything up to it has been printed */
	int signals;
	bool over, connected, told;
	struct zwy_error error;
	int status; /* of printing */
};

static void
print_event(struct watch *w, struct slice event)
{
	char at[TIME_LEN];
	if (w->cli->output == OUTPUT_JSON) {
		w->status = print_json_line(w->cli, message_by_name(SLICE("zwy.v1.Event")), event);
		return;
	}
	struct slice name = wire_string(event, EVENT_NAME), action = wire_string(event, EVENT_ACTION),
		     from = wire_string(event, EVENT_FROM), to = wire_string(event, EVENT_TO),
		     actor = wire_string(event, EVENT_ACTOR),
		     principal = wire_string(event, EVENT_ON_BEHALF_OF);
	if (action.n == 0)
		action = wire_string(event, EVENT_KIND);
	time_format(at, wire_time(event, EVENT_TIME));
	printf("%llu %s %.*s %.*s", (unsigned long long)wire_uint(event, EVENT_REVISION), at, (int)name.n,
	       name.p, (int)action.n, action.p);
	if (from.n || to.n)
		printf(" %.*s→%.*s", (int)from.n, from.p, (int)to.n, to.p);
	else
		printf(" -");
	printf(" %.*s", (int)actor.n, actor.p);
	if (principal.n)
		printf(" for %.*s", (int)principal.n, principal.p);
	printf("\n");
}

static void
on_message(void *ctx, struct zwy_call *call, struct zwy_bytes message)
{
	struct watch *w = ctx;
	struct slice rest = slice_make(message.data, message.size);
	uint64_t revision = wire_uint(rest, BATCH_REVISION);
	struct wire_field field;
	(void)call;
	if (w->told)
		note("watch: connected again");
	w->told = false;
	w->connected = true;
	while (wire_next(&rest, &field) == 1) {
		if (field.number != BATCH_EVENTS)
			continue;
		print_event(w, field.bytes);
		w->since = wire_uint(field.bytes, EVENT_REVISION);
		w->has_since = true;
	}
	if (revision > w->since || !w->has_since) {
		w->since = revision;
		w->has_since = true;
	}
	if (fflush(stdout) != 0 && w->status == EXIT_OK)
		w->status = tell_code(w->cli, ERR_INTERNAL, "standard output: %s", strerror(errno));
}

static void
on_done(void *ctx, struct zwy_call *call, const struct zwy_error *error)
{
	struct watch *w = ctx;
	(void)call;
	w->over = true;
	w->error = *error;
}

static struct zwy_call *
start(struct watch *w)
{
	struct zwy_call_options options = {.size = sizeof(options),
					   .timeout_ms = -1,
					   .wait_for_ready = w->connected,
					   .message = on_message,
					   .done = on_done,
					   .ctx = w};
	struct buf request = {0};
	wire_put_string(&request, WATCH_PREFIX, slice_of(w->prefix));
	if (w->has_since) {
		wire_put_tag(&request, WATCH_SINCE, WIRE_VARINT);
		wire_put_varint(&request, w->since);
	}
	w->over = false;
	struct zwy_call *call =
		zwy_call_start(w->cli->client, "/zwy.v1.WatchService/WatchBatches",
			       (struct zwy_bytes){request.n ? request.p : "", request.n}, &options);
	buf_release(&request);
	return call;
}

/* True when a signal says that it is enough. */
static bool
wait_turn(struct watch *w, int timeout)
{
	struct pollfd p[] = {{.fd = zwy_client_fd(w->cli->client), .events = POLLIN},
			     {.fd = w->signals, .events = POLLIN}};
	int own = zwy_client_timeout(w->cli->client);
	poll(p, 2, timeout >= 0 && (own < 0 || timeout < own) ? timeout : own);
	zwy_client_process(w->cli->client);
	return p[1].revents != 0;
}

/* Whether going on later may help. */
static bool
passing(const struct zwy_error *error)
{
	switch (error->status) {
	case GRPC_OK:
	case GRPC_CANCELLED:
	case GRPC_RESOURCE_EXHAUSTED:
	case GRPC_INTERNAL:
	case GRPC_UNAVAILABLE:
		return true;
	default:
		return false;
	}
}

static int
follow(struct watch *w)
{
	for (;;) {
		struct zwy_call *call = start(w);
		if (!call)
			return tell_code(w->cli, ERR_NO_MEMORY, "no memory");
		while (!w->over) {
			if (wait_turn(w, -1) || w->status != EXIT_OK) {
				if (!w->over)
					zwy_call_cancel(call);
				return w->status;
			}
		}
		if (!w->connected || !passing(&w->error))
			return tell_error(w->cli, &w->error);
		bool lost = w->error.exit_status == EXIT_UNKNOWN; /* the connection, not the call */
		if (!w->told)
			note("watch: %s; going on when the server is back",
			     lost || !w->error.status ? "disconnected" : w->error.text);
		w->told = true;
		if (w->error.sent && !lost && wait_turn(w, RETRY_MS))
			return w->status;
	}
}

static int
read_arguments(struct watch *w)
{
	const char *since = w->cli->option[OPT_SINCE];
	if (w->cli->argc)
		complete_name(w->prefix, w->cli->argv[0]);
	if (since && !number_of(since, UINT64_MAX, &w->since))
		return tell_usage(w->cli, "--since is a revision, not %s", since);
	w->has_since = since != NULL;
	return EXIT_OK;
}

int
cmd_watch(struct cli *cli)
{
	struct watch w = {.cli = cli};
	sigset_t stop;
	int r = read_arguments(&w);
	if (r != EXIT_OK || !client_of(cli))
		return r != EXIT_OK ? r : EXIT_USAGE;
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	w.signals = signalfd(-1, &stop, SFD_CLOEXEC);
	if (w.signals < 0)
		return tell_code(cli, ERR_INTERNAL, "signalfd: %s", strerror(errno));
	r = follow(&w);
	close(w.signals);
	return r;
}
