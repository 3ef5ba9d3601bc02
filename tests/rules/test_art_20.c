/* Article 20: temporary resources for an urgent need, and the extension of their term. */
#include "use.h"

static struct use u;

#define TEMPORARY zwy_v1_APPLICATION_KIND_TEMPORARY
#define NOW       "2025-07-08"
#define CASE      "A-2026-000001"

static int
open_world(void **state)
{
	(void)state;
	use_open(&u);
	return 0;
}

static int
close_world(void **state)
{
	(void)state;
	use_close(&u);
	return 0;
}

static void
art_20_the_urgency_is_said_and_no_plan_or_document_needed(void **state)
{
	zwy_v1_Application asked = use_request(&u, TEMPORARY);
	(void)state;
	u.w.portal.phase = "running";
	asked.urgency = " ";
	assert_int_equal(use_create(&u, &asked, true, &du, at(NOW)), ERR_URGENCY_MISSING);
	assert_string_equal(u.w.fault.article, "20");
	asked.urgency = "flood control";
	asked.exposure = zwy_v1_EXPOSURE_PUBLIC;
	assert_int_equal(use_create(&u, &asked, true, &du, at(NOW)), 0);
	assert_int_equal(u.w.missing.code, 0);
	assert_state(u, CASE, "submitted");
	assert_int_equal(use_act(&u, CASE, &ca, at(NOW), "assign", (char *)NULL), ERR_WRONG_ROLE);
}

/* Domain, section 4: civil and clear counting, month ends, an end that does not roll. */
static void
art_20_the_last_day_to_apply_is_shown_from_the_first_day(void **state)
{
	static const struct {
		const char *start, *end, *civil, *clear;
	} rows[] = {
		{"2024-11-29", "2025-02-28", "2025-02-08", "2025-02-07"},
		{"2024-11-30", "2025-02-28", "2025-02-08", "2025-02-07"},
		{"2025-07-08", "2025-10-08", "2025-09-11", "2025-09-10"},
		{"2025-11-30", "2026-02-28", "2026-02-02", "2026-01-30"},
	};
	(void)state;
	for (size_t i = 0; i < 2 * COUNT(rows); i++) {
		use_close(&u);
		use_open(&u);
		u.w.parameters.number[PARAM_EXT_LEAD_MODE] = i % 2;
		const char *last = i % 2 ? rows[i / 2].clear : rows[i / 2].civil;
		const zwy_v1_Application *a = use_case(&u, use_allocate(&u, TEMPORARY, rows[i / 2].start, 0));
		assert_string_equal(a->end_date, rows[i / 2].end);
		assert_string_equal(a->last_extension_date, last);
		const zwy_v1_Clock *clock = app_clock(a, "last-extension");
		assert_string_equal(clock->due_date, last);
		assert_int_equal(clock->due_time.seconds * 1000, dawn(last));
		assert_true(clock->statutory);
		for (size_t k = 0; k < u.resource_count; k++) {
			assert_int_equal(u.resources[k].kind, zwy_v1_RESOURCE_KIND_TEMPORARY);
			assert_string_equal(u.resources[k].end_date, rows[i / 2].end);
			assert_string_equal(u.resources[k].last_extension_date, last);
		}
	}
}

static void
art_20_a_term_into_a_year_without_calendar_is_provisional(void **state)
{
	(void)state;
	const zwy_v1_Application *a = use_case(&u, use_allocate(&u, TEMPORARY, "2026-11-30", 0));
	assert_string_equal(a->end_date, "2027-02-28");
	assert_true(app_clock(a, "term")->provisional);
	assert_true(app_clock(a, "last-extension")->provisional);
}

/* ---- extensions ------------------------------------------------------------------ */

#define EXTENSION zwy_v1_APPLICATION_KIND_EXTENSION
#define R1        "R-2026-000001"
#define R2        "R-2026-000002"

static const char *
next_name(void)
{
	return arena_printf(&u.w.arena, "applications/A-2026-%06zu", u.case_count + 1);
}

static int
extend(const char *resource, uint32_t months, msec now)
{
	zwy_v1_Application asked = {.name = (char *)next_name(),
				    .kind = EXTENSION,
				    .resource = (char *)resource,
				    .purpose = "the flood has not gone down",
				    .months = months};
	return use_create(&u, &asked, true, &du, now);
}

