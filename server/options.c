#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#define CONFIG_MAX 65536

enum { OPT_DATA = 1, OPT_INIT, OPT_LISTEN, OPT_CONFIG, OPT_CLOCK, OPT_TCP_PRINCIPAL, OPT_HELP, OPT_VERSION };

static const struct option long_options[] = {
	{"data", required_argument, NULL, OPT_DATA},
	{"init", required_argument, NULL, OPT_INIT},
	{"listen", required_argument, NULL, OPT_LISTEN},
	{"config", required_argument, NULL, OPT_CONFIG},
	{"clock", required_argument, NULL, OPT_CLOCK},
	{"demo-tcp-principal", required_argument, NULL, OPT_TCP_PRINCIPAL},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{0},
};

static const char usage[] =
	"Usage: zwyd --data DIR [--init empty|demo] [--listen TARGET]... [--config FILE]\n"
	"            [--clock FILE] [--demo-tcp-principal ID]\n"
	"\n"
	"Keeps the records of a government cloud in DIR and serves them over gRPC.\n"
	"\n"
	"  --data DIR        directory of the store; its owner is principals/bootstrap\n"
	"  --init empty      make the store if DIR has none: catalogue, nodes, calendar, rules\n"
	"  --init demo       the same with departments, systems, quotas and principals to try\n"
	"  --listen TARGET   unix:PATH, unix-abstract:NAME, HOST:PORT (port 0: any free one),\n"
	"                    tls:HOST:PORT (needs tls_certificate and tls_key), http:HOST:PORT\n"
	"                    (HTTP/1.1, pages only); may be repeated; default: what systemd\n"
	"                    hands over, else the socket that zwy looks for\n"
	"  --config FILE     settings, one key=value a line; an unknown key is fatal\n"
	"  --clock FILE      take the time from FILE, an RFC 3339 instant, read again on change\n"
	"  --demo-tcp-principal ID\n"
	"                    plaintext TCP on loopback acts as principals/ID; for trying only\n"
	"  --help, --version\n"
	"\n"
	"Once ready it prints `listening TARGET` for each listener. SIGTERM ends it gracefully,\n"
	"SIGHUP reads the files of TLS again.\n"
	"\nSettings of --config:\n";

