#include "auth/caller.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/application.h"
#include "server.h"
#include "zwy/v1/organisation.pb.h"

#define BOOTSTRAP "principals/bootstrap"

/* All that tells one caller from another. Compared on every call, so it is not put
 * into a text first. */
struct caller_key {
	enum { CALLER_UNIX, CALLER_TLS, CALLER_LOOPBACK, CALLER_TCP } kind;
	uid_t uid; /* of a Unix peer */
	struct slice certificate, claimed_uid, claimed_as;
};

/* Who that is. */
struct caller_entry {
	struct message_list messages;
	struct caller_key key;
	struct actor actor;
	struct account *caller, *principal; /* of the actor's names */
};

struct lookup {
	struct server *server;
	struct reader *reader;
	struct caller_entry *entry;
	struct fault *fault;
};

static zwy_v1_Principal *
principal_by_name(struct lookup *l, struct slice text)
{
	struct name name;
	struct record record;
	if (name_parse_kind(&name, KIND_PRINCIPAL, text, l->fault) != 0)
		return NULL;
	int rc = record_get(l->reader, &name, &record);
	if (rc != 0) {
		fault_set(l->fault, rc == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : rc, "there is no %.*s",
			  (int)text.n, text.p);
		return NULL;
	}
	return MESSAGE_DECODE(&l->entry->messages, zwy_v1_Principal, record.body, l->fault);
}

/* Starts a scan of the records of a kind whose indexed field has a value. */
static int
scan_indexed(struct lookup *l, const char *collection, const char *field, struct slice value,
	     struct scan *ret)
{
	struct scan_spec spec = {.index_value = value};
	int rc = name_parse_collection(&spec.collection, slice_of(collection), l->fault);
	if (rc != 0)
		return rc;
	spec.index = field_by_name(spec.collection.kind->message, slice_of(field));
	return scan_open(ret, l->reader, &spec);
}

/* own: of a peer on this machine, not one that a mount names, whose hosts have users of their
 * own: only here the store's owner is somebody by that. */
static zwy_v1_Principal *
principal_by_uid(struct lookup *l, uint64_t uid, bool own)
{
	char text[24];
	struct scan scan;
	struct record record;
	zwy_v1_Principal *found = NULL;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)uid);
	if (scan_indexed(l, "principals", "uids", slice_of(text), &scan) != 0)
		return NULL;
	if (scan_next(&scan, &record) == 1)
		found = MESSAGE_DECODE(&l->entry->messages, zwy_v1_Principal, record.body, l->fault);
	scan_close(&scan);
	if (found || l->fault->code)
		return found;
	if (own && uid == l->server->owner)
		return principal_by_name(l, SLICE(BOOTSTRAP));
	fault_set(l->fault, ERR_UNAUTHENTICATED,
		  "user id %s is no principal here: an administrator adds it to the uids of one "
		  "(zwy get principals/ID shows them)",
		  text);
	return NULL;
}

/* Its common name is the id of a principal, written either way. */
static zwy_v1_Principal *
principal_by_certificate(struct lookup *l, const char *common_name)
{
	struct record record;
	struct name name;
	char text[NAME_MAX_BYTES];
	const char *prefix = strchr(common_name, '/') ? "" : "principals/";
	int n = snprintf(text, sizeof(text), "%s%s", prefix, common_name);
	if ((size_t)n < sizeof(text) && name_parse_kind(&name, KIND_PRINCIPAL, slice_of(text), NULL) == 0) {
		int rc = record_get(l->reader, &name, &record);
		if (rc == 0)
			return MESSAGE_DECODE(&l->entry->messages, zwy_v1_Principal, record.body, l->fault);
		if (rc != ERR_NOT_FOUND) {
			fault_set(l->fault, rc, "principals cannot be read");
			return NULL;
		}
	}
	fault_set(l->fault, ERR_UNAUTHENTICATED,
		  "the certificate's common name is \"%s\", and no principal has that id", common_name);
	return NULL;
}