static int
decide(const char *name, msec now, const char *decision, const char *comment)
{
	if (strcmp(use_case(&u, name)->state, "submitted") == 0)
		assert_int_equal(use_act(&u, name, &op, now, "assign", (char *)NULL), 0);
	return use_act(&u, name, &op, now, "decide", "decision", decision, "comment", comment, (char *)NULL);
}

static void
art_20_the_last_permitted_day_is_the_last_and_the_day_after_too_late(void **state)
{
	static const struct {
		const char *start, *civil, *clear;
	} rows[] = {
		{"2024-11-29", "2025-02-08", "2025-02-07"},
		{"2024-11-30", "2025-02-08", "2025-02-07"},
		{"2025-07-08", "2025-09-11", "2025-09-10"},
		{"2025-11-30", "2026-02-02", "2026-01-30"},
	};
	(void)state;
	for (size_t i = 0; i < 2 * COUNT(rows); i++) {
		use_close(&u);
		use_open(&u);
		u.w.parameters.number[PARAM_EXT_LEAD_MODE] = i % 2;
		const char *last = i % 2 ? rows[i / 2].clear : rows[i / 2].civil;
		use_allocate(&u, TEMPORARY, rows[i / 2].start, 0);
		msec after = dawn(last) + MSEC_PER_DAY;
		use_pass(&u, after, false);
		assert_int_equal(extend(R1, 0, after), ERR_EXT_TOO_LATE);
		assert_string_equal(u.w.fault.article, "20");
		assert_non_null(strstr(u.w.fault.text, last));
		assert_non_null(strstr(u.w.fault.text, "takes-over"));
		assert_int_equal(u.case_count, 1);
		assert_int_equal(extend(R1, 0, after - 1), 0);
		assert_false(u.cases[1].late);
	}
}

static void
art_20_a_granted_extension_goes_on_from_the_old_last_day(void **state)
{
	(void)state;
	const char *name = use_allocate(&u, TEMPORARY, "2024-11-30", 0);
	msec now = dawn("2025-02-08");
	use_pass(&u, now, false);
	assert_state(u, name, "expiring");
	assert_int_equal(extend(R1, 0, now), 0);
	const char *extension = u.cases[1].name;
	assert_string_equal(use_resource(&u, R1)->open_extension, extension);
	assert_int_equal(u.cases[1].months, 3);
	assert_int_equal(decide(extension, now, "grant", ""), 0);
	assert_state(u, extension, "applied");
	assert_state(u, name, "allocated");
	const zwy_v1_Application *a = use_case(&u, name);
	assert_string_equal(a->end_date, "2025-05-28");
	assert_string_equal(app_clock(a, "term")->due_date, "2025-05-28");
	assert_string_equal(use_case(&u, extension)->end_date, "2025-05-28");
	/* The term is shared, so is its extension. */
	for (size_t i = 0; i < u.resource_count; i++) {
		assert_string_equal(u.resources[i].end_date, "2025-05-28");
		assert_int_equal(u.resources[i].extensions, 1);
		assert_null(u.resources[i].last_extension_date);
		assert_string_equal(u.resources[i].state, "active");
		assert_int_equal(strlen(text_of(u.resources[i].open_extension)), 0);
	}
	/* Warned of again, and ended by the new clock alone. */
	use_pass(&u, dawn("2025-05-28"), false);
	assert_state(u, name, "expiring");
	use_pass(&u, dawn("2025-05-29"), false);
	assert_state(u, name, "expired");
}

static void
art_20_once_and_for_three_months_unless_parameters_say_otherwise(void **state)
{
	(void)state;
	use_allocate(&u, TEMPORARY, NOW, 1);
	assert_string_equal(use_resource(&u, R1)->end_date, "2025-08-08");
	assert_int_equal(extend(R1, 4, at(NOW)), ERR_TERM_TOO_LONG);
	assert_non_null(strstr(u.w.fault.text, "at most 3"));
	assert_int_equal(extend(R1, 1, at(NOW)), 0);
	/* One at a time, whichever resource of the case is named. */
	assert_int_equal(extend(R1, 1, at(NOW)), ERR_RESOURCE_BUSY);
	assert_int_equal(extend(R2, 1, at(NOW)), ERR_RESOURCE_BUSY);
	assert_int_equal(decide(u.cases[1].name, at(NOW), "grant", ""), 0);
	assert_string_equal(use_resource(&u, R2)->end_date, "2025-09-08");
	assert_int_equal(extend(R2, 1, at(NOW)), ERR_NOT_EXTENDABLE);
	u.w.parameters.number[PARAM_EXT_COUNT] = 2;
	assert_int_equal(extend(R2, 1, at(NOW)), 0);
}

