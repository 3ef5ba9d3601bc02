#include "serve.h"

#include <getopt.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "grpc/message.h"

#define DRAIN_GRACE 2000 /* ms */
#define LISTEN_MAX  16
#define METHODS_MAX 16
#define TLS_PREFIX  "tls:"

struct options {
	const char *listen[LISTEN_MAX];
	size_t listen_count;
	struct net_config config;
};

struct server {
	uv_loop_t loop;
	struct net *net;
	uv_signal_t terminate, interrupt;
	struct grpc_services services;
	struct channelz channelz;
	struct rpc_method methods[METHODS_MAX + GRPC_SERVICES_ROUTES];
};

/* ---- options ---- */

enum { OPT_LISTEN = 1, OPT_LIMIT, OPT_MAX_RECV, OPT_TLS_CERT, OPT_TLS_KEY, OPT_CLIENT_CA, OPT_HELP };

static const struct option long_options[] = {
	{"listen", required_argument, NULL, OPT_LISTEN},
	{"limit", required_argument, NULL, OPT_LIMIT},
	{"max-recv", required_argument, NULL, OPT_MAX_RECV},
	{"tls-cert", required_argument, NULL, OPT_TLS_CERT},
	{"tls-key", required_argument, NULL, OPT_TLS_KEY},
	{"client-ca", required_argument, NULL, OPT_CLIENT_CA},
	{"help", no_argument, NULL, OPT_HELP},
	{0},
};

static const char usage[] =
	"--listen TARGET... [OPTION]...\n"
	"  --listen TARGET     unix:PATH, HOST:PORT (port 0: any free one) or tls:HOST:PORT; each is\n"
	"                      printed as `listening TARGET` once it is ready\n"
	"  --tls-cert FILE     certificate of tls: targets, PEM, and\n"
	"  --tls-key FILE      its key\n"
	"  --client-ca FILE    clients of tls: targets must show a certificate of these authorities\n"
	"  --max-recv BYTES    the largest message that is taken\n"
	"  --limit NAME=VALUE  any limit of zwyd --config\n";

static const struct limit_row {
	const char *name;
	size_t offset;
} limit_rows[] = {
#define RPC_LIMIT(name, default_value, unit, text) {#name, offsetof(struct net_config, rpc.limits.name)},
#include "rpc/limits.def"
#undef RPC_LIMIT
#define NET_LIMIT(name, default_value, unit, text) {#name, offsetof(struct net_config, limits.name)},
#include "net/limits.def"
#undef NET_LIMIT
};

static bool
set_limit(struct net_config *config, struct slice name, struct slice value)
{
	uint64_t number;
	for (size_t i = 0; i < sizeof(limit_rows) / sizeof(limit_rows[0]); i++) {
		if (!slice_is(name, limit_rows[i].name))
			continue;
		if (!slice_to_u64(value, &number) || number > INT64_MAX)
			return false;
		*(int64_t *)((char *)config + limit_rows[i].offset) = (int64_t)number;
		return true;
	}
	return false;
}

static bool
take_option(struct options *o, int opt)
{
	struct slice value = slice_of(optarg), name;
	switch (opt) {
	case OPT_LISTEN:
		if (o->listen_count == LISTEN_MAX)
			return false;
		o->listen[o->listen_count++] = optarg;
		return true;
	case OPT_LIMIT:
		return slice_cut(&value, '=', &name) && set_limit(&o->config, name, value);
	case OPT_MAX_RECV:
		return set_limit(&o->config, SLICE("max_message"), value);
	case OPT_TLS_CERT:
		o->config.tls.certificate = optarg;
		return true;
	case OPT_TLS_KEY:
		o->config.tls.key = optarg;
		return true;
	case OPT_CLIENT_CA:
		o->config.tls.client_ca = optarg;
		o->config.tls.clients = NET_CLIENTS_REQUIRED;
		return true;
	default:
		return false;
	}
}

/* 0: go on; else what to exit with, less one. */
static int
read_options(struct options *o, const struct program *program, int argc, char **argv)
{
	int opt;
	rpc_limits_default(&o->config.rpc.limits);
	net_limits_default(&o->config.limits);
	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (opt == OPT_HELP) {
			printf("Usage: %s %s", program->name, usage);
			return 1;
		}
		if (!take_option(o, opt)) {
			fprintf(stderr, "%s: wrong option; --help says what there is\n", program->name);
			return 3;
		}
	}
	if (optind == argc && o->listen_count > 0)
		return 0;
	fprintf(stderr, "Usage: %s %s", program->name, usage);
	return 3;
}

/* ---- delays ---- */

struct delay {
	uv_timer_t timer;
	struct delay **owner;
	struct net *net;
	struct call_handle handle;
	void (*then)(struct call *c);
};

static void
delay_closed(uv_handle_t *timer)
{
	free(timer->data);
}

void
delay_drop(struct delay **d)
{
	if (!*d)
		return;
	uv_close((uv_handle_t *)&(*d)->timer, delay_closed);
	*d = NULL;
}

static void
delay_over(uv_timer_t *timer)
{
	struct delay *d = timer->data;
	struct call *c = net_find(d->net, d->handle);
	void (*then)(struct call * c) = d->then;
	delay_drop(d->owner);
	if (c)
		then(c);
}

