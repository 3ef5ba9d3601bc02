/* Connections that say nothing, and those that nobody needs.
 * https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md */
#include "client.h"

static bool
is_open(const struct connection *conn)
{
	return conn->phase == PHASE_READY || conn->phase == PHASE_DRAINING;
}

/* When to ask, or to stop waiting for the answer. Without calls nobody minds. */
static int64_t
ping_instant(const struct connection *conn)
{
	const struct zwy_client *client = conn->client;
	if (!client->keepalive || conn->streams == 0)
		return INT64_MAX;
	return conn->asked_at ? conn->asked_at + client->keepalive_timeout
			      : conn->heard_at + client->keepalive;
}

static int64_t
idle_instant(const struct connection *conn)
{
	if (!conn->client->idle_timeout || conn->streams > 0)
		return INT64_MAX;
	return conn->calls_at + conn->client->idle_timeout;
}

int64_t
keepalive_instant(const struct connection *conn)
{
	if (!is_open(conn))
		return INT64_MAX;
	int64_t ping = ping_instant(conn), idle = idle_instant(conn);
	return ping < idle ? ping : idle;
}

void
keepalive_check(struct connection *conn)
{
	int64_t now = conn->client->now;
	if (!is_open(conn))
		return;
	if (idle_instant(conn) <= now) {
		conn->proven = true; /* no fault of the server's: the next call connects at once */
		nghttp2_session_terminate_session(conn->session, NGHTTP2_NO_ERROR);
		connection_flush(conn);
		connection_lost(conn, "it was not needed");
	} else if (ping_instant(conn) <= now) {
		if (conn->asked_at) {
			connection_lost(conn, "no answer to a ping in time");
			return;
		}
		nghttp2_submit_ping(conn->session, NGHTTP2_FLAG_NONE, NULL);
		conn->asked_at = now;
	}
}

void
keepalive_slower(struct zwy_client *client)
{
	if (client->keepalive < INT32_MAX)
		client->keepalive *= 2;
}
