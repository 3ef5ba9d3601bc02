#include "services/records.h"

#include "rules/records.h"
#include "services/ledger.h"
#include "services/overlay.h"
#include "services/registers.h"
#include "wire.h"

/* One put under judgement. The judges below only gather what their rule needs. */
struct judging {
	struct job *job;
	struct reader *reader;
	struct txn *txn;
	const struct rulebook *book;
	struct fault *fault;
	const char *name;
	const void *before; /* NULL: a new record */
	const void *asked;
	void *ret; /* as it shall be */
	/* For the event; NULL: none, the kind's. */
	const char *comment, *article;
};

struct record_kind {
	enum kind kind;
	const pb_msgdesc_t *fields;
	size_t size;
	int (*judge)(struct judging *g);
};

static struct arena *
arena_of(struct judging *g)
{
	return &g->job->messages.arena;
}

/* A record that a rule wants to know of; NULL where there is none. */
static void *
look_up(struct judging *g, const char *collection, const char *slug, const pb_msgdesc_t *fields, size_t size)
{
	struct name name;
	struct record record;
	char *text = arena_printf(arena_of(g), "%s/%s", collection, slug_of(slug).n ? slug_of(slug).p : "");
	if (!text || name_parse(&name, slice_of(text), NULL) != 0 ||
	    record_get(g->reader, &name, &record) != 0)
		return NULL;
	return message_decode(&g->job->messages, fields, size, record.body, g->fault);
}

static const zwy_v1_Department *
department_of(struct judging *g, const char *slug)
{
	return look_up(g, "departments", slug, zwy_v1_Department_fields, sizeof(zwy_v1_Department));
}

static int
judge_department(struct judging *g)
{
	return department_rule(&g->job->actor, g->before, g->asked, g->book->nodes, g->book->node_count,
			       arena_of(g), g->ret, g->fault);
}

static int
judge_system(struct judging *g)
{
	const zwy_v1_System *asked = g->asked;
	return system_rule(&g->job->actor, g->before, asked, department_of(g, asked->department), arena_of(g),
			   g->ret, g->fault);
}

static int
judge_quota(struct judging *g)
{
	struct name name;
	if (name_parse_kind(&name, KIND_QUOTA, slice_of(g->name), g->fault) != 0)
		return g->fault->code;
	struct quota_facts facts = {
		.department = department_of(g, arena_dup_slice(arena_of(g), name.vars[0])),
		.service = rulebook_service(g->book, name.vars[1]),
		.parameters = &g->book->parameters,
	};
	if (facts.department)
		facts.node = rulebook_node(g->book, slice_of(facts.department->node));
	int rc = quota_rule(&g->job->actor, g->before, g->asked, &facts, arena_of(g), g->ret, g->fault);
	zwy_v1_LedgerEntry entry;
	if (rc != 0 || !g->before || g->job->validate_only ||
	    !quota_adjustment(&g->job->actor, g->before, g->ret, arena_of(g), &entry, &g->comment))
		return rc;
	return ledger_put(g->job, g->txn, g->name, &entry);
}

/* The principal that has a user id already, or NULL. */
static const char *
uid_owner(struct judging *g, uint32_t uid)
{
	struct scan_spec spec = {0};
	struct scan scan;
	struct record record;
	const char *owner = NULL;
	char *text = arena_printf(arena_of(g), "%u", (unsigned)uid);
	if (!text || name_parse_collection(&spec.collection, SLICE("principals"), NULL) != 0)
		return NULL;
	spec.index = field_by_name(spec.collection.kind->message, SLICE("uids"));
	spec.index_value = slice_of(text);
	if (scan_open(&scan, g->reader, &spec) != 0)
		return NULL;
	if (scan_next(&scan, &record) == 1)
		owner = arena_dup_slice(arena_of(g), wire_string(record.body, 1));
	scan_close(&scan);
	return owner;
}

