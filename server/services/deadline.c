/* CalendarService.ComputeDeadline. */
#include "server.h"
#include "services/service.h"
#include "wire.h"

enum { WORKING_DAYS = 2, MONTHS = 3, BEFORE = 4, HOURS = 5 };
enum { REPLY_DATE = 1, REPLY_PROVISIONAL = 2, REPLY_EXPLANATION = 3, REPLY_TIME = 4 };

static const struct term_field {
	uint32_t number;
	const char *name;
	uint64_t max;
} term_fields[] = {
	{WORKING_DAYS, "working_days", 3650},
	{MONTHS, "months", 1200},
	{BEFORE, "before", 3650},
	{HOURS, "hours", 87600},
};

static int
read_term(struct slice message, const struct term_field **ret, unsigned *ret_n, struct fault *f)
{
	struct wire_field field;
	for (size_t i = 0; i < sizeof(term_fields) / sizeof(term_fields[0]); i++) {
		const struct term_field *term = &term_fields[i];
		if (!wire_find(message, term->number, &field))
			continue;
		if (field.value < 1 || field.value > term->max)
			return fault_add(f, ERR_INVALID_FIELD, term->name, "%s: 1 to %llu are allowed",
					 term->name, (unsigned long long)term->max);
		*ret = term;
		*ret_n = (unsigned)field.value;
		return 0;
	}
	return fault_add(f, ERR_FIELD_MISSING, "term",
			 "one of working_days, months, before and hours is needed");
}

static void
add_line(void *ctx, const char *line)
{
	wire_put_bytes(ctx, REPLY_EXPLANATION, slice_of(line));
}

static struct deadline
compute(const struct rulebook *book, uint32_t which, day from, unsigned n)
{
	const int64_t *p = book->parameters.number;
	if (which == WORKING_DAYS)
		return deadline_working_days(book->calendar, from, n, p[PARAM_COUNT_START_DAY] != 0);
	if (which == MONTHS)
		return deadline_months(book->calendar, from, n, p[PARAM_TERM_ROLL] != 0);
	return deadline_before(book->calendar, from, n, p[PARAM_EXT_LEAD_MODE] != 0);
}

/* A day, or for hours an instant: ret_from, and the day it lies in. */
static int
read_from(struct slice message, bool hours, msec *ret_at, day *ret_from, struct fault *f)
{
	struct slice text = wire_string(message, 1);
	if (date_parse(text, ret_from)) {
		*ret_at = day_start(*ret_from);
		return 0;
	}
	if (!hours || !time_parse(text, ret_at))
		return fault_add(f, ERR_INVALID_FIELD, "from", "from: a date YYYY-MM-DD is needed%s",
				 hours ? ", or an instant like 2026-11-23T10:00:00+08:00" : "");
	*ret_from = day_of(*ret_at);
	return 0;
}

static void
answer_hours(struct buf *reply, msec from, unsigned n)
{
	msec at = deadline_hours(from, n);
	char date[DATE_LEN];
	date_format(date, day_of(at));
	wire_put_string(reply, REPLY_DATE, slice_of(date));
	wire_put_time(reply, REPLY_TIME, at);
}

static int
answer(struct call *c, struct slice message, struct buf *reply, struct fault *f)
{
	const struct actor *actor;
	const struct term_field *term = NULL;
	unsigned n = 0;
	day from;
	msec at;
	char date[DATE_LEN];
	int rc = caller_identify(c, &actor, f);
	const struct rulebook *book = rc ? NULL : server_book(call_server(c), f);
	if (!book)
		return f->code;
	if ((rc = read_term(message, &term, &n, f)) != 0 ||
	    (rc = read_from(message, term->number == HOURS, &at, &from, f)) != 0)
		return rc;
	if (term->number == HOURS) {
		answer_hours(reply, at, n);
		return reply->error;
	}
	struct deadline d = compute(book, term->number, from, n);
	date_format(date, d.date);
	wire_put_string(reply, REPLY_DATE, slice_of(date));
	wire_put_uint(reply, REPLY_PROVISIONAL, d.provisional);
	deadline_explain(book->calendar, from, d.date, add_line, reply);
	return reply->error;
}

static void
deadline_message(struct call *c, struct slice message)
{
	struct fault f = {0};
	struct buf reply = {0};
	if (answer(c, message, &reply, &f) != 0)
		call_finish(c, &f);
	else
		call_reply(c, buf_slice(&reply));
	buf_release(&reply);
}

const struct call_handler deadline_handler = {.message = deadline_message};
