/* Bytes: a borrowed run of them, and a buffer that grows.
 *
 * A slice borrows: it never owns what it points to. A buf owns its bytes; it is
 * initialised by `= {0}` or buf_init and released by buf_release. Appending
 * never reports failure call by call: a buf that could not grow, or would have
 * grown beyond its limit, keeps `error` (ERR_NO_MEMORY or ERR_MESSAGE_TOO_LARGE)
 * and stays as it was; check it once, at the end. */
#ifndef ZWY_BASE_BUF_H
#define ZWY_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *p;
	size_t n;
};

#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

static inline struct slice
slice_of(const char *s)
{
	return (struct slice){s, s ? strlen(s) : 0};
}

static inline struct slice
slice_make(const void *p, size_t n)
{
	return (struct slice){p, n};
}

static inline bool
slice_equal(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
slice_is(struct slice a, const char *s)
{
	return slice_equal(a, slice_of(s));
}

static inline bool
slice_starts(struct slice a, struct slice prefix)
{
	return a.n >= prefix.n && (prefix.n == 0 || memcmp(a.p, prefix.p, prefix.n) == 0);
}

/* Orders as memcmp does, the shorter first where one begins the other. */
int slice_compare(struct slice a, struct slice b);
/* FNV-1a of the bytes, on from `h`: HASH_FIRST, or the hash of what stands before them. Not
 * against those who choose what is hashed. */
#define HASH_FIRST 14695981039346656037u
uint64_t slice_hash(uint64_t h, struct slice s);
/* Cuts off what stands before the first `c` into *ret_head, leaving the rest
 * after it in *s; false, and nothing cut, where there is no `c`. */
bool slice_cut(struct slice *s, char c, struct slice *ret_head);
/* Without blanks (space, tab, CR) at both ends. */
struct slice slice_trim(struct slice s);
/* Decimal digits only, no sign. False where it is not one, or does not fit. */
bool slice_to_u64(struct slice s, uint64_t *ret);

struct buf {
	char *p;
	size_t n;
	size_t cap;
	size_t max; /* 0: no limit of its own */
	int error;
};

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b);
/* Forgets the content and the error, keeps the memory. */
void buf_clear(struct buf *b);
/* Room for n more bytes, at b->p + b->n, not yet counted; NULL on failure. */
char *buf_reserve(struct buf *b, size_t n);
void buf_append(struct buf *b, const void *p, size_t n);
void buf_append_slice(struct buf *b, struct slice s);
void buf_append_str(struct buf *b, const char *s);
void buf_append_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Removes the first n bytes. */
void buf_consume(struct buf *b, size_t n);

static inline struct slice
buf_slice(const struct buf *b)
{
	return (struct slice){b->p, b->n};
}

void buf_append_u16be(struct buf *b, uint16_t v);
void buf_append_u32be(struct buf *b, uint32_t v);
void buf_append_u64be(struct buf *b, uint64_t v);
uint16_t get_u16be(const void *p);
uint32_t get_u32be(const void *p);
uint64_t get_u64be(const void *p);
void put_u32be(void *p, uint32_t v);
void put_u64be(void *p, uint64_t v);

/* Lower case hexadecimal; dst takes 2 n + 1 bytes. */
void hex_encode(char *dst, const void *src, size_t n);
/* True if s is exactly 2 n lower case hexadecimal digits; dst may be NULL. */
bool hex_decode(void *dst, size_t n, struct slice s);

/* Well-formed UTF-8 (RFC 3629): no surrogates, no overlong forms. */
bool utf8_valid(struct slice s);
/* Length of the longest prefix that ends at a character's boundary: shorter
 * than s.n only where the last character is cut short. */
size_t utf8_whole(struct slice s);

#endif
