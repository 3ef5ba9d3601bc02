/* Request headers into a call: what the engine itself needs is read on the way,
 * the rest is kept for handlers. -bin values are decoded here, once. */
#include "rpc/internal.h"

#include <strings.h>

/* RFC 9113 6.5.2: what one field counts towards SETTINGS_MAX_HEADER_LIST_SIZE. */
#define FIELD_OVERHEAD 32

int
header_list_add(struct arena *a, struct header_list *l, struct slice key, struct slice value)
{
	struct header *h = arena_alloc(a, sizeof(*h));
	if (!h)
		return ERR_NO_MEMORY;
	h->key = arena_copy(a, key);
	h->value = arena_copy(a, value);
	if (a->failed)
		return ERR_NO_MEMORY;
	if (!l->last)
		l->last = &l->first;
	*l->last = h;
	l->last = &h->next;
	l->n++;
	return 0;
}

static bool
key_is_binary(struct slice key)
{
	return key.n > 4 && memcmp(key.p + key.n - 4, "-bin", 4) == 0;
}

static bool
starts_nocase(struct slice s, const char *prefix)
{
	size_t n = strlen(prefix);
	return s.n >= n && strncasecmp(s.p, prefix, n) == 0;
}

static enum content
content_of(struct slice value)
{
	static const char type[] = "application/grpc";
	static const char proto[] = "+proto";
	if (!starts_nocase(value, type))
		return CONTENT_FOREIGN;
	struct slice rest = {value.p + sizeof(type) - 1, value.n - (sizeof(type) - 1)};
	if (rest.n == 0 || rest.p[0] == ';' || rest.p[0] == ' ')
		return CONTENT_GRPC;
	if (rest.p[0] != '+')
		return CONTENT_FOREIGN;
	if (!starts_nocase(rest, proto))
		return CONTENT_GRPC_OTHER;
	rest = (struct slice){rest.p + sizeof(proto) - 1, rest.n - (sizeof(proto) - 1)};
	return rest.n == 0 || rest.p[0] == ';' || rest.p[0] == ' ' ? CONTENT_GRPC_PROTO : CONTENT_GRPC_OTHER;
}

