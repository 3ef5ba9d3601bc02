#include "grpc/reflection.h"

#include <stdlib.h>

#include "grpc/descriptors.h"
#include "grpc/index.h"
#include "grpc/message.h"
#include "grpc/services.h"

enum {
	REQUEST_HOST = 1,
	REQUEST_FILE = 3,
	REQUEST_SYMBOL = 4,
	REQUEST_EXTENSION = 5,
	REQUEST_EXTENSION_NUMBERS = 6,
	REQUEST_SERVICES = 7,
};
enum { EXTENSION_TYPE = 1, EXTENSION_NUMBER = 2 };
enum {
	RESPONSE_HOST = 1,
	RESPONSE_REQUEST = 2,
	RESPONSE_FILES = 4,
	RESPONSE_EXTENSION_NUMBERS = 5,
	RESPONSE_SERVICES = 6,
	RESPONSE_ERROR = 7,
};
enum { FILES_FILE = 1 };
enum { NUMBERS_TYPE = 1, NUMBERS_NUMBER = 2 };
enum { SERVICES_SERVICE = 1, SERVICE_NAME = 1 };
enum { ERROR_CODE = 1, ERROR_MESSAGE = 2 };
enum { FILE_DEPENDENCY = 3 }; /* of a FileDescriptorProto */

struct reflection {
	struct index *index;
	struct slice *services; /* they point into the methods' paths */
	size_t service_count;
};

/* One stream: which files it has been sent, a byte for each. */
struct stream {
	const struct reflection *reflection;
	bool *sent;
	bool *queued; /* of the response that is being made */
	size_t *queue;
};

int
reflection_new(struct reflection **ret, const struct slice *sets, size_t set_count, struct fault *f)
{
	struct reflection *r = calloc(1, sizeof(*r));
	struct slice *all = calloc(set_count + 1, sizeof(*all));
	int rc = 0;
	if (!r || !all) {
		rc = fault_set(f, ERR_NO_MEMORY, "out of memory");
	} else {
		if (set_count)
			memcpy(all, sets, set_count * sizeof(*sets));
		all[set_count] = slice_make(grpc_descriptors_begin,
					    (size_t)(grpc_descriptors_end - grpc_descriptors_begin));
		rc = index_new(&r->index, all, set_count + 1, f);
	}
	free(all);
	if (rc) {
		reflection_free(r);
		return rc;
	}
	*ret = r;
	return 0;
}

void
reflection_free(struct reflection *r)
{
	if (!r)
		return;
	index_free(r->index);
	free(r->services);
	free(r);
}

int
reflection_set_services(struct reflection *r, const struct rpc_method *methods, size_t n)
{
	struct slice *services = calloc(n ? n : 1, sizeof(*services));
	size_t count = 0;
	if (!services)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		struct slice service = method_service(&methods[i]);
		if (count == 0 || !slice_equal(services[count - 1], service))
			services[count++] = service;
	}
	free(r->services);
	r->services = services;
	r->service_count = count;
	return 0;
}

/* ---- answers ---- */

static void
put_error(struct buf *response, enum grpc_status status, const char *what, struct slice name)
{
	struct buf error = {0}, text = {0};
	name = message_shown(name);
	buf_printf(&text, "%s%.*s", what, (int)name.n, name.p);
	wire_put_uint(&error, ERROR_CODE, status);
	message_put(&error, ERROR_MESSAGE, &text);
	message_put(response, RESPONSE_ERROR, &error);
}

static void
queue_file(struct stream *s, size_t *end, size_t file)
{
	if (file == INDEX_NONE || s->queued[file])
		return;
	s->queued[file] = true;
	s->queue[(*end)++] = file;
}

/* A file, and what it imports, near before far. */
static void
put_files(struct buf *response, struct stream *s, size_t file)
{
	const struct index *x = s->reflection->index;
	struct buf files = {0};
	size_t end = 0;
	memset(s->queued, 0, index_files(x));
	queue_file(s, &end, file);
	for (size_t at = 0; at < end; at++) {
		struct slice bytes = index_file(x, s->queue[at]);
		struct wire_field field;
		if (at == 0 || !s->sent[s->queue[at]])
			wire_put_bytes(&files, FILES_FILE, bytes);
		s->sent[s->queue[at]] = true;
		while (wire_next(&bytes, &field) == 1)
			if (field.number == FILE_DEPENDENCY && field.type == WIRE_LEN)
				queue_file(s, &end, index_file_by_name(x, field.bytes));
	}
	message_put(response, RESPONSE_FILES, &files);
}

static void
put_file_or_error(struct buf *response, struct stream *s, size_t file, const char *missing, struct slice name)
{
	if (file == INDEX_NONE)
		put_error(response, GRPC_NOT_FOUND, missing, name);
	else
		put_files(response, s, file);
}

