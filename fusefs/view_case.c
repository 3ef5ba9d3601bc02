/* What a workflow record says of itself: status, due, why, next, history; the line
 * files' templates; the index of all cases. */
#include <errno.h>
#include <stdio.h>

#include "record.h"
#include "text.h"
#include "view.h"
#include "wire.h"
#include "zwy/v1/application.pb.h"
#include "zwy/v1/audit.pb.h"
#include "zwy/v1/organisation.pb.h"
#include "zwy/v1/rule.pb.h"

bool
case_waits(struct slice explain)
{
	return wire_uint(explain, zwy_v1_ExplainResponse_waits_tag) != 0;
}

static void
line(struct buf *out, const char *key, struct slice value)
{
	if (value.n == 0)
		return;
	buf_printf(out, "%s: ", key);
	append_clean(out, value);
	buf_append_char(out, '\n');
}

static void
status_due(struct slice e, struct buf *out)
{
	struct slice due = wire_string(e, zwy_v1_ExplainResponse_due_tag);
	if (due.n == 0)
		return;
	bool statutory = wire_uint(e, zwy_v1_ExplainResponse_statutory_tag) != 0;
	line(out, "due", due);
	buf_printf(out, "term: %s\n", statutory ? "statutory" : "internal target");
	if (wire_uint(e, zwy_v1_ExplainResponse_provisional_tag))
		buf_append_str(out, "provisional: the calendar of a year in this term is not imported yet\n");
	if (wire_uint(e, zwy_v1_ExplainResponse_overdue_tag))
		buf_append_str(out, "overdue: the day has passed; the case can still be acted on\n");
}

static void
case_status(struct view_task *t, struct slice e, struct buf *out)
{
	const struct ask *whoami = view_answer(t, NEED_WHOAMI);
	append_clean(out, wire_string(e, zwy_v1_ExplainResponse_state_tag));
	buf_append_char(out, '\n');
	line(out, "who", wire_string(e, zwy_v1_ExplainResponse_who_tag));
	status_due(e, out);
	line(out, "article", wire_string(e, zwy_v1_ExplainResponse_article_tag));
	struct slice rest = e;
	struct wire_field w;
	while (wire_next(&rest, &w) == 1)
		if (w.number == zwy_v1_ExplainResponse_planned_tag && w.type == WIRE_LEN)
			line(out, "planned", w.bytes);
	if (whoami) {
		char now[TIME_LEN];
		time_format(now, wire_time(buf_slice(&whoami->answer), zwy_v1_WhoAmIResponse_time_tag));
		buf_printf(out, "clock: %s, set by a file and not the machine's\n", now);
	}
}

/* REASON, Article 13, document.construction-plan: text */
static void
case_why(struct view_task *t, struct slice e, struct buf *out)
{
	struct wire_field w;
	while (wire_next(&e, &w) == 1) {
		if (w.number != zwy_v1_ExplainResponse_why_tag || w.type != WIRE_LEN)
			continue;
		struct slice article = wire_string(w.bytes, zwy_v1_Why_article_tag);
		struct slice field = wire_string(w.bytes, zwy_v1_Why_field_tag);
		struct slice reason = wire_string(w.bytes, zwy_v1_Why_reason_tag);
		append_clean(out, reason);
		if (article.n)
			buf_printf(out, "%sArticle %.*s", reason.n ? ", " : "", (int)article.n, article.p);
		if (field.n)
			buf_printf(out, "%s%.*s", reason.n || article.n ? ", " : "", (int)field.n, field.p);
		if (reason.n || article.n || field.n)
			buf_append_str(out, ": ");
		append_clean(out, wire_string(w.bytes, zwy_v1_Why_text_tag));
		buf_append_char(out, '\n');
	}
	if (t->context->refusal && t->context->refusal[0])
		buf_printf(out, "refused: %s\n", t->context->refusal);
}

static void
append_form(struct slice next, const char *between, struct buf *out)
{
	struct wire_field w;
	bool first = true;
	while (wire_next(&next, &w) == 1) {
		if (w.number != zwy_v1_Next_form_tag || w.type != WIRE_LEN)
			continue;
		if (!first)
			buf_append_str(out, between);
		append_clean(out, w.bytes);
		first = false;
	}
}

/* action <TAB> form keys, those needed with * <TAB> Article n <TAB> description; requests of
 * another kind, for applications/new, come last. */
