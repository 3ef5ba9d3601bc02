/* The names in every directory, and the links of the views over collections. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "record.h"
#include "view.h"
#include "wire.h"

static const struct ask *
list_of(const struct view_task *t)
{
	static const unsigned lists[] = {NEED_COLLECTION, NEED_CASES,  NEED_DOCUMENTS,
					 NEED_REQUESTS,   NEED_EVENTS, NEED_HISTORY};
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const struct ask *a = view_answer(t, lists[i]);
		if (a)
			return a;
	}
	return NULL;
}

static struct slice
list_bytes(const struct view_task *t)
{
	const struct ask *a = list_of(t);
	return a ? buf_slice(&a->answer) : (struct slice){0};
}

/* The next record of a list answer. */
static bool
next_item(struct slice *list, struct slice *ret)
{
	struct wire_field w;
	while (wire_next(list, &w) == 1)
		if (w.number == 1 && w.type == WIRE_LEN) {
			*ret = w.bytes;
			return true;
		}
	return false;
}

/* By number: names differ between kinds, so it is looked up once. */
static uint32_t
number_of(const struct kind_desc *kind, const char *field)
{
	const struct field_desc *f = kind ? field_by_name(kind->message, slice_of(field)) : NULL;
	return f ? f->number : 0;
}

static struct slice
field(const struct kind_desc *kind, struct slice record, const char *name)
{
	uint32_t number = number_of(kind, name);
	return number ? wire_string(record, number) : (struct slice){0};
}

/* ---- collections ------------------------------------------------------- */

enum content_type
view_entry_type(const struct place *p)
{
	return p->view == VIEW_MINE || p->view == VIEW_MONTH || p->view == VIEW_STATE ? CONTENT_LINK
										      : CONTENT_DIRECTORY;
}

void
view_add_names(struct content *c, enum content_type type, bool values, struct slice page)
{
	struct slice item;
	while (next_item(&page, &item))
		content_add(c, type, values ? item : last_part(wire_string(item, 1)));
}

/* Names of the list's items, in its order. */
static void
item_names(struct view_task *t, struct content *c)
{
	const struct ask *a = list_of(t);
	if (a)
		view_add_names(c, view_entry_type(&t->place), a->values, buf_slice(&a->answer));
}

static int
compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

/* Hashes of all Chinese names, sorted; to see which occur once. */
static uint64_t *
name_hashes(struct view_task *t, size_t *ret_count)
{
	struct slice list = list_bytes(t), record;
	size_t n = 0;
	while (next_item(&list, &record))
		n++;
	uint64_t *hashes = arena_array(&t->arena, n ? n : 1, sizeof(*hashes));
	if (!hashes)
		return NULL;
	list = list_bytes(t);
	for (size_t i = 0; i < n && next_item(&list, &record); i++)
		hashes[i] = slice_hash(HASH_FIRST, field(t->place.kind, record, "name_zh"));
	qsort(hashes, n, sizeof(*hashes), compare_u64);
	*ret_count = n;
	return hashes;
}

static bool
occurs_once(const uint64_t *hashes, size_t n, uint64_t h)
{
	size_t low = 0, high = n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (hashes[middle] < h)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && hashes[low] == h && (low + 1 == n || hashes[low + 1] != h);
}

/* Between the quotes of a filter stands no quote, and what follows an @ is a slug. */
bool
view_name_alone(struct slice zh)
{
	return !memchr(zh.p, '"', zh.n) && !memchr(zh.p, '@', zh.n);
}

