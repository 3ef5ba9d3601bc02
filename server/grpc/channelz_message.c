/* The messages of channelz.proto, from what the source knows. */
#include <arpa/inet.h>

#include "grpc/channelz.h"
#include "grpc/message.h"

enum { REF_SOCKET_ID = 3, REF_SOCKET_NAME = 4, REF_SERVER_ID = 5, REF_SERVER_NAME = 6 };
enum { SERVER_REF = 1, SERVER_DATA = 2, SERVER_LISTEN_SOCKET = 3 };
enum {
	SERVER_DATA_STARTED = 2,
	SERVER_DATA_SUCCEEDED = 3,
	SERVER_DATA_FAILED = 4,
	SERVER_DATA_LAST_CALL = 5,
};
enum {
	SOCKET_REF = 1,
	SOCKET_DATA = 2,
	SOCKET_LOCAL = 3,
	SOCKET_REMOTE = 4,
	SOCKET_SECURITY = 5,
	SOCKET_REMOTE_NAME = 6,
};
enum {
	DATA_STREAMS_STARTED = 1,
	DATA_STREAMS_SUCCEEDED = 2,
	DATA_STREAMS_FAILED = 3,
	DATA_MESSAGES_SENT = 4,
	DATA_MESSAGES_RECEIVED = 5,
	DATA_KEEP_ALIVES_SENT = 6,
	DATA_LAST_REMOTE_STREAM = 8,
	DATA_LAST_MESSAGE_SENT = 9,
	DATA_LAST_MESSAGE_RECEIVED = 10,
	DATA_LOCAL_WINDOW = 11,
	DATA_REMOTE_WINDOW = 12,
	DATA_OPTION = 13,
};
enum { ADDRESS_TCPIP = 1, ADDRESS_UDS = 2, ADDRESS_OTHER = 3 };
enum { TCPIP_ADDRESS = 1, TCPIP_PORT = 2, UDS_FILENAME = 1, OTHER_NAME = 1 };
enum { SECURITY_TLS = 1, TLS_STANDARD_NAME = 1 };
enum { OPTION_NAME = 1, OPTION_VALUE = 2 };
enum { WRAPPED_VALUE = 1 }; /* of google.protobuf.Int64Value */

void
channelz_put_socket_ref(struct buf *b, uint32_t number, uint64_t id, const char *name)
{
	struct buf ref = {0};
	wire_put_uint(&ref, REF_SOCKET_ID, id);
	wire_put_string(&ref, REF_SOCKET_NAME, slice_of(name));
	message_put(b, number, &ref);
}

static void
put_time(struct buf *b, uint32_t number, const struct channelz *z, msec instant)
{
	if (instant)
		wire_put_time(b, number, z->source.wall_time(z->source.ctx, instant));
}

/* ---- the server ---- */

static void
put_server_data(struct buf *b, const struct channelz *z)
{
	struct engine_stats total = {0};
	struct buf data = {0};
	z->source.totals(z->source.ctx, &total);
	wire_put_uint(&data, SERVER_DATA_STARTED, total.calls_started);
	wire_put_uint(&data, SERVER_DATA_SUCCEEDED, total.calls_succeeded);
	wire_put_uint(&data, SERVER_DATA_FAILED, total.calls_failed);
	put_time(&data, SERVER_DATA_LAST_CALL, z, total.last_call);
	message_put(b, SERVER_DATA, &data);
}

void
channelz_put_server(struct buf *b, uint32_t number, const struct channelz *z)
{
	struct buf server = {0}, ref = {0};
	struct net_listener_info l = {0};
	wire_put_uint(&ref, REF_SERVER_ID, CHANNELZ_SERVER_ID);
	wire_put_string(&ref, REF_SERVER_NAME, slice_of(z->name));
	message_put(&server, SERVER_REF, &ref);
	put_server_data(&server, z);
	while (z->source.listener_next(z->source.ctx, l.id, &l))
		channelz_put_socket_ref(&server, SERVER_LISTEN_SOCKET, CHANNELZ_LISTENER_ID + l.id, l.target);
	message_put(b, number, &server);
}

/* ---- addresses ---- */

