/* get, list, rules, whoami */
#include <string.h>

#include "cli.h"
#include "wire.h"

enum { GET_NAME = 1 };

static int
fetch(struct cli *cli, const char *path, const char *name, struct buf *ret)
{
	struct rpc rpc = {.path = path};
	struct buf request = {0};
	wire_put_string(&request, GET_NAME, slice_of(name));
	int r = remote_call(cli, &rpc, &request, ret);
	buf_release(&request);
	return r;
}

int
cmd_get(struct cli *cli)
{
	struct subject s;
	struct buf record = {0};
	doing(cli, "get %s", cli->argv[0]);
	int r = subject_of_name(cli, &s, cli->argv[0]);
	if (r == EXIT_OK)
		r = fetch(cli, s.get, s.name, &record);
	if (r == EXIT_OK)
		r = print_one(cli, s.message, buf_slice(&record));
	buf_release(&record);
	return r;
}

int
cmd_list(struct cli *cli)
{
	struct subject s;
	struct printer p;
	uint64_t page_size = 0;
	const char *text = cli->option[OPT_PAGE_SIZE];
	doing(cli, "list %s", cli->argv[0]);
	if (text && !number_of(text, 100000, &page_size))
		return tell_usage(cli, "--page-size is a number, not %s", text);
	int r = subject_of_collection(cli, &s, cli->argv[0]);
	if (r != EXIT_OK)
		return r;
	struct listing list = {.path = s.list,
			       .parent = s.name,
			       .filter = cli->option[OPT_FILTER],
			       .page_size = (unsigned)page_size};
	printer_open(&p, cli, s.message);
	return printer_close(&p, remote_list(cli, &list, printer_item, &p));
}

/* ---- rules ------------------------------------------------------------ */

enum { RULE_NAME = 1, RULE_TITLE = 5, RULE_TEXT = 6, RULE_BEHAVIOUR = 7, RULE_REGULATION = 8 };

static int
print_rule_line(void *ctx, struct slice rule)
{
	struct cli *cli = ctx;
	struct slice number = last_segment(wire_string(rule, RULE_NAME)),
		     title = wire_string(rule, RULE_TITLE);
	if (cli->output == OUTPUT_JSON)
		return print_json_line(cli, message_by_name(SLICE("zwy.v1.Rule")), rule);
	printf("%3.*s  %.*s\n", (int)number.n, number.p, (int)title.n, title.p);
	return EXIT_OK;
}

static void
print_rule(struct slice rule)
{
	char article[64], number[16];
	struct slice n = last_segment(wire_string(rule, RULE_NAME)), title = wire_string(rule, RULE_TITLE);
	struct slice text = wire_string(rule, RULE_TEXT), regulation = wire_string(rule, RULE_REGULATION);
	struct wire_field w;
	snprintf(number, sizeof(number), "%.*s", (int)n.n, n.p);
	article_text(article, number);
	printf("%s%s%.*s  %.*s\n\n%.*s\n", article, article[0] ? "  " : "", (int)title.n, title.p,
	       (int)regulation.n, regulation.p, (int)text.n, text.p);
	for (bool first = true; wire_next(&rule, &w) == 1;) {
		if (w.number != RULE_BEHAVIOUR)
			continue;
		printf("%s  - %.*s\n", first ? "\nWhat the system does about it:\n" : "", (int)w.bytes.n,
		       w.bytes.p);
		first = false;
	}
}

int
cmd_rules(struct cli *cli)
{
	static const char list_path[] = "/zwy.v1.RuleService/ListRules",
			  get_path[] = "/zwy.v1.RuleService/GetRule";
	struct buf rule = {0};
	char name[NAME_MAX_BYTES];
	if (cli->argc == 0) {
		struct listing list = {.path = list_path};
		return remote_list(cli, &list, print_rule_line, cli);
	}
	const char *article = cli->argv[0];
	snprintf(name, sizeof(name), "%s%s", strchr(article, '/') ? "" : "rules/", article);
	doing(cli, "rules %s", article);
	int r = fetch(cli, get_path, name, &rule);
	if (r == EXIT_OK && cli->output == OUTPUT_JSON)
		r = print_one(cli, message_by_name(SLICE("zwy.v1.Rule")), buf_slice(&rule));
	else if (r == EXIT_OK)
		print_rule(buf_slice(&rule));
	buf_release(&rule);
	return r;
}

int
cmd_whoami(struct cli *cli)
{
	static const struct rpc rpc = {.path = "/zwy.v1.OrganisationService/WhoAmI"};
	struct buf request = {0}, answer = {0};
	int r = remote_call(cli, &rpc, &request, &answer);
	if (r == EXIT_OK)
		r = print_one(cli, message_by_name(SLICE("zwy.v1.WhoAmIResponse")), buf_slice(&answer));
	buf_release(&answer);
	return r;
}
