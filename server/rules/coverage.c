#include "rules/coverage.h"

#include <stdlib.h>

#include "rules/registers.h"
#include "rules/workflow.h"

#define ROW_MAX 96 /* bytes of kind:name */

const struct provision provision_table[] = {
#define PROVISION(id, requirement, rows, tests, silent) {id, requirement, rows, tests, silent},
#include "rules/coverage.def"
#undef PROVISION
};
const size_t provision_count = sizeof(provision_table) / sizeof(provision_table[0]);

static const char *const checks[] = {
#define CHECK(name, processes, created, submitted, resubmitted, approved) #name,
#include "rules/checks.def"
#undef CHECK
};

/* Tables, and files of server/data, whose rows have no names of their own. */
static const char *const tables[] = {"articles",   "measures",      "processes", "registers",
				     "visibility", "catalogue.csv", "nodes.csv", "regulation.txt"};

unsigned
provision_article(const struct provision *p)
{
	return (unsigned)atoi(p->id);
}

static bool
listed(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (text_is(names[i], name))
			return true;
	return false;
}

static bool
register_has(enum kind kind, const char *name, bool term)
{
	for (size_t i = 0; term && i < register_term_count; i++)
		if (register_terms[i].kind == kind && text_is(register_terms[i].name, name))
			return true;
	for (size_t i = 0; !term && i < register_step_count; i++)
		if (register_steps[i].kind == kind && text_is(register_steps[i].action, name))
			return true;
	return false;
}

/* PROCESS/NAME: an action or a term of a process, or of a register by its collection. */
static bool
process_has(const char *path, bool term)
{
	char name[ROW_MAX];
	const char *slash = strchr(path, '/');
	snprintf(name, sizeof(name), "%.*s", slash ? (int)(slash - path) : 0, path);
	const struct process *p = process_find(name);
	const struct register_desc *d = register_by_name(name);
	if (!p)
		return d && register_has(d->kind, slash + 1, term);
	if (term)
		return term_find(p, slash + 1) != TERM_NONE;
	for (size_t i = 0; i < p->step_count; i++)
		if (text_is(p->steps[i].action, slash + 1))
			return true;
	return false;
}

static bool
document_known(const char *type)
{
	for (size_t i = 0; i < document_type_count; i++)
		if (text_is(document_types[i].type, type))
			return true;
	return false;
}

bool
coverage_row_known(struct slice word)
{
	char kind[ROW_MAX];
	snprintf(kind, sizeof(kind), "%.*s", (int)word.n, word.p);
	char *name = strchr(kind, ':');
	if (!name)
		return false;
	*name++ = '\0';
	if (text_is(kind, "step") || text_is(kind, "term"))
		return process_has(name, text_is(kind, "term"));
	if (text_is(kind, "check"))
		return listed(checks, sizeof(checks) / sizeof(checks[0]), name);
	if (text_is(kind, "parameter"))
		return parameter_find(name) != NULL;
	if (text_is(kind, "document"))
		return document_known(name);
	if (text_is(kind, "refusal"))
		return reason_by_name(name) != ERR_UNKNOWN;
	return text_is(kind, "table") && listed(tables, sizeof(tables) / sizeof(tables[0]), name);
}

/* ---- what cites an article --------------------------------------------------- */

struct citing {
	unsigned article;
	void (*take)(void *ctx, const char *row);
	void *ctx;
};

static void
cite_row(const struct citing *c, const char *article, const char *kind, const char *owner, const char *name)
{
	char row[ROW_MAX];
	if ((unsigned)atoi(article) != c->article)
		return;
	snprintf(row, sizeof(row), "%s:%s%s%s", kind, owner, owner[0] ? "/" : "", name);
	c->take(c->ctx, row);
}

/* An action that several rows have is cited by the first of them. */
static bool
first_of_action(const struct process *p, size_t row)
{
	for (size_t i = 0; i < row; i++)
		if (text_is(p->steps[i].action, p->steps[row].action) &&
		    text_is(p->steps[i].article, p->steps[row].article))
			return false;
	return true;
}

static bool
first_of_register(size_t row)
{
	const struct register_step *s = &register_steps[row];
	for (size_t i = 0; i < row; i++)
		if (register_steps[i].kind == s->kind && text_is(register_steps[i].action, s->action) &&
		    text_is(register_steps[i].article, s->article))
			return false;
	return true;
}

static void
cite_registers(const struct citing *c)
{
	for (size_t i = 0; i < register_step_count; i++) {
		const struct register_step *s = &register_steps[i];
		if (first_of_register(i))
			cite_row(c, s->article, "step", register_find(s->kind)->collection, s->action);
	}
	for (size_t i = 0; i < register_term_count; i++) {
		const struct register_term *t = &register_terms[i];
		cite_row(c, t->article, "term", register_find(t->kind)->collection, t->name);
	}
}

void
coverage_citing(unsigned article, void (*take)(void *ctx, const char *row), void *ctx)
{
	const struct citing c = {article, take, ctx};
	for (const struct process *p = process_table; p < process_table + process_count; p++)
		for (size_t i = 0; i < p->step_count; i++)
			if (first_of_action(p, i))
				cite_row(&c, p->steps[i].article, "step", p->name, p->steps[i].action);
	for (size_t i = 0; i < term_count; i++)
		cite_row(&c, term_table[i].article, "term", term_table[i].process, term_table[i].name);
	cite_registers(&c);
	for (size_t i = 0; i < parameter_count; i++)
		cite_row(&c, parameter_table[i].article, "parameter", "", parameter_table[i].key);
	for (size_t i = 0; i < document_type_count; i++)
		cite_row(&c, document_types[i].article, "document", "", document_types[i].type);
	for (int code = -1; code > -REASON_COUNT; code--)
		if (reason_of(code)->article == (int)article) {
			char row[ROW_MAX];
			snprintf(row, sizeof(row), "refusal:%s", reason_of(code)->name);
			take(ctx, row);
		}
}
