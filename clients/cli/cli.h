/* `zwy`: what its files share. One thread; everything ends with the program, but is
 * released all the same, so that a leak is a mistake.
 *
 * A command returns the exit status (contract: Programs). It tells of a failure at
 * the place where it happens, by one of the tell_ functions, which return the status
 * that goes with it. */
#ifndef ZWY_CLI_H
#define ZWY_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"
#include "descriptor.h"
#include "name.h"
#include "zwy.h"

#define READ_TIMEOUT_S   10
#define WRITE_TIMEOUT_S  30
#define IMPORT_TIMEOUT_S 300
#define FILE_MAX         (64u << 20) /* bytes of a request kept to be sent again */
#define REQUEST_MAX      (1u << 20)  /* bytes of a request file */

enum exit_status {
	EXIT_OK = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_FOUND = 3,
	EXIT_DENIED = 4,
	EXIT_CONFLICT = 5,
	EXIT_UNAVAILABLE = 6,
	EXIT_UNKNOWN = 7,
	EXIT_INTERNAL = 8,
};

enum option_id {
#define OPTION(id, name, argument, commands, text) OPT_##id,
#include "options.def"
#undef OPTION
	OPTION_COUNT
};

enum output { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_TABLE };

struct cli;

struct cli_command {
	const char *name;
	int (*run)(struct cli *cli);
	int least, most;
	const char *operands, *summary, *more;
};

struct cli {
	const struct cli_command *command;
	const char *option[OPTION_COUNT]; /* NULL: not given */
	int argc;
	char **argv; /* operands */
	enum output output;
	int64_t timeout_ms; /* 0: the call's own */
	char target[320];
	char as[160];
	struct zwy_client *client; /* from client_of() */
	struct buf doing;          /* "act applications/A-2026-000123", for messages */
};

extern const struct cli_command commands[];
extern const size_t command_count;

#define COMMAND(name, function, least, most, operands, summary, more) int function(struct cli *cli);
#include "commands.def"
#undef COMMAND

/* help.c */
void print_help(FILE *to, const struct cli_command *c);

/* tell.c: what goes to standard error */
/* Says what the command is about, once it knows; before that it is its name. */
void doing(struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int tell_usage(struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int tell_error(struct cli *cli, const struct zwy_error *error);
int tell_fault(struct cli *cli, const struct fault *f);
int tell_code(struct cli *cli, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* 第十三条/Art. 13; empty for no article. */
void article_text(char dst[64], const char *article);

/* remote.c: calls */
struct zwy_client *client_of(struct cli *cli); /* NULL: told */
struct rpc {
	const char *path;
	bool writes;
	bool repeatable;   /* a write that has a request id */
	int64_t timeout_s; /* 0: READ_ or WRITE_TIMEOUT_S */
};
/* How to send it again after a loss; NULL: it might be done twice. */
const struct zwy_retry *retry_of(const struct rpc *rpc);
/* --request-id, or a name that nobody else has, kept in `own`. */
const char *request_id_of(const struct cli *cli, char own[40]);
/* The answer's bytes are appended. EXIT_OK, or told. */
int remote_call(struct cli *cli, const struct rpc *rpc, const struct buf *request, struct buf *ret);
/* The answer of a method whose request is one text, in field 1. */
int remote_get(struct cli *cli, const char *path, const char *name, struct buf *ret);
/* The same as remote_call with the error handed over instead of told. */
int remote_try(struct cli *cli, const struct rpc *rpc, const struct buf *request, struct buf *ret,
	       struct zwy_error *error);
int64_t timeout_of(const struct cli *cli, const struct rpc *rpc);
/* Every record of a list, page by page; item() returns EXIT_OK to go on. */
struct listing {
	const char *path, *parent, *filter;
	unsigned page_size; /* 0: the server's choice */
};
#define PAGE_SIZE_MAX 100000 /* what --page-size may be */
/* The value of --page-size, 0 without; tells what is allowed otherwise. */
int page_size_of(struct cli *cli, unsigned *ret);
typedef int (*item_fn)(void *ctx, struct slice item);
int remote_list(struct cli *cli, const struct listing *list, item_fn item, void *ctx);
int remote_explain(struct cli *cli, const char *name, struct buf *ret);

/* names.c: what people type */
struct subject {
	char name[NAME_MAX_BYTES];
	const struct message_desc *message;
	const struct kind_desc *kind; /* NULL: events */
	const char *get, *list, *act; /* paths; NULL where there is none */
};
/* A record; a bare id is completed. EXIT_OK, or told. */
int subject_of_name(struct cli *cli, struct subject *ret, const char *text);
/* A collection; ret->name is the list's parent. */
int subject_of_collection(struct cli *cli, struct subject *ret, const char *text);
/* The last segment of a name. */
struct slice last_segment(struct slice name);
/* applications/A-2026-000123 of A-2026-000123; other texts as they are. */
void complete_name(char dst[NAME_MAX_BYTES], const char *text);
bool number_of(const char *text, uint64_t max, uint64_t *ret);

/* print.c: what goes to standard output */
#define COLUMNS_MAX 16
struct printer {
	struct cli *cli;
	const struct message_desc *message;
	size_t printed;
	struct table *table;
	const struct field_desc *columns[COLUMNS_MAX];
	size_t column_count;
};
void printer_open(struct printer *p, struct cli *cli, const struct message_desc *m);
int printer_item(void *printer, struct slice record);
/* Prints what is left, unless `status` is a failure; returns the status. */
int printer_close(struct printer *p, int status);
int print_one(struct cli *cli, const struct message_desc *m, struct slice record);
int print_json_line(struct cli *cli, const struct message_desc *m, struct slice message);
void print_buf(const struct buf *b);

/* draw.c, coverage.c: what `rules` prints beside articles. NULL: all of them. */
int process_draw(struct cli *cli, const char *name, struct buf *answer);
int coverage_print(struct cli *cli, const char *article, struct buf *answer);

/* table.c: columns that line up */
struct table;
struct table *table_new(void);
void table_cell(struct table *t, struct slice cell);
void table_end_row(struct table *t);
void table_print(const struct table *t, FILE *to); /* the first row is the heading */
void table_free(struct table *t);
/* Cells on a screen, wide characters counted as two. */
size_t display_width(struct slice s);

/* files.c */
/* The bytes of a file, or of standard input for "-". EXIT_OK, or told. */
int read_file(struct cli *cli, const char *path, size_t max, struct buf *ret);
void sha256_hex(char dst[65], struct slice s);

#endif
