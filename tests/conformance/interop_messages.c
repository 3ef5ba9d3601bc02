#include "interop_cases.h"

#include <string.h>

void
put_payload(struct buf *b, uint32_t number, size_t size)
{
	struct buf body = {0}, payload = {0};
	memset(buf_reserve(&body, size + 1), 0, size);
	body.n = size;
	wire_put_bytes(&payload, PAYLOAD_BODY, buf_slice(&body));
	wire_put_bytes(b, number, buf_slice(&payload));
	buf_release(&body);
	buf_release(&payload);
}

void
put_bool(struct buf *b, uint32_t number, bool value)
{
	struct buf inner = {0};
	wire_put_uint(&inner, BOOL_VALUE, value);
	wire_put_bytes(b, number, buf_slice(&inner));
	buf_release(&inner);
}

void
put_status(struct buf *b, uint32_t number, unsigned code, const char *text)
{
	struct buf inner = {0};
	wire_put_uint(&inner, STATUS_CODE, code);
	wire_put_string(&inner, STATUS_MESSAGE, slice_of(text));
	wire_put_bytes(b, number, buf_slice(&inner));
	buf_release(&inner);
}

struct buf
large_request(void)
{
	struct buf b = {0};
	wire_put_uint(&b, SIMPLE_SIZE, LARGE_RESPONSE);
	put_payload(&b, SIMPLE_PAYLOAD, LARGE_REQUEST);
	return b;
}

void
put_wanted(struct buf *b, unsigned size, int compressed)
{
	struct buf inner = {0};
	wire_put_uint(&inner, PARAMETERS_SIZE, size);
	if (compressed >= 0)
		put_bool(&inner, PARAMETERS_COMPRESSED, compressed);
	wire_put_bytes(b, OUTPUT_PARAMETERS, buf_slice(&inner));
	buf_release(&inner);
}

size_t
payload_size(const struct course *c, size_t i)
{
	struct slice payload = wire_string(buf_slice(&c->messages[i].bytes), RESPONSE_PAYLOAD);
	return wire_string(payload, PAYLOAD_BODY).n;
}

struct zwy_bytes
bytes(const struct buf *b)
{
	return (struct zwy_bytes){b->n ? b->p : "", b->n};
}

void
ask(struct course *c, unsigned answer, unsigned size)
{
	struct buf b = {0};
	put_wanted(&b, answer, -1);
	put_payload(&b, OUTPUT_PAYLOAD, size);
	course_send(c, &b);
}
