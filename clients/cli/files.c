#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "cli.h"

int
read_file(struct cli *cli, const char *path, size_t max, struct buf *ret)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *file = standard ? stdin : fopen(path, "rb");
	if (!file)
		return tell_code(cli, ERR_USAGE, "%s: %s", path, strerror(errno));
	char piece[16384];
	size_t n;
	while ((n = fread(piece, 1, sizeof(piece), file)) > 0 && ret->n <= max)
		buf_append(ret, piece, n);
	int failed = ferror(file) ? errno : 0;
	if (!standard)
		fclose(file);
	if (failed)
		return tell_code(cli, ERR_USAGE, "%s: %s", path, strerror(failed));
	if (ret->n > max)
		return tell_code(cli, ERR_MESSAGE_TOO_LARGE, "%s: larger than %zu bytes", path, max);
	if (ret->error)
		return tell_code(cli, ret->error, "%s: %s", path, reason_of(ret->error)->text);
	return EXIT_OK;
}

void
sha256_hex(char dst[65], struct slice s)
{
	unsigned char digest[EVP_MAX_MD_SIZE] = {0};
	unsigned n = 0;
	EVP_Digest(s.n ? s.p : "", s.n, digest, &n, EVP_sha256(), NULL);
	hex_encode(dst, digest, 32);
}
