/* `rules --coverage`: the regulation, paragraph by paragraph */
#include "cli.h"
#include "wire.h"

enum { LISTED_ITEMS = 1 };
enum { COVERAGE_ARTICLE = 1, COVERAGE_TITLE = 2, COVERAGE_PROVISIONS = 3, COVERAGE_CITING = 4 };
enum {
	PROVISION_ID = 1,
	PROVISION_REQUIREMENT = 2,
	PROVISION_ROWS = 3,
	PROVISION_TESTS = 4,
	PROVISION_SILENT = 5
};

#define LINE_WIDTH   100
#define WORDS_INDENT 18

struct tally {
	size_t carried, partly, silent;
};

/* "        tests     a b c", broken between words. */
static void
print_words(const char *heading, struct slice message, uint32_t field)
{
	struct wire_field w;
	size_t column = 0;
	while (wire_next(&message, &w) == 1) {
		if (w.number != field)
			continue;
		if (column == 0 || column + 1 + w.bytes.n > LINE_WIDTH) {
			printf("%s%8s%-10s", column ? "\n" : "", "", column ? "" : heading);
			column = WORDS_INDENT;
		} else {
			putchar(' ');
			column++;
		}
		printf("%.*s", (int)w.bytes.n, w.bytes.p);
		column += w.bytes.n;
	}
	if (column)
		putchar('\n');
}

static void
print_provision(struct slice provision, struct tally *tally)
{
	struct slice id = wire_string(provision, PROVISION_ID),
		     requirement = wire_string(provision, PROVISION_REQUIREMENT),
		     silent = wire_string(provision, PROVISION_SILENT);
	struct wire_field w;
	bool carried = wire_find(provision, PROVISION_ROWS, &w);
	printf("  %-5.*s %.*s\n", (int)id.n, id.p, (int)requirement.n, requirement.p);
	print_words("rows", provision, PROVISION_ROWS);
	print_words("tests", provision, PROVISION_TESTS);
	if (silent.n)
		printf("%8s%-10s%.*s\n", "", "silent", (int)silent.n, silent.p);
	tally->carried += carried && !silent.n;
	tally->partly += carried && silent.n;
	tally->silent += !carried;
}

static void
print_coverage(struct slice article, struct tally *tally)
{
	struct slice title = wire_string(article, COVERAGE_TITLE), rest = article;
	char number[16], text[64];
	struct wire_field w;
	snprintf(number, sizeof(number), "%.*s", (int)wire_string(article, COVERAGE_ARTICLE).n,
		 wire_string(article, COVERAGE_ARTICLE).p);
	article_text(text, number);
	printf("%s%s%.*s\n", text, text[0] ? "  " : "", (int)title.n, title.p);
	while (wire_next(&rest, &w) == 1)
		if (w.number == COVERAGE_PROVISIONS)
			print_provision(w.bytes, tally);
	print_words("cited by", article, COVERAGE_CITING);
	putchar('\n');
}

int
coverage_print(struct cli *cli, const char *article, struct buf *answer)
{
	const struct message_desc *m = message_by_name(SLICE("zwy.v1.ArticleCoverage"));
	struct tally tally = {0};
	struct slice rest;
	struct wire_field w;
	int r = remote_get(cli, "/zwy.v1.RuleService/ListCoverage", article ? article : "", answer);
	rest = buf_slice(answer);
	while (r == EXIT_OK && wire_next(&rest, &w) == 1) {
		if (w.number != LISTED_ITEMS)
			continue;
		if (cli->output == OUTPUT_JSON)
			r = print_json_line(cli, m, w.bytes);
		else
			print_coverage(w.bytes, &tally);
	}
	if (r == EXIT_OK && cli->output != OUTPUT_JSON)
		printf("%zu provisions: %zu carried out, %zu in part, %zu silent\n",
		       tally.carried + tally.partly + tally.silent, tally.carried, tally.partly,
		       tally.silent);
	return r;
}
