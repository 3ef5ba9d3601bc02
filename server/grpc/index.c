#include "grpc/index.h"

#include <stdlib.h>

#include "base/arena.h"
#include "wire.h"

/* Field numbers of google/protobuf/descriptor.proto. */
enum { SET_FILE = 1 };
enum { ANY_NAME = 1 }; /* of every kind of descriptor */
enum { FILE_PACKAGE = 2 };
enum { FIELD_EXTENDEE = 2, FIELD_NUMBER = 3 };

enum node { FILE_NODE, MESSAGE, FIELD, ONEOF, ENUM, VALUE, SERVICE, METHOD, EXTENSION };

/* Where declarations stand inside others. */
static const struct {
	enum node outer;
	uint32_t number;
	enum node inner;
} nesting[] = {
	{FILE_NODE, 4, MESSAGE}, {FILE_NODE, 5, ENUM},  {FILE_NODE, 6, SERVICE}, {FILE_NODE, 7, EXTENSION},
	{MESSAGE, 2, FIELD},     {MESSAGE, 3, MESSAGE}, {MESSAGE, 4, ENUM},      {MESSAGE, 6, EXTENSION},
	{MESSAGE, 8, ONEOF},     {ENUM, 2, VALUE},      {SERVICE, 2, METHOD},
};

/* Messages within messages; protoc allows fewer. */
#define DEPTH_MAX 64

struct file {
	struct slice name, bytes;
};

struct symbol {
	struct slice name;
	size_t file;
	enum node node;
};

struct extension {
	struct slice message;
	int32_t number;
	size_t file;
};

struct index {
	struct arena arena; /* everything that follows */
	struct file *files;
	size_t file_count;
	struct symbol *symbols; /* by name */
	size_t symbol_count;
	struct extension *extensions; /* by message and number */
	size_t extension_count;
};

/* Two walks over the same bytes: the first counts, the second fills. */
struct builder {
	struct index *index;
	size_t file;
	bool fill;
	unsigned depth;
};

static bool
inner_node(enum node outer, uint32_t number, enum node *ret)
{
	for (size_t i = 0; i < sizeof(nesting) / sizeof(nesting[0]); i++) {
		if (nesting[i].outer == outer && nesting[i].number == number) {
			*ret = nesting[i].inner;
			return true;
		}
	}
	return false;
}

static struct slice
join(struct arena *a, struct slice scope, struct slice name)
{
	if (scope.n == 0)
		return name;
	char *p = arena_alloc(a, scope.n + 1 + name.n);
	if (!p)
		return SLICE("");
	memcpy(p, scope.p, scope.n);
	p[scope.n] = '.';
	memcpy(p + scope.n + 1, name.p, name.n);
	return slice_make(p, scope.n + 1 + name.n);
}

static struct slice
add_symbol(struct builder *b, enum node node, struct slice bytes, struct slice scope)
{
	struct index *x = b->index;
	size_t at = x->symbol_count++;
	if (!b->fill)
		return scope;
	struct slice name = join(&x->arena, scope, wire_string(bytes, ANY_NAME));
	x->symbols[at] = (struct symbol){name, b->file, node};
	return name;
}

static void
add_extension(struct builder *b, struct slice bytes)
{
	struct index *x = b->index;
	size_t at = x->extension_count++;
	if (!b->fill)
		return;
	struct slice message = wire_string(bytes, FIELD_EXTENDEE);
	if (slice_starts(message, SLICE(".")))
		message = slice_make(message.p + 1, message.n - 1);
	x->extensions[at] = (struct extension){message, (int32_t)wire_uint(bytes, FIELD_NUMBER), b->file};
}

static int walk_inside(struct builder *b, enum node node, struct slice bytes, struct slice scope);

static int
walk(struct builder *b, enum node node, struct slice bytes, struct slice scope)
{
	if (b->depth == DEPTH_MAX)
		return ERR_INVALID_ARGUMENT;
	struct slice name = add_symbol(b, node, bytes, scope);
	if (node == EXTENSION)
		add_extension(b, bytes);
	b->depth++;
	int rc = walk_inside(b, node, bytes, node == ENUM ? scope : name);
	b->depth--;
	return rc;
}

static int
walk_inside(struct builder *b, enum node node, struct slice bytes, struct slice scope)
{
	struct wire_field field;
	enum node inner;
	int r;
	while ((r = wire_next(&bytes, &field)) == 1) {
		if (field.type != WIRE_LEN || !inner_node(node, field.number, &inner))
			continue;
		int rc = walk(b, inner, field.bytes, scope);
		if (rc)
			return rc;
	}
	return r;
}

static int
walk_files(struct index *x, bool fill)
{
	struct builder b = {.index = x, .fill = fill};
	x->symbol_count = x->extension_count = 0;
	for (b.file = 0; b.file < x->file_count; b.file++) {
		struct slice bytes = x->files[b.file].bytes;
		int rc = walk_inside(&b, FILE_NODE, bytes, wire_string(bytes, FILE_PACKAGE));
		if (rc)
			return rc;
	}
	return 0;
}

