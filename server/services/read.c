/* Get and List of every kind: authority is checked on the envelope, the stored
 * bytes are the reply. */
#include "server.h"
#include "filter.h"
#include "services/service.h"
#include "wire.h"

enum { LIST_READ_MASK = 6, RECORD_NAME = 1 };

int
list_request_read(struct list_request *ret, const struct call *c, struct slice message, bool small,
		  struct fault *f)
{
	const struct server *s = call_server(c);
	int64_t most = small ? s->settings.page_scan_max : s->settings.page_size_max;
	int64_t size = (int32_t)wire_uint(message, 2);
	*ret = (struct list_request){
		.parent = wire_string(message, 1),
		.token = wire_string(message, 3),
		.filter = wire_string(message, 4),
		.order_by = wire_string(message, 5),
		.path = call_method(c)->path,
	};
	if (size < 0)
		return fault_add(f, ERR_INVALID_FIELD, "page_size",
				 "page_size: %lld is negative; 0 asks for the default", (long long)size);
	if (size == 0)
		size = s->settings.page_size_default;
	ret->page_size = (size_t)(size < most ? size : most);
	return 0;
}

int
list_must_be_empty(struct slice value, const char *parameter, const char *why, struct fault *f)
{
	return value.n ? fault_add(f, ERR_INVALID_FIELD, parameter, "%s: must be empty; %s", parameter, why)
		       : 0;
}

int
list_mask_read(bool *ret_names, struct slice message, struct fault *f)
{
	struct wire_field mask = {0}, path, more;
	*ret_names = false;
	if (!wire_find(message, LIST_READ_MASK, &mask) || wire_next(&mask.bytes, &path) != 1)
		return 0;
	*ret_names = slice_is(path.bytes, "name");
	if ((*ret_names || slice_is(path.bytes, "*")) && wire_next(&mask.bytes, &more) == 0)
		return 0;
	return fault_add(f, ERR_INVALID_FIELD, "read_mask",
			 "read_mask: allowed are \"name\" alone, for names, and \"*\" or none, for whole "
			 "records");
}

/* ---- Get ---- */

static int
get(struct call *c, struct slice message, struct record *ret, struct fault *f)
{
	struct server *s = call_server(c);
	const struct kind_desc *kind = service_method(c)->kind;
	struct slice text = wire_string(message, 1);
	const struct actor *actor;
	struct name name;
	int rc = caller_identify(c, &actor, f);
	if (rc != 0)
		return rc;
	if ((rc = name_parse_kind(&name, kind->kind, text, f)) != 0)
		return rc;
	struct access access = access_of(actor, kind);
	rc = record_get(server_reader(s), &name, ret);
	if (rc != 0 && rc != ERR_NOT_FOUND)
		return fault_set(f, rc, "%.*s cannot be read", (int)text.n, text.p);
	bool own = access.owner.n == 0 || slice_equal(access.owner, name.vars[0]);
	if (rc == 0 && own && access_allows(&access, ret->department, ret->node)) {
		access_remember(c, actor, text);
		return 0;
	}
	if (rc == 0)
		return fault_set(f, ERR_FOREIGN_RECORD, "%.*s is not for %s to read", (int)text.n, text.p,
				 actor->principal);
	return fault_set(f, ERR_NOT_FOUND, "there is no %.*s", (int)text.n, text.p);
}

static void
get_message(struct call *c, struct slice message)
{
	struct fault f;
	struct record record;
	fault_clear(&f); /* not all of it: its room for texts is larger than most records */
	if (get(c, message, &record, &f) != 0)
		call_finish(c, &f);
	else
		call_reply(c, record.body);
}

const struct call_handler get_handler = {.message = get_message};

/* ---- List ---- */

struct listing {
	struct server *server;
	const struct actor *actor;
	const struct kind_desc *kind;
	struct list_request asked;
	struct filter filter;
	struct access access;
	bool names; /* asked for alone */
	struct scan_spec spec;
	struct buf after;
	struct buf name, item; /* scratch */
	struct buf reply;
};

/* The parent is a name cut at any variable: "", quotas/provincial-finance, applications/A-2026-000001. */
static int
read_parent(struct listing *l, struct fault *f)
{
	struct slice rest = l->asked.parent, part;
	struct name *name = &l->spec.collection;
	name->kind = l->kind;
	for (size_t i = 0; rest.n; i++) {
		if (!slice_cut(&rest, '/', &part)) {
			part = rest;
			rest.n = 0;
		}
		const struct segment_desc *segment = &l->kind->segments[i];
		if (i + 1 >= l->kind->segment_count ||
		    (segment->type == SEGMENT_LITERAL && !slice_is(part, segment->text)))
			return fault_add(f, ERR_INVALID_NAME, "parent",
					 "parent: \"%.*s\" does not begin a name of the form %s",
					 (int)l->asked.parent.n, l->asked.parent.p, l->kind->pattern);
		if (segment->type != SEGMENT_LITERAL)
			name->vars[name->var_count++] = part;
	}
	return 0;
}

static int
read_order(struct listing *l, struct fault *f)
{
	struct slice order = slice_trim(l->asked.order_by);
	l->spec.descending = slice_is(order, "name desc");
	if (order.n == 0 || slice_is(order, "name") || slice_is(order, "name asc") || l->spec.descending)
		return 0;
	return fault_add(f, ERR_INVALID_FIELD, "order_by",
			 "order_by: \"%.*s\" is not possible; allowed are \"name\" and \"name desc\"",
			 (int)order.n, order.p);
}

