/* `rules --dot`: processes as Graphviz text */
#include "cli.h"
#include "wire.h"

enum { PROCESS_NAME = 1, PROCESS_ARTICLE = 3, PROCESS_TITLE = 4, PROCESS_STATES = 6, PROCESS_STEPS = 7 };
enum { STATE_NAME = 1, STATE_FINAL = 2, STATE_ROLES = 3 };
enum {
	STEP_FROM = 1,
	STEP_ACTION = 2,
	STEP_TO = 3,
	STEP_WHEN = 4,
	STEP_ROLES = 5,
	STEP_STARTS = 9,
	STEP_STOPS = 10
};
enum { LISTED_ITEMS = 1 };

/* A string of the DOT language; what cannot stand in one is escaped. */
static void
dot_text(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			putchar('\\');
		putchar(s.p[i]);
	}
}

/* The words of a repeated field, `between` between them; returns how many. */
static size_t
dot_words(struct slice message, uint32_t field, const char *between)
{
	struct wire_field w;
	size_t n = 0;
	while (wire_next(&message, &w) == 1) {
		if (w.number != field)
			continue;
		fputs(n++ ? between : "", stdout);
		dot_text(w.bytes);
	}
	return n;
}

static void
dot_state(struct slice state)
{
	struct slice name = wire_string(state, STATE_NAME);
	printf("\t\"");
	dot_text(name);
	printf("\" [label=\"");
	dot_text(name);
	printf("\\n");
	dot_words(state, STATE_ROLES, ", ");
	printf("\"%s];\n", wire_uint(state, STATE_FINAL) ? ", peripheries=2" : "");
}

/* " +provision -approve": the clocks that it starts and stops. */
static void
dot_clock(struct slice step, uint32_t field, const char *sign)
{
	struct slice term = wire_string(step, field);
	if (term.n == 0)
		return;
	printf("\\n%s", sign);
	dot_text(term);
}

static void
dot_step(struct slice step)
{
	struct slice when = wire_string(step, STEP_WHEN);
	printf("\t\"");
	dot_text(wire_string(step, STEP_FROM));
	printf("\" -> \"");
	dot_text(wire_string(step, STEP_TO));
	printf("\" [label=\"");
	dot_text(wire_string(step, STEP_ACTION));
	printf("%s", when.n ? " " : "");
	dot_text(when);
	printf("\\n");
	bool system = dot_words(step, STEP_ROLES, ", ") == 0;
	printf("%s", system ? "the system" : "");
	dot_clock(step, STEP_STARTS, "starts ");
	dot_clock(step, STEP_STOPS, "stops ");
	printf("\"%s];\n", system ? ", style=dashed" : "");
}

static void
dot_process(struct slice process)
{
	struct slice rest = process;
	struct wire_field w;
	bool first = true;
	printf("digraph \"");
	dot_text(wire_string(process, PROCESS_NAME));
	printf("\" {\n\tlabel=\"");
	dot_text(wire_string(process, PROCESS_TITLE));
	printf(" (Art. ");
	dot_text(wire_string(process, PROCESS_ARTICLE));
	printf(")\";\n\tlabelloc=t;\n\tnode [shape=box, style=rounded];\n\t\"\" [shape=point];\n");
	while (wire_next(&rest, &w) == 1) {
		if (w.number == PROCESS_STEPS) {
			dot_step(w.bytes);
		} else if (w.number == PROCESS_STATES) {
			dot_state(w.bytes);
			if (first) {
				printf("\t\"\" -> \"");
				dot_text(wire_string(w.bytes, STATE_NAME));
				printf("\";\n");
			}
			first = false;
		}
	}
	printf("}\n");
}

int
process_draw(struct cli *cli, const char *name, struct buf *answer)
{
	const struct message_desc *m = message_by_name(SLICE("zwy.v1.Process"));
	struct slice rest;
	struct wire_field w;
	int r = remote_get(cli, name ? "/zwy.v1.RuleService/GetProcess" : "/zwy.v1.RuleService/ListProcesses",
			   name ? name : "", answer);
	if (r != EXIT_OK)
		return r;
	if (name && cli->output == OUTPUT_JSON)
		return print_one(cli, m, buf_slice(answer));
	if (name)
		dot_process(buf_slice(answer));
	rest = buf_slice(answer);
	while (!name && r == EXIT_OK && wire_next(&rest, &w) == 1) {
		if (w.number == LISTED_ITEMS && cli->output == OUTPUT_JSON)
			r = print_json_line(cli, m, w.bytes);
		else if (w.number == LISTED_ITEMS)
			dot_process(w.bytes);
	}
	return r;
}