static void
next_lines(struct slice e, uint32_t number, struct buf *out)
{
	struct wire_field w;
	while (wire_next(&e, &w) == 1) {
		if (w.number != number || w.type != WIRE_LEN)
			continue;
		struct slice article = wire_string(w.bytes, zwy_v1_Next_article_tag);
		append_clean(out, wire_string(w.bytes, zwy_v1_Next_action_tag));
		buf_append_char(out, '\t');
		append_form(w.bytes, " ", out);
		buf_append_char(out, '\t');
		if (article.n)
			buf_printf(out, "Article %.*s", (int)article.n, article.p);
		buf_append_char(out, '\t');
		append_clean(out, wire_string(w.bytes, zwy_v1_Next_description_tag));
		buf_append_char(out, '\n');
	}
}

static void
case_next(struct slice e, struct buf *out)
{
	next_lines(e, zwy_v1_ExplainResponse_next_tag, out);
	next_lines(e, zwy_v1_ExplainResponse_requests_tag, out);
}

void
event_line(struct slice event, bool with_name, struct buf *out)
{
	char time[TIME_LEN];
	time_format(time, wire_time(event, zwy_v1_Event_time_tag));
	struct slice from = wire_string(event, zwy_v1_Event_from_state_tag);
	struct slice to = wire_string(event, zwy_v1_Event_to_state_tag);
	struct slice action = wire_string(event, zwy_v1_Event_action_tag);
	struct slice principal = wire_string(event, zwy_v1_Event_on_behalf_of_tag);
	struct slice article = wire_string(event, zwy_v1_Event_article_tag);
	buf_printf(out, "%llu\t%s\t", (unsigned long long)wire_uint(event, zwy_v1_Event_revision_tag), time);
	if (with_name) {
		append_clean(out, wire_string(event, zwy_v1_Event_name_tag));
		buf_append_char(out, '\t');
	}
	append_clean(out, action.n ? action : wire_string(event, zwy_v1_Event_kind_tag));
	buf_append_char(out, '\t');
	append_clean(out, from);
	if (from.n || to.n)
		buf_append_str(out, "->");
	append_clean(out, to);
	buf_append_char(out, '\t');
	append_clean(out, wire_string(event, zwy_v1_Event_actor_tag));
	if (principal.n) {
		buf_append_str(out, " for ");
		append_clean(out, principal);
	}
	buf_append_char(out, '\t');
	if (article.n)
		buf_printf(out, "Article %.*s", (int)article.n, article.p);
	buf_append_char(out, '\t');
	append_clean(out, wire_string(event, zwy_v1_Event_comment_tag));
	buf_append_char(out, '\n');
}

static void
case_history(struct slice list, struct buf *out)
{
	struct wire_field w;
	while (wire_next(&list, &w) == 1)
		if (w.number == zwy_v1_ListEventsResponse_items_tag && w.type == WIRE_LEN)
			event_line(w.bytes, false, out);
}

/* ---- index.tsv --------------------------------------------------------- */

/* The running clock that ends first. */
static struct slice
nearest_due(struct slice record, bool *ret_overdue, const char **ret_term)
{
	struct slice due = {0};
	struct wire_field w, stop;
	*ret_overdue = false;
	*ret_term = "";
	while (wire_next(&record, &w) == 1) {
		if (w.number != zwy_v1_Application_clocks_tag || w.type != WIRE_LEN ||
		    wire_find(w.bytes, zwy_v1_Clock_stop_time_tag, &stop))
			continue;
		struct slice date = wire_string(w.bytes, zwy_v1_Clock_due_date_tag);
		if (due.n == 0 || slice_compare(date, due) < 0) {
			due = date;
			*ret_overdue = wire_uint(w.bytes, zwy_v1_Clock_overdue_tag) != 0;
			*ret_term = wire_uint(w.bytes, zwy_v1_Clock_statutory_tag) ? "statutory"
										   : "internal target";
		}
	}
	return due;
}

/* Blanks in a column of their own, so that the columns before are as they are. */
static void
fill_row(struct buf *out, size_t begin)
{
	/* The longest values of all columns fit; a row is never longer. */
	if (out->n - begin > INDEX_WIDTH - 2)
		out->n = begin + INDEX_WIDTH - 2;
	buf_append_char(out, '\t');
	while (!out->error && out->n - begin < INDEX_WIDTH - 1)
		buf_append_char(out, ' ');
	buf_append_char(out, '\n');
}

void
index_header(struct buf *out)
{
	size_t begin = out->n;
	buf_append_str(
		out,
		"id\tstate\tkind\tsystem\tdepartment\tnode\tsubmitter\tmonth\tdue\toverdue\trevision\tterm");
	fill_row(out, begin);
}

