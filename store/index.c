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

const struct entry *
key_list_find(const struct key_list *list, struct slice key)
{
	for (size_t i = 0; i < list->count; i++)
		if (slice_equal(list->entries[i].key, key))
			return &list->entries[i];
	return NULL;
}

static int
list_add(struct key_list *list, const struct buf *key, struct slice value)
{
	if (key->error)
		return key->error;
	if (key->n > ENGINE_KEY_MAX)
		return ERR_INVALID_NAME;
	/* A repeated field may hold a value twice. */
	if (key_list_find(list, buf_slice(key)))
		return 0;
	if (list->count == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 16;
		struct entry *entries = arena_array(list->arena, cap, sizeof(*entries));
		if (!entries)
			return ERR_NO_MEMORY;
		if (list->count)
			memcpy(entries, list->entries, list->count * sizeof(*entries));
		list->entries = entries;
		list->cap = cap;
	}
	struct entry e = {arena_copy(list->arena, buf_slice(key)), arena_copy(list->arena, value)};
	if (!e.key.p || !e.value.p)
		return ERR_NO_MEMORY;
	list->entries[list->count++] = e;
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
index_field_prefix(struct buf *b, enum scope scope, struct slice scope_value, const struct field_desc *field)
{
	buf_append_char(b, (char)scope);
	if (scope != SCOPE_ALL) {
		buf_append_slice(b, scope_value);
		buf_append_char(b, 0);
	}
	buf_append_u16be(b, field ? (uint16_t)field->number : 0);
}

void
index_prefix(struct buf *b, enum scope scope, struct slice scope_value, const struct field_desc *field,
	     struct slice value)
{
	index_field_prefix(b, scope, scope_value, field);
	if (field)
		append_value(b, value);
}

void
index_wanted(struct buf *b, const struct field_desc *field, struct slice value)
{
	buf_append_u16be(b, (uint16_t)field->number);
	append_value(b, value);
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

/* Passes over the bytes up to a NUL and the NUL. */
static bool
skip_string(struct slice *s)
{
	struct slice head;
	return slice_cut(s, 0, &head);
}

static bool
skip_value(struct slice *s)
{
	if (s->n && s->p[0] == VALUE_DIGEST)
		return skip(s, 1 + VALUE_DIGEST_BYTES + 1);
	return skip_string(s);
}

bool
index_has(struct slice entry_value, struct slice wanted)
{
	do {
		if (slice_starts(entry_value, wanted))
			return true;
	} while (skip(&entry_value, 2) && skip_value(&entry_value));
	return false;
}

bool
index_take_value(struct slice *rest, struct slice *ret)
{
	const char *start = rest->p;
	if (!skip_value(rest))
		return false;
	*ret = slice_make(start, (size_t)(rest->p - start));
	return true;
}

bool
index_take(struct slice *entry_value, uint32_t *ret_field, struct slice *ret_value)
{
	struct slice field = *entry_value;
	if (!skip(entry_value, 2) || !index_take_value(entry_value, ret_value))
		return false;
	*ret_field = get_u16be(field.p);
	return true;
}

bool
index_is_digest(struct slice value)
{
	return value.n && value.p[0] == VALUE_DIGEST;
}

/* What one walk over the values of a record's fields works with. */
struct indexing {
	/* What is done with each value, as text_value prints it; not 0: no further ones. */
	int (*each)(struct indexing *x, struct slice text);
	const struct record *record;
	const struct field_desc *field; /* NULL: the plain listing */
	struct buf text;
	/* Of index_keys: */
	struct key_list *list;
	struct buf key, values;
	/* Of index_text_of: */
	struct slice sought;
	struct buf *ret;
};

static int
add_in_scope(struct indexing *x, enum scope scope, struct slice scope_value, struct slice text,
	     struct slice value)
{
	buf_clear(&x->key);
	index_prefix(&x->key, scope, scope_value, x->field, text);
	buf_append_slice(&x->key, x->record->key);
	return list_add(x->list, &x->key, value);
}

/* Adds the keys of one value. */
static int
add_text(struct indexing *x, struct slice text)
{
	int rc = add_in_scope(x, SCOPE_ALL, SLICE(""), text, SLICE(""));
	if (rc == 0 && x->record->node.n)
		rc = add_in_scope(x, SCOPE_NODE, x->record->node, text, SLICE(""));
	if (x->record->department.n)
		index_wanted(&x->values, x->field, text);
	return rc;
}

/* The plain listing of all is the table of records itself. */
static int
add_plain(struct indexing *x)
{
	int rc = 0;
	x->field = NULL;
	if (x->values.error)
		return x->values.error;
	if (x->record->department.n)
		rc = add_in_scope(x, SCOPE_DEPARTMENT, x->record->department, SLICE(""),
				  buf_slice(&x->values));
	if (rc == 0 && x->record->node.n)
		rc = add_in_scope(x, SCOPE_NODE, x->record->node, SLICE(""), SLICE(""));
	return rc;
}

/* Passes the text on that is sought, and ends the walk. */
static int
match_text(struct indexing *x, struct slice text)
{
	buf_clear(&x->key);
	append_value(&x->key, text);
	if (x->key.error || !slice_equal(buf_slice(&x->key), x->sought))
		return x->key.error;
	buf_append_slice(x->ret, text);
	return x->ret->error ? x->ret->error : 1;
}

static int
each_value(struct indexing *x, const struct value *v)
{
	buf_clear(&x->text);
	value_print(&x->text, x->field, v);
	return x->text.error ? x->text.error : x->each(x, buf_slice(&x->text));
}

static int
each_on_wire(struct indexing *x, const struct wire_field *w)
{
	struct value v = {0};
	int rc = 0;
	if (w->type != WIRE_LEN || !value_is_packable(x->field))
		return value_of_wire(&v, x->field, w) ? each_value(x, &v) : ERR_INVALID_FIELD;
	for (struct slice packed = w->bytes; rc == 0 && take_varint(&packed, &v.number);)
		rc = each_value(x, &v);
	return rc;
}

/* Every value of the field. */
static int
each_of_field(struct indexing *x)
{
	struct wire_field w;
	struct slice body = x->record->body;
	int rc = 0;
	if (x->field->label == LABEL_REPEATED) {
		while (rc == 0 && wire_next(&body, &w) == 1)
			if (w.number == x->field->number)
				rc = each_on_wire(x, &w);
		return rc;
	}
	if (wire_find(body, x->field->number, &w))
		return each_on_wire(x, &w);
	if (x->field->label == LABEL_OPTIONAL || x->field->type == FIELD_MESSAGE)
		return x->each(x, SLICE(""));
	return each_value(x, &(struct value){0});
}

int
index_keys(struct key_list *ret, const struct record *r)
{
	const struct kind_desc *kind = kind_by_number(r->kind);
	if (!kind)
		return ERR_STORE_CORRUPT;
	struct indexing x = {.each = add_text, .list = ret, .record = r};
	int rc = 0;
	for (size_t i = 0; i < kind->message->count && rc == 0; i++) {
		x.field = &kind->message->fields[i];
		if (x.field->flags & FIELD_INDEXED && value_is_scalar(x.field))
			rc = each_of_field(&x);
	}
	if (rc == 0)
		rc = add_plain(&x);
	buf_release(&x.key);
	buf_release(&x.text);
	buf_release(&x.values);
	return rc;
}

int
record_keys(struct record_keys *ret, struct arena *a, const struct record *r)
{
	*ret = (struct record_keys){.index = {.arena = a}, .due = {.arena = a}};
	int rc = index_keys(&ret->index, r);
	return rc ? rc : due_keys(&ret->due, r);
}

void
index_layout(struct buf *b)
{
	for (size_t i = 0; i < kind_count; i++) {
		const struct message_desc *m = kind_table[i]->message;
		for (size_t f = 0; f < m->count; f++) {
			unsigned flags = m->fields[f].flags & (FIELD_INDEXED | FIELD_CLOCKS);
			if (!flags)
				continue;
			buf_append_char(b, (char)kind_table[i]->kind);
			buf_append_u16be(b, (uint16_t)m->fields[f].number);
			buf_append_char(b, (char)flags);
		}
	}
}

int
index_text_of(struct buf *b, const struct record *r, const struct field_desc *field, struct slice value)
{
	struct indexing x = {.each = match_text, .record = r, .field = field, .sought = value, .ret = b};
	int rc = each_of_field(&x);
	buf_release(&x.key);
	buf_release(&x.text);
	return rc == 1 ? 0 : rc ? rc : ERR_STORE_CORRUPT;
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
	if (!plain && !skip_value(&key))
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
	return list_add(list, key, SLICE(""));
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
