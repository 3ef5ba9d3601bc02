#include "status.h"

#include <inttypes.h>
#include <stdio.h>

#include "wire.h"

#define DOMAIN         "zwy"
#define TYPE_PREFIX    "type.googleapis.com/"
#define RETRY_DELAY_MS 1000 /* where an overloaded server did not say */
/* The collection of the regulation's articles; the resource name is the link. */
#define RULES "rules/"
/* The longest delay that is believed: a day. */
#define RETRY_DELAY_MAX 86400000

/* Field numbers of google/rpc/status.proto and google/rpc/error_details.proto. */
enum {
	STATUS_CODE = 1,
	STATUS_MESSAGE = 2,
	STATUS_DETAILS = 3,
	ANY_TYPE_URL = 1,
	ANY_VALUE = 2,
	ERROR_INFO_REASON = 1,
	ERROR_INFO_DOMAIN = 2,
	ERROR_INFO_METADATA = 3,
	VIOLATIONS = 1, /* of BadRequest and PreconditionFailure */
	BAD_REQUEST_FIELD = 1,
	BAD_REQUEST_DESCRIPTION = 2,
	BAD_REQUEST_REASON = 3,
	PRECONDITION_TYPE = 1,
	PRECONDITION_SUBJECT = 2,
	PRECONDITION_DESCRIPTION = 3,
	RETRY_INFO_DELAY = 1,
	HELP_LINKS = 1,
	LINK_DESCRIPTION = 1,
	LINK_URL = 2,
};

/* A text that was cut to fit ends with a whole character: other languages refuse bad UTF-8. */
static void
put_str(struct buf *b, uint32_t number, const char *s)
{
	struct slice text = slice_of(s);
	text.n = utf8_whole(text);
	if (utf8_valid(text))
		wire_put_string(b, number, text);
}

/* Appends one detail and empties `value`. */
static void
put_detail(struct buf *status, const char *type, struct buf *value)
{
	struct buf any = {0}, url = {0};
	buf_printf(&url, "%s%s", TYPE_PREFIX, type);
	wire_put_string(&any, ANY_TYPE_URL, buf_slice(&url));
	wire_put_string(&any, ANY_VALUE, buf_slice(value));
	wire_put_bytes(status, STATUS_DETAILS, buf_slice(&any));
	if (any.error || url.error || value->error)
		status->error = ERR_NO_MEMORY;
	buf_release(&any);
	buf_release(&url);
	buf_clear(value);
}

static void
put_metadata(struct buf *info, const char *key, const char *value)
{
	if (!value || !value[0])
		return;
	char space[128];
	struct buf entry = {.p = space, .cap = sizeof(space), .max = sizeof(space)};
	put_str(&entry, 1, key);
	put_str(&entry, 2, value);
	if (!entry.error)
		wire_put_bytes(info, ERROR_INFO_METADATA, buf_slice(&entry));
}

static void
put_error_info(struct buf *status, const struct fault *f, size_t more)
{
	const struct reason *reason = reason_of(f->code);
	struct buf info = {0};
	put_str(&info, ERROR_INFO_REASON, reason->name);
	put_str(&info, ERROR_INFO_DOMAIN, DOMAIN);
	put_metadata(&info, "article", f->article);
	put_metadata(&info, "errno", strerrorname_np(reason->eno));
	char count[24];
	snprintf(count, sizeof(count), "%zu", more);
	put_metadata(&info, "more", more ? count : "");
	put_detail(status, "google.rpc.ErrorInfo", &info);
	buf_release(&info);
}

static bool
is_bad_request(const struct fault_item *item)
{
	return reason_of(item->code)->status == GRPC_INVALID_ARGUMENT;
}

static void
put_violation(struct buf *list, const struct fault_item *item, bool bad_request)
{
	struct buf b = {0};
	const char *reason = reason_of(item->code)->name;
	if (bad_request) {
		put_str(&b, BAD_REQUEST_FIELD, item->field);
		put_str(&b, BAD_REQUEST_DESCRIPTION, item->text);
		put_str(&b, BAD_REQUEST_REASON, reason);
	} else {
		put_str(&b, PRECONDITION_TYPE, reason);
		put_str(&b, PRECONDITION_SUBJECT, item->field);
		put_str(&b, PRECONDITION_DESCRIPTION, item->text);
	}
	wire_put_bytes(list, VIOLATIONS, buf_slice(&b));
	buf_release(&b);
}

