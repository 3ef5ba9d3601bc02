/* Why a record stands where it stands, and what the caller may do now. */
#include "services/explain.h"

#include "rules/registers.h"
#include "server.h"
#include "services/facts.h"
#include "services/planned.h"
#include "services/registers.h"
#include "services/service.h"
#include "wire.h"

static zwy_v1_Next *
fill_next(struct explaining *e, const struct possible *possible, size_t count, pb_size_t *ret_count)
{
	struct arena *arena = &e->messages.arena;
	zwy_v1_Next *all = arena_array(arena, count, sizeof(*all));
	for (size_t i = 0; all && i < count; i++) {
		zwy_v1_Next *next = &all[(*ret_count)++];
		next->action = (char *)possible[i].action;
		next->article = (char *)possible[i].article;
		next->description = (char *)possible[i].description;
		next->form = message_words(arena, possible[i].form, &next->form_count);
	}
	return all;
}

static void
fill_explanation(struct explaining *e, const struct explanation *x)
{
	struct arena *arena = &e->messages.arena;
	e->reply.article = (char *)x->article;
	e->reply.who = x->who && x->who[0]
			       ? arena_printf(arena, "%s (%s)", x->who, x->who_text ? x->who_text : "")
			       : "";
	if (x->clock) {
		e->reply.due = x->clock->due_date;
		e->reply.overdue = x->clock->overdue;
		e->reply.provisional = x->clock->provisional;
		e->reply.statutory = x->clock->statutory;
	}
	e->reply.waits = x->waits;
	e->reply.next = fill_next(e, x->next, x->next_count, &e->reply.next_count);
	e->reply.requests = fill_next(e, x->requests, x->request_count, &e->reply.requests_count);
}

/* Every defect that is still to be mended, then what the state waits for. */
static void
fill_why(struct explaining *e, const struct explanation *x, const char *said, const char *comment)
{
	struct arena *arena = &e->messages.arena;
	const struct fault *missing = &x->missing;
	zwy_v1_Why *why = arena_array(arena, missing->item_count + x->note_count + 3, sizeof(*why));
	if (!why)
		return;
	e->reply.why = why;
	if (missing->code && missing->item_count == 0)
		why[e->reply.why_count++] = (zwy_v1_Why){(char *)reason_of(missing->code)->name,
							 arena_strdup(arena, missing->article),
							 arena_strdup(arena, missing->text), NULL};
	for (size_t i = 0; i < missing->item_count; i++) {
		const struct fault_item *item = &missing->items[i];
		why[e->reply.why_count++] =
			(zwy_v1_Why){(char *)reason_of(item->code)->name,
				     arena_strdup(arena, missing->article), arena_strdup(arena, item->text),
				     arena_strdup(arena, item->field)};
	}
	if (comment && comment[0])
		why[e->reply.why_count++] = (zwy_v1_Why){"", (char *)x->article,
							 arena_printf(arena, "%s: %s", said, comment), NULL};
	for (size_t i = 0; i < x->note_count; i++)
		why[e->reply.why_count++] = (zwy_v1_Why){"", (char *)x->article, (char *)x->notes[i], NULL};
	if (x->text && x->text[0])
		why[e->reply.why_count++] = (zwy_v1_Why){"", (char *)x->article, (char *)x->text, NULL};
}

/* What was forecast of what it asks for (Article 21). */
static int
fill_planned(struct explaining *e, const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	struct arena *arena = &e->messages.arena;
	const zwy_v1_Application *const *others = NULL;
	const char **lines = NULL;
	size_t other_count = 0;
	int rc = facts->forecast ? planned_others(server_reader(e->server), facts->forecast, &e->messages,
						  &others, &other_count, f)
				 : 0;
	size_t n = rc ? 0 : planned_lines(facts, a, others, other_count, arena, &lines);
	zwy_v1_Why *why = n ? arena_array(arena, e->reply.why_count + n, sizeof(*why)) : NULL;
	if (!why)
		return rc;
	if (e->reply.why_count)
		memcpy(why, e->reply.why, e->reply.why_count * sizeof(*why));
	for (size_t i = 0; i < n; i++)
		why[e->reply.why_count++] = (zwy_v1_Why){"", "21", (char *)lines[i], NULL};
	e->reply.why = why;
	e->reply.planned = (char **)lines;
	e->reply.planned_count = (pb_size_t)n;
	return 0;
}

static int
explain_application(struct explaining *e, struct slice body, struct fault *f)
{
	struct facts facts;
	struct explanation x = {0};
	const struct rulebook *book = server_book(e->server, f);
	zwy_v1_Application *a = book ? MESSAGE_DECODE(&e->messages, zwy_v1_Application, body, f) : NULL;
	if (!a)
		return f->code;
	int rc = facts_derive_draft(&a, server_reader(e->server), &e->messages, f);
	if (rc == 0)
		rc = facts_load(&facts, server_reader(e->server), book, e->actor,
				server_clock_now(&e->server->clock), a, &e->messages, f);
	if (rc != 0)
		return rc;
	application_explain(&facts, a, &e->messages.arena, &x);
	e->reply.state = a->state;
	e->reply.revision = a->revision;
	fill_explanation(e, &x);
	fill_why(e, &x, "reason given", a->reason);
	rc = fill_planned(e, &facts, a, f);
	if (rc != 0)
		return rc;
	return e->messages.arena.failed ? fault_set(f, ERR_NO_MEMORY, "out of memory") : 0;
}

