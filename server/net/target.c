/* Targets as people write them, and addresses as logs show them. */
#include "net/internal.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include <sys/un.h>

static int
parse_unix(struct target *ret, const char *path, struct fault *f)
{
	struct sockaddr_un *address = (struct sockaddr_un *)&ret->address.storage;
	size_t n = strlen(path);
	if (n == 0 || n >= sizeof(address->sun_path))
		return fault_set(f, ERR_INVALID_ARGUMENT,
				 "unix:PATH needs a path of 1 to %zu bytes, not \"%s\"",
				 sizeof(address->sun_path) - 1, path);
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, n + 1);
	ret->path = path;
	return 0;
}

/* In the name space of the kernel, not of files (unix(7)). */
static int
parse_abstract(struct target *ret, const char *name, struct fault *f)
{
	struct sockaddr_un *address = (struct sockaddr_un *)&ret->address.storage;
	size_t n = strlen(name);
	if (n == 0 || n >= sizeof(address->sun_path))
		return fault_set(f, ERR_INVALID_ARGUMENT,
				 "unix-abstract:NAME needs a name of 1 to %zu bytes, not \"%s\"",
				 sizeof(address->sun_path) - 1, name);
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path + 1, name, n);
	ret->abstract_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n);
	return 0;
}

const char *
listen_prefix(enum listen_kind kind)
{
	static const char *const prefixes[] = {
		[LISTEN_PLAIN] = "", [LISTEN_TLS] = "tls:", [LISTEN_HTTP1] = "http:"};
	return prefixes[kind];
}

/* HOST may be an address in brackets. */
static bool
split_host(const char *text, char host[NET_TARGET_MAX], const char **ret_port)
{
	const char *colon = strrchr(text, ':');
	if (!colon || colon == text || (size_t)(colon - text) >= NET_TARGET_MAX)
		return false;
	size_t n = (size_t)(colon - text);
	const char *from = text;
	if (text[0] == '[') {
		if (n < 3 || text[n - 1] != ']')
			return false;
		from++;
		n -= 2;
	} else if (memchr(text, ':', n)) {
		return false; /* an IPv6 address without brackets: where would the port begin? */
	}
	memcpy(host, from, n);
	host[n] = '\0';
	*ret_port = colon + 1;
	return true;
}

static int
parse_tcp(struct target *ret, const char *text, struct fault *f)
{
	char host[NET_TARGET_MAX];
	const char *port;
	uint64_t number;
	if (!split_host(text, host, &port) || !slice_to_u64(slice_of(port), &number) || number > UINT16_MAX)
		return fault_set(f, ERR_INVALID_ARGUMENT,
				 "a target is unix:PATH, HOST:PORT or tls:HOST:PORT, [ADDRESS]:PORT for "
				 "IPv6, not \"%s\"",
				 text);
	struct addrinfo hints = {.ai_family = AF_UNSPEC,
				 .ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	int rc = getaddrinfo(host, port, &hints, &found);
	if (rc)
		return fault_set(f, ERR_UNAVAILABLE, "%s: %s", text, gai_strerror(rc));
	/* The first that is IPv4, if any: what people mean by localhost. */
	const struct addrinfo *pick = found;
	while (pick && pick->ai_family != AF_INET)
		pick = pick->ai_next;
	if (!pick)
		pick = found;
	memcpy(&ret->address.storage, pick->ai_addr, pick->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

int
target_parse(struct target *ret, const char *text, struct fault *f)
{
	*ret = (struct target){0};
	if (strncmp(text, "unix:", 5) == 0)
		return parse_unix(ret, text + 5, f);
	if (strncmp(text, "unix-abstract:", 14) == 0)
		return parse_abstract(ret, text + 14, f);
	for (enum listen_kind kind = LISTEN_PLAIN; kind <= LISTEN_HTTP1; kind++) {
		size_t n = strlen(listen_prefix(kind));
		if (n > 0 && strncmp(text, listen_prefix(kind), n) == 0) {
			ret->kind = kind;
			text += n;
			break;
		}
	}
	return parse_tcp(ret, text, f);
}

void
address_format(char *dst, size_t size, const struct sockaddr *address)
{
	char host[NI_MAXHOST];
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)address;
		uv_ip4_name(in, host, sizeof(host));
		snprintf(dst, size, "%s:%u", host, ntohs(in->sin_port));
	} else if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
		uv_ip6_name(in6, host, sizeof(host));
		snprintf(dst, size, "[%s]:%u", host, ntohs(in6->sin6_port));
	} else {
		snprintf(dst, size, "unknown");
	}
}

bool
address_is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
	if (address->sa_family != AF_INET6)
		return false;
	const struct in6_addr *in6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
	return IN6_IS_ADDR_LOOPBACK(in6) || (IN6_IS_ADDR_V4MAPPED(in6) && in6->s6_addr[12] == 127);
}
