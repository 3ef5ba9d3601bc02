/* Calls while the server dies, comes back and sends clients away at random: every
 * call ends exactly once, none is carried out twice, and one that is said not to
 * have been sent was never seen by a handler. */
#include "drive.h"

#include <time.h>

#define CALLS         4000
#define UNDER_WAY     64
#define DEATHS_ONE_IN 400

static unsigned
next(unsigned *state)
{
	unsigned x = *state;
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *state = x;
}

struct one {
	struct zwy_error error;
	int done;
	int *ended;
};

static void
on_done(void *ctx, struct zwy_call *call, const struct zwy_error *error)
{
	struct one *one = ctx;
	(void)call;
	one->done++;
	one->error = *error;
	(*one->ended)++;
}

static void
start(struct zwy_client *c, struct one *one, int number, bool patient)
{
	char text[16];
	struct zwy_call_options o = {.size = sizeof(o),
				     .done = on_done,
				     .ctx = one,
				     .wait_for_ready = patient,
				     .timeout_ms = 20000};
	snprintf(text, sizeof(text), "%d", number);
	assert_non_null(zwy_call_start(c, "/t/Count", bytes_of(text), &o));
}

static void
judge(const struct peer *peer, const struct one *all)
{
	int ok = 0, unsent = 0, unknown = 0;
	for (int i = 0; i < CALLS; i++) {
		unsigned char seen = atomic_load(&peer->counted[i]);
		assert_int_equal(all[i].done, 1);
		assert_true(seen <= 1);
		if (all[i].error.status == 0) {
			assert_int_equal(seen, 1);
			ok++;
		} else if (!all[i].error.sent) {
			assert_int_equal(seen, 0);
			assert_int_equal(all[i].error.exit_status, 6);
			unsent++;
		} else {
			assert_int_equal(all[i].error.exit_status, 7);
			unknown++;
		}
	}
	print_message("%d done, %d not sent, %d unknown\n", ok, unsent, unknown);
	assert_true(ok > 0);
}

static void
run(bool is_tcp)
{
	static struct one all[CALLS];
	struct peer *peer = calloc(1, sizeof(*peer));
	unsigned random = (unsigned)time(NULL) | 1;
	int started = 0, ended = 0;
	print_message("seed %u\n", random);
	memset(all, 0, sizeof(all));
	*peer = (struct peer){.is_tcp = is_tcp, .max_streams = 20, .goaway_every = 97};
	peer_start(peer);
	struct zwy_client *c = client_of(peer->target);
	while (ended < CALLS) {
		while (started < CALLS && started - ended < UNDER_WAY) {
			all[started].ended = &ended;
			start(c, &all[started], started, next(&random) % 2);
			started++;
		}
		turn(c);
		if (next(&random) % DEATHS_ONE_IN == 0) {
			peer_stop(peer);
			for (unsigned i = next(&random) % 8; i > 0; i--)
				turn(c);
			peer_start(peer);
		}
	}
	judge(peer, all);
	zwy_client_free(c);
	peer_release(peer);
	free(peer);
}

static void
nothing_is_lost_or_done_twice_over_unix_sockets(void **state)
{
	(void)state;
	run(false);
}

static void
nothing_is_lost_or_done_twice_over_tcp(void **state)
{
	(void)state;
	run(true);
}

/* ---- threads ---------------------------------------------------------- */

static void *
use_a_client_of_its_own(void *arg)
{
	struct zwy_client *c;
	long good = 0;
	if (zwy_client_new(&c, arg, NULL, NULL) != 0)
		return NULL;
	for (int i = 0; i < 300; i++)
		good += zwy_unary(c, "/t/Echo", bytes_of("x"), NULL, NULL, NULL) == 0;
	zwy_client_free(c);
	return (void *)good;
}

static void
threads_with_a_client_each_need_no_lock(void **state)
{
	(void)state;
	struct peer *peer = calloc(1, sizeof(*peer));
	pthread_t threads[4];
	peer_start(peer);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_a_client_of_its_own, peer->target), 0);
	for (int i = 0; i < 4; i++) {
		void *good;
		pthread_join(threads[i], &good);
		assert_int_equal((long)good, 300);
	}
	peer_release(peer);
	free(peer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_or_done_twice_over_unix_sockets),
		cmocka_unit_test(nothing_is_lost_or_done_twice_over_tcp),
		cmocka_unit_test(threads_with_a_client_each_need_no_lock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
