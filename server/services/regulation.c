/* RuleService: the processes as the program's tables have them, and how each
 * paragraph of the regulation is carried out. Constant; nothing of the store. */
#include "rules/articles.h"
#include "rules/coverage.h"
#include "rules/names.h"
#include "rules/parameters.h"
#include "rules/process.h"
#include "rules/registers.h"
#include "server.h"
#include "services/message.h"
#include "services/service.h"
#include "wire.h"
#include "zwy/v1/rule.pb.h"

enum { GET_PROCESS_NAME = 1, LIST_COVERAGE_ARTICLE = 1 };

static char **
roles_of(struct arena *arena, unsigned roles, pb_size_t *ret_count)
{
	const char *names[ROLE_NAMES_MAX];
	size_t n = role_names(roles, names);
	char **ret = arena_array(arena, n, sizeof(*ret));
	*ret_count = 0;
	for (size_t i = 0; ret && i < n; i++)
		ret[(*ret_count)++] = (char *)names[i];
	return ret;
}

static void
fill_states(struct arena *arena, const struct process *p, zwy_v1_Process *ret)
{
	ret->states = arena_array(arena, p->state_count, sizeof(*ret->states));
	for (size_t i = 0; ret->states && i < p->state_count; i++) {
		const struct state *s = &p->states[i];
		zwy_v1_ProcessState *to = &ret->states[ret->states_count++];
		*to = (zwy_v1_ProcessState){
			.name = (char *)s->name,
			.final = s->final,
			.article = (char *)s->article,
			.text = (char *)s->text,
		};
		to->roles = roles_of(arena, s->roles, &to->roles_count);
	}
}

static void
fill_steps(struct arena *arena, const struct process *p, zwy_v1_Process *ret)
{
	ret->steps = arena_array(arena, p->step_count, sizeof(*ret->steps));
	for (size_t i = 0; ret->steps && i < p->step_count; i++) {
		const struct step *s = &p->steps[i];
		const struct term_desc *starts = step_starts(p, i), *stops = step_stops(p, i);
		zwy_v1_ProcessStep *to = &ret->steps[ret->steps_count++];
		*to = (zwy_v1_ProcessStep){
			.from = (char *)s->from,
			.action = (char *)s->action,
			.to = (char *)s->to,
			.when = (char *)s->when,
			.article = (char *)s->article,
			.description = (char *)s->description,
			.starts = (char *)(starts ? starts->name : ""),
			.stops = (char *)(stops ? stops->name : ""),
		};
		to->roles = roles_of(arena, s->roles, &to->roles_count);
		to->form = message_words(arena, s->form, &to->form_count);
	}
}

static const char *
unit_name(enum term_unit unit)
{
	return unit == UNIT_MONTHS ? "months" : unit == UNIT_HOURS ? "hours" : "working_days";
}

static void
fill_terms(struct arena *arena, const struct process *p, zwy_v1_Process *ret)
{
	ret->terms = arena_array(arena, term_count, sizeof(*ret->terms));
	for (size_t i = 0; ret->terms && i < term_count; i++) {
		const struct term_desc *t = &term_table[i];
		if (strcmp(t->process, p->name) != 0)
			continue;
		zwy_v1_ProcessTerm *to = &ret->terms[ret->terms_count++];
		*to = (zwy_v1_ProcessTerm){
			.name = (char *)t->name,
			.article = (char *)t->article,
			.statutory = t->statutory,
			.parameter = (char *)parameter_table[t->parameter].key,
			.then = (char *)t->then,
			.text = (char *)t->text,
			.unit = (char *)unit_name(t->unit),
		};
		to->roles = roles_of(arena, t->roles, &to->roles_count);
	}
}

static zwy_v1_Process
process_message(struct arena *arena, const struct process *p)
{
	zwy_v1_Process ret = {
		.name = (char *)p->name,
		.kind = p->kind,
		.article = (char *)p->article,
		.title = (char *)p->title,
	};
	ret.deciders = roles_of(arena, p->deciders, &ret.deciders_count);
	ret.applicants = roles_of(arena, p->applicants, &ret.applicants_count);
	fill_states(arena, p, &ret);
	fill_steps(arena, p, &ret);
	fill_terms(arena, p, &ret);
	return ret;
}

/* ---- registers ------------------------------------------------------------- */

