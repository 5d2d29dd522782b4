// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Inverses modulo the order of a curve: half of what libcrypto would spend on a signature beside its points.
 *
 * By divsteps (Bernstein and Yang, "Fast constant-time gcd computation and modular inversion", 2019), 62 at a time: what they do to
 * two long numbers depends only on the low bits of these, so 62 steps are worked out on single words and then applied to the long
 * numbers as one 2x2 matrix. Here in variable time, which is faster: signatures are public.
 */
#include "ecdsa.h"

#include <string.h>

#define LIMB_BITS 62
#define LIMB_MASK ((uint64_t)-1 >> 2)

typedef __int128 wide;

/* Limbs of 62 bits, least significant first; the last one has the sign. */
struct number {
	int64_t limb[INVERSE_LIMBS_MAX];
};

/* What 62 steps do, times 2^62: f' = u f + v g, g' = q f + r g. */
struct steps {
	int64_t u, v, q, r;
};

static void number_read(int64_t *limb, unsigned n_limbs, const uint8_t *bytes, size_t size)
{
	wide bits = 0;
	unsigned n_bits = 0, n = 0;
	memset(limb, 0, n_limbs * sizeof *limb);
	for (size_t i = size; i-- > 0;) {
		bits |= (wide)bytes[i] << n_bits;
		n_bits += 8;
		if (n_bits >= LIMB_BITS) {
			limb[n++] = (int64_t)((uint64_t)bits & LIMB_MASK);
			bits >>= LIMB_BITS;
			n_bits -= LIMB_BITS;
		}
	}
	limb[n] = (int64_t)bits;
}

static void number_write(const int64_t *limb, uint8_t *bytes, size_t size)
{
	unsigned __int128 bits = 0;
	unsigned n_bits = 0, n = 0;
	for (size_t i = size; i-- > 0;) {
		if (n_bits < 8) {
			bits |= (unsigned __int128)(uint64_t)limb[n++] << n_bits;
			n_bits += LIMB_BITS;
		}
		bytes[i] = (uint8_t)bits;
		bits >>= 8;
		n_bits -= 8;
	}
}

void inverse_modulus_init(struct inverse_modulus *ret, const uint8_t *modulus, size_t size)
{
	ret->n_limbs = (unsigned)((size * 8 + 2 + LIMB_BITS - 1) / LIMB_BITS);
	number_read(ret->limb, ret->n_limbs, modulus, size);
	uint64_t odd = (uint64_t)ret->limb[0], inverse = odd; /* right in its lowest 3 bits */
	for (unsigned bits = 3; bits < LIMB_BITS; bits *= 2)
		inverse *= 2 - odd * inverse;
	ret->inverse = inverse & LIMB_MASK;
}

/* 62 steps on the low bits of f (odd) and g. `eta` is the negative of the paper's delta. */
static int64_t steps_find(int64_t eta, uint64_t f, uint64_t g, struct steps *ret)
{
	uint64_t u = 1, v = 0, q = 0, r = 1;
	for (unsigned left = LIMB_BITS;;) {
		/* g is even: halve it, as often as it goes */
		unsigned zeros = (unsigned)__builtin_ctzll(g | (uint64_t)-1 << left);
		g >>= zeros;
		u <<= zeros;
		v <<= zeros;
		eta -= zeros;
		left -= zeros;
		if (left == 0)
			break;
		if (eta < 0) { /* f, g = g, -f */
			uint64_t was = f;
			eta = -eta;
			f = g;
			g = -was;
			was = u;
			u = q;
			q = -was;
			was = v;
			v = r;
			r = -was;
		}
		/* No exchange comes for the next eta + 1 steps, so what they add to g is a multiple of f that makes its lowest bits 0; six at
		 * most, since f (2 - f^2) is the inverse of f modulo 64. */
		unsigned most = eta + 1 < (int64_t)left ? (unsigned)eta + 1 : left;
		uint64_t mask = ((uint64_t)-1 >> (64 - most)) & 63;
		uint64_t times = g * f * (f * f - 2) & mask;
		g += f * times;
		q += u * times;
		r += v * times;
	}
	*ret = (struct steps){(int64_t)u, (int64_t)v, (int64_t)q, (int64_t)r};
	return eta;
}

