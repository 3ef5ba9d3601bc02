/* Damaged input of every kind: each reader refuses it with a text or takes it,
 * never reads beyond it, and what it takes is whole. Bounded and seeded; the
 * sanitizer builds are where this proves most. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <pb_decode.h>

#include "csv.h"
#include "filter.h"
#include "json.h"
#include "name.h"
#include "sample.h"
#include "status.h"
#include "text.h"
#include "zwy/v1/application.pb.h"

#define ROUNDS 12000

static const struct message_desc *
application(void)
{
	return message_by_name(SLICE("zwy.v1.Application"));
}

/* A copy of exactly its length, so that the address sanitizer sees each byte too many. */
static struct slice
exact(const struct buf *b)
{
	char *p = malloc(b->n ? b->n : 1);
	assert_non_null(p);
	if (b->n)
		memcpy(p, b->p, b->n);
	return (struct slice){p, b->n};
}

static void
drop(struct slice s)
{
	free((void *)(uintptr_t)s.p);
}

static void
require_fault(int r, const struct fault *f)
{
	if (r >= 0)
		return;
	assert_int_equal(f->code, r);
	assert_true(f->text[0] != '\0');
	assert_true(utf8_valid(slice_of(f->text)));
	for (size_t i = 0; i < f->item_count; i++)
		assert_true(utf8_valid(slice_of(f->items[i].text)));
}

static const struct message_desc *
any_message(struct sampler *s)
{
	return message_table[sample_below(s, message_count)];
}

/* What passes the walk can be printed, decoded and checked again. */
static void
the_walk_lets_nothing_through_that_others_cannot_take(void **state)
{
	(void)state;
	static const char *const words[] = {"\x0a",
					    "\x12\x00",
					    "\x8a\x01\x02\x12\x80",
					    "\xff\xff\xff\xff\x0f",
					    "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
					    "\x98\x06\x01",
					    NULL};
	struct sampler s = {1};
	for (int round = 0; round < ROUNDS; round++) {
		const struct message_desc *m = round % 2 ? application() : any_message(&s);
		struct buf bytes = {0}, out = {0};
		struct fault f = {0};
		sample_message(&s, m, &bytes, 0);
		sample_damage(&s, &bytes, words);
		struct slice damaged = exact(&bytes);
		int r = wire_check(m, damaged, WIRE_LIMITS_DEFAULT, &f);
		require_fault(r, &f);
		/* Printing stored bytes must survive what the walk would refuse. */
		int text = text_print(&out, m, damaged), json = json_print(&out, m, damaged, 0);
		if (r == 0 && m->well_known == WELL_KNOWN_NONE) {
			assert_int_equal(text, 0);
			assert_int_equal(json, 0);
		}
		if (r == 0 && m == application()) {
			zwy_v1_Application a = zwy_v1_Application_init_zero;
			pb_istream_t in = pb_istream_from_buffer((const pb_byte_t *)damaged.p, damaged.n);
			assert_true(pb_decode(&in, zwy_v1_Application_fields, &a));
			pb_release(zwy_v1_Application_fields, &a);
		}
		struct buf kept = {0};
		wire_strip_output_only(&kept, m, damaged);
		buf_release(&kept);
		wire_time(damaged, 3);
		drop(damaged);
		buf_release(&bytes);
		buf_release(&out);
	}
}

/* What a form's reader takes passes the walk, and prints to what is read the same. */
static void
require_taken(const struct message_desc *m, const struct buf *bytes)
{
	struct fault f = {0};
	struct buf text = {0}, back = {0};
	if (m->well_known == WELL_KNOWN_NONE && wire_check(m, buf_slice(bytes), WIRE_LIMITS_DEFAULT, &f) < 0)
		fail_msg("%s: %s", m->name, f.text);
	assert_int_equal(text_print(&text, m, buf_slice(bytes)), 0);
	assert_int_equal(text_parse(&back, m, buf_slice(&text), 0, NULL, &f), 0);
	assert_true(slice_equal(buf_slice(bytes), buf_slice(&back)));
	buf_release(&text);
	buf_release(&back);
}

