#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "cli.h"
#include "wire.h"

/* List requests and answers, the same for every kind (contract: RPC). */
enum { LIST_PARENT = 1, LIST_PAGE_SIZE = 2, LIST_PAGE_TOKEN = 3, LIST_FILTER = 4 };
enum { LISTED_ITEMS = 1, LISTED_NEXT_PAGE_TOKEN = 2 };
enum { GET_NAME = 1, EXPLAIN_NAME = 1 };

struct zwy_client *
client_of(struct cli *cli)
{
	struct zwy_options options = {.size = sizeof(options),
				      .as = cli->as[0] ? cli->as : NULL,
				      .user_agent = "zwy/" ZWY_VERSION,
				      .ca_file = cli->option[OPT_CA],
				      .cert_file = cli->option[OPT_CERT],
				      .key_file = cli->option[OPT_KEY]};
	struct zwy_error error;
	if (cli->client)
		return cli->client;
	zwy_default_files(&options);
	int r = zwy_client_new(&cli->client, cli->target, &options, &error);
	if (r == -ENOMEM)
		tell_error(cli, &error);
	else if (r < 0)
		tell_usage(cli, "%s", error.text);
	return r < 0 ? NULL : cli->client;
}

int64_t
timeout_of(const struct cli *cli, const struct rpc *rpc)
{
	if (cli->timeout_ms)
		return cli->timeout_ms;
	if (rpc->timeout_s)
		return rpc->timeout_s * 1000;
	return (rpc->writes ? WRITE_TIMEOUT_S : READ_TIMEOUT_S) * 1000;
}

const struct zwy_retry *
retry_of(const struct rpc *rpc)
{
	static const struct zwy_retry retry = {.size = sizeof(retry), .buffer = FILE_MAX};
	return !rpc->writes || rpc->repeatable ? &retry : NULL;
}

const char *
request_id_of(const struct cli *cli, char own[40])
{
	unsigned char random[16];
	if (cli->option[OPT_REQUEST_ID])
		return cli->option[OPT_REQUEST_ID];
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return "";
	memcpy(own, "zwy-", 4);
	hex_encode(own + 4, random, sizeof(random));
	return own;
}

int
remote_try(struct cli *cli, const struct rpc *rpc, const struct buf *request, struct buf *ret,
	   struct zwy_error *error)
{
	struct zwy_client *client = client_of(cli);
	struct zwy_call_options options = {.size = sizeof(options),
					   .timeout_ms = timeout_of(cli, rpc),
					   .retry = retry_of(rpc)};
	struct zwy_bytes answer;
	if (!client) {
		*error = (struct zwy_error){.status = GRPC_INVALID_ARGUMENT, .exit_status = EXIT_USAGE};
		return EXIT_USAGE;
	}
	if (request->error) { /* cut short, it would ask for something else */
		*error = (struct zwy_error){.status = GRPC_RESOURCE_EXHAUSTED, .exit_status = EXIT_INTERNAL};
		snprintf(error->text, sizeof(error->text), "out of memory for the request");
		return EXIT_INTERNAL;
	}
	if (zwy_unary(client, rpc->path, (struct zwy_bytes){request->p, request->n}, &options, &answer,
		      error) != 0) {
		/* What only reads has no outcome that could be unknown. */
		if (!rpc->writes && error->exit_status == EXIT_UNKNOWN)
			error->exit_status = EXIT_UNAVAILABLE;
		return error->exit_status;
	}
	buf_append(ret, answer.data, answer.size);
	free((void *)answer.data);
	return EXIT_OK;
}

int
remote_call(struct cli *cli, const struct rpc *rpc, const struct buf *request, struct buf *ret)
{
	struct zwy_error error;
	int r = remote_try(cli, rpc, request, ret, &error);
	if (r != EXIT_OK && cli->client)
		return tell_error(cli, &error);
	if (r == EXIT_OK && ret->error)
		return tell_code(cli, ret->error, "%s", reason_of(ret->error)->text);
	return r;
}

int
remote_get(struct cli *cli, const char *path, const char *name, struct buf *ret)
{
	struct rpc rpc = {.path = path};
	struct buf request = {0};
	wire_put_string(&request, GET_NAME, slice_of(name));
	int r = remote_call(cli, &rpc, &request, ret);
	buf_release(&request);
	return r;
}

int
page_size_of(struct cli *cli, unsigned *ret)
{
	uint64_t size = 0;
	const char *text = cli->option[OPT_PAGE_SIZE];
	if (text && !number_of(text, PAGE_SIZE_MAX, &size))
		return tell_usage(cli, "--page-size is a number up to %d, not %s", PAGE_SIZE_MAX, text);
	*ret = (unsigned)size;
	return EXIT_OK;
}

/* One page; the token of the next replaces *token. */
static int
fetch_page(struct cli *cli, const struct listing *list, struct buf *token, struct buf *page)
{
	struct rpc rpc = {.path = list->path};
	struct buf request = {0};
	wire_put_string(&request, LIST_PARENT, slice_of(list->parent));
	wire_put_uint(&request, LIST_PAGE_SIZE, list->page_size);
	wire_put_string(&request, LIST_PAGE_TOKEN, buf_slice(token));
	wire_put_string(&request, LIST_FILTER, slice_of(list->filter));
	buf_clear(page);
	int r = remote_call(cli, &rpc, &request, page);
	buf_release(&request);
	buf_clear(token);
	if (r == EXIT_OK)
		buf_append_slice(token, wire_string(buf_slice(page), LISTED_NEXT_PAGE_TOKEN));
	if (r == EXIT_OK && token->error)
		r = tell_code(cli, token->error, "out of memory for the list");
	return r;
}

int
remote_list(struct cli *cli, const struct listing *list, item_fn item, void *ctx)
{
	struct buf token = {0}, page = {0};
	int r;
	do {
		r = fetch_page(cli, list, &token, &page);
		struct slice rest = buf_slice(&page);
		struct wire_field field;
		while (r == EXIT_OK && wire_next(&rest, &field) == 1)
			if (field.number == LISTED_ITEMS)
				r = item(ctx, field.bytes);
	} while (r == EXIT_OK && token.n);
	buf_release(&token);
	buf_release(&page);
	return r;
}

int
remote_explain(struct cli *cli, const char *name, struct buf *ret)
{
	static const struct rpc rpc = {.path = "/zwy.v1.RuleService/Explain"};
	struct buf request = {0};
	wire_put_string(&request, EXPLAIN_NAME, slice_of(name));
	int r = remote_call(cli, &rpc, &request, ret);
	buf_release(&request);
	return r;
}
