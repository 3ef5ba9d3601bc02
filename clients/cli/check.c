/* check: the one command that works on a store and not through a server. */
#include "cli.h"
#include "store/store.h"

static void
on_problem(void *ctx, const char *text)
{
	(void)ctx;
	printf("%s\n", text);
}

int
cmd_check(struct cli *cli)
{
	struct check_report report = {.problem = on_problem};
	struct fault f = {0};
	doing(cli, "check %s", cli->argv[0]);
	int r = store_check(cli->argv[0], &report, &f);
	if (r < 0)
		return tell_fault(cli, &f);
	printf("%llu records, %llu events, %llu documents, %llu index entries: %llu problems\n",
	       (unsigned long long)report.records, (unsigned long long)report.events,
	       (unsigned long long)report.documents, (unsigned long long)report.index_entries,
	       (unsigned long long)report.problems);
	if (report.problems)
		return tell_code(cli, ERR_STORE_CORRUPT, "%llu contradictions",
				 (unsigned long long)report.problems);
	return EXIT_OK;
}