static void
fill_register_states(struct arena *arena, enum kind kind, zwy_v1_Process *ret)
{
	ret->states = arena_array(arena, register_state_count, sizeof(*ret->states));
	for (size_t i = 0; ret->states && i < register_state_count; i++) {
		const struct register_state *s = &register_states[i];
		if (s->kind != kind)
			continue;
		zwy_v1_ProcessState *to = &ret->states[ret->states_count++];
		*to = (zwy_v1_ProcessState){
			.name = (char *)s->name,
			.final = s->final,
			.article = (char *)s->article,
			.text = (char *)s->text,
		};
		to->roles = roles_of(arena, s->roles, &to->roles_count);
	}
}

/* Returns the roles that decide: whose steps the department itself may not take. */
static unsigned
fill_register_steps(struct arena *arena, enum kind kind, zwy_v1_Process *ret)
{
	const unsigned department = ROLE_BIT(zwy_v1_ROLE_DU);
	unsigned deciders = 0;
	ret->steps = arena_array(arena, register_step_count, sizeof(*ret->steps));
	for (size_t i = 0; ret->steps && i < register_step_count; i++) {
		const struct register_step *s = &register_steps[i];
		if (s->kind != kind)
			continue;
		zwy_v1_ProcessStep *to = &ret->steps[ret->steps_count++];
		*to = (zwy_v1_ProcessStep){
			.from = (char *)s->from,
			.action = (char *)s->action,
			.to = (char *)s->to,
			.when = (char *)s->when,
			.article = (char *)s->article,
			.description = (char *)s->description,
		};
		to->roles = roles_of(arena, s->roles, &to->roles_count);
		to->form = message_words(arena, s->form, &to->form_count);
		if (!(s->roles & department))
			deciders |= s->roles;
	}
	return deciders;
}

static void
fill_register_terms(struct arena *arena, enum kind kind, zwy_v1_Process *ret)
{
	ret->terms = arena_array(arena, register_term_count, sizeof(*ret->terms));
	for (size_t i = 0; ret->terms && i < register_term_count; i++) {
		const struct register_term *t = &register_terms[i];
		if (t->kind != kind)
			continue;
		zwy_v1_ProcessTerm *to = &ret->terms[ret->terms_count++];
		*to = (zwy_v1_ProcessTerm){
			.name = (char *)t->name,
			.article = (char *)t->article,
			.statutory = t->statutory,
			.then = (char *)t->then,
			.text = (char *)t->text,
		};
		to->roles = roles_of(arena, ROLE_BIT(zwy_v1_ROLE_DU), &to->roles_count);
	}
}

static zwy_v1_Process
register_message(struct arena *arena, const struct register_desc *d)
{
	zwy_v1_Process ret = {
		.name = (char *)d->collection,
		.article = (char *)d->article,
		.title = (char *)d->title,
	};
	fill_register_states(arena, d->kind, &ret);
	ret.deciders = roles_of(arena, fill_register_steps(arena, d->kind, &ret), &ret.deciders_count);
	fill_register_terms(arena, d->kind, &ret);
	return ret;
}

/* ---- methods ------------------------------------------------------------------ */

static int
get_process(struct message_list *list, struct slice message, struct slice *ret, struct fault *f)
{
	char *name = arena_dup_slice(&list->arena, wire_string(message, GET_PROCESS_NAME));
	const struct process *p = name ? process_find(name) : NULL;
	const struct register_desc *d = name ? register_by_name(name) : NULL;
	if (!p && !d) {
		char known[256] = "";
		for (size_t i = 0; i < process_count; i++)
			list_add(known, sizeof(known), ", ", process_table[i].name);
		for (size_t i = 0; i < register_count; i++)
			list_add(known, sizeof(known), ", ", register_table[i].collection);
		return fault_set(f, ERR_NOT_FOUND, "there is no process `%.40s`; there are: %s",
				 name ? name : "", known);
	}
	zwy_v1_Process reply = p ? process_message(&list->arena, p) : register_message(&list->arena, d);
	*ret = message_encode(list, zwy_v1_Process_fields, &reply);
	return 0;
}