/* Settings lie in three structs of struct options; each is found by its place there. */
static const struct setting_row {
	const char *name, *unit, *text;
	long long value, least, most;
	size_t offset;
	const char *word; /* default of a text; NULL: it is a number */
} setting_rows[] = {
#define ROW(part, name, default_value, least, most, unit, text) \
	{#name, unit, text, default_value, least, most, offsetof(struct options, part.name), NULL},
#define SETTING(...) ROW(settings, __VA_ARGS__)
#define TEXT_SETTING(name, default_value, allowed, text) \
	{#name, allowed, text, 0, 0, 0, offsetof(struct options, settings.name), default_value},
#include "settings.def"
#undef SETTING
#undef TEXT_SETTING
#define NET_LIMIT(name, value, unit, text) ROW(net_limits, name, value, 1, INT32_MAX, unit, text)
#include "net/limits.def"
#undef NET_LIMIT
#define RPC_LIMIT(name, value, unit, text) ROW(rpc_limits, name, value, 1, INT32_MAX, unit, text)
#include "rpc/limits.def"
#undef RPC_LIMIT
#undef ROW
};

#define SETTING_ROWS (sizeof(setting_rows) / sizeof(setting_rows[0]))

static void *
setting_at(struct options *o, const struct setting_row *row)
{
	return (char *)o + row->offset;
}

static void
set_number(struct options *o, const struct setting_row *row, int64_t number)
{
	*(int64_t *)setting_at(o, row) = number;
}

static void
set_text(struct options *o, const struct setting_row *row, const char *text)
{
	*(const char **)setting_at(o, row) = text;
}

static void
print_help(void)
{
	fputs(usage, stdout);
	for (const struct setting_row *row = setting_rows; row < setting_rows + SETTING_ROWS; row++) {
		printf("  %-24s %s (%s, default ", row->name, row->text, row->unit);
		if (!row->word)
			printf("%lld)\n", row->value);
		else
			printf("%s)\n", row->word[0] ? row->word : "none");
	}
}

/* As in request text, - and _ mean the same in a key. */
static bool
key_is(struct slice key, const char *name)
{
	size_t i = 0;
	for (; i < key.n && name[i] != '\0'; i++)
		if (key.p[i] != name[i] && !(key.p[i] == '-' && name[i] == '_'))
			return false;
	return i == key.n && name[i] == '\0';
}

/* Whether a text is one of the words joined by |, or the row leaves it free. */
static bool
is_allowed(const char *allowed, struct slice value)
{
	struct slice rest = slice_of(allowed), word;
	if (allowed[0] >= 'A' && allowed[0] <= 'Z')
		return true;
	while (slice_cut(&rest, '|', &word))
		if (slice_equal(word, value))
			return true;
	return slice_equal(rest, value);
}

static bool
set_value(struct options *o, const struct setting_row *row, struct slice value)
{
	uint64_t number;
	if (row->word) {
		const char *text = arena_dup_slice(&o->texts, value);
		if (!text || !is_allowed(row->unit, value))
			return false;
		set_text(o, row, text);
		return true;
	}
	if (!slice_to_u64(value, &number) || number < (uint64_t)row->least || number > (uint64_t)row->most)
		return false;
	set_number(o, row, (int64_t)number);
	return true;
}

static bool
set_one(struct options *o, struct slice key, struct slice value, const char *file, unsigned line)
{
	for (const struct setting_row *row = setting_rows; row < setting_rows + SETTING_ROWS; row++) {
		if (!key_is(key, row->name))
			continue;
		if (set_value(o, row, value))
			return true;
		if (row->word)
			fprintf(stderr, "zwyd: %s:%u: %s: %s is wanted\n", file, line, row->name, row->unit);
		else
			fprintf(stderr, "zwyd: %s:%u: %s: a whole number of %s is wanted, %lld to %lld\n",
				file, line, row->name, row->unit, row->least, row->most);
		return false;
	}
	fprintf(stderr, "zwyd: %s:%u: there is no setting \"%.*s\"; zwyd --help lists them\n", file, line,
		(int)key.n, key.p);
	return false;
}

/* The syntax of request text: key=value lines, # begins a comment line. */
static bool
read_config(struct options *o, const char *file)
{
	char text[CONFIG_MAX];
	FILE *in = fopen(file, "re");
	if (!in) {
		fprintf(stderr, "zwyd: --config %s: %s\n", file, strerror(errno));
		return false;
	}
	struct slice rest = {text, fread(text, 1, sizeof(text), in)}, line, key;
	bool whole = rest.n < sizeof(text) && !ferror(in);
	fclose(in);
	if (!whole) {
		fprintf(stderr, "zwyd: --config %s: cannot be read, or is over %d bytes\n", file, CONFIG_MAX);
		return false;
	}
	for (unsigned n = 1; rest.n; n++) {
		if (!slice_cut(&rest, '\n', &line)) {
			line = rest;
			rest.n = 0;
		}
		line = slice_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (!slice_cut(&line, '=', &key)) {
			fprintf(stderr, "zwyd: %s:%u: key=value is wanted\n", file, n);
			return false;
		}
		if (!set_one(o, slice_trim(key), slice_trim(line), file, n))
			return false;
	}
	return true;
}

static bool
take_option(struct options *o, int opt)
{
	switch (opt) {
	case OPT_DATA:
		o->data = optarg;
		return true;
	case OPT_INIT:
		o->init = optarg;
		if (strcmp(optarg, "empty") == 0 || strcmp(optarg, "demo") == 0)
			return true;
		fprintf(stderr, "zwyd: --init %s: allowed are empty and demo\n", optarg);
		return false;
	case OPT_LISTEN:
		if (o->listen_count == LISTEN_MAX) {
			fprintf(stderr, "zwyd: --listen: at most %d\n", LISTEN_MAX);
			return false;
		}
		o->listen[o->listen_count++] = optarg;
		return true;
	case OPT_CONFIG:
		o->config = optarg;
		return read_config(o, optarg);
	case OPT_CLOCK:
		o->clock = optarg;
		return true;
	case OPT_TCP_PRINCIPAL:
		o->tcp_principal = optarg;
		return true;
	default:
		return false;
	}
}

enum options_result
options_read(struct options *o, int argc, char **argv)
{
	int opt;
	*o = (struct options){0};
	for (const struct setting_row *row = setting_rows; row < setting_rows + SETTING_ROWS; row++) {
		if (row->word)
			set_text(o, row, row->word);
		else
			set_number(o, row, row->value);
	}
	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (opt == OPT_HELP) {
			print_help();
			return OPTIONS_DONE;
		}
		if (opt == OPT_VERSION) {
			puts("zwyd " ZWY_VERSION);
			return OPTIONS_DONE;
		}
		if (!take_option(o, opt)) {
			if (opt == '?')
				fputs("zwyd: --help says what there is\n", stderr);
			return OPTIONS_WRONG;
		}
	}
	if (optind < argc || !o->data) {
		fprintf(stderr,
			optind < argc ? "zwyd: what is \"%s\"? --help says what there is\n"
				      : "zwyd: --data DIR is needed; --help says more\n",
			argv[optind]);
		return OPTIONS_WRONG;
	}
	return OPTIONS_RUN;
}