static void
art_20_only_temporary_resources_and_those_of_a_term(void **state)
{
	(void)state;
	use_allocate(&u, zwy_v1_APPLICATION_KIND_TEST, NOW, 0);
	assert_int_equal(extend(R1, 0, at(NOW)), ERR_NOT_EXTENDABLE);
	u.w.parameters.number[PARAM_TEST_EXTENDABLE] = 1;
	assert_int_equal(extend(R1, 0, at(NOW)), 0);
	u.resources[1].end_date = NULL;
	u.resources[1].kind = zwy_v1_RESOURCE_KIND_FORMAL;
	assert_int_equal(extend(R2, 0, at(NOW)), ERR_NOT_EXTENDABLE);
	assert_int_equal(extend("R-2026-000099", 0, at(NOW)), ERR_UNKNOWN_RESOURCE);
	assert_int_equal(extend("", 0, at(NOW)), ERR_FIELD_MISSING);
}

static void
art_20_one_that_is_taken_late_is_marked_and_needs_the_heads_consent(void **state)
{
	(void)state;
	u.w.parameters.number[PARAM_EXT_LATE] = 1;
	use_allocate(&u, TEMPORARY, NOW, 0);
	use_pass(&u, at("2025-09-12"), false);
	assert_int_equal(extend(R1, 0, at("2025-09-12")), 0);
	assert_true(u.cases[1].late);
	assert_int_equal(decide(u.cases[1].name, at("2025-09-12"), "grant", " "), ERR_FORM_INCOMPLETE);
	assert_string_equal(u.w.fault.article, "20");
	assert_int_equal(decide(u.cases[1].name, at("2025-09-12"), "grant", "agreed: director Wang"), 0);
	assert_state(u, u.cases[1].name, "applied");
	/* After the term has ended nothing is taken any more. */
	use_close(&u);
	use_open(&u);
	u.w.parameters.number[PARAM_EXT_LATE] = 1;
	use_allocate(&u, TEMPORARY, NOW, 0);
	use_pass(&u, at("2025-10-09"), false);
	assert_int_equal(extend(R1, 0, at("2025-10-09")), ERR_EXT_TOO_LATE);
}

/* A case whose term ended while its extension, applied for on the last day, was not decided. */
static const char *
held_case(void)
{
	const char *name = use_allocate(&u, TEMPORARY, NOW, 0);
	use_pass(&u, at("2025-09-11"), false);
	assert_int_equal(extend(R1, 2, at("2025-09-11")), 0);
	use_pass(&u, dawn("2025-10-09"), false);
	assert_state(u, name, "expiring_hold");
	assert_string_equal(u.resources[0].state, "frozen");
	assert_string_equal(u.resources[1].state, "frozen");
	assert_int_equal(u.case_count, 2); /* nothing is taken back yet */
	return name;
}

static void
art_20_a_late_decision_holds_the_resources_until_it_is_there(void **state)
{
	(void)state;
	const char *name = held_case();
	assert_int_equal(decide(u.cases[1].name, at("2025-10-20"), "grant", ""), 0);
	assert_state(u, name, "allocated");
	assert_string_equal(u.resources[0].state, "active");
	assert_string_equal(u.resources[1].state, "active");
	assert_string_equal(use_case(&u, name)->end_date, "2025-12-08");
	use_pass(&u, dawn("2025-12-09"), false);
	assert_state(u, name, "expired");
}

