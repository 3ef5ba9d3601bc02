/* Where a server listens: unix:PATH, HOST:PORT or tls:HOST:PORT. A target belongs to its client
 * and needs no release. Any thread. */
#ifndef ZWY_LIB_TARGET_H
#define ZWY_LIB_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define TARGET_ADDRESSES_MAX 8

struct address {
	struct sockaddr_storage storage;
	socklen_t size;
};

struct target {
	bool is_unix, is_tls;
	char text[320];      /* as given */
	char authority[320]; /* of the requests */
	char host[256];
	char port[6];
	bool numeric; /* the addresses are known without a resolver */
	struct address addresses[TARGET_ADDRESSES_MAX];
	size_t address_count;
};

/* 0 or -EINVAL. Asks no resolver: numeric hosts, localhost and paths get their addresses here. */
int target_parse(struct target *ret, const char *text);

#endif
