#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "server.h"
#include "services/service.h"
#include "status.h"
#include "wire.h"

#define TOKEN_MAC_BYTES 16

static void
token_mac(unsigned char ret[TOKEN_MAC_BYTES], const struct server *s, const struct actor *actor,
	  const struct list_request *l, struct slice position)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned mac_n = 0;
	struct buf b = {0};
	struct slice parts[] = {slice_of(l->path), slice_of(actor->principal),
				l->parent,         l->filter,
				l->order_by,       l->field,
				position};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		buf_append_u32be(&b, (uint32_t)parts[i].n);
		buf_append_slice(&b, parts[i]);
	}
	HMAC(EVP_sha256(), s->token_key, sizeof(s->token_key), (const unsigned char *)b.p, b.n, mac, &mac_n);
	memcpy(ret, mac, TOKEN_MAC_BYTES);
	buf_release(&b);
}

void
token_put(struct buf *reply, const struct server *s, const struct actor *actor, const struct list_request *l,
	  struct slice position)
{
	unsigned char mac[TOKEN_MAC_BYTES];
	struct buf raw = {0}, text = {0};
	token_mac(mac, s, actor, l, position);
	buf_append(&raw, mac, sizeof(mac));
	buf_append_slice(&raw, position);
	base64_encode(&text, buf_slice(&raw));
	wire_put_bytes(reply, LIST_NEXT_PAGE_TOKEN, buf_slice(&text));
	if (raw.error || text.error)
		reply->error = raw.error ? raw.error : text.error;
	buf_release(&raw);
	buf_release(&text);
}

int
token_read(struct buf *ret_position, const struct server *s, const struct actor *actor,
	   const struct list_request *l, struct fault *f)
{
	unsigned char mac[TOKEN_MAC_BYTES];
	struct buf raw = {0};
	bool good = false;
	if (l->token.n <= 2 * KEY_MAX_BYTES && base64_decode(&raw, l->token) && raw.n > TOKEN_MAC_BYTES) {
		struct slice position = {raw.p + TOKEN_MAC_BYTES, raw.n - TOKEN_MAC_BYTES};
		token_mac(mac, s, actor, l, position);
		good = CRYPTO_memcmp(mac, raw.p, TOKEN_MAC_BYTES) == 0;
		if (good)
			buf_append_slice(ret_position, position);
	}
	buf_release(&raw);
	if (good)
		return ret_position->error;
	return fault_set(
		f, ERR_BAD_PAGE_TOKEN,
		"page_token: not one that this list gave; a token goes with the same caller, parent, "
		"filter, order_by and field");
}
