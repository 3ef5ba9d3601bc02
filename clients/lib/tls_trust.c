/* Whom a client trusts and what it shows: certificates and keys in files. */
#include "tls_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

/* TLS 1.2 suites that HTTP/2 does not forbid (RFC 9113, appendix A); 1.3 has no others. */
#define SUITES_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20"

void
tls_reason(char dst[120])
{
	unsigned long e = ERR_peek_last_error();
	const char *reason = e && !ERR_SYSTEM_ERROR(e) ? ERR_reason_error_string(e) : NULL;
	snprintf(dst, 120, "%s", reason ? reason : "no reason was given");
	ERR_clear_error();
}

static void
append_name(struct buf *b, const GENERAL_NAME *name)
{
	char text[INET6_ADDRSTRLEN];
	const char *sep = b->n ? ", " : "";
	if (name->type == GEN_DNS) {
		buf_printf(b, "%s%.*s", sep, ASN1_STRING_length(name->d.dNSName),
			   (const char *)ASN1_STRING_get0_data(name->d.dNSName));
	} else if (name->type == GEN_IPADD) {
		bool four = ASN1_STRING_length(name->d.iPAddress) == 4;
		if ((four || ASN1_STRING_length(name->d.iPAddress) == 16) &&
		    inet_ntop(four ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name->d.iPAddress), text,
			      sizeof(text)))
			buf_printf(b, "%s%s", sep, text);
	}
}

/* Whom a certificate is for: its DNS names and addresses. */
static void
names_of(X509 *cert, char *dst, size_t size)
{
	struct buf b = {.p = dst, .cap = size, .max = size - 1};
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++)
		append_name(&b, sk_GENERAL_NAME_value(names, i));
	dst[b.n] = '\0';
	if (b.n == 0)
		snprintf(dst, size, "nobody: it names no host");
	GENERAL_NAMES_free(names);
}

/* Notes what is wrong with the server's certificate, and for whom it is. */
static int
on_verify(int good, X509_STORE_CTX *store)
{
	int index = SSL_get_ex_data_X509_STORE_CTX_idx();
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, index);
	struct tls_stream *s = SSL_get_app_data(ssl);
	X509 *cert = X509_STORE_CTX_get_current_cert(store);
	int error = X509_STORE_CTX_get_error(store);
	char who[120] = "";
	if (good || s->trouble[0])
		return good;
	if (cert && (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH)) {
		names_of(cert, who, sizeof(who));
		snprintf(s->trouble, sizeof(s->trouble), "the server's certificate is for %s, not for %s",
			 who, s->host);
		return 0;
	}
	if (cert)
		X509_NAME_oneline(X509_get_subject_name(cert), who, sizeof(who));
	snprintf(s->trouble, sizeof(s->trouble), "the certificate for %s is not trusted: %s (%s)", s->host,
		 X509_verify_cert_error_string(error), who);
	return 0;
}

static bool
set_protocol(SSL_CTX *c)
{
	static const unsigned char alpn[] = "\2h2";
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER, on_verify);
	SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				    SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	return SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(c, SUITES_1_2) == 1 &&
	       SSL_CTX_set_alpn_protos(c, alpn, sizeof(alpn) - 1) == 0;
}

static bool
use_file(const struct tls *tls, SSL_CTX *c, int which)
{
	const char *path = tls->path[which];
	switch (which) {
	case FILE_CA:
		return path ? SSL_CTX_load_verify_locations(c, path, NULL) == 1
			    : SSL_CTX_set_default_verify_paths(c) == 1;
	case FILE_CERT:
		return !path || SSL_CTX_use_certificate_chain_file(c, path) == 1;
	default:
		if (!path)
			path = tls->path[FILE_CERT];
		return !path || (SSL_CTX_use_PrivateKey_file(c, path, SSL_FILETYPE_PEM) == 1 &&
				 SSL_CTX_check_private_key(c) == 1);
	}
}