void
delay_start(struct delay **d, struct call *c, uint64_t ms, void (*then)(struct call *c))
{
	struct server *s = call_server(c);
	struct delay *made = calloc(1, sizeof(*made));
	if (!made)
		abort();
	*made = (struct delay){.owner = d, .net = s->net, .handle = call_handle(c), .then = then};
	*d = made;
	uv_timer_init(&s->loop, &made->timer);
	made->timer.data = made;
	uv_update_time(&s->loop);
	uv_timer_start(&made->timer, delay_over, ms, 0);
}

bool
is_message(struct slice message)
{
	struct fault f;
	fault_clear(&f);
	return message_sound(message, 0, &f);
}

void
refuse_malformed(struct call *c)
{
	call_finish_status(c, GRPC_INTERNAL, SLICE("the message cannot be parsed"), (struct slice){0});
}

/* ---- the program ---- */

static void
drained(void *ctx)
{
	struct server *s = ctx;
	net_close(s->net, NULL, NULL);
	s->net = NULL;
	uv_close((uv_handle_t *)&s->terminate, NULL);
	uv_close((uv_handle_t *)&s->interrupt, NULL);
}

static void
terminate(uv_signal_t *handle, int number)
{
	struct server *s = handle->data;
	(void)number;
	uv_signal_stop(&s->terminate);
	uv_signal_stop(&s->interrupt);
	health_shutdown(s->services.health);
	net_drain(s->net, DRAIN_GRACE, drained, s);
}

static void
watch_signal(struct server *s, uv_signal_t *handle, int number)
{
	uv_signal_init(&s->loop, handle);
	handle->data = s;
	uv_signal_start(handle, terminate, number);
}

/* As it was asked for, with the real port: HOST:PORT where tls: was only understood. */
static int
listen_one(struct server *s, const char *target, bool understood_tls, struct fault *f)
{
	char full[NET_TARGET_MAX], real[NET_TARGET_MAX];
	snprintf(full, sizeof(full), "%s%s", understood_tls ? TLS_PREFIX : "", target);
	int rc = net_listen(s->net, full, real, f);
	if (rc == 0)
		printf("listening %s\n", real + (understood_tls ? strlen(TLS_PREFIX) : 0));
	return rc;
}

static int
listen_all(struct server *s, const struct options *o, const struct program *program, struct fault *f)
{
	bool tls_always = program->tls_always && o->config.tls.certificate;
	int rc = net_open(&s->net, &s->loop, &o->config, f);
	if (rc == 0)
		channelz_source_net(&s->channelz.source, s->net);
	for (size_t i = 0; i < o->listen_count && rc == 0; i++) {
		bool is_plain = !slice_starts(slice_of(o->listen[i]), SLICE("unix:")) &&
				!slice_starts(slice_of(o->listen[i]), SLICE(TLS_PREFIX));
		rc = listen_one(s, o->listen[i], tls_always && is_plain, f);
	}
	fflush(stdout);
	return rc;
}

static int
page_health(void *server, struct buf *body)
{
	const struct server *s = server;
	return health_page(s->services.health, body);
}

static const struct rpc_page pages[] = {{"/healthz", "text/plain; charset=utf-8", page_health, 0}};

/* The program's methods, and beside them the standard services. */
static int
open_services(struct server *s, struct rpc_config *config, const struct program *program, struct fault *f)
{
	struct slice set = slice_make(conformance_descriptors_begin,
				      (size_t)(conformance_descriptors_end - conformance_descriptors_begin));
	s->services.health = health_new();
	if (!s->services.health || program->method_count > METHODS_MAX)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	s->channelz.name = program->name;
	s->services.channelz = &s->channelz;
	int rc = reflection_new(&s->services.reflection, &set, 1, f);
	if (rc != 0)
		return rc;
	memcpy(s->methods, program->methods, program->method_count * sizeof(s->methods[0]));
	config->methods = s->methods;
	rc = grpc_services_routes(&s->services, s->methods, program->method_count, &config->method_count);
	if (rc != 0)
		return fault_set(f, rc, "the routes cannot be laid");
	health_set_all(s->services.health, HEALTH_SERVING);
	return 0;
}

static int
run(struct server *s, struct options *o, const struct program *program)
{
	struct fault f = {0};
	o->config.rpc.pages = pages;
	o->config.rpc.page_count = sizeof(pages) / sizeof(pages[0]);
	o->config.rpc.server = s;
	uv_loop_init(&s->loop);
	watch_signal(s, &s->terminate, SIGTERM);
	watch_signal(s, &s->interrupt, SIGINT);
	int rc = open_services(s, &o->config.rpc, program, &f);
	if (rc == 0)
		rc = listen_all(s, o, program, &f);
	if (rc != 0) {
		fprintf(stderr, "%s: %s\n", program->name, f.text);
		drained(s);
	}
	uv_run(&s->loop, UV_RUN_DEFAULT);
	return uv_loop_close(&s->loop) == 0 && rc == 0 ? 0 : 1;
}

int
serve(const struct program *program, int argc, char **argv)
{
	struct options o = {0};
	struct server s = {0};
	int rc = read_options(&o, program, argc, argv);
	if (rc != 0)
		return rc - 1;
	rc = run(&s, &o, program);
	reflection_free(s.services.reflection);
	health_free(s.services.health);
	return rc;
}
