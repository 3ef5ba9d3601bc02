/* For json_format.py: our side of the comparison.
 *
 *   proto_tool sample SEED ROUNDS   random messages: name, bytes in hex, JSON, a line each
 *   proto_tool parse                lines of name and JSON on stdin; bytes in hex, or an error */
#include <stdio.h>
#include <stdlib.h>

#include "json.h"
#include "sample.h"

static void
put_hex(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		printf("%02x", (unsigned char)s.p[i]);
}

static int
sample(uint64_t seed, long rounds)
{
	struct sampler s = {seed};
	for (size_t i = 0; i < message_count; i++)
		for (long round = 0; round < rounds; round++) {
			struct buf bytes = {0}, json = {0};
			sample_message(&s, message_table[i], &bytes, 0);
			if (json_print(&json, message_table[i], buf_slice(&bytes), JSON_ONE_LINE) < 0)
				return 1;
			printf("%s\t", message_table[i]->name);
			put_hex(buf_slice(&bytes));
			printf("\t%.*s\n", (int)json.n, json.p);
			buf_release(&bytes);
			buf_release(&json);
		}
	return 0;
}

static void
parse_line(struct slice line)
{
	struct slice name;
	struct buf out = {0};
	struct fault f = {0};
	const struct message_desc *m = slice_cut(&line, '\t', &name) ? message_by_name(name) : NULL;
	if (!m)
		printf("error no such message\n");
	else if (json_parse(&out, m, line, &f) < 0)
		printf("error %s\n", f.text);
	else {
		put_hex(buf_slice(&out));
		putchar('\n');
	}
	buf_release(&out);
}

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "sample") == 0)
		return sample(strtoull(argv[2], NULL, 10), strtol(argv[3], NULL, 10));
	if (argc != 2 || strcmp(argv[1], "parse") != 0)
		return 2;
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	while ((n = getline(&line, &size, stdin)) > 0)
		parse_line(slice_make(line, (size_t)n - (line[n - 1] == '\n')));
	free(line);
	return 0;
}
