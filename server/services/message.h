/* Records as nanopb structs: decoding and encoding, and when to release.
 *
 * Decoded messages are kept in a list and released together; a rule may copy
 * such a struct by assignment and point its fields elsewhere, since only the
 * originals are released. One thread at a time. */
#ifndef ZWY_SERVICES_MESSAGE_H
#define ZWY_SERVICES_MESSAGE_H

#include <pb.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

struct message_list {
	struct arena arena;
	struct message_node *first;
};

/* NULL if the bytes cannot be decoded or memory is out; then the fault says so. */
void *message_decode(struct message_list *list, const pb_msgdesc_t *fields, size_t size, struct slice bytes,
		     struct fault *f);
#define MESSAGE_DECODE(list, type, bytes, f) \
	((type *)message_decode((list), type##_fields, sizeof(type), (bytes), (f)))
/* The message's bytes in the list's arena; p NULL on failure. */
struct slice message_encode(struct message_list *list, const pb_msgdesc_t *fields, const void *message);
/* The same without fields 1 to 4, which the store writes. `message` must be a record. */
struct slice message_encode_body(struct message_list *list, const pb_msgdesc_t *fields, const void *message);
/* The words of a text, apart by blanks, in the arena; NULL when memory is out. */
char **message_words(struct arena *arena, const char *text, pb_size_t *ret_count);
/* Releases what was decoded and keeps the arena: on the thread that decoded, since
 * memory given back by another one makes both wait for the allocator. */
void message_list_drop(struct message_list *list);
/* Releases everything, the arena too. */
void message_list_release(struct message_list *list);

#endif
