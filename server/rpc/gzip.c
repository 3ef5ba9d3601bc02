/* Messages compressed and inflated, each by itself (PROTOCOL-HTTP2, Compression). One
 * working state serves all calls of a connection, for no message is ever half done. */
#include "rpc/internal.h"

/* A buffer above this is not kept for the next message. */
#define KEEP_BYTES (64u << 10)

static void
buf_ready(struct buf *b)
{
	if (b->cap > KEEP_BYTES)
		buf_release(b);
	buf_clear(b);
}

static void
gzip_use(struct engine *e)
{
	e->gzip_used = e->now ? e->now : 1;
}

int
gzip_open(struct call *c, struct slice *ret)
{
	struct engine *e = c->engine;
	*ret = buf_slice(&c->in.message);
	c->in_compressed = c->in.compressed;
	if (!c->in.compressed)
		return 0;
	gzip_use(e);
	buf_ready(&e->inflated);
	int rc = gzip_inflate(&e->gzip, &e->inflated, (size_t)e->config->limits.max_message, *ret);
	if (rc == 0)
		*ret = buf_slice(&e->inflated);
	return rc;
}

static bool
is_wanted(const struct call *c, size_t n)
{
	if (!c->head.accepts_gzip || (c->headers_out && !c->gzip_announced))
		return false;
	if (c->compress == CALL_COMPRESS_ALWAYS)
		return n > 0;
	return c->compress == CALL_COMPRESS_AUTO && c->head.encoding == ENCODING_GZIP &&
	       n >= (size_t)c->engine->config->limits.compress_min;
}

bool
gzip_close(struct call *c, struct slice message, struct slice *ret)
{
	struct engine *e = c->engine;
	if (!is_wanted(c, message.n))
		return false;
	gzip_use(e);
	buf_ready(&e->deflated);
	/* Asked for, it may be larger than what it stands for: stored blocks and the wrapping. */
	size_t max = c->compress == CALL_COMPRESS_ALWAYS ? message.n + message.n / 1000 + 64 : message.n - 1;
	if (gzip_deflate(&e->gzip, &e->deflated, max, message) != 0)
		return false;
	*ret = buf_slice(&e->deflated);
	return true;
}

bool
gzip_announce(struct call *c)
{
	bool mirrors = c->compress == CALL_COMPRESS_AUTO && c->head.encoding == ENCODING_GZIP;
	c->gzip_announced = c->head.accepts_gzip && (c->may_compress || mirrors);
	/* The only message there will be is here, and it says for itself. */
	if (!c->method->server_streaming && c->out_first && !c->out_first->data[0])
		c->gzip_announced = false;
	return c->gzip_announced;
}

void
gzip_forget(struct engine *e)
{
	gzip_release(&e->gzip);
	buf_release(&e->inflated);
	buf_release(&e->deflated);
	e->gzip_used = 0;
}

msec
gzip_service(struct engine *e)
{
	if (!e->gzip_used)
		return INT64_MAX;
	msec due = e->gzip_used + e->config->limits.idle_trim;
	if (e->now < due)
		return due;
	gzip_forget(e);
	return INT64_MAX;
}
