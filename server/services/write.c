/* Create and Update of every kind. */
#include "server.h"
#include "services/application.h"
#include "services/records.h"
#include "services/service.h"
#include "wire.h"

/* CreateXRequest: parent=1, x=2, request_id=3, validate_only=4, submit=5 (applications).
 * UpdateXRequest: x=1, update_mask=2, request_id=3, allow_missing=4 (not of applications). */
enum { CREATE_RECORD = 2, CREATE_REQUEST_ID = 3, CREATE_VALIDATE_ONLY = 4, CREATE_SUBMIT = 5 };
enum { UPDATE_RECORD = 1, UPDATE_MASK = 2, UPDATE_REQUEST_ID = 3, UPDATE_ALLOW_MISSING = 4 };
enum { RECORD_NAME = 1 };

static int
decide_record(struct job *j, struct txn *t, const struct rulebook *book)
{
	const struct put_request *request = j->request;
	enum put_outcome outcome;
	return record_decide(j, t, book, request, request->create ? "create" : "update", &outcome);
}

static int
read_put(struct job *j, struct call *c, struct slice message, bool create, struct put_request *ret)
{
	const struct method_desc *method = service_method(c);
	struct fault *f = &j->command.fault;
	struct slice whole = arena_copy(&j->messages.arena, message);
	*ret = (struct put_request){
		.kind = method->kind,
		.record = wire_string(whole, create ? CREATE_RECORD : UPDATE_RECORD),
		.create = create,
		.update = !create && !wire_uint(whole, UPDATE_ALLOW_MISSING),
		.submit = create && wire_uint(whole, CREATE_SUBMIT),
	};
	ret->name = wire_string(ret->record, RECORD_NAME);
	j->asked = whole;
	j->asked_desc = method->request;
	j->request_id = wire_string(whole, create ? CREATE_REQUEST_ID : UPDATE_REQUEST_ID);
	j->validate_only = create && wire_uint(whole, CREATE_VALIDATE_ONLY);
	int rc = job_input(j, method->kind->message, ret->record, &ret->record);
	if (rc != 0)
		return rc;
	if (!create && (rc = field_mask_read(&ret->mask, method->kind->message,
					     wire_string(whole, UPDATE_MASK), ret->record, f)) != 0)
		return rc;
	/* The server gives an application its name. */
	if (create && method->kind->kind == KIND_APPLICATION)
		return 0;
	struct name name;
	return name_parse_kind(&name, method->kind->kind, ret->name, f);
}

static void
put_message(struct call *c, struct slice message, bool create)
{
	struct fault f = {0};
	const struct actor *actor;
	bool application = service_method(c)->kind->kind == KIND_APPLICATION;
	if (caller_identify(c, &actor, &f) != 0) {
		call_finish(c, &f);
		return;
	}
	struct job *j = job_of_call(c, actor);
	struct put_request *request = j ? arena_alloc(&j->messages.arena, sizeof(*request)) : NULL;
	if (!request) {
		fault_set(&f, ERR_NO_MEMORY, "out of memory");
		call_finish(c, &f);
		job_free(j);
		return;
	}
	if (read_put(j, c, message, create, request) != 0) {
		call_finish(c, &j->command.fault);
		job_free(j);
		return;
	}
	j->request = request;
	j->decide = !application ? decide_record
		    : create     ? application_decide_create
				 : application_decide_update;
	job_submit(j);
}

static void
create_message(struct call *c, struct slice message)
{
	put_message(c, message, true);
}

static void
update_message(struct call *c, struct slice message)
{
	put_message(c, message, false);
}

const struct call_handler create_handler = {.message = create_message};
const struct call_handler update_handler = {.message = update_message};
