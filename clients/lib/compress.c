/* gzip of messages, both ways (PROTOCOL-HTTP2, "Message-Encoding"; compression.md).
 * The working state is the client's, and lives as long as a connection does. */
#include "client.h"

int
compress_open(struct zwy_call *call, struct slice *message)
{
	struct zwy_client *client = call->client;
	if (!call->gzip_answer)
		return ERR_INTERNAL;
	buf_clear(&client->inflated);
	int r = gzip_inflate(&client->gzip, &client->inflated, client->max_message, *message);
	if (r == 0)
		*message = buf_slice(&client->inflated);
	return r;
}

void
compress_done(struct zwy_client *client)
{
	if (client->inflated.cap > KEEP_INFLATED)
		buf_release(&client->inflated);
}

/* false: it goes as it is. */
static bool
append_compressed(struct zwy_call *call, struct slice message)
{
	struct buf *out = &call->out;
	size_t start = out->n, room = message.n;
	bool always = call->compress == ZWY_COMPRESS_ALWAYS;
	if (message.n < (always ? 1 : COMPRESS_MIN))
		return false;
	if (always)
		room += message.n / 64 + 64; /* what cannot be compressed grows a little */
	if (!buf_reserve(out, GRPC_PREFIX_BYTES + room))
		return false;
	buf_append_char(out, 1);
	buf_append_u32be(out, 0);
	if (gzip_deflate(&call->client->gzip, out, room, message) != 0) {
		out->error = 0;
		out->n = start;
		return false;
	}
	put_u32be(out->p + start + 1, (uint32_t)(out->n - start - GRPC_PREFIX_BYTES));
	return true;
}

void
compress_frame(struct zwy_call *call, struct slice message)
{
	if (call->compress == ZWY_COMPRESS_NEVER || !append_compressed(call, message))
		frame_message(&call->out, message);
}

void
compress_forget(struct zwy_client *client)
{
	gzip_release(&client->gzip);
	buf_release(&client->inflated);
}

void
zwy_call_compress(struct zwy_call *call, enum zwy_compress how)
{
	if (call->options.compress != ZWY_COMPRESS_NEVER)
		call->compress = how;
}

bool
zwy_call_message_compressed(const struct zwy_call *call)
{
	return call->in_compressed;
}
