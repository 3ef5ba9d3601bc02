/* inbox: what waits for the caller, applications and whatever else has actions, soonest due first. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "json.h"
#include "wire.h"

#define AT_ONCE 32 /* questions under way at a time */

enum { RECORD_NAME = 1 };
enum { EXPLAIN_NAME = 1 };
enum {
	EXPLAIN_STATE = 1,
	EXPLAIN_NEXT = 3,
	EXPLAIN_WHO = 4,
	EXPLAIN_DUE = 5,
	EXPLAIN_OVERDUE = 7,
	EXPLAIN_STATUTORY = 9,
	EXPLAIN_WAITS = 11
};
enum { NEXT_ACTION = 1 };

struct entry {
	struct inbox *inbox;
	struct buf name, explained;
};

struct inbox {
	struct cli *cli;
	struct entry *entries;
	size_t count, room, asked, answered;
	struct zwy_error error; /* the first that is not about a record that went away */
};

static int
add_entry(void *ctx, struct slice record)
{
	struct inbox *in = ctx;
	if (in->count == in->room) {
		size_t room = in->room ? 2 * in->room : 64;
		struct entry *more = realloc(in->entries, room * sizeof(*more));
		if (!more)
			return tell_code(in->cli, ERR_NO_MEMORY, "%zu records", in->count);
		in->entries = more;
		in->room = room;
	}
	struct entry *e = &in->entries[in->count++];
	*e = (struct entry){.inbox = in};
	buf_append_slice(&e->name, wire_string(record, RECORD_NAME));
	return EXIT_OK;
}

static void
on_message(void *ctx, struct zwy_call *call, struct zwy_bytes message)
{
	struct entry *e = ctx;
	(void)call;
	buf_append(&e->explained, message.data, message.size);
}

static void
on_done(void *ctx, struct zwy_call *call, const struct zwy_error *error)
{
	struct entry *e = ctx;
	(void)call;
	e->inbox->answered++;
	if (error->status == 0)
		return;
	buf_clear(&e->explained);
	bool gone = error->status == GRPC_NOT_FOUND || error->status == GRPC_PERMISSION_DENIED;
	if (!gone && e->inbox->error.status == 0)
		e->inbox->error = *error;
}

static void
ask(struct inbox *in, struct entry *e)
{
	struct rpc rpc = {.path = "/zwy.v1.RuleService/Explain"};
	struct zwy_call_options options = {.size = sizeof(options),
					   .timeout_ms = timeout_of(in->cli, &rpc),
					   .retry = retry_of(&rpc),
					   .message = on_message,
					   .done = on_done,
					   .ctx = e};
	struct buf request = {0};
	wire_put_string(&request, EXPLAIN_NAME, buf_slice(&e->name));
	if (!zwy_call_start(in->cli->client, rpc.path, (struct zwy_bytes){request.p, request.n}, &options))
		in->answered++;
	buf_release(&request);
}

static int
ask_all(struct inbox *in)
{
	struct zwy_client *client = in->cli->client;
	while (in->answered < in->count) {
		while (in->asked < in->count && in->asked - in->answered < AT_ONCE)
			ask(in, &in->entries[in->asked++]);
		struct pollfd p = {.fd = zwy_client_fd(client), .events = POLLIN};
		poll(&p, 1, zwy_client_timeout(client));
		zwy_client_process(client);
	}
	if (in->error.status == 0)
		return EXIT_OK;
	if (in->error.exit_status == EXIT_UNKNOWN)
		in->error.exit_status = EXIT_UNAVAILABLE;
	return tell_error(in->cli, &in->error);
}

/* Without a due date: after all that have one. */
static int
by_due(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	struct slice dx = wire_string(buf_slice(&x->explained), EXPLAIN_DUE);
	struct slice dy = wire_string(buf_slice(&y->explained), EXPLAIN_DUE);
	if ((dx.n == 0) != (dy.n == 0))
		return dx.n == 0 ? 1 : -1;
	int c = slice_compare(dx, dy);
	return c ? c : slice_compare(buf_slice(&x->name), buf_slice(&y->name));
}

