/* Results and refusals.
 *
 * A function that can fail returns int: 0, or one of the negative codes below,
 * each a row of reasons.def, which also gives its gRPC status, errno and exit
 * status. Where a person needs to know more than the code, the function takes
 * a `struct fault *` (may be NULL) and fills it in before it returns the code.
 *
 * A fault belongs to its caller, holds its texts inside itself and needs no
 * release. It can be copied by assignment. No thread rules. */
#ifndef ZWY_BASE_ERROR_H
#define ZWY_BASE_ERROR_H

#include <stdarg.h>
#include <stddef.h>

/* gRPC status codes: https://grpc.io/docs/guides/status-codes/ */
enum grpc_status {
	GRPC_OK = 0,
	GRPC_CANCELLED,
	GRPC_UNKNOWN,
	GRPC_INVALID_ARGUMENT,
	GRPC_DEADLINE_EXCEEDED,
	GRPC_NOT_FOUND,
	GRPC_ALREADY_EXISTS,
	GRPC_PERMISSION_DENIED,
	GRPC_RESOURCE_EXHAUSTED,
	GRPC_FAILED_PRECONDITION,
	GRPC_ABORTED,
	GRPC_OUT_OF_RANGE,
	GRPC_UNIMPLEMENTED,
	GRPC_INTERNAL,
	GRPC_UNAVAILABLE,
	GRPC_DATA_LOSS,
	GRPC_UNAUTHENTICATED,
	GRPC_STATUS_COUNT
};

enum reason_row {
	REASON_OK_ROW,
#define REASON(name, status, eno, exit, article, text) REASON_ROW_##name,
#include "base/reasons.def"
#undef REASON
	REASON_COUNT
};

/* ERR_QUOTA_EXCEEDED and so on: the codes themselves, all negative. */
enum {
#define REASON(name, status, eno, exit, article, text) ERR_##name = -REASON_ROW_##name,
#include "base/reasons.def"
#undef REASON
};

struct reason {
	const char *name;
	enum grpc_status status;
	int eno;
	int exit_status;
	int article; /* 0: none, or the fault says */
	const char *text;
};

/* The row of a code; any code that is not in the table gives INTERNAL's. */
const struct reason *reason_of(int code);
/* The code of a reason's name, or ERR_UNKNOWN. */
int reason_by_name(const char *name);
/* The code that stands best for a bare gRPC status (no ErrorInfo); 0 for OK. */
int reason_by_status(enum grpc_status status);
const char *grpc_status_name(enum grpc_status status); /* "NOT_FOUND" */

#define FAULT_ITEMS 16

/* One thing that is wrong: a field, a document, a precondition. */
struct fault_item {
	int code;
	char field[64]; /* path of the field or document, or "" */
	char text[224];
};

/* Why something was refused. `text` says what, where, which values and what is
 * allowed instead. Further defects, when all are told at once, stand in items;
 * those that do not fit are counted in `more`. */
struct fault {
	int code;
	char article[12]; /* "13", "13.2", or "" */
	/* When it may be tried again, in ms from now; 0: not said. Set it after the code. */
	long long retry_ms;
	char text[480];
	size_t item_count;
	size_t more;
	struct fault_item items[FAULT_ITEMS];
};

/* Sets code, article (from the table unless given later) and text. Returns code. */
int fault_set(struct fault *f, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* As fault_set, citing an article. */
int fault_set_article(struct fault *f, int code, const char *article, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Adds one defect; the first sets the fault's own code, article and text. Returns code. */
int fault_add(struct fault *f, int code, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Puts "where: " before the text. */
void fault_prefix(struct fault *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void fault_clear(struct fault *f);

#endif
