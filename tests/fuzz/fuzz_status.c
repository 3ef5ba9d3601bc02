/* google.rpc.Status as any server may send it: what a client makes of it is sound, and
 * what we make of that can be read again. */
#include "fuzz.h"
#include "status.h"

static void
check_fault(const struct fault *f)
{
	REQUIRE(f->item_count <= FAULT_ITEMS);
	REQUIRE(memchr(f->text, '\0', sizeof(f->text)) && utf8_valid(slice_of(f->text)));
	REQUIRE(memchr(f->article, '\0', sizeof(f->article)));
	REQUIRE(f->retry_ms >= 0);
	for (size_t i = 0; i < f->item_count; i++) {
		REQUIRE(memchr(f->items[i].field, '\0', sizeof(f->items[i].field)));
		REQUIRE(utf8_valid(slice_of(f->items[i].text)));
	}
}

static void
encode_again(struct fault *f, size_t max)
{
	struct buf b = {0};
	struct fault got;
	status_encode(&b, f, max);
	REQUIRE(b.n <= max);
	if (b.n && f->code) {
		REQUIRE(status_decode(&got, reason_of(f->code)->status, slice_of(f->text), buf_slice(&b)));
		REQUIRE(got.code == f->code);
		REQUIRE(got.item_count <= f->item_count);
	}
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct input in = {data, n};
	enum grpc_status status = input_byte(&in) % 20;
	size_t max = input_below(&in, 9000);
	struct slice message = input_bytes(&in, input_byte(&in));
	char *copy = exact_copy(slice_make(in.p, in.n));
	struct fault f;
	status_decode(&f, status, message, slice_make(copy, in.n));
	check_fault(&f);
	encode_again(&f, max);
	free(copy);
	return 0;
}