static void
put_violations(struct buf *status, const struct fault *f, size_t count, bool bad_request)
{
	struct buf list = {0};
	for (size_t i = 0; i < count; i++)
		if (is_bad_request(&f->items[i]) == bad_request)
			put_violation(&list, &f->items[i], bad_request);
	if (list.n)
		put_detail(status, bad_request ? "google.rpc.BadRequest" : "google.rpc.PreconditionFailure",
			   &list);
	buf_release(&list);
}

static void
put_retry_info(struct buf *status, const struct fault *f)
{
	long long delay = f->retry_ms > 0 ? f->retry_ms : f->code == ERR_OVERLOADED ? RETRY_DELAY_MS : 0;
	if (delay == 0)
		return;
	struct buf info = {0};
	wire_put_time(&info, RETRY_INFO_DELAY, delay); /* a Duration has a Timestamp's fields */
	put_detail(status, "google.rpc.RetryInfo", &info);
	buf_release(&info);
}

/* Where to read on: the record of the article as a whole, 13 for 13.2. */
static void
put_help(struct buf *status, const struct fault *f)
{
	int n = (int)strcspn(f->article, ".");
	if (n == 0)
		return;
	struct buf help = {0}, link = {0}, text = {0};
	buf_printf(&text, "Article %s", f->article);
	wire_put_string(&link, LINK_DESCRIPTION, buf_slice(&text));
	buf_clear(&text);
	buf_printf(&text, RULES "%.*s", n, f->article);
	wire_put_string(&link, LINK_URL, buf_slice(&text));
	wire_put_bytes(&help, HELP_LINKS, buf_slice(&link));
	if (text.error || link.error)
		status->error = ERR_NO_MEMORY;
	put_detail(status, "google.rpc.Help", &help);
	buf_release(&help);
	buf_release(&link);
	buf_release(&text);
}

/* How much of a fault is told. */
struct share {
	size_t items;
	bool text, help;
};

static void
encode(struct buf *status, const struct fault *f, struct share share)
{
	wire_put_uint(status, STATUS_CODE, (uint64_t)reason_of(f->code)->status);
	if (share.text)
		put_str(status, STATUS_MESSAGE, f->text);
	put_error_info(status, f, f->more + f->item_count - share.items);
	put_violations(status, f, share.items, true);
	put_violations(status, f, share.items, false);
	put_retry_info(status, f);
	if (share.help)
		put_help(status, f);
}

/* The next smaller share; false: there is none. */
static bool
share_less(struct share *share)
{
	if (share->help)
		share->help = false;
	else if (share->items > 0)
		share->items--;
	else if (share->text)
		share->text = false; /* grpc-message carries it too */
	else
		return false;
	return true;
}

void
status_encode(struct buf *out, const struct fault *f, size_t max_bytes)
{
	struct buf status = {0};
	struct share share = {f->item_count, true, true};
	do {
		buf_clear(&status);
		encode(&status, f, share);
	} while (!status.error && status.n > max_bytes && share_less(&share));
	if (status.n > max_bytes) /* not even the bare reason fits */
		buf_clear(&status);
	if (!status.error)
		buf_append_slice(out, buf_slice(&status));
	buf_release(&status);
}

static void
copy_text(char *dst, size_t size, struct slice s)
{
	if (s.n >= size) {
		s.n = size - 1;
		s.n = utf8_whole(s);
	}
	if (!utf8_valid(s) || memchr(s.n ? s.p : "", '\0', s.n))
		s.n = 0;
	if (s.n)
		memcpy(dst, s.p, s.n);
	dst[s.n] = '\0';
}

static int
code_of(struct slice reason)
{
	char name[64];
	copy_text(name, sizeof(name), reason);
	return reason_by_name(name);
}

static bool
read_error_info(struct fault *f, struct slice info)
{
	struct wire_field field;
	if (!slice_is(wire_string(info, ERROR_INFO_DOMAIN), DOMAIN))
		return false;
	int code = code_of(wire_string(info, ERROR_INFO_REASON));
	if (code != ERR_UNKNOWN) /* a reason that is newer than this program stays what its status says */
		f->code = code;
	while (wire_next(&info, &field) == 1) {
		uint64_t more;
		if (field.number != ERROR_INFO_METADATA || field.type != WIRE_LEN)
			continue;
		struct slice key = wire_string(field.bytes, 1), value = wire_string(field.bytes, 2);
		if (slice_is(key, "article"))
			copy_text(f->article, sizeof(f->article), value);
		else if (slice_is(key, "more") && slice_to_u64(value, &more))
			f->more += (size_t)more;
	}
	return true;
}

