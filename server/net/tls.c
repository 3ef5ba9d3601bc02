/* The layer of TLS: records in, bytes out, and the reverse, in memory. OpenSSL reads
 * what the socket has given through a BIO and writes into a buffer, so it never blocks
 * and never sees the socket. All that came is used up at once: nothing is left inside
 * (SSL_pending) to be forgotten. */
#include "net/internal.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>

struct tls {
	SSL *ssl;
	struct slice input; /* not yet read by OpenSSL */
	struct buf *sink;   /* where its records go: `out`, or the net's `sealed` */
	struct buf out;     /* said without being asked: handshake, alerts */
	size_t overhead;    /* received since there was data */
	bool open;          /* the handshake is done */
	bool failed;
	bool said_goodbye;
};

/* ---- the BIO ---- */

static int
bio_create(BIO *b)
{
	BIO_set_init(b, 1);
	return 1;
}

static int
bio_write(BIO *b, const char *p, size_t n, size_t *ret)
{
	struct tls *t = BIO_get_data(b);
	BIO_clear_retry_flags(b);
	buf_append(t->sink, p, n);
	*ret = n;
	return !t->sink->error;
}

static int
bio_read(BIO *b, char *p, size_t n, size_t *ret)
{
	struct tls *t = BIO_get_data(b);
	BIO_clear_retry_flags(b);
	if (t->input.n == 0) {
		BIO_set_retry_read(b);
		return 0;
	}
	*ret = n < t->input.n ? n : t->input.n;
	memcpy(p, t->input.p, *ret);
	t->input.p += *ret;
	t->input.n -= *ret;
	return 1;
}

static long
bio_ctrl(BIO *b, int command, long number, void *p)
{
	(void)b, (void)number, (void)p;
	return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *
bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "connection");
	if (m && BIO_meth_set_create(m, bio_create) && BIO_meth_set_write_ex(m, bio_write) &&
	    BIO_meth_set_read_ex(m, bio_read) && BIO_meth_set_ctrl(m, bio_ctrl))
		return m;
	BIO_meth_free(m);
	return NULL;
}

int
tls_open_net(struct net *n, struct fault *f)
{
	const struct net_tls *t = &n->config.tls;
	if (!file_given(t->certificate))
		return file_given(t->key)
			       ? fault_set(f, ERR_INVALID_ARGUMENT, "tls_key needs tls_certificate")
			       : 0;
	if (t->clients == NET_CLIENTS_NONE && (file_given(t->client_ca) || file_given(t->crl)))
		net_notice(n, "tls_client_ca and tls_crl are not looked at: tls_client_certificates is none");
	n->bio = bio_method();
	if (!n->bio)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	return tls_files_open(n, f);
}

void
tls_close_net(struct net *n)
{
	tls_files_free(n);
	SSL_CTX_free(n->tls);
	BIO_meth_free(n->bio);
	buf_release(&n->sealed);
}

/* ---- one connection ---- */

void
tls_free(struct tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	buf_release(&t->out);
	free(t);
}

void
tls_describe(const struct tls *t, const char **ret_version, const char **ret_cipher)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(t->ssl);
	const char *name = cipher ? SSL_CIPHER_standard_name(cipher) : NULL;
	*ret_version = SSL_get_version(t->ssl);
	*ret_cipher = name ? name : "";
}

bool
tls_has_output(const struct tls *t)
{
	return t && t->out.n > 0;
}

static int
tls_open(struct connection *c, const struct layer *const *at)
{
	(void)at;
	struct net *n = c->net;
	struct tls *t = calloc(1, sizeof(*t));
	BIO *bio = BIO_new(n->bio);
	c->tls = t;
	if (!t || !bio || !(t->ssl = SSL_new(n->tls))) {
		BIO_free(bio);
		return ERR_NO_MEMORY;
	}
	t->sink = &t->out;
	BIO_set_data(bio, t);
	SSL_set_bio(t->ssl, bio, bio);
	SSL_set_accept_state(t->ssl);
	c->peer.is_tls = true;
	return 0;
}

static bool
is_name(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < ' ' || p[i] == 0x7f)
			return false;
	return n > 0;
}

/* The one common name of the subject; a certificate with none, several or one that is
 * too long or not text names nobody. */
static void
name_peer(struct call_peer *peer, const X509 *certificate)
{
	X509_NAME *subject = X509_get_subject_name(certificate);
	int i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (i < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, i) >= 0)
		return;
	unsigned char *text;
	int n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)));
	if (n < 0)
		return;
	if ((size_t)n < sizeof(peer->certificate) && is_name(text, (size_t)n)) {
		memcpy(peer->certificate, text, (size_t)n);
		peer->certificate[n] = '\0';
	}
	OPENSSL_free(text);
}

