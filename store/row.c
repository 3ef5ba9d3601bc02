#include "store/row.h"

#include <openssl/evp.h>
#include <stdlib.h>

void
envelope_append(struct buf *b, const struct envelope *e)
{
	buf_append_char(b, ENVELOPE_VERSION);
	buf_append_char(b, (char)e->kind);
	buf_append_char(b, 0);
	buf_append_u64be(b, e->revision);
	buf_append_u32be(b, (uint32_t)e->body.n);
	buf_append_char(b, (char)e->department.n);
	buf_append_char(b, (char)e->node.n);
	buf_append_slice(b, e->department);
	buf_append_slice(b, e->node);
	buf_append_slice(b, e->body);
}

int
envelope_parse(struct envelope *ret, struct slice row)
{
	const unsigned char *p = (const unsigned char *)row.p;
	if (row.n < ENVELOPE_BYTES || p[0] != ENVELOPE_VERSION || p[2] != 0)
		return ERR_STORE_CORRUPT;
	size_t body = get_u32be(p + 11), department = p[15], node = p[16];
	if (row.n - ENVELOPE_BYTES != body + department + node)
		return ERR_STORE_CORRUPT;
	const char *at = row.p + ENVELOPE_BYTES;
	*ret = (struct envelope){
		.kind = p[1],
		.revision = get_u64be(p + 3),
		.department = {at, department},
		.node = {at + department, node},
		.body = {at + department + node, body},
	};
	return 0;
}

int
record_parse(struct record *ret, struct slice key, struct slice row)
{
	struct envelope e;
	int rc = envelope_parse(&e, row);
	if (rc != 0 || key.n == 0 || e.kind != (unsigned char)key.p[0])
		return ERR_STORE_CORRUPT;
	*ret = (struct record){
		.kind = (enum kind)e.kind,
		.revision = e.revision,
		.key = key,
		.department = e.department,
		.node = e.node,
		.body = e.body,
	};
	return 0;
}

int
event_row_parse(struct event_row *ret, struct slice key, struct slice row)
{
	struct envelope e;
	if (key.n != 8 || row.n < DIGEST_BYTES)
		return ERR_STORE_CORRUPT;
	int rc = envelope_parse(&e, slice_make(row.p + DIGEST_BYTES, row.n - DIGEST_BYTES));
	if (rc != 0 || e.kind != 0 || e.revision != get_u64be(key.p))
		return ERR_STORE_CORRUPT;
	*ret = (struct event_row){
		.revision = e.revision,
		.department = e.department,
		.node = e.node,
		.body = e.body,
	};
	memcpy(ret->previous, row.p, DIGEST_BYTES);
	return 0;
}

struct slice
number_key(unsigned char buf[8], uint64_t number)
{
	put_u64be(buf, number);
	return slice_make(buf, 8);
}

struct chain {
	EVP_MD *sm3;
	EVP_MD_CTX *context;
};

int
chain_open(struct chain **ret)
{
	struct chain *c = calloc(1, sizeof(*c));
	if (!c)
		return ERR_NO_MEMORY;
	c->sm3 = EVP_MD_fetch(NULL, "SM3", NULL);
	c->context = EVP_MD_CTX_new();
	if (!c->sm3 || !c->context) {
		chain_close(c);
		return ERR_INTERNAL;
	}
	*ret = c;
	return 0;
}

int
chain_digest(struct chain *c, struct slice row, unsigned char ret[DIGEST_BYTES])
{
	if (EVP_DigestInit_ex2(c->context, c->sm3, NULL) != 1 ||
	    EVP_DigestUpdate(c->context, row.p, row.n) != 1 || EVP_DigestFinal_ex(c->context, ret, NULL) != 1)
		return ERR_INTERNAL;
	return 0;
}

void
chain_close(struct chain *c)
{
	if (!c)
		return;
	EVP_MD_CTX_free(c->context);
	EVP_MD_free(c->sm3);
	free(c);
}
