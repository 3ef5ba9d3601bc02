/* zwyd: opens the store, fills a new one, listens, runs the loop, drains. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/resource.h>

#include "grpc/services.h"
#include "options.h"
#include "services/seed.h"
#include "services/service.h"
#include "supervisor.h"
#include "timers/due.h"

#define DEFAULT_DIRECTORY "/run/zwy"

struct zwyd {
	struct server server; /* first: store_failed() gets from one to the other */
	struct options options;
	struct arena arena;
	struct net_config config;
	struct grpc_services services;
	struct channelz channelz;
	uv_loop_t loop;
	struct supervisor supervisor;
	uv_signal_t term, interrupt, hangup;
};

static int
complain(const struct zwyd *z, const struct fault *f)
{
	log_say(z->server.watchtower.log, LEVEL_ERROR, "%s (%s)",
		f->text[0] ? f->text : reason_of(f->code)->text, reason_of(f->code)->name);
	return 1;
}

/* The key of page tokens is kept beside the store, so that tokens outlive a restart. */
static int
load_token_key(struct server *s, const char *dir, struct fault *f)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/token.key", dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		ssize_t n = read(fd, s->token_key, sizeof(s->token_key));
		close(fd);
		if (n == (ssize_t)sizeof(s->token_key))
			return 0;
	}
	if (RAND_bytes(s->token_key, sizeof(s->token_key)) != 1)
		return fault_set(f, ERR_INTERNAL, "no random numbers for %s", path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool good = fd >= 0 && write(fd, s->token_key, sizeof(s->token_key)) == (ssize_t)sizeof(s->token_key);
	if (fd >= 0)
		good &= close(fd) == 0;
	return good ? 0 : fault_set(f, ERR_STORE_IO, "%s: %s", path, strerror(errno));
}

static int
open_store(struct zwyd *z, struct fault *f)
{
	const struct options *o = &z->options;
	struct server *s = &z->server;
	struct store_options so = {
		.map_size = (size_t)o->settings.store_map_size,
		.group_max = (size_t)o->settings.store_group_max,
		.committed = server_committed,
		.ctx = s,
	};
	struct stat st;
	int rc = store_open(&s->store, o->data, &so, f);
	if (rc == ERR_NO_STORE && o->init) {
		fault_clear(f);
		if ((rc = store_create(o->data, f)) == 0)
			rc = store_open(&s->store, o->data, &so, f);
	}
	if (rc == ERR_NO_STORE)
		return fault_set(f, rc, "%s holds no store; --init empty or --init demo makes one", o->data);
	if (rc != 0)
		return rc;
	if (stat(o->data, &st) != 0)
		return fault_set(f, ERR_STORE_IO, "%s: %s", o->data, strerror(errno));
	s->owner = st.st_uid;
	return load_token_key(s, o->data, f);
}

static int
fill_store(struct zwyd *z, struct fault *f)
{
	struct server *s = &z->server;
	const char *init = z->options.init;
	if (seed_complete(s)) {
		if (init)
			log_say(s->watchtower.log, LEVEL_INFO,
				"%s holds a store already; --init %s left it as it is", z->options.data,
				init);
		return seed_program_records(s, f);
	}
	if (!init)
		return fault_set(f, ERR_NO_STORE,
				 "the store in %s was never filled to the end; start once more with --init",
				 z->options.data);
	return seed_store(s, strcmp(init, "demo") == 0 ? SEED_DEMO : SEED_EMPTY, f);
}

static void store_failed(struct server *s);

static int
open_server(struct zwyd *z, struct fault *f)
{
	struct server *s = &z->server;
	const struct options *o = &z->options;
	uint64_t swept = 0;
	int rc = server_clock_open(&s->clock, o->clock, f);
	if (rc != 0 || (rc = open_store(z, f)) != 0)
		return rc;
	if (o->tcp_principal)
		s->tcp_principal = strchr(o->tcp_principal, '/')
					   ? o->tcp_principal
					   : arena_printf(&z->arena, "principals/%s", o->tcp_principal);
	s->store_failed = store_failed;
	if ((rc = server_init(s, &z->loop, f)) != 0 || (rc = fill_store(z, f)) != 0 ||
	    (rc = store_sweep_documents(s->store, &swept, f)) != 0)
		return rc;
	if (swept)
		log_say(s->watchtower.log, LEVEL_INFO, "removed %llu bodies that no document names",
			(unsigned long long)swept);
	return store_start(s->store, f);
}

