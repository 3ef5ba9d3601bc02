/* What programs were compiled against stays where it is: sizes and places of members
 * of the public structures, numbers of the constants. A change here is a change of
 * soname, except that structures which begin with their size grow at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "zwy.h"

#define PLACE(type, member, offset) assert_int_equal(offsetof(struct type, member), offset)

static void
structures_by_value_keep_their_size(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct zwy_bytes), 16);
	assert_int_equal(sizeof(struct zwy_metadata), 24);
	assert_int_equal(sizeof(struct zwy_error), 5272);
	PLACE(zwy_error, status, 0);
	PLACE(zwy_error, exit_status, 4);
	PLACE(zwy_error, error_number, 8);
	PLACE(zwy_error, sent, 12);
	PLACE(zwy_error, reason, 13);
	PLACE(zwy_error, article, 45);
	PLACE(zwy_error, text, 57);
	PLACE(zwy_error, detail_count, 544);
	PLACE(zwy_error, details, 552);
	PLACE(zwy_error, attempts, 5160);
	PLACE(zwy_error, retry_after_ms, 5168);
	PLACE(zwy_error, reserved, 5176);
}

static void
options_only_grow(void **state)
{
	(void)state;
	/* The first release; sizes may be more later. */
	assert_true(sizeof(struct zwy_options) >= 120);
	PLACE(zwy_options, as, 8);
	PLACE(zwy_options, user_agent, 16);
	PLACE(zwy_options, connect_timeout_ms, 24);
	PLACE(zwy_options, backoff_max_ms, 32);
	PLACE(zwy_options, max_message, 40);
	PLACE(zwy_options, ca_file, 48);
	PLACE(zwy_options, cert_file, 56);
	PLACE(zwy_options, key_file, 64);
	PLACE(zwy_options, server_name, 72);
	PLACE(zwy_options, keepalive_ms, 80);
	PLACE(zwy_options, keepalive_timeout_ms, 88);
	PLACE(zwy_options, idle_timeout_ms, 96);
	PLACE(zwy_options, retry_tokens, 104);
	PLACE(zwy_options, retry_token_ratio, 112);
	assert_true(sizeof(struct zwy_retry) >= 56);
	PLACE(zwy_retry, max_attempts, 8);
	PLACE(zwy_retry, initial_backoff_ms, 16);
	PLACE(zwy_retry, max_backoff_ms, 24);
	PLACE(zwy_retry, multiplier, 32);
	PLACE(zwy_retry, jitter, 40);
	PLACE(zwy_retry, buffer, 48);
	assert_true(sizeof(struct zwy_call_options) >= 96);
	PLACE(zwy_call_options, timeout_ms, 8);
	PLACE(zwy_call_options, wait_for_ready, 16);
	PLACE(zwy_call_options, metadata, 24);
	PLACE(zwy_call_options, metadata_count, 32);
	PLACE(zwy_call_options, client_streaming, 40);
	PLACE(zwy_call_options, compress, 44);
	PLACE(zwy_call_options, message, 48);
	PLACE(zwy_call_options, done, 56);
	PLACE(zwy_call_options, writable, 64);
	PLACE(zwy_call_options, ctx, 72);
	PLACE(zwy_call_options, headers, 80);
	PLACE(zwy_call_options, retry, 88);
}

static void
constants_keep_their_numbers(void **state)
{
	(void)state;
	assert_int_equal(ZWY_IDLE, 0);
	assert_int_equal(ZWY_CONNECTING, 1);
	assert_int_equal(ZWY_READY, 2);
	assert_int_equal(ZWY_WAITING, 3);
	assert_int_equal(ZWY_HEADERS, 0);
	assert_int_equal(ZWY_TRAILERS, 1);
	assert_int_equal(ZWY_COMPRESS_NEVER, 0);
	assert_int_equal(ZWY_COMPRESS_AUTO, 1);
	assert_int_equal(ZWY_COMPRESS_ALWAYS, 2);
	assert_int_equal(ZWY_TEXT, 0);
	assert_int_equal(ZWY_JSON, 1);
	assert_int_equal(ZWY_JSON_LINE, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(structures_by_value_keep_their_size),
		cmocka_unit_test(options_only_grow),
		cmocka_unit_test(constants_keep_their_numbers),
	};
	/* The numbers are those of 64-bit machines. */
	return sizeof(void *) == 8 ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
