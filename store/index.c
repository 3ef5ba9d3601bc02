#include "store/index.h"

#include <openssl/evp.h>

#include "store/engine.h"
#include "value.h"
#include "wire.h"
#include "zwy/v1/common.pb.h"

/* A value that is longer, or that could be mistaken for the end of one, stands
 * in the key as its digest: the index is asked for equal values only. */
#define VALUE_MAX_BYTES    128
#define VALUE_DIGEST       '\x01'
#define VALUE_DIGEST_BYTES 32

bool
key_list_has(const struct key_list *list, struct slice key)
{
	for (size_t i = 0; i < list->count; i++)
		if (slice_equal(list->keys[i], key))
			return true;
	return false;
}

static int
list_add(struct key_list *list, const struct buf *key)
{
	if (key->error)
		return key->error;
	if (key->n > ENGINE_KEY_MAX)
		return ERR_INVALID_NAME;
	/* A repeated field may hold a value twice. */
	if (key_list_has(list, buf_slice(key)))
		return 0;
	if (list->count == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 32;
		struct slice *keys = arena_array(list->arena, cap, sizeof(*keys));
		if (!keys)
			return ERR_NO_MEMORY;
		if (list->count)
			memcpy(keys, list->keys, list->count * sizeof(*keys));
		list->keys = keys;
		list->cap = cap;
	}
	struct slice copy = arena_copy(list->arena, buf_slice(key));
	if (!copy.p)
		return ERR_NO_MEMORY;
	list->keys[list->count++] = copy;
	return 0;
}

/* Takes a varint off *s; false at the end. */
static bool
take_varint(struct slice *s, uint64_t *ret)
{
	uint64_t v = 0;
	for (unsigned shift = 0; s->n && shift < 64; shift += 7) {
		unsigned char c = (unsigned char)*s->p;
		s->p++, s->n--;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80)) {
			*ret = v;
			return true;
		}
	}
	return false;
}

/* ---- keys by scope and field ---- */

static void
append_value(struct buf *b, struct slice value)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	bool plain = value.n <= VALUE_MAX_BYTES &&
		     (value.n == 0 || (value.p[0] != VALUE_DIGEST && !memchr(value.p, 0, value.n)));
	if (plain) {
		buf_append_slice(b, value);
	} else if (EVP_Digest(value.p, value.n, digest, &n, EVP_sha256(), NULL) == 1) {
		buf_append_char(b, VALUE_DIGEST);
		buf_append(b, digest, n);
	} else {
		b->error = ERR_INTERNAL;
	}
	buf_append_char(b, 0);
}

void
index_prefix(struct buf *b, enum scope scope, struct slice scope_value, const struct field_desc *field,
	     struct slice value)
{
	buf_append_char(b, (char)scope);
	if (scope != SCOPE_ALL) {
		buf_append_slice(b, scope_value);
		buf_append_char(b, 0);
	}
	buf_append_u16be(b, field ? (uint16_t)field->number : 0);
	if (field)
		append_value(b, value);
}

/* Adds the key of one value, as text_value prints it, or of the plain listing, in
 * each scope that the record belongs to. The plain listing of all is the table of
 * records itself. */