/* Where zwy looks by default. */
static const char *
default_target(struct arena *arena)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	return geteuid() != 0 && runtime ? arena_printf(arena, "unix:%s/zwy/zwyd.sock", runtime)
					 : "unix:" DEFAULT_DIRECTORY "/zwyd.sock";
}

static void
listening(const char *target)
{
	printf("listening %s\n", target);
}

static int
listen_all(struct zwyd *z, struct fault *f)
{
	struct options *o = &z->options;
	char real[NET_TARGET_MAX];
	size_t inherited = 0;
	int rc = supervisor_listen(z->server.net, listening, &inherited, f);
	if (rc == 0 && o->listen_count == 0 && inherited == 0)
		o->listen[o->listen_count++] = default_target(&z->arena);
	for (size_t i = 0; rc == 0 && i < o->listen_count; i++) {
		rc = net_listen(z->server.net, o->listen[i], real, f);
		if (rc == 0)
			listening(real);
	}
	if (rc != 0)
		return rc;
	fflush(stdout);
	log_say(z->server.watchtower.log, LEVEL_INFO, "zwyd " ZWY_VERSION " serves %s", o->data);
	health_set_all(z->services.health, HEALTH_SERVING);
	supervisor_ready(&z->supervisor, &z->loop);
	return 0;
}

/* ---- the end ---- */

