/* Pages: plain GET and HEAD requests on the same connection as the calls. A page's
 * stream is a struct call without a method; its body goes out by the calls' queue. */
#include "rpc/internal.h"

#include <stdio.h>

/* :status, content-type, content-length, cache-control */
#define PAGE_FIELDS 4

const struct rpc_page *
page_find(const struct rpc_config *config, struct slice path)
{
	struct slice before_query = path;
	slice_cut(&path, '?', &before_query);
	for (size_t i = 0; i < config->page_count; i++)
		if (slice_is(before_query, config->pages[i].path))
			return &config->pages[i];
	return NULL;
}

/* The page, or why not, in *body; returns the HTTP status. */
static int
render(const struct call *c, struct buf *body, const char **ret_type)
{
	*ret_type = "text/plain; charset=utf-8";
	if (c->head.overflow) {
		buf_append_str(body, "request header fields too large\n");
		return 431;
	}
	if ((c->page->flags & RPC_LOCAL) && !is_local(&c->engine->peer)) {
		buf_append_str(body, "only for callers on this host\n");
		return 403;
	}
	int status = c->page->render(c->engine->config->server, body);
	if (!body->error && status >= 200 && status <= 599) {
		*ret_type = c->page->content_type;
		return status;
	}
	buf_release(body);
	buf_append_str(body, "the page could not be made\n");
	return 500;
}

void
page_answer(struct call *c)
{
	struct engine *e = c->engine;
	struct buf body = {0};
	const char *type;
	char status[8], length[24];
	snprintf(status, sizeof(status), "%d", render(c, &body, &type));
	snprintf(length, sizeof(length), "%zu", body.n);
	nghttp2_nv nv[PAGE_FIELDS] = {
		reply_field(SLICE(":status"), slice_of(status), NGHTTP2_NV_FLAG_NONE),
		reply_field(SLICE("content-type"), slice_of(type), NGHTTP2_NV_FLAG_NONE),
		reply_field(SLICE("content-length"), slice_of(length), NGHTTP2_NV_FLAG_NONE),
		reply_field(SLICE("cache-control"), SLICE("no-store"), NGHTTP2_NV_FLAG_NONE),
	};
	bool with_body = c->head.http_method == HTTP_GET && body.n > 0;
	c->finished = true;
	if (body.error || (with_body && send_bytes(c, buf_slice(&body)) != 0))
		engine_fail(e);
	else
		reply_submit(c, nv, PAGE_FIELDS, with_body);
	buf_release(&body);
}
