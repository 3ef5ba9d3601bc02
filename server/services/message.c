#include "services/message.h"

#include <pb_decode.h>
#include <pb_encode.h>

#include "wire.h"

#define RECORD_HEAD_FIELDS 4
#define ENCODE_SMALL       2048 /* bytes */

struct message_node {
	struct message_node *next;
	const pb_msgdesc_t *fields;
	void *message;
};

void *
message_decode(struct message_list *list, const pb_msgdesc_t *fields, size_t size, struct slice bytes,
	       struct fault *f)
{
	struct message_node *node = arena_alloc(&list->arena, sizeof(*node));
	void *message = arena_alloc(&list->arena, size);
	if (!node || !message) {
		fault_set(f, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	pb_istream_t in = pb_istream_from_buffer((const pb_byte_t *)bytes.p, bytes.n);
	if (!pb_decode(&in, fields, message)) {
		fault_set(f, ERR_INTERNAL, "a message cannot be decoded: %s", PB_GET_ERROR(&in));
		return NULL;
	}
	*node = (struct message_node){list->first, fields, message};
	list->first = node;
	return message;
}

struct slice
message_encode(struct message_list *list, const pb_msgdesc_t *fields, const void *message)
{
	/* Most records fit a small buffer; sizing first would encode everything twice. */
	pb_byte_t small[ENCODE_SMALL];
	size_t n;
	struct slice none = {NULL, 0};
	pb_ostream_t out = pb_ostream_from_buffer(small, sizeof(small));
	if (pb_encode(&out, fields, message)) {
		struct slice copy = arena_copy(&list->arena, slice_make(small, out.bytes_written));
		return copy.p ? copy : none;
	}
	if (!pb_get_encoded_size(&n, fields, message))
		return none;
	char *p = arena_alloc(&list->arena, n ? n : 1);
	if (!p)
		return none;
	out = pb_ostream_from_buffer((pb_byte_t *)p, n);
	return pb_encode(&out, fields, message) ? (struct slice){p, n} : none;
}

struct slice
message_encode_body(struct message_list *list, const pb_msgdesc_t *fields, const void *message)
{
	/* nanopb writes fields in ascending order, so the head is a prefix to be cut off. */
	struct slice all = message_encode(list, fields, message);
	struct slice rest = all;
	struct wire_field field;
	while (rest.n) {
		struct slice before = rest;
		if (wire_next(&rest, &field) != 1 || field.number > RECORD_HEAD_FIELDS)
			return before;
	}
	return rest;
}

void
message_list_drop(struct message_list *list)
{
	for (struct message_node *node = list->first; node; node = node->next)
		pb_release(node->fields, node->message);
	list->first = NULL;
}

void
message_list_release(struct message_list *list)
{
	message_list_drop(list);
	arena_release(&list->arena);
}

char **
message_words(struct arena *arena, const char *text, pb_size_t *ret_count)
{
	struct slice rest = slice_of(text ? text : ""), word;
	size_t most = 1;
	for (size_t i = 0; i < rest.n; i++)
		most += rest.p[i] == ' ';
	char **words = arena_array(arena, most, sizeof(*words));
	*ret_count = 0;
	while (words && rest.n) {
		if (!slice_cut(&rest, ' ', &word)) {
			word = rest;
			rest.n = 0;
		}
		if (word.n)
			words[(*ret_count)++] = arena_dup_slice(arena, word);
	}
	return words;
}
