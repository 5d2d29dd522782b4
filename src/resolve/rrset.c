// SPDX-License-Identifier: GPL-3.0-or-later
/* RRsets in one piece: reading, copying, handing out. */
#include "rrset.h"

#include <string.h>

struct wire_rdata resolve_rrset_rdata(const struct rrset *set, unsigned n)
{
	const uint8_t *p = set->pack;
	while (n-- > 0)
		p += 2 + wire_get16(p);
	return (struct wire_rdata){p + 2, wire_get16(p)};
}

struct rrset *resolve_rrset_copy(struct arena *arena, const struct rrset *set)
{
	struct rrset *copy = arena_dup(arena, set, sizeof *set);
	if (copy == NULL)
		return NULL;
	copy->owner = arena_dup(arena, set->owner, wire_name_len(set->owner));
	copy->pack = arena_dup(arena, set->pack, set->size);
	if (copy->owner == NULL || copy->pack == NULL)
		return NULL;
	if (set->n_proofs == 0)
		return copy;
	struct rrset **proof = arena_alloc(arena, set->n_proofs * sizeof *proof);
	for (unsigned i = 0; proof != NULL && i < set->n_proofs; i++)
		if ((proof[i] = resolve_rrset_copy(arena, set->proof[i])) == NULL)
			return NULL;
	copy->proof = proof;
	return proof == NULL ? NULL : copy;
}

struct rrset *resolve_rrset_single(struct arena *arena, const uint8_t *owner, uint16_t type, const uint8_t *data,
				   uint16_t len)
{
	struct rrset *set = arena_alloc0(arena, sizeof *set);
	uint8_t *pack = arena_alloc(arena, (size_t)len + 2);
	const uint8_t *name = arena_dup(arena, owner, wire_name_len(owner));
	if (set == NULL || pack == NULL || name == NULL)
		return NULL;
	wire_put16(pack, len);
	memcpy(pack + 2, data, len);
	*set = (struct rrset){.owner = name, .type = type, .count = 1, .pack = pack, .size = (uint32_t)len + 2};
	return set;
}

uint32_t resolve_rrset_ttl(const struct rrset *set, int64_t now_ms)
{
	if (set->expires_ms <= now_ms)
		return 0;
	int64_t since_ms =
		now_ms < set->stored_ms ? set->stored_ms : now_ms; /* a clock that went back prolongs nothing */
	return (uint32_t)((set->expires_ms - since_ms) / 1000);
}

int resolve_rrset_wire(struct arena *arena, const struct rrset *set, int64_t now_ms, bool sigs, struct wire_rrset *out)
{
	unsigned n = set->count + (sigs ? set->n_sigs : 0u);
	struct wire_rdata *rdata = arena_alloc(arena, n * sizeof *rdata);
	if (rdata == NULL)
		return BANYAN_ENOMEM;
	const uint8_t *p = set->pack;
	for (unsigned i = 0; i < n; i++) {
		rdata[i] = (struct wire_rdata){p + 2, wire_get16(p)};
		p += 2 + rdata[i].len;
	}
	uint32_t ttl = resolve_rrset_ttl(set, now_ms);
	int made = 0;
	if (set->count > 0)
		out[made++] = (struct wire_rrset){set->owner, set->type, WIRE_CLASS_IN, ttl, set->count, rdata};
	if (sigs && set->n_sigs > 0)
		out[made++] = (struct wire_rrset){set->owner, WIRE_TYPE_RRSIG, WIRE_CLASS_IN,
						  ttl,        set->n_sigs,     rdata + set->count};
	return made;
}
