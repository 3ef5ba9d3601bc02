/* Records as CSV: the shipped shapes are read, exports are read back, mistakes name row and column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "csv.h"
#include "sample.h"
#include "text.h"

#define ROUNDS 40

/* All records of a CSV in text form, with an empty line after each. */
static int
read_all(enum kind kind, struct slice csv, struct buf *text, const char **mask, struct fault *f,
	 struct arena *arena)
{
	const struct kind_desc *k = kind_by_number((unsigned)kind);
	struct csv_reader *r;
	struct buf record = {0};
	int code = csv_open(&r, k, csv, arena, f);
	if (code == 0 && mask)
		*mask = csv_mask(r);
	while (code == 0 && (code = csv_next(r, &record, f)) == 1) {
		assert_int_equal(wire_check(k->message, buf_slice(&record), WIRE_LIMITS_DEFAULT, f), 0);
		assert_int_equal(text_print(text, k->message, buf_slice(&record)), 0);
		buf_append_char(text, '\n');
		code = 0;
	}
	buf_release(&record);
	return code;
}

static void
expect(enum kind kind, const char *csv, const char *want, const char *want_mask)
{
	struct arena arena = {0};
	struct buf text = {0};
	struct fault f = {0};
	const char *mask = NULL;
	if (read_all(kind, slice_of(csv), &text, &mask, &f, &arena) < 0)
		fail_msg("%s", f.text);
	buf_append_char(&text, '\0');
	assert_string_equal(text.p, want);
	assert_string_equal(mask, want_mask);
	buf_release(&text);
	arena_release(&arena);
}

static void
rows_become_records(void **state)
{
	(void)state;
	expect(KIND_SERVICE,
	       "\xEF\xBB\xBFseq,slug,name_zh,unit,dimensions.2.name,dimensions.1.name,dimensions.1."
	       "required\r\n"
	       "1,cloud-server,云服务器,\"vCPU·h, \"\"GiB·h\"\"\",gib,vcpu,true\r\n"
	       "\r\n"
	       "2,x,,,vcpu,,\r\n",
	       "name=catalogue/cloud-server\nseq=1\nname-zh=云服务器\nunit=vCPU·h, \"GiB·h\"\n"
	       "[dimensions]\nname=vcpu\nrequired=true\n[dimensions]\nname=gib\n\n"
	       "name=catalogue/x\nseq=2\n[dimensions]\nname=vcpu\n\n",
	       "seq,name_zh,unit,dimensions");
	expect(KIND_PRINCIPAL, "slug,display-name,roles,uids,gateway\ndemo,演示,adm du,0 1000,yes\n",
	       "name=principals/"
	       "demo\ndisplay-name=演示\nroles=adm\nroles=du\nuids=0\nuids=1000\ngateway=true\n\n",
	       "display_name,roles,uids,gateway");
	expect(KIND_QUOTA,
	       "name,dimensions.1.name,dimensions.1.limit,dimensions.1.reserved,revision\n"
	       "quotas/a/b,quantity,5,3,77",
	       "name=quotas/a/b\n[dimensions]\nname=quantity\nlimit=5\n\n", "dimensions");
	expect(KIND_APPLICATION,
	       "name,purpose,document.a.b,items.1.spec.vcpu,items.1.service,cloud-plan.demand\n"
	       "applications/A-2026-000001,\"two\nlines\",f,8,x,more\n",
	       "name=applications/"
	       "A-2026-000001\npurpose=two\\nlines\ncloud-plan.demand=more\ndocument.a.b=f\n"
	       "[items]\nservice=x\nspec.vcpu=8\n\n",
	       "purpose,cloud_plan,document,items");
}

