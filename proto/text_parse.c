#include "shown.h"
#include "text_set.h"

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

/* The = that ends the key: the first that no backslash stands before. */
static bool
cut_key(struct slice *line, struct slice *ret_key)
{
	for (size_t i = 0; i < line->n; i++) {
		if (line->p[i] == '\\')
			i++;
		else if (line->p[i] == '=') {
			*ret_key = (struct slice){line->p, i};
			*line = (struct slice){line->p + i + 1, line->n - i - 1};
			return true;
		}
	}
	return false;
}

static int
parse_line(struct text_setter *s, struct slice line)
{
	struct slice key, value;
	struct fault f = {0};
	line = slice_trim(line);
	if (line.n == 0 || line.p[0] == '#')
		return 0;
	if (!utf8_valid(line) || memchr(line.p, '\0', line.n))
		return text_refuse(s, ERR_BAD_SYNTAX, SLICE(""), "not UTF-8, or holds a NUL");
	if (line.p[0] == '[' && line.p[line.n - 1] == ']')
		return text_open_section(s, slice_trim((struct slice){line.p + 1, line.n - 2}));
	if (!cut_key(&line, &key))
		return text_refuse(s, ERR_BAD_SYNTAX, SLICE(""), "'%s' is neither key=value nor [section]",
				   show(line).text);
	key = slice_trim(key);
	if (text_unescape(&value, slice_trim(line), false, s->arena, &f) < 0)
		return text_refuse(s, f.code, key, "%s", f.text);
	return text_set(s, key, value);
}

static int
finish(struct text_setter *s, struct buf *out, int r)
{
	if (r == 0 && s->arena->failed)
		r = fault_set(s->fault, ERR_NO_MEMORY, "out of memory");
	if (r == 0) {
		size_t before = out->n;
		draft_write(out, s->root);
		if (out->error)
			out->n = before;
		r = out->error;
	}
	return r;
}

static int
start(struct text_setter *s, struct arena *arena, const struct message_desc *m, unsigned flags,
      struct fault *f)
{
	struct draft *root = draft_new(arena, m);
	*s = (struct text_setter){.arena = arena, .root = root, .current = root, .flags = flags, .fault = f};
	return root ? 0 : fault_set(f, ERR_NO_MEMORY, "out of memory");
}

int
text_parse(struct buf *out, const struct message_desc *m, struct slice text, unsigned flags,
	   struct text_place *ret_place, struct fault *f)
{
	struct arena arena = {0};
	struct text_setter s;
	struct slice line;
	int r = start(&s, &arena, m, flags, f);
	if (slice_starts(text, SLICE(BYTE_ORDER_MARK)))
		text = (struct slice){text.p + 3, text.n - 3};
	while (r == 0 && text.n) {
		if (!slice_cut(&text, '\n', &line)) {
			line = text;
			text.n = 0;
		}
		s.line++;
		r = parse_line(&s, line);
	}
	r = finish(&s, out, r);
	if (r < 0 && ret_place)
		*ret_place = s.place;
	arena_release(&arena);
	return r;
}

static int
set_word(void *ctx, struct slice key, struct slice value, bool has_value)
{
	struct text_setter *s = ctx;
	struct slice own;
	if (!has_value)
		return text_refuse(s, ERR_BAD_SYNTAX, SLICE(""), "'%s' is not key=value", show(key).text);
	/* The word's bytes are gone after this call. */
	own = arena_copy(s->arena, value);
	key = arena_copy(s->arena, key);
	return text_set(s, key, own);
}

int
text_parse_line(struct buf *out, const struct message_desc *m, struct slice line, unsigned flags,
		struct fault *f)
{
	struct arena arena = {0};
	struct text_setter s;
	int r = start(&s, &arena, m, flags, f);
	if (r == 0)
		r = text_words(line, set_word, &s, f);
	r = finish(&s, out, r);
	arena_release(&arena);
	return r;
}
