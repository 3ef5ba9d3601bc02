/* act, why */
#include <string.h>

#include "cli.h"
#include "json.h"
#include "wire.h"

enum { ACT_NAME = 1, ACT_ACTION = 2, ACT_FORM = 3, ACT_COMMENT = 4, ACT_REVISION = 5, ACT_REQUEST_ID = 6 };
enum { ENTRY_KEY = 1, ENTRY_VALUE = 2 };

/* ---- act -------------------------------------------------------------- */

static void
put_entry(struct buf *request, struct slice key, struct slice value)
{
	struct buf entry = {0};
	wire_put_string(&entry, ENTRY_KEY, key);
	wire_put_string(&entry, ENTRY_VALUE, value);
	wire_put_bytes(request, ACT_FORM, buf_slice(&entry));
	if (entry.error)
		request->error = entry.error;
	buf_release(&entry);
}

/* Text keys may be written with - or _ (contract: Text); forms have _. */
static bool
same_key(struct slice a, struct slice b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if ((a.p[i] == '-' ? '_' : a.p[i]) != (b.p[i] == '-' ? '_' : b.p[i]))
			return false;
	return true;
}

static int
add_word(struct cli *cli, struct buf *request, int at)
{
	struct slice value = slice_of(cli->argv[at]), key, earlier;
	if (!slice_cut(&value, '=', &key) || key.n == 0)
		return tell_usage(cli, "\"%s\" is not KEY=VALUE", cli->argv[at]);
	if (!utf8_valid(slice_of(cli->argv[at])))
		return tell_usage(cli, "the value of %.*s is not UTF-8", (int)key.n, key.p);
	for (int i = 2; i < at; i++) {
		struct slice word = slice_of(cli->argv[i]);
		if (slice_cut(&word, '=', &earlier) && same_key(earlier, key))
			return tell_usage(cli, "%.*s is given twice", (int)key.n, key.p);
	}
	if (slice_is(key, "comment"))
		wire_put_string(request, ACT_COMMENT, value);
	else
		put_entry(request, key, value);
	return EXIT_OK;
}

static int
build_act(struct cli *cli, const struct subject *s, struct buf *request)
{
	uint64_t revision = 0;
	char own[40];
	const char *text = cli->option[OPT_REVISION];
	int r = EXIT_OK;
	if (text && (!number_of(text, UINT64_MAX, &revision) || revision == 0))
		return tell_usage(cli, "--revision is a number from 1, not %s", text);
	wire_put_string(request, ACT_NAME, slice_of(s->name));
	wire_put_string(request, ACT_ACTION, slice_of(cli->argv[1]));
	for (int i = 2; i < cli->argc && r == EXIT_OK; i++)
		r = add_word(cli, request, i);
	wire_put_uint(request, ACT_REVISION, revision);
	wire_put_string(request, ACT_REQUEST_ID, slice_of(request_id_of(cli, own)));
	return r;
}

int
cmd_act(struct cli *cli)
{
	struct subject s;
	struct buf request = {0}, answer = {0};
	doing(cli, "act %s %s", cli->argv[0], cli->argv[1]);
	int r = subject_of_name(cli, &s, cli->argv[0]);
	if (r == EXIT_OK && !s.act)
		r = tell_code(cli, ERR_UNKNOWN_ACTION, "%s has no actions", s.name);
	if (r == EXIT_OK)
		r = build_act(cli, &s, &request);
	struct rpc rpc = {.path = s.act, .writes = true, .repeatable = true};
	if (r == EXIT_OK)
		r = remote_call(cli, &rpc, &request, &answer);
	if (r == EXIT_OK)
		r = print_one(cli, message_by_name(SLICE("zwy.v1.ActResponse")), buf_slice(&answer));
	buf_release(&request);
	buf_release(&answer);
	return r;
}

/* ---- why -------------------------------------------------------------- */