/* Counts the files of a set, and takes them where there is room for them. */
static int
walk_set(struct index *x, struct slice set, size_t *count)
{
	struct wire_field field;
	int r;
	while ((r = wire_next(&set, &field)) == 1) {
		if (field.number != SET_FILE || field.type != WIRE_LEN)
			continue;
		struct slice name = wire_string(field.bytes, ANY_NAME);
		if (name.n == 0)
			return ERR_INVALID_ARGUMENT;
		++*count;
		if (x->files && index_file_by_name(x, name) == INDEX_NONE)
			x->files[x->file_count++] = (struct file){name, field.bytes};
	}
	return r;
}

static int
walk_sets(struct index *x, const struct slice *sets, size_t set_count, size_t *ret_files)
{
	size_t files = 0;
	for (size_t i = 0; i < set_count; i++) {
		int rc = walk_set(x, sets[i], &files);
		if (rc)
			return rc;
	}
	*ret_files = files;
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return slice_compare(((const struct symbol *)a)->name, ((const struct symbol *)b)->name);
}

static int
by_message(const void *a, const void *b)
{
	const struct extension *x = a, *y = b;
	int order = slice_compare(x->message, y->message);
	return order ? order : (x->number > y->number) - (x->number < y->number);
}

static int
build(struct index *x, const struct slice *sets, size_t set_count)
{
	size_t n = 0;
	int rc = walk_sets(x, sets, set_count, &n);
	if (rc)
		return rc;
	x->files = arena_array(&x->arena, n, sizeof(*x->files));
	if (x->arena.failed)
		return ERR_NO_MEMORY;
	if ((rc = walk_sets(x, sets, set_count, &n)) != 0 || (rc = walk_files(x, false)) != 0)
		return rc;
	x->symbols = arena_array(&x->arena, x->symbol_count, sizeof(*x->symbols));
	x->extensions = arena_array(&x->arena, x->extension_count, sizeof(*x->extensions));
	if (x->arena.failed)
		return ERR_NO_MEMORY;
	if ((rc = walk_files(x, true)) != 0)
		return rc;
	if (x->arena.failed)
		return ERR_NO_MEMORY;
	qsort(x->symbols, x->symbol_count, sizeof(*x->symbols), by_name);
	qsort(x->extensions, x->extension_count, sizeof(*x->extensions), by_message);
	return 0;
}

int
index_new(struct index **ret, const struct slice *sets, size_t set_count, struct fault *f)
{
	struct index *x = calloc(1, sizeof(*x));
	if (!x)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	int rc = build(x, sets, set_count);
	if (rc) {
		index_free(x);
		return rc == ERR_NO_MEMORY ? fault_set(f, rc, "out of memory")
					   : fault_set(f, rc, "that is not a set of file descriptors");
	}
	*ret = x;
	return 0;
}

void
index_free(struct index *x)
{
	if (!x)
		return;
	arena_release(&x->arena);
	free(x);
}

size_t
index_files(const struct index *x)
{
	return x->file_count;
}

struct slice
index_file(const struct index *x, size_t file)
{
	return x->files[file].bytes;
}

size_t
index_file_by_name(const struct index *x, struct slice name)
{
	for (size_t i = 0; i < x->file_count; i++)
		if (slice_equal(x->files[i].name, name))
			return i;
	return INDEX_NONE;
}

static const struct symbol *
find_symbol(const struct index *x, struct slice name)
{
	struct symbol key = {.name = name};
	return x->symbol_count ? bsearch(&key, x->symbols, x->symbol_count, sizeof(key), by_name) : NULL;
}

size_t
index_file_by_symbol(const struct index *x, struct slice symbol)
{
	const struct symbol *s = find_symbol(x, symbol);
	return s ? s->file : INDEX_NONE;
}

bool
index_has_message(const struct index *x, struct slice name)
{
	const struct symbol *s = find_symbol(x, name);
	return s && s->node == MESSAGE;
}

/* Where the extensions of a message begin that have this number or a greater one. */
static size_t
first_extension(const struct index *x, struct slice message, int32_t number)
{
	struct extension key = {.message = message, .number = number};
	size_t low = 0, high = x->extension_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (by_message(&x->extensions[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct extension *
extension_at(const struct index *x, struct slice message, size_t at)
{
	bool is_it = at < x->extension_count && slice_equal(x->extensions[at].message, message);
	return is_it ? &x->extensions[at] : NULL;
}

size_t
index_file_by_extension(const struct index *x, struct slice message, int32_t number)
{
	const struct extension *e = extension_at(x, message, first_extension(x, message, number));
	return e && e->number == number ? e->file : INDEX_NONE;
}

bool
index_extension(const struct index *x, struct slice message, size_t n, int32_t *ret)
{
	const struct extension *e = extension_at(x, message, first_extension(x, message, INT32_MIN) + n);
	if (!e)
		return false;
	*ret = e->number;
	return true;
}
