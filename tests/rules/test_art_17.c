/* Article 17: resources are given back, or taken back. */
#include "fixture.h"
#include "rules/workflow.h"

static struct world w;
#define NOW "2026-11-23"

static int
open_world(void **state)
{
	(void)state;
	world_open(&w);
	return 0;
}

static int
close_world(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

/* A resource in service, two servers of 8 vCPU and 32 GiB: R-2026-000001. */
static zwy_v1_Resource *
in_service(void)
{
	world_reach(&w, "closed", NOW);
	assert_int_equal(w.resource_count, 2);
	assert_int_equal(balance(&w, 0, 1)->committed, 16);
	return world_resource(&w, "R-2026-000001");
}

static zwy_v1_Application
giving_back(void)
{
	return (zwy_v1_Application){
		.name = "applications/A-2026-000002",
		.kind = zwy_v1_APPLICATION_KIND_RECLAIM,
		.system = "finance-portal",
		.resource = "R-2026-000001",
		.has_reclaim = true,
		.reclaim = {.offline = true, .migrated = true, .backed_up = true},
	};
}

static zwy_v1_Application
taking_back(zwy_v1_ReclaimOrigin origin)
{
	zwy_v1_Application a = giving_back();
	a.reclaim = (zwy_v1_Reclaim){.origin = origin};
	a.purpose = "the provider leaves";
	return a;
}

#define FORM_END             (char *)NULL
#define DO(actor, when, ...) assert_int_equal(world_act(&w, &actor, at(when), __VA_ARGS__, FORM_END), 0)
#define REFUSED(code, actor, when, ...) \
	assert_int_equal(world_act(&w, &actor, at(when), __VA_ARGS__, FORM_END), (code))

/* Returned and brought into a state, all on one day. */
static void
reach(const char *state, const char *when)
{
	zwy_v1_Application a = giving_back();
	assert_int_equal(world_create(&w, &a, true, &du, when), 0);
	if (strcmp(state, "submitted") == 0)
		return;
	DO(op, when, "assign");
	if (strcmp(state, "reviewing") == 0)
		return;
	DO(op, when, "review", "result", "accept");
	if (strcmp(state, "accepted") == 0)
		return;
	DO(op, when, "start");
	if (strcmp(state, "reclaim_failed") == 0)
		DO(sp, when, "fail", "reason", "a volume is still attached");
	if (strcmp(state, "reclaimed") == 0)
		DO(op, when, "complete", "reading", "vcpu=12 gib=40");
	assert_string_equal(w.app.state, state);
}

/* ---- giving back ------------------------------------------------------------------ */

static void
art_17_every_attestation_is_needed_and_all_missing_are_told_at_once(void **state)
{
	static const char *const fields[] = {"reclaim.offline", "reclaim.migrated", "reclaim.backed-up"};
	(void)state;
	in_service();
	for (unsigned done = 0; done < 7; done++) {
		zwy_v1_Application a = giving_back();
		size_t missing = 0;
		a.has_reclaim = done != 0;
		a.reclaim =
			(zwy_v1_Reclaim){.offline = done & 1, .migrated = done & 2, .backed_up = done & 4};
		assert_int_equal(world_create(&w, &a, true, &du, NOW), ERR_ATTESTATION_MISSING);
		assert_string_equal(w.fault.article, "17");
		for (unsigned i = 0; i < 3; i++)
			if (!(done & 1u << i))
				assert_string_equal(w.fault.items[missing++].field, fields[i]);
		assert_int_equal(w.fault.item_count, missing);
		/* A draft may be begun before the work is done, and is refused the same way. */
		assert_int_equal(world_create(&w, &a, false, &du, NOW), 0);
		REFUSED(ERR_ATTESTATION_MISSING, du, NOW, "submit");
	}
	assert_string_equal(text_of(world_resource(&w, "R-2026-000001")->open_case), "");
	reach("submitted", NOW);
}

/* The golden rows of five working days, in the calendar as it was published. */
static void
art_17_one_term_of_five_working_days_over_review_and_reclaim(void **state)
{
	static const struct {
		const char *from, *due;
	} rows[] = {
		{"2024-02-08", "2024-02-21"}, {"2024-09-30", "2024-10-12"}, {"2025-01-24", "2025-02-07"},
		{"2026-02-13", "2026-02-27"}, {"2026-10-10", "2026-10-16"}, {"2026-10-03", "2026-10-13"},
		{"2026-11-23", "2026-11-30"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		world_close(&w);
		world_open(&w);
		world_reach(&w, "closed", "2024-01-05");
		reach("submitted", rows[i].from);
		const zwy_v1_Clock *c = app_clock(&w.app, "reclaim");
		assert_string_equal(c->due_date, rows[i].due);
		assert_true(c->statutory);
		assert_string_equal(c->article, "17");
		assert_string_equal(c->owner, "op-p");
		assert_int_equal(w.app.clocks_count, 1);
	}
	/* The same clock through the review and the work; it ends when the resource is reclaimed. */
	DO(op, "2026-11-24", "assign");
	DO(op, "2026-11-25", "review", "result", "accept", "comment", "nothing depends on it");
	DO(op, "2026-11-26", "start");
	DO(op, "2026-11-26", "fail", "reason", "a volume is still attached");
	DO(op, "2026-11-27", "retry");
	assert_int_equal(w.app.clocks_count, 1);
	assert_false(app_clock(&w.app, "reclaim")->has_stop_time);
	DO(op, "2026-11-30", "complete", "reading", "vcpu=12");
	assert_true(app_clock(&w.app, "reclaim")->has_stop_time);
	assert_false(app_clock(&w.app, "reclaim")->overdue);
}

static void
art_17_a_missed_term_is_overdue_once_and_reclaiming_goes_on(void **state)
{
	(void)state;
	in_service();
	reach("reclaiming", NOW);
	assert_int_equal(world_clock(&w, at("2026-11-30"), "reclaim"), 0);
	assert_int_equal(w.out.event_count, 0);
	assert_int_equal(world_clock(&w, at("2026-12-01"), "reclaim"), 0);
	assert_int_equal(w.out.event_count, 1);
	assert_true(app_clock(&w.app, "reclaim")->overdue);
	assert_int_equal(world_clock(&w, at("2026-12-02"), "reclaim"), 0);
	assert_int_equal(w.out.event_count, 0);
	DO(op, "2026-12-03", "complete", "reading", "vcpu=0");
	assert_string_equal(w.app.state, "reclaimed");
}

static void
art_17_the_quota_is_released_once_with_the_final_reading(void **state)
{
	(void)state;
	zwy_v1_Resource *r = in_service();
	size_t ledger = w.ledger;
	reach("accepted", NOW);
	assert_string_equal(r->state, "active");
	assert_string_equal(r->open_case, w.app.name);
	DO(op, NOW, "start");
	assert_string_equal(r->state, "reclaiming");
	assert_int_equal(w.ledger, ledger);
	REFUSED(ERR_FORM_INCOMPLETE, op, NOW, "complete");
	REFUSED(ERR_WRONG_STATE, du, NOW, "withdraw", "reason", "too late");
	DO(op, "2026-11-24", "complete", "reading", "vcpu=12 gib=40");
	assert_int_equal(w.ledger, ledger + 1);
	assert_int_equal(w.out.move_count, 1);
	assert_string_equal(w.out.moves[0].movement, "release");
	for (size_t d = 0; d < 3; d++) {
		assert_int_equal(balance(&w, 0, d)->committed, 0);
		assert_int_equal(balance(&w, 0, d)->reserved, 0);
	}
	assert_int_equal(balance(&w, 1, 0)->committed, 100);
	assert_string_equal(r->state, "reclaimed");
	assert_string_equal(r->open_case, "");
	assert_true(r->has_reclaim_time && r->reading.has_time);
	assert_string_equal(r->reading.reader, "principals/wang");
	assert_int_equal(r->reading.figures_count, 2);
	assert_string_equal(r->reading.figures[1].key, "gib");
	assert_string_equal(r->reading.figures[1].value, "40");
	/* Not twice, and not by another case. */
	REFUSED(ERR_WRONG_STATE, op, "2026-11-24", "complete", "reading", "vcpu=12 gib=40");
	zwy_v1_Application again = giving_back();
	again.name = "applications/A-2026-000003";
	assert_int_equal(world_create(&w, &again, true, &du, "2026-11-25"), ERR_WRONG_STATE);
	assert_int_equal(w.ledger, ledger + 1);
}

static void
art_17_a_reading_is_in_figures_that_the_service_counts_by(void **state)
{
	static const char *const wrong[] = {
		"vcpu",          "vcpu=",  "=1",       "vcpu=-1",
		"vcpu=1 vcpu=2", "disk=1", "vcpu=1.5", "vcpu=99999999999999999999",
		"vcpu=1,gib=2"};
	(void)state;
	zwy_v1_Resource *r = in_service();
	reach("reclaiming", NOW);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		REFUSED(ERR_INVALID_FIELD, op, NOW, "complete", "reading", wrong[i]);
		assert_string_equal(w.fault.items[0].field, "reading");
		assert_string_equal(w.fault.article, "17");
	}
	REFUSED(ERR_INVALID_FIELD, op, NOW, "complete", "reading", "vcpu=x gib=y disk=1");
	assert_int_equal(w.fault.item_count, 3);
	assert_string_equal(r->state, "reclaiming");
	DO(op, NOW, "complete", "reading", "  quantity=2   vcpu=007 ");
	assert_string_equal(r->reading.figures[1].value, "7");
}

static void
art_17_what_is_rejected_or_withdrawn_sets_the_resource_free(void **state)
{
	static const char *const states[] = {"submitted", "reviewing", "accepted"};
	(void)state;
	zwy_v1_Resource *r = in_service();
	for (size_t i = 0; i < COUNT(states); i++) {
		reach(states[i], NOW);
		assert_string_equal(r->open_case, w.app.name);
		DO(du, NOW, "withdraw", "reason", "still needed");
		assert_string_equal(w.app.state, "withdrawn");
		assert_true(app_clock(&w.app, "reclaim")->has_stop_time);
		assert_string_equal(r->open_case, "");
		assert_string_equal(r->state, "active");
	}
	reach("reviewing", NOW);
	REFUSED(ERR_FORM_INCOMPLETE, op, NOW, "review", "result", "reject");
	REFUSED(ERR_INVALID_FIELD, op, NOW, "review", "result", "perhaps");
	DO(op, NOW, "review", "result", "reject", "comment", "the data are not migrated");
	assert_string_equal(w.app.state, "rejected");
	assert_string_equal(w.app.reason, "the data are not migrated");
	assert_string_equal(w.app.decision.decision, "reject");
	assert_true(app_clock(&w.app, "reclaim")->has_stop_time);
	assert_string_equal(r->open_case, "");
	assert_int_equal(balance(&w, 0, 1)->committed, 16);
	reach("reclaimed", NOW);
}

static void
art_17_one_case_at_a_time_holds_a_resource(void **state)
{
	zwy_v1_Application again = giving_back();
	(void)state;
	in_service();
	reach("submitted", NOW);
	again.name = "applications/A-2026-000003";
	assert_int_equal(world_create(&w, &again, true, &du, NOW), ERR_RESOURCE_BUSY);
	assert_non_null(strstr(w.fault.text, "A-2026-000002"));
	again.resource = "R-2026-000009";
	assert_int_equal(world_create(&w, &again, true, &du, NOW), ERR_UNKNOWN_RESOURCE);
	again.resource = NULL;
	assert_int_equal(world_create(&w, &again, true, &du, NOW), ERR_FIELD_MISSING);
	again.resource = "R-2026-000002";
	assert_int_equal(world_create(&w, &again, true, &du, NOW), 0);
}

/* Whatever became of the department, its system or its node. */
static void
art_17_nothing_keeps_a_department_from_giving_back(void **state)
{
	static char *const states[] = {"active", "restricted", "frozen"};
	(void)state;
	zwy_v1_Resource *r = in_service();
	w.finance.inactive = w.portal.exempt = w.portal.classified = true;
	w.portal.funding = zwy_v1_FUNDING_OTHER;
	w.portal.party_using = "";
	w.portal.department = "provincial-health"; /* the resource stayed */
	w.core.ready = false;
	for (size_t i = 0; i < COUNT(states); i++) {
		r->state = states[i];
		reach("accepted", NOW);
		assert_string_equal(r->state, states[i]);
		DO(du, NOW, "withdraw", "reason", "x");
	}
	reach("reclaimed", NOW);
}

static void
art_17_a_return_asks_for_nothing(void **state)
{
	zwy_v1_Application a = giving_back();
	zwy_v1_Item item = {.service = "bare-metal", .quantity = 1};
	(void)state;
	in_service();
	a.items = &item;
	a.items_count = 1;
	assert_int_equal(world_create(&w, &a, true, &du, NOW), ERR_INVALID_FIELD);
	assert_string_equal(w.fault.items[0].field, "items");
	assert_int_equal(world_create(&w, &a, false, &du, NOW), ERR_INVALID_FIELD);
}

static void
art_17_who_gave_it_back_does_not_decide_on_it(void **state)
{
	struct actor both = op;
	(void)state;
	in_service();
	reach("submitted", NOW);
	both.principal = both.caller = "principals/li";
	both.roles |= BIT(DU);
	both.department = "provincial-finance";
	REFUSED(ERR_SELF_DECISION, both, NOW, "assign");
	DO(op, NOW, "assign");
	REFUSED(ERR_SELF_DECISION, both, NOW, "review", "result", "accept");
	REFUSED(ERR_WRONG_ROLE, du, NOW, "review", "result", "accept");
	REFUSED(ERR_WRONG_ROLE, ca, NOW, "review", "result", "accept");
	REFUSED(ERR_WRONG_JURISDICTION, suzhou_op, NOW, "review", "result", "accept");
}

static void
art_17_it_closes_when_the_reading_is_confirmed_or_not_objected_to(void **state)
{
	(void)state;
	in_service();
	reach("reclaimed", NOW);
	assert_true(w.app.open);
	assert_string_equal(app_clock(&w.app, "confirm")->due_date, "2026-11-30");
	assert_false(app_clock(&w.app, "confirm")->statutory);
	assert_int_equal(world_clock(&w, at("2026-12-01"), "confirm"), 0);
	assert_string_equal(w.app.state, "closed");
	assert_false(w.app.open);
	zwy_v1_Application other = giving_back();
	other.resource = "R-2026-000002";
	assert_int_equal(world_create(&w, &other, true, &du, NOW), 0);
	DO(op, NOW, "assign");
	DO(op, NOW, "review", "result", "accept");
	DO(sp, NOW, "start");
	DO(op, NOW, "complete", "reading", "quantity=90");
	DO(du, NOW, "confirm");
	assert_string_equal(w.app.state, "closed");
	assert_int_equal(balance(&w, 1, 0)->committed, 0);
}

/* ---- taking back -------------------------------------------------------------------- */

static int
take(zwy_v1_ReclaimOrigin origin, const struct actor *who, const char *when)
{
	zwy_v1_Application a = taking_back(origin);
	return world_create(&w, &a, true, who, when);
}

static void
art_17_only_the_operator_takes_back_and_only_the_department_gives_back(void **state)
{
	static const zwy_v1_ReclaimOrigin operators[] = {zwy_v1_RECLAIM_ORIGIN_OPTIMISE,
							 zwy_v1_RECLAIM_ORIGIN_SP_EXIT};
	zwy_v1_Application a;
	(void)state;
	in_service();
	for (size_t i = 0; i < COUNT(operators); i++) {
		assert_int_equal(take(operators[i], &du, NOW), ERR_WRONG_ROLE);
		assert_int_equal(take(operators[i], &ca, NOW), ERR_WRONG_ROLE);
		assert_int_equal(take(operators[i], &suzhou_op, NOW), ERR_WRONG_JURISDICTION);
		a = taking_back(operators[i]);
		a.purpose = " ";
		assert_int_equal(world_create(&w, &a, true, &op, NOW), ERR_FIELD_MISSING);
		assert_int_equal(take(operators[i], &op, NOW), 0);
		assert_string_equal(w.app.state, "submitted");
		REFUSED(ERR_WRONG_ROLE, du, NOW, "withdraw", "reason", "no");
		DO(op, NOW, "withdraw", "reason", "the provider stays");
		assert_string_equal(text_of(world_resource(&w, "R-2026-000001")->preserve_until), "");
	}
	/* That a term has ended is the system's to say. */
	assert_int_equal(take(zwy_v1_RECLAIM_ORIGIN_EXPIRY, &op, NOW), ERR_WRONG_ROLE);
	assert_int_equal(take(zwy_v1_RECLAIM_ORIGIN_EXPIRY, &du, NOW), ERR_WRONG_ROLE);
	a = giving_back();
	assert_int_equal(world_create(&w, &a, true, &op, NOW), ERR_WRONG_ROLE);
	a.reclaim.origin = zwy_v1_RECLAIM_ORIGIN_RETURN;
	assert_int_equal(world_create(&w, &a, true, &op, NOW), ERR_WRONG_ROLE);
	assert_int_equal(world_create(&w, &a, true, &du_health, NOW), ERR_FOREIGN_RECORD);
	assert_int_equal(world_create(&w, &a, true, &du, NOW), 0);
	REFUSED(ERR_WRONG_ROLE, op, NOW, "withdraw", "reason", "no");
}

static void
art_17_a_draft_to_take_back_is_the_operators(void **state)
{
	zwy_v1_Application a = taking_back(zwy_v1_RECLAIM_ORIGIN_SP_EXIT);
	(void)state;
	in_service();
	assert_int_equal(world_create(&w, &a, false, &op, NOW), 0);
	world_load(&w, &w.app, &du, at(NOW));
	assert_int_equal(application_update(&w.facts, &w.app, &a, &w.arena, &w.out, &w.fault),
			 ERR_WRONG_ROLE);
	world_load(&w, &w.app, &op, at(NOW));
	assert_int_equal(application_update(&w.facts, &w.app, &a, &w.arena, &w.out, &w.fault), 0);
	/* And nobody's to turn into a return, or a return into it. */
	a.reclaim.origin = zwy_v1_RECLAIM_ORIGIN_RETURN;
	assert_int_equal(application_update(&w.facts, &w.app, &a, &w.arena, &w.out, &w.fault),
			 ERR_WRONG_ROLE);
	REFUSED(ERR_WRONG_ROLE, du, NOW, "submit");
	DO(op, NOW, "submit");
	REFUSED(ERR_SELF_DECISION, op, NOW, "assign");
}

static void
art_17_data_are_kept_for_the_department_unless_it_consents(void **state)
{
	(void)state;
	zwy_v1_Resource *r = in_service();
	zwy_v1_Application a = taking_back(zwy_v1_RECLAIM_ORIGIN_SP_EXIT);
	/* What the server writes is not taken from whoever asks. */
	a.reclaim.has_consent_time = true;
	a.reclaim.preserve_until = "2026-11-01";
	assert_int_equal(world_create(&w, &a, true, &op, NOW), 0);
	assert_false(w.app.reclaim.has_consent_time);
	assert_string_equal(w.app.reclaim.preserve_until, "2026-11-30");
	assert_string_equal(r->preserve_until, "2026-11-30");
	/* The operator's days are those in which it may finish. */
	assert_string_equal(app_clock(&w.app, "reclaim")->due_date, "2026-12-07");
	DO(op_2, NOW, "assign");
	DO(op_2, NOW, "review", "result", "accept");
	DO(op_2, NOW, "start");
	REFUSED(ERR_DATA_PRESERVED, op_2, "2026-11-30", "complete", "reading", "vcpu=3");
	assert_string_equal(w.fault.article, "17");
	assert_non_null(strstr(w.fault.text, "2026-11-30"));
	assert_string_equal(r->state, "reclaiming");
	DO(op_2, "2026-12-01", "complete", "reading", "vcpu=3");
	assert_false(app_clock(&w.app, "reclaim")->overdue);
	assert_string_equal(r->state, "reclaimed");
	assert_string_equal(r->preserve_until, "2026-11-30");
	assert_int_equal(balance(&w, 0, 1)->committed, 0);
}

static void
art_17_consent_ends_the_waiting_and_starts_the_operators_days(void **state)
{
	static const char *const states[] = {"submitted", "reviewing", "accepted", "reclaiming",
					     "reclaim_failed"};
	(void)state;
	for (size_t i = 0; i < COUNT(states); i++) {
		world_close(&w);
		world_open(&w);
		in_service();
		assert_int_equal(take(zwy_v1_RECLAIM_ORIGIN_OPTIMISE, &op, NOW), 0);
		if (i > 0)
			DO(op_2, NOW, "assign");
		if (i > 1)
			DO(op_2, NOW, "review", "result", "accept");
		if (i > 2)
			DO(op_2, NOW, "start");
		if (i > 3)
			DO(op_2, NOW, "fail", "reason", "x");
		REFUSED(ERR_WRONG_ROLE, op_2, "2026-11-24", "consent");
		REFUSED(ERR_FOREIGN_RECORD, du_health, "2026-11-24", "consent");
		DO(du, "2026-11-24", "consent");
		assert_string_equal(w.app.state, states[i]);
		assert_string_equal(w.app.reclaim.consenter, "principals/li");
		assert_string_equal(app_clock(&w.app, "reclaim")->due_date, "2026-12-01");
		REFUSED(ERR_WRONG_STATE, du, "2026-11-24", "consent");
	}
	DO(op_2, "2026-11-24", "retry");
	DO(op_2, "2026-11-24", "complete", "reading", "vcpu=3");
}

static void
art_17_a_return_needs_no_consent(void **state)
{
	(void)state;
	in_service();
	reach("reclaiming", NOW);
	REFUSED(ERR_WRONG_STATE, du, NOW, "consent");
	assert_non_null(strstr(w.fault.text, "possible: fail complete"));
}

static void
art_17_how_long_data_are_kept_is_a_parameter(void **state)
{
	(void)state;
	zwy_v1_Resource *r = in_service();
	w.parameters.number[PARAM_TERM_GRACE] = 0;
	assert_int_equal(take(zwy_v1_RECLAIM_ORIGIN_SP_EXIT, &op, NOW), 0);
	assert_string_equal(r->preserve_until, NOW);
	DO(op, NOW, "withdraw", "reason", "x");
	w.parameters.number[PARAM_TERM_GRACE] = 10;
	assert_int_equal(take(zwy_v1_RECLAIM_ORIGIN_SP_EXIT, &op, "2026-09-25"), 0);
	struct deadline d = deadline_working_days(w.calendar, date("2026-09-25"), 10, false);
	assert_date(d.date, r->preserve_until);
}

static void
art_17_what_takes_back_may_be_rejected(void **state)
{
	(void)state;
	zwy_v1_Resource *r = in_service();
	assert_int_equal(take(zwy_v1_RECLAIM_ORIGIN_SP_EXIT, &op, NOW), 0);
	DO(op_2, NOW, "assign");
	DO(op_2, NOW, "review", "result", "reject", "comment", "another system depends on it");
	assert_string_equal(text_of(r->preserve_until), "");
	assert_string_equal(r->open_case, "");
	assert_string_equal(r->state, "active");
}

/* The system takes back what the case of world_reach brought, as if for a term. */
static int
expire(const char *when)
{
	struct work work = {
		.facts = &w.facts, .before = &w.app, .arena = &w.arena, .out = &w.out, .root = &w.out};
	w.app.end_date = (char *)when;
	world_load(&w, &w.app, &op, at(when));
	w.out = (struct outcome){0};
	assert_int_equal(work_begin(&work, &w.fault), 0);
	int r = reclaim_force(&work, world_resource(&w, "R-2026-000001"), zwy_v1_RECLAIM_ORIGIN_EXPIRY,
			      &w.fault);
	if (r == 0)
		world_commit(&w);
	return r;
}

static void
art_17_a_term_that_has_ended_makes_a_case_that_can_only_be_carried_out(void **state)
{
	(void)state;
	zwy_v1_Resource *r = in_service();
	r->state = "frozen";
	r->open_case = "applications/A-2026-000077";
	assert_int_equal(expire(NOW), ERR_RESOURCE_BUSY);
	r->open_case = NULL;
	assert_int_equal(expire(NOW), 0);
	assert_int_equal(w.case_count, 1);
	assert_string_equal(w.app.state, "closed");
	w.app = w.cases[0];
	assert_string_equal(w.app.state, "submitted");
	assert_string_equal(w.app.origin, "applications/A-2026-000001");
	assert_string_equal(w.app.submitter, "system");
	assert_string_equal(w.app.reclaim.preserve_until, "2026-11-30");
	assert_string_equal(app_clock(&w.app, "reclaim")->due_date, "2026-12-07");
	assert_string_equal(r->open_case, w.app.name);
	assert_string_equal(r->state, "frozen");
	assert_int_equal(w.out.move_count, 0);
	REFUSED(ERR_WRONG_STATE, op, NOW, "withdraw", "reason", "x");
	REFUSED(ERR_WRONG_ROLE, du, NOW, "withdraw", "reason", "x");
	DO(op, NOW, "assign");
	REFUSED(ERR_WRONG_STATE, op, NOW, "review", "result", "reject", "comment", "x");
	DO(op, NOW, "review", "result", "accept");
	REFUSED(ERR_WRONG_STATE, op, NOW, "withdraw", "reason", "x");
	DO(op, NOW, "start");
	REFUSED(ERR_DATA_PRESERVED, op, "2026-11-30", "complete", "reading", "vcpu=0");
	DO(op, "2026-12-01", "complete", "reading", "vcpu=0");
	assert_string_equal(r->state, "reclaimed");
	assert_int_equal(balance(&w, 0, 1)->committed, 0);
	assert_int_equal(balance(&w, 1, 0)->committed, 100);
}

/* ---- what a person is told ------------------------------------------------------------ */

static const char *
offered(const struct actor *actor, const char *when, struct explanation *ret)
{
	char *list = arena_strdup(&w.arena, "");
	world_load(&w, &w.app, actor, at(when));
	application_explain(&w.facts, &w.app, &w.arena, ret);
	for (size_t i = 0; i < ret->next_count; i++)
		list = arena_printf(&w.arena, "%s%s%s", list, i ? " " : "", ret->next[i].action);
	return list;
}

static void
art_17_everybody_is_told_what_is_theirs_to_do_and_by_when(void **state)
{
	struct explanation e;
	(void)state;
	in_service();
	zwy_v1_Application a = giving_back();
	a.has_reclaim = false;
	assert_int_equal(world_create(&w, &a, false, &du, NOW), 0);
	assert_string_equal(offered(&du, NOW, &e), "submit withdraw");
	assert_int_equal(e.missing.code, ERR_ATTESTATION_MISSING);
	assert_int_equal(e.missing.item_count, 3);
	assert_string_equal(e.who, "du-p");
	assert_string_equal(offered(&op, NOW, &e), "");
	reach("accepted", NOW);
	assert_string_equal(offered(&op, NOW, &e), "start");
	assert_string_equal(e.who, "op-p");
	assert_string_equal(e.article, "17");
	assert_string_equal(e.clock->due_date, "2026-11-30");
	assert_string_equal(offered(&sp, NOW, &e), "start");
	assert_string_equal(offered(&du, NOW, &e), "withdraw");
	DO(du, NOW, "withdraw", "reason", "x");
	assert_int_equal(take(zwy_v1_RECLAIM_ORIGIN_SP_EXIT, &op, NOW), 0);
	assert_string_equal(offered(&op_2, NOW, &e), "assign withdraw");
	assert_string_equal(offered(&du, NOW, &e), "consent");
	DO(op_2, NOW, "assign");
	DO(op_2, NOW, "review", "result", "accept");
	DO(op_2, NOW, "start");
	assert_string_equal(offered(&op_2, NOW, &e), "fail");
	assert_int_equal(e.note_count, 1);
	assert_non_null(strstr(e.notes[0], "through 2026-11-30"));
	DO(du, NOW, "consent");
	assert_string_equal(offered(&op_2, NOW, &e), "fail complete");
	assert_int_equal(e.note_count, 0);
	assert_string_equal(offered(&du, NOW, &e), "");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
		TEST(art_17_every_attestation_is_needed_and_all_missing_are_told_at_once),
		TEST(art_17_one_term_of_five_working_days_over_review_and_reclaim),
		TEST(art_17_a_missed_term_is_overdue_once_and_reclaiming_goes_on),
		TEST(art_17_the_quota_is_released_once_with_the_final_reading),
		TEST(art_17_a_reading_is_in_figures_that_the_service_counts_by),
		TEST(art_17_what_is_rejected_or_withdrawn_sets_the_resource_free),
		TEST(art_17_one_case_at_a_time_holds_a_resource),
		TEST(art_17_nothing_keeps_a_department_from_giving_back),
		TEST(art_17_a_return_asks_for_nothing),
		TEST(art_17_who_gave_it_back_does_not_decide_on_it),
		TEST(art_17_it_closes_when_the_reading_is_confirmed_or_not_objected_to),
		TEST(art_17_only_the_operator_takes_back_and_only_the_department_gives_back),
		TEST(art_17_a_draft_to_take_back_is_the_operators),
		TEST(art_17_data_are_kept_for_the_department_unless_it_consents),
		TEST(art_17_consent_ends_the_waiting_and_starts_the_operators_days),
		TEST(art_17_a_return_needs_no_consent),
		TEST(art_17_how_long_data_are_kept_is_a_parameter),
		TEST(art_17_what_takes_back_may_be_rejected),
		TEST(art_17_a_term_that_has_ended_makes_a_case_that_can_only_be_carried_out),
		TEST(art_17_everybody_is_told_what_is_theirs_to_do_and_by_when),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
