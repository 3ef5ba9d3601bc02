/* What waits for the caller: a walk over the open cases that the caller may see, of every kind that
 * has actions. Which roles a state waits for is known from its name, so that of most cases no more
 * is read than that. */
#include "rules/process.h"
#include "rules/registers.h"
#include "server.h"
#include "services/explain.h"
#include "wire.h"

struct inbox {
	struct server *server;
	const struct actor *actor;
	const char *node; /* outside it nothing waits for the actor; NULL: for a department something may */
	struct list_request asked;
	struct buf after;
	struct buf reply, last;
	size_t found, explained, seen;
	bool full; /* the page; more may follow */
};

static const struct field_desc *
open_field(const struct kind_desc *kind)
{
	return kind->workflow ? field_by_name(kind->message, SLICE("open")) : NULL;
}

/* Roles for which a record of that kind waits at most, by its state. */
static unsigned
roles_waited_for(const struct kind_desc *kind, struct slice body)
{
	char state[64] = "";
	struct slice text = wire_string(body, zwy_v1_Application_state_tag);
	if (text.n >= sizeof(state))
		return ~0u;
	memcpy(state, text.p, text.n);
	if (kind->kind != KIND_APPLICATION)
		return register_waits(kind->kind, state);
	const struct process *p =
		process_of((zwy_v1_ApplicationKind)wire_uint(body, zwy_v1_Application_kind_tag));
	const struct state *s = p ? process_state(p, state) : NULL;
	return s ? s->roles : 0;
}

static int
put_entry(struct inbox *in, struct explaining *e, const struct record *record)
{
	struct slice explained = message_encode(&e->messages, zwy_v1_ExplainResponse_fields, &e->reply);
	struct buf name = {0}, entry = {0};
	int rc = name_of_key(&name, record->key);
	wire_put_string(&entry, zwy_v1_InboxEntry_name_tag, buf_slice(&name));
	wire_put_bytes(&entry, zwy_v1_InboxEntry_explanation_tag, explained);
	wire_put_bytes(&in->reply, LIST_ITEMS, buf_slice(&entry));
	rc = rc || explained.p ? rc : ERR_NO_MEMORY;
	rc = rc ? rc : entry.error;
	buf_release(&name);
	buf_release(&entry);
	in->found++;
	return rc;
}

static int
look_at(struct inbox *in, const struct kind_desc *kind, const struct record *record, struct fault *f)
{
	if (!actor_has(in->actor, roles_waited_for(kind, record->body)))
		return 0;
	struct explaining e = {.server = in->server, .actor = in->actor};
	int rc = explain_found(&e, kind, record, f);
	in->explained++;
	if (rc == 0 && e.reply.waits && (rc = put_entry(in, &e, record)) != 0)
		fault_set(f, rc, "the inbox cannot be read");
	message_list_release(&e.messages);
	return rc;
}

/* One more would be too many: an explanation takes as long as many records of a list. */
static bool
is_full(const struct inbox *in)
{
	const struct settings *settings = &in->server->settings;
	return in->explained >= in->asked.page_size || in->explained >= (size_t)settings->page_size_default ||
	       in->reply.n >= (size_t)settings->page_bytes_max || in->seen >= (size_t)settings->page_scan_max;
}

/* The records among which there may be some that wait; false: there are none. */
static bool
narrow(const struct inbox *in, const struct kind_desc *kind, struct access *access, struct scan_spec *spec)
{
	access_narrow(access, &spec->collection);
	spec->scope = access->scope;
	spec->scope_value = access->value;
	if (in->node && kind->node_field && spec->scope == SCOPE_ALL) {
		spec->scope = SCOPE_NODE;
		spec->scope_value = slice_of(in->node);
	}
	return !access->none && !(in->node && in->node[0] == '\0');
}