/* Whether the index can say what the term says, and is made to. By department and node it knows
 * only records that have one, and those that are one by slug and not by name. */
static bool
choose_term(struct scan_spec *spec, const struct kind_desc *kind, const struct filter_term *term)
{
	uint32_t number = term->field->number;
	bool scopes = number == kind->department_field || number == kind->node_field;
	if (term->negated)
		return false;
	if (scopes && spec->scope == SCOPE_ALL && number != RECORD_NAME && term->value.n) {
		spec->scope = number == kind->department_field ? SCOPE_DEPARTMENT : SCOPE_NODE;
		spec->scope_value = term->value;
		return true;
	}
	if (spec->index || !(term->field->flags & FIELD_INDEXED))
		return false;
	spec->index = term->field;
	spec->index_value = term->value;
	return true;
}

/* Chooses the narrowest index: the caller's scope, a department or node that the
 * filter names, and one indexed field. The filter is applied to what comes out. Where
 * the index says all that the filter does, names need no look at the records. */
static void
choose_index(struct listing *l)
{
	size_t chosen = 0;
	access_narrow(&l->access, &l->spec.collection);
	l->spec.scope = l->access.scope;
	l->spec.scope_value = l->access.value;
	for (size_t i = 0; i < l->filter.count; i++)
		chosen += choose_term(&l->spec, l->kind, &l->filter.terms[i]);
	l->spec.keys_only = l->names && chosen == l->filter.count;
}

static int
list_prepare(struct listing *l, struct call *c, struct slice message, struct fault *f)
{
	struct server *s = l->server;
	int rc = caller_identify(c, &l->actor, f);
	if (rc != 0)
		return rc;
	l->access = access_of(l->actor, l->kind);
	if ((rc = list_mask_read(&l->names, message, f)) != 0 ||
	    (rc = list_request_read(&l->asked, c, message, l->names, f)) != 0 ||
	    (rc = read_parent(l, f)) != 0 || (rc = read_order(l, f)) != 0 ||
	    (rc = filter_parse(&l->filter, l->kind->message, l->asked.filter, f)) != 0)
		return rc;
	if (l->asked.token.n && (rc = token_read(&l->after, s, l->actor, &l->asked, f)) != 0)
		return rc;
	l->spec.after = buf_slice(&l->after);
	choose_index(l);
	return 0;
}

/* Whether the record is one of those asked for. Where the index has decided, it is. */
static bool
list_shows(const struct listing *l, const struct record *r)
{
	return l->spec.keys_only ||
	       (access_allows(&l->access, r->department, r->node) && filter_match(&l->filter, r->body));
}

static int
put_item(struct listing *l, const struct record *r)
{
	if (!l->names) {
		wire_put_bytes(&l->reply, LIST_ITEMS, r->body);
		return 0;
	}
	buf_clear(&l->name);
	buf_clear(&l->item);
	int rc = name_of_key(&l->name, r->key);
	wire_put_string(&l->item, RECORD_NAME, buf_slice(&l->name));
	wire_put_bytes(&l->reply, LIST_ITEMS, buf_slice(&l->item));
	return rc ? rc : l->item.error;
}

/* One page: as many records as asked for, cut where it grows too large or where
 * too many had to be passed over. */
static int
list_page(struct listing *l, struct fault *f)
{
	const struct settings *settings = &l->server->settings;
	struct scan scan;
	struct record record;
	size_t found = 0, seen = 0;
	struct buf last = {0};
	bool more = false;
	int rc = scan_open(&scan, server_reader(l->server), &l->spec);
	if (rc != 0)
		return fault_set(f, rc, "the list cannot be read");
	while ((rc = scan_next(&scan, &record)) == 1) {
		if (found == l->asked.page_size || l->reply.n >= (size_t)settings->page_bytes_max ||
		    seen == (size_t)settings->page_scan_max) {
			more = true;
			break;
		}
		seen++;
		buf_clear(&last);
		buf_append_slice(&last, record.key);
		if (!list_shows(l, &record))
			continue;
		if ((rc = put_item(l, &record)) != 0)
			break;
		found++;
	}
	scan_close(&scan);
	if (rc >= 0 && more)
		token_put(&l->reply, l->server, l->actor, &l->asked, buf_slice(&last));
	buf_release(&last);
	if (rc < 0 || l->reply.error)
		return fault_set(f, rc < 0 ? rc : l->reply.error, "the list cannot be read");
	return 0;
}

static void
list_message(struct call *c, struct slice message)
{
	struct fault f = {0};
	struct listing l = {.server = call_server(c), .kind = service_method(c)->kind};
	int rc = list_prepare(&l, c, message, &f);
	if (rc == 0 && !l.access.none && (rc = list_page(&l, &f)) == 0)
		access_remember(c, l.actor, l.asked.parent.n ? l.asked.parent : slice_of(l.kind->collection));
	if (rc != 0)
		call_finish(c, &f);
	else
		call_reply(c, buf_slice(&l.reply));
	buf_release(&l.reply);
	buf_release(&l.name);
	buf_release(&l.item);
	buf_release(&l.after);
}

const struct call_handler list_handler = {.message = list_message};
