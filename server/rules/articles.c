#include "rules/articles.h"

#include <stdio.h>

static const char *const behaviour[ARTICLE_APPENDIX + 1][12] = {
#define ARTICLE(number, title, ...) [number] = {__VA_ARGS__},
#include "rules/articles.def"
#undef ARTICLE
};

const struct article article_table[] = {
#define ARTICLE(number, title, ...) {number, title, behaviour[number]},
#include "rules/articles.def"
#undef ARTICLE
};
const size_t article_count = sizeof(article_table) / sizeof(article_table[0]);

const struct article *
article_find(unsigned number)
{
	for (size_t i = 0; i < article_count; i++)
		if (article_table[i].number == number)
			return &article_table[i];
	return NULL;
}

/* 1 to 99 as the regulation writes it: 九, 十, 十四, 二十, 三十六. */
static void
format_number(char *dst, size_t size, unsigned n)
{
	static const char *const digits[] = {"", "一", "二", "三", "四", "五", "六", "七", "八", "九"};
	snprintf(dst, size, "%s%s%s", n >= 20 ? digits[n / 10 % 10] : "", n >= 10 ? "十" : "",
		 digits[n % 10]);
}

enum heading { HEADING_NONE, HEADING_ARTICLE, HEADING_CHAPTER, HEADING_APPENDIX };

static bool
line_has(struct slice line, const char *text)
{
	return memmem(line.p, line.n, text, strlen(text)) != NULL;
}

/* Headings stand at the start of a line: 第五条(服务范围), 第三章 资源管理, 附录. */
static enum heading
heading_of(struct slice line)
{
	/* 第 and at most three digits of three bytes each before 条 or 章 */
	enum { PREFIX_BYTES = 15 };
	if (slice_is(slice_trim(line), "附录"))
		return HEADING_APPENDIX;
	if (!slice_starts(line, SLICE("第")))
		return HEADING_NONE;
	struct slice prefix = slice_make(line.p, line.n < PREFIX_BYTES ? line.n : PREFIX_BYTES);
	if (line_has(prefix, "条"))
		return HEADING_ARTICLE;
	return line_has(prefix, "章") ? HEADING_CHAPTER : HEADING_NONE;
}

static bool
begins(struct slice line, unsigned number)
{
	char digits[16], text[32];
	if (number == ARTICLE_APPENDIX)
		return heading_of(line) == HEADING_APPENDIX;
	format_number(digits, sizeof(digits), number);
	snprintf(text, sizeof(text), "第%s条", digits);
	return slice_starts(line, slice_of(text));
}

/* Without blank lines at both ends. */
static struct slice
trim_lines(struct slice s)
{
	struct slice before;
	do {
		before = s;
		s = slice_trim(s);
		while (s.n && (s.p[0] == '\n' || s.p[s.n - 1] == '\n'))
			s = s.p[0] == '\n' ? slice_make(s.p + 1, s.n - 1) : slice_make(s.p, s.n - 1);
	} while (s.n != before.n);
	return s;
}

struct slice
article_text(struct slice whole, unsigned number)
{
	struct slice rest = whole, line;
	const char *start = NULL;
	if (number < 1 || number > ARTICLE_APPENDIX)
		return slice_make("", 0);
	for (bool more = rest.n > 0; more;) {
		const char *at = rest.p;
		more = slice_cut(&rest, '\n', &line);
		if (!more)
			line = rest;
		if (start && heading_of(line) != HEADING_NONE)
			return trim_lines(slice_make(start, (size_t)(at - start)));
		if (!start && begins(line, number))
			start = at;
	}
	return start ? trim_lines(slice_make(start, (size_t)(whole.p + whole.n - start))) : slice_make("", 0);
}
