/* The methods of channelz. */
#include "grpc/channelz.h"

#include "grpc/message.h"

/* Requests: GetTopChannels and GetServers {start, max}, GetServerSockets {server, start, max},
 * the others {id}. */
enum { LIST_START = 1, LIST_MAX = 2 };
enum { SOCKETS_SERVER = 1, SOCKETS_START = 2, SOCKETS_MAX = 3 };
enum { ASKED_ID = 1 };
/* Answers: lists {repeated item, end}, the others {item}. */
enum { ANSWER_ITEM = 1, ANSWER_END = 2 };

static const struct channelz *
channelz_of(const struct call *c)
{
	return call_method(c)->ctx;
}

static bool
asks_for_the_server(struct slice message, uint32_t number, struct fault *f)
{
	int64_t id = (int64_t)wire_uint(message, number);
	if (id != CHANNELZ_SERVER_ID)
		fault_set(f, ERR_NOT_FOUND, "there is no server %lld", (long long)id);
	return id == CHANNELZ_SERVER_ID;
}

static size_t
page_size(struct slice message, uint32_t number, struct fault *f)
{
	int64_t max = (int64_t)wire_uint(message, number);
	if (max < 0)
		fault_set(f, ERR_INVALID_ARGUMENT, "max_results: %lld is less than nothing", (long long)max);
	return max > 0 && max < CHANNELZ_PAGE ? (size_t)max : CHANNELZ_PAGE;
}

/* ---- channels: none ---- */

static void
get_top_channels(struct call *c, struct slice message)
{
	struct fault f = {0};
	struct buf response = {0};
	if (message_sound(message, 0, &f))
		page_size(message, LIST_MAX, &f);
	wire_put_uint(&response, ANSWER_END, true);
	message_reply(c, &response, &f);
}

static void
no_channel(struct call *c, struct slice message)
{
	struct fault f = {0};
	struct buf response = {0};
	if (message_sound(message, 0, &f))
		fault_set(&f, ERR_NOT_FOUND, "there is no channel %lld: a server has none",
			  (long long)wire_uint(message, ASKED_ID));
	message_reply(c, &response, &f);
}

/* ---- the server ---- */

static void
get_servers(struct call *c, struct slice message)
{
	struct fault f = {0};
	struct buf response = {0};
	if (message_sound(message, 0, &f))
		page_size(message, LIST_MAX, &f);
	if ((int64_t)wire_uint(message, LIST_START) <= CHANNELZ_SERVER_ID)
		channelz_put_server(&response, ANSWER_ITEM, channelz_of(c));
	wire_put_uint(&response, ANSWER_END, true);
	message_reply(c, &response, &f);
}

static void
get_server(struct call *c, struct slice message)
{
	struct fault f = {0};
	struct buf response = {0};
	if (message_sound(message, 0, &f) && asks_for_the_server(message, ASKED_ID, &f))
		channelz_put_server(&response, ANSWER_ITEM, channelz_of(c));
	message_reply(c, &response, &f);
}

/* ---- sockets ---- */

static void
put_sockets(struct buf *response, const struct channelz_source *source, int64_t start, size_t max)
{
	struct net_connection_info info = {0};
	size_t n = 0;
	if (start > CHANNELZ_CONNECTION_ID)
		info.id = (uint64_t)(start - 1 - CHANNELZ_CONNECTION_ID);
	while (source->connection_next(source->ctx, info.id, &info)) {
		if (n++ == max)
			return;
		channelz_put_socket_ref(response, ANSWER_ITEM, CHANNELZ_CONNECTION_ID + info.id,
					info.peer->address);
	}
	wire_put_uint(response, ANSWER_END, true);
}

static void
get_server_sockets(struct call *c, struct slice message)
{
	struct fault f = {0};
	struct buf response = {0};
	if (message_sound(message, 0, &f) && asks_for_the_server(message, SOCKETS_SERVER, &f)) {
		size_t max = page_size(message, SOCKETS_MAX, &f);
		put_sockets(&response, &channelz_of(c)->source, (int64_t)wire_uint(message, SOCKETS_START),
			    max);
	}
	message_reply(c, &response, &f);
}

static bool
put_socket(struct buf *response, const struct channelz *z, uint64_t id)
{
	const struct channelz_source *source = &z->source;
	struct net_listener_info l;
	struct net_connection_info info;
	if (id > CHANNELZ_CONNECTION_ID) {
		id -= CHANNELZ_CONNECTION_ID;
		if (!source->connection_next(source->ctx, id - 1, &info) || info.id != id)
			return false;
		channelz_put_connection(response, ANSWER_ITEM, z, &info);
		return true;
	}
	if (id <= CHANNELZ_LISTENER_ID)
		return false;
	id -= CHANNELZ_LISTENER_ID;
	if (!source->listener_next(source->ctx, id - 1, &l) || l.id != id)
		return false;
	channelz_put_listener(response, ANSWER_ITEM, &l);
	return true;
}

/* What `summary` would leave out costs nothing here. */
static void
get_socket(struct call *c, struct slice message)
{
	struct fault f = {0};
	struct buf response = {0};
	if (message_sound(message, 0, &f)) {
		uint64_t id = wire_uint(message, ASKED_ID);
		if (!put_socket(&response, channelz_of(c), id))
			fault_set(&f, ERR_NOT_FOUND, "there is no socket %lld", (long long)id);
	}
	message_reply(c, &response, &f);
}

const struct call_handler channelz_top_channels_handler = {.message = get_top_channels};
const struct call_handler channelz_servers_handler = {.message = get_servers};
const struct call_handler channelz_server_handler = {.message = get_server};
const struct call_handler channelz_server_sockets_handler = {.message = get_server_sockets};
const struct call_handler channelz_channel_handler = {.message = no_channel};
const struct call_handler channelz_subchannel_handler = {.message = no_channel};
const struct call_handler channelz_socket_handler = {.message = get_socket};
