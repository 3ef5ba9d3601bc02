/* The engine under chance: many calls of all kinds with random cuts, resets, pauses and
 * clocks; and recorded conversations with bytes changed, dropped, doubled. What must hold
 * whatever comes: every call that started is closed once, what is answered is right, the
 * queue is bounded, and no sanitizer has anything to say. Prints its seed; ZWY_SEED and
 * ZWY_ROUNDS=long repeat and lengthen it. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned
rounds(unsigned normal)
{
	const char *asked = getenv("ZWY_ROUNDS");
	if (asked && strcmp(asked, "quick") == 0)
		return normal / 4 + 1;
	return asked && strcmp(asked, "long") == 0 ? normal * 20 : normal;
}

static const char *const paths[] = {"/t.T/Unary",  "/t.T/Upload",  "/t.T/Download", "/t.T/Chat",
				    "/t.T/Hold",   "/t.T/Stream",  "/t.T/Pausing",  "/t.T/Flood",
				    "/t.T/Fault",  "/t.T/Empty",   "/t.T/Metadata", "/t.T/Checked",
				    "/t.T/Nobody", "/t.T/Download"};
#define PATHS (sizeof(paths) / sizeof(paths[0]))

static size_t
pick(uint64_t *seed, size_t n)
{
	return (size_t)(random_next(seed) % n);
}

static void
random_call(struct pair *p, uint64_t *seed)
{
	static const char *const short_deadline[] = {"grpc-timeout", "50m", NULL};
	if (p->call_count == MAX_CALLS)
		return;
	struct client_call *c = pair_call(p, paths[pick(seed, PATHS)], pick(seed, 3) ? NULL : short_deadline);
	if (pick(seed, 4))
		pair_say(p, c, SLICE("20 3000"));
	if (pick(seed, 4))
		pair_end(p, c);
}

static void
random_client_act(struct pair *p, uint64_t *seed)
{
	static const char zeroes[40000];
	if (p->call_count == 0)
		return;
	struct client_call *c = p->calls[pick(seed, p->call_count)];
	if (c->closed)
		return;
	switch (pick(seed, 4)) {
	case 0:
		pair_reset(p, c, NGHTTP2_CANCEL);
		break;
	case 1:
		pair_end(p, c);
		break;
	case 2:
		if (!c->request_ends)
			pair_say(p, c, slice_make(zeroes, pick(seed, sizeof(zeroes))));
		break;
	default:
		if (!c->request_ends)
			pair_say_raw(p, c, slice_make(zeroes, pick(seed, 7)));
	}
}

static void
random_server_act(struct pair *p, uint64_t *seed)
{
	static const char zeroes[100000];
	if (p->call_count == 0)
		return;
	struct call *call = engine_find(p->engine, p->calls[pick(seed, p->call_count)]->stream);
	if (!call)
		return;
	struct fault f = {0};
	fault_set(&f, ERR_WRONG_STATE, "by chance");
	switch (pick(seed, 5)) {
	case 0:
		call_finish(call, &f);
		break;
	case 1:
		call_resume(call);
		break;
	case 2:
		call_pause(call);
		break;
	case 3:
		call_send(call, slice_make(zeroes, pick(seed, sizeof(zeroes))));
		break;
	default:
		call_reply(call, slice_make(zeroes, pick(seed, 100)));
	}
}

static void
one_life(struct pair *p, uint64_t seed)
{
	static const uint32_t windows[] = {1, 777, 65535, 1000000};
	struct pair_options o = {.client_window = windows[pick(&seed, 4)]};
	pair_open(p, &o);
	p->seed = seed;
	unsigned steps = 20 + (unsigned)pick(&seed, 100);
	for (unsigned i = 0; i < steps; i++) {
		switch (pick(&seed, 7)) {
		case 0:
		case 1:
			random_call(p, &seed);
			break;
		case 2:
			random_client_act(p, &seed);
			break;
		case 3:
			random_server_act(p, &seed);
			break;
		case 4:
			pair_up(p);
			break;
		case 5:
			pair_down(p);
			break;
		default:
			p->now += (msec)pick(&seed, 40);
			engine_service(p->engine, p->now);
		}
		assert_int_equal(p->push_result, 0);
	}
	if (pick(&seed, 3) == 0)
		engine_drain(p->engine, p->now, 100);
	if (pick(&seed, 2))
		pair_run(p);
	pair_close(p);
}

static void
every_call_is_closed_once_whatever_happens(void **state)
{
	(void)state;
	struct pair *p = malloc(sizeof(*p));
	uint64_t seed = random_seed(2026);
	for (unsigned i = 0; i < rounds(400); i++)
		one_life(p, seed + i);
	free(p);
}

/* All that a client says in one life, without chance in it, as one run of bytes. */
static void
record(struct pair *p, struct buf *ret)
{
	static const char *const extra[] = {"grpc-timeout", "5S",   "x-name", "value",
					    "x-raw-bin",    "AAEC", NULL};
	pair_open(p, NULL);
	for (size_t i = 0; i < PATHS; i++) {
		struct client_call *c = pair_call(p, paths[i], i % 2 ? extra : NULL);
		pair_say(p, c, SLICE("3 300"));
		pair_say(p, c, SLICE("more"));
		pair_end(p, c);
	}
	const uint8_t *data;
	ssize_t n;
	while ((n = nghttp2_session_mem_send(p->client, &data)) > 0)
		buf_append(ret, data, (size_t)n);
	pair_close(p);
}

