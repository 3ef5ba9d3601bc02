/* Sending again what may be carried out twice: gRPC's proposal A6, client retries.
 * https://github.com/grpc/proposal/blob/master/A6-client-retries.md */
#include "client.h"

#include <string.h>

/* ---- the throttle ------------------------------------------------------- */

/* Tokens are counted in thousandths, as A6 does. */
#define TOKEN 1000

void
throttle_init(struct throttle *t, double tokens, double ratio)
{
	if (!(tokens > 0))
		tokens = tokens < 0 ? 0 : RETRY_TOKENS;
	if (!(ratio > 0))
		ratio = RETRY_TOKEN_RATIO;
	t->most = (int64_t)((tokens < RETRY_TOKENS_MAX ? tokens : RETRY_TOKENS_MAX) * TOKEN);
	t->refill = (int64_t)((ratio < 1 ? ratio : 1) * TOKEN);
	t->left = t->most;
}

static void
throttle_failure(struct throttle *t)
{
	t->left = t->left > TOKEN ? t->left - TOKEN : 0;
}

static void
throttle_success(struct throttle *t)
{
	t->left = t->left + t->refill < t->most ? t->left + t->refill : t->most;
}

static bool
throttle_allows(const struct throttle *t)
{
	return t->most == 0 || t->left > t->most / 2;
}

/* ---- one call ----------------------------------------------------------- */

/* What the server asked for: milliseconds, or PUSHBACK_*. */
static int64_t
asked_pause(const struct zwy_call *call)
{
	int64_t ms;
	if (call->pushback != PUSHBACK_NONE)
		return call->pushback;
	return status_retry_delay(buf_slice(&call->details), &ms) ? ms : PUSHBACK_NONE;
}

/* Whether this end of a call is one that another attempt may change. */
static bool
passing(const struct zwy_call *call, int64_t asked)
{
	int status = call->local_code ? (int)reason_of(call->local_code)->status : call->status;
	if (status == GRPC_UNAVAILABLE)
		return true;
	return status == GRPC_RESOURCE_EXHAUSTED && !call->local_code && asked >= 0;
}

static int64_t
pause_of(struct zwy_call *call, int64_t asked)
{
	const struct zwy_retry *r = &call->retry;
	if (asked >= 0) {
		call->pauses = 0; /* A6: after a pause that the server chose, the series begins anew */
		return asked;
	}
	double pause = (double)r->initial_backoff_ms;
	for (unsigned i = 0; i < call->pauses && pause < (double)r->max_backoff_ms; i++)
		pause *= r->multiplier;
	call->pauses++;
	return client_jitter(call->client,
			     pause < (double)r->max_backoff_ms ? pause : (double)r->max_backoff_ms,
			     r->jitter);
}

static void
rest(struct zwy_call *call, int64_t pause)
{
	struct zwy_client *client = call->client;
	struct zwy_call *at = TAILQ_LAST(&client->resting, call_list);
	call_reset(call, &client->resting);
	call->rests = true;
	call->retry_at = client->now + pause;
	while (at && at->retry_at > call->retry_at)
		at = TAILQ_PREV(at, call_list, place);
	TAILQ_REMOVE(&client->resting, call, place);
	if (at)
		TAILQ_INSERT_AFTER(&client->resting, at, call, place);
	else
		TAILQ_INSERT_HEAD(&client->resting, call, place);
}

bool
retry_call(struct zwy_call *call)
{
	struct zwy_client *client = call->client;
	int64_t asked = asked_pause(call);
	bool failed = passing(call, asked);
	call->attempts++;
	if (failed || asked == PUSHBACK_NEVER)
		throttle_failure(&client->throttle);
	else if (call->status == GRPC_OK && !call->local_code)
		throttle_success(&client->throttle);
	if (!failed || asked == PUSHBACK_NEVER || call->attempts >= call->retry.max_attempts ||
	    call->committed || call->out_dropped || call->gone || !throttle_allows(&client->throttle))
		return false;
	int64_t pause = pause_of(call, asked);
	if (call->deadline != INT64_MAX && pause >= call->deadline - client->now)
		return false;
	call->outcome_lost |= call->outcome_unknown;
	call->was_sent |= !call->unread && (call->local_code || call->status == GRPC_UNAVAILABLE);
	rest(call, pause);
	return true;
}

void
retry_wake(struct zwy_client *client)
{
	struct zwy_call *call;
	while ((call = TAILQ_FIRST(&client->resting)) && call->retry_at <= client->now) {
		TAILQ_REMOVE(&client->resting, call, place);
		call->rests = false;
		TAILQ_INSERT_TAIL(&client->waiting, call, place);
	}
}
