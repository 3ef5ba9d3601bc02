#include "request.h"

#include "wire.h"

/* The fields of every CreateXRequest and UpdateXRequest. */
enum { CREATE_RECORD = 2, CREATE_REQUEST_ID = 3, CREATE_SUBMIT = 5 };
enum { UPDATE_RECORD = 1, UPDATE_REQUEST_ID = 3, UPDATE_ALLOW_MISSING = 4 };

const struct method_desc *
request_message(struct buf *out, const struct kind_desc *kind, struct slice record, const char *request_id)
{
	bool application = kind->kind == KIND_APPLICATION;
	const struct method_desc *update = application ? NULL : method_of(kind->kind, VERB_UPDATE);
	const struct method_desc *method = update ? update : method_of(kind->kind, VERB_CREATE);
	if (!method)
		return NULL;
	wire_put_bytes(out, update ? UPDATE_RECORD : CREATE_RECORD, record);
	wire_put_string(out, update ? UPDATE_REQUEST_ID : CREATE_REQUEST_ID, slice_of(request_id));
	if (update || application)
		wire_put_uint(out, update ? UPDATE_ALLOW_MISSING : CREATE_SUBMIT, 1);
	return method;
}
