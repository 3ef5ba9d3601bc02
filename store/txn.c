#include "store/inside.h"

#include "wire.h"
#include "zwy/v1/audit.pb.h"

/* ---- the group's transaction ---- */

int
txn_init(struct txn *t, struct store *s)
{
	*t = (struct txn){.store = s};
	return chain_open(&t->chain);
}

void
txn_release(struct txn *t)
{
	chain_close(t->chain);
	arena_release(&t->arena);
	buf_release(&t->key);
	buf_release(&t->body);
	buf_release(&t->row);
}

int
txn_begin(struct txn *t)
{
	struct view *v;
	int rc = engine_begin(&v, t->store->engine);
	if (rc != 0)
		return rc;
	/* From the store each time: after a failed commit nothing else is true. */
	rc = meta_get_head(v, LOG_EVENTS, &t->events);
	if (rc == 0)
		rc = meta_get_head(v, LOG_ACCESSES, &t->accesses);
	if (rc != 0) {
		view_abort(v);
		return rc;
	}
	t->reader = (struct reader){.view = v, .txn = t};
	t->wrote = false;
	t->error = 0;
	return 0;
}

void
txn_decide(struct txn *t, struct command *c)
{
	arena_reset(&t->arena);
	memset(t->counters, 0, sizeof(t->counters));
	t->command = c;
	t->applied = false;
	c->revision = 0;
	fault_clear(&c->fault);
	c->result = c->decide(c, t);
	/* A refusal that has changed something already: nothing of the group may stay. */
	if (c->result != 0 && t->applied && t->error == 0)
		t->error = ERR_INTERNAL;
	if (c->result != 0 && c->fault.code != c->result)
		fault_set(&c->fault, c->result, "%s", reason_of(c->result)->text);
	if (t->applied)
		c->revision = t->events.number;
	t->command = NULL;
}

int
txn_end(struct txn *t)
{
	struct view *v = t->reader.view;
	int rc = t->error;
	if (rc == 0 && t->wrote)
		rc = meta_put_head(v, LOG_EVENTS, &t->events);
	if (rc == 0 && t->wrote)
		rc = meta_put_head(v, LOG_ACCESSES, &t->accesses);
	if (rc == 0 && t->wrote)
		rc = view_commit(v);
	else
		view_abort(v);
	t->reader.view = NULL;
	return rc;
}

struct reader *
txn_reader(struct txn *t)
{
	return &t->reader;
}

/* ---- numbers ---- */

static struct counter **
counter_find(struct txn *t, struct slice key)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < key.n; i++)
		hash = (hash ^ (unsigned char)key.p[i]) * 16777619u;
	struct counter **at = &t->counters[hash % COUNTER_BUCKETS];
	while (*at && !slice_equal((*at)->key, key))
		at = &(*at)->next;
	return at;
}

int
txn_next_number(struct txn *t, const struct name *collection, unsigned year, uint64_t *ret)
{
	if (t->error || t->applied)
		return t->error ? t->error : ERR_INTERNAL;
	buf_clear(&t->key);
	int rc = name_key(&t->key, collection);
	if (rc == 0 && year)
		buf_append_u16be(&t->key, (uint16_t)year);
	if (rc != 0 || t->key.error)
		return rc ? rc : t->key.error;
	struct counter **at = counter_find(t, buf_slice(&t->key));
	if (!*at) {
		struct counter *c = arena_alloc(&t->arena, sizeof(*c));
		if (!c)
			return ERR_NO_MEMORY;
		c->key = arena_copy(&t->arena, buf_slice(&t->key));
		if (!c->key.p)
			return ERR_NO_MEMORY;
		rc = meta_get_counter(t->reader.view, c->key, &c->value);
		if (rc != 0)
			return rc;
		*at = c;
	}
	*ret = ++(*at)->value;
	return 0;
}

static int
put_counters(struct txn *t)
{
	int rc = 0;
	for (size_t i = 0; i < COUNTER_BUCKETS; i++)
		for (struct counter *c = t->counters[i]; c && rc == 0; c = c->next)
			rc = meta_put_counter(t->reader.view, c->key, c->value);
	return rc;
}

/* ---- events ---- */

/* A record that changes without an event of its own. */
struct changed {
	struct slice name;
	struct changed *next;
};

