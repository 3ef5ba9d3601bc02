#include "target.h"

#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "zwy.h"

static int
parse_unix(struct target *t, const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t n = strlen(path);
	if (n == 0 || n >= sizeof(un.sun_path))
		return -EINVAL;
	memcpy(un.sun_path, path, n + 1);
	t->is_unix = true;
	snprintf(t->authority, sizeof(t->authority), "localhost");
	memcpy(&t->addresses[0].storage, &un, sizeof(un));
	t->addresses[0].size = sizeof(un);
	t->address_count = 1;
	return 0;
}

static void
add_numeric(struct target *t, const char *host)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *found;
	if (getaddrinfo(host, t->port, &hints, &found) != 0)
		return;
	struct address *a = &t->addresses[t->address_count++];
	memcpy(&a->storage, found->ai_addr, found->ai_addrlen);
	a->size = found->ai_addrlen;
	freeaddrinfo(found);
}

/* HOST:PORT, [HOST]:PORT for IPv6. */
static int
parse_tcp(struct target *t, const char *text)
{
	const char *colon = strrchr(text, ':');
	if (!colon || colon == text)
		return -EINVAL;
	struct slice host = {text, (size_t)(colon - text)};
	struct slice port = slice_of(colon + 1);
	uint64_t number;
	if (!slice_to_u64(port, &number) || number == 0 || number > UINT16_MAX)
		return -EINVAL;
	if (host.p[0] == '[') {
		if (host.n < 3 || host.p[host.n - 1] != ']')
			return -EINVAL;
		host = (struct slice){host.p + 1, host.n - 2};
	} else if (memchr(host.p, ':', host.n)) {
		return -EINVAL;
	}
	if (host.n >= sizeof(t->host))
		return -EINVAL;
	for (size_t i = 0; i < host.n; i++)
		if ((unsigned char)host.p[i] <= ' ' || (unsigned char)host.p[i] > '~' || host.p[i] == '/')
			return -EINVAL;
	memcpy(t->host, host.p, host.n);
	t->host[host.n] = '\0';
	snprintf(t->port, sizeof(t->port), "%u", (unsigned)number);
	snprintf(t->authority, sizeof(t->authority), "%s", text);
	if (strcmp(t->host, "localhost") == 0) {
		add_numeric(t, "127.0.0.1");
		add_numeric(t, "::1");
	} else {
		add_numeric(t, t->host);
	}
	t->numeric = t->address_count > 0;
	return 0;
}

int
target_parse(struct target *ret, const char *text)
{
	struct target t = {0};
	size_t n = text ? strlen(text) : 0;
	if (n == 0 || n >= sizeof(t.text))
		return -EINVAL;
	memcpy(t.text, text, n + 1);
	t.is_tls = strncmp(text, "tls:", 4) == 0;
	int r = strncmp(text, "unix:", 5) == 0 ? parse_unix(&t, text + 5)
					       : parse_tcp(&t, t.is_tls ? text + 4 : text);
	if (r == 0)
		*ret = t;
	return r;
}

const char *
zwy_default_target(char *buffer, size_t size)
{
	const char *given = getenv("ZWY_SERVER");
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	if (given && given[0])
		snprintf(buffer, size, "%s", given);
	else if (geteuid() != 0 && runtime && runtime[0])
		snprintf(buffer, size, "unix:%s/zwy/zwyd.sock", runtime);
	else
		snprintf(buffer, size, "unix:/run/zwy/zwyd.sock");
	return buffer;
}
