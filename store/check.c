#include "store/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void
check_problem(struct check *c, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->report->problems++;
	if (c->report->problem)
		c->report->problem(c->report->ctx, text);
}

const char *
check_name(struct check *c, struct slice key)
{
	buf_clear(&c->text);
	if (name_of_key(&c->text, key) != 0) {
		buf_clear(&c->text);
		buf_append_str(&c->text, "(a key that is no name)");
	}
	buf_append_char(&c->text, '\0');
	return c->text.error ? "(out of memory)" : c->text.p;
}

int
check_find(struct check *c, struct slice name, struct record *ret)
{
	char bytes[KEY_MAX_BYTES];
	struct buf key = {.p = bytes, .cap = sizeof(bytes), .max = sizeof(bytes)};
	struct name parsed;
	struct slice row;
	if (name_parse(&parsed, name, NULL) != 0 || name_key(&key, &parsed) != 0 ||
	    view_get(c->view, TABLE_RECORDS, buf_slice(&key), &row) != 0 ||
	    record_parse(ret, buf_slice(&key), row) != 0)
		return ERR_NOT_FOUND;
	ret->key = (struct slice){0}; /* it was this call's */
	return 0;
}

int
check_each(struct check *c, enum table t, struct slice prefix, check_row_fn each, void *arg)
{
	struct cursor *cursor;
	struct slice key, row;
	int rc = cursor_open(&cursor, c->view, t);
	if (rc != 0)
		return rc;
	rc = cursor_move(cursor, MOVE_FROM, prefix, &key, &row);
	while (rc == 0 && slice_starts(key, prefix)) {
		rc = each(c, arg, key, row);
		if (rc == 0)
			rc = cursor_move(cursor, MOVE_NEXT, prefix, &key, &row);
	}
	cursor_close(cursor);
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int
check_all(struct check *c)
{
	int rc = check_records(c);
	if (rc == 0)
		rc = check_logs(c);
	if (rc == 0)
		rc = check_ledger(c);
	if (rc == 0)
		rc = check_resources(c);
	return rc ? rc : check_document_bodies(c);
}

static int
check_open(struct check *c, struct engine **ret_engine, struct fault *f)
{
	int rc = engine_open(ret_engine, c->dir, &(struct engine_options){.read_only = true}, f);
	if (rc != 0)
		return rc;
	rc = view_open(&c->view, *ret_engine);
	if (rc != 0)
		return fault_set(f, rc, "%s: the store cannot be read", c->dir);
	rc = meta_check(c->view, c->dir, f);
	if (rc != 0)
		return rc;
	rc = chain_open(&c->chain);
	if (rc == 0)
		rc = meta_get_head(c->view, LOG_EVENTS, &c->events);
	if (rc == 0)
		rc = meta_get_head(c->view, LOG_ACCESSES, &c->accesses);
	return rc ? fault_set(f, rc, "%s: the logs' heads cannot be read", c->dir) : 0;
}

int
store_check(const char *dir, struct check_report *report, struct fault *f)
{
	struct check c = {.dir = dir, .report = report};
	struct engine *engine = NULL;
	int lock = -1;
	report->records = report->events = report->documents = report->index_entries = 0;
	report->problems = report->orphans = 0;
	if (!store_exists(dir))
		return fault_set(f, ERR_NO_STORE, "%s holds no store", dir);
	int rc = directory_lock(&lock, dir, f);
	if (rc != 0)
		return rc;
	rc = check_open(&c, &engine, f);
	if (rc == 0 && (rc = check_all(&c)) != 0)
		fault_set(f, rc, "%s: the check could not go on: %s", dir, reason_of(rc)->text);
	view_abort(c.view);
	engine_close(engine);
	chain_close(c.chain);
	buf_release(&c.text);
	close(lock);
	return rc;
}
