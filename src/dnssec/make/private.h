// SPDX-License-Identifier: GPL-3.0-or-later
/* make, private: what a key is made of. */
#pragma once

#include <openssl/evp.h>
#include <pthread.h>

#include "make.h"

/* What is known of an algorithm that keys are made of. */
struct make_algorithm {
	uint8_t number, coordinate; /* bytes of r, of s and of each coordinate of ECDSA; 0 for others */
	const char *name;           /* libcrypto's name of the type of key or of the curve */
	const char *mnemonic;       /* in private key files */
	uint16_t digest_bits;       /* SHA-2; 0: the message itself is signed */
	uint16_t signature_len;     /* 0: as long as the modulus */
};

const struct make_algorithm *make_algorithm_find(uint8_t number);

/* A private half, shared by a key and the same key revoked. */
struct make_private {
	_Atomic unsigned users;
	EVP_PKEY *pkey; /* NULL: elsewhere */
	struct make_elsewhere elsewhere;
	pthread_mutex_t turn; /* of elsewhere.sign() */
};

struct make_key {
	const struct make_algorithm *algorithm;
	struct make_private *secret; /* NULL: public only */
	uint16_t flags, tag;
	size_t signature_len, len;
	uint64_t id; /* unique in the process */
	uint8_t rdata[MAKE_KEY_RDATA_MAX];
};

/* A key of a private half in memory, which it owns afterwards, on failure too. */
int make_key_of_pkey(EVP_PKEY *pkey, const struct make_algorithm *algorithm, uint16_t flags, struct make_key **ret)
	_must_use_;
/* NULL or an EVP_PKEY to be used with this digest. */
const EVP_MD *make_algorithm_md(const struct make_algorithm *algorithm);
