/* Records against their names, indexes, clocks, counters and revisions. */
#include "store/check.h"

#include <inttypes.h>

#include "store/index.h"
#include "wire.h"
#include "zwy/v1/audit.pb.h"

/* Records may hold more than one request: whole plans, long lists. */
#define RECORD_LIMITS ((struct wire_limits){64, 1000000, 1000000})

struct counts {
	bool indexed; /* by this program's contract */
	uint64_t index, due;
	struct arena arena; /* keys of one record */
};

static void
check_body(struct check *c, const struct record *r, const struct kind_desc *kind)
{
	struct fault f = {0};
	const char *name = check_name(c, r->key);
	if (!slice_is(wire_string(r->body, 1), name))
		check_problem(c, "%s: the record says another name, %.*s", name,
			      (int)wire_string(r->body, 1).n, wire_string(r->body, 1).p);
	if (wire_uint(r->body, 2) != r->revision)
		check_problem(c, "%s: the record says revision %" PRIu64 ", its envelope %" PRIu64, name,
			      wire_uint(r->body, 2), r->revision);
	if (wire_check(kind->message, r->body, RECORD_LIMITS, &f) != 0)
		check_problem(c, "%s: the record cannot be read: %s", name, f.text);
}

/* A record has the revision of the command that put it. */
static void
check_revision(struct check *c, const struct record *r)
{
	unsigned char number[8];
	struct slice key = number_key(number, r->revision), row;
	struct event_row e;
	if (r->revision == 0 || r->revision > c->events.number) {
		check_problem(c, "%s: revision %" PRIu64 " lies beyond the log's head, %" PRIu64,
			      check_name(c, r->key), r->revision, c->events.number);
		return;
	}
	/* A row that is missing or broken is the log's problem, reported there. */
	if (view_get(c->view, TABLE_EVENTS, key, &row) != 0 || event_row_parse(&e, key, row) != 0)
		return;
	if (wire_uint(e.body, zwy_v1_Event_command_revision_tag) != r->revision)
		check_problem(c, "%s: revision %" PRIu64 " is not that of a command", check_name(c, r->key),
			      r->revision);
}

/* The envelope decides who may read; it must say what the record says. */
static void
check_owner(struct check *c, const struct record *r, uint32_t field, struct slice envelope, const char *what)
{
	struct slice said = field > 1 ? wire_string(r->body, field) : (struct slice){0};
	if (field == 1) {
		struct slice name = wire_string(r->body, 1), head;
		while (slice_cut(&name, '/', &head))
			;
		said = name;
	}
	if (said.n && !slice_equal(said, envelope))
		check_problem(c, "%s: its %s is %.*s, its envelope says '%.*s'", check_name(c, r->key), what,
			      (int)said.n, said.p, (int)envelope.n, envelope.p);
}

/* The numbers given out in a collection are not behind the records in it. */
static int
check_counter(struct check *c, const struct record *r, const struct kind_desc *kind)
{
	uint64_t last, number;
	enum segment_type type = kind->segments[kind->segment_count - 1].type;
	size_t n = type == SEGMENT_ID ? 6 : 8;
	if ((type != SEGMENT_ID && type != SEGMENT_NUMBER) || r->key.n <= n)
		return 0;
	int rc = meta_get_counter(c->view, slice_make(r->key.p, r->key.n - n), &last);
	if (rc != 0)
		return rc;
	number = get_u64be(r->key.p + r->key.n - 8) & (type == SEGMENT_ID ? 0xFFFFFFFFFFFF : UINT64_MAX);
	/* Numbers that say something (years, articles, versions) are not counted. */
	if (number > last && (type == SEGMENT_ID || last != 0))
		check_problem(c, "%s: only %" PRIu64 " numbers were given out", check_name(c, r->key), last);
	return 0;
}

static int
check_keys(struct check *c, const struct record *r, enum table table, const struct key_list *keys)
{
	struct slice value;
	for (size_t i = 0; i < keys->count; i++) {
		const struct entry *e = &keys->entries[i];
		int rc = view_get(c->view, table, e->key, &value);
		if (rc != 0 && rc != ERR_NOT_FOUND)
			return rc;
		if (rc == ERR_NOT_FOUND || !slice_equal(value, e->value))
			check_problem(c, "%s: an entry of the %s is %s", check_name(c, r->key),
				      table == TABLE_INDEX ? "index" : "due index", rc ? "missing" : "wrong");
	}
	return 0;
}