static void
art_20_a_denial_or_withdrawal_after_the_end_lets_the_term_expire(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		use_close(&u);
		use_open(&u);
		const char *name = held_case(), *extension = u.cases[1].name;
		if (i == 0) {
			assert_int_equal(decide(extension, at("2025-10-20"), "deny", ""),
					 ERR_FORM_INCOMPLETE);
			assert_int_equal(decide(extension, at("2025-10-20"), "deny", "no room"), 0);
			assert_string_equal(use_case(&u, extension)->reason, "no room");
		} else {
			assert_int_equal(use_act(&u, extension, &du, at("2025-10-20"), "withdraw", "reason",
						 "over", (char *)NULL),
					 0);
		}
		assert_state(u, extension, i == 0 ? "denied" : "withdrawn");
		assert_state(u, name, "expired");
		assert_int_equal(u.case_count, 4);
		for (size_t k = 2; k < 4; k++)
			assert_int_equal(u.cases[k].kind, zwy_v1_APPLICATION_KIND_RECLAIM);
	}
}

static void
art_20_a_denial_before_the_end_leaves_the_term(void **state)
{
	(void)state;
	const char *name = use_allocate(&u, TEMPORARY, NOW, 0);
	assert_int_equal(extend(R1, 0, at(NOW)), 0);
	assert_int_equal(decide(u.cases[1].name, at(NOW), "deny", "no"), 0);
	assert_state(u, name, "allocated");
	assert_string_equal(use_case(&u, name)->end_date, "2025-10-08");
	assert_int_equal(strlen(use_resource(&u, R1)->open_extension), 0);
	assert_int_equal(extend(R1, 0, at(NOW)), 0);
}

/* ---- the end: taken back, returned, converted --------------------------------------- */

static zwy_v1_Application
conversion(zwy_v1_Item *items, size_t count)
{
	static zwy_v1_Application_DocumentEntry documents[3] = {
		{"construction-plan", "plan.pdf sha256:" HEX64},
		{"construction-plan-approval", "plan.pdf sha256:" HEX64},
		{"security-filing", "plan.pdf sha256:" HEX64},
	};
	static char *const ids[] = {R1, R2};
	zwy_v1_Application asked = use_request(&u, TEMPORARY);
	for (size_t i = 0; i < count; i++) {
		items[i] = u.items[i];
		items[i].takes_over = ids[i];
	}
	asked.kind = zwy_v1_APPLICATION_KIND_REGULAR;
	asked.items = items;
	asked.items_count = (pb_size_t)count;
	asked.document = documents;
	asked.document_count = 3;
	asked.has_cloud_plan = true;
	asked.cloud_plan = (zwy_v1_CloudPlan){"three tiers", "move", "4 servers", "backups"};
	return asked;
}

static void
walk(const char *name, msec now, const char *to)
{
	static const struct {
		const char *action, *state;
		const struct actor *who;
	} rows[] = {
		{"accept", "accepted", &ca},       {"assign", "under_review", &op},
		{"opinion", "review_passed", &op}, {"forward", "pending_decision", &op},
		{"decide", "approved", &ca},       {"start", "provisioning", &op},
		{"deliver", "in_service", &op},
	};
	for (size_t i = 0; i < COUNT(rows) && strcmp(use_case(&u, name)->state, to) != 0; i++) {
		int r = strcmp(rows[i].action, "opinion") == 0
				? use_act(&u, name, rows[i].who, now, "opinion", "result", "pass", OPINION,
					  (char *)NULL)
			: strcmp(rows[i].action, "decide") == 0
				? use_act(&u, name, rows[i].who, now, "decide", "decision", "approve",
					  (char *)NULL)
				: use_act(&u, name, rows[i].who, now, rows[i].action, (char *)NULL);
		assert_int_equal(r, 0);
		assert_string_equal(use_case(&u, name)->state, rows[i].state);
	}
}

#define assert_quota(res, com)                                           \
	do {                                                             \
		assert_int_equal(balance(&u.w, 0, 1)->reserved, (res));  \
		assert_int_equal(balance(&u.w, 0, 1)->committed, (com)); \
	} while (0)

