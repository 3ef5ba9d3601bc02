#include "gzip.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

/* A window of 32 KB, in gzip's wrapping (zlib.h, deflateInit2). */
#define GZIP_WINDOW (15 + 16)
#define GZIP_MEMORY 8 /* zlib's usual */
/* The first piece of output; later ones are as large as all before them. */
#define PIECE_FIRST 4096

void
gzip_release(struct gzip *g)
{
	if (g->deflater)
		deflateEnd(g->deflater);
	if (g->inflater)
		inflateEnd(g->inflater);
	free(g->deflater);
	free(g->inflater);
	*g = (struct gzip){0};
}

static z_stream *
deflater_of(struct gzip *g)
{
	if (g->deflater)
		return deflateReset(g->deflater) == Z_OK ? g->deflater : NULL;
	z_stream *z = calloc(1, sizeof(*z));
	if (z && deflateInit2(z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
			      Z_DEFAULT_STRATEGY) != Z_OK) {
		free(z);
		z = NULL;
	}
	g->deflater = z;
	return z;
}

static z_stream *
inflater_of(struct gzip *g)
{
	if (g->inflater)
		return inflateReset(g->inflater) == Z_OK ? g->inflater : NULL;
	z_stream *z = calloc(1, sizeof(*z));
	if (z && inflateInit2(z, GZIP_WINDOW) != Z_OK) {
		free(z);
		z = NULL;
	}
	g->inflater = z;
	return z;
}

static void
set_input(z_stream *z, struct slice in)
{
	z->next_in = (Bytef *)(uintptr_t)in.p;
	z->avail_in = (uInt)in.n;
}

/* Room for the next piece, at most `left` bytes; false: out of memory. */
static bool
set_output(z_stream *z, struct buf *out, size_t made, size_t left)
{
	size_t n = made < PIECE_FIRST ? PIECE_FIRST : made;
	if (n > left)
		n = left;
	z->next_out = (Bytef *)buf_reserve(out, n);
	z->avail_out = (uInt)n;
	return z->next_out != NULL;
}

static int
undo(struct buf *out, size_t start, int code)
{
	out->n = start;
	return code;
}

int
gzip_deflate(struct gzip *g, struct buf *out, size_t max, struct slice in)
{
	size_t start = out->n;
	if (in.n > UINT_MAX || max > UINT_MAX)
		return ERR_MESSAGE_TOO_LARGE;
	z_stream *z = deflater_of(g);
	if (!z)
		return ERR_NO_MEMORY;
	set_input(z, in);
	for (;;) {
		size_t made = out->n - start;
		if (made == max)
			return undo(out, start, ERR_MESSAGE_TOO_LARGE);
		if (!set_output(z, out, made, max - made))
			return undo(out, start, out->error);
		size_t room = z->avail_out;
		int r = deflate(z, Z_FINISH);
		out->n += room - z->avail_out;
		if (r == Z_STREAM_END)
			return 0;
	}
}

int
gzip_inflate(struct gzip *g, struct buf *out, size_t max, struct slice in)
{
	size_t start = out->n;
	Bytef beyond; /* the first byte that would be too much */
	if (in.n > UINT_MAX || max > UINT_MAX)
		return ERR_MESSAGE_TOO_LARGE;
	z_stream *z = inflater_of(g);
	if (!z)
		return ERR_NO_MEMORY;
	set_input(z, in);
	for (;;) {
		size_t made = out->n - start;
		if (made == max) {
			z->next_out = &beyond;
			z->avail_out = 1;
		} else if (!set_output(z, out, made, max - made)) {
			return undo(out, start, out->error);
		}
		size_t room = z->avail_out;
		int r = inflate(z, Z_NO_FLUSH);
		if (made == max && z->avail_out == 0)
			return undo(out, start, ERR_MESSAGE_TOO_LARGE);
		out->n += made == max ? 0 : room - z->avail_out;
		if (r == Z_STREAM_END && z->avail_in == 0)
			return 0;
		if (r == Z_STREAM_END && inflateReset(z) == Z_OK)
			continue; /* another member follows, or what should not */
		if (r == Z_MEM_ERROR)
			return undo(out, start, ERR_NO_MEMORY);
		if (r != Z_OK || (z->avail_in == 0 && z->avail_out > 0))
			return undo(out, start, ERR_INTERNAL);
	}
}
