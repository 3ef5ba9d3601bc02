#include "grpc/message.h"

#define SHOWN_MAX 255 /* bytes */

bool
message_sound(struct slice message, unsigned strings, struct fault *f)
{
	struct wire_field field;
	int r;
	while ((r = wire_next(&message, &field)) == 1) {
		bool text =
			field.number < 32 && field.type == WIRE_LEN && (strings & FIELD_BIT(field.number));
		if (text && !utf8_valid(field.bytes)) {
			fault_set(f, ERR_INTERNAL, "field %u is not UTF-8", field.number);
			return false;
		}
	}
	if (r != 0)
		fault_set(f, ERR_INTERNAL, "the message is not well-formed protobuf");
	return r == 0;
}

struct slice
message_shown(struct slice name)
{
	if (name.n > SHOWN_MAX)
		name.n = SHOWN_MAX;
	name.n = utf8_whole(name);
	return name;
}

void
message_put(struct buf *b, uint32_t number, struct buf *inner)
{
	wire_put_bytes(b, number, buf_slice(inner));
	if (inner->error)
		b->error = inner->error;
	buf_release(inner);
}

void
message_reply(struct call *c, struct buf *response, struct fault *f)
{
	if (!f->code && response->error)
		fault_set(f, ERR_NO_MEMORY, "out of memory");
	if (f->code)
		call_finish(c, f);
	else
		call_reply(c, buf_slice(response));
	buf_release(response);
}