/* 云服务器; where two records share a name, both carry their slug: 财政局@nanjing-finance. */
static int
chinese_names(struct view_task *t, struct content *c)
{
	size_t n = 0;
	uint64_t *hashes = name_hashes(t, &n);
	struct slice list = list_bytes(t), record;
	if (!hashes)
		return ENOMEM;
	while (next_item(&list, &record)) {
		struct slice zh = field(t->place.kind, record, "name_zh");
		struct slice slug = last_part(wire_string(record, 1));
		if (zh.n == 0)
			continue;
		if (view_name_alone(zh) && occurs_once(hashes, n, slice_hash(HASH_FIRST, zh)))
			content_add(c, CONTENT_LINK, zh);
		else
			content_add(c, CONTENT_LINK,
				    slice_of(arena_printf(&t->arena, "%.*s@%.*s", (int)zh.n, zh.p,
							  (int)slug.n, slug.p)));
	}
	content_sort(c);
	return 0;
}

bool
view_split_name(struct slice name, struct slice *ret_zh, struct slice *ret_slug)
{
	size_t n = name.n;
	while (n && name.p[n - 1] != '@')
		n--;
	if (n < 2 || n == name.n)
		return false;
	*ret_zh = (struct slice){name.p, n - 1};
	*ret_slug = (struct slice){name.p + n, name.n - n};
	return true;
}

/* by-layer: layer, then subcategory, then the service. */
static bool
in_layer(const struct view_task *t, struct slice record)
{
	const struct place *p = &t->place;
	return (p->var_count < 1 || slice_equal(field(p->kind, record, "layer"), p->vars[0])) &&
	       (p->var_count < 2 || slice_equal(field(p->kind, record, "subcategory"), p->vars[1])) &&
	       (p->var_count < 3 || slice_equal(last_part(wire_string(record, 1)), p->vars[2]));
}

static int
layer_names(struct view_task *t, struct content *c)
{
	struct slice list = list_bytes(t), record;
	bool any = t->place.view == VIEW_LAYERS;
	while (next_item(&list, &record)) {
		if (!in_layer(t, record))
			continue;
		any = true;
		if (t->place.view == VIEW_SUBCATEGORY)
			content_add(c, CONTENT_LINK, last_part(wire_string(record, 1)));
		else
			content_add(c, CONTENT_DIRECTORY,
				    field(t->place.kind, record,
					  t->place.view == VIEW_LAYERS ? "layer" : "subcategory"));
	}
	content_sort(c);
	return any ? 0 : ENOENT;
}

/* ---- the caller's own -------------------------------------------------- */

/* <due>--<id>, soonest first: a name without a date sorts behind the digits. What is no
 * application stands there by its whole name, e.g. 2027-12-31--forecasts--DEPARTMENT--2027. */
static void
inbox_entry(struct view_task *t, struct content *c, struct slice explained, struct slice name)
{
	struct slice due = wire_string(explained, 5), rest = name, part;
	struct name parsed;
	struct buf link = {0};
	buf_append_slice(&link, due.n ? due : SLICE("undated"));
	if (name_parse_kind(&parsed, KIND_APPLICATION, name, NULL) == 0)
		rest = parsed.vars[0];
	while (slice_cut(&rest, '/', &part)) {
		buf_append_str(&link, "--");
		buf_append_slice(&link, part);
	}
	buf_append_str(&link, "--");
	buf_append_slice(&link, rest);
	content_add(c, CONTENT_LINK, arena_copy(&t->arena, buf_slice(&link)));
	buf_release(&link);
}

static void
inbox_names(struct view_task *t, struct content *c)
{
	struct slice list = list_bytes(t), entry;
	while (next_item(&list, &entry))
		inbox_entry(t, c, wire_string(entry, 2), wire_string(entry, 1));
	content_sort(c);
}

static void
result_names(struct view_task *t, struct content *c)
{
	struct slice list = list_bytes(t), record;
	struct slice key = SLICE(BOX_KEY_PREFIX);
	while (next_item(&list, &record)) {
		struct slice name = last_part(wire_string(record, 1));
		if (slice_starts(name, key))
			content_add(c, CONTENT_DIRECTORY, (struct slice){name.p + key.n, name.n - key.n});
	}
	if (t->context->box)
		box_result_names(t->context->box, c);
	content_sort(c);
}

/* ---- records ----------------------------------------------------------- */