static int
add_in_scopes(struct key_list *list, struct buf *key, const struct record *r, const struct field_desc *field,
	      struct slice value)
{
	const struct slice scopes[] = {
		[SCOPE_ALL] = {0}, [SCOPE_DEPARTMENT] = r->department, [SCOPE_NODE] = r->node};
	for (enum scope scope = SCOPE_ALL; scope <= SCOPE_NODE; scope++) {
		if (scope == SCOPE_ALL ? !field : scopes[scope].n == 0)
			continue;
		buf_clear(key);
		index_prefix(key, scope, scopes[scope], field, value);
		buf_append_slice(key, r->key);
		int rc = list_add(list, key);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* What one run of index_keys works with. */
struct indexing {
	struct key_list *list;
	const struct record *record;
	const struct field_desc *field;
	struct buf key, text;
};

static int
add_value(struct indexing *x, const struct value *v)
{
	buf_clear(&x->text);
	value_print(&x->text, x->field, v);
	if (x->text.error)
		return x->text.error;
	return add_in_scopes(x->list, &x->key, x->record, x->field, buf_slice(&x->text));
}

static int
add_wire(struct indexing *x, const struct wire_field *w)
{
	struct value v = {0};
	int rc = 0;
	if (w->type != WIRE_LEN || !value_is_packable(x->field))
		return value_of_wire(&v, x->field, w) ? add_value(x, &v) : ERR_INVALID_FIELD;
	for (struct slice packed = w->bytes; rc == 0 && take_varint(&packed, &v.number);)
		rc = add_value(x, &v);
	return rc;
}

static int
add_field(struct indexing *x)
{
	struct wire_field w;
	struct slice body = x->record->body;
	int rc = 0;
	if (x->field->label == LABEL_REPEATED) {
		while (rc == 0 && wire_next(&body, &w) == 1)
			if (w.number == x->field->number)
				rc = add_wire(x, &w);
		return rc;
	}
	if (wire_find(body, x->field->number, &w))
		return add_wire(x, &w);
	if (x->field->label == LABEL_OPTIONAL || x->field->type == FIELD_MESSAGE)
		return add_in_scopes(x->list, &x->key, x->record, x->field, SLICE(""));
	return add_value(x, &(struct value){0});
}

int
index_keys(struct key_list *ret, const struct record *r)
{
	const struct kind_desc *kind = kind_by_number(r->kind);
	if (!kind)
		return ERR_STORE_CORRUPT;
	struct indexing x = {.list = ret, .record = r};
	int rc = add_in_scopes(ret, &x.key, r, NULL, SLICE(""));
	for (size_t i = 0; i < kind->message->count && rc == 0; i++) {
		x.field = &kind->message->fields[i];
		if (x.field->flags & FIELD_INDEXED && value_is_scalar(x.field))
			rc = add_field(&x);
	}
	buf_release(&x.key);
	buf_release(&x.text);
	return rc;
}

/* Passes over the bytes up to a NUL and the NUL. */
static bool
skip_string(struct slice *s)
{
	struct slice head;
	return slice_cut(s, 0, &head);
}

static bool
skip(struct slice *s, size_t n)
{
	if (s->n < n)
		return false;
	s->p += n;
	s->n -= n;
	return true;
}

int
index_record_key(struct slice *ret, struct slice key)
{
	if (key.n == 0 || (unsigned char)key.p[0] > SCOPE_NODE)
		return ERR_STORE_CORRUPT;
	bool ok = key.p[0] == SCOPE_ALL ? skip(&key, 1) : skip_string(&key);
	if (!ok || key.n < 2)
		return ERR_STORE_CORRUPT;
	bool plain = get_u16be(key.p) == 0;
	skip(&key, 2);
	if (!plain && key.n && key.p[0] == VALUE_DIGEST)
		ok = skip(&key, 1 + VALUE_DIGEST_BYTES + 1);
	else if (!plain)
		ok = skip_string(&key);
	if (!ok)
		return ERR_STORE_CORRUPT;
	*ret = key;
	return 0;
}

/* ---- due index ---- */

#define TERM_MAX_BYTES 64

void
due_key(struct buf *b, const struct due *d)
{
	buf_append_u64be(b, (uint64_t)d->at);
	buf_append_char(b, (char)d->term.n);
	buf_append_slice(b, d->term);
	buf_append_slice(b, d->key);
}

int
due_parse(struct due *ret, struct slice key)
{
	if (key.n < 10 || key.n < 9u + (unsigned char)key.p[8])
		return ERR_STORE_CORRUPT;
	size_t term = (unsigned char)key.p[8];
	*ret = (struct due){
		.at = (msec)get_u64be(key.p),
		.term = {key.p + 9, term},
		.key = {key.p + 9 + term, key.n - 9 - term},
	};
	return 0;
}

static int
add_clock(struct key_list *list, struct buf *key, const struct record *r, struct slice clock)
{
	struct wire_field stop;
	struct due d = {
		.at = wire_time(clock, zwy_v1_Clock_due_time_tag),
		.key = r->key,
		.term = wire_string(clock, zwy_v1_Clock_term_tag),
	};
	if (d.at <= 0 || wire_find(clock, zwy_v1_Clock_stop_time_tag, &stop) ||
	    wire_uint(clock, zwy_v1_Clock_overdue_tag))
		return 0;
	if (d.term.n > TERM_MAX_BYTES)
		return ERR_INVALID_FIELD;
	buf_clear(key);
	due_key(key, &d);
	return list_add(list, key);
}

int
due_keys(struct key_list *ret, const struct record *r)
{
	const struct kind_desc *kind = kind_by_number(r->kind);
	struct wire_field w;
	struct buf key = {0};
	int rc = 0;
	if (!kind)
		return ERR_STORE_CORRUPT;
	for (size_t i = 0; i < kind->message->count; i++) {
		const struct field_desc *field = &kind->message->fields[i];
		if (!(field->flags & FIELD_CLOCKS))
			continue;
		for (struct slice body = r->body; rc == 0 && wire_next(&body, &w) == 1;)
			if (w.number == field->number && w.type == WIRE_LEN)
				rc = add_clock(ret, &key, r, w.bytes);
	}
	buf_release(&key);
	return rc;
}