static void
event_body(struct buf *b, const struct event *e, const struct changed *changed, msec now, uint64_t revision,
	   uint64_t command_revision)
{
	wire_put_uint(b, zwy_v1_Event_revision_tag, revision);
	wire_put_time(b, zwy_v1_Event_time_tag, now);
	wire_put_string(b, zwy_v1_Event_name_tag, e->name);
	wire_put_string(b, zwy_v1_Event_kind_tag, e->kind);
	wire_put_string(b, zwy_v1_Event_action_tag, e->action);
	wire_put_string(b, zwy_v1_Event_from_state_tag, e->from_state);
	wire_put_string(b, zwy_v1_Event_to_state_tag, e->to_state);
	wire_put_string(b, zwy_v1_Event_actor_tag, e->actor);
	wire_put_string(b, zwy_v1_Event_on_behalf_of_tag, e->on_behalf_of);
	wire_put_string(b, zwy_v1_Event_article_tag, e->article);
	wire_put_uint(b, zwy_v1_Event_command_revision_tag, command_revision);
	wire_put_string(b, zwy_v1_Event_comment_tag, e->comment);
	wire_put_string(b, zwy_v1_Event_trace_tag, e->trace);
	for (const struct changed *c = changed; c; c = c->next)
		wire_put_string(b, zwy_v1_Event_changed_tag, c->name);
}

/* Appends a row to a log and moves its head. */
static int
append_row(struct txn *t, enum table table, struct head *head, const struct event *e,
	   const struct changed *changed, msec now, uint64_t command_revision)
{
	unsigned char number[8];
	struct head next = {.number = head->number + 1};
	buf_clear(&t->body);
	event_body(&t->body, e, changed, now, next.number, command_revision);
	buf_clear(&t->row);
	buf_append(&t->row, head->digest, DIGEST_BYTES);
	envelope_append(&t->row, &(struct envelope){.revision = next.number,
						    .department = e->department,
						    .node = e->node,
						    .body = buf_slice(&t->body)});
	if (t->body.error || t->row.error)
		return ERR_NO_MEMORY;
	int rc = chain_digest(t->chain, buf_slice(&t->row), next.digest);
	if (rc == 0)
		rc = view_put(t->reader.view, table, number_key(number, next.number), buf_slice(&t->row),
			      true);
	if (rc != 0)
		return rc;
	t->wrote = true;
	*head = next;
	return 0;
}

static bool
slug_fits(struct slice s)
{
	return s.n <= SLUG_MAX_BYTES && (s.n == 0 || !memchr(s.p, 0, s.n));
}

/* An event of a change, copied, with the key of the record that it is about. */
struct pending {
	struct event event;
	struct slice key;
	struct changed *changed; /* told of by this event */
	struct pending *next;
};

/* The key with the revision is the event's place in the record's history. */
static int
append_event(struct txn *t, const struct pending *p, msec now, uint64_t command_revision)
{
	int rc = append_row(t, TABLE_EVENTS, &t->events, &p->event, p->changed, now, command_revision);
	if (rc != 0)
		return rc;
	buf_clear(&t->key);
	buf_append_slice(&t->key, p->key);
	buf_append_u64be(&t->key, t->events.number);
	if (t->key.error)
		return t->key.error;
	return view_put(t->reader.view, TABLE_HISTORY, buf_slice(&t->key), SLICE(""), false);
}

/* ---- changes ---- */

/* Slices may come from this very transaction, whose first put would move what
 * they point to: everything is copied before anything is written. */
static int
copy_event(struct txn *t, struct pending *p)
{
	struct event *e = &p->event;
	struct slice *const slices[] = {&e->name,         &e->department, &e->node,     &e->kind,
					&e->action,       &e->from_state, &e->to_state, &e->actor,
					&e->on_behalf_of, &e->article,    &e->comment,  &e->trace};
	struct name name;
	if (!slug_fits(e->department) || !slug_fits(e->node))
		return ERR_INVALID_NAME;
	buf_clear(&t->key);
	int rc = name_parse(&name, e->name, NULL);
	if (rc == 0)
		rc = name_key(&t->key, &name);
	if (rc != 0)
		return rc;
	p->key = arena_copy(&t->arena, buf_slice(&t->key));
	for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++)
		if (slices[i]->n)
			*slices[i] = arena_copy(&t->arena, *slices[i]);
	return t->arena.failed ? ERR_NO_MEMORY : 0;
}

