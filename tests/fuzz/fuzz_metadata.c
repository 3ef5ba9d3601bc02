/* The small codecs of gRPC's headers: what is accepted means one thing, and goes back. */
#include "fuzz.h"
#include "status.h"

static void
try_timeout(struct slice s)
{
	int64_t ms, again;
	char text[12];
	if (!timeout_parse(s, &ms))
		return;
	REQUIRE(ms >= 0 && s.n >= 2 && s.n <= 9);
	timeout_format(text, ms);
	REQUIRE(timeout_parse(slice_of(text), &again) && again >= ms);
}

static void
try_percent(struct slice s)
{
	struct buf encoded = {0}, back = {0};
	percent_encode(&encoded, s);
	for (size_t i = 0; i < encoded.n; i++)
		REQUIRE(encoded.p[i] >= 0x20 && encoded.p[i] <= 0x7E);
	REQUIRE(encoded.n == 0 || (encoded.p[0] != ' ' && encoded.p[encoded.n - 1] != ' '));
	percent_decode(&back, buf_slice(&encoded));
	REQUIRE(slice_equal(buf_slice(&back), s));
	buf_clear(&back);
	percent_decode(&back, s); /* anything decodes to something */
	REQUIRE(back.n <= s.n);
	buf_release(&encoded);
	buf_release(&back);
}

static void
try_base64(struct slice s)
{
	struct buf raw = {0}, text = {0}, again = {0};
	base64_encode(&text, s);
	REQUIRE(base64_decode(&raw, buf_slice(&text)) && slice_equal(buf_slice(&raw), s));
	buf_clear(&raw);
	buf_clear(&text);
	if (base64_decode(&raw, s)) {
		REQUIRE(raw.n <= s.n);
		base64_encode(&text, buf_slice(&raw));
		REQUIRE(base64_decode(&again, buf_slice(&text)));
		REQUIRE(slice_equal(buf_slice(&raw), buf_slice(&again)));
	} else {
		REQUIRE(raw.n == 0);
	}
	buf_release(&raw);
	buf_release(&text);
	buf_release(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *copy = exact_copy(slice_make(data, n));
	struct slice s = slice_make(copy, n);
	try_timeout(s);
	try_percent(s);
	try_base64(s);
	free(copy);
	return 0;
}