static void
art_20_converted_when_the_last_resource_is_in_regular_service(void **state)
{
	zwy_v1_Item items[2];
	(void)state;
	const char *name = use_allocate(&u, TEMPORARY, NOW, 0);
	zwy_v1_Application asked = conversion(items, 1);
	assert_quota(0, 16);
	assert_int_equal(use_create(&u, &asked, true, &du, at(NOW)), 0);
	assert_quota(0, 16);
	walk(asked.name, at(NOW), "in_service");
	assert_quota(0, 16);
	const zwy_v1_Resource *r = use_resource(&u, R1);
	assert_int_equal(r->kind, zwy_v1_RESOURCE_KIND_FORMAL);
	assert_string_equal(r->application, asked.name);
	assert_null(r->end_date);
	assert_int_equal(u.resource_count, 2);
	assert_state(u, name, "allocated"); /* the other one is still in its use */
	zwy_v1_Item second = u.items[1];
	asked = conversion(items, 1);
	second.takes_over = R2;
	asked.items = &second;
	assert_int_equal(use_create(&u, &asked, true, &du, at(NOW)), 0);
	walk(asked.name, at(NOW), "in_service");
	assert_state(u, name, "converted");
	for (size_t i = 0; i < use_case(&u, name)->clocks_count; i++)
		assert_true(use_case(&u, name)->clocks[i].has_stop_time);
	assert_int_equal(balance(&u.w, 1, 0)->committed, 100);
}

static void
art_20_both_at_once_convert_the_case_once_and_void_its_extension(void **state)
{
	zwy_v1_Item items[2];
	(void)state;
	const char *name = use_allocate(&u, TEMPORARY, NOW, 0);
	assert_int_equal(extend(R1, 0, at(NOW)), 0);
	const char *extension = u.cases[1].name;
	zwy_v1_Application asked = conversion(items, 2);
	assert_int_equal(use_create(&u, &asked, true, &du, at(NOW)), 0);
	walk(asked.name, at(NOW), "in_service");
	assert_state(u, name, "converted");
	assert_state(u, extension, "void");
	assert_quota(0, 16);
}

static void
art_20_a_conversion_that_voids_what_was_waited_for_lets_the_rest_expire(void **state)
{
	zwy_v1_Item items[2];
	(void)state;
	const char *name = held_case(), *extension = u.cases[1].name;
	zwy_v1_Application asked = conversion(items, 1);
	assert_int_equal(use_create(&u, &asked, true, &du, at("2025-10-10")), 0);
	walk(asked.name, at("2025-10-10"), "in_service");
	assert_state(u, extension, "void");
	assert_state(u, name, "expired");
	assert_string_equal(use_resource(&u, R1)->state, "active");
	assert_string_equal(use_resource(&u, R2)->state, "frozen");
	assert_string_equal(u.cases[3].resource, R2);
	assert_int_equal(u.cases[3].kind, zwy_v1_APPLICATION_KIND_RECLAIM);
	assert_quota(0, 16);
}

static void
art_20_a_larger_conversion_reserves_the_growth_only(void **state)
{
	zwy_v1_Item items[2];
	(void)state;
	use_allocate(&u, TEMPORARY, NOW, 0);
	zwy_v1_Application asked = conversion(items, 1);
	items[0].quantity = 3;
	assert_int_equal(use_create(&u, &asked, true, &du, at(NOW)), 0);
	assert_quota(8, 16);
	walk(asked.name, at(NOW), "in_service");
	assert_quota(0, 24);
}

static void
art_20_a_term_that_ends_while_a_conversion_is_pending_only_freezes(void **state)
{
	zwy_v1_Item items[2];
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		use_close(&u);
		use_open(&u);
		const char *name = use_allocate(&u, TEMPORARY, NOW, 0);
		zwy_v1_Application asked = conversion(items, 1);
		assert_int_equal(use_create(&u, &asked, true, &du, at("2025-09-30")), 0);
		walk(asked.name, at("2025-09-30"), i == 0 ? "provisioning" : "pending_decision");
		use_pass(&u, dawn("2025-10-09"), false);
		assert_state(u, name, "expired");
		assert_string_equal(u.resources[0].state, "frozen");
		assert_string_equal(u.resources[0].open_case, asked.name);
		/* The other one, which nobody holds, is taken back. */
		assert_int_equal(u.case_count, 3);
		assert_string_equal(u.cases[2].resource, R2);
		assert_quota(0, 16);
		if (i == 0) {
			assert_int_equal(use_act(&u, name, &op, at("2025-10-09"), "reclaim", (char *)NULL),
					 ERR_WRONG_STATE);
			assert_int_equal(use_act(&u, asked.name, &op, at("2025-10-09"), "deliver",
						 (char *)NULL),
					 0);
			assert_string_equal(u.resources[0].state, "active");
			assert_state(u, name, "expired");
		} else {
			assert_int_equal(use_act(&u, asked.name, &ca, at("2025-10-09"), "decide", "decision",
						 "reject", "comment", "no", (char *)NULL),
					 0);
			assert_string_equal(u.resources[0].state, "frozen");
			assert_int_equal(use_act(&u, name, &op, at("2025-10-09"), "reclaim", (char *)NULL),
					 0);
			assert_state(u, name, "reclaiming");
			assert_int_equal(u.case_count, 4);
			assert_string_equal(u.cases[3].resource, R1);
		}
		assert_quota(0, 16);
	}
}