/* f, g = (u f + v g, q f + r g) / 2^62, which leaves no rest. */
static void steps_apply(const struct steps *t, struct number *f, struct number *g, unsigned n_limbs)
{
	wide cf = (wide)t->u * f->limb[0] + (wide)t->v * g->limb[0];
	wide cg = (wide)t->q * f->limb[0] + (wide)t->r * g->limb[0];
	for (unsigned i = 1; i < n_limbs; i++) {
		cf = (cf >> LIMB_BITS) + (wide)t->u * f->limb[i] + (wide)t->v * g->limb[i];
		cg = (cg >> LIMB_BITS) + (wide)t->q * f->limb[i] + (wide)t->r * g->limb[i];
		f->limb[i - 1] = (int64_t)((uint64_t)cf & LIMB_MASK);
		g->limb[i - 1] = (int64_t)((uint64_t)cg & LIMB_MASK);
	}
	f->limb[n_limbs - 1] = (int64_t)(cf >> LIMB_BITS);
	g->limb[n_limbs - 1] = (int64_t)(cg >> LIMB_BITS);
}

/* The same modulo m: as many m are taken away as make it divisible. d and e stay between -2 m and m. */
static void steps_apply_modulo(const struct steps *t, struct number *d, struct number *e,
			       const struct inverse_modulus *m)
{
	int64_t d_sign = d->limb[m->n_limbs - 1] >> 63, e_sign = e->limb[m->n_limbs - 1] >> 63;
	/* m is added to what is negative, so that the range does not grow */
	int64_t md = (t->u & d_sign) + (t->v & e_sign), me = (t->q & d_sign) + (t->r & e_sign);
	wide cd = (wide)t->u * d->limb[0] + (wide)t->v * e->limb[0];
	wide ce = (wide)t->q * d->limb[0] + (wide)t->r * e->limb[0];
	md -= (int64_t)((m->inverse * (uint64_t)cd + (uint64_t)md) & LIMB_MASK);
	me -= (int64_t)((m->inverse * (uint64_t)ce + (uint64_t)me) & LIMB_MASK);
	cd += (wide)m->limb[0] * md;
	ce += (wide)m->limb[0] * me;
	for (unsigned i = 1; i < m->n_limbs; i++) {
		cd = (cd >> LIMB_BITS) + (wide)t->u * d->limb[i] + (wide)t->v * e->limb[i] + (wide)m->limb[i] * md;
		ce = (ce >> LIMB_BITS) + (wide)t->q * d->limb[i] + (wide)t->r * e->limb[i] + (wide)m->limb[i] * me;
		d->limb[i - 1] = (int64_t)((uint64_t)cd & LIMB_MASK);
		e->limb[i - 1] = (int64_t)((uint64_t)ce & LIMB_MASK);
	}
	d->limb[m->n_limbs - 1] = (int64_t)(cd >> LIMB_BITS);
	e->limb[m->n_limbs - 1] = (int64_t)(ce >> LIMB_BITS);
}

/* d += times * m, with limbs in their range again. */
static void number_add(struct number *d, int64_t times, const struct inverse_modulus *m)
{
	wide carry = 0;
	for (unsigned i = 0; i + 1 < m->n_limbs; i++) {
		carry += (wide)m->limb[i] * times + d->limb[i];
		d->limb[i] = (int64_t)((uint64_t)carry & LIMB_MASK);
		carry >>= LIMB_BITS;
	}
	d->limb[m->n_limbs - 1] += (int64_t)carry + m->limb[m->n_limbs - 1] * times;
}

static bool is_zero(const struct number *g, unsigned n_limbs)
{
	uint64_t any = 0;
	for (unsigned i = 0; i < n_limbs; i++)
		any |= (uint64_t)g->limb[i];
	return any == 0;
}

void inverse_compute(const struct inverse_modulus *m, const uint8_t *value, size_t size, uint8_t *ret)
{
	struct number d = {{0}}, e = {{1}}, f, g;
	struct steps steps;
	int64_t eta = -1;
	memcpy(f.limb, m->limb, sizeof f.limb);
	number_read(g.limb, m->n_limbs, value, size);
	/* always: d = f / value, e = g / value modulo m; at the end g is 0 and f the greatest common divisor, 1 or -1 */
	do {
		eta = steps_find(eta, (uint64_t)f.limb[0], (uint64_t)g.limb[0], &steps);
		steps_apply_modulo(&steps, &d, &e, m);
		steps_apply(&steps, &f, &g, m->n_limbs);
	} while (!is_zero(&g, m->n_limbs));
	if (d.limb[m->n_limbs - 1] < 0)
		number_add(&d, 1, m);
	if (f.limb[m->n_limbs - 1] < 0) {
		for (unsigned i = 0; i < m->n_limbs; i++)
			d.limb[i] = -d.limb[i];
		number_add(&d, 0, m);
	}
	if (d.limb[m->n_limbs - 1] < 0)
		number_add(&d, 1, m);
	number_write(d.limb, ret, size);
}