/* A passphrase is never asked for at somebody's terminal. */
static int
no_passphrase(char *to, int size, int writing, void *ctx)
{
	(void)to;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

/* Looks at the files: whether they can be read is told before what is in them. */
static int
look(const struct tls *tls, struct stat seen[FILE_COUNT], struct fault *f)
{
	memset(seen, 0, FILE_COUNT * sizeof(seen[0]));
	for (int i = 0; i < FILE_COUNT; i++) {
		FILE *file = tls->path[i] ? fopen(tls->path[i], "re") : NULL;
		int e = tls->path[i] && (!file || fstat(fileno(file), &seen[i]) != 0) ? errno : 0;
		if (file)
			fclose(file);
		if (e) {
			fault_set(f, ERR_INVALID_ARGUMENT, "%s: %s", tls->path[i], strerror(e));
			return -e;
		}
	}
	return 0;
}

/* Makes a context of the files; 0 and the context in *ret, or a negative errno. */
static int
load(const struct tls *tls, SSL_CTX **ret, struct fault *f)
{
	static const char *const what[] = {"no certificates to trust can be read from",
					   "no certificate can be read from",
					   "no key of the certificate can be read from"};
	char reason[120];
	ERR_clear_error();
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());
	if (!c || !set_protocol(c)) {
		SSL_CTX_free(c);
		ERR_clear_error();
		fault_set(f, ERR_NO_MEMORY, "TLS cannot be set up");
		return -ENOMEM;
	}
	SSL_CTX_set_default_passwd_cb(c, no_passphrase);
	for (int i = 0; i < FILE_COUNT; i++) {
		if (use_file(tls, c, i))
			continue;
		const char *path = tls->path[i] ? tls->path[i] : tls->path[FILE_CERT];
		tls_reason(reason);
		fault_set(f, ERR_INVALID_ARGUMENT, "%s %s: %s", what[i], path ? path : "the system's store",
			  reason);
		SSL_CTX_free(c);
		return -EINVAL;
	}
	*ret = c;
	return 0;
}

static int
copy_string(char **ret, const char *text)
{
	*ret = text ? strdup(text) : NULL;
	return text && !*ret ? -ENOMEM : 0;
}

int
tls_new(struct tls **ret, const struct zwy_options *options, const char *host, struct fault *f)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	if (!tls)
		return -ENOMEM;
	int r = copy_string(&tls->host, options->server_name ? options->server_name : host);
	if (r == 0)
		r = copy_string(&tls->path[FILE_CA], options->ca_file);
	if (r == 0)
		r = copy_string(&tls->path[FILE_CERT], options->cert_file);
	if (r == 0)
		r = copy_string(&tls->path[FILE_KEY], options->key_file);
	if (r == 0 && !(tls->socket_method = tls_socket_method()))
		r = -ENOMEM;
	if (r == 0 && tls->path[FILE_KEY] && !tls->path[FILE_CERT]) {
		fault_set(f, ERR_INVALID_ARGUMENT, "a key without a certificate");
		r = -EINVAL;
	}
	if (r == 0)
		r = look(tls, tls->seen, f);
	if (r == 0)
		r = load(tls, &tls->context, f);
	if (r < 0) {
		tls_free(tls);
		return r;
	}
	*ret = tls;
	return 0;
}

void
tls_free(struct tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->context);
	BIO_meth_free(tls->socket_method);
	for (int i = 0; i < FILE_COUNT; i++)
		free(tls->path[i]);
	free(tls->host);
	free(tls);
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

void
tls_refresh(struct tls *tls)
{
	struct stat seen[FILE_COUNT];
	SSL_CTX *context;
	struct fault f;
	if (look(tls, seen, &f) < 0)
		return;
	bool same = true;
	for (int i = 0; i < FILE_COUNT; i++)
		same &= same_file(&seen[i], &tls->seen[i]);
	if (same || load(tls, &context, &f) < 0)
		return;
	SSL_CTX_free(tls->context);
	tls->context = context;
	memcpy(tls->seen, seen, sizeof(seen));
}
