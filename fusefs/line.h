/* A line file: each newline-terminated line is one command; an unterminated rest
 * is never carried out. What a reader of the same handle gets is the template
 * until something was written, and the answers from then on. Pure. */
#ifndef FUSEFS_LINE_H
#define FUSEFS_LINE_H

#include "base/buf.h"

#define LINE_MAX_BYTES (64u << 10)

struct line_file {
	struct buf rest;    /* not yet terminated */
	struct buf answers; /* still to be read */
};

void line_release(struct line_file *l);
/* Takes the next command off *data: 1, and *ret is valid until line_done(); 0: no
 * more whole lines, what is left was kept; EFBIG as a negative: the line is too long. */
int line_next(struct line_file *l, struct slice *data, struct slice *ret);
/* The command that line_next gave was carried out: forgets it. */
void line_done(struct line_file *l);
/* One more answer; where more than LINE_MAX_BYTES are not read, the later ones are left out. */
void line_answer(struct line_file *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Moves up to n bytes of the answers to out. */
size_t line_read(struct line_file *l, char *out, size_t n);
/* Lines that say nothing: comments. */
bool line_is_comment(struct slice line);

#endif