static int
check_record(struct check *c, void *arg, struct slice key, struct slice row)
{
	struct counts *counts = arg;
	struct record r;
	c->report->records++;
	const struct kind_desc *kind = kind_by_number((unsigned char)key.p[0]);
	if (!kind || record_parse(&r, key, row) != 0) {
		check_problem(c, "%s: the record's envelope cannot be read", check_name(c, key));
		return 0;
	}
	check_body(c, &r, kind);
	check_revision(c, &r);
	check_owner(c, &r, kind->department_field, r.department, "department");
	check_owner(c, &r, kind->node_field, r.node, "node");
	if (!counts->indexed)
		return check_counter(c, &r, kind);
	arena_reset(&counts->arena);
	struct record_keys keys;
	int rc = record_keys(&keys, &counts->arena, &r);
	/* Bytes that are not of the kind were reported above. */
	if (rc != 0)
		return rc == ERR_NO_MEMORY ? rc : 0;
	rc = check_keys(c, &r, TABLE_INDEX, &keys.index);
	if (rc == 0)
		rc = check_keys(c, &r, TABLE_DUE, &keys.due);
	counts->index += keys.index.count;
	counts->due += keys.due.count;
	return rc ? rc : check_counter(c, &r, kind);
}

/* ---- entries that no record accounts for ---- */

struct surplus {
	enum table table;
	struct arena arena;
};

static int
check_entry(struct check *c, void *arg, struct slice key, struct slice row)
{
	struct surplus *s = arg;
	struct due due;
	struct record r;
	struct slice value, record = {0};
	(void)row;
	arena_reset(&s->arena);
	struct key_list keys = {.arena = &s->arena};
	int rc = s->table == TABLE_INDEX ? index_record_key(&record, key) : due_parse(&due, key);
	if (rc == 0 && s->table == TABLE_DUE)
		record = due.key;
	if (rc == 0)
		rc = view_get(c->view, TABLE_RECORDS, record, &value);
	if (rc == 0)
		rc = record_parse(&r, record, value);
	if (rc == 0)
		rc = s->table == TABLE_INDEX ? index_keys(&keys, &r) : due_keys(&keys, &r);
	if (rc == 0 && key_list_find(&keys, key))
		return 0;
	check_problem(c, "%s: an entry of the %s does not follow from the record", check_name(c, record),
		      s->table == TABLE_INDEX ? "index" : "due index");
	return rc == ERR_STORE_IO || rc == ERR_NO_MEMORY ? rc : 0;
}

static int
check_surplus(struct check *c, enum table table, uint64_t expected, uint64_t *ret_found)
{
	struct surplus s = {.table = table};
	uint64_t problems = c->report->problems;
	int rc = view_count(c->view, table, ret_found);
	if (rc != 0 || *ret_found == expected)
		return rc;
	rc = check_each(c, table, SLICE(""), check_entry, &s);
	arena_release(&s.arena);
	if (rc == 0 && c->report->problems == problems && *ret_found > expected)
		check_problem(c, "%" PRIu64 " entries where the records account for %" PRIu64, *ret_found,
			      expected);
	return rc;
}

int
check_records(struct check *c)
{
	struct counts counts = {0};
	uint64_t due;
	int rc = meta_has_layout(c->view);
	if (rc < 0)
		return rc;
	counts.indexed = rc == 1;
	if (!counts.indexed)
		check_problem(c,
			      "the indexes were made by another version; they are made anew when the server "
			      "starts, and were not checked");
	rc = check_each(c, TABLE_RECORDS, SLICE(""), check_record, &counts);
	if (rc == 0 && counts.indexed)
		rc = check_surplus(c, TABLE_INDEX, counts.index, &c->report->index_entries);
	if (rc == 0 && counts.indexed)
		rc = check_surplus(c, TABLE_DUE, counts.due, &due);
	arena_release(&counts.arena);
	return rc;
}