static void
damaged_text_is_refused_or_means_something(void **state)
{
	(void)state;
	static const char *const words[] = {"\n[items]\n",
					    "\n[items.spec]\n",
					    "[clocks]\n",
					    "=",
					    ".",
					    "\\",
					    "\\x00",
					    "\\x41",
					    "items.",
					    "spec.x=1\n",
					    "\r",
					    "\n",
					    "#",
					    "submit\n",
					    "cloud-server=4\n",
					    "\xff",
					    "中",
					    "'",
					    "\"",
					    NULL};
	struct sampler s = {2};
	for (int round = 0; round < ROUNDS; round++) {
		const struct message_desc *m = round % 2 ? application() : any_message(&s);
		struct buf bytes = {0}, text = {0}, out = {0};
		struct fault f = {0};
		struct slice body;
		sample_message(&s, m, &bytes, 0);
		assert_int_equal(text_print(&text, m, buf_slice(&bytes)), 0);
		sample_damage(&s, &text, words);
		struct slice damaged = exact(&text);
		int r = text_parse(&out, m, damaged, round & 2 ? TEXT_INPUT : 0, NULL, &f);
		require_fault(r, &f);
		if (r == 0)
			require_taken(m, &out);
		buf_clear(&out);
		fault_clear(&f);
		r = text_parse_line(&out, m, damaged, 0, &f);
		require_fault(r, &f);
		if (r == 0)
			require_taken(m, &out);
		text_scan(damaged, false, &body);
		drop(damaged);
		buf_release(&bytes);
		buf_release(&text);
		buf_release(&out);
	}
}

static void
damaged_json_is_refused_or_means_something(void **state)
{
	(void)state;
	static const char *const words[] = {"{",
					    "}",
					    "[",
					    "]",
					    "null",
					    "\"",
					    ",",
					    ":",
					    "\\u0000",
					    "\\ud800",
					    "1e999",
					    "-1",
					    "1.5",
					    "\"a\":{}",
					    "\"items\":[null]",
					    "\xff",
					    "9223372036854775808",
					    NULL};
	struct sampler s = {3};
	for (int round = 0; round < ROUNDS; round++) {
		const struct message_desc *m = round % 2 ? application() : any_message(&s);
		struct buf bytes = {0}, text = {0}, out = {0};
		struct fault f = {0};
		struct slice body;
		sample_message(&s, m, &bytes, 0);
		assert_int_equal(json_print(&text, m, buf_slice(&bytes), 0), 0);
		sample_damage(&s, &text, words);
		struct slice damaged = exact(&text);
		int r = json_parse(&out, m, damaged, &f);
		require_fault(r, &f);
		if (r == 0)
			require_taken(m, &out);
		text_scan(damaged, true, &body);
		drop(damaged);
		buf_release(&bytes);
		buf_release(&text);
		buf_release(&out);
	}
}

static void
damaged_names_and_keys_are_refused_or_go_back_and_forth(void **state)
{
	(void)state;
	static const char *const names[] = {"quotas/provincial-finance/cloud-server/entries/12",
					    "applications/A-2026-000123/documents/construction-plan",
					    "catalogue/云", "rules/13"};
	static const char *const words[] = {"/",    ".",       "..",       "0", "A-2026-",
					    "\x7f", "quotas/", "\xC2\x85", NULL};
	struct sampler s = {4};
	for (int round = 0; round < ROUNDS; round++) {
		struct buf text = {0}, key = {0}, back = {0};
		struct fault f = {0};
		struct name n;
		buf_append_str(&text, names[sample_below(&s, 4)]);
		sample_damage(&s, &text, words);
		struct slice damaged = exact(&text);
		int r = name_parse(&n, damaged, &f);
		require_fault(r, &f);
		if (r == 0 && name_key(&key, &n) == 0) {
			assert_int_equal(name_of_key(&back, buf_slice(&key)), 0);
			assert_true(slice_equal(buf_slice(&back), damaged));
			sample_damage(&s, &key, words);
			struct slice damaged_key = exact(&key);
			buf_clear(&back);
			if (name_of_key(&back, damaged_key) == 0)
				assert_int_equal(name_parse(&n, buf_slice(&back), &f), 0);
			drop(damaged_key);
		}
		fault_clear(&f);
		require_fault(name_parse_collection(&n, damaged, &f), &f);
		drop(damaged);
		buf_release(&text);
		buf_release(&key);
		buf_release(&back);
	}
}