static int
judge_principal(struct judging *g)
{
	const zwy_v1_Principal *asked = g->asked;
	const char **owners = arena_array(arena_of(g), asked->uids_count, sizeof(*owners));
	for (size_t i = 0; owners && i < asked->uids_count; i++)
		owners[i] = uid_owner(g, asked->uids[i]);
	return principal_rule(&g->job->actor, g->before, asked, owners, arena_of(g), g->ret, g->fault);
}

static int
judge_delegation(struct judging *g)
{
	return delegation_rule(&g->job->actor, g->before, g->asked, arena_of(g), g->ret, g->fault);
}

/* Whether the rule's result is what is stored already. */
static bool
is_unchanged(struct judging *g, const pb_msgdesc_t *fields)
{
	if (!g->before)
		return false;
	struct slice a = message_encode_body(&g->job->messages, fields, g->before);
	struct slice b = message_encode_body(&g->job->messages, fields, g->ret);
	return slice_equal(a, b);
}

/* What changes nothing else publishes no version either. */
static int
judge_service(struct judging *g)
{
	const zwy_v1_Service *before = g->before;
	zwy_v1_Service *service = g->ret;
	uint32_t next = g->book->catalogue_version + 1;
	int rc = service_rule(&g->job->actor, before, g->asked, next, arena_of(g), service, g->fault);
	if (rc != 0 || !before)
		return rc;
	service->catalogue_version = before->catalogue_version;
	if (!is_unchanged(g, zwy_v1_Service_fields))
		service->catalogue_version = next;
	return 0;
}

/* A service as published is kept beside its newest form, for what was applied for under it. */
static int
put_version(struct judging *g)
{
	const zwy_v1_Service *service = g->ret;
	zwy_v1_ServiceVersion version = zwy_v1_ServiceVersion_init_zero;
	version.has_service = true;
	version.service = *service;
	char *name =
		arena_printf(arena_of(g), "%s/versions/%u", g->name, (unsigned)service->catalogue_version);
	if (!name)
		return fault_set(g->fault, ERR_NO_MEMORY, "out of memory");
	return JOB_PUT(g->job, name, zwy_v1_ServiceVersion, &version) ? 0 : g->fault->code;
}

static int
judge_node(struct judging *g)
{
	const zwy_v1_Node *asked = g->asked;
	return node_rule(&g->job->actor, g->before, asked, department_of(g, asked->competent_authority),
			 department_of(g, asked->operator), g->book->nodes, g->book->node_count, arena_of(g),
			 g->ret, g->fault);
}

static int
judge_calendar(struct judging *g)
{
	return calendar_rule(&g->job->actor, g->before, g->asked, arena_of(g), g->ret, g->fault);
}

static struct rules_change
next_change(const struct judging *g)
{
	return (struct rules_change){.version = g->book->rules_version + 1, .now = g->job->now};
}

static int
judge_parameter(struct judging *g)
{
	const zwy_v1_Parameter *before = g->before, *ret = g->ret;
	int rc = parameter_rule(&g->job->actor, before, g->asked, next_change(g), arena_of(g), g->ret,
				g->fault);
	if (rc != 0 || !before || ret->changes_count == before->changes_count)
		return rc;
	g->comment = parameter_change_text(&ret->changes[ret->changes_count - 1], arena_of(g));
	g->article = ret->article;
	return g->job->validate_only ? 0 : overlays_follow(g->job, g->book, ret);
}

static int
judge_overlay(struct judging *g)
{
	struct name name;
	if (name_parse_kind(&name, KIND_NODE_PARAMETER, slice_of(g->name), g->fault) != 0)
		return g->fault->code;
	const struct parameter_desc *desc = parameter_find(slug_of(g->name).p);
	const struct overlay_facts facts = {
		.node = rulebook_node(g->book, name.vars[0]),
		.province = desc ? g->book->province[desc - parameter_table] : NULL,
		.parameters = &g->book->parameters,
		.change = next_change(g),
	};
	const zwy_v1_NodeParameter *before = g->before, *ret = g->ret;
	int rc = overlay_rule(&g->job->actor, before, g->asked, &facts, arena_of(g), g->ret, g->fault);
	if (rc == 0 && ret->changes_count > (before ? before->changes_count : 0))
		g->comment = parameter_change_text(&ret->changes[ret->changes_count - 1], arena_of(g));
	return rc;
}

