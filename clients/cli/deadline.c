#include <string.h>

#include "base/date.h"
#include "cli.h"
#include "wire.h"

enum { DEADLINE_FROM = 1 };
enum { DEADLINE_DATE = 1, DEADLINE_PROVISIONAL = 2, DEADLINE_EXPLANATION = 3, DEADLINE_TIME = 4 };

#define TERM_MAX 100000

static const struct {
	enum option_id option;
	uint32_t field;
	const char *name;
} terms[] = {
	{OPT_WORKING_DAYS, 2, "--working-days"},
	{OPT_MONTHS, 3, "--months"},
	{OPT_BEFORE, 4, "--before"},
	{OPT_HOURS, 5, "--hours"},
};

static int
build(struct cli *cli, struct buf *request)
{
	const char *from = cli->option[OPT_FROM];
	unsigned given = 0;
	day d;
	msec at;
	if (!from)
		return tell_usage(cli, "--from DATE is missing");
	if (!date_parse(slice_of(from), &d) && !(cli->option[OPT_HOURS] && time_parse(slice_of(from), &at)))
		return tell_usage(cli, "--from is a day YYYY-MM-DD, not %s", from);
	wire_put_string(request, DEADLINE_FROM, slice_of(from));
	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		const char *text = cli->option[terms[i].option];
		uint64_t n;
		if (!text)
			continue;
		if (!number_of(text, TERM_MAX, &n))
			return tell_usage(cli, "%s is a number up to %d, not %s", terms[i].name, TERM_MAX,
					  text);
		/* Written even if it is 0: which member of the oneof is set is what counts. */
		wire_put_tag(request, terms[i].field, WIRE_VARINT);
		wire_put_varint(request, n);
		given++;
	}
	if (given != 1)
		return tell_usage(cli, "give one of --working-days, --months, --before and --hours");
	return EXIT_OK;
}

/* Times of terms are those of China, UTC+8. */
static void
print_instant(msec at)
{
	char date[DATE_LEN];
	day d = day_of(at);
	int second = (int)((at - day_start(d)) / 1000);
	date_format(date, d);
	printf("%sT%02d:%02d:%02d+08:00\n", date, second / 3600, second / 60 % 60, second % 60);
}

static void
print_deadline(struct slice answer, bool explain)
{
	struct slice date = wire_string(answer, DEADLINE_DATE);
	struct wire_field w;
	if (wire_find(answer, DEADLINE_TIME, &w)) {
		print_instant(wire_time(answer, DEADLINE_TIME));
		return;
	}
	printf("%.*s%s\n", (int)date.n, date.p,
	       wire_uint(answer, DEADLINE_PROVISIONAL) ? " provisional" : "");
	while (explain && wire_next(&answer, &w) == 1)
		if (w.number == DEADLINE_EXPLANATION)
			printf("%.*s\n", (int)w.bytes.n, w.bytes.p);
}

int
cmd_deadline(struct cli *cli)
{
	static const struct rpc rpc = {.path = "/zwy.v1.CalendarService/ComputeDeadline"};
	struct buf request = {0}, answer = {0};
	int r = build(cli, &request);
	if (r == EXIT_OK)
		r = remote_call(cli, &rpc, &request, &answer);
	if (r == EXIT_OK && cli->output == OUTPUT_JSON)
		r = print_one(cli, message_by_name(SLICE("zwy.v1.ComputeDeadlineResponse")),
			      buf_slice(&answer));
	else if (r == EXIT_OK)
		print_deadline(buf_slice(&answer), cli->option[OPT_EXPLAIN] != NULL);
	buf_release(&request);
	buf_release(&answer);
	return r;
}
