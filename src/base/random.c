// SPDX-License-Identifier: GPL-3.0-or-later
/* Randomness from the kernel, or from a seed; and SipHash for tables that strangers fill. */
#include "base.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void random_init_kernel(struct random *random)
{
	*random = (struct random){.seeded = false};
}

/* splitmix64 (Vigna): spreads a seed over the state */
static uint64_t split_mix(uint64_t *x)
{
	uint64_t z = *x += 0x9e3779b97f4a7c15;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

void random_init_seed(struct random *random, uint64_t seed)
{
	*random = (struct random){.seeded = true};
	for (int i = 0; i < 4; i++)
		random->state[i] = split_mix(&seed);
}

static uint64_t rotate_left(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

/* xoshiro256** (Blackman, Vigna): for what must be repeatable, never for what must be secret */
static uint64_t seeded_next(uint64_t s[4])
{
	uint64_t result = rotate_left(s[1] * 5, 7) * 9, t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

static void pool_fill(struct random *random)
{
	size_t have = 0;
	while (have < sizeof random->pool) {
		ssize_t n = getrandom(random->pool + have, sizeof random->pool - have, 0);
		if (n < 0 && errno != EINTR)
			abort(); /* without randomness every question could be forged: better to stop */
		if (n > 0)
			have += (size_t)n;
	}
	random->left = sizeof random->pool;
}

void random_bytes(struct random *random, void *out, size_t len)
{
	uint8_t *p = out;
	if (random->seeded) {
		while (len > 0) {
			uint64_t v = seeded_next(random->state);
			size_t n = len < sizeof v ? len : sizeof v;
			memcpy(p, &v, n);
			p += n;
			len -= n;
		}
		return;
	}
	while (len > 0) {
		if (random->left == 0)
			pool_fill(random);
		size_t n = len < random->left ? len : random->left;
		uint8_t *from = random->pool + sizeof random->pool - random->left;
		memcpy(p, from, n);
		memset(from, 0, n); /* used randomness is not kept */
		random->left -= n;
		p += n;
		len -= n;
	}
}

uint64_t random_u64(struct random *random)
{
	uint64_t v;
	random_bytes(random, &v, sizeof v);
	return v;
}

uint16_t random_u16(struct random *random)
{
	uint16_t v;
	random_bytes(random, &v, sizeof v);
	return v;
}

uint32_t random_below(struct random *random, uint32_t bound)
{
	/* values under `least` would make small results more likely; they are drawn again */
	uint32_t least = (0U - bound) % bound;
	for (;;) {
		uint32_t v;
		random_bytes(random, &v, sizeof v);
		if (v >= least)
			return v % bound;
	}
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate_left(v[1], 13) ^ v[0];
	v[0] = rotate_left(v[0], 32);
	v[2] += v[3];
	v[3] = rotate_left(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate_left(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate_left(v[1], 17) ^ v[2];
	v[2] = rotate_left(v[2], 32);
}

static uint64_t load_le64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

/* The last `rest` bytes of `len`, and the length in the upper byte. */
static uint64_t last_block(const uint8_t *p, size_t len, size_t rest)
{
	uint64_t last = (uint64_t)len << 56;
	if (len >= 8 && rest > 0) /* the bytes before them are there to be read too */
		return last | load_le64(p + rest - 8) >> (8 * (8 - rest));
	for (size_t i = 0; i < rest; i++)
		last |= (uint64_t)p[i] << (8 * i);
	return last;
}

__attribute__((always_inline)) static inline void sip_block(uint64_t v[4], uint64_t block, int rounds)
{
	v[3] ^= block;
	for (int i = 0; i < rounds; i++)
		sip_round(v);
	v[0] ^= block;
}

/* SipHash with so many rounds a block and at the end; constants, so each caller has code of its own. */
__attribute__((always_inline)) static inline uint64_t sip(const uint8_t *p, size_t len, const uint8_t key[16],
							  int block_rounds, int last_rounds)
{
	uint64_t k0 = load_le64(key), k1 = load_le64(key + 8);
	uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
			 k1 ^ 0x7465646279746573};
	size_t left = len;
	for (; left >= 8; p += 8, left -= 8)
		sip_block(v, load_le64(p), block_rounds);
	sip_block(v, last_block(p, len, left), block_rounds);
	v[2] ^= 0xff;
	for (int i = 0; i < last_rounds; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* SipHash-2-4 (Aumasson, Bernstein 2012) */
uint64_t hash_sip(const void *data, size_t len, const uint8_t key[16])
{
	return sip(data, len, key, 2, 4);
}

uint64_t hash_quick(const void *data, size_t len, const uint8_t key[16])
{
	return sip(data, len, key, 1, 3);
}