static void
record_dir_names(struct view_task *t, struct content *c)
{
	const struct place *p = &t->place;
	const struct ask *a = view_answer(t, p->needs & NEED_EVENT ? NEED_EVENT : NEED_RECORD);
	if (!a)
		return;
	struct part whole = {.type = PART_MESSAGE, .message = p->message, .bytes = buf_slice(&a->answer)};
	record_names(&whole, c);
	tree_record_names(p, c);
	content_sort(c);
}

/* Types of documents that are there, were announced in the request, or are missing. */
static void
document_types(struct view_task *t, struct content *c)
{
	const struct ask *application = view_answer(t, NEED_RECORD), *explain = view_answer(t, NEED_EXPLAIN);
	struct wire_field w;
	item_names(t, c);
	struct slice s = application ? buf_slice(&application->answer) : (struct slice){0};
	while (wire_next(&s, &w) == 1)
		if (w.number == 16 && w.type == WIRE_LEN)
			content_add(c, CONTENT_DIRECTORY, wire_string(w.bytes, 1));
	s = explain && !explain->code ? buf_slice(&explain->answer) : (struct slice){0};
	while (wire_next(&s, &w) == 1) {
		struct slice key = SLICE("document."), name;
		if (w.number != 2 || w.type != WIRE_LEN)
			continue;
		name = wire_string(w.bytes, 4);
		if (slice_starts(name, key))
			content_add(c, CONTENT_DIRECTORY, (struct slice){name.p + key.n, name.n - key.n});
	}
	tree_fixed_names(&t->place, c);
	content_sort(c);
}

static void
document_names(struct view_task *t, struct content *c)
{
	const struct ask *a = view_answer(t, NEED_RECORD);
	c->mode = 0777;
	if (!a || a->code)
		return;
	struct slice bytes = buf_slice(&a->answer);
	struct part whole = {.type = PART_MESSAGE, .message = t->place.message, .bytes = bytes};
	struct slice file = last_part(wire_string(bytes, 5));
	const char *path = arena_printf(&t->arena, "%s/%.*s", t->place.path, (int)file.n, file.p);
	if (!t->context->box || !box_hidden(t->context->box, slice_of(path)))
		content_add(c, CONTENT_FILE, file);
	record_names(&whole, c);
	content_add(c, CONTENT_FILE, SLICE("record"));
	content_add(c, CONTENT_FILE, SLICE("record.json"));
	content_add(c, CONTENT_FILE, SLICE("record.env"));
	content_sort(c);
}

static void
action_names(struct view_task *t, struct content *c)
{
	const struct ask *a = view_answer(t, NEED_EXPLAIN);
	struct slice s = a ? buf_slice(&a->answer) : (struct slice){0};
	struct wire_field w;
	while (wire_next(&s, &w) == 1)
		if (w.number == 3 && w.type == WIRE_LEN)
			content_add(c, CONTENT_FILE, wire_string(w.bytes, 1));
	content_sort(c);
}

/* The newest first. */
static void
audit_names(struct view_task *t, struct content *c)
{
	struct slice list = list_bytes(t), record;
	tree_fixed_names(&t->place, c);
	while (next_item(&list, &record)) {
		char name[24];
		snprintf(name, sizeof(name), "%llu", (unsigned long long)wire_uint(record, 1));
		content_add(c, CONTENT_DIRECTORY, slice_of(name));
	}
}

