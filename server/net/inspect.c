/* What those who look on may see: listeners, connections and what they have carried. */
#include "net/internal.h"

static msec
later(msec a, msec b)
{
	return a > b ? a : b;
}

static void
add(struct engine_stats *sum, const struct engine_stats *s)
{
	sum->calls_started += s->calls_started;
	sum->calls_succeeded += s->calls_succeeded;
	sum->calls_failed += s->calls_failed;
	sum->messages_in += s->messages_in;
	sum->messages_out += s->messages_out;
	sum->pings_sent += s->pings_sent;
	sum->last_call = later(sum->last_call, s->last_call);
	sum->last_message_in = later(sum->last_message_in, s->last_message_in);
	sum->last_message_out = later(sum->last_message_out, s->last_message_out);
}

/* Calls that are still open end with their connection. */
void
net_keep_stats(struct net *n, const struct engine *e)
{
	struct engine_stats s = *engine_stats(e);
	s.calls_failed = s.calls_started - s.calls_succeeded;
	add(&n->closed_stats, &s);
}

void
net_totals(const struct net *n, struct engine_stats *ret)
{
	*ret = n->closed_stats;
	for (const struct connection *c = n->connections; c; c = c->next)
		if (c->engine)
			add(ret, engine_stats(c->engine));
}

bool
net_listener_next(const struct net *n, uint64_t after, struct net_listener_info *ret)
{
	const struct listener *next = NULL;
	for (const struct listener *l = n->listeners; l; l = l->next)
		if (l->id > after && (!next || l->id < next->id))
			next = l;
	if (next)
		*ret = (struct net_listener_info){next->id, next->name};
	return next != NULL;
}

/* Slots lie close together, so that a look at all of them costs little. */
static const struct connection *
connection_after(const struct net *n, uint64_t after)
{
	const struct connection *next = NULL;
	uint64_t next_id = UINT64_MAX;
	for (size_t slot = 0; slot < n->slot_count; slot++) {
		uint64_t id = n->next_ids[slot] - n->slot_count;
		if (id > after && id < next_id && n->slots[slot] && n->slots[slot]->engine) {
			next = n->slots[slot];
			next_id = id;
		}
	}
	return next;
}

bool
net_connection_next(const struct net *n, uint64_t after, struct net_connection_info *ret)
{
	const struct connection *c = connection_after(n, after);
	if (!c)
		return false;
	*ret = (struct net_connection_info){
		.id = c->id,
		.peer = &c->peer,
		.stats = *engine_stats(c->engine),
		.tls_version = "",
		.tls_cipher = "",
	};
	engine_windows(c->engine, &ret->window_in, &ret->window_out);
	if (c->tls)
		tls_describe(c->tls, &ret->tls_version, &ret->tls_cipher);
	return true;
}

msec
net_wall_time(const struct net *n, msec instant)
{
	uv_timeval64_t now;
	if (uv_gettimeofday(&now) != 0)
		return 0;
	return now.tv_sec * 1000 + now.tv_usec / 1000 - (net_now(n) - instant);
}
