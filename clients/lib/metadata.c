/* Metadata of calls: what the program adds to a request, what an answer brings. */
#include "client.h"

#include <stdlib.h>
#include <string.h>

/* One entry of an answer; key and value stand behind it. */
struct answer_metadata {
	struct zwy_metadata entry; /* first: what the program holds is this */
	struct answer_metadata *next;
	char bytes[];
};

static bool
ends_with_bin(struct slice key)
{
	return key.n > 4 && memcmp(key.p + key.n - 4, "-bin", 4) == 0;
}

/* What gRPC allows as custom metadata. */
static bool
metadata_allowed(const struct zwy_metadata *m)
{
	if (!m->key || !m->value || !m->key[0] || strncmp(m->key, "grpc-", 5) == 0)
		return false;
	if (strspn(m->key, "0123456789abcdefghijklmnopqrstuvwxyz_-.") != strlen(m->key))
		return false;
	if (ends_with_bin(slice_of(m->key)))
		return true;
	for (const char *p = m->value; *p; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
			return false;
	return true;
}

bool
metadata_take(struct zwy_call *call, const struct zwy_metadata *list, size_t count)
{
	if (count > METADATA_MAX)
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct zwy_metadata *m = &list[i];
		if (!metadata_allowed(m))
			return false;
		buf_append(&call->metadata, m->key, strlen(m->key) + 1);
		if (ends_with_bin(slice_of(m->key)))
			base64_encode(&call->metadata, slice_make(m->value, m->size));
		else
			buf_append_str(&call->metadata, m->value);
		buf_append_char(&call->metadata, '\0');
	}
	call->metadata_count = count;
	return true;
}

/* ---- of an answer ------------------------------------------------------- */

static bool
is_protocol_s(struct slice name)
{
	return name.n == 0 || name.p[0] == ':' || slice_starts(name, SLICE("grpc-")) ||
	       slice_is(name, "content-type");
}

static int
append(struct zwy_call *call, struct slice name, struct slice value)
{
	struct answer_metadata *m = malloc(sizeof(*m) + name.n + value.n + 2);
	if (!m)
		return ERR_NO_MEMORY;
	char *key = m->bytes, *text = key + name.n + 1;
	memcpy(key, name.p, name.n);
	key[name.n] = '\0';
	if (value.n)
		memcpy(text, value.p, value.n);
	text[value.n] = '\0';
	m->entry = (struct zwy_metadata){key, text, value.n};
	m->next = NULL;
	/* Trailers, or all of an answer that is nothing but its end, are told apart when it is whole. */
	struct answer_metadata **at = &call->answer_metadata[call->answered ? ZWY_TRAILERS : ZWY_HEADERS];
	while (*at)
		at = &(*at)->next;
	*at = m;
	return 0;
}

int
metadata_add(struct zwy_call *call, struct slice name, struct slice value)
{
	if (is_protocol_s(name))
		return 0;
	if (!ends_with_bin(name))
		return append(call, name, value);
	/* Several values may stand in one, separated by commas (PROTOCOL-HTTP2). */
	for (bool more = true; more;) {
		struct buf raw = {0};
		struct slice one;
		int r = 0;
		more = slice_cut(&value, ',', &one);
		if (base64_decode(&raw, slice_trim(more ? one : value)))
			r = raw.error ? raw.error : append(call, name, buf_slice(&raw));
		buf_release(&raw);
		if (r < 0)
			return r;
	}
	return 0;
}

void
metadata_headers_are_trailers(struct zwy_call *call)
{
	call->answer_metadata[ZWY_TRAILERS] = call->answer_metadata[ZWY_HEADERS];
	call->answer_metadata[ZWY_HEADERS] = NULL;
}

void
metadata_release(struct zwy_call *call)
{
	for (int part = 0; part < METADATA_PARTS; part++)
		for (struct answer_metadata *m; (m = call->answer_metadata[part]);) {
			call->answer_metadata[part] = m->next;
			free(m);
		}
}

const struct zwy_metadata *
zwy_call_metadata(const struct zwy_call *call, enum zwy_part part, const char *key,
		  const struct zwy_metadata *after)
{
	/* The end may be here already; but for the program it comes last. */
	if ((unsigned)part >= METADATA_PARTS || (part == ZWY_TRAILERS && !call->ending))
		return NULL;
	const struct answer_metadata *m = call->answer_metadata[part];
	if (after)
		m = ((const struct answer_metadata *)after)->next;
	while (m && key && strcmp(m->entry.key, key) != 0)
		m = m->next;
	return m ? &m->entry : NULL;
}
