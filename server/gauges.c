/* The page /metrics. */
#include "server.h"

/* Sizes of commit groups. */
const double group_bounds[GROUP_BOUNDS] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};

static void
render_gauges(struct server *s, struct buf *out)
{
	struct overload_stats overload;
	uint64_t used, reserved;
	overload_stats(s->watchtower.overload, &overload);
	store_size(s->store, &used, &reserved);
#define GAUGE(name, type, help, value)              \
	exposition_family(out, #name, #type, help); \
	exposition_sample(out, #name, "", NULL, 0, (double)(value));
#include "gauges.def"
#undef GAUGE
}

static void
render_refused(struct server *s, struct buf *out)
{
	static const char name[] = "zwy_overload_refused_total";
	struct overload_stats overload;
	overload_stats(s->watchtower.overload, &overload);
	exposition_family(out, name, "counter", "Calls refused as OVERLOADED, by cause.");
	for (enum overload_cause cause = 0; cause < OVERLOAD_CAUSES; cause++) {
		struct label label = {"cause", slice_of(overload_cause_name(cause))};
		exposition_sample(out, name, "", &label, 1, (double)overload.refused[cause]);
	}
}

static void
render_log(struct server *s, struct buf *out)
{
	static const char name[] = "zwy_log_lines_total";
	struct log_stats stats;
	log_stats(s->watchtower.log, &stats);
	const struct {
		const char *outcome;
		uint64_t n;
	} rows[] = {{"written", stats.lines}, {"suppressed", stats.suppressed}, {"lost", stats.lost}};
	exposition_family(out, name, "counter",
			  "Log lines: written, left out beyond log_rate, lost for want of log_buffer.");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct label label = {"outcome", slice_of(rows[i].outcome)};
		exposition_sample(out, name, "", &label, 1, (double)rows[i].n);
	}
}

static void
render_commits(struct server *s, struct buf *out)
{
	struct label room[1];
	pthread_mutex_lock(&s->done_lock);
	struct histogram groups = s->groups;
	pthread_mutex_unlock(&s->done_lock);
	exposition_family(out, "zwy_commit_group_size", "histogram", "Changes that shared one commit.");
	exposition_histogram(out, "zwy_commit_group_size", room, 0, &groups, group_bounds, GROUP_BOUNDS);
}

static void
render_certificate(struct server *s, struct buf *out)
{
	static const char name[] = "zwy_tls_certificate_expiry_seconds";
	msec end = net_certificate_end(s->net);
	if (end == 0)
		return;
	exposition_family(out, name, "gauge", "End of the certificate of TLS listeners, in seconds since 1970.");
	exposition_sample(out, name, "", NULL, 0, (double)(end / 1000));
}

static void
render_build(struct buf *out)
{
	struct label label = {"version", SLICE(ZWY_VERSION)};
	exposition_family(out, "zwy_build_info", "gauge", "Always 1; the program's version.");
	exposition_sample(out, "zwy_build_info", "", &label, 1, 1);
}

int
watchtower_metrics(void *server, struct buf *body)
{
	struct server *s = server;
	metrics_render(s->watchtower.metrics, body);
	render_gauges(s, body);
	render_refused(s, body);
	render_commits(s, body);
	render_certificate(s, body);
	render_log(s, body);
	metrics_render_process(body);
	render_build(body);
	return body->error ? 500 : 200;
}
