#include "client.h"

#include <stdlib.h>

#include "descriptor.h"
#include "json.h"
#include "text.h"

static const struct message_desc *
find(const char *message, struct fault *f)
{
	const struct message_desc *m = message_by_name(slice_of(message));
	if (!m)
		fault_set(f, ERR_NOT_FOUND, "there is no message %s", message);
	return m;
}

/* Hands over what was made, NUL-terminated, or tells why there is nothing. */
static int
finish(int r, struct buf *made, struct fault *f, struct zwy_error *error)
{
	buf_append_char(made, '\0');
	if (r == 0 && made->error)
		r = fault_set(f, made->error, "%s", reason_of(made->error)->text);
	if (r == 0)
		return 0;
	buf_release(made);
	if (f->code == 0)
		fault_set(f, r, "%s", reason_of(r)->text);
	if (error)
		error_of_fault(error, f);
	return -1;
}

int
zwy_message_print(const char *message, struct zwy_bytes bytes, enum zwy_form form, char **ret,
		  struct zwy_error *error)
{
	struct fault f = {0};
	struct buf out = {0};
	struct slice s = slice_make(bytes.data, bytes.size);
	const struct message_desc *m = find(message, &f);
	int r = f.code;
	if (m)
		r = form == ZWY_TEXT ? text_print(&out, m, s)
				     : json_print(&out, m, s, form == ZWY_JSON_LINE ? JSON_ONE_LINE : 0);
	if (finish(r, &out, &f, error) != 0)
		return -1;
	*ret = out.p;
	return 0;
}

int
zwy_message_parse(const char *message, struct zwy_bytes text, enum zwy_form form, struct zwy_bytes *ret,
		  struct zwy_error *error)
{
	struct fault f = {0};
	struct buf out = {0};
	struct text_place place = {0};
	struct slice s = slice_make(text.data, text.size);
	const struct message_desc *m = find(message, &f);
	int r = f.code;
	if (m)
		r = form == ZWY_TEXT ? text_parse(&out, m, s, 0, &place, &f) : json_parse(&out, m, s, &f);
	if (finish(r, &out, &f, error) != 0)
		return -1;
	*ret = (struct zwy_bytes){out.p, out.n - 1};
	return 0;
}