static void
read_violations(struct fault *f, struct slice list, bool bad_request)
{
	struct wire_field field;
	while (wire_next(&list, &field) == 1) {
		if (field.number != VIOLATIONS || field.type != WIRE_LEN)
			continue;
		if (f->item_count == FAULT_ITEMS) {
			f->more++;
			continue;
		}
		struct fault_item *item = &f->items[f->item_count++];
		item->code = code_of(
			wire_string(field.bytes, bad_request ? BAD_REQUEST_REASON : PRECONDITION_TYPE));
		if (item->code == ERR_UNKNOWN)
			item->code = f->code;
		copy_text(item->field, sizeof(item->field),
			  wire_string(field.bytes, bad_request ? BAD_REQUEST_FIELD : PRECONDITION_SUBJECT));
		copy_text(item->text, sizeof(item->text),
			  wire_string(field.bytes,
				      bad_request ? BAD_REQUEST_DESCRIPTION : PRECONDITION_DESCRIPTION));
	}
}

static void
read_retry_info(struct fault *f, struct slice info)
{
	msec delay = wire_time(info, RETRY_INFO_DELAY);
	if (delay > 0)
		f->retry_ms = delay < RETRY_DELAY_MAX ? delay : RETRY_DELAY_MAX;
}

/* The article, where ErrorInfo did not name one. Links to elsewhere are not followed. */
static void
read_help(struct fault *f, struct slice help)
{
	struct slice url = wire_string(wire_string(help, HELP_LINKS), LINK_URL), rules = SLICE(RULES);
	if (f->article[0] == '\0' && slice_starts(url, rules) && url.n > rules.n)
		copy_text(f->article, sizeof(f->article), slice_make(url.p + rules.n, url.n - rules.n));
}

/* Reads one detail; true if it is our ErrorInfo. */
static bool
read_detail(struct fault *f, struct slice any)
{
	struct slice type = wire_string(any, ANY_TYPE_URL), value = wire_string(any, ANY_VALUE);
	if (slice_is(type, TYPE_PREFIX "google.rpc.ErrorInfo"))
		return read_error_info(f, value);
	if (slice_is(type, TYPE_PREFIX "google.rpc.BadRequest"))
		read_violations(f, value, true);
	else if (slice_is(type, TYPE_PREFIX "google.rpc.PreconditionFailure"))
		read_violations(f, value, false);
	else if (slice_is(type, TYPE_PREFIX "google.rpc.RetryInfo"))
		read_retry_info(f, value);
	else if (slice_is(type, TYPE_PREFIX "google.rpc.Help"))
		read_help(f, value);
	return false;
}

bool
status_decode(struct fault *ret, enum grpc_status status, struct slice message, struct slice details)
{
	struct fault bare = {.code = reason_by_status(status)};
	copy_text(bare.text, sizeof(bare.text), message);
	if (bare.text[0] == '\0' && bare.code < 0)
		fault_set(&bare, bare.code, "%s (%s)", reason_of(bare.code)->text, grpc_status_name(status));
	bare.article[0] = '\0';
	*ret = bare;
	struct fault f = bare;
	struct wire_field field;
	bool ours = false;
	int r;
	struct slice rest = details;
	while ((r = wire_next(&rest, &field)) == 1)
		if (field.number == STATUS_DETAILS && field.type == WIRE_LEN)
			ours |= read_detail(&f, field.bytes);
	if (r < 0 || !ours || wire_uint(details, STATUS_CODE) != (uint64_t)status)
		return false;
	struct slice text = wire_string(details, STATUS_MESSAGE);
	if (text.n && utf8_valid(text) && !memchr(text.p, '\0', text.n))
		copy_text(f.text, sizeof(f.text), text);
	*ret = f;
	return true;
}

bool
status_retry_delay(struct slice details, int64_t *ret_ms)
{
	struct wire_field field;
	while (wire_next(&details, &field) == 1) {
		if (field.number != STATUS_DETAILS || field.type != WIRE_LEN ||
		    !slice_is(wire_string(field.bytes, ANY_TYPE_URL), TYPE_PREFIX "google.rpc.RetryInfo"))
			continue;
		int64_t ms = wire_time(wire_string(field.bytes, ANY_VALUE), RETRY_INFO_DELAY);
		if (ms < 0)
			return false;
		*ret_ms = ms;
		return true;
	}
	return false;
}
