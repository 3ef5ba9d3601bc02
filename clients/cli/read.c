/* get, list, whoami */
#include <string.h>

#include "cli.h"
#include "wire.h"

int
cmd_get(struct cli *cli)
{
	struct subject s;
	struct buf record = {0};
	doing(cli, "get %s", cli->argv[0]);
	int r = subject_of_name(cli, &s, cli->argv[0]);
	if (r == EXIT_OK)
		r = remote_get(cli, s.get, s.name, &record);
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
	unsigned page_size;
	doing(cli, "list %s", cli->argv[0]);
	int r = page_size_of(cli, &page_size);
	if (r == EXIT_OK)
		r = subject_of_collection(cli, &s, cli->argv[0]);
	if (r != EXIT_OK)
		return r;
	struct listing list = {.path = s.list,
			       .parent = s.name,
			       .filter = cli->option[OPT_FILTER],
			       .page_size = page_size};
	printer_open(&p, cli, s.message);
	return printer_close(&p, remote_list(cli, &list, printer_item, &p));
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
