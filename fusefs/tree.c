#include "tree.h"

#include <errno.h>
#include <stdio.h>

#include "base/error.h"
#include "record.h"

static const struct tree_row rows[] = {
#define DIRECTORY                             CONTENT_DIRECTORY
#define FILE                                  CONTENT_FILE
#define LINK                                  CONTENT_LINK
#define ROW(path, view, type, needs, listing) {path, VIEW_##view, type, needs, listing},
#include "tree.def"
#undef ROW
#undef DIRECTORY
#undef FILE
#undef LINK
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* Virtual files of a record. */
static const struct virtual_file {
	const char *name;
	enum view view;
	enum content_type type;
	unsigned needs, listing_needs;
	bool workflow; /* of workflow records only */
	bool in_kind;  /* only where the record has a kind: not of events */
} virtual_files[] = {
	{"record", VIEW_TEXT, CONTENT_FILE, 0, 0, false, false},
	{"record.json", VIEW_JSON, CONTENT_FILE, 0, 0, false, false},
	{"record.env", VIEW_ENV, CONTENT_FILE, 0, 0, false, false},
	{"history", VIEW_HISTORY, CONTENT_FILE, NEED_HISTORY, 0, false, true},
	{"status", VIEW_CASE_STATUS, CONTENT_FILE, NEED_EXPLAIN, 0, true, true},
	{"due", VIEW_CASE_DUE, CONTENT_FILE, NEED_EXPLAIN, 0, true, true},
	{"why", VIEW_CASE_WHY, CONTENT_FILE, NEED_EXPLAIN, 0, true, true},
	{"next", VIEW_CASE_NEXT, CONTENT_FILE, NEED_EXPLAIN, 0, true, true},
	{"actions", VIEW_ACTIONS, CONTENT_DIRECTORY, 0, NEED_EXPLAIN, true, true},
};
#define VIRTUAL_COUNT (sizeof(virtual_files) / sizeof(virtual_files[0]))

struct parts {
	struct slice at[TREE_MAX_DEPTH];
	size_t n;
};

static bool
split(struct parts *ret, struct slice path)
{
	ret->n = 0;
	if (path.n == 0)
		return true;
	struct slice rest = path, part;
	while (slice_cut(&rest, '/', &part)) {
		if (part.n == 0 || ret->n == TREE_MAX_DEPTH - 1)
			return false;
		ret->at[ret->n++] = part;
	}
	ret->at[ret->n++] = rest;
	return rest.n > 0;
}

static bool
is_variable(struct slice s)
{
	return s.n > 2 && s.p[0] == '{';
}

static bool
row_match(const struct tree_row *row, const struct parts *path, struct place *p)
{
	struct parts pattern;
	split(&pattern, slice_of(row->path));
	if (pattern.n != path->n)
		return false;
	p->var_count = 0;
	for (size_t i = 0; i < path->n; i++) {
		if (is_variable(pattern.at[i]))
			p->vars[p->var_count++] = path->at[i];
		else if (!slice_equal(pattern.at[i], path->at[i]))
			return false;
	}
	p->row = row;
	p->view = row->view;
	p->type = row->type;
	p->needs = row->needs;
	p->listing_needs = row->listing_needs;
	return true;
}

/* The place is about the record of that name, in name_text. */
static int
parse_name_text(struct place *p)
{
	struct name name;
	p->name = slice_of(p->name_text);
	if (name_parse(&name, p->name, NULL) < 0)
		return ERR_NOT_FOUND;
	p->kind = name.kind;
	p->message = name.kind->message;
	return 0;
}

/* The place is about the record applications/{id}, or applications/{id}/documents/{type}. */
static int
set_name(struct place *p, struct slice id, struct slice type)
{
	int n = snprintf(p->name_text, sizeof(p->name_text), "applications/%.*s%s%.*s", (int)id.n, id.p,
			 type.n ? "/documents/" : "", (int)type.n, type.n ? type.p : "");
	if (n < 0 || (size_t)n >= sizeof(p->name_text))
		return ERR_NOT_FOUND;
	return parse_name_text(p);
}

/* The same for forecasts--provincial-finance--2027: a record by its whole name. */
static int
set_whole_name(struct place *p, struct slice parts)
{
	size_t n = 0;
	for (size_t i = 0; i < parts.n && n + 1 < sizeof(p->name_text); i++) {
		bool between = i + 1 < parts.n && parts.p[i] == '-' && parts.p[i + 1] == '-';
		p->name_text[n++] = between ? '/' : parts.p[i];
		i += between;
	}
	p->name_text[n] = '\0';
	return parse_name_text(p);
}

static bool
has_double_hyphen(struct slice s)
{
	for (size_t i = 0; i + 1 < s.n; i++)
		if (s.p[i] == '-' && s.p[i + 1] == '-')
			return true;
	return false;
}

/* <due>--<id>: the id. */
static struct slice
case_of(struct slice name)
{
	for (size_t i = 0; i + 2 < name.n; i++)
		if (name.p[i] == '-' && name.p[i + 1] == '-')
			return (struct slice){name.p + i + 2, name.n - i - 2};
	return name;
}

/* The value of the row's variable of that name, e.g. "{case}"; empty: it has none. */
static struct slice
row_variable(const struct place *p, const char *variable)
{
	struct parts pattern;
	size_t var = 0;
	split(&pattern, slice_of(p->row->path));
	for (size_t i = 0; i < pattern.n; i++) {
		if (slice_is(pattern.at[i], variable))
			return p->vars[var];
		var += is_variable(pattern.at[i]);
	}
	return (struct slice){0};
}

/* What record or collection a row of tree.def is about. */
static int
row_subject(struct place *p, const struct parts *path)
{
	struct slice id = row_variable(p, "{case}"), type = row_variable(p, "{type}");
	uint64_t revision;
	unsigned needs = p->needs | p->listing_needs;
	p->rest = row_variable(p, "{file}");
	if (type.n)
		return set_name(p, id, type);
	if (id.n && p->view == VIEW_INBOX_LINK && has_double_hyphen(case_of(id)))
		return set_whole_name(p, case_of(id));
	if (id.n)
		return set_name(p, case_of(id), (struct slice){0});
	if (p->view == VIEW_EVENT) {
		p->name = slice_of(p->path);
		p->message = message_by_name(SLICE("zwy.v1.Event"));
		return slice_to_u64(p->vars[0], &revision) ? 0 : ERR_NOT_FOUND;
	}
	if (needs & (NEED_COLLECTION | NEED_CASES)) {
		p->name = needs & NEED_CASES ? SLICE("applications") : path->at[0];
		p->kind = kind_by_collection(p->name);
		return p->kind ? 0 : ERR_NOT_FOUND;
	}
	return 0;
}

static struct slice
prefix(const struct place *p, const struct parts *path, size_t n)
{
	const char *end = path->at[n - 1].p + path->at[n - 1].n;
	return (struct slice){p->path, (size_t)(end - p->path)};
}

static int
resolve_virtual(struct place *p, const struct parts *path, size_t record_parts)
{
	size_t below = path->n - record_parts;
	for (size_t i = 0; below && i < VIRTUAL_COUNT; i++) {
		const struct virtual_file *v = &virtual_files[i];
		if (!slice_is(path->at[record_parts], v->name) || (v->in_kind && !p->kind) ||
		    (v->workflow && !p->kind->workflow))
			continue;
		if (below == 2 && v->view == VIEW_ACTIONS) {
			p->view = VIEW_ACTION;
			p->type = CONTENT_FILE;
			p->needs = NEED_EXPLAIN;
			p->rest = path->at[record_parts + 1];
			return 0;
		}
		if (below != 1)
			return ERR_NOT_FOUND;
		p->view = v->view;
		p->type = v->type;
		p->needs |= v->needs;
		p->listing_needs |= v->listing_needs;
		return 0;
	}
	const char *rest = path->at[record_parts].p;
	p->view = VIEW_FIELD;
	p->type = CONTENT_FILE;
	p->rest = (struct slice){rest, strlen(rest)};
	return 0;
}

static int
resolve_record(struct place *p, const struct parts *path)
{
	for (size_t n = path->n; n >= 2; n--) {
		struct name name;
		p->name = prefix(p, path, n);
		if (name_parse(&name, p->name, NULL) == 0) {
			p->kind = name.kind;
			p->message = name.kind->message;
			p->needs = p->listing_needs = NEED_RECORD;
		} else if (n == 2 && slice_is(path->at[0], "audit")) {
			uint64_t revision;
			if (!slice_to_u64(path->at[1], &revision))
				return ERR_NOT_FOUND;
			p->message = message_by_name(SLICE("zwy.v1.Event"));
			p->needs = p->listing_needs = NEED_EVENT;
		} else {
			continue;
		}
		if (n < path->n)
			return resolve_virtual(p, path, n);
		p->view = VIEW_RECORD;
		p->type = CONTENT_DIRECTORY;
		return 0;
	}
	return ERR_NOT_FOUND;
}

static int
resolve_collection(struct place *p, const struct parts *path)
{
	struct name name;
	p->name = slice_of(p->path);
	if (name_parse(&name, p->name, NULL) == 0 || name_parse_collection(&name, p->name, NULL) < 0)
		return ERR_NOT_FOUND;
	p->kind = name.kind;
	p->view = VIEW_COLLECTION;
	p->type = CONTENT_DIRECTORY;
	p->listing_needs = NEED_COLLECTION;
	if (path->n == 1)
		return 0;
	struct name parent;
	struct slice above = prefix(p, path, path->n - 1);
	p->needs = name_parse(&parent, above, NULL) == 0 ? NEED_PARENT : NEED_COLLECTION;
	return 0;
}

int
tree_resolve(struct place *ret, struct slice path)
{
	struct parts parts;
	memset(ret, 0, offsetof(struct place, path));
	if (path.n >= sizeof(ret->path))
		return ERR_NOT_FOUND;
	if (path.n)
		memcpy(ret->path, path.p, path.n);
	ret->path[path.n] = '\0';
	if (!split(&parts, slice_of(ret->path)) || !utf8_valid(path))
		return ERR_NOT_FOUND;
	ret->depth = parts.n;
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (row_match(&rows[i], &parts, ret))
			return row_subject(ret, &parts);
	if (resolve_collection(ret, &parts) == 0 || resolve_record(ret, &parts) == 0)
		return 0;
	return ERR_NOT_FOUND;
}

unsigned
place_traits(const struct place *p)
{
	switch (p->view) {
	case VIEW_RECORD:
	case VIEW_EVENT:
	case VIEW_TEXT:
	case VIEW_JSON:
	case VIEW_ENV:
		if (!p->kind || p->kind->kind == KIND_SERVICE_VERSION)
			return TRAIT_LASTING | TRAIT_KEPT | TRAIT_CONSTANT;
		return TRAIT_LASTING | TRAIT_KEPT;
	case VIEW_HISTORY:
		return TRAIT_LASTING | TRAIT_KEPT | TRAIT_GROWS;
	case VIEW_CASE_STATUS:
	case VIEW_CASE_DUE:
	case VIEW_MONTH_LINK:
	case VIEW_DOCUMENTS:
	case VIEW_ACTIONS:
		return TRAIT_LASTING | TRAIT_KEPT;
	case VIEW_FIELD:
		return TRAIT_KEPT | (record_lasting(p->message, p->rest) ? TRAIT_LASTING : 0);
	case VIEW_STATE_LINK:
	case VIEW_MINE_LINK:
	case VIEW_NAME_LINK:
		return TRAIT_KEPT;
	case VIEW_NEW:
	case VIEW_ACTION:
	case VIEW_BODY:
	case VIEW_DOCUMENT:
	case VIEW_REQUESTS:
	case VIEW_DRAFTS:
		return TRAIT_WRITABLE;
	case VIEW_COLLECTION:
		return TRAIT_KEPT | TRAIT_LASTING | (p->needs ? 0 : TRAIT_FIXED);
	default:
		return p->needs == 0 && p->type == CONTENT_DIRECTORY ? TRAIT_FIXED : 0;
	}
}

/* Whether the row lies one literal below the place's row or, for a record, below
 * its name with variables; *ret_name is the literal. */
static bool
row_below(const struct tree_row *row, const struct parts *place, struct slice *ret_name)
{
	struct parts pattern;
	split(&pattern, slice_of(row->path));
	if (pattern.n != place->n + 1 || is_variable(pattern.at[place->n]))
		return false;
	for (size_t i = 0; i < place->n; i++)
		if (!is_variable(pattern.at[i]) && !slice_equal(pattern.at[i], place->at[i]))
			return false;
	*ret_name = pattern.at[place->n];
	return true;
}

void
tree_fixed_names(const struct place *p, struct content *directory)
{
	struct parts place;
	struct slice name;
	if (!split(&place, slice_of(p->path)))
		return;
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (row_below(&rows[i], &place, &name))
			content_add(directory, rows[i].type, name);
}

void
tree_collections(struct content *directory)
{
	for (size_t i = 0; i < kind_count; i++)
		content_add(directory, CONTENT_DIRECTORY, slice_of(kind_table[i]->segments[0].text));
}

/* Collections whose names begin with the record's pattern: catalogue/{service}/versions. */
static void
collections_below(const struct place *p, struct content *directory)
{
	for (size_t i = 0; p->kind && i < kind_count; i++) {
		const struct kind_desc *k = kind_table[i];
		size_t n = p->kind->segment_count;
		if (k->segment_count <= n || k->segments[n].type != SEGMENT_LITERAL)
			continue;
		bool below = true;
		for (size_t s = 0; s < n; s++)
			if (k->segments[s].type != p->kind->segments[s].type ||
			    strcmp(k->segments[s].text, p->kind->segments[s].text) != 0)
				below = false;
		if (below)
			content_add(directory, CONTENT_DIRECTORY, slice_of(k->segments[n].text));
	}
}

void
tree_record_names(const struct place *p, struct content *directory)
{
	for (size_t i = 0; i < VIRTUAL_COUNT; i++) {
		const struct virtual_file *v = &virtual_files[i];
		if ((!v->in_kind || p->kind) && (!v->workflow || p->kind->workflow))
			content_add(directory, v->type, slice_of(v->name));
	}
	collections_below(p, directory);
}

void
tree_link(const struct place *p, struct slice target, struct buf *out)
{
	struct parts from, to;
	size_t same = 0;
	if (!split(&from, slice_of(p->path)) || !split(&to, target))
		return;
	while (same + 1 < from.n && same + 1 < to.n && slice_equal(from.at[same], to.at[same]))
		same++;
	for (size_t i = same + 1; i < from.n; i++)
		buf_append_str(out, "../");
	for (size_t i = same; i < to.n; i++) {
		buf_append_slice(out, to.at[i]);
		if (i + 1 < to.n)
			buf_append_char(out, '/');
	}
}

int
tree_check_file_name(struct slice name)
{
	if (name.n > 255)
		return ENAMETOOLONG;
	if (name.n > 128 || name.n == 0 || name.p[0] == '-' || !content_name_ok(name) || !utf8_valid(name))
		return EINVAL;
	return 0;
}

static bool
ends_with(struct slice s, const char *suffix)
{
	size_t n = strlen(suffix);
	return s.n > n && memcmp(s.p + s.n - n, suffix, n) == 0;
}

bool
tree_is_request(struct slice name, bool *ret_json)
{
	if (name.n == 0 || name.p[0] == '.' || name.p[0] == '#' || name.p[0] == '~')
		return false;
	*ret_json = ends_with(name, ".json");
	return *ret_json || ends_with(name, ".req");
}

bool
tree_is_scratch(struct slice name)
{
	return name.n == 0 || name.p[0] == '.' || name.p[0] == '#' || name.p[0] == '~' ||
	       name.p[name.n - 1] == '~' || slice_is(name, "4913");
}
