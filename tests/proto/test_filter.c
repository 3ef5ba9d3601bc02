/* Filters of lists: what can be asked, and which records pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "filter.h"
#include "text.h"

static const struct message_desc *
message(const char *name)
{
	const struct message_desc *m = message_by_name(slice_of(name));
	assert_non_null(m);
	return m;
}

static bool
passes(const char *name, const char *record, const char *filter)
{
	struct buf bytes = {0};
	struct filter flt;
	struct fault f = {0};
	assert_int_equal(text_parse(&bytes, message(name), slice_of(record), 0, NULL, &f), 0);
	if (filter_parse(&flt, message(name), slice_of(filter), &f) < 0)
		fail_msg("%s", f.text);
	bool r = filter_match(&flt, buf_slice(&bytes));
	buf_release(&bytes);
	return r;
}

static void
terms_are_all_to_hold(void **state)
{
	(void)state;
	static const char record[] =
		"kind=regular\nstate=draft\npurpose=a b\nopen=yes\nsupplements=7\nresources=r1\n"
		"resources=r2\nsubmit-time=2026-03-02T01:30:00Z\n";
	static const struct {
		const char *filter;
		bool passes;
	} rows[] = {
		{"", true},
		{"  ", true},
		{"state=draft", true},
		{"state = draft AND kind=APPLICATION_KIND_REGULAR", true},
		{"state!=draft", false},
		{"state != submitted", true},
		{"state=draft AND purpose=\"a b\" AND open=1", true},
		{"state=draft AND open=false", false},
		{"classified=no", true},
		{"supplements=007", true},
		{"supplements=0", false},
		{"catalogue_version=0", true},
		{"zone=unspecified", true},
		{"zone=extranet", false},
		{"department=\"\"", true},
		{"resources=r2", true},
		{"resources!=r2", false},
		{"resources=r3", false},
		{"resources!=r3", true},
		{"submit-time=2026-03-02T01:30:00Z", true},
		{"submitTime!=\"\"", true},
		{"create-time=\"\"", true},
		{"purpose=\"AND\"", false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(passes("zwy.v1.Application", record, rows[i].filter), rows[i].passes);
	assert_true(passes("zwy.v1.Principal", "roles=ca\nroles=op\nuids=7\nuids=300\n",
			   "roles=op AND uids=300"));
	assert_false(passes("zwy.v1.Principal", "roles=ca\nroles=op\nuids=7\nuids=300\n", "roles=aud"));
}

static void
what_cannot_be_read_says_where(void **state)
{
	(void)state;
	static const struct {
		const char *filter, *says;
	} rows[] = {
		{"state", "= or != must follow state"},
		{"=x", "a field is missing"},
		{"state=", "a value is missing"},
		{"state=draft AND", "a field is missing"},
		{"state=draft OR zone=extranet", "at 13: only AND"},
		{"state=draft ANDzone=extranet", "only AND"},
		{"stat=draft", "cannot filter by 'stat'; there are name"},
		{"cloud-plan=x", "cannot filter by 'cloud-plan'"},
		{"items=x", "cannot filter by 'items'"},
		{"zone=intranet", "extranet, internet"},
		{"supplements=-1", "whole number"},
		{"purpose=\"a b", "not closed"},
		{"submit-time=2026-03-02T09:30:00+08:00", "as the record shows it"},
		{"state=a AND state=a AND state=a AND state=a AND state=a AND state=a AND state=a AND "
		 "state=a AND state=a",
		 "more than 8"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct filter flt;
		struct fault f = {0};
		assert_int_equal(filter_parse(&flt, message("zwy.v1.Application"), slice_of(rows[i].filter),
					      &f),
				 ERR_BAD_FILTER);
		if (!strstr(f.text, rows[i].says))
			fail_msg("%s", f.text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(terms_are_all_to_hold),
		cmocka_unit_test(what_cannot_be_read_says_where),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