/* A forced return of the resource, to its end. */
static void
take_back(const char *name, const char *resource, msec now)
{
	assert_int_equal(use_act(&u, name, &op, now, "assign", (char *)NULL), 0);
	assert_int_equal(use_act(&u, name, &op, now, "review", "result", "accept", (char *)NULL), 0);
	assert_int_equal(use_act(&u, name, &op, now, "start", (char *)NULL), 0);
	assert_string_equal(use_resource(&u, resource)->state, "reclaiming");
	assert_int_equal(use_act(&u, name, &op, now, "complete", "reading", "quantity=1", (char *)NULL), 0);
	assert_string_equal(use_resource(&u, resource)->state, "reclaimed");
}

static void
art_20_what_expired_is_taken_back_and_the_case_follows(void **state)
{
	(void)state;
	const char *name = use_allocate(&u, TEMPORARY, NOW, 0);
	use_pass(&u, dawn("2025-10-09"), true);
	assert_state(u, name, "expired");
	assert_int_equal(u.case_count, 3);
	for (size_t i = 1; i < 3; i++) {
		assert_int_equal(u.cases[i].reclaim.origin, zwy_v1_RECLAIM_ORIGIN_EXPIRY);
		assert_string_equal(u.cases[i].origin, name);
		assert_string_equal(u.resources[i - 1].open_case, u.cases[i].name);
	}
	msec later = at("2025-10-30");
	take_back(u.cases[1].name, R1, later);
	assert_state(u, name, "reclaiming");
	assert_quota(0, 0);
	take_back(u.cases[2].name, R2, later);
	assert_state(u, name, "reclaimed");
	assert_int_equal(balance(&u.w, 1, 0)->committed, 0);
}

static void
art_20_a_resource_may_be_returned_early_while_the_others_stay(void **state)
{
	(void)state;
	const char *name = use_allocate(&u, TEMPORARY, NOW, 0);
	assert_int_equal(extend(R1, 0, at(NOW)), 0);
	const char *extension = u.cases[1].name;
	for (size_t i = 0; i < 2; i++) {
		zwy_v1_Application asked = {.name = (char *)next_name(),
					    .kind = zwy_v1_APPLICATION_KIND_RECLAIM,
					    .resource = i == 0 ? R1 : R2,
					    .purpose = "done",
					    .has_reclaim = true,
					    .reclaim = {.offline = true,
							.migrated = true,
							.backed_up = true}};
		assert_int_equal(use_create(&u, &asked, true, &du, at(NOW)), 0);
		take_back(asked.name, asked.resource, at(NOW));
		assert_state(u, name, i == 0 ? "allocated" : "reclaimed");
	}
	assert_state(u, extension, "void");
	assert_quota(0, 0);
}

static void
art_20_an_import_of_the_calendar_mends_the_days_that_are_shown(void **state)
{
	(void)state;
	const char *name = use_allocate(&u, TEMPORARY, "2026-11-30", 0);
	assert_string_equal(use_case(&u, name)->last_extension_date, "2027-02-08");
	zwy_v1_CalendarDay days[] = {{.date = "2027-02-08", .kind = "holiday", .name = "春节"},
				     {.date = "2027-02-09", .kind = "holiday", .name = "春节"}};
	zwy_v1_CalendarYear year = {.days = days, .days_count = 2};
	struct fault f;
	assert_int_equal(calendar_add(u.w.calendar, 2027, &year, &f), 0);
	zwy_v1_Application before = *use_case(&u, name);
	u.w.out = (struct outcome){0};
	assert_int_equal(application_recompute(use_facts(&u, &before, &adm, at("2026-12-01"), true), &before,
					       &u.w.arena, &u.w.out, &u.w.fault),
			 0);
	assert_int_equal(u.w.out.changed_count, 2);
	assert_string_equal(u.w.out.changed[0].event.kind, "import");
	assert_string_equal(u.w.out.changed[0].event.action, "recompute");
	use_commit(&u);
	const zwy_v1_Application *a = use_case(&u, name);
	assert_string_equal(a->end_date, "2027-02-28");
	assert_string_equal(a->last_extension_date, "2027-02-04");
	assert_string_equal(u.resources[0].last_extension_date, "2027-02-04");
	assert_string_equal(u.resources[1].last_extension_date, "2027-02-04");
	assert_false(app_clock(a, "term")->provisional);
}

