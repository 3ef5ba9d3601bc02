/* What the files of TLS share: tls_trust.c (certificates), tls_socket.c, tls.c (streams). */
#ifndef ZWY_LIB_TLS_PARTS_H
#define ZWY_LIB_TLS_PARTS_H

#include <openssl/ssl.h>
#include <sys/stat.h>

#include "tls.h"

enum { FILE_CA, FILE_CERT, FILE_KEY, FILE_COUNT };

struct tls {
	char *host, *path[FILE_COUNT]; /* NULL: not given */
	struct stat seen[FILE_COUNT];  /* as the files were when they were read */
	BIO_METHOD *socket_method;
	SSL_CTX *context;
};

struct tls_stream {
	SSL *ssl;
	const char *host;
	int fd;
	bool wants_write;
	char trouble[200];
};

/* OpenSSL's way to the stream's socket; its BIO's data is the stream. NULL: out of memory. */
BIO_METHOD *tls_socket_method(void);
/* What OpenSSL says of the last failure on this thread; forgets it. */
void tls_reason(char dst[120]);

#endif
