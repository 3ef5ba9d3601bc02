/* rules: articles, and what belongs to them */
#include <string.h>

#include "cli.h"
#include "wire.h"

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
	struct slice key = last_segment(wire_string(p, RULE_NAME)), value = wire_string(p, PARAMETER_VALUE);
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
	struct slice name = wire_string(p, RULE_NAME), value = wire_string(p, OWN_EFFECTIVE);
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
	struct slice name = wire_string(node, RULE_NAME);
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

/* ---- the command ----------------------------------------------------------- */

static int
show_article(struct cli *cli, const char *article, struct buf *rule)
{
	char name[NAME_MAX_BYTES];
	snprintf(name, sizeof(name), "%s%s", strchr(article, '/') ? "" : "rules/", article);
	int r = remote_get(cli, "/zwy.v1.RuleService/GetRule", name, rule);
	if (r == EXIT_OK && cli->output == OUTPUT_JSON)
		r = print_one(cli, message_by_name(SLICE("zwy.v1.Rule")), buf_slice(rule));
	else if (r == EXIT_OK) {
		print_rule(buf_slice(rule));
		r = print_parameters(cli, last_segment(wire_string(buf_slice(rule), RULE_NAME)));
	}
	return r;
}

int
cmd_rules(struct cli *cli)
{
	const char *operand = cli->argc ? cli->argv[0] : NULL;
	struct buf answer = {0};
	int r;
	if (cli->option[OPT_DOT] && cli->option[OPT_COVERAGE])
		return tell_usage(cli, "give one of --dot and --coverage");
	if (operand)
		doing(cli, "rules %s", operand);
	if (cli->option[OPT_DOT]) {
		r = process_draw(cli, operand, &answer);
	} else if (cli->option[OPT_COVERAGE]) {
		r = coverage_print(cli, operand, &answer);
	} else if (operand) {
		r = show_article(cli, operand, &answer);
	} else {
		struct listing list = {.path = "/zwy.v1.RuleService/ListRules"};
		r = remote_list(cli, &list, print_rule_line, cli);
	}
	buf_release(&answer);
	return r;
}
