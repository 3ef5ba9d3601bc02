/* The traceparent header of W3C Trace Context (https://www.w3.org/TR/trace-context-1/):
 * which trace a call belongs to. Pure; any thread. */
#ifndef ZWY_OBSERVE_TRACEPARENT_H
#define ZWY_OBSERVE_TRACEPARENT_H

#include "base/buf.h"
#include "rpc/call.h"

#define TRACE_ID_DIGITS 32
#define SPAN_ID_DIGITS  16

/* Lower case hexadecimal digits, borrowed from the header. */
struct traceparent {
	struct slice trace;  /* TRACE_ID_DIGITS */
	struct slice parent; /* SPAN_ID_DIGITS: the caller's span */
	uint8_t flags;       /* of version 00: bit 0, sampled */
};

/* Section 2.2: two digits of version (not ff), trace-id and parent-id (not all zero), flags.
 * Version 00 ends there; of later ones what 00 knows is taken, and more may follow
 * after a dash. False, and *ret untouched, for anything else, upper case included. */
bool traceparent_parse(struct slice header, struct traceparent *ret);

/* The call's; false where it names none, or several, or what is none: the server then
 * begins a trace of its own. tracestate is accepted and passed over. */
bool traceparent_of_call(const struct call *c, struct traceparent *ret);

#endif
