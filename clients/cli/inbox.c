/* inbox: what waits for the caller, applications and whatever else has actions, soonest due first. */
#include <stdlib.h>

#include "cli.h"
#include "json.h"
#include "wire.h"

enum { ENTRY_NAME = 1, ENTRY_EXPLANATION = 2 };
enum { EXPLAIN_STATE = 1, EXPLAIN_NEXT = 3, EXPLAIN_DUE = 5, EXPLAIN_OVERDUE = 7, EXPLAIN_STATUTORY = 9 };
enum { NEXT_ACTION = 1 };

struct entry {
	struct buf name, explained;
};

struct inbox {
	struct cli *cli;
	struct entry *entries;
	size_t count, room;
};

static int
add_entry(void *ctx, struct slice item)
{
	struct inbox *in = ctx;
	if (in->count == in->room) {
		size_t room = in->room ? 2 * in->room : 64;
		struct entry *more = realloc(in->entries, room * sizeof(*more));
		if (!more)
			return tell_code(in->cli, ERR_NO_MEMORY, "%zu entries", in->count);
		in->entries = more;
		in->room = room;
	}
	struct entry *e = &in->entries[in->count++];
	*e = (struct entry){{0}, {0}};
	buf_append_slice(&e->name, wire_string(item, ENTRY_NAME));
	buf_append_slice(&e->explained, wire_string(item, ENTRY_EXPLANATION));
	return e->name.error || e->explained.error
		       ? tell_code(in->cli, ERR_NO_MEMORY, "%zu entries", in->count)
		       : EXIT_OK;
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
		actions_of(&actions, buf_slice(&in->entries[i].explained));
		if (in->cli->output == OUTPUT_JSON)
			r = print_entry_json(in->cli, &in->entries[i]);
		else
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
	const struct listing list = {.path = "/zwy.v1.RuleService/ListInbox"};
	struct inbox in = {.cli = cli};
	int r = remote_list(cli, &list, add_entry, &in);
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