static const zwy_v1_System *
system_of(struct judging *g, const char *slug)
{
	return look_up(g, "systems", slug, zwy_v1_System_fields, sizeof(zwy_v1_System));
}

static struct scope_facts
scope_facts_of(struct judging *g)
{
	return (struct scope_facts){.actor = &g->job->actor, .now = g->job->now};
}

static int
judge_exemption(struct judging *g)
{
	const zwy_v1_Exemption *asked = g->asked;
	struct scope_facts facts = scope_facts_of(g);
	facts.system = system_of(g, asked->system);
	if (facts.system && facts.system->exemption && facts.system->exemption[0])
		facts.earlier = look_up(g, "exemptions", facts.system->exemption, zwy_v1_Exemption_fields,
					sizeof(zwy_v1_Exemption));
	return exemption_rule(&facts, g->before, asked, arena_of(g), g->ret, g->fault);
}

static int
judge_legacy_cloud(struct judging *g)
{
	const zwy_v1_LegacyCloud *asked = g->asked;
	struct scope_facts facts = scope_facts_of(g);
	facts.department = department_of(g, asked->department);
	if (facts.department)
		facts.node = rulebook_node(g->book, slice_of(facts.department->node));
	return legacy_cloud_rule(&facts, g->before, asked, arena_of(g), g->ret, g->fault);
}

static int
judge_exchange(struct judging *g)
{
	const zwy_v1_Exchange *asked = g->asked;
	struct scope_facts facts = scope_facts_of(g);
	facts.system = system_of(g, asked->from_system);
	facts.to_system = system_of(g, asked->to_system);
	return exchange_rule(&facts, g->before, asked, arena_of(g), g->ret, g->fault);
}

static int
judge_forecast(struct judging *g)
{
	struct name name;
	struct scope_facts facts = scope_facts_of(g);
	const struct services services = {g->book->services, g->book->service_count};
	if (name_parse_kind(&name, KIND_FORECAST, slice_of(g->name), g->fault) != 0)
		return g->fault->code;
	facts.services = &services;
	facts.department = department_of(g, arena_dup_slice(arena_of(g), name.vars[0]));
	if (facts.department)
		facts.node = rulebook_node(g->book, slice_of(facts.department->node));
	return forecast_rule(&facts, g->before, g->asked, arena_of(g), g->ret, g->fault);
}

/* The record that a note is about lies where its envelope says. */
static int
judge_guidance(struct judging *g)
{
	const zwy_v1_Guidance *asked = g->asked;
	struct scope_facts facts = scope_facts_of(g);
	struct name name;
	struct record record;
	if (name_parse(&name, slice_of(asked->about), NULL) == 0 &&
	    record_get(g->reader, &name, &record) == 0) {
		facts.node = rulebook_node(g->book, record.node);
		facts.about_department = arena_dup_slice(arena_of(g), record.department);
	}
	return guidance_rule(&facts, g->before, asked, arena_of(g), g->ret, g->fault);
}

static const struct record_kind record_kinds[] = {
#define RECORD_KIND(kind, message, judge) {kind, message##_fields, sizeof(message), judge},
#include "services/kinds.def"
#undef RECORD_KIND
};

const struct record_kind *
record_kind_of(enum kind kind)
{
	for (size_t i = 0; i < sizeof(record_kinds) / sizeof(record_kinds[0]); i++)
		if (record_kinds[i].kind == kind)
			return &record_kinds[i];
	return NULL;
}

