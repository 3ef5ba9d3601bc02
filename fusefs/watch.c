/* A stream of what changes, which goes on by itself after a loss, and knows when it
 * has heard everything. */
#include <stdio.h>

#include "base/error.h"
#include "mount.h"
#include "wire.h"
#include "zwy/v1/watch.pb.h"

#define RETRY_FIRST_MS 100
#define RETRY_MAX_MS   5000

void
watch_init(struct watch *w, struct mount *m, struct caller *c, const struct watch_ops *ops)
{
	*w = (struct watch){.mount = m, .caller = c, .ops = ops};
}

static void
message(void *ctx, struct zwy_call *call, struct zwy_bytes bytes)
{
	struct watch *w = ctx;
	struct slice batch = {bytes.data, bytes.size};
	struct slice digest = wire_string(batch, zwy_v1_WatchResponse_digest_tag);
	uint64_t revision = wire_uint(batch, zwy_v1_WatchResponse_revision_tag);
	struct wire_field f;
	(void)call;
	w->heard_at = now_ms();
	w->failures = 0;
	while (wire_next(&batch, &f) == 1)
		if (f.number == zwy_v1_WatchResponse_events_tag && f.type == WIRE_LEN) {
			w->count++;
			w->ops->event(w, f.bytes);
		}
	if (revision > w->revision || !w->begun)
		w->revision = revision;
	w->begun = true;
	batch = (struct slice){bytes.data, bytes.size};
	w->caught_up |= w->revision >= wire_uint(batch, zwy_v1_WatchResponse_head_tag);
	w->heartbeat = (int64_t)wire_uint(batch, zwy_v1_WatchResponse_heartbeat_ms_tag);
	if (digest.n && digest.n < sizeof(w->digest)) {
		snprintf(w->digest, sizeof(w->digest), "%.*s", (int)digest.n, digest.p);
		w->digest_revision = revision;
	}
	server_trouble(w->mount, NULL);
	w->ops->moved(w);
}

static void
retry_later(struct watch *w)
{
	int64_t pause = RETRY_FIRST_MS;
	for (unsigned i = 0; i < w->failures && pause < RETRY_MAX_MS; i++)
		pause *= 2;
	w->failures++;
	w->retry_at = now_ms() + (pause < RETRY_MAX_MS ? pause : RETRY_MAX_MS);
}

static enum watch_end
why_ended(const struct zwy_error *error)
{
	if (error->status == GRPC_OUT_OF_RANGE)
		return WATCH_REPLACED;
	if (error->status == GRPC_ABORTED || error->status == GRPC_UNAUTHENTICATED ||
	    error->status == GRPC_PERMISSION_DENIED)
		return WATCH_CHANGED;
	return WATCH_LOST;
}

static void
end(struct watch *w, enum watch_end why)
{
	w->call = NULL;
	w->caught_up = false;
	w->count += why != WATCH_LOST; /* what was asked before is of other eyes, or of another history */
	if (why == WATCH_REPLACED) {
		w->begun = false;
		w->first = w->revision = 0;
		w->digest[0] = '\0';
	}
	retry_later(w);
	if (why == WATCH_REPLACED && w->failures == 1)
		w->retry_at = now_ms(); /* what comes meanwhile would not be told */
	w->ops->ended(w, why);
}

static void
done(void *ctx, struct zwy_call *call, const struct zwy_error *error)
{
	struct watch *w = ctx;
	(void)call;
	server_trouble(w->mount, error);
	end(w, why_ended(error));
}

/* From the last revision that was told; the first time from the one given, or from now. */
void
watch_start(struct watch *w, uint64_t first)
{
	struct mount *m = w->mount;
	struct zwy_metadata metadata[1];
	struct buf request = {0};
	uint64_t since = w->begun ? w->revision : first;
	if (since || w->begun) {
		wire_put_tag(&request, zwy_v1_WatchRequest_since_tag, WIRE_VARINT);
		wire_put_varint(&request, since);
	}
	if (w->digest[0]) {
		wire_put_string(&request, zwy_v1_WatchRequest_digest_tag, slice_of(w->digest));
		wire_put_uint(&request, zwy_v1_WatchRequest_digest_revision_tag, w->digest_revision);
	}
	wire_put_uint(&request, zwy_v1_WatchRequest_heartbeat_ms_tag, m->options.heartbeat_ms);
	struct zwy_call_options options = call_options(m, w->caller, metadata, -1, w);
	options.message = message;
	options.done = done;
	options.wait_for_ready = true;
	options.retry = NULL; /* it goes on from another revision, by itself */
	w->first = first;
	w->retry_at = 0;
	w->heard_at = now_ms();
	w->call = zwy_call_start(m->client, "/zwy.v1.WatchService/WatchBatches",
				 (struct zwy_bytes){request.p ? request.p : "", request.n}, &options);
	if (!w->call)
		retry_later(w);
	buf_release(&request);
}

bool
watch_runs(const struct watch *w)
{
	return w->call || w->retry_at;
}

void
watch_stop(struct watch *w)
{
	uint64_t count = w->count + 1; /* what is asked now may be from before the next */
	if (w->call)
		zwy_call_cancel(w->call);
	watch_init(w, w->mount, w->caller, w->ops);
	w->count = count;
}

/* Heard nothing of for three heartbeats: it, or the way to it, is not there any more. */
static int64_t
silent_at(const struct watch *w)
{
	return w->heartbeat ? w->heard_at + 3 * w->heartbeat : INT64_MAX;
}

bool
watch_speaks(const struct watch *w)
{
	/* Whoever was suspended finds out by the clock before the loop comes to watch_check. */
	return w->caught_up && now_ms() < silent_at(w);
}

int64_t
watch_check(struct watch *w, int64_t now)
{
	if (w->retry_at && w->retry_at <= now)
		watch_start(w, w->first);
	if (w->retry_at)
		return w->retry_at;
	if (!w->call || !w->caught_up)
		return INT64_MAX;
	if (silent_at(w) > now)
		return silent_at(w);
	struct zwy_error silence = {.status = GRPC_DEADLINE_EXCEEDED};
	snprintf(silence.text, sizeof(silence.text), "no sign of life of the server");
	server_trouble(w->mount, &silence);
	zwy_call_cancel(w->call);
	end(w, WATCH_LOST);
	return w->retry_at;
}
