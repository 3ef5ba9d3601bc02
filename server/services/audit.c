/* The event log as a service: one event, a list of events, the head of the chain. */
#include "server.h"
#include "filter.h"
#include "services/service.h"
#include "wire.h"

static int
get_event(struct call *c, struct slice message, struct event_row *row, struct fault *f)
{
	struct server *s = call_server(c);
	struct slice text = wire_string(message, 1), head;
	const struct actor *actor;
	uint64_t revision;
	int rc = caller_identify(c, &actor, f);
	if (rc != 0)
		return rc;
	if (!slice_cut(&text, '/', &head) || !slice_is(head, "audit") || !slice_to_u64(text, &revision))
		return fault_set(f, ERR_INVALID_NAME, "an event's name is audit/REVISION, e.g. audit/17");
	rc = event_get(server_reader(s), revision, row);
	if (rc == 0 && row->revision != revision)
		rc = ERR_NOT_FOUND;
	if (rc != 0)
		return fault_set(f, rc, "there is no audit/%llu; the newest is audit/%llu",
				 (unsigned long long)revision, (unsigned long long)store_head(s->store));
	if (!event_readable(actor, row))
		return fault_set(f, ERR_FOREIGN_RECORD, "audit/%llu is not for %s to read",
				 (unsigned long long)revision, actor->principal);
	return 0;
}

static void
get_event_message(struct call *c, struct slice message)
{
	struct fault f = {0};
	struct event_row row;
	if (get_event(c, message, &row, &f) != 0)
		call_finish(c, &f);
	else
		call_reply(c, row.body);
}

const struct call_handler get_event_handler = {.message = get_event_message};

struct event_list {
	struct server *server;
	const struct actor *actor;
	struct list_request asked;
	struct filter filter;
	struct name of; /* the record whose history is asked for; kind NULL: all */
	bool descending;
	uint64_t from; /* the next is this or later; descending: before this, 0: the newest */
	struct buf reply;
};

static int
event_list_read(struct event_list *l, struct call *c, struct slice message, struct fault *f)
{
	struct buf position = {0};
	bool names;
	int rc = caller_identify(c, &l->actor, f);
	if (rc != 0 || (rc = list_mask_read(&names, message, f)) != 0 ||
	    (rc = list_request_read(&l->asked, c, message, false, f)) != 0)
		return rc;
	if (names)
		return fault_add(f, ERR_INVALID_FIELD, "read_mask", "read_mask: events come whole");
	if (l->asked.parent.n && (rc = name_parse(&l->of, l->asked.parent, f)) != 0)
		return rc;
	const struct message_desc *event = message_by_name(SLICE("zwy.v1.Event"));
	if ((rc = filter_parse(&l->filter, event, l->asked.filter, f)) != 0)
		return rc;
	l->descending = slice_is(l->asked.order_by, "revision desc");
	if (l->asked.order_by.n && !slice_is(l->asked.order_by, "revision") && !l->descending)
		return fault_add(
			f, ERR_INVALID_FIELD, "order_by",
			"order_by: \"%.*s\" is not possible; allowed are \"revision\" and \"revision desc\"",
			(int)l->asked.order_by.n, l->asked.order_by.p);
	l->from = l->descending ? 0 : 1;
	if (l->asked.token.n && (rc = token_read(&position, l->server, l->actor, &l->asked, f)) == 0 &&
	    position.n == 8)
		l->from = get_u64be(position.p);
	buf_release(&position);
	return rc;
}

static int
next_event(const struct event_list *l, struct reader *r, struct event_row *ret)
{
	if (!l->descending)
		return l->of.kind ? event_get_of(r, &l->of, l->from, ret) : event_get(r, l->from, ret);
	if (l->of.kind)
		return event_last_of(r, &l->of, l->from, ret);
	uint64_t last = l->from ? l->from - 1 : reader_head(r); /* there are no gaps */
	return last ? event_get(r, last, ret) : ERR_NOT_FOUND;
}

static int
event_list_page(struct event_list *l)
{
	const struct settings *settings = &l->server->settings;
	struct reader *r = server_reader(l->server);
	struct event_row row;
	size_t found = 0, seen = 0;
	int rc;
	for (;; l->from = row.revision + !l->descending, seen++) {
		rc = next_event(l, r, &row);
		if (rc != 0)
			return rc == ERR_NOT_FOUND ? 0 : rc;
		if (found == l->asked.page_size || l->reply.n >= (size_t)settings->page_bytes_max ||
		    seen == (size_t)settings->page_scan_max)
			break;
		if (!event_readable(l->actor, &row) || !filter_match(&l->filter, row.body))
			continue;
		wire_put_bytes(&l->reply, LIST_ITEMS, row.body);
		found++;
	}
	unsigned char position[8];
	put_u64be(position, row.revision + l->descending);
	token_put(&l->reply, l->server, l->actor, &l->asked, slice_make(position, sizeof(position)));
	return l->reply.error;
}

static void
list_events_message(struct call *c, struct slice message)
{
	struct fault f = {0};
	struct event_list l = {.server = call_server(c)};
	int rc = event_list_read(&l, c, message, &f);
	if (rc == 0 && (rc = event_list_page(&l)) != 0)
		fault_set(&f, rc, "the log cannot be read");
	if (rc != 0)
		call_finish(c, &f);
	else
		call_reply(c, buf_slice(&l.reply));
	buf_release(&l.reply);
}

const struct call_handler list_events_handler = {.message = list_events_message};

static void
head_message(struct call *c, struct slice message)
{
	struct fault f = {0};
	struct buf b = {0};
	const struct actor *actor;
	uint64_t revision;
	unsigned char digest[DIGEST_BYTES];
	char hex[2 * DIGEST_BYTES + 1];
	(void)message; /* GetHeadRequest has no fields */
	if (caller_identify(c, &actor, &f) != 0) {
		call_finish(c, &f);
		return;
	}
	store_head_digest(((struct server *)call_server(c))->store, &revision, digest);
	hex_encode(hex, digest, sizeof(digest));
	wire_put_uint(&b, 1, revision);
	wire_put_string(&b, 2, slice_of(hex));
	call_reply(c, buf_slice(&b));
	buf_release(&b);
}

const struct call_handler head_handler = {.message = head_message};