void
index_row(struct slice record, struct buf *out)
{
	static const char *const columns[] = {"state", "kind",      "system", "department",
					      "node",  "submitter", "month"};
	const struct message_desc *m = kind_by_collection(SLICE("applications"))->message;
	bool overdue;
	const char *term;
	size_t begin = out->n;
	struct slice due = nearest_due(record, &overdue, &term);
	append_clean(out, last_part(wire_string(record, zwy_v1_Application_name_tag)));
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		const struct field_desc *f = field_by_name(m, slice_of(columns[i]));
		struct buf value = {0};
		buf_append_char(out, '\t');
		if (f && text_value(&value, f, record) == 0)
			append_clean(out, buf_slice(&value));
		buf_release(&value);
	}
	buf_printf(out, "\t%.*s\t%s\t%llu\t%s", (int)due.n, due.n ? due.p : "", overdue ? "overdue" : "",
		   (unsigned long long)wire_uint(record, zwy_v1_Application_revision_tag), term);
	fill_row(out, begin);
}

/* ---- line files -------------------------------------------------------- */

void
new_template(struct buf *out)
{
	const struct kind_desc *kind = kind_by_collection(SLICE("applications"));
	buf_append_str(
		out,
		"# One line is one application: key=value words, quoted as in a shell. The answer is read\n"
		"# on the same descriptor:\n"
		"#   exec 3<>applications/new\n"
		"#   echo 'kind=regular system=SYSTEM cloud-server=2' >&3; read -r id <&3\n"
		"# 一行就是一个申请。被拒绝时写操作返回错误，原因见 results/new/error。\n"
		"# For more than a line, write a file to requests/. Keys:\n");
	if (kind)
		text_template(out, kind->message);
}

void
action_template(struct slice next, struct buf *out)
{
	struct slice article = wire_string(next, zwy_v1_Next_article_tag), field;
	struct wire_field w;
	buf_append_str(out, "# ");
	append_clean(out, wire_string(next, zwy_v1_Next_action_tag));
	buf_append_str(out, ": ");
	append_clean(out, wire_string(next, zwy_v1_Next_description_tag));
	if (article.n)
		buf_printf(out, " (Article %.*s)", (int)article.n, article.p);
	buf_append_str(out, "\n# Write one line of key=value words here to do it; an empty line where "
			    "nothing is needed.\n"
			    "# 写入一行即执行；标 * 的必须填写。\n");
	while (wire_next(&next, &w) == 1) {
		if (w.number != zwy_v1_Next_form_tag || w.type != WIRE_LEN)
			continue;
		field = w.bytes;
		bool needed = field.n && field.p[field.n - 1] == '*';
		if (needed)
			field.n--;
		append_clean(out, field);
		buf_append_str(out, needed ? "=   # needed\n" : "=\n");
	}
}

static int
action(struct view_task *t, struct slice e, struct content *c)
{
	struct wire_field w;
	while (wire_next(&e, &w) == 1)
		if (w.number == zwy_v1_ExplainResponse_next_tag && w.type == WIRE_LEN &&
		    slice_equal(wire_string(w.bytes, zwy_v1_Next_action_tag), t->place.rest)) {
			c->mode = 0666;
			action_template(w.bytes, &c->bytes);
			return 0;
		}
	return ENOENT;
}

int
view_case(struct view_task *t, struct content *c)
{
	const struct ask *a = view_answer(t, NEED_EXPLAIN);
	struct slice explain = a ? buf_slice(&a->answer) : (struct slice){0};
	switch (t->place.view) {
	case VIEW_CASE_STATUS:
		case_status(t, explain, &c->bytes);
		return 0;
	case VIEW_CASE_DUE:
		buf_append_slice(&c->bytes, wire_string(explain, zwy_v1_ExplainResponse_due_tag));
		if (c->bytes.n)
			buf_append_char(&c->bytes, '\n');
		return 0;
	case VIEW_CASE_WHY:
		case_why(t, explain, &c->bytes);
		return 0;
	case VIEW_CASE_NEXT:
		case_next(explain, &c->bytes);
		return 0;
	case VIEW_HISTORY:
		a = view_answer(t, NEED_HISTORY);
		case_history(a ? buf_slice(&a->answer) : (struct slice){0}, &c->bytes);
		return 0;
	case VIEW_INDEX: /* the mount makes it */
		return 0;
	case VIEW_NEW:
		c->mode = 0666;
		new_template(&c->bytes);
		return 0;
	case VIEW_ACTION:
		return action(t, explain, c);
	default:
		return ENOENT;
	}
}
