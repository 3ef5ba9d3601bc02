#include <string.h>

#include "cli.h"
#include "json.h"
#include "request.h"
#include "text.h"
#include "wire.h"

enum { RECORD_NAME = 1, RECORD_STATE = 5 };
enum { EXPLAIN_WHY = 2, WHY_REASON = 1, WHY_TEXT = 3, WHY_FIELD = 4 };

static bool
is_json(const char *path, struct slice text)
{
	size_t n = strlen(path);
	if (n > 5 && strcmp(path + n - 5, ".json") == 0)
		return true;
	while (text.n && strchr(" \t\r\n", text.p[0]))
		text = (struct slice){text.p + 1, text.n - 1};
	return text.n && text.p[0] == '{';
}

/* The command itself says submit: the last line may be left out here. */
static int
parse_request(struct cli *cli, const char *path, struct slice text, struct buf *ret,
	      const struct kind_desc **ret_kind)
{
	struct fault f = {0};
	struct text_place place = {0};
	struct slice body = text;
	bool json = is_json(path, text);
	enum text_state state = text_scan(text, json, &body);
	if (state != TEXT_COMPLETE)
		body = text;
	const struct kind_desc *kind = json ? kind_by_collection(SLICE("applications")) : text_subject(body);
	const struct message_desc *m = kind->message;
	*ret_kind = kind;
	int r = json ? json_parse(ret, m, body, &f) : text_parse(ret, m, body, TEXT_INPUT, &place, &f);
	if (r == 0 && state == TEXT_GARBAGE)
		r = fault_set(&f, ERR_BAD_SYNTAX,
			      "something stands after the end of the request, or it is not UTF-8");
	return r == 0 ? EXIT_OK : tell_fault(cli, &f);
}

static int
create(struct cli *cli, struct slice text, const struct kind_desc *kind, struct slice record, struct buf *ret)
{
	struct buf request = {0};
	char digest[65];
	const char *id = cli->option[OPT_REQUEST_ID];
	if (!id) {
		sha256_hex(digest, text);
		id = digest;
	}
	const struct method_desc *method = request_message(&request, kind, record, id);
	if (!method)
		return tell_code(cli, ERR_INVALID_NAME, "%s are not made by a request", kind->collection);
	struct rpc rpc = {.path = method->path, .writes = true, .repeatable = true};
	int r = remote_call(cli, &rpc, &request, ret);
	buf_release(&request);
	return r;
}

/* A draft is no failure; but its owner has to know what is missing. */
static void
tell_missing(struct cli *cli, const char *name)
{
	struct buf explained = {0};
	struct slice id = name_id(slice_of(name));
	bool missing = false;
	if (remote_explain(cli, name, &explained) == EXIT_OK) {
		struct slice rest = buf_slice(&explained);
		struct wire_field w;
		while (wire_next(&rest, &w) == 1) {
			struct slice field, text;
			if (w.number != EXPLAIN_WHY || wire_string(w.bytes, WHY_REASON).n == 0)
				continue;
			if (!missing)
				note("%.*s is a draft until everything is there:", (int)id.n, id.p);
			missing = true;
			field = wire_string(w.bytes, WHY_FIELD);
			text = wire_string(w.bytes, WHY_TEXT);
			fprintf(stderr, "  %.*s%s%.*s\n", (int)field.n, field.p, field.n ? ": " : "",
				(int)text.n, text.p);
		}
		if (missing)
			fprintf(stderr, "  what to do: hand in what is missing, then `zwy act %.*s submit`\n",
				(int)id.n, id.p);
		else
			note("%.*s is a draft; `zwy act %.*s submit` hands it in", (int)id.n, id.p, (int)id.n,
			     id.p);
	}
	buf_release(&explained);
}

int
cmd_submit(struct cli *cli)
{
	struct buf text = {0}, asked = {0}, record = {0};
	const struct kind_desc *kind = NULL;
	const char *path = cli->argv[0];
	doing(cli, "submit %s", path);
	int r = read_file(cli, path, REQUEST_MAX, &text);
	if (r == EXIT_OK)
		r = parse_request(cli, path, buf_slice(&text), &asked, &kind);
	if (r == EXIT_OK)
		r = create(cli, buf_slice(&text), kind, buf_slice(&asked), &record);
	if (r == EXIT_OK) {
		struct slice name = wire_string(buf_slice(&record), RECORD_NAME);
		struct slice id = name_id(name);
		if (cli->output == OUTPUT_TEXT)
			printf("%.*s\n", (int)id.n, id.p);
		else
			r = print_one(cli, kind->message, buf_slice(&record));
		char whole[NAME_MAX_BYTES];
		snprintf(whole, sizeof(whole), "%.*s", (int)name.n, name.p);
		if (kind->workflow && slice_is(wire_string(buf_slice(&record), RECORD_STATE), "draft"))
			tell_missing(cli, whole);
	}
	buf_release(&text);
	buf_release(&asked);
	buf_release(&record);
	return r;
}
