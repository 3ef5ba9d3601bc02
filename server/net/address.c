/* How many connections each address has, or each user of this host. */
#include "net/internal.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

/* An open table with linear probing, never more than half full. */
struct address_count {
	struct address_key key;
	uint32_t count; /* 0: a free slot */
};

/* Root and the server's own user could stop the server anyway; what comes by TCP from
 * this host may be everybody's proxy. */
struct address_key
address_key_unix(uid_t uid)
{
	if (uid == 0 || uid == geteuid())
		return (struct address_key){0};
	return (struct address_key){ADDRESS_USER, uid};
}

struct address_key
address_key_ip(const struct sockaddr *address)
{
	struct address_key key = {0};
	if (address_is_loopback(address))
		return key;
	if (address->sa_family == AF_INET) {
		key.kind = ADDRESS_IPV4;
		key.value = ((const struct sockaddr_in *)address)->sin_addr.s_addr;
	} else if (address->sa_family == AF_INET6) {
		const struct in6_addr *in6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
		bool mapped = IN6_IS_ADDR_V4MAPPED(in6);
		key.kind = mapped ? ADDRESS_IPV4 : ADDRESS_IPV6;
		/* A subscriber of IPv6 has a whole /64. */
		memcpy(&key.value, in6->s6_addr + (mapped ? 12 : 0), mapped ? 4 : 8);
	}
	return key;
}

int
address_open(struct net *n)
{
	n->address_slots = 1;
	while (n->address_slots < 2 * n->slot_count)
		n->address_slots *= 2;
	n->addresses = calloc(n->address_slots, sizeof(*n->addresses));
	return n->addresses ? 0 : ERR_NO_MEMORY;
}

/* Mixed, so that neighbours do not crowd (the finish of MurmurHash3). */
static size_t
home_of(const struct net *n, struct address_key key)
{
	uint64_t h = key.value ^ (uint64_t)key.kind << 61;
	h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
	return (size_t)((h ^ h >> 33) & (n->address_slots - 1));
}

static struct address_count *
find(const struct net *n, struct address_key key)
{
	size_t i = home_of(n, key);
	while (n->addresses[i].count > 0 &&
	       (n->addresses[i].key.kind != key.kind || n->addresses[i].key.value != key.value))
		i = (i + 1) & (n->address_slots - 1);
	return &n->addresses[i];
}

bool
address_enter(struct net *n, struct address_key key)
{
	if (key.kind == ADDRESS_EXEMPT)
		return true;
	struct address_count *a = find(n, key);
	if (a->count >= (uint64_t)n->config.limits.connections_per_address)
		return false;
	a->key = key;
	a->count++;
	return true;
}

void
address_leave(struct net *n, struct address_key key)
{
	if (key.kind == ADDRESS_EXEMPT)
		return;
	struct address_count *a = find(n, key);
	if (--a->count > 0)
		return;
	/* Those behind it that would have lain here, had it been free, move up. */
	size_t mask = n->address_slots - 1, hole = (size_t)(a - n->addresses);
	for (size_t i = (hole + 1) & mask; n->addresses[i].count > 0; i = (i + 1) & mask) {
		size_t home = home_of(n, n->addresses[i].key);
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		n->addresses[hole] = n->addresses[i];
		n->addresses[i].count = 0;
		hole = i;
	}
}
