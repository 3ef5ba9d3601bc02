/* TLS where a client library would not go: records in pieces, key updates without end,
 * and the table that counts addresses. */
#include "support.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/socket.h>

#include "net/internal.h"

/* A server on one side of a TCP connection, OpenSSL on the other, in one loop. The
 * client's bytes pass through memory, so that a test may cut them as it likes. */
struct wire {
	struct pair pair; /* its methods and log */
	uv_loop_t loop;
	struct net *net;
	char certificate[128], key[128];
	char notice[512];
	int fd;
	SSL_CTX *context;
	SSL *ssl;
	BIO *in, *out; /* from the server, to the server */
	bool ended;    /* by the server */
	size_t step;   /* bytes sent at a time */
};

static void
keep_notice(void *ctx, const char *text)
{
	struct wire *w = ctx;
	snprintf(w->notice, sizeof(w->notice), "%s", text);
}

static void
temporary(char *path, size_t size)
{
	const char *folder = getenv("TMPDIR");
	snprintf(path, size, "%s/zwy-tls-XXXXXX", folder && strlen(folder) < 80 ? folder : "/tmp");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
}

/* A certificate that signs itself; the client does not look at it. */
static void
write_certificate(struct wire *w)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 365 * 24 * 3600);
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	temporary(w->certificate, sizeof(w->certificate));
	temporary(w->key, sizeof(w->key));
	FILE *f = fopen(w->certificate, "w");
	assert_true(PEM_write_X509(f, x) == 1 && fclose(f) == 0);
	f = fopen(w->key, "w");
	assert_true(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1 && fclose(f) == 0);
	X509_free(x);
	EVP_PKEY_free(key);
}

static void
connect_to(struct wire *w, const char *target)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	address.sin_port = htons((uint16_t)atoi(strrchr(target, ':') + 1));
	w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(w->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(fcntl(w->fd, F_SETFL, O_NONBLOCK), 0);
	w->context = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_alpn_protos(w->context, (const unsigned char *)"\2h2", 3);
	w->ssl = SSL_new(w->context);
	w->in = BIO_new(BIO_s_mem());
	w->out = BIO_new(BIO_s_mem());
	SSL_set_bio(w->ssl, w->in, w->out);
	SSL_set_connect_state(w->ssl);
}

static struct wire *
wire_open(int64_t tls_overhead)
{
	struct fault f = {0};
	struct wire *w = calloc(1, sizeof(*w));
	struct net_config config = {.notice = keep_notice, .ctx = w};
	char target[NET_TARGET_MAX];
	write_certificate(w);
	config.rpc.methods = w->pair.methods;
	config.rpc.method_count = pair_methods(w->pair.methods);
	config.rpc.server = &w->pair;
	config.tls.certificate = w->certificate;
	config.tls.key = w->key;
	rpc_limits_default(&config.rpc.limits);
	net_limits_default(&config.limits);
	if (tls_overhead)
		config.limits.tls_overhead = tls_overhead;
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(net_open(&w->net, &w->loop, &config, &f), 0);
	assert_int_equal(net_listen(w->net, "tls:127.0.0.1:0", target, &f), 0);
	w->step = SIZE_MAX;
	connect_to(w, target);
	return w;
}

static void
wire_close(struct wire *w)
{
	SSL_free(w->ssl);
	SSL_CTX_free(w->context);
	close(w->fd);
	net_close(w->net, NULL, NULL);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	buf_release(&w->pair.log);
	unlink(w->certificate);
	unlink(w->key);
	free(w);
}

/* Carries what there is to be carried, once each way. */
static void
carry(struct wire *w)
{
	char *bytes;
	char got[4096];
	long n = BIO_get_mem_data(w->out, &bytes);
	for (long at = 0; at < n && !w->ended;) {
		size_t part = (size_t)(n - at) < w->step ? (size_t)(n - at) : w->step;
		ssize_t sent = send(w->fd, bytes + at, part, MSG_NOSIGNAL);
		uv_run(&w->loop, UV_RUN_NOWAIT);
		if (sent > 0)
			at += sent;
		else if (sent < 0 && errno != EAGAIN)
			w->ended = true;
	}
	(void)BIO_reset(w->out);
	uv_run(&w->loop, UV_RUN_NOWAIT);
	ssize_t size;
	while ((size = recv(w->fd, got, sizeof(got), 0)) > 0)
		BIO_write(w->in, got, (int)size);
	if (size == 0 || errno != EAGAIN)
		w->ended = true;
}