/* A register's record: what its state means, what is missing, what was said with the last action. */
static int
explain_register(struct explaining *e, const struct register_desc *desc, const struct record *record,
		 struct fault *f)
{
	struct arena *arena = &e->messages.arena;
	struct explanation x = {0};
	const struct rulebook *book = server_book(e->server, f);
	void *message = book ? message_decode(&e->messages, desc->fields, desc->size, record->body, f) : NULL;
	const struct register_facts *facts =
		message ? register_facts_make(e->actor, server_clock_now(&e->server->clock), book,
					      record->node, arena)
			: NULL;
	if (!facts)
		return f->code ? f->code : fault_set(f, ERR_NO_MEMORY, "out of memory");
	register_explain(facts, desc, message, arena, &x);
	const zwy_v1_TakenAction *taken = (void *)((char *)message + desc->last_action);
	fill_explanation(e, &x);
	fill_why(e, &x, taken->action, taken->comment);
	return arena->failed ? fault_set(f, ERR_NO_MEMORY, "out of memory") : 0;
}

/* Article 4: a node is ready with both bodies. */
static int
explain_node(struct explaining *e, struct slice body, struct fault *f)
{
	struct arena *arena = &e->messages.arena;
	const zwy_v1_Node *node = MESSAGE_DECODE(&e->messages, zwy_v1_Node, body, f);
	zwy_v1_Why *why = arena_array(arena, 1, sizeof(*why));
	if (!node || !why)
		return f->code ? f->code : fault_set(f, ERR_NO_MEMORY, "out of memory");
	e->reply.state = node->ready ? "ready" : "unready";
	e->reply.article = "4";
	if (node->ready)
		return 0;
	bool authority = node->competent_authority && node->competent_authority[0];
	e->reply.who = "adm (the administrator enters whom the city's government designates)";
	why[0] = (zwy_v1_Why){(char *)reason_of(ERR_NODE_UNREADY)->name, "4",
			      arena_printf(arena, "no %s is designated; applications are refused until then",
					   authority ? "operator" : "competent authority"),
			      authority ? "operator" : "competent-authority"};
	e->reply.why = why;
	e->reply.why_count = 1;
	return arena->failed ? fault_set(f, ERR_NO_MEMORY, "out of memory") : 0;
}

int64_t
explanation_valid_ms(struct server *s)
{
	msec now = server_clock_now(&s->clock);
	return s->clock.file ? 0 : day_start(day_of(now) + 1) - now;
}

/* For how long the answer may be kept, and what else ends that. The loop's rulebook was read
 * before, so what it is made of has to be named here. */
static void
fill_validity(struct explaining *e)
{
	for (size_t i = 0; i < kind_count; i++)
		if (RULEBOOK_KINDS & KIND_BIT(kind_table[i]->kind) && kind_table[i]->segment_count == 2)
			reads_add(&e->reads, kind_table[i]->collection);
	e->reply.depends_on = e->reads.names;
	e->reply.depends_on_count = (pb_size_t)e->reads.count;
	e->reply.valid_ms = explanation_valid_ms(e->server);
}

int
explain_found(struct explaining *e, const struct kind_desc *kind, const struct record *record,
	      struct fault *f)
{
	if (kind->kind == KIND_APPLICATION)
		return explain_application(e, record->body, f);
	e->reply.revision = record->revision;
	struct slice state = kind->workflow || kind->kind == KIND_RESOURCE ? wire_string(record->body, 5)
									   : (struct slice){NULL, 0};
	e->reply.state = arena_dup_slice(&e->messages.arena, state);
	const struct register_desc *desc = register_find(kind->kind);
	if (desc)
		return explain_register(e, desc, record, f);
	return kind->kind == KIND_NODE ? explain_node(e, record->body, f) : 0;
}

static int
explain_record(struct explaining *e, struct call *c, struct slice message, struct fault *f)
{
	struct name name;
	struct record record;
	struct slice text = wire_string(message, 1);
	int rc = caller_identify(c, &e->actor, f);
	if (rc != 0 || (rc = name_parse(&name, text, f)) != 0)
		return rc;
	struct access access = access_of(e->actor, name.kind);
	rc = record_get(server_reader(e->server), &name, &record);
	if (rc != 0)
		return fault_set(f, rc, "there is no %.*s", (int)text.n, text.p);
	if (!access_allows(&access, record.department, record.node))
		return fault_set(f, ERR_FOREIGN_RECORD, "%.*s is not for %s to read", (int)text.n, text.p,
				 e->actor->principal);
	return explain_found(e, name.kind, &record, f);
}

static int
explain(struct explaining *e, struct call *c, struct slice message, struct fault *f)
{
	struct reader *r = server_reader(e->server);
	e->reads.arena = &e->messages.arena;
	/* Before reads are noted: what it is made of is named as a whole, fill_validity(). */
	if (!server_book(e->server, f))
		return f->code;
	reader_note(r, &e->reads);
	int rc = explain_record(e, c, message, f);
	reader_note(r, NULL);
	if (rc == 0)
		fill_validity(e);
	return rc;
}

static void
explain_message(struct call *c, struct slice message)
{
	struct fault f = {0};
	struct explaining e = {.server = call_server(c)};
	int rc = explain(&e, c, message, &f);
	struct slice reply = {NULL, 0};
	if (rc == 0)
		reply = message_encode(&e.messages, zwy_v1_ExplainResponse_fields, &e.reply);
	if (rc == 0 && !reply.p)
		fault_set(&f, ERR_NO_MEMORY, "out of memory");
	if (f.code)
		call_finish(c, &f);
	else
		call_reply(c, reply);
	message_list_release(&e.messages);
}

const struct call_handler explain_handler = {.message = explain_message};