/* The method at exactly this path: no normalising, no query (PROTOCOL-HTTP2, Path). */
static const struct rpc_method *
method_find(const struct rpc_config *config, struct slice path)
{
	size_t low = 0, high = config->method_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = slice_compare(path, slice_of(config->methods[middle].path));
		if (order == 0)
			return &config->methods[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static void
route(struct call *c, struct slice path)
{
	c->method = method_find(c->engine->config, path);
	c->page = c->method ? NULL : page_find(c->engine->config, path);
}

static enum http_method
http_method_of(struct slice value)
{
	if (slice_is(value, "POST"))
		return HTTP_POST;
	if (slice_is(value, "GET"))
		return HTTP_GET;
	return slice_is(value, "HEAD") ? HTTP_HEAD : HTTP_OTHER;
}

static bool
lists_gzip(struct slice value)
{
	struct slice part;
	while (slice_cut(&value, ',', &part))
		if (slice_is(slice_trim(part), "gzip"))
			return true;
	return slice_is(slice_trim(value), "gzip");
}

/* Of several, which no client sends, each must be known. */
static void
add_encoding(struct request_head *h, struct slice value)
{
	if (h->encoding == ENCODING_UNKNOWN)
		return;
	if (slice_is(value, "gzip"))
		h->encoding = ENCODING_GZIP;
	else if (!slice_is(value, "identity"))
		h->encoding = ENCODING_UNKNOWN;
}

static void
add_timeout(struct request_head *h, struct slice value)
{
	h->has_timeout = true;
	if (!timeout_parse(value, &h->timeout))
		h->bad_timeout = true;
}

/* Headers that the engine reads itself; false: it is somebody else's. */
static bool
add_own(struct call *c, struct slice name, struct slice value)
{
	struct request_head *h = &c->head;
	if (name.n && name.p[0] == ':') {
		if (slice_is(name, ":path"))
			route(c, value);
		else if (slice_is(name, ":method"))
			h->http_method = http_method_of(value);
		return true;
	}
	if (slice_is(name, "te"))
		return true;
	if (slice_is(name, "grpc-accept-encoding"))
		h->accepts_gzip |= lists_gzip(value);
	else if (slice_is(name, "content-type"))
		h->content = content_of(value);
	else if (slice_is(name, "grpc-timeout"))
		add_timeout(h, value);
	else if (slice_is(name, "grpc-encoding"))
		add_encoding(h, value);
	else
		return false;
	return true;
}

/* Several values may be joined by commas (PROTOCOL-HTTP2, Custom-Metadata). */
static int
add_binary(struct call *c, struct slice name, struct slice value)
{
	struct buf raw = {0};
	int rc = 0;
	bool more = true;
	while (more && rc == 0) {
		struct slice part = value;
		more = slice_cut(&value, ',', &part);
		buf_clear(&raw);
		if (!base64_decode(&raw, slice_trim(part)))
			c->head.bad_binary = true;
		else
			rc = raw.error ? raw.error
				       : header_list_add(&c->arena, &c->metadata, name, buf_slice(&raw));
	}
	buf_release(&raw);
	return rc;
}

int
metadata_count(struct call *c, size_t name_n, size_t value_n)
{
	const struct rpc_limits *l = &c->engine->config->limits;
	size_t bytes_max = (size_t)l->max_header_list, fields_max = (size_t)l->max_header_fields;
	c->head.bytes += name_n + value_n + FIELD_OVERHEAD;
	c->head.fields++;
	if (c->head.bytes > bytes_max || c->head.fields > fields_max)
		c->head.overflow = true;
	return c->head.bytes > 4 * bytes_max || c->head.fields > 4 * fields_max ? ERR_MESSAGE_TOO_LARGE : 0;
}

int
metadata_add(struct call *c, struct slice name, struct slice value)
{
	int rc = metadata_count(c, name.n, value.n);
	if (rc)
		return rc;
	if (add_own(c, name, value) || c->head.overflow)
		return 0;
	if (key_is_binary(name))
		return add_binary(c, name, value);
	return header_list_add(&c->arena, &c->metadata, name, slice_trim(value));
}

/* PROTOCOL-HTTP2, ASCII-Value. */
static bool
is_ascii_value(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7E)
			return false;
	return true;
}

/* PROTOCOL-HTTP2, Header-Name. */
static bool
is_key(struct slice key)
{
	for (size_t i = 0; i < key.n; i++) {
		char ch = key.p[i];
		if (!(ch >= 'a' && ch <= 'z') && !(ch >= '0' && ch <= '9') && ch != '_' && ch != '-' &&
		    ch != '.')
			return false;
	}
	return key.n > 0;
}

/* The protocol's own and the connection's (RFC 9113 8.2.2): a handler's would contradict
 * ours, or make the reply malformed. */
static bool
is_reserved(struct slice key)
{
	static const char *const reserved[] = {"connection", "content-length", "content-type",
					       "host",       "keep-alive",     "proxy-connection",
					       "te",         "trailer",        "transfer-encoding",
					       "upgrade"};
	if (slice_starts(key, SLICE("grpc-")))
		return !slice_is(key, "grpc-retry-pushback-ms");
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (slice_is(key, reserved[i]))
			return true;
	return false;
}

bool
metadata_reply(struct call *c, struct header_list *l, struct slice key, struct slice value)
{
	struct buf encoded = {0};
	if (!is_key(key) || is_reserved(key))
		return false;
	if (key_is_binary(key)) {
		base64_encode(&encoded, value);
		value = buf_slice(&encoded);
	} else if (!is_ascii_value(value)) {
		return false;
	} else {
		value = slice_trim(value); /* RFC 9113 8.2.1 */
	}
	bool ok = !encoded.error && header_list_add(&c->arena, l, key, value) == 0;
	if (!ok)
		engine_fail(c->engine);
	buf_release(&encoded);
	return ok;
}