static zwy_v1_Principal *
principal_of_peer(struct lookup *l, const struct call_peer *peer)
{
	if (peer->is_unix)
		return principal_by_uid(l, peer->uid, true);
	if (peer->certificate[0])
		return principal_by_certificate(l, peer->certificate);
	if (peer->is_tls) {
		fault_set(l->fault, ERR_UNAUTHENTICATED,
			  "over TLS a client certificate says who calls: show one whose common name is the "
			  "id of a principal, of an authority that this server accepts");
		return NULL;
	}
	if (peer->is_loopback && l->server->tcp_principal)
		return principal_by_name(l, slice_of(l->server->tcp_principal));
	fault_set(l->fault, ERR_UNAUTHENTICATED,
		  "a TCP peer has to say who it is, and this server accepts no credentials over "
		  "plaintext: call over TLS with a client certificate, or over the Unix socket");
	return NULL;
}

enum delegated { MAY_MOUNT, MAY_ACT_FOR };

static bool
delegation_covers(const zwy_v1_Delegation *d, enum delegated what, struct slice target)
{
	if (what == MAY_MOUNT)
		return d->mount;
	for (pb_size_t i = 0; i < d->principals_count; i++)
		if (slice_is(target, d->principals[i]) || strcmp(d->principals[i], "*") == 0)
			return true;
	return false;
}

static bool
is_delegated(struct lookup *l, const char *delegate, enum delegated what, struct slice target)
{
	struct scan scan;
	struct record record;
	bool yes = false;
	if (scan_indexed(l, "delegations", "delegate", slice_of(delegate), &scan) != 0)
		return false;
	while (!yes && scan_next(&scan, &record) == 1) {
		zwy_v1_Delegation *d =
			MESSAGE_DECODE(&l->entry->messages, zwy_v1_Delegation, record.body, l->fault);
		yes = d && delegation_covers(d, what, target);
	}
	scan_close(&scan);
	return yes;
}

/* The filesystem's caller: a mount names the user id that it acts for. */
static zwy_v1_Principal *
follow_uid(struct lookup *l, zwy_v1_Principal *peer, const struct call_peer *at, struct slice text)
{
	uint64_t uid;
	if (!slice_to_u64(text, &uid) || uid > UINT32_MAX) {
		fault_set(l->fault, ERR_INVALID_ARGUMENT, "zwy-uid: a user id is wanted, 0 to 4294967295");
		return NULL;
	}
	if (at->is_unix && uid == at->uid)
		return peer;
	if (!is_delegated(l, peer->name, MAY_MOUNT, (struct slice){0})) {
		fault_set(l->fault, ERR_NOT_DELEGATED,
			  "%s has no mount delegation, so it may not name a user id (zwy-uid)", peer->name);
		return NULL;
	}
	return principal_by_uid(l, uid, false);
}

static zwy_v1_Principal *
follow_as(struct lookup *l, zwy_v1_Principal *caller, struct slice as)
{
	if (slice_is(as, caller->name))
		return caller;
	if (!is_delegated(l, caller->name, MAY_ACT_FOR, as)) {
		if (!l->fault->code)
			fault_set(l->fault, ERR_NOT_DELEGATED,
				  "no delegation lets %s act for %.*s; zwy list delegations shows those "
				  "there are",
				  caller->name, (int)as.n, as.p);
		return NULL;
	}
	return principal_by_name(l, as);
}

static unsigned
role_bits(const zwy_v1_Principal *p)
{
	unsigned roles = 0;
	for (pb_size_t i = 0; i < p->roles_count; i++)
		roles |= ROLE_BIT(p->roles[i]);
	return roles;
}

static const char *
or_empty(const char *s)
{
	return s ? s : "";
}

static int
identify(struct lookup *l, struct call *c)
{
	struct slice uid = call_metadata(c, "zwy-uid"), as = call_metadata(c, "zwy-as");
	const struct call_peer *peer = call_peer(c);
	zwy_v1_Principal *caller = principal_of_peer(l, peer);
	if (caller && uid.n)
		caller = follow_uid(l, caller, peer, uid);
	zwy_v1_Principal *principal = caller;
	if (caller && as.n)
		principal = follow_as(l, caller, as);
	if (!principal)
		return l->fault->code ? l->fault->code : fault_set(l->fault, ERR_UNAUTHENTICATED, "unknown");
	if (caller->disabled || principal->disabled)
		return fault_set(l->fault, ERR_PRINCIPAL_DISABLED, "%s is disabled",
				 caller->disabled ? caller->name : principal->name);
	const struct rulebook *book = server_book(l->server, l->fault);
	if (!book)
		return l->fault->code;
	/* The rulebook goes when a parameter changes, the entry stays: it has a copy. */
	const char *node =
		node_for(principal->level, or_empty(principal->region), book->nodes, book->node_count);
	char *own_node = arena_strdup(&l->entry->messages.arena, or_empty(node));
	if (!own_node)
		return fault_set(l->fault, ERR_NO_MEMORY, "out of memory");
	l->entry->actor = (struct actor){
		.principal = principal->name,
		.caller = caller->name,
		.caller_is_gateway = caller->gateway && caller != principal,
		.roles = role_bits(principal),
		.level = principal->level,
		.region = or_empty(principal->region),
		.department = or_empty(principal->organisation),
		.node = own_node,
	};
	return 0;
}

