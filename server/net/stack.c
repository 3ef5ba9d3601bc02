/* What each kind of connection is made of, and its topmost layer: HTTP/2 and gRPC,
 * which are the engine's. */
#include "net/internal.h"

static int
http2_open(struct connection *c, const struct layer *const *at)
{
	(void)at;
	return connection_open_engine(c);
}

static int
http2_input(struct connection *c, const struct layer *const *at, struct slice bytes)
{
	(void)at;
	return engine_push(c->engine, bytes, net_now(c->net));
}

static ssize_t
http2_output(struct connection *c, const struct layer *const *at, struct layer_out *ret)
{
	(void)at;
	struct engine_out *out = &c->net->out;
	size_t n = engine_pull(c->engine, out, net_now(c->net));
	*ret = (struct layer_out){out->v, out->n, out->bytes};
	return (ssize_t)n;
}

static const struct layer http2_layer = {http2_open, http2_input, http2_output};

/* From the socket upwards. */
static const struct layer *const plain_stack[] = {&http2_layer};
static const struct layer *const tls_stack[] = {&tls_layer, &http2_layer};

const struct layer *const *const layer_stacks[] = {
	[LISTEN_PLAIN] = plain_stack,
	[LISTEN_TLS] = tls_stack,
};
