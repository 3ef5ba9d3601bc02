#include "observe/metrics.h"

#include <stdlib.h>

static const double bounds[] = {
#define BUCKET(seconds) seconds,
#include "observe/buckets.def"
#undef BUCKET
};
#define BOUNDS (sizeof(bounds) / sizeof(bounds[0]))
_Static_assert(BOUNDS <= HISTOGRAM_BOUNDS_MAX, "a bound for each bucket");

/* Of one method. */
struct method_counts {
	uint64_t started, received, sent;
	uint64_t handled[GRPC_STATUS_COUNT];
	struct histogram seconds;
};

struct metrics {
	const struct rpc_method *methods;
	size_t method_count;
	int64_t (*ticks)(void);
	struct call_note *streams;     /* open ones */
	struct method_counts counts[]; /* of each method, then of those unknown */
};

int
metrics_new(struct metrics **ret, const struct rpc_config *config, int64_t (*ticks)(void))
{
	struct metrics *m = calloc(1, sizeof(*m) + (config->method_count + 1) * sizeof(m->counts[0]));
	if (!m)
		return ERR_NO_MEMORY;
	m->methods = config->methods;
	m->method_count = config->method_count;
	m->ticks = ticks;
	*ret = m;
	return 0;
}

void
metrics_free(struct metrics *m)
{
	free(m);
}

static size_t
index_of(const struct metrics *m, const struct rpc_method *method)
{
	return method ? (size_t)(method - m->methods) : m->method_count;
}

static void
stream_enter(struct metrics *m, struct call_note *note)
{
	note->next = m->streams;
	note->link = &m->streams;
	if (note->next)
		note->next->link = &note->next;
	m->streams = note;
}

static void
stream_leave(struct call_note *note)
{
	if (!note->link)
		return;
	*note->link = note->next;
	if (note->next)
		note->next->link = note->link;
	note->link = NULL;
}

static int
on_admit(void *ctx, struct call *c, struct fault *f)
{
	struct metrics *m = ctx;
	const struct rpc_method *method = call_method(c);
	struct call_note *note = note_make(c, m->ticks);
	(void)f;
	if (!note)
		return 0; /* counted at its end */
	note->marks |= NOTE_STARTED;
	m->counts[index_of(m, method)].started++;
	if (method->client_streaming || method->server_streaming)
		stream_enter(m, note);
	return 0;
}

static void
on_finished(void *ctx, const struct call *c, const struct call_stats *stats)
{
	struct metrics *m = ctx;
	struct call_note *note = call_note(c);
	struct method_counts *counts = &m->counts[index_of(m, call_method(c))];
	if (note)
		stream_leave(note);
	if (!note || !(note->marks & NOTE_STARTED))
		counts->started++;
	counts->received += stats->messages_in;
	counts->sent += stats->messages_out;
	counts->handled[stats->status]++;
	histogram_add(&counts->seconds, bounds, BOUNDS, (double)note_duration(note, stats, m->ticks) * 1e-9);
}

struct rpc_hook
metrics_hook(struct metrics *m)
{
	return (struct rpc_hook){.ctx = m, .admit = on_admit, .finished = on_finished};
}

/* ---- the page ---- */

#define METHOD_LABELS 3

static void
method_labels(const struct metrics *m, size_t i, struct label ret[METHOD_LABELS])
{
	static const char *const types[2][2] = {{"unary", "server_stream"}, {"client_stream", "bidi_stream"}};
	struct slice type = SLICE("unknown"), service = type, name = type;
	if (i < m->method_count) {
		const struct rpc_method *method = &m->methods[i];
		type = slice_of(types[method->client_streaming][method->server_streaming]);
		name = slice_of(method->path + 1);
		slice_cut(&name, '/', &service);
	}
	ret[0] = (struct label){"grpc_type", type};
	ret[1] = (struct label){"grpc_service", service};
	ret[2] = (struct label){"grpc_method", name};
}

