/* Who calls: from the peer and the call's metadata to an actor.
 *
 *   a Unix peer is the principal whose uids name its user id; the owner of the
 *       store's directory, if nobody claims that id, is principals/bootstrap
 *   a TLS peer is the principal whose id is the common name of the client certificate
 *       that was verified
 *   zwy-uid: N       only from a peer with a mount delegation: the principal of N
 *   zwy-as: principals/x   only where a delegation lets that principal act for x
 *
 * A TCP peer without one is nobody, unless --demo-tcp-principal lets plaintext on loopback be
 * somebody. What was found is kept until principals or delegations change. Loop
 * thread. */
#ifndef ZWY_AUTH_CALLER_H
#define ZWY_AUTH_CALLER_H

#include "rpc/call.h"
#include "rules/actor.h"
#include "services/message.h"

#define CALLER_CACHE_SLOTS 1024

struct caller_entry;

struct caller_cache {
	struct caller_entry *slots[CALLER_CACHE_SLOTS];
};

/* The actor lives until the cache is cleared: use it within the turn, or copy it.
 * ERR_UNAUTHENTICATED, ERR_PRINCIPAL_DISABLED, ERR_NOT_DELEGATED, ERR_INVALID_ARGUMENT; ERR_OVERLOADED beyond
 * calls_per_principal. */
int caller_identify(struct call *c, const struct actor **ret, struct fault *f);
/* The same for a call that has been identified before, which may be somebody else by now. */
int caller_now(struct call *c, const struct actor **ret, struct fault *f);
void caller_cache_clear(struct caller_cache *cache);

#endif
