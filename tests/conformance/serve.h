/* What both test servers are made of: the command line, listeners, the loop, timers of
 * calls. The product's gRPC layer stands below it unchanged; there is no store and there
 * are no callers with names. One thread. */
#ifndef ZWY_TESTS_SERVE_H
#define ZWY_TESTS_SERVE_H

#include "grpc/services.h"
#include "net/net.h"

/* The FileDescriptorSet of the program's service, for reflection; made by protoc. */
extern const char conformance_descriptors_begin[], conformance_descriptors_end[];

struct program {
	const char *name;
	const struct rpc_method *methods;
	size_t method_count;
	bool tls_always; /* with a certificate HOST:PORT means TLS too, as the public suite's runners ask */
};

/* main() of both: runs until SIGTERM or SIGINT; the exit status. */
int serve(const struct program *program, int argc, char **argv);

/* Something that a call does later. */
struct delay;
/* After so many ms calls then(c), unless the call is over before; *d is NULL from then on.
 * One at a time for each d; whoever holds it drops it in `closed`. */
void delay_start(struct delay **d, struct call *c, uint64_t ms, void (*then)(struct call *c));
void delay_drop(struct delay **d);

/* Whether the bytes are fields, as far as can be told without their types. */
bool is_message(struct slice message);
/* Ends a call whose message is no message of its type. */
void refuse_malformed(struct call *c);

#endif
