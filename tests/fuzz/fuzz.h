/* What the fuzzers share: input taken bit by bit, and the one function that each has.
 * libFuzzer calls it for millions of inputs; replay.c for the corpus in the folder. */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Ends the run, in every build. */
#define REQUIRE(condition)                                                              \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

/* The input that is left; at its end zeroes come. */
struct input {
	const uint8_t *p;
	size_t n;
};

static inline unsigned
input_byte(struct input *in)
{
	if (in->n == 0)
		return 0;
	in->n--;
	return *in->p++;
}

/* A number below `most`, from two bytes. */
static inline size_t
input_below(struct input *in, size_t most)
{
	size_t v = (size_t)input_byte(in) << 8;
	return (v | input_byte(in)) % most;
}

/* At most `most` bytes, less at the end. */
static inline struct slice
input_bytes(struct input *in, size_t most)
{
	size_t n = most < in->n ? most : in->n;
	struct slice s = slice_make(in->p, n);
	in->p += n;
	in->n -= n;
	return s;
}

/* Memory of exactly the slice's size, so that a sanitizer sees a byte read beyond it. */
static inline char *
exact_copy(struct slice s)
{
	char *copy = malloc(s.n ? s.n : 1);
	REQUIRE(copy);
	if (s.n)
		memcpy(copy, s.p, s.n);
	return copy;
}

#endif
