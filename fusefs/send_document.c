/* Documents: the body goes to the server in pieces when its file is closed. */
#include <errno.h>
#include <stdio.h>

#include "send.h"
#include "wire.h"
#include "zwy/v1/document.pb.h"

#define PIECE_BYTES (64 << 10)

/* Sends pieces until there is no room or no more. */
void
send_writable(void *ctx, struct zwy_call *call)
{
	struct send *s = ctx;
	struct buf message = {0};
	while (s->sent < s->raw.n) {
		size_t n = s->raw.n - s->sent < PIECE_BYTES ? s->raw.n - s->sent : PIECE_BYTES;
		buf_clear(&message);
		wire_put_bytes(&message, zwy_v1_UploadRequest_chunk_tag,
			       (struct slice){s->raw.p + s->sent, n});
		int r = message.error ? -ENOMEM
				      : zwy_call_send(call, (struct zwy_bytes){message.p, message.n});
		if (r < 0)
			break;
		s->sent += n;
		if (r > 0 && s->sent < s->raw.n)
			break;
	}
	buf_release(&message);
	if (s->sent == s->raw.n) {
		s->sent++; /* once */
		zwy_call_half_close(call);
	}
}

/* Why it was refused stands in the application's `why`; NULL: it was not. */
static void
note_document(struct caller *c, struct slice record, const char *name, const char *refused)
{
	char line[1400], application[160], path[160];
	snprintf(path, sizeof(path), "%.*s", (int)record.n, record.p);
	const char *end = strstr(path, "/documents/");
	snprintf(application, sizeof(application), "%.*s", end ? (int)(end - path) : 0, path);
	snprintf(line, sizeof(line), "document %s: %s", name, refused ? refused : "");
	caller_refused(c, application, refused ? line : NULL);
}

static void
document_settled(struct send *s, const struct zwy_error *error, int eno)
{
	char text[1024];
	if (eno) {
		error_line(error, text, sizeof(text));
		note_document(s->caller, slice_of(s->record), s->name, text);
	} else {
		uint64_t revision = wire_uint(buf_slice(&s->answer), zwy_v1_Document_revision_tag);
		note_document(s->caller, slice_of(s->record), s->name, NULL);
		s->revision = revision;
	}
	send_end(s, eno);
}

void
send_document(struct op *op, struct slice record, const char *filename, struct slice body,
	      void (*done)(struct op *op, int eno))
{
	struct caller *c = op->handle ? op->handle->caller : op->caller;
	/* It is copied, for the file may change meanwhile. */
	bool room = !c->snapshots || c->snapshots + body.n <= op->mount->options.max_bytes;
	struct send *s = room ? send_new(op, done) : NULL;
	struct buf first = {0};
	if (!room)
		note_document(c, record, filename,
			      "too much is open or on its way; close some files, then write it again");
	if (!s) {
		done(op, room ? ENOMEM : EAGAIN);
		return;
	}
	snprintf(s->record, sizeof(s->record), "%.*s", (int)record.n, record.p);
	snprintf(s->name, sizeof(s->name), "%s", filename);
	buf_append_slice(&s->raw, body);
	s->held = s->raw.n;
	s->caller->snapshots += s->held;
	s->settle = document_settled;
	wire_put_string(&first, zwy_v1_UploadRequest_name_tag, record);
	wire_put_string(&first, zwy_v1_UploadRequest_filename_tag, slice_of(filename));
	int eno = first.error || s->raw.error
			  ? ENOMEM
			  : send_start(s, "/zwy.v1.DocumentService/Upload", buf_slice(&first), true);
	buf_release(&first);
	if (eno)
		send_end(s, eno);
	else
		send_writable(s, s->call);
}
