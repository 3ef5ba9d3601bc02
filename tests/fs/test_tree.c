/* The shape of the tree: every kind of path, and what cannot be one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>

#include "base/error.h"
#include "tree.h"

static struct place place;

static enum view
view_of(const char *path)
{
	assert_int_equal(tree_resolve(&place, slice_of(path)), 0);
	return place.view;
}

static void
assert_none(const char *path)
{
	assert_int_equal(tree_resolve(&place, slice_of(path)), ERR_NOT_FOUND);
}

static bool
has(const struct content *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(content_at(c, i).name, name) == 0)
			return true;
	return false;
}

static void
a_records_path_is_its_name(void **state)
{
	(void)state;
	assert_int_equal(view_of("applications/A-2026-000123"), VIEW_RECORD);
	assert_true(slice_is(place.name, "applications/A-2026-000123"));
	assert_string_equal(place.kind->name, "Application");
	assert_int_equal(view_of("quotas/provincial-finance/cloud-server"), VIEW_RECORD);
	assert_string_equal(place.kind->name, "Quota");
	assert_int_equal(view_of("quotas/provincial-finance/cloud-server/entries/7"), VIEW_RECORD);
	assert_int_equal(view_of("rules/13"), VIEW_RECORD);
	assert_int_equal(view_of("calendar/2026"), VIEW_RECORD);
	assert_int_equal(view_of("audit/17"), VIEW_EVENT);
	assert_string_equal(place.message->name, "zwy.v1.Event");
}

static void
collections_are_cut_names(void **state)
{
	(void)state;
	assert_int_equal(view_of("catalogue"), VIEW_COLLECTION);
	assert_int_equal(place.needs, 0);
	assert_int_equal(view_of("quotas/provincial-finance"), VIEW_COLLECTION);
	assert_int_equal(place.needs, NEED_COLLECTION);
	assert_int_equal(view_of("catalogue/cloud-server/versions"), VIEW_COLLECTION);
	assert_int_equal(place.needs, NEED_PARENT);
	assert_string_equal(place.kind->name, "ServiceVersion");
}

static void
a_records_inside_is_fields_and_virtual_files(void **state)
{
	(void)state;
	assert_int_equal(view_of("applications/A-2026-000123/items/1/service"), VIEW_FIELD);
	assert_true(slice_is(place.rest, "items/1/service"));
	assert_int_equal(view_of("nodes/suzhou/name-zh"), VIEW_FIELD);
	assert_int_equal(view_of("nodes/suzhou/record.json"), VIEW_JSON);
	assert_int_equal(view_of("applications/A-2026-000123/status"), VIEW_CASE_STATUS);
	assert_int_equal(view_of("applications/A-2026-000123/history"), VIEW_HISTORY);
	assert_int_equal(view_of("applications/A-2026-000123/actions"), VIEW_ACTIONS);
	assert_int_equal(view_of("applications/A-2026-000123/actions/accept"), VIEW_ACTION);
	assert_true(slice_is(place.rest, "accept"));
	/* Only workflow records have a status. */
	assert_int_equal(view_of("nodes/suzhou/status"), VIEW_FIELD);
	assert_int_equal(view_of("audit/17/actor"), VIEW_FIELD);
	assert_none("applications/A-2026-000123/status/more");
}

static void
documents_stand_below_their_application(void **state)
{
	(void)state;
	assert_int_equal(view_of("applications/A-2026-000123/documents"), VIEW_DOCUMENTS);
	assert_true(slice_is(place.name, "applications/A-2026-000123"));
	assert_int_equal(view_of("applications/A-2026-000123/documents/SHA256SUMS"), VIEW_SUMS);
	assert_int_equal(view_of("applications/A-2026-000123/documents/other"), VIEW_DOCUMENT);
	assert_true(slice_is(place.name, "applications/A-2026-000123/documents/other"));
	assert_int_equal(view_of("applications/A-2026-000123/documents/other/plan.pdf"), VIEW_BODY);
	assert_true(slice_is(place.rest, "plan.pdf"));
	assert_string_equal(place.kind->name, "Document");
}

static void
views_name_the_record_they_link_to(void **state)
{
	(void)state;
	assert_int_equal(view_of("users/core-du/inbox/2026-11-27--A-2026-000123"), VIEW_INBOX_LINK);
	assert_true(slice_is(place.name, "applications/A-2026-000123"));
	assert_int_equal(view_of("applications/by-month/2026-11/A-2026-000123"), VIEW_MONTH_LINK);
	assert_true(slice_is(place.name, "applications/A-2026-000123"));
	assert_int_equal(view_of("applications/mine"), VIEW_PERSONAL_LINK);
	assert_int_equal(view_of("users/core-du/results/a.req/state"), VIEW_RESULT_STATE);
	assert_true(slice_is(place.rest, "a.req"));
	assert_none("users/core-du/inbox/nonsense");
	assert_int_equal(view_of("users/core-du/inbox/2027-12-31--forecasts--provincial-finance--2027"),
			 VIEW_INBOX_LINK);
	assert_true(slice_is(place.name, "forecasts/provincial-finance/2027"));
	assert_int_equal(view_of("users/core-du/inbox/undated--exemptions--budget"), VIEW_INBOX_LINK);
	assert_true(slice_is(place.name, "exemptions/budget"));
	assert_none("users/core-du/inbox/undated--exemptions--budget--more");
}

