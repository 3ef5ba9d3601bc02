/* coverage.def: no paragraph of the regulation without a row, no row that names
 * what there is not. */
#include "fixture.h"

#include "rules/articles.h"
#include "rules/coverage.h"

static int
open_text(void **state)
{
	*state = read_source("server/data/regulation.txt");
	return 0;
}

static int
close_text(void **state)
{
	free(*state);
	return 0;
}

/* Paragraphs end with a full stop at the end of a line; the printed pages break some in two. */
static size_t
paragraphs(struct slice text)
{
	struct slice line;
	size_t n = 0;
	for (bool more = text.n > 0; more;) {
		more = slice_cut(&text, '\n', &line);
		line = slice_trim(more ? line : text);
		n += line.n >= 3 && memcmp(line.p + line.n - 3, "。", 3) == 0;
	}
	return n;
}

static void
every_paragraph_of_every_article_and_the_appendix_has_a_row(void **state)
{
	struct slice whole = slice_of(*state);
	for (unsigned article = 1; article <= ARTICLE_APPENDIX; article++) {
		size_t found = 0,
		       want = article == ARTICLE_APPENDIX ? 1 : paragraphs(article_text(whole, article));
		unsigned last = 0;
		for (size_t i = 0; i < provision_count; i++) {
			const struct provision *p = &provision_table[i];
			if (provision_article(p) != article)
				continue;
			unsigned paragraph = (unsigned)atoi(strchr(p->id, '.') + 1);
			assert_true(paragraph == last || paragraph == last + 1);
			found += paragraph != last;
			last = paragraph;
		}
		if (found != want)
			print_error("article %u has %zu paragraphs, coverage.def has %zu\n", article, want,
				    found);
		assert_int_equal(found, want);
	}
}

static void
a_row_says_what_carries_it_out_and_proves_it_or_why_nothing_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < provision_count; i++) {
		const struct provision *p = &provision_table[i];
		assert_true(p->requirement[0] != '\0');
		assert_int_equal(p->rows[0] != '\0', p->tests[0] != '\0');
		assert_true(p->rows[0] || p->silent[0]);
	}
}

static void
rows_name_what_there_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < provision_count; i++) {
		struct slice rest = slice_of(provision_table[i].rows), word;
		for (bool more = rest.n > 0; more;) {
			more = slice_cut(&rest, ' ', &word);
			if (!more)
				word = rest;
			if (!coverage_row_known(word))
				print_error("%s: there is no %.*s\n", provision_table[i].id, (int)word.n,
					    word.p);
			assert_true(coverage_row_known(word));
		}
	}
}

static void
words_that_name_nothing_are_known_as_such(void **state)
{
	static const char *const words[] = {
		"",
		"check",
		"check:",
		"check:nothing",
		"step:regular",
		"step:/accept",
		"step:nowhere/accept",
		"step:regular/lapsed",
		"term:regular/accepted",
		"term:accept",
		"parameter:provision",
		"document:plan",
		"refusal:NO_REASON",
		"table:regular",
		"step:forecasts/deliver",
		"term:forecasts/provision",
		"x:y",
	};
	(void)state;
	for (size_t i = 0; i < COUNT(words); i++)
		assert_false(coverage_row_known(slice_of(words[i])));
	assert_true(coverage_row_known(SLICE("term:regular/accept")));
	assert_true(coverage_row_known(SLICE("step:forecasts/submit")));
	assert_true(coverage_row_known(SLICE("term:legacy-clouds/lease")));
}

struct seen {
	bool deliver, provision, parameter;
	size_t rows;
};

static void
see(void *ctx, const char *row)
{
	struct seen *s = ctx;
	assert_true(coverage_row_known(slice_of(row)));
	s->deliver |= strcmp(row, "step:regular/deliver") == 0;
	s->provision |= strcmp(row, "term:regular/provision") == 0;
	s->parameter |= strcmp(row, "parameter:provision.wd") == 0;
	s->rows++;
}

static void
what_cites_an_article_is_found_by_its_tables(void **state)
{
	struct seen s = {0};
	(void)state;
	coverage_citing(14, see, &s);
	assert_true(s.deliver && s.provision && s.parameter);
	for (unsigned article = 1; article <= ARTICLE_APPENDIX; article++)
		coverage_citing(article, see, &s);
	s = (struct seen){0};
	coverage_citing(3, see, &s);
	assert_int_equal(s.rows, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_paragraph_of_every_article_and_the_appendix_has_a_row),
		cmocka_unit_test(a_row_says_what_carries_it_out_and_proves_it_or_why_nothing_does),
		cmocka_unit_test(rows_name_what_there_is),
		cmocka_unit_test(words_that_name_nothing_are_known_as_such),
		cmocka_unit_test(what_cites_an_article_is_found_by_its_tables),
	};
	return cmocka_run_group_tests(tests, open_text, close_text);
}
