/* What TLS needs of files: a context made of certificate, key, authorities and
 * revocation lists. Whatever does not fit together is found here, before any of it is
 * in force. */
#include "net/internal.h"

#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

/* RFC 9113 9.2.2 forbids what is neither ephemeral nor authenticated encryption. */
#define CIPHERS_1_2                                                                                \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:" \
	"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define CHAIN_DEPTH    8
#define CHAIN_BYTES    (64 << 10)
#define SECONDS_OF_DAY (24 * 60 * 60)

static const unsigned char alpn_h2[] = {2, 'h', '2'};

/* A client that names protocols must name HTTP/2 among them (RFC 7301 3.2). */
static int
select_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_n, const unsigned char *offered,
		unsigned n, void *ctx)
{
	(void)ssl, (void)ctx;
	unsigned char *chosen;
	if (SSL_select_next_proto(&chosen, ret_n, alpn_h2, sizeof(alpn_h2), offered, n) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*ret = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* One that names none is not heard either: RFC 9113 3.2 wants ALPN, and without it nobody
 * would know whether the peer takes these bytes for HTTP/2. */
static int
judge_hello(SSL *ssl, int *ret_alert, void *ctx)
{
	(void)ctx;
	const unsigned char *data;
	size_t n;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &data, &n))
		return SSL_CLIENT_HELLO_SUCCESS;
	ERR_raise(ERR_LIB_SSL, SSL_R_NO_APPLICATION_PROTOCOL);
	*ret_alert = SSL_AD_NO_APPLICATION_PROTOCOL;
	return SSL_CLIENT_HELLO_ERROR;
}

/* Nobody is there to type one. */
static int
no_passphrase(char *buffer, int size, int writing, void *ctx)
{
	(void)buffer, (void)size, (void)writing, (void)ctx;
	return -1;
}

/* The revocation list of the client's own authority is needed; those further up are
 * heeded where they are given. */
static int
judge_certificate(int good, X509_STORE_CTX *store)
{
	if (!good && X509_STORE_CTX_get_error(store) == X509_V_ERR_UNABLE_TO_GET_CRL &&
	    X509_STORE_CTX_get_error_depth(store) > 0) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	return good;
}

static int
unusable(struct fault *f, const char *what, const char *file)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());
	int rc = fault_set(f, ERR_INVALID_ARGUMENT, "%s %s: %s", what, file, why ? why : "cannot be used");
	ERR_clear_error();
	return rc;
}

/* Stays as it is said: what cannot work is refused, what will not for long is remarked on. */
static int
load_own(SSL_CTX *s, struct net *n, struct fault *f)
{
	const struct net_tls *t = &n->config.tls;
	if (!file_given(t->key))
		return fault_set(f, ERR_INVALID_ARGUMENT, "tls_certificate needs tls_key");
	if (SSL_CTX_use_certificate_chain_file(s, t->certificate) != 1)
		return unusable(f, "tls_certificate", t->certificate);
	if (SSL_CTX_use_PrivateKey_file(s, t->key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(s) != 1)
		return unusable(f, "tls_key", t->key);
	int days = 0, seconds = 0;
	const ASN1_TIME *end = X509_get0_notAfter(SSL_CTX_get0_certificate(s));
	if (!ASN1_TIME_diff(&days, &seconds, NULL, end))
		return unusable(f, "tls_certificate", t->certificate);
	if (days < 0 || seconds < 0)
		net_notice(n, "tls_certificate %s has expired", t->certificate);
	else if (days < n->config.limits.tls_expiry_warning)
		net_notice(n, "tls_certificate %s expires in %d days", t->certificate, days);
	return 0;
}

static int
load_revocations(SSL_CTX *s, struct net *n, struct fault *f)
{
	const char *file = n->config.tls.crl;
	X509_STORE *store = SSL_CTX_get_cert_store(s);
	X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
	if (!lookup || X509_load_crl_file(lookup, file, X509_FILETYPE_PEM) < 1)
		return unusable(f, "tls_crl", file);
	X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return 0;
}

static int
load_clients(SSL_CTX *s, struct net *n, struct fault *f)
{
	const struct net_tls *t = &n->config.tls;
	if (t->clients == NET_CLIENTS_NONE) {
		SSL_CTX_set_verify(s, SSL_VERIFY_NONE, NULL);
		return 0;
	}
	if (!file_given(t->client_ca))
		return fault_set(f, ERR_INVALID_ARGUMENT, "tls_client_certificates needs tls_client_ca");
	STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(t->client_ca);
	if (!names || SSL_CTX_load_verify_file(s, t->client_ca) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return unusable(f, "tls_client_ca", t->client_ca);
	}
	SSL_CTX_set_client_CA_list(s, names);
	SSL_CTX_set_verify_depth(s, CHAIN_DEPTH);
	SSL_CTX_set_max_cert_list(s, CHAIN_BYTES);
	SSL_CTX_set_verify(s,
			   SSL_VERIFY_PEER |
				   (t->clients == NET_CLIENTS_REQUIRED ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
			   judge_certificate);
	return file_given(t->crl) ? load_revocations(s, n, f) : 0;
}

static int
set_rules(SSL_CTX *s, const struct net *n, struct fault *f)
{
	SSL_CTX_set_options(s, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
				       SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(s, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(s, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_default_passwd_cb(s, no_passphrase);
	SSL_CTX_set_alpn_select_cb(s, select_protocol, NULL);
	SSL_CTX_set_client_hello_cb(s, judge_hello, NULL);
	/* A resumed session is not verified again: where certificates count, none is resumed. */
	if (n->config.tls.clients != NET_CLIENTS_NONE) {
		SSL_CTX_set_options(s, SSL_OP_NO_TICKET);
		SSL_CTX_set_num_tickets(s, 0);
	} else {
		SSL_CTX_set_num_tickets(s, 1);
		SSL_CTX_set_timeout(s, n->config.limits.tls_ticket_rotation);
	}
	if (SSL_CTX_set_min_proto_version(s, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(s, CIPHERS_1_2) != 1)
		return fault_set(f, ERR_INTERNAL, "OpenSSL lacks TLS 1.2 or its ciphers");
	return 0;
}

int
tls_context_new(SSL_CTX **ret, struct net *n, struct fault *f)
{
	ERR_clear_error();
	SSL_CTX *s = SSL_CTX_new(TLS_server_method());
	if (!s)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	int rc = set_rules(s, n, f);
	if (rc == 0 && (rc = load_own(s, n, f)) == 0)
		rc = load_clients(s, n, f);
	if (rc) {
		SSL_CTX_free(s);
		return rc;
	}
	*ret = s;
	return 0;
}

msec
net_certificate_end(const struct net *n)
{
	struct tm end;
	X509 *certificate = n->tls ? SSL_CTX_get0_certificate(n->tls) : NULL;
	if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1)
		return 0;
	return (msec)timegm(&end) * 1000;
}