static void
damaged_filters_are_refused_or_match(void **state)
{
	(void)state;
	static const char *const words[] = {"AND",  " AND ", "=", "!=",  "\"",
					    "open", "roles", "",  "x=1", NULL};
	struct sampler s = {5};
	struct buf record = {0};
	sample_message(&s, application(), &record, 0);
	for (int round = 0; round < ROUNDS; round++) {
		struct buf text = {0};
		struct fault f = {0};
		struct filter flt;
		buf_append_str(&text,
			       "state=draft AND zone!=extranet AND purpose=\"a b\" AND supplements=3 AND "
			       "submit-time=2026-03-02T01:30:00Z");
		sample_damage(&s, &text, words);
		struct slice damaged = exact(&text);
		int r = filter_parse(&flt, application(), damaged, &f);
		require_fault(r, &f);
		if (r == 0)
			filter_match(&flt, buf_slice(&record));
		drop(damaged);
		buf_release(&text);
	}
	buf_release(&record);
}

static void
damaged_csv_is_refused_or_read(void **state)
{
	(void)state;
	static const char *const files[] = {"slug,name_zh,unit,dimensions.1.name,dimensions.1.required\na,"
					    "\"x \"\"y\"\"\",z,vcpu,true\nb,,,,\n",
					    "date,kind,name\n2025-12-31,holiday,x\n2026-01-01,workday,y\n",
					    "name,items.1.service,items.1.spec.vcpu,items.2.service,document."
					    "a\napplications/A-2026-000001,x,8,y,z\n"};
	static const enum kind kinds[] = {KIND_SERVICE, KIND_CALENDAR_YEAR, KIND_APPLICATION};
	static const char *const words[] = {",",  "\"",   "\n",  "\r\n", "\"\"", ".2.",
					    ".1", "slug", "999", "\xff", NULL};
	struct sampler s = {6};
	for (int round = 0; round < ROUNDS; round++) {
		size_t which = sample_below(&s, 3);
		const struct kind_desc *kind = kind_by_number((unsigned)kinds[which]);
		struct arena arena = {0};
		struct buf text = {0}, record = {0};
		struct csv_reader *r;
		struct fault f = {0};
		buf_append_str(&text, files[which]);
		sample_damage(&s, &text, words);
		struct slice damaged = exact(&text);
		int code = csv_open(&r, kind, damaged, &arena, &f);
		require_fault(code, &f);
		while (code == 0 && (code = csv_next(r, &record, &f)) == 1) {
			require_taken(kind->message, &record);
			code = 0;
		}
		require_fault(code, &f);
		drop(damaged);
		buf_release(&text);
		buf_release(&record);
		arena_release(&arena);
	}
}

static void
damaged_answers_of_a_server_are_survived(void **state)
{
	(void)state;
	static const char *const words[] = {
		"zwy", "\x0a", "\x1a\x05", "\xff\xff\xff\xff\x0f", "google.rpc.ErrorInfo", NULL};
	struct sampler s = {7};
	struct fault f = {0};
	fault_set_article(&f, ERR_DOCUMENT_MISSING, "13.2", "things are missing");
	for (int i = 0; i < 20; i++)
		fault_add(&f, i % 2 ? ERR_DOCUMENT_MISSING : ERR_INVALID_FIELD, "field", "文件 %d", i);
	for (int round = 0; round < ROUNDS; round++) {
		struct buf status = {0}, coded = {0}, back = {0};
		struct fault got;
		status_encode(&status, &f, 8192);
		sample_damage(&s, &status, words);
		struct slice damaged = exact(&status);
		status_decode(&got, GRPC_FAILED_PRECONDITION, SLICE("x"), damaged);
		require_fault(got.code, &got);
		base64_encode(&coded, damaged);
		sample_damage(&s, &coded, words);
		base64_decode(&back, buf_slice(&coded));
		percent_decode(&back, buf_slice(&coded));
		struct deframer d;
		deframer_init(&d, 1000);
		struct slice rest = damaged;
		while (deframer_push(&d, &rest) == 1)
			deframer_next(&d);
		deframer_release(&d);
		drop(damaged);
		buf_release(&status);
		buf_release(&coded);
		buf_release(&back);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_walk_lets_nothing_through_that_others_cannot_take),
		cmocka_unit_test(damaged_text_is_refused_or_means_something),
		cmocka_unit_test(damaged_json_is_refused_or_means_something),
		cmocka_unit_test(damaged_names_and_keys_are_refused_or_go_back_and_forth),
		cmocka_unit_test(damaged_filters_are_refused_or_match),
		cmocka_unit_test(damaged_csv_is_refused_or_read),
		cmocka_unit_test(damaged_answers_of_a_server_are_survived),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