int
view_names(struct view_task *t, struct content *c)
{
	switch (t->place.view) {
	case VIEW_ROOT:
		tree_fixed_names(&t->place, c);
		tree_collections(c);
		content_sort(c);
		return 0;
	case VIEW_COLLECTION:
		tree_fixed_names(&t->place, c);
		item_names(t, c);
		return t->place.depth > 1 && t->place.needs & NEED_COLLECTION && c->count == 0 ? ENOENT : 0;
	case VIEW_RECORD:
	case VIEW_EVENT:
		record_dir_names(t, c);
		return 0;
	case VIEW_USERS:
		content_add(c, CONTENT_DIRECTORY, last_part(slice_of(t->context->principal)));
		return 0;
	case VIEW_RESULTS:
		result_names(t, c);
		return 0;
	case VIEW_INBOX:
		inbox_names(t, c);
		return 0;
	case VIEW_MINE:
	case VIEW_MONTH:
	case VIEW_STATE:
	case VIEW_MONTHS:
	case VIEW_STATES:
		item_names(t, c);
		return 0;
	case VIEW_DOCUMENTS:
		document_types(t, c);
		return 0;
	case VIEW_DOCUMENT:
		document_names(t, c);
		return 0;
	case VIEW_LAYERS:
	case VIEW_LAYER:
	case VIEW_SUBCATEGORY:
		return layer_names(t, c);
	case VIEW_NAMES:
		return chinese_names(t, c);
	case VIEW_ACTIONS:
		action_names(t, c);
		return 0;
	case VIEW_AUDIT:
		audit_names(t, c);
		return 0;
	default: /* status, users/x, requests, drafts: what is fixed; the mount adds files of its own */
		tree_fixed_names(&t->place, c);
		return 0;
	}
}

/* ---- links ------------------------------------------------------------- */

static int
link_to(struct view_task *t, struct content *c, struct slice target)
{
	tree_link(&t->place, target, &c->bytes);
	return 0;
}

static int
inbox_link(struct view_task *t, struct content *c)
{
	const struct ask *a = view_answer(t, NEED_EXPLAIN);
	struct slice due = a ? wire_string(buf_slice(&a->answer), 5) : (struct slice){0};
	struct slice shown = t->place.vars[1];
	if (due.n == 0)
		due = SLICE("undated");
	if (!a || !case_waits(buf_slice(&a->answer)) || !slice_starts(shown, due) || shown.n < due.n + 2 ||
	    memcmp(shown.p + due.n, "--", 2) != 0)
		return ENOENT;
	return link_to(t, c, t->place.name);
}

bool
case_in_view(const struct view_task *t, struct slice record)
{
	const struct place *p = &t->place;
	switch (p->view) {
	case VIEW_MINE_LINK:
		return t->context->principal &&
		       slice_is(field(p->kind, record, "submitter"), t->context->principal);
	case VIEW_MONTH_LINK:
		return slice_equal(field(p->kind, record, "month"), p->vars[0]);
	case VIEW_STATE_LINK:
		return slice_equal(field(p->kind, record, "state"), p->vars[0]);
	default:
		return false;
	}
}

/* The only record of that name, or the one with the slug behind it. */
static int
name_link(struct view_task *t, struct content *c)
{
	struct slice list = list_bytes(t), named, other, zh, slug;
	const struct ask *a = view_answer(t, NEED_RECORD);
	if (!a)
		return next_item(&list, &named) && !next_item(&list, &other)
			       ? link_to(t, c, wire_string(named, 1))
			       : ENOENT;
	if (!view_split_name(t->place.vars[0], &zh, &slug) ||
	    !slice_equal(field(t->place.kind, buf_slice(&a->answer), "name_zh"), zh))
		return ENOENT;
	return link_to(t, c, wire_string(buf_slice(&a->answer), 1));
}

static int
layer_link(struct view_task *t, struct content *c)
{
	struct slice list = list_bytes(t), record;
	while (next_item(&list, &record))
		if (in_layer(t, record))
			return link_to(t, c, wire_string(record, 1));
	return ENOENT;
}

int
view_link(struct view_task *t, struct content *c)
{
	const struct ask *a;
	switch (t->place.view) {
	case VIEW_INBOX_LINK:
		return inbox_link(t, c);
	case VIEW_NAME_LINK:
		return name_link(t, c);
	case VIEW_LAYER_LINK:
		return layer_link(t, c);
	default:
		a = view_answer(t, NEED_RECORD);
		if (!a || !case_in_view(t, buf_slice(&a->answer)))
			return ENOENT;
		return link_to(t, c, t->place.name);
	}
}
