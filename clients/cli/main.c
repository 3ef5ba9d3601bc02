/* zwy: the command line. Options may stand anywhere; -- ends them. */
#include <getopt.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

const struct cli_command commands[] = {
#define COMMAND(name, function, least, most, operands, summary, more) \
	{name, function, least, most, operands, summary, more},
#include "commands.def"
#undef COMMAND
};
const size_t command_count = sizeof(commands) / sizeof(commands[0]);

static const struct option long_options[] = {
#define OPTION(id, name, argument, commands, text) \
	{name, (const char *)(argument) ? required_argument : no_argument, NULL, 256 + OPT_##id},
#include "options.def"
#undef OPTION
	{NULL, 0, NULL, 0},
};

static const char *const option_commands[OPTION_COUNT] = {
#define OPTION(id, name, argument, commands, text) [OPT_##id] = commands,
#include "options.def"
#undef OPTION
};

static int
read_options(struct cli *cli, int argc, char **argv)
{
	int c;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		if (c == 'h')
			cli->option[OPT_HELP] = "";
		else if (c >= 256)
			cli->option[c - 256] = optarg ? optarg : "";
		else if (c == ':')
			return tell_usage(cli, "%s needs a value", argv[optind - 1]);
		else
			return tell_usage(cli, "there is no option %s", argv[optind - 1]);
	}
	cli->argc = argc - optind;
	cli->argv = argv + optind;
	return EXIT_OK;
}

static bool
has_word(const char *words, const char *word)
{
	size_t n = strlen(word);
	for (const char *p = words; (p = strstr(p, word)); p += n)
		if ((p == words || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
			return true;
	return false;
}

static int
find_command(struct cli *cli)
{
	if (cli->argc == 0)
		return tell_usage(cli, "which command?");
	for (size_t i = 0; i < command_count && !cli->command; i++)
		if (strcmp(commands[i].name, cli->argv[0]) == 0)
			cli->command = &commands[i];
	if (!cli->command)
		return tell_usage(cli, "there is no command %s", cli->argv[0]);
	cli->argc--;
	cli->argv++;
	doing(cli, "%s", cli->command->name);
	return EXIT_OK;
}

static int
check_command(struct cli *cli)
{
	const struct cli_command *c = cli->command;
	for (int i = 0; i < OPTION_COUNT; i++)
		if (cli->option[i] && option_commands[i] && !has_word(option_commands[i], c->name))
			return tell_usage(cli, "--%s belongs to: %s", long_options[i].name,
					  option_commands[i]);
	if (cli->argc < c->least || (c->most >= 0 && cli->argc > c->most))
		return tell_usage(cli, "usage: zwy %s %s", c->name, c->operands);
	return EXIT_OK;
}

static int
check_common(struct cli *cli)
{
	const char *output = cli->option[OPT_OUTPUT], *as = cli->option[OPT_AS],
		   *timeout = cli->option[OPT_TIMEOUT];
	uint64_t seconds;
	if (!output || strcmp(output, "text") == 0)
		cli->output = OUTPUT_TEXT;
	else if (strcmp(output, "json") == 0)
		cli->output = OUTPUT_JSON;
	else if (strcmp(output, "table") == 0)
		cli->output = OUTPUT_TABLE;
	else
		return tell_usage(cli, "--output is text, json or table, not %s", output);
	if (timeout && (!number_of(timeout, 86400, &seconds) || seconds == 0))
		return tell_usage(cli, "--timeout is a number of seconds, 1 to 86400, not %s", timeout);
	cli->timeout_ms = timeout ? (int64_t)seconds * 1000 : 0;
	if (as)
		snprintf(cli->as, sizeof(cli->as), "%s%s", strchr(as, '/') ? "" : "principals/", as);
	if (cli->option[OPT_SERVER])
		snprintf(cli->target, sizeof(cli->target), "%s", cli->option[OPT_SERVER]);
	else
		zwy_default_target(cli->target, sizeof(cli->target));
	bool tls = strncmp(cli->target, "tls:", 4) == 0;
	if (!tls && (cli->option[OPT_CA] || cli->option[OPT_CERT] || cli->option[OPT_KEY]))
		return tell_usage(cli, "--ca, --cert and --key belong to a server tls:HOST:PORT, not to %s",
				  cli->target);
	return EXIT_OK;
}

static int
run(struct cli *cli, int argc, char **argv)
{
	int r = read_options(cli, argc, argv);
	if (r != EXIT_OK)
		return r;
	if (cli->option[OPT_VERSION]) {
		printf("zwy %s\n", zwy_version());
		return EXIT_OK;
	}
	if (cli->option[OPT_HELP] && cli->argc == 0) {
		print_help(stdout, NULL);
		return EXIT_OK;
	}
	r = find_command(cli);
	if (r == EXIT_OK && cli->option[OPT_HELP]) {
		print_help(stdout, cli->command);
		return EXIT_OK;
	}
	if (r == EXIT_OK)
		r = check_command(cli);
	if (r == EXIT_OK)
		r = check_common(cli);
	return r == EXIT_OK ? cli->command->run(cli) : r;
}

int
main(int argc, char **argv)
{
	struct cli cli = {0};
	/* Widths of Chinese characters, also where the environment names no locale. */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "");
	int r = run(&cli, argc, argv);
	if ((fflush(stdout) != 0 || ferror(stdout)) && r == EXIT_OK)
		r = tell_code(&cli, ERR_INTERNAL, "standard output cannot be written");
	zwy_client_free(cli.client);
	buf_release(&cli.doing);
	return r;
}
