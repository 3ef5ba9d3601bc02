#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct reason reasons[REASON_COUNT] = {
	[REASON_OK_ROW] = {"OK", GRPC_OK, 0, 0, 0, "ok"},
#define REASON(name, status, eno, exit, article, text) \
	[REASON_ROW_##name] = {#name, GRPC_##status, eno, exit, article, text},
#include "base/reasons.def"
#undef REASON
};

static const char *const status_names[GRPC_STATUS_COUNT] = {
	"OK",        "CANCELLED",       "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
	"NOT_FOUND", "ALREADY_EXISTS",  "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
	"ABORTED",   "OUT_OF_RANGE",    "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
	"DATA_LOSS", "UNAUTHENTICATED",
};

/* What a status means where the peer gave no reason of ours. */
static const int status_codes[GRPC_STATUS_COUNT] = {
	[GRPC_OK] = 0,
	[GRPC_CANCELLED] = ERR_CANCELLED,
	[GRPC_UNKNOWN] = ERR_UNKNOWN,
	[GRPC_INVALID_ARGUMENT] = ERR_INVALID_ARGUMENT,
	[GRPC_DEADLINE_EXCEEDED] = ERR_DEADLINE_EXCEEDED,
	[GRPC_NOT_FOUND] = ERR_NOT_FOUND,
	[GRPC_ALREADY_EXISTS] = ERR_ALREADY_EXISTS,
	[GRPC_PERMISSION_DENIED] = ERR_WRONG_ROLE,
	[GRPC_RESOURCE_EXHAUSTED] = ERR_OVERLOADED,
	[GRPC_FAILED_PRECONDITION] = ERR_WRONG_STATE,
	[GRPC_ABORTED] = ERR_STALE_REVISION,
	[GRPC_OUT_OF_RANGE] = ERR_OUT_OF_RANGE,
	[GRPC_UNIMPLEMENTED] = ERR_UNIMPLEMENTED,
	[GRPC_INTERNAL] = ERR_INTERNAL,
	[GRPC_UNAVAILABLE] = ERR_UNAVAILABLE,
	[GRPC_DATA_LOSS] = ERR_STORE_CORRUPT,
	[GRPC_UNAUTHENTICATED] = ERR_UNAUTHENTICATED,
};

const struct reason *
reason_of(int code)
{
	if (code > 0 || code <= -REASON_COUNT)
		code = ERR_INTERNAL;
	return &reasons[-code];
}

int
reason_by_name(const char *name)
{
	for (int i = 1; i < REASON_COUNT; i++)
		if (strcmp(reasons[i].name, name) == 0)
			return -i;
	return ERR_UNKNOWN;
}

int
reason_by_status(enum grpc_status status)
{
	return (unsigned)status < GRPC_STATUS_COUNT ? status_codes[status] : ERR_UNKNOWN;
}

const char *
grpc_status_name(enum grpc_status status)
{
	return (unsigned)status < GRPC_STATUS_COUNT ? status_names[status] : "UNKNOWN";
}

/* Cuts at a character's boundary: a text that does not fit stays valid UTF-8. */
static void
format_utf8(char *dst, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(dst, size, fmt, ap);
	if (n < 0) {
		dst[0] = '\0';
		return;
	}
	if ((size_t)n < size)
		return;
	size_t end = size - 1;
	size_t start = end;
	while (start > 0 && ((unsigned char)dst[start - 1] & 0xC0) == 0x80)
		start--;
	if (start > 0) {
		unsigned char lead = (unsigned char)dst[start - 1];
		size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
		if (end - (start - 1) < want)
			end = start - 1;
	}
	dst[end] = '\0';
}

static void
set_article(struct fault *f, const char *article)
{
	if (article)
		snprintf(f->article, sizeof(f->article), "%s", article);
	else if (reason_of(f->code)->article)
		snprintf(f->article, sizeof(f->article), "%d", reason_of(f->code)->article);
	else
		f->article[0] = '\0';
}

static int
set_fault(struct fault *f, int code, const char *article, const char *fmt, va_list ap)
{
	if (!f)
		return code;
	f->code = code;
	f->item_count = 0;
	f->more = 0;
	f->retry_ms = 0;
	set_article(f, article);
	format_utf8(f->text, sizeof(f->text), fmt, ap);
	return code;
}

int
fault_set(struct fault *f, int code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	set_fault(f, code, NULL, fmt, ap);
	va_end(ap);
	return code;
}

int
fault_set_article(struct fault *f, int code, const char *article, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	set_fault(f, code, article, fmt, ap);
	va_end(ap);
	return code;
}

int
fault_add(struct fault *f, int code, const char *field, const char *fmt, ...)
{
	if (!f)
		return code;
	char text[sizeof(f->items[0].text)];
	va_list ap;
	va_start(ap, fmt);
	format_utf8(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (f->code == 0)
		fault_set(f, code, "%s", text);
	if (f->item_count == FAULT_ITEMS) {
		f->more++;
		return code;
	}
	struct fault_item *item = &f->items[f->item_count++];
	item->code = code;
	snprintf(item->field, sizeof(item->field), "%s", field ? field : "");
	memcpy(item->text, text, sizeof(text));
	return code;
}

void
fault_prefix(struct fault *f, const char *fmt, ...)
{
	if (!f)
		return;
	char text[2 * sizeof(f->text)];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(f->text), fmt, ap);
	va_end(ap);
	size_t n = strlen(text);
	snprintf(text + n, sizeof(text) - n, ": %s", f->text);
	memcpy(f->text, text, sizeof(f->text) - 1);
	f->text[sizeof(f->text) - 1] = '\0';
}

void
fault_clear(struct fault *f)
{
	f->code = 0;
	f->article[0] = '\0';
	f->text[0] = '\0';
	f->item_count = 0;
	f->more = 0;
	f->retry_ms = 0;
}
