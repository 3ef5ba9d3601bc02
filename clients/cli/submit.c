#include <string.h>

#include "cli.h"
#include "json.h"
#include "text.h"
#include "wire.h"

enum { CREATE_RECORD = 2, CREATE_REQUEST_ID = 3, CREATE_SUBMIT = 5 };
enum { APPLICATION_NAME = 1, APPLICATION_STATE = 5 };
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
parse_request(struct cli *cli, const char *path, struct slice text, struct buf *ret)
{
	const struct message_desc *m = message_by_name(SLICE("zwy.v1.Application"));
	struct fault f = {0};
	struct text_place place = {0};
	struct slice body = text;
	bool json = is_json(path, text);
	enum text_state state = text_scan(text, json, &body);
	if (state != TEXT_COMPLETE)
		body = text;
	int r = json ? json_parse(ret, m, body, &f) : text_parse(ret, m, body, TEXT_INPUT, &place, &f);
	if (r == 0 && state == TEXT_GARBAGE)
		r = fault_set(&f, ERR_BAD_SYNTAX,
			      "something stands after the end of the request, or it is not UTF-8");
	return r == 0 ? EXIT_OK : tell_fault(cli, &f);
}

static int
create(struct cli *cli, struct slice text, struct slice application, struct buf *ret)
{
	static const struct rpc rpc = {.path = "/zwy.v1.ApplicationService/CreateApplication",
				       .writes = true,
				       .repeatable = true};
	struct buf request = {0};
	char digest[65];
	const char *id = cli->option[OPT_REQUEST_ID];
	if (!id) {
		sha256_hex(digest, text);
		id = digest;
	}
	wire_put_bytes(&request, CREATE_RECORD, application);
	wire_put_string(&request, CREATE_REQUEST_ID, slice_of(id));
	wire_put_uint(&request, CREATE_SUBMIT, 1);
	int r = remote_call(cli, &rpc, &request, ret);
	buf_release(&request);
	return r;
}

/* A draft is no failure; but its owner has to know what is missing. */
static void
tell_missing(struct cli *cli, const char *name)
{
	struct buf explained = {0};
	struct slice id = last_segment(slice_of(name));
	if (remote_explain(cli, name, &explained) == EXIT_OK) {
		struct slice rest = buf_slice(&explained);
		struct wire_field w;
		note("%.*s is a draft until everything is there:", (int)id.n, id.p);
		while (wire_next(&rest, &w) == 1) {
			struct slice field, text;
			if (w.number != EXPLAIN_WHY || wire_string(w.bytes, WHY_REASON).n == 0)
				continue;
			field = wire_string(w.bytes, WHY_FIELD);
			text = wire_string(w.bytes, WHY_TEXT);
			fprintf(stderr, "  %.*s%s%.*s\n", (int)field.n, field.p, field.n ? ": " : "",
				(int)text.n, text.p);
		}
		fprintf(stderr, "  what to do: hand in what is missing, then `zwy act %.*s submit`\n",
			(int)id.n, id.p);
	}
	buf_release(&explained);
}

int
cmd_submit(struct cli *cli)
{
	struct buf text = {0}, application = {0}, record = {0};
	const char *path = cli->argv[0];
	doing(cli, "submit %s", path);
	int r = read_file(cli, path, REQUEST_MAX, &text);
	if (r == EXIT_OK)
		r = parse_request(cli, path, buf_slice(&text), &application);
	if (r == EXIT_OK)
		r = create(cli, buf_slice(&text), buf_slice(&application), &record);
	if (r == EXIT_OK) {
		struct slice name = wire_string(buf_slice(&record), APPLICATION_NAME);
		struct slice id = last_segment(name);
		if (cli->output == OUTPUT_TEXT)
			printf("%.*s\n", (int)id.n, id.p);
		else
			r = print_one(cli, message_by_name(SLICE("zwy.v1.Application")), buf_slice(&record));
		char whole[NAME_MAX_BYTES];
		snprintf(whole, sizeof(whole), "%.*s", (int)name.n, name.p);
		if (slice_is(wire_string(buf_slice(&record), APPLICATION_STATE), "draft"))
			tell_missing(cli, whole);
	}
	buf_release(&text);
	buf_release(&application);
	buf_release(&record);
	return r;
}