static void
art_20_why_tells_the_days_and_who_must_act(void **state)
{
	struct explanation x;
	char all[2048];
	(void)state;
	const char *name = use_allocate(&u, TEMPORARY, NOW, 0);
	static const struct {
		const char *when, *who, *due, *said;
	} rows[] = {
		{NOW, "", "2025-09-04", "the last day to apply for an extension is 2025-09-11"},
		{"2025-09-10", "du-p", "2025-09-11", "the last day to apply for an extension is 2025-09-11"},
		{"2025-09-12", "du-p", "2025-09-25", "the last day to apply for an extension was 2025-09-11"},
		{"2025-10-08", "du-p", "2025-10-08", "the last day of the term is 2025-10-08"},
		{"2025-10-09", "op-p", "", "held by applications/A-2026-000002"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		use_pass(&u, at(rows[i].when), false);
		zwy_v1_Application a = *use_case(&u, name);
		application_explain(use_facts(&u, &a, &du, at(rows[i].when), true), &a, &u.w.arena, &x);
		assert_string_equal(x.who, rows[i].who);
		assert_string_equal(x.clock ? x.clock->due_date : "", rows[i].due);
		all[0] = '\0';
		for (size_t k = 0; k < x.note_count; k++)
			list_add(all, sizeof(all), "\n", x.notes[k]);
		if (!strstr(all, rows[i].said))
			print_error("%s: %s\n", rows[i].when, all);
		assert_non_null(strstr(all, rows[i].said));
	}
}

int
main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
	const struct CMUnitTest tests[] = {
		IN_WORLD(art_20_the_urgency_is_said_and_no_plan_or_document_needed),
		IN_WORLD(art_20_the_last_day_to_apply_is_shown_from_the_first_day),
		IN_WORLD(art_20_a_term_into_a_year_without_calendar_is_provisional),
		IN_WORLD(art_20_the_last_permitted_day_is_the_last_and_the_day_after_too_late),
		IN_WORLD(art_20_a_granted_extension_goes_on_from_the_old_last_day),
		IN_WORLD(art_20_once_and_for_three_months_unless_parameters_say_otherwise),
		IN_WORLD(art_20_only_temporary_resources_and_those_of_a_term),
		IN_WORLD(art_20_one_that_is_taken_late_is_marked_and_needs_the_heads_consent),
		IN_WORLD(art_20_a_late_decision_holds_the_resources_until_it_is_there),
		IN_WORLD(art_20_a_denial_or_withdrawal_after_the_end_lets_the_term_expire),
		IN_WORLD(art_20_a_denial_before_the_end_leaves_the_term),
		IN_WORLD(art_20_converted_when_the_last_resource_is_in_regular_service),
		IN_WORLD(art_20_both_at_once_convert_the_case_once_and_void_its_extension),
		IN_WORLD(art_20_a_conversion_that_voids_what_was_waited_for_lets_the_rest_expire),
		IN_WORLD(art_20_a_larger_conversion_reserves_the_growth_only),
		IN_WORLD(art_20_a_term_that_ends_while_a_conversion_is_pending_only_freezes),
		IN_WORLD(art_20_what_expired_is_taken_back_and_the_case_follows),
		IN_WORLD(art_20_a_resource_may_be_returned_early_while_the_others_stay),
		IN_WORLD(art_20_an_import_of_the_calendar_mends_the_days_that_are_shown),
		IN_WORLD(art_20_why_tells_the_days_and_who_must_act),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
