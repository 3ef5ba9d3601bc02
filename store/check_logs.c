/* The two logs: every row there, each following from the one before, up to the
 * head; and the index of events by record. */
#include "store/check.h"

#include <inttypes.h>

#include "wire.h"
#include "zwy/v1/audit.pb.h"

struct walk {
	enum log log;
	struct head last; /* the row before, as recomputed */
	uint64_t command; /* revision of the command whose events come now; 0: none */
	uint64_t history; /* entries there must be */
};

static const char *
log_name(const struct walk *w)
{
	return w->log == LOG_EVENTS ? "event" : "access";
}

/* The events of one command stand together, and it has the last one's revision. */
static void
check_command(struct check *c, struct walk *w, const struct event_row *e)
{
	uint64_t command = wire_uint(e->body, zwy_v1_Event_command_revision_tag);
	if (command < e->revision || command > c->events.number || (w->command && command != w->command))
		check_problem(c, "event %" PRIu64 ": it says command %" PRIu64, e->revision, command);
	w->command = command > e->revision ? command : 0;
}

static int
history_key(struct buf *b, const struct event_row *e)
{
	struct name name;
	int rc = name_parse(&name, wire_string(e->body, zwy_v1_Event_name_tag), NULL);
	if (rc == 0)
		rc = name_key(b, &name);
	buf_append_u64be(b, e->revision);
	return rc ? rc : b->error;
}

static int
check_history(struct check *c, struct walk *w, const struct event_row *e)
{
	struct buf key = {0};
	struct slice value;
	if (history_key(&key, e) != 0) {
		check_problem(c, "event %" PRIu64 ": it is about no record", e->revision);
		buf_release(&key);
		return 0;
	}
	int rc = view_get(c->view, TABLE_HISTORY, buf_slice(&key), &value);
	buf_release(&key);
	w->history++;
	if (rc == ERR_NOT_FOUND)
		check_problem(c, "event %" PRIu64 ": it is missing in its record's history", e->revision);
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int
check_row(struct check *c, void *arg, struct slice key, struct slice row)
{
	struct walk *w = arg;
	struct event_row e;
	bool gap;
	if (event_row_parse(&e, key, row) != 0 ||
	    wire_uint(e.body, zwy_v1_Event_revision_tag) != e.revision) {
		check_problem(c, "%s %" PRIu64 ": the row cannot be read", log_name(w),
			      key.n == 8 ? get_u64be(key.p) : 0);
		e.revision = key.n == 8 ? get_u64be(key.p) : w->last.number + 1;
		w->last.number = e.revision;
		return chain_digest(c->chain, row, w->last.digest);
	}
	gap = e.revision != w->last.number + 1;
	if (gap)
		check_problem(c, "%s %" PRIu64 ": the rows before it are missing, from %" PRIu64, log_name(w),
			      e.revision, w->last.number + 1);
	else if (memcmp(e.previous, w->last.digest, DIGEST_BYTES) != 0)
		check_problem(c,
			      "%s %" PRIu64 ": it does not follow from the row before: that one was changed",
			      log_name(w), e.revision);
	w->last.number = e.revision;
	int rc = chain_digest(c->chain, row, w->last.digest);
	if (rc != 0 || w->log == LOG_ACCESSES)
		return rc;
	c->report->events++;
	if (gap)
		w->command = 0;
	check_command(c, w, &e);
	return check_history(c, w, &e);
}

static int
check_log(struct check *c, struct walk *w, enum table table, const struct head *head)
{
	int rc = check_each(c, table, SLICE(""), check_row, w);
	if (rc != 0)
		return rc;
	if (w->last.number != head->number)
		check_problem(c, "the %s log ends at %" PRIu64 ", its head says %" PRIu64, log_name(w),
			      w->last.number, head->number);
	else if (memcmp(w->last.digest, head->digest, DIGEST_BYTES) != 0)
		check_problem(c, "%s %" PRIu64 ": its digest is not the head's: it was changed", log_name(w),
			      head->number);
	return 0;
}

/* ---- entries of the history that no event accounts for ---- */

static int
check_entry(struct check *c, void *arg, struct slice key, struct slice row)
{
	unsigned char number[8];
	struct event_row e;
	struct buf expected = {0};
	(void)arg;
	int rc = key.n > 8 ? 0 : ERR_NOT_FOUND;
	if (rc == 0) {
		struct slice revision = number_key(number, get_u64be(key.p + key.n - 8));
		rc = view_get(c->view, TABLE_EVENTS, revision, &row);
		if (rc == 0)
			rc = event_row_parse(&e, revision, row);
	}
	if (rc == 0)
		rc = history_key(&expected, &e);
	if (rc != 0 || !slice_equal(buf_slice(&expected), key))
		check_problem(c, "%s: its history names an event that is not its own",
			      check_name(c, slice_make(key.p, key.n > 8 ? key.n - 8 : 0)));
	buf_release(&expected);
	return rc == ERR_STORE_IO || rc == ERR_NO_MEMORY ? rc : 0;
}

int
check_logs(struct check *c)
{
	struct walk events = {.log = LOG_EVENTS}, accesses = {.log = LOG_ACCESSES};
	uint64_t found;
	int rc = check_log(c, &events, TABLE_EVENTS, &c->events);
	if (rc == 0)
		rc = check_log(c, &accesses, TABLE_ACCESS, &c->accesses);
	if (rc == 0)
		rc = view_count(c->view, TABLE_HISTORY, &found);
	if (rc != 0 || found == events.history)
		return rc;
	return check_each(c, TABLE_HISTORY, SLICE(""), check_entry, NULL);
}
