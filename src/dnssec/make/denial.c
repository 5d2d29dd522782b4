// SPDX-License-Identifier: GPL-3.0-or-later
/* Records that deny: bitmaps, NSEC3 hashes in their order, NSEC3 and NSEC3PARAM data. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

#include "dnssec/private.h"

#define HASHES_PER_BLOCK 256 /* names hashed by one call of the parallel loop */

size_t make_bitmap(const uint16_t *type, size_t n, uint8_t out[MAKE_BITMAP_MAX])
{
	size_t len = 0;
	for (size_t i = 0; i < n;) { /* RFC 4034 section 4.1.2: one block a window */
		uint8_t *block = out + len, window = (uint8_t)(type[i] >> 8);
		block[0] = window;
		memset(block + 2, 0, 32);
		for (; i < n && type[i] >> 8 == window; i++) {
			unsigned low = type[i] & 0xffU;
			block[2 + low / 8] |= (uint8_t)(0x80 >> (low & 7));
			block[1] = (uint8_t)(low / 8 + 1);
		}
		len += 2U + block[1];
	}
	return len;
}

struct hashing {
	const struct make_signing *signing;
	struct make_nsec3_name *name;
	size_t n;
};

static int hash_block(void *ctx, size_t block)
{
	const struct hashing *h = ctx;
	EVP_MD_CTX *md_ctx = EVP_MD_CTX_new();
	size_t end = (block + 1) * HASHES_PER_BLOCK;
	int rc = md_ctx != NULL ? 0 : BANYAN_ENOMEM;
	for (size_t i = block * HASHES_PER_BLOCK; rc == 0 && i < end && i < h->n; i++)
		rc = nsec3_hash(md_ctx, h->name[i].name, h->signing->nsec3.iterations, h->signing->nsec3.salt,
				h->signing->nsec3.salt_len, h->name[i].hash);
	EVP_MD_CTX_free(md_ctx);
	return rc;
}

static int hash_order(const void *a, const void *b)
{
	const struct make_nsec3_name *x = a, *y = b;
	return memcmp(x->hash, y->hash, sizeof x->hash);
}

int make_nsec3_chain(const struct make_signing *signing, struct make_nsec3_name *name, size_t n)
{
	struct hashing hashing = {.signing = signing, .name = name, .n = n};
	if (signing->nsec3.iterations > DNSSEC_NSEC3_ITERATIONS_MAX)
		return BANYAN_ELIMIT;
	int rc = parallel_for(signing->threads, (n + HASHES_PER_BLOCK - 1) / HASHES_PER_BLOCK, 1, hash_block, &hashing);
	if (rc != 0)
		return rc;
	qsort(name, n, sizeof *name, hash_order);
	for (size_t i = 1; i < n; i++)
		if (hash_order(&name[i - 1], &name[i]) == 0)
			return BANYAN_EEXIST; /* RFC 5155 section 7.1: take another salt */
	return 0;
}

int make_nsec3_owner(const uint8_t hash[20], const uint8_t *apex, uint8_t out[WIRE_NAME_MAX])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv"; /* RFC 4648 section 7 */
	size_t apex_len = wire_name_len(apex);
	if (1 + MAKE_NSEC3_LABEL_SIZE + apex_len > WIRE_NAME_MAX)
		return BANYAN_ESPACE;
	out[0] = MAKE_NSEC3_LABEL_SIZE;
	for (unsigned i = 0; i < 4; i++) { /* five bytes are eight digits */
		uint64_t bits = 0;
		for (unsigned b = 0; b < 5; b++)
			bits = bits << 8 | hash[i * 5 + b];
		for (unsigned d = 0; d < 8; d++)
			out[1 + i * 8 + d] = (uint8_t)digits[bits >> (35 - 5 * d) & 31];
	}
	memcpy(out + 1 + MAKE_NSEC3_LABEL_SIZE, apex, apex_len);
	return 1 + MAKE_NSEC3_LABEL_SIZE + (int)apex_len;
}

static size_t parameters_write(const struct make_signing *signing, uint8_t flags, uint8_t *out)
{
	out[0] = NSEC3_HASH_SHA1;
	out[1] = flags;
	wire_put16(out + 2, signing->nsec3.iterations);
	out[4] = signing->nsec3.salt_len;
	if (signing->nsec3.salt_len > 0)
		memcpy(out + 5, signing->nsec3.salt, signing->nsec3.salt_len);
	return 5U + signing->nsec3.salt_len;
}

size_t make_nsec3_head(const struct make_signing *signing, const uint8_t next[20], uint8_t *out)
{
	size_t len = parameters_write(signing, signing->nsec3.opt_out ? NSEC3_OPT_OUT : 0, out);
	out[len] = NSEC3_HASH_SIZE;
	memcpy(out + len + 1, next, NSEC3_HASH_SIZE);
	return len + 1 + NSEC3_HASH_SIZE;
}

size_t make_nsec3param(const struct make_signing *signing, uint8_t out[5 + MAKE_NSEC3_SALT_MAX])
{
	return parameters_write(signing, 0, out);
}
