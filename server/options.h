/* What zwyd is started with: the command line and the settings file. */
#ifndef ZWY_SERVER_OPTIONS_H
#define ZWY_SERVER_OPTIONS_H

#include "server.h"

#define LISTEN_MAX 16

struct options {
	const char *data, *config, *clock, *tcp_principal;
	const char *init; /* empty, demo, or NULL */
	const char *listen[LISTEN_MAX];
	size_t listen_count;
	struct settings settings;
	struct rpc_limits rpc_limits;
	struct net_limits net_limits;
	struct arena texts; /* of the settings file; the caller releases it */
};

enum options_result { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_WRONG };

/* Prints --help and --version, or what is wrong, itself. */
enum options_result options_read(struct options *o, int argc, char **argv);

#endif