static void
mutate(struct buf *b, uint64_t *seed)
{
	unsigned changes = 1 + (unsigned)pick(seed, 8);
	while (changes--) {
		/* Past the preface as a rule: damage to it ends everything at once. */
		size_t at = pick(seed, 50) ? 24 + pick(seed, b->n - 24) : pick(seed, b->n);
		size_t n = 1 + pick(seed, 30);
		if (n > b->n - at)
			n = b->n - at;
		switch (pick(seed, 4)) {
		case 0:
			b->p[at] = (char)(b->p[at] ^ (1 << pick(seed, 8)));
			break;
		case 1:
			b->p[at] = (char)random_next(seed);
			break;
		case 2:
			memmove(b->p + at, b->p + at + n, b->n - at - n);
			b->n -= n;
			break;
		default: {
			char copy[32];
			memcpy(copy, b->p + at, n);
			buf_append(b, copy, n);
			memmove(b->p + at + n, b->p + at, b->n - n - at);
			memcpy(b->p + at, copy, n);
		}
		}
	}
}

static void
feed(struct pair *p, struct slice bytes, uint64_t *seed)
{
	while (bytes.n) {
		size_t n = 1 + pick(seed, pick(seed, 2) ? 20 : 2000);
		if (n > bytes.n)
			n = bytes.n;
		char *copy = malloc(n);
		memcpy(copy, bytes.p, n);
		int rc = engine_push(p->engine, slice_make(copy, n), p->now);
		free(copy);
		p->now += (msec)pick(seed, 20);
		engine_service(p->engine, p->now);
		if (pick(seed, 3) || rc)
			while (engine_pull(p->engine, &p->out, p->now))
				assert_true(p->out.n <= ENGINE_SLICES);
		if (rc)
			break;
		bytes = slice_make(bytes.p + n, bytes.n - n);
	}
}

static void
damaged_conversations_harm_nobody(void **state)
{
	(void)state;
	struct pair *p = malloc(sizeof(*p));
	struct buf original = {0}, changed = {0};
	uint64_t seed = random_seed(2027);
	record(p, &original);
	for (unsigned i = 0; i < rounds(3000); i++) {
		buf_clear(&changed);
		buf_append_slice(&changed, buf_slice(&original));
		uint64_t mine = seed + i;
		mutate(&changed, &mine);
		pair_open(p, NULL);
		feed(p, buf_slice(&changed), &mine);
		pair_close(p);
	}
	buf_release(&original);
	buf_release(&changed);
	free(p);
}

static void
noise_ends_the_connection_and_nothing_else(void **state)
{
	(void)state;
	struct pair *p = malloc(sizeof(*p));
	uint64_t seed = random_seed(2028);
	for (unsigned i = 0; i < rounds(300); i++) {
		struct buf noise = {0};
		buf_append_str(&noise, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
		buf_append(&noise, "\0\0\0\4\0\0\0\0\0", 9);
		for (unsigned k = 0; k < 2000; k++)
			buf_append_char(&noise,
					(char)(pick(&seed, 3) ? pick(&seed, 10) : random_next(&seed)));
		pair_open(p, NULL);
		feed(p, buf_slice(&noise), &seed);
		pair_close(p);
		buf_release(&noise);
	}
	free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_is_closed_once_whatever_happens),
		cmocka_unit_test(damaged_conversations_harm_nobody),
		cmocka_unit_test(noise_ends_the_connection_and_nothing_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
