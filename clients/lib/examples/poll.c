/* Asks for several services of the catalogue at once, in a poll() loop of its own.
 *
 *   cc poll.c $(pkg-config --cflags --libs zwy)
 *   ./a.out unix:/run/zwy/zwyd.sock cloud-server block-storage */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zwy.h>

static int open_calls, failures;

static void
on_message(void *ctx, struct zwy_call *call, struct zwy_bytes message)
{
	char *text;
	(void)ctx;
	(void)call;
	if (zwy_message_print("zwy.v1.Service", message, ZWY_JSON_LINE, &text, NULL) != 0)
		return;
	puts(text);
	free(text);
}

static void
on_done(void *ctx, struct zwy_call *call, const struct zwy_error *error)
{
	(void)call;
	if (error->status != 0) {
		fprintf(stderr, "%s: %s\n", (const char *)ctx, error->text);
		failures++;
	}
	open_calls--;
}

static void
ask(struct zwy_client *client, char *name)
{
	struct zwy_retry retry = {.size = sizeof(retry)}; /* reading may be repeated */
	struct zwy_call_options options = {.size = sizeof(options),
					   .timeout_ms = 5000,
					   .message = on_message,
					   .done = on_done,
					   .retry = &retry,
					   .ctx = name};
	struct zwy_bytes request;
	char text[200];
	snprintf(text, sizeof(text), "name=catalogue/%s", name);
	if (zwy_message_parse("zwy.v1.GetServiceRequest", (struct zwy_bytes){text, strlen(text)}, ZWY_TEXT,
			      &request, NULL) != 0)
		return;
	if (zwy_call_start(client, "/zwy.v1.CatalogueService/GetService", request, &options))
		open_calls++;
	free((void *)request.data);
}

int
main(int argc, char **argv)
{
	struct zwy_options options = {.size = sizeof(options), .user_agent = "poll-example/1"};
	struct zwy_client *client;
	struct zwy_error error;

	zwy_default_files(&options);
	if (argc < 2 || zwy_client_new(&client, argv[1], &options, &error) != 0) {
		fprintf(stderr, "%s\n", argc < 2 ? "usage: poll TARGET SERVICE..." : error.text);
		return 2;
	}
	for (int i = 2; i < argc; i++)
		ask(client, argv[i]);
	while (open_calls > 0) {
		/* Descriptors of the program's own would stand beside it. */
		struct pollfd p = {.fd = zwy_client_fd(client), .events = POLLIN};
		poll(&p, 1, zwy_client_timeout(client));
		zwy_client_process(client);
	}
	zwy_client_free(client);
	return failures > 0;
}
