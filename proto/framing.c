#include "status.h"

/* What a stream keeps of its buffer between messages. */
#define KEEP_BYTES (64u << 10)

void
deframer_init(struct deframer *d, size_t max_message)
{
	*d = (struct deframer){.max = max_message ? max_message : GRPC_MESSAGE_MAX_DEFAULT};
}

void
deframer_release(struct deframer *d)
{
	buf_release(&d->message);
	d->prefix_n = 0;
}

static size_t
take(struct slice *from, size_t want)
{
	size_t n = from->n < want ? from->n : want;
	*from = (struct slice){from->p + n, from->n - n};
	return n;
}

static int
read_prefix(struct deframer *d)
{
	if (d->prefix[0] > 1)
		return ERR_INTERNAL;
	d->compressed = d->prefix[0] == 1;
	d->need = get_u32be(d->prefix + 1);
	return d->need > d->max ? ERR_MESSAGE_TOO_LARGE : 0;
}

int
deframer_push(struct deframer *d, struct slice *data)
{
	if (d->prefix_n < GRPC_PREFIX_BYTES) {
		const char *p = data->p;
		size_t n = take(data, GRPC_PREFIX_BYTES - d->prefix_n);
		if (n)
			memcpy(d->prefix + d->prefix_n, p, n);
		d->prefix_n += n;
		if (d->prefix_n < GRPC_PREFIX_BYTES)
			return 0;
	}
	/* Each call, so that a refused prefix stays refused. */
	int r = read_prefix(d);
	if (r < 0)
		return r;
	const char *p = data->p;
	buf_append(&d->message, p, take(data, d->need - d->message.n));
	if (d->message.error)
		return d->message.error;
	return d->message.n == d->need;
}

void
deframer_next(struct deframer *d)
{
	if (d->message.cap > KEEP_BYTES)
		buf_release(&d->message);
	buf_clear(&d->message);
	d->prefix_n = 0;
	d->need = 0;
}

bool
deframer_idle(const struct deframer *d)
{
	return d->prefix_n == 0;
}

void
frame_message(struct buf *out, struct slice message)
{
	/* The prefix must not stand alone if there is no room for the rest. */
	if (!buf_reserve(out, GRPC_PREFIX_BYTES + message.n))
		return;
	buf_append_char(out, 0);
	buf_append_u32be(out, (uint32_t)message.n);
	buf_append_slice(out, message);
}
