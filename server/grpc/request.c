#include "grpc/request.h"

bool
request_sound(struct slice message, unsigned strings, struct fault *f)
{
	struct wire_field field;
	int r;
	while ((r = wire_next(&message, &field)) == 1) {
		bool is_string =
			field.number < 32 && field.type == WIRE_LEN && (strings & FIELD_BIT(field.number));
		if (is_string && !utf8_valid(field.bytes)) {
			fault_set(f, ERR_INTERNAL, "field %u is not UTF-8", field.number);
			return false;
		}
	}
	if (r != 0)
		fault_set(f, ERR_INTERNAL, "the message is not well-formed protobuf");
	return r == 0;
}