static void
close_handle(uv_handle_t *handle, void *ctx)
{
	(void)ctx;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void
drained(void *ctx)
{
	struct zwyd *z = ctx;
	uv_stop(&z->loop);
}

static void
begin_end(struct zwyd *z)
{
	struct server *s = &z->server;
	if (s->stopping)
		return;
	s->stopping = true;
	supervisor_stopping();
	due_stop(s);
	watchers_end(s);
	health_shutdown(z->services.health);
	net_drain(s->net, s->settings.drain_grace, drained, z);
}

static void
terminate(uv_signal_t *handle, int signum)
{
	struct zwyd *z = handle->data;
	if (!z->server.stopping)
		log_say(z->server.watchtower.log, LEVEL_INFO, "SIG%s: stopping", sigabbrev_np(signum));
	begin_end(z);
}

/* After a failed sync nobody knows what is on the disk: a restart finds out. */
static void
store_failed(struct server *s)
{
	log_say(s->watchtower.log, LEVEL_ERROR, "the store's disk has failed; stopping");
	begin_end((struct zwyd *)s);
}

/* A snapshot is not held while the loop sleeps. */
static void
before_sleep(void *ctx)
{
	struct zwyd *z = ctx;
	snapshot_reset(z->server.snapshot);
	watchtower_turn(&z->server);
}

static void
notice(void *ctx, const char *text)
{
	struct zwyd *z = ctx;
	log_say(z->server.watchtower.log, LEVEL_WARN, "%s", text);
}

static void
reload(uv_signal_t *handle, int signum)
{
	(void)signum;
	struct zwyd *z = handle->data;
	struct fault f = {0};
	supervisor_reloading();
	if (net_reload(z->server.net, &f) == 0)
		log_say(z->server.watchtower.log, LEVEL_INFO, "SIGHUP: %s",
			net_certificate_end(z->server.net)
				? "TLS files were read again"
				: "no listener speaks TLS, so there is nothing to read again");
	else
		log_say(z->server.watchtower.log, LEVEL_ERROR,
			"SIGHUP: what was read before stays in force: %s", f.text);
	supervisor_reloaded();
}

/* Each connection is a file; the usual soft limit is there for select(2) alone. */
static void
raise_file_limit(void)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static enum net_clients
client_policy(const char *word)
{
	if (strcmp(word, "required") == 0)
		return NET_CLIENTS_REQUIRED;
	return strcmp(word, "optional") == 0 ? NET_CLIENTS_OPTIONAL : NET_CLIENTS_NONE;
}

static void
watch_signals(struct zwyd *z)
{
	signal(SIGPIPE, SIG_IGN);
	uv_signal_init(&z->loop, &z->term);
	uv_signal_init(&z->loop, &z->interrupt);
	uv_signal_init(&z->loop, &z->hangup);
	z->term.data = z->interrupt.data = z->hangup.data = z;
	uv_signal_start(&z->hangup, reload, SIGHUP);
	uv_signal_start(&z->term, terminate, SIGTERM);
	uv_signal_start(&z->interrupt, terminate, SIGINT);
}

/* What was submitted is committed; nobody waits for it any more. The net goes after it:
 * a job that is done looks there for whoever asked. */
static void
finish(struct zwyd *z)
{
	struct server *s = &z->server;
	s->stopping = true;
	while (s->jobs > 0 && uv_run(&z->loop, UV_RUN_ONCE) != 0)
		;
	net_close(s->net, NULL, NULL);
	uv_walk(&z->loop, close_handle, NULL);
	uv_run(&z->loop, UV_RUN_DEFAULT);
	uv_loop_close(&z->loop);
	server_release(s);
	store_close(s->store);
}

static int
healthz(void *server, struct buf *body)
{
	return health_page(((struct zwyd *)server)->services.health, body);
}

static const struct rpc_page pages[] = {
	{"/healthz", "text/plain; charset=utf-8", healthz, 0},
	{"/metrics", EXPOSITION_CONTENT_TYPE, watchtower_metrics, RPC_LOCAL},
};

/* The contract's methods, and beside them the standard services. */
static int
open_services(struct zwyd *z, struct fault *f)
{
	struct rpc_config *config = &z->config.rpc;
	struct slice contract = slice_make(descriptor_set, descriptor_set_size);
	struct rpc_method *rows;
	size_t n = service_routes(&z->arena, GRPC_SERVICES_ROUTES, &rows);
	z->services.health = health_new();
	if (n == 0 || !z->services.health)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	int rc = reflection_new(&z->services.reflection, &contract, 1, f);
	if (rc)
		return rc;
	z->channelz.name = "zwyd";
	z->services.channelz = &z->channelz;
	config->pages = pages;
	config->page_count = sizeof(pages) / sizeof(pages[0]);
	config->methods = rows;
	rc = grpc_services_routes(&z->services, rows, n, &config->method_count);
	return rc ? fault_set(f, rc, "the routes cannot be laid") : 0;
}

static int
open_watchtower(struct zwyd *z, struct fault *f)
{
	struct server *s = &z->server;
	int rc = watchtower_open(&s->watchtower, &s->settings, &z->loop, &z->config.rpc);
	return rc ? fault_set(f, rc, "out of memory") : 0;
}

static int
run(struct zwyd *z)
{
	struct server *s = &z->server;
	struct fault f = {0};
	s->settings = z->options.settings;
	watchtower_log(&s->watchtower, &s->settings);
	z->config.rpc.limits = z->options.rpc_limits;
	z->config.rpc.server = s;
	z->config.limits = z->options.net_limits;
	z->config.tls = (struct net_tls){
		.certificate = s->settings.tls_certificate,
		.key = s->settings.tls_key,
		.client_ca = s->settings.tls_client_ca,
		.crl = s->settings.tls_crl,
		.clients = client_policy(s->settings.tls_client_certificates),
	};
	z->config.notice = notice;
	z->config.before_sleep = before_sleep;
	z->config.ctx = z;
	if (open_services(z, &f) != 0 || open_watchtower(z, &f) != 0 || open_server(z, &f) != 0 ||
	    net_open(&s->net, &z->loop, &z->config, &f) != 0)
		return complain(z, &f);
	channelz_source_net(&z->channelz.source, s->net);
	watch_signals(z);
	due_start(s);
	/* What fell due since the last time is under way before anybody calls; and the loop has
	 * waited once before anybody may signal, which the thread sanitizer needs. */
	uv_run(&z->loop, UV_RUN_NOWAIT);
	int rc = listen_all(z, &f);
	if (rc == 0)
		uv_run(&z->loop, UV_RUN_DEFAULT);
	if (rc != 0)
		complain(z, &f);
	bool broken = s->broken;
	finish(z);
	return rc ? 1 : broken;
}

int
main(int argc, char **argv)
{
	static struct zwyd z;
	enum options_result result = options_read(&z.options, argc, argv);
	if (result != OPTIONS_RUN)
		return result == OPTIONS_DONE ? 0 : 2;
	raise_file_limit();
	uv_loop_init(&z.loop);
	int status = run(&z);
	log_say(z.server.watchtower.log, LEVEL_INFO, "stopped with exit status %d", status);
	watchtower_close(&z.server.watchtower);
	reflection_free(z.services.reflection);
	health_free(z.services.health);
	arena_release(&z.arena);
	arena_release(&z.options.texts);
	return status;
}
