// SPDX-License-Identifier: GPL-3.0-or-later
/* Checksums of what is kept: SHA-256. */
#include "private.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE ((size_t)256 * 1024)

int keep_sum(const void *data, size_t len, uint8_t out[KEEP_SUM_LEN])
{
	return EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1 ? 0 : BANYAN_ENOMEM;
}

static int sum_all(EVP_MD_CTX *ctx, int fd, uint8_t *piece, struct keep_file *file)
{
	for (;;) {
		ssize_t n = pread(fd, piece, PIECE, (off_t)file->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_from_errno(errno);
		if (n == 0)
			return 0;
		if (EVP_DigestUpdate(ctx, piece, (size_t)n) != 1)
			return BANYAN_ENOMEM;
		file->len += (uint64_t)n;
	}
}

int keep_sum_fd(int fd, struct keep_file *ret)
{
	struct keep_file file = {.there = true};
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *piece = malloc(PIECE);
	int rc = BANYAN_ENOMEM;
	if (ctx != NULL && piece != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1)
		rc = sum_all(ctx, fd, piece, &file);
	if (rc == 0 && EVP_DigestFinal_ex(ctx, file.sum, NULL) != 1)
		rc = BANYAN_ENOMEM;
	EVP_MD_CTX_free(ctx);
	free(piece);
	if (rc == 0)
		*ret = file;
	return rc;
}