static void
actions_of(struct buf *b, struct slice explained)
{
	struct wire_field w;
	while (wire_next(&explained, &w) == 1) {
		if (w.number != EXPLAIN_NEXT)
			continue;
		buf_append_str(b, b->n ? " " : "");
		buf_append_slice(b, wire_string(w.bytes, NEXT_ACTION));
	}
}

/* The explanation's own JSON with the name before it; names need no escaping. */
static int
print_entry_json(struct cli *cli, const struct entry *e)
{
	struct buf b = {0};
	int r = json_print(&b, message_by_name(SLICE("zwy.v1.ExplainResponse")), buf_slice(&e->explained),
			   JSON_ONE_LINE);
	if (r == 0 && b.n > 1)
		printf("{\"name\":\"%.*s\",%.*s\n", (int)e->name.n, e->name.p, (int)b.n - 1, b.p + 1);
	buf_release(&b);
	return r == 0 ? EXIT_OK : tell_code(cli, r, "the answer cannot be shown");
}

/* What the other commands take: an application by its id. */
static struct slice
inbox_name(struct slice name)
{
	struct name parsed;
	bool application = name_parse_kind(&parsed, KIND_APPLICATION, name, NULL) == 0;
	return application ? parsed.vars[0] : name;
}

static void
add_row(struct table *t, const struct entry *e, struct slice actions)
{
	struct slice x = buf_slice(&e->explained), due = wire_string(x, EXPLAIN_DUE);
	table_cell(t, due.n ? due : SLICE("-"));
	table_cell(t, inbox_name(buf_slice(&e->name)));
	table_cell(t, wire_string(x, EXPLAIN_STATE));
	table_cell(t, wire_uint(x, EXPLAIN_OVERDUE) ? SLICE("overdue") : SLICE("-"));
	table_cell(t, !due.n                            ? SLICE("-")
		      : wire_uint(x, EXPLAIN_STATUTORY) ? SLICE("statutory")
							: SLICE("internal target"));
	table_cell(t, actions);
	table_end_row(t);
}

static int
print_inbox(struct inbox *in)
{
	static const char *const heading[] = {"due", "name", "state", "overdue", "term", "you may"};
	struct table *t = table_new();
	int r = t ? EXIT_OK : tell_code(in->cli, ERR_NO_MEMORY, "no memory");
	for (size_t i = 0; t && in->cli->output == OUTPUT_TABLE && i < sizeof(heading) / sizeof(heading[0]);
	     i++)
		table_cell(t, slice_of(heading[i]));
	if (t && in->cli->output == OUTPUT_TABLE)
		table_end_row(t);
	for (size_t i = 0; r == EXIT_OK && i < in->count; i++) {
		struct buf actions = {0};
		bool waits = wire_uint(buf_slice(&in->entries[i].explained), EXPLAIN_WAITS) != 0;
		actions_of(&actions, buf_slice(&in->entries[i].explained));
		if (waits && in->cli->output == OUTPUT_JSON)
			r = print_entry_json(in->cli, &in->entries[i]);
		else if (waits)
			add_row(t, &in->entries[i], actions.n ? buf_slice(&actions) : SLICE("-"));
		buf_release(&actions);
	}
	if (t && r == EXIT_OK)
		table_print(t, stdout);
	table_free(t);
	return r;
}

int
cmd_inbox(struct cli *cli)
{
	struct inbox in = {.cli = cli};
	int r = EXIT_OK;
	for (size_t i = 0; i < kind_count && r == EXIT_OK; i++) {
		const struct method_desc *method = method_of(kind_table[i]->kind, VERB_LIST);
		if (!method || !kind_table[i]->workflow ||
		    !field_by_name(kind_table[i]->message, SLICE("open")))
			continue;
		struct listing list = {.path = method->path, .filter = "open=true"};
		r = remote_list(cli, &list, add_entry, &in);
	}
	if (r == EXIT_OK)
		r = ask_all(&in);
	if (r == EXIT_OK && in.count) {
		qsort(in.entries, in.count, sizeof(in.entries[0]), by_due);
		r = print_inbox(&in);
	}
	for (size_t i = 0; i < in.count; i++) {
		buf_release(&in.entries[i].name);
		buf_release(&in.entries[i].explained);
	}
	free(in.entries);
	return r;
}
