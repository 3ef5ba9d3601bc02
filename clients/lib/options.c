/* What a program asks for: structures that may be older or newer than this library. */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first release of each. A later one appends: these stay what they are. */
#define OPTIONS_SIZE_1      sizeof(struct zwy_options)
#define CALL_OPTIONS_SIZE_1 sizeof(struct zwy_call_options)
#define RETRY_SIZE_1        sizeof(struct zwy_retry)

/* No padding at the end, where a later member would stand and an older program left anything. */
#define ENDS_WITH(type, member)                                                              \
	_Static_assert(offsetof(struct type, member) + sizeof(((struct type *)0)->member) == \
			       sizeof(struct type),                                          \
		       "padding at the end")
ENDS_WITH(zwy_options, retry_token_ratio);
ENDS_WITH(zwy_call_options, retry);
ENDS_WITH(zwy_retry, buffer);

/* Takes what both sides know. What only the program knows must be 0. */
static int
take_sized(void *to, size_t known, size_t least, const void *from)
{
	size_t size;
	memcpy(&size, from, sizeof(size));
	if (size < least || size > 1 << 16)
		return -EINVAL;
	for (size_t i = known; i < size; i++)
		if (((const unsigned char *)from)[i])
			return -E2BIG;
	memset(to, 0, known);
	memcpy(to, from, size < known ? size : known);
	return 0;
}

/* What goes into a header must be printable ASCII. */
static bool
printable(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || (unsigned char)*s > '~')
			return false;
	return true;
}

/* A member that an older program does not have is not touched. */
static void
from_environment(const struct zwy_options *o, const char **member, const char *name)
{
	size_t end = (size_t)((const char *)(member + 1) - (const char *)o);
	const char *value = getenv(name);
	if (end <= o->size && !*member && value && value[0])
		*member = value;
}

void
zwy_default_files(struct zwy_options *options)
{
	from_environment(options, &options->ca_file, "ZWY_CA");
	from_environment(options, &options->cert_file, "ZWY_CERT");
	from_environment(options, &options->key_file, "ZWY_KEY");
}

/* In ms. A century is as good as never, and can be added to an instant. */
static int64_t
or_default(int64_t given, int64_t usual)
{
	const int64_t never = 100LL * 366 * 24 * 3600 * 1000;
	return given > never ? never : given > 0 ? given : usual;
}

static int
take_texts(struct zwy_client *client, const struct zwy_options *o)
{
	const char *own = o->user_agent ? o->user_agent : "";
	if (asprintf(&client->agent, "%s%sgrpc-c-libzwy/%s", own, own[0] ? " " : "", ZWY_VERSION) < 0) {
		client->agent = NULL;
		return -ENOMEM;
	}
	if (o->as && !(client->as = strdup(o->as)))
		return -ENOMEM;
	return 0;
}

int
options_take(struct zwy_client *client, const struct zwy_options *given, struct fault *f)
{
	struct zwy_options o = {0};
	int r = given ? take_sized(&o, sizeof(o), OPTIONS_SIZE_1, given) : 0;
	if (r < 0) {
		fault_set(f, ERR_INVALID_ARGUMENT, "%s",
			  r == -E2BIG ? "an option that this version of libzwy does not know"
				      : "the options do not begin with their size");
		return r;
	}
	if ((o.as && !printable(o.as)) || (o.user_agent && !printable(o.user_agent))) {
		fault_set(f, ERR_INVALID_ARGUMENT, "a principal or user agent must be printable ASCII");
		return -EINVAL;
	}
	client->connect_timeout = or_default(o.connect_timeout_ms, CONNECT_TIMEOUT_MS);
	client->backoff_max = or_default(o.backoff_max_ms, BACKOFF_MAX_MS);
	client->max_message = o.max_message ? o.max_message : GRPC_MESSAGE_MAX_DEFAULT;
	client->keepalive = or_default(o.keepalive_ms, 0);
	client->keepalive_timeout = or_default(o.keepalive_timeout_ms, KEEPALIVE_TIMEOUT_MS);
	client->idle_timeout = or_default(o.idle_timeout_ms, 0);
	throttle_init(&client->throttle, o.retry_tokens, o.retry_token_ratio);
	r = take_texts(client, &o);
	if (r == 0 && client->target.is_tls)
		r = tls_new(&client->tls, &o, client->target.host, f);
	if (r == 0 && client->target.is_tls && o.server_name)
		snprintf(client->target.authority, sizeof(client->target.authority), "%s", o.server_name);
	return r;
}

/* Defaults of gRPC's service config, where a value is 0. */
static int
take_retry(struct zwy_retry *ret, const struct zwy_retry *given)
{
	int r = take_sized(ret, sizeof(*ret), RETRY_SIZE_1, given);
	if (r < 0)
		return r;
	if (ret->max_attempts == 0)
		ret->max_attempts = RETRY_ATTEMPTS;
	ret->initial_backoff_ms = or_default(ret->initial_backoff_ms, RETRY_BACKOFF_FIRST_MS);
	ret->max_backoff_ms = or_default(ret->max_backoff_ms, RETRY_BACKOFF_MAX_MS);
	if (!(ret->multiplier > 0))
		ret->multiplier = RETRY_MULTIPLIER;
	if (ret->jitter == 0)
		ret->jitter = RETRY_JITTER;
	ret->jitter = ret->jitter > 0 && ret->jitter <= 1 ? ret->jitter : 0;
	if (ret->buffer == 0)
		ret->buffer = REPLAY_MAX;
	return 0;
}

int
options_of_call(struct zwy_call_options *ret, const struct zwy_call_options *given)
{
	*ret = (struct zwy_call_options)ZWY_CALL_OPTIONS_INIT;
	int r = given ? take_sized(ret, sizeof(*ret), CALL_OPTIONS_SIZE_1, given) : 0;
	ret->size = sizeof(*ret);
	return r;
}

int
call_options_take(struct zwy_call *call, const struct zwy_call_options *given)
{
	struct zwy_call_options *o = &call->options;
	int r = options_of_call(o, given);
	if (r == 0 && o->timeout_ms == 0)
		o->timeout_ms = CALL_TIMEOUT_MS;
	call->retry.max_attempts = 1;
	call->retry.buffer = REPLAY_MAX;
	if (r == 0 && o->retry)
		r = take_retry(&call->retry, o->retry);
	o->retry = NULL;
	return r;
}