static void
entry_free(struct caller_entry *e)
{
	if (!e)
		return;
	account_drop(e->caller);
	account_drop(e->principal);
	message_list_release(&e->messages);
	free(e);
}

static size_t
slot_of(const struct caller_key *k)
{
	uint64_t h = HASH_FIRST ^ ((uint64_t)k->uid << 2 | k->kind);
	h = slice_hash(slice_hash(slice_hash(h, k->certificate), k->claimed_uid), k->claimed_as);
	return h % CALLER_CACHE_SLOTS;
}

static bool
key_equal(const struct caller_key *a, const struct caller_key *b)
{
	return a->kind == b->kind && a->uid == b->uid && slice_equal(a->certificate, b->certificate) &&
	       slice_equal(a->claimed_uid, b->claimed_uid) && slice_equal(a->claimed_as, b->claimed_as);
}

static struct caller_key
key_of(struct call *c)
{
	const struct call_peer *peer = call_peer(c);
	return (struct caller_key){
		.kind = peer->is_unix       ? CALLER_UNIX
			: peer->is_tls      ? CALLER_TLS
			: peer->is_loopback ? CALLER_LOOPBACK
					    : CALLER_TCP,
		.uid = peer->is_unix ? peer->uid : 0,
		.certificate = slice_of(peer->certificate),
		.claimed_uid = call_metadata(c, "zwy-uid"),
		.claimed_as = call_metadata(c, "zwy-as"),
	};
}

static struct caller_key
key_copy(struct arena *a, const struct caller_key *k)
{
	struct caller_key own = *k;
	own.certificate = arena_copy(a, k->certificate);
	own.claimed_uid = arena_copy(a, k->claimed_uid);
	own.claimed_as = arena_copy(a, k->claimed_as);
	return own;
}

static int
find_entry(struct server *s, struct call *c, struct caller_entry **ret, struct fault *f)
{
	struct caller_key key = key_of(c);
	struct caller_entry **slot = &s->callers.slots[slot_of(&key)];
	if (*slot && key_equal(&(*slot)->key, &key)) {
		*ret = *slot;
		return 0;
	}
	struct caller_entry *e = calloc(1, sizeof(*e));
	if (!e)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	struct lookup l = {s, server_reader(s), e, f};
	e->key = key_copy(&e->messages.arena, &key);
	int rc = e->messages.arena.failed ? fault_set(f, ERR_NO_MEMORY, "out of memory") : identify(&l, c);
	if (rc != 0) {
		entry_free(e);
		return rc;
	}
	struct accounts *accounts = overload_accounts(s->watchtower.overload);
	e->caller = account_hold(accounts, e->actor.caller);
	e->principal = account_hold(accounts, e->actor.principal);
	entry_free(*slot);
	*slot = e;
	*ret = e;
	return 0;
}

int
caller_identify(struct call *c, const struct actor **ret, struct fault *f)
{
	struct server *s = call_server(c);
	struct caller_entry *e = NULL;
	int rc = find_entry(s, c, &e, f);
	if (rc == 0)
		rc = overload_identified(s->watchtower.overload, c, e->caller, e->principal, f);
	call_log_step_of(s->watchtower.calls, c, STEP_identify, rc);
	if (rc == 0)
		*ret = &e->actor;
	return rc;
}

int
caller_now(struct call *c, const struct actor **ret, struct fault *f)
{
	struct caller_entry *e = NULL;
	int rc = find_entry(call_server(c), c, &e, f);
	if (rc == 0)
		*ret = &e->actor;
	return rc;
}

void
caller_cache_clear(struct caller_cache *cache)
{
	for (size_t i = 0; i < CALLER_CACHE_SLOTS; i++) {
		entry_free(cache->slots[i]);
		cache->slots[i] = NULL;
	}
}
