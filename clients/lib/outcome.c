#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void
error_of_fault(struct zwy_error *ret, const struct fault *f)
{
	const struct reason *r = reason_of(f->code);
	memset(ret, 0, sizeof(*ret));
	ret->status = (int)r->status;
	ret->exit_status = r->exit_status;
	ret->error_number = r->eno;
	snprintf(ret->reason, sizeof(ret->reason), "%s", f->code ? r->name : "");
	memcpy(ret->article, f->article, sizeof(ret->article));
	memcpy(ret->text, f->text, sizeof(ret->text));
	if (f->code && !ret->text[0])
		snprintf(ret->text, sizeof(ret->text), "%s", r->text);
	ret->detail_count = f->item_count;
	for (size_t i = 0; i < f->item_count; i++) {
		memcpy(ret->details[i].field, f->items[i].field, sizeof(ret->details[i].field));
		memcpy(ret->details[i].text, f->items[i].text, sizeof(ret->details[i].text));
	}
}

_Static_assert(sizeof(((struct zwy_error *)0)->text) == sizeof(((struct fault *)0)->text), "copied whole");
_Static_assert(sizeof(((struct zwy_error *)0)->article) == sizeof(((struct fault *)0)->article),
	       "copied whole");
_Static_assert(sizeof(((struct zwy_error *)0)->details[0].field) == sizeof(((struct fault_item *)0)->field),
	       "copied whole");
_Static_assert(sizeof(((struct zwy_error *)0)->details[0].text) == sizeof(((struct fault_item *)0)->text),
	       "copied whole");
_Static_assert(sizeof(((struct zwy_error *)0)->details) / sizeof(((struct zwy_error *)0)->details[0]) ==
		       FAULT_ITEMS,
	       "room for every item");

/* https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md */
static enum grpc_status
status_of_http(int http)
{
	switch (http) {
	case 400:
		return GRPC_INTERNAL;
	case 401:
		return GRPC_UNAUTHENTICATED;
	case 403:
		return GRPC_PERMISSION_DENIED;
	case 404:
		return GRPC_UNIMPLEMENTED;
	case 429:
	case 502:
	case 503:
	case 504:
		return GRPC_UNAVAILABLE;
	default:
		return GRPC_UNKNOWN;
	}
}

/* The server ended the stream without a grpc-status. */
static void
no_status(struct fault *f, const struct zwy_call *call)
{
	if (call->http_status != 200)
		fault_set(f, reason_by_status(status_of_http(call->http_status)), "the peer answered HTTP %d",
			  call->http_status);
	else if (call->not_grpc)
		fault_set(f, ERR_UNKNOWN, "the peer does not speak gRPC");
	else
		fault_set(f, ERR_INTERNAL, "the server ended the answer without a status");
}

static void
local_outcome(const struct zwy_call *call, struct fault *f)
{
	fault_set(f, call->local_code, "%.*s", (int)call->message.n, call->message.n ? call->message.p : "");
}

/* After an attempt that was lost: the server's answer to another tells what became of the
 * request, unless the server did not get to look at it. */
static bool
is_known(const struct zwy_call *call, const struct fault *f)
{
	if (call->outcome_unknown)
		return false;
	if (!call->outcome_lost)
		return true;
	return !call->local_code && call->status >= 0 && call->status != GRPC_UNAVAILABLE &&
	       call->status != GRPC_CANCELLED && call->status != GRPC_DEADLINE_EXCEEDED &&
	       f->code != ERR_OVERLOADED;
}

static void
say_unknown(struct zwy_error *ret)
{
	size_t n = strlen(ret->text);
	snprintf(ret->text + n, sizeof(ret->text) - n, "; whether the request was carried out is not known");
	ret->exit_status = reason_of(ERR_DEADLINE_EXCEEDED)->exit_status;
	ret->error_number = ETIMEDOUT;
}

void
outcome(const struct zwy_call *call, struct zwy_error *ret)
{
	struct fault f = {0};
	int status = call->status;
	if (call->local_code)
		local_outcome(call, &f);
	else if (status < 0)
		no_status(&f, call);
	else if (status > 0)
		status_decode(&f, (enum grpc_status)status, buf_slice(&call->message),
			      buf_slice(&call->details));
	else if (!deframer_idle(&call->deframer))
		fault_set(&f, ERR_INTERNAL, "the answer ended within a message");
	error_of_fault(ret, &f);
	ret->sent = call->sent;
	if (!call->local_code && status > 0)
		ret->status = status;
	ret->attempts = call->attempts;
	if (!call->local_code && !status_retry_delay(buf_slice(&call->details), &ret->retry_after_ms))
		ret->retry_after_ms = 0;
	if (!is_known(call, &f)) {
		say_unknown(ret);
	} else if (call->local_code == ERR_DEADLINE_EXCEEDED) {
		ret->exit_status = reason_of(ERR_UNAVAILABLE)->exit_status;
		ret->error_number = EHOSTDOWN;
	}
}