static void
what_is_no_place_is_refused(void **state)
{
	(void)state;
	static const char *const paths[] = {"nothing",
					    "applications/B-2026-000123",
					    "applications/A-26-1",
					    "rules/abc",
					    "audit/x",
					    "catalogue//x",
					    "catalogue/\xff",
					    "applications/A-2026-000123/",
					    "quotas/a/b/c"};
	for (size_t i = 0; i + 1 < sizeof(paths) / sizeof(paths[0]); i++)
		assert_none(paths[i]);
	/* Whether a record has such a field, only the record can say. */
	assert_int_equal(view_of("quotas/a/b/c"), VIEW_FIELD);
	char deep[3 * TREE_PATH_MAX];
	memset(deep, 'a', sizeof(deep));
	deep[sizeof(deep) - 1] = '\0';
	assert_none(deep);
}

static void
the_root_has_every_collection_and_the_callers_links(void **state)
{
	(void)state;
	struct content *c = content_new(CONTENT_DIRECTORY, 0755);
	view_of("");
	tree_fixed_names(&place, c);
	tree_collections(c);
	content_sort(c);
	static const char *const names[] = {"README",  "whoami",   "catalogue",    "nodes",     "departments",
					    "systems", "quotas",   "applications", "resources", "requests",
					    "results", "drafts",   "inbox",        "users",     "events",
					    "rules",   "calendar", "parameters",   "audit",     "principals",
					    "status"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!has(c, names[i]))
			fail_msg("%s is not in the root", names[i]);
	content_unref(c);
}

static void
a_workflow_record_shows_what_can_be_done(void **state)
{
	(void)state;
	struct content *c = content_new(CONTENT_DIRECTORY, 0755);
	view_of("applications/A-2026-000123");
	tree_record_names(&place, c);
	static const char *const names[] = {"record", "record.json", "record.env", "status",    "due",
					    "why",    "next",        "history",    "documents", "actions"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_true(has(c, names[i]));
	content_unref(c);
	c = content_new(CONTENT_DIRECTORY, 0755);
	view_of("nodes/suzhou");
	tree_record_names(&place, c);
	assert_false(has(c, "status"));
	assert_true(has(c, "history"));
	content_unref(c);
}

static void
names_of_requests_are_told_from_scratch(void **state)
{
	bool json;
	(void)state;
	assert_true(tree_is_request(SLICE("a.req"), &json) && !json);
	assert_true(tree_is_request(SLICE("a.json"), &json) && json);
	static const char *const scratch[] = {".a.req", "#a.req",    "~a.req",     "a.req~",
					      "4913",   "sedXXXX12", ".a.req.swp", ".a.req.Ab12Cd",
					      "a.txt",  ".req",      ".json"};
	for (size_t i = 0; i < sizeof(scratch) / sizeof(scratch[0]); i++)
		assert_false(tree_is_request(slice_of(scratch[i]), &json));
}

static void
names_that_no_request_may_have(void **state)
{
	(void)state;
	char longname[300];
	memset(longname, 'a', sizeof(longname));
	assert_int_equal(tree_check_file_name((struct slice){longname, 128}), 0);
	assert_int_equal(tree_check_file_name((struct slice){longname, 129}), EINVAL);
	assert_int_equal(tree_check_file_name((struct slice){longname, 256}), ENAMETOOLONG);
	assert_int_equal(tree_check_file_name(SLICE("-rf.req")), EINVAL);
	assert_int_equal(tree_check_file_name(SLICE("a\n.req")), EINVAL);
	assert_int_equal(tree_check_file_name(SLICE("\xff.req")), EINVAL);
	assert_int_equal(tree_check_file_name(SLICE("财政.req")), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_records_path_is_its_name),
		cmocka_unit_test(collections_are_cut_names),
		cmocka_unit_test(a_records_inside_is_fields_and_virtual_files),
		cmocka_unit_test(documents_stand_below_their_application),
		cmocka_unit_test(views_name_the_record_they_link_to),
		cmocka_unit_test(what_is_no_place_is_refused),
		cmocka_unit_test(the_root_has_every_collection_and_the_callers_links),
		cmocka_unit_test(a_workflow_record_shows_what_can_be_done),
		cmocka_unit_test(names_of_requests_are_told_from_scratch),
		cmocka_unit_test(names_that_no_request_may_have),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
