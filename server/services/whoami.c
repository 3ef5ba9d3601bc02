/* Who the server takes the caller for, and the server's own clock and version. */
#include "server.h"
#include "services/service.h"
#include "wire.h"

static void
whoami_message(struct call *c, struct slice message)
{
	struct server *s = call_server(c);
	struct fault f = {0};
	const struct actor *actor;
	struct name name;
	struct record record;
	struct buf b = {0};
	(void)message; /* WhoAmIRequest has no fields */
	if (caller_identify(c, &actor, &f) != 0 ||
	    name_parse_kind(&name, KIND_PRINCIPAL, slice_of(actor->principal), &f) != 0) {
		call_finish(c, &f);
		return;
	}
	int rc = record_get(server_reader(s), &name, &record);
	if (rc != 0) {
		fault_set(&f, rc, "%s cannot be read", actor->principal);
		call_finish(c, &f);
		return;
	}
	wire_put_bytes(&b, 1, record.body);
	if (strcmp(actor->caller, actor->principal) != 0)
		wire_put_string(&b, 2, slice_of(actor->caller));
	wire_put_time(&b, 3, server_clock_now(&s->clock));
	wire_put_uint(&b, 4, s->clock.file != NULL);
	wire_put_string(&b, 5, slice_of(ZWY_VERSION));
	wire_put_uint(&b, 6, store_head(s->store));
	call_reply(c, buf_slice(&b));
	buf_release(&b);
}

const struct call_handler whoami_handler = {.message = whoami_message};