/* ADDRESS:PORT or [ADDRESS]:PORT; false: it is neither. */
static bool
put_tcpip(struct buf *b, const char *text)
{
	char host[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	uint64_t port;
	const char *colon = strrchr(text, ':');
	bool v6 = text[0] == '[';
	if (!colon || !slice_to_u64(slice_of(colon + 1), &port))
		return false;
	size_t n = (size_t)(colon - text) - (v6 ? 2 : 0);
	if (n >= sizeof(host))
		return false;
	memcpy(host, text + v6, n);
	host[n] = '\0';
	if (inet_pton(v6 ? AF_INET6 : AF_INET, host, bytes) != 1)
		return false;
	struct buf tcpip = {0};
	wire_put_bytes(&tcpip, TCPIP_ADDRESS, slice_make(bytes, v6 ? 16 : 4));
	wire_put_uint(&tcpip, TCPIP_PORT, port);
	message_put(b, ADDRESS_TCPIP, &tcpip);
	return true;
}

/* As call_peer and net_listen write it: ADDRESS:PORT, unix:PATH, or SCHEME:ADDRESS:PORT.
 * The far end of a Unix socket has no file; "unix:uid=1000" says who it is. */
static void
put_address(struct buf *b, uint32_t number, const char *text)
{
	struct slice whole = slice_of(text);
	struct buf address = {0}, inner = {0};
	const char *after = strchr(text, ':');
	if (whole.n == 0)
		return;
	if (slice_starts(whole, SLICE("unix:/"))) {
		wire_put_string(&inner, UDS_FILENAME, slice_of(after + 1));
		message_put(&address, ADDRESS_UDS, &inner);
	} else if (!put_tcpip(&address, text) && !(after && put_tcpip(&address, after + 1))) {
		wire_put_string(&inner, OTHER_NAME, whole);
		message_put(&address, ADDRESS_OTHER, &inner);
	}
	message_put(b, number, &address);
}

/* ---- sockets ---- */

void
channelz_put_listener(struct buf *b, uint32_t number, const struct net_listener_info *l)
{
	struct buf socket = {0}, data = {0};
	channelz_put_socket_ref(&socket, SOCKET_REF, CHANNELZ_LISTENER_ID + l->id, l->target);
	message_put(&socket, SOCKET_DATA, &data);
	put_address(&socket, SOCKET_LOCAL, l->target);
	message_put(b, number, &socket);
}

static void
put_window(struct buf *b, uint32_t number, int64_t size)
{
	struct buf value = {0};
	wire_put_uint(&value, WRAPPED_VALUE, (uint64_t)size);
	message_put(b, number, &value);
}

static void
put_option(struct buf *b, const char *name, const char *value)
{
	struct buf option = {0};
	if (!value[0])
		return;
	wire_put_string(&option, OPTION_NAME, slice_of(name));
	wire_put_string(&option, OPTION_VALUE, slice_of(value));
	message_put(b, DATA_OPTION, &option);
}

static void
put_connection_data(struct buf *b, const struct channelz *z, const struct net_connection_info *c)
{
	const struct engine_stats *s = &c->stats;
	struct buf data = {0};
	wire_put_uint(&data, DATA_STREAMS_STARTED, s->calls_started);
	wire_put_uint(&data, DATA_STREAMS_SUCCEEDED, s->calls_succeeded);
	wire_put_uint(&data, DATA_STREAMS_FAILED, s->calls_failed);
	wire_put_uint(&data, DATA_MESSAGES_SENT, s->messages_out);
	wire_put_uint(&data, DATA_MESSAGES_RECEIVED, s->messages_in);
	wire_put_uint(&data, DATA_KEEP_ALIVES_SENT, s->pings_sent);
	put_time(&data, DATA_LAST_REMOTE_STREAM, z, s->last_call);
	put_time(&data, DATA_LAST_MESSAGE_SENT, z, s->last_message_out);
	put_time(&data, DATA_LAST_MESSAGE_RECEIVED, z, s->last_message_in);
	put_window(&data, DATA_LOCAL_WINDOW, c->window_in);
	put_window(&data, DATA_REMOTE_WINDOW, c->window_out);
	put_option(&data, "TLS_VERSION", c->tls_version);
	message_put(b, SOCKET_DATA, &data);
}

static void
put_security(struct buf *b, const struct net_connection_info *c)
{
	struct buf security = {0}, tls = {0};
	if (!c->peer->is_tls)
		return;
	wire_put_string(&tls, TLS_STANDARD_NAME, slice_of(c->tls_cipher));
	message_put(&security, SECURITY_TLS, &tls);
	message_put(b, SOCKET_SECURITY, &security);
}

void
channelz_put_connection(struct buf *b, uint32_t number, const struct channelz *z,
			const struct net_connection_info *c)
{
	struct buf socket = {0};
	channelz_put_socket_ref(&socket, SOCKET_REF, CHANNELZ_CONNECTION_ID + c->id, c->peer->address);
	put_connection_data(&socket, z, c);
	put_address(&socket, SOCKET_LOCAL, c->peer->local);
	put_address(&socket, SOCKET_REMOTE, c->peer->address);
	put_security(&socket, c);
	wire_put_string(&socket, SOCKET_REMOTE_NAME, slice_of(c->peer->certificate));
	message_put(b, number, &socket);
}