static int
walk_kind(struct inbox *in, struct call *c, const struct kind_desc *kind, struct fault *f)
{
	struct access access = access_of(in->actor, kind);
	struct scan_spec spec = {.collection = {.kind = kind},
				 .index = open_field(kind),
				 .index_value = SLICE("true"),
				 .after = buf_slice(&in->after)};
	struct scan scan = {0};
	struct record record;
	size_t before = in->found;
	if (!narrow(in, kind, &access, &spec))
		return 0;
	int rc = scan_open(&scan, server_reader(in->server), &spec);
	while (rc == 0 && (rc = scan_next(&scan, &record)) == 1) {
		rc = 0;
		if ((in->full = is_full(in)))
			break;
		in->seen++;
		buf_clear(&in->last);
		buf_append_slice(&in->last, record.key);
		if (access_allows(&access, record.department, record.node))
			rc = look_at(in, kind, &record, f);
	}
	scan_close(&scan);
	if (rc == 0 && in->last.error)
		rc = ERR_NO_MEMORY;
	if (rc == 0 && in->found > before)
		access_remember(c, in->actor, slice_of(kind->collection));
	return rc && !f->code ? fault_set(f, rc, "the inbox cannot be read") : rc;
}

/* Whatever makes an entry come, go or read otherwise. */
static void
put_validity(struct inbox *in)
{
	const unsigned others = RULEBOOK_KINDS | KIND_BIT(KIND_DEPARTMENT) | KIND_BIT(KIND_SYSTEM) |
				KIND_BIT(KIND_RESOURCE) | KIND_BIT(KIND_QUOTA);
	for (size_t i = 0; i < kind_count; i++)
		if (open_field(kind_table[i]) || others & KIND_BIT(kind_table[i]->kind))
			wire_put_string(&in->reply, zwy_v1_ListInboxResponse_depends_on_tag,
					slice_of(kind_table[i]->segments[0].text));
	wire_put_uint(&in->reply, zwy_v1_ListInboxResponse_valid_ms_tag,
		      (uint64_t)explanation_valid_ms(in->server));
}

static int
check_absent(const struct list_request *asked, struct fault *f)
{
	int rc = list_must_be_empty(asked->parent, "parent", "the inbox is the caller's", f);
	if (rc == 0)
		rc = list_must_be_empty(asked->filter, "filter", "what waits for the caller is told", f);
	return rc ? rc
		  : list_must_be_empty(asked->order_by, "order_by", "entries come in the order of names", f);
}

static int
list_inbox(struct inbox *in, struct call *c, struct slice message, struct fault *f)
{
	int rc = caller_identify(c, &in->actor, f);
	if (rc != 0 || (rc = list_request_read(&in->asked, c, message, false, f)) != 0 ||
	    (rc = check_absent(&in->asked, f)) != 0)
		return rc;
	if (in->asked.token.n && (rc = token_read(&in->after, in->server, in->actor, &in->asked, f)) != 0)
		return rc;
	if (!actor_has(in->actor, ROLE_BIT(zwy_v1_ROLE_DU)))
		in->node = in->actor->node;
	/* Keys begin with the kind: those before the token's have ended. */
	for (size_t i = 0; i < kind_count && !in->full; i++)
		if (open_field(kind_table[i]) && (rc = walk_kind(in, c, kind_table[i], f)) != 0)
			return rc;
	if (in->full)
		token_put(&in->reply, in->server, in->actor, &in->asked, buf_slice(&in->last));
	put_validity(in);
	return in->reply.error ? fault_set(f, in->reply.error, "the inbox cannot be read") : 0;
}

static void
list_inbox_message(struct call *c, struct slice message)
{
	struct fault f = {0};
	struct inbox in = {.server = call_server(c)};
	if (list_inbox(&in, c, message, &f) != 0)
		call_finish(c, &f);
	else
		call_reply(c, buf_slice(&in.reply));
	buf_release(&in.reply);
	buf_release(&in.after);
	buf_release(&in.last);
}

const struct call_handler list_inbox_handler = {.message = list_inbox_message};
