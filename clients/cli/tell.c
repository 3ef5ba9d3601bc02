#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const struct {
	const char *scheme, *reason, *text;
} advice[] = {
#define ADVICE(reason, text)            {"", #reason, text},
#define ADVICE_AT(scheme, reason, text) {scheme, #reason, text},
#include "advice.def"
#undef ADVICE
#undef ADVICE_AT
};

void
doing(struct cli *cli, const char *fmt, ...)
{
	char text[NAME_MAX_BYTES + 64];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_clear(&cli->doing);
	buf_append_str(&cli->doing, text);
}

static void
begin(const struct cli *cli)
{
	fflush(stdout);
	fprintf(stderr, "zwy: ");
	if (cli->doing.n)
		fprintf(stderr, "%.*s: ", (int)cli->doing.n, cli->doing.p);
}

int
tell_usage(struct cli *cli, const char *fmt, ...)
{
	va_list ap;
	begin(cli);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	if (cli->command)
		fprintf(stderr, "  `zwy help %s` explains it\n", cli->command->name);
	else
		fprintf(stderr, "  `zwy --help` lists what there is\n");
	return EXIT_USAGE;
}

void
note(const char *fmt, ...)
{
	va_list ap;
	fflush(stdout);
	fprintf(stderr, "zwy: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
}

/* Of the regulation; what the records call 37 is its appendix. */
#define LAST_ARTICLE 36

/* 1 to 99 as Chinese write the number of an article. */
static void
chinese_number(char dst[16], unsigned n)
{
	static const char *const digits[] = {"", "一", "二", "三", "四", "五", "六", "七", "八", "九"};
	snprintf(dst, 16, "%s%s%s", n >= 20 ? digits[n / 10 % 10] : "", n >= 10 ? "十" : "", digits[n % 10]);
}

void
article_text(char dst[64], const char *article)
{
	char number[16];
	int n = atoi(article);
	dst[0] = '\0';
	if (n < 1 || n > LAST_ARTICLE)
		return;
	chinese_number(number, (unsigned)n);
	snprintf(dst, 64, "第%s条/Art. %.12s", number, article);
}

static const char *
advice_for(const struct cli *cli, const char *reason)
{
	const char *text = NULL;
	for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++) {
		size_t n = strlen(advice[i].scheme);
		if (strcmp(advice[i].reason, reason) == 0 && strncmp(advice[i].scheme, cli->target, n) == 0 &&
		    (!text || n))
			text = advice[i].text;
	}
	return text;
}

/* A single defect that says no more than the first line does is not repeated; where
 * it is stands in that line instead. */
static bool
is_alone(const struct zwy_error *error)
{
	return error->detail_count == 1 && strstr(error->text, error->details[0].text);
}

/* One line: what, where, why, under which article; each defect on a line of its
 * own; then what can be done. */
int
tell_error(struct cli *cli, const struct zwy_error *error)
{
	char article[64];
	bool alone = is_alone(error);
	const char *where =
		alone && !strstr(error->text, error->details[0].field) ? error->details[0].field : "";
	article_text(article, error->article);
	begin(cli);
	fprintf(stderr, "%s%s%s [%s%s%s]\n", where, where[0] ? ": " : "", error->text, error->reason,
		article[0] ? ", " : "", article);
	for (size_t i = 0; i < error->detail_count && !alone; i++) {
		const char *field = error->details[i].field;
		fprintf(stderr, "  %s%s%s\n", field, field[0] ? ": " : "", error->details[i].text);
	}
	const char *unknown = error->exit_status == EXIT_UNKNOWN ? "DEADLINE_EXCEEDED" : NULL;
	const char *what = advice_for(cli, unknown ? unknown : error->reason);
	if (what)
		fprintf(stderr, "  what to do: %s\n", what);
	return error->exit_status ? error->exit_status : EXIT_INTERNAL;
}

int
tell_fault(struct cli *cli, const struct fault *f)
{
	const struct reason *r = reason_of(f->code);
	struct zwy_error error = {.status = (int)r->status,
				  .exit_status = r->exit_status,
				  .error_number = r->eno};
	snprintf(error.reason, sizeof(error.reason), "%s", r->name);
	snprintf(error.article, sizeof(error.article), "%s", f->article);
	snprintf(error.text, sizeof(error.text), "%s", f->text[0] ? f->text : r->text);
	for (size_t i = 0; i < f->item_count; i++) {
		snprintf(error.details[i].field, sizeof(error.details[i].field), "%s", f->items[i].field);
		snprintf(error.details[i].text, sizeof(error.details[i].text), "%s", f->items[i].text);
	}
	error.detail_count = f->item_count;
	int status = tell_error(cli, &error);
	if (f->more)
		fprintf(stderr, "  and %zu more\n", f->more);
	return status;
}

int
tell_code(struct cli *cli, int code, const char *fmt, ...)
{
	struct fault f = {0};
	char text[sizeof(f.text)];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fault_set(&f, code, "%s", text);
	return tell_fault(cli, &f);
}
