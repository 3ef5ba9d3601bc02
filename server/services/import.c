/* ImportService: many records in one step, all or nothing. */
#include <stdlib.h>

#include "server.h"
#include "services/records.h"
#include "services/service.h"
#include "wire.h"

enum { REQUEST_COLLECTION = 1, REQUEST_ID = 2, REQUEST_RECORDS = 3, REQUEST_MASK = 4 };
enum { REPLY_CREATED = 1, REPLY_UPDATED = 2, REPLY_UNCHANGED = 3, REPLY_REVISION = 4 };

struct import {
	struct job *job;
	const struct kind_desc *kind;
	bool masked;
	struct slice mask;
	struct buf records; /* the REQUEST_RECORDS fields as they came */
};

/* Says which record it is: in the text, and in the field that each defect names. */
static void
place_fault(struct fault *f, size_t row, struct slice name)
{
	if (f->item_count == 0)
		fault_add(f, f->code, "", "%s", f->text);
	for (size_t i = 0; i < f->item_count; i++) {
		char field[sizeof(f->items[i].field)];
		int n = snprintf(field, sizeof(field), "records.%zu%s", row, f->items[i].field[0] ? "." : "");
		snprintf(field + n, sizeof(field) - (size_t)n, "%s", f->items[i].field);
		memcpy(f->items[i].field, field, sizeof(field));
	}
	fault_prefix(f, "record %zu (%.*s)", row, (int)name.n, name.p);
}

static int
decide_one(struct import *im, struct txn *t, const struct rulebook *book, struct slice record, size_t row)
{
	struct fault *f = &im->job->command.fault;
	enum put_outcome outcome;
	struct put_request request = {
		.kind = im->kind,
		.name = wire_string(record, 1),
	};
	int rc = wire_check(im->kind->message, record, WIRE_LIMITS_DEFAULT, f);
	if (rc == 0)
		rc = job_input(im->job, im->kind->message, record, &request.record);
	if (rc == 0 && im->masked)
		rc = field_mask_read(&request.mask, im->kind->message, im->mask, record, f);
	else
		field_mask_all(&request.mask, im->kind->message);
	if (rc == 0)
		rc = record_decide(im->job, t, book, &request, "import", &outcome);
	if (rc != 0)
		place_fault(f, row, request.name);
	else
		im->job->counts[outcome]++;
	return rc;
}

static int
decide_import(struct job *j, struct txn *t, const struct rulebook *book)
{
	struct import *im = j->request;
	struct slice rest = buf_slice(&im->records);
	struct wire_field field;
	int rc = 0;
	for (size_t row = 1; rc == 0 && wire_next(&rest, &field) == 1; row++)
		rc = decide_one(im, t, book, field.bytes, row);
	j->result = (struct slice){im->kind->collection, strlen(im->kind->collection)};
	return rc;
}

static void
reply_import(struct job *j, struct call *c)
{
	struct buf b = {0};
	wire_put_uint(&b, REPLY_CREATED, j->counts[PUT_CREATED]);
	wire_put_uint(&b, REPLY_UPDATED, j->counts[PUT_UPDATED]);
	wire_put_uint(&b, REPLY_UNCHANGED, j->counts[PUT_UNCHANGED]);
	wire_put_uint(&b, REPLY_REVISION, j->command.revision);
	call_reply(c, buf_slice(&b));
	buf_release(&b);
}

static void
import_free(struct job *j)
{
	struct import *im = j->request;
	buf_release(&im->records);
	free(im);
}

static void
refuse(struct call *c, const struct fault *f)
{
	struct import *im = call_user(c);
	call_set_user(c, NULL);
	if (im) {
		struct job *j = im->job;
		import_free(j);
		job_free(j);
	}
	call_finish(c, f);
}

static void
import_start(struct call *c)
{
	struct server *s = call_server(c);
	struct fault f = {0};
	const struct actor *actor;
	if (caller_identify(c, &actor, &f) != 0) {
		call_finish(c, &f);
		return;
	}
	struct import *im = calloc(1, sizeof(*im));
	struct job *j = im ? job_of_call(c, actor) : NULL;
	if (!j) {
		free(im);
		fault_set(&f, ERR_NO_MEMORY, "out of memory");
		call_finish(c, &f);
		return;
	}
	buf_init(&im->records, (size_t)s->settings.import_max);
	im->job = j;
	j->request = im;
	j->decide = decide_import;
	j->reply = reply_import;
	j->finished = import_free;
	call_set_user(c, im);
}

static int
read_first(struct import *im, struct slice message, struct fault *f)
{
	struct slice collection = wire_string(message, REQUEST_COLLECTION);
	struct wire_field mask;
	const struct kind_desc *kind = kind_by_collection(collection);
	if (!kind || !record_kind_of(kind->kind))
		return fault_add(
			f, ERR_INVALID_FIELD, "collection",
			"collection: \"%.*s\" cannot be imported; departments, systems, quotas, "
			"principals, delegations, catalogue, nodes, calendar, parameters, exemptions, "
			"legacy-clouds, exchanges, forecasts and guidance can",
			(int)collection.n, collection.p);
	im->kind = kind;
	im->masked = wire_find(message, REQUEST_MASK, &mask);
	if (im->masked)
		im->mask = arena_copy(&im->job->messages.arena, mask.bytes);
	im->job->request_id = arena_copy(&im->job->messages.arena, wire_string(message, REQUEST_ID));
	return 0;
}

static void
import_message(struct call *c, struct slice message)
{
	struct import *im = call_user(c);
	struct fault f = {0};
	struct wire_field field;
	if (!im)
		return;
	if (!im->kind && read_first(im, message, &f) != 0) {
		refuse(c, &f);
		return;
	}
	while (wire_next(&message, &field) == 1)
		if (field.number == REQUEST_RECORDS)
			buf_append_slice(&im->records, field.raw);
	if (im->records.error) {
		fault_set(&f, im->records.error,
			  "the import is larger than import_max, %zu bytes; send it in several requests",
			  im->records.max);
		refuse(c, &f);
	}
}

static void
import_half_close(struct call *c)
{
	struct import *im = call_user(c);
	struct fault f = {0};
	if (!im)
		return;
	if (!im->kind) {
		fault_add(&f, ERR_FIELD_MISSING, "collection",
			  "the first message has to name the collection");
		refuse(c, &f);
		return;
	}
	call_set_user(c, NULL); /* the job's from here on */
	im->job->asked = buf_slice(&im->records);
	job_submit(im->job);
}

static void
import_closed(struct call *c)
{
	struct import *im = call_user(c);
	if (!im)
		return;
	struct job *j = im->job;
	import_free(j);
	job_free(j);
}

const struct call_handler import_handler = {
	.start = import_start,
	.message = import_message,
	.half_close = import_half_close,
	.closed = import_closed,
};
