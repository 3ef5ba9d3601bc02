/* What the cases share: messages of grpc.testing, and how a case ends early. */
#ifndef ZWY_TESTS_INTEROP_CASES_H
#define ZWY_TESTS_INTEROP_CASES_H

#include <stdio.h>

#include "interop_call.h"
#include "wire.h"

/* Numbers of grpc/testing/messages.proto. */
enum { PAYLOAD_BODY = 2, STATUS_CODE = 1, STATUS_MESSAGE = 2, BOOL_VALUE = 1 };
enum { SIMPLE_SIZE = 2, SIMPLE_PAYLOAD = 3, SIMPLE_COMPRESSED = 6, SIMPLE_STATUS = 7, SIMPLE_EXPECT = 8 };
enum { RESPONSE_PAYLOAD = 1, INPUT_PAYLOAD = 1, INPUT_EXPECT = 2, INPUT_AGGREGATED = 1 };
enum { OUTPUT_PARAMETERS = 2, OUTPUT_PAYLOAD = 3, OUTPUT_STATUS = 7 };
enum { PARAMETERS_SIZE = 1, PARAMETERS_COMPRESSED = 3 };

#define LARGE_REQUEST  271828
#define LARGE_RESPONSE 314159

/* A case goes no further where this does not hold. */
#define EXPECT(condition)                                                        \
	do {                                                                     \
		if (!(condition)) {                                              \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition); \
			held = false;                                            \
			goto end;                                                \
		}                                                                \
	} while (0)

static const struct zwy_bytes nothing = {NULL, 0};
static const struct zwy_call_options streaming = {.client_streaming = true};

/* interop_messages.c; what they append to is the caller's to release */
void put_payload(struct buf *b, uint32_t number, size_t size);
void put_bool(struct buf *b, uint32_t number, bool value); /* grpc.testing.BoolValue */
void put_status(struct buf *b, uint32_t number, unsigned code, const char *text);
void put_wanted(struct buf *b, unsigned size, int compressed); /* -1: not said */
struct buf large_request(void);
/* Of the i-th message of the answer. */
size_t payload_size(const struct course *c, size_t i);
struct zwy_bytes bytes(const struct buf *b);
/* Sends a message that asks for one of that size. */
void ask(struct course *c, unsigned answer, unsigned size);

/* The cases themselves. */
#define CASE(name) bool name(struct zwy_client *client);
#include "interop_cases.def"
#undef CASE

#endif
