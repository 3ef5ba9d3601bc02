/* The same under libuv: the client is one poll handle and one timer.
 *
 *   cc uv.c $(pkg-config --cflags --libs zwy libuv)
 *   ./a.out unix:/run/zwy/zwyd.sock cloud-server */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>
#include <zwy.h>

/* ---- what a program needs once ----------------------------------------- */

struct adapter {
	struct zwy_client *client;
	uv_poll_t poll;
	uv_timer_t timer;
	uv_prepare_t prepare;
};

static void
on_ready(uv_poll_t *poll, int status, int events)
{
	struct adapter *a = poll->data;
	(void)status;
	(void)events;
	zwy_client_process(a->client);
}

static void
on_time(uv_timer_t *timer)
{
	struct adapter *a = timer->data;
	zwy_client_process(a->client);
}

/* Before the loop sleeps: what was done meanwhile may have changed how long it may. */
static void
before_waiting(uv_prepare_t *prepare)
{
	struct adapter *a = prepare->data;
	int ms = zwy_client_timeout(a->client);
	if (ms >= 0)
		uv_timer_start(&a->timer, on_time, (uint64_t)ms, 0);
	else
		uv_timer_stop(&a->timer);
}

static void
adapter_open(struct adapter *a, uv_loop_t *loop, struct zwy_client *client)
{
	a->client = client;
	uv_poll_init(loop, &a->poll, zwy_client_fd(client));
	uv_timer_init(loop, &a->timer);
	uv_prepare_init(loop, &a->prepare);
	a->poll.data = a->timer.data = a->prepare.data = a;
	uv_poll_start(&a->poll, UV_READABLE, on_ready);
	uv_prepare_start(&a->prepare, before_waiting);
}

static void
adapter_close(struct adapter *a)
{
	uv_close((uv_handle_t *)&a->poll, NULL);
	uv_close((uv_handle_t *)&a->timer, NULL);
	uv_close((uv_handle_t *)&a->prepare, NULL);
}

/* ---- what it then does --------------------------------------------------- */

static int failed;

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
	failed = error->status != 0;
	if (failed)
		fprintf(stderr, "%s\n", error->text);
	adapter_close(ctx); /* nothing else keeps the loop */
}

int
main(int argc, char **argv)
{
	struct zwy_options options = {.size = sizeof(options), .user_agent = "uv-example/1"};
	struct adapter adapter;
	struct zwy_call_options call = {.size = sizeof(call),
					.message = on_message,
					.done = on_done,
					.ctx = &adapter};
	struct zwy_client *client;
	struct zwy_bytes request;
	struct zwy_error error;
	char text[200];

	zwy_default_files(&options);
	if (argc != 3 || zwy_client_new(&client, argv[1], &options, &error) != 0) {
		fprintf(stderr, "%s\n", argc != 3 ? "usage: uv TARGET SERVICE" : error.text);
		return 2;
	}
	snprintf(text, sizeof(text), "name=catalogue/%s", argv[2]);
	if (zwy_message_parse("zwy.v1.GetServiceRequest", (struct zwy_bytes){text, strlen(text)}, ZWY_TEXT,
			      &request, &error) != 0)
		return 2;
	adapter_open(&adapter, uv_default_loop(), client);
	zwy_call_start(client, "/zwy.v1.CatalogueService/GetService", request, &call);
	free((void *)request.data);
	uv_run(uv_default_loop(), UV_RUN_DEFAULT);
	uv_loop_close(uv_default_loop());
	zwy_client_free(client);
	return failed;
}
