#include "text.h"

/* One word being read: its bytes without quotes, and where its first = is. */
struct word {
	struct buf text;
	size_t equals;
	bool has_value;
};

static void
add(struct word *w, char c)
{
	if (c == '=' && !w->has_value) {
		w->has_value = true;
		w->equals = w->text.n;
	}
	buf_append_char(&w->text, c);
}

/* Takes a quoted part whose opening quote has been taken; false: it does not end. */
static bool
take_quoted(struct word *w, struct slice *s, char quote)
{
	while (s->n) {
		char c = s->p[0];
		*s = (struct slice){s->p + 1, s->n - 1};
		if (c == quote)
			return true;
		/* In "…" a backslash keeps itself except before these, as in the shell. */
		if (c == '\\' && quote == '"' && s->n && strchr("\"\\$`", s->p[0])) {
			c = s->p[0];
			*s = (struct slice){s->p + 1, s->n - 1};
		}
		add(w, c);
	}
	return false;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int
take_word(struct word *w, struct slice *s, struct fault *f)
{
	while (s->n && !is_space(s->p[0])) {
		char c = s->p[0];
		*s = (struct slice){s->p + 1, s->n - 1};
		if (c == '\'' || c == '"') {
			if (!take_quoted(w, s, c))
				return fault_set(f, ERR_BAD_SYNTAX, "the quote %c is not closed", c);
			continue;
		}
		if (c == '\\') {
			if (s->n == 0)
				return fault_set(f, ERR_BAD_SYNTAX,
						 "nothing stands after the last backslash");
			c = s->p[0];
			*s = (struct slice){s->p + 1, s->n - 1};
		}
		add(w, c);
	}
	return w->text.error;
}

static int
give_word(const struct word *w, text_word_fn word, void *ctx)
{
	struct slice whole = buf_slice(&w->text);
	if (!w->has_value)
		return word(ctx, whole, (struct slice){"", 0}, false);
	struct slice key = {whole.p, w->equals};
	struct slice value = {whole.p + w->equals + 1, whole.n - w->equals - 1};
	return word(ctx, key, value, true);
}

int
text_words(struct slice line, text_word_fn word, void *ctx, struct fault *f)
{
	struct word w = {0};
	int r = 0;
	if (!utf8_valid(line) || (line.n && memchr(line.p, '\0', line.n)))
		return fault_set(f, ERR_BAD_SYNTAX, "not UTF-8, or holds a NUL");
	while (r == 0) {
		while (line.n && is_space(line.p[0]))
			line = (struct slice){line.p + 1, line.n - 1};
		if (line.n == 0)
			break;
		buf_clear(&w.text);
		w.has_value = false;
		r = take_word(&w, &line, f);
		if (r == 0)
			r = give_word(&w, word, ctx);
	}
	buf_release(&w.text);
	return r;
}