static void
shake(struct wire *w)
{
	while (SSL_do_handshake(w->ssl) != 1 && !w->ended)
		carry(w);
	carry(w);
	assert_false(w->ended);
}

/* A unary call, made by another engine's client, and its answer in `echoed`. */
static void
call_once(struct wire *w)
{
	struct pair *p = malloc(sizeof(*p));
	pair_open(p, NULL);
	struct client_call *c = pair_call(p, "/t.T/Hold", NULL);
	pair_say(p, c, SLICE("x"));
	pair_end(p, c);
	const uint8_t *data;
	ssize_t n;
	while ((n = nghttp2_session_mem_send(p->client, &data)) > 0)
		assert_int_equal(SSL_write(w->ssl, data, (int)n), n);
	pair_close(p);
	free(p);
	while ((!w->pair.log.n || !memmem(w->pair.log.p, w->pair.log.n, ":message", 8)) && !w->ended)
		carry(w);
	assert_false(w->ended);
	call_reply(net_find(w->net, w->pair.last), SLICE("an answer"));
}

static bool
answered(struct wire *w)
{
	char plain[4096];
	int n;
	carry(w);
	while ((n = SSL_read(w->ssl, plain, sizeof(plain))) > 0)
		if (memmem(plain, (size_t)n, "an answer", 9))
			return true;
	return false;
}

static void
a_call_passes_byte_by_byte(void **state)
{
	(void)state;
	struct wire *w = wire_open(0);
	w->step = 1;
	shake(w);
	call_once(w);
	while (!answered(w))
		assert_false(w->ended);
	wire_close(w);
}

static void
the_first_bytes_may_come_with_the_end_of_the_handshake(void **state)
{
	(void)state;
	struct wire *w = wire_open(0);
	while (SSL_do_handshake(w->ssl) != 1)
		carry(w);
	call_once(w); /* its Finished has not been carried yet */
	while (!answered(w))
		assert_false(w->ended);
	wire_close(w);
}