static int
list_processes(struct message_list *list, struct slice message, struct slice *ret, struct fault *f)
{
	zwy_v1_ListProcessesResponse reply = {0};
	(void)message; /* has no fields */
	(void)f;
	reply.items = arena_array(&list->arena, process_count + register_count, sizeof(*reply.items));
	for (size_t i = 0; reply.items && i < process_count; i++)
		reply.items[reply.items_count++] = process_message(&list->arena, &process_table[i]);
	for (size_t i = 0; reply.items && i < register_count; i++)
		reply.items[reply.items_count++] = register_message(&list->arena, &register_table[i]);
	*ret = message_encode(list, zwy_v1_ListProcessesResponse_fields, &reply);
	return 0;
}

/* ---- coverage ------------------------------------------------------------------ */

struct citing {
	struct arena *arena;
	char **rows; /* NULL while they are only counted */
	pb_size_t count;
};

static void
take_citing(void *ctx, const char *row)
{
	struct citing *c = ctx;
	if (c->rows)
		c->rows[c->count] = arena_strdup(c->arena, row);
	c->count++;
}

static zwy_v1_ArticleCoverage
coverage_message(struct arena *arena, const struct article *article)
{
	struct citing citing = {.arena = arena};
	zwy_v1_ArticleCoverage ret = {
		.article = arena_printf(arena, "%u", article->number),
		.title = (char *)article->title,
		.provisions = arena_array(arena, provision_count, sizeof(*ret.provisions)),
	};
	for (size_t i = 0; ret.provisions && i < provision_count; i++) {
		const struct provision *p = &provision_table[i];
		if (provision_article(p) != article->number)
			continue;
		zwy_v1_Provision *to = &ret.provisions[ret.provisions_count++];
		*to = (zwy_v1_Provision){
			.id = (char *)p->id,
			.requirement = (char *)p->requirement,
			.silent = (char *)p->silent,
		};
		to->rows = message_words(arena, p->rows, &to->rows_count);
		to->tests = message_words(arena, p->tests, &to->tests_count);
	}
	coverage_citing(article->number, take_citing, &citing);
	citing.rows = arena_array(arena, citing.count, sizeof(*citing.rows));
	citing.count = 0;
	if (citing.rows)
		coverage_citing(article->number, take_citing, &citing);
	ret.citing = citing.rows;
	ret.citing_count = citing.count;
	return ret;
}

static int
list_coverage(struct message_list *list, struct slice message, struct slice *ret, struct fault *f)
{
	zwy_v1_ListCoverageResponse reply = {0};
	struct slice asked = wire_string(message, LIST_COVERAGE_ARTICLE);
	uint64_t number = 0;
	if (asked.n && (!slice_to_u64(asked, &number) || !article_find((unsigned)number)))
		return fault_set(f, ERR_NOT_FOUND,
				 "there is no article %.*s; there are 1 to %d, and %d, the appendix",
				 asked.n < 40 ? (int)asked.n : 40, asked.p, ARTICLE_COUNT, ARTICLE_APPENDIX);
	reply.items = arena_array(&list->arena, article_count, sizeof(*reply.items));
	for (size_t i = 0; reply.items && i < article_count; i++)
		if (number == 0 || article_table[i].number == number)
			reply.items[reply.items_count++] = coverage_message(&list->arena, &article_table[i]);
	*ret = message_encode(list, zwy_v1_ListCoverageResponse_fields, &reply);
	return 0;
}

/* ---- replies --------------------------------------------------------------------- */

static void
answer(struct call *c, struct slice message,
       int (*make)(struct message_list *list, struct slice message, struct slice *ret, struct fault *f))
{
	struct fault f = {0};
	struct message_list list = {0};
	struct slice reply = {NULL, 0};
	const struct actor *actor;
	int rc = caller_identify(c, &actor, &f);
	if (rc == 0)
		rc = make(&list, message, &reply, &f);
	if (rc == 0 && (!reply.p || list.arena.failed))
		fault_set(&f, ERR_NO_MEMORY, "out of memory");
	if (f.code)
		call_finish(c, &f);
	else
		call_reply(c, reply);
	message_list_release(&list);
}

static void
get_process_message(struct call *c, struct slice message)
{
	answer(c, message, get_process);
}

static void
list_processes_message(struct call *c, struct slice message)
{
	answer(c, message, list_processes);
}

static void
list_coverage_message(struct call *c, struct slice message)
{
	answer(c, message, list_coverage);
}

const struct call_handler get_process_handler = {.message = get_process_message};
const struct call_handler list_processes_handler = {.message = list_processes_message};
const struct call_handler list_coverage_handler = {.message = list_coverage_message};