static int
tls_failed(struct connection *c)
{
	struct tls *t = c->tls;
	t->failed = true;
	if (!t->open) {
		const char *why = ERR_reason_error_string(ERR_peek_error());
		net_complain(c->net, c->peer.address, "TLS handshake: %s", why ? why : "broken off");
	}
	ERR_clear_error();
	return ERR_UNAVAILABLE;
}

/* 0 too while it lasts. */
static int
shake_hands(struct connection *c, const struct layer *const *at)
{
	struct tls *t = c->tls;
	int rc = SSL_do_handshake(t->ssl);
	if (rc != 1)
		return SSL_get_error(t->ssl, rc) == SSL_ERROR_WANT_READ ? 0 : tls_failed(c);
	X509 *certificate = SSL_get0_peer_certificate(t->ssl);
	if (certificate && SSL_get_verify_result(t->ssl) == X509_V_OK)
		name_peer(&c->peer, certificate);
	t->open = true;
	return at[1]->open(c, at + 1);
}

/* Several records are handed up as one piece. */
static int
tls_decrypt(struct connection *c, const struct layer *const *at)
{
	struct tls *t = c->tls;
	char *plain = c->net->plain;
	for (;;) {
		size_t n = 0, got = 0;
		int rc = 1;
		while (n < sizeof(c->net->plain) &&
		       (rc = SSL_read_ex(t->ssl, plain + n, sizeof(c->net->plain) - n, &got)) == 1)
			n += got;
		int error = rc == 1 ? SSL_ERROR_NONE : SSL_get_error(t->ssl, rc);
		if (n > 0) {
			t->overhead = 0;
			int up = at[1]->input(c, at + 1, slice_make(plain, n));
			if (up != 0)
				return up;
		}
		if (error == SSL_ERROR_WANT_READ)
			return 0;
		if (error == SSL_ERROR_ZERO_RETURN)
			return LAYER_ENDED;
		if (error != SSL_ERROR_NONE)
			return tls_failed(c);
	}
}

static int
tls_input(struct connection *c, const struct layer *const *at, struct slice bytes)
{
	struct tls *t = c->tls;
	t->input = bytes;
	t->overhead += bytes.n;
	ERR_clear_error();
	int rc = t->open ? 0 : shake_hands(c, at);
	if (rc == 0 && t->open)
		rc = tls_decrypt(c, at);
	t->input = (struct slice){0};
	if (rc == 0 && t->overhead > (size_t)c->net->config.limits.tls_overhead)
		return tls_failed(c);
	return rc;
}

static bool
seal(struct tls *t, const char *plain, size_t n)
{
	size_t written;
	return n == 0 || (SSL_write_ex(t->ssl, plain, n, &written) == 1 && written == n);
}

/* Pieces of a turn share records: a frame's head and its body do not each pay for one. */
static bool
seal_all(struct tls *t, const struct layer_out *from, char *plain, size_t size)
{
	size_t n = 0;
	for (size_t i = 0; i < from->n; i++) {
		struct slice s = from->v[i];
		while (s.n > size - n) {
			memcpy(plain + n, s.p, size - n);
			s = slice_make(s.p + (size - n), s.n - (size - n));
			if (!seal(t, plain, size))
				return false;
			n = 0;
		}
		memcpy(plain + n, s.p, s.n);
		n += s.n;
	}
	return seal(t, plain, n);
}

/* What the layer above has to say, or, when that is all, that it was all. */
static bool
say_next(struct connection *c, const struct layer *const *at)
{
	struct tls *t = c->tls;
	struct layer_out up;
	ssize_t n = c->engine ? at[1]->output(c, at + 1, &up) : 0;
	if (n < 0)
		return false;
	if (n > 0)
		return seal_all(t, &up, c->net->plain, sizeof(c->net->plain));
	if (t->open && !t->said_goodbye && connection_over(c)) {
		t->said_goodbye = true;
		SSL_shutdown(t->ssl);
	}
	return true;
}

static ssize_t
tls_output(struct connection *c, const struct layer *const *at, struct layer_out *ret)
{
	struct tls *t = c->tls;
	struct buf *sealed = &c->net->sealed;
	buf_clear(sealed);
	buf_append(sealed, t->out.p, t->out.n);
	buf_release(&t->out);
	if (!t->failed) {
		ERR_clear_error();
		t->sink = sealed;
		bool good = say_next(c, at);
		t->sink = &t->out;
		if (!good || sealed->error)
			return ERR_UNAVAILABLE;
	}
	c->net->sealed_slice = buf_slice(sealed);
	*ret = (struct layer_out){&c->net->sealed_slice, 1, sealed->n};
	return (ssize_t)sealed->n;
}

const struct layer tls_layer = {tls_open, tls_input, tls_output};
