// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Signatures that were found good. Whether one verifies depends on the bytes of signature, key and data alone: what held once holds again, and
 * of the next version of a zone only what is new must be computed. Dates, keys, anchors, denial and digest are judged anew each time.
 */
#include <stdlib.h>
#include <string.h>

#include "private.h"

/* Open addressing by the first bytes of the sums; at most half full. */
struct dnssec_memo {
	struct memo_sum *slot; /* all zeros = empty */
	size_t n_slots, count; /* n_slots: a power of two, or 0 */
};

struct dnssec_memo *dnssec_memo_new(void)
{
	return calloc(1, sizeof(struct dnssec_memo));
}

void dnssec_memo_free(struct dnssec_memo *memo)
{
	if (memo == NULL)
		return;
	free(memo->slot);
	free(memo);
}

size_t dnssec_memo_count(const struct dnssec_memo *memo)
{
	return memo->count;
}

int memo_sum(EVP_MD_CTX *ctx, const struct wire_rdata *key, const struct rrsig *sig, const struct buffer *data,
	     struct memo_sum *ret)
{
	/* lengths first: no two triples have the same bytes */
	uint8_t lengths[4];
	wire_put16(lengths, key->len);
	wire_put16(lengths + 2, sig->signature_len);
	if (!EVP_DigestInit_ex2(ctx, digest_md(DIGEST_SHA256), NULL) ||
	    !EVP_DigestUpdate(ctx, lengths, sizeof lengths) || !EVP_DigestUpdate(ctx, key->data, key->len) ||
	    !EVP_DigestUpdate(ctx, sig->signature, sig->signature_len) ||
	    !EVP_DigestUpdate(ctx, data->data, data->len) || !EVP_DigestFinal_ex(ctx, ret->byte, NULL))
		return BANYAN_ENOMEM;
	return 0;
}

static bool is_empty(const struct memo_sum *sum)
{
	static const struct memo_sum none;
	return memcmp(sum, &none, sizeof none) == 0;
}

/* Where it stands, or where it would. */
static struct memo_sum *find(struct memo_sum *slot, size_t n_slots, const struct memo_sum *sum)
{
	size_t at;
	memcpy(&at, sum->byte, sizeof at);
	for (at &= n_slots - 1; !is_empty(&slot[at]) && memcmp(&slot[at], sum, sizeof *sum) != 0;)
		at = (at + 1) & (n_slots - 1);
	return &slot[at];
}

bool memo_has(const struct dnssec_memo *memo, const struct memo_sum *sum)
{
	return memo->n_slots > 0 && !is_empty(find(memo->slot, memo->n_slots, sum));
}

int memo_replace(struct dnssec_memo *memo, const struct memo_sum *sums, size_t n)
{
	size_t n_slots = 16, count = 0;
	while (n_slots < 2 * n)
		n_slots *= 2;
	struct memo_sum *slot = calloc(n_slots, sizeof *slot);
	if (slot == NULL)
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct memo_sum *to = is_empty(&sums[i]) ? NULL : find(slot, n_slots, &sums[i]);
		if (to == NULL || !is_empty(to))
			continue;
		*to = sums[i];
		count++;
	}
	free(memo->slot);
	*memo = (struct dnssec_memo){.slot = slot, .n_slots = n_slots, .count = count};
	return 0;
}
