/* What a collection is divided into: the values of a field, told by the index. */
#include "server.h"
#include "services/service.h"
#include "wire.h"

enum { VALUES_FIELD = 6 };

struct value_list {
	struct server *server;
	const struct actor *actor;
	struct list_request asked;
	struct access access;
	struct values_spec spec;
	struct buf after;
	struct buf reply;
};

/* The variable that the collection leaves open, where others follow it; NULL: there is none. */
static const char *
open_variable(const struct name *collection)
{
	size_t var = 0;
	for (size_t i = 0; i + 1 < collection->kind->segment_count; i++) {
		const struct segment_desc *segment = &collection->kind->segments[i];
		if (segment->type != SEGMENT_LITERAL && var++ == collection->var_count)
			return segment->text;
	}
	return NULL;
}

static int
refuse_field(const struct value_list *l, const char *variable, struct fault *f)
{
	const struct message_desc *m = l->spec.collection.kind->message;
	struct buf names = {0};
	buf_append_str(&names, variable ? variable : "");
	for (size_t i = 0; i < m->count; i++)
		if (m->fields[i].flags & FIELD_INDEXED)
			buf_printf(&names, "%s%s", names.n ? ", " : "", m->fields[i].text_name);
	buf_append_char(&names, '\0');
	int rc = fault_add(f, ERR_INVALID_FIELD, "field", "field: \"%.*s\" has no index in %.*s; allowed: %s",
			   (int)l->asked.field.n, l->asked.field.p, (int)l->asked.parent.n, l->asked.parent.p,
			   names.error || names.n == 1 ? "none" : names.p);
	buf_release(&names);
	return rc;
}

/* A variable comes first: its names say the same as a field that is called so, in any scope. */
static int
read_field(struct value_list *l, struct fault *f)
{
	const char *variable = open_variable(&l->spec.collection);
	l->spec.var = l->spec.collection.var_count;
	if (variable && slice_is(l->asked.field, variable))
		return 0;
	l->spec.field = field_by_name(l->spec.collection.kind->message, l->asked.field);
	if (l->spec.field && l->spec.field->flags & FIELD_INDEXED)
		return 0;
	return refuse_field(l, variable, f);
}

/* What other lists have and this one has not. */
static int
check_absent(const struct value_list *l, struct fault *f)
{
	int rc = list_must_be_empty(l->asked.filter, "filter",
				    "the values are those of all records that you may read", f);
	return rc ? rc
		  : list_must_be_empty(l->asked.order_by, "order_by", "values come in the order of the index",
				       f);
}

static int
values_prepare(struct value_list *l, struct call *c, struct slice message, struct fault *f)
{
	int rc = caller_identify(c, &l->actor, f);
	if (rc != 0 || (rc = list_request_read(&l->asked, c, message, true, f)) != 0 ||
	    (rc = name_parse_collection(&l->spec.collection, l->asked.parent, f)) != 0)
		return rc;
	l->asked.field = wire_string(message, VALUES_FIELD);
	if ((rc = check_absent(l, f)) != 0 || (rc = read_field(l, f)) != 0)
		return rc;
	if (l->asked.token.n && (rc = token_read(&l->after, l->server, l->actor, &l->asked, f)) != 0)
		return rc;
	l->access = access_of(l->actor, l->spec.collection.kind);
	access_narrow(&l->access, &l->spec.collection);
	l->spec.scope = l->access.scope;
	l->spec.scope_value = l->access.value;
	l->spec.after = buf_slice(&l->after);
	return 0;
}

/* One page: as many values as asked for, cut as a page of records is. */
static int
values_page(struct value_list *l, struct fault *f)
{
	const struct settings *settings = &l->server->settings;
	struct values *values;
	struct found_value value;
	struct buf last = {0};
	size_t found = 0, seen = 0;
	int rc = values_open(&values, server_reader(l->server), &l->spec);
	if (rc != 0)
		return fault_set(f, rc, "the values cannot be read");
	while ((rc = values_next(values, &value)) == 1) {
		if (found == l->asked.page_size || l->reply.n >= (size_t)settings->page_bytes_max ||
		    seen == (size_t)settings->page_scan_max) {
			token_put(&l->reply, l->server, l->actor, &l->asked, buf_slice(&last));
			break;
		}
		seen++;
		buf_clear(&last);
		buf_append_slice(&last, value.position);
		if (!value.present)
			continue;
		wire_put_bytes(&l->reply, LIST_ITEMS, value.text);
		found++;
	}
	values_close(values);
	buf_release(&last);
	if (rc < 0 || l->reply.error)
		return fault_set(f, rc < 0 ? rc : l->reply.error, "the values cannot be read");
	return 0;
}

static void
list_values_message(struct call *c, struct slice message)
{
	struct fault f = {0};
	struct value_list l = {.server = call_server(c)};
	int rc = values_prepare(&l, c, message, &f);
	if (rc == 0 && !l.access.none && (rc = values_page(&l, &f)) == 0)
		access_remember(c, l.actor, l.asked.parent);
	if (rc != 0)
		call_finish(c, &f);
	else
		call_reply(c, buf_slice(&l.reply));
	buf_release(&l.reply);
	buf_release(&l.after);
}

const struct call_handler list_values_handler = {.message = list_values_message};