/* The record as asked, its name first, with what a mask leaves as it was. */
static struct slice
asked_bytes(struct judging *g, const struct put_request *request, struct slice before)
{
	struct field_mask whole = {0};
	struct buf head = {0};
	field_mask_all(&whole, request->kind->message);
	wire_put_string(&head, 1, slice_of(g->name));
	struct slice base = before.n ? before : arena_copy(arena_of(g), buf_slice(&head));
	buf_release(&head);
	return merge_records(arena_of(g), base, request->record, before.n ? &request->mask : &whole);
}

static int
check_existence(const struct put_request *request, const char *name, int found, struct fault *f)
{
	if (found != 0 && found != ERR_NOT_FOUND)
		return fault_set(f, found, "%s cannot be read", name);
	if (request->create && found == 0)
		return fault_set(f, ERR_ALREADY_EXISTS, "%s is there already; update it instead", name);
	if (request->update && found != 0)
		return fault_set(f, ERR_NOT_FOUND, "there is no %s; create it first", name);
	return 0;
}

static int
judge(struct judging *g, const struct record_kind *row, const struct put_request *request)
{
	struct name name;
	struct record record = {0};
	int rc = name_parse_kind(&name, row->kind, slice_of(g->name), g->fault);
	if (rc != 0)
		return rc;
	rc = record_get(g->reader, &name, &record);
	int refused = check_existence(request, g->name, rc, g->fault);
	if (refused)
		return refused;
	if (rc == 0)
		g->before = message_decode(&g->job->messages, row->fields, row->size, record.body, g->fault);
	g->asked = message_decode(&g->job->messages, row->fields, row->size,
				  asked_bytes(g, request, rc == 0 ? record.body : (struct slice){NULL, 0}),
				  g->fault);
	g->ret = arena_alloc(arena_of(g), row->size);
	if (g->fault->code || !g->ret)
		return g->fault->code ? g->fault->code : fault_set(g->fault, ERR_NO_MEMORY, "out of memory");
	rc = row->judge(g);
	const struct register_desc *reg = register_find(row->kind);
	if (rc == 0 && reg)
		register_mark(reg, g->ret);
	return rc;
}

int
record_decide(struct job *j, struct txn *t, const struct rulebook *book, const struct put_request *request,
	      const char *event_kind, enum put_outcome *ret)
{
	const struct record_kind *row = record_kind_of(request->kind->kind);
	struct judging g = {
		.job = j,
		.reader = txn_reader(t),
		.txn = t,
		.book = book,
		.fault = &j->command.fault,
		.name = arena_dup_slice(&j->messages.arena, request->name),
	};
	if (!g.name)
		return fault_set(g.fault, ERR_NO_MEMORY, "out of memory");
	j->result = slice_of(g.name);
	int rc = judge(&g, row, request);
	if (rc != 0)
		return rc;
	*ret = !g.before ? PUT_CREATED : is_unchanged(&g, row->fields) ? PUT_UNCHANGED : PUT_UPDATED;
	if (*ret == PUT_UNCHANGED)
		return 0;
	if (j->validate_only)
		j->preview = message_encode(&j->messages, row->fields, g.ret);
	const struct put *put = job_put(j, g.name, row->fields, g.ret);
	struct job_event e = {.kind = event_kind,
			      .action = g.before ? "update" : "create",
			      .article = g.article ? g.article : request->kind->article,
			      .comment = g.comment};
	if (!put)
		return g.fault->code;
	if (row->kind == KIND_SERVICE && (rc = put_version(&g)) != 0)
		return rc;
	const struct register_desc *reg = register_find(row->kind);
	if (reg && (rc = register_put_linked(j, g.reader, reg, g.ret)) != 0)
		return rc;
	if (reg) {
		e.from_state = g.before ? register_state_of(reg, g.before) : "";
		e.to_state = register_state_of(reg, g.ret);
	}
	return job_event(j, put, &e);
}
