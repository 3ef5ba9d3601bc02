/* A peer that says whatever it likes, frame by frame, to an engine in memory, and counts
 * what it hears. The pair's own client stays silent. */
#ifndef TEST_RPC_SUPPORT_RAW_H
#define TEST_RPC_SUPPORT_RAW_H

#include "support.h"

struct raw {
	struct pair pair;
	struct buf out; /* said, but not yet pushed */
	struct buf in;  /* the beginning of a frame */
	nghttp2_hd_inflater *inflater;
	int32_t next_stream;
	int result;      /* of the last push */
	uint32_t window; /* what the engine may send; given back on receipt unless `holds` */
	bool holds;
	/* heard */
	unsigned frames[16];       /* by type; acknowledgements of PING and SETTINGS apart */
	unsigned acknowledged[16]; /* by type */
	unsigned resets[16];       /* by code */
	unsigned statuses[GRPC_STATUS_COUNT];
	unsigned goaways;
	uint32_t goaway_code;
	int32_t goaway_last;
	char goaway_text[64];
	uint8_t ping[8]; /* the last one that asks for an answer */
	size_t data_bytes;
	uint32_t settings[16]; /* by id, as the engine announced them */
};

/* Preface, SETTINGS and the acknowledgement of the engine's have been exchanged. */
void raw_open(struct raw *r, void (*limits)(struct rpc_limits *l));
/* Nothing has been said. */
void raw_open_silent(struct raw *r, void (*limits)(struct rpc_limits *l));
void raw_close(struct raw *r);

void raw_say(struct raw *r, struct slice bytes);
void raw_frame(struct raw *r, uint8_t type, uint8_t flags, int32_t stream, struct slice payload);
void raw_number(struct raw *r, uint8_t type, int32_t stream, uint32_t n); /* RST_STREAM, WINDOW_UPDATE */
void raw_setting(struct raw *r, uint16_t id, uint32_t value);
void raw_ping(struct raw *r);
/* One literal field of a header block. */
void raw_field(struct buf *block, const char *name, struct slice value);
/* What every request has. */
void raw_request(struct buf *block, const char *path);
/* A new stream with these headers; extra is one more field, or NULL. */
int32_t raw_headers(struct raw *r, uint8_t flags, const char *path, const char *name, const char *value);
/* DATA with one framed message. */
void raw_message(struct raw *r, int32_t stream, uint8_t flags, struct slice message);
/* A whole unary call, answered OK, or it asserts. */
void raw_good_call(struct raw *r);

/* Pushes what was said, lets time work and takes what comes. False: the engine is done. */
bool raw_run(struct raw *r);
bool raw_wait(struct raw *r, int64_t ms);
/* Requires that the connection ended by this GOAWAY; NULL: by none. */
void assert_ended(struct raw *r, uint32_t code, const char *text);
/* Budgets small enough for a test: 20 resets, stream errors and SETTINGS, 100 glitches, 3
 * oversized requests. */
void small_budgets(struct rpc_limits *l);
/* What is to be said ends the connection by ENHANCE_YOUR_CALM and this text, and nothing
 * follows; then closes. */
void expect_end(struct raw *r, const char *text);
/* A good call is answered still; then closes. */
void expect_service(struct raw *r);

const struct rpc_limits *limits_of(const struct raw *r);
/* What is to be said is said, and a ms before the term no GOAWAY has come. */
void wait_until_just_before(struct raw *r, int64_t term);

#define NOTHING ((struct slice){0})

#endif
