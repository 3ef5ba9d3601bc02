/* Each article has its row, its own text and a word about what is done. */
#include "fixture.h"

#include "rules/articles.h"

static char *regulation;

static int
open_text(void **state)
{
	(void)state;
	regulation = read_source("server/data/regulation.txt");
	return 0;
}

static int
close_text(void **state)
{
	(void)state;
	free(regulation);
	return 0;
}

static bool
contains(struct slice s, const char *text)
{
	return memmem(s.p, s.n, text, strlen(text)) != NULL;
}

static void
all_articles_and_the_appendix_have_title_behaviour_and_text(void **state)
{
	(void)state;
	assert_int_equal(article_count, ARTICLE_COUNT + 1);
	for (unsigned n = 1; n <= ARTICLE_APPENDIX; n++) {
		const struct article *a = article_find(n);
		struct slice text = article_text(slice_of(regulation), n);
		assert_non_null(a);
		assert_int_equal(a->number, n);
		assert_non_null(a->behaviour[0]);
		assert_true(text.n > 20);
		assert_true(utf8_valid(text));
		assert_true(contains(text, a->title));
		assert_false(contains(text, "\n第"));
	}
	assert_null(article_find(0));
	assert_null(article_find(38));
	assert_int_equal(article_text(slice_of(regulation), 0).n, 0);
	assert_int_equal(article_text(slice_of(regulation), 99).n, 0);
	assert_int_equal(article_text(slice_of(""), 1).n, 0);
}

static void
a_text_begins_and_ends_where_the_article_does(void **state)
{
	struct slice whole = slice_of(regulation), text;
	(void)state;
	text = article_text(whole, 14);
	assert_true(slice_starts(text, SLICE("第十四条(资源开通)")));
	assert_true(contains(text, "五个工作日内开通"));
	assert_false(contains(text, "资源变更"));
	text = article_text(whole, 1);
	assert_true(slice_starts(text, SLICE("第一条(目的依据)")));
	text = article_text(whole, 5);
	assert_false(contains(text, "第二章"));
	text = article_text(whole, 36);
	assert_true(contains(text, "实施细则"));
	assert_false(contains(text, "附录"));
	text = article_text(whole, ARTICLE_APPENDIX);
	assert_true(slice_starts(text, SLICE("附录")));
	assert_true(contains(text, "智能客服"));
	/* 第三十 is not the beginning of 第三十一条. */
	assert_true(contains(article_text(whole, 30), "外包"));
	assert_true(contains(article_text(whole, 3), "统筹协同"));
}

static void
tables_cite_articles_that_exist(void **state)
{
	(void)state;
	for (const struct process *p = process_table; p < process_table + process_count; p++) {
		assert_non_null(article_find((unsigned)atoi(p->article)));
		for (size_t i = 0; i < p->step_count; i++)
			assert_non_null(article_find((unsigned)atoi(p->steps[i].article)));
		for (size_t i = 0; i < p->state_count; i++)
			assert_non_null(article_find((unsigned)atoi(p->states[i].article)));
	}
	for (size_t i = 0; i < term_count; i++)
		assert_non_null(article_find((unsigned)atoi(term_table[i].article)));
	for (size_t i = 0; i < document_type_count; i++)
		assert_non_null(article_find((unsigned)atoi(document_types[i].article)));
	for (size_t i = 0; i < parameter_count; i++)
		assert_non_null(article_find((unsigned)atoi(parameter_table[i].article)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_articles_and_the_appendix_have_title_behaviour_and_text),
		cmocka_unit_test(a_text_begins_and_ends_where_the_article_does),
		cmocka_unit_test(tables_cite_articles_that_exist),
	};
	return cmocka_run_group_tests(tests, open_text, close_text);
}
