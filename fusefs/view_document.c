/* Documents of an application: the body under its own name beside the record's
 * fields, and the sums of all of them. */
#include <errno.h>
#include <stdio.h>

#include "json.h"
#include "record.h"
#include "text.h"
#include "view.h"
#include "wire.h"
#include "zwy/v1/document.pb.h"

/* As sha256sum prints them, relative to documents/: sha256sum -c SHA256SUMS. */
static void
sums(struct view_task *t, struct buf *out)
{
	const struct ask *a = view_answer(t, NEED_DOCUMENTS);
	struct slice list = a ? buf_slice(&a->answer) : (struct slice){0};
	struct wire_field w;
	while (wire_next(&list, &w) == 1) {
		if (w.number != zwy_v1_ListDocumentsResponse_items_tag || w.type != WIRE_LEN)
			continue;
		buf_append_slice(out, wire_string(w.bytes, zwy_v1_Document_sha256_tag));
		buf_append_str(out, "  ");
		buf_append_slice(out, last_part(wire_string(w.bytes, zwy_v1_Document_name_tag)));
		buf_append_char(out, '/');
		append_clean(out, last_part(wire_string(w.bytes, zwy_v1_Document_filename_tag)));
		buf_append_char(out, '\n');
	}
}

static int
part_of_document(const struct place *p, struct slice document, struct buf *out)
{
	struct part part;
	if (slice_is(p->rest, "record"))
		return text_print(out, p->message, document) < 0 ? EIO : 0;
	if (slice_is(p->rest, "record.json"))
		return json_print(out, p->message, document, 0) < 0 ? EIO : 0;
	if (slice_is(p->rest, "record.env")) {
		record_env(p->message, document, out);
		return 0;
	}
	if (record_find(&part, p->message, document, p->rest) < 0 || part_is_directory(&part))
		return ENOENT;
	return record_value(&part, out) < 0 ? EIO : 0;
}

int
view_document(struct view_task *t, struct content *c)
{
	if (t->place.view == VIEW_SUMS) {
		sums(t, &c->bytes);
		return 0;
	}
	const struct ask *a = view_answer(t, NEED_RECORD), *body = view_answer(t, NEED_BODY);
	struct slice document = a ? buf_slice(&a->answer) : (struct slice){0};
	if (!slice_equal(last_part(wire_string(document, zwy_v1_Document_filename_tag)), t->place.rest))
		return part_of_document(&t->place, document, &c->bytes);
	c->mode = 0644;
	if (body) {
		buf_append_slice(&c->bytes, buf_slice(&body->answer));
		return 0;
	}
	c->partial = true;
	c->size = wire_uint(document, zwy_v1_Document_size_tag);
	return 0;
}