static int
copy_events(struct txn *t, const struct event *from, struct pending **ret)
{
	for (; from; from = from->next, ret = &(*ret)->next) {
		*ret = arena_alloc(&t->arena, sizeof(**ret));
		if (!*ret)
			return ERR_NO_MEMORY;
		(*ret)->event = *from;
		int rc = copy_event(t, *ret);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
copy_put(struct arena *a, struct put *p)
{
	if (!p->name.kind || !slug_fits(p->department) || !slug_fits(p->node))
		return ERR_INVALID_NAME;
	for (size_t i = 0; i < p->name.var_count; i++)
		p->name.vars[i] = arena_copy(a, p->name.vars[i]);
	p->department = arena_copy(a, p->department);
	p->node = arena_copy(a, p->node);
	p->body = arena_copy(a, p->body);
	p->next = NULL;
	return a->failed ? ERR_NO_MEMORY : 0;
}

static int
copy_puts(struct txn *t, const struct put *from, struct put **ret)
{
	for (; from; from = from->next, ret = &(*ret)->next) {
		*ret = arena_alloc(&t->arena, sizeof(**ret));
		if (!*ret)
			return ERR_NO_MEMORY;
		**ret = *from;
		int rc = copy_put(&t->arena, *ret);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static const struct pending *
event_of(const struct pending *from, const struct pending *to, struct slice key)
{
	while (from != to && !slice_equal(from->key, key))
		from = from->next;
	return from == to ? NULL : from;
}

/* The event that whoever may read the record may read too, where there is one: of the same
 * department and node. Else the last. */
static struct pending *
teller(struct pending *events, const struct put *p)
{
	struct pending *last = events;
	for (struct pending *e = events; e; e = e->next) {
		if (slice_equal(e->event.department, p->department) && slice_equal(e->event.node, p->node))
			return e;
		last = e;
	}
	return last;
}

/* Whoever keeps what it read must hear of every record that changes: of those without an
 * event of their own, another event of the command tells. */
static int
tell_changed(struct txn *t, const struct put *puts, struct pending *events)
{
	const struct pending *near = events; /* they most often come in the order of the records */
	for (const struct put *p = puts; p; p = p->next) {
		buf_clear(&t->key);
		int rc = name_key(&t->key, &p->name);
		if (rc != 0)
			return rc;
		const struct pending *own = event_of(near, NULL, buf_slice(&t->key));
		own = own ? own : event_of(events, near, buf_slice(&t->key));
		if (own) {
			near = own;
			continue;
		}
		buf_clear(&t->body);
		name_format(&t->body, &p->name);
		struct changed *c = arena_alloc(&t->arena, sizeof(*c));
		struct pending *e = teller(events, p);
		if (!c || t->body.error)
			return ERR_NO_MEMORY;
		*c = (struct changed){arena_copy(&t->arena, buf_slice(&t->body)), e->changed};
		e->changed = c;
	}
	return t->arena.failed ? ERR_NO_MEMORY : 0;
}

static int
write_change(struct txn *t, const struct put *puts, const struct pending *events, msec now)
{
	int rc = 0;
	uint64_t revision = t->events.number;
	for (const struct pending *e = events; e; e = e->next)
		revision++;
	for (const struct put *p = puts; p && rc == 0; p = p->next)
		rc = apply_put(t, p, now, revision);
	for (const struct pending *e = events; e && rc == 0; e = e->next)
		rc = append_event(t, e, now, revision);
	return rc ? rc : put_counters(t);
}

int
txn_apply(struct txn *t, const struct change *change, uint64_t *ret_revision)
{
	struct put *puts = NULL;
	struct pending *events = NULL;
	if (t->error)
		return t->error;
	if (t->applied || !change->events)
		return ERR_INTERNAL;
	/* Up to here a failure is this command's alone; afterwards it is the group's. */
	int rc = copy_puts(t, change->puts, &puts);
	if (rc == 0)
		rc = copy_events(t, change->events, &events);
	if (rc == 0)
		rc = tell_changed(t, puts, events);
	if (rc != 0)
		return rc;
	t->applied = true;
	t->wrote = true;
	rc = write_change(t, puts, events, change->now);
	if (rc != 0)
		return t->error = rc;
	if (ret_revision)
		*ret_revision = t->events.number;
	return 0;
}

int
txn_access(struct txn *t, const struct event *e, msec now)
{
	if (t->error)
		return t->error;
	if (!slug_fits(e->department) || !slug_fits(e->node))
		return ERR_INVALID_NAME;
	int rc = append_row(t, TABLE_ACCESS, &t->accesses, e, NULL, now, 0);
	return rc ? (t->error = rc) : 0;
}