static void
put_extension(struct buf *response, struct stream *s, struct slice request)
{
	struct slice type = wire_string(request, EXTENSION_TYPE);
	int32_t number = (int32_t)wire_uint(request, EXTENSION_NUMBER);
	size_t file = index_file_by_extension(s->reflection->index, type, number);
	put_file_or_error(response, s, file, "no such extension of ", type);
}

static void
put_extension_numbers(struct buf *response, const struct stream *s, struct slice type)
{
	const struct index *x = s->reflection->index;
	struct buf numbers = {0}, packed = {0};
	int32_t number;
	if (!index_extension(x, type, 0, &number) && !index_has_message(x, type)) {
		put_error(response, GRPC_NOT_FOUND, "no such message: ", type);
		return;
	}
	for (size_t i = 0; index_extension(x, type, i, &number); i++)
		wire_put_varint(&packed, (uint64_t)(int64_t)number);
	wire_put_string(&numbers, NUMBERS_TYPE, type);
	message_put(&numbers, NUMBERS_NUMBER, &packed);
	message_put(response, RESPONSE_EXTENSION_NUMBERS, &numbers);
}

static void
put_services(struct buf *response, const struct reflection *r)
{
	struct buf services = {0};
	for (size_t i = 0; i < r->service_count; i++) {
		struct buf service = {0};
		wire_put_string(&service, SERVICE_NAME, r->services[i]);
		message_put(&services, SERVICES_SERVICE, &service);
	}
	message_put(response, RESPONSE_SERVICES, &services);
}

/* The last member of the oneof that is on the wire counts; number 0: there is none. */
static struct wire_field
question(struct slice request)
{
	struct wire_field field, last = {0};
	while (wire_next(&request, &field) == 1)
		if (field.number >= REQUEST_FILE && field.number <= REQUEST_SERVICES &&
		    field.type == WIRE_LEN)
			last = field;
	return last;
}

static void
put_answer(struct buf *response, struct stream *s, struct slice request)
{
	const struct reflection *r = s->reflection;
	struct wire_field q = question(request);
	switch (q.number) {
	case REQUEST_FILE:
		put_file_or_error(response, s, index_file_by_name(r->index, q.bytes),
				  "no such file: ", q.bytes);
		break;
	case REQUEST_SYMBOL:
		put_file_or_error(response, s, index_file_by_symbol(r->index, q.bytes),
				  "no such symbol: ", q.bytes);
		break;
	case REQUEST_EXTENSION:
		put_extension(response, s, q.bytes);
		break;
	case REQUEST_EXTENSION_NUMBERS:
		put_extension_numbers(response, s, q.bytes);
		break;
	case REQUEST_SERVICES:
		put_services(response, r);
		break;
	default:
		put_error(response, GRPC_UNIMPLEMENTED, "no question that is known here", SLICE(""));
		break;
	}
}

/* ---- the call ---- */

static void
start(struct call *c)
{
	const struct reflection *r = call_method(c)->ctx;
	struct arena *a = call_arena(c);
	struct stream *s = arena_alloc(a, sizeof(*s));
	size_t n = index_files(r->index);
	if (s) {
		s->reflection = r;
		s->sent = arena_array(a, n, sizeof(*s->sent));
		s->queued = arena_array(a, n, sizeof(*s->queued));
		s->queue = arena_array(a, n, sizeof(*s->queue));
	}
	if (a->failed) {
		struct fault f = {0};
		fault_set(&f, ERR_NO_MEMORY, "out of memory");
		call_finish(c, &f);
		return;
	}
	call_set_user(c, s);
}

static bool
sound(struct slice request, struct fault *f)
{
	const unsigned strings = FIELD_BIT(REQUEST_HOST) | FIELD_BIT(REQUEST_FILE) |
				 FIELD_BIT(REQUEST_SYMBOL) | FIELD_BIT(REQUEST_EXTENSION_NUMBERS) |
				 FIELD_BIT(REQUEST_SERVICES);
	struct wire_field q;
	if (!message_sound(request, strings, f))
		return false;
	q = question(request);
	return q.number != REQUEST_EXTENSION || message_sound(q.bytes, FIELD_BIT(EXTENSION_TYPE), f);
}

/* The next question waits while the client does not read the answers. */
static void
message(struct call *c, struct slice request)
{
	struct buf response = {0};
	struct fault f = {0};
	if (sound(request, &f)) {
		wire_put_string(&response, RESPONSE_HOST, wire_string(request, REQUEST_HOST));
		wire_put_bytes(&response, RESPONSE_REQUEST, request);
		put_answer(&response, call_user(c), request);
		if (response.error)
			fault_set(&f, ERR_NO_MEMORY, "out of memory");
	}
	if (f.code)
		call_finish(c, &f);
	else if (call_send(c, buf_slice(&response)) == CALL_FULL)
		call_pause(c);
	buf_release(&response);
}

static void
writable(struct call *c)
{
	call_resume(c);
}

static void
half_close(struct call *c)
{
	call_finish(c, NULL);
}

const struct call_handler reflection_handler = {
	.start = start,
	.message = message,
	.writable = writable,
	.half_close = half_close,
};
