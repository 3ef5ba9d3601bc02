/* zwy-interop-client TARGET [CASE...]: the cases of doc/interop-test-descriptions.md of
 * grpc/grpc, with libzwy as the client. Files for TLS come from ZWY_CA, ZWY_CERT and
 * ZWY_KEY. Writes TAP; without names it runs every case. */
#include <string.h>

#include "interop_cases.h"

static const struct {
	const char *name;
	bool (*run)(struct zwy_client *client);
} cases[] = {
#define CASE(name) {#name, name},
#include "interop_cases.def"
#undef CASE
};
#define CASE_COUNT (sizeof(cases) / sizeof(cases[0]))

/* One client for each case, as the descriptions have it. */
static bool
run_case(size_t i, const char *target)
{
	struct zwy_options options = {.size = sizeof(options), .user_agent = "zwy-interop-client"};
	struct zwy_client *client;
	struct zwy_error error;
	zwy_default_files(&options);
	if (zwy_client_new(&client, target, &options, &error) != 0) {
		printf("# %s\n", error.text);
		return false;
	}
	bool held = cases[i].run(client);
	zwy_client_free(client);
	printf("%sok - %s\n", held ? "" : "not ", cases[i].name);
	return held;
}

static bool
is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc <= 2;
}

int
main(int argc, char **argv)
{
	int failed = 0, ran = 0;
	if (argc < 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: zwy-interop-client TARGET [CASE...]\n");
		return 2;
	}
	for (size_t i = 0; i < CASE_COUNT; i++) {
		if (!is_wanted(cases[i].name, argc, argv))
			continue;
		ran++;
		failed += !run_case(i, argv[1]);
	}
	printf("1..%d\n", ran);
	return failed || !ran;
}
