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

/* ---- the parameters of an article -------------------------------------- */

enum { PARAMETER_VALUE = 6, PARAMETER_ARTICLE = 7, PARAMETER_STATUTORY = 8, PARAMETER_TEXT = 9 };
enum { OWN_EFFECTIVE = 9, OWN_SOURCE = 10, OWN_ARTICLE = 12 };

struct parameters_of {
	struct slice article;
	bool any;
	char nodes[16][NAME_MAX_BYTES]; /* fourteen, Article 6 */
	size_t node_count;
};

static int
print_parameter(void *ctx, struct slice p)
{
	struct parameters_of *of = ctx;
	struct slice key = last_segment(wire_string(p, GET_NAME)), value = wire_string(p, PARAMETER_VALUE);
	struct slice text = wire_string(p, PARAMETER_TEXT);
	if (!slice_equal(wire_string(p, PARAMETER_ARTICLE), of->article))
		return EXIT_OK;
	printf("%s  %.*s=%.*s  (province, %s)  %.*s\n", of->any ? "" : "\nParameters:\n", (int)key.n, key.p,
	       (int)value.n, value.p, wire_uint(p, PARAMETER_STATUTORY) ? "statutory" : "internal target",
	       (int)text.n, text.p);
	of->any = true;
	return EXIT_OK;
}

static int
print_own(void *ctx, struct slice p)
{
	const struct parameters_of *of = ctx;
	struct slice name = wire_string(p, GET_NAME), value = wire_string(p, OWN_EFFECTIVE);
	struct slice source = wire_string(p, OWN_SOURCE);
	if (slice_equal(wire_string(p, OWN_ARTICLE), of->article))
		printf("  %.*s: %.*s (%.*s)\n", (int)name.n, name.p, (int)value.n, value.p, (int)source.n,
		       source.p);
	return EXIT_OK;
}

static int
keep_node(void *ctx, struct slice node)
{
	struct parameters_of *of = ctx;
	struct slice name = wire_string(node, GET_NAME);
	if (of->node_count < sizeof(of->nodes) / sizeof(of->nodes[0]))
		snprintf(of->nodes[of->node_count++], NAME_MAX_BYTES, "%.*s", (int)name.n, name.p);
	return EXIT_OK;
}

/* The province's values, then what cities have of their own (Article 36). */
static int
print_parameters(struct cli *cli, struct slice article)
{
	struct parameters_of of = {.article = article};
	struct listing list = {.path = "/zwy.v1.ParameterService/ListParameters"};
	struct listing nodes = {.path = "/zwy.v1.NodeService/ListNodes"};
	int r = remote_list(cli, &list, print_parameter, &of);
	if (r != EXIT_OK || !of.any)
		return r;
	r = remote_list(cli, &nodes, keep_node, &of);
	for (size_t i = 0; r == EXIT_OK && i < of.node_count; i++) {
		struct listing own = {.path = "/zwy.v1.ParameterService/ListNodeParameters",
				      .parent = of.nodes[i]};
		r = remote_list(cli, &own, print_own, &of);
	}
	return r;
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
	else if (r == EXIT_OK) {
		print_rule(buf_slice(&rule));
		r = print_parameters(cli, last_segment(wire_string(buf_slice(&rule), RULE_NAME)));
	}
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
