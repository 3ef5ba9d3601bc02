/* Certificates for tests, made on the spot: an authority, and whom it vouches for. */
#ifndef ZWY_TESTS_LIB_PKI_H
#define ZWY_TESTS_LIB_PKI_H

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PKI_DAY 86400L

struct pki_pair {
	EVP_PKEY *key;
	X509 *cert;
};

struct pki {
	char folder[40];
	struct pki_pair authority, other;
	char files[16][64]; /* to be removed */
	int file_count;
};

static void
pki_must(bool held)
{
	if (!held) {
		ERR_print_errors_fp(stderr);
		abort();
	}
}

static void
pki_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	pki_must(e);
	X509_add_ext(cert, e, -1);
	X509_EXTENSION_free(e);
}

/* by NULL: an authority of its own. names: "DNS:a.example,IP:127.0.0.1" or NULL. */
static struct pki_pair
pki_issue(const struct pki_pair *by, const char *subject, const char *names, long from_day, long to_day)
{
	struct pki_pair made = {EVP_EC_gen("P-256"), X509_new()};
	static int serial;
	pki_must(made.key && made.cert);
	X509_set_version(made.cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(made.cert), ++serial + getpid());
	X509_gmtime_adj(X509_getm_notBefore(made.cert), from_day * PKI_DAY);
	X509_gmtime_adj(X509_getm_notAfter(made.cert), to_day * PKI_DAY);
	X509_set_pubkey(made.cert, made.key);
	X509_NAME *name = X509_get_subject_name(made.cert);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)subject, -1, -1, 0);
	const struct pki_pair *issuer = by ? by : &made;
	X509_set_issuer_name(made.cert, X509_get_subject_name(issuer->cert));
	pki_extension(made.cert, issuer->cert, NID_basic_constraints,
		      by ? "critical,CA:FALSE" : "critical,CA:TRUE");
	if (names)
		pki_extension(made.cert, issuer->cert, NID_subject_alt_name, names);
	pki_must(X509_sign(made.cert, issuer->key, EVP_sha256()) > 0);
	return made;
}

static void
pki_pair_free(struct pki_pair *p)
{
	EVP_PKEY_free(p->key);
	X509_free(p->cert);
}

/* Where it was written: certificate, key, or both. Also replaces what stands there. */
static const char *
pki_write(struct pki *pki, const char *name, const struct pki_pair *p, bool cert, bool key)
{
	char path[64], part[80];
	snprintf(path, sizeof(path), "%s/%s", pki->folder, name);
	snprintf(part, sizeof(part), "%s.part", path);
	FILE *f = fopen(part, "w");
	pki_must(f);
	if (cert)
		pki_must(PEM_write_X509(f, p->cert));
	if (key)
		pki_must(PEM_write_PrivateKey(f, p->key, NULL, NULL, 0, NULL, NULL));
	fclose(f);
	rename(part, path);
	for (int i = 0; i < pki->file_count; i++)
		if (strcmp(pki->files[i], path) == 0)
			return pki->files[i];
	snprintf(pki->files[pki->file_count], sizeof(pki->files[0]), "%s", path);
	return pki->files[pki->file_count++];
}

static inline void
pki_init(struct pki *pki)
{
	*pki = (struct pki){0};
	snprintf(pki->folder, sizeof(pki->folder), "/tmp/zwy-pki-XXXXXX");
	pki_must(mkdtemp(pki->folder));
	pki->authority = pki_issue(NULL, "the tests' authority", NULL, -1, 30);
	pki->other = pki_issue(NULL, "another authority", NULL, -1, 30);
}

static inline void
pki_release(struct pki *pki)
{
	for (int i = 0; i < pki->file_count; i++)
		unlink(pki->files[i]);
	rmdir(pki->folder);
	pki_pair_free(&pki->authority);
	pki_pair_free(&pki->other);
}

static int
pki_choose_h2(SSL *ssl, const unsigned char **ret, unsigned char *ret_n, const unsigned char *offered,
	      unsigned n, void *ctx)
{
	(void)ssl;
	return SSL_select_next_proto((unsigned char **)ret, ret_n, ctx, 3, offered, n) ==
			       OPENSSL_NPN_NEGOTIATED
		       ? SSL_TLSEXT_ERR_OK
		       : SSL_TLSEXT_ERR_NOACK;
}

/* What a server shows. clients: whose certificates it asks for; NULL: it does not. */
static inline SSL_CTX *
pki_server(const struct pki_pair *shown, const struct pki_pair *clients, const char *protocol)
{
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());
	pki_must(c && SSL_CTX_use_certificate(c, shown->cert) == 1 &&
		 SSL_CTX_use_PrivateKey(c, shown->key) == 1);
	if (protocol)
		SSL_CTX_set_alpn_select_cb(c, pki_choose_h2, (void *)protocol);
	if (clients) {
		X509_STORE_add_cert(SSL_CTX_get_cert_store(c), clients->cert);
		SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	return c;
}

#endif
