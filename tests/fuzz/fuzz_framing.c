/* Messages out of a byte stream: any split gives what the whole gives. */
#include "fuzz.h"
#include "status.h"

#define MAX_MESSAGE 300

/* A digest of all messages and of how it ended. */
struct result {
	uint64_t hash;
	unsigned count;
	int rc;
	bool idle;
};

static void
note(struct result *r, struct slice s, bool compressed)
{
	r->count++;
	r->hash = (r->hash ^ compressed ^ s.n) * 1099511628211u;
	for (size_t i = 0; i < s.n; i++)
		r->hash = (r->hash ^ (uint8_t)s.p[i]) * 1099511628211u;
}

static struct result
deframe(struct slice stream, struct input *splits)
{
	struct result r = {0};
	struct deframer d;
	deframer_init(&d, MAX_MESSAGE);
	while (stream.n && r.rc >= 0) {
		size_t n = splits ? 1 + input_byte(splits) % 40 : stream.n;
		if (n > stream.n)
			n = stream.n;
		char *copy = exact_copy(slice_make(stream.p, n));
		struct slice piece = slice_make(copy, n);
		stream = slice_make(stream.p + n, stream.n - n);
		while ((r.rc = deframer_push(&d, &piece)) == 1) {
			REQUIRE(d.message.n <= MAX_MESSAGE);
			note(&r, buf_slice(&d.message), d.compressed);
			deframer_next(&d);
			if (piece.n == 0)
				break;
		}
		REQUIRE(r.rc < 0 || piece.n == 0);
		free(copy);
	}
	r.idle = deframer_idle(&d);
	deframer_release(&d);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct input in = {data, n};
	struct slice head = input_bytes(&in, input_byte(&in) % 64);
	struct input splits = {(const uint8_t *)head.p, head.n};
	struct result whole = deframe(slice_make(in.p, in.n), NULL);
	struct result split = deframe(slice_make(in.p, in.n), &splits);
	REQUIRE(whole.hash == split.hash && whole.count == split.count);
	REQUIRE((whole.rc < 0) == (split.rc < 0) && (whole.rc < 0 || whole.idle == split.idle));
	return 0;
}