static void
days_of_a_year_become_one_record(void **state)
{
	(void)state;
	expect(KIND_CALENDAR_YEAR,
	       "date,kind,name\n2025-12-31,holiday,x\n2026-01-01,holiday,元旦\n2026-01-04,workday,元旦\n",
	       "name=calendar/2025\n[days]\ndate=2025-12-31\nkind=holiday\nname=x\n\n"
	       "name=calendar/2026\n[days]\ndate=2026-01-01\nkind=holiday\nname=元旦\n"
	       "[days]\ndate=2026-01-04\nkind=workday\nname=元旦\n\n",
	       "days");
	expect(KIND_CALENDAR_YEAR, "source,date,kind\ns,2026-01-01,holiday\n",
	       "name=calendar/2026\nsource=s\n[days]\ndate=2026-01-01\nkind=holiday\n\n", "days,source");
	expect(KIND_CALENDAR_YEAR, "slug,source\n2026,s\n", "name=calendar/2026\nsource=s\n\n", "source");
}

static void
mistakes_name_row_and_column(void **state)
{
	(void)state;
	static const struct {
		enum kind kind;
		const char *csv;
		int code;
		const char *says;
	} rows[] = {
		{KIND_NODE, "", ERR_BAD_SYNTAX, "empty"},
		{KIND_NODE, "slug,xyz\n", ERR_UNKNOWN_FIELD,
		 "no column 'xyz' in nodes; there are slug, name, kind"},
		{KIND_SERVICE, "slug,dimensions.0.name\n", ERR_UNKNOWN_FIELD, "dimensions.1.name"},
		{KIND_SERVICE, "slug,dimensions\n", ERR_UNKNOWN_FIELD, "dimensions"},
		{KIND_SERVICE, "slug,dimensions.99999999999.name\n", ERR_UNKNOWN_FIELD, "dimensions"},
		{KIND_NODE, "kind\ncore\n", ERR_FIELD_MISSING, "no column slug or name"},
		{KIND_NODE, "slug,name\n", ERR_BAD_SYNTAX, "say the same"},
		{KIND_NODE, "slug,name-zh,name_zh\n", ERR_BAD_SYNTAX, "say the same"},
		{KIND_QUOTA, "slug\n", ERR_UNKNOWN_FIELD, "use name, e.g. quotas/{department}/{service}"},
		{KIND_NODE, "slug,kind\na,b\nc\n", ERR_BAD_SYNTAX, "row 3 has 1 cells"},
		{KIND_NODE, "slug,kind\n\na,b,\n", ERR_BAD_SYNTAX, "row 3 has 3 cells"},
		{KIND_NODE, "slug,kind\na,\"b\n", ERR_BAD_SYNTAX, "row 2: a quote is not closed"},
		{KIND_NODE, "slug,kind\na,\"b\"c\n", ERR_BAD_SYNTAX, "row 2: something stands after"},
		{KIND_NODE, "slug,kind\na,b\"c\n", ERR_BAD_SYNTAX, "row 2: a quote inside"},
		{KIND_NODE, "slug,kind\n,b\n", ERR_INVALID_NAME, "row 2, column slug: "},
		{KIND_DEPARTMENT, "slug,level\na,city\nb,town\n", ERR_INVALID_FIELD,
		 "row 3, column level: 'town' is not one of province, city, county"},
		{KIND_PRINCIPAL, "slug,uids\na,1 x\n", ERR_INVALID_FIELD,
		 "row 2, column uids: 'x' is not a whole"},
		{KIND_CALENDAR_YEAR, "date,kind,name\n2026-02-30,holiday,x\n", ERR_INVALID_FIELD,
		 "row 2, column date: '2026-02-30'"},
		{KIND_CALENDAR_YEAR, "date,kind,nam\n", ERR_UNKNOWN_FIELD, "'nam'"},
		{KIND_NODE, "slug,kind\na,\xff\n", ERR_BAD_SYNTAX, "UTF-8"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena = {0};
		struct buf text = {0};
		struct fault f = {0};
		int r = read_all(rows[i].kind, slice_of(rows[i].csv), &text, NULL, &f, &arena);
		if (r != rows[i].code || f.code != r || !strstr(f.text, rows[i].says))
			fail_msg("%s: %d %s", rows[i].csv, r, f.text);
		buf_release(&text);
		arena_release(&arena);
	}
}

/* A name of this kind, different each time. */
static void
put_name(struct buf *out, const struct kind_desc *kind, size_t n)
{
	struct buf name = {0};
	for (size_t i = 0; i < kind->segment_count; i++) {
		const struct segment_desc *segment = &kind->segments[i];
		buf_append_str(&name, i ? "/" : "");
		if (segment->type == SEGMENT_LITERAL)
			buf_append_str(&name, segment->text);
		else if (segment->type == SEGMENT_NUMBER)
			buf_printf(&name, "%zu", 2000 + n);
		else if (segment->type == SEGMENT_ID)
			buf_printf(&name, "%c-2026-%06zu", segment->prefix, n);
		else
			buf_printf(&name, "x, \"%zu\"", n);
	}
	wire_put_string(out, 1, buf_slice(&name));
	buf_release(&name);
}

/* A record without its own name and, as an import leaves them, without what the server keeps. */
static void
sample_record(struct sampler *s, const struct kind_desc *kind, size_t n, struct buf *out)
{
	struct buf random = {0};
	sample_message(s, kind->message, &random, 0);
	struct slice rest = buf_slice(&random);
	struct wire_field w;
	buf_clear(out);
	put_name(out, kind, n);
	while (wire_next(&rest, &w) == 1)
		if (w.number > 4)
			buf_append_slice(out, w.raw);
	buf_release(&random);
}

static struct buf export(const struct kind_desc *kind, const struct buf *records, size_t count,
			 struct arena *arena)
{
	struct csv_writer *w;
	struct buf csv = {0};
	assert_int_equal(csv_writer_open(&w, kind, arena), 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(csv_columns(w, buf_slice(&records[i])), 0);
	assert_int_equal(csv_header(w, &csv), 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(csv_row(w, buf_slice(&records[i]), &csv), 0);
	return csv;
}

/* What a reader makes of an export, exported again, is the same but for what the server keeps. */
static void
an_export_can_be_imported(void **state)
{
	(void)state;
	struct sampler s = {20264};
	for (size_t i = 0; i < kind_count; i++)
		for (size_t round = 0; round < ROUNDS; round++) {
			const struct kind_desc *kind = kind_table[i];
			struct arena arena = {0};
			struct buf records[3] = {{0}}, back[3] = {{0}};
			struct csv_reader *r;
			struct fault f = {0};
			size_t count = 0;
			if (kind->kind == KIND_CALENDAR_YEAR) /* its rows are days; see below */
				continue;
			for (size_t k = 0; k < 3; k++)
				sample_record(&s, kind, k + 1, &records[k]);
			struct buf csv = export(kind, records, 3, &arena);
			if (csv_open(&r, kind, buf_slice(&csv), &arena, &f) < 0)
				fail_msg("%s\n%.*s", f.text, (int)csv.n, csv.p);
			for (int code; count < 3 && (code = csv_next(r, &back[count], &f)) != 0; count++)
				if (code < 0)
					fail_msg("%s: %s\n%.*s", kind->name, f.text, (int)csv.n, csv.p);
			assert_int_equal(count, 3);
			struct buf first = export(kind, back, 3, &arena);
			assert_int_equal(csv_open(&r, kind, buf_slice(&first), &arena, &f), 0);
			for (count = 0; count < 3; count++) {
				struct buf again = {0};
				assert_int_equal(csv_next(r, &again, &f), 1);
				assert_true(slice_equal(buf_slice(&again), buf_slice(&back[count])));
				struct buf kept = {0};
				wire_strip_output_only(&kept, kind->message, buf_slice(&again));
				assert_true(slice_equal(buf_slice(&kept), buf_slice(&again)));
				buf_release(&kept);
				buf_release(&again);
				buf_release(&records[count]);
				buf_release(&back[count]);
			}
			buf_release(&csv);
			buf_release(&first);
			arena_release(&arena);
		}
}

static void
exports_look_as_the_shipped_files_do(void **state)
{
	(void)state;
	static const struct {
		enum kind kind;
		const char *records[2];
		const char *csv;
	} rows[] = {
		{KIND_PRINCIPAL,
		 {"name=principals/a\nroles=ca\nroles=op\nuids=7\n",
		  "name=principals/b\ndisplay-name=x, y\n"},
		 "slug,display-name,roles,uids\na,,ca op,7\nb,\"x, y\",,\n"},
		{KIND_QUOTA,
		 {"name=quotas/a/b\n[dimensions]\nname=quantity\nlimit=5\n[dimensions]\nname=vcpu\n",
		  "name=quotas/a/c\n"},
		 "name,dimensions.1.name,dimensions.1.limit,dimensions.2.name\nquotas/a/"
		 "b,quantity,5,vcpu\nquotas/a/c,,,\n"},
		{KIND_CALENDAR_YEAR,
		 {"name=calendar/2025\n[days]\ndate=2025-01-01\nkind=holiday\n",
		  "name=calendar/2026\n[days]\ndate=2026-01-01\nkind=holiday\nname=元旦\n"},
		 "date,kind,name\n2025-01-01,holiday,\n2026-01-01,holiday,元旦\n"},
		{KIND_RULE,
		 {"name=rules/1\nbehaviour=a b\nbehaviour=c\\\\\n", "name=rules/2\n"},
		 "slug,behaviour\n1,a\\sb c\\\\\n2,\n"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct kind_desc *kind = kind_by_number((unsigned)rows[i].kind);
		struct arena arena = {0};
		struct buf records[2] = {{0}};
		for (size_t k = 0; k < 2; k++)
			assert_int_equal(text_parse(&records[k], kind->message, slice_of(rows[i].records[k]),
						    0, NULL, NULL),
					 0);
		struct buf csv = export(kind, records, 2, &arena);
		buf_append_char(&csv, '\0');
		assert_string_equal(csv.p, rows[i].csv);
		buf_release(&records[0]);
		buf_release(&records[1]);
		buf_release(&csv);
		arena_release(&arena);
	}
}

/* Fed row by row, or in any other pieces of whole rows, a file reads as it does whole. */
static void
pieces_read_as_the_whole(void **state)
{
	static const char csv[] = "\xEF\xBB\xBFslug,name-zh,level,region\r\n"
				  "a,\"one, \"\"two\"\"\nthree\",city,320100\r\n"
				  "\n"
				  "b,four,county,320102\n"
				  "c,five,planet,320000";
	const struct kind_desc *kind = kind_by_number(KIND_DEPARTMENT);
	(void)state;
	for (size_t step = 1; step < sizeof(csv); step++) {
		struct arena arena = {0};
		struct buf record = {0}, held = {0};
		struct csv_reader *r = NULL;
		struct fault f = {0};
		size_t at = 0, count = 0, handed = 0;
		int code = 0;
		while (code >= 0 && at < sizeof(csv) - 1) {
			buf_consume(&held, handed);
			size_t n = sizeof(csv) - 1 - at < step ? sizeof(csv) - 1 - at : step;
			buf_append(&held, csv + at, n);
			at += n;
			handed = at == sizeof(csv) - 1 ? held.n : csv_whole_rows(buf_slice(&held));
			if (handed == 0)
				continue;
			struct slice piece = {held.p, handed};
			code = r ? csv_more(r, piece, &f) : csv_open(&r, kind, piece, &arena, &f);
			while (code >= 0 && (code = csv_next(r, &record, &f)) == 1)
				assert_int_equal(csv_row_number(r), ++count == 1 ? 2 : 4);
		}
		assert_int_equal(count, 2);
		assert_int_equal(code, ERR_INVALID_FIELD);
		assert_non_null(strstr(f.text, "row 5, column level"));
		buf_release(&record);
		buf_release(&held);
		arena_release(&arena);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_become_records),
		cmocka_unit_test(days_of_a_year_become_one_record),
		cmocka_unit_test(mistakes_name_row_and_column),
		cmocka_unit_test(pieces_read_as_the_whole),
		cmocka_unit_test(an_export_can_be_imported),
		cmocka_unit_test(exports_look_as_the_shipped_files_do),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
