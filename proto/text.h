/* The text form of records and requests (design: request text), both ways,
 * driven by the descriptor, lossless. Pure; any thread.
 *
 *   # a comment
 *   kind=regular
 *   cloud-plan.architecture=three-tier
 *   document.construction-plan=plan.pdf sha256:9f86…
 *   [items]
 *   service=cloud-server
 *   quantity=4
 *   spec.vcpu=8
 *   submit
 *
 * A value runs to the end of its line; blanks around key and value do not count.
 * \n \r \t \\ stand for the characters that a line cannot hold, \s for a blank
 * at either end, \xHH for another control character, \= for an = in the key of a
 * map; any other backslash is an error. Keys may be written with - or _. A
 * repeated scalar has a line for each element. An empty value leaves a single
 * scalar unset; for a single message (`cloud-plan=`) it says that the message is
 * there and empty. `items.service=` sets a field of the last element, or begins
 * the next element if that field is set already. [a.b] opens an element of the
 * list b in the last element of a, or goes into the single message b; keys below
 * it are those of the section. `<service>=4` at top level of a message that has
 * `items` is short for one. Lines may end in CR LF, a byte order mark may come
 * first. */
#ifndef ZWY_TEXT_H
#define ZWY_TEXT_H

#include "base/buf.h"
#include "base/error.h"
#include "descriptor.h"

/* Where in the text something is wrong; lines count from 1. */
struct text_place {
	unsigned line;
	char key[160];
};

/* Message bytes to text. Fields are written in the order of their declaration,
 * singular before sections. Unknown fields are ignored. */
int text_print(struct buf *out, const struct message_desc *m, struct slice bytes);
/* The same, but what the server keeps (output-only fields, fields 1 to 4 of a
 * record) stands in comment lines: the text can be handed in again as a request. */
int text_print_request(struct buf *out, const struct message_desc *m, struct slice bytes);

enum {
	TEXT_INPUT = 1, /* a request: what the server keeps is not offered where a key is unknown */
};

/* Text to message bytes. On failure the fault says line and key, and where a key
 * is unknown the nearest one there is. ERR_BAD_SYNTAX, ERR_UNKNOWN_FIELD,
 * ERR_INVALID_FIELD. `submit` is not part of the text
 * here: see text_scan. */
int text_parse(struct buf *out, const struct message_desc *m, struct slice text, unsigned flags,
	       struct text_place *ret_place, struct fault *f);

/* One line of words, with the shell's quoting ('…', "…", \x): the line files.
 * `items` of the form <service>=<n> as above. */
int text_parse_line(struct buf *out, const struct message_desc *m, struct slice line, unsigned flags,
		    struct fault *f);
/* Splits such a line into key=value words; calls word() for each. A word
 * without '=' has an empty value and has_value false. */
typedef int (*text_word_fn)(void *ctx, struct slice key, struct slice value, bool has_value);
int text_words(struct slice line, text_word_fn word, void *ctx, struct fault *f);

/* Whether a request file is complete. */
enum text_state {
	TEXT_INCOMPLETE, /* more may come: no `submit` line yet, or a line or character cut short */
	TEXT_COMPLETE,   /* ends with `submit` and its newline; blank and comment lines may follow */
	TEXT_GARBAGE,    /* can never become a request: not UTF-8, NUL, other bytes after submit */
};
/* *ret_body: the text before the `submit` line, when complete. The same for JSON
 * (is_json): complete at the brace that closes the top object; only blanks may follow. */
enum text_state text_scan(struct slice text, bool is_json, struct slice *ret_body);

/* What a request file is about: the kind of the record that a `name=` line before the
 * first section names, e.g. name=exemptions/x; applications, whose names the server
 * gives, where there is no such line. */
const struct kind_desc *text_subject(struct slice body);

/* Every key of a message with its comment, as comment lines and `key=` lines to
 * be filled in: what `cat applications/new` prints. Without output-only fields. */
int text_template(struct buf *out, const struct message_desc *m);

/* One field of a message as its bare value, without newline (the files of a
 * record): strings as they are, enums by text name, timestamps RFC 3339. A field
 * that is absent has its default value (0, false, unspecified), or nothing where
 * it has presence. Elements of a repeated scalar stand on a line each, escaped as
 * in the text form. ERR_INVALID_ARGUMENT for messages and maps. */
int text_value(struct buf *out, const struct field_desc *field, struct slice message);

#endif