enum {
	EXPLAIN_STATE = 1,
	EXPLAIN_WHY = 2,
	EXPLAIN_NEXT = 3,
	EXPLAIN_REQUESTS = 13,
	EXPLAIN_WHO = 4,
	EXPLAIN_DUE = 5,
	EXPLAIN_ARTICLE = 6,
	EXPLAIN_OVERDUE = 7,
	EXPLAIN_PROVISIONAL = 8,
	EXPLAIN_STATUTORY = 9,
};
enum { WHY_REASON = 1, WHY_ARTICLE = 2, WHY_TEXT = 3, WHY_FIELD = 4 };
enum { NEXT_ACTION = 1, NEXT_FORM = 2, NEXT_ARTICLE = 3, NEXT_DESCRIPTION = 4 };

static void
article_of(char dst[64], struct slice message, uint32_t field)
{
	char article[16];
	struct slice s = wire_string(message, field);
	snprintf(article, sizeof(article), "%.*s", (int)s.n, s.p);
	article_text(dst, article);
}

static void
print_why(struct slice why)
{
	char article[64];
	struct slice text = wire_string(why, WHY_TEXT), field = wire_string(why, WHY_FIELD),
		     reason = wire_string(why, WHY_REASON);
	article_of(article, why, WHY_ARTICLE);
	printf("  %.*s%s%.*s", (int)field.n, field.p, field.n ? ": " : "", (int)text.n, text.p);
	if (reason.n || article[0])
		printf(" [%.*s%s%s]", (int)reason.n, reason.p, reason.n && article[0] ? ", " : "", article);
	printf("\n");
}

static void
print_next(struct slice next)
{
	char article[64];
	struct slice action = wire_string(next, NEXT_ACTION),
		     description = wire_string(next, NEXT_DESCRIPTION);
	struct wire_field w;
	struct slice rest = next;
	article_of(article, next, NEXT_ARTICLE);
	printf("  %.*s", (int)action.n, action.p);
	while (wire_next(&rest, &w) == 1)
		if (w.number == NEXT_FORM)
			printf(" %.*s", (int)w.bytes.n, w.bytes.p);
	printf("\n      %.*s%s%s%s\n", (int)description.n, description.p, article[0] ? " [" : "", article,
	       article[0] ? "]" : "");
}

static void
print_each(struct slice explained, uint32_t number, const char *heading, void (*print)(struct slice))
{
	struct wire_field w;
	for (bool first = true; wire_next(&explained, &w) == 1;) {
		if (w.number != number)
			continue;
		if (first)
			printf("%s\n", heading);
		first = false;
		print(w.bytes);
	}
}

static void
print_explained(const char *name, struct slice e)
{
	char article[64];
	struct slice state = wire_string(e, EXPLAIN_STATE), who = wire_string(e, EXPLAIN_WHO),
		     due = wire_string(e, EXPLAIN_DUE);
	printf("%s: %.*s\n", name, (int)state.n, state.p);
	if (who.n)
		printf("waits for: %.*s\n", (int)who.n, who.p);
	article_of(article, e, EXPLAIN_ARTICLE);
	if (due.n)
		printf("due: %.*s%s%s (%s%s%s)\n", (int)due.n, due.p,
		       wire_uint(e, EXPLAIN_PROVISIONAL) ? " provisional" : "",
		       wire_uint(e, EXPLAIN_OVERDUE) ? " overdue" : "",
		       wire_uint(e, EXPLAIN_STATUTORY) ? "statutory term" : "internal target",
		       article[0] ? ", " : "", article);
	print_each(e, EXPLAIN_WHY, "why:", print_why);
	print_each(e, EXPLAIN_NEXT, "you may:", print_next);
	print_each(e, EXPLAIN_REQUESTS, "or ask by a request of its own:", print_next);
}

int
cmd_why(struct cli *cli)
{
	struct subject s;
	struct buf explained = {0};
	doing(cli, "why %s", cli->argv[0]);
	int r = subject_of_name(cli, &s, cli->argv[0]);
	if (r == EXIT_OK)
		r = remote_explain(cli, s.name, &explained);
	if (r == EXIT_OK && cli->output == OUTPUT_JSON)
		r = print_one(cli, message_by_name(SLICE("zwy.v1.ExplainResponse")), buf_slice(&explained));
	else if (r == EXIT_OK)
		print_explained(s.name, buf_slice(&explained));
	buf_release(&explained);
	return r;
}
