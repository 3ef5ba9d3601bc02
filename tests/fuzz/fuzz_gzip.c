/* Inflating what anybody may send, and what we compress ourselves, under any cap. */
#include "fuzz.h"
#include "gzip.h"

static void
inflate_anything(struct gzip *g, struct slice in, size_t max)
{
	struct buf out = {0};
	buf_append_str(&out, "before");
	int rc = gzip_inflate(g, &out, max, in);
	REQUIRE(rc == 0 || rc == ERR_MESSAGE_TOO_LARGE || rc == ERR_INTERNAL);
	REQUIRE(out.n >= 6 && memcmp(out.p, "before", 6) == 0);
	REQUIRE(out.n - 6 <= max);
	REQUIRE(rc == 0 || out.n == 6);
	REQUIRE(out.cap <= 4 * max + 16384);
	buf_release(&out);
}

static void
go_there_and_back(struct gzip *g, struct slice in, size_t max)
{
	struct buf zipped = {0}, out = {0};
	int rc = gzip_deflate(g, &zipped, max, in);
	REQUIRE(rc == 0 || rc == ERR_MESSAGE_TOO_LARGE);
	REQUIRE(zipped.n <= max);
	if (rc == 0) {
		REQUIRE(gzip_inflate(g, &out, in.n, buf_slice(&zipped)) == 0);
		REQUIRE(slice_equal(buf_slice(&out), in));
		/* one byte less is one too few, of the cap or of the input */
		buf_clear(&out);
		if (in.n)
			REQUIRE(gzip_inflate(g, &out, in.n - 1, buf_slice(&zipped)) == ERR_MESSAGE_TOO_LARGE);
		REQUIRE(gzip_inflate(g, &out, in.n, slice_make(zipped.p, zipped.n - 1)) == ERR_INTERNAL);
		REQUIRE(out.n == 0);
	}
	buf_release(&zipped);
	buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct input in = {data, n};
	struct gzip g = {0};
	bool back = input_byte(&in) & 1;
	size_t max = input_below(&in, 20000);
	char *copy = exact_copy(slice_make(in.p, in.n));
	for (unsigned i = 0; i < 2; i++) /* the second time with a used state */
		if (back)
			go_there_and_back(&g, slice_make(copy, in.n), max);
		else
			inflate_anything(&g, slice_make(copy, in.n), max);
	free(copy);
	gzip_release(&g);
	return 0;
}
