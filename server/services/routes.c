/* Every method of the contract and the handler that serves it: by verb, or by
 * name for the few that have a handler of their own. */
#include "services/service.h"

static const struct call_handler *const verb_handlers[] = {
	[VERB_GET] = &get_handler,       [VERB_LIST] = &list_handler, [VERB_CREATE] = &create_handler,
	[VERB_UPDATE] = &update_handler, [VERB_ACT] = &act_handler,
};

static const struct {
	const char *path;
	const struct call_handler *handler;
} named_handlers[] = {
	{"/zwy.v1.AuditService/GetEvent", &get_event_handler},
	{"/zwy.v1.AuditService/GetHead", &head_handler},
	{"/zwy.v1.AuditService/ListEvents", &list_events_handler},
	{"/zwy.v1.CalendarService/ComputeDeadline", &deadline_handler},
	{"/zwy.v1.DocumentService/Download", &download_handler},
	{"/zwy.v1.DocumentService/Upload", &upload_handler},
	{"/zwy.v1.ImportService/Import", &import_handler},
	{"/zwy.v1.IndexService/ListValues", &list_values_handler},
	{"/zwy.v1.OrganisationService/WhoAmI", &whoami_handler},
	{"/zwy.v1.RuleService/Explain", &explain_handler},
	{"/zwy.v1.RuleService/GetProcess", &get_process_handler},
	{"/zwy.v1.RuleService/ListCoverage", &list_coverage_handler},
	{"/zwy.v1.RuleService/ListInbox", &list_inbox_handler},
	{"/zwy.v1.RuleService/ListProcesses", &list_processes_handler},
	{"/zwy.v1.WatchService/Watch", &watch_handler},
	{"/zwy.v1.WatchService/WatchBatches", &watch_batches_handler},
};

static const struct call_handler *
handler_of(const struct method_desc *m)
{
	if (m->verb != VERB_NONE)
		return verb_handlers[m->verb];
	for (size_t i = 0; i < sizeof(named_handlers) / sizeof(named_handlers[0]); i++)
		if (strcmp(named_handlers[i].path, m->path) == 0)
			return named_handlers[i].handler;
	return NULL;
}

size_t
service_routes(struct arena *arena, size_t more, struct rpc_method **ret)
{
	struct rpc_method *routes = arena_array(arena, method_count + more, sizeof(*routes));
	size_t n = 0;
	for (size_t i = 0; routes && i < method_count; i++) {
		const struct method_desc *m = &method_table[i];
		const struct call_handler *handler = handler_of(m);
		if (handler)
			routes[n++] = (struct rpc_method){
				m->path, m->client_streaming, m->server_streaming, m->request, handler, m, 0};
	}
	*ret = routes;
	return n;
}

const struct method_desc *
service_method(const struct call *c)
{
	return call_method(c)->ctx;
}
