#include <string.h>

#include "cli.h"

struct option_row {
	const char *name, *argument, *commands, *text;
};

static const struct option_row option_rows[] = {
#define OPTION(id, name, argument, commands, text) {name, argument, commands, text},
#include "options.def"
#undef OPTION
};

static void
print_option(FILE *to, const struct option_row *o)
{
	char left[40];
	snprintf(left, sizeof(left), "--%s%s%s", o->name, o->argument ? " " : "",
		 o->argument ? o->argument : "");
	fprintf(to, "  %-22s %s\n", left, o->text);
}

static bool
belongs(const struct option_row *o, const char *command)
{
	struct slice rest = slice_of(o->commands), word;
	while (slice_cut(&rest, ' ', &word))
		if (slice_is(word, command))
			return true;
	return slice_is(rest, command);
}

static void
print_all(FILE *to)
{
	fprintf(to, "zwy - the command line of the government cloud's system of record\n\n"
		    "usage: zwy [--server TARGET] [--as PRINCIPAL] [--output text|json|table] COMMAND ...\n\n"
		    "commands:\n");
	for (size_t i = 0; i < command_count; i++) {
		char left[48];
		snprintf(left, sizeof(left), "%s %s", commands[i].name, commands[i].operands);
		fprintf(to, "  %-34s %s\n", left, commands[i].summary);
	}
	fprintf(to, "\noptions:\n");
	for (size_t i = 0; i < sizeof(option_rows) / sizeof(option_rows[0]); i++)
		if (!option_rows[i].commands)
			print_option(to, &option_rows[i]);
	fprintf(to, "\n`zwy help COMMAND` has the rest.\n"
		    "Exit status: 0 done, 1 refused by a rule, 2 usage, 3 not found, 4 denied, 5 conflict,\n"
		    "6 server not available, 7 outcome unknown, 8 internal error.\n");
}

void
print_help(FILE *to, const struct cli_command *c)
{
	if (!c) {
		print_all(to);
		return;
	}
	fprintf(to, "usage: zwy %s%s%s\n\n%s.\n%s", c->name, c->operands[0] ? " " : "", c->operands,
		c->summary, c->more);
	bool any = false;
	for (size_t i = 0; i < sizeof(option_rows) / sizeof(option_rows[0]); i++) {
		if (!option_rows[i].commands || !belongs(&option_rows[i], c->name))
			continue;
		fprintf(to, "%s", any ? "" : "\noptions:\n");
		print_option(to, &option_rows[i]);
		any = true;
	}
	fprintf(to, "\nOptions of all commands: `zwy --help`.\n");
}

int
cmd_help(struct cli *cli)
{
	if (cli->argc == 0) {
		print_help(stdout, NULL);
		return EXIT_OK;
	}
	for (size_t i = 0; i < command_count; i++) {
		if (strcmp(commands[i].name, cli->argv[0]) == 0) {
			print_help(stdout, &commands[i]);
			return EXIT_OK;
		}
	}
	return tell_usage(cli, "there is no command %s", cli->argv[0]);
}