/* Methods that were never called have a 0, so that their first call is an increase. */
static void
render_counter(const struct metrics *m, struct buf *out, const char *name, const char *help, size_t offset)
{
	struct label labels[METHOD_LABELS];
	exposition_family(out, name, "counter", help);
	for (size_t i = 0; i <= m->method_count; i++) {
		uint64_t value = *(const uint64_t *)((const char *)&m->counts[i] + offset);
		method_labels(m, i, labels);
		exposition_sample(out, name, "", labels, METHOD_LABELS, (double)value);
	}
}

/* Codes as other servers write them in this label. */
static const char *const code_names[GRPC_STATUS_COUNT] = {
	[GRPC_OK] = "OK",
	[GRPC_CANCELLED] = "Canceled",
	[GRPC_UNKNOWN] = "Unknown",
	[GRPC_INVALID_ARGUMENT] = "InvalidArgument",
	[GRPC_DEADLINE_EXCEEDED] = "DeadlineExceeded",
	[GRPC_NOT_FOUND] = "NotFound",
	[GRPC_ALREADY_EXISTS] = "AlreadyExists",
	[GRPC_PERMISSION_DENIED] = "PermissionDenied",
	[GRPC_RESOURCE_EXHAUSTED] = "ResourceExhausted",
	[GRPC_FAILED_PRECONDITION] = "FailedPrecondition",
	[GRPC_ABORTED] = "Aborted",
	[GRPC_OUT_OF_RANGE] = "OutOfRange",
	[GRPC_UNIMPLEMENTED] = "Unimplemented",
	[GRPC_INTERNAL] = "Internal",
	[GRPC_UNAVAILABLE] = "Unavailable",
	[GRPC_DATA_LOSS] = "DataLoss",
	[GRPC_UNAUTHENTICATED] = "Unauthenticated",
};

static void
render_handled(const struct metrics *m, struct buf *out)
{
	static const char name[] = "grpc_server_handled_total";
	struct label labels[METHOD_LABELS + 1];
	exposition_family(out, name, "counter", "Calls completed, by the status they ended with.");
	for (size_t i = 0; i <= m->method_count; i++) {
		method_labels(m, i, labels);
		for (enum grpc_status status = GRPC_OK; status < GRPC_STATUS_COUNT; status++) {
			uint64_t value = m->counts[i].handled[status];
			if (value == 0 && status != GRPC_OK)
				continue;
			labels[METHOD_LABELS] = (struct label){"grpc_code", slice_of(code_names[status])};
			exposition_sample(out, name, "", labels, METHOD_LABELS + 1, (double)value);
		}
	}
}

static void
render_seconds(const struct metrics *m, struct buf *out)
{
	static const char name[] = "grpc_server_handling_seconds";
	struct label labels[METHOD_LABELS + 1];
	exposition_family(out, name, "histogram", "Time from a call's headers to its end.");
	for (size_t i = 0; i <= m->method_count; i++) {
		if (m->counts[i].started == 0)
			continue;
		method_labels(m, i, labels);
		exposition_histogram(out, name, labels, METHOD_LABELS, &m->counts[i].seconds, bounds, BOUNDS);
	}
}

/* Messages of the streams that are open, added up or taken off again. */
static void
count_open(const struct metrics *m, struct method_counts *counts)
{
	for (const struct call_note *note = m->streams; note; note = note->next) {
		const struct call_stats *stats = call_stats(note->call);
		struct method_counts *at = &counts[index_of(m, call_method(note->call))];
		at->received += stats->messages_in;
		at->sent += stats->messages_out;
	}
}

void
metrics_render(const struct metrics *live, struct buf *out)
{
	size_t size = sizeof(*live) + (live->method_count + 1) * sizeof(live->counts[0]);
	struct metrics *m = malloc(size);
	if (!m) {
		out->error = ERR_NO_MEMORY;
		return;
	}
	memcpy(m, live, size);
	count_open(m, m->counts);
	render_counter(m, out, "grpc_server_started_total", "Calls started.",
		       offsetof(struct method_counts, started));
	render_handled(m, out);
	render_counter(m, out, "grpc_server_msg_received_total", "Messages received.",
		       offsetof(struct method_counts, received));
	render_counter(m, out, "grpc_server_msg_sent_total", "Messages sent.",
		       offsetof(struct method_counts, sent));
	render_seconds(m, out);
	free(m);
}
