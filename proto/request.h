/* The call that a request file, or `zwy submit`, is: the server gives applications
 * their names, so they are created, and submitted; a record that the request names
 * itself (text_subject) is made, or, where it is there already, changed in the fields
 * that the request gives (AIP-134, allow_missing). Pure; any thread. */
#ifndef ZWY_REQUEST_H
#define ZWY_REQUEST_H

#include "base/buf.h"
#include "descriptor.h"

/* The message of the method that is returned; NULL if records of the kind are not made
 * by a request. out->error says if memory was short. */
const struct method_desc *request_message(struct buf *out, const struct kind_desc *kind, struct slice record,
					  const char *request_id);

#endif
