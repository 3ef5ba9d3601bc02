/* A resolver that answers too late. */
#include <dlfcn.h>
#include <netdb.h>
#include <semaphore.h>

#include "drive.h"

static sem_t answer, answered, let_go;

/* In place of libc's: the name is found when the test says so, and the resolver's thread does not
 * let go of its answer before the test says so. */
int
getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **ret)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
		dlsym(RTLD_NEXT, "getaddrinfo");
	if (strcmp(host, "late.invalid") != 0)
		return real(host, port, hints, ret);
	if (hints->ai_flags & AI_NUMERICHOST)
		return EAI_NONAME;
	sem_wait(&answer);
	return real("127.0.0.1", port, hints, ret);
}

void
freeaddrinfo(struct addrinfo *found)
{
	void (*real)(struct addrinfo *) = dlsym(RTLD_NEXT, "freeaddrinfo");
	sem_post(&answered);
	sem_wait(&let_go);
	real(found);
}

static void
an_answer_that_comes_after_its_time_is_not_heard(void **state)
{
	(void)state;
	struct zwy_client *c;
	struct zwy_options options = {.size = sizeof(options), .connect_timeout_ms = 20};
	struct zwy_error error;
	assert_int_equal(zwy_client_new(&c, "late.invalid:1", &options, NULL), 0);
	assert_int_equal(zwy_unary(c, "/t/Echo", bytes_of("x"), NULL, NULL, &error), -1);
	assert_int_equal(error.status, GRPC_UNAVAILABLE);
	assert_non_null(strstr(error.text, "no answer in time"));
	sem_post(&answer);
	sem_wait(&answered);
	zwy_client_process(c);
	assert_int_equal(zwy_client_state(c), ZWY_WAITING);
	sem_post(&let_go);
	zwy_client_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_that_comes_after_its_time_is_not_heard),
	};
	sem_init(&answer, 0, 0);
	sem_init(&answered, 0, 0);
	sem_init(&let_go, 0, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