static void
update_keys(struct wire *w, unsigned times)
{
	for (unsigned i = 0; i < times && !w->ended; i++) {
		assert_int_equal(SSL_key_update(w->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
		assert_int_equal(SSL_do_handshake(w->ssl), 1);
		carry(w);
		char none;
		SSL_read(w->ssl, &none, 0);
	}
}

static void
keys_may_be_updated(void **state)
{
	(void)state;
	struct wire *w = wire_open(0);
	shake(w);
	call_once(w);
	update_keys(w, 10);
	while (!answered(w))
		assert_false(w->ended);
	wire_close(w);
}

static void
key_updates_without_data_end_the_connection(void **state)
{
	(void)state;
	struct wire *w = wire_open(4096);
	shake(w);
	update_keys(w, 1000);
	while (!w->ended)
		carry(w);
	wire_close(w);
}

static void
damaged_records_end_the_connection(void **state)
{
	(void)state;
	struct wire *w = wire_open(0);
	char *bytes;
	shake(w);
	assert_int_equal(SSL_write(w->ssl, "PRI * HTTP/2.0", 14), 14);
	long n = BIO_get_mem_data(w->out, &bytes);
	bytes[n - 1] ^= 1;
	while (!w->ended)
		carry(w);
	char plain[4096];
	while (SSL_read(w->ssl, plain, sizeof(plain)) > 0)
		;
	assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
	ERR_clear_error();
	wire_close(w);
}

/* What comes behind an offence, in the same turn and cut within a record, is not looked at:
 * taken for TLS it would be damage, and an alert would go out in place of the reason. */
static void
an_offender_that_talks_on_is_told_the_reason(void **state)
{
	(void)state;
	static const char settings[] = "\0\0\6\4\0\0\0\0\0\0\4\x7f\xff\xff\xff";
	struct wire *w = wire_open(0);
	struct buf said = {0};
	char plain[4096];
	int n;
	shake(w);
	buf_append_str(&said, NGHTTP2_CLIENT_MAGIC);
	for (unsigned i = 0; i < 20000; i++)
		buf_append(&said, settings, sizeof(settings) - 1);
	assert_int_equal(SSL_write(w->ssl, said.p, (int)said.n), (int)said.n);
	while (!w->ended)
		carry(w);
	buf_clear(&said);
	while ((n = SSL_read(w->ssl, plain, sizeof(plain))) > 0)
		buf_append(&said, plain, (size_t)n);
	assert_int_equal(SSL_get_error(w->ssl, n), SSL_ERROR_ZERO_RETURN); /* close_notify */
	assert_non_null(memmem(said.p, said.n, "too_many_settings", 17));
	buf_release(&said);
	wire_close(w);
}

/* ---- addresses ---- */

#define KEYS 300

/* Against a plain array, with random comings and goings. */
static void
addresses_are_counted_as_they_come_and_go(void **state)
{
	(void)state;
	struct net *n = calloc(1, sizeof(*n));
	int64_t counts[KEYS] = {0};
	uint32_t random = 1;
	int64_t open = 0;
	n->slot_count = 200;
	n->config.limits.connections_per_address = 4;
	assert_int_equal(address_open(n), 0);
	for (unsigned i = 0; i < 200000; i++) {
		random = random * 1664525 + 1013904223;
		size_t k = (random >> 8) % KEYS;
		struct address_key key = {ADDRESS_IPV4 + (k & 1), k / 2};
		if ((random >> 24) % 2 && open < 200) {
			assert_int_equal(address_enter(n, key), counts[k] < 4);
			open += counts[k] < 4;
			counts[k] += counts[k] < 4;
		} else if (counts[k] > 0) {
			address_leave(n, key);
			counts[k]--;
			open--;
		}
	}
	free(n->addresses);
	free(n);
}

static struct address_key
key_of(const char *address)
{
	struct target t;
	char text[80];
	snprintf(text, sizeof(text), strchr(address, ':') ? "[%s]:1" : "%s:1", address);
	assert_int_equal(target_parse(&t, text, NULL), 0);
	return address_key_ip(&t.address.any);
}

static bool
same(const char *a, const char *b)
{
	struct address_key x = key_of(a), y = key_of(b);
	return x.kind == y.kind && x.value == y.value;
}

static void
addresses_stand_for_who_has_them(void **state)
{
	(void)state;
	assert_false(same("192.0.2.1", "192.0.2.2"));
	assert_true(same("192.0.2.1", "::ffff:192.0.2.1"));
	assert_true(same("2001:db8::1", "2001:db8::ffff:2"));
	assert_false(same("2001:db8::1", "2001:db8:0:1::1"));
	assert_int_equal(key_of("127.0.0.9").kind, ADDRESS_EXEMPT);
	assert_int_equal(key_of("::1").kind, ADDRESS_EXEMPT);
	assert_int_equal(address_key_unix(0).kind, ADDRESS_EXEMPT);
	assert_int_equal(address_key_unix(geteuid()).kind, ADDRESS_EXEMPT);
	assert_int_equal(address_key_unix(geteuid() + 1).kind, ADDRESS_USER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_passes_byte_by_byte),
		cmocka_unit_test(the_first_bytes_may_come_with_the_end_of_the_handshake),
		cmocka_unit_test(keys_may_be_updated),
		cmocka_unit_test(key_updates_without_data_end_the_connection),
		cmocka_unit_test(damaged_records_end_the_connection),
		cmocka_unit_test(an_offender_that_talks_on_is_told_the_reason),
		cmocka_unit_test(addresses_are_counted_as_they_come_and_go),
		cmocka_unit_test(addresses_stand_for_who_has_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
